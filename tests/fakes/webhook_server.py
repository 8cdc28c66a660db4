"""A callback server on a loopback socket, by the standard library."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from types import TracebackType


class Heard(NamedTuple):
    """One request."""

    at: float
    path: str
    content_type: str
    body: bytes


class CallbackServer:
    """Answers with each status once, and with the last one from then on."""

    def __init__(
        self, *statuses: int, body: bytes = b"", pause: float = 0.0, port: int = 0
    ) -> None:
        self.heard: list[Heard] = []
        self._statuses = list(statuses) or [200]
        self._changed = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                received = self.rfile.read(length)
                if len(received) < length:  # who posted has ended in the middle: no request
                    self.close_connection = True
                    return
                time.sleep(pause)
                status = outer._take(
                    Heard(time.monotonic(), self.path, self.headers["content-type"], received)
                )
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", outer.url + "/elsewhere")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def wait(self, count: int, seconds: float = 20.0) -> list[Heard]:
        """Wait until so many requests have come; return all that have."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= count, seconds), self.heard
            return list(self.heard)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, heard: Heard) -> int:
        with self._changed:
            self.heard.append(heard)
            self._changed.notify_all()
            return self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
