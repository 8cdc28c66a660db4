"""One request, one answer, over http.client."""

import socket
import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
    IncompleteRead,
    parse_headers,
)
from ipaddress import ip_address
from threading import Event, Timer
from time import monotonic, sleep
from urllib.parse import urlsplit

from infobip_sms_conformance.errors import UsageError

SECONDS = 10.0
SECONDS_BETWEEN_CONNECTIONS = 0.2
MAX_RESPONSE_BYTES = 2_000_000  # kept for every request of a run; 1,000 entries need a third of it
TIMED_OUT = f"no complete response within {SECONDS:g} s"
PORTS = {"http": 80, "https": 443}


class TargetError(UsageError):
    """The URL is not one that the suite speaks to."""


class ResponseSizeError(HTTPException):
    """The response has no end in sight."""


class NoResponseError(Exception):
    """No complete answer came; ``slow`` when the time ran out."""

    def __init__(self, reason: str, *, slow: bool = False) -> None:
        super().__init__(reason)
        self.slow = slow


@dataclass(frozen=True)
class TargetServer:
    """Where the server is; ``path`` is what stands before the paths of the contract."""

    scheme: str
    host: str
    port: int
    path: str = ""
    live: bool = False

    def __str__(self) -> str:
        """Return the URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(self.host)


@dataclass(frozen=True)
class RawRequest:
    """A request as it goes over the wire; ``path`` is the contract's, with the query."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class RawResponse:
    """Status, headers and body of a response."""

    status: int
    headers: Message
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty when there is none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def parse_target(url: str, *, live: bool = False, trust_http: Collection[str] = ()) -> TargetServer:
    """Return the target of a base URL; TargetError when it is not for this run.

    trust_http: hosts to which credentials may travel over http.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        raise TargetError("the URL cannot be read") from None
    if parts.scheme not in PORTS or not host or parts.query or parts.fragment:
        raise TargetError("the URL has to look like http://127.0.0.1:8080")
    if "@" in parts.netloc:
        raise TargetError("credentials go into --user and --password, not into the URL")
    target = TargetServer(parts.scheme, host, port, parts.path.rstrip("/"), live)
    if not target.is_loopback and not live:
        raise TargetError("a server that is not on this machine is checked with --live only")
    if not target.is_loopback and parts.scheme == "http" and host not in trust_http:
        raise TargetError(
            "credentials travel to other machines over https only; "
            f"--trust-http {host} allows http to this one"
        )
    return target


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's loopback interface."""
    try:
        return host == "localhost" or ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def send(target: TargetServer, request: RawRequest) -> RawResponse:
    """Send a request and return the answer; NoAnswer when none comes in time and in full."""
    connection = connect(target)
    late = Event()
    try:
        connection.connect()
        if not target.live:
            require_loopback_peer(connection.sock)
        with limit_time(connection.sock, late):
            path = target.path + request.path
            body = request.body or (b"" if request.method in {"POST", "PUT"} else None)
            connection.request(request.method, path, body, dict(request.headers))
            answer = read_response(connection.getresponse())
    except (OSError, HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise NoResponseError(TIMED_OUT, slow=True) from None
        raise NoResponseError(describe_error(error)) from None
    finally:
        connection.close()
    # The end that the time limit makes can look like the end of the response.
    if late.is_set():
        raise NoResponseError(TIMED_OUT, slow=True)
    return answer


def connect(target: TargetServer) -> HTTPConnection:
    """Return a connection that is not yet open; https is verified."""
    connection = HTTPConnection(target.host, target.port, timeout=SECONDS)
    if target.scheme == "https":
        context = ssl.create_default_context()
        connection = HTTPSConnection(target.host, target.port, timeout=SECONDS, context=context)
    connection.response_class = _FinalResponse
    return connection


class _FinalResponse(HTTPResponse):
    """The response after all interim ones, such as 103; http.client skips 100 alone."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc] # of http.client
            if not HTTPStatus.SWITCHING_PROTOCOLS < status < HTTPStatus.OK:
                return version, status, reason
            parse_headers(self.fp)


def wait_for_server(target: TargetServer, seconds: float) -> None:
    """Wait until a server accepts connections, at most for some seconds; nothing is sent."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        connection = connect(target)
        try:
            connection.connect()
        except (ConnectionError, TimeoutError):
            sleep(min(SECONDS_BETWEEN_CONNECTIONS, max(0.0, deadline - monotonic())))
        except (
            OSError
        ):  # nothing that time changes, such as a wrong name; the first request says so
            return
        else:
            return
        finally:
            connection.close()


@contextmanager
def limit_time(sock: socket.socket, late: Event) -> Iterator[None]:
    """End a connection when its time is up, however busily the server dribbles."""
    timer = Timer(SECONDS, shut_down, [sock, late])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def require_loopback_peer(sock: socket.socket) -> None:
    """Raise OSError when a name has led away from this machine."""
    if not is_loopback(sock.getpeername()[0]):
        raise OSError("the connection left this machine")


def shut_down(sock: socket.socket, late: Event) -> None:
    """End a connection whose time is up."""
    late.set()
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def read_response(response: HTTPResponse) -> RawResponse:
    """Read a response up to the largest size that is taken."""
    body = response.read(MAX_RESPONSE_BYTES + 1)
    if len(body) > MAX_RESPONSE_BYTES:
        raise ResponseSizeError
    if response.length:
        raise IncompleteRead(body, response.length)
    return RawResponse(response.status, response.headers, body)


def describe_error(error: Exception) -> str:
    """Say what went wrong on the connection, without anything that the server wrote."""
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ConnectionError):
        return "the connection was lost"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "the TLS certificate of the server could not be verified"
    if isinstance(error, ssl.SSLError):
        return f"no TLS connection ({type(error).__name__})"
    if isinstance(error, ResponseSizeError):
        return f"the response is larger than {MAX_RESPONSE_BYTES:,} bytes"
    if isinstance(error, IncompleteRead):
        return "the response broke off"
    return f"the response is not HTTP ({type(error).__name__})"


def get_phrase(status: int) -> str:
    """Return the usual words for a status; the server's own are not repeated."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
