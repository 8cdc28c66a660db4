"""Servers with several faults at once: which of them the suite names, and which hides which.

The faults are drawn by a seed; no two of a server break the same requirement.
A fault is named when its requirement failed; hidden when that requirement could not be decided in some format
because another fault's requirement failed there; unseen when the suite does not name it in a server that has no
other fault either; and lost in all other cases.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from itertools import chain
from multiprocessing import get_context
from random import Random

from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.result import RunResult

from tests.conformance.mutation.subjects import (
    SystemUnderTest,
    get_systems,
    run_once,
    start_system,
)

NAMED, HIDDEN, UNSEEN, LOST = "named", "hidden", "unseen", "lost"
FAILING = {Verdict.FAIL, Verdict.WARN}
WANTED = {2: 0.97, 3: 0.95}
"""Of the faults that can still be observed, how many have to be named, by how many a server has."""


@dataclass(frozen=True)
class Combination:
    """A server with several faults."""

    faults: tuple[SystemUnderTest, ...]
    """The servers that have one of the faults each."""

    @property
    def system(self) -> SystemUnderTest:
        """The server that has all of them."""
        first, *others = self.faults
        command = (*first.command, *chain(*(fault.command[-2:] for fault in others)))
        return replace(first, name=self.name, command=command)

    @property
    def name(self) -> str:
        """The program and its faults."""
        program = self.faults[0].name.split()[0]
        return f"{program} {' + '.join(fault.name.split()[1] for fault in self.faults)}"


@dataclass(frozen=True)
class FaultOutcome:
    """What the suite said of one of the faults."""

    name: str
    requirement_id: str
    outcome: str
    hidden_by: str = ""
    """The requirement that failed and explains why this one could not be decided."""


@dataclass(frozen=True)
class CombinationResult:
    """What the suite said of a server with several faults."""

    combination: Combination
    faults: tuple[FaultOutcome, ...]
    others: tuple[str, ...] = ()
    """Requirements that failed although no fault breaks them."""
    problem: str = ""
    """Why the run ended early."""


def draw_combinations(seed: int, pairs: int, triples: int) -> list[Combination]:
    """Return servers with two and with three faults: half of them sandboxes, half independent servers."""
    random = Random(seed)  # noqa: S311 - the same draw every time
    known = [system for system in get_systems(everything=True) if system.broken_requirement]
    programs = sorted({system.name.split()[0] for system in known})
    found: dict[str, Combination] = {}
    for size, wanted in ((2, pairs), (3, triples)):
        enough = len(found) + wanted
        while len(found) < enough:
            program = programs[len(found) % len(programs)]
            choices = [system for system in known if system.name.split()[0] == program]
            drawn = Combination(tuple(random.sample(choices, size)))
            if len({fault.broken_requirement for fault in drawn.faults}) == size:
                found.setdefault(drawn.name, drawn)
    return list(found.values())


def run_combinations(combinations: Sequence[Combination], jobs: int) -> Iterator[CombinationResult]:
    """Check servers, several at a time; yield the results as they come."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(run_combination, one) for one in combinations]):
            yield future.result()


def run_combination(combination: Combination) -> CombinationResult:
    """Start a server with several faults and check it."""
    system = combination.system
    with start_system(system) as url:
        result = build_combination_result(combination, run_once(system, url))
    pairs = zip(result.faults, combination.faults, strict=True)
    faults = (
        replace(fault, outcome=UNSEEN) if fault.outcome == LOST and not is_named(alone) else fault
        for fault, alone in pairs
    )
    return replace(result, faults=tuple(faults))


def is_named(fault: SystemUnderTest) -> bool:
    """Tell whether a run names the fault of a server that has no other."""
    with start_system(fault) as url:
        result = run_once(fault, url)
    return result.find_verdict(fault.broken_requirement or "") in FAILING


def build_combination_result(combination: Combination, result: RunResult) -> CombinationResult:
    """Return what a run says of each fault."""
    outcomes = tuple(find_outcome(fault, combination, result) for fault in combination.faults)
    broken = {fault.requirement_id for fault in outcomes}
    failed = {row.id for row in result.rows if result.find_verdict(row.id) in FAILING}
    return CombinationResult(combination, outcomes, tuple(sorted(failed - broken)), result.stopped)


def find_outcome(
    fault: SystemUnderTest, combination: Combination, result: RunResult
) -> FaultOutcome:
    """Return what a run says of one fault of a server."""
    number = fault.broken_requirement or ""
    short = fault.name.split()[1]
    others = {other.broken_requirement for other in combination.faults if other is not fault}
    if result.find_verdict(number) in FAILING:
        return FaultOutcome(short, number, NAMED)
    for finding in result.findings:
        root = finding.caused_by
        if (
            (finding.requirement_id, finding.verdict) == (number, Verdict.INCONCLUSIVE)
            and root in others
            and result.find_verdict(root) in FAILING
        ):
            return FaultOutcome(short, number, HIDDEN, root)
    return FaultOutcome(short, number, LOST)


def format_combinations(results: Sequence[CombinationResult]) -> Iterator[str]:
    """Yield which fault hides which, what was lost, and what was blamed beside them."""
    for result in sorted(results, key=lambda one: one.combination.name):
        for fault in result.faults:
            if fault.outcome == HIDDEN:
                yield f"{fault.hidden_by:10} hides {fault.requirement_id}: {result.combination.name}"
            if fault.outcome in {LOST, UNSEEN}:
                yield f"{fault.requirement_id:10} {fault.outcome} ({fault.name}): {result.combination.name}"
        if result.others:
            yield f"{' '.join(result.others)} failed as well: {result.combination.name}"
        if result.problem:
            yield f"ended early, {result.problem}: {result.combination.name}"


def format_sums(results: Sequence[CombinationResult]) -> Iterator[str]:
    """Yield a line for each number of faults in a server."""
    for size in sorted(WANTED):
        if chosen := [one for one in results if len(one.faults) == size]:
            yield describe_sum(size, chosen)


def describe_sum(size: int, results: Sequence[CombinationResult]) -> str:
    """Say how many faults were named of those that could still be observed."""
    counts = Counter(fault.outcome for result in results for fault in result.faults)
    return (
        f"{len(results)} servers with {size} faults: {counts[NAMED]} named, {counts[HIDDEN]} hidden, "
        f"{counts[UNSEEN]} unseen alone as well, {counts[LOST]} lost; {get_share(results):.1%} of what can be observed is named"
    )


def get_share(results: Sequence[CombinationResult]) -> float:
    """Return the share of faults that were named, of those that no other fault hides."""
    counts = Counter(fault.outcome for result in results for fault in result.faults)
    seen = counts[NAMED] + counts[LOST]
    return counts[NAMED] / seen if seen else 1.0


def is_enough(results: Sequence[CombinationResult]) -> bool:
    """Tell whether enough faults were named among two and among three."""
    by_size = {size: [one for one in results if len(one.faults) == size] for size in WANTED}
    return all(get_share(chosen) >= WANTED[size] for size, chosen in by_size.items())
