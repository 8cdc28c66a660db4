"""The last requests and replies, as they were on the wire, for whoever looks at the inbox page.

Lives here: what is kept of them, how many, how much; what is masked.
Never here: how they are shown (views.py, pretty.py).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from infobip_sms.sandbox.api.http import HttpReply, HttpRequest

MOST = 200
"""Exchanges that are kept."""
LONGEST = 2**16
"""Bytes that are kept of one body."""
LARGEST = 2**22
"""Bytes that are kept of all bodies, queries and headers together."""
_SECRET = {"authorization", "proxy-authorization", "cookie", "set-cookie"}


@attrs.frozen(kw_only=True)
class Exchange:
    """One request and its reply."""

    number: int
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
    reply_headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    reply_body: bytes = attrs.field(repr=False)
    reply_size: int
    messages: range = range(0)
    """Numbers of the messages that the request made; some may have left no message behind."""

    @property
    def size(self) -> int:
        """Bytes that this takes, about."""
        pairs = (*self.headers, *self.reply_headers)
        words = len(self.path) + sum(len(name) + len(value) for name, value in pairs)
        return len(self.body) + len(self.reply_body) + words


class Recorder:
    """A ring of exchanges, bounded by their number and by their bytes."""

    def __init__(self) -> None:
        self._kept: deque[Exchange] = deque()
        self._size = self._count = 0

    def __iter__(self) -> Iterator[Exchange]:
        """Go through what is kept, the newest first."""
        return reversed(self._kept)

    def __len__(self) -> int:
        """Return how many exchanges are kept."""
        return len(self._kept)

    @property
    def size(self) -> int:
        """Bytes that are kept, about."""
        return self._size

    def record(
        self, request: HttpRequest, reply: HttpReply, at: dt.datetime, messages: range = range(0)
    ) -> None:
        """Keep an exchange, and forget the oldest ones that are too many."""
        self._count += 1
        query = f"?{request.query}" if request.query else ""
        exchange = Exchange(
            number=self._count,
            at=at,
            method=request.method,
            path=(request.path + query)[:LONGEST],
            headers=_mask(request.headers),
            body=request.body[:LONGEST],
            body_size=len(request.body),
            status=reply.status,
            reply_headers=_mask(reply.headers),
            reply_body=reply.body[:LONGEST],
            reply_size=len(reply.body),
            messages=messages,
        )
        self._kept.append(exchange)
        self._size += exchange.size
        while len(self._kept) > MOST or self._size > LARGEST:
            self._size -= self._kept.popleft().size

    def clear(self) -> None:
        """Forget all exchanges; numbers go on."""
        self._kept.clear()
        self._size = 0

    def find(self, number: int) -> Exchange | None:
        """Return the exchange of this number, if it is still kept."""
        return next((e for e in self if e.number == number), None)

    def find_origin(self, message: int) -> Exchange | None:
        """Return the exchange that made a message, if it is still kept."""
        return next((e for e in self if message in e.messages), None)


def _mask(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return headers with nothing of a secret but the word before it, such as Basic."""
    return tuple((name, _hide(name, value)) for name, value in headers.items())


def _hide(name: str, value: str) -> str:
    if name.lower() not in _SECRET:
        return value
    scheme, space, _ = value.partition(" ")
    known = space and scheme.lower() in {"basic", "app"}
    return f"{scheme} (masked)" if known else "(masked)"
