"""Recordings of any tool, read: HTTP Archives (HAR 1.2)."""

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

from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.reporting.har import CREATOR
from infobip_sms_conformance.sanitization.redaction import clean
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
