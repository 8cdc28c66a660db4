"""The suite of clients is checked: broken callers, each of which it must fail by one requirement alone."""

import json
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infobip_sms_conformance.cli.client import collect_in_thread, run_repeatedly
from infobip_sms_conformance.cli.options import PASSWORD, USER
from infobip_sms_conformance.client_checks.expected_request import ExpectedRequest
from infobip_sms_conformance.client_checks.request import check_rejection
from infobip_sms_conformance.client_run.collector import TrafficCollector
from infobip_sms_conformance.client_run.process import run_client_command
from infobip_sms_conformance.client_run.scenario_results import add_findings, build_results
from infobip_sms_conformance.client_run.scripted_server import ScenarioServer
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.result import RunResult
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import parse_target
from infobip_sms_conformance.transport.listener import listen
from infobip_sms_conformance.transport.processes import start_sandbox
from infobip_sms_conformance.transport.proxy import CapturingProxy

CLIENTS_DIRECTORY = Path(__file__).parent / "independent_client"
COMMAND = (sys.executable, str(CLIENTS_DIRECTORY / "client.py"))
KEY = "a-key-for-the-selftest-only"
TIMEOUT = 60.0
FAILING = {Verdict.FAIL, Verdict.WARN, Verdict.ERROR}


@dataclass(frozen=True)
class ClientUnderTest:
    """A client to be checked."""

    name: str
    options: tuple[str, ...] = ()
    broken_requirement: str | None = None
    """The requirement that it breaks; none for an allowed client."""
    uses_scenarios: bool = False
    """Whether it is checked with responses of every kind."""
    has_expected_request: bool = False
    """Whether it is checked beside what it should send."""


@dataclass(frozen=True)
class ClientMutationResult:
    """What the suite said of a caller."""

    client: ClientUnderTest
    failed: tuple[str, ...]
    stopped: str = ""

    @property
    def outcome(self) -> str:
        """Return what that means."""
        if self.stopped:
            return "ERROR"
        if self.client.broken_requirement is None:
            return "FALSE ALARM" if self.failed else "good"
        if self.failed == (self.client.broken_requirement,):
            return "caught"
        return "CAUGHT BY OTHERS" if self.failed else "SURVIVED"

    @property
    def is_as_expected(self) -> bool:
        """Whether the suite was right about it."""
        return self.outcome in {"good", "caught"}


def get_clients() -> list[ClientUnderTest]:
    """Return the callers: allowed ones, then each with a fault."""
    legal = [
        ClientUnderTest("legal", has_expected_request=True),
        ClientUnderTest("allowed, in XML", ("--xml",), has_expected_request=True),
        ClientUnderTest("allowed, with responses of every kind", ("--once",), uses_scenarios=True),
        ClientUnderTest("allowed, likewise in XML", ("--xml", "--once"), uses_scenarios=True),
    ]
    rows = tomllib.loads((CLIENTS_DIRECTORY / "faults.toml").read_text("utf-8"))["fault"]
    return [*legal, *map(build_client, rows)]


def build_client(row: dict[str, Any]) -> ClientUnderTest:
    """Return the caller of a row of the list."""
    options = ["--break", row["name"]]
    options += ["--xml"] if row.get("xml") else []
    options += ["--once"] if row.get("replies") else []
    responses, asked = row.get("replies", False), row.get("asked", False)
    return ClientUnderTest(row["name"], tuple(options), row["requirement"], responses, asked)


def run_clients(
    clients: Sequence[ClientUnderTest], server: str, jobs: int = 2
) -> Iterator[ClientMutationResult]:
    """Check callers, several at a time, before a server that takes KEY; yield each in order."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda caller: run_one_client(caller, server), clients)


def run_one_client(client: ClientUnderTest, server: str) -> ClientMutationResult:
    """Run one caller, and check it."""
    judge: Callable[[ClientUnderTest, str], RunResult] = (
        run_against_scenarios if client.uses_scenarios else run_against_sandbox
    )
    record = judge(client, server)
    failed = [row.id for row in record.rows if record.find_verdict(row.id) in FAILING]
    return ClientMutationResult(client, tuple(failed), record.stopped)


def run_against_sandbox(client: ClientUnderTest, server: str) -> RunResult:
    """Check what a caller sends to the sandbox."""
    looks = (
        (ExpectedRequest(read_expected_document()).check,) if client.has_expected_request else ()
    )
    collector = TrafficCollector(checks=(*looks, check_rejection))
    with (
        collect_in_thread(collector) as hear,
        listen(CapturingProxy(parse_target(server), hear).serve) as url,
    ):
        run_client_command((*COMMAND, *client.options), url, KEY, TIMEOUT, quiet=True)
    return collector.build_result(url, "client")


def run_against_scenarios(client: ClientUnderTest, _server: str) -> RunResult:
    """Check what a caller makes of responses of every kind."""
    collector = TrafficCollector()
    with collect_in_thread(collector) as hear:
        script = ScenarioServer(hear)
        with listen(script.serve) as url:
            runs = list(run_repeatedly(script, (*COMMAND, *client.options), url, quiet=True))
    add_findings(collector, build_results(runs))
    return collector.build_result(url, "client")


def read_expected_document() -> Any:
    """Return what the caller means to send."""
    return json.loads((CLIENTS_DIRECTORY / "expected.json").read_text("utf-8"))


def get_broken_requirements() -> set[str]:
    """Return the requirements that some caller breaks."""
    return {caller.broken_requirement for caller in get_clients() if caller.broken_requirement}


def run_client_matrix(only: str, jobs: int, print_line: Callable[[str], None]) -> bool:
    """Check the callers and print the matrix; tell whether the suite was right about all."""
    chosen = [
        c
        for c in get_clients()
        if c.broken_requirement is None or c.broken_requirement.startswith(only)
    ]
    proofs = []
    print_line(f"{len(chosen)} clients, {jobs} at a time")
    with start_sandbox(Credentials(USER, PASSWORD, KEY)) as server:
        for proof in run_clients(chosen, server, jobs):
            proofs.append(proof)
            number = proof.client.broken_requirement or "legal"
            wrong = (
                "" if proof.is_as_expected else f" (failed {', '.join(proof.failed) or 'nothing'})"
            )
            print_line(f"{number:12}{proof.client.name}: {proof.outcome}{wrong}")
    broken = [proof for proof in proofs if proof.client.broken_requirement]
    caught = sum(proof.is_as_expected for proof in broken)
    alarms = sum(proof.outcome == "FALSE ALARM" for proof in proofs)
    print_line(f"{caught} of {len(broken)} broken clients caught by exactly their requirement")
    print_line(f"{alarms} false alarms on {len(proofs) - len(broken)} allowed clients")
    return all(proof.is_as_expected for proof in proofs)
