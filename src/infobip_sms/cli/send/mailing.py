"""One message for each row: all rows are checked first, then sent by the client's own engine."""

from __future__ import annotations

import sys
import time
from contextlib import closing, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import SmsResponse, SmsResponseDetails

from infobip_sms.cli.base.framework import EXIT_OK, InvalidInputError
from infobip_sms.cli.base.output import clean, print_json, print_note
from infobip_sms.codecs.plain_data import build_plain
from infobip_sms.send_many.journal import JournalError
from infobip_sms.send_many.suppression import Suppression, find_original

from .check import check_rows
from .confirm import confirm, confirm_repeated, estimate_send
from .summary import MailingSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infobip_sms import Message
    from infobip_sms.cli.base.server_options import ClientOptions
    from infobip_sms.send_many.outcomes import Outcome

    from .check import CheckOptions, CheckSummary
    from .csv_rows import Mailing

_WIRE_NAMES = {
    name: field.metadata["wire"]
    for cls in (SmsResponse, SmsResponseDetails)
    for name, field in attrs.fields_dict(cls).items()
    if "wire" in field.metadata
}


@attrs.frozen(kw_only=True)
class MailingOptions:
    """How many at a time, what is remembered, and what to do when an outcome is not known."""

    chunk: int
    concurrency: int
    patience: float
    per_second: float | None
    skip: frozenset[str] | None
    dedupe: Any
    on_unknown: Any
    journal: str | None


def send_mailing(
    settings: ClientOptions,
    mailing: Mailing,
    options: MailingOptions,
    checks: CheckOptions,
    *,
    yes: bool,
) -> int:
    """Check every row, ask, send, and sum up; return the exit code."""
    if checks.check:
        return _print_check(
            check_rows(mailing.build_rows(), checks, as_json=settings.as_json), checks
        )
    if problems := mailing.check_rows():
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise InvalidInputError(f"Nothing was sent, because of these rows:{lines}")
    suppression = Suppression(options.skip, options.dedupe)
    cost = estimate_send(mailing.build_messages(), suppression)
    total = cost.destinations + cost.left_out
    if checks.is_needed:
        check_rows(mailing.build_rows(), checks, as_json=False).require_limits(checks)
    if cost.repeated:
        print_note(f"Note: numbers that came before: {cost.repeated}. --dedupe leaves them out.")
        if not settings.dry_run:
            confirm_repeated(settings.base_url, cost, yes=yes)
    if total == 0:
        raise InvalidInputError("The CSV has no rows below the names of its columns.")
    for name, count in mailing.count_empty().items():
        print_note(f"Note: in {count} of {total} rows {{{clean(name)}}} is empty.")
    if settings.dry_run:
        return _print_first_request(settings, mailing, options)
    if options.journal is None and total > options.chunk:
        print_note("Note: without --resume FILE this cannot be continued if it is interrupted.")
    confirm(settings.base_url, cost, yes=yes)
    return _send(settings, mailing, options, total)


def _print_check(summary: CheckSummary, checks: CheckOptions) -> int:
    if not summary.as_json:
        summary.print_tables()
    summary.print_notes()
    summary.require_limits(checks)
    return summary.get_exit_code()


def _print_first_request(settings: ClientOptions, mailing: Mailing, options: MailingOptions) -> int:
    """Print the first request; the client of a dry run ends the program with it."""
    print_note("The first request; messageIds that the rows do not name are made up for each run.")
    once = attrs.evolve(options, concurrency=1, journal=None)
    for _ in _send_rows(settings, islice(mailing.build_messages(), options.chunk), mailing, once):
        pass
    return EXIT_OK


def _send(settings: ClientOptions, mailing: Mailing, options: MailingOptions, total: int) -> int:
    rows = [number for number, _ in mailing.table.read_rows()]
    tally = MailingSummary(total=total, base_url=settings.base_url)
    outcomes = _send_rows(settings, mailing.build_messages(), mailing, options)
    try:
        with closing(outcomes), _show_progress(settings, total) as advance:
            for found in outcomes:
                outcome = _name_row(found, rows)
                row = tally.add(outcome, rows[outcome.index])
                if settings.as_json:
                    print_json(_to_plain(outcome, row))
                advance(outcome)
    except JournalError as error:
        raise _name_first_row(error, rows) from None
    finally:
        if not settings.as_json:
            tally.print_rows()
        tally.print_summary(
            has_journal=options.journal is not None,
            on_unknown=options.on_unknown,
            err=settings.as_json,
        )
    return tally.get_exit_code()


def _name_row(outcome: Outcome, rows: list[int]) -> Outcome:
    """Return an outcome that names the row of the CSV that it repeats."""
    original = find_original(outcome.reason)
    if original is None:
        return outcome
    return attrs.evolve(outcome, reason=f"the same number as row {rows[original]}")


def _name_first_row(error: JournalError, rows: list[int]) -> JournalError:
    """Return an error that names the first row of the CSV that differs."""
    if error.index is None:
        return error
    return JournalError(
        str(error).replace(f"destination {error.index}", f"row {rows[error.index]}")
    )


def _send_rows(
    settings: ClientOptions, messages: Iterator[Message], mailing: Mailing, options: MailingOptions
) -> Any:
    # send_many tries again itself, for as long as it has patience, and can be interrupted at it
    with attrs.evolve(settings, attempts=1).open_client() as client:
        yield from client.send_many(
            messages,
            chunk=options.chunk,
            concurrency=options.concurrency,
            patience=options.patience,
            per_second=options.per_second,
            skip=options.skip,
            dedupe=options.dedupe,
            on_unknown=options.on_unknown,
            journal=options.journal,
            tracking=mailing.message_options.build_tracking(),
        )


@contextmanager
def _show_progress(settings: ClientOptions, total: int) -> Iterator[Callable[[Outcome], None]]:
    """Draw a bar on standard error, if that is a terminal and no lines of JSON cross it."""
    if not sys.stderr.isatty() or (settings.as_json and sys.stdout.isatty()):
        yield lambda _: None
        return
    from rich import progress  # noqa: PLC0415 - for a terminal only
    from rich.console import Console  # noqa: PLC0415 - for a terminal only

    with progress.Progress(
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # it would take the results away from standard output
        redirect_stderr=False,
    ) as bar:
        task = bar.add_task("", total=total, rate="")
        started, earlier = time.monotonic(), 0

        def advance(outcome: Outcome) -> None:
            nonlocal earlier
            earlier += outcome.earlier
            rate = (outcome.index + 1 - earlier) / max(time.monotonic() - started, 0.001)
            bar.update(task, completed=outcome.index + 1, rate=f"{rate:.0f}/s")

        yield advance


def _to_plain(outcome: Outcome, row: int) -> dict[str, Any]:
    plain = {
        "row": row,
        "outcome": outcome.state,
        _WIRE_NAMES["to"]: outcome.to,
        _WIRE_NAMES["message_id"]: outcome.message_id,
        _WIRE_NAMES["status"]: build_plain(outcome.status) if outcome.status else None,
        _WIRE_NAMES["bulk_id"]: outcome.bulk_id,
        "reason": outcome.reason,
    }
    return {name: value for name, value in plain.items() if value is not None}
