"""The way to callback servers, without a sandbox around it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import Destination, Message, SmsRequest
from infobip_sms.sandbox import running
from infobip_sms.sandbox.lifecycle.webhooks import (
    WebhookRequest,
    WebhookResult,
    WebhookTarget,
    parse_notify_url,
)
from infobip_sms.sandbox.runtime import outgoing_connections, webhook_sender
from infobip_sms.sandbox.runtime.webhook_sender import WebhookSender
from tests.cli.runs import PATIENCE
from tests.fakes.webhook_server import CallbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PAUSE = 0.01  # seconds


def post(*targets: WebhookTarget | None, body: bytes = b"{}") -> list[WebhookResult]:
    """Post to each target; return the results in the order in which they came."""
    return [result for _, result in post_numbered(*targets, body=body)]


def post_numbered(
    *targets: WebhookTarget | None, body: bytes = b"{}", count: int | None = None
) -> list[tuple[int, WebhookResult]]:
    """Post to each target; return the first ``count`` results, with the places of their targets."""

    async def play() -> list[tuple[int, WebhookResult]]:
        results: asyncio.Queue[tuple[int, WebhookResult]] = asyncio.Queue()
        sender = WebhookSender()
        for number, target in enumerate(targets):
            assert target is not None
            sender.submit(
                WebhookRequest(number, target, "application/json", body),
                partial(lambda place, result: results.put_nowait((place, result)), number),
            )
        async with asyncio.timeout(PATIENCE):
            return [await results.get() for _ in range(len(targets) if count is None else count)]

    return asyncio.run(play())


def test_a_post_has_its_path_body_and_type() -> None:
    """Path and query come as they were asked for, the body byte by byte; any status comes back."""
    with CallbackServer(200, 201, 302, 404, 500) as callback:
        answers = post(*[parse_notify_url(f"{callback.url}/ü?a=b&c=%20#d")] * 5, body=b"\xff\x00")

    assert [a.status for a in answers] == [200, 201, 302, 404, 500]
    assert [a.is_acknowledged() for a in answers] == [True, True, False, False, False]
    assert {h.path for h in callback.heard} == {"/%C3%BC?a=b&c=%20"}
    assert {(h.body, h.content_type) for h in callback.heard} == {(b"\xff\x00", "application/json")}


def test_an_unforeseen_error_loses_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a failed attempt like any other, and the next report for that server is posted."""
    failures = iter([RuntimeError("unforeseen")])
    connect = outgoing_connections.connect

    async def fail_first(target: WebhookTarget) -> Any:
        if error := next(failures, None):
            raise error
        return await connect(target)

    monkeypatch.setattr(webhook_sender, "connect", fail_first)
    with CallbackServer() as callback:
        results = post(*[parse_notify_url(callback.url)] * 2)

    assert [result.status for result in results] == [None, 200]
    assert results[0].reason == "no valid response (RuntimeError)"


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


@contextmanager
def serving(*said: bytes, hang_up: bool = False) -> Iterator[WebhookTarget]:
    """Run a server that says some things on every connection, with pauses between them."""
    kept = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    kept.append(listener.accept()[0])
                    kept[-1].recv(65536)
                    for part in said:
                        kept[-1].sendall(part)
                        time.sleep(PAUSE if len(said) > 1 else 0)
                    if hang_up:
                        kept[-1].close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield WebhookTarget("http", "127.0.0.1", listener.getsockname()[1], "/")
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in kept:
                connection.close()


def test_a_server_that_hangs_up_or_talks_nonsense_has_not_acknowledged_the_report() -> None:
    """No response, and one that is no HTTP, are failures with a reason that quotes nothing."""
    for said in (b"", b"secret nonsense\r\n\r\n", b"HTTP/1.1 100 Continue\r\n", b"x" * 2**17):
        with serving(said, hang_up=True) as target:
            (result,) = post(target)

        assert not result.is_acknowledged()
        assert result.reason
        assert "secret" not in result.reason


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200\r\nX-Slow: ",
        b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\nslow",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n",
    ],
)
def test_dlr_006_the_status_line_acknowledges_a_report(said: bytes) -> None:
    """What follows the status line, or never does, is not waited for."""
    with serving(said) as target:
        (result,) = post(target)

    assert result.is_acknowledged()


def test_servers_that_drip_delay_no_report_for_another() -> None:
    """A hundred servers that send the start of a status line, and no more, hold up nobody."""
    with ExitStack() as stack, CallbackServer() as good:
        drips = [stack.enter_context(serving(b"HTTP/1.1")) for _ in range(100)]
        ((number, result),) = post_numbered(*drips, parse_notify_url(good.url), count=1)

    assert (number, result.status) == (100, 200)


def test_one_deadline_covers_the_whole_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that always sends one byte more in time is given up as soon as one that sends none."""
    monkeypatch.setattr(webhook_sender, "ATTEMPT_TIMEOUT", 1.0)
    with serving(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 1000) as target:
        (result,) = post(target)

    assert (result.status, result.reason) == (None, "response timed out")


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\nX: y\r\n\r\n"]
)
def test_interim_responses_without_end_are_no_work_without_end(said: bytes) -> None:
    """A server that sends nothing else is given up long before the attempt has to end."""
    with serving(said * 600) as target:
        (result,) = post(target)

    assert (result.status, result.reason) == (None, "no valid response (ValueError)")


def test_servers_that_drip_do_not_stop_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """An advance of a day waits once for servers that time out, whatever is queued for them."""
    monkeypatch.setattr(webhook_sender, "ATTEMPT_TIMEOUT", 0.5)
    with ExitStack() as stack, running(frozen=True, delay=0) as sandbox, CallbackServer() as good:
        urls = [good.url]
        for _ in range(40):
            target = stack.enter_context(serving(b"HTTP/1.1"))
            urls.append(f"http://{target.host}:{target.port}")
        destinations = [Destination(to=f"4479460000{n}") for n in range(10, 20)]
        messages = [Message(destinations=destinations, text="Hi", notify_url=url) for url in urls]
        sandbox.client().send(SmsRequest(messages=messages))
        before = sandbox.clock.now()
        after = sandbox.clock.advance(86_400)
        shown = sandbox.reports(state="acknowledged")
        attempts = sum(report["attempts"] for report in sandbox.reports(state="waiting"))

    assert (after - before).total_seconds() == 86_400
    assert len(shown) == 10
    assert len({heard.body for heard in good.heard}) == 10, (
        "what the good server was slow to answer comes again"
    )
    assert attempts <= 40 * 5, "each server has had a few turns, not one for each report"
