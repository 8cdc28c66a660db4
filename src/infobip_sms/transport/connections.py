"""Connections to one server: kept, punctual, and sure of what has been sent.

1. Making a connection and using it are two steps. What fails in the first (names, TCP, proxy, TLS)
   has sent nothing of the request, provably; what fails in the second may have sent all of it.
2. A deadline is for all bytes together. The timeout of the socket is set anew, to what is left,
   before each read and write, so that a server which drips gains nothing by it.
3. urllib3's connections are used without its pool, whose log shows paths and queries.

Lives here: sockets, TLS, tunnels through proxies, which kept connection is still good.
Never here: what a request says, whether it is repeated (client.py, retries.py).
"""

from __future__ import annotations

import io
import os
import re
import socket
import ssl
import time
import weakref
from collections import deque
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError
from urllib3.util import parse_url
from urllib3.util.connection import create_connection

from infobip_sms.errors import InvalidRequestError, InvalidResponseError, Violation

from .messages import Call, Reply
from .retry import Failure

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from .urls import Address

MAX_REPLY = 64 * 2**20
_MAX_WIRE = MAX_REPLY + 2**20  # with headers and the sizes of chunks
_CHUNK = 2**18
_PIECE = 16 * 2**10  # one TLS record

_TOO_LARGE = Violation("", "a larger body", f"at most {MAX_REPLY} bytes", "HTTP-003")
_NO_CONNECTION = Failure("no connection could be made", "no", "unprocessed")
_SLOW_CONNECTION = Failure("connecting took too long", "no", "unprocessed")
_NO_TLS = Failure("the TLS connection could not be made", "no", "unprocessed")
_UNTRUSTED = Failure("the certificate does not prove the host", "no", "final")
_PROXY_REFUSED = Failure("the proxy refused", "no", "final")
_LATE = Failure("the reply took too long", "maybe", "timeout")
_BROKEN = Failure("the connection broke", "maybe", "broken")


class Failed(Exception):
    """An attempt ended without a reply; for client.py only."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class TooLargeError(Exception):
    """More came than MAX_REPLY."""


class _Reader(io.RawIOBase):
    """What comes over a socket, up to the connection's deadline and no more than its allowance."""

    def __init__(self, sock: Any, connection: _Punctual) -> None:
        self._sock = sock
        self._connection = connection
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._connection.find_left())
        count: int | None = self._raw.readinto(buffer)
        self._connection.allowance -= count or 0
        if self._connection.allowance < 0:
            raise TooLargeError
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Source:
    """A socket as http.client's replies see it."""

    def __init__(self, sock: Any, connection: _Punctual) -> None:
        self._sock = sock
        self._connection = connection

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(_Reader(self._sock, self._connection))


class _QuietResponse(HTTPResponse):
    """A reply without the lines that are no headers, which urllib3 would write into its log."""

    def begin(self) -> None:
        super().begin()
        self.msg.defects.clear()
        self.msg.set_payload("")


class _Punctual(HTTPConnection):
    """A connection that ends what it does at a moment."""

    until = 0.0
    allowance = 0
    _held: bytearray | None = None  # what waits for the rest of its request

    def response_class(self, sock: Any, *args: Any, **options: Any) -> HTTPResponse:  # type: ignore[override]
        return _QuietResponse(_Source(sock, self), *args, **options)  # type: ignore[arg-type]

    def find_left(self) -> float:
        """Return the seconds that are left; raise TimeoutError if there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def request(self, *request: Any, **options: Any) -> None:
        """Send a request: its headers together with the beginning of its body."""
        self._held = bytearray()
        try:
            super().request(*request, **options)
        finally:
            held, self._held = self._held, None
        self._push(held)

    def send(self, data: Any) -> None:
        if self._held is None:
            self._push(data)
            return
        room = _PIECE - len(self._held)
        self._held += data[:room]
        if len(data) > room:
            held, self._held = self._held, bytearray()
            self._push(held)
            self._push(memoryview(data)[room:])

    def _push(self, data: Any) -> None:
        view = memoryview(data)
        # a bare socket's timeout is for all that it sends, that of TLS for each record
        piece = max(1, len(view)) if type(self.sock) is socket.socket else _PIECE
        for start in range(0, len(view), piece):
            self.sock.settimeout(self.find_left())
            super().send(view[start : start + piece])

    def _new_conn(self) -> socket.socket:
        """Try each address of the host in the time that is left, which they share fairly."""
        found = socket.getaddrinfo(self._dns_host, self.port, 0, socket.SOCK_STREAM)
        for rest, (*_, place) in zip(range(len(found), 0, -1), found, strict=True):
            try:
                address = (str(place[0]), self.port)
                share = self.find_left() / rest
                sock = create_connection(address, share, socket_options=self.socket_options)
            except OSError:
                if rest == 1:
                    raise
            else:
                sock.settimeout(self.find_left())  # for the handshake of TLS
                return sock
        raise OSError


class _PunctualTLS(_Punctual, HTTPSConnection):
    """The same, over TLS."""


@attrs.frozen(eq=False)
class Connections:
    """The connections to one server, safe to share between threads and processes that fork."""

    server: Address
    proxy: Address | None
    context: ssl.SSLContext | None
    kept: int
    connect_timeout: float
    _idle: deque[_Punctual] = attrs.field(factory=deque, init=False, repr=False)
    _owner: list[int] = attrs.field(factory=lambda: [os.getpid()], init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        weakref.finalize(self, _close_all, self._idle)

    def close(self) -> None:
        """Close the connections that are kept; those in use are closed after use."""
        self._owner.clear()
        _close_all(self._idle)

    def perform(self, call: Call, seconds: float) -> Reply:
        """Make one attempt; raise Failed, or InvalidResponseError for more than MAX_REPLY bytes."""
        deadline = time.monotonic() + seconds
        connection = self._take()
        try:
            self._reach(connection, deadline)
            connection.until, connection.allowance = deadline, _MAX_WIRE
            reply = _converse(connection, self._address(call))
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        return reply

    def _take(self) -> _Punctual:
        """Return a kept connection on which nothing has happened since, or a new one."""
        owner = list(self._owner)
        if not owner:
            raise RuntimeError("this client is closed")
        if owner != [os.getpid()]:  # a fork: the kept ones are the parent's
            self._owner[:] = [os.getpid()]
            _close_all(self._idle)
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if connection.is_connected:
                return connection
            connection.close()
        return self._build()

    def _keep(self, connection: _Punctual) -> None:
        if connection.sock is None or len(self._idle) >= self.kept:
            connection.close()
            return
        self._idle.append(connection)
        if not self._owner:  # closed in the meantime
            _close_all(self._idle)

    def _build(self) -> _Punctual:
        goal = self.proxy or self.server
        if "https" not in {goal.scheme, self.server.scheme}:
            return _Punctual(goal.host, goal.port)
        config = ProxyConfig(self.context, False, None, None)
        proxy = parse_url(self.proxy.url) if self.proxy else None
        return _PunctualTLS(
            goal.host, goal.port, ssl_context=self.context, proxy=proxy, proxy_config=config
        )

    def _reach(self, connection: _Punctual, deadline: float) -> None:
        """Connect, if it is not done yet; nothing of a request is sent."""
        if connection.sock is not None:
            return
        connection.until = min(deadline, time.monotonic() + self.connect_timeout)
        connection.allowance = _MAX_WIRE
        try:
            if self.proxy and self.server.scheme == "https":
                server, proxy = self.server, self.proxy
                connection.set_tunnel(server.host, server.port, proxy.headers, proxy.scheme)
            connection.connect()
        except (OSError, HTTPError, HTTPException, UnicodeError, TooLargeError) as problem:
            raise Failed(_find_unreached(problem)) from None

    def _address(self, call: Call) -> Call:
        """Return the call with its path as the server, or a proxy that sees it, wants it."""
        whole = self.server.path + call.path
        if self.proxy is None or self.server.scheme == "https":
            return Call(call.method, call.route, whole, call.headers, call.body)
        headers = {**call.headers, **self.proxy.headers}
        return attrs.evolve(call, path=self.server.url + whole, headers=headers)


def build_context(ca: str | Path | ssl.SSLContext | None) -> ssl.SSLContext:
    """Return what certificates are verified with; raise InvalidRequestError for one that verifies none."""
    if isinstance(ca, ssl.SSLContext):
        if ca.verify_mode is ssl.CERT_REQUIRED and ca.check_hostname:
            return ca
        raise _refuse("a context that trusts anybody", "CERT_REQUIRED and check_hostname")
    if ca is not None and not isinstance(ca, str | Path):
        raise _refuse("something else", "the path of a file, or an SSLContext")
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError:  # ssl.SSLError is one
        raise _refuse("no certificates", "a file of them in PEM form") from None


def _refuse(got: str, wants: str) -> InvalidRequestError:
    return InvalidRequestError([Violation("ca", got, wants, "AUTH-005")])


def _close_all(connections: deque[_Punctual]) -> None:
    while connections:
        try:
            connections.pop().close()
        except IndexError:  # another thread was faster
            return


def _find_unreached(problem: Exception) -> Failure:
    tunnel = re.search(r"Tunnel connection failed: 4[0-9][0-9]\b", str(problem))
    if isinstance(problem, TimeoutError):
        return _SLOW_CONNECTION
    if isinstance(problem, ssl.SSLCertVerificationError):
        return _UNTRUSTED
    if isinstance(problem, ssl.SSLError):
        return _NO_TLS
    return _PROXY_REFUSED if tunnel else _NO_CONNECTION


def _converse(connection: _Punctual, call: Call) -> Reply:
    """Send a call over a connection that has been made, and read the reply."""
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # by a server that answers early
            body = call.body or None
            connection.request(call.method, call.path, body, call.headers, preload_content=False)
        return _read_reply(connection.getresponse())
    except TooLargeError:
        raise InvalidResponseError((_TOO_LARGE,)) from None
    except (TimeoutError, ReadTimeoutError):
        raise Failed(_LATE) from None
    except (OSError, HTTPError, HTTPException, ValueError):  # ValueError: a chunk of negative size
        raise Failed(_BROKEN) from None


def _read_reply(response: BaseHTTPResponse) -> Reply:
    """Read a whole reply, but no more than MAX_REPLY bytes, compressed or not."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    chunks: list[bytes] = []
    size = 0
    try:
        declared = headers.get("content-length", "")
        _check_size(int(declared[:20]) if declared.isdecimal() else 0)
        while chunk := response.read(_CHUNK, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            _check_size(size)
            if response.length_remaining == 0 and "content-encoding" not in headers:
                break
    except TooLargeError:
        response.close()
        raise InvalidResponseError((_TOO_LARGE,), response.status, b"", headers) from None
    except DecodeError:
        response.close()  # what was unpacked so far tells no more than the status does
    except BaseException:
        response.close()
        raise
    return Reply(response.status, headers, chunks[0] if len(chunks) == 1 else b"".join(chunks))


def _check_size(size: int) -> None:
    if size > MAX_REPLY:
        raise TooLargeError
