"""What a verdict rests on, as it may be printed: no number, no text of a message, no credential.

Lives here: an exchange made fit to be shown; the command that repeats it; its twin in the other format.
Never here: where it is shown (report/); what has to be hidden (masking.py).
"""

import re
from dataclasses import dataclass
from typing import Any

from infobip_sms_conformance.contract.codec import MEDIA_TYPES, dump
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.observations.exchange import BAD_REQUEST, Exchange
from infobip_sms_conformance.sanitization.bodies import show_body
from infobip_sms_conformance.sanitization.curl import build_curl, name_authorization
from infobip_sms_conformance.sanitization.redaction import Mask
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import Request

LONGEST = 2000
"""Characters that are shown of a body."""
LONGEST_TYPE = 100
DECLARATION = re.compile(r"^<\?xml[^>]*\?>\s*")


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
    """A command that sends the same; see shell.py for its variables."""
    twin: str
    """The same request in the other format; empty where there is none."""
    status: int | None
    """None where no answer came."""
    reply_type: str
    reply: str
    """What was answered, or why there is no answer."""
    callback: str = ""
    """What came to the callback server, where that is judged."""


@dataclass(frozen=True)
class Shower:
    """Makes evidence of the exchanges of one run."""

    mask: Mask
    credentials: Credentials
    authorization: str
    """What the run uses."""

    def show(self, exchange: Exchange) -> Evidence | None:
        """Return what may be shown of an exchange; none where nothing was sent."""
        request, answer = exchange.request, exchange.answer
        if request is None:
            return None
        body = self.show_request(exchange, exchange.wire)
        error = exchange.status is not None and exchange.status >= BAD_REQUEST
        reply_type = answer.headers.get("Content-Type", "") if answer else ""
        return Evidence(
            method=request.method,
            path=self.mask.drop_marks(hide_path(request.path, self.mask)),
            content_type=request.headers.get("content-type", ""),
            body=body or "",
            size=len((body or "").encode()),
            curl=self.build_curl(request, body),
            twin=self.show_twin(exchange),
            status=exchange.status,
            reply_type=self.mask.hide(str(reply_type))[:LONGEST_TYPE],
            reply=show_body(answer.body, self.mask, most=LONGEST, error=error)
            if answer
            else self.mask.hide_words(exchange.problem),
            callback=show_body(exchange.callback, self.mask, most=LONGEST),
        )

    def show_request(self, exchange: Exchange, wire: str) -> str | None:
        """Return the body of a request as it may be shown, whole; none where it has none at all."""
        request = exchange.request
        assert request is not None, "something was sent"
        if exchange.document is not None:
            document = self.mask.hide_document(exchange.document)
            body = dump(document, wire, find_component(request)).decode()
            return DECLARATION.sub("", body)
        if not request.body and "content-type" not in request.headers:
            return None
        return show_body(request.body, self.mask, most=len(request.body) + 1)

    def show_twin(self, exchange: Exchange) -> str:
        """Return the same document in the other format, if the other can carry it."""
        if exchange.document is None:
            return ""
        other = next(wire for wire in MEDIA_TYPES if wire != exchange.wire)
        try:
            return self.show_request(exchange, other) or ""
        except (TypeError, ValueError):  # such as a character that XML cannot carry
            return ""

    def build_curl(self, request: Request, body: str | None) -> str:
        """Return the command that sends a request again."""
        used = request.headers.get("authorization")
        return build_curl(
            request.method,
            hide_path(request.path, self.mask),
            request.headers,
            body,
            name_authorization(used, self.authorization, self.credentials),
        )


def hide_path(path: str, mask: Mask) -> str:
    """Return a path of the contract with its query, in which nothing but values has to be hidden."""
    bare, mark, query = path.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&"))
    return bare + mark + "&".join(f"{n}{sign}{mask.hide(value)}" for n, sign, value in pairs)


def find_component(request: Request) -> Any:
    """Return the name of the component that the body of a request has, by its path."""
    path = request.path.partition("?")[0]
    operations = read_operations().values()
    found = (o.request for o in operations if (o.path, o.method) == (path, request.method))
    return next(found, None) or "SmsRequest"
