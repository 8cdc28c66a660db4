"""What the first requests show: whether this is a server of this API that knows the credentials."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from infobip_sms_conformance.contract.codec import get_tag, parse_json, parse_tree
from infobip_sms_conformance.observations.exchange import (
    ABSENT,
    OK_STATUSES,
    REDIRECTIONS,
    UNAUTHORIZED,
    Exchange,
    is_throttled,
)
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.sanitization.redaction import clean
from infobip_sms_conformance.transport.http import TargetServer

REJECTED_CREDENTIALS = "the server rejected the credentials"
RATE_LIMITED = "the server limits the rate of requests"
FAILING = "the server fails at the smallest request"
NO_RESPONSE_OF_THIS_API = "the first request got no response of this API"
NOT_THIS_API = ABSENT | {HTTPStatus.GONE, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED}
SERVER_ERRORS = range(500, 600)
UNAVAILABLE = {
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
OWN_NAMES = {"messages", "messageId", "bulkId", "trackingProcessKey", "groupId", "groupName"}
"""Names of fields of a response that no other API is likely to have, one of which any response has."""
MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,40}")
MAX_LOCATION = 80
PREFIX = 1000
"""Bytes in which an HTML page says that it is one."""


PAUSE = 0.5
"""Seconds before a server that limits the rate of requests is asked for the last time."""


class NotTestableError(Exception):
    """There is no server of this API to check."""


def collect_probes(
    first: Exchange,
    wires: Sequence[str],
    probe: Callable[..., Exchange],
    send_whole: Callable[[], Exchange],
) -> list[Exchange]:
    """Return the first exchange, and more where it may mean that there is nothing to check.

    probe: sends the smallest request, in a format. send_whole: sends the documented one.
    """
    probes = [first]
    if first.response is not None and is_unusable(first):
        probes += [probe(wire) for wire in wires if wire != first.wire]
    if all(map(is_limiting, probes)):
        time.sleep(PAUSE)
        probes.append(probe())
    elif all(map(is_failing, probes)):
        probes.append(send_whole())
    return probes


def require_this_api(target: TargetServer, probes: Sequence[Exchange]) -> None:
    """Raise NotTestableError where no response is one of this API, or all reject the credentials."""
    first = probes[0]
    if first.response is None:
        raise NotTestableError(
            f"{NO_RESPONSE_OF_THIS_API}: {first.got}{suggest_scheme(target, first)}"
        )
    if all(map(is_rejecting, probes)):
        raise NotTestableError(f"{REJECTED_CREDENTIALS} (HTTP {first.status})")
    if all(map(is_limiting, probes)):
        raise NotTestableError(f"{RATE_LIMITED} (HTTP {first.status} to all of {len(probes)})")
    if all(map(is_failing, probes)):
        raise NotTestableError(f"{FAILING} (HTTP {first.status} to all of {len(probes)})")
    if all(map(is_foreign, probes)):
        raise NotTestableError(f"{NO_RESPONSE_OF_THIS_API}: {describe_foreign(first)}")


def is_rejecting(exchange: Exchange) -> bool:
    """Tell whether the server rejected the credentials."""
    return exchange.status in {UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def is_unusable(exchange: Exchange) -> bool:
    """Tell whether a first response may mean that there is nothing to check."""
    return any(reason(exchange) for reason in (is_rejecting, is_limiting, is_failing, is_foreign))


def is_limiting(exchange: Exchange) -> bool:
    """Tell whether the server only asked for patience."""
    return exchange.response is not None and is_throttled(exchange.response)


def is_failing(exchange: Exchange) -> bool:
    """Tell whether the server failed: a 5xx, but for those of proxies before it."""
    return exchange.status in SERVER_ERRORS and not is_foreign(exchange)


def is_foreign(exchange: Exchange) -> bool:
    """Tell whether what came back is not a response of this API: another page, text or document, or a redirect."""
    if exchange.response is None or exchange.status in {*REDIRECTIONS, *NOT_THIS_API}:
        return True
    if exchange.status in UNAVAILABLE:
        return b"requestError" not in exchange.response.body
    if exchange.status not in OK_STATUSES:
        return False
    return OWN_NAMES.isdisjoint(iter_names(exchange.response.body))


def iter_names(body: bytes) -> Iterator[str]:
    """Yield the names of all fields in a JSON body or of all elements in an XML one; none of any other body."""
    try:
        if find_wire(body) == "xml":
            yield from (get_tag(element) for element in parse_tree(body).iter(etree.Element))
        else:
            yield from iter_fields(parse_json(body))
    except ValueError:
        # A response of this API that is not well-formed has its names all the same.
        text = body.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
        if text[:1] in {b"{", b"<"} and b"<html" not in text[:PREFIX].lower():
            yield from (name for name in OWN_NAMES if name.encode() in text)


def iter_fields(value: Any) -> Iterator[str]:
    """Yield the names of all fields in plain data."""
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from iter_fields(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from iter_fields(inner)


def describe_foreign(exchange: Exchange) -> str:
    """Say what came instead of a response of this API: status, content type, and where a redirect leads."""
    media = exchange.response.media_type if exchange.response else ""
    shown = media if MEDIA_TYPE.fullmatch(media) else "no content type"
    location = exchange.response.headers.get("Location", "") if exchange.response else ""
    parts = urlsplit(location) if exchange.status in REDIRECTIONS else urlsplit("")
    to = clean(f"{parts.netloc.rpartition('@')[2]}{parts.path}")[:MAX_LOCATION]
    return f"HTTP {exchange.status}, {shown}{f', a redirect to {to}' if to else ''}"


def suggest_scheme(target: TargetServer, exchange: Exchange) -> str:
    """Suggest the other scheme where a connection with this one failed in a way that fits; empty elsewhere."""
    if target.scheme == "https" and exchange.problem.startswith("no TLS"):
        return "; the server may expect http"
    if target.scheme == "http" and exchange.problem == "the connection was lost":
        return "; the server may expect https"
    return ""
