"""What became of a client in each scenario: a crash, a repeated send, impatience, a lost reply, or nothing.

Lives here: the words for each scenario, and the findings that follow.
Never here: sockets; how a program is run (program.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infobip_sms_conformance.client_checks.resends import TOLERANCE
from infobip_sms_conformance.client_checks.schema_check import Problem
from infobip_sms_conformance.client_run.collector import Hearing
from infobip_sms_conformance.client_run.process import End
from infobip_sms_conformance.client_run.scenarios import SCENARIOS, WAIT
from infobip_sms_conformance.client_run.scripted_server import Taking
from infobip_sms_conformance.run.result import Section

CRASH, AGAIN, IMPATIENT, LOST, LEFT = (
    "crash",
    "repeated send",
    "ignored Retry-After",
    "lost reply",
    "gave up",
)


@dataclass(frozen=True)
class Run:
    """One run of COMMAND: the scenarios that it met, and how it ended; none while it goes on."""

    takings: tuple[Taking, ...]
    end: End | None


@dataclass(frozen=True)
class Outcome:
    """What became of a client in one scenario."""

    taking: Taking
    words: tuple[str, ...] = ()
    """Of the five above; none where all is well."""
    said: str = ""
    """How the program ended, where that says something."""
    seen: bool = False
    """Whether the program showed that it could read the answer."""

    @property
    def is_broken(self) -> bool:
        """Whether the answer could not be read."""
        return bool({CRASH, LOST} & set(self.words))


def find_outcomes(runs: Sequence[Run]) -> list[Outcome]:
    """Return what became of each scenario."""
    return [build_outcome(run, taking) for run in runs for taking in run.takings]


def build_outcome(run: Run, taking: Taking) -> Outcome:
    """Return what became of one scenario."""
    words = [*find_repetition(taking), *([LEFT] if taking.left else [])]
    if run.end is None:
        return Outcome(taking, tuple(words))
    if taking is not run.takings[-1]:  # the program went on after it
        return Outcome(taking, tuple(words), seen=True)
    end, kind = run.end, taking.scenario.kind
    if end.is_killed or (end.uncaught and kind == "good"):
        words.append(CRASH)
    elif end.code and kind == "good" and len(run.takings) == 1:
        words.append(LOST)
    said = str(end) if end.code else ""
    return Outcome(taking, tuple(words), said, seen=not end.code)


def find_repetition(taking: Taking) -> Iterator[str]:
    """Yield what is to be said of a request that came again."""
    if len(taking.sent) > 1:
        if taking.scenario.kind != "wait":
            yield AGAIN
        elif taking.sent[1] - taking.answered < WAIT - TOLERANCE:
            yield IMPATIENT


def blame(hearing: Hearing, outcomes: Sequence[Outcome]) -> None:
    """Take down what breaks a requirement, and what keeps one."""
    for outcome in outcomes:
        scenario, heard = outcome.taking.scenario, outcome.taking.first
        if not scenario.requirement or heard is None:
            continue
        if outcome.is_broken:
            got = f"{scenario.what}: COMMAND {outcome.said}"
            wants = "the reply read, and 0 where the messages are taken"
            where = "reply"
            hearing.blame(heard, Problem(scenario.requirement, "", got, wants, where=where))
        elif outcome.seen and scenario.kind == "good":
            hearing.praise(heard, scenario.requirement)


def find_obstacle(outcomes: Sequence[Outcome]) -> str:
    """Return why nothing can be said of the other scenarios, if that is so."""
    first = outcomes[0] if outcomes else None
    if first is not None and first.is_broken:
        return f"COMMAND {first.said} on the documented answer already"
    return ""


def build_section(outcomes: Sequence[Outcome]) -> Section:
    """Return what is said of every scenario."""
    rows = [
        {
            "scenario": outcome.taking.scenario.name,
            "answer": outcome.taking.scenario.what,
            "requests": len(outcome.taking.sent),
            "outcome": list(outcome.words),
            "end": outcome.said,
        }
        for outcome in outcomes
    ]
    lines = [describe(outcome) for outcome in outcomes]
    left = [scenario.name for scenario in SCENARIOS[len(outcomes) :]]
    if left:
        lines.append(f"not reached: {', '.join(left)}")
    return Section("scenarios", "What became of it under each answer", tuple(lines), rows)


def describe(outcome: Outcome) -> str:
    """Return a line for a scenario."""
    words = ", ".join(outcome.words).upper() or "well"
    sent = len(outcome.taking.sent)
    times = f", {sent} requests" if sent > 1 else ""
    said = f" ({outcome.said})" if outcome.said else ""
    scenario = outcome.taking.scenario
    return f"{scenario.name:18}{words}{times}{said}; {scenario.what}"
