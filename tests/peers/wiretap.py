"""A hop between a client and the sandbox that hands on every byte and keeps what it saw."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOP = {"connection", "keep-alive", "transfer-encoding", "server", "date", "content-length"}
_SECRET = "authorization"


@attrs.frozen
class Exchange:
    """One request and its response."""

    line: str
    """The first line of the request."""
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    status: int
    reply: bytes = attrs.field(repr=False)

    @property
    def method(self) -> str:
        """The method."""
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        """Path and query, as they were sent."""
        return self.line.split(" ")[1]

    def show(self) -> str:
        """Return all of it as text, without the secret of the account."""
        headers = [
            f"{name}: {'(masked)' if name.lower() == _SECRET else value}"
            for name, value in self.headers
        ]
        sent = self.body.decode(errors="replace")
        got = self.reply.decode(errors="replace")
        return "\n".join([self.line, *headers, "", sent, "", f"HTTP {self.status}", "", got])


class Tap:
    """What is listening, and what it has seen."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[Exchange] = []

    def take(self) -> list[Exchange]:
        """Return what was seen since the last time."""
        seen, self.seen = self.seen, []
        return seen


@contextmanager
def tap(upstream: str) -> Iterator[Tap]:
    """Listen on a free port, and hand everything on to a server."""
    host = urlsplit(upstream).netloc

    class Hop(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def hand_on(self) -> None:
            line, headers = self.requestline, tuple(self.headers.items())
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            connection = HTTPConnection(host, timeout=30)
            connection.request(self.command, line.split(" ")[1], body or None, dict(headers))
            response = connection.getresponse()
            content = response.read()
            connection.close()
            tapped.seen.append(Exchange(line, headers, body, response.status, content))
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = hand_on  # noqa: N815 - names of the base class

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - likewise
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hop) as server:
        server.daemon_threads = True
        tapped = Tap(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield tapped
        finally:
            server.shutdown()
