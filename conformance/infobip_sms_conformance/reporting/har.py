"""The exchanges of a run as an HTTP Archive (HAR 1.2), masked."""

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
MAX_BODY_LENGTH = 50_000
"""Maximum number of characters of a body."""


def dump_har(exchanges: Sequence[Exchange], url: str, mask: Mask) -> str:
    """Return the archive of all exchanges."""
    entries = [build_entry(exchange, url, mask) for exchange in exchanges if exchange.request]
    creator = {"name": "infobip-sms conformance", "version": "1"}
    log = {"version": "1.2", "creator": creator, "entries": entries}
    return json.dumps({"log": log}, indent=1, ensure_ascii=False)


def build_entry(exchange: Exchange, url: str, mask: Mask) -> dict[str, Any]:
    """Return the entry of an exchange."""
    assert exchange.request is not None, "it was sent"
    milliseconds = round(exchange.seconds * 1000, 1)
    return {
        "startedDateTime": datetime.fromtimestamp(exchange.at, UTC).isoformat("T", "milliseconds"),
        "time": milliseconds,
        "request": build_request(exchange.request, url, mask),
        "response": build_response(exchange.response, exchange.problem, mask),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "comment": mask.hide_words(exchange.label),
    }


def build_request(request: RawRequest, url: str, mask: Mask) -> dict[str, Any]:
    """Return the request of an entry."""
    query = parse_qsl(request.path.partition("?")[2], keep_blank_values=True)
    found = {
        "method": request.method,
        "url": url + hide_path(request.path, mask),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": build_headers(request.headers.items(), mask),
        "queryString": [{"name": name, "value": mask.hide(value)} for name, value in query],
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        text = format_body(request.body, mask, max_length=MAX_BODY_LENGTH)
        found["postData"] = {"mimeType": request.headers.get("content-type", ""), "text": text}
    return found


def build_response(response: RawResponse | None, problem: str, mask: Mask) -> dict[str, Any]:
    """Return the response of an entry; status 0 and the reason if there was none."""
    if response is None:
        status, words, headers, body = 0, problem, [], b""
    else:
        status, words, body = response.status, get_phrase(response.status), response.body
        headers = build_headers(response.headers.items(), mask)
    types = [header["value"] for header in headers if header["name"].lower() == "content-type"]
    text = format_body(body, mask, max_length=MAX_BODY_LENGTH, error=status >= BAD_REQUEST)
    return {
        "status": status,
        "statusText": words,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "content": {"size": len(body), "mimeType": "".join(types[:1]), "text": text},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(body),
    }


def build_headers(pairs: Iterable[tuple[str, str]], mask: Mask) -> list[dict[str, str]]:
    """Return header fields; of secret ones the name only."""
    return [
        {
            "name": mask.hide(name),
            "value": AUTH if name.lower() in SECRET else mask.hide(str(value)),
        }
        for name, value in pairs
    ]
