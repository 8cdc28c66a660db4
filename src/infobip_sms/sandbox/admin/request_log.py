"""The last requests and responses, as they were on the wire, for whoever looks at the inbox page."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from infobip_sms.sandbox.api.http import HttpRequest, HttpResponse

MAX_REQUESTS = 200
"""Exchanges that are kept."""
MAX_BODY_SIZE = 2**16
"""Bytes that are kept of one body."""
MAX_TOTAL_SIZE = 2**22
"""Bytes that are kept of all bodies, queries and headers together."""
_SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "set-cookie"}


@attrs.frozen(kw_only=True)
class LoggedRequest:
    """One request and its response."""

    serial: int
    at: dt.datetime
    method: str
    path: str
    """With the query."""
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    """Those of the request; secrets are masked."""
    body: bytes = attrs.field(repr=False)
    body_size: int
    """Bytes that there were, of which no more than LONGEST are kept."""
    status: int
    response_headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    response_body: bytes = attrs.field(repr=False)
    response_size: int
    message_serials: range = range(0)
    """Numbers of the messages that the request made; some may have left no message behind."""

    @property
    def size(self) -> int:
        """Bytes that this takes, about."""
        pairs = (*self.headers, *self.response_headers)
        words = len(self.path) + sum(len(name) + len(value) for name, value in pairs)
        return len(self.body) + len(self.response_body) + words


class RequestLog:
    """A ring of exchanges, bounded by their number and by their bytes."""

    def __init__(self) -> None:
        self._entries: deque[LoggedRequest] = deque()
        self._size = self._count = 0

    def __iter__(self) -> Iterator[LoggedRequest]:
        """Go through what is kept, the newest first."""
        return reversed(self._entries)

    def __len__(self) -> int:
        """Return how many exchanges are kept."""
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes that are kept, about."""
        return self._size

    def record(
        self,
        request: HttpRequest,
        response: HttpResponse,
        at: dt.datetime,
        message_serials: range = range(0),
    ) -> None:
        """Keep an exchange, and forget the oldest ones that are too many."""
        self._count += 1
        query = f"?{request.query}" if request.query else ""
        exchange = LoggedRequest(
            serial=self._count,
            at=at,
            method=request.method,
            path=(request.path + query)[:MAX_BODY_SIZE],
            headers=_mask(request.headers),
            body=request.body[:MAX_BODY_SIZE],
            body_size=len(request.body),
            status=response.status,
            response_headers=_mask(response.headers),
            response_body=response.body[:MAX_BODY_SIZE],
            response_size=len(response.body),
            message_serials=message_serials,
        )
        self._entries.append(exchange)
        self._size += exchange.size
        while len(self._entries) > MAX_REQUESTS or self._size > MAX_TOTAL_SIZE:
            self._size -= self._entries.popleft().size

    def clear(self) -> None:
        """Forget all exchanges; numbers go on."""
        self._entries.clear()
        self._size = 0

    def find(self, serial: int) -> LoggedRequest | None:
        """Return the exchange of this number, if it is still kept."""
        return next((e for e in self if e.serial == serial), None)

    def find_origin(self, message_serial: int) -> LoggedRequest | None:
        """Return the exchange that made a message, if it is still kept."""
        return next((e for e in self if message_serial in e.message_serials), None)


def _mask(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return headers with nothing of a secret but the word before it, such as Basic."""
    return tuple((name, _mask_value(name, value)) for name, value in headers.items())


def _mask_value(name: str, value: str) -> str:
    if name.lower() not in _SECRET_HEADERS:
        return value
    scheme, space, _ = value.partition(" ")
    known = space and scheme.lower() in {"basic", "app"}
    return f"{scheme} (masked)" if known else "(masked)"
