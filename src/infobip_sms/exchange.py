"""A call as a description of its request, and a reply as a model or an error.

Lives here: authorization, headers, which wire format, which branch of the error tree a reply is.
Never here: connections, timeouts, bytes of a wire format.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs
from infobip_sms_schema import SEND_PATH, SmsRequest
from infobip_sms_schema.limits import describe

from . import wire_json
from .errors import BadReply, Rejected, RequestRefused, Violation
from .media import find_wire

if TYPE_CHECKING:
    from types import ModuleType

    from infobip_sms_schema import ApiError, SmsResponse

    from .media import Wire


@runtime_checkable
class Auth(Protocol):
    """Anything that gives the value of the Authorization header."""

    def header(self) -> str:
        """Return the header's value; it is secret."""


@attrs.frozen
class Basic:
    """User and password (AUTH-003). Neither is shown by ``repr``."""

    username: str = attrs.field(repr=False)
    password: str = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        if ":" in self.username:
            wants = "a name without one (RFC 7617)"
            raise RequestRefused([Violation("username", "a colon", wants, "AUTH-003")])
        try:
            f"{self.username}{self.password}".encode()
        except UnicodeEncodeError:
            got = "half of a surrogate pair"
            raise RequestRefused([Violation("auth", got, "Unicode text", "TEXT-001")]) from None

    def header(self) -> str:
        """Return ``Basic`` and the pair in base64."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


@attrs.frozen
class ApiKey:
    """API key, sent as ``App KEY`` (AUTH-004). Not shown by ``repr``."""

    key: str = attrs.field(repr=False)

    def header(self) -> str:
        """Return ``App`` and the key."""
        return f"App {self.key}"


@attrs.frozen
class IbssoToken:
    """Session token, sent as ``IBSSO TOKEN`` (AUTH-006). Not shown by ``repr``."""

    token: str = attrs.field(repr=False)

    def header(self) -> str:
        """Return ``IBSSO`` and the token."""
        return f"IBSSO {self.token}"


@attrs.frozen
class Bearer:
    """OAuth access token, sent as ``Bearer TOKEN``. Not shown by ``repr``."""

    token: str = attrs.field(repr=False)

    def header(self) -> str:
        """Return ``Bearer`` and the token."""
        return f"Bearer {self.token}"


@attrs.frozen
class Call:
    """One HTTP request, described."""

    method: str
    route: str
    """The operation's path as the contract writes it: no value of the caller, so that logs may show it."""
    path: str = attrs.field(repr=False)
    """What is asked for: the path with its values and the query."""
    headers: dict[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Reply:
    """One HTTP reply, described; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes = attrs.field(repr=False)


def build_send(request: SmsRequest, wire: Wire, auth: Auth) -> Call:
    """Describe a send request; raise RequestRefused if it breaks a rule."""
    if not isinstance(request, SmsRequest):
        raise RequestRefused([Violation("", describe(request), "an SmsRequest", "SEND-002")])
    codec = find_codec(wire)
    headers = {
        "Authorization": _check_header(auth.header()),
        "Content-Type": codec.CONTENT_TYPE,
        "Accept": codec.CONTENT_TYPE,
    }
    return Call("POST", SEND_PATH, SEND_PATH, headers, codec.dump_sms_request(request))


def read_send(reply: Reply, wire: Wire) -> SmsResponse:
    """Return the answer to a send request; raise Rejected or BadReply."""
    wire = find_wire(reply.headers.get("content-type", "")) or wire
    if not 200 <= reply.status < 300:  # noqa: PLR2004 - HTTP's own numbers
        raise _find_error(reply, wire)
    try:
        response: SmsResponse = find_codec(wire).parse_sms_response(reply.body)
    except BadReply as problem:
        raise BadReply(problem.violations, reply.status, reply.body, reply.headers) from None
    return response


def find_codec(wire: Wire) -> ModuleType:
    """Return the module of a wire format; xmlschema is loaded when XML is first asked for."""
    if wire == "json":
        return wire_json
    if wire == "xml":
        from . import wire_xml  # noqa: PLC0415 - costs more than all the rest together

        return wire_xml
    raise RequestRefused([Violation("wire", "another format", "json or xml", "HTTP-004")])


def _find_error(reply: Reply, wire: Wire) -> Rejected | BadReply:
    refused = 400 <= reply.status < 500 or reply.status == 503  # noqa: PLR2004 - HTTP's own numbers
    if not refused:
        return BadReply((), reply.status, reply.body, reply.headers)
    return Rejected(reply.status, reply.body, reply.headers, _find_api_error(reply.body, wire))


def _find_api_error(body: bytes, wire: Wire) -> ApiError | None:
    try:
        error: ApiError = find_codec(wire).parse_api_error(body)
    except BadReply:
        return None
    return error


def _check_header(value: str) -> str:
    """Return an Authorization header: a scheme, one space, and visible ASCII without another."""
    scheme, _, secret = value.partition(" ")
    if scheme and secret and " " not in secret and value.isascii() and value.isprintable():
        return value
    got, wants = "characters that a header cannot carry", "a scheme, a space and visible ASCII"
    raise RequestRefused([Violation("auth", got, wants, "AUTH-005")])
