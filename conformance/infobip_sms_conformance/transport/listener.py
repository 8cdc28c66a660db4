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
ConnectionHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def listen(handler: ConnectionHandler, port: int = 0) -> Iterator[str]:
    """Serve every connection; give the URL. WrongUsage where the port is taken."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    tasks: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "this is one"
        tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await handler(reader, writer)
        tasks.discard(task)

    async def end(server: asyncio.Server) -> None:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the next round

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
