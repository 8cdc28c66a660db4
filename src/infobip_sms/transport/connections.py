"""Connections to one server: pooled, with a deadline, and certain about what has been sent.

1. Connecting and sending are two steps. If connecting fails (DNS, TCP, proxy, TLS), nothing of the
   request was sent; if sending fails, all of it may have been.
2. A deadline covers all bytes together: before each read and write the socket's timeout is set to
   what is left, so that a server which sends byte by byte cannot extend it. A response that leaves
   no time to parse it is too late.
3. urllib3's connections are used without its pool, whose log shows paths and queries.
"""

from __future__ import annotations

import io
import os
import socket
import ssl
import time
import weakref
from collections import deque
from contextlib import suppress
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema.constraints import describe_value
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util import parse_url
from urllib3.util.connection import create_connection

from infobip_sms.errors import (
    InvalidRequestError,
    InvalidResponseError,
    Violation,
    clear_locals,
)

from .cancellation import end_if_cancelled, require_not_cancelled
from .connection_failures import classify_broken, classify_connect_error
from .messages import AttemptFailedError, Request, Response, build_head
from .responses import (
    MAX_RESPONSE_BYTES,
    FinalResponse,
    ResponseTooLargeError,
    read_response,
)
from .retry import AttemptFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from .urls import Address

_MAX_RECEIVED_BYTES = MAX_RESPONSE_BYTES + 2**20  # with headers and the sizes of chunks
_LAST_STATUSES = {101, 204, 205, 304}  # no HTTP follows, or a body that must not be there may
_PARSING_SECONDS = 45e-9  # for each byte of a response
_TLS_RECORD_SIZE = 16 * 2**10  # one TLS record

_RESPONSE_TIMEOUT = AttemptFailure("the response timed out", "maybe", "timeout")


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket, until the connection's deadline and no more than its allowance."""

    is_finished = False

    def __init__(self, sock: Any, connection: _DeadlineConnection) -> None:
        self._sock = sock
        self.connection = connection
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.is_finished:
            return None
        self._sock.settimeout(self.connection.get_remaining_seconds())
        count: int | None = self._raw.readinto(buffer)
        self.connection.allowance -= count or 0
        if self.connection.allowance < 0:
            raise ResponseTooLargeError
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _ResponseStream(io.BufferedReader):
    """What one response is read from; bytes that follow it end the connection."""

    def __init__(self, reader: _DeadlineReader) -> None:
        super().__init__(reader)
        self._reader = reader

    def close(self) -> None:
        if not self.closed:
            self._reader.is_finished = True
            if self.peek():
                self._reader.connection.close()
        super().close()


class _DeadlineSocket:
    """The part of a socket that http.client's responses use."""

    def __init__(
        self,
        sock: Any,
        connection: _DeadlineConnection,
        buffer: Callable[[_DeadlineReader], io.BufferedReader],
    ) -> None:
        self._sock = sock
        self._connection = connection
        self._buffer = buffer

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return self._buffer(_DeadlineReader(self._sock, self._connection))


class _DeadlineConnection(HTTPConnection):
    """A connection with a deadline."""

    deadline = 0.0
    allowance = 0
    process = 0
    """ID of the process that connected; a fork inherits the socket but must not use it."""

    def response_class(self, sock: Any, *args: Any, **options: Any) -> HTTPResponse:  # type: ignore[override]
        """Return the response of a proxy to CONNECT, read until the deadline."""
        stream = _DeadlineSocket(sock, self, io.BufferedReader)
        return HTTPResponse(stream, *args, **options)  # type: ignore[arg-type]

    def send(self, data: Any) -> None:
        """Send CONNECT to a proxy."""
        self._send_pieces(data)

    def exchange(self, head: bytes, request: Request) -> HTTPResponse:
        """Send a request, its head together with the start of its body, and return its response.

        http.client reads the response: urllib3 would log malformed header lines.
        """
        with suppress(BrokenPipeError, ConnectionResetError):  # from a server that responds early
            room = max(0, _TLS_RECORD_SIZE - len(head))
            self._send_pieces(head + request.body[:room])
            self._send_pieces(memoryview(request.body)[room:])
        stream = _DeadlineSocket(self.sock, self, _ResponseStream)
        response = FinalResponse(stream, method=request.method)  # type: ignore[arg-type]
        try:
            response.begin()
        except BaseException:
            response.close()
            raise
        if response.will_close or response.status in _LAST_STATUSES:
            self.close()  # the response still has the socket
        return response

    @property
    def is_idle(self) -> bool:
        """Tell whether the connection is open, and nothing came that was not asked for."""
        pending = getattr(self.sock, "pending", int)  # what a TLS socket has decrypted
        return self.is_connected and not pending()

    def get_remaining_seconds(self) -> float:
        """Return the seconds until the deadline; raise TimeoutError if it has passed."""
        return self.require_seconds(0.0)

    def require_seconds(self, seconds: float) -> float:
        """Return the seconds until the deadline; raise TimeoutError if there are no more than these."""
        left = self.deadline - time.monotonic()
        if left <= seconds:
            raise TimeoutError
        return left

    def _send_pieces(self, data: Any) -> None:
        view = memoryview(data)
        # the timeout covers all that a plain socket sends, but only one record of a TLS socket
        piece = max(1, len(view)) if type(self.sock) is socket.socket else _TLS_RECORD_SIZE
        for start in range(0, len(view), piece):
            self.sock.settimeout(self.get_remaining_seconds())
            self.sock.sendall(view[start : start + piece])

    def _new_conn(self) -> socket.socket:
        """Try each address of the host; they share the remaining time equally."""
        found = socket.getaddrinfo(self._dns_host, self.port, 0, socket.SOCK_STREAM)
        for rest, (*_, sockaddr) in zip(range(len(found), 0, -1), found, strict=True):
            try:
                address = (str(sockaddr[0]), self.port)
                share = self.get_remaining_seconds() / rest
                sock = create_connection(address, share, socket_options=self.socket_options)
            except OSError:
                if rest == 1:
                    raise
            else:
                sock.settimeout(self.get_remaining_seconds())  # for the TLS handshake
                return sock
        raise OSError


class _DeadlineTLSConnection(_DeadlineConnection, HTTPSConnection):
    """A connection over TLS, with a deadline."""


@attrs.frozen(eq=False)
class ConnectionPool:
    """The connections to one server; safe across threads and forks."""

    server: Address
    proxy: Address | None
    context: ssl.SSLContext | None
    """For TLS; None for one with the system's certificates, which is made for the first connection."""
    max_idle: int
    connect_timeout: float
    _idle: deque[_DeadlineConnection] = attrs.field(factory=deque, init=False, repr=False)
    _closed: list[bool] = attrs.field(factory=list, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        weakref.finalize(self, _close_all, self._idle)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """The context of all connections; reading the system's certificates takes long."""
        return self.context or build_context(None)

    def close(self) -> None:
        """Close idle connections; those in use are closed after use."""
        self._closed.append(True)
        _close_all(self._idle)

    def require_open(self) -> None:
        """Raise RuntimeError if the client is closed."""
        if self._closed:
            raise RuntimeError("this client is closed; make another one")

    def perform(self, request: Request, timeout: float) -> Response:
        """Make one attempt; raise AttemptFailedError, or InvalidResponseError if the response is too large."""
        deadline = time.monotonic() + timeout
        require_not_cancelled()
        connection = self._acquire()
        try:
            self._connect(connection, deadline)
            connection.deadline, connection.allowance = deadline, _MAX_RECEIVED_BYTES
            with end_if_cancelled(connection.sock):
                response = self._exchange(connection, request)
        except BaseException as error:
            connection.close()
            clear_locals(error)  # an interrupt leaves those of http.client
            raise
        self._release(connection)
        return attrs.evolve(response, deadline=deadline)

    def _acquire(self) -> _DeadlineConnection:
        """Return an idle connection that is still open, or a new one."""
        self.require_open()
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if connection.process == os.getpid() and connection.is_idle:
                return connection
            connection.close()
        return self._build_connection()

    def _release(self, connection: _DeadlineConnection) -> None:
        own = connection.process == os.getpid()
        if not own or connection.sock is None or len(self._idle) >= self.max_idle:
            connection.close()
            return
        self._idle.append(connection)
        if self._closed:  # closed in the meantime
            _close_all(self._idle)

    def _build_connection(self) -> _DeadlineConnection:
        peer = self.proxy or self.server
        if "https" not in {peer.scheme, self.server.scheme}:
            return _DeadlineConnection(peer.host, peer.port)
        config = ProxyConfig(self.context, False, None, None)
        proxy = parse_url(self.proxy.url) if self.proxy else None
        return _DeadlineTLSConnection(
            peer.host, peer.port, ssl_context=self._tls, proxy=proxy, proxy_config=config
        )

    def _connect(self, connection: _DeadlineConnection, deadline: float) -> None:
        """Connect unless connected; nothing of the request is sent."""
        if connection.sock is not None:
            return
        connection.deadline = min(deadline, time.monotonic() + self.connect_timeout)
        connection.allowance = _MAX_RECEIVED_BYTES
        try:
            if self.proxy and self.server.scheme == "https":
                server, proxy = self.server, self.proxy
                connection.set_tunnel(server.host, server.port, proxy.headers, proxy.scheme)
            connection.process = os.getpid()
            connection.connect()
        except (OSError, HTTPError, HTTPException, UnicodeError, ResponseTooLargeError) as error:
            clear_locals(error)  # they hold credentials of the proxy
            raise AttemptFailedError(classify_connect_error(error, self.proxy)) from None

    def _exchange(self, connection: _DeadlineConnection, request: Request) -> Response:
        """Send a request over an open connection, and read the response."""
        try:
            response = read_response(connection.exchange(self._build_head(request), request))
            connection.require_seconds(len(response.body) * _PARSING_SECONDS)
            return response  # noqa: TRY300 - its errors are those of the exchange
        except ResponseTooLargeError as error:
            clear_locals(error)
            raise InvalidResponseError((error.violation,)) from None
        except (TimeoutError, ReadTimeoutError) as error:
            clear_locals(error)  # they hold the headers and the body
            raise AttemptFailedError(_RESPONSE_TIMEOUT) from None
        except (
            OSError,
            HTTPError,
            HTTPException,
            ValueError,
        ) as error:  # ValueError: a negative chunk size
            clear_locals(error)
            raise AttemptFailedError(classify_broken(error, self.server.scheme)) from None

    def _build_head(self, request: Request) -> bytes:
        """Return the head of a request; for a proxy, its target is a URL, and has its headers."""
        target, more = self.server.path + request.path, {}
        if self.proxy is not None and self.server.scheme != "https":
            target, more = self.server.url + target, self.proxy.headers
        return build_head(self.server, target, request, more)


def build_context(ca: str | Path | ssl.SSLContext | None) -> ssl.SSLContext:
    """Return the TLS context; raise InvalidRequestError for one that does not verify certificates."""
    if isinstance(ca, ssl.SSLContext):
        if ca.verify_mode is ssl.CERT_REQUIRED and ca.check_hostname:
            return ca
        raise _build_error("a context that does not verify", "CERT_REQUIRED and check_hostname")
    if ca is not None and not isinstance(ca, str | Path):
        raise _build_error(describe_value(ca), "the path of a file, or an SSLContext")
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # ssl.SSLError is one
        missing = isinstance(error, FileNotFoundError)
        actual = "a file that does not exist" if missing else "a file without certificates"
        raise _build_error(actual, "a file of certificates in PEM format") from None


def _build_error(actual: str, expected: str) -> InvalidRequestError:
    return InvalidRequestError([Violation("ca", actual, expected, "AUTH-005")])


def _close_all(connections: deque[_DeadlineConnection]) -> None:
    while connections:
        try:
            connections.pop().close()
        except IndexError:  # another thread was faster
            return
