"""What commands print: tables for people, JSON for machines.

A terminal gets a drawn table, or entries one below the other where it is too narrow; anything else
gets aligned columns. JSON has the wire's own names, one
document or one line for each item, always in UTF-8.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from infobip_sms.codecs import wire_json
from infobip_sms.text.escapes import escape

from .framework import InvalidInputError, UnavailableError
from .terminal import echo, echo_bytes, is_terminal

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    import attrs

    from infobip_sms import DeliveryReport, SmsLog

_MAX_WIDTH = 10_000  # columns, of no terminal
_NO_ROOM = {getattr(errno, name, None) for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS")}
_BAD_GROUPS = {"UNDELIVERABLE", "REJECTED", "EXPIRED"}


def print_model(model: attrs.AttrsInstance) -> None:
    """Print a model as one line of JSON with wire names."""
    print_line(wire_json.dump_model(model).decode())


def print_json(plain: dict[str, Any]) -> None:
    """Print plain data as one line of JSON."""
    print_line(json.dumps(plain, ensure_ascii=False, separators=(",", ":")))


def print_line(text: str) -> None:
    """Print a line of JSON at once, in UTF-8; what could steer a terminal is escaped."""
    echo_bytes(escape(text).encode())


def print_body(body: bytes) -> None:
    """Print a body: its very bytes, but escaped on a terminal."""
    if is_terminal():
        echo(body.decode(errors="backslashreplace"))
    else:
        echo_bytes(body)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns; a column without any value is left out."""
    if not rows:
        return
    cells = [[clean(value) for value in row] for row in rows]
    kept = [i for i in range(len(columns)) if any(row[i] for row in cells)]
    titles = [columns[i] for i in kept]
    shown = [[row[i] for i in kept] for row in cells]
    if is_terminal():
        _draw(titles, shown)
    else:
        for line in align([titles, *shown]):
            echo(line)


@contextmanager
def open_new_csv(name: str | Path) -> Iterator[TextIO]:
    """Open a file that only its owner may read; raise InvalidInputError if it exists already.

    A file that cannot be written to its end is removed: part of it looks like all of it.
    """
    try:
        handle = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise InvalidInputError(f"{clean(name)} exists already; name a new file.") from None
    except OSError as problem:
        raise UnavailableError(f"{clean(name)} cannot be written: {problem.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
    except BaseException as problem:
        with suppress(OSError):
            Path(name).unlink()
        if isinstance(problem, OSError) and problem.errno in _NO_ROOM:
            reason = f"{clean(name)} cannot be written: {problem.strerror}"
            raise UnavailableError(reason) from None
        raise


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines whose cells stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def clean(value: object) -> str:
    """Return a value as one line in which every character can be seen."""
    return "" if value is None else escape(str(value))


def format_instant(instant: dt.datetime | None) -> str:
    """Return an instant to the second, with its zone."""
    return instant.isoformat(" ", "seconds") if instant else ""


def print_note(text: str) -> None:
    """Print a remark for people, apart from the results."""
    echo(text, err=True)


def _draw(titles: list[str], rows: list[list[str]]) -> None:
    """Draw a table, or one entry below the other if the terminal is too narrow for the columns."""
    from rich import box  # noqa: PLC0415 - for a terminal only
    from rich.console import Console  # noqa: PLC0415 - for a terminal only
    from rich.measure import Measurement  # noqa: PLC0415 - for a terminal only
    from rich.table import Table  # noqa: PLC0415 - for a terminal only
    from rich.text import Text  # noqa: PLC0415 - for a terminal only

    console = Console(highlight=False, markup=False, emoji=False)
    styled = [[Text(cell, style=_get_style(cell)) for cell in row] for row in rows]
    table = Table(*titles, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for row in styled:
        table.add_row(*row)
    any_width = console.options.update(max_width=_MAX_WIDTH)
    if Measurement.get(console, any_width, table).maximum <= console.width:
        console.print(table)
        return
    for row in styled:
        entry = Table.grid(padding=(0, 2))
        for title, cell in zip(titles, row, strict=True):
            if cell.plain:
                entry.add_row(Text(title, style="bold"), cell)
        console.print(entry)
        console.rule(characters="─", style="dim")


def _get_style(cell: str) -> str:
    group = cell.partition("_")[0]
    return "red" if group in _BAD_GROUPS else "green" if group == "DELIVERED" else ""


REPORT_COLUMNS = ("Done", "To", "Status", "Error", "Message")


LOG_COLUMNS = ("Sent", "From", "To", "Status", "Error", "Segments", "Message")


_WIDTHS = (25, 15, 27)  # of rows that come one by one: an instant, a number, nearly every status


def print_report(report: DeliveryReport, *, as_json: bool) -> None:
    """Print a report that comes by itself, as a line that can be read at once."""
    if as_json:
        print_model(report)
        return
    cells = [clean(value) for value in format_report_row(report)]
    wide = [cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=False)]
    rest = [cell for cell in cells[len(_WIDTHS) :] if cell]
    echo("  ".join([*wide, *rest]).rstrip())


def format_report_row(report: DeliveryReport) -> tuple[object, ...]:
    """Return the row of a report."""
    status = report.status.name if report.status else None
    done = format_instant(report.done_at)
    return (done, report.to, status, _format_error(report), report.message_id)


def format_log_row(log: SmsLog) -> tuple[object, ...]:
    """Return the row of a log."""
    status = log.status.name if log.status else None
    sent = format_instant(log.sent_at)
    return (sent, log.from_, log.to, status, _format_error(log), log.sms_count, log.message_id)


def _format_error(entry: DeliveryReport | SmsLog) -> str | None:
    """Return the network error's name, if there is one: number 0 is none."""
    return entry.error.name if entry.error and entry.error.id else None
