"""The servers that the suite is tested by: programs of their own, good and broken ones."""

import shlex
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infobip_sms_conformance.contract.generated import DEFAULT_SEED
from infobip_sms_conformance.run.result import RunResult
from infobip_sms_conformance.run.runner import build_plan, run_suite
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import parse_target
from infobip_sms_conformance.transport.processes import ServerStartError, run_program

__all__ = [
    "ACCOUNT",
    "ServerStartError",
    "SystemUnderTest",
    "get_quick_systems",
    "get_systems",
    "get_undetectable",
    "run_once",
    "start_system",
]

ACCOUNT = ("Aladdin", "open sesame", "a key for the selftest only")
SERVERS = Path(__file__).parent
SANDBOX = (sys.executable, "-m", "infobip_sms", "sandbox")
CONFORMING_PER_PROGRAM = 3
ACCOUNT_OPTIONS = (
    "--port",
    "0",
    "--user",
    ACCOUNT[0],
    "--password",
    ACCOUNT[1],
    "--api-key",
    ACCOUNT[2],
)


@dataclass(frozen=True)
class SystemUnderTest:
    """A server to be checked."""

    name: str
    command: tuple[str, ...]
    broken_requirement: str | None = None
    """The requirement that it breaks; none for an allowed server."""
    warned: tuple[str, ...] = ()
    """SHOULDs that an allowed server does not keep."""
    without: tuple[str, ...] = ()
    """What it does not have."""
    clock: bool = False


def get_systems(*, everything: bool = False) -> list[SystemUnderTest]:
    """Return the servers of a run.

    Of a third party with many faults there is one for each requirement, unless everything is asked for.
    """
    return [*iter_sandboxes(), *iter_independent_servers(everything=everything)]


def get_quick_systems() -> list[SystemUnderTest]:
    """Return one broken server for each requirement, and some allowed ones of every program.

    The sandbox is the last choice: servers that share no code with it say more about the suite, and start faster.
    """
    subjects = [*iter_independent_servers(everything=False), *iter_sandboxes()]
    broken: dict[str, SystemUnderTest] = {}
    legal: dict[str, list[SystemUnderTest]] = {}
    for subject in subjects:
        if subject.broken_requirement is None:
            legal.setdefault(subject.name.partition(" ")[0], []).append(subject)
        else:
            broken.setdefault(subject.broken_requirement, subject)
    return [
        *broken.values(),
        *(one for forms in legal.values() for one in forms[:CONFORMING_PER_PROGRAM]),
    ]


def get_undetectable() -> dict[str, list[str]]:
    """Return the broken servers that no short run can tell from good ones, by the reason."""
    return {
        group["why"]: [f"{row['name']} {name}" for name in group["names"]]
        for row in read_toml("independent_servers.toml")["server"]
        for group in row.get("unseen", ())
    }


def iter_sandboxes() -> Iterator[SystemUnderTest]:
    """Yield the sandbox: as it is, with other readings, and with each of its faults."""
    yield SystemUnderTest("sandbox", SANDBOX, clock=True)
    listed = read_toml("sandbox_mutants.toml")
    for options in listed["legal"]:
        yield SystemUnderTest(f"sandbox {options}", (*SANDBOX, *shlex.split(options)), clock=True)
    for fault, number in listed["faults"].items():
        yield SystemUnderTest(f"sandbox {fault}", (*SANDBOX, "--fault", fault), number, clock=True)


def iter_independent_servers(*, everything: bool) -> Iterator[SystemUnderTest]:
    """Yield the servers that share no code with the sandbox."""
    for row in read_toml("independent_servers.toml")["server"]:
        yield from iter_conforming(row)
        yield from iter_mutants(row, everything=everything or not row.get("one_each"))


def iter_conforming(row: Any) -> Iterator[SystemUnderTest]:
    """Yield the allowed forms of a third party."""
    for legal in row["legal"]:
        options = tuple(legal["options"])
        yield SystemUnderTest(
            " ".join((row["name"], *options)),
            (*build_command(row), *options),
            warned=tuple(legal.get("warned", ())),
            without=(*row.get("without", ()), *legal.get("without", ())),
        )


def iter_mutants(row: Any, *, everything: bool) -> Iterator[SystemUnderTest]:
    """Yield the broken forms of a third party that show in a short run: all, or one for each requirement."""
    unseen = {name for names in get_undetectable().values() for name in names}
    broken = set[str]()
    for fault in read_toml(row["faults"])["fault"]:
        name, number = f"{row['name']} {fault['name']}", fault["requirement"]
        if name not in unseen and (everything or number not in broken):
            broken.add(number)
            command = (*build_command(row), "--break", fault["name"])
            yield SystemUnderTest(name, command, number, without=tuple(row.get("without", ())))


def build_command(row: Any) -> tuple[str, ...]:
    """Return how a third party is started."""
    return (sys.executable, str(SERVERS / row["program"]), *row.get("always", ()))


def read_toml(name: str) -> Any:
    """Return a list of servers."""
    return tomllib.loads((SERVERS / name).read_text("utf-8"))


def run_once(
    system: SystemUnderTest, url: str, *, seed: int = DEFAULT_SEED, only: Sequence[str] = ()
) -> RunResult:
    """Check a server that is running."""
    target = parse_target(url)
    plan = build_plan(
        target, clock=system.clock and not only, without=system.without, seed=seed, only=only
    )
    record, _ = run_suite(target, Credentials(*ACCOUNT), plan, only=only)
    return record


def start_system(system: SystemUnderTest) -> AbstractContextManager[str]:
    """Run a server for the time of a ``with`` block; give its URL."""
    return run_program([*system.command, *ACCOUNT_OPTIONS])
