"""The report on the terminal: the bill, the progress, the verdicts, what is behind them, and what to do next.

Long lines are left to the terminal, so that a command can be copied in one piece.

Lives here: the words and their order.
Never here: a verdict; anything that is not masked.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console as Rich
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from infobip_sms_conformance.contract.files import WIRES, read_numbers, read_requirements
from infobip_sms_conformance.errors import NOTHING_FAILED
from infobip_sms_conformance.observations.readings import tell
from infobip_sms_conformance.observations.verdicts import Finding, Verdict
from infobip_sms_conformance.reporting.summary import Failure, find_failures, find_followers
from infobip_sms_conformance.reporting.tables import (
    STYLES,
    build_chapters,
    build_rows,
    count,
    describe_cost,
)
from infobip_sms_conformance.run.baseline import Comparison
from infobip_sms_conformance.run.engine import find_numbers
from infobip_sms_conformance.run.result import Record
from infobip_sms_conformance.sanitization.curl import find_variables
from infobip_sms_conformance.session.plan import Plan

MOST_WHOLE, MOST_OTHERS = 8, 4
MOST_REPLY = 600
LABEL = 10
WIDE = 10_000

Teller = Callable[[Finding, int, int], None]


class Console:
    """Prints one run."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self._quiet, self._verbose = quiet, verbose
        self._out = Rich(highlight=False, soft_wrap=True)

    def tell_bill(self, name: str, plan: Plan, only: Sequence[str] = ()) -> None:
        """Say what the run may cost, before the first byte."""
        bill, rules = plan.bill, len(find_numbers(plan.profile, only, plan.without))
        self._say(
            f"Judging {name} by {count(rules, 'requirement')}, "
            f"profile {plan.profile.name}, seed {plan.seed}"
        )
        self._say(
            f"The bill: {count(bill.plan.requests, 'request')}, up to {bill.most_requests} where "
            f"something fails; at most {count(bill.most_messages, 'message')}, "
            f"to {describe_numbers(plan)}"
        )
        if plan.profile.stops_at_acceptance:
            self._say("Every message is expected to be refused; the first that is not ends the run")
        if plan.without:
            self._say(f"Without {', '.join(sorted(plan.without))}")

    @contextmanager
    def show_progress(self) -> Iterator[Teller]:
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

            def hear(finding: Finding, done: int, total: int) -> None:
                failed.update({finding.requirement} if finding.verdict is Verdict.FAIL else ())
                count = f", {len(failed)} failed" if failed else ""
                bar.update(
                    task, total=total, completed=done, description=finding.requirement + count
                )

            yield hear

    def tell_record(self, record: Record, compared: Comparison | None = None) -> None:
        """Print the verdicts and what is behind them."""
        if record.rows and not self._quiet:
            self._tell_matrix(record)
        excused = compared.excused if compared else ()
        failures = [f for f in find_failures(record) if not is_excused(f, excused)]
        whole = failures if self._verbose else failures[:MOST_WHOLE]
        for failure in whole:
            self._tell_failure(failure)
        for line in tell_briefly(failures[len(whole) :]):
            self._say(line)
        if variables := find_variables(*(f.shown.evidence.curl for f in whole if f.shown.evidence)):
            self._say(f"\nThe curl lines want: {describe_variables(variables, record)}")
        for line in find_lines(record, compared, quiet=self._quiet):
            self._say(line)
        self._out.print()
        self._out.print(build_summary(record))

    def tell_next(self, record: Record, asked: Mapping[str, Path]) -> None:
        """Say what to do next, in a line."""
        if not self._quiet and (line := find_next(record, asked)):
            self._say(line)

    def _say(self, line: str) -> None:
        self._out.print(line, markup=False)

    def _tell_matrix(self, record: Record) -> None:
        self._out.print()
        width = self._out.width if self._out.is_terminal else WIDE
        for line in build_rows(record, width) if self._verbose else build_chapters(record, width):
            self._out.print(line)

    def _tell_failure(self, failure: Failure) -> None:
        row = failure.requirement
        title = Text("\n")
        title.append(f"{failure.verdict} ", style=STYLES[failure.verdict])
        title.append(f"{row.id} in {' and '.join(failure.wires)}", style="bold")
        title.append(f"  {row.text}")
        self._out.print(title)
        for name, text in describe(failure):
            line = Text(f"  {name:{LABEL}}", style="dim")
            line.append(Text(text.replace("\n", f"\n{' ' * (LABEL + 2)}"), style="not dim"))
            self._out.print(line)


def is_excused(failure: Failure, excused: Collection[str]) -> bool:
    """Tell whether a baseline knows a failure in every format that it shows in."""
    return all(f"{failure.requirement.id} {wire}" in excused for wire in failure.wires)


def tell_briefly(failures: Sequence[Failure]) -> Iterator[str]:
    """Yield a line for each of the failures that would make the output too long."""
    if failures:
        yield f"\nand {len(failures)} more; --verbose and --html have all of them in full"
    for failure in failures:
        where = f"{failure.requirement.id} in {' and '.join(failure.wires)}"
        yield f"  {failure.verdict} {where}: {failure.shown.sent or failure.shown.check}: {failure.shown.got}"


def describe(failure: Failure) -> Iterator[tuple[str, str]]:
    """Yield what is behind a failure, each with its name."""
    shown, evidence = failure.shown, failure.shown.evidence
    yield "source", failure.requirement.source
    for name in ("sent", "expected", "got"):
        if text := getattr(shown, name):
            yield name, text
    if evidence:
        yield "request", evidence.body or f"{evidence.method} {evidence.path}"
        reply = evidence.reply
        short = reply if len(reply) <= MOST_REPLY else f"{reply[:MOST_REPLY]} …"
        yield "reply", f"{evidence.status or 'none:'} {short}".strip()
        if evidence.callback:
            yield "callback", evidence.callback
        if evidence.twin:
            yield f"in {next(wire for wire in WIRES if wire != shown.wire)}", evidence.twin
        if evidence.curl:
            yield "curl", evidence.curl
    for other in failure.others[:MOST_OTHERS]:
        yield "also", f"{other.sent or other.check}: {other.got}, in {other.wire}"
    if len(failure.others) > MOST_OTHERS:
        yield "also", f"{len(failure.others) - MOST_OTHERS} more; see --json or --html"
    if shown.token:
        yield "replay", f"--replay {shown.token}"


def describe_numbers(plan: Plan) -> str:
    """Say to whom messages may go, without a number."""
    if plan.allowed == read_numbers():
        return f"the {count(len(plan.allowed), 'number')} of the documentation"
    ends = ", ".join(f"…{number[-2:]}" for number in plan.allowed)
    return f"{count(len(plan.allowed), 'number')} of yours ({ends})"


def describe_variables(names: Sequence[str], record: Record) -> str:
    """Say what is to be set before a curl line is pasted."""
    basic, app = '"Basic $(printf %s USER:PASSWORD | base64)"', "'App KEY'"
    values = {"URL": record.url, "BASIC": basic, "APP": app}
    values["AUTH"] = app if record.scheme == "App" else basic
    return " ".join(f"{name}={values.get(name, 'NUMBER')}" for name in names)


def find_lines(record: Record, compared: Comparison | None, *, quiet: bool) -> Iterator[str]:
    """Yield what is said below the failures."""
    if followers := find_followers(record):
        yield "\nCould not be told"
        for reason, names in followers.items():
            listed = " ".join(names)
            yield f"  {reason}: {listed}" if "because" in reason else f"  {listed}: {reason}"
    if record.readings and not quiet:
        yield "\nWhat this server makes of open questions, all of it legal"
        yield from (f"  {line}" for line in tell(record.readings))
    for section in () if quiet else record.sections:
        yield f"\n{section.title}"
        yield from (f"  {line}" for line in section.lines)
    if not quiet and record.side == "server":
        yield from tell_unjudged(record)
    if compared:
        yield from compared.tell()


def tell_unjudged(record: Record) -> Iterator[str]:
    """Yield the requirements that have no check; the command explain has the reasons."""
    judged = {row.id for row in record.rows}
    left = [row for row in read_requirements().values() if row.id not in judged and row.why]
    if left and len(judged) > len(left):
        names = " ".join(row.id for row in left)
        yield f"\nNot visible from outside, or not the server's matter\n  {names}"


def build_summary(record: Record) -> Text:
    """Return the last lines."""
    counts, text = record.count(), Text()
    for index, verdict in enumerate(verdict for verdict in Verdict if counts[verdict]):
        text.append(", " if index else "")
        text.append(f"{counts[verdict]} {verdict}", style=STYLES[verdict])
    if record.rows:
        text.append(f" of {count(len(record.rows), 'requirement')}")
    if record.stopped:
        lead = "\nNot all was judged: " if record.rows else "Could not judge: "
        text.append(f"{lead}{record.stopped}", style="bold")
    elif not record.rows:
        text.append("Could not judge: nothing was checked", style="bold")
    text.append(f"\n{describe_cost(record)}")
    return text


def find_next(record: Record, asked: Mapping[str, Path]) -> str:
    """Return what to do next; nothing where there is nothing."""
    again = "infobip-sms conformance"
    failed = [failure.requirement.id for failure in find_failures(record)]
    if failed:
        page = "" if "html" in asked else ", --html FILE shows all as a page"
        if record.side != "server":
            return f"Next: {again} explain {failed[0]}{page}"
        return f"Next: {again} explain {failed[0]}; --only {failed[0]} judges it alone{page}"
    if not record.rows:
        who = "a server listens" if record.side == "server" else "a client sends"
        return f"Next: see that {who} there, and that {record.url} is its base URL"
    if record.exit_code == NOTHING_FAILED and not asked:
        return "Next: --junit FILE, --markdown FILE and --badge FILE keep it so in CI"
    return ""
