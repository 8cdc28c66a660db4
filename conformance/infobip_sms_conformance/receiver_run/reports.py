"""Delivery reports to be posted: the documented one with fresh IDs, and edits of it."""

import secrets
import uuid
from collections.abc import Callable
from typing import Any

from infobip_sms_conformance.contract.codec import MEDIA_TYPES, dump, dump_xml
from infobip_sms_conformance.contract.files import read_example, read_status_rows

Report = dict[str, Any]
Edit = Callable[[Report], Report]
EXACT = "@exact:"
"""Marks a string that is written as a bare number."""


def build_report() -> Report:
    """Return the documented report with IDs of its own."""
    report: Report = read_example("delivery-reports")["results"][0]
    return {**report, "bulkId": str(uuid.uuid4()), "messageId": str(uuid.uuid4())}


def dump_reports(reports: list[Report], wire: str, **more: Any) -> bytes:
    """Return reports as the body of a post."""
    document = {"results": reports, **more}
    body = dump(document, wire) if wire == "json" else dump_xml(document, "DeliveryReports")
    mark = EXACT.encode()
    if wire == "json":
        parts = body.split(b'"' + mark)
        body = parts[0] + b"".join(p.replace(b'"', b"", 1) for p in parts[1:])
    return body.replace(mark, b"")


def get_media_type(wire: str) -> str:
    """Return the content type of a format."""
    return MEDIA_TYPES[wire]


def set_fields(**values: Any) -> Edit:
    """Return an edit that sets fields."""
    return lambda report: {**report, **values}


def drop_fields(*names: str) -> Edit:
    """Return an edit that leaves fields out."""
    return lambda report: {name: value for name, value in report.items() if name not in names}


def rename_fields(names: dict[str, str]) -> Edit:
    """Return an edit that renames fields."""
    return lambda report: {names.get(name, name): value for name, value in report.items()}


def set_price(text: str) -> Edit:
    """Return an edit that sets the price to a number as it is written."""
    return lambda report: {
        **report,
        "price": {"pricePerMessage": f"{EXACT}{text}", "currency": "EUR"},
    }


def set_dates(sent_at: str, done_at: str) -> Edit:
    """Return an edit that sets both dates."""
    return set_fields(sentAt=sent_at, doneAt=done_at)


def set_decimal_ids(report: Report) -> Report:
    """Give a report IDs of digits only."""
    digits = [str(10**17 + secrets.randbelow(9 * 10**17)) for _ in range(2)]
    return {**report, "messageId": digits[0], "bulkId": digits[1]}


def set_pending(report: Report) -> Report:
    """Make a report an intermediate one."""
    row = next(row for row in read_status_rows("status") if row["name"] == "PENDING_ENROUTE")
    names = ("groupId", "groupName", "id", "name", "description")
    status = {name: row[name] for name in names if row.get(name) is not None}
    return {**report, "status": status}


COLON_DATES = set_dates("2015-02-12T09:58:20.323+01:00", "2015-02-12T09:58:20.337+01:00")
WHOLE_PRICE = set_price("1")
