"""What bounds a sandbox: destinations in a request, callback servers at once."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import ExitStack
from queue import Queue
from typing import TYPE_CHECKING

import pytest
from infobip_sms_schema import MessageV1, SmsRequestV1

from infobip_sms import Destination, Message, SmsRequest
from infobip_sms.sandbox.config import SandboxSettings
from infobip_sms.sandbox.lifecycle.webhooks import (
    WebhookRequest,
    WebhookResult,
    WebhookTarget,
    parse_notify_url,
)
from infobip_sms.sandbox.runtime.webhook_sender import BATCH_SIZE, MAX_ORIGINS, WebhookSender
from tests.cli.runs import PATIENCE
from tests.fakes.webhook_server import CallbackServer
from tests.sandbox.lifecycle.virtual_sandbox import (
    CODECS,
    SEND,
    SEND_V1,
    Bench,
    find_text,
    find_word,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

TO = Destination(to="41793026727")
LIMIT = 4


def build_request(version: int, *counts: int) -> SmsRequest | SmsRequestV1:
    """Return a request with one message for each count, with so many destinations."""
    if version == 1:
        return SmsRequestV1(messages=[MessageV1(destinations=[TO] * n, text="Hi") for n in counts])
    return SmsRequest(messages=[Message(destinations=[TO] * n, text="Hi") for n in counts])


@pytest.mark.parametrize("wire", ["json", "xml"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("refuse", ["400", "200"])
def test_destinations_of_a_request_are_counted(wire: str, version: int, refuse: str) -> None:
    """So many of all messages together are taken; one more is 400 with both numbers, and nothing stays."""
    virtual = Bench(max_destinations=LIMIT, readings={"READ-001": refuse})
    path = SEND if version == 2 else SEND_V1
    codec = CODECS[wire]

    taken = virtual.ask("POST", path, codec.dump_model(build_request(version, 1, 3)), wire)
    refused = virtual.ask("POST", path, codec.dump_model(build_request(version, 2, 3)), wire)

    assert taken.status == 200
    assert (refused.status, find_word(refused, wire)) == (400, "BAD_REQUEST")
    assert find_text(refused, wire) == (
        "The request has 5 destinations; this sandbox accepts 4 per request"
    )
    assert len(virtual.state.messages) == LIMIT


def test_faulty_destinations_count_too() -> None:
    """A request whose faults are answered one by one is bounded by the same number."""
    virtual = Bench(max_destinations=LIMIT, readings={"READ-001": "200"})
    faulty = [{"to": ""}, *[{"to": TO.to}] * LIMIT]
    document = {"messages": [{"destinations": faulty, "validityPeriod": "soon", "text": "Hi"}]}

    response = virtual.ask("POST", SEND, json.dumps(document).encode())

    assert response.status == 400
    assert not virtual.state.messages


def test_a_limit_of_nothing_is_refused() -> None:
    """There is no sandbox that takes or keeps no message at all."""
    with pytest.raises(ValueError, match="'max_destinations' must be >= 1"):
        SandboxSettings(max_destinations=0)
    with pytest.raises(ValueError, match="'keep' must be >= 1"):
        SandboxSettings(keep=0)


# ---------------------------------------------------------------- callback servers


class Silent:
    """Servers that take connections and say nothing until they are told to hang up."""

    def __init__(self, count: int) -> None:
        self._stack = ExitStack()
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        self.taken: Queue[int] = Queue()
        """Ports of those that were connected to."""
        self._open: dict[int, list[socket.socket]] = {}
        for listener in self._listeners:
            self._stack.enter_context(listener)
            threading.Thread(target=self._take, args=(listener,), daemon=True).start()

    @property
    def targets(self) -> list[WebhookTarget]:
        """Where to post to."""
        return [
            WebhookTarget("http", "127.0.0.1", s.getsockname()[1], "/") for s in self._listeners
        ]

    def hang_up(self, port: int) -> None:
        """End the connections of one server."""
        for connection in self._open.pop(port):
            connection.close()

    def close(self) -> None:
        """Hang up everywhere."""
        for port in list(self._open):
            self.hang_up(port)
        self._stack.close()

    def _take(self, listener: socket.socket) -> None:
        port = listener.getsockname()[1]
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._open.setdefault(port, []).append(connection)
            self.taken.put(port)


@pytest.fixture(name="silent")
def fixture_silent() -> Iterator[Silent]:
    """Give five servers that keep the sandbox waiting."""
    servers = Silent(5)
    yield servers
    servers.close()


def post(
    pusher: WebhookSender,
    target: WebhookTarget | None,
    answers: Queue[WebhookResult],
    number: int = 0,
) -> None:
    """Hand over one report."""
    assert target is not None
    pusher.submit(WebhookRequest(number, target, "application/json", b"{}"), answers.put)


def test_no_more_servers_than_so_many_are_posted_to_at_once(silent: Silent) -> None:
    """With two places, a third server is connected to when one of the first two has hung up."""
    pusher, answers = WebhookSender(max_threads=2), Queue[WebhookResult]()
    for target in silent.targets:
        post(pusher, target, answers)

    waiting = [silent.taken.get(timeout=PATIENCE) for _ in range(2)]
    for _ in range(3):
        assert silent.taken.empty()
        assert answers.empty()
        silent.hang_up(waiting.pop(0))
        assert answers.get(timeout=PATIENCE).status is None
        waiting.append(silent.taken.get(timeout=PATIENCE))
    assert sorted(waiting) == sorted(t.port for t in silent.targets[3:])


def test_threads_end_with_the_work() -> None:
    """When everything is posted, no thread is left, and what comes then is posted as well."""
    pusher, answers = WebhookSender(max_threads=3), Queue[WebhookResult]()
    with ExitStack() as stack:
        servers = [stack.enter_context(CallbackServer()) for _ in range(5)]
        for again in range(2):
            for server in servers:
                post(pusher, parse_notify_url(f"{server.url}/{again}"), answers)
            assert [answers.get(timeout=PATIENCE).status for _ in servers] == [200] * 5

    end = time.monotonic() + PATIENCE
    while pusher._threads and time.monotonic() < end:
        time.sleep(0.01)
    assert (pusher._threads, pusher._waiting) == (0, {})


def test_a_server_with_many_reports_lets_others_have_their_turn() -> None:
    """With one place, a single report for another server comes long before the last for the first one."""
    pusher, order = WebhookSender(max_threads=1), Queue[str]()
    many = 4 * BATCH_SIZE
    with CallbackServer() as busy, CallbackServer() as other:
        for number in range(many):
            target = parse_notify_url(f"{busy.url}/{number}")
            assert target is not None
            pusher.submit(
                WebhookRequest(number, target, "application/json", b"{}"),
                lambda _: order.put("busy"),
            )
        target = parse_notify_url(other.url)
        assert target is not None
        pusher.submit(
            WebhookRequest(many, target, "application/json", b"{}"), lambda _: order.put("other")
        )
        came = [order.get(timeout=PATIENCE) for _ in range(many + 1)]

        assert came.index("other") <= 2 * BATCH_SIZE
        assert [captured.path for captured in busy.heard] == [f"/{n}" for n in range(many)]


def test_a_server_that_does_not_answer_has_one_turn_for_each_report(silent: Silent) -> None:
    """With one place, reports for two silent servers alternate."""
    pusher, answers = WebhookSender(max_threads=1), Queue[WebhookResult]()
    first, second = silent.targets[:2]
    for target in (first, first, second, second):
        post(pusher, target, answers)

    order = []
    for _ in range(4):
        order.append(silent.taken.get(timeout=PATIENCE))
        silent.hang_up(order[-1])
    assert [answers.get(timeout=PATIENCE).status for _ in range(4)] == [None] * 4
    assert order == [first.port, second.port] * 2


def test_there_is_a_bound_by_default() -> None:
    """A sandbox posts to a number of servers at once that any machine can bear."""
    assert WebhookSender()._max_threads == MAX_ORIGINS
    assert MAX_ORIGINS <= 100
