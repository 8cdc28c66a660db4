"""The judge of clients is judged: broken callers, each of which it must fail by one requirement alone.

Lives here: how each caller is run and judged, and the matrix of what was caught.
Never here: the callers (callers/), a check.
"""

import json
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infobip_sms_conformance.cli.client import gather, run_again
from infobip_sms_conformance.cli.options import PASSWORD, USER
from infobip_sms_conformance.client_checks.expected_request import Asked
from infobip_sms_conformance.client_run.collector import Hearing
from infobip_sms_conformance.client_run.process import run_program
from infobip_sms_conformance.client_run.scenario_results import blame, find_outcomes
from infobip_sms_conformance.client_run.scripted_server import Script
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.result import Record
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import parse_target
from infobip_sms_conformance.transport.listener import listen
from infobip_sms_conformance.transport.processes import start_reference
from infobip_sms_conformance.transport.proxy import Relay

CALLERS = Path(__file__).parent / "independent_client"
PROGRAM = (sys.executable, str(CALLERS / "client.py"))
KEY = "a-key-for-the-selftest-only"
SECONDS = 60.0
FAILING = {Verdict.FAIL, Verdict.WARN, Verdict.ERROR}


@dataclass(frozen=True)
class Caller:
    """A client to be judged."""

    name: str
    options: tuple[str, ...] = ()
    breaks: str | None = None
    """The requirement that it breaks; none for a legal client."""
    replies: bool = False
    """Whether it is judged with replies of every kind."""
    asked: bool = False
    """Whether it is judged beside what it was told to send."""


@dataclass(frozen=True)
class Proof:
    """What the judge said of a caller."""

    caller: Caller
    failed: tuple[str, ...]
    stopped: str = ""

    @property
    def word(self) -> str:
        """Return what that means."""
        if self.stopped:
            return "ERROR"
        if self.caller.breaks is None:
            return "FALSE ALARM" if self.failed else "good"
        if self.failed == (self.caller.breaks,):
            return "caught"
        return "CAUGHT BY OTHERS" if self.failed else "SURVIVED"

    @property
    def is_right(self) -> bool:
        """Whether the judge was right about it."""
        return self.word in {"good", "caught"}


def find_callers() -> list[Caller]:
    """Return the callers: legal ones, then each with a fault."""
    legal = [
        Caller("legal", asked=True),
        Caller("legal, in XML", ("--xml",), asked=True),
        Caller("legal, with replies of every kind", ("--once",), replies=True),
        Caller("legal, likewise in XML", ("--xml", "--once"), replies=True),
    ]
    rows = tomllib.loads((CALLERS / "faults.toml").read_text("utf-8"))["fault"]
    return [*legal, *map(build_caller, rows)]


def build_caller(row: dict[str, Any]) -> Caller:
    """Return the caller of a row of the list."""
    options = ["--break", row["name"]]
    options += ["--xml"] if row.get("xml") else []
    options += ["--once"] if row.get("replies") else []
    replies, asked = row.get("replies", False), row.get("asked", False)
    return Caller(row["name"], tuple(options), row["requirement"], replies, asked)


def prove(callers: Sequence[Caller], server: str, jobs: int = 2) -> Iterator[Proof]:
    """Judge callers, several at a time, before a server that takes KEY; yield each in order."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda caller: prove_one(caller, server), callers)


def prove_one(caller: Caller, server: str) -> Proof:
    """Run one caller, and judge it."""
    judge: Callable[[Caller, str], Record] = judge_replies if caller.replies else judge_requests
    record = judge(caller, server)
    failed = [row.id for row in record.rows if record.find_verdict(row.id) in FAILING]
    return Proof(caller, tuple(failed), record.stopped)


def judge_requests(caller: Caller, server: str) -> Record:
    """Judge what a caller sends to the sandbox."""
    looks = (Asked(read_asked()).look,) if caller.asked else ()
    hearing = Hearing(looks=looks)
    with gather(hearing) as hear, listen(Relay(parse_target(server), hear).serve) as url:
        run_program((*PROGRAM, *caller.options), url, KEY, SECONDS, quiet=True)
    return hearing.build_record(url, "client")


def judge_replies(caller: Caller, _server: str) -> Record:
    """Judge what a caller makes of replies of every kind."""
    hearing = Hearing()
    with gather(hearing) as hear:
        script = Script(hear)
        with listen(script.serve) as url:
            runs = list(run_again(script, (*PROGRAM, *caller.options), url, quiet=True))
    blame(hearing, find_outcomes(runs))
    return hearing.build_record(url, "client")


def read_asked() -> Any:
    """Return what the caller means to send."""
    return json.loads((CALLERS / "expected.json").read_text("utf-8"))


def find_proved() -> set[str]:
    """Return the requirements that some caller breaks."""
    return {caller.breaks for caller in find_callers() if caller.breaks}


def run_callers(only: str, jobs: int, say: Callable[[str], None]) -> bool:
    """Judge the callers and print the matrix; tell whether the judge was right about all."""
    chosen = [c for c in find_callers() if c.breaks is None or c.breaks.startswith(only)]
    proofs = []
    say(f"{len(chosen)} clients, {jobs} at a time")
    with start_reference(Credentials(USER, PASSWORD, KEY)) as server:
        for proof in prove(chosen, server, jobs):
            proofs.append(proof)
            number = proof.caller.breaks or "legal"
            wrong = "" if proof.is_right else f" (failed {', '.join(proof.failed) or 'nothing'})"
            say(f"{number:12}{proof.caller.name}: {proof.word}{wrong}")
    broken = [proof for proof in proofs if proof.caller.breaks]
    caught = sum(proof.is_right for proof in broken)
    alarms = sum(proof.word == "FALSE ALARM" for proof in proofs)
    say(f"{caught} of {len(broken)} broken clients caught by exactly their requirement")
    say(f"{alarms} false alarms on {len(proofs) - len(broken)} legal clients")
    return all(proof.is_right for proof in proofs)
