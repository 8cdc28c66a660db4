"""The suite is checked: it runs on good servers, which it must not fail, and on broken ones, which it must.

Each broken server breaks one requirement: it is caught by the right one, missed, or failed for something else as
well; any of the last two, and any failure of a good server, fails the run. Then some servers get two faults and some
three, drawn by a seed: of what can still be observed, enough has to be named.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

from infobip_sms_conformance.contract.files import read_requirements
from infobip_sms_conformance.errors import COULD_NOT_TEST, NOTHING_FAILED, SOMETHING_FAILED
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.engine import get_checked_requirements, get_seeded_requirements
from infobip_sms_conformance.run.result import RunResult
from rich.console import Console
from rich.progress import track

from tests.conformance.mutation import clients
from tests.conformance.mutation.combinations import (
    CombinationResult,
    draw_combinations,
    format_combinations,
    format_sums,
    is_enough,
    run_combinations,
)
from tests.conformance.mutation.subjects import (
    ServerStartError,
    SystemUnderTest,
    get_quick_systems,
    get_systems,
    get_undetectable,
    run_once,
    start_system,
)

FULL_SAMPLE, QUICK_SAMPLE = (60, 40), (4, 2)
"""Servers with two faults and with three."""
COLUMNS = ("faults", "caught", "others too", "others only", "hidden", "survived")


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
        if self.system.broken_requirement in self.failed:
            return "CAUGHT BY OTHERS TOO"
        return "CAUGHT BY OTHERS" if self.failed else "HIDDEN" if self.errors else "SURVIVED"

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
    combined = run_drawn(options) if full else []
    for line in (*format_matrix(results, full=full), *format_table(results, combined)):
        out.print(line, markup=False)
    if options.json:
        options.json.write_text(dump_json(results, combined), "utf-8")
    if not results:
        return COULD_NOT_TEST
    missing = get_requirements_without_mutant(results) if full else []
    right = all(result.is_as_expected for result in results) and not missing
    return NOTHING_FAILED if right and is_enough(combined) else SOMETHING_FAILED


def run_drawn(options: argparse.Namespace) -> list[CombinationResult]:
    """Check servers with two and with three faults; a few of them in a quick run."""
    pairs, triples = QUICK_SAMPLE if options.quick else FULL_SAMPLE
    drawn = draw_combinations(options.draw, pairs, triples)
    return list(run_combinations(drawn, options.jobs))


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
    stopped = [run_result.stopped] if run_result.stopped else []
    problems = (*dict.fromkeys(errors), *stopped, *iter_vague(run_result))
    return MutationResult(system, failed, problems, run_result.requests, run_result.seconds)


def iter_vague(result: RunResult) -> Iterator[str]:
    """Yield the failures that do not say what was expected, or what came instead."""
    for finding in result.findings:
        if finding.verdict in {Verdict.FAIL, Verdict.WARN} and not (
            finding.expected and finding.got and finding.expected != finding.got
        ):
            yield f"{finding.requirement_id} says neither what was expected nor what came"


def get_requirements_without_mutant(results: Sequence[MutationResult]) -> list[str]:
    """Return the requirements that are checked and that no broken server breaks."""
    broken = {result.system.broken_requirement for result in results}
    return sorted(get_checked_requirements() - broken)


def format_matrix(results: Sequence[MutationResult], *, full: bool) -> Iterator[str]:
    """Yield a line for each requirement, with the servers that break it, and for each allowed server."""
    yield ""
    for number in read_requirements():
        words = [
            f"{r.system.name}: {r.outcome}"
            for r in results
            if r.system.broken_requirement == number
        ]
        if words:
            yield f"{number:12}{'; '.join(sorted(words))}"
    for result in results:
        if result.system.broken_requirement is None:
            yield f"{'allowed':12}{result.system.name}: {result.outcome}"
    if full and (missing := get_requirements_without_mutant(results)):
        yield f"{len(missing)} requirements that no server breaks: {' '.join(missing)}"


def format_table(
    results: Sequence[MutationResult], combined: Sequence[CombinationResult]
) -> Iterator[str]:
    """Yield how many faults of each kind were caught, by what, and how many with others beside them."""
    broken = [result for result in results if result.system.broken_requirement is not None]
    kinds = dict.fromkeys(get_kind(result) for result in broken)
    yield ""
    yield f"{'kind':8}" + "".join(f"{name:>13}" for name in COLUMNS)
    for kind in kinds:
        yield format_row(kind, [result for result in broken if get_kind(result) == kind])
    yield format_row("all", broken)
    good = [result for result in results if result.system.broken_requirement is None]
    alarms = sum(result.outcome == "FALSE ALARM" for result in good)
    yield f"{alarms} of {len(good)} allowed servers blamed"
    yield from format_combinations(combined)
    yield from format_sums(combined)


def get_kind(result: MutationResult) -> str:
    """Return the chapter of the requirement that a server breaks."""
    return (result.system.broken_requirement or "").partition("-")[0]


def format_row(kind: str, results: Sequence[MutationResult]) -> str:
    """Return how many faults of a kind there are, and how many had each outcome."""
    words = [result.outcome for result in results]
    outcomes = ("caught", "CAUGHT BY OTHERS TOO", "CAUGHT BY OTHERS", "HIDDEN", "SURVIVED")
    counts = [len(words), *(words.count(outcome) for outcome in outcomes)]
    counts[4] += words.count("ERROR")
    return f"{kind:8}" + "".join(f"{count:>13}" for count in counts)


def describe_result(result: MutationResult) -> str:
    """Say what went wrong with one subject."""
    wanted = result.system.broken_requirement or "nothing"
    said = f"failed {', '.join(result.failed) or 'nothing'}"
    problems = f"; {', '.join(result.errors)}" if result.errors else ""
    return f"{result.outcome}  {result.system.name} breaks {wanted}: {said}{problems}"


def dump_json(results: Sequence[MutationResult], combined: Sequence[CombinationResult] = ()) -> str:
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
    several = [
        {
            "server": result.combination.name,
            "faults": [asdict(fault) for fault in result.faults],
            "others": result.others,
        }
        for result in combined
    ]
    return json.dumps({"servers": rows, "combinations": several}, indent=1)


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
    parser.add_argument(
        "--draw", type=int, default=1, metavar="SEED", help="which faults are combined (default: 1)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(run_selftest(parse_options()))
