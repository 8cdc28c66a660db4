"""The client against scripted servers that break off, stall or cannot be trusted."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from infobip_sms_conformance.transport import http as suite

from infobip_sms import (
    Client,
    InvalidRequestError,
    InvalidResponseError,
    Retry,
    TransportError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.calls import Serve
    from tests.fakes.scripted_server import ReceivedRequest, Step


from tests.client.calls import (
    AUTH,
    CHUNKS,
    GOOD,
    NEVER,
    OK,
    SOON,
    TYPES,
    ask,
    chunked,
    fail,
    reply,
    send,
    split,
)


def test_a_refused_connection_sent_nothing() -> None:
    """Where nobody listens the request is certainly unsent."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with Client(url, auth=AUTH, retry=None) as client, pytest.raises(TransportError) as caught:
            client.send(ask())
    assert caught.value.sent == "no"
    assert str(caught.value) == (
        f"POST /sms/2/text/advanced ({url[7:]}): no response: the connection failed: connection refused. "
        "The request was not sent. Check that the server is running, and the port of the base URL."
    )


def test_a_connection_that_takes_too_long_sent_nothing() -> None:
    """Where a full queue lets nobody in the request is certainly unsent."""
    with ExitStack() as sockets:
        full = sockets.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(8):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        started = time.monotonic()
        limits: list[dict[str, Any]] = [{"connect_timeout": SOON}, {"timeout": SOON}]
        for options in limits:
            with (
                Client(url, auth=AUTH, retry=None, **options) as client,
                pytest.raises(TransportError, match="connecting timed out") as caught,
            ):
                client.send(ask())
            assert caught.value.sent == "no"
        assert time.monotonic() - started < NEVER / 2


BREAKS: dict[str, tuple[int, tuple[Step, ...]]] = {
    "reset-before-reading": (0, ("await", "reset")),
    "reset-while-reading": (0, ("taste", "reset")),
    "hung-up-while-reading": (0, ("taste", "close")),
    "reset-after-reading": (1, ("hear", "reset")),
    "hung-up-after-reading": (1, ("hear", "close")),
    "half-a-status-line": (1, ("hear", b"HTTP/1.1 2", "close")),
    "half-the-headers": (1, ("hear", OK[:30], "reset")),
    "half-the-body": (1, ("hear", split(OK), "close")),
    "half-the-body-and-reset": (1, ("hear", split(OK), "reset")),
    "no-body": (1, ("hear", OK.partition(b"{")[0], "close")),
    "half-the-chunks": (
        1,
        (
            "hear",
            split(reply(chunked(GOOD["json"]), 200, TYPES["json"], CHUNKS)),
            "close",
        ),
    ),
    "no-last-chunk": (
        1,
        (
            "hear",
            reply(chunked(GOOD["json"])[:-5], 200, TYPES["json"], CHUNKS),
            "close",
        ),
    ),
    "half-a-rejection": (1, ("hear", split(reply(b" " * 400, 401)), "close")),
    "half-a-503": (1, ("hear", split(reply(b" " * 400, 503)), "close")),
}


@pytest.mark.parametrize(("heard", "script"), BREAKS.values(), ids=BREAKS.keys())
def test_a_broken_connection_may_have_sent_and_is_not_tried_again(
    serve: Serve, heard: int, script: tuple[Step, ...]
) -> None:
    """After a break the request counts as perhaps sent, and there was one attempt only."""
    server = serve(*script)
    assert fail(TransportError, server).sent == "maybe"
    assert len(server.finish()) == heard
    assert server.connections == 1


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_break_on_a_kept_connection_is_not_tried_again(serve: Serve, end: str) -> None:
    """A kept connection that breaks on its second request does not get that request twice."""
    server = serve("hear", OK, "hear", end)
    with Client(server.url, auth=AUTH) as client:
        client.send(ask())
        with pytest.raises(TransportError) as caught:
            client.send(ask())
    assert caught.value.sent == "maybe"
    assert len(server.finish()) == 2
    assert server.connections == 1


@pytest.mark.parametrize(
    "script",
    [("hear", "hold", OK), ("hear", OK[:30], "hold"), ("hear", split(OK), "hold")],
    ids=["silence", "half-the-headers", "half-the-body"],
)
@pytest.mark.parametrize("of_call", [False, True], ids=["client", "call"])
def test_a_late_response_may_have_sent(
    serve: Serve, script: tuple[Step, ...], *, of_call: bool
) -> None:
    """A timeout of the client, and one of the call before it, ends waiting; nothing is repeated."""
    server = serve(*script)
    started = time.monotonic()
    general, special = (NEVER, SOON) if of_call else (SOON, None)
    with (
        Client(server.url, auth=AUTH, timeout=general) as client,
        pytest.raises(TransportError, match="the response timed out") as caught,
    ):
        client.send(ask(), timeout=special)
    assert time.monotonic() - started < NEVER / 2
    assert caught.value.sent == "maybe"
    assert len(server.finish()) == 1
    assert server.connections == 1


def test_a_client_works_on_after_a_timeout(serve: Serve) -> None:
    """The connection on which a response is still to come is not used again."""
    server = serve("hear", "hold", later=("hear", OK))
    with Client(server.url, auth=AUTH) as client:
        with pytest.raises(TransportError):
            client.send(ask(), timeout=SOON)
        assert client.send(ask()).bulk_id == "BULK-ID-123-xyz"
    assert [request.connection for request in server.finish()] == [0, 1]


def test_the_timeout_of_a_call_may_be_longer_than_the_clients(serve: Serve) -> None:
    """A call that allows more time gets a response for which the client's timeout is too short."""

    def dawdle(_: ReceivedRequest) -> bytes:
        time.sleep(2 * SOON)
        return OK

    server = serve("hear", dawdle)
    with Client(server.url, auth=AUTH, timeout=SOON) as client:
        assert client.send(ask(), timeout=NEVER).bulk_id == "BULK-ID-123-xyz"


def test_defaults_are_five_seconds_to_connect_and_thirty_in_all() -> None:
    """A client waits for a bounded time if nobody says how long."""
    with Client(auth=AUTH) as client:
        assert (client._connections.connect_timeout, client._settings.timeout) == (5, 30)


# ---------------------------------------------------------------- TLS


@pytest.mark.parametrize("problem", ["nobody-trusts-it", "it-names-another-host", "it-is-expired"])
def test_auth_005_a_certificate_that_does_not_prove_the_host_gets_nothing(
    serve: Serve, tls: ssl.SSLContext, expired: ssl.SSLContext, certificate: Path, problem: str
) -> None:
    """An untrusted certificate, one for another host, and an expired one end the call unsent, at once."""
    server = serve("hear", OK, tls=expired if problem == "it-is-expired" else tls)
    url = server.url
    if problem == "it-names-another-host":
        url = url.replace("127.0.0.1", "localhost")
    ca = None if problem == "nobody-trusts-it" else certificate
    with Client(url, auth=AUTH, ca=ca) as client, pytest.raises(TransportError) as caught:
        client.send(ask())
    assert caught.value.sent == "no"
    assert caught.value.reason.startswith("TLS certificate verification failed: ")
    assert len(caught.value.attempts) == 1
    assert server.finish() == []
    assert server.connections == 1


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_handshake_that_breaks_sent_nothing_and_is_tried_again(
    serve: Serve, certificate: Path, end: str
) -> None:
    """A server that hangs up before TLS stands has got nothing of the request, provably."""
    server = serve("await", end)
    url = server.url.replace("http:", "https:")
    retry = Retry(attempts=3, wait_initial=0.01)
    with (
        Client(url, auth=AUTH, ca=certificate, retry=retry) as client,
        pytest.raises(TransportError) as caught,
    ):
        client.send(ask())
    assert caught.value.sent == "no"
    assert [attempt.sent for attempt in caught.value.attempts] == ["no"] * 3
    server.finish()
    assert server.connections == 3


def test_a_server_that_does_not_speak_tls_gets_nothing(serve: Serve, certificate: Path) -> None:
    """Plain HTTP where TLS is expected ends the call unsent."""
    server = serve("await", b"HTTP/1.1 400 Bad ReceivedRequest\r\n\r\n", "close")
    url = server.url.replace("http:", "https:")
    with (
        Client(url, auth=AUTH, ca=certificate, retry=None) as client,
        pytest.raises(TransportError, match="TLS") as caught,
    ):
        client.send(ask())
    assert caught.value.sent == "no"


def test_a_handshake_that_never_ends_has_the_time_for_connecting(
    serve: Serve, certificate: Path
) -> None:
    """A server that accepts and then says nothing holds a call for the connect timeout only."""
    server = serve("await", "hold")
    url = server.url.replace("http:", "https:")
    started = time.monotonic()
    with (
        Client(url, auth=AUTH, ca=certificate, connect_timeout=SOON, retry=None) as client,
        pytest.raises(TransportError, match="connecting timed out") as caught,
    ):
        client.send(ask())
    assert time.monotonic() - started < NEVER / 2
    assert caught.value.sent == "no"


def test_auth_005_a_trusted_certificate_gets_the_request(
    serve: Serve, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same server is sent to as soon as its certificate is trusted, by system or argument."""
    server = serve("hear", OK, tls=tls)
    assert send(server, ca=certificate).bulk_id == "BULK-ID-123-xyz"
    assert send(server, ca=str(certificate)).bulk_id == "BULK-ID-123-xyz"
    assert send(server, ca=ssl.create_default_context(cafile=certificate)).bulk_id
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert send(server).bulk_id == "BULK-ID-123-xyz"
    assert len(server.finish()) == 4


def test_a_chunk_of_negative_size_is_no_response(serve: Serve) -> None:
    """A response whose framing makes no sense is an error of ours; the request may have arrived."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = serve("hear", head + b"-5\r\nhello\r\n0\r\n\r\n", "close")

    assert fail(TransportError, server).sent == "maybe"


def answer_in_plain_text(listener: socket.socket) -> None:
    """Answer a TLS handshake as an HTTP server does."""
    connection, _ = listener.accept()
    connection.recv(10_000)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    connection.close()


def test_the_reason_of_a_failed_connection_is_named() -> None:
    """Refused, unknown and without TLS are three different things, and the original is chained."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=answer_in_plain_text, args=(listener,), daemon=True).start()
    reasons = {
        "http://127.0.0.1:9": "connection refused",
        "https://name-not-known.invalid": "host name not known",
        f"https://127.0.0.1:{listener.getsockname()[1]}": "the server does not speak TLS on this port",
    }
    for url, reason in reasons.items():
        with (
            Client(url, auth=AUTH, retry=None, proxy=False) as client,
            pytest.raises(TransportError, match=reason) as caught,
        ):
            client.send(ask())
        assert caught.value.sent == "no"
        assert isinstance(caught.value.__cause__, OSError)
    listener.close()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"wire": "XML"}, 'wire: expected "json" or "xml", got upper case'),
        ({"ca": "/no/such/file.pem"}, "got a file that does not exist"),
        ({"base_url": "https://a.test/sms/2/text/advanced"}, "got the URL of an operation"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_wrong_configuration_is_found_when_the_client_is_made(
    options: dict[str, Any], problem: str
) -> None:
    """No call is needed to find a wrong setting."""
    with pytest.raises(InvalidRequestError, match=problem):
        Client(**({"base_url": "https://a.test"} | options), auth=AUTH)


INTERIM = [
    b"HTTP/1.1 102 Processing\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3,
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 199 Word\r\n\r\n",
]


@pytest.mark.parametrize("interim", INTERIM, ids=["102", "103", "199"])
def test_interim_responses_are_no_responses(serve: Serve, interim: bytes) -> None:
    """Taken for the end, their call would fail and the next one on the connection get its response."""
    server = serve("hear", interim + reply(b'{"bulkId":"1"}'), "hear", interim + OK, "hear", OK)
    with Client(server.url, auth=AUTH, retry=None, timeout=NEVER) as client:
        with pytest.raises(InvalidResponseError, match="200 OK: messages: expected"):
            client.send(ask())
        assert len(client.send(ask()).messages) == 3
        assert len(client._connections._idle) == 1


@pytest.mark.parametrize("interim", INTERIM, ids=["102", "103", "199"])
def test_interim_responses_without_end_are_no_work_without_end(
    serve: Serve, interim: bytes
) -> None:
    """A server that sends nothing else keeps a processor busy until the timeout, unless they are counted."""
    server = serve("hear", interim * 101, "hold")
    with (
        Client(server.url, auth=AUTH, retry=None, timeout=NEVER) as client,
        pytest.raises(InvalidResponseError, match="at most 100 interim responses"),
    ):
        client.send(ask())


def test_a_connection_that_changed_its_protocol_is_not_used_again(serve: Serve) -> None:
    """What follows a 101 is not HTTP."""
    server = serve("hear", b"HTTP/1.1 101 Word\r\nUpgrade: x\r\n\r\n", "hold")
    with Client(server.url, auth=AUTH, retry=None, timeout=NEVER) as client:
        with pytest.raises(InvalidResponseError, match="101"):
            client.send(ask())
        assert not [c for c in client._connections._idle if c.is_connected]


@pytest.mark.parametrize("interim", INTERIM, ids=["102", "103", "199"])
def test_the_suite_skips_interim_responses(serve: Serve, interim: bytes) -> None:
    """A server behind a gateway that sends hints conforms."""
    server = serve("hear", interim + OK, "close")
    response = suite.send(suite.parse_target(server.url), suite.RawRequest("GET", "/", {}, b""))

    assert response.status == 200
