"""What a verdict rests on, as it may be printed: no number, no text of a message, no credential."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infobip_sms_conformance.contract.codec import MEDIA_TYPES, dump
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.observations.exchange import BAD_REQUEST, Exchange, get_stem
from infobip_sms_conformance.sanitization.bodies import format_body, hide_body
from infobip_sms_conformance.sanitization.curl import build_curl, name_authorization
from infobip_sms_conformance.sanitization.redaction import Mask, build_request_mask
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import RawRequest

MAX_BODY_LENGTH = 2000
"""Characters that are shown of a body."""
MAX_TYPE_LENGTH = 100
MESSAGE_PATHS = ("/sms/1/text/", "/sms/2/text/")
NOTIFY = '"notifyUrl"'
"""Reports of a request with one come to the callback server of its own run only."""


@dataclass(frozen=True)
class Evidence:
    """An exchange that may be printed."""

    method: str
    path: str
    content_type: str
    body: str
    size: int
    """Bytes of the body as it is shown."""
    curl: str
    """A command that sends the same; see sanitization/curl.py for its variables."""
    other_format: str
    """The same request in the other format; empty where there is none."""
    status: int | None
    """None where no answer came."""
    response_type: str
    response: str
    """What was answered, or why there is no answer."""
    accept: str = ""
    """The header field Accept; empty where there was none."""
    callback: str = ""
    """What came to the callback server, where that is checked."""
    recorded: Mapping[str, Any] | None = None
    """The bytes of a message request, for --replay FILE; see session/recorded.py."""


@dataclass(frozen=True)
class EvidenceBuilder:
    """Makes evidence of the exchanges of one run."""

    mask: Mask
    credentials: Credentials
    authorization: str
    """What the run uses."""
    shows_texts: bool = False
    """Whether the curl lines have the texts of the messages, which are the suite's own: for a server on this machine."""

    def build(self, exchange: Exchange) -> Evidence | None:
        """Return what may be shown of an exchange; none where nothing was sent."""
        request, answer = exchange.request, exchange.response
        if request is None:
            return None
        body = self.format_body(request.body)
        error = exchange.status is not None and exchange.status >= BAD_REQUEST
        reply_type = answer.headers.get("Content-Type", "") if answer else ""
        return Evidence(
            method=request.method,
            path=hide_path(request.path, self.mask),
            content_type=request.headers.get("content-type", ""),
            body=body,
            size=len(body.encode()),
            curl=self.build_curl(request),
            other_format=self.format_other_format(exchange),
            status=exchange.status,
            response_type=self.mask.hide(str(reply_type))[:MAX_TYPE_LENGTH],
            response=format_body(answer.body, self.mask, max_length=MAX_BODY_LENGTH, error=error)
            if answer
            else self.mask.hide_words(exchange.problem),
            accept=request.headers.get("accept", ""),
            callback=format_body(exchange.callback, self.mask, max_length=MAX_BODY_LENGTH),
            recorded=self.record(exchange),
        )

    def record(self, exchange: Exchange) -> Mapping[str, Any] | None:
        """Return a message request as --replay FILE sends it again; none of one that belongs to others."""
        request, document = exchange.request, exchange.document
        text = json.dumps(document, ensure_ascii=False)
        if request is None or not request.path.startswith(MESSAGE_PATHS) or NOTIFY in text:
            return None
        mask = build_request_mask(self.mask, shows_texts=self.shows_texts)
        headers = {n: v for n, v in request.headers.items() if n in {"content-type", "accept"}}
        return {
            "label": get_stem(exchange.label),
            "wire": exchange.wire,
            "method": request.method,
            "path": request.path,
            "headers": headers,
            "body": hide_body(request.body.decode("utf-8", "surrogateescape"), mask),
            "document": "" if document is None else hide_body(text, mask),
        }

    def format_other_format(self, exchange: Exchange) -> str:
        """Return the same document in the other format, if the other can carry it."""
        if exchange.document is None or exchange.request is None:
            return ""
        other = next(wire for wire in MEDIA_TYPES if wire != exchange.wire)
        try:
            body = dump(exchange.document, other, get_component_name(exchange.request))
        except (TypeError, ValueError):  # such as a character that XML cannot carry
            return ""
        return self.format_body(body)

    def format_body(self, body: bytes) -> str:
        """Return the body of a request as it may be shown, whole."""
        return format_body(body, build_request_mask(self.mask), max_length=len(body) + 1)

    def build_curl(self, request: RawRequest) -> str:
        """Return the command that sends a request again, byte for byte but for what has to be hidden."""
        mask = build_request_mask(self.mask, shows_texts=self.shows_texts)
        body = hide_body(request.body.decode("utf-8", "surrogateescape"), mask)
        has_none = not request.body and "content-type" not in request.headers
        return build_curl(
            request.method,
            hide_path(request.path, self.mask),
            request.headers,
            None if has_none else body,
            name_authorization(
                request.headers.get("authorization"), self.authorization, self.credentials
            ),
        )


def hide_path(path: str, mask: Mask) -> str:
    """Return a path of the contract with its query, in which nothing but values has to be hidden."""
    bare, mark, query = path.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&"))
    return bare + mark + "&".join(f"{n}{sign}{mask.hide(value)}" for n, sign, value in pairs)


def get_component_name(request: RawRequest) -> Any:
    """Return the name of the component that the body of a request has, by its path."""
    path = request.path.partition("?")[0]
    operations = read_operations().values()
    found = (o.request for o in operations if (o.path, o.method) == (path, request.method))
    return next(found, None) or "SmsRequest"
