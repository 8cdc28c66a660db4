"""What the first requests show: wrong credentials, a wrong URL or another API end the run with the reason."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from infobip_sms_conformance.cli import main
from infobip_sms_conformance.transport.http import parse_target, wait_for_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def serve(status: int, media: str, body: bytes, limit: int = 0, **headers: str) -> Iterator[str]:
    """Give every request the same response, or after a limit 429; give the URL."""
    left = [limit]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            left[0] -= 1
            self.send_response(429 if limit and left[0] < 0 else status)
            self.send_header("Content-Type", media)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(30)


REJECTED = "the server rejected the credentials (HTTP {})"
FOREIGN = "the first request got no response of this API: HTTP {}"
FOREIGN_JSON = f"{FOREIGN.format(200)}, application/json"
CREDENTIALS_HINT = "check --user and --password, or --api-key"
LIMITED = "the server limits the rate of requests (HTTP {} to all of 3)"
LIMIT_HINT = "run again when the limit has passed"
FAILING = "the server fails at the smallest request (HTTP {} to all of 3)"
SERVICE_ERROR = b'{"requestError":{"serviceException":{"messageId":"GENERAL_ERROR","text":"x"}}}'
URL_HINT = "is its base URL"


@pytest.mark.parametrize(
    ("response", "reason", "hint"),
    [
        ((401, "application/json", b"{}"), REJECTED.format(401), CREDENTIALS_HINT),
        ((403, "text/plain", b"no"), REJECTED.format(403), CREDENTIALS_HINT),
        ((200, "text/html", b" <!DOCTYPE html>"), f"{FOREIGN.format(200)}, text/html", URL_HINT),
        ((200, "text/plain", b"OK"), f"{FOREIGN.format(200)}, text/plain", URL_HINT),
        ((301, "text/html", b""), f"{FOREIGN.format(301)}, text/html", URL_HINT),
        ((404, "text/html", b""), f"{FOREIGN.format(404)}, text/html", URL_HINT),
        ((405, "text/plain", b""), f"{FOREIGN.format(405)}, text/plain", URL_HINT),
        ((502, "text/html", b"<html>"), f"{FOREIGN.format(502)}, text/html", URL_HINT),
        ((429, "application/json", b"{}"), LIMITED.format(429), LIMIT_HINT),
        ((500, "application/json", b"{}"), FAILING.format(500), "see the log of the server"),
        (
            (503, "application/json", SERVICE_ERROR),
            FAILING.format(503),
            "see the log of the server",
        ),
        ((200, "", b""), f"{FOREIGN.format(200)}, no content type", URL_HINT),
        ((200, "application/json", b'{"status":"ok","data":[{"id":1}]}'), FOREIGN_JSON, URL_HINT),
        ((200, "application/json", b'{"errors":[{"message":"no"}]}'), FOREIGN_JSON, URL_HINT),
        ((200, "application/json", b"[]"), FOREIGN_JSON, URL_HINT),
        ((200, "text/xml", b"<ok><id>1</id></ok>"), f"{FOREIGN.format(200)}, text/xml", URL_HINT),
    ],
)
def test_wrong_credentials_url_or_api_end_the_run(
    capsys: pytest.CaptureFixture[str], response: tuple[int, str, bytes], reason: str, hint: str
) -> None:
    """At most three requests, the reason, what to do next, and 2."""
    with serve(*response) as url:
        code = main(["server", url, "--api-key", "f00ba4"])
    printed = capsys.readouterr().out

    assert code == 2
    assert f"Could not check: {reason}\n" in printed
    assert hint in printed
    assert any(f"\n{count} request" in printed for count in (1, 2, 3))


def test_redirect_is_named_without_its_query(capsys: pytest.CaptureFixture[str]) -> None:
    """A redirect to a login page is named by host and path, which no secret is part of."""
    with serve(
        302, "text/html", b"", Location="https://u:p@login.example/start?token=f00ba4"
    ) as url:
        code = main(["server", url, "--api-key", "f00ba4"])

    assert code == 2
    assert "a redirect to login.example/start\n" in capsys.readouterr().out


def test_wrong_scheme_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    """Where a server listens that speaks no TLS, http is suggested."""
    with serve(200, "text/plain", b"") as url:
        code = main(["server", url.replace("http", "https", 1), "--api-key", "f00ba4"])

    assert code == 2
    assert "no TLS connection (SSLError); the server may expect http\n" in capsys.readouterr().out


def test_response_without_messages_is_not_another_api() -> None:
    """A response that has names of this API but no messages is judged: RESP-001 fails."""
    body = b'{"Messages":[{"to":"41793026727","messageId":"a"}]}'
    with serve(200, "application/json", body) as url:
        assert main(["server", url, "--api-key", "f00ba4", "--only", "RESP-001"]) == 1


@pytest.mark.parametrize("name", ["REJECTED_NOT_ENOUGH_CREDITS", "REJECTED_FLOODING_FILTER"])
def test_limit_of_the_account_is_not_a_failure(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A server that accepts nothing because of the account fails no requirement by it; the reason is shown."""
    status = {"groupId": 5, "groupName": "REJECTED", "id": 12, "name": name, "description": "No"}
    entry = {"to": "41793026727", "status": status, "messageId": "a"}
    with serve(200, "application/json", json.dumps({"messages": [entry]}).encode()) as url:
        code = main(["server", url, "--api-key", "f00ba4", "--only", "SEND-003"])
    printed = capsys.readouterr().out

    assert code == 2
    assert f"SEND-003: the server says {name}" in printed


def test_server_that_begins_to_limit_the_rate_ends_the_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A server that has answered, and then answers one request after the other with 429, is not asked much more."""
    status = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}
    body = json.dumps({"messages": [{"to": "1", "status": status, "messageId": "a"}]}).encode()
    with serve(200, "application/json", body, limit=2) as url:
        code = main(["server", url, "--api-key", "f00ba4", "--only", "SEND-01"])
    printed = capsys.readouterr().out

    assert code == 2
    assert "Run incomplete: the server limits the rate of requests (HTTP 429)\n" in printed
    assert "\n10 requests" in printed
    assert LIMIT_HINT in printed


def test_wait_ends_when_the_server_accepts_connections() -> None:
    """A server that starts late is waited for; one that never does ends the wait after its time."""
    with serve(200, "text/plain", b"") as url:
        target = parse_target(url)
        wait_for_server(target, 1e6)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    late = parse_target(f"http://127.0.0.1:{port}")
    wait_for_server(late, 0.05)
    started = threading.Timer(0.3, start_late, [port])
    started.start()
    try:
        wait_for_server(late, 1e6)
    finally:
        started.join()


def start_late(port: int) -> None:
    """Accept one connection."""
    with socket.create_server(("127.0.0.1", port)) as server:
        server.accept()[0].close()
