"""Requests, responses and errors of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from infobip_sms.codecs import find_wire
from infobip_sms.sandbox.config import ADMIN_PREFIX

if TYPE_CHECKING:
    import datetime as dt

    from infobip_sms_schema import Violation

    from infobip_sms.codecs import Wire
    from infobip_sms.sandbox.state.rows import Row
    from infobip_sms.sandbox.state.state import State

MAX_QUOTED = 50


@attrs.frozen
class HttpRequest:
    """One request; header names are in lower case."""

    method: str
    path: str
    """As received: percent-encoded, without the query."""
    headers: dict[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    query: str = attrs.field(default="", repr=False)

    @property
    def is_admin(self) -> bool:
        """Whether it is for the admin interface."""
        return f"{self.path}/".startswith(ADMIN_PREFIX)


@attrs.frozen
class HttpResponse:
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes = attrs.field(repr=False)


class HttpError(Exception):
    """Rejects a request with a status and an error body."""

    def __init__(
        self,
        status: int,
        code: str,
        text: str,
        violations: tuple[Violation, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, code)
        self.status, self.code, self.text = status, code, text
        self.violations, self.headers = violations, headers or {}


def build_bad_request(violations: tuple[Violation, ...]) -> HttpError:
    """Return a 400 with the violations; the text contains the first 50 (READ-009)."""
    more = f"; and {len(violations) - MAX_QUOTED} more" if len(violations) > MAX_QUOTED else ""
    text = "; ".join(map(str, violations[:MAX_QUOTED]))
    return HttpError(400, "BAD_REQUEST", f"Bad request: {text}{more}", violations)


def choose_wire(accept: str, default: Wire) -> Wire:
    """Return the format that an Accept header prefers; the default if it names neither (READ-006)."""
    best, chosen = 0.0, default
    for choice in accept.split(","):
        media, *parameters = choice.split(";")
        wire = find_wire(media)
        quality = next((p.strip()[2:] for p in parameters if p.strip().startswith("q=")), "1")
        weight = float(quality) if quality.replace(".", "", 1).isdecimal() else 1.0
        if wire and weight > best:
            best, chosen = weight, wire
    return chosen


@attrs.frozen
class OperationResult:
    """A response, and what to store once it is written."""

    response: attrs.AttrsInstance
    rows: tuple[Row, ...] = ()
    serial: int | None = None


@attrs.frozen
class OperationContext:
    """A parsed request: everything that a handler needs."""

    body: Any
    parameters: Any
    state: State
    now: dt.datetime
    base_url: str
    """URL of the sandbox, as the client sees it."""
