"""The client: attempts, until one brings an answer or no further one is allowed."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, Any, Literal, Self

from infobip_sms.transport.connections import AttemptFailedError, ConnectionPool, build_context
from infobip_sms.transport.messages import Request, Response
from infobip_sms.transport.retry import AttemptFailure, Retry, RetryState, find_failure
from infobip_sms.transport.urls import find_proxy, parse_base_url

from .auth import Auth
from .codecs import XmlOptions
from .errors import Attempt, InvalidRequestError, InvalidResponseError, TransportError, Violation
from .operations import Operations

if TYPE_CHECKING:
    import ssl
    from pathlib import Path
    from types import TracebackType

    from .codecs import Engine, Wire

DEFAULT_URL = "https://api.infobip.com"
_DAY = 86_400.0
_NOT_SETTINGS = frozenset({"self", "__class__"})
_LOG = logging.getLogger("infobip_sms")


class Client(Operations):
    """Sends text messages.

    One client may be used by any number of threads at the same time; each call is an exchange
    of its own. It may be pickled (credentials are in the pickle), and used after a fork: the other
    process opens connections of its own.

    base_url: scheme and host, such as ``https://api.infobip.com``. Credentials are rejected over
        plain http to any host but loopback (AUTH-005).
    auth: ``Basic``, ``ApiKey``, ``IbssoToken`` or ``Bearer``.
    wire: ``"json"`` or ``"xml"``, the format of requests and responses.
    xml_engine: ``"generated"``, the codec that is derived from the schemas, or ``"xmlschema"``, which
        does the same at run time. Both give equal models and reject the same.
    validate_xml: have xmlschema validate every document that is sent or comes, whatever it costs.
        InvalidRequestError before anything is sent, and InvalidResponseError for a response.
    timeout: seconds for one attempt as a whole, from connecting to the last byte of the response.
    connect_timeout: seconds of it for making a connection, proxy and TLS included. Looking up a
        host's name is the system's affair: no timeout ends it.
    connections: how many are kept open; as many as there are threads that send.
    retry: which failed attempts are repeated, and when; None repeats nothing.
    proxy: URL of a proxy, ``http://`` or ``https://``, with ``user:password@`` if it needs one.
        None asks the environment once, now; ``""`` or False uses none. Calls over https go through
        a tunnel, so that the proxy sees neither credentials nor messages.
    ca: file of the certificates to trust instead of the system's, or an ``ssl.SSLContext``, which
        must verify certificates and host names.
    user_agent: what to call the program, such as ``"my-app/1.0"``; stands before our own name.

    The logger ``infobip_sms`` gets one INFO line for each attempt: method, route, outcome, number,
    time, and the wait before the next. No value of a request or a response is in it.
    """

    def __init__(  # noqa: PLR0913 - settings, each by its name
        self,
        base_url: str = DEFAULT_URL,
        *,
        auth: Auth,
        wire: Wire = "json",
        xml_engine: Engine = "generated",
        validate_xml: bool = False,
        timeout: float = 30.0,
        connect_timeout: float = 5.0,
        connections: int = 10,
        retry: Retry | None = Retry(),  # noqa: B008 - frozen
        proxy: str | Literal[False] | None = None,
        ca: str | Path | ssl.SSLContext | None = None,
        user_agent: str | None = None,
    ) -> None:
        self._settings = {n: v for n, v in locals().items() if n not in _NOT_SETTINGS}
        server = parse_base_url(base_url)
        super().__init__(_require_auth(auth), wire, XmlOptions(xml_engine, validate_xml))
        self._timeout = _require_seconds("timeout", timeout)
        self._retry = _require_retry(retry)
        self._headers = {"User-Agent": _build_user_agent(user_agent)}
        way = find_proxy(proxy, server)
        secure = "https" in {server.scheme, way and way.scheme}
        context = build_context(ca) if secure or ca is not None else None
        seconds = _require_seconds("connect_timeout", connect_timeout)
        self._connections = ConnectionPool(
            server, way, context, _require_count(connections), seconds
        )

    def close(self) -> None:
        """Close all connections; the client cannot be used any more."""
        self._connections.close()

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
        return f"{type(self).__name__}({self._connections.server.url})"

    def __getstate__(self) -> dict[str, Any]:
        ca = self._settings["ca"]
        if ca is not None and ca is self._connections.context:
            raise TypeError("a client with an SSLContext cannot be pickled; give ca as a file")
        return self._settings

    def __setstate__(self, settings: dict[str, Any]) -> None:
        self.__init__(**settings)  # type: ignore[misc] # a new client with the same settings

    def _send_request(self, request: Request, timeout: float | None) -> Response:
        usual = self._timeout if timeout is None else _require_seconds("timeout", timeout)
        headers = {**self._headers, **request.headers}
        request = Request(request.method, request.route, request.path, headers, request.body)
        _require_safe_request(request)
        attempts: list[Attempt] = []
        started = time.monotonic()
        while True:
            spent = RetryState(len(attempts), time.monotonic() - started, usual)
            result = self._attempt(request, self._retry.next_timeout(spent))
            failure = _find_failure(result)
            after = RetryState(len(attempts) + 1, time.monotonic() - started, usual)
            chance = random.random()  # noqa: S311 - spreads clients in time
            wait = self._retry.next_wait(failure, after, chance) if failure else None
            took = after.seconds - spent.seconds
            attempts.append(_build_attempt(result, failure, after.attempts, took, wait or 0.0))
            self._log(request, attempts[-1], retrying=wait is not None)
            if wait is None:
                return _require_response(result, tuple(attempts))
            time.sleep(wait)

    def _attempt(
        self, request: Request, timeout: float
    ) -> Response | InvalidResponseError | AttemptFailure:
        try:
            return self._connections.perform(request, timeout)
        except AttemptFailedError as problem:
            return problem.failure
        except InvalidResponseError as problem:
            return problem

    def _log(self, request: Request, attempt: Attempt, *, retrying: bool) -> None:
        _LOG.info(
            "%s %s -> %s, attempt %d of %d, in %.3f s%s",
            request.method,
            request.route,
            attempt.outcome,
            attempt.serial,
            self._retry.attempts,
            attempt.duration,
            f", next in {attempt.waited:.3f} s" if retrying else "",
        )


def _find_failure(
    result: Response | InvalidResponseError | AttemptFailure,
) -> AttemptFailure | None:
    if isinstance(result, AttemptFailure):
        return result
    if isinstance(result, InvalidResponseError):
        return AttemptFailure("a response that is too large", "maybe", "final")
    return find_failure(result.status, result.headers, time.time())


def _build_attempt(
    result: Response | InvalidResponseError | AttemptFailure,
    failure: AttemptFailure | None,
    serial: int,
    duration: float,
    waited: float,
) -> Attempt:
    if failure is not None:
        return Attempt(serial, failure.outcome, failure.sent, duration, waited)
    assert isinstance(result, Response), result
    return Attempt(serial, f"HTTP {result.status}", "maybe", duration, waited)


def _require_response(
    result: Response | InvalidResponseError | AttemptFailure, attempts: tuple[Attempt, ...]
) -> Response:
    """Return the last response, or raise the last error, with all that was tried."""
    if isinstance(result, AttemptFailure):
        raise TransportError(result.outcome, result.sent, attempts)
    if isinstance(result, InvalidResponseError):
        raise InvalidResponseError(
            result.violations, result.status, result.body, result.headers, attempts
        )
    return Response(result.status, result.headers, result.body, attempts)


def _require_auth(auth: object) -> Auth:
    if isinstance(auth, Auth):
        return auth
    expected = "Basic, ApiKey, IbssoToken or Bearer"
    raise InvalidRequestError([Violation("auth", "something else", expected, "AUTH-005")])


def _require_seconds(name: str, value: float) -> float:
    if type(value) not in {int, float} or not 0 < value <= _DAY:
        raise ValueError(f"{name}: expected seconds, more than 0, and at most a day")
    return float(value)


def _require_count(value: int) -> int:
    if type(value) is not int or value < 1:
        raise ValueError("connections: expected a whole number from 1")
    return value


def _require_retry(retry: object) -> Retry:
    if retry is None:
        return Retry.none()
    if isinstance(retry, Retry):
        return retry
    raise ValueError("retry: expected a Retry, or None to repeat nothing")


def _build_user_agent(user_agent: object) -> str:
    from importlib.metadata import version  # noqa: PLC0415 - not for the import alone

    ours = f"infobip-sms/{version('infobip-sms')}"
    if user_agent is None:
        return ours
    if (
        not isinstance(user_agent, str)
        or not user_agent.strip()
        or not _is_printable_ascii(user_agent)
    ):
        raise _build_error("user_agent", "visible ASCII and spaces")
    return f"{user_agent} {ours}"


def _require_safe_request(request: Request) -> None:
    """Reject what would break out of its line, before a connection is made."""
    if not _is_printable_ascii(request.path) or " " in request.path:
        raise _build_error("path", "visible ASCII")
    for name, value in request.headers.items():
        if not _is_printable_ascii(value):
            raise _build_error(name, "visible ASCII and spaces")


def _is_printable_ascii(value: str) -> bool:
    return value.isascii() and value.isprintable()


def _build_error(path: str, expected: str) -> InvalidRequestError:
    got = "characters that a header cannot carry"
    return InvalidRequestError([Violation(path, got, expected, "AUTH-005")])
