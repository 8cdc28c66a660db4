"""Allowed habits of other servers, each of which the suite has to let pass."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from tests.conformance.mutation.independent_server.twists.hooks import (
    GONE,
    SENDING,
    VERSION_1,
    Data,
    Twist,
    answers,
    rejects,
    reports,
)

if TYPE_CHECKING:
    from tests.conformance.mutation.independent_server.site import Request

BULKS = ("/sms/1/bulks",)
ELEMENT = re.compile(rb"<(/?)([A-Za-z])")
NULLS = {"action": None, "smsCount": None, "operator": None}
BETWEEN = {"groupId": 1, "groupName": "PENDING", "id": 3, "name": "PENDING_WAITING_DELIVERY"}


def writes_xml(alter: Any) -> Twist:
    """Return the habit of writing XML in another way."""

    def write(kind: str, body: bytes, _request: Request, wanted: str) -> tuple[str, bytes]:
        return (kind, alter(body)) if wanted == "xml" and body else (kind, body)

    return Twist(written=write)


def writes_json(alter: Any) -> Twist:
    """Return the habit of writing JSON in another way."""

    def write(kind: str, body: bytes, _request: Request, wanted: str) -> tuple[str, bytes]:
        return (kind, alter(body)) if wanted == "json" and body else (kind, body)

    return Twist(written=write)


def prefix(body: bytes) -> bytes:
    """Return a document whose elements are in a namespace with a prefix."""
    named = ELEMENT.sub(rb"<\1s:\2", body)
    return re.sub(rb"<(s:[A-Za-z]+)", rb'<\1 xmlns:s="urn:sms"', named, count=1)


def name_space(body: bytes) -> bytes:
    """Return a document in a default namespace."""
    return re.sub(rb"<([A-Za-z]+)", rb'<\1 xmlns="urn:sms"', body, count=1)


def encode_utf16(body: bytes) -> bytes:
    """Return a document in UTF-16."""
    text = '<?xml version="1.0" encoding="UTF-16"?>' + body.decode()
    return text.encode("utf-16")


def encode_latin(body: bytes) -> bytes:
    """Return a document in ISO 8859-1, with references for what that lacks."""
    declared = b'<?xml version="1.0" encoding="ISO-8859-1"?>'
    return declared + body.decode().encode("latin-1", "xmlcharrefreplace")


def pad(body: bytes) -> bytes:
    """Return a document with an instruction before it and blank lines behind."""
    return b'<?xml version="1.0"?>\n<?style none?>\n' + body + b"\n\n"


def add_nulls(entry: Any) -> Any:
    """Return an entry with fields of null."""
    return {**entry, **NULLS}


def slow_down(pairs: list[tuple[str, str]], path: str) -> list[tuple[str, str]]:
    """Answer a little late."""
    time.sleep(0.02 if path.startswith("/sms/1/") else 0)
    return pairs


def drop_most(report: Data, _kind: str) -> Data:
    """Leave out of a report what may be missing."""
    gone = {"mccMnc", "price", "error", "smsCount", "doneAt"}
    return {name: value for name, value in report.items() if name not in gone}


def number_as_text(report: Data, _kind: str) -> Data:
    """Write prices and counts of a report as text."""
    price = report.get("price", {})
    texts = {"smsCount": str(report.get("smsCount", 1)), "price": price}
    return {**report, **texts, "price": {**price, "pricePerMessage": "0.0100"}}


def lower_keys(data: Data, _request: Data, _url: str) -> Data:
    """Write the keys of tracking processes in small letters."""
    keys = {"trackingProcessKey", "processKey"}
    return {name: v.lower() if name in keys else v for name, v in data.items()}


ALLOWED: dict[str, Twist] = {
    "xml-prefix": writes_xml(prefix),
    "xml-namespace": writes_xml(name_space),
    "xml-utf-16": writes_xml(encode_utf16),
    "xml-latin": writes_xml(encode_latin),
    "xml-padded": writes_xml(pad),
    "xml-carriage-returns": writes_xml(lambda body: body.replace(b"><", b">\r\n<")),
    "json-padded": writes_json(lambda body: b"\r\n\t " + body + b"\r\n"),
    "json-slashes": writes_json(lambda body: body.replace(b"/", b"\\/")),
    "json-vendor-type": Twist(
        written=lambda kind, body, _r, _w: (kind.replace("n/", "n/vnd.sms+", 1), body)
    ),
    "status-nulls": answers("messages[].status", lambda v: {**v, "action": None}),
    "entry-nulls": answers("messages[]", add_nulls),
    "waiting-status": answers("messages[].status", lambda v: {**v, **BETWEEN}),
    "small-group-names": answers("messages[].status.groupName", lambda v: str(v).title()),
    "other-description": answers("messages[].status.description", lambda _v: "\u2713 queued"),
    "no-description": answers("messages[].status.description", lambda _v: GONE),
    "lower-case-key": Twist(answer=lower_keys),
    "slow": Twist(query=slow_down),
    "bare-reports": Twist(report=drop_most),
    "numbers-as-text": Twist(report=number_as_text),
    "reports-with-more": reports("status", lambda v: {**v, "action": "none", "more": [1]}),
    "report-without-milliseconds": Twist(
        report=lambda r, _k: {
            k: re.sub(r"[.][0-9]{3}", "", v) if k in {"sentAt", "doneAt"} else v
            for k, v in r.items()
        }
    ),
    "logs-mccmnc-unknown": reports("mccMnc", lambda _v: GONE, "logs"),
    "bulk-in-another-zone": answers(
        "sendAt", lambda v: re.sub(r"T(\d\d)(.*)\+00:?00", _to_east, v), urls=BULKS
    ),
    "v1-bare": answers("messages[].smsCount", lambda _v: GONE, urls=VERSION_1),
    "plain-destinations": rejects(
        "messages[].destinations[].to", lambda v: isinstance(v, str) and len(v) > 15, urls=SENDING
    ),
    "any-accept-xml": Twist(accept=lambda asked: "application/xml" if asked == "*/*" else asked),
    "unauthorized-text": Twist(
        written=lambda kind, body, _request, _wanted: (f"{kind};charset=utf-8", body)
    ),
}


def _to_east(found: re.Match[str]) -> str:
    hour = int(found[1])
    east = hour + 1 if hour < 23 else hour
    return f"T{east:02}{found[2]}+{east - hour:02}:00"
