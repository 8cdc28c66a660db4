"""The ASGI application of a sandbox: a thin shell around the engine.

    /sandbox/...    the inbox page, then control
    all else        the rules, with the troubles that are switched on

Lives here: reading a body up to a size, one state for all requests, waiting for what a test waits for.
Never here: what a request means, what its answer says; what happens by itself (timekeeping.py); sockets
(serve.py).
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from infobip_sms.sandbox.admin import inbox
from infobip_sms.sandbox.admin.api import (
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
from infobip_sms.sandbox.admin.request_log import Recorder
from infobip_sms.sandbox.api.http import HttpReply, HttpRequest, Refusal
from infobip_sms.sandbox.clock import Clock, read_clock
from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.mutants.fault_injection import Switches
from infobip_sms.sandbox.state.state import State

from .scheduler import Timekeeper, comes

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from infobip_sms.sandbox.api.app import App
    from infobip_sms.sandbox.state.data_file import Store

MAX_BODY = 32 * 2**20
LONGEST_LOOK = 1.0  # seconds; a client that waits no longer is noticed by then
LOST = "The data file of the sandbox cannot be written"


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
        self._switches, self._recorder = Switches(app), Recorder()
        self._desk = Desk(state, self._clock, self._switches)
        self._time = Timekeeper(state, self._clock, self._switches, store, stop)
        self._journey = asyncio.Lock()

    @property
    def _app(self) -> App:
        """The rules that answer now."""
        return self._switches.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or start and end with the server."""
        self._time.start()
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
        self._time.wake()

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
        if (delay := troubles.get("delay")) and await comes(self._time.era, delay.seconds):
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
        if not self._time.save():
            lost = Refusal(500, "GENERAL_ERROR", LOST)
            reply = self._app.refuse(lost, self._app.find_reply_wire(asked))
        self._recorder.record(asked, reply, now, range(before + 1, self._state.serial + 1))
        return reply

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
            on.broken,
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
                    await self._time.travel(travel.to)
                    reply = show_clock(self._desk)
                case Reset():
                    self._reset()
                    reply = build_reply(200, {})
                case HttpReply() as reply:
                    pass
        return reply if self._time.save() else build_reply(500, {"error": LOST})

    async def _wait(self, request: Request, wait: Wait) -> HttpReply:
        """Answer when enough messages fit, or when the time for that is over.

        Looking takes no more than half of the time, however many messages there are.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + wait.seconds
        while True:
            changed, began = self._time.changed, loop.time()
            enough = len(wait.search.find(self._state)) >= wait.count
            looked = loop.time()
            if enough or looked >= end or self._time.era.is_set():
                return show_messages(self._desk, wait)
            if await request.is_disconnected():
                raise ClientDisconnect
            await comes(changed, min(end - looked, LONGEST_LOOK))
            await asyncio.sleep(looked - began)

    def _reset(self) -> None:
        """Begin anew."""
        self._time.begin_era()
        self._state.clear()
        self._switches.reset()
        self._clock.reset()
        self._recorder.clear()
        self._time.wake()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._time.stop()
        await send({"type": "lifespan.shutdown.complete"})

    def end(self) -> None:
        """Let nobody wait any longer: the server is about to end."""
        self._time.end()


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
