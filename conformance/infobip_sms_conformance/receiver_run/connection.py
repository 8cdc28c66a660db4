"""Posts to a callback receiver, byte for byte as they are given."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from threading import Event, Timer
from urllib.parse import urlsplit, urlunsplit

from infobip_sms_conformance.transport.http import (
    NoResponseError,
    RawRequest,
    RawResponse,
    TargetServer,
    connect,
    describe_error,
    parse_target,
    read_response,
    require_loopback_peer,
    shut_down,
)

CHUNK_SIZE = 200


@dataclass(frozen=True)
class ReceiverAddress:
    """Where reports are posted to."""

    target: TargetServer
    path: str
    """With the query."""

    def __str__(self) -> str:
        """Return the URL without the query, which may contain a secret."""
        return f"{self.target}{self.path.partition('?')[0]}"


def parse_address(url: str, *, live: bool = False) -> ReceiverAddress:
    """Return the address of a notify URL; TargetError if it is not for this run."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ReceiverAddress(parse_target(url, live=live), "/")
    target = parse_target(urlunsplit((parts.scheme, parts.netloc, "", "", "")), live=live)
    query = f"?{parts.query}" if parts.query else ""
    return ReceiverAddress(target, f"{parts.path or '/'}{query}")


def dump_request(address: ReceiverAddress, request: RawRequest, *, keep: bool = False) -> bytes:
    """Return a request as bytes; ``keep`` leaves the connection open.

    Names of headers are in lower case if the request has a ``host``, and else as HTTP/1.1 usually has them.
    """
    target = address.target
    host = f"[{target.host}]" if ":" in target.host else target.host
    headers = {"host": "", **request.headers}
    headers["host"] = f"{host}:{target.port}"
    body = request.body
    if "transfer-encoding" in headers:
        body = dump_chunks(body)
    else:
        headers["content-length"] = str(len(body))
    if not keep:
        headers["connection"] = "close"
    if "host" not in request.headers:
        headers = {name.title(): value for name, value in headers.items()}
    lines = [f"POST {address.path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def dump_chunks(body: bytes) -> bytes:
    """Return a body in chunks."""
    pieces = [body[start : start + CHUNK_SIZE] for start in range(0, len(body), CHUNK_SIZE)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


class ReceiverConnection:
    """One connection to a receiver; ``limit`` is the time for each response, in seconds."""

    def __init__(self, sock: socket.socket, limit: float) -> None:
        self._sock, self._limit = sock, limit
        self.is_closing = False
        """Whether the receiver closes it after the last response."""

    def send(self, data: bytes) -> None:
        """Send bytes and expect no response."""
        self._sock.sendall(data)

    def request(self, data: bytes) -> RawResponse:
        """Send a request and return the response; NoResponseError if none comes in time and in full."""
        late = Event()
        timer = Timer(self._limit, shut_down, [self._sock, late])
        timer.daemon = True
        timer.start()
        response = None
        try:
            with suppress(ConnectionError):  # the response may be there before the body is out
                self._sock.sendall(data)
            response = HTTPResponse(self._sock, method="POST")
            response.begin()
            found = read_response(response)
            self.is_closing = response.will_close
        except (OSError, HTTPException, ValueError) as error:
            if late.is_set() or isinstance(error, TimeoutError):
                raise NoResponseError(
                    f"no complete response within {self._limit:g} s", slow=True
                ) from None
            raise NoResponseError(describe_error(error)) from None
        finally:
            timer.cancel()
            if response is not None:
                response.close()
        return found


@contextmanager
def open_connection(target: TargetServer, limit: float) -> Iterator[ReceiverConnection]:
    """Open a connection for the time of a ``with`` block; NoResponseError if there is none."""
    connection = connect(target)
    connection.timeout = limit
    try:
        try:
            connection.connect()
            if not target.live:
                require_loopback_peer(connection.sock)
        except OSError as error:
            slow = isinstance(error, TimeoutError)
            text = f"no connection within {limit:g} s" if slow else describe_error(error)
            raise NoResponseError(text, slow=slow) from None
        yield ReceiverConnection(connection.sock, limit)
    finally:
        connection.close()


def measure_time(start: float) -> float:
    """Return the seconds since a reading of the monotonic clock."""
    return time.monotonic() - start
