"""One request, one answer, over http.client, and to this machine only.

Lives here: the rule that only loopback is spoken to, and the limits on time and size.
Never here: what is sent, and what the answer means.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from ipaddress import ip_address
from threading import Event, Timer
from urllib.parse import urlsplit

SECONDS = 5.0
LARGEST_REPLY = 10_000_000
TOO_LATE = f"no complete reply within {SECONDS:g} s"


class WrongTarget(ValueError):
    """The URL is not one that the suite speaks to."""


class NoAnswer(Exception):
    """No complete answer came; ``slow`` when the time ran out."""

    def __init__(self, reason: str, *, slow: bool = False) -> None:
        super().__init__(reason)
        self.slow = slow


@dataclass(frozen=True)
class Target:
    """Where the server is."""

    host: str
    port: int
    path: str

    def __str__(self) -> str:
        """Return the URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.path}"


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of a reply."""

    status: int
    headers: Message
    body: bytes

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty when there is none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def parse_target(url: str, path: str) -> Target:
    """Return the target of a base URL; WrongTarget when it is not for this suite."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        raise WrongTarget("the URL cannot be read") from None
    if parts.scheme != "http" or parts.query or parts.fragment:
        raise WrongTarget("the URL has to look like http://127.0.0.1:8080")
    if "@" in parts.netloc:
        raise WrongTarget("credentials go into --user and --password, not into the URL")
    if not check_loopback(host):
        raise WrongTarget("only loopback servers for now: localhost, 127.0.0.0/8 or [::1]")
    return Target(host, port, parts.path.rstrip("/") + path)


def check_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's loopback interface."""
    try:
        return host == "localhost" or ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def send(target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
    """POST a body and return the answer; NoAnswer when none comes in time and in full."""
    connection = HTTPConnection(target.host, target.port, timeout=SECONDS)
    late = Event()
    try:
        connection.connect()
        check_peer(connection.sock)
        with limit_time(connection.sock, late):
            connection.request("POST", target.path, body, dict(headers))
            answer = read_answer(connection.getresponse())
    except (OSError, HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise NoAnswer(TOO_LATE, slow=True) from None
        raise NoAnswer(describe(error)) from None
    finally:
        connection.close()
    # The end that the time limit makes can look like the end of the reply.
    if late.is_set():
        raise NoAnswer(TOO_LATE, slow=True)
    return answer


@contextmanager
def limit_time(sock: socket.socket, late: Event) -> Iterator[None]:
    """End a connection when its time is up, however busily the server dribbles."""
    timer = Timer(SECONDS, shut, [sock, late])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def check_peer(sock: socket.socket) -> None:
    """Raise OSError when a name has led away from this machine."""
    if not check_loopback(sock.getpeername()[0]):
        raise OSError("the connection left this machine")


def shut(sock: socket.socket, late: Event) -> None:
    """End a connection whose time is up."""
    late.set()
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def read_answer(response: HTTPResponse) -> Answer:
    """Read a reply up to the largest size that is taken."""
    body = response.read(LARGEST_REPLY + 1)
    if len(body) > LARGEST_REPLY:
        raise HTTPException(f"the reply is larger than {LARGEST_REPLY} bytes")
    if response.length:
        raise IncompleteRead(body, response.length)
    return Answer(response.status, response.headers, body)


def describe(error: Exception) -> str:
    """Say what went wrong on the connection, without anything that the server wrote."""
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ConnectionError):
        return "the connection was lost"
    return f"the reply is not HTTP ({type(error).__name__})"
