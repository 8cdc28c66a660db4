"""The shell of a sandbox without a server: who waits, what is kept of the clock, when it sleeps."""

from __future__ import annotations

import asyncio
import datetime as dt
import http.client
import json
import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from infobip_sms.sandbox import running
from infobip_sms.sandbox.admin.search import Search
from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpRequest
from infobip_sms.sandbox.clock import VirtualClock
from infobip_sms.sandbox.config import SandboxSettings
from infobip_sms.sandbox.runtime.asgi import SandboxASGI
from infobip_sms.sandbox.state.data_file import DataFile
from infobip_sms.sandbox.state.state import State
from tests.cli.runs import PROGRAM
from tests.sandbox.admin.calls import BASIC, PATIENCE, SEND, TO, Answer, Asking, ask, build, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = dt.datetime(2030, 1, 1, 12, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
BROKEN = "Could not write the data file of the sandbox"


class Machine:
    """The clock of a machine, which a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        """Return the instant that it is."""
        return self.now


class Visitor:
    """One client of a shell; it stays until it leaves."""

    def __init__(self, shell: SandboxASGI, method: str, target: str, body: bytes = b"") -> None:
        self._shell, self._sent = shell, [{"type": "http.request", "body": body}]
        self._left = asyncio.Event()
        path, _, query = target.partition("?")
        headers = {"host": "127.0.0.1", "authorization": BASIC, "content-type": "application/json"}
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode()}
        self._scope = {**scope, "headers": pairs}
        self.got: list[Any] = []

    def leave(self) -> None:
        """Close the connection."""
        self._left.set()

    async def come(self) -> Answer | None:
        """Ask; return the answer, or None if there was none."""
        await self._shell(self._scope, self._receive, self._send)
        if not self.got:
            return None
        return Answer(self.got[0]["status"], {}, self.got[1]["body"])

    async def _receive(self) -> Any:
        if self._sent:
            return self._sent.pop()
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, event: Any) -> None:
        await asyncio.sleep(0)
        self.got.append(event)


async def visit(shell: SandboxASGI, method: str, target: str, body: Any = None) -> Answer:
    """Make one request."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = await Visitor(shell, method, target, content).come()
    assert answer is not None
    return answer


def make_shell(
    state: State | None = None, clock: Any = None, store: DataFile | None = None
) -> SandboxASGI:
    """Return a shell with the documented account."""
    app = App(SandboxSettings("Aladdin", "open sesame", delay=0))
    return SandboxASGI(app, State() if state is None else state, clock or VirtualClock(), store)


def count_looks(shell: SandboxASGI) -> list[None]:
    """Return a list that grows with each time that the shell looks at what is due."""
    looks: list[None] = []
    happen = shell._scheduler._process_due

    def look() -> bool:
        looks.append(None)
        return happen()

    shell._scheduler._process_due = look  # type: ignore[method-assign]  # counts only
    return looks


# ---------------------------------------------------------------- who waits


def test_nobody_waits_for_a_client_that_has_left() -> None:
    """Its wait ends within moments, without an answer, and not after its ten minutes."""

    async def play() -> Answer | None:
        shell = make_shell()
        visitor = Visitor(shell, "GET", f"/sandbox/messages?to={TO}&wait=600")
        waiting = asyncio.create_task(visitor.come())
        await visit(shell, "POST", SEND, build("41793026834"))
        assert not waiting.done()
        visitor.leave()
        async with asyncio.timeout(60):
            return await waiting

    assert asyncio.run(play()) is None


def test_a_server_tells_that_a_client_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with a socket in between: what waits is over soon after the connection is."""
    waiting, over = threading.Event(), threading.Event()
    wait = SandboxASGI._wait_for_messages

    async def watch(*arguments: Any) -> Any:
        waiting.set()
        try:
            return await wait(*arguments)
        finally:
            over.set()

    monkeypatch.setattr(SandboxASGI, "_wait_for_messages", watch)
    with running() as sandbox:
        client = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=PATIENCE)
        client.request("GET", "/sandbox/messages?wait=600")
        assert waiting.wait(PATIENCE)
        assert not over.is_set()
        client.close()
        assert over.wait(PATIENCE)


def test_waiting_leaves_time_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a look takes long, not every change is looked at."""
    looks: list[None] = []

    def find(*_: object) -> list[Any]:
        looks.append(None)
        time.sleep(0.05)
        return []

    async def play() -> None:
        shell = make_shell()
        waiting = asyncio.create_task(visit(shell, "GET", "/sandbox/messages?wait=600"))
        for _ in range(100):
            shell._scheduler.wake()
            await asyncio.sleep(0)
        shell.end()
        await waiting

    monkeypatch.setattr(Search, "select", find)
    asyncio.run(play())

    assert 1 < len(looks) < 10


def test_requests_are_recorded_with_what_was_answered() -> None:
    """Also those that a fault rejected; control is not among them."""

    async def play() -> list[int]:
        shell = make_shell()
        await visit(shell, "POST", SEND, build(TO))
        await visit(shell, "POST", "/sandbox/faults", {"status": 503})
        await visit(shell, "POST", SEND, build(TO))
        return [exchange.status for exchange in shell._request_log]

    assert asyncio.run(play()) == [503, 200]


def test_the_end_of_a_server_ends_all_waiting() -> None:
    """A wait is answered with what there is, a delayed request not at all, a time travel where it is."""

    async def play() -> tuple[Any, ...]:
        shell = make_shell()
        shell._scheduler._webhook_sender = Silent()  # type: ignore[assignment]  # no report is ever answered
        await visit(shell, "POST", SEND, build(TO, notifyUrl="http://127.0.0.1:9/"))
        paths = {"GET": f"/sandbox/messages?to={TO}&wait=600&count=2", "POST": "/sandbox/clock"}
        tasks = [
            asyncio.create_task(visit(shell, method, path, {"advance": 60}))
            for method, path in paths.items()
        ]
        for _ in range(50):
            await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)
        shell.end()
        async with asyncio.timeout(60):
            return tuple(await asyncio.gather(*tasks))

    waited, travelled = asyncio.run(play())

    assert (waited.status, waited.plain["total"]) == (408, 1)
    assert travelled.status == 200


class Silent:
    """A pusher whose reports are never answered."""

    def submit(self, *_: object) -> None:
        """Forget it."""

    def drop(self) -> None:
        """Forget all."""


@pytest.mark.parametrize("frozen", [True, False])
def test_a_sandbox_sleeps_until_something_is_due(frozen: bool) -> None:
    """It does not look again and again: not at what a frozen clock never reaches, nor at a far day."""

    async def play() -> int:
        shell = make_shell(clock=VirtualClock(Machine() if frozen else dt_now, frozen=frozen))
        looks = count_looks(shell)
        soon = dt.timedelta(milliseconds=1) if frozen else HOUR
        late = ((START if frozen else dt_now()) + soon).isoformat()
        assert (await visit(shell, "POST", SEND, build(TO, sendAt=late))).status == 200
        for _ in range(100):
            await asyncio.sleep(0.002)
        return len(looks)

    assert asyncio.run(play()) <= 4


def dt_now() -> dt.datetime:
    """Return the instant that it is."""
    return dt.datetime.now(dt.UTC)


def test_no_message_after_a_reset_meets_a_journey_of_before() -> None:
    """Also one that is accepted before the time travel has noticed that it is over."""
    machine = Machine()
    late = {"sendAt": (START + HOUR / 2).isoformat()}
    request = HttpRequest(
        "POST",
        SEND,
        {"authorization": BASIC, "content-type": "application/json"},
        build(TO, **late),
    )

    async def play() -> tuple[dt.datetime, list[Any]]:
        shell = make_shell(clock=VirtualClock(machine))
        shell._scheduler._webhook_sender = Silent()  # type: ignore[assignment]  # no report is ever answered
        await visit(shell, "POST", SEND, build(TO, notifyUrl="http://127.0.0.1:9/"))
        journey = asyncio.create_task(visit(shell, "POST", "/sandbox/clock", {"advance": 3600}))
        for _ in range(50):
            await asyncio.sleep(0)
        assert shell._clock.is_stopped
        shell._reset()
        shell._run_app(request)
        await journey
        return shell._clock.now(), list(shell._state.messages.values())

    now, (message,) = asyncio.run(play())

    assert now == START
    assert message.sent_at is None


# ---------------------------------------------------------------- what is kept of the clock


def reopen(
    path: Path, machine: Machine, *, frozen: bool = False
) -> tuple[SandboxASGI, DataFile, VirtualClock]:
    """Start a sandbox with a data file."""
    store, clock = DataFile(path, "seed"), VirtualClock(machine, frozen=frozen)
    return make_shell(store.load(), clock, store), store, clock


@pytest.mark.parametrize("frozen", [True, False])
def test_a_clock_is_kept_with_the_data(tmp_path: Path, frozen: bool) -> None:
    """Ahead of the machine or frozen, as it was; what is scheduled is as far away as before."""
    machine = Machine()
    shell, store, clock = reopen(tmp_path / "d", machine)

    async def begin() -> None:
        late = (START + 3 * HOUR).isoformat()
        assert (await visit(shell, "POST", SEND, build(TO, sendAt=late))).status == 200
        await visit(shell, "POST", "/sandbox/clock", {"freeze": frozen})
        await visit(shell, "POST", "/sandbox/clock", {"advance": 7200})

    asyncio.run(begin())
    before = clock.now()
    store.close()
    machine.now += dt.timedelta(minutes=10)
    shell, store, clock = reopen(tmp_path / "d", machine)

    async def go_on() -> tuple[Any, Any]:
        shown = (await visit(shell, "GET", "/sandbox/clock")).plain
        await visit(shell, "POST", "/sandbox/clock", {"jump": "next"})
        return shown, (await visit(shell, "GET", "/sandbox/messages")).plain["messages"][0]

    shown, message = asyncio.run(go_on())
    store.close()

    assert before == START + 2 * HOUR
    now = before if frozen else before + dt.timedelta(minutes=10)
    assert (dt.datetime.fromisoformat(shown["now"]), shown["frozen"]) == (now, frozen)
    assert dt.datetime.fromisoformat(shown["next"]) == START + 3 * HOUR
    assert dt.datetime.fromisoformat(message["sentAt"]) == START + 3 * HOUR
    assert clock.now() == START + 3 * HOUR


def test_a_clock_that_is_to_begin_frozen_does_so_with_any_data(tmp_path: Path) -> None:
    """At the instant that it would be otherwise; a reset leaves it frozen at that of the machine."""
    machine = Machine()
    shell, store, _ = reopen(tmp_path / "d", machine)
    asyncio.run(visit(shell, "POST", "/sandbox/clock", {"advance": 3600}))
    store.close()
    machine.now += HOUR
    shell, store, clock = reopen(tmp_path / "d", machine, frozen=True)
    machine.now += HOUR
    began = clock.now(), clock.frozen
    asyncio.run(visit(shell, "POST", "/sandbox/reset", {}))
    store.close()

    assert began == (START + 2 * HOUR, True)
    assert (clock.now(), clock.frozen) == (START + 2 * HOUR, True)


def test_a_reset_is_kept_too(tmp_path: Path) -> None:
    """The clock of the next start is that of the machine."""
    machine = Machine()
    shell, store, _ = reopen(tmp_path / "d", machine)

    async def play() -> None:
        await visit(shell, "POST", SEND, build(TO))
        await visit(shell, "POST", "/sandbox/clock", {"freeze": True})
        await visit(shell, "POST", "/sandbox/clock", {"advance": 7200})
        assert (await visit(shell, "POST", "/sandbox/reset", {})).status == 200

    asyncio.run(play())
    store.close()
    machine.now += HOUR
    shell, store, clock = reopen(tmp_path / "d", machine)
    store.close()

    assert (clock.now(), clock.frozen) == (START + HOUR, False)
    assert shell._state.messages == {}


@contextmanager
def run_sandbox(path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Give a sandbox that is a process of its own, and its URL; it is killed at the end."""
    words = [*PROGRAM, "sandbox", "--port", "0", "--data", str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().partition("sandbox: ")[2].strip()
        finally:
            process.kill()


def test_a_sandbox_that_is_killed_on_a_journey_goes_on_from_its_last_stop(tmp_path: Path) -> None:
    """A process of its own: the clock is at no stop for ever, and the report comes once more."""
    path, late = tmp_path / "d", (dt_now() + 5 * HOUR).isoformat(timespec="milliseconds")
    with run_sandbox(path) as (victim, url), Asking(lambda _: victim.kill()) as callback:
        send(url, TO, sendAt=late, notifyUrl=callback.url)
        with pytest.raises(OSError):  # noqa: PT011 - any end of the connection
            ask(url, "POST", "clock", {"advance": 6 * 3600})
        victim.wait()
        with run_sandbox(path) as (_, again):
            clock, until = ask(again, "GET", "clock").plain, time.monotonic() + PATIENCE
            callback.wait(2)
            while ask(again, "GET", "clock").plain["now"] == clock["now"]:
                assert time.monotonic() < until, "it stands"

    assert not clock["frozen"]
    assert late <= clock["now"] < (dt_now() + 6 * HOUR).isoformat()


def test_control_says_when_nothing_can_be_kept(tmp_path: Path) -> None:
    """A full disk is 500 to whoever changes something, and nothing pretends to be done."""
    shell, store, _ = reopen(tmp_path / "d", Machine())

    async def play() -> list[Answer]:
        for _ in range(3):
            await visit(shell, "POST", SEND, build(TO, text="long " * 999))
        (pages,) = store._file.execute("PRAGMA page_count").fetchone()
        store._file.execute(f"PRAGMA max_page_count = {pages}")
        await visit(shell, "POST", SEND, build(TO, text="longer " * 9999))
        asked = [("DELETE", "messages"), ("POST", "clock"), ("POST", "reset")]
        return [await visit(shell, m, f"/sandbox/{place}", {"advance": 1}) for m, place in asked]

    answers = asyncio.run(play())
    store.close()

    assert [(a.status, a.error) for a in answers] == [(500, BROKEN)] * 3
