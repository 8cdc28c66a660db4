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
    """One run of COMMAND: its scenarios, and how it ended; None while it runs."""

    scenario_runs: tuple[ScenarioRun, ...]
    program_exit: ProgramExit | None


@dataclass(frozen=True)
class ScenarioResult:
    """How a client handled one scenario."""

    scenario_run: ScenarioRun
    failures: tuple[str, ...] = ()
    """Some of the five above; empty if there are none."""
    exit_text: str = ""
    """How the program ended, if with an error."""
    has_read_response: bool = False
    """Whether the program showed that it could parse the response."""

    @property
    def has_failed_to_read(self) -> bool:
        """Whether the response could not be parsed."""
        return bool({CRASHED, LOST_RESPONSE} & set(self.failures))


def build_results(runs: Sequence[CommandRun]) -> list[ScenarioResult]:
    """Return what happened to each scenario."""
    return [build_result(run, scenario_run) for run in runs for scenario_run in run.scenario_runs]


def build_result(run: CommandRun, scenario_run: ScenarioRun) -> ScenarioResult:
    """Return what happened to one scenario."""
    failures = [
        *check_repetition(scenario_run),
        *([GAVE_UP] if scenario_run.is_client_gone else []),
    ]
    if run.program_exit is None:
        return ScenarioResult(scenario_run, tuple(failures))
    if scenario_run is not run.scenario_runs[-1]:  # the program went on after it
        return ScenarioResult(scenario_run, tuple(failures), has_read_response=True)
    end, kind = run.program_exit, scenario_run.scenario.kind
    if end.is_killed or (end.uncaught and kind == "accepted"):
        failures.append(CRASHED)
    elif end.code and kind == "accepted" and len(run.scenario_runs) == 1:
        failures.append(LOST_RESPONSE)
    exit_text = str(end) if end.code else ""
    return ScenarioResult(scenario_run, tuple(failures), exit_text, has_read_response=not end.code)


def check_repetition(scenario_run: ScenarioRun) -> Iterator[str]:
    """Yield what is wrong with a repeated request."""
    if len(scenario_run.request_times) > 1:
        if scenario_run.scenario.kind != "wait":
            yield REPEATED_SEND
        elif scenario_run.request_times[1] - scenario_run.responded_at < RETRY_AFTER - TOLERANCE:
            yield IGNORED_RETRY_AFTER


def add_findings(collector: TrafficCollector, results: Sequence[ScenarioResult]) -> None:
    """Record which requirements were passed and violated."""
    for result in results:
        scenario, captured = result.scenario_run.scenario, result.scenario_run.first_exchange
        if not scenario.requirement_id or captured is None:
            continue
        if result.has_failed_to_read:
            got = f"{scenario.description}: COMMAND {result.exit_text}"
            expected = "the response parsed, and exit code 0 if the messages were accepted"
            collector.add_violation(
                captured,
                RequestViolation(scenario.requirement_id, "", got, expected, part="response"),
            )
        elif result.has_read_response and scenario.kind == "accepted":
            collector.add_pass(captured, scenario.requirement_id)


def get_stop_reason(results: Sequence[ScenarioResult]) -> str:
    """Return why the other scenarios cannot be checked, if so."""
    first = results[0] if results else None
    if first is not None and first.has_failed_to_read:
        return f"COMMAND {first.exit_text} on the documented response"
    return ""


def build_section(results: Sequence[ScenarioResult]) -> Section:
    """Return the section of the report."""
    rows = [
        {
            "scenario": result.scenario_run.scenario.name,
            "response": result.scenario_run.scenario.description,
            "requests": len(result.scenario_run.request_times),
            "outcome": list(result.failures),
            "end": result.exit_text,
        }
        for result in results
    ]
    lines = [format_result(result) for result in results]
    left = [scenario.name for scenario in SCENARIOS[len(results) :]]
    if left:
        lines.append(f"not reached: {', '.join(left)}")
    return Section("scenarios", "How the client handled each response", tuple(lines), rows)


def format_result(result: ScenarioResult) -> str:
    """Return a line for a scenario."""
    failures = ", ".join(result.failures).upper() or "ok"
    sent = len(result.scenario_run.request_times)
    times = f", {sent} requests" if sent > 1 else ""
    exit_text = f" ({result.exit_text})" if result.exit_text else ""
    scenario = result.scenario_run.scenario
    return f"{scenario.name:18}{failures}{times}{exit_text}; {scenario.description}"
