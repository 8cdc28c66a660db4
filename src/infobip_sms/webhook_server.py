"""A webhook server for delivery reports: HTTP is parsed by h11, connections are served by asyncio.

1. Reports are written one body at a time, whatever the number of connections.
2. A body is acknowledged with 200 after it was written, never before. If writing fails the response is
   500 and the platform posts the reports again; a report may arrive twice, but none is lost here.
3. Bodies, paths and received headers are never shown.
4. A request has one deadline, from its first byte to its last. At most 100 connections are open: the one
   that has been idle longest is closed for a new one.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

import h11

from .errors import Error, InvalidResponseError
from .webhooks import parse_delivery_reports

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from infobip_sms_schema import DeliveryReports, Violation

MAX_BODY = 4 * 2**20  # bytes; a batch has up to 100 reports by default, of about 1 kB each
MAX_CONNECTIONS = 100
DEADLINE = 30.0  # seconds for a whole request, and without any request
_MAX_HEAD = 16 * 1024  # bytes, of a request's head and of its trailers
_MAX_PIECES = 10_000  # chunks of a body; each takes time, however small it is
_READ_SIZE = 65_536
_ACCEPT_PAUSE = 0.1  # seconds before the next try when no connection can be accepted
_MAX_VIOLATIONS = 3  # that a message names
_LONG_NUMBER = re.compile(r"\d{5,}")


class WebhookRejectedError(Exception):
    """A request gets this status, and nothing is written."""

    def __init__(self, status: HTTPStatus, reason: str, *, quiet: bool = False) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.quiet = quiet


class WebhookServer:
    """Listens as soon as it is created, and serves while ``run`` runs.

    write: called with the reports of one body at a time; any exception is answered with 500. After
        BrokenPipeError (its output pipe is closed) the server stops.
    on_error: called with a message about each request that was rejected.
    path: the only path that accepts reports; None for any.
    """

    def __init__(
        self,
        host: str,
        port: int,
        write: Callable[[DeliveryReports], None],
        on_error: Callable[[str], None],
        *,
        path: str | None = None,
    ) -> None:
        self.on_error = on_error
        self.path = path
        self.deadline = DEADLINE
        self._write = write
        self._connections: dict[_Connection, None] = {}
        self._writer = ThreadPoolExecutor(1, "infobip-sms-listen")
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()
        self._output_error: BrokenPipeError | None = None
        host.encode("idna")  # UnicodeError for what no socket takes as a name
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=128)
        self._socket.setblocking(False)

    @property
    def url(self) -> str:
        """The URL that the server listens on."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def run(self) -> None:
        """Serve until stopped or interrupted; raise BrokenPipeError if the output pipe was closed."""
        with self:
            asyncio.run(self._serve())
        if self._output_error is not None:
            raise self._output_error

    def shutdown(self) -> None:
        """Let ``run`` return once a write in progress has finished; from any thread or signal handler."""
        self._stopping = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._stopping:
            return
        accepting = asyncio.create_task(self._accept(self._loop))
        try:
            await self._stopped.wait()
        finally:
            accepting.cancel()
            if writing := [c.written for c in self._connections if c.written is not None]:
                ends = [asyncio.ensure_future(event.wait()) for event in writing]
                await asyncio.wait(ends, timeout=self.deadline)
            self._writer.shutdown(cancel_futures=True)
            self._loop = None

    async def _accept(self, loop: asyncio.AbstractEventLoop) -> None:
        """Accept connections; without a free descriptor, one by one in place of those that are idle."""
        tasks: set[asyncio.Task[None]] = set()
        while True:
            try:
                client, _ = await loop.sock_accept(self._socket)
            except OSError as error:
                self.on_error(f"no connection can be accepted: {error.strerror}")
                self._close_idlest()
                await asyncio.sleep(_ACCEPT_PAUSE)
                continue
            task = loop.create_task(self._serve_connection(client))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _serve_connection(self, client: socket.socket) -> None:
        # A response leaves at once; asyncio sees to it only for sockets whose protocol is named.
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader, writer = await asyncio.open_connection(sock=client)
        connection = _Connection(self, reader, writer)
        self._connections[connection] = None
        if len(self._connections) > MAX_CONNECTIONS:
            self._close_idlest()
        try:
            await connection.run()
        except (OSError, h11.LocalProtocolError):
            self.on_error("a connection was lost")
        finally:
            self._connections.pop(connection, None)
            writer.close()

    def _close_idlest(self) -> None:
        idlest = min(self._connections, key=_Connection.get_urgency, default=None)
        if idlest is not None:
            del self._connections[idlest]
            idlest.abort()

    async def write(self, body: bytes, content_type: str | None) -> None:
        """Write the reports of a body, after those of all bodies before it."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._write_reports, body, content_type)

    def _write_reports(self, body: bytes, content_type: str | None) -> None:
        """Write the reports of a body; raise WebhookRejectedError if it has none or writing fails."""
        try:
            reports = parse_delivery_reports(body, content_type)
        except InvalidResponseError as error:
            reason = f"{len(body)} bytes that are not delivery reports: {_format(error.violations)}"
            raise WebhookRejectedError(HTTPStatus.BAD_REQUEST, reason) from None
        try:
            self._write(reports)
        except BrokenPipeError as error:
            self._output_error = error
            self.shutdown()
            raise WebhookRejectedError(
                HTTPStatus.INTERNAL_SERVER_ERROR, "the output pipe is closed"
            ) from None
        except Exception as error:  # noqa: BLE001 - in any case the reports are not written
            what = str(error) if isinstance(error, Error) else type(error).__name__
            reason = f"reports could not be written: {what}"
            raise WebhookRejectedError(HTTPStatus.INTERNAL_SERVER_ERROR, reason) from None
        if reports.unreadable:
            problems = _format(reports.unreadable)
            self.on_error(f"reports that cannot be read: {problems}; responded with 200")


class _Connection:
    """One connection: a request after the other."""

    def __init__(
        self, server: WebhookServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._reader = reader
        self._stream = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        self._since = time.monotonic()
        self._is_head = False
        self.written: asyncio.Event | None = None
        """Set when the response is out; None unless reports are being written."""

    def get_urgency(self) -> tuple[bool, bool, float]:
        """Return what decides which connection is closed for another: the least one."""
        return self.written is not None, self._http.their_state is not h11.IDLE, self._since

    def abort(self) -> None:
        """Close the connection at once, whatever is under way."""
        self._stream.transport.abort()

    async def run(self) -> None:
        """Serve requests until one of the two sides closes the connection."""
        with suppress(TimeoutError):
            while await self._wait_for_request():
                await self._serve_request()
                if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                    await self._linger()
                    return
                self._http.start_next_cycle()
                self._since = time.monotonic()

    async def _wait_for_request(self) -> bool:
        """Wait for the first byte of a request; return whether there is one."""
        if self._http.trailing_data[0]:
            return True
        async with asyncio.timeout(self._server.deadline):
            data = await self._reader.read(_READ_SIZE)
        self._http.receive_data(data)
        return bool(data)

    async def _serve_request(self) -> None:
        try:
            body, content_type = await self._receive()
            self.written = asyncio.Event()
            await self._server.write(body, content_type)
        except WebhookRejectedError as rejection:
            if not rejection.quiet:
                status = rejection.status.value
                self._server.on_error(f"{rejection.reason}; responded with {status}")
            await self._respond(rejection.status)
        else:
            await self._respond(HTTPStatus.OK)
        finally:
            if self.written is not None:
                self.written.set()
            self.written = None

    async def _receive(self) -> tuple[bytes, str | None]:
        """Return the body and its Content-Type; raise WebhookRejectedError if it is not acceptable."""
        try:
            async with asyncio.timeout(self._server.deadline):
                headers = await self._read_head()
                body = await self._read_body()
        except h11.RemoteProtocolError as error:
            raise _build_rejection(error) from None
        except TimeoutError:
            reason = f"a request that was not complete after {self._server.deadline:g} seconds"
            raise WebhookRejectedError(HTTPStatus.REQUEST_TIMEOUT, reason) from None
        kind = headers.get("content-type")
        return body, kind.decode("latin-1") if kind is not None else None

    async def _read_head(self) -> dict[str, bytes]:
        request = await self._next_event()
        assert isinstance(request, h11.Request), request
        self._is_head = request.method == b"HEAD"
        headers = {name.decode("latin-1"): value for name, value in request.headers}
        _require_acceptable(request, headers, self._server.path)
        if self._http.they_are_waiting_for_100_continue:
            await self._send(h11.InformationalResponse(status_code=100, headers=[]))
        return headers

    async def _read_body(self) -> bytes:
        body, pieces = bytearray(), 0
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            pieces += 1
            _require_size(len(body))
            if pieces > _MAX_PIECES:
                reason = f"a body in more than {_MAX_PIECES} chunks"
                raise WebhookRejectedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
        return bytes(body)

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_READ_SIZE))
        return event

    async def _respond(self, status: HTTPStatus) -> None:
        text = (
            "Send delivery reports with POST.\n" if status == HTTPStatus.METHOD_NOT_ALLOWED else ""
        )
        headers = [
            ("Date", formatdate(usegmt=True)),
            ("Server", "infobip-sms"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(text))),
        ]
        if text:
            headers.append(("Allow", "POST"))
        if self._http.their_state is not h11.DONE:  # the rest of the request is not read
            headers.append(("Connection", "close"))
        await self._send(h11.Response(status_code=status, headers=headers, reason=status.phrase))
        if text and not self._is_head:
            await self._send(h11.Data(data=text.encode()))
        await self._send(h11.EndOfMessage())

    async def _send(self, event: h11.Event) -> None:
        self._stream.write(self._http.send(event) or b"")
        async with asyncio.timeout(self._server.deadline):
            await self._stream.drain()

    async def _linger(self) -> None:
        """Read what is still coming, for a moment: closing at once could take the response away."""
        if self._stream.can_write_eof():
            self._stream.write_eof()
        left = MAX_BODY
        async with asyncio.timeout(min(2.0, self._server.deadline)):
            while left > 0 and (data := await self._reader.read(_READ_SIZE)):
                left -= len(data)


def _require_acceptable(request: h11.Request, headers: dict[str, bytes], path: str | None) -> None:
    """Raise WebhookRejectedError for a request whose head says that it brings no reports."""
    if request.method != b"POST":
        raise WebhookRejectedError(HTTPStatus.METHOD_NOT_ALLOWED, "not a POST", quiet=True)
    if "origin" in headers:
        raise WebhookRejectedError(
            HTTPStatus.FORBIDDEN, "a request from a web page (it has an Origin)"
        )
    if path not in {None, request.target.decode("latin-1").partition("?")[0]}:
        raise WebhookRejectedError(HTTPStatus.NOT_FOUND, "a request to another path")
    length = headers.get("content-length")
    if "transfer-encoding" in headers:
        if length is not None:
            reason = "a request with both Content-Length and Transfer-Encoding"
            raise WebhookRejectedError(HTTPStatus.BAD_REQUEST, reason)
    elif length is None:
        raise WebhookRejectedError(HTTPStatus.LENGTH_REQUIRED, "a request without a length")
    else:
        _require_size(int(length))


def _require_size(size: int) -> None:
    if size > MAX_BODY:
        raise WebhookRejectedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body over {MAX_BODY} bytes"
        )


def _build_rejection(error: h11.RemoteProtocolError) -> WebhookRejectedError:
    """Return what is said of a request that is not HTTP, without quoting it."""
    if error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        reason = f"headers or trailers over {_MAX_HEAD} bytes"
        return WebhookRejectedError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, reason)
    return WebhookRejectedError(
        HTTPStatus.BAD_REQUEST, "a request that is not complete, valid HTTP/1.1"
    )


def _format(violations: tuple[Violation, ...]) -> str:
    """Return the first violations, long numbers masked."""
    shown = [str(violation)[:200] for violation in violations[:_MAX_VIOLATIONS]]
    more = len(violations) - len(shown)
    text = "; ".join([*shown, f"and {more} more"] if more else shown)
    return _LONG_NUMBER.sub("*****", text)
