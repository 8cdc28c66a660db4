"""The way to callback servers, without a sandbox around it."""

from __future__ import annotations

import socket
from queue import Queue

import pytest

from infobip_sms.sandbox.lifecycle.webhooks import (
    WebhookRequest,
    WebhookResult,
    WebhookTarget,
    parse_notify_url,
)
from infobip_sms.sandbox.runtime.webhook_sender import WebhookSender
from tests.fakes.webhook_server import CallbackServer


def post(*targets: WebhookTarget | None, body: bytes = b"{}") -> list[WebhookResult]:
    """Post to each target; return the answers in the order in which they came."""
    answers: Queue[WebhookResult] = Queue()
    pusher = WebhookSender()
    for number, target in enumerate(targets):
        assert target is not None
        pusher.submit(WebhookRequest(number, target, "application/json", body), answers.put)
    return [answers.get(timeout=20) for _ in targets]


def test_a_post_has_its_path_body_and_type() -> None:
    """Path and query come as they were asked for, the body byte by byte; any status comes back."""
    with CallbackServer(200, 201, 302, 404, 500) as callback:
        answers = post(*[parse_notify_url(f"{callback.url}/ü?a=b&c=%20#d")] * 5, body=b"\xff\x00")

    assert [a.status for a in answers] == [200, 201, 302, 404, 500]
    assert [a.is_acknowledged() for a in answers] == [True, True, False, False, False]
    assert {h.path for h in callback.heard} == {"/%C3%BC?a=b&c=%20"}
    assert {(h.body, h.content_type) for h in callback.heard} == {(b"\xff\x00", "application/json")}


def test_posts_to_one_server_come_one_after_the_other() -> None:
    """Hundreds that are handed over at once arrive in order, over one connection after the other."""
    with CallbackServer() as callback:
        post(*[parse_notify_url(f"{callback.url}/{n}") for n in range(300)])

    assert [h.path for h in callback.heard] == [f"/{n}" for n in range(300)]


@pytest.mark.parametrize("host", ["a..b", "ü" * 300, "a b", "%zz", "-"])
def test_a_host_that_cannot_be_is_an_answer_too(host: str) -> None:
    """No name makes the pusher fail, and what comes next for the same server is answered as well."""
    answers = post(*[WebhookTarget("http", host, 1, "/")] * 2)

    assert [a.status for a in answers] == [None, None]
    assert all(a.reason for a in answers)


def test_a_server_that_hangs_up_or_talks_nonsense_has_not_taken_the_report() -> None:
    """No response, and one that is no HTTP, are failures with a reason that quotes nothing."""
    for said in (b"", b"secret nonsense\r\n\r\n"):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            answers: Queue[WebhookResult] = Queue()
            target = WebhookTarget("http", "127.0.0.1", port, "/")
            WebhookSender().submit(
                WebhookRequest(1, target, "application/json", b"{}"), answers.put
            )
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(said)
            connection.close()
            answer = answers.get(timeout=20)

        assert not answer.is_acknowledged()
        assert "secret" not in answer.reason
