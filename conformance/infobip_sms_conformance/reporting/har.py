"""The form of an HTTP Archive (HAR 1.2), and the exchanges with a server as one, masked."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from infobip_sms_conformance.observations.exchange import BAD_REQUEST, Exchange
from infobip_sms_conformance.sanitization.bodies import format_body
from infobip_sms_conformance.sanitization.evidence import hide_path
from infobip_sms_conformance.sanitization.redaction import AUTH, Mask
from infobip_sms_conformance.transport.http import RawRequest, RawResponse, get_phrase

SECRET = {"authorization", "proxy-authorization", "set-cookie", "cookie"}
CREATOR = {"name": "infobip-sms conformance", "version": "1"}
MAX_BODY_LENGTH = 50_000
"""Maximum number of characters of a body."""


def dump(entries: Sequence[dict[str, Any]]) -> str:
    """Return an archive."""
    log = {"version": "1.2", "creator": CREATOR, "entries": entries}
    return json.dumps({"log": log}, indent=1, ensure_ascii=False)


def build_entry(
    at: float, seconds: float, request: dict[str, Any], response: dict[str, Any]
) -> dict[str, Any]:
    """Return an entry; ``at`` is by ``time.time``."""
    milliseconds = round(seconds * 1000, 1)
    return {
        "startedDateTime": datetime.fromtimestamp(at, UTC).isoformat("T", "milliseconds"),
        "time": milliseconds,
        "request": request,
        "response": response,
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }


def build_request(
    method: str, url: str, headers: list[dict[str, str]], size: int
) -> dict[str, Any]:
    """Return the request of an entry, without a body of that size."""
    return {
        "method": method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "queryString": [],
        "headersSize": -1,
        "bodySize": size,
    }


def build_response(
    status: tuple[int, str], headers: list[dict[str, str]], content: dict[str, Any], size: int
) -> dict[str, Any]:
    """Return the response of an entry; status 0 and the reason if there was none."""
    return {
        "status": status[0],
        "statusText": status[1],
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": size,
    }


# ------------------------------------------------------------------ exchanges with a server


def dump_har(exchanges: Sequence[Exchange], url: str, mask: Mask) -> str:
    """Return the archive of all exchanges."""
    return dump(
        [build_server_entry(exchange, url, mask) for exchange in exchanges if exchange.request]
    )


def build_server_entry(exchange: Exchange, url: str, mask: Mask) -> dict[str, Any]:
    """Return the entry of an exchange."""
    assert exchange.request is not None, "it was sent"
    request = build_server_request(exchange.request, url, mask)
    response = build_server_response(exchange.response, exchange.problem, mask)
    entry = build_entry(exchange.at, exchange.seconds, request, response)
    return {**entry, "comment": mask.hide_words(exchange.label)}


def build_server_request(request: RawRequest, url: str, mask: Mask) -> dict[str, Any]:
    """Return the request of an entry."""
    query = parse_qsl(request.path.partition("?")[2], keep_blank_values=True)
    headers = build_headers(request.headers.items(), mask)
    target = url + hide_path(request.path, mask)
    found = build_request(request.method, target, headers, len(request.body))
    found["queryString"] = [{"name": name, "value": mask.hide(value)} for name, value in query]
    if request.body:
        text = format_body(request.body, mask, max_length=MAX_BODY_LENGTH)
        found["postData"] = {"mimeType": request.headers.get("content-type", ""), "text": text}
    return found


def build_server_response(response: RawResponse | None, problem: str, mask: Mask) -> dict[str, Any]:
    """Return the response of an entry; status 0 and the reason if there was none."""
    if response is None:
        return build_response((0, problem), [], {"size": 0, "mimeType": "", "text": ""}, 0)
    headers = build_headers(response.headers.items(), mask)
    types = [header["value"] for header in headers if header["name"].lower() == "content-type"]
    error, size = response.status >= BAD_REQUEST, len(response.body)
    text = format_body(response.body, mask, max_length=MAX_BODY_LENGTH, error=error)
    content = {"size": size, "mimeType": "".join(types[:1]), "text": text}
    return build_response((response.status, get_phrase(response.status)), headers, content, size)


def build_headers(pairs: Iterable[tuple[str, str]], mask: Mask) -> list[dict[str, str]]:
    """Return header fields; of secret ones the name only."""
    return [
        {
            "name": mask.hide(name),
            "value": AUTH if name.lower() in SECRET else mask.hide(str(value)),
        }
        for name, value in pairs
    ]
