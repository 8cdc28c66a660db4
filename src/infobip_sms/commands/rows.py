"""Delivery reports and logs as rows.

Lives here: which of their members people see, in which order.
Never here: how a table looks (output.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .output import clean, show_instant, write_model

if TYPE_CHECKING:
    from infobip_sms import DeliveryReport, SmsLog

REPORT_COLUMNS = ("Done", "To", "Status", "Error", "Message")
LOG_COLUMNS = ("Sent", "From", "To", "Status", "Error", "Parts", "Message")
_WIDTHS = (25, 15, 27)  # of rows that come one by one: an instant, a number, nearly every status


def write_report(report: DeliveryReport, *, as_json: bool) -> None:
    """Print a report that comes by itself, as a line that can be read at once."""
    if as_json:
        write_model(report)
        return
    cells = [clean(value) for value in show_report(report)]
    wide = [cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=False)]
    rest = [cell for cell in cells[len(_WIDTHS) :] if cell]
    click.echo("  ".join([*wide, *rest]).rstrip())


def show_report(report: DeliveryReport) -> tuple[object, ...]:
    """Return the row of a report."""
    status = report.status.name if report.status else None
    done = show_instant(report.done_at)
    return (done, report.to, status, _show_error(report), report.message_id)


def show_log(log: SmsLog) -> tuple[object, ...]:
    """Return the row of a log."""
    status = log.status.name if log.status else None
    sent = show_instant(log.sent_at)
    return (sent, log.from_, log.to, status, _show_error(log), log.sms_count, log.message_id)


def _show_error(entry: DeliveryReport | SmsLog) -> str | None:
    """Return the network error's name, if there is one: number 0 is none."""
    return entry.error.name if entry.error and entry.error.id else None
