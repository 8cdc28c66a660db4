"""Clients that do not keep to HTTP, or come too slowly: a documented answer or a closed connection, soon."""

from __future__ import annotations

import logging
import re
import select
import socket
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infobip_sms.sandbox import running
from infobip_sms.sandbox.runtime import bodies
from infobip_sms.sandbox.runtime import server as incoming
from tests.sandbox.runtime.malformed import BASIC, PYTHON, read_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infobip_sms.sandbox import Sandbox

LONGEST = 30.0
"""Seconds until the other end counts as silent."""
GET = b"GET /x HTTP/1.1\r\nHost: localhost\r\n"
HEAD = (
    b"POST /sms/2/text/advanced HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Authorization: %s\r\n" % BASIC.encode()
)
BODY = b'{"messages":[{"destinations":[{"to":"41793026727"}],"text":"Hi"}]}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CLOSE = b"Connection: close\r\n"
GOOD = HEAD + LENGTH + CLOSE + b"\r\n" + BODY
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
NO_HTTP = {
    "two kinds of length": CHUNKED.removesuffix(b"\r\n") + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00",
    "a line of words": b"HELLO SANDBOX\r\n\r\n",
    "an unknown version": b"GET / HTTP/9.9.9\r\nHost: x\r\n\r\n",
    "NUL in the path": b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path outside ASCII": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header without colon": GET + b"no colon\r\n\r\n",
    "a space before the colon": GET + b"X : a\r\n\r\n",
    "NUL in a header": GET + b"X: \x00\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": GET + b"Host: y\r\n\r\n",
    "a length of letters": GET + b"Content-Length: x\r\n\r\n",
    "a negative length": GET + b"Content-Length: -1\r\n\r\n",
    "two lengths": GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "an unknown coding": GET + b"Transfer-Encoding: gzip\r\n\r\n",
    "a chunk size of letters": CHUNKED + b"zz\r\n",
    "a negative chunk": CHUNKED + b"-1\r\n",
    "a chunk beyond counting": CHUNKED + b"f" * 30 + b"\r\n",
    "a chunk that does not end": CHUNKED + b"2\r\n{}xx\r\n",
}


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[Sandbox]:
    """Give a sandbox on a socket."""
    with running() as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def fixture_quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail any test in which the server logs a failure of its own."""
    yield
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []


def connect(sandbox: Sandbox) -> socket.socket:
    """Open a connection."""
    return socket.create_connection(("127.0.0.1", urlsplit(sandbox.url).port or 0), timeout=LONGEST)


def read_all(connection: socket.socket) -> bytes:
    """Return everything until the other end closes; TimeoutError if it does not."""
    said = b""
    with suppress(ConnectionError):  # closed with something of ours unread
        while part := connection.recv(65536):
            said += part
    return said


def say(sandbox: Sandbox, *parts: bytes) -> bytes:
    """Send bytes over a new connection and return everything that comes back."""
    with connect(sandbox) as connection:
        for part in parts:
            connection.sendall(part)
        return read_all(connection)


def split(said: bytes) -> list[tuple[int, bytes]]:
    """Return status and body of each response."""
    responses = []
    while said:
        head, _, said = said.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        assert length, head
        responses.append((int(head.split()[1]), said[: int(length[1])]))
        said = said[int(length[1]) :]
    return responses


def check_alive(sandbox: Sandbox) -> None:
    """The sandbox takes the next request."""
    ((status, _),) = split(say(sandbox, GOOD))
    assert status == 200


@pytest.mark.parametrize("data", NO_HTTP.values(), ids=NO_HTTP)
def test_err_001_what_is_no_http_is_refused_as_the_api_refuses(
    sandbox: Sandbox, data: bytes
) -> None:
    """400 with the documented body in JSON, then the connection is closed."""
    ((status, body),) = split(say(sandbox, data))

    assert status == 400
    assert read_error(body, "json")["messageId"] == "BAD_REQUEST"
    assert PYTHON.findall(body.decode()) == []
    check_alive(sandbox)


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"a" * 2**21,
        GET + b"X: " + b"a" * 2**21,
        GET + b"X: a\r\n" * 2**19,
        CHUNKED + b"2;" + b"a" * 2**21,
    ],
    ids=["path", "header", "headers", "chunk"],
)
def test_a_head_without_end_is_not_read_to_its_end(sandbox: Sandbox, data: bytes) -> None:
    """2 MiB that never become a request are rejected on the way."""
    with connect(sandbox) as connection:
        with suppress(ConnectionError):  # it may have closed already
            connection.sendall(data)
        responses = split(read_all(connection))

    assert [status for status, _ in responses] in ([400], [])  # a reset may overtake the response
    check_alive(sandbox)


def test_a_chunked_body_beyond_the_limit_is_refused(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """413 although no length was declared, before the end of the body."""
    monkeypatch.setattr(bodies, "MAX_BODY", 2**10)
    with connect(sandbox) as connection:
        connection.sendall(CHUNKED + b"1000\r\n" + b" " * 2**12 + b"\r\n")
        head = connection.recv(65536)

    assert head.startswith(b"HTTP/1.1 413 ")


def test_requests_in_one_piece_are_answered_in_order(sandbox: Sandbox) -> None:
    """Pipelined requests get their responses one after the other, the one that is no HTTP too."""
    good = HEAD + LENGTH + b"\r\n" + BODY
    bad = HEAD + b"Content-Length: 1\r\n\r\n{"
    responses = split(say(sandbox, (good + GET + b"\r\n" + bad) * 20 + b"NONSENSE\r\n\r\n"))

    assert [status for status, _ in responses] == [200, 404, 400] * 20 + [400]
    assert [len(body) > 50 for _, body in responses] == [True] * 61


def test_a_response_is_one_packet(sandbox: Sandbox) -> None:
    """Its head does not go ahead of its body: a client is woken once."""
    head = b"HEAD /sms/1/logs HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with connect(sandbox) as connection:
        for request in (GOOD.replace(CLOSE, b""), GET + b"\r\n", head) * 3:
            connection.sendall(request)
            said = connection.recv(65536)

            if request is head:
                assert said.endswith(b"\r\n\r\n")
            else:
                ((_, body),) = split(said)
                assert body.endswith(b"}")


def test_a_request_in_pieces_is_a_request(sandbox: Sandbox) -> None:
    """One byte at a time, and chunk by chunk, it is answered as in one piece."""
    chunks = [b"%x\r\n%s\r\n" % (1, BODY[n : n + 1]) for n in range(len(BODY))]
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n")

    for parts in ([GOOD[n : n + 1] for n in range(len(GOOD))], [head, *chunks, b"0\r\n\r\n"]):
        ((status, _),) = split(say(sandbox, *parts))
        assert status == 200


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_half_a_request_harms_nobody(sandbox: Sandbox, share: float) -> None:
    """A client that goes in the middle of head or body is forgotten, the next is served."""
    with connect(sandbox) as connection:
        connection.sendall(GOOD[: int(len(GOOD) * share)])
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b""
    check_alive(sandbox)


@pytest.mark.parametrize("start", [b"", GET, HEAD + LENGTH + b"\r\n", CHUNKED], ids=len)
def test_who_is_too_slow_is_cut_off(
    sandbox: Sandbox, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that does not come in whole in time gets 408; until then all others are served."""
    monkeypatch.setattr(incoming, "REQUEST_TIMEOUT", 1.0)
    slow = [connect(sandbox) for _ in range(20)]
    for connection in slow:
        connection.sendall(start)
    check_alive(sandbox)
    for connection in slow:
        with connection:
            ((status, body),) = split(read_all(connection))
        assert status == 408
        assert read_error(body, "json")["messageId"] == "REQUEST_TIMEOUT"
    check_alive(sandbox)


def test_dripping_does_not_help(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is for the whole request: one byte now and then does not begin it anew."""
    monkeypatch.setattr(incoming, "REQUEST_TIMEOUT", 0.5)
    with connect(sandbox) as connection:
        connection.sendall(HEAD)
        for _ in range(1500):
            if select.select([connection], [], [], 0.02)[0]:
                break
            connection.sendall(b"X: a\r\n")
        else:
            pytest.fail("it was not cut off")
        ((status, _),) = split(read_all(connection))

    assert status == 408


def test_an_answer_that_takes_its_time_is_not_cut_off(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has sent all of a request may wait for what it waits for, and go on with the connection."""
    monkeypatch.setattr(incoming, "REQUEST_TIMEOUT", 0.3)
    wait = b"GET /sandbox/messages?to=999&wait=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n"
    responses = split(say(sandbox, wait % b"" + wait % CLOSE))

    assert [status for status, _ in responses] == [408, 408]
    assert all(b'"messages": []' in body for _, body in responses)


@settings(max_examples=60)
@given(st.binary(max_size=200) | st.binary(max_size=30).map(lambda raw: GET + raw))
def test_any_bytes_are_answered_or_dropped(sandbox: Sandbox, data: bytes) -> None:
    """No bytes make the server fail or keep the connection when the client has gone."""
    check_bytes(sandbox, data)


@settings(max_examples=100)
@given(st.data())
def test_any_slip_in_a_request_is_answered_or_dropped(
    sandbox: Sandbox, data: st.DataObject
) -> None:
    """Likewise a good request with a few other bytes in it."""
    said = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(said) - 1))
        said[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    check_bytes(sandbox, bytes(said))


def check_bytes(sandbox: Sandbox, data: bytes) -> None:
    """Say something and go; what came back by then is no failure and speaks no Python."""
    with connect(sandbox) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        said = read_all(connection)
    assert all(200 <= status < 500 for status, _ in split(said))
    assert set(PYTHON.findall(said.decode("latin-1"))) <= set(
        PYTHON.findall(data.decode("latin-1"))
    )
