"""The error tree.

    Error
    ├── InvalidRequestError   the request violates a rule: nothing was sent     .violations
    ├── TransportError        the network failed: no response                   .sent
    ├── ApiError              the server rejected the request: 4xx or 503       .status .error_response .body
    └── InvalidResponseError  the response is unreadable, or another 5xx        .status .violations .body

``TransportError``, ``ApiError`` and ``InvalidResponseError`` list what was tried in ``.attempts``. Their
``str()`` names method, path and host, and says what to do next; ``to_dict()`` has the same as fields.
"""

from __future__ import annotations

from functools import wraps
from http import HTTPStatus
from traceback import clear_frames
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

import attrs
from infobip_sms_schema import Error, InvalidRequestError, Violation
from infobip_sms_schema.violations import list_violations

from .advice import advise_failure, advise_invalid, advise_rejection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
P = ParamSpec("P")
T = TypeVar("T")


@attrs.frozen
class Attempt:
    """One attempt to get a response.

    serial: 1 for the first.
    outcome: How it ended, such as ``HTTP 429`` or ``the connection failed``.
    sent: ``no`` if the server certainly did not process the request, otherwise ``maybe``.
    duration: Seconds that the attempt took.
    waited: Seconds waited before the next attempt; 0.0 after the last.
    """

    serial: int
    outcome: str
    sent: Sent
    duration: float
    waited: float


@attrs.frozen
class CallDescription:
    """What an error shows of its call; nothing in it was sent."""

    method: str
    path: str
    """The operation's path template: it has no values of the call."""
    host: str
    """Host and port of the server."""
    code: str = ""
    """The server's error code, without what was sent."""
    text: str = ""
    """The server's message, without what was sent."""
    location: str = ""
    """Scheme and host to which the server redirects."""
    retry_after: str = ""
    """The server's Retry-After."""

    def __str__(self) -> str:
        where = f" ({self.host})" if self.host else ""
        return f"{self.method} {self.path}{where}: "


_UNKNOWN_CALL = CallDescription("", "", "")


class _CallError(Error):
    """An error that knows its call."""

    attempts: tuple[Attempt, ...] = ()
    call: CallDescription | None = None

    @property
    def advice(self) -> str:
        """What to do next."""
        raise NotImplementedError

    def _format(self, problem: str, outcome: str) -> str:
        count = f" after {len(self.attempts)} attempts" if len(self.attempts) > 1 else ""
        ending = "" if problem.endswith((".", "!", "?")) else "."
        return f"{self.call or ''}{problem}{ending} {outcome}{count}. {self.advice}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """Return what ``str()`` says, as plain data; values that are not known are left out."""
        call = self.call or _UNKNOWN_CALL
        fields = {
            "kind": type(self).__name__,
            "message": str(self),
            **attrs.asdict(call),
            "status": getattr(self, "status", None),
            "sent": getattr(self, "sent", None),
            "reason": getattr(self, "reason", None),
            "violations": [str(one) for one in getattr(self, "violations", ())],
            "attempts": len(self.attempts),
            "advice": self.advice,
        }
        return {name: value for name, value in fields.items() if value not in (None, "", [])}


class TransportError(_CallError):
    """The network failed before a response was read.

    reason: why the last attempt failed.
    sent: ``"no"`` if the request certainly did not reach the server in any attempt; ``"maybe"`` if it
        may have, in which case sending again may deliver the messages twice.
    attempts: every attempt.
    call: method, path and host of the call, if known.
    """

    def __init__(
        self,
        reason: str,
        sent: Sent,
        attempts: tuple[Attempt, ...] = (),
        call: CallDescription | None = None,
    ) -> None:
        super().__init__(reason, sent, attempts, call)
        self.reason = reason
        self.call = call
        self.attempts = attempts
        self.sent: Sent = "maybe" if sent == "maybe" else find_sent(attempts)

    def __str__(self) -> str:
        sent = "was not sent" if self.sent == "no" else "may have been sent"
        return self._format(f"no response: {self.reason}", f"The request {sent}")

    @property
    def advice(self) -> str:
        """What to do next."""
        method = self.call.method if self.call else ""
        return advise_failure(self.reason, method, sent=self.sent == "maybe")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reason!r}, {self.sent!r})"


class ApiError(_CallError):
    """The server rejected the request (status 4xx or 503): it was not processed.

    status: the HTTP status.
    body: the body of the response, as bytes.
    headers: the headers of the response; names are in lower case.
    error_response: the body as the documented model, or None if it has another form.
    attempts: every attempt; the last is this rejection.
    call: method, path and host of the call, if known.

    ``code`` and ``text`` are the server's own and may quote the request; in ``str()`` and ``to_dict()``
    what was sent, and long runs of digits, are masked. ``sent`` is ``"maybe"`` if an attempt may have been processed after all: a gateway returns
    503 without Retry-After whether or not the server behind it accepted the request.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what is known of the response
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        error_response: ErrorResponse | None = None,
        attempts: tuple[Attempt, ...] = (),
        call: CallDescription | None = None,
    ) -> None:
        super().__init__(status, body, headers, error_response, attempts, call)
        self.call = call
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
        call = self.call or _UNKNOWN_CALL
        words = filter(None, (_format_status(self.status), call.code, call.text))
        processed = "was not" if self.sent == "no" else "may have been"
        return self._format(": ".join(words), f"The request {processed} processed")

    @property
    def advice(self) -> str:
        """What to do next."""
        call = self.call or _UNKNOWN_CALL
        sent = self.sent == "maybe"
        return advise_rejection(self.status, call.method, call.path, call.retry_after, sent=sent)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.status})"


class InvalidResponseError(_CallError):
    """The response violates the contract.

    status: the HTTP status, or None if there was none.
    violations: what could not be read; empty for a 5xx.
    body: the body of the response, as bytes.
    headers: the headers of the response; names are in lower case.
    attempts: every attempt.
    call: method, path and host of the call, if known.

    Whether the messages were accepted is unknown, so ``sent`` is always ``"maybe"``.
    """

    sent: Literal["maybe"] = "maybe"

    def __init__(  # noqa: PLR0913, PLR0917 - what is known of the response
        self,
        violations: tuple[Violation, ...] = (),
        status: int | None = None,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        attempts: tuple[Attempt, ...] = (),
        call: CallDescription | None = None,
    ) -> None:
        super().__init__(violations, status, body, headers, attempts, call)
        self.call = call
        self.violations = violations
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.attempts = attempts

    def __str__(self) -> str:
        call = self.call or _UNKNOWN_CALL
        status = _format_status(self.status)
        problems = list_violations(self.violations)
        if not problems and (self.status is None or self.status < HTTPStatus.MULTIPLE_CHOICES):
            problems = "an undocumented status"
        if self.call is None and self.status is None:  # a body that was parsed, such as a callback
            return problems
        words = ": ".join(filter(None, (status, call.code, call.text, problems)))
        return self._format(words, "The request may have been processed")

    @property
    def advice(self) -> str:
        """What to do next; an empty string for a body that was parsed without a call."""
        if self.call is None and self.status is None:
            return ""
        call = self.call or _UNKNOWN_CALL
        return advise_invalid(self.status, call.method, self.body, call.location)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.violations!r}, {self.status})"


def clear_locals(error: BaseException) -> None:
    """Remove local variables, which error trackers show, from the tracebacks of an error and those before it."""
    behind: BaseException | None = error
    while behind is not None:
        clear_frames(behind.__traceback__)
        behind = behind.__cause__ or behind.__context__


def hide_locals(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function whose errors show no local variables, neither its own nor those of what it calls."""

    @wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> T:
        try:
            return function(*args, **options)
        except BaseException as error:
            clear_locals(error)
            del args, options
            raise

    return call


def find_sent(attempts: Iterable[Attempt]) -> Sent:
    """Return ``maybe`` if the server may have processed any of the attempts, otherwise ``no``."""
    return "maybe" if any(attempt.sent == "maybe" for attempt in attempts) else "no"


def _format_status(status: int | None) -> str:
    if status is None:
        return ""
    phrases = {known.value: known.phrase for known in HTTPStatus}
    return f"HTTP {status} {phrases.get(status, '')}".rstrip()


for _public in (ApiError, Attempt, InvalidResponseError, TransportError):
    _public.__module__ = "infobip_sms"  # where to import it from, for tracebacks and help()
