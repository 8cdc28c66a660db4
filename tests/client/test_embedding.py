"""The client: what makes it pleasant to have in a larger program."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import infobip_sms
from infobip_sms import Basic, Client, InvalidRequestError, Retry, TransportError
from infobip_sms.transport.messages import Request
from tests.client.calls import (
    AUTH,
    NEVER,
    OK,
    PHONE,
    SHOWN_NOWHERE,
    ask,
    entry,
    fail,
    reply,
    send,
    write,
)

if TYPE_CHECKING:
    from tests.client.calls import Serve
    from tests.fakes.scripted_server import ReceivedRequest

OURS = f"infobip-sms/{version('infobip-sms')}"
BREAKERS = ["\r", "\n", "\r\nX-Other: 1", "\0", "\x7f", "\x85", "é", "\ud800", "\u2028"]


# ---------------------------------------------------------------- user agent and headers


def test_a_program_may_name_itself(serve: Serve) -> None:
    """Its name stands before ours."""
    server = serve("hear", OK)
    send(server, user_agent="my-app/1.0 (test)")
    assert server.finish()[0].find("user-agent") == f"my-app/1.0 (test) {OURS}"


@pytest.mark.parametrize("name", ["", " ", 1, *(f"hunter2{end}" for end in BREAKERS)], ids=ascii)
def test_a_name_that_a_header_cannot_carry_is_rejected(name: Any) -> None:
    """Line breaks, NUL, halves of surrogates and other characters are rejected, with the path."""
    with pytest.raises(InvalidRequestError, match=r"^user_agent: expected .*, got ") as caught:
        Client(auth=AUTH, user_agent=name)
    assert "hunter2" not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize("end", BREAKERS, ids=ascii)
@pytest.mark.parametrize("field", ["path", "X-Header"])
def test_a_call_that_breaks_out_of_its_line_is_rejected(serve: Serve, field: str, end: str) -> None:
    """Whoever describes a call: a path and headers are checked before a connection is made."""
    server = serve("hear", OK)
    path = f"/hunter2{end}" if field == "path" else "/"
    call = Request("GET", "/", path, {} if field == "path" else {field: f"hunter2{end}"}, b"")
    with (
        Client(server.url, auth=AUTH) as client,
        pytest.raises(InvalidRequestError, match=rf"^{field}: expected .*, got ") as caught,
    ):
        client._send_request(call, None)
    assert "hunter2" not in f"{caught.value} {caught.value!r}"
    server.finish()
    assert server.connections == 0


def test_a_path_with_values_is_in_no_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A query is sent and not logged, at any level, by us or by urllib3."""
    caplog.set_level(logging.DEBUG)
    server = serve("hear", OK)
    call = Request("GET", "/sms/1/preview", f"/sms/1/preview?to={PHONE}&x=y%20z", {}, b"")
    with Client(server.url, auth=AUTH) as client:
        client._send_request(call, None)
    (request,) = server.finish()
    assert request.line == f"GET /sms/1/preview?to={PHONE}&x=y%20z HTTP/1.1"
    assert "content-length" not in dict(request.headers)
    assert "GET /sms/1/preview -> HTTP 200" in caplog.text
    assert PHONE not in caplog.text


@pytest.mark.parametrize("line", [b"no header at all", b"App %b" % AUTH.key.encode()])
def test_a_malformed_header_is_in_no_log(
    serve: Serve, caplog: pytest.LogCaptureFixture, line: bytes
) -> None:
    """urllib3 would warn with the line itself, which may quote the request; it does not get to see it."""
    caplog.set_level(logging.DEBUG)
    server = serve("hear", OK.replace(b"\r\n\r\n", b"\r\n%b\r\n\r\n" % line, 1))
    assert send(server).bulk_id == "BULK-ID-123-xyz"
    assert {record.name for record in caplog.records} == {"infobip_sms"}
    assert not SHOWN_NOWHERE.search(caplog.text)


# ---------------------------------------------------------------- certificates


def test_auth_005_a_context_that_does_not_verify_is_rejected() -> None:
    """Without verification the key would go to whoever recipients."""
    lax = ssl.create_default_context()
    lax.check_hostname = False
    for context in (lax, ssl._create_unverified_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)):  # noqa: S323
        with pytest.raises(
            InvalidRequestError, match=r"^ca: expected .*, got a context that does not verify"
        ):
            Client(auth=AUTH, ca=context)


@pytest.mark.parametrize("base_url", ["https://api.infobip.com", "http://127.0.0.1:1"])
def test_a_file_without_certificates_is_rejected(tmp_path: Path, base_url: str) -> None:
    """A file that is missing, is empty or holds something else is rejected when the client is made."""
    empty, other = tmp_path / "empty.pem", tmp_path / "other.pem"
    empty.write_bytes(b"")
    other.write_bytes(b"hunter2")
    for ca in (tmp_path / "missing.pem", empty, str(other), tmp_path, 5):
        with pytest.raises(InvalidRequestError, match=r"^ca: expected .*, got ") as caught:
            Client(base_url, auth=AUTH, ca=ca)  # type: ignore[arg-type]
        assert "hunter2" not in str(caught.value)


# ---------------------------------------------------------------- threads and processes


def test_many_threads_share_a_client(serve: Serve) -> None:
    """Of 16 threads with 4 kept connections each gets the response to its own request, every time."""

    def respond(request: ReceivedRequest) -> bytes:
        to = json.loads(request.body)["messages"][0]["destinations"][0]["to"]
        return reply(write({"messages": [entry(to=to)]}, "json"))

    server = serve("hear", respond)
    phones = [str(41793020000 + number) for number in range(400)]
    with (
        Client(server.url, auth=AUTH, timeout=NEVER, connections=4) as client,
        ThreadPoolExecutor(16) as threads,
    ):
        recipients = list(threads.map(lambda phone: client.send(ask(phone)).messages[0].to, phones))
        assert len(client._connections._idle) <= 4
    assert recipients == phones
    assert len(server.finish()) == 400


def test_a_pickled_client_sends_from_another_process(serve: Serve, tmp_path: Path) -> None:
    """Settings cross, connections do not: the copy opens its own."""
    server = serve("hear", OK)
    program = (
        "import pickle, sys; from tests.client.calls import ask\n"
        "with pickle.load(open(sys.argv[1], 'rb')) as client:\n"
        "    print(client, client.send(ask()).bulk_id)"
    )
    path = tmp_path / "client.pickle"
    with Client(server.url + "/x", auth=AUTH, wire="json", user_agent="a/1", timeout=9) as client:
        client.send(ask())
        path.write_bytes(pickle.dumps(client))
        command = [sys.executable, "-c", program, str(path)]
        shown = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        assert shown.stdout == f"{client!r} BULK-ID-123-xyz\n"
    here, there = server.finish()
    assert (here.line, here.headers, here.body) == (there.line, there.headers, there.body)
    assert here.connection != there.connection


def test_a_copy_of_a_client_has_all_its_settings() -> None:
    """Nothing that was set is lost on the way, and closing one does not close the other."""
    options: dict[str, Any] = {
        "auth": Basic("user", "hunter2"),
        "wire": "xml",
        "xml_engine": "xmlschema",
        "validate_xml": True,
        "timeout": 7.0,
        "connect_timeout": 3.0,
        "connections": 2,
        "retry": Retry(attempts=9),
        "proxy": "http://127.0.0.1:1",
        "user_agent": "a/1",
        "on_attempt": print,
        "headers": {"X-Team": "a"},
        "trust_http": ["sandbox"],
    }
    client = Client("https://api.infobip.com/x", **options)
    other = copy.copy(client)
    client.close()
    with other:
        settings = {"base_url": "https://api.infobip.com/x", "ca": None, **options}
        assert attrs.asdict(other._settings, recurse=False) == settings
        assert other._wire == "xml"
        assert (other._connections.max_idle, other._connections.connect_timeout) == (2, 3.0)
        assert not other._connections._closed
        assert "hunter2" not in repr(other)


def test_a_client_with_a_context_cannot_be_pickled() -> None:
    """A context crosses no border of processes; the error says what to do."""
    with (
        Client(auth=AUTH, ca=ssl.create_default_context()) as client,
        pytest.raises(TypeError, match="pass ca as a file"),
    ):
        pickle.dumps(client)


def test_a_forked_process_has_connections_of_its_own(serve: Serve) -> None:
    """A kept connection of the parent is not used by the child, whose responses would go astray."""
    server = serve("hear", OK)
    program = (
        "import os, sys; from tests.client.calls import AUTH, ask; from infobip_sms import Client\n"
        "client = Client(sys.argv[1], auth=AUTH)\n"
        "client.send(ask())\n"
        "if os.fork() == 0:\n"
        "    client.send(ask())\n"
        "    os._exit(0)\n"
        "assert os.wait()[1] == 0\n"
        "client.send(ask())"
    )
    command = [sys.executable, "-W", "error", "-c", program, server.url]
    subprocess.run(command, check=True, cwd=Path(__file__).resolve().parents[2])
    assert [request.connection for request in server.finish()] == [0, 1, 0]


def test_a_client_that_was_closed_cannot_send(serve: Serve) -> None:
    """It is the caller's mistake, not the network's, and nothing is sent."""
    server = serve("hear", OK)
    client = Client(server.url, auth=AUTH)
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.send(ask())
    with pytest.raises(RuntimeError, match="this client is closed; make another one"):
        client.__enter__()
    server.finish()
    assert server.connections == 0


def test_a_connection_in_use_while_the_client_is_closed_is_closed_after_it(serve: Serve) -> None:
    """A call that is under way ends well, and leaves no connection open."""
    captured, closed = threading.Event(), threading.Event()

    def respond(_: ReceivedRequest) -> bytes:
        captured.set()
        closed.wait(NEVER)
        return OK

    server = serve("hear", respond)
    client = Client(server.url, auth=AUTH)
    with ThreadPoolExecutor(1) as threads:
        result = threads.submit(client.send, ask())
        captured.wait(NEVER)
        client.close()
        closed.set()
        assert result.result().bulk_id == "BULK-ID-123-xyz"
    server.settle()
    assert not client._connections._idle


def test_a_forgotten_client_leaves_no_connection_open(serve: Serve) -> None:
    """Without close, too, connections end with their client, and nothing warns."""
    server = serve("hear", OK)
    client = Client(server.url, auth=AUTH)
    client.send(ask())
    del client
    server.settle()


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "10"], ids=repr)
def test_a_number_of_connections_that_makes_no_sense_is_rejected(value: Any) -> None:
    """The error names the setting."""
    with pytest.raises(ValueError, match=r"^connections: expected"):
        Client(auth=AUTH, connections=value)


# ---------------------------------------------------------------- the rest


def test_our_own_name_is_enough_to_silence_or_hear_us(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """The logger of the package's name has all that is logged, and says nothing above INFO."""
    caplog.set_level(logging.WARNING, "infobip_sms")
    fail(TransportError, serve("hear", "reset"))
    assert caplog.records == []


def test_the_package_says_that_it_is_typed() -> None:
    """py.typed lies beside the code, for type checkers of those who use it."""
    assert (Path(infobip_sms.__file__).parent / "py.typed").exists()
