"""A connection of a client: what is no HTTP is refused as the API refuses, who is too slow is cut off.

Lives here: what uvicorn does otherwise, or not at all, with bytes that are not yet a request.
Never here: requests that have come in whole (shell.py), listening (serve.py).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import h11
from infobip_sms_schema import ApiError, RequestError, ServiceException
from uvicorn.protocols.http.h11_impl import H11Protocol

from infobip_sms.media import find_codec

if TYPE_CHECKING:
    import asyncio

PATIENCE = 60.0  # seconds for a request to come in whole


class Incoming(H11Protocol):
    """Reads the requests of one connection, and bounds how long each may take to come."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as there
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self.access_log = False  # there are numbers in requests
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        if self._limit is not None:
            self._limit.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._wait()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - what uvicorn would say
        """Refuse what is no HTTP, or has a head of more than 64 KiB."""
        self._refuse(400, "BAD_REQUEST", "This is no HTTP, or its head is too long")

    def _wait(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
        self._limit = self.loop.call_later(PATIENCE, self._give_up)

    def _give_up(self) -> None:
        """Cut off a client whose request has not come in whole; one that is being answered has time."""
        if self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            self._refuse(408, "REQUEST_TIMEOUT", "The request took too long to come")

    def _refuse(self, status: int, word: str, text: str) -> None:
        """End the connection, with an error body if no reply has begun (READ-009)."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            exception = ServiceException(message_id=word, text=text)
            error = ApiError(request_error=RequestError(service_exception=exception))
            codec = find_codec("json")
            body = codec.dump_model(error)
            headers = [
                ("content-type", f"{codec.CONTENT_TYPE};charset=UTF-8"),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ]
            response = h11.Response(
                status_code=status, headers=headers, reason=HTTPStatus(status).phrase
            )
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
