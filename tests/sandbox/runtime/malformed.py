"""Requests that are wrong in any way, and what every answer to them has to be."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from hypothesis import strategies as st
from infobip_sms_conformance.contract import codec
from infobip_sms_conformance.contract.files import read_openapi

from infobip_sms.sandbox.admin.api import ROUTES
from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpRequest, HttpResponse
from infobip_sms.sandbox.clock import VirtualClock
from infobip_sms.sandbox.config import SandboxSettings
from infobip_sms.sandbox.runtime.asgi import SandboxASGI
from infobip_sms.sandbox.state.state import State

if TYPE_CHECKING:
    from collections.abc import MutableMapping

BASIC = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
SEND = "/sms/2/text/advanced"
SETTINGS = SandboxSettings("Aladdin", "open sesame", "key", seed="malformed")
NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
LONGEST = 30.0
"""Seconds after which an answer does not come any more."""

API = sorted((m.upper(), path) for path, way in read_openapi()["paths"].items() for m in way)
CONTROL = sorted((method, f"/sandbox/{name}") for name, ways in ROUTES.items() for method in ways)
PAGES = [
    *(("GET", f"/sandbox/{page}") for page in ("", "message/1", "requests", "request/1")),
    *(("GET", f"/sandbox/{page}") for page in ("inbox.css", "inbox.js", "inbox.svg")),
    ("GET", "/sandbox"),
    ("POST", "/sandbox/do"),
    ("GET", "/s/LINK"),
]
"""LINK stands for the code of a link that there is."""
FIRST = {
    "messages": [{"destinations": [{"to": "41793026727"}], "text": "See http://example.com/offer"}],
    "tracking": {"track": "URL"},
}
"""What has been sent before the request that is wrong."""
CODE = re.compile(rb"/s/(\w+)")

PYTHON = re.compile(
    r"Traceback|\.py\b|object at 0x|<class|\bNone\b(?!:)|\b(?:True|False|NoneType|dict|tuple|str)\b"
    r"|\b(?!ApiException)[A-Z]\w*(?:Error|Exception|Warning)\b|infobip_sms|datetime\."
)
"""Words that are in no answer unless the request had them."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def media(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0]


# ------------------------------------------------------------------ requests

ODD = [
    b"[" * 50_000,
    b'{"messages":' * 3000,
    b"<a>" * 20_000,
    b"<request>" + b"<messages>" * 3000,
    b"\xef\xbb\xbf{}",
    '{"text": "ş"}'.encode("utf-16"),
    b'{"messages": NaN}',
    b'{"messages": [{"destinations": [{"to": "41"}], "validityPeriod": 1e999}]}',
    b'{"messages": [{"destinations": [{"to": "41"}], "validityPeriod": %s}]}' % (b"9" * 5000),
    b'{"messages": [{"destinations": [{"to": "41"}], "text": "\\ud800"}]}',
    b'{"messages": [{"destinations": [{"to": "41", "messageId": "\\ud800"}]}], "bulkId": "\\u0000"}',
    b'{"messages": [{"destinations": [{"to": "41"}]}], "messages": null}',
    b'<!DOCTYPE a [<!ENTITY b "cc">]><request><bulkId>&b;</bulkId></request>',
    b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><request>&b;</request>',
    b'<?xml version="1.0" encoding="utf-99"?><request/>',
    b'<?xml version="1.0" encoding="UTF-16"?><request/>',
    b'<request xmlns="urn:x"><messages/></request>',
    b"<request>\x00</request>",
    b"<request a='1' a='2'/>",
]
"""Bodies that parsers are known to stumble over."""
_FOLDER = files("infobip_sms_schema") / "data" / "examples"
EXAMPLES = [p.read_bytes() for p in sorted(_FOLDER.iterdir(), key=lambda path: path.name)]
"""Good bodies of every operation, in both formats."""
NAMES = sorted({name for body in EXAMPLES for name in re.findall(rb'"(\w+)":', body)})
WORDS = [
    *(name.decode() for name in NAMES),
    *("freeze", "advance", "to", "jump", "next", "id", "delay", "drop", "status", "rate"),
    *("do", "back", "q", "before", "fragment", "limit", "count", "text", "from", "state"),
]
VALUES = st.sampled_from(
    [
        *("", "0", "1", "-1", "41", "1e400", "nan", "inf", "9" * 5000, "\x00", "ş", "\ud800", "%"),
        *("2030-01-01T00:00:00Z", "9999-12-31T23:59:59.999+0000", "0001-01-01T00:00:00+14:00"),
        *("2030-01-01", "24:00", "PENDING", "DELIVERED", "MONDAY", "next", "reset", "/sandbox/"),
    ]
) | st.text(max_size=12)
WAITS = ["", "0", "0.01", "-1", "nan", "inf", "601", "1e999", "x", "0x1", "\u0661"]
"""Of these no answer waits long; others are no fault."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())


@st.composite
def build_edited(draw: st.DrawFn) -> bytes:
    """Return a good body with a few bytes taken out, put in, or doubled."""
    body = draw(st.sampled_from(EXAMPLES))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 40)))
        new = draw(st.binary(max_size=4) | st.sampled_from([b"", body[start:end] * 2, b"&", b"<"]))
        body = body[:start] + new + body[end:]
    return body


@st.composite
def build_tree(draw: st.DrawFn) -> bytes:
    """Return XML of known names in any order and number."""
    names = st.sampled_from([n.decode() for n in NAMES])
    texts = st.sampled_from(["", "41", "&lt;", "&#1;", "&#xD800;", "<!--", "<![CDATA[x]]>", "true"])
    trees = st.recursive(
        texts,
        lambda inner: st.lists(st.tuples(names, inner), max_size=3).map(
            lambda pairs: "".join(f"<{name}>{tree}</{name}>" for name, tree in pairs)
        ),
        max_leaves=8,
    )
    return f"<request>{draw(trees)}</request>".encode()


BODIES = (
    st.just(b"")
    | st.binary(max_size=60)
    | st.sampled_from(ODD)
    | st.sampled_from(EXAMPLES)
    | JSON
    | build_edited()
    | build_tree()
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
SEGMENTS = (
    st.binary(min_size=1, max_size=12).map(quote_from_bytes)
    | st.text("/.%;:@&=+$,ab0", max_size=8)
    | st.binary(max_size=6).map(lambda raw: re.sub(rb"[?#\s]", b"_", raw).decode("latin-1"))
)
PAIRS = st.tuples(st.sampled_from(WORDS), VALUES) | st.tuples(
    st.just("wait"), st.sampled_from(WAITS)
)
ODD_QUERIES = [
    *("%", "=", "&&==&", "a=%FF", "%FF=%FE", "to=%ED%A0%80", "limit=%C3", "q=%00", "?", "[]=1"),
    *("limit=" + "9" * 5000, "limit=-0", "limit=1&limit=2", "bulkId=a&bulkId=b", "\xff=\xff"),
    *("&".join(f"a{n}=" for n in range(20_000)), "fragment", "fragment=%80&before=" + "9" * 5000),
    *("before=%D9%A1", "wait=nan", "count=1e9", "status=%00", "state=", "to=&to=", "do=next"),
]
QUERIES = (
    st.just("")
    | st.sampled_from(ODD_QUERIES)
    | st.binary(max_size=20).map(lambda raw: raw.replace(b"#", b"_").decode("latin-1"))
    | st.lists(PAIRS, max_size=4).map(
        lambda pairs: "&".join(
            f"{n}={quote_from_bytes(v.encode('utf-8', 'surrogatepass'))}" for n, v in pairs
        )
    )
)
ANY_HEADER = st.binary(max_size=30).map(
    lambda raw: re.sub(rb"[\x00-\x1f\x7f]", b"_", raw).decode("latin-1")
)
MEDIA = st.sampled_from(["application/json", "application/xml", "text/xml", "*/*"])
ODD_HEADERS = {
    "authorization": ["", "App key", "Basic", "Basic !", "Basic \xff\xff", "App ş", "Digest a=b"],
    "content-type": [
        "",
        "text/xml;charset=x",
        "application/json;",
        ";;",
        "\xff/\xff",
        "a" * 10_000,
    ],
    "accept": ["", "*/*", "application/json;q=9e9", "application/xml;q=.", "a/b;q=", "," * 10_000],
    "host": [
        "",
        "localhost",
        "evil.example",
        "[::1",
        "[",
        "127.0.0.1:x",
        "127.0.0.1:99999999",
        "@",
    ],
    "origin": ["", "null", "http://evil.example", "http://[", "http://127.0.0.1@evil.example"],
    "content-length": ["-1", "x", "\xb2", "9" * 5000, " 5", "5, 5"],
    "if-none-match": ["", "*", '"', "W/", "\xff"],
    "range": ["bytes=0-0", "bytes=-" + "9" * 5000],
    "x-other": ["", "\xff", "a" * 10_000],
}
GOOD_HEADERS = {"authorization": BASIC, "host": "127.0.0.1", "origin": "http://127.0.0.1"}
GOOD_BODIES = {
    **{kind: (_FOLDER / f"minimal-request.{kind}").read_bytes() for kind in ("json", "xml")},
    "/sandbox/do": b"do=next",
    "/sandbox/clock": b'{"advance": 1}',
}
"""By format, and for routes that take another one."""
PARTS = ["method", "segment", "tail", "query", "header", "body"]


@st.composite
def build_requests(draw: st.DrawFn, routes: list[tuple[str, str]]) -> HttpRequest:
    """Return a request to one of the routes in which one part is wrong, or two."""
    method, template = draw(st.sampled_from(routes))
    wrong = draw(st.sets(st.sampled_from(PARTS), min_size=1, max_size=2))
    segment = draw(SEGMENTS) if "segment" in wrong else "1"
    path = re.sub(r"\{\w+\}", lambda _: segment, template)
    kind = draw(st.sampled_from(["json", "xml"]))
    headers = {**GOOD_HEADERS, "content-type": f"application/{kind}"}
    if "header" in wrong:
        name = draw(st.sampled_from(sorted(ODD_HEADERS)))
        headers[name] = draw(st.sampled_from(ODD_HEADERS[name]) | MEDIA | ANY_HEADER)
    return HttpRequest(
        draw(METHODS) if "method" in wrong else method,
        path + (draw(SEGMENTS) if "tail" in wrong else ""),
        headers,
        draw(BODIES) if "body" in wrong else GOOD_BODIES.get(template, GOOD_BODIES[kind]),
        draw(QUERIES) if "query" in wrong else draw(st.sampled_from(["", "bulkId=mine"])),
    )


# ------------------------------------------------------------------ without a socket


class Line:
    """A way to new sandboxes that have taken one message; each answers one request."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """End it."""
        self._runner.close()

    def ask(self, request: HttpRequest, chunks: int = 1) -> Answer:
        """Put a request to the ASGI application of a new sandbox."""
        return self._runner.run(asyncio.wait_for(self._ask(request, chunks), LONGEST))

    async def _ask(self, request: HttpRequest, chunks: int) -> Answer:
        shell = SandboxASGI(App(SETTINGS), State(), VirtualClock(lambda: NOW))
        headers = {**GOOD_HEADERS, "content-type": "application/json"}
        first = HttpRequest("POST", SEND, headers, json.dumps(FIRST).encode())
        assert (await exchange(shell, first, 1)).status == 200
        logs = await exchange(shell, HttpRequest("GET", "/sms/1/logs", GOOD_HEADERS, b""), 1)
        found = CODE.search(logs.body)
        assert found, "there is a link"
        path = request.path.replace("LINK", found[1].decode())
        kept = HttpRequest(request.method, path, request.headers, request.body, request.query)
        try:
            return await exchange(shell, kept, chunks)
        finally:
            assert shell._scheduler._task is not None, "it began with the first request"
            shell._scheduler.stop()


async def exchange(shell: SandboxASGI, request: HttpRequest, chunks: int) -> Answer:
    """Put a request to an ASGI application, its body in so many parts."""
    size = -(-len(request.body) // chunks) or 1
    parts = [request.body[n : n + size] for n in range(0, len(request.body), size)] or [b""]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        if not parts:
            await asyncio.Event().wait()  # the client waits for the answer
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(event: MutableMapping[str, Any]) -> None:
        sent.append(event)

    raw = request.path.encode("latin-1")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote_to_bytes(raw).decode("utf-8", "replace"),
        "raw_path": raw,
        "root_path": "",
        "query_string": request.query.encode("latin-1"),
        "headers": [
            (n.encode(), v.encode("latin-1", "replace")) for n, v in request.headers.items()
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await shell(scope, receive, send)
    start, *bodies = sent
    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], headers, b"".join(event.get("body", b"") for event in bodies))


def build_answer(reply: HttpResponse) -> Answer:
    """Return what the rules say as an answer."""
    return Answer(reply.status, reply.headers, reply.body)


# ------------------------------------------------------------------ answers

STATUSES = {200, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 413, 415}


def check_answer(request: HttpRequest, answer: Answer) -> None:
    """No answer is a failure; each rejection has a body of its documented form; none speaks of Python."""
    assert answer.status in STATUSES, (request.method, request.path, answer)
    if answer.status >= 400:
        if f"{request.path}/".startswith("/sandbox/"):
            check_control_error(answer)
        else:
            check_api_error(answer, find_wanted(request))
    words = set(PYTHON.findall(answer.body.decode("utf-8", "replace")))
    if words:
        said = repr([request.path, request.query, request.headers, request.body])
        assert {word for word in words if word not in said} == set(), answer


def check_api_error(answer: Answer, wanted: str | None) -> None:
    """requestError.serviceException with messageId and text, in JSON or XML (READ-009)."""
    wire = {"application/json": "json", "application/xml": "xml"}[answer.media]
    assert wanted in (None, wire)
    error = read_error(answer.body, wire)
    assert set(error) <= {"messageId", "text", "validationErrors"}
    assert re.fullmatch("[A-Z_]+", error["messageId"])
    assert error["text"]


def read_error(body: bytes, wire: str) -> dict[str, Any]:
    """Return what is in an error body."""
    whole = codec.parse_xml(body, "ErrorResponse") if wire == "xml" else codec.parse_json(body)
    assert list(whole) == ["requestError"]
    assert list(whole["requestError"]) == ["serviceException"]
    found: dict[str, Any] = whole["requestError"]["serviceException"]
    return found


def check_control_error(answer: Answer) -> None:
    """JSON with an error or (408) with what there is; a page, or a line of text, from the inbox."""
    if answer.media == "application/json":
        plain = json.loads(answer.body)
        assert isinstance(plain.get("error"), str) or answer.status == 408
    else:
        assert answer.media in {"text/html", "text/plain"}
        assert answer.body.strip()


def find_wanted(request: HttpRequest) -> str | None:
    """Return the format that an error must have; None if the request leaves it open."""
    plain = {"application/json": "json", "application/xml": "xml"}
    accept = request.headers.get("accept")
    if accept is None:
        return plain.get(request.headers.get("content-type", ""))
    return plain.get(accept)
