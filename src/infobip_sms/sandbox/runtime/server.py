"""The sandbox on a socket of the loopback interface.

Lives here: listening, starting, ending.
Never here: what happens in between (shell.py).
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import h11
import uvicorn
from infobip_sms_schema import ErrorDetails, ErrorResponse, ErrorResponseBody
from uvicorn.protocols.http.h11_impl import H11Protocol

from infobip_sms.codecs import find_codec
from infobip_sms.sandbox.clock import Clock
from infobip_sms.sandbox.state.state import State

from .asgi import Shell

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from infobip_sms.sandbox.api.app import App
    from infobip_sms.sandbox.state.data_file import Store

HOST = "127.0.0.1"


def run(
    app: App,
    port: int,
    announce: Callable[[str], None],
    store: Store | None = None,
    clock: Clock | None = None,
) -> None:
    """Serve until interrupted; announce the URL once connections are taken. Port 0 finds a free one.

    The clock stands by then as it stood when the file was left.
    Raises StoreError if the file cannot be read, or when it could no longer be written.
    """
    state = store.load() if store else State()

    def stop() -> None:
        server.should_exit = True

    with open_listener(port) as (listener, url):
        shell = Shell(app, state, clock or Clock(), store, stop)
        server = Server(shell, announce=lambda: announce(url))
        server.run(sockets=[listener])
    if store and store.problem:
        raise store.problem


@contextmanager
def open_listener(port: int) -> Iterator[tuple[socket.socket, str]]:
    """Give a socket that takes connections, and the URL of it."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
        yield listener, f"http://{HOST}:{listener.getsockname()[1]}"


class Server(uvicorn.Server):
    """Runs a shell; it is quiet and ends soon.

    announce: called once it runs, and an interruption ends it. guest: it runs in the process of somebody else, whose logging is left as it is.
    """

    def __init__(
        self, shell: Shell, *, guest: bool = False, announce: Callable[[], None] | None = None
    ) -> None:
        kind = _GuestConfig if guest else uvicorn.Config
        super().__init__(
            kind(
                shell,
                log_level="warning",
                access_log=False,
                lifespan="on",
                http=Incoming,
                ws="none",
                timeout_graceful_shutdown=1,
            )
        )
        self._shell, self._announce = shell, announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, then say so."""
        await super().startup(sockets)
        if self._announce:
            self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody wait any longer, then end."""
        self._shell.end()
        await super().shutdown(sockets)


class _GuestConfig(uvicorn.Config):
    """Settings that are for this server alone."""

    def configure_logging(self) -> None:
        """Leave the loggers of uvicorn to whoever has another server in this process."""


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
            exception = ErrorDetails(message_id=word, text=text)
            error = ErrorResponse(request_error=ErrorResponseBody(service_exception=exception))
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
