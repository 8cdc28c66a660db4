"""A proxy on a loopback socket that tunnels CONNECT, forwards requests with an absolute URL, and records their heads."""

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
    """Forwards every request, or rejects it."""

    def __init__(self, rejection: bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        self._rejection = rejection
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.place = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.place}"
        self.heads: list[str] = []
        self.seen = b""
        self._run(self._accept)

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

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._run(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(PATIENCE)
        with suppress(OSError):
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
            with client:
                self._pass_on(client)

    def _pass_on(self, client: socket.socket) -> None:
        whole = b""
        while b"\r\n\r\n" not in whole:
            piece = client.recv(2**16)
            if not piece:
                return
            whole += piece
        head, _, rest = whole.partition(b"\r\n\r\n")
        self.heads.append(head.decode("latin-1"))
        self.seen += whole
        if self._rejection:
            client.sendall(self._rejection)
            return
        method, target, _ = self.heads[-1].partition("\r\n")[0].split(" ")
        place = target if method == "CONNECT" else urlsplit(target).netloc
        host, _, port = place.rpartition(":")
        with socket.create_connection((host, int(port)), PATIENCE) as server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(head + b"\r\n\r\n" + rest)
            self._pass_between(client, server)

    def _pass_between(self, client: socket.socket, server: socket.socket) -> None:
        """Copy both ways until either ends; in one thread, as no TLS socket is read and written at once."""
        peers = {client: server, server: client}
        with suppress(OSError):
            while ready := self._find_ready(client, server):
                for source in ready:
                    piece = source.recv(2**16)
                    if not piece:
                        return
                    self.seen += piece
                    peers[source].sendall(piece)

    def _find_ready(self, client: socket.socket, server: socket.socket) -> list[socket.socket]:
        """Return the sockets with data; an empty list after a timeout."""
        if isinstance(client, ssl.SSLSocket) and client.pending():
            return [client]
        return select.select([client, server], [], [], PATIENCE)[0]
