"""The sandbox under load, beside Prism's mock of our own openapi.yaml; `make load`.

    python -m tests.bench.load --messages 100000 --clients 50 --rounds 20 --keep 20000

Each round sends its share to the sandbox, a process of its own, then a tenth as much to Prism, by the
same clients with the same requests, one message in each. After a round the sandbox is asked for every
message of it. Ends with 1 if a request was not answered as it should be, if a message was not accepted
just once, or if the memory of the sandbox still grows when it has been full for a while.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import urlopen

import attrs

from tests.peers.packages import ROOT, CannotInstall, Package

if TYPE_CHECKING:
    from collections.abc import Iterator

PRISM = Package(name="prism", registry="npm", package="@stoplight/prism-cli", version="5.16.0")
SHARE = 10  # Prism gets one request for so many that the sandbox gets
KEY = "load"
FLAT = 0.05  # so much more memory in the last third than in the third before is still flat
_GOOD = "200 with its messageId"
_PATIENCE = 60  # seconds until a server listens
_PAGE = 4096


@attrs.frozen
class Server:
    """A server that is measured."""

    port: int
    pid: int

    def read_memory(self) -> float:
        """Return its resident memory in MiB."""
        pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * _PAGE / 2**20


@attrs.frozen
class Round:
    """What one round has shown."""

    sandbox: float
    """Messages in a second."""
    prism: float
    memory: float
    """Of the sandbox, in MiB."""


def build_request(port: int, bulk: str, name: str) -> bytes:
    """Return a request with one message, as bytes."""
    message = {
        "from": "InfoSMS",
        "destinations": [{"to": "41793026727", "messageId": name}],
        "text": f"Your table for two is ready, number {name}.",
        "callbackData": name,
        "validityPeriod": 720,
    }
    body = json.dumps({"bulkId": bulk, "messages": [message]}).encode()
    head = (
        f"POST /sms/2/text/advanced HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: App {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send_all(port: int, bulk: str, names: Iterator[str], answers: Counter[str]) -> None:
    """Be one client: send over one connection until there are no more names; count what comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for name in names:
        writer.write(build_request(port, bulk, name))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        status = head.split(b" ", 2)[1].decode()
        named = f'"messageId":"{name}"'.encode() in body
        answers[f"{status} {'with' if named else 'without'} its messageId"] += 1
    writer.close()
    await writer.wait_closed()


async def play(port: int, bulk: str, count: int, clients: int) -> tuple[float, Counter[str]]:
    """Send so many messages by so many clients at once; return the seconds and the answers."""
    answers: Counter[str] = Counter()
    names = (f"{bulk}-{number}" for number in range(count))
    begin = time.perf_counter()
    await asyncio.gather(*(send_all(port, bulk, names, answers) for _ in range(clients)))
    return time.perf_counter() - begin, answers


def check_round(port: int, bulk: str, count: int) -> list[str]:
    """Say what is wrong with what the sandbox has of a round."""
    query = urlencode({"bulkId": bulk, "limit": count + 1})
    with urlopen(f"http://127.0.0.1:{port}/sandbox/messages?{query}") as response:
        found = Counter(message["messageId"] for message in json.load(response)["messages"])
    wanted = {f"{bulk}-{number}" for number in range(count)}
    twice = [name for name, times in found.items() if times > 1]
    lost, strange = wanted - found.keys(), found.keys() - wanted
    kinds = {"accepted twice": twice, "lost": lost, "never sent": strange}
    return [f"{bulk}: {len(names)} {kind}" for kind, names in kinds.items() if names]


@contextmanager
def run_server(command: list[str], port: int) -> Iterator[Server]:
    """Run a server until the end of the block."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT) as process:
        try:
            _wait_until_it_listens(process, port)
            yield Server(port, process.pid)
        finally:
            process.terminate()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise CannotInstall(f"{process.args!r} does not listen")


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def run_sandbox(keep: int) -> Iterator[Server]:
    """Run a sandbox that keeps so many messages."""
    port = _find_port()
    words = ["sandbox", "--port", str(port), "--api-key", KEY, "--keep", str(keep)]
    with run_server([sys.executable, "-m", "infobip_sms", *words], port) as server:
        yield server


@contextmanager
def run_prism() -> Iterator[Server]:
    """Run Prism's mock, which says nothing but errors, since saying more slows it down."""
    PRISM.install()
    port = _find_port()
    words = ["mock", "-p", str(port), "-v", "error", str(ROOT / "schema" / "openapi.yaml")]
    with run_server([*PRISM.find_program("prism"), *words], port) as server:
        yield server


def run(messages: int, clients: int, rounds: int, keep: int) -> list[str]:
    """Play all rounds, print them, and return what is wrong."""
    wrong: list[str] = []
    seen: list[Round] = []
    share = messages // rounds
    with run_sandbox(keep) as sandbox, run_prism() as prism:
        print(f"{'round':>5} {'sandbox/s':>10} {'Prism/s':>8} {'ratio':>6} {'sandbox MiB':>12}")
        for number in range(rounds):
            bulk = f"round-{number}"
            seconds, answers = asyncio.run(play(sandbox.port, bulk, share, clients))
            wrong += [f"{bulk}: {n} {a}" for a, n in answers.items() if a != _GOOD]
            wrong += check_round(sandbox.port, bulk, share)
            few = max(share // SHARE, 1)
            others, mocked = asyncio.run(play(prism.port, bulk, few, clients))
            wrong += [f"{bulk}: Prism: {n} {a}" for a, n in mocked.items() if a[:3] != "200"]
            seen.append(Round(share / seconds, few / others, sandbox.read_memory()))
            print_round(number, seen[-1])
    print_end(seen, share * rounds, clients)
    return wrong + check_memory([r.memory for r in seen], rounds * share, keep)


def print_round(number: int, seen: Round) -> None:
    """Print a line of the table."""
    ratio = seen.sandbox / seen.prism
    print(
        f"{number:5} {seen.sandbox:10.0f} {seen.prism:8.0f} {ratio:6.2f} {seen.memory:12.1f}",
        flush=True,
    )


def print_end(seen: list[Round], messages: int, clients: int) -> None:
    """Print what it all comes to."""
    sandbox = statistics.median(r.sandbox for r in seen)
    prism = statistics.median(r.prism for r in seen)
    ratio = statistics.median(r.sandbox / r.prism for r in seen)
    print(
        f"{messages} messages by {clients} clients: median {sandbox:.0f}/s, Prism {prism:.0f}/s,"
        f" ratio {ratio:.2f}; memory at the end {seen[-1].memory:.1f} MiB"
    )


def check_memory(samples: list[float], messages: int, keep: int) -> list[str]:
    """Say whether memory still grows in the last third of the run, when it is steady."""
    third = len(samples) // 3
    if third == 0 or messages < 3 * keep:
        print("too short a run to tell whether memory is flat")
        return []
    before, after = max(samples[third : 2 * third]), max(samples[2 * third :])
    growth = after / before - 1
    print(
        f"memory: at most {before:.1f} MiB in the second third, {after:.1f} in the last: {growth:+.1%}"
    )
    return [f"memory grows by {growth:.1%}"] if growth > FLAT else []


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Load a sandbox, beside Prism's mock.")
    for name, default in (("messages", 100_000), ("clients", 50), ("rounds", 20), ("keep", 20_000)):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N")
    options: dict[str, Any] = vars(parser.parse_args())
    try:
        wrong = run(**options)
    except CannotInstall as problem:
        wrong = [str(problem)]
    for line in wrong:
        print(f"load: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
