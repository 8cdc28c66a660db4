"""The client against slow servers: a timeout is for the whole attempt."""

from __future__ import annotations

import errno
import math
import socket
import time
import tracemalloc
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import (
    ApiError,
    Client,
    Destination,
    InvalidResponseError,
    Message,
    SmsRequest,
    TransportError,
    exchange,
)
from infobip_sms.transport import connections
from tests.client.calls import (
    AUTH,
    CHUNKS,
    GOOD,
    MEBIBYTE,
    NEVER,
    OK,
    PHONE,
    SOON,
    TYPES,
    ask,
    chunked,
    fail,
    reply,
    send,
)
from tests.fakes.scripted_server import Drip

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from tests.client.calls import Serve
    from tests.fakes.scripted_server import Step

HEAD, _, BODY = OK.partition(b"{")
PAUSE = SOON / 3
DRIPS: dict[str, tuple[Step, ...]] = {
    "status-line": (Drip(OK, PAUSE),),
    "headers": (OK[:30], Drip(OK[30:], PAUSE)),
    "endless-headers": (b"HTTP/1.1 200 OK\r\nX: ", Drip(b"y" * 400, PAUSE)),
    "endless-100": (Drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 20, PAUSE / 10), "hold"),
    "body": (HEAD, Drip(b"{" + BODY, PAUSE)),
    "body-without-length": (b"HTTP/1.1 200 OK\r\n\r\n", Drip(GOOD["json"], PAUSE)),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        Drip(chunked(GOOD["json"], 1), PAUSE),
    ),
}


@pytest.mark.parametrize("script", DRIPS.values(), ids=DRIPS.keys())
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_server_that_drips_does_not_hold_a_call(
    serve: Serve,
    script: tuple[Step, ...],
    tls: ssl.SSLContext,
    certificate: Path,
    *,
    secure: bool,
) -> None:
    """A byte now and then does not prolong the time of an attempt: a minute's drip ends at once."""
    server = serve("hear", *script, tls=tls if secure else None)
    started = time.monotonic()
    error = fail(TransportError, server, timeout=SOON, ca=certificate if secure else None)
    assert time.monotonic() - started < NEVER / 2
    assert (error.reason, error.sent) == ("the response timed out", "maybe")
    assert len(server.finish()) == 1


def test_a_proxy_that_drips_does_not_hold_a_call(serve: Serve) -> None:
    """Neither does a byte now and then of its response to CONNECT prolong the time to connect."""
    proxy = serve("hear", Drip(b"HTTP/1.1 200 Connection established\r\nX: " + b"x" * 1000, PAUSE))
    started = time.monotonic()
    settings: dict[str, Any] = {"proxy": proxy.url, "connect_timeout": SOON, "retry": None}
    with (
        Client("https://api.invalid", auth=AUTH, **settings) as client,
        pytest.raises(TransportError) as caught,
    ):
        client.send_text(PHONE, "Hello")

    via = f"connecting timed out (proxy {proxy.url.partition('//')[2]})"
    assert time.monotonic() - started < NEVER / 2
    assert (caught.value.reason, caught.value.sent) == (via, "no")


def test_the_timeout_of_a_call_is_that_of_reading_its_response(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What explains a hostile response knows until when it may."""
    seen: list[float] = []

    @contextmanager
    def until(end: float) -> Iterator[None]:
        seen.append(end)
        yield

    monkeypatch.setattr(exchange, "until", until)
    server = serve("hear", OK)
    started = time.monotonic()
    with Client(server.url, auth=AUTH) as client:
        client.send(ask(), timeout=NEVER)

    assert started + NEVER <= seen.pop() <= time.monotonic() + NEVER


def test_a_response_that_leaves_no_time_to_parse_it_is_too_late(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """64 MiB in the last moment do not prolong a call by what it takes to parse them."""
    monkeypatch.setattr(connections, "_PARSING_SECONDS", NEVER / len(GOOD["json"]))
    error = fail(TransportError, serve("hear", OK), timeout=NEVER)

    assert (error.reason, error.sent) == ("the response timed out", "maybe")


def test_a_server_that_drips_fast_enough_is_listened_to(serve: Serve) -> None:
    """Slowness alone is no fault: a response in single bytes that ends in time is a response."""
    assert send(serve("hear", Drip(OK, 0.0005))).bulk_id == "BULK-ID-123-xyz"


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_server_that_does_not_read_does_not_hold_a_call(
    serve: Serve, tls: ssl.SSLContext, certificate: Path, *, secure: bool
) -> None:
    """A request that nobody takes off the wire ends with its time."""
    server = serve("taste", "hold", tls=tls if secure else None)
    message = Message(destinations=[Destination(to=PHONE)], text="x" * 8 * MEBIBYTE)
    started = time.monotonic()
    with (
        Client(server.url, auth=AUTH, timeout=1.0, ca=certificate if secure else None) as client,
        pytest.raises(TransportError, match="the response timed out") as caught,
    ):
        client.send(SmsRequest(messages=[message]))
    assert time.monotonic() - started < NEVER / 2
    assert caught.value.sent == "maybe"


def bind_both_loopbacks() -> list[socket.socket]:
    """Return a socket for each loopback address of this machine, all with one port."""
    while True:
        first = socket.socket(socket.AF_INET)
        first.bind(("127.0.0.1", 0))
        second = socket.socket(socket.AF_INET6)
        try:
            second.bind(("::1", first.getsockname()[1]))
        except OSError as error:
            second.close()
            if error.errno != errno.EADDRINUSE:
                return [first]  # a machine without IP version 6 has one address
            first.close()
        else:
            return [first, second]


def test_the_addresses_of_a_host_share_the_time_for_connecting() -> None:
    """Two addresses behind which nobody answers take no longer than one."""
    with ExitStack() as sockets:
        listeners = [sockets.enter_context(one) for one in bind_both_loopbacks()]
        port = listeners[0].getsockname()[1]
        for full in listeners:
            full.listen(0)
            for _ in range(8):
                waiting = sockets.enter_context(socket.socket(full.family))
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname()[:2])
        started = time.monotonic()
        with (
            Client(
                f"http://localhost:{port}", auth=AUTH, connect_timeout=3.0, retry=None
            ) as client,
            pytest.raises(TransportError, match="connecting timed out") as caught,
        ):
            client.send(ask())
    assert time.monotonic() - started < 5.0  # six, if each had three
    assert caught.value.sent == "no"


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, 86_401, True, "1", (1, 2)], ids=repr)
@pytest.mark.parametrize("name", ["timeout", "connect_timeout"])
def test_a_timeout_that_makes_no_sense_is_rejected(name: str, value: Any) -> None:
    """A client is not made with a time that no socket can keep."""
    options: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"^{name}: expected seconds"):
        Client(auth=AUTH, **options)


@pytest.mark.parametrize("value", [0, -1, math.inf, "1"], ids=repr)
def test_a_timeout_of_a_call_that_makes_no_sense_is_rejected(serve: Serve, value: Any) -> None:
    """A call is not begun with one either."""
    server = serve("hear", OK)
    with (
        Client(server.url, auth=AUTH) as client,
        pytest.raises(ValueError, match=r"^timeout: expected"),
    ):
        client.send(ask(), timeout=value)
    server.finish()
    assert server.connections == 0


def test_a_chunk_of_size_minus_one_takes_bounded_memory(serve: Serve) -> None:
    """For http.client such a chunk means everything to the end: the allowance ends it."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"
    server = serve("hear", head + bytes(MEBIBYTE) * 200, "close")
    tracemalloc.start()
    try:
        error = fail(InvalidResponseError, server)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "a larger body" in str(error)
    assert MEBIBYTE < peak < 150 * MEBIBYTE


def test_endless_preliminary_responses_take_bounded_memory_and_time(serve: Serve) -> None:
    """A server that says 100 Continue for ever is cut off by what a response may have in bytes."""
    preliminary = b"HTTP/1.1 100 Continue\r\nX-Filler: %b\r\n\r\n" % (b"x" * 1000)
    server = serve("hear", preliminary * 80_000, "close")
    assert fail(InvalidResponseError, server, timeout=NEVER).status is None


def test_many_small_chunks_are_read(serve: Serve) -> None:
    """Chunks of one byte each are a response like any other."""
    server = serve("hear", reply(chunked(GOOD["json"], 1), 200, TYPES["json"], CHUNKS))
    assert send(server).bulk_id == "BULK-ID-123-xyz"


def test_an_early_response_to_a_large_request_is_read(serve: Serve) -> None:
    """A server that rejects before it has read everything, and hangs up, is understood."""
    server = serve("taste", reply(b"", 413), "close")
    message = Message(destinations=[Destination(to=PHONE)], text="x" * 8 * MEBIBYTE)
    with Client(server.url, auth=AUTH) as client, pytest.raises(ApiError) as caught:
        client.send(SmsRequest(messages=[message]))
    assert caught.value.status == 413
