"""Faults of HTTP, of authorization, of queries and of formats."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.conformance.mutation.independent_server.twists.hooks import (
    SENDING,
    Twist,
    TwistedError,
    change,
    lets_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.mutation.independent_server.replies import Reply
    from tests.conformance.mutation.independent_server.site import Account, Request

Pairs = list[tuple[str, str]]
REJECTED = 400
NONE = {"results": list[str]()}
LOGS, REPORTS = "/sms/1/logs", "/sms/1/reports"


def read_basic(written: str) -> tuple[str, str]:
    """Return user and password; empty ones of what is no Basic."""
    scheme, _, rest = written.partition(" ")
    try:
        text = (
            base64.b64decode(rest + "=" * (-len(rest) % 4)).decode()
            if scheme.lower() == "basic"
            else ""
        )
    except ValueError:
        text = ""
    user, _, password = text.partition(":")
    return user, password


def admits(fits: Callable[[str, Account], bool], *starts: str) -> Twist:
    """Return the fault of taking other credentials."""

    def let(request: Request, account: Account) -> bool:
        written = request.headers.get("Authorization", "")
        return bool(written) and request.path.startswith(starts or "/") and fits(written, account)

    return Twist(login=let)


def refuses(fits: Callable[[Request], bool], status: int) -> Twist:
    """Return the fault of rejecting some requests."""
    return Twist(refuse=lambda request, _account: status if fits(request) else 0)


def has_scheme(scheme: str, *starts: str) -> Callable[[Request], bool]:
    """Return whether a request to some paths has a scheme."""
    return lambda request: (
        request.path.startswith(starts)
        and str(request.headers.get("Authorization")).lower().startswith(scheme)
    )


def queries(alter: Callable[[Pairs], Pairs], url: str = LOGS) -> Twist:
    """Return the fault of reading other parameters."""
    return Twist(query=lambda pairs, path: alter(pairs) if path == url else pairs)


def without(*names: str) -> Callable[[Pairs], Pairs]:
    """Return what leaves parameters out."""
    return lambda pairs: [(name, value) for name, value in pairs if name not in names]


def replaced(name: str, alter: Callable[[str], str]) -> Callable[[Pairs], Pairs]:
    """Return what alters a parameter."""
    return lambda pairs: [(k, alter(v) if k == name else v) for k, v in pairs]


def to_local(value: str) -> str:
    """Return an instant whose offset is passed over."""
    return re.sub(r"[+ -]\d\d:?\d\d$|Z$", "+00:00", value)


def answers_json(*starts: str) -> Twist:
    """Return the fault of answering JSON under XML's name at some paths."""

    def write(kind: str, body: bytes, request: Request, wanted: str) -> tuple[str, bytes]:
        if request.path.startswith(starts) and wanted == "xml":
            return "application/json", b'{"results":[],"previews":[],"bulkId":"x"}'
        return kind, body

    return Twist(written=write)


def labels(*starts: str) -> Twist:
    """Return the fault of calling every body plain text at some paths."""
    return Twist(
        written=lambda kind, body, request, wanted: (
            ("text/plain" if request.path.startswith(starts) and wanted == "json" else kind),
            body,
        )
    )


def bodies(alter: Callable[[bytes], bytes], wire: str) -> Twist:
    """Return the fault of reading other bytes than were sent."""
    return Twist(body=lambda body, _path, given: alter(body) if given == wire else body)


def cut_after_json(body: bytes) -> bytes:
    """Return the first JSON object of a body."""
    depth = 0
    for place, sign in enumerate(body.decode("utf-8", "replace")):
        depth += (sign == "{") - (sign == "}")
        if not depth and sign == "}":
            return body.decode("utf-8", "replace")[: place + 1].encode()
    return body


def repair_utf8(body: bytes) -> bytes:
    """Return a body with signs in place of what is no UTF-8."""
    return body.decode("utf-8", "replace").encode()


def content(pattern: str) -> Callable[[Request], bool]:
    """Return whether a request has a content type of a pattern."""
    return lambda request: (
        re.fullmatch(pattern, request.headers.get("Content-Type", "")) is not None
    )


def replies(alter: Callable[[Reply, Request], Reply]) -> Twist:
    """Return the fault of another response, whatever its status."""
    return Twist(reply=alter)


def errors(alter: Callable[[Any], Any]) -> Twist:
    """Return the fault of another body of a rejection."""
    return replies(lambda r, _q: replace(r, data=alter(r.data)) if r.status == REJECTED else r)


def refuses_body(pattern: bytes, wire: str) -> Twist:
    """Return the fault of rejecting bodies with a pattern in them."""

    def read(body: bytes, _path: str, given: str) -> bytes:
        if given == wire and re.search(pattern, body):
            raise TwistedError
        return body

    return Twist(body=read)


def refused(name: str, value: str) -> Callable[[Pairs], Pairs]:
    """Return what rejects a value of a parameter."""

    def alter(pairs: Pairs) -> Pairs:
        if (name, value) in pairs:
            raise TwistedError
        return pairs

    return alter


def unwrap_single(kind: str, body: bytes, request: Request, wanted: str) -> tuple[str, bytes]:
    """Return a JSON response whose only entry is not in a list."""
    if wanted == "json" and request.path in SENDING:
        data = json.loads(body)
        if len(data.get("messages", ())) == 1:
            return kind, json.dumps({**data, "messages": data["messages"][0]}).encode()
    return kind, body


def is_open(request: Request) -> bool:
    """Tell whether a request has no authorization."""
    return request.headers.get("Authorization") is None


def is_garbage(request: Request) -> bool:
    """Tell whether the payload of Basic has signs that Base64 lacks."""
    scheme, _, payload = request.headers.get("Authorization", "").partition(" ")
    return scheme == "Basic" and re.fullmatch("[A-Za-z0-9+/=]*", payload) is None


HTTP: dict[str, Twist] = {
    # --- authorization
    "login-open-logs": lets_in(LOGS),
    "login-open-reports": lets_in(REPORTS),
    "login-open-preview": lets_in("/sms/1/preview"),
    "login-open-bulks": lets_in("/sms/1/bulks"),
    "login-open-v1": lets_in("/sms/1/text"),
    "login-open-conversion": lets_in("/ct/"),
    "login-wrong-logs": lets_in(LOGS, login=lambda _w: True),
    "login-wrong-preview": lets_in("/sms/1/preview", login=lambda _w: True),
    "login-wrong-bulks": lets_in("/sms/1/bulks", login=lambda _w: True),
    "login-wrong-v1": lets_in("/sms/1/text", login=lambda _w: True),
    "login-password-case": admits(
        lambda w, a: read_basic(w)[0] == a.user and read_basic(w)[1].lower() == a.password.lower()
    ),
    "login-password-prefix": admits(
        lambda w, a: read_basic(w)[0] == a.user and a.password.startswith(read_basic(w)[1])
    ),
    "login-password-longer": admits(
        lambda w, a: read_basic(w)[0] == a.user and read_basic(w)[1].startswith(a.password)
    ),
    "login-password-empty": admits(lambda w, a: read_basic(w) == (a.user, "")),
    "login-user-case": admits(
        lambda w, a: read_basic(w)[0].lower() == a.user.lower() and read_basic(w)[1] == a.password
    ),
    "login-key-case": admits(lambda w, a: w.lower() == f"app {a.api_key}".lower()),
    "login-key-longer": admits(lambda w, a: bool(a.api_key) and w.startswith(f"App {a.api_key}")),
    "login-key-as-basic": admits(lambda w, a: w == f"Basic {a.api_key}"),
    "login-any-scheme": admits(
        lambda w, a: read_basic("Basic " + w.partition(" ")[2]) == (a.user, a.password)
    ),
    "login-bare-key": admits(lambda w, a: w == a.api_key),
    "login-unknown-scheme": admits(lambda w, _a: w.split(" ")[0].lower() not in {"basic", "app"}),
    "login-app-refused-logs": refuses(has_scheme("app", LOGS), 401),
    "login-app-refused-v1": refuses(has_scheme("app", "/sms/1/text"), 401),
    "login-basic-refused-preview": refuses(has_scheme("basic", "/sms/1/preview"), 401),
    "login-basic-refused-bulks": refuses(has_scheme("basic", "/sms/1/bulks"), 401),
    # --- formats
    "type-case": refuses(content("[Aa]pplication/([A-Z]+|Json|Xml).*|APPLICATION.*"), 400),
    "type-charset-quoted": refuses(content('.*charset=".*'), 400),
    "type-charset-no-space": refuses(content(".*;charset=.*"), 400),
    "type-charset-upper-refused": refuses(content(".*UTF-8.*"), 400),
    "accept-weights": Twist(accept=lambda asked: asked.partition(";")[0].split(",")[0]),
    "accept-last": Twist(accept=lambda asked: asked.split(",")[-1].split(";")[0]),
    "accept-parameters": Twist(accept=lambda asked: "" if ";" in asked else asked),
    "accept-list-refused": refuses(lambda r: "," in r.headers.get("Accept", ""), 406),
    "accept-any-refused": refuses(lambda r: "*" in r.headers.get("Accept", ""), 406),
    "accept-case": Twist(accept=lambda asked: asked if asked == asked.lower() else ""),
    "json-for-xml-logs": answers_json(LOGS),
    "json-for-xml-reports": answers_json(REPORTS),
    "json-for-xml-preview": answers_json("/sms/1/preview"),
    "json-for-xml-bulks": answers_json("/sms/1/bulks"),
    "label-logs": labels(LOGS),
    "label-preview": labels("/sms/1/preview"),
    "label-v1": labels("/sms/1/text"),
    "label-bulks": labels("/sms/1/bulks"),
    # --- bodies that cannot be read
    "json-trailing": bodies(cut_after_json, "json"),
    "json-not-utf8": bodies(repair_utf8, "json"),
    "json-list": bodies(lambda b: b[1:-1] if b.startswith(b"[") else b, "json"),
    "json-comma": bodies(lambda b: re.sub(rb",\s*([}\]])", rb"\1", b), "json"),
    "json-comments": bodies(lambda b: re.sub(rb"/\*.*?\*/", b"", b), "json"),
    "json-quotes": bodies(lambda b: b if b'"' in b else b.replace(b"'", b'"'), "json"),
    "xml-trailing": bodies(lambda b: b"".join(b.partition(b"</request>")[:2]), "xml"),
    "xml-not-utf8": bodies(repair_utf8, "xml"),
    "xml-numeric-lost": bodies(lambda b: re.sub(rb"&#x?[0-9A-Fa-f]+;", b"", b), "xml"),
    "xml-astral-numeric": bodies(lambda b: re.sub(rb"&#x1[0-9A-Fa-f]{4};", b"?", b), "xml"),
    "xml-mismatched": bodies(lambda b: b.replace(b"</textt>", b"</text>"), "xml"),
    # --- queries
    "logs-mnc-ignored": queries(without("mnc")),
    "logs-since-offset": queries(replaced("sentSince", to_local)),
    "logs-until-offset": queries(replaced("sentUntil", to_local)),
    "logs-since-now": queries(
        replaced("sentSince", lambda _v: datetime.now(UTC).isoformat()[:23] + "Z")
    ),
    "logs-limit-floor": queries(replaced("limit", lambda v: str(max(50, int(v))))),
    "logs-limit-one": queries(replaced("limit", lambda v: "1" if int(v) < 50 else v)),
    "logs-to-ignored-alone": queries(
        lambda p: p if len({k for k, _ in p}) > 2 else without("to")(p)
    ),
    "logs-mcc-empties": queries(replaced("mcc", lambda _v: "999")),
    "logs-status-delivered": queries(replaced("generalStatus", lambda _v: "DELIVERED")),
    "logs-sender-ignored-alone": queries(
        lambda p: p if len({k for k, _ in p}) > 2 else without("from")(p)
    ),
    "logs-ids-joined": queries(
        lambda p: [
            (k, ",".join(v for n, v in p if n == k)) if k == "messageId" else (k, v) for k, v in p
        ]
    ),
    "pull-messageid-ignored": queries(without("messageId"), REPORTS),
    "pull-bulkid-ignored": queries(without("bulkId"), REPORTS),
    "pull-limit-floor": queries(replaced("limit", lambda v: str(max(2, int(v)))), REPORTS),
    # --- found by a later look
    "refusal-sent": Twist(),
    "reply-single-object": Twist(written=unwrap_single),
    "unauthorized-sent": Twist(),
    "refusal-200-error": replies(
        lambda r, _q: replace(r, status=200) if r.status == REJECTED else r
    ),
    "login-missing-200": replies(
        lambda r, q: replace(r, status=200) if is_open(q) and r.status == 401 else r
    ),
    "login-missing-302": replies(
        lambda r, q: replace(r, status=302) if is_open(q) and r.status == 401 else r
    ),
    "error-other-names": errors(lambda d: {"error": d["requestError"]["serviceException"]["text"]}),
    "error-text-list": errors(
        lambda d: change(d, "requestError.serviceException.text", lambda v: [v])
    ),
    "empty-body-500": replies(
        lambda r, q: replace(r, status=500) if r.status == REJECTED and not q.body else r
    ),
    "xml-cdata-refused": refuses_body(rb"<!\[CDATA\[", "xml"),
    "xml-comment-refused": refuses_body(rb"<!--", "xml"),
    "xml-pretty-refused": refuses_body(rb">\s+<", "xml"),
    "xml-apos-lost": bodies(lambda b: b.replace(b"&apos;", b""), "xml"),
    "accept-zero": Twist(accept=lambda asked: re.sub(r";\s*q=0(?=,|$)", "", asked)),
    "login-key-empty": admits(lambda w, _a: w.strip().lower() == "app"),
    "login-basic-empty": admits(lambda w, _a: w.startswith("Basic") and read_basic(w) == ("", "")),
    "login-garbage-500": replies(
        lambda r, q: replace(r, status=500) if is_garbage(q) and r.status == 401 else r
    ),
    "login-wrong-reports": lets_in(REPORTS, login=lambda _w: True),
    "login-wrong-conversion": lets_in("/ct/", login=lambda _w: True),
    "login-open-xml": Twist(
        login=lambda q, _a: is_open(q) and "xml" in q.headers.get("Content-Type", "")
    ),
    "push-path-small": Twist(pushed=lambda p: (p[0].lower(), *p[1:])),
    "push-query-lost": Twist(pushed=lambda p: (p[0].partition("?")[0], *p[1:])),
    "push-form": Twist(
        pushed=lambda p: (p[0], "application/x-www-form-urlencoded", b"results=" + p[2])
    ),
    "pull-empty-404": replies(
        lambda r, q: replace(r, status=404) if q.path == REPORTS and r.data == NONE else r
    ),
    "logs-empty-404": replies(
        lambda r, q: replace(r, status=404) if q.path == LOGS and r.data == NONE else r
    ),
    "logs-limit-1000-refused": queries(refused("limit", "1000")),
    "pull-limit-1000-refused": queries(refused("limit", "1000"), REPORTS),
    "logs-since-day": queries(replaced("sentSince", lambda v: f"{v[:10]}T00:00:00.000Z")),
    "logs-name-undecoded": queries(replaced("messageId", lambda v: quote(v, safe=""))),
    "pull-name-undecoded": queries(replaced("messageId", lambda v: quote(v, safe="")), REPORTS),
    "bulk-name-undecoded": queries(replaced("bulkId", lambda v: quote(v, safe="")), "/sms/1/bulks"),
    "conversion-unknown-500": replies(
        lambda r, q: replace(r, status=500) if q.path.startswith("/ct/") and r.status == 404 else r
    ),
}
