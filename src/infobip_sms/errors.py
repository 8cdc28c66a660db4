"""The error tree.

    Error
    ├── RequestRefused   we broke a rule: nothing was sent          .violations
    ├── NoAnswer         the network failed: no reply               .sent
    ├── Rejected         the server refused: 4xx or 503             .status .api_error .body
    └── BadReply         the server misbehaved: unreadable, or 5xx  .status .violations .body

Four questions find the branch: did we break a rule, did the network fail, did the server refuse,
did the server misbehave?

Lives here: the branches, and what each one carries.
Never here: the decision which one it is (exchange.py, client.py); secrets, texts, numbers.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from infobip_sms_schema import Error, RequestRefused, Violation

if TYPE_CHECKING:
    from infobip_sms_schema import ApiError

__all__ = ["BadReply", "Error", "NoAnswer", "Rejected", "RequestRefused", "Violation"]


class NoAnswer(Error):
    """The network failed before a reply was read.

    ``sent`` is "no" if the server cannot have got the request, "maybe" if it can: then sending
    again may deliver the messages twice.
    """

    def __init__(self, reason: str, sent: Literal["no", "maybe"]) -> None:
        super().__init__(reason, sent)
        self.reason = reason
        self.sent: Literal["no", "maybe"] = sent

    def __str__(self) -> str:
        return f"no answer: {self.reason}; request sent: {self.sent}"


class Rejected(Error):
    """The server refused the request (status 4xx or 503): it was not processed.

    ``api_error`` is the body as the contract describes it, or None if it is something else;
    ``body`` is what came, as bytes; ``headers`` has lower-case names. The server's own words are
    in ``message_id`` and ``text``; they are no part of ``str()``, because they may quote the request.
    """

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        api_error: ApiError | None = None,
    ) -> None:
        super().__init__(status, body, headers, api_error)
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.api_error = api_error

    @property
    def text(self) -> str | None:
        """The server's reason in words, if it gave one."""
        return self.api_error.request_error.service_exception.text if self.api_error else None

    @property
    def message_id(self) -> str | None:
        """The server's fixed word for the reason, such as UNAUTHORIZED, if it gave one."""
        return self.api_error.request_error.service_exception.message_id if self.api_error else None

    def __str__(self) -> str:
        known = {status.value: f" {status.phrase}" for status in HTTPStatus}
        words = "; its words are in .text" if self.text else ""
        return f"the server refused: HTTP {self.status}{known.get(self.status, '')}{words}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.status})"


class BadReply(Error):
    """The server answered outside the contract.

    ``status`` is the HTTP status, or None where there was none to see; ``violations`` says what
    could not be read (empty for a 5xx); ``body`` is what came, as bytes. Whether the messages were
    accepted is not known: ``sent`` is "maybe".
    """

    sent: Literal["maybe"] = "maybe"

    def __init__(
        self,
        violations: tuple[Violation, ...] = (),
        status: int | None = None,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(violations, status, body, headers)
        self.violations = violations
        self.status = status
        self.body = body
        self.headers = headers or {}

    def __str__(self) -> str:
        found = "\n".join(map(str, self.violations)) or "a status outside the contract"
        return found if self.status is None else f"HTTP {self.status}: {found}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.violations!r}, {self.status})"
