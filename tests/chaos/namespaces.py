"""Three machines: an application, the sandbox and the conformance suite, each in a network of its own.

    python -m tests.chaos.namespaces

Linux network namespaces stand in for containers. The sandbox has a link to each of the others, and those
have none to each other. Needs root and the command ip. Only what was allowed may work.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "namespaces"
PORT = 8080
CALLBACK_PORT = 9000
_LINKS = {"application": "10.77.1", "suite": "10.77.2"}
_NAMES = {"sandbox": 1, "evil.example": 1, "application": 2, "suite": 2}
"""Names and the last part of their addresses; evil.example is the name of a site rebound to the sandbox."""
_PROBE = Path(__file__).with_name("probe.py")


@attrs.frozen
class Machine:
    """One network namespace."""

    name: str

    @property
    def namespace(self) -> str:
        """Its name for the system, which other runs do not use."""
        return f"sms-{os.getpid()}-{self.name}"

    def build_command(self, *command: str) -> list[str]:
        """Return a command that runs another one there."""
        return ["ip", "netns", "exec", self.namespace, *command]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command there, and wait for its end."""
        return subprocess.run(
            self.build_command(*command), capture_output=True, text=True, check=False, timeout=300
        )

    def probe(self, *arguments: str) -> str:
        """Run the probe there; return what it prints."""
        done = self.run(sys.executable, str(_PROBE), *arguments)
        return (done.stdout or done.stderr.strip().rpartition("\n")[2]).strip()


APPLICATION, SANDBOX, SUITE = Machine("application"), Machine("sandbox"), Machine("suite")


def find_obstacle() -> str:
    """Return why namespaces cannot be made here; empty if they can."""
    if shutil.which("ip") is None:
        return "the command ip is not installed"
    name = f"sms-{os.getpid()}"
    done = _ip("netns", "add", name)
    if done.returncode:
        return f"network namespaces are not permitted: {done.stderr.strip()}"
    _ip("netns", "delete", name)
    return ""


@contextmanager
def link_machines() -> Iterator[None]:
    """Make the three machines, with links from the sandbox to the others."""
    with ExitStack() as stack:
        for machine in (APPLICATION, SANDBOX, SUITE):
            _require_ip("netns", "add", machine.namespace)
            stack.callback(_ip, "netns", "delete", machine.namespace)
            _require_ip("-n", machine.namespace, "link", "set", "lo", "up")
            folder = Path("/etc/netns") / machine.namespace
            folder.mkdir(parents=True)
            stack.callback(shutil.rmtree, folder)
            (folder / "hosts").write_text(_build_hosts(machine), encoding="ascii")
        for number, machine in enumerate((APPLICATION, SUITE)):
            _link(machine, number)
        yield


def _build_hosts(machine: Machine) -> str:
    """Return what names a machine knows: those of its own link, the sandbox those of both."""
    links = [_LINKS[machine.name]] if machine.name in _LINKS else list(_LINKS.values())
    lines = ["127.0.0.1 localhost"]
    for name, last in _NAMES.items():
        link = _LINKS.get(name, links[0])
        if link in links:
            lines.append(f"{link}.{last} {name}")
    return "\n".join(lines) + "\n"


def _link(machine: Machine, number: int) -> None:
    here, there = f"sms{os.getpid()}s{number}", f"sms{os.getpid()}m{number}"
    pair = ("link", "add", here, "netns", SANDBOX.namespace, "type", "veth")
    _require_ip(*pair, "peer", "name", there, "netns", machine.namespace)
    for namespace, name, last in ((SANDBOX.namespace, here, 1), (machine.namespace, there, 2)):
        address = f"{_LINKS[machine.name]}.{last}/24"
        _require_ip("-n", namespace, "address", "add", address, "dev", name)
        _require_ip("-n", namespace, "link", "set", name, "up")


def _ip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)  # noqa: S607 - from PATH


def _require_ip(*arguments: str) -> None:
    done = _ip(*arguments)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


@contextmanager
def run_sandbox(*options: str) -> Iterator[None]:
    """Run a sandbox on its machine."""
    command = (sys.executable, "-m", "infobip_sms", "sandbox", "--port", str(PORT))
    with subprocess.Popen(
        SANDBOX.build_command(*command, "--api-key", KEY, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it listens
        try:
            yield
        finally:
            process.terminate()


@attrs.frozen
class Row:
    """One thing that was tried."""

    what: str
    expected: str
    actual: str

    @property
    def is_ok(self) -> bool:
        """Whether what came out is what was expected, which may be its beginning."""
        return self.actual.startswith(self.expected)


def try_default() -> Iterator[Row]:
    """A sandbox without options is for its own machine."""
    with run_sandbox():
        health = f"http://127.0.0.1:{PORT}/sandbox/health"
        yield Row("sandbox: health on loopback", "200", SANDBOX.probe("GET", health))
        url = f"http://{_LINKS['application']}.1:{PORT}/sandbox/health"
        yield Row("application: without --host", "refused", APPLICATION.probe("GET", url))


def try_address() -> Iterator[Row]:
    """``--host`` opens it by its addresses, not by a name."""
    with run_sandbox("--host", "0.0.0.0"):  # noqa: S104 - in a network of its own
        by_address = f"http://{_LINKS['application']}.1:{PORT}/sandbox/health"
        yield Row(
            "application: with --host, by address", "200", APPLICATION.probe("GET", by_address)
        )
        yield Row("application: by name", "403", APPLICATION.probe("GET", _url("/sandbox/health")))


def _url(path: str, host: str = "sandbox") -> str:
    return f"http://{host}:{PORT}{path}"


def try_allowed() -> Iterator[Row]:
    """``--allow-host`` and ``--allow-callback`` let one application in, and no foreign page."""
    allowed = ("--allow-host", "sandbox", "--allow-callback", "application")
    with run_sandbox("--host", "0.0.0.0", *allowed):  # noqa: S104 - in a network of its own
        probe = APPLICATION.probe
        yield Row("application: by allowed name", "200", probe("GET", _url("/sandbox/health")))
        yield Row("application: the page", "200", probe("GET", _url("/sandbox/")))
        yield Row("application: client without trust_http", "rejected", probe("SEND", _url("")))
        sent = probe("SEND", _url(""), "sandbox")
        yield Row("application: client with trust_http", "PENDING_ACCEPTED", sent)
        report = probe("REPORT", _url(""), f"http://application:{CALLBACK_PORT}/")
        yield Row("application: a report to --allow-callback", "DELIVERED_TO_HANDSET", report)
        report = probe("REPORT", _url(""), f"http://{_LINKS['application']}.2:{CALLBACK_PORT}/")
        yield Row("application: a report elsewhere", "none", report)
        yield from _try_foreign_pages()
        seen = json.loads(probe("BODY", _url("/sandbox/messages")))["total"]
        yield Row("sandbox: messages after all that", "3", str(seen))


def _try_foreign_pages() -> Iterator[Row]:
    origin, null = "Origin: http://evil.example", "Origin: null"
    tries = {
        "DNS rebinding": (_url("", "evil.example"),),
        "Host of another site": (_url(""), "Host: evil.example"),
        "Host with its port": (_url(""), f"Host: evil.example:{PORT}"),
        "Origin of another site": (_url(""), origin),
        "Origin null": (_url(""), null),
        "Origin and a rebound name": (_url("", "evil.example"), f"{origin}:{PORT}"),
    }
    for name, (url, *headers) in tries.items():
        for method, path in (
            ("POST", "/sandbox/reset"),
            ("GET", "/sandbox/messages"),
            ("DELETE", "/sandbox/messages"),
            ("GET", "/sandbox/"),
            ("OPTIONS", "/sandbox/reset"),
            ("POST", "/sms/2/text/advanced"),
        ):
            actual = APPLICATION.probe(method, url + path, *headers)
            yield Row(f"foreign page: {name}: {method} {path}", "403", actual)


def try_suite() -> Iterator[Row]:
    """The suite contacts another machine when it is told to, and over http when it is told that as well."""
    suite = (sys.executable, "-m", "infobip_sms_conformance", "server", _url(""), "--api-key", KEY)
    port = str(CALLBACK_PORT)
    callback = ("--callback", f"http://suite:{port}", "--callback-port", port)
    everywhere = ("--callback-host", "0.0.0.0")  # noqa: S104 - in a network of its own
    numbers = [
        word for to in ("41793026727", "41793026731", "41793026785") for word in ("--to", to)
    ]
    whole = (
        "--no-basic",
        *numbers,
        "--max-messages",
        "1000",
        "--profile",
        "full",
        "--clock",
        "--quiet",
        *callback,
        *everywhere,
    )
    allowed = ("--allow-host", "sandbox", "--allow-callback", "suite", "--rate", "1000")
    with run_sandbox("--host", "0.0.0.0", *allowed):  # noqa: S104 - in a network of its own
        done = SUITE.run(*suite)
        yield Row("suite: without --live", "3", f"{done.returncode} {done.stderr.strip()}")
        done = SUITE.run(*suite, "--live")
        yield Row("suite: without --trust-http", "3", f"{done.returncode} {done.stderr.strip()}")
        done = SUITE.run(*suite, "--live", "--trust-http", "sandbox", *whole)
        summary = f"{done.returncode} {done.stdout.strip()} {done.stderr.strip()}"
        yield Row("suite: everything, with both", "0", summary)
        yield Row("suite: it warns", "True", str("unencrypted to sandbox" in done.stderr))


def run() -> list[Row]:
    """Try everything on three machines."""
    with link_machines():
        return [
            row for part in (try_default, try_address, try_allowed, try_suite) for row in part()
        ]


def main() -> int:
    """Print what was tried and what came out; return 0 if nothing went wrong."""
    if obstacle := find_obstacle():
        print(f"skipped: {obstacle}")
        return 0
    started = time.monotonic()
    rows = run()
    for row in rows:
        print(
            f"{'ok' if row.is_ok else 'FAILED':7} {row.what}: {row.actual[: 2000 * (not row.is_ok) + 100]}"
        )
    wrong = sum(not row.is_ok for row in rows)
    print(f"{len(rows)} tried, {wrong} wrong, {time.monotonic() - started:.0f} s")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
