"""What bounds a sandbox: destinations in a request, callback servers at once."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

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
from infobip_sms.sandbox.runtime.webhook_sender import BATCH_SIZE, MAX_SERVERS, WebhookSender
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
    from collections.abc import Coroutine

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
    """Servers that accept connections and say nothing until they are made to hang up."""

    def __init__(self) -> None:
        self.connected: asyncio.Queue[int] = asyncio.Queue()
        """Ports of those that were connected to."""
        self._open: dict[int, list[asyncio.StreamWriter]] = {}
        self._servers: list[asyncio.Server] = []

    async def start(self, count: int) -> list[WebhookTarget]:
        """Start some; return where to post to."""
        for _ in range(count):
            self._servers.append(await asyncio.start_server(self._accept, "127.0.0.1", 0))
        ports = [server.sockets[0].getsockname()[1] for server in self._servers]
        return [WebhookTarget("http", "127.0.0.1", port, "/") for port in ports]

    def hang_up(self, port: int) -> None:
        """End the connections of one server."""
        for writer in self._open.pop(port):
            writer.close()

    def close(self) -> None:
        """Hang up everywhere."""
        for server in self._servers:
            server.close()
        for port in list(self._open):
            self.hang_up(port)

    async def _accept(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        self._open.setdefault(port, []).append(writer)
        self.connected.put_nowait(port)


def submit(
    sender: WebhookSender,
    target: WebhookTarget | None,
    results: asyncio.Queue[WebhookResult],
    number: int = 0,
) -> None:
    """Hand over one report."""
    assert target is not None
    request = WebhookRequest(number, target, "application/json", b"{}")
    sender.submit(request, results.put_nowait)


async def within_patience(play: Coroutine[Any, Any, None]) -> None:
    """Run a play; fail if it takes too long."""
    async with asyncio.timeout(PATIENCE):
        await play


def test_no_more_servers_than_the_limit_are_posted_to_at_once() -> None:
    """With two places, a third server is connected to when one of the first two has hung up."""

    async def play() -> None:
        silent, sender = Silent(), WebhookSender(max_servers=2)
        results: asyncio.Queue[WebhookResult] = asyncio.Queue()
        targets = await silent.start(5)
        for target in targets:
            submit(sender, target, results)

        waiting = [await silent.connected.get() for _ in range(2)]
        for _ in range(3):
            assert silent.connected.empty()
            assert results.empty()
            silent.hang_up(waiting.pop(0))
            assert (await results.get()).status is None
            waiting.append(await silent.connected.get())
        assert sorted(waiting) == sorted(t.port for t in targets[3:])
        silent.close()

    asyncio.run(within_patience(play()))


def test_tasks_end_with_the_work() -> None:
    """When everything is posted, nothing is left, and what comes then is posted as well."""

    async def play() -> None:
        sender, results = WebhookSender(max_servers=3), asyncio.Queue[WebhookResult]()
        with ExitStack() as stack:
            servers = [stack.enter_context(CallbackServer()) for _ in range(5)]
            for again in range(2):
                for server in servers:
                    submit(sender, parse_notify_url(f"{server.url}/{again}"), results)
                assert [(await results.get()).status for _ in servers] == [200] * 5
            await asyncio.gather(*sender._tasks)
        assert sender._waiting == {}

    asyncio.run(within_patience(play()))


def test_a_server_with_many_reports_lets_others_have_their_turn() -> None:
    """With one place, a single report for another server comes long before the last for the first one."""
    many = 4 * BATCH_SIZE

    async def play() -> None:
        sender, order = WebhookSender(max_servers=1), asyncio.Queue[str]()
        with CallbackServer() as busy, CallbackServer() as other:
            for number in range(many):
                target = parse_notify_url(f"{busy.url}/{number}")
                assert target is not None
                sender.submit(
                    WebhookRequest(number, target, "application/json", b"{}"),
                    lambda _: order.put_nowait("busy"),
                )
            target = parse_notify_url(other.url)
            assert target is not None
            sender.submit(
                WebhookRequest(many, target, "application/json", b"{}"),
                lambda _: order.put_nowait("other"),
            )
            came = [await order.get() for _ in range(many + 1)]

            assert came.index("other") <= 2 * BATCH_SIZE
            assert [captured.path for captured in busy.heard] == [f"/{n}" for n in range(many)]

    asyncio.run(within_patience(play()))


def test_a_server_that_does_not_respond_has_one_turn_for_each_report() -> None:
    """With one place, reports for two silent servers alternate."""

    async def play() -> None:
        silent, sender = Silent(), WebhookSender(max_servers=1)
        results: asyncio.Queue[WebhookResult] = asyncio.Queue()
        first, second = await silent.start(2)
        for target in (first, first, second, second):
            submit(sender, target, results)

        order = []
        for _ in range(4):
            order.append(await silent.connected.get())
            silent.hang_up(order[-1])
        assert [(await results.get()).status for _ in range(4)] == [None] * 4
        assert order == [first.port, second.port] * 2
        silent.close()

    asyncio.run(within_patience(play()))


def test_there_is_a_bound_by_default() -> None:
    """A sandbox posts to a number of servers at once that any machine can bear."""
    assert WebhookSender()._places._value == MAX_SERVERS
    assert MAX_SERVERS <= 256
