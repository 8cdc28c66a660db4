"""The sandbox on a socket of the loopback interface.

Lives here: listening, starting, ending.
Never here: what happens in between (shell.py).
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from .clock import Clock
from .incoming import Incoming
from .shell import Shell
from .state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .app import App
    from .store import Store

__all__ = ["Server", "Shell", "open_listener", "run"]

HOST = "127.0.0.1"


def run(
    app: App,
    port: int,
    announce: Callable[[str], None],
    store: Store | None = None,
    clock: Clock | None = None,
) -> None:
    """Serve until interrupted; announce the URL once connections are taken. Port 0 finds a free one.

    The clock stands by then as it stood when the file was left.
    Raises StoreError if the file cannot be read, or when it could no longer be written.
    """
    state = store.load() if store else State()

    def stop() -> None:
        server.should_exit = True

    with open_listener(port) as (listener, url):
        shell = Shell(app, state, clock or Clock(), store, stop)
        server = Server(shell, announce=lambda: announce(url))
        server.run(sockets=[listener])
    if store and store.problem:
        raise store.problem


@contextmanager
def open_listener(port: int) -> Iterator[tuple[socket.socket, str]]:
    """Give a socket that takes connections, and the URL of it."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
        yield listener, f"http://{HOST}:{listener.getsockname()[1]}"


class Server(uvicorn.Server):
    """Runs a shell; it is quiet and ends soon.

    announce: called once it runs, and an interruption ends it. guest: it runs in the process of somebody else, whose logging is left as it is.
    """

    def __init__(
        self, shell: Shell, *, guest: bool = False, announce: Callable[[], None] | None = None
    ) -> None:
        kind = _GuestConfig if guest else uvicorn.Config
        super().__init__(
            kind(
                shell,
                log_level="warning",
                access_log=False,
                lifespan="on",
                http=Incoming,
                ws="none",
                timeout_graceful_shutdown=1,
            )
        )
        self._shell, self._announce = shell, announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, then say so."""
        await super().startup(sockets)
        if self._announce:
            self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody wait any longer, then end."""
        self._shell.end()
        await super().shutdown(sockets)


class _GuestConfig(uvicorn.Config):
    """Settings that are for this server alone."""

    def configure_logging(self) -> None:
        """Leave the loggers of uvicorn to whoever has another server in this process."""
