"""A webhook server for delivery reports, built on the standard library.

1. Reports are written one body at a time, whatever the number of connections.
2. A body is acknowledged with 200 after it was written, never before. If writing fails the response is
   500 and the platform posts the reports again; a report may arrive twice, but none is lost here.
3. Bodies, paths and received headers are never shown.
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

    from infobip_sms_schema import DeliveryReports, Violation

MAX_BODY = 4 * 2**20  # bytes; a batch has up to 100 reports by default, of about 1 kB each
_IDLE_TIMEOUT = 30.0  # seconds without a byte before a connection is closed
_MAX_SIZE_LINE = 1024  # bytes
_MAX_SHOWN = 3  # violations


class WebhookRejectedError(Exception):
    """A request gets this status, and nothing is written."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


class WebhookServer(ThreadingHTTPServer):
    """Accepts connections as soon as it is created.

    write: called with the reports of one body at a time; any exception is answered with 500. After
        BrokenPipeError (its output pipe is closed) the server stops.
    on_error: called with a message about each body that was rejected.
    path: the only path that accepts reports; None for any.
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
        """The URL that the server listens on."""
        host, port = self.server_address[:2]
        name = str(host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}"

    def run(self) -> None:
        """Serve until interrupted; raise BrokenPipeError if the output pipe was closed."""
        try:
            self.serve_forever(poll_interval=0.1)
        finally:
            self.lock.acquire(timeout=_IDLE_TIMEOUT)  # let a write in progress finish
            self.server_close()
        if self.output_error is not None:
            raise self.output_error

    def server_bind(self) -> None:
        """Bind without a DNS lookup of this machine's name."""
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Report that a connection failed, without its content."""
        self.on_error("a connection was lost")

    def accept(self, body: bytes, content_type: str | None) -> None:
        """Write the reports of a body; raise WebhookRejectedError if it has none or writing fails."""
        try:
            reports = parse_delivery_reports(body, content_type)
        except InvalidResponseError as error:
            problems = _describe(error.violations)
            reason = f"{len(body)} bytes that are not delivery reports: {problems}"
            raise WebhookRejectedError(HTTPStatus.BAD_REQUEST, reason) from None
        with self.lock:
            try:
                self.write(reports)
            except BrokenPipeError as error:
                self.output_error = error
                threading.Thread(target=self.shutdown, daemon=True).start()
                raise WebhookRejectedError(
                    HTTPStatus.INTERNAL_SERVER_ERROR, "the output pipe is closed"
                ) from None
            except Exception as error:  # noqa: BLE001 - in any case the reports are not written
                reason = f"reports could not be written: {type(error).__name__}"
                raise WebhookRejectedError(HTTPStatus.INTERNAL_SERVER_ERROR, reason) from None
        if reports.unreadable:
            self.on_error(
                f"reports that cannot be read: {_describe(reports.unreadable)}; responded with 200"
            )


class _WebhookServerHandler(BaseHTTPRequestHandler):
    server: WebhookServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a response leaves at once
    timeout = _IDLE_TIMEOUT

    def do_POST(self) -> None:
        """Accept reports."""
        try:
            self._require_path()
            body = self._read_body()
            self.server.accept(body, self.headers.get("Content-Type"))
        except WebhookRejectedError as rejection:
            self.server.on_error(f"{rejection.reason}; responded with {rejection.status.value}")
            self._respond(rejection.status)
        else:
            self._respond(HTTPStatus.OK)

    def do_GET(self) -> None:
        """Say that reports must be posted."""
        self.close_connection = True
        self._respond(HTTPStatus.METHOD_NOT_ALLOWED, "Send delivery reports with POST.\n")

    do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_GET  # noqa: N815 - as http.server expects it

    def _require_path(self) -> None:
        if self.server.path not in {None, self.path.partition("?")[0]}:
            self.close_connection = True  # its body is not read
            raise WebhookRejectedError(HTTPStatus.NOT_FOUND, "a request to another path")

    def _read_body(self) -> bytes:
        close = self.close_connection  # as requested by HTTP version and headers
        self.close_connection = True  # until the whole body has been read
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = self._read_chunks()
        else:
            length = self.headers.get("Content-Length")
            if length is None:
                raise WebhookRejectedError(HTTPStatus.LENGTH_REQUIRED, "a request without a length")
            body = self._read(_parse_size(length, 10))
        self.close_connection = close
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
            raise WebhookRejectedError(HTTPStatus.BAD_REQUEST, "an incomplete body")
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
        """Respond to a request that is not HTTP without quoting it."""
        self.close_connection = True
        self.request_version = self.protocol_version  # it may name none
        self._respond(HTTPStatus(code))

    def version_string(self) -> str:
        """Name the program, not the platform that it runs on."""
        return "infobip-sms"

    def log_message(self, *words: object) -> None:
        """Log nothing: a path may contain a secret."""


def _describe(violations: tuple[Violation, ...]) -> str:
    """Describe the first violations; none contains a value of the body."""
    more = len(violations) - _MAX_SHOWN
    shown = "; ".join(map(str, violations[:_MAX_SHOWN]))
    return f"{shown}; and {more} more" if more > 0 else shown


def _parse_size(text: str, base: int) -> int:
    """Return a size: digits only, without the signs and spaces that int() accepts."""
    digits = text.strip()
    if not digits.isascii() or not digits.isalnum():
        raise WebhookRejectedError(HTTPStatus.BAD_REQUEST, "a length that is not a number")
    try:
        return int(digits[:20], base)
    except ValueError:
        raise WebhookRejectedError(
            HTTPStatus.BAD_REQUEST, "a length that is not a number"
        ) from None


def _require_size(size: int) -> None:
    if size > MAX_BODY:
        raise WebhookRejectedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body over {MAX_BODY} bytes"
        )
