"""The error tree.

    Error
    ├── InvalidRequestError   we broke a rule: nothing was sent          .violations
    ├── TransportError         the network failed: no response               .sent
    ├── ApiError         the server rejected: 4xx or 503             .status .api_error .body
    └── InvalidResponseError         the server misbehaved: unreadable, or 5xx  .status .violations .body

Four questions find the branch: did I break a rule, did the network fail, did the server reject,
did the server misbehave? Whatever came of the network also says what was tried: ``.attempts``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

import attrs
from infobip_sms_schema import Error, InvalidRequestError, Violation

if TYPE_CHECKING:
    from infobip_sms_schema import ErrorResponse

__all__ = [
    "ApiError",
    "Attempt",
    "Error",
    "InvalidRequestError",
    "InvalidResponseError",
    "Sent",
    "TransportError",
    "Violation",
]

Sent = Literal["no", "maybe"]


@attrs.frozen
class Attempt:
    """One attempt to get an answer."""

    serial: int
    """1 for the first."""
    outcome: str
    """What came of it, such as ``HTTP 429`` or ``no connection could be made``."""
    sent: Sent
    """``no`` if the server cannot have taken the request: not reached, or it said so."""
    duration: float
    """Seconds from its start to its end."""
    waited: float
    """Seconds between its end and the next attempt; 0.0 after the last."""


class TransportError(Error):
    """The network failed before a response was read.

    ``sent`` is "no" if the server cannot have got the request, "maybe" if it can, in any of the
    ``attempts``: then sending again may deliver the messages twice. ``reason`` is the last one's.
    """

    def __init__(self, reason: str, sent: Sent, attempts: tuple[Attempt, ...] = ()) -> None:
        super().__init__(reason, sent, attempts)
        self.reason = reason
        self.attempts = attempts
        self.sent: Sent = "maybe" if sent == "maybe" else _get_sent(attempts)

    def __str__(self) -> str:
        return f"no response: {self.reason}; request sent: {self.sent}{_format_attempts(self.attempts)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reason!r}, {self.sent!r})"


class ApiError(Error):
    """The server rejected the request (status 4xx or 503): it was not processed.

    ``api_error`` is the body as the contract describes it, or None if it is something else;
    ``body`` is what came, as bytes; ``headers`` has lower-case names. The server's own words are
    in ``message_id`` and ``text``; they are no part of ``str()``, because they may quote the request.
    ``attempts`` is what was tried; the last of them is this rejection. ``sent`` is "maybe" if one of
    them may have been taken after all: a 503 without Retry-After is a gateway's word for what it
    does not know, and the caller may have asked to repeat more than what is safe.
    """

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        error_response: ErrorResponse | None = None,
        attempts: tuple[Attempt, ...] = (),
    ) -> None:
        super().__init__(status, body, headers, error_response, attempts)
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.error_response = error_response
        self.attempts = attempts

    @property
    def sent(self) -> Sent:
        """``maybe`` if any attempt may have been taken by the server."""
        return _get_sent(self.attempts)

    @property
    def text(self) -> str | None:
        """The server's reason in words, if it gave one."""
        return (
            self.error_response.request_error.service_exception.text
            if self.error_response
            else None
        )

    @property
    def code(self) -> str | None:
        """The server's fixed word for the reason, such as UNAUTHORIZED, if it gave one."""
        return (
            self.error_response.request_error.service_exception.message_id
            if self.error_response
            else None
        )

    def __str__(self) -> str:
        known = {status.value: f" {status.phrase}" for status in HTTPStatus}
        words = "; its words are in .text" if self.text else ""
        phrase = known.get(self.status, "")
        return f"the server rejected: HTTP {self.status}{phrase}{words}{_format_attempts(self.attempts)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.status})"


class InvalidResponseError(Error):
    """The server answered outside the contract.

    ``status`` is the HTTP status, or None where there was none to see; ``violations`` says what
    could not be read (empty for a 5xx); ``body`` is what came, as bytes. Whether the messages were
    accepted is not known: ``sent`` is "maybe". ``attempts`` is what was tried.
    """

    sent: Literal["maybe"] = "maybe"

    def __init__(
        self,
        violations: tuple[Violation, ...] = (),
        status: int | None = None,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        attempts: tuple[Attempt, ...] = (),
    ) -> None:
        super().__init__(violations, status, body, headers, attempts)
        self.violations = violations
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.attempts = attempts

    def __str__(self) -> str:
        found = "\n".join(map(str, self.violations)) or "a status outside the contract"
        shown = found if self.status is None else f"HTTP {self.status}: {found}"
        return f"{shown}{_format_attempts(self.attempts)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.violations!r}, {self.status})"


def _get_sent(attempts: tuple[Attempt, ...]) -> Sent:
    return "maybe" if any(attempt.sent == "maybe" for attempt in attempts) else "no"


def _format_attempts(attempts: tuple[Attempt, ...]) -> str:
    return f"; {len(attempts)} attempts" if len(attempts) > 1 else ""
