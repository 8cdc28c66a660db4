"""The ASGI application of a sandbox: a thin shell around the engine, with a clock.

    /sandbox/...    the inbox page, then control
    all else        the rules, with the troubles that are switched on

A reset ends an era: what still waits by then, a delayed request or a journey of the clock, does not
reach into the next.

Lives here: reading a body up to a size, one state for all requests, sleeping until something is due,
waiting for what a test waits for, the journeys of the clock.
Never here: what a request means, what its answer says, what happens when; sockets (serve.py).
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Literal

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from . import inbox
from .app import App, HttpReply, HttpRequest, Refusal, State
from .clock import Clock, read_clock
from .control import (
    PREFIX,
    Desk,
    Reset,
    Travel,
    Wait,
    build_reply,
    control,
    show_clock,
    show_messages,
)
from .engine import advance, settle, take_postings
from .push import Pusher
from .pushes import find_target
from .recorder import Recorder
from .store import StoreError
from .switches import Switches

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from .pushes import Answer
    from .store import Store

MAX_BODY = 32 * 2**20
AT_ONCE = 100  # reports that are written before requests are looked at again
LONGEST_SLEEP = 60.0  # seconds; a machine that was asleep itself is noticed by then
LONGEST_LOOK = 1.0  # seconds; a client that waits no longer is noticed by then
LOST = "The data file of the sandbox cannot be written"
_LOG = logging.getLogger(__name__)


def make_asgi(
    app: App, state: State | None = None, clock: Callable[[], dt.datetime] = read_clock
) -> ASGIApp:
    """Return the ASGI application of a sandbox: every request of any kind goes to the rules."""
    return Shell(app, State() if state is None else state, clock)


class Shell:
    """One sandbox; its state is touched by the thread of the event loop alone."""

    def __init__(
        self,
        app: App,
        state: State,
        clock: Callable[[], dt.datetime],
        store: Store | None = None,
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._state, self._clock = state, clock if isinstance(clock, Clock) else Clock(clock)
        if state.clock is not None:
            self._clock.restore(state.clock)
        self._store, self._stop = store, stop
        self._switches, self._recorder = Switches(app), Recorder()
        self._desk = Desk(state, self._clock, self._switches)
        self._pusher = Pusher()
        self._flying: set[int] = set()
        """Reports that wait for the answer of a callback server."""
        self._woken, self._changed = asyncio.Event(), asyncio.Event()
        self._journey = asyncio.Lock()
        self._era = asyncio.Event()
        """Set when what began in it is to come to nothing: by a reset, and at the end."""
        self._timekeeper: asyncio.Task[None] | None = None
        self._seen = state.pushed
        self._named: set[str] = set()

    @property
    def _app(self) -> App:
        """The rules that answer now."""
        return self._switches.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or start and end with the server."""
        self._start()
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        request = Request(scope, receive)
        try:
            reply = await self._answer(request, scope)
        except ClientDisconnect:
            return
        if reply is None:
            await _hang_up(receive, send)
        else:
            await Response(reply.body, reply.status, reply.headers)(scope, receive, send)
        self._wake()

    async def _answer(self, request: Request, scope: Scope) -> HttpReply | None:
        """Return the reply; None if the connection is to be dropped."""
        body = await _read_body(request)
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = scope["query_string"].decode("latin-1")
        asked = HttpRequest(request.method, path, headers, body or b"", query)
        is_control = f"{path}/".startswith(PREFIX)
        if body is None:
            large = Refusal(413, "BAD_REQUEST", f"The body is larger than {MAX_BODY} bytes")
            if is_control:
                return build_reply(large.status, {"error": large.text})
            return self._app.refuse(large, self._app.find_reply_wire(asked))
        if is_control:
            return await self._show_page(request, asked) or await self._control(request, asked)
        return await self._play(asked)

    async def _play(self, asked: HttpRequest) -> HttpReply | None:
        """Answer a request to the API, with the troubles that are switched on."""
        troubles = self._switches.take_troubles()
        if (delay := troubles.get("delay")) and not await self._sleep(delay.seconds):
            return None
        drop = troubles.get("drop")
        if drop and not drop.after:
            return None
        if refused := troubles.get("status"):
            wire = self._app.find_reply_wire(asked)
            reply = self._app.refuse(refused.build_refusal(), wire)
            self._recorder.record(asked, reply, self._clock.now())
        else:
            reply = self._handle(asked)
        return None if drop else reply

    def _handle(self, asked: HttpRequest) -> HttpReply:
        """Let the rules answer, and keep what has come to pass by that."""
        now, before = self._clock.now(), self._state.serial
        reply = self._app.handle(asked, self._state, now)
        if not self._save():
            lost = Refusal(500, "GENERAL_ERROR", LOST)
            reply = self._app.refuse(lost, self._app.find_reply_wire(asked))
        self._recorder.record(asked, reply, now, range(before + 1, self._state.serial + 1))
        return reply

    async def _sleep(self, seconds: float) -> bool:
        """Wait by the clock of the machine; return False if the era ended meanwhile."""
        return not await _comes(self._era, seconds)

    # ------------------------------------------------------------ control

    async def _show_page(self, request: Request, asked: HttpRequest) -> HttpReply | None:
        """Answer a request for the inbox page, once what its button stands for is done."""
        now = self._clock.now()
        advance(self._state, now, self._app.settings)
        on = self._switches
        shown = inbox.Desk(
            self._state,
            now,
            self._recorder,
            self._clock.frozen,
            on.settings,
            on.fault,
            on.troubles,
        )
        found = inbox.find_page(asked, shown)
        if isinstance(found, inbox.Press):
            done = await self._control(request, found.request)
            return found.reply if done.status == 200 else done
        return found

    async def _control(self, request: Request, asked: HttpRequest) -> HttpReply:
        """Answer a request that is none of the API; those that set the clock come one by one."""
        advance(self._state, self._clock.now(), self._app.settings)
        sets_clock = asked.method == "POST" and asked.path == f"{PREFIX}clock"
        async with self._journey if sets_clock else nullcontext():
            match control(asked, self._desk):
                case Wait() as wait:
                    reply = await self._wait(request, wait)
                case Travel() as travel:
                    await self._travel(travel.to)
                    reply = show_clock(self._desk)
                case Reset():
                    self._reset()
                    reply = build_reply(200, {})
                case HttpReply() as reply:
                    pass
        return reply if self._save() else build_reply(500, {"error": LOST})

    async def _wait(self, request: Request, wait: Wait) -> HttpReply:
        """Answer when enough messages fit, or when the time for that is over.

        Looking takes no more than half of the time, however many messages there are.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + wait.seconds
        while True:
            changed, began = self._changed, loop.time()
            enough = len(wait.search.find(self._state)) >= wait.count
            looked = loop.time()
            if enough or looked >= end or self._era.is_set():
                return show_messages(self._desk, wait)
            if await request.is_disconnected():
                raise ClientDisconnect
            await _comes(changed, min(end - looked, LONGEST_LOOK))
            await asyncio.sleep(looked - began)

    async def _travel(self, to: dt.datetime | Literal["next"]) -> None:
        """Put the clock to an instant, and stop on the way wherever something is due.

        At each stop all reports that go out are answered before the clock goes on, so that a callback
        server sees every attempt at its time. A reset ends the journey.
        """
        era, steps = self._era, 0
        self._clock.hold()
        try:
            await self._land()
            end = self._state.find_next() if to == "next" else to
            while not era.is_set() and end and (due := self._state.find_next()) and due <= end:
                self._clock.jump(max(due, self._clock.now()))
                if not self._happen():
                    return
                await self._land()
                steps += 1
                if not steps % AT_ONCE:
                    await asyncio.sleep(0)
            if not era.is_set() and end:
                self._clock.jump(max(end, self._clock.now()))
        finally:
            if not era.is_set():
                self._clock.release()

    async def _land(self) -> None:
        """Wait until no report waits for its answer."""
        while self._flying and not self._era.is_set():
            await self._changed.wait()

    def _reset(self) -> None:
        """Begin anew; answers to reports of before are not listened to any more."""
        self._end_era()
        self._era = asyncio.Event()
        self._state.clear()
        self._switches.reset()
        self._clock.reset()
        self._recorder.clear()
        self._wake()

    def end(self) -> None:
        """Let nobody wait any longer: the server is about to end."""
        self._end_era()
        self._wake()

    def _end_era(self) -> None:
        self._era.set()
        self._pusher.drop()
        self._flying.clear()

    def _wake(self) -> None:
        """Let the timekeeper look again, and all who wait for a change."""
        self._woken.set()
        self._tell()

    def _tell(self) -> None:
        """Let all who wait for a change look again."""
        before, self._changed = self._changed, asyncio.Event()
        before.set()

    # ------------------------------------------------------------ time

    def _save(self) -> bool:
        """Bring what has changed onto the disk; if that fails, nothing is answered any more."""
        if self._store is None:
            return True
        self._state.clock = self._clock.position
        try:
            self._store.save(self._state)
        except StoreError:
            self._stop()
            return False
        return True

    def _start(self) -> None:
        """Begin to keep time with the first call; let its failure be seen by the next."""
        if self._timekeeper is None:
            self._timekeeper = asyncio.get_running_loop().create_task(self._keep_time())
        elif self._timekeeper.done():
            self._timekeeper.result()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        assert self._timekeeper is not None, "it was started before"
        self._timekeeper.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _keep_time(self) -> None:
        """Let happen what is due, then sleep until something is due or has changed."""
        while self._happen():
            due, now, pause = self._state.find_next(), self._clock.now(), LONGEST_SLEEP
            if due is not None and (due <= now or not self._clock.stands):
                pause = (due - now).total_seconds()
            await _comes(self._woken, min(pause, LONGEST_SLEEP))
            self._woken.clear()

    def _happen(self) -> bool:
        """Let happen what is due; return False if that cannot be kept."""
        now = self._clock.now()
        advance(self._state, now, self._app.settings)
        if not self._save():
            return False  # no report goes out that the file does not know
        self._push(now)
        self._tell()
        return True

    def _push(self, now: dt.datetime) -> None:
        loop = asyncio.get_running_loop()
        for posting in take_postings(self._state, now, self._app.settings, AT_ONCE):

            def tell(answer: Answer, number: int = posting.push) -> None:
                with suppress(RuntimeError):  # the loop has ended, and with it the sandbox
                    loop.call_soon_threadsafe(self._settle, number, answer)

            self._flying.add(posting.push)
            self._pusher.submit(posting, tell)
        self._warn()

    def _settle(self, number: int, answer: Answer) -> None:
        if number in self._state.pushes:  # it may have been forgotten meanwhile
            settle(self._state, number, answer, self._clock.now())
            self._save()
        self._flying.discard(number)
        self._wake()

    def _warn(self) -> None:
        """Say once of each host that reports are not pushed there."""
        for number in range(self._seen + 1, self._state.pushed + 1):
            push = self._state.pushes.get(number)
            if push is None:
                continue
            target = find_target(self._state.messages[push.sms].content.notify_url or "")
            host = target.host if target else "a notify URL"
            if push.end == "dead" and not push.attempts and host not in self._named:
                self._named.add(host)
                _LOG.warning("sandbox: reports to %s are not pushed: %s", host, push.reason)
        self._seen = self._state.pushed


async def _comes(event: asyncio.Event, seconds: float) -> bool:
    """Tell whether an event comes within so many seconds, as soon as it does.

    asyncio.wait_for of Python 3.11 loses a cancellation that comes together with the event.
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()


async def _read_body(request: Request) -> bytes | None:
    """Return the body, or None if it is too large; no more than MAX_BODY is held."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > MAX_BODY:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


async def _hang_up(receive: Receive, send: Send) -> None:
    """Close the connection without a word; ASGI has no way to say so, the server's transport has."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    assert transport is not None, "uvicorn's cycles have one"
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
