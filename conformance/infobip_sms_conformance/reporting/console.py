"""The report on the terminal: the plan, the progress, the verdicts, the details of failures, and the next step.

Long lines are left to the terminal, so that a command can be copied in one piece.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console as Rich
from rich.console import ConsoleOptions, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.text import Text

from infobip_sms_conformance.client_checks.excerpt import BEGIN
from infobip_sms_conformance.contract.codec import MEDIA_TYPES
from infobip_sms_conformance.contract.files import WIRES, read_numbers, read_requirements
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.errors import NOTHING_FAILED
from infobip_sms_conformance.observations.readings import format_readings
from infobip_sms_conformance.observations.verdicts import Finding, Verdict
from infobip_sms_conformance.reporting.annotations import format_annotations
from infobip_sms_conformance.reporting.excerpt import find_place, mark_place
from infobip_sms_conformance.reporting.summary import (
    RequirementFailure,
    group_inconclusive,
    iter_failures,
)
from infobip_sms_conformance.reporting.tables import (
    STYLES,
    build_chapters,
    build_rows,
    describe_cost,
    format_count,
)
from infobip_sms_conformance.run.baseline import BaselineComparison
from infobip_sms_conformance.run.engine import get_requirement_ids
from infobip_sms_conformance.run.result import RunResult, SanitizedFinding
from infobip_sms_conformance.sanitization.curl import HEADER, get_variables
from infobip_sms_conformance.sanitization.evidence import Evidence
from infobip_sms_conformance.sanitization.redaction import clean, clean_characters
from infobip_sms_conformance.session.first_requests import (
    FAILING,
    RATE_LIMITED,
    REJECTED_CREDENTIALS,
)
from infobip_sms_conformance.session.plan import Plan

MAX_FULL, MAX_OTHERS = 8, 4
MAX_RESPONSE, MAX_REQUEST = 600, 2000
LABEL = 10
WIDE = 10_000

FindingCallback = Callable[[Finding, int, int], None]


class CleanConsole(Rich):
    """A console that shows control characters, whatever is printed."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Yield the segments, those with text without what a terminal would obey."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=clean(segment.text))


SEEN = "; seen: "
"""What is in the reason why nothing was checked, where there were requests to other paths."""


class ConsoleReporter:
    """Prints one run."""

    def __init__(
        self, *, quiet: bool = False, verbose: bool = False, is_selection: bool = False
    ) -> None:
        self._quiet, self._verbose = quiet, verbose and not quiet
        self._has_rows = verbose or is_selection
        self._out = CleanConsole(highlight=False, soft_wrap=True)

    def print_plan(self, name: str, plan: Plan, only: Sequence[str] = ()) -> None:
        """Print what the run may cost, before the first request."""
        budget, rules = plan.budget, len(get_requirement_ids(plan.profile, only, plan.without))
        self._print(
            f"Checking {name} against {format_count(rules, 'requirement')}, "
            f"profile {plan.profile.name}, seed {plan.seed}"
        )
        self._print(
            f"Plan: {format_count(budget.planned_cost.requests, 'request')} (up to {budget.max_requests} if "
            f"checks fail), at most {format_count(budget.max_messages, 'message')} to "
            f"{describe_numbers(plan)}"
        )
        if plan.profile.stops_at_acceptance:
            self._print(
                "Every message must be rejected; the run ends at the first that is accepted"
            )
        if left_out := plan.without - plan.profile.without:
            self._print(f"Without {', '.join(sorted(left_out))}")

    @contextmanager
    def show_progress(self) -> Iterator[FindingCallback]:
        """Show how far the run has come, on a terminal only."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(complete_style="green"),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        failed: set[str] = set()
        with Progress(
            *columns, console=self._out, transient=True, disable=not self._out.is_terminal
        ) as bar:
            task = bar.add_task("the first request", total=None)

            def update_progress(finding: Finding, done: int, total: int) -> None:
                failed.update({finding.requirement_id} if finding.verdict is Verdict.FAIL else ())
                count = f", {len(failed)} failed" if failed else ""
                bar.update(
                    task, total=total, completed=done, description=finding.requirement_id + count
                )

            yield update_progress

    def print_result(self, result: RunResult, compared: BaselineComparison | None = None) -> None:
        """Print the verdicts and the details of failures."""
        if result.rows and not self._quiet:
            self._print_table(result)
        excused = compared.excused if compared else ()
        failures = [f for f in iter_failures(result) if not is_excused(f, excused)]
        whole = failures if self._has_rows else failures[:MAX_FULL]
        for failure in whole:
            self._print_failure(failure)
        for line in format_briefly(failures[len(whole) :]):
            self._print(line)
        if variables := get_variables(
            *(f.finding.evidence.curl for f in whole if f.finding.evidence)
        ):
            self._print(
                f"\nSet these variables to run the curl commands: {describe_variables(variables, result)}"
            )
        for line in format_notes(result, compared, quiet=self._quiet, verbose=self._verbose):
            self._print(line)
        if self._has_rows and not self._quiet and result.side == "server":
            for line in format_absent(result):
                self._print(line)
        self._out.print()
        self._out.print(build_summary(result))
        if os.environ.get("GITHUB_ACTIONS") == "true":
            for line in format_annotations(failures):
                print(clean_characters(line), file=self._out.file)

    def print_replay(self, tokens: Collection[str], result: RunResult) -> None:
        """Print of each check of an earlier run whether it fails still."""
        self._print("\nReplay")
        for token in tokens:
            self._print(f"  {token}: {describe_replay(token, result)}")

    def print_next_step(self, result: RunResult, report_files: Mapping[str, Path]) -> None:
        """Print the next step in one line."""
        if not self._quiet and (line := get_next_step(result, report_files)):
            self._print(line)

    def _print(self, line: str) -> None:
        self._out.print(line, markup=False)

    def _print_table(self, result: RunResult) -> None:
        self._out.print()
        width = self._out.width if self._out.is_terminal else WIDE
        for line in build_rows(result, width) if self._has_rows else build_chapters(result, width):
            self._out.print(line)

    def _print_failure(self, failure: RequirementFailure) -> None:
        row = failure.requirement
        title = Text("\n")
        title.append(f"{failure.verdict} ", style=STYLES[failure.verdict])
        title.append(f"{row.id} in {' and '.join(failure.wires)}", style="bold")
        title.append(f"  {row.text}")
        self._out.print(title)
        for name, text in describe_failure(failure):
            line = Text(f"  {name:{LABEL}}", style="dim")
            line.append(Text(text.replace("\n", f"\n{' ' * (LABEL + 2)}"), style="not dim"))
            self._out.print(line)


def describe_replay(token: str, result: RunResult) -> str:
    """Say whether a check that failed is fixed."""
    found = [f for f in result.findings if f.token.partition("@")[0] == token]
    if not found:
        return "not checked" + (f": {result.stopped}" if result.stopped else "")
    words = {Verdict.PASS: "fixed", Verdict.FAIL: "still failing", Verdict.WARN: "still failing"}
    return words.get(found[0].verdict, f"could not be decided: {found[0].got}")


def is_excused(failure: RequirementFailure, excused: Collection[str]) -> bool:
    """Tell whether the baseline excuses a failure in every format it occurs in."""
    return all(f"{failure.requirement.id} {wire}" in excused for wire in failure.wires)


def format_briefly(failures: Sequence[RequirementFailure]) -> Iterator[str]:
    """Yield one line for each failure that is not printed in full."""
    if failures:
        yield f"\nand {len(failures)} more; use --verbose or --html to see all of them in full"
    for failure in failures:
        where = f"{failure.requirement.id} in {' and '.join(failure.wires)}"
        yield f"  {failure.verdict} {where}: {failure.finding.sent or failure.finding.check}: {failure.finding.got}"


def describe_failure(failure: RequirementFailure) -> Iterator[tuple[str, str]]:
    """Yield the details of a failure as pairs of label and text."""
    shown, evidence = failure.finding, failure.finding.evidence
    yield "source", failure.requirement.source
    for name in ("sent", "expected", "got"):
        if text := getattr(shown, name):
            yield name, text
    if evidence:
        yield from describe_evidence(shown, evidence)
    for other in failure.others[:MAX_OTHERS]:
        yield "also", f"{other.sent or other.check}: {other.got}, in {other.wire}"
    if len(failure.others) > MAX_OTHERS:
        yield "also", f"{len(failure.others) - MAX_OTHERS} more; see --json or --html"
    if failure.hides:
        yield "hides", " ".join(failure.hides)
    if shown.token:
        yield "replay", f"--replay {shown.token}"


def describe_evidence(shown: SanitizedFinding, evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Yield the request and the response with the place that matters marked, and how to send it again."""
    body = mark_place(evidence.body, shown.place, MAX_REQUEST)
    # What a client sent begins with its first line.
    is_whole = body.replace(BEGIN.strip(), "").lstrip().startswith(evidence.method)
    head = "" if is_whole else f"{format_head(evidence)}\n"
    yield "request", f"{head}{body}".strip()
    response = mark_place(evidence.response, find_place(shown.got), MAX_RESPONSE)
    yield "response", f"{evidence.status or 'none:'} {response}".strip()
    if evidence.callback:
        yield "callback", mark_place(evidence.callback, find_place(shown.got), MAX_RESPONSE)
    if evidence.curl:
        yield "curl", evidence.curl


def format_head(evidence: Evidence) -> str:
    """Return the first line of a request, and its formats where they are not the same or not the usual ones."""
    line = f"{evidence.method} {evidence.path}"
    expected = [evidence.content_type] if evidence.content_type else list(MEDIA_TYPES.values())
    if evidence.accept in expected:
        return line
    if evidence.content_type:
        line += f"\nContent-Type: {evidence.content_type}"
    accept = f"Accept: {evidence.accept}" if evidence.accept else "(no Accept)"
    return f"{line}\n{accept}"


def describe_numbers(plan: Plan) -> str:
    """Describe the allowed numbers without printing them."""
    if plan.allowed == read_numbers():
        return f"{len(plan.allowed)} documented example numbers"
    ends = ", ".join(f"…{number[-2:]}" for number in plan.allowed)
    return f"{format_count(len(plan.allowed), 'number')} that you named ({ends})"


def describe_variables(names: Sequence[str], result: RunResult) -> str:
    """Return the variables that the curl commands need."""
    basic, app = '"Basic $(printf %s USER:PASSWORD | base64)"', "'App KEY'"
    values = {"URL": result.url, "BASIC": basic, "APP": app}
    values["AUTH"] = basic if result.scheme == "Basic" else f"'{result.scheme} KEY'"
    return " ".join(
        f"{name}={values.get(name, 'VALUE' if name.startswith(HEADER) else 'NUMBER')}"
        for name in names
    )


def format_notes(
    result: RunResult, compared: BaselineComparison | None, *, quiet: bool, verbose: bool
) -> Iterator[str]:
    """Yield the sections below the failures."""
    shown = {name for failure in iter_failures(result) for name in failure.hides}
    followers = group_inconclusive(result)
    if left := {
        reason: rest
        for reason, names in followers.items()
        if (rest := [n for n in names if n not in shown])
    }:
        yield "\nInconclusive"
        for reason, names in left.items():
            listed = " ".join(names)
            yield f"  {reason}: {listed}" if "because" in reason else f"  {listed}: {reason}"
    if result.readings and verbose:
        yield "\nUndocumented behavior observed (all allowed)"
        yield from (f"  {line}" for line in format_readings(result.readings))
    is_shown = not quiet and (verbose or result.side != "server")
    for section in result.sections if is_shown else ():
        yield f"\n{section.title}"
        yield from (f"  {line}" for line in section.lines)
    if verbose and result.side == "server":
        yield from format_unchecked(result)
    if compared:
        yield from compared.format_lines()


def format_absent(result: RunResult) -> Iterator[str]:
    """Yield the requirements that do not apply, by the reason."""
    found: dict[str, list[str]] = {}
    for row in result.rows:
        for wire in WIRES:
            if reason := result.get_absence_reason(row.id, wire):
                found.setdefault(reason, []).append(f"{row.id} in {wire}")
    if found:
        yield "\nNot applicable"
    for reason, names in found.items():
        yield f"  {', '.join(names)}: {reason}"


def format_unchecked(result: RunResult) -> Iterator[str]:
    """Yield the requirements that have no check; the command explain has the reasons."""
    checked = {row.id for row in result.rows}
    left = [row for row in read_requirements().values() if row.id not in checked and row.why]
    if left and len(checked) > len(left):
        names = " ".join(row.id for row in left)
        yield f"\nNot tested (not observable, or client-only)\n  {names}"


def build_summary(result: RunResult) -> Text:
    """Return the last lines."""
    counts, text = result.count_verdicts(), Text()
    for index, verdict in enumerate(verdict for verdict in Verdict if counts[verdict]):
        text.append(", " if index else "")
        text.append(f"{counts[verdict]} {verdict}", style=STYLES[verdict])
    if result.rows:
        text.append(f" of {format_count(len(result.rows), 'requirement')}")
    if result.stopped:
        lead = "\nRun incomplete: " if result.rows else "Could not check: "
        text.append(f"{lead}{result.stopped}", style="bold")
    elif not result.rows:
        text.append("Could not check: nothing was checked", style="bold")
    text.append(f"\n{describe_cost(result)}")
    return text


def get_next_step(result: RunResult, report_files: Mapping[str, Path]) -> str:
    """Return the next step; empty if there is none."""
    again = "infobip-sms conformance"
    failed = [failure.requirement.id for failure in iter_failures(result)]
    if failed:
        page = "" if "html" in report_files else ", --html FILE writes a page with everything"
        if result.side in {"client", "both"}:
            return f"Next: {again} explain {failed[0]}{page}"
        return f"Next: {again} explain {failed[0]}; --only {failed[0]} checks it alone{page}"
    if result.stopped.startswith(REJECTED_CREDENTIALS):
        return "Next: check --user and --password, or --api-key"
    if result.stopped.startswith(RATE_LIMITED):
        return "Next: run again when the limit has passed, or with an account that has none"
    if result.stopped.startswith(FAILING):
        return (
            f"Next: see the log of the server for the reason of its error; {result.url} is reached"
        )
    if not result.rows:
        if result.side == "receiver":
            return (
                f"Next: check that a receiver listens there and that {result.url} is its notify URL"
            )
        if SEEN in result.stopped or not result.url:
            send = read_operations()["send"]
            hook = "the command receiver checks what delivery reports are posted to"
            return f"Next: record or send requests such as {send.method} {send.path}; {hook}"
        who = "a server listens" if result.side == "server" else "a client sends"
        return f"Next: check that {who} there and that {result.url} is its base URL"
    if result.exit_code == NOTHING_FAILED and not report_files:
        return "Next: add --junit FILE or --markdown FILE to run this in CI"
    return ""
