"""A proxy on a loopback socket: tunnels for CONNECT, forwards what has a whole URL, remembers heads."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE = 20.0  # seconds; no test needs them, they only end one that hangs


class Proxy:
    """Passes on whatever comes, or says no."""

    def __init__(self, refusal: bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        self._refusal = refusal
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.place = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.place}"
        self.heads: list[str] = []
        self.seen = b""
        self._run(self._welcome)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a connection through the proxy did not end"

    def _run(self, task: object, *arguments: object) -> None:
        assert callable(task)
        thread = threading.Thread(target=task, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _welcome(self) -> None:
        while True:
            try:
                guest, _ = self._listener.accept()
            except OSError:
                return
            self._run(self._serve, guest)

    def _serve(self, guest: socket.socket) -> None:
        guest.settimeout(PATIENCE)
        with suppress(OSError):
            if self._tls is not None:
                guest = self._tls.wrap_socket(guest, server_side=True)
            with guest:
                self._pass_on(guest)

    def _pass_on(self, guest: socket.socket) -> None:
        whole = b""
        while b"\r\n\r\n" not in whole:
            piece = guest.recv(2**16)
            if not piece:
                return
            whole += piece
        head, _, rest = whole.partition(b"\r\n\r\n")
        self.heads.append(head.decode("latin-1"))
        self.seen += whole
        if self._refusal:
            guest.sendall(self._refusal)
            return
        method, target, _ = self.heads[-1].partition("\r\n")[0].split(" ")
        place = target if method == "CONNECT" else urlsplit(target).netloc
        host, _, port = place.rpartition(":")
        with socket.create_connection((host, int(port)), PATIENCE) as server:
            if method == "CONNECT":
                guest.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(head + b"\r\n\r\n" + rest)
            self._pass_between(guest, server)

    def _pass_between(self, guest: socket.socket, server: socket.socket) -> None:
        """Copy both ways until either ends; in one thread, as no TLS socket is read and written at once."""
        goals = {guest: server, server: guest}
        with suppress(OSError):
            while ready := self._find_ready(guest, server):
                for source in ready:
                    piece = source.recv(2**16)
                    if not piece:
                        return
                    self.seen += piece
                    goals[source].sendall(piece)

    def _find_ready(self, guest: socket.socket, server: socket.socket) -> list[socket.socket]:
        """Return what can be read from; none when nothing came for long."""
        if isinstance(guest, ssl.SSLSocket) and guest.pending():
            return [guest]
        return select.select([guest, server], [], [], PATIENCE)[0]
