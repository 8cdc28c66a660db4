"""``status``: what happened to each message of a run, from its journal and its delivery reports."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click
from infobip_sms_schema import DeliveryReport

from infobip_sms.cli.base.framework import (
    EXIT_OK,
    Command,
    InvalidInputError,
    UnavailableError,
)
from infobip_sms.cli.base.output import (
    clean,
    format_instant,
    open_new_csv,
    print_json,
    print_note,
    print_table,
)
from infobip_sms.cli.base.param_types import DelimiterParam
from infobip_sms.cli.base.terminal import echo
from infobip_sms.cli.send.csv_table import CsvTable, decode_csv, parse_csv
from infobip_sms.cli.send.phone_cells import mend_number
from infobip_sms.send_many.suppression import find_original

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infobip_sms import RunRow, RunStatus

_MAX_REASONS = 20  # of a state that the table shows
_ID, _TO, _DONE = (
    attrs.fields_dict(DeliveryReport)[name].metadata["wire"]
    for name in ("message_id", "to", "done_at")
)
_COLUMNS = ("row", _ID, _TO, "state", "reason", _DONE)
_DROPPED = {"message_id"}  # the platform rejects a messageId that it has seen
_SAME_DIGITS = 6  # at the end of two spellings of one number


@click.command(cls=Command)
@click.option("--journal", required=True, metavar="FILE", help="What send --resume FILE wrote.")
@click.option("--reports", required=True, metavar="FILE", help="What listen --store FILE wrote.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a row for each destination, as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each destination.")
@click.option(
    "--retry-undelivered",
    "retry",
    metavar="FILE",
    help="Write the CSV of a second run: what is undeliverable or expired, unless its error is permanent.",
)
@click.option(
    "--input",
    "source",
    metavar="FILE",
    help="The CSV that was sent: rows are numbered as in it, and copied to --retry-undelivered, which"
    " otherwise has the numbers alone.",
)
@click.option(
    "--delimiter", type=DelimiterParam(), metavar="CHAR", help="Separator of --input, as for send."
)
@click.option("--encoding", metavar="NAME", help="Encoding of --input, as for send.")
def status(
    *,
    journal: str,
    reports: str,
    as_csv: bool,
    as_json: bool,
    retry: str | None,
    source: str | None,
    delimiter: str | None,
    encoding: str | None,
) -> int:
    """Show what happened to each message of a run.

    Joins the journal of send --resume with the delivery reports of listen --store. Asks no server.
    A message without a report is unreported: it may have been delivered.
    """
    if as_csv and as_json:
        raise click.UsageError("Choose one of --csv and --json.")
    found = _read(journal, reports)
    table = _parse_input(source, delimiter, encoding) if source else None
    numbers = [number for number, _ in table.read_rows()] if table else None
    if as_csv:
        _print_csv(found, numbers)
    elif as_json:
        for row in found:
            print_json(_to_plain(row, numbers))
    else:
        _print_counts(found)
    if retry:
        _write_retry(found, Path(retry), table)
    return EXIT_OK


def _read(journal: str, reports: str) -> RunStatus:
    from infobip_sms import JournalError, ReportStoreError, read_run_status  # noqa: PLC0415 - seldom

    try:
        return read_run_status(journal, reports)
    except (JournalError, ReportStoreError) as problem:
        raise UnavailableError(clean(problem)) from None


def _parse_input(name: str, delimiter: str | None, encoding: str | None) -> CsvTable:
    try:
        body = Path(name).read_bytes()
    except OSError as problem:
        raise InvalidInputError(f"{clean(name)} cannot be read: {problem.strerror}") from None
    return parse_csv(decode_csv(body, name, encoding), delimiter)


def _print_counts(found: RunStatus) -> None:
    total = sum(found.counts.values())
    lines: list[tuple[object, ...]] = [
        ("accepted", "", found.accepted, _share(found.accepted, total))
    ]
    for state, count in found.counts.items():
        if not count:
            continue
        lines.append((state, "", count, _share(count, total)))
        reasons = [(why, n) for (one, why), n in found.reasons.items() if one == state]
        lines += [("", why, n, _share(n, total)) for why, n in reasons[:_MAX_REASONS]]
    print_table(("State", "Reason", "Messages", "Share"), lines)
    print_note(f"{total} destinations in the journal.")


def _share(count: int, total: int) -> str:
    return f"{100 * count / max(total, 1):.1f} %"


def _print_csv(found: RunStatus, numbers: list[int] | None) -> None:
    echo(_format_line(_COLUMNS))
    for row in found:
        plain = _to_plain(row, numbers)
        echo(_format_line([clean(plain.get(name)) for name in _COLUMNS]))


def _format_line(cells: Any) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def _to_plain(row: RunRow, numbers: list[int] | None) -> dict[str, Any]:
    report = row.report
    plain = {
        "row": _find_row(row.index, numbers),
        _ID: row.message_id,
        _TO: report.to if report else None,
        "state": row.state,
        "reason": _describe_reason(row, numbers),
        _DONE: (format_instant(report.done_at) or None) if report else None,
    }
    return {name: value for name, value in plain.items() if value is not None}


def _find_row(index: int, numbers: list[int] | None) -> int:
    """Return the row of a CSV: as it is numbered there, or if there are no empty ones."""
    return numbers[index] if numbers and index < len(numbers) else index + 2


def _describe_reason(row: RunRow, numbers: list[int] | None) -> str:
    original = find_original(row.reason)
    if original is None:
        return row.reason
    return f"the same number as row {_find_row(original, numbers)}"


def _write_retry(found: RunStatus, path: Path, table: CsvTable | None) -> None:
    """Write the rows that may be sent again; never over a file that exists."""
    rows = [row for row in found if row.state in {"undeliverable", "expired"}]
    chosen = [row for row in rows if row.may_be_repeated]
    left = len(rows) - len(chosen)
    if left:
        print_note(f"Left out, because the error is permanent: {left}.")
    if not chosen:
        print_note("Nothing to send again; no file was written.")
        return
    lines = list(_copy_rows(table, chosen) if table else _list_numbers(chosen))
    with open_new_csv(path) as file:
        csv.writer(file).writerows(lines)
    print_note(f"{len(lines) - 1} rows in {clean(path)}; send them with a new --resume file.")


def _list_numbers(rows: list[RunRow]) -> Iterator[list[str]]:
    yield ["to"]
    for row in rows:
        if row.report and row.report.to:
            yield [row.report.to]


def _copy_rows(table: CsvTable, rows: list[RunRow]) -> Iterator[list[str]]:
    """Yield the rows of the CSV, checked against the numbers in the reports."""
    kept = [n for n, name in enumerate(table.columns) if name.lower() not in _DROPPED]
    to = next((n for n, name in enumerate(table.columns) if name.lower() == "to"), 0)
    chosen = {row.index: row for row in rows}
    yield [table.columns[n] for n in kept]
    for index, (number, cells) in enumerate(table.read_rows()):
        row = chosen.pop(index, None)
        if row is None:
            continue
        reported = row.report.to if row.report else None
        if reported and mend_number(cells[to])[-_SAME_DIGITS:] != reported[-_SAME_DIGITS:]:
            raise InvalidInputError(
                f"--input is not the CSV of this run: row {number} has another number than its report."
            )
        yield [cells[n] if n < len(cells) else "" for n in kept]
    if chosen:
        raise InvalidInputError("--input is not the CSV of this run: it has fewer rows.")
