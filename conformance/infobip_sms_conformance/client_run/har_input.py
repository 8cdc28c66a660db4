"""HTTP Archives (HAR 1.2): recordings of any tool, read; what was listened to, written.

A report is masked, as everything is that is printed. A recording is to be checked again, so its bodies are
whole, with numbers and texts; of credentials it has the form alone.
"""

import base64
import codecs
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message as Fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infobip_sms_conformance.client_checks import authorization
from infobip_sms_conformance.client_checks.excerpt import (
    ClientMask,
    format_header,
    format_marked_body,
    format_target,
)
from infobip_sms_conformance.client_checks.request import ParsedRequest
from infobip_sms_conformance.client_checks.responses import decompress
from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.observations.exchange import BAD_REQUEST
from infobip_sms_conformance.sanitization.bodies import format_body
from infobip_sms_conformance.sanitization.redaction import AUTH, clean
from infobip_sms_conformance.transport.http import get_phrase
from infobip_sms_conformance.transport.http1 import (
    CapturedExchange,
    Headers,
    HttpMessage,
    get_header,
)

API_PATH = re.compile(r"^(.*?)(/+(?:sms/+\d|ct/+\d)/.*)$", re.IGNORECASE)
MAX_FILE_SIZE = 1_000_000_000
MAX_NUMBER = 1e9
MAX_SHOWN_URL = 120
GZIP = b"\x1f\x8b"
SHOWN_PATH = re.compile(r"(?!.*\d{5})[/\w.-]{0,60}")
LAST_INSTANT = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
MAX_BODY_LENGTH = 50_000
SHORTEST_SECRET = 4
SECRET_WORDS = r"[\w-]*(?:password|passwd|api[-_]?key|token|secret|credential)[\w-]*"
SECRET_HEADER = re.compile(rf"{SECRET_WORDS}|proxy-authorization|cookie|set-cookie", re.IGNORECASE)
# Fields, parameters and elements that are named as credentials are.
SECRET_VALUE = re.compile(
    rf'("{SECRET_WORDS}"\s*:\s*")(?:[^"\\]|\\.)+|((?<=[?&])(?:{SECRET_WORDS}|username)=)[^&\s"]+'
    rf"|(<(?:{SECRET_WORDS})>)[^<]+",
    re.IGNORECASE,
)
CREATOR = {"name": "infobip-sms conformance", "version": "1"}


# ------------------------------------------------------------------ reading


def read_har(path: Path, on_other: Callable[[str], object] = str) -> Iterator[CapturedExchange]:
    """Yield the exchanges of this API in a recording; UsageError when the file is not one.

    on_other: called with method and URL of every request that is not to this API.
    """
    log = read_log(path)
    ours, serial = log.get("creator") == CREATOR, 0
    for entry in log["entries"]:
        try:
            captured = parse_entry(entry, serial + 1)
            if captured is None:
                on_other(describe_request(entry["request"]))
        except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
            continue  # what other tools put beside exchanges
        if captured is not None:
            serial += 1
            yield replace(captured, has_all_headers=ours)


def read_log(path: Path) -> dict[str, Any]:
    """Return the log of a recording; UsageError, with the reason, when the file is not one."""
    try:
        if path.stat().st_size > MAX_FILE_SIZE:
            raise UsageError(f"{path}: expected at most {MAX_FILE_SIZE:,} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if not data.strip():
        raise UsageError(f"{path} is not an HTTP Archive: it is empty")
    if data.startswith(GZIP):
        raise UsageError(f"{path} is compressed: decompress it with gunzip first")
    try:
        document = json.loads(data)  # in UTF-8, UTF-16 or UTF-32, with a byte order mark or without
    except RecursionError:
        raise UsageError(f"{path} is not an HTTP Archive: nested too deeply") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not an HTTP Archive: {error.reason}") from None
    except ValueError as error:
        is_begun = data.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"{")
        is_cut = is_begun and data.strip()[-1:] not in b"}\0"
        cut = "it ends too early" if is_cut else f"no JSON: {error}"
        raise UsageError(f"{path} is not an HTTP Archive: {clean(cut)}") from None
    log = document.get("log") if isinstance(document, dict) else None
    if not isinstance(log, dict) or not isinstance(log.get("entries"), list):
        raise UsageError(f"{path} is not an HTTP Archive: expected log.entries, a list")
    return log


def describe_request(request: dict[str, Any]) -> str:
    """Return method, host and path of a request, without what may be secret in it."""
    parts = urlsplit(request["url"])
    path = parts.path if SHOWN_PATH.fullmatch(parts.path) else "…"
    return clean(f"{request['method']} {parts.scheme}://{parts.hostname}{path}"[:MAX_SHOWN_URL])


def parse_entry(entry: dict[str, Any], serial: int) -> CapturedExchange | None:
    """Return an entry; none where it is of another API, or a browser's question before the request."""
    request, response = entry["request"], entry.get("response") or {}
    if not isinstance(request["method"], str):
        raise TypeError("expected the name of a method")
    parts = urlsplit(request["url"])
    found = API_PATH.match(parts.path)
    if found is None or request["method"] == "OPTIONS":
        return None
    query = f"?{parts.query}" if parts.query else ""
    headers = parse_headers(request)
    status = int(parse_number(response.get("status")))
    return CapturedExchange(
        serial,
        parse_instant(entry.get("startedDateTime", "")),
        f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{found[1]}",
        request["method"],
        found[2] + query,
        headers,
        parse_body(request.get("postData") or {}, get_charset(headers)),
        parse_response(response, status) if status else None,
        "" if status else "no response is recorded",
        parse_number(entry.get("time")) / 1000,
        has_all_headers=False,
    )


def parse_headers(holder: dict[str, Any]) -> Headers:
    """Return the header fields of a request or a response."""
    return tuple((str(h["name"]), str(h["value"])) for h in holder.get("headers") or ())


def get_charset(headers: Headers) -> str:
    """Return the charset that header fields name; UTF-8 where there is none of that name."""
    fields = Fields()
    fields["content-type"] = get_header(headers, "content-type") or "text/plain"
    try:
        return codecs.lookup(fields.get_content_charset() or "utf-8").name
    except LookupError:
        return "utf-8"


def parse_body(holder: dict[str, Any], charset: str = "utf-8") -> bytes:
    """Return the bytes of a body, whose characters are all that a recording may have."""
    text = holder.get("text") or ""
    if holder.get("encoding") == "base64":
        return base64.b64decode(text)
    try:
        return str(text).encode(charset)
    except UnicodeEncodeError:
        return str(text).encode("utf-8", "surrogatepass")


def parse_response(response: dict[str, Any], status: int) -> HttpMessage:
    """Return the response of an entry; its body is decompressed."""
    coded = {"content-encoding", "transfer-encoding", "content-length"}
    headers = tuple(pair for pair in parse_headers(response) if pair[0].lower() not in coded)
    return HttpMessage(f"HTTP/1.1 {status}", headers, parse_body(response.get("content") or {}))


def parse_instant(text: str) -> float:
    """Return an instant; 0 where it cannot be read."""
    try:
        return min(max(datetime.fromisoformat(text).timestamp(), 0.0), LAST_INSTANT)
    except (ValueError, OverflowError, TypeError):
        return 0.0


def parse_number(value: Any) -> float:
    """Return a number; 0 for what is none, or none that a duration or a status can be."""
    try:
        number = float(value or 0)
    except (ValueError, OverflowError, TypeError):
        return 0.0
    return number if 0 <= number < MAX_NUMBER else 0.0


# ------------------------------------------------------------------ writing


class HarWriter:
    """What was listened to, entry by entry; ``whole`` for a recording, which is not masked."""

    def __init__(self, *, unredacted: bool = False) -> None:
        self._unredacted = unredacted
        self._entries: list[dict[str, Any]] = []

    def add(self, parsed: ParsedRequest, mask: ClientMask) -> None:
        """Add an exchange as it may be shown."""
        captured = parsed.captured
        milliseconds = round(captured.seconds * 1000, 1)
        request, response = build_request(parsed, mask), build_response(captured, mask)
        if self._unredacted:
            fill_request(request, captured, mask)
            fill_response(response, captured, mask)
        self._entries.append(
            {
                "startedDateTime": datetime.fromtimestamp(captured.received_at, UTC).isoformat(
                    "T", "milliseconds"
                ),
                "time": milliseconds,
                "request": request,
                "response": response,
                "cache": {},
                "timings": {"send": 0, "wait": milliseconds, "receive": 0},
            }
        )

    def dump(self) -> str:
        """Return the archive."""
        log = {"version": "1.2", "creator": CREATOR, "entries": self._entries}
        return json.dumps({"log": log}, indent=1, ensure_ascii=False)


def build_request(parsed: ParsedRequest, mask: ClientMask) -> dict[str, Any]:
    """Return the request of an entry."""
    captured = parsed.captured
    found = {
        "method": captured.method,
        "url": captured.base_url + format_target(captured, mask),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": build_headers(captured.headers, mask),
        "queryString": [],
        "headersSize": -1,
        "bodySize": len(captured.body),
    }
    if captured.body:
        text = format_marked_body(parsed, mask, None, max_length=MAX_BODY_LENGTH)
        found["postData"] = {"mimeType": captured.get_header("content-type"), "text": text}
    return found


def build_response(captured: CapturedExchange, mask: ClientMask) -> dict[str, Any]:
    """Return the response of an entry; status 0, and why, where none came."""
    response = captured.response or HttpMessage("", ())
    body = decompress(response)
    error = response.status >= BAD_REQUEST
    text = format_body(body or b"", mask, max_length=MAX_BODY_LENGTH, error=error)
    return {
        "status": response.status,
        "statusText": get_phrase(response.status) if captured.response else captured.error,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": build_headers(response.headers, mask),
        "content": {
            "size": len(body or b""),
            "mimeType": response.get_header("content-type"),
            "text": text,
        },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(response.body),
    }


def build_headers(headers: Headers, mask: ClientMask) -> list[dict[str, str]]:
    """Return header fields as they may be shown."""
    return [
        {"name": mask.hide(name), "value": format_header(name.lower(), value, mask)}
        for name, value in headers
    ]


def fill_request(request: dict[str, Any], captured: CapturedExchange, mask: ClientMask) -> None:
    """Put what was sent into a request; of credentials the form."""
    request["url"] = captured.base_url + hide_secrets(captured.target, mask)
    request["headers"] = fill_headers(captured.headers, mask)
    if captured.body:
        mime = {"mimeType": captured.get_header("content-type")}
        request["postData"] = {**mime, **dump_body(captured.body, mask)}


def fill_response(response: dict[str, Any], captured: CapturedExchange, mask: ClientMask) -> None:
    """Fill a response of the archive."""
    message = captured.response or HttpMessage("", ())
    response["headers"] = fill_headers(message.headers, mask)
    response["content"].update(dump_body(decompress(message) or b"", mask))


def fill_headers(headers: Headers, mask: ClientMask) -> list[dict[str, str]]:
    """Return header fields; of secret ones nothing but the form."""
    found = []
    for name, value in headers:
        shown = hide_secrets(value, mask)
        if name.lower() == authorization.HEADER:
            shown = authorization.build_placeholder(value)
        elif SECRET_HEADER.fullmatch(name):
            shown = AUTH
        found.append({"name": name, "value": shown})
    return found


def dump_body(body: bytes, mask: ClientMask) -> dict[str, str]:
    """Return a body as characters, or in Base64 where it is none."""
    try:
        return {"text": hide_secrets(body.decode("utf-8"), mask)}
    except UnicodeDecodeError:
        plain = hide_secrets(body.decode("latin-1"), mask).encode("latin-1")
        return {"text": base64.b64encode(plain).decode(), "encoding": "base64"}


def hide_secrets(text: str, mask: ClientMask) -> str:
    """Return a text without the credentials of its exchange, and without what is named as such."""
    for secret in mask.secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, AUTH)
    return SECRET_VALUE.sub(lambda match: f"{match[1] or match[2] or match[3]}{AUTH}", text)
