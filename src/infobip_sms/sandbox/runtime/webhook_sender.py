"""Posts delivery reports to callback servers, in the event loop of the sandbox.

Reports for one server are posted one after the other, in the order of submission, each over a connection of
its own. One deadline covers the whole attempt, and the status line ends it, whatever follows. A server that
does not respond delays nobody else's reports; only beyond ``MAX_SERVERS`` servers they take turns.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import h11

from infobip_sms.sandbox.lifecycle.webhooks import USER_AGENT, WebhookResult

from .outgoing_connections import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms.sandbox.lifecycle.webhooks import Server, WebhookRequest

    Job = tuple[WebhookRequest, Callable[[WebhookResult], None]]

ATTEMPT_TIMEOUT = 10.0  # seconds to look up the host, connect, post and receive the status line
MAX_SERVERS = 256  # servers posted to at the same time
BATCH_SIZE = 50  # reports for one server before its turn ends
_LINGER = (
    1.0  # seconds to receive the rest of a response, so that its sender sees no broken connection
)
_MAX_RESPONSE_BYTES = 2**16  # read from a response; headers and body are ignored
_MAX_INTERIM_LINES = 1_000  # of responses such as 100 and 103 before the final one
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")
_FAILURES = (OSError, ValueError, EOFError, asyncio.LimitOverrunError, h11.ProtocolError)


class WebhookSender:
    """Posts reports in the background, to at most ``max_servers`` servers at once."""

    def __init__(self, max_servers: int = MAX_SERVERS) -> None:
        self._waiting: dict[Server, deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(max_servers)

    def submit(
        self, webhook_request: WebhookRequest, on_result: Callable[[WebhookResult], None]
    ) -> None:
        """Queue a report; ``on_result`` is called from the event loop."""
        server = webhook_request.target.server
        if server in self._waiting:
            self._waiting[server].append((webhook_request, on_result))
            return
        self._waiting[server] = deque([(webhook_request, on_result)])
        task = asyncio.get_running_loop().create_task(self._serve(server))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def drop(self) -> None:
        """Discard queued reports; those being posted are not interrupted."""
        for waiting in self._waiting.values():
            waiting.clear()

    async def _serve(self, server: Server) -> None:
        """Post the reports for one server until none are queued."""
        waiting = self._waiting[server]
        try:
            while waiting:
                async with self._places:
                    await _post_batch(waiting)
        finally:
            del self._waiting[server]


async def _post_batch(waiting: deque[Job]) -> None:
    """Post up to BATCH_SIZE reports; stop at the first one without a response."""
    for _ in range(BATCH_SIZE):
        if not waiting:
            return
        webhook_request, on_result = waiting.popleft()
        exchange = _Exchange()
        try:
            result = await exchange.post(webhook_request)
            asyncio.get_running_loop().call_soon(on_result, result)
            await exchange.receive_rest()
        finally:
            exchange.close()
        if result.status is None:
            return


class _Exchange:
    """One attempt over one connection."""

    def __init__(self) -> None:
        self._protocol = h11.Connection(h11.CLIENT)
        self._writer: asyncio.StreamWriter | None = None
        self._status_line = b""

    async def post(self, webhook_request: WebhookRequest) -> WebhookResult:
        """Post one report and return its result; redirections are not followed."""
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT):
                self._reader, self._writer = await connect(webhook_request.target)
                self._writer.write(self._dump(webhook_request))
                status = await self._read_status()
        except Exception as error:  # noqa: BLE001 - whatever it is, the report is tried again
            reason = self._describe_failure(error)
            return WebhookResult(None, reason, timed_out=isinstance(error, TimeoutError))
        return WebhookResult(status, f"HTTP {status}")

    async def receive_rest(self) -> None:
        """Receive the rest of the response, for a short time."""
        if self._status_line:
            with suppress(*_FAILURES):
                async with asyncio.timeout(_LINGER):
                    await self._skip_response()

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.transport.abort()

    def _dump(self, webhook_request: WebhookRequest) -> bytes:
        target = webhook_request.target
        host = f"[{target.host}]" if ":" in target.host else target.host.encode("idna").decode()
        headers = [
            ("Host", host if target.has_default_port else f"{host}:{target.port}"),
            ("User-Agent", USER_AGENT),
            ("Content-Type", webhook_request.content_type),
            ("Content-Length", str(len(webhook_request.body))),
            ("Connection", "close"),
        ]
        head = h11.Request(method="POST", target=target.path, headers=headers)
        events = (head, h11.Data(data=webhook_request.body), h11.EndOfMessage())
        return b"".join(self._protocol.send(event) or b"" for event in events)

    async def _read_status(self) -> int:
        """Return the status of the response as soon as it is known; skip interim responses."""
        is_first = True
        for _ in range(_MAX_INTERIM_LINES):
            line = await self._reader.readuntil(b"\n")
            if is_first:
                found = _STATUS_LINE.fullmatch(line)
                if found is None:
                    raise ValueError("not a status line")
                if (status := int(found[1])) >= 200:
                    self._status_line = line
                    return status
            is_first = not line.strip()
        raise ValueError("interim responses without end")

    async def _skip_response(self) -> None:
        """Receive the rest of a response, but not more than _MAX_RESPONSE_BYTES."""
        data = self._status_line
        for _ in range(_MAX_RESPONSE_BYTES // 2**10):
            self._protocol.receive_data(data)
            while (event := self._protocol.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                    return
            data = await self._reader.read(2**10)

    def _describe_failure(self, error: Exception) -> str:
        """Say why there is no response, without quoting anything that the server sent."""
        match error:
            case socket.gaierror():
                return "host name not found"
            case UnicodeError():
                return "invalid host name"
            case ssl.SSLError():
                return "TLS failed"
            case TimeoutError():
                return "connection timed out" if self._writer is None else "response timed out"
            case ConnectionRefusedError():
                return "connection refused"
            case OSError() if self._writer is None:
                return "could not connect"
        return f"no valid response ({type(error).__name__})"
