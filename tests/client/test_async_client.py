"""AsyncClient: the calls of Client, with await; what cancellation does at each step of a call."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import pickle
import re
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import (
    ApiError,
    AsyncClient,
    Attempt,
    Client,
    Error,
    InvalidRequestError,
    InvalidResponseError,
    Message,
    Outcome,
    Retry,
    TransportError,
)
from infobip_sms.operations import Operations
from infobip_sms.transport.connections import ConnectionPool
from tests.client.calls import AUTH, GOOD, NEVER, OK, PHONE, SOON, TEXT, ask, entry, reply, split

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.client.calls import Serve
    from tests.fakes.scripted_server import ReceivedRequest, Server

NOT_SENT, MAYBE_SENT = "the request was not sent", "the request may have been sent"
OPERATIONS = sorted(n for n in vars(Operations) if not n.startswith("_"))
PUBLIC = sorted(n for n in dir(Client) if not n.startswith("_"))
BUSY = reply(b"", 429, "text/plain", "Retry-After: 15")


def make_client(server: Server, **options: Any) -> AsyncClient:
    """Make a client for a server."""
    return AsyncClient(server.url, **{"auth": AUTH, "timeout": NEVER, **options})


def wait_for(condition: Callable[[], object]) -> None:
    """Return once a condition holds."""
    until = time.monotonic() + NEVER
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def list_threads() -> list[threading.Thread]:
    """Return the threads of clients."""
    return [t for t in threading.enumerate() if t.name.startswith("infobip-sms")]


@pytest.fixture(autouse=True)
def fixture_no_thread_is_left() -> Iterator[None]:
    """Fail any test after which a thread of a client goes on."""
    yield
    wait_for(lambda: list_threads() == [])


# ---------------------------------------------------------------- the same calls


def get_parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    """Return the parameters of a method, but for itself."""
    return list(inspect.signature(function).parameters.values())[1:]


@pytest.mark.parametrize("name", ["__init__", *PUBLIC])
def test_async_client_has_every_method_of_client(name: str) -> None:
    """Each public method is there, with the same parameters, and can be awaited or iterated."""
    ours, theirs = getattr(AsyncClient, name), getattr(Client, name)

    assert get_parameters(ours) == get_parameters(theirs)
    assert ours.__doc__ or name == "__init__"
    if name in {"send_many", "reconcile"}:
        client = AsyncClient("http://127.0.0.1:9", auth=AUTH)
        assert isinstance(getattr(client, name)([]), AsyncGenerator)
    elif name in {*OPERATIONS, "close"}:
        # send_v1 warns where it is called, before anybody awaits what it returns
        assert inspect.iscoroutinefunction(ours) or name == "send_v1"


def test_every_operation_is_known() -> None:
    """The list that the test above uses is not empty."""
    assert len(OPERATIONS) >= 13
    assert set(OPERATIONS) <= set(PUBLIC)


@pytest.mark.parametrize("wire", ["json", "xml"])
def test_a_message_is_sent_and_the_connection_is_kept(serve: Serve, wire: str) -> None:
    """Calls one after another use one connection."""
    server = serve("hear", reply(GOOD[wire], 200, f"application/{wire}"))

    async def main() -> list[str]:
        async with make_client(server, wire=wire) as client:
            texts = [await client.send_text(PHONE, TEXT, from_="InfoSMS") for _ in range(2)]
            return [*[t.status.name for t in texts], (await client.send(ask())).messages[0].to]

    assert asyncio.run(main()) == ["PENDING_ACCEPTED", "PENDING_ACCEPTED", PHONE]
    assert [r.connection for r in server.finish()] == [0, 0, 0]


@pytest.mark.parametrize(
    ("script", "kind", "sent"),
    [
        (("hear", "close"), TransportError, "maybe"),
        (("close",), TransportError, "maybe"),
        (("hear", reply(b"{}", 401)), ApiError, "no"),
        (("hear", reply(b"<html>", 200, "text/html")), InvalidResponseError, "maybe"),
    ],
    ids=["lost", "closed", "401", "html"],
)
def test_the_exceptions_are_those_of_client(
    serve: Serve, script: tuple[Any, ...], kind: type[Error], sent: str
) -> None:
    """The exception says the same, and whether the request was sent."""
    server = serve(*script)

    async def main() -> None:
        async with make_client(server) as client:
            await client.send(ask())

    with pytest.raises(kind) as caught:
        asyncio.run(main())
    with pytest.raises(kind) as usual, Client(server.url, auth=AUTH) as client:
        client.send(ask())
    said = [str(caught.value), str(usual.value)]
    if script == ("close",):  # a server that does not read may be seen to close or to reset
        said = [re.sub(r"was lost: [^.]*", "was lost", sentence) for sentence in said]
    assert said[0] == said[1]
    assert caught.value.sent == sent  # type: ignore[attr-defined] # each of these has it


def test_an_invalid_request_is_rejected_before_anything_is_sent(serve: Serve) -> None:
    """No connection is made."""
    server = serve("hear", OK)

    async def main() -> None:
        async with make_client(server) as client:
            await client.send_text("x", TEXT)

    with pytest.raises(InvalidRequestError):
        asyncio.run(main())
    assert server.finish() == []
    assert server.connections == 0


def test_a_thousand_calls_at_once_get_their_responses_with_few_threads(serve: Serve) -> None:
    """Each request is sent once, over as many connections as there are threads."""
    server = serve("hear", OK)
    threads = set()

    async def main() -> list[object]:
        connections = 8
        note = lambda *_: threads.add(threading.get_ident())  # noqa: E731 - short
        async with make_client(server, connections=connections, on_attempt=note) as client:
            calls = [client.send(ask(f"4179{n:07}")) for n in range(1000)]
            return list(await asyncio.gather(*calls))

    assert len(asyncio.run(main())) == 1000
    heard = server.finish()
    numbers = {r.body.partition(b'"to":"')[2][:11] for r in heard}
    assert len(heard) == len(numbers) == 1000
    assert len(threads) <= 8
    assert server.connections <= 8


def test_a_client_serves_several_loops_and_is_closed_once(serve: Serve) -> None:
    """A client is not bound to the loop of its first call; after close() it makes no calls."""
    server = serve("hear", OK)
    client = make_client(server)
    for _ in range(2):
        asyncio.run(client.send(ask()))
    asyncio.run(client.close())

    with pytest.raises(RuntimeError, match="this client is closed"):
        asyncio.run(client.send(ask()))
    with pytest.raises(RuntimeError, match="this client is closed"):
        asyncio.run(client.__aenter__())
    asyncio.run(client.close())
    assert len(server.finish()) == 2


def test_a_client_is_pickled(serve: Serve) -> None:
    """The copy has the same settings, and connections of its own."""
    server = serve("hear", OK)
    client = make_client(server, connections=3)
    copy = pickle.loads(pickle.dumps(client))  # noqa: S301 - our own bytes

    async def main() -> None:
        async with client, copy:
            await client.send(ask())
            await copy.send(ask())

    asyncio.run(main())
    assert repr(copy) == repr(client) == f"AsyncClient({server.url})"
    assert [r.connection for r in server.finish()] == [0, 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_has_threads_of_its_own(serve: Serve) -> None:
    """A client that was used before a fork is used after it, in a new loop."""
    server = serve("hear", OK)
    client = make_client(server)
    asyncio.run(client.send(ask()))
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            asyncio.run(asyncio.wait_for(client.send(ask()), NEVER))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    asyncio.run(client.close())
    assert [r.connection for r in server.finish()] == [0, 1]


def test_a_client_with_other_options_shares_connections_and_threads(serve: Serve) -> None:
    """Its calls have the added headers; closing one closes both."""
    server = serve("hear", OK)

    async def main() -> None:
        async with make_client(server, connections=1) as client:
            other = client.with_options(headers={"X-Team": "red"}, timeout=NEVER, retry=None)
            await asyncio.gather(client.send(ask()), other.send(ask()))
        with pytest.raises(RuntimeError, match="this client is closed"):
            await other.send(ask())

    asyncio.run(main())
    heard = server.finish()
    assert [r.connection for r in heard] == [0, 0]
    assert [dict(r.headers).get("x-team") for r in heard] == [None, "red"]


# ---------------------------------------------------------------- cancellation


class Observer:
    """A client, the attempts that its calls made, and a signal for the moment to cancel."""

    def __init__(self, url: str, **options: Any) -> None:
        self.attempts: list[Attempt] = []
        self.reached = threading.Event()
        usual = {"auth": AUTH, "timeout": NEVER, "on_attempt": self.note}
        self.client = AsyncClient(url, **{**usual, **options})

    def note(self, _: str, attempt: Attempt) -> None:
        """Keep an attempt."""
        self.attempts.append(attempt)
        if attempt.waited:
            self.reached.set()

    def reach(self, *_: object) -> bytes:
        """Signal the moment; a step of a script that sends nothing."""
        self.reached.set()
        return b""

    def cancel(self) -> str:
        """Send a message, cancel the call at the moment, and return the note of its error."""
        return asyncio.run(self._cancel())

    async def _cancel(self) -> str:
        async with self.client as client:
            task = asyncio.create_task(client.send(ask()))
            await asyncio.to_thread(self.reached.wait, NEVER)
            cancelled_at = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
        assert time.monotonic() - cancelled_at < NEVER / 2  # no thread waits for a timeout
        (note,) = caught.value.__notes__
        return note

    def list_attempts(self) -> list[tuple[str, str]]:
        """Return how each attempt ended."""
        return [(attempt.outcome, attempt.sent) for attempt in self.attempts]


def test_cancelled_before_its_thread_starts_a_call_sends_nothing(serve: Serve) -> None:
    """The call that waited for a thread is forgotten; the one that has it goes on."""
    gate = threading.Event()
    server = serve("hear", lambda _: OK if gate.wait(NEVER) else b"")

    async def main() -> tuple[str, str]:
        async with make_client(server, connections=1) as client:
            first = asyncio.create_task(client.send(ask()))
            await asyncio.to_thread(wait_for, lambda: server._requests)
            second = asyncio.create_task(client.send(ask()))
            await asyncio.sleep(0)
            second.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await second
            gate.set()
            return caught.value.__notes__[0], (await first).messages[0].to

    note, to = asyncio.run(main())
    assert NOT_SENT in note
    assert to == PHONE
    assert len(server.finish()) == 1


def test_cancelled_while_connecting_a_call_sends_nothing(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is made afterwards is closed unused."""
    server = serve("hear", OK)
    call, gate = Observer(server.url), threading.Event()
    connect = ConnectionPool._connect

    def connect_late(*arguments: Any) -> None:
        call.reach()
        wait_for(gate.is_set)
        connect(*arguments)

    monkeypatch.setattr(ConnectionPool, "_connect", connect_late)
    threading.Timer(SOON, gate.set).start()

    assert NOT_SENT in call.cancel()
    assert server.finish() == []
    assert server.connections == 1
    assert call.list_attempts() == [("the call was cancelled", "no")]


def test_cancelled_in_a_tls_handshake_a_call_is_not_tried_again(serve: Serve) -> None:
    """The handshake that never ends has its own timeout; no other attempt follows."""
    server = serve("await", "hold")
    call = Observer(server.url.replace("http:", "https:"), connect_timeout=SOON)
    threading.Timer(SOON / 3, call.reach).start()

    assert NOT_SENT in call.cancel()
    assert call.list_attempts() == [
        ("connecting timed out", "no"),
        ("the call was cancelled", "no"),
    ]
    server.finish()
    assert server.connections == 1


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("begun", [b"", split(OK)], ids=["no response", "half a response"])
def test_cancelled_after_the_request_was_sent_a_call_may_have_been_processed(
    serve: Serve, tls: ssl.SSLContext, certificate: Path, begun: bytes, secure: bool
) -> None:
    """Its connection is closed at once, and the request is not repeated, whatever ``retry`` says."""
    reach: list[Callable[..., bytes]] = []
    script = ("hear", begun, lambda _: reach[0](), "hold")
    server = serve(*script, tls=tls if secure else None)
    call = Observer(
        server.url, ca=certificate if secure else None, retry=Retry(on=["broken", "timeout"])
    )
    reach.append(call.reach)

    assert MAYBE_SENT in call.cancel()
    assert call.list_attempts() == [("the call was cancelled", "maybe")]
    assert len(server.finish()) == server.connections == 1


@pytest.mark.parametrize(
    ("status", "note"), [(429, NOT_SENT), (500, MAYBE_SENT)], ids=["429", "500"]
)
def test_cancelled_between_retries_a_call_makes_no_other_attempt(
    serve: Serve, status: int, note: str
) -> None:
    """It does not wait as long as the server asks; the note is about the attempts that were made."""
    server = serve("hear", reply(b"", status, "text/plain", "Retry-After: 15"))
    call = Observer(server.url, retry=Retry(on=["server-error"]))

    assert note in call.cancel()
    assert [outcome for outcome, _ in call.list_attempts()] == [
        f"HTTP {status}",
        "the call was cancelled",
    ]
    assert len(server.finish()) == 1


def test_a_timeout_of_asyncio_ends_a_call(serve: Serve) -> None:
    """The TimeoutError is caused by the cancellation, whose note says what was sent."""
    server = serve("hear", "hold")

    async def main() -> None:
        async with make_client(server) as client, asyncio.timeout(SOON):
            await client.send(ask())

    with pytest.raises(TimeoutError) as caught:
        asyncio.run(main())
    assert caught.value.__cause__ is not None
    assert MAYBE_SENT in caught.value.__cause__.__notes__[0]
    assert len(server.finish()) == 1


def test_cancelled_calls_leave_the_client_in_use(serve: Serve) -> None:
    """After a hundred cancelled calls, the next ones get their own responses."""
    server = serve("hear", "hold", later=("hear", OK))

    async def main() -> list[str]:
        async with make_client(server, connections=1) as client:
            tasks = [asyncio.create_task(client.send(ask())) for _ in range(100)]
            await asyncio.to_thread(wait_for, lambda: server._requests)
            for task in reversed(
                tasks
            ):  # those that wait first: none takes the place of the one that runs
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return [(await client.send(ask())).messages[0].to for _ in range(3)]

    assert asyncio.run(main()) == [PHONE] * 3
    assert len(server.finish()) == 4


# ---------------------------------------------------------------- sending in bulk


def build_messages(count: int) -> list[Message]:
    """Return messages to one number each."""
    return [Message(destinations=f"4179{n:07}", text=TEXT) for n in range(count)]


def answer(request: ReceivedRequest) -> bytes:
    """Accept what a request asks for."""
    destination = json.loads(request.body)["messages"][0]["destinations"][0]
    one = entry(to=destination["to"], messageId=destination["messageId"])
    return reply(json.dumps({"messages": [one]}).encode())


def list_numbers(server: Server) -> list[str]:
    """Return the destinations that a server heard of, in order."""
    sends = [r for r in server.finish() if r.line.startswith("POST")]
    return [r.body.partition(b'"to":"')[2][:11].decode() for r in sends]


def test_send_many_is_an_async_iterator(serve: Serve) -> None:
    """Outcomes come in the order of the input, and the loop is not blocked meanwhile."""
    server = serve("hear", answer)

    async def main() -> list[Outcome]:
        async with make_client(server) as client:
            outcomes = client.send_many(iter(build_messages(8)), chunk=1)
            return [outcome async for outcome in outcomes]

    outcomes = asyncio.run(main())
    assert [o.to for o in outcomes] == [f"4179{n:07}" for n in range(8)]
    assert {o.state for o in outcomes} == {"accepted"}
    assert sorted(list_numbers(server)) == [o.to for o in outcomes]


def test_a_bad_option_is_found_at_once(serve: Serve) -> None:
    """As with Client, nothing has to be iterated for it."""
    client = make_client(serve("hear", OK))

    with pytest.raises(ValueError, match="chunk: expected a whole number from 1"):
        client.send_many([], chunk=0)
    asyncio.run(client.close())


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_a_cancelled_send_many_ends_what_is_under_way_and_its_journal_goes_on(
    serve: Serve, tmp_path: Path, times: int
) -> None:
    """What was under way is settled, nothing new begins, and a second run sends the rest, each once."""
    gate = threading.Event()
    server = serve("hear", lambda r: answer(r) if gate.wait(NEVER) else b"")
    journal, messages = tmp_path / "run.journal", build_messages(5)

    async def iterate(client: AsyncClient) -> None:
        async for _ in client.send_many(messages, chunk=1, concurrency=1, journal=journal):
            raise AssertionError("no outcome was there to be yielded")

    async def main() -> int:
        async with make_client(server) as client:
            task = asyncio.create_task(iterate(client))
            await asyncio.to_thread(wait_for, lambda: server._requests)
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0.01)
            gate.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(wait_for, lambda: list_threads() == [])
            return len(server._requests)

    assert asyncio.run(main()) == 1
    with Client(server.url, auth=AUTH) as client:
        outcomes = list(client.send_many(messages, chunk=1, journal=journal))
    assert [(o.state, o.earlier) for o in outcomes] == [("accepted", n == 0) for n in range(5)]
    assert sorted(list_numbers(server)) == [o.to for o in outcomes]


def test_leaving_the_loop_ends_a_run(serve: Serve) -> None:
    """With aclosing nothing new begins after the loop was left, and no thread goes on."""
    server = serve("hear", answer)

    async def main() -> None:
        async with (
            make_client(server) as client,
            aclosing(client.send_many(build_messages(50), chunk=1, concurrency=1)) as outcomes,
        ):
            async for outcome in outcomes:
                assert outcome.state == "accepted"
                break

    asyncio.run(main())
    assert 1 <= len(server.finish()) < 50


def test_an_error_of_the_input_is_raised_after_what_came_before_it(serve: Serve) -> None:
    """As with Client: the messages before it are sent, then it is raised."""
    server = serve("hear", answer)

    def read() -> Iterator[Message]:
        yield from build_messages(2)
        raise KeyError("the input")

    states = []

    async def main() -> None:
        async with make_client(server) as client:
            async for outcome in client.send_many(read(), chunk=1):
                states.append(outcome.state)  # noqa: PERF401 - they are kept although it raises

    with pytest.raises(KeyError, match="the input"):
        asyncio.run(main())
    assert states == ["accepted", "accepted"]
