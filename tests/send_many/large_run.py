"""Large runs against a ledger that is killed, and by a sender that is killed.

    python -m tests.send_many.large_run server 200000     kill the server in the middle, start it again
    python -m tests.send_many.large_run sender 200000     kill the sender ten times, at chosen and random moments
    python -m tests.send_many.large_run memory 200000     compare peaks of resident memory
    python -m tests.send_many.large_run all 200000        all three; `make volume`

Each ends with the account of the server's file against the input and the outcomes, and exits with 0
only if every destination was accepted exactly once or reported. tests/test_volume_kills.py runs the
same with fewer destinations.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from infobip_sms import Client, Retry
from tests.fakes.ledger_process import AUTH, Ledger, build_messages, build_number

KILLS = 10
SMALL = 20_000
ZEROS = (
    "accepted twice",
    "never asked for",
    "neither accepted nor told",
    "told as accepted, but not there",
    "there, but not told as accepted",
    "out of order",
)
_LINE = len("41000000001 xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx bulk-1 1\n")


def send(url: str, count: int, journal: str, on_unknown: str, chunk: int) -> dict[str, Any]:
    """Send so many messages, and return how many outcomes of each kind there were."""
    states: Counter[str] = Counter()
    unknown, misplaced = [], 0
    retry = Retry(attempts=10, wait_initial=0.1)
    with Client(url, auth=AUTH, retry=retry, timeout=20) as client:
        outcomes = client.send_many(
            build_messages(count),
            journal=journal or None,
            on_unknown=on_unknown,  # type: ignore[arg-type] # from a command line
            chunk=chunk,
            log_delay=1,
        )
        for place, outcome in enumerate(outcomes):
            states[outcome.state] += 1
            misplaced += outcome.to != build_number(place) or outcome.index != place
            if outcome.state != "accepted":
                unknown.append(outcome.to)
    return {"states": states, "others": unknown, "misplaced": misplaced, "peak_kib": read_peak()}


def read_peak() -> int:
    """Return the peak of this process's memory in KiB; getrusage would tell the parent's, if larger."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(status.read_text(encoding="ascii").partition("VmHWM:")[2].split()[0])


ROOT = Path(__file__).resolve().parents[2]


def start_sender(url: str, count: int, *arguments: object) -> subprocess.Popen[str]:
    """Start ``send`` as a process of its own; it prints its result."""
    command = [sys.executable, "-m", "tests.send_many.large_run", "send", url, count, *arguments]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True, cwd=ROOT)


def finish(sender: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the result of a sender that is left alone."""
    out, _ = sender.communicate()
    assert sender.returncode == 0, sender.returncode
    result: dict[str, Any] = json.loads(out)
    return result


def kill_senders(ledger: Ledger, count: int, seed: int, *arguments: object) -> list[int]:
    """Run the sender and kill it, ten times; return how much had been accepted at each kill.

    Most are killed when a share of all is accepted, and a random moment later; two at a random
    moment after their start, when they read the journal, ask the logs, or have just begun.
    """
    chance = random.Random(seed)  # noqa: S311 - moments
    accepted = []
    for kill in range(KILLS):
        early = kill in {3, 7}
        share = 0 if early else count * (kill + 1) // (KILLS + 2)
        later = chance.random() * (0.5 if early else count / 1_000_000)
        with start_sender(ledger.url, count, *arguments) as sender:
            while ledger.size < share * _LINE and sender.poll() is None:
                time.sleep(0.002)
            time.sleep(later)
            assert sender.poll() is None, "it ended before it was killed"
            sender.kill()
        accepted.append(ledger.size // _LINE)
    return accepted


def account(ledger: Ledger, count: int, result: dict[str, Any]) -> dict[str, Any]:
    """Compare what the server accepted with the input and with what was reported."""
    times = Counter(ledger.numbers)
    wanted = {build_number(index) for index in range(count)}
    others = set(result["others"])
    return {
        "destinations": count,
        "reported": sum(result["states"].values()),
        "states": dict(result["states"]),
        "in the ledger": len(times),
        "accepted twice": sum(1 for n in times.values() if n > 1),
        "never asked for": len(times.keys() - wanted),
        "neither accepted nor told": len(wanted - times.keys() - others),
        "told as accepted, but not there": len(wanted - others - times.keys()),
        "there, but not told as accepted": len(others & times.keys()),
        "out of order": result["misplaced"],
    }


def is_right(found: dict[str, Any]) -> bool:
    """Tell whether an account balances."""
    return found["reported"] == found["destinations"] and not any(found[name] for name in ZEROS)


def run_sender(folder: Path, count: int, on_unknown: str, chunk: int, seed: int) -> dict[str, Any]:
    """Kill the sender ten times, let the eleventh finish, and return the account."""
    journal = folder / "run.journal"
    pause = (
        0.01 if count < SMALL else 0.0
    )  # seconds for a request: a few take long enough to be killed in
    with Ledger(folder, "--pause", pause) as ledger:
        kills = kill_senders(ledger, count, seed, journal, on_unknown, chunk)
        result = finish(start_sender(ledger.url, count, journal, on_unknown, chunk))
        return {**account(ledger, count, result), "accepted at the kills": kills}


def run_server(folder: Path, count: int, on_unknown: str, chunk: int) -> dict[str, Any]:
    """Kill the server in the middle, start it again after a second, and return the account."""
    with Ledger(folder) as ledger:
        sender = start_sender(ledger.url, count, folder / "run.journal", on_unknown, chunk)
        restart = threading.Thread(target=restart_in_the_middle, args=(ledger, count))
        restart.start()
        result = finish(sender)
        restart.join()
        return account(ledger, count, result)


def restart_in_the_middle(ledger: Ledger, count: int) -> None:
    """Kill the server when half is accepted, and start it again."""
    while ledger.size < count // 2 * _LINE:
        time.sleep(0.002)
    ledger.kill()
    time.sleep(1)
    ledger.start()


def measure(folder: Path, count: int, chunk: int) -> int:
    """Return the peak of resident memory of a sender with a journal, in KiB."""
    folder.mkdir()
    with Ledger(folder) as ledger:
        journal = folder / "run.journal"
        return int(finish(start_sender(ledger.url, count, journal, "report", chunk))["peak_kib"])


def show(title: str, found: dict[str, Any], started: float) -> bool:
    """Print an account; tell whether it balances."""
    print(f"{title}, {time.monotonic() - started:.1f} s")
    for name, value in found.items():
        print(f"  {name}: {value}")
    return is_right(found)


def main(what: str, count: int, chunk: int = 500) -> int:
    """Run what was asked for."""
    right = True
    for on_unknown in ("reconcile", "resend"):
        for name in ("server", "sender"):
            if what not in {name, "all"}:
                continue
            started = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                if name == "server":
                    found = run_server(Path(folder), count, on_unknown, chunk)
                else:
                    found = run_sender(Path(folder), count, on_unknown, chunk, seed=1)
            right &= show(f"{name} killed, on_unknown={on_unknown}", found, started)
    if what in {"memory", "all"}:
        with tempfile.TemporaryDirectory() as folder:
            peaks = [measure(Path(folder) / str(n), n, chunk) for n in (count // 10, count)]
        print(f"peak of resident memory: {peaks[0]} KiB for {count // 10}, {peaks[1]} for {count}")
        right &= peaks[1] < 1.3 * peaks[0]
    print("all is accounted for" if right else "SOMETHING IS WRONG")
    return 0 if right else 1


if __name__ == "__main__":
    if sys.argv[1] == "send":
        _, _, url, count, journal, on_unknown, chunk = sys.argv
        print(json.dumps(send(url, int(count), journal, on_unknown, int(chunk))))
    else:
        sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
