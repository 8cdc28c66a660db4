"""A callback server for delivery reports, of the standard library alone.

1. Reports are written one body after another, whatever the number of connections.
2. 200 is answered after they were written, never before. If writing fails the answer is 500, and the
   platform posts them again; so a report may come twice, but none is lost here.
3. Nothing of a body, a path or a third party's header is ever shown.
"""

from __future__ import annotations

import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from .errors import InvalidResponseError
from .webhooks import parse_delivery_reports

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms_schema import DeliveryReports

MAX_BODY = 4 * 2**20  # a batch has up to 100 reports by default, of a kilobyte or so each
_IDLE_TIMEOUT = 30.0  # seconds without a byte, after which a connection is given up
_MAX_SIZE_LINE = 1024  # bytes of a chunk's size line


class WebhookRejectedError(Exception):
    """A request is answered with this status and nothing is written."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


class WebhookServer(ThreadingHTTPServer):
    """Listens from when it is made.

    write: gets the reports of one body at a time; whatever it raises is answered with 500. If the
        reader of its output went away (BrokenPipeError), the listener stops.
    complain: gets a sentence for people about each body that was not taken.
    path: the one path that takes reports; None for any.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        host: str,
        port: int,
        write: Callable[[DeliveryReports], None],
        on_error: Callable[[str], None],
        *,
        path: str | None = None,
    ) -> None:
        self.write = write
        self.on_error = on_error
        self.path = path
        self.lock = threading.Lock()
        self.output_error: BrokenPipeError | None = None
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _WebhookServerHandler)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        name = str(host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}"

    def run(self) -> None:
        """Serve until interrupted; raise BrokenPipeError if there is nobody to write for."""
        try:
            self.serve_forever(poll_interval=0.1)
        finally:
            self.lock.acquire(timeout=_IDLE_TIMEOUT)  # what is being written is written to its end
            self.server_close()
        if self.output_error is not None:
            raise self.output_error

    def server_bind(self) -> None:
        """Bind without asking the network for this machine's name."""
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Say that a connection failed, without what it brought."""
        self.on_error("a connection broke")

    def accept(self, body: bytes, content_type: str | None) -> None:
        """Write the reports of a body; raise Rejected if it holds none or they cannot be written."""
        try:
            reports = parse_delivery_reports(body, content_type)
        except InvalidResponseError as problem:
            count = len(problem.violations)
            words = f"{len(body)} bytes that are no delivery reports ({count} violations)"
            raise WebhookRejectedError(HTTPStatus.BAD_REQUEST, words) from None
        with self.lock:
            try:
                self.write(reports)
            except BrokenPipeError as problem:
                self.output_error = problem
                threading.Thread(target=self.shutdown, daemon=True).start()
                raise WebhookRejectedError(
                    HTTPStatus.INTERNAL_SERVER_ERROR, "nobody reads the output"
                ) from None
            except Exception as problem:  # noqa: BLE001 - whatever it is, the reports are not written
                words = f"reports could not be written: {type(problem).__name__}"
                raise WebhookRejectedError(HTTPStatus.INTERNAL_SERVER_ERROR, words) from None


class _WebhookServerHandler(BaseHTTPRequestHandler):
    server: WebhookServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a response leaves at once
    timeout = _IDLE_TIMEOUT

    def do_POST(self) -> None:
        """Take reports."""
        try:
            self._require_path()
            body = self._read_body()
            self.server.accept(body, self.headers.get("Content-Type"))
        except WebhookRejectedError as refusal:
            self.server.on_error(f"{refusal.reason}; answered {refusal.status.value}")
            self._respond(refusal.status)
        else:
            self._respond(HTTPStatus.OK)

    def do_GET(self) -> None:
        """Say that reports are posted."""
        self.close_connection = True
        self._respond(HTTPStatus.METHOD_NOT_ALLOWED, "Delivery reports come here by POST.\n")

    do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_GET  # noqa: N815 - as http.server expects it

    def _require_path(self) -> None:
        if self.server.path not in {None, self.path.partition("?")[0]}:
            self.close_connection = True  # its body is not read
            raise WebhookRejectedError(HTTPStatus.NOT_FOUND, "a request to another path")

    def _read_body(self) -> bytes:
        last = self.close_connection  # as the version and the headers of the request say
        self.close_connection = True  # until the body has been read to its end
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = self._read_chunks()
        else:
            length = self.headers.get("Content-Length")
            if length is None:
                raise WebhookRejectedError(HTTPStatus.LENGTH_REQUIRED, "a request without a length")
            body = self._read(_parse_size(length, 10))
        self.close_connection = last
        return body

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := _parse_size(
            self.rfile.readline(_MAX_SIZE_LINE).partition(b";")[0].decode("latin-1"), 16
        ):
            _require_size(len(body) + size)
            body += self._read(size)
            self.rfile.readline(_MAX_SIZE_LINE)
        while self.rfile.readline(_MAX_SIZE_LINE).strip():  # trailers
            pass
        return bytes(body)

    def _read(self, size: int) -> bytes:
        _require_size(size)
        body = self.rfile.read(size)
        if len(body) < size:
            raise WebhookRejectedError(HTTPStatus.BAD_REQUEST, "a body that breaks off")
        return body

    def _respond(self, status: HTTPStatus, text: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "POST")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer a request that is no HTTP without repeating it."""
        self.close_connection = True
        self.request_version = self.protocol_version  # it may be too broken to have named one
        self._respond(HTTPStatus(code))

    def version_string(self) -> str:
        """Name the program and nothing that it runs on."""
        return "infobip-sms"

    def log_message(self, *words: object) -> None:
        """Say nothing: a path may hold a secret."""


def _parse_size(text: str, base: int) -> int:
    """Return a size of the wire: digits only, no signs or blanks inside as int() would take."""
    digits = text.strip()
    if not digits.isascii() or not digits.isalnum():
        raise WebhookRejectedError(HTTPStatus.BAD_REQUEST, "a length that is no number")
    try:
        return int(digits[:20], base)
    except ValueError:
        raise WebhookRejectedError(HTTPStatus.BAD_REQUEST, "a length that is no number") from None


def _require_size(size: int) -> None:
    if size > MAX_BODY:
        raise WebhookRejectedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body over {MAX_BODY} bytes"
        )
