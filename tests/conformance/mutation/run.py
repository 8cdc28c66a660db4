"""The suite is checked: it runs on good servers, which it must not fail, and on broken ones, which it must.

Each broken server breaks one requirement. The run is a matrix: caught by the right requirement, missed,
or failed for something else as well; any of the last two, and any failure of a good server, fails it.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from infobip_sms_conformance.contract.files import read_requirements
from infobip_sms_conformance.contract.generated import DEFAULT_SEED
from infobip_sms_conformance.errors import COULD_NOT_TEST, NOTHING_FAILED, SOMETHING_FAILED
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.engine import get_checked_requirements, get_seeded_requirements
from infobip_sms_conformance.run.result import RunResult
from infobip_sms_conformance.run.runner import build_plan, run_suite
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import parse_target
from rich.console import Console
from rich.progress import track

from tests.conformance.mutation import clients
from tests.conformance.mutation.subjects import (
    ACCOUNT,
    ServerStartError,
    SystemUnderTest,
    get_quick_systems,
    get_systems,
    get_undetectable,
    start_system,
)


@dataclass(frozen=True)
class MutationResult:
    """What the suite said of a subject."""

    system: SystemUnderTest
    failed: tuple[str, ...]
    """Requirements with FAIL, or WARN where they are a SHOULD."""
    errors: tuple[str, ...]
    """Requirements with ERROR, and why the run ended early."""
    requests: int = 0
    seconds: float = 0.0

    @property
    def outcome(self) -> str:
        """Return what that means."""
        if self.system.broken_requirement is None:
            allowed = set(self.system.warned)
            return "FALSE ALARM" if self.errors or set(self.failed) - allowed else "good"
        if self.failed == (self.system.broken_requirement,):
            return "ERROR" if self.errors else "caught"
        return "CAUGHT BY OTHERS" if self.failed else "SURVIVED"

    @property
    def is_as_expected(self) -> bool:
        """Whether the suite was right about it."""
        return self.outcome in {"good", "caught"}


def run_selftest(options: argparse.Namespace) -> int:
    """Check every subject and print the matrix; with --seeds the good ones, again and again."""
    out = Console(highlight=False, soft_wrap=True)
    if options.clients:
        right = clients.run_client_matrix(
            options.only, options.jobs, lambda line: out.print(line, markup=False)
        )
        return NOTHING_FAILED if right else SOMETHING_FAILED
    known = get_quick_systems() if options.quick else get_systems(everything=options.all)
    subjects = [subject for subject in known if is_chosen(subject, options)]
    out.print(f"{len(subjects)} servers, {options.jobs} at a time")
    for why, names in {} if options.seeds or options.quick else get_undetectable().items():
        out.print(f"left out: {', '.join(names)}. {why}", markup=False)
    results = []
    checked = run_all(subjects, options.jobs, range(options.seeds or 0))
    for result in track(checked, "", len(subjects), console=out, disable=not out.is_terminal):
        results.append(result)
        if not result.is_as_expected:
            out.print(describe_result(result), markup=False)
    full = not (options.only or options.seeds)
    for line in format_matrix(results, full=full):
        out.print(line, markup=False)
    if options.json:
        options.json.write_text(dump_json(results), "utf-8")
    if not results:
        return COULD_NOT_TEST
    missing = get_requirements_without_mutant(results) if full else []
    right = all(result.is_as_expected for result in results) and not missing
    return NOTHING_FAILED if right else SOMETHING_FAILED


def is_chosen(system: SystemUnderTest, options: argparse.Namespace) -> bool:
    """Tell whether a subject is asked for."""
    if options.seeds:
        return system.broken_requirement is None
    return system.broken_requirement is None or system.broken_requirement.startswith(options.only)


def run_all(
    systems: Sequence[SystemUnderTest], jobs: int, seeds: Sequence[int] = ()
) -> Iterator[MutationResult]:
    """Check subjects, several at a time; yield the results as they come.

    seeds: only what depends on a seed, with each of these.
    """
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(run_system, s, seeds) for s in systems]):
            yield future.result()


def run_system(system: SystemUnderTest, seeds: Sequence[int] = ()) -> MutationResult:
    """Start a subject as a program of its own and check it."""
    try:
        with start_system(system) as url:
            if not seeds:
                return build_mutation_result(system, run_once(system, url))
            only = get_seeded_requirements()
            runs = [run_once(system, url, seed=seed, only=only) for seed in seeds]
            return merge_results([build_mutation_result(system, run) for run in runs])
    except ServerStartError as error:
        return MutationResult(system, (), (f"not started: {error}",))
    except Exception as error:  # noqa: BLE001 - one subject must not end the run of all
        return MutationResult(
            system, (), (f"the suite went wrong: {type(error).__name__}: {error}",)
        )


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


def merge_results(results: Sequence[MutationResult]) -> MutationResult:
    """Return what several runs say of one subject."""
    return MutationResult(
        results[0].system,
        tuple(sorted({number for result in results for number in result.failed})),
        tuple(sorted({problem for result in results for problem in result.errors})),
        max(result.requests for result in results),
        sum(result.seconds for result in results),
    )


def build_mutation_result(system: SystemUnderTest, run_result: RunResult) -> MutationResult:
    """Return what a record says of a subject."""
    bad = {Verdict.FAIL, Verdict.WARN}
    failed = tuple(row.id for row in run_result.rows if run_result.find_verdict(row.id) in bad)
    errors = [f.requirement_id for f in run_result.findings if f.verdict is Verdict.ERROR]
    problems = (*dict.fromkeys(errors), *([run_result.stopped] if run_result.stopped else []))
    return MutationResult(system, failed, problems, run_result.requests, run_result.seconds)


def get_requirements_without_mutant(results: Sequence[MutationResult]) -> list[str]:
    """Return the requirements that are checked and that no broken server breaks."""
    broken = {result.system.broken_requirement for result in results}
    return sorted(get_checked_requirements() - broken)


def format_matrix(results: Sequence[MutationResult], *, full: bool) -> Iterator[str]:
    """Yield the matrix: a line for each requirement, the servers that break it, the sums."""
    yield ""
    for number in read_requirements():
        words = [
            f"{r.system.name}: {r.outcome}"
            for r in results
            if r.system.broken_requirement == number
        ]
        if words:
            yield f"{number:12}{'; '.join(sorted(words))}"
    good = [result for result in results if result.system.broken_requirement is None]
    for result in good:
        yield f"{'legal':12}{result.system.name}: {result.outcome}"
    yield ""
    if broken := [result for result in results if result.system.broken_requirement is not None]:
        caught = sum(result.outcome == "caught" for result in broken)
        survivors = sum(result.outcome == "SURVIVED" for result in broken)
        others = len(broken) - caught - survivors
        yield f"{caught} of {len(broken)} broken servers caught by exactly their requirement"
        yield f"{survivors} survivors, {others} caught by others as well or not cleanly"
    alarms = sum(result.outcome == "FALSE ALARM" for result in good)
    yield f"{alarms} false alarms on {len(good)} allowed servers"
    if full and (missing := get_requirements_without_mutant(results)):
        yield f"{len(missing)} requirements that no server breaks: {' '.join(missing)}"


def describe_result(result: MutationResult) -> str:
    """Say what went wrong with one subject."""
    wanted = result.system.broken_requirement or "nothing"
    said = f"failed {', '.join(result.failed) or 'nothing'}"
    problems = f"; {', '.join(result.errors)}" if result.errors else ""
    return f"{result.outcome}  {result.system.name} breaks {wanted}: {said}{problems}"


def dump_json(results: Sequence[MutationResult]) -> str:
    """Return the matrix for programs."""
    rows = [
        {
            "server": result.system.name,
            "breaks": result.system.broken_requirement,
            "word": result.outcome,
            "failed": result.failed,
            "problems": result.errors,
            "requests": result.requests,
            "seconds": round(result.seconds, 2),
        }
        for result in results
    ]
    return json.dumps(rows, indent=1)


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Test the suite with correct and broken servers.")
    parser.add_argument(
        "--only", metavar="PREFIX", default="", help="mutants of these requirements"
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="at once (default: 2)")
    parser.add_argument("--clients", action="store_true", help="clients in place of servers")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="one mutant for each requirement")
    extent.add_argument("--all", action="store_true", help="every mutant of every server")
    parser.add_argument("--seeds", type=int, metavar="N", help="correct servers only, N seeds each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(run_selftest(parse_options()))
