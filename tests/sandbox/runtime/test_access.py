"""Who may use a sandbox: foreign pages and a sandbox's own reports may not, programs may."""

from __future__ import annotations

import asyncio
import errno
import gzip
import logging
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from infobip_sms.sandbox import running
from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.same_origin import check_origin
from infobip_sms.sandbox.config import SandboxSettings
from infobip_sms.sandbox.runtime import bodies
from infobip_sms.sandbox.runtime.server import _LoopErrors
from tests.sandbox.admin.calls import BASIC, LOGS, SEND, TO, Answer, build, call, post, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infobip_sms.sandbox import Sandbox
    from infobip_sms.sandbox.api.app import ParsedInput
    from infobip_sms.sandbox.api.http import HttpRequest

JSON = {"Authorization": BASIC, "Content-Type": "application/json"}


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[Sandbox]:
    """Give a sandbox on a socket."""
    with running(delay=0, allow_hosts=("sandbox", "app.example")) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "["},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", SEND), ("GET", LOGS), ("GET", "/x"), ("GET", "/")]
)
def test_a_foreign_page_reaches_no_route(
    sandbox: Sandbox, headers: dict[str, str], method: str, path: str
) -> None:
    """A rebound name or another origin is 403 with the documented body, although the account is right."""
    response = call(sandbox.url, method, path, build(TO), {**JSON, **headers})

    assert response.status == 403
    assert response.plain["requestError"]["serviceException"]["text"].startswith(*headers)
    assert sandbox.messages() == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost"},
        {"Host": "SANDBOX:8080"},
        {"Host": "[::1]:1", "Origin": "http://[::1]:1"},
        {"Origin": "https://app.example:3000"},
    ],
    ids=str,
)
def test_programs_and_allowed_hosts_use_it(sandbox: Sandbox, headers: dict[str, str]) -> None:
    """Loopback by any name, allowed names, and pages of allowed hosts."""
    assert call(sandbox.url, "GET", LOGS, None, {**JSON, **headers}).status == 200


@pytest.mark.parametrize(
    ("address", "host", "allowed"),
    [
        ("192.0.2.1", "192.0.2.1:8080", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("0.0.0.0", "192.0.2.2", True),  # noqa: S104 - compared only
        ("::", "[2001:db8::1]:80", True),
        ("0.0.0.0", "evil.example", False),  # noqa: S104 - compared only
    ],
)
def test_the_address_on_which_it_listens_is_allowed(address: str, host: str, allowed: bool) -> None:
    """All addresses are if it listens on all, names are not."""
    assert (check_origin({"host": host}, SandboxSettings(address=address)) == "") is allowed


def test_no_report_controls_a_sandbox(sandbox: Sandbox) -> None:
    """A notify URL at the admin interface is a dead letter; a report that reaches one by another name gets 403."""
    port = urlsplit(sandbox.url).port
    (first,) = send(sandbox.url, TO, notifyUrl=f"http://localhost:{port}/sandbox/reset")
    (other,) = sandbox.wait_for(message_id=first, status="DELIVERED")
    (report,) = sandbox.reports("dead")
    headers = {"User-Agent": "infobip-sms-sandbox"}
    refused = call(sandbox.url, "POST", "/sandbox/reset", b"{}", headers)

    assert report["reason"] == "the notify URL is the admin interface of this sandbox"
    assert refused.status == 403
    assert sandbox.messages() == [other]
    sandbox.reset()


# ---------------------------------------------------------------- large bodies


def test_an_unauthorized_body_is_not_held(sandbox: Sandbox) -> None:
    """401 comes although the body has not, and only its head was sent."""
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n" % SEND.encode()
    with socket.create_connection(("127.0.0.1", urlsplit(sandbox.url).port or 0), 30) as client:
        client.sendall(head)
        assert client.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_bodies_held_are_bounded_in_total(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one body fills the room, another gets 503 and when to come again; then it is accepted."""
    monkeypatch.setattr(bodies, "MAX_TOTAL", 2000)
    head = (
        f"POST {SEND} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {BASIC}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", urlsplit(sandbox.url).port or 0), 30) as client:
        client.sendall(head.encode() + b" " * 1950)
        while (response := post(sandbox.url, build(TO))).status == 200:
            pass
    assert (response.status, response.headers["retry-after"]) == (503, "1")
    while (response := post(sandbox.url, build(TO))).status == 503:
        pass
    assert response.status == 200


@pytest.mark.parametrize(("wire", "body"), [("json", b"[{}," * 9000), ("xml", b"<a/>" * 9000)])
def test_a_large_body_is_parsed_while_others_are_answered(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, wire: str, body: bytes
) -> None:
    """While a faulty body of some size is parsed, another request is answered."""
    answered = []
    parse = App.parse_request

    def parse_meanwhile(self: App, request: HttpRequest) -> ParsedInput:
        if len(request.body) > 1000:
            answered.append(call(sandbox.url, "GET", LOGS, None, JSON).status)
        return parse(self, request)

    monkeypatch.setattr(App, "parse_request", parse_meanwhile)

    assert post(sandbox.url, body, wire).status == 400
    assert answered == [200]


# ---------------------------------------------------------------- frequent mistakes


def test_http_002_a_compressed_body_is_named(sandbox: Sandbox) -> None:
    """The error names Content-Encoding instead of bytes that are not UTF-8."""
    headers = {**JSON, "Content-Encoding": "gzip"}
    response = call(sandbox.url, "POST", SEND, gzip.compress(build(TO)), headers)

    assert response.status == 400
    assert read_text(response) == "Content-Encoding: expected an uncompressed body"


def test_two_slashes_in_a_path_are_named(sandbox: Sandbox) -> None:
    """It stays 404, and says what was expected."""
    response = call(sandbox.url, "POST", f"/{SEND}", build(TO), JSON)

    assert response.status == 404
    assert read_text(response).endswith(f"two slashes in a row, expected {SEND}")


def test_a_version_3_body_is_named(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """It is accepted as a message without a text, with one warning."""
    body = build(TO, text=None, sender="InfoSMS", content={"text": "Hi"})
    body = body.replace(b'"text": null, ', b"")
    with caplog.at_level(logging.WARNING):
        assert [post(sandbox.url, body).status for _ in range(2)] == [200, 200]
    sandbox.reset()

    (message,) = [r.getMessage() for r in caplog.records if r.name.startswith("infobip_sms")]
    assert "/sms/3/messages" in message


def read_text(response: Answer) -> str:
    """Return the text of an error."""
    text: str = response.plain["requestError"]["serviceException"]["text"]
    return text


# ---------------------------------------------------------------- file descriptors


def test_a_lack_of_file_descriptors_is_logged_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """However often the event loop complains; other errors are logged as ever."""

    async def play() -> None:
        handler = _LoopErrors()
        error = OSError(errno.EMFILE, "Too many open files")
        for _ in range(1000):
            handler.handle(asyncio.get_running_loop(), {"message": "no", "exception": error})
        handler.handle(asyncio.get_running_loop(), {"message": "another"})

    with caplog.at_level(logging.ERROR):
        asyncio.run(play())

    assert [record.getMessage() for record in caplog.records] == [
        "sandbox: cannot accept connections: Too many open files",
        "another",
    ]
