"""The callback server of a run: it takes delivery reports, and rejects those that it should reject."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"
MAX_BODY_BYTES = 10_000_000
SECONDS = 10.0  # that one request may take
ACKNOWLEDGED = 200


def get_last_part(url: str) -> str:
    """Return the last part of the path of a URL, and the query behind it."""
    path, mark, query = url.partition("?")
    return path.rpartition("/")[2] + mark + query


@dataclass(frozen=True)
class WebhookCall:
    """One request to the callback server."""

    at: float
    """By the clock that ``time.time`` reads."""
    name: str
    """The last part of the path: which message's notify URL it was."""
    method: str
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)
    status: int = ACKNOWLEDGED
    """What it was answered with."""
    target: str = ""
    """The last part of the path as it came, and the query behind it."""


class WebhookReceiver:
    """The requests so far; ``answers`` has the first statuses for the names that are to be rejected."""

    def __init__(self, base: str, statuses_by_name: Mapping[str, Sequence[int]]) -> None:
        self.base = base
        self._statuses_by_name = {
            name: list(statuses) for name, statuses in statuses_by_name.items()
        }
        self._calls: list[WebhookCall] = []
        self._changed = threading.Condition()

    def build_url(self, name: str) -> str:
        """Return the notify URL of a name, with a capital, which no path loses."""
        return f"{self.base}/{name.capitalize()}"

    def receive(self, target: str, method: str, headers: Message, body: bytes) -> int:
        """Keep a request; return the status of its answer."""
        last = get_last_part(target)
        name = last.partition("?")[0].lower()
        with self._changed:
            left = self._statuses_by_name.get(name)
            status = left.pop(0) if left else ACKNOWLEDGED
            self._calls.append(WebhookCall(time.time(), name, method, headers, body, status, last))
            self._changed.notify_all()
            return status

    def calls(self, name: str | None = None) -> list[WebhookCall]:
        """Return the requests so far, of one name or of all, in the order in which they came."""
        with self._changed:
            return [hit for hit in self._calls if name in {None, hit.name}]

    def wait(self, condition: Callable[[list[WebhookCall]], bool], seconds: float) -> bool:
        """Wait until something holds of the requests so far; return whether it does."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self._calls), max(0.0, seconds))


class _ReceiverServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # reports come all at once, each on a connection of its own
    receiver: WebhookReceiver


class _ReceiverHandler(BaseHTTPRequestHandler):
    """Answers one connection; every method is recorded, the checks check it."""

    server: _ReceiverServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a response leaves at once
    timeout = SECONDS

    def handle_one_request(self) -> None:
        """Take any method."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.read_body()
        except (OSError, ValueError):
            self.close_connection = True
            return
        status = self.server.receiver.receive(self.path, self.command, self.headers, body)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.wfile.flush()

    def read_body(self) -> bytes:
        """Return the body, whole or in chunks; ValueError when it is too large or unreadable."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(self.read_chunks())
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= MAX_BODY_BYTES:
            raise ValueError("too large")
        return self.rfile.read(length)

    def read_chunks(self) -> Iterator[bytes]:
        """Yield the chunks of a body."""
        left = MAX_BODY_BYTES
        while size := int(self.rfile.readline(100).partition(b";")[0], 16):
            left -= size
            if left < 0:
                raise ValueError("too large")
            yield self.rfile.read(size)
            self.rfile.readline(3)
        while self.rfile.readline(65537).strip():
            pass

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""


@contextmanager
def start_receiver(
    statuses_by_name: Mapping[str, Sequence[int]], path: str, port: int = 0, host: str = HOST
) -> Iterator[WebhookReceiver]:
    """Listen on a port, or on a free one, for the time of a ``with`` block."""
    server = _ReceiverServer((host, port), _ReceiverHandler)
    server.receiver = WebhookReceiver(
        f"http://{host}:{server.server_port}/{path}", statuses_by_name
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.daemon = True
    thread.start()
    try:
        yield server.receiver
    finally:
        server.shutdown()
        server.server_close()
