"""The latest requests and responses, with credentials masked, as shown on the inbox page."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from infobip_sms.sandbox.api.http import HttpRequest, HttpResponse

MAX_REQUESTS = 200
"""Requests stored at most."""
MAX_BODY_SIZE = 2**16
"""Bytes stored of one body."""
MAX_TOTAL_SIZE = 2**22
"""Bytes stored of all bodies, queries and headers together."""
_SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "set-cookie"}


@attrs.frozen(kw_only=True)
class LoggedRequest:
    """One request and its response."""

    serial: int
    at: dt.datetime
    method: str
    path: str
    """Including the query."""
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    """Request headers; secrets are masked."""
    body: bytes = attrs.field(repr=False)
    body_size: int
    """Original size in bytes; at most MAX_BODY_SIZE are stored."""
    status: int
    response_headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    response_body: bytes = attrs.field(repr=False)
    response_size: int
    message_serials: range = range(0)
    """Serials that the request assigned; not every serial has a message."""

    size: int = attrs.field(init=False)
    """Approximate size in bytes."""

    @size.default
    def _measure(self) -> int:
        pairs = (*self.headers, *self.response_headers)
        text_size = len(self.path) + sum([len(name) + len(value) for name, value in pairs])
        return len(self.body) + len(self.response_body) + text_size


class RequestLog:
    """A ring buffer of requests, bounded by count and by size."""

    def __init__(self) -> None:
        self._entries: deque[LoggedRequest] = deque()
        self._size = self._count = 0

    def __iter__(self) -> Iterator[LoggedRequest]:
        """Iterate over the stored requests, newest first."""
        return reversed(self._entries)

    def __len__(self) -> int:
        """Return how many requests are stored."""
        return len(self._entries)

    @property
    def size(self) -> int:
        """Approximate size of the stored requests in bytes."""
        return self._size

    def record(
        self,
        request: HttpRequest,
        response: HttpResponse,
        at: dt.datetime,
        message_serials: range = range(0),
    ) -> None:
        """Store a request with its response, and drop the oldest ones beyond the limits."""
        self._count += 1
        query = f"?{request.query}" if request.query else ""
        entry = LoggedRequest(
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
        self._entries.append(entry)
        self._size += entry.size
        while len(self._entries) > MAX_REQUESTS or self._size > MAX_TOTAL_SIZE:
            self._size -= self._entries.popleft().size

    def clear(self) -> None:
        """Drop all requests; serials continue."""
        self._entries.clear()
        self._size = 0

    def find(self, serial: int) -> LoggedRequest | None:
        """Return the request with this serial, if it is still stored."""
        return next((e for e in self if e.serial == serial), None)

    def find_origin(self, message_serial: int) -> LoggedRequest | None:
        """Return the request that created a message, if it is still stored."""
        return next((e for e in self if message_serial in e.message_serials), None)


def _mask(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Mask the values of secret headers; the authentication scheme stays."""
    return tuple((name, _mask_value(name, value)) for name, value in headers.items())


def _mask_value(name: str, value: str) -> str:
    if name.lower() not in _SECRET_HEADERS:
        return value
    scheme, space, _ = value.partition(" ")
    known = space and scheme.lower() in {"basic", "app"}
    return f"{scheme} (masked)" if known else "(masked)"
