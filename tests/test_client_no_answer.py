"""The client against scripted servers that break off, stall or cannot be trusted."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from infobip_sms import (
    Client,
    NoAnswer,
)

if TYPE_CHECKING:
    from client_calls import Serve
    from scripted_server import Request, Step


from client_calls import (
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
        with Client(url, auth=AUTH, timeout=NEVER) as client, pytest.raises(NoAnswer) as caught:
            client.send(ask())
    assert caught.value.sent == "no"
    assert str(caught.value) == "no answer: no connection could be made; request sent: no"


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
        timeout = urllib3.Timeout(connect=SOON, read=NEVER)
        with Client(url, auth=AUTH, timeout=timeout) as client, pytest.raises(NoAnswer) as caught:
            client.send(ask())
    assert caught.value.sent == "no"


BREAKS: dict[str, tuple[int, tuple[Step, ...]]] = {
    "reset-before-reading": (0, ("await", "reset")),
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
    "half-a-refusal": (1, ("hear", split(reply(b" " * 400, 401)), "close")),
    "half-a-503": (1, ("hear", split(reply(b" " * 400, 503)), "close")),
}


@pytest.mark.parametrize(("heard", "script"), BREAKS.values(), ids=BREAKS.keys())
def test_a_broken_connection_may_have_sent_and_is_not_tried_again(
    serve: Serve, heard: int, script: tuple[Step, ...]
) -> None:
    """After a break the request counts as perhaps sent, and there was one attempt only."""
    server = serve(*script)
    assert fail(NoAnswer, server).sent == "maybe"
    assert len(server.finish()) == heard
    assert server.connections == 1


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_break_on_a_kept_connection_is_not_tried_again(serve: Serve, end: str) -> None:
    """A kept connection that breaks on its second request does not get that request twice."""
    server = serve("hear", OK, "hear", end)
    with Client(server.url, auth=AUTH) as client:
        client.send(ask())
        with pytest.raises(NoAnswer) as caught:
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
@pytest.mark.parametrize(
    "timeout", [SOON, urllib3.Timeout(connect=NEVER, read=SOON)], ids=["number", "Timeout"]
)
def test_a_late_reply_may_have_sent(
    serve: Serve, script: tuple[Step, ...], timeout: Any, *, of_call: bool
) -> None:
    """A timeout of the client, and one of the call before it, ends waiting; nothing is repeated."""
    server = serve(*script)
    started = time.monotonic()
    general, special = (NEVER, timeout) if of_call else (timeout, None)
    with (
        Client(server.url, auth=AUTH, timeout=general) as client,
        pytest.raises(NoAnswer, match="the reply took too long") as caught,
    ):
        client.send(ask(), timeout=special)
    assert time.monotonic() - started < NEVER / 2
    assert caught.value.sent == "maybe"
    assert len(server.finish()) == 1
    assert server.connections == 1


def test_the_timeout_of_a_call_may_be_longer_than_the_clients(serve: Serve) -> None:
    """A call that allows more time gets a reply for which the client's timeout is too short."""

    def dawdle(_: Request) -> bytes:
        time.sleep(2 * SOON)
        return OK

    server = serve("hear", dawdle)
    with Client(server.url, auth=AUTH, timeout=SOON) as client:
        assert client.send(ask(), timeout=NEVER).bulk_id == "BULK-ID-123-xyz"


def test_defaults_are_five_seconds_to_connect_and_thirty_to_read() -> None:
    """A client waits for a bounded time if nobody says how long."""
    with Client(auth=AUTH) as client:
        timeout = client._pool.timeout
    assert isinstance(timeout, urllib3.Timeout)
    assert (timeout.connect_timeout, timeout.read_timeout) == (5, 30)


# ---------------------------------------------------------------- TLS


@pytest.fixture(name="certificate", scope="module")
def fixture_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a key and a certificate for 127.0.0.1 that nobody has signed but itself."""
    program = shutil.which("openssl")
    assert program, "these tests need the openssl program to make a certificate"
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    extensions = ("subjectAltName=IP:127.0.0.1", "keyUsage=critical,digitalSignature,keyCertSign")
    command = [program, *options.split(), "-subj", "/CN=127.0.0.1", "-keyout", str(path)]
    command += ["-out", f"{path}.crt", "-addext", extensions[0], "-addext", extensions[1]]
    subprocess.run(command, check=True, capture_output=True, timeout=NEVER)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture(name="tls")
def fixture_tls(certificate: Path) -> ssl.SSLContext:
    """Give what a server needs to show the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("problem", ["nobody-trusts-it", "it-names-another-host"])
def test_auth_005_a_certificate_that_does_not_prove_the_host_gets_nothing(
    serve: Serve,
    tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    problem: str,
) -> None:
    """An untrusted certificate, and a trusted one for another host, end the call unsent."""
    server = serve("hear", OK, tls=tls)
    url = server.url
    if problem == "it-names-another-host":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        url = url.replace("127.0.0.1", "localhost")
    with Client(url, auth=AUTH, timeout=NEVER) as client, pytest.raises(NoAnswer) as caught:
        client.send(ask())
    assert caught.value.sent == "no"
    assert server.finish() == []
    assert server.connections == 1


def test_auth_005_a_trusted_certificate_gets_the_request(
    serve: Serve, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same server is sent to as soon as its certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = serve("hear", OK, tls=tls)
    assert send(server).bulk_id == "BULK-ID-123-xyz"
    assert len(server.finish()) == 1


def test_a_chunk_of_negative_size_is_no_answer(serve: Serve) -> None:
    """A reply whose framing makes no sense is an error of ours; the request may have arrived."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = serve("hear", head + b"-5\r\nhello\r\n0\r\n\r\n", "close")

    assert fail(NoAnswer, server).sent == "maybe"
