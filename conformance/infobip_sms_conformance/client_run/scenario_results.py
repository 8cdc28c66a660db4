"""How a client handled each scenario: a crash, a repeated send, impatience, a lost response, or nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infobip_sms_conformance.client_checks.resends import TOLERANCE
from infobip_sms_conformance.client_checks.schema_check import RequestViolation
from infobip_sms_conformance.client_run.collector import TrafficCollector
from infobip_sms_conformance.client_run.process import ProgramExit
from infobip_sms_conformance.client_run.scenarios import RETRY_AFTER, SCENARIOS
from infobip_sms_conformance.client_run.scripted_server import ScenarioRun
from infobip_sms_conformance.run.result import Section

CRASHED, REPEATED_SEND, IGNORED_RETRY_AFTER, LOST_RESPONSE, GAVE_UP = (
    "crash",
    "repeated send",
    "ignored Retry-After",
    "lost response",
    "gave up",
)


@dataclass(frozen=True)
class CommandRun:
    """One run of COMMAND: the scenarios that it met, and how it ended; none while it goes on."""

    scenario_runs: tuple[ScenarioRun, ...]
    program_exit: ProgramExit | None


@dataclass(frozen=True)
class ScenarioResult:
    """How a client handled one scenario."""

    scenario_run: ScenarioRun
    failures: tuple[str, ...] = ()
    """Of the five above; none where all is well."""
    exit_text: str = ""
    """How the program ended, where that says something."""
    has_read_response: bool = False
    """Whether the program showed that it could read the answer."""

    @property
    def has_failed_to_read(self) -> bool:
        """Whether the answer could not be read."""
        return bool({CRASHED, LOST_RESPONSE} & set(self.failures))


def build_results(runs: Sequence[CommandRun]) -> list[ScenarioResult]:
    """Return what happened to each scenario."""
    return [build_result(run, taking) for run in runs for taking in run.scenario_runs]


def build_result(run: CommandRun, scenario_run: ScenarioRun) -> ScenarioResult:
    """Return what happened to one scenario."""
    words = [*check_repetition(scenario_run), *([GAVE_UP] if scenario_run.is_client_gone else [])]
    if run.program_exit is None:
        return ScenarioResult(scenario_run, tuple(words))
    if scenario_run is not run.scenario_runs[-1]:  # the program went on after it
        return ScenarioResult(scenario_run, tuple(words), has_read_response=True)
    end, kind = run.program_exit, scenario_run.scenario.kind
    if end.is_killed or (end.uncaught and kind == "good"):
        words.append(CRASHED)
    elif end.code and kind == "good" and len(run.scenario_runs) == 1:
        words.append(LOST_RESPONSE)
    said = str(end) if end.code else ""
    return ScenarioResult(scenario_run, tuple(words), said, has_read_response=not end.code)


def check_repetition(scenario_run: ScenarioRun) -> Iterator[str]:
    """Yield what is to be said of a request that came again."""
    if len(scenario_run.request_times) > 1:
        if scenario_run.scenario.kind != "wait":
            yield REPEATED_SEND
        elif scenario_run.request_times[1] - scenario_run.responded_at < RETRY_AFTER - TOLERANCE:
            yield IGNORED_RETRY_AFTER


def add_findings(collector: TrafficCollector, results: Sequence[ScenarioResult]) -> None:
    """Take down what breaks a requirement, and what keeps one."""
    for outcome in results:
        scenario, captured = outcome.scenario_run.scenario, outcome.scenario_run.first_exchange
        if not scenario.requirement_id or captured is None:
            continue
        if outcome.has_failed_to_read:
            got = f"{scenario.description}: COMMAND {outcome.exit_text}"
            expected = "the response read, and 0 where the messages are taken"
            where = "reply"
            collector.add_violation(
                captured, RequestViolation(scenario.requirement_id, "", got, expected, part=where)
            )
        elif outcome.has_read_response and scenario.kind == "good":
            collector.add_pass(captured, scenario.requirement_id)


def get_stop_reason(results: Sequence[ScenarioResult]) -> str:
    """Return why nothing can be said of the other scenarios, if that is so."""
    first = results[0] if results else None
    if first is not None and first.has_failed_to_read:
        return f"COMMAND {first.exit_text} on the documented answer already"
    return ""


def build_section(results: Sequence[ScenarioResult]) -> Section:
    """Return what is said of every scenario."""
    rows = [
        {
            "scenario": outcome.scenario_run.scenario.name,
            "answer": outcome.scenario_run.scenario.description,
            "requests": len(outcome.scenario_run.request_times),
            "outcome": list(outcome.failures),
            "end": outcome.exit_text,
        }
        for outcome in results
    ]
    lines = [format_result(outcome) for outcome in results]
    left = [scenario.name for scenario in SCENARIOS[len(results) :]]
    if left:
        lines.append(f"not reached: {', '.join(left)}")
    return Section("scenarios", "How the client handled each response", tuple(lines), rows)


def format_result(result: ScenarioResult) -> str:
    """Return a line for a scenario."""
    words = ", ".join(result.failures).upper() or "well"
    sent = len(result.scenario_run.request_times)
    times = f", {sent} requests" if sent > 1 else ""
    said = f" ({result.exit_text})" if result.exit_text else ""
    scenario = result.scenario_run.scenario
    return f"{scenario.name:18}{words}{times}{said}; {scenario.description}"
