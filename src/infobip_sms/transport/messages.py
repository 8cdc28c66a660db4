"""A request and a response, described: what the connection pool sends and returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from infobip_sms.errors import Attempt


@attrs.frozen
class Request:
    """One HTTP request, described."""

    method: str
    route: str
    """The operation's path as the contract writes it: no value of the caller, so that logs may show it."""
    path: str = attrs.field(repr=False)
    """What is asked for: the path with its values and the query."""
    headers: dict[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Response:
    """One HTTP response, described; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes = attrs.field(repr=False)
    attempts: tuple[Attempt, ...] = ()
    """What was tried until it came."""
