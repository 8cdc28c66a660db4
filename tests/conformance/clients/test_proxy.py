"""The relay between a client and a server: every byte as it came, and all of it read on the way."""

from __future__ import annotations

import gc
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from infobip_sms_conformance.transport.http import parse_target
from infobip_sms_conformance.transport.http1 import (
    CapturedExchange,
    HttpMessageReader,
    HttpSyntaxError,
)
from infobip_sms_conformance.transport.listener import listen
from infobip_sms_conformance.transport.proxy import CLIENT_LEFT, SERVER_CLOSED, CapturingProxy

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

SECONDS = 30.0
CHUNKED = b"POST /a HTTP/1.1\r\nhOST:  x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n"
PLAIN = (
    b"POST /b?q=%20+ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nX-Odd:\t v \r\n\r\n\x00\xff\r\n"
)
BARE = b"GET /c HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nx-Y: 1\r\n\r\nok"
PIECES = b"HTTP/1.1 201 \r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"


class RecordingListener:
    """What was heard, and the wait for it."""

    def __init__(self) -> None:
        self.heard: list[CapturedExchange] = []
        self._changed = threading.Condition()

    def record(self, heard: CapturedExchange) -> None:
        """Keep an exchange."""
        with self._changed:
            self.heard.append(heard)
            self._changed.notify_all()

    def wait(self, count: int) -> list[CapturedExchange]:
        """Return what was heard, once there is so much of it."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= count, SECONDS)
            return sorted(self.heard, key=lambda heard: heard.serial)


@contextmanager
def serve_raw(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Answer every connection on the socket itself; give the URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(SECONDS)
                    answer(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(SECONDS)


def read_exactly(connection: socket.socket, count: int) -> bytes:
    """Return so many bytes, or what came before the end."""
    found = b""
    while len(found) < count and (piece := connection.recv(count - len(found))):
        found += piece
    return found


def connect(url: str) -> socket.socket:
    """Return a connection to a URL."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return socket.create_connection((parts.hostname, parts.port), SECONDS)


@contextmanager
def relay_to(url: str, listener: RecordingListener) -> Iterator[str]:
    """Stand before a server; give the URL."""
    with listen(CapturingProxy(parse_target(url), listener.record).serve) as front:
        yield front


def test_no_byte_is_altered_in_either_direction() -> None:
    """Chunks, trailers, odd fields, several requests at once: all arrives as it was sent, and is read."""
    asked, answers = CHUNKED + PLAIN + BARE, INTERIM + OK + PIECES + NOTHING
    got: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        got.append(read_exactly(connection, len(asked)))
        connection.sendall(answers)

    listener = RecordingListener()
    with serve_raw(answer) as url, relay_to(url, listener) as front, connect(front) as client:
        client.sendall(asked)
        responses = read_exactly(client, len(answers) + 1)
        captured = listener.wait(3)

    assert got == [asked]
    assert responses == answers
    assert [(h.method, h.target, h.body, h.status) for h in captured] == [
        ("POST", "/a", b"abcde", 200),
        ("POST", "/b?q=%20+", b"\x00\xff\r\n", 201),
        ("GET", "/c", b"", 204),
    ]
    assert [h.response.body for h in captured if h.response] == [b"ok", b"ab", b""]


def test_host_is_made_that_of_a_server_on_another_machine() -> None:
    """For a server on another machine the header Host names it, and nothing else is changed."""
    got: list[bytes] = []
    wanted = PLAIN.replace(b"Host: x", b"Host: api.example.com")

    def answer(connection: socket.socket) -> None:
        got.append(read_exactly(connection, len(wanted)))
        connection.sendall(OK)

    listener = RecordingListener()
    with serve_raw(answer) as url:
        relay = CapturingProxy(parse_target(url), listener.record)
        relay._host = b"api.example.com"  # as for a target that is not on this machine
        with listen(relay.serve) as front, connect(front) as client:
            client.sendall(PLAIN)
            assert read_exactly(client, len(OK)) == OK

    assert got == [wanted]
    assert CapturingProxy(
        parse_target("https://api.example.com", live=True), listener.record
    )._host == (b"api.example.com")


HOSTLESS = b"POST /b HTTP/1.1\r\nContent-Length: 13\r\n\r\nx\r\nHost: body"
MANY_DIGITS = b"POST /b HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nrest"
TARGET_OF_DIGITS = b"GET " + b"1" * 5000 + b" HTTP/1.1\r\nX: y\r\n\r\n"


@pytest.mark.parametrize("host", [None, b"api.example.com"], ids=["here", "away"])
@pytest.mark.parametrize(
    "sent",
    [HOSTLESS, MANY_DIGITS, TARGET_OF_DIGITS, HOSTLESS + MANY_DIGITS, HOSTLESS + b"?\r\n\r\n"],
)
def test_odd_requests_go_on_as_they_came(sent: bytes, host: bytes | None) -> None:
    """A length of 5,000 digits, a body that looks like a header, an unreadable rest: nothing is cut off."""
    got: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        got.append(read_exactly(connection, len(sent)))
        connection.sendall(OK)

    with serve_raw(answer) as url:
        relay = CapturingProxy(parse_target(url), RecordingListener().record)
        relay._host = host
        with listen(relay.serve) as front, connect(front) as client:
            client.sendall(sent)
            assert read_exactly(client, len(OK)) == OK

    assert got == [sent]


def test_what_is_no_http_passes_as_well() -> None:
    """Bytes that cannot be read go on all the same, and nothing is heard of them."""
    noise = b"\x16\x03\x01 no request at all\r\n\r\n\x00"

    def answer(connection: socket.socket) -> None:
        connection.sendall(read_exactly(connection, len(noise))[::-1])

    listener = RecordingListener()
    with serve_raw(answer) as url, relay_to(url, listener) as front, connect(front) as client:
        client.sendall(noise)
        assert read_exactly(client, len(noise) + 1) == noise[::-1]

    assert not listener.heard


@pytest.mark.parametrize(
    ("sent", "problem", "body"),
    [
        (b"", SERVER_CLOSED, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", SERVER_CLOSED, b"half"),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", "", b"to the end"),
    ],
)
def test_replies_that_end_with_the_connection(
    sent: bytes, problem: str, body: bytes | None
) -> None:
    """A response that is cut off is distinguished from one that the end completes."""

    def answer(connection: socket.socket) -> None:
        read_exactly(connection, len(BARE))
        connection.sendall(sent)

    listener = RecordingListener()
    with serve_raw(answer) as url, relay_to(url, listener) as front, connect(front) as client:
        client.sendall(BARE)
        assert read_exactly(client, 1000) == sent
        (captured,) = listener.wait(1)

    assert captured.error == problem
    assert (captured.response.body if captured.response else None) == body


def test_client_that_disconnects_is_distinguished_from_a_server_that_does() -> None:
    """A client that goes away before the response is named as the one who left."""
    asked = threading.Event()

    def answer(connection: socket.socket) -> None:
        read_exactly(connection, len(BARE))
        asked.set()
        read_exactly(connection, 1)

    listener = RecordingListener()
    with serve_raw(answer) as url, relay_to(url, listener) as front:
        with connect(front) as client:
            client.sendall(BARE)
            assert asked.wait(SECONDS)
        (captured,) = listener.wait(1)

    assert (captured.error, captured.response) == (CLIENT_LEFT, None)


def test_server_that_is_away_is_said_to_be() -> None:
    """Where nobody listens the client gets 502, and it is heard why."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    listener = RecordingListener()
    with relay_to(url, listener) as front, connect(front) as client:
        client.sendall(BARE)
        assert read_exactly(client, 12) == b"HTTP/1.1 502"
        (captured,) = listener.wait(1)

    assert captured.error == "the server cannot be reached"


class Echo(BaseHTTPRequestHandler):
    """Answers with the body of the request."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Takes many connections at once."""

    request_queue_size = 256
    daemon_threads = True


def test_many_connections_at_once_add_no_failure() -> None:
    """Fifty clients at once, each with several requests on one connection, get what they would get."""
    listener = RecordingListener()

    def call(client: int) -> None:
        parts = urlsplit(front)
        connection = HTTPConnection(parts.netloc, timeout=SECONDS)
        for n in range(8):
            body = f"{client} {n} ".encode() * (1 + 997 * n)
            connection.request("POST", "/echo", body)
            assert connection.getresponse().read() == body
        connection.close()

    with Server(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            with relay_to(url, listener) as front, ThreadPoolExecutor(50) as pool:
                list(pool.map(call, range(50)))
                captured = listener.wait(400)
        finally:
            server.shutdown()
            thread.join(SECONDS)

    assert [h.serial for h in captured] == list(range(1, 401))
    assert all(h.response and h.response.body == h.body and not h.error for h in captured)


def test_connections_that_come_at_the_very_end_are_closed() -> None:
    """What is left open is complained about when it is collected, in whatever test that happens."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())

    for _ in range(5):
        with ExitStack() as clients, listen(handle) as url:
            address = ("127.0.0.1", urlsplit(url).port or 0)
            for _ in range(20):
                clients.enter_context(socket.create_connection(address))
    gc.collect()


@pytest.mark.parametrize("size", [1, 2, 7])
def test_reader_needs_no_whole_pieces(size: int) -> None:
    """Messages are the same in whatever pieces their bytes come."""
    stream, reader = CHUNKED + PLAIN + BARE, HttpMessageReader()
    found = [m for n in range(0, len(stream), size) for m in reader.feed(stream[n : n + size])]

    assert [message.body for message in found] == [b"abcde", b"\x00\xff\r\n", b""]
    assert b"".join(message.raw for message in found) == stream


@pytest.mark.parametrize(
    "stream",
    [
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"x" * 70_000,
        b"word\r\n\r\n",
    ],
)
def test_reader_refuses_what_has_no_end(stream: bytes) -> None:
    """What cannot be read as HTTP raises, and does not wait for ever."""
    with pytest.raises(HttpSyntaxError):
        HttpMessageReader().feed(stream)


START = b"POST /sms/2/text/advanced HTTP/1.1\r\nHost: a\r\n"
IN_CHUNKS = START + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "stream",
    [
        START + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        START + b"Content-Length: 2, 3\r\n\r\n{}",
        START + b"Content-Length: +2\r\n\r\n{}",
        START + b"Content-Length : 2\r\n\r\n{}",
        START + b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        START + b"Transfer-Encoding: \x0bchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        START + b"Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        START + b"Transfer-Encoding : chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        START + b"X: a\rContent-Length: 3\r\nContent-Length: 2\r\n\r\n{}",
        START + b"X: a\nContent-Length: 3\r\nContent-Length: 2\r\n\r\n{}",
        START + b"X: a\0\r\nContent-Length: 2\r\n\r\n{}",
        IN_CHUNKS + b"0x2\r\n{}\r\n0\r\n\r\n",
        IN_CHUNKS + b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
        IN_CHUNKS + b"2;a\nb\r\n{}\r\n0\r\n\r\n",
        IN_CHUNKS + b"2\r\n{}xx0\r\n\r\n",
    ],
)
def test_what_two_readers_may_read_differently_is_not_read(stream: bytes) -> None:
    """What a server takes for another request than we do is passed on, and nothing is said about it."""
    with pytest.raises(HttpSyntaxError):
        HttpMessageReader().feed(stream)


@pytest.mark.parametrize(
    "stream",
    [
        START + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        START + b"X: a\r\n Content-Length: 3\r\nContent-Length: 2\r\n\r\n{}",
        START + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        IN_CHUNKS + b"0002 ;a=b\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_what_is_unusual_and_clear_is_read(stream: bytes) -> None:
    """Equal lengths, folded lines, chunks that outweigh a length, and extensions are in the standard."""
    (message,) = HttpMessageReader().feed(stream)

    assert (message.body, message.is_complete) == (b"{}", True)
