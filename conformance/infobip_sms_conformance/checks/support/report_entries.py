"""Every entry of the reports and logs of a run, wherever it came from, held to one set of rules."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from infobip_sms_conformance.checks.support.calls import find_entries
from infobip_sms_conformance.checks.support.response_rules import check_group_of, check_status_of
from infobip_sms_conformance.contract.files import read_status_rows
from infobip_sms_conformance.contract.openapi import get_component, read_operations, resolve
from infobip_sms_conformance.fixtures.webhook_messages import WEBHOOK_MESSAGES
from infobip_sms_conformance.observations.delivery_reports import parse_call
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.observations.tolerant_reader import find_list
from infobip_sms_conformance.observations.verdicts import CheckFailed, Mismatch, NotApplicable, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infobip_sms_conformance.observations.exchange import Exchange
    from infobip_sms_conformance.session.session import Session

# As in 2015-02-12T09:58:20.323+0100; how many digits a second has is not said.
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?[+-]\d{4}")
INSTANT_EXAMPLE = "a date and time such as 2015-02-12T09:58:20.323+0100"
IDENTIFYING = ("messageId", "to", "status")
"""What no report lacks."""
ROUNDING = timedelta(seconds=1)
DAY = timedelta(days=1)
PLAIN = re.compile(r"[A-Za-z0-9 .,:;!?'()/&<>+*=-]*")
"""Texts that take one septet for each character."""
NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?")
KINDS: dict[str, Callable[[Any], bool]] = {
    "string": lambda v: isinstance(v, str | int) and not isinstance(v, bool),
    "integer": lambda v: not isinstance(v, bool) and re.fullmatch("[0-9]+", str(v)) is not None,
    "number": lambda v: not isinstance(v, bool) and NUMBER.fullmatch(str(v).strip()) is not None,
    "boolean": lambda v: isinstance(v, bool),
    "object": lambda v: isinstance(v, dict),
}
"""What may stand for each type: numbers are let pass as text, as elsewhere."""


@dataclass(frozen=True)
class ReportEntry:
    """One entry of a list of reports or logs."""

    data: dict[str, Any]
    path: str
    exchange: Exchange
    is_log: bool
    name: str = ""
    """The last part of the notify URL that it was pushed to."""


def iter_report_entries(session: Session, wire: str) -> Iterator[ReportEntry]:
    """Yield the entries that came in a format: pushed, fetched and looked up."""
    receiver = session.receiver
    sent = next(filter(None, (session.find(WEBHOOK_MESSAGES, w) for w in session.wires)), None)
    for call in receiver.calls() if receiver and sent else ():
        if find_wire(call.body) == wire and sent:
            exchange = replace(sent, callback=call.body)
            yield from build_entries(parse_call(call), exchange, is_log=False, name=call.name)
    for exchange in session.exchanges:
        path = exchange.request.path.partition("?")[0] if exchange.request else ""
        if exchange.wire == wire and find_entries(exchange):
            is_log = path == read_operations()["getLogs"].path
            yield from build_entries(exchange.data, exchange, is_log=is_log)


def build_entries(
    data: Any, exchange: Exchange, *, is_log: bool, name: str = ""
) -> Iterator[ReportEntry]:
    """Yield the entries of one list."""
    for index, entry in enumerate(find_list(data, "results") or []):
        yield ReportEntry(entry, f"results[{index}]", exchange, is_log, name)


def assert_entries(
    session: Session, wire: str, problem: Callable[[ReportEntry], str], expected: str
) -> None:
    """Hold every entry to a rule; where none came is the matter of other checks."""
    seen = False
    for entry in iter_report_entries(session, wire):
        seen = True
        if found := problem(entry):
            raise CheckFailed(found, expected=expected, exchange=entry.exchange)
    if not seen:
        raise NotApplicable("no report and no log came in this format")


# ------------------------------------------------------------------ rules


def check_status(entry: ReportEntry) -> str:
    """Hold the status to the schema of a status; a missing one is DLR-009's matter."""
    status = drop_nulls(entry.data.get("status"))
    return check_status_of(status, f"{entry.path}.status") if isinstance(status, dict) else ""


def check_group(entry: ReportEntry) -> str:
    """Compare groupId and groupName of the status."""
    status = entry.data.get("status")
    return check_group_of(status, f"{entry.path}.status") if isinstance(status, dict) else ""


def check_fields(entry: ReportEntry) -> str:
    """Look for what no report lacks, and hold each field to its type."""
    for name in IDENTIFYING:
        if entry.data.get(name) in (None, ""):
            return Mismatch(f"{entry.path}.{name}", "a value", "nothing")
    component = "SmsLog" if entry.is_log else "DeliveryReport"
    wrong = check_types(entry.data, get_component(component), entry.path)
    return wrong or check_error_group(entry.data.get("error"), f"{entry.path}.error")


def check_error_group(error: Any, path: str) -> str:
    """Compare groupId and groupName of an error with the catalogue; letters may be small."""
    if not isinstance(error, dict):
        return ""
    names = {str(row["groupId"]): row["groupName"] for row in read_status_rows("error")}
    known, found = names.get(str(error.get("groupId"))), error.get("groupName")
    if known is None or found is None or str(found).upper() == known.upper():
        return ""
    wanted = f"{show(known)} at groupId {error['groupId']}"
    return Mismatch(f"{path}.groupName", wanted, show(found))


def check_segments(entry: ReportEntry, text: str) -> str:
    """Compare smsCount with the segments that a text needs, if there is one."""
    found = entry.data.get("smsCount")
    allowed = count_segments(text) if text else []
    if found in (None, "") or not allowed or str(found).strip() in map(str, allowed):
        return ""
    wanted = " or ".join(map(str, allowed))
    return Mismatch(f"{entry.path}.smsCount", wanted, show(found))


def count_segments(text: str) -> list[int]:
    """Return how many segments a text may have; none where that depends on more than the text.

    A text of plain ASCII is written in GSM-7, and one with a sign that no alphabet of GSM has in UCS-2, in which
    pairs may be kept together (READ-029).
    """
    if text and PLAIN.fullmatch(text):
        return [1 if len(text) <= 160 else -(-len(text) // 153)]  # noqa: PLR2004 - septets of segments
    units = len(text.encode("utf-16-le")) // 2
    if units == len(text) or units <= 70:  # noqa: PLR2004 - characters of one segment
        return []
    segments = -(-units // 67)
    return [segments, segments + 1]


def check_types(data: dict[str, Any], schema: dict[str, Any], path: str) -> str:
    """Say which field of an object is of another type than the schema has; RESP-007 covers those of a status."""
    for name, member in schema.get("properties", {}).items():
        value, kind = data.get(name), resolve(member)
        if value is None or value == "":
            continue
        if not KINDS.get(kind.get("type", ""), bool)(value):
            return Mismatch(f"{path}.{name}", f"type {show(kind.get('type'))}", show(value))
        inside = isinstance(value, dict) and name != "status"
        if inside and (found := check_types(value, kind, f"{path}.{name}")):
            return found
    return ""


def check_instants(entry: ReportEntry) -> str:
    """Look at the form of sentAt and doneAt, and at their order."""
    instants = []
    for name in ("sentAt", "doneAt"):
        text = entry.data.get(name)
        if text in (None, ""):
            continue
        found = find_instant(text)
        if found is None:
            return Mismatch(f"{entry.path}.{name}", INSTANT_EXAMPLE, show(text))
        instants.append(found)
    if len(instants) > 1 and instants[1] < instants[0] - ROUNDING:
        return Mismatch(
            f"{entry.path}.doneAt", "an instant that is not before sentAt", "one before"
        )
    return ""


def check_day(entry: ReportEntry) -> str:
    """Compare sentAt with the instant of the request that it came for."""
    found = find_instant(entry.data.get("sentAt"))
    if found is None or abs(found.timestamp() - entry.exchange.at) < DAY.total_seconds():
        return ""
    return Mismatch(f"{entry.path}.sentAt", "an instant of this run", show(entry.data["sentAt"]))


def find_instant(text: Any) -> datetime | None:
    """Return the instant of a text in the form that reports have; none of any other."""
    if not isinstance(text, str) or not INSTANT.fullmatch(text.strip()):
        return None
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None


def drop_nulls(value: Any) -> Any:
    """Return an object without fields of null, which some rows of the catalogue are documented with."""
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value
