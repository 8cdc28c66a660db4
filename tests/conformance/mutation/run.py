"""The judge is judged: it runs on good servers, which it must not fail, and on broken ones, which it must.

Each broken server breaks one requirement. The run is a matrix: caught by the right requirement, missed,
or failed for something else as well; any of the last two, and any failure of a good server, fails it.

Lives here: who is judged, and what is expected.
Never here: a check; the servers (servers/, and the sandbox as a program of its own).
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
from infobip_sms_conformance.contract.hypothesis_backend import DEFAULT_SEED
from infobip_sms_conformance.errors import COULD_NOT_JUDGE, NOTHING_FAILED, SOMETHING_FAILED
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.engine import checked_requirements, find_seeded
from infobip_sms_conformance.run.result import Record
from infobip_sms_conformance.run.runner import build_plan, judge
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import parse_target
from rich.console import Console
from rich.progress import track

from tests.conformance.mutation import clients
from tests.conformance.mutation.subjects import (
    ACCOUNT,
    NotStarted,
    Subject,
    find_few,
    find_subjects,
    find_unseen,
    start_subject,
)


@dataclass(frozen=True)
class Result:
    """What the judge said of a subject."""

    subject: Subject
    failed: tuple[str, ...]
    """Requirements with FAIL, or WARN where they are a SHOULD."""
    problems: tuple[str, ...]
    """Requirements with ERROR, and why the run ended early."""
    requests: int = 0
    seconds: float = 0.0

    @property
    def word(self) -> str:
        """Return what that means."""
        if self.subject.breaks is None:
            allowed = set(self.subject.warned)
            return "FALSE ALARM" if self.problems or set(self.failed) - allowed else "good"
        if self.failed == (self.subject.breaks,):
            return "ERROR" if self.problems else "caught"
        return "CAUGHT BY OTHERS" if self.failed else "SURVIVED"

    @property
    def is_right(self) -> bool:
        """Whether the judge was right about it."""
        return self.word in {"good", "caught"}


def run_selftest(options: argparse.Namespace) -> int:
    """Judge every subject and print the matrix; with --seeds the good ones, again and again."""
    out = Console(highlight=False, soft_wrap=True)
    if options.clients:
        right = clients.run_callers(
            options.only, options.jobs, lambda line: out.print(line, markup=False)
        )
        return NOTHING_FAILED if right else SOMETHING_FAILED
    known = find_few() if options.quick else find_subjects(everything=options.all)
    subjects = [subject for subject in known if is_chosen(subject, options)]
    out.print(f"{len(subjects)} servers, {options.jobs} at a time")
    for why, names in {} if options.seeds or options.quick else find_unseen().items():
        out.print(f"left out: {', '.join(names)}. {why}", markup=False)
    results = []
    judged = judge_all(subjects, options.jobs, range(options.seeds or 0))
    for result in track(judged, "", len(subjects), console=out, disable=not out.is_terminal):
        results.append(result)
        if not result.is_right:
            out.print(describe(result), markup=False)
    full = not (options.only or options.seeds)
    for line in tell_matrix(results, full=full):
        out.print(line, markup=False)
    if options.json:
        options.json.write_text(dump_json(results), "utf-8")
    if not results:
        return COULD_NOT_JUDGE
    missing = find_unproved(results) if full else []
    right = all(result.is_right for result in results) and not missing
    return NOTHING_FAILED if right else SOMETHING_FAILED


def is_chosen(subject: Subject, options: argparse.Namespace) -> bool:
    """Tell whether a subject is asked for."""
    if options.seeds:
        return subject.breaks is None
    return subject.breaks is None or subject.breaks.startswith(options.only)


def judge_all(
    subjects: Sequence[Subject], jobs: int, seeds: Sequence[int] = ()
) -> Iterator[Result]:
    """Judge subjects, several at a time; yield the results as they come.

    seeds: only what depends on a seed, with each of these.
    """
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(judge_subject, s, seeds) for s in subjects]):
            yield future.result()


def judge_subject(subject: Subject, seeds: Sequence[int] = ()) -> Result:
    """Start a subject as a program of its own and judge it."""
    try:
        with start_subject(subject) as url:
            if not seeds:
                return build_result(subject, judge_once(subject, url))
            only = find_seeded()
            runs = [judge_once(subject, url, seed=seed, only=only) for seed in seeds]
            return merge([build_result(subject, run) for run in runs])
    except NotStarted as error:
        return Result(subject, (), (f"not started: {error}",))
    except Exception as error:  # noqa: BLE001 - one subject must not end the run of all
        return Result(subject, (), (f"the judge went wrong: {type(error).__name__}: {error}",))


def judge_once(
    subject: Subject, url: str, *, seed: int = DEFAULT_SEED, only: Sequence[str] = ()
) -> Record:
    """Judge a server that is running."""
    target = parse_target(url)
    plan = build_plan(
        target, clock=subject.clock and not only, without=subject.without, seed=seed, only=only
    )
    record, _ = judge(target, Credentials(*ACCOUNT), plan, only=only)
    return record


def merge(results: Sequence[Result]) -> Result:
    """Return what several runs say of one subject."""
    return Result(
        results[0].subject,
        tuple(sorted({number for result in results for number in result.failed})),
        tuple(sorted({problem for result in results for problem in result.problems})),
        max(result.requests for result in results),
        sum(result.seconds for result in results),
    )


def build_result(subject: Subject, record: Record) -> Result:
    """Return what a record says of a subject."""
    bad = {Verdict.FAIL, Verdict.WARN}
    failed = tuple(row.id for row in record.rows if record.find_verdict(row.id) in bad)
    errors = [f.requirement for f in record.findings if f.verdict is Verdict.ERROR]
    problems = (*dict.fromkeys(errors), *([record.stopped] if record.stopped else []))
    return Result(subject, failed, problems, record.requests, record.seconds)


def find_unproved(results: Sequence[Result]) -> list[str]:
    """Return the requirements that are judged and that no broken server breaks."""
    broken = {result.subject.breaks for result in results}
    return sorted(checked_requirements() - broken)


def tell_matrix(results: Sequence[Result], *, full: bool) -> Iterator[str]:
    """Yield the matrix: a line for each requirement, the servers that break it, the sums."""
    yield ""
    for number in read_requirements():
        words = [f"{r.subject.name}: {r.word}" for r in results if r.subject.breaks == number]
        if words:
            yield f"{number:12}{'; '.join(sorted(words))}"
    good = [result for result in results if result.subject.breaks is None]
    for result in good:
        yield f"{'legal':12}{result.subject.name}: {result.word}"
    yield ""
    if broken := [result for result in results if result.subject.breaks is not None]:
        caught = sum(result.word == "caught" for result in broken)
        survivors = sum(result.word == "SURVIVED" for result in broken)
        others = len(broken) - caught - survivors
        yield f"{caught} of {len(broken)} broken servers caught by exactly their requirement"
        yield f"{survivors} survivors, {others} caught by others as well or not cleanly"
    alarms = sum(result.word == "FALSE ALARM" for result in good)
    yield f"{alarms} false alarms on {len(good)} legal servers"
    if full and (missing := find_unproved(results)):
        yield f"{len(missing)} requirements that no server breaks: {' '.join(missing)}"


def describe(result: Result) -> str:
    """Say what went wrong with one subject."""
    wanted = result.subject.breaks or "nothing"
    said = f"failed {', '.join(result.failed) or 'nothing'}"
    problems = f"; {', '.join(result.problems)}" if result.problems else ""
    return f"{result.word}  {result.subject.name} breaks {wanted}: {said}{problems}"


def dump_json(results: Sequence[Result]) -> str:
    """Return the matrix for programs."""
    rows = [
        {
            "server": result.subject.name,
            "breaks": result.subject.breaks,
            "word": result.word,
            "failed": result.failed,
            "problems": result.problems,
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
