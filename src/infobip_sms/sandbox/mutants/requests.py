"""Mutants that accept invalid requests or reject valid ones."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from infobip_sms_schema import Day, PreviewRequest
from infobip_sms_schema.operations import PREVIEW, SEND

from infobip_sms.codecs import get_codec
from infobip_sms.sandbox.api.send import DestinationSpec, MessageSpec, Submission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infobip_sms_schema import SmsRequest, SmsRequestV1, Violation

    from infobip_sms.codecs import Wire
    from infobip_sms.sandbox.api.routing import AnyOperation

    Violations = Sequence[Violation]

_FIRST_MESSAGE = re.compile(r"messages\[0\]")
_FIRST_DESTINATION = re.compile(r"messages\[\d+\]\.destinations\[0\]")


def _always(_violations: Violations, _wire: Wire) -> bool:
    return True


def _in_xml(_violations: Violations, wire: Wire) -> bool:
    return wire == "xml"


def _after_first(first: re.Pattern[str]) -> Callable[[Violations, Wire], bool]:
    """Return a test whether no violation is in the first message or destination."""
    return lambda violations, _: not any(first.match(v.path) for v in violations)


UNCHECKED: dict[str, Callable[[Violations, Wire], bool]] = {
    **{f"SEND-{n:03}": _always for n in (2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 15, 16, 17, 18, 19, 22)},
    **{f"WIN-{n:03}": _always for n in range(1, 7)},
    **dict.fromkeys(("PREV-001", "PREV-002", "V1-004", "V1-006"), _always),
    "SEND-003-first": _after_first(_FIRST_MESSAGE),
    "SEND-008-first": _after_first(_FIRST_DESTINATION),
    "SEND-016-xml": _in_xml,
    "WIN-002-first": _after_first(_FIRST_MESSAGE),
}
"""Requirements that are not checked, or only in some places."""

OVERSTRICT: dict[str, Callable[[SmsRequest, Wire], bool]] = {
    "SEND-011-pt": lambda r, _: any(
        m.language and m.language.language_code == "PT" for m in r.messages
    ),
    "SEND-016-short": lambda r, _: any(len(m.callback_data or "") > 190 for m in r.messages),
    "SEND-020": lambda r, _: any(m.language and m.transliteration for m in r.messages),
    "SEND-023": lambda r, _: any(len((m.callback_data or "").encode()) > 200 for m in r.messages),
    "SEND-024": lambda r, _: any(d.to[0] == "+" for m in r.messages for d in m.destinations),
    "SEND-025": lambda r, _: any(not (m.from_ or "a").isalnum() for m in r.messages),
    "SEND-026": lambda r, _: r.bulk_id is None and len(r.messages) == 1,
    "VAL-001": lambda r, _: any(
        m.validity_period != m.effective_validity_period for m in r.messages
    ),
    "SCHED-002": lambda r, _: any(
        m.send_at and m.send_at > dt.datetime.now(dt.UTC) for m in r.messages
    ),
    "WIN-003-sunday": lambda r, _: any(
        m.delivery_time_window and Day.SUNDAY in m.delivery_time_window.days for m in r.messages
    ),
    "XML-002": lambda r, wire: wire == "xml" and any(m.delivery_time_window for m in r.messages),
}
"""Valid requests that are rejected."""

OVERSTRICT_V1: dict[str, Callable[[SmsRequestV1, Wire], bool]] = {
    "V1-004-shifts": lambda r, _: any(
        m.language and m.language.single_shift is not None for m in r.messages
    ),
    "V1-005": lambda _, wire: wire == "xml",
    "V1-006-refused": lambda r, _: any(m.transliteration for m in r.messages),
    "V1-007": lambda r, _: any(len(m.callback_data or "") > 200 for m in r.messages),
}
"""The same for version 1."""

VERSION_1_REMOVED = {"V1-001": 404, "V1-001-gone": 410}
"""HTTP status of every request of version 1."""


def _get_objects(plain: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return what can be read of a list of objects, whatever is there instead."""
    value = plain.get(name)
    entries = value if isinstance(value, list) else []
    return [entry if isinstance(entry, dict) else {} for entry in entries]


def parse_leniently(
    operation: AnyOperation, body: bytes, wire: Wire
) -> Submission | PreviewRequest:
    """Parse as much of an invalid request as its response needs."""
    plain: Any = get_codec(wire).parse_plain(body, operation.request)
    if operation is PREVIEW:
        return PreviewRequest(text=str(plain.get("text", "")))
    destinations = tuple(
        DestinationSpec(str(destination.get("to") or ""), destination.get("messageId"))
        for message in _get_objects(plain, "messages")
        for destination in _get_objects(message, "destinations")
    )
    return Submission(
        (MessageSpec(destinations),),
        plain.get("bulkId"),
        tracked="tracking" in plain,
        version=2 if operation is SEND else 1,
    )
