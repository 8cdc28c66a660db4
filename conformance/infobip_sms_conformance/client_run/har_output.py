"""What was listened to, as an HTTP Archive (HAR 1.2).

A report is masked, as everything is that is printed. A recording is to be checked again, so its bodies are
whole, with numbers and texts; of credentials it has the form alone.
"""

import base64
import re
from typing import Any

from infobip_sms_conformance.client_checks import authorization
from infobip_sms_conformance.client_checks.excerpt import (
    ClientMask,
    format_header,
    format_marked_body,
    format_target,
)
from infobip_sms_conformance.client_checks.request import ParsedRequest
from infobip_sms_conformance.client_checks.responses import decompress
from infobip_sms_conformance.observations.exchange import BAD_REQUEST
from infobip_sms_conformance.reporting import har
from infobip_sms_conformance.sanitization.bodies import format_body
from infobip_sms_conformance.sanitization.redaction import AUTH
from infobip_sms_conformance.transport.http import get_phrase
from infobip_sms_conformance.transport.http1 import CapturedExchange, Headers, HttpMessage

SHORTEST_SECRET = 4
SECRET_WORDS = r"[\w-]*(?:password|passwd|api[-_]?key|token|secret|credential)[\w-]*"
SECRET_HEADER = re.compile(rf"{SECRET_WORDS}|proxy-authorization|cookie|set-cookie", re.IGNORECASE)
# Fields, parameters and elements that are named as credentials are.
SECRET_VALUE = re.compile(
    rf'("{SECRET_WORDS}"\s*:\s*")(?:[^"\\]|\\.)+|((?<=[?&])(?:{SECRET_WORDS}|username)=)[^&\s"]+'
    rf"|(<(?:{SECRET_WORDS})>)[^<]+",
    re.IGNORECASE,
)


class HarWriter:
    """What was listened to, entry by entry; ``unredacted`` for a recording, which is not masked."""

    def __init__(self, *, unredacted: bool = False) -> None:
        self._unredacted = unredacted
        self._entries: list[dict[str, Any]] = []

    def add(self, parsed: ParsedRequest, mask: ClientMask) -> None:
        """Add an exchange as it may be shown."""
        captured = parsed.captured
        request, response = build_request(parsed, mask), build_response(captured, mask)
        if self._unredacted:
            fill_request(request, captured, mask)
            fill_response(response, captured, mask)
        entry = har.build_entry(captured.received_at, captured.seconds, request, response)
        self._entries.append(entry)

    def dump(self) -> str:
        """Return the archive."""
        return har.dump(self._entries)


def build_request(parsed: ParsedRequest, mask: ClientMask) -> dict[str, Any]:
    """Return the request of an entry."""
    captured = parsed.captured
    target = captured.base_url + format_target(captured, mask)
    headers = build_headers(captured.headers, mask)
    found = har.build_request(captured.method, target, headers, len(captured.body))
    if captured.body:
        text = format_marked_body(parsed, mask, None, max_length=har.MAX_BODY_LENGTH)
        found["postData"] = {"mimeType": captured.get_header("content-type"), "text": text}
    return found


def build_response(captured: CapturedExchange, mask: ClientMask) -> dict[str, Any]:
    """Return the response of an entry; status 0, and why, where none came."""
    response = captured.response or HttpMessage("", ())
    body = decompress(response) or b""
    error = response.status >= BAD_REQUEST
    text = format_body(body, mask, max_length=har.MAX_BODY_LENGTH, error=error)
    content = {"size": len(body), "mimeType": response.get_header("content-type"), "text": text}
    phrase = get_phrase(response.status) if captured.response else captured.error
    headers = build_headers(response.headers, mask)
    return har.build_response((response.status, phrase), headers, content, len(response.body))


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
