"""The sandbox on a socket: a thin ASGI shell around the engine, with the clock of the machine.

Lives here: listening on loopback, reading a body up to a size, one state for all requests, and
sleeping until something is due.
Never here: what a request means, what its answer says, what happens when.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from .app import App, HttpReply, HttpRequest, Refusal, State
from .engine import advance, settle, take_postings
from .push import Pusher
from .pushes import find_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from .pushes import Answer

HOST = "127.0.0.1"
MAX_BODY = 32 * 2**20
AT_ONCE = 100  # reports that are written before requests are looked at again
LONGEST_SLEEP = 60.0  # seconds; a machine that was asleep itself is noticed by then
_LOG = logging.getLogger(__name__)


def read_clock() -> dt.datetime:
    """Return the instant that it is."""
    return dt.datetime.now(dt.UTC)


def make_asgi(
    app: App, state: State | None = None, clock: Callable[[], dt.datetime] = read_clock
) -> ASGIApp:
    """Return the ASGI application of a sandbox: every request of any kind goes to the rules."""
    return Shell(app, State() if state is None else state, clock)


class Shell:
    """One sandbox; its state is touched by the thread of the event loop alone."""

    def __init__(self, app: App, state: State, clock: Callable[[], dt.datetime]) -> None:
        self._app, self._state, self._clock = app, state, clock
        self._pusher = Pusher()
        self._woken = asyncio.Event()
        self._timekeeper: asyncio.Task[None] | None = None
        self._seen = len(state.pushes)
        self._named: set[str] = set()

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
        await Response(reply.body, reply.status, reply.headers)(scope, receive, send)
        self._woken.set()

    async def _answer(self, request: Request, scope: Scope) -> HttpReply:
        body = await _read_body(request)
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = scope["query_string"].decode("latin-1")
        asked = HttpRequest(request.method, path, headers, body or b"", query)
        if body is None:
            large = Refusal(413, "BAD_REQUEST", f"The body is larger than {MAX_BODY} bytes")
            return self._app.refuse(large, self._app.find_reply_wire(asked))
        return self._app.handle(asked, self._state, self._clock())

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
        while True:
            now = self._clock()
            advance(self._state, now, self._app.settings)
            self._push(now)
            due = self._state.find_next()
            pause = LONGEST_SLEEP if due is None else (due - self._clock()).total_seconds()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), min(max(pause, 0.0), LONGEST_SLEEP))
            self._woken.clear()

    def _push(self, now: dt.datetime) -> None:
        loop = asyncio.get_running_loop()
        for posting in take_postings(self._state, now, self._app.settings, AT_ONCE):

            def tell(answer: Answer, number: int = posting.push) -> None:
                with suppress(RuntimeError):  # the loop has ended, and with it the sandbox
                    loop.call_soon_threadsafe(self._settle, number, answer)

            self._pusher.submit(posting, tell)
        self._warn()

    def _settle(self, number: int, answer: Answer) -> None:
        settle(self._state, number, answer, self._clock())
        self._woken.set()

    def _warn(self) -> None:
        """Say once of each host that reports are not pushed there."""
        for number in range(self._seen + 1, len(self._state.pushes) + 1):
            push = self._state.pushes[number]
            target = find_target(self._state.messages[push.sms].content.notify_url or "")
            host = target.host if target else "a notify URL"
            if push.end == "dead" and not push.attempts and host not in self._named:
                self._named.add(host)
                _LOG.warning("sandbox: reports to %s are not pushed: %s", host, push.reason)
        self._seen = len(self._state.pushes)


def run(app: App, port: int, announce: Callable[[str], None]) -> None:
    """Serve until interrupted; announce the URL once connections are taken. Port 0 finds a free one."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
        announce(f"http://{HOST}:{listener.getsockname()[1]}")
        config = uvicorn.Config(
            make_asgi(app),
            log_level="warning",
            access_log=False,
            lifespan="on",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        uvicorn.Server(config).run(sockets=[listener])


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
