"""The error tree.

    Error
    ├── InvalidRequestError   the request violates a rule: nothing was sent     .violations
    ├── TransportError        the network failed: no response                   .sent
    ├── ApiError              the server rejected the request: 4xx or 503       .status .error_response .body
    └── InvalidResponseError  the response is unreadable, or another 5xx        .status .violations .body

``TransportError``, ``ApiError`` and ``InvalidResponseError`` list what was tried in ``.attempts``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

import attrs
from infobip_sms_schema import Error, InvalidRequestError, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    "find_sent",
]

Sent = Literal["no", "maybe"]


@attrs.frozen
class Attempt:
    """One attempt to get a response."""

    serial: int
    """1 for the first."""
    outcome: str
    """How it ended, such as ``HTTP 429`` or ``the connection failed``."""
    sent: Sent
    """``no`` if the server certainly did not process the request, otherwise ``maybe``."""
    duration: float
    """Seconds that the attempt took."""
    waited: float
    """Seconds waited before the next attempt; 0.0 after the last."""


class TransportError(Error):
    """The network failed before a response was read.

    reason: why the last attempt failed.
    sent: ``"no"`` if the request certainly did not reach the server in any attempt; ``"maybe"`` if it
        may have, in which case sending again may deliver the messages twice.
    attempts: every attempt.
    """

    def __init__(self, reason: str, sent: Sent, attempts: tuple[Attempt, ...] = ()) -> None:
        super().__init__(reason, sent, attempts)
        self.reason = reason
        self.attempts = attempts
        self.sent: Sent = "maybe" if sent == "maybe" else find_sent(attempts)

    def __str__(self) -> str:
        sent = "was not sent" if self.sent == "no" else "may have been sent"
        return f"no response: {self.reason}; the request {sent}{_format_attempts(self.attempts)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reason!r}, {self.sent!r})"


class ApiError(Error):
    """The server rejected the request (status 4xx or 503): it was not processed.

    status: the HTTP status.
    body: the body of the response, as bytes.
    headers: the headers of the response; names are in lower case.
    error_response: the body as the documented model, or None if it has another form.
    attempts: every attempt; the last is this rejection.

    The server's message, in ``code`` and ``text``, is not part of ``str()``, because it may quote the
    request. ``sent`` is ``"maybe"`` if an attempt may have been processed after all: a gateway returns
    503 without Retry-After whether or not the server behind it accepted the request.
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
        """``maybe`` if the server may have processed any of the attempts, otherwise ``no``."""
        return find_sent(self.attempts)

    @property
    def text(self) -> str | None:
        """The server's message, such as ``Invalid login details``; None if it sent none."""
        return (
            self.error_response.request_error.service_exception.text
            if self.error_response
            else None
        )

    @property
    def code(self) -> str | None:
        """The server's error code (``messageId``), such as ``UNAUTHORIZED``; None if it sent none."""
        return (
            self.error_response.request_error.service_exception.message_id
            if self.error_response
            else None
        )

    def __str__(self) -> str:
        phrases = {status.value: f" {status.phrase}" for status in HTTPStatus}
        status = f"HTTP {self.status}{phrases.get(self.status, '')}"
        hint = "; its message is in .text" if self.text else ""
        return f"the server rejected the request: {status}{hint}{_format_attempts(self.attempts)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.status})"


class InvalidResponseError(Error):
    """The response violates the contract.

    status: the HTTP status, or None if there was none.
    violations: what could not be read; empty for a 5xx.
    body: the body of the response, as bytes.
    headers: the headers of the response; names are in lower case.
    attempts: every attempt.

    Whether the messages were accepted is unknown, so ``sent`` is always ``"maybe"``.
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
        problems = "\n".join(map(str, self.violations)) or "an undocumented status"
        status = "" if self.status is None else f"HTTP {self.status}: "
        return f"{status}{problems}{_format_attempts(self.attempts)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.violations!r}, {self.status})"


def find_sent(attempts: Iterable[Attempt]) -> Sent:
    """Return ``maybe`` if the server may have processed any of the attempts, otherwise ``no``."""
    return "maybe" if any(attempt.sent == "maybe" for attempt in attempts) else "no"


def _format_attempts(attempts: tuple[Attempt, ...]) -> str:
    return f"; {len(attempts)} attempts" if len(attempts) > 1 else ""


for _public in (ApiError, Attempt, InvalidResponseError, TransportError):
    _public.__module__ = "infobip_sms"  # where to import it from, for tracebacks and help()
