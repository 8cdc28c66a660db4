"""The independent server's HTTP server."""

import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from tests.conformance.mutation.independent_server.bodies import Query
from tests.conformance.mutation.independent_server.replies import (
    DROPPED,
    Reply,
    build_error,
    write_reply,
)
from tests.conformance.mutation.independent_server.site import Request, Site
from tests.conformance.mutation.independent_server.twists.hooks import TwistedError

PIECE = 23


class Server(ThreadingHTTPServer):
    """A server with room for many connections."""

    daemon_threads = True
    request_queue_size = 128


class Handler(BaseHTTPRequestHandler):
    """Hands requests to the site."""

    site: ClassVar[Site]
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        """Answer one request."""
        body = self._read_body()
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        try:
            query = Query(parts.query, self.site.twist.query, path)
            request = Request(self.command, path, query, self.headers, body)
            reply = self.site.answer(request)
        except TwistedError:
            reply = build_error(400, "BAD_REQUEST", "Bad request")
        except Exception:  # noqa: BLE001 - a server outlives its own faults
            reply = build_error(500, "GENERAL_ERROR", "Something went wrong.")
        if reply.status == DROPPED:
            self.close_connection = True
            return
        wanted = self.site.negotiate(self.headers)
        found = write_reply(reply, wanted, self.site.traits)
        if self.site.twist.written and reply.status < 400:
            found = self.site.twist.written(*found, request, wanted)
        self._write(reply, *found)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any  # noqa: N815 - names of the base

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _read_chunks(self) -> bytes:
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            continue
        return b"".join(chunks)

    def _write(self, reply: Reply, content_type: str, body: bytes) -> None:
        traits = self.site.traits
        headers = {"Server": "SMS API", "Date": formatdate(time.time(), usegmt=True)}
        if content_type:
            headers["Content-Type"] = content_type
        if reply.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="SMS API"'
        chunked = traits.takes("chunked") and bool(body) and self.request_version == "HTTP/1.1"
        headers |= (
            {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(body))}
        )
        if traits.takes("closes"):
            headers["Connection"] = "close"
        if traits.takes("http-1.0"):
            headers["Connection"] = "close"
        if traits.takes("html-401") and reply.status == 401:
            body = b"<html><body>Unauthorized</body></html>"
            headers |= {"Content-Type": "text/html", "Content-Length": str(len(body))}
            del headers["WWW-Authenticate"]
        self.send_response_only(reply.status, "" if traits.takes("no-reason-phrase") else None)
        for name, value in {**headers, **reply.headers}.items():
            self.send_header(name.lower() if traits.takes("lower-case-headers") else name, value)
        self.end_headers()
        self.wfile.write(_split(body) if chunked else body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the base
        """Log nothing: requests hold numbers and texts."""


def _split(body: bytes) -> bytes:
    pieces = [body[start : start + PIECE] for start in range(0, len(body), PIECE)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def build_server(site: Site, port: int) -> Server:
    """Bind a server to a port of the loopback interface; 0 is any free one."""
    version = "HTTP/1.0" if site.traits.takes("http-1.0") else "HTTP/1.1"
    return Server(
        ("127.0.0.1", port),
        type("SiteHandler", (Handler,), {"site": site, "protocol_version": version}),
    )
