"""Between a client and a server: every byte goes on as it came, in both directions, as soon as it came.

What passes is read on the way, and never held back for it: what cannot be read passes as well. One thing
is altered, and only where the server is on another machine: the field Host, which would name this one.
"""

import asyncio
import contextlib
import re
import ssl
import time
from collections import deque
from collections.abc import Callable
from itertools import count

from infobip_sms_conformance.transport.http import TargetServer
from infobip_sms_conformance.transport.http1 import (
    FIRST_FINAL_STATUS,
    SWITCHING_PROTOCOLS,
    CapturedExchange,
    HttpMessage,
    HttpMessageReader,
    HttpSyntaxError,
)

READ_SIZE = 65_536
SECONDS_TO_CONNECT = 10.0
HOST = re.compile(rb"(\r\nhost:)[^\r]*", re.IGNORECASE)
BAD_GATEWAY_RESPONSE = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
CLIENT_LEFT = "the client left before the response was complete"
SERVER_CLOSED = "the server closed the connection before the response was complete"
ExchangeCallback = Callable[[CapturedExchange], None]


class ProxiedConnection:
    """What passes on one connection of a client: requests, each with its response."""

    def __init__(self, base_url: str, serials: "count[int]", on_exchange: ExchangeCallback) -> None:
        self._base_url, self._serials, self._on_exchange = base_url, serials, on_exchange
        self._pending_requests: deque[tuple[int, float, HttpMessage]] = deque()
        self._methods: deque[str] = deque()
        self._request_reader, self._response_reader = (
            HttpMessageReader(),
            HttpMessageReader(self._methods),
        )
        self._began = 0.0
        self._opaque = False
        self.is_client_gone = False
        """Whether the client has ended its side."""

    @property
    def is_waiting(self) -> bool:
        """Whether a request has no response yet."""
        return bool(self._pending_requests)

    def forward_request(self, data: bytes, host: bytes) -> bytes:
        """Read what the client sent; return what goes on: complete requests, or anything unreadable."""
        if self._opaque:
            return data
        found = b"".join(replace_host(message.raw, host) for message in self.feed_request(data))
        return found + (self._request_reader.unread if self._request_reader.is_broken else b"")

    def feed_request(self, data: bytes) -> list[HttpMessage]:
        """Read what the client sent; return the requests that are complete by it."""
        if self._opaque:
            return []
        if not self._request_reader.is_mid_message:
            self._began = time.time()
        try:
            found = self._request_reader.feed(data)
        except HttpSyntaxError:
            found = []
        if self._request_reader.is_broken:
            self._opaque = True
        for message in found:
            self._pending_requests.append((next(self._serials), self._began, message))
            self._methods.append(message.start_line.split(" ")[0])
            self._began = time.time()
        return found

    def feed_response(self, data: bytes) -> None:
        """Read what the server sent."""
        if self._opaque:
            return
        try:
            for message in self._response_reader.feed(data):
                self._match_response(message)
        except HttpSyntaxError:
            return
        finally:
            if self._response_reader.is_broken:
                self._opaque = True

    def end(self, error: str = SERVER_CLOSED) -> None:
        """Give the exchanges that were not completed."""
        error = CLIENT_LEFT if self.is_client_gone else error
        last = None if self._opaque else self._response_reader.feed_eof()
        if last is not None:
            self._match_response(last, "" if last.is_complete else error)
        while self._pending_requests:
            self._report_exchange(None, error)

    def _match_response(self, response: HttpMessage, error: str = "") -> None:
        if response.status == SWITCHING_PROTOCOLS:
            self._opaque = True
        if (
            response.status < FIRST_FINAL_STATUS or not self._pending_requests
        ):  # such as 100 Continue
            return
        self._report_exchange(response, error)

    def _report_exchange(self, response: HttpMessage | None, error: str) -> None:
        number, at, request = self._pending_requests.popleft()
        if self._methods:
            self._methods.popleft()
        method, target, *_ = [*request.start_line.split(" "), "", ""]
        seconds = time.time() - at
        asked = (method, target, request.headers, request.body)
        self._on_exchange(
            CapturedExchange(number, at, self._base_url, *asked, response, error, seconds)
        )


class CapturingProxy:
    """Hands on what clients send to a server, and what it answers."""

    def __init__(self, upstream: TargetServer, on_exchange: ExchangeCallback) -> None:
        self._upstream, self._on_exchange = upstream, on_exchange
        self._serials = count(1)
        self._context = ssl.create_default_context() if upstream.scheme == "https" else None
        port = f":{upstream.port}" if str(upstream.port) in str(upstream) else ""
        self._host = None if upstream.is_loopback else f"{upstream.host}{port}".encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a client to its end."""
        talk = ProxiedConnection(str(self._upstream), self._serials, self._on_exchange)
        try:
            server = await self._connect()
        except (OSError, TimeoutError):
            await respond_bad_gateway(reader, writer, talk)
            return
        there = server[1]
        ways = [
            asyncio.ensure_future(self._forward_requests(reader, there, talk)),
            asyncio.ensure_future(self._forward_responses(server[0], writer, talk)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            talk.end()
            close(writer)
            close(there)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target = self._upstream
        opening = asyncio.open_connection(target.host, target.port, ssl=self._context)
        return await asyncio.wait_for(opening, SECONDS_TO_CONNECT)

    async def _forward_requests(
        self,
        reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
        connection: ProxiedConnection,
    ) -> None:
        while data := await self._read(reader, connection):
            if self._host is None:
                server_writer.write(data)
                connection.feed_request(data)
            else:
                server_writer.write(connection.forward_request(data, self._host))
            await server_writer.drain()
        if server_writer.can_write_eof() or not connection.is_waiting:
            finish(server_writer)

    async def _read(self, reader: asyncio.StreamReader, connection: ProxiedConnection) -> bytes:
        try:
            data = await reader.read(READ_SIZE)
        except OSError:
            connection.is_client_gone = True
            raise
        connection.is_client_gone = not data
        return data

    async def _forward_responses(
        self,
        server_reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        connection: ProxiedConnection,
    ) -> None:
        while data := await server_reader.read(READ_SIZE):
            writer.write(data)
            connection.feed_response(data)
            await writer.drain()
        connection.end()
        finish(writer)


def replace_host(raw: bytes, host: bytes) -> bytes:
    """Return a request with another Host in its head, if it has one there."""
    start = len(raw) - len(raw.lstrip(b"\r\n"))
    end = raw.find(b"\r\n\r\n", start)
    return HOST.sub(rb"\1 " + host, raw[:end], count=1) + raw[end:]


async def respond_bad_gateway(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: ProxiedConnection
) -> None:
    """Answer a request whose server cannot be reached."""
    with contextlib.suppress(OSError):
        while not connection.feed_request(data := await reader.read(READ_SIZE)) and data:
            continue
        writer.write(BAD_GATEWAY_RESPONSE)
        await writer.drain()
    connection.end("the server cannot be reached")
    close(writer)


def finish(writer: asyncio.StreamWriter) -> None:
    """Say that nothing more will come; TLS cannot say that without ending both ways."""
    with contextlib.suppress(OSError):
        writer.write_eof() if writer.can_write_eof() else writer.close()


def close(writer: asyncio.StreamWriter) -> None:
    """Close a connection."""
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
