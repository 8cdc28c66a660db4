"""The sandbox on a socket: a thin ASGI shell around app.py.

Lives here: listening on loopback, reading a body up to a size, one state for all requests.
Never here: what a request means or what its answer says.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from .app import App, HttpRequest, Refusal, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
MAX_BODY = 32 * 2**20


def make_asgi(app: App) -> ASGIApp:
    """Return the ASGI application of a sandbox: every request of any kind goes to the rules."""
    state = State()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal state
        request = Request(scope, receive)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            body = await _read_body(request)
        except ClientDisconnect:
            return
        asked = HttpRequest(request.method, scope["path"], headers, body or b"")
        if body is None:
            large = Refusal(413, "BAD_REQUEST", f"The body is larger than {MAX_BODY} bytes")
            reply = app.refuse(large, app.find_reply_wire(asked))
        else:
            reply, state = app.handle(asked, state)
        await Response(reply.body, reply.status, reply.headers)(scope, receive, send)

    return application


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
            lifespan="off",
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
