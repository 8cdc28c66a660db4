"""A listener on this machine, in a thread of its own, for as long as a ``with`` block lasts."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from infobip_sms_conformance.errors import UsageError

HOST = "127.0.0.1"
BACKLOG = 1024
TIMEOUT = 10.0
ROUNDS = 8
"""Rounds of the event loop within which an accepted connection reaches its handler, and a closed one is gone."""
ConnectionHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Connections:
    """The connections of a listener, each with the task that serves it."""

    def __init__(self, handler: ConnectionHandler) -> None:
        self._handler = handler
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._open[task] = writer
        task.add_done_callback(self._drop)

    async def end(self, server: asyncio.Server) -> None:
        """Close all connections, also those that were accepted and have not reached the handler yet."""
        await let_loop_go_on()  # until they did: a closed server of Python 3.11 loses them
        server.close()
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await let_loop_go_on()  # transports close

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._handler(reader, writer)

    def _drop(self, task: asyncio.Task[None]) -> None:
        self._open.pop(task).close()


@contextmanager
def listen(handler: ConnectionHandler, port: int = 0) -> Iterator[str]:
    """Serve every connection; give the URL. UsageError where the port is taken."""
    loop, connections = asyncio.new_event_loop(), Connections(handler)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        starting = asyncio.start_server(connections.take, HOST, port, backlog=BACKLOG)
        try:
            server = asyncio.run_coroutine_threadsafe(starting, loop).result(TIMEOUT)
        except OSError as error:
            raise UsageError(f"--port {port}: {error.strerror}") from None
        try:
            yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
        finally:
            asyncio.run_coroutine_threadsafe(connections.end(server), loop).result(TIMEOUT)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(TIMEOUT)
        loop.close()


async def let_loop_go_on() -> None:
    """Wait until the event loop has done what it has begun."""
    for _ in range(ROUNDS):
        await asyncio.sleep(0)
