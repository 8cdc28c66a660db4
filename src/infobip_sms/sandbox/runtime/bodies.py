"""Reads request bodies, with a limit for each and one for all that are held at the same time."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from infobip_sms.sandbox.api.http import HttpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

MAX_BODY = 32 * 2**20
"""Bytes in one body."""
MAX_TOTAL = 128 * 2**20
"""Bytes in all bodies held."""


class BodyRejectedError(HttpError):
    """A body is not read to its end."""


class BodyReader:
    """Reads bodies, and knows how much of them is held."""

    def __init__(self) -> None:
        self.held = 0
        """Bytes of all bodies that are being received or used."""

    @asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[bytes]:
        """Yield the body of a request; raise BodyRejectedError if there is no room for it."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > MAX_BODY:
            raise _build_too_large()
        body, held = bytearray(), 0
        try:
            async for chunk in request.stream():
                body += chunk
                self.held, held = self.held + len(chunk), held + len(chunk)
                if held > MAX_BODY:
                    raise _build_too_large()
                if self.held > MAX_TOTAL:
                    raise BodyRejectedError(
                        503,
                        "SERVICE_UNAVAILABLE",
                        "The sandbox is receiving too many large bodies",
                        headers={"retry-after": "1"},
                    )
            yield bytes(body)
        finally:
            self.held -= held


def _build_too_large() -> BodyRejectedError:
    return BodyRejectedError(413, "BAD_REQUEST", f"The body is larger than {MAX_BODY} bytes")
