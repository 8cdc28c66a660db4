"""Requests and responses, as the connection pool sends and returns them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import attrs

from infobip_sms.errors import InvalidRequestError, Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infobip_sms.errors import Attempt

    from .retry import AttemptFailure
    from .urls import Address

_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Headers(dict[str, str]):
    """Headers whose values are secret: error trackers show the repr of local variables."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self)})"


@attrs.frozen
class Request:
    """One HTTP request."""

    method: str
    route: str
    """The operation's path template; logs may show it, because it contains no values of the caller."""
    path: str = attrs.field(repr=False)
    """The path with its values, and the query."""
    headers: Headers = attrs.field(repr=False, converter=Headers)
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Response:
    """One HTTP response; header names are in lower case."""

    status: int
    headers: dict[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    attempts: tuple[Attempt, ...] = ()
    """Every attempt, this one included."""
    host: str = ""
    """Host and port that responded."""
    deadline: float = math.inf
    """When the call has to end, in seconds of ``time.monotonic``."""


def build_head(server: Address, target: str, request: Request, more: Mapping[str, str]) -> bytes:
    """Return the request line and the headers; raise ValueError for a character that would end a line.

    more: headers that are only for a proxy.
    """
    host = f"[{server.host.partition('%')[0]}]" if ":" in server.host else server.host
    headers = {**request.headers, **more}
    lines = [
        f"{request.method} {target} HTTP/1.1",
        f"Host: {host}" if server.has_default_port else f"Host: {host}:{server.port}",
    ]
    if not any(name.lower() == "accept-encoding" for name in headers):
        lines.append("Accept-Encoding: identity")
    if request.body or request.method != "GET":
        lines.append(f"Content-Length: {len(request.body)}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if _UNSAFE.search("".join(lines)) or " " in target:
        raise ValueError
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class AttemptFailedError(Exception):
    """An attempt ended without a response."""

    def __init__(self, failure: AttemptFailure) -> None:
        super().__init__(failure)
        self.failure = failure


def require_safe_request(request: Request) -> None:
    """Reject characters that could inject another line, before connecting."""
    if not is_printable_ascii(request.path) or " " in request.path:
        raise build_character_error("path", "visible ASCII")
    for name in request.headers:
        if not is_printable_ascii(request.headers[name]):
            raise build_character_error(name, "visible ASCII and spaces")


def is_printable_ascii(value: str) -> bool:
    """Tell whether a header can carry a text."""
    return value.isascii() and value.isprintable()


def build_character_error(path: str, expected: str) -> InvalidRequestError:
    """Return the error for a header or a path with other characters."""
    actual = "characters that are not allowed in a header"
    return InvalidRequestError([Violation(path, actual, expected, "AUTH-005")])
