"""Serves a sandbox, by default on the loopback interface."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import attrs
import h11
import uvicorn
from infobip_sms_schema import ErrorDetails, ErrorResponse, ErrorResponseBody
from uvicorn.protocols.http.h11_impl import H11Protocol

from infobip_sms.codecs import get_codec
from infobip_sms.sandbox.clock import VirtualClock
from infobip_sms.sandbox.state.state import State

from .asgi import SandboxASGI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infobip_sms.sandbox.api.app import App
    from infobip_sms.sandbox.state.data_file import DataFile

HOST = "127.0.0.1"
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_SILENCE = 60.0  # seconds until a lack of file descriptors is logged again
_LOG = logging.getLogger(__name__)


def run(
    app: App,
    port: int,
    announce: Callable[[str], None],
    data_file: DataFile | None = None,
    clock: VirtualClock | None = None,
) -> None:
    """Serve until interrupted; call ``announce`` with the URL once it is listening. Port 0 picks a free port.

    The clock continues as saved in the data file.
    Raises DataFileError if the file cannot be read or written.
    """
    state = data_file.load() if data_file else State()

    def stop() -> None:
        server.should_exit = True

    with open_listener(port, app.settings.address) as (listener, url):
        app.settings = attrs.evolve(app.settings, port=listener.getsockname()[1])
        asgi = SandboxASGI(app, state, clock or VirtualClock(), data_file, stop)
        server = SandboxServer(asgi, announce=lambda: announce(url))
        server.run(sockets=[listener])
    if data_file and data_file.error:
        raise data_file.error


@contextmanager
def open_listener(port: int, address: str = HOST) -> Iterator[tuple[socket.socket, str]]:
    """Yield a listening socket and its URL."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # asyncio sets TCP_NODELAY only on sockets whose protocol is named
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
        host = {"0.0.0.0": HOST, "::": "::1"}.get(address, address)  # noqa: S104 - to show
        host = f"[{host}]" if ":" in host else host
        yield listener, f"http://{host}:{listener.getsockname()[1]}"


class SandboxServer(uvicorn.Server):
    """Runs the sandbox quietly, and shuts down within a second.

    embedded: it shares a process, whose logging is left alone.
    announce: called once it is listening; an interrupt then ends it.
    """

    def __init__(
        self,
        asgi: SandboxASGI,
        *,
        embedded: bool = False,
        announce: Callable[[], None] | None = None,
    ) -> None:
        kind = _EmbeddedConfig if embedded else uvicorn.Config
        super().__init__(
            kind(
                asgi,
                log_level="warning",
                access_log=False,
                lifespan="on",
                http=TimeLimitedProtocol,
                ws="none",
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._asgi, self._announce = asgi, announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce it."""
        asyncio.get_running_loop().set_exception_handler(_LoopErrors().handle)
        await super().startup(sockets)
        if self._announce:
            self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Release all waiting requests, then shut down."""
        self._asgi.end()
        await super().shutdown(sockets)


class _LoopErrors:
    """Logs errors of the event loop; a lack of file descriptors, which comes again and again, in one line."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log an error."""
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in _EXHAUSTED):
            loop.default_exception_handler(context)
        elif loop.time() >= self._silent_until:
            self._silent_until = loop.time() + _SILENCE
            _LOG.error("sandbox: cannot accept connections: %s", error.strerror)


class _EmbeddedConfig(uvicorn.Config):
    """Settings that do not affect other servers in the process."""

    def configure_logging(self) -> None:
        """Leave uvicorn's loggers alone: another server in this process may use them."""


REQUEST_TIMEOUT = 60.0  # seconds to receive a whole request
MAX_HEAD = 2**16  # bytes of a request line and headers


class _JoiningConnection(h11.Connection):
    """Holds the head of a response back until its body is written: both are one packet."""

    _head = b""

    def send(self, event: h11.Event) -> bytes | None:  # type: ignore[override]  # its overloads say more
        """Return the bytes to write now."""
        output = super().send(event)
        if isinstance(event, h11.Response):
            self._head, output = output or b"", b""
        elif self._head:
            self._head, output = b"", self._head + (output or b"")
        return output


class TimeLimitedProtocol(H11Protocol):
    """Handles one connection, and limits the time to receive each request."""

    _timer: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn = _JoiningConnection(h11.SERVER, MAX_HEAD)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as there
        """Start the timer for the first request."""
        super().connection_made(transport)
        self.access_log = False  # requests contain phone numbers
        self._restart_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Start the timer for the next request."""
        self._restart_timer()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the default text
        """Reject malformed HTTP, and headers larger than MAX_HEAD."""
        self._send_error(400, "BAD_REQUEST", "Malformed HTTP request, or headers too large")

    def _restart_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(REQUEST_TIMEOUT, self._time_out)

    def _time_out(self) -> None:
        """Reject a request that was not received in time; requests being handled are not affected."""
        if self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            self._send_error(408, "REQUEST_TIMEOUT", "The request was not received in time")

    def _send_error(self, status: int, code: str, text: str) -> None:
        """Close the connection, with an error body unless a response has started (READ-009)."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            details = ErrorDetails(message_id=code, text=text)
            error = ErrorResponse(request_error=ErrorResponseBody(service_exception=details))
            codec = get_codec("json")
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
