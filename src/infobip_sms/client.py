"""The client: the only module that opens a connection.

Lives here: the connection pool, timeouts, what a network error means, the log line of a call.
Never here: what a request or a reply says (exchange.py), retries of what may have arrived.
"""

from __future__ import annotations

import ipaddress
import logging
import ssl
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Self

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from .errors import BadReply, NoAnswer, RequestRefused, Violation
from .exchange import Auth, Reply
from .operations import Operations

if TYPE_CHECKING:
    from types import TracebackType

    from .exchange import Call
    from .media import Wire

DEFAULT_URL = "https://api.infobip.com"
DEFAULT_TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)
MAX_REPLY = 64 * 2**20
_CHUNK = 2**16
_LOG = logging.getLogger("infobip_sms")
_CERTAINLY_UNSENT = (NewConnectionError, ConnectTimeoutError)


class Client(Operations):
    """Sends text messages; safe to share between threads.

    base_url: scheme and host, such as ``https://api.infobip.com``. Credentials are refused over
        plain http to any host but loopback (AUTH-005).
    auth: ``Basic``, ``ApiKey``, ``IbssoToken`` or ``Bearer``.
    wire: ``"json"`` or ``"xml"``, the format of requests and replies.
    timeout: seconds for each of connecting and reading, or a ``urllib3.Timeout``; 5 and 30 seconds
        if left out.
    connections: how many are kept open; as many as there are threads that send.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        auth: Auth,
        wire: Wire = "json",
        timeout: float | urllib3.Timeout = DEFAULT_TIMEOUT,
        connections: int = 10,
    ) -> None:
        self._prefix = check_base_url(base_url)
        if not isinstance(auth, Auth):
            wants = "Basic, ApiKey, IbssoToken or Bearer"
            raise RequestRefused([Violation("auth", "something else", wants, "AUTH-005")])
        super().__init__(auth, wire)
        self._pool = urllib3.connection_from_url(
            base_url,
            maxsize=connections,
            block=False,
            timeout=timeout,
            retries=False,
            headers={"User-Agent": f"infobip-sms/{version('infobip-sms')}"},
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        host = f"[{self._pool.host}]" if ":" in self._pool.host else self._pool.host
        return f"{type(self).__name__}({self._pool.scheme}://{host}:{self._pool.port})"

    def _exchange(self, call: Call, timeout: float | None) -> Reply:
        started = time.monotonic()
        try:
            reply = self._perform(call, timeout)
        except (NoAnswer, BadReply) as problem:
            self._log(call, started, type(problem).__name__)
            raise
        self._log(call, started, str(reply.status))
        return reply

    def _perform(self, call: Call, timeout: float | None) -> Reply:
        limit = self._pool.timeout if timeout is None else timeout
        if not isinstance(limit, urllib3.Timeout):
            limit = urllib3.Timeout.from_float(limit)  # a bad number is the caller's ValueError
        try:
            response = self._pool.urlopen(
                call.method,
                self._prefix + call.path,
                body=call.body,
                headers={**self._pool.headers, **call.headers},
                redirect=False,
                preload_content=False,
                timeout=limit,
            )
            return _read_reply(response)
        except (HTTPError, ValueError) as problem:  # ValueError: a chunk of negative size
            raise _find_no_answer(problem) from None

    def _log(self, call: Call, started: float, outcome: str) -> None:
        took = time.monotonic() - started
        _LOG.info("%s %s -> %s in %.3f s", call.method, call.route, outcome, took)


def check_base_url(url: str) -> str:
    """Return the URL's path without its last slash; raise RequestRefused if it is not usable."""
    try:
        parts = urllib3.util.parse_url(url)
        (parts.host or "").strip("[]").encode("idna")
    except (LocationParseError, UnicodeError):
        parts = urllib3.util.Url()
    extra = parts.auth or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not parts.host or extra:
        wants = "http:// or https:// and a host, without user, query or fragment"
        raise RequestRefused([Violation("base_url", "another form", wants, "AUTH-005")])
    if parts.scheme == "http" and not is_loopback(parts.host):
        wants = "https for every host but loopback"
        raise RequestRefused([Violation("base_url", "plain http", wants, "AUTH-005")])
    return (parts.path or "").rstrip("/")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself."""
    bare = host.strip("[]")
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return bare.lower() == "localhost"


def _read_reply(response: urllib3.BaseHTTPResponse) -> Reply:
    """Read a whole reply, but no more than MAX_REPLY bytes, compressed or not."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    body = bytearray()
    try:
        declared = headers.get("content-length", "")
        _check_size(int(declared[:20]) if declared.isdecimal() else 0, response.status, headers)
        while chunk := response.read(_CHUNK, decode_content=True):
            body += chunk
            _check_size(len(body), response.status, headers)
    except DecodeError:
        response.close()  # what was unpacked so far tells no more than the status does
    except BaseException:
        response.close()
        raise
    response.release_conn()
    return Reply(response.status, headers, bytes(body))


def _check_size(size: int, status: int, headers: dict[str, str]) -> None:
    if size > MAX_REPLY:
        wants = f"at most {MAX_REPLY} bytes"
        problem = Violation("", "a larger body", wants, "HTTP-003")
        raise BadReply((problem,), status, b"", headers)


def _find_no_answer(problem: HTTPError | ValueError) -> NoAnswer:
    untrusted = isinstance(problem, SSLError) and isinstance(
        next(iter(problem.args), None), ssl.SSLCertVerificationError
    )
    if untrusted or isinstance(problem, _CERTAINLY_UNSENT):
        return NoAnswer(_name(problem), "no")
    return NoAnswer(_name(problem), "maybe")


def _name(problem: HTTPError | ValueError) -> str:
    names = {
        NewConnectionError: "no connection could be made",  # before its parent class
        ConnectTimeoutError: "connecting took too long",
        SSLError: "the TLS connection could not be made",
        ReadTimeoutError: "the reply took too long",
    }
    return next(
        (n for kind, n in names.items() if isinstance(problem, kind)), "the connection broke"
    )
