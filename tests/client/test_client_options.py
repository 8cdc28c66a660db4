"""What every result says of its call, clients with other settings, the log, and plain http by name."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from infobip_sms import Client, InvalidRequestError, Retry, TransportError
from infobip_sms.transport import urls
from tests.cli.runs import SEND, run
from tests.client.calls import AUTH, GOOD, NEVER, OK, TEXT, TYPES, ask, both, reply

if TYPE_CHECKING:
    from tests.client.calls import Serve


@both
def test_a_result_has_the_status_headers_and_attempts_of_its_call(serve: Serve, wire: Any) -> None:
    """They are not part of equality, of the repr or of a hash."""
    busy = reply(b"{}", 429, "application/json", "Retry-After: 0")
    responses = iter([busy, reply(GOOD[wire], 200, TYPES[wire], "X-Request-Id: 7", "X-Trace: 8")])
    server = serve("hear", lambda _: next(responses))
    with Client(server.url, auth=AUTH, wire=wire, timeout=NEVER) as client:
        response = client.send(ask())
    server.finish()

    assert response.http is not None
    assert (response.http.status, response.http.attempts) == (200, 2)
    assert (response.http.request_id, response.http.headers["x-trace"]) == ("7", "8")
    assert response.http.elapsed > 0
    bare = attrs.evolve(response, http=None)
    assert response == bare
    assert hash(response) == hash(bare)
    assert repr(response) == repr(bare)


def test_with_options_shares_connections(serve: Serve) -> None:
    """Settings of the new client differ; the connection, and the first client, are the same."""
    server = serve("hear", OK, "hear", OK, "hear", OK)
    with Client(server.url, auth=AUTH, timeout=NEVER, headers={"X-Team": "a"}) as client:
        client.send(ask())
        other = client.with_options(timeout=3.0, retry=None, headers={"X-Trace": "b"})
        other.send(ask())
        client.send(ask())
        assert (other._settings.timeout, other._settings.retry) == (3.0, Retry.none())
        assert (client._settings.timeout, client._settings.retry) == (NEVER, Retry())
    requests = server.finish()
    named = [{name.lower(): value for name, value in r.headers} for r in requests]
    sent = [(headers.get("x-team"), headers.get("x-trace")) for headers in named]

    assert server.connections == 1
    assert sent == [("a", None), ("a", "b"), ("a", None)]


@pytest.mark.parametrize(
    "headers", [{"Authorization": "App zz"}, {"a b": "zz"}, {"X-A": "zz\r\nB: c"}, {"HOST": "zz"}]
)
def test_headers_that_would_change_the_request_are_rejected(headers: dict[str, str]) -> None:
    """Names of our own headers, and what could begin another line; no value is shown."""
    with pytest.raises(InvalidRequestError) as caught:
        Client(auth=AUTH, headers=headers)
    assert all(value not in str(caught.value) for value in headers.values())


@pytest.mark.parametrize("name", ["http://sandbox.test", "http://SANDBOX.test:8080/x"])
def test_auth_005_plain_http_needs_the_name_of_the_host(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Without it the client is not made, and the message has the way; with it the log warns."""
    for hosts in ((), ["other.test"]):
        with pytest.raises(InvalidRequestError, match="trust_http"):
            Client(name, auth=AUTH, trust_http=hosts)
    with pytest.raises(ValueError, match="trust_http: expected a list of host names"):
        Client(name, auth=AUTH, trust_http="sandbox.test")
    with Client(name, auth=AUTH, trust_http=["Sandbox.test"]):
        pass
    (warning,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert "over plain http" in warning


def test_auth_005_the_command_line_trusts_hosts_by_name(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--trust-http lets a request go to that host, and no other."""
    server = serve("hear", OK)
    monkeypatch.setattr(urls, "is_loopback", lambda _: False)
    url = server.url
    assert run(*SEND, TEXT, url=url).exit_code == 3
    assert run(*SEND, TEXT, "--trust-http", "127.0.0.1", "--yes", url=url).exit_code == 0
    assert len(server.finish()) == 1


def test_the_log_is_turned_on_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """INFOBIP_LOG=info writes a line for each attempt; another word is named as wrong."""
    log = logging.getLogger("infobip_sms")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(log, "level", logging.WARNING)
    monkeypatch.setenv("INFOBIP_LOG", "Info")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    for _ in range(2):
        with Client(url, auth=AUTH, retry=None) as client, pytest.raises(TransportError):
            client.send(ask())
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "POST /sms/2/text/advanced -> the connection failed: connection refused" in lines[0]
    monkeypatch.setenv("INFOBIP_LOG", "loud")
    Client(url, auth=AUTH).close()
    assert "expected one of debug, error, info, warning" in capsys.readouterr().err
