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


@contextmanager
def listen(handler: ConnectionHandler, port: int = 0) -> Iterator[str]:
    """Serve every connection; give the URL. WrongUsage where the port is taken."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = loop.create_task(serve(reader, writer))
        connections[task] = writer
        task.add_done_callback(drop)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await handler(reader, writer)

    def drop(task: asyncio.Task[None]) -> None:
        """Close a connection, also one that the handler never saw."""
        connections.pop(task).close()

    async def end(server: asyncio.Server) -> None:
        await (
            let_loop_go_on()
        )  # accepted connections reach their handlers: Python 3.11 loses them in a closed server
        server.close()
        tasks = list(connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await let_loop_go_on()  # transports close

    try:
        starting = asyncio.start_server(take, HOST, port, backlog=BACKLOG)
        try:
            server = asyncio.run_coroutine_threadsafe(starting, loop).result(TIMEOUT)
        except OSError as error:
            raise UsageError(f"--port {port}: {error.strerror}") from None
        try:
            yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
        finally:
            asyncio.run_coroutine_threadsafe(end(server), loop).result(TIMEOUT)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(TIMEOUT)
        loop.close()


async def let_loop_go_on() -> None:
    """Wait until the event loop has done what it has begun."""
    for _ in range(ROUNDS):
        await asyncio.sleep(0)
