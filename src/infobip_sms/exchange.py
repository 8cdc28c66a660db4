"""A call as a description of its request, and a reply as a model or an error.

Lives here: authorization, headers, which wire format, which branch of the error tree a reply is.
Never here: connections, timeouts, bytes of a wire format.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable
from urllib.parse import quote, urlencode

import attrs
from infobip_sms_schema import ApiError
from infobip_sms_schema.limits import describe

from .errors import BadReply, Rejected, RequestRefused, Violation
from .media import XmlWay, find_codec, find_wire
from .rules import check_model
from .structure import build_plain

if TYPE_CHECKING:
    from infobip_sms_schema.operations import Operation

    from .errors import Attempt
    from .media import Wire

Model = TypeVar("Model", bound=attrs.AttrsInstance)
_USUAL = XmlWay()


@runtime_checkable
class Auth(Protocol):
    """Anything that gives the value of the Authorization header."""

    def header(self) -> str:
        """Return the header's value; it is secret."""


def _check_secret(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str):
        got = "nothing" if value is None else "something else"
        raise RequestRefused([Violation(attribute.name, got, "a string", "AUTH-005")])


@attrs.frozen
class Basic:
    """User and password (AUTH-003). Neither is shown by ``repr``."""

    username: str = attrs.field(repr=False, validator=_check_secret)
    password: str = attrs.field(repr=False, validator=_check_secret)

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

    key: str = attrs.field(repr=False, validator=_check_secret)

    def header(self) -> str:
        """Return ``App`` and the key."""
        return f"App {self.key}"


@attrs.frozen
class IbssoToken:
    """Session token, sent as ``IBSSO TOKEN`` (AUTH-006). Not shown by ``repr``."""

    token: str = attrs.field(repr=False, validator=_check_secret)

    def header(self) -> str:
        """Return ``IBSSO`` and the token."""
        return f"IBSSO {self.token}"


@attrs.frozen
class Bearer:
    """OAuth access token, sent as ``Bearer TOKEN``. Not shown by ``repr``."""

    token: str = attrs.field(repr=False, validator=_check_secret)

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
    attempts: tuple[Attempt, ...] = ()
    """What was tried until it came."""


def build_call(  # noqa: PLR0913 - what a call is made of
    operation: Operation[Model],
    wire: Wire,
    auth: Auth,
    body: attrs.AttrsInstance | None = None,
    parameters: attrs.AttrsInstance | None = None,
    *,
    xml: XmlWay = _USUAL,
) -> Call:
    """Describe a call of an operation; raise RequestRefused if its body or a parameter breaks a rule."""
    if not isinstance(body, operation.request or type(None)):
        wants = f"of the type {operation.request.__name__}" if operation.request else "no body"
        raise RequestRefused([Violation("", describe(body), wants, "HTTP-003")])
    codec = find_codec(wire, xml.engine)
    headers = {"Authorization": _check_header(auth.header()), "Accept": codec.CONTENT_TYPE}
    if body is None:
        written = b""
    else:
        headers["Content-Type"] = codec.CONTENT_TYPE
        written = codec.dump_model(body, validate=xml.validate)
    path = _build_path(operation.path, parameters)
    return Call(operation.method, operation.path, path, headers, written)


def read_reply(
    operation: Operation[Model], reply: Reply, wire: Wire, *, xml: XmlWay = _USUAL
) -> Model:
    """Return the answer of an operation; raise Rejected or BadReply."""
    wire = find_wire(reply.headers.get("content-type", "")) or wire
    if not 200 <= reply.status < 300:  # noqa: PLR2004 - HTTP's own numbers
        raise _find_error(reply, wire)
    try:
        codec = find_codec(wire, xml.engine)
        answer: Model = codec.parse_reply(reply.body, operation.response, validate=xml.validate)
    except BadReply as problem:
        raise _build_bad_reply(reply, problem.violations) from None
    return answer


def _build_path(template: str, parameters: attrs.AttrsInstance | None) -> str:
    """Fill in the parameters of a path, and put those of the query behind it; each value of a list apart."""
    if parameters is None:
        return template
    if problems := check_model(parameters):
        raise RequestRefused(problems)
    fields = {f.metadata["wire"]: f.metadata for f in attrs.fields(type(parameters))}
    plain: dict[str, Any] = build_plain(parameters)
    inside = {n: quote(v, safe="") for n, v in plain.items() if fields[n].get("in") == "path"}
    query = {name: value for name, value in plain.items() if name not in inside}
    path = template.format(**inside)
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def _find_error(reply: Reply, wire: Wire) -> Rejected | BadReply:
    refused = 400 <= reply.status < 500 or reply.status == 503  # noqa: PLR2004 - HTTP's own numbers
    if not refused:
        return _build_bad_reply(reply, ())
    said = _find_api_error(reply.body, wire)
    return Rejected(reply.status, reply.body, reply.headers, said, reply.attempts)


def _build_bad_reply(reply: Reply, problems: tuple[Violation, ...]) -> BadReply:
    return BadReply(problems, reply.status, reply.body, reply.headers, reply.attempts)


def _find_api_error(body: bytes, wire: Wire) -> ApiError | None:
    try:
        error: ApiError = find_codec(wire).parse_reply(body, ApiError)
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
