"""Allowed habits of other servers, each of which the suite has to let pass."""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.conformance.mutation.independent_server.replies import DRAW, build_error
from tests.conformance.mutation.independent_server.twists.hooks import (
    GONE,
    SENDING,
    VERSION_1,
    Data,
    Push,
    Twist,
    TwistedError,
    answers,
    change,
    rejects,
    reports,
)

if TYPE_CHECKING:
    from tests.conformance.mutation.independent_server.replies import Reply
    from tests.conformance.mutation.independent_server.site import Request

BULKS = ("/sms/1/bulks",)
ELEMENT = re.compile(rb"<(/?)([A-Za-z])")
WHOLE = re.compile(rb'("(?:groupId|id|smsCount|messageCount)": ?[0-9]+)')
TEXT_START = re.compile(rb"(<[A-Za-z]+>)([^<])")
NULLS = {"action": None, "smsCount": None, "operator": None}
PROXY = {"Set-Cookie": "a=b; Path=/", "X-Request-ID": "123", "Vary": "Accept"}
PRICE = {"pricePerMessage": 0.0001, "currency": "UNKNOWN"}
ENROUTE = {"groupId": 1, "groupName": "PENDING", "id": 7, "name": "PENDING_ENROUTE"}
DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
ERRORS, MOST_DESTINATIONS, LONGEST_TEXT = 400, 100, 4000
TURNS = itertools.count(1)
USED: set[str] = set()
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


def explain(reply: Reply, _request: Request) -> Reply:
    """Give a reason in other words, under another name and with more fields."""
    if reply.status < ERRORS or not reply.data:
        return reply
    more = {
        "messageId": "INVALID_ARGUMENT",
        "text": "Zahtjev: \u201eto\u201c <&>",
        "variables": ["to"],
    }
    path = "requestError.serviceException"
    return replace(reply, data=change(reply.data, path, lambda v: {**v, **more}))


def close_at_times(reply: Reply, _request: Request) -> Reply:
    """Close every seventh connection."""
    more = {"Connection": "close"} if not next(TURNS) % 7 else {}
    return replace(reply, headers={**reply.headers, **more})


def throttle(reply: Reply, _request: Request) -> Reply:
    """Ask for patience now and then."""
    if next(TURNS) % 50:
        return reply
    return replace(build_error(429, "TOO_MANY_REQUESTS", "Slower"), headers={"Retry-After": "0"})


def declare(push: Push) -> Push:
    """Write a declaration before pushed XML."""
    url, kind, body = push
    return url, kind, DECLARATION + body if body.startswith(b"<") else body


def list_destinations(data: Data, url: str) -> list[Any]:
    """Return the destinations of a request to send, as far as it has the right shape."""
    messages = data.get("messages") if url in SENDING else None
    found = [m.get("destinations") for m in messages or () if isinstance(m, dict)]
    return [one for each in found if isinstance(each, list) for one in each]


def reject_many(data: Data, url: str, _given: str) -> Data:
    """Reject more than a hundred destinations."""
    if len(list_destinations(data, url)) > MOST_DESTINATIONS:
        raise TwistedError
    return data


def reject_equal(data: Data, url: str, _given: str) -> Data:
    """Reject a messageId that is there twice."""
    found = [str(d.get("messageId")) for d in list_destinations(data, url) if isinstance(d, dict)]
    given = [name for name in found if name != "None"]
    if len(set(given)) < len(given):
        raise TwistedError
    return data


def reject_used(data: Data, url: str, _given: str) -> Data:
    """Reject a bulkId that was used before."""
    if url in SENDING and str(data.get("bulkId")) in USED:
        raise TwistedError
    return data


def note_used(data: Data, request: Data, url: str) -> Data:
    """Remember the bulkId of an accepted request."""
    if url in SENDING and isinstance(request.get("bulkId"), str):
        USED.add(str(request["bulkId"]))
    return data


def shuffle_logs(data: Data, _request: Data, url: str) -> Data:
    """Show the logs in no order."""
    results = data["results"] if url == "/sms/1/logs" else []
    return {**data, "results": DRAW.sample(results, len(results))} if results else data


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
    "whole-fractions": writes_json(lambda body: WHOLE.sub(rb"\1.0", body)),
    "xml-comments": writes_xml(lambda body: TEXT_START.sub(rb"\1<!-- a note -->\2", body)),
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
    "enroute-26": answers("messages[].status.name", lambda _v: "PENDING_ENROUTE"),
    "wordy-errors": Twist(reply=explain),
    "headers-of-proxies": Twist(reply=lambda r, _q: replace(r, headers={**r.headers, **PROXY})),
    "closes-at-times": Twist(reply=close_at_times),
    "prices-of-four-digits": reports("price", lambda _v: PRICE),
    "report-nulls": Twist(report=lambda r, _k: {"mccMnc": None, "doneAt": None, **r}),
    "push-charset": Twist(pushed=lambda p: (p[0], f"{p[1]};charset=UTF-8", p[2])),
    "push-declaration": Twist(pushed=declare),
    "xml-padded-numbers": writes_xml(
        lambda body: re.sub(rb">([0-9]{1,3})</(groupId|id|smsCount)>", rb">\n \1 </\2>", body)
    ),
    "xml-attributes": writes_xml(
        lambda body: re.sub(rb"<(message|result|status)>", rb'<\1 version="1">', body)
    ),
    "xml-empty-description": writes_xml(
        lambda body: re.sub(rb"<description>[^<]*</description>", rb"<description/>", body)
    ),
    "bulk-names-once": Twist(read=reject_used, answer=note_used),
    "message-names-once": Twist(read=reject_equal),
    "hundred-destinations": Twist(read=reject_many),
    "text-of-4000-bytes": rejects(
        "messages[].text", lambda v: isinstance(v, str) and len(v.encode()) > LONGEST_TEXT
    ),
    "throttled": Twist(reply=throttle),
    "logs-in-no-order": Twist(answer=shuffle_logs),
    "v1-enroute": answers("messages[].status", lambda v: {**v, **ENROUTE}, urls=VERSION_1),
    "v1-other-root": writes_xml(lambda body: body.replace(b"SendSMSResponse", b"SMSResponse")),
}


def _to_east(found: re.Match[str]) -> str:
    hour = int(found[1])
    east = hour + 1 if hour < 23 else hour
    return f"T{east:02}{found[2]}+{east - hour:02}:00"
