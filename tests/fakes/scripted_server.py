"""A server on a loopback socket that plays a script of bytes, and remembers what it heard.

A script is a row of steps. Each connection plays it from the start, over and over, until the client
hangs up or a step ends it:

    "hear"      read one request
    "taste"     read the first bytes of a request and leave the rest unread
    bytes       send them; or a function that makes them of the request that was heard last
    Drip        send bytes one by one, with a pause before each
    "await"     wait for the first byte of a request and leave it unread
    "hold"      do nothing until the test has its result; a script with it is played once
    "close"     hang up
    "reset"     hang up with RST: the client sees "connection reset by peer"

With ``later`` the first connection plays the script, and all others play ``later``.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self, TypeAlias

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

    Step: TypeAlias = "bytes | Callable[[ReceivedRequest], bytes] | str | Drip"

PATIENCE = 20.0  # seconds; no test needs them, they only end one that hangs
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 seconds


class ReceivedRequest(NamedTuple):
    """One request as it came; header names are in lower case."""

    connection: int
    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def find(self, name: str) -> str:
        """Return the value of a header that was sent once."""
        (value,) = [value for known, value in self.headers if known == name]
        return value


class Drip(NamedTuple):
    """Bytes that come slowly."""

    whole: bytes
    pause: float


class Server:
    """Plays one script to every client; what it heard is known once it has finished."""

    def __init__(
        self,
        *script: Step,
        tls: ssl.SSLContext | None = None,
        later: tuple[Step, ...] | None = None,
        port: int = 0,
    ) -> None:
        self._script = script
        self._later = script if later is None else later
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", port))
        self._place = self._listener.getsockname()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._place[1]}"
        self._requests: list[ReceivedRequest] = []
        self._players: list[threading.Thread] = []
        self._finished = threading.Event()
        self._last: object = None
        self._doorman = threading.Thread(target=self._welcome, daemon=True)
        self._doorman.start()

    @property
    def connections(self) -> int:
        """How many connections were made; all of them once the server has finished."""
        return len(self._players)

    def finish(self) -> list[ReceivedRequest]:
        """Take every connection that waits, let all of them end, and return what was heard."""
        if not self._finished.is_set():
            self._finished.set()
            with socket.socket() as last:  # queues up behind all others, so that none is missed
                last.bind(("127.0.0.1", 0))
                self._last = last.getsockname()
                last.connect(self._place)
                self._doorman.join(PATIENCE)
            self._listener.close()
        self.settle()
        return self._requests

    def settle(self) -> None:
        """Wait until every connection so far has ended."""
        for player in self._players:
            player.join(PATIENCE)
            assert not player.is_alive(), "a connection did not end"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.finish()

    def _welcome(self) -> None:
        while True:
            guest, name = self._listener.accept()
            if name == self._last:
                guest.close()
                return
            player = threading.Thread(
                target=self._play, args=(guest, len(self._players)), daemon=True
            )
            self._players.append(player)
            player.start()

    def _play(self, guest: socket.socket, number: int) -> None:
        guest.settimeout(PATIENCE)
        with guest, suppress(OSError):
            if self._tls is not None:
                with self._tls.wrap_socket(guest, server_side=True) as guarded:
                    self._play_over(guarded, number)
            else:
                self._play_over(guest, number)

    def _play_over(self, guest: socket.socket, number: int) -> None:
        script = self._later if number else self._script
        with guest.makefile("rb") as reader:
            going_on = True
            while going_on:
                going_on = all(self._do(step, guest, reader, number) for step in script)
                going_on = going_on and "hold" not in script

    def _do(self, step: Step, guest: socket.socket, reader: BinaryIO, number: int) -> bool:
        """Do one step; tell whether the connection goes on."""
        match step:
            case "hear":
                return self._hear(reader, number)
            case "await":
                return bool(guest.recv(1, socket.MSG_PEEK))
            case "taste":
                return bool(guest.recv(64))
            case "hold":
                return self._finished.wait(PATIENCE)
            case "reset":
                guest.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                return False
            case "close":
                return False
            case bytes():
                guest.sendall(step)
                return True
            case Drip():
                for byte in step.whole:
                    time.sleep(step.pause)
                    guest.sendall(bytes([byte]))
                return True
        assert callable(step), step
        guest.sendall(step([r for r in self._requests if r.connection == number][-1]))
        return True

    def _hear(self, reader: BinaryIO, number: int) -> bool:
        line = reader.readline().decode("latin-1").strip()
        if not line:
            return False
        headers = []
        while head := reader.readline().decode("latin-1").strip():
            name, _, value = head.partition(":")
            headers.append((name.lower(), value.strip()))
        length = int(dict(headers).get("content-length", "0"))
        self._requests.append(ReceivedRequest(number, line, headers, reader.read(length)))
        return True
