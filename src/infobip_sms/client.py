"""The client: the attempts of a call, and a log line for each."""

from __future__ import annotations

import logging
import os
import random
import time
from typing import TYPE_CHECKING, Any, Literal, Self

import attrs

from infobip_sms.transport.cancellation import pause
from infobip_sms.transport.messages import (
    AttemptFailedError,
    Headers,
    Request,
    Response,
    require_safe_request,
)
from infobip_sms.transport.retry import AttemptFailure, Retry, RetryState, find_failure
from infobip_sms.transport.settings import TIMEOUT, build_setting_error, is_timeout
from infobip_sms.transport.urls import DEFAULT_URL

from .arguments import hint
from .auth import read_environment_auth
from .client_settings import Settings, build_pool, build_user_agent, configure_log
from .codecs import XmlOptions
from .errors import (
    Attempt,
    CallDescription,
    InvalidResponseError,
    TransportError,
    hide_locals,
)
from .operations import Operations

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path
    from types import TracebackType

    from .auth import Auth
    from .codecs import Engine, Wire

_CALL_HINT = 'Write Client("https://xxxxx.api.infobip.com", auth=ApiKey("…")).'
_OPTIONS_HINT = "Write with_options(timeout=10, retry=None, headers={…})."
_LOG = logging.getLogger("infobip_sms")
_SAME = Retry()


class Client(Operations):
    """Client for Infobip's SMS API. Thread-safe.

    It can be pickled (the pickle contains the credentials) and used after a fork, in which case the
    new process opens its own connections.

    base_url: scheme and host, such as ``https://api.infobip.com``. Credentials are sent over plain
        http to loopback hosts only (AUTH-005).
    auth: ``Basic``, ``ApiKey``, ``IbssoToken`` or ``Bearer``.
    wire: ``"json"`` or ``"xml"``, the format of requests and responses.
    xml_engine: ``"generated"``, the codec generated from the schemas, or ``"xmlschema"``, which
        interprets the schemas at run time and is slower. Both accept and reject the same documents.
    validate_xml: also validate every XML document with xmlschema, which is slow. Raises
        InvalidRequestError before anything is sent, or InvalidResponseError for a response.
    timeout: seconds for each attempt, from connecting to the last byte of the response; at most a day.
        A response that is rejected is not explained any further after that.
    connect_timeout: seconds for connecting, including proxy and TLS. DNS lookup is not covered by
        the timeout.
    connections: maximum number of idle connections that are kept; use the number of sending threads.
    retry: which failed attempts are retried, and when; None for no retries.
    proxy: ``http://`` or ``https://`` URL of a proxy, with ``user:password@`` if required. None reads
        the environment once, when the client is created; ``""`` or False uses no proxy. Requests over
        https are tunneled, so the proxy sees neither credentials nor messages.
    ca: file of the certificates to trust instead of the system's, or an ``ssl.SSLContext`` that
        verifies certificates and host names.
    user_agent: name of your application, such as ``"my-app/1.0"``; precedes our own name in the header.
    on_attempt: called after each attempt with its route, such as ``"POST /sms/2/text/advanced"``, and
        its Attempt: serial, outcome, sent, duration and waited. Neither has values of requests or
        responses. What it raises is logged and does not disturb the call.
    headers: more headers for every request.
    trust_http: hosts besides loopback to which credentials may go over plain http, such as a sandbox
        in another container. Everybody on the way can read them; a warning is logged.

    Raises InvalidRequestError or ValueError for an invalid setting.

    The logger ``infobip_sms`` gets one INFO line per attempt: method, route, outcome, number of the
    attempt, duration, and the wait before the next. It contains no values of requests or responses.
    ``INFOBIP_LOG=info`` in the environment writes it to standard error.
    """

    @hide_locals
    @hint(
        _CALL_HINT,
        base_uri="The URL is base_url.",
        cert="A client certificate goes into an ssl.SSLContext, which goes into ca.",
        host="The URL is base_url.",
        proxies="A proxy is proxy, one URL.",
        retries="Retries are retry=Retry(attempts=3).",
        url="The URL is base_url.",
        verify="TLS is always verified; ca is a file of other certificates to trust.",
    )
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
        on_attempt: Callable[[str, Attempt], object] | None = None,
        headers: Mapping[str, str] | None = None,
        trust_http: Collection[str] = (),
    ) -> None:
        given = {n: value for n, value in locals().items() if n in attrs.fields_dict(Settings)}
        self._settings = Settings(**given)
        configure_log()
        super().__init__(auth, wire, XmlOptions(xml_engine, validate_xml))
        self._headers = {"User-Agent": build_user_agent(user_agent), **self._settings.headers}
        self._connections = build_pool(self._settings)

    @classmethod
    @hide_locals
    def from_env(cls, **settings: Any) -> Self:
        """Return a client for the server and credentials of the environment, as the command line has.

        Reads ``INFOBIP_BASE_URL`` and ``INFOBIP_API_KEY``, or ``INFOBIP_USER`` and ``INFOBIP_PASSWORD``.

        settings: the other arguments of Client.

        Raises ValueError if the environment has no credentials.
        """
        url = os.environ.get("INFOBIP_BASE_URL") or DEFAULT_URL
        return cls(url, auth=read_environment_auth(), **settings)

    @hide_locals
    @hint(_OPTIONS_HINT, wire="wire is an argument of Client, and of each call.")
    def with_options(
        self,
        *,
        timeout: float | None = None,
        retry: Retry | None = _SAME,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """Return a client with other settings that shares the connections of this one.

        retry: None for no retries. headers: added to those of this client.

        Closing either client closes the connections of both.
        """
        changes: dict[str, Any] = {"headers": {**self._settings.headers, **(headers or {})}}
        if timeout is not None:
            changes["timeout"] = timeout
        if retry is not _SAME:
            changes["retry"] = retry
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._settings = attrs.evolve(self._settings, **changes)
        other._headers = {**self._headers, **other._settings.headers}
        return other

    def close(self) -> None:
        """Close all connections; the client cannot be used afterwards."""
        self._connections.close()

    def __enter__(self) -> Self:
        self._connections.require_open()
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
        ca = self._settings.ca
        if ca is not None and ca is self._connections.context:
            raise TypeError("a client with an SSLContext cannot be pickled; pass ca as a file")
        return {name: getattr(self._settings, name) for name in attrs.fields_dict(Settings)}

    def __setstate__(self, settings: dict[str, Any]) -> None:
        self.__init__(**settings)  # type: ignore[misc] # a new client with the same settings

    def _send_request(self, request: Request, timeout: float | None) -> Response:
        usual = self._settings.timeout if timeout is None else timeout
        if not is_timeout(usual):
            raise build_setting_error("timeout", TIMEOUT, usual)
        retry = self._settings.retry
        headers = Headers({**self._headers, **request.headers})
        request = Request(request.method, request.route, request.path, headers, request.body)
        require_safe_request(request)
        attempts: list[Attempt] = []
        started = time.monotonic()
        while True:
            spent = RetryState(len(attempts), time.monotonic() - started, usual)
            result = self._attempt(request, retry.next_timeout(spent), len(attempts))
            failure = _find_failure(result)
            after = RetryState(len(attempts) + 1, time.monotonic() - started, usual)
            chance = random.random()  # noqa: S311 - spreads clients in time
            wait = retry.next_wait(failure, after, chance) if failure else None
            took = after.seconds - spent.seconds
            attempts.append(_build_attempt(result, failure, after.attempts, took, wait or 0.0))
            self._log(request, attempts[-1], retrying=wait is not None)
            self._call_on_attempt(request, attempts[-1])
            if wait is None:
                host = self._connections.server.netloc
                return _require_response(result, tuple(attempts), request, host)
            pause(wait, attempts)

    def _attempt(
        self, request: Request, timeout: float, earlier: int
    ) -> Response | InvalidResponseError | AttemptFailure:
        """Make one attempt, after so many earlier ones; a subclass may observe it."""
        del earlier
        try:
            return self._connections.perform(request, timeout)
        except AttemptFailedError as error:
            return error.failure
        except InvalidResponseError as error:
            return error

    def _log(self, request: Request, attempt: Attempt, *, retrying: bool) -> None:
        _LOG.info(
            "%s %s -> %s, attempt %d of %d, in %.3f s%s",
            request.method,
            request.route,
            attempt.outcome,
            attempt.serial,
            self._settings.retry.attempts,
            attempt.duration,
            f", next in {attempt.waited:.3f} s" if retrying else "",
        )

    def _call_on_attempt(self, request: Request, attempt: Attempt) -> None:
        if self._settings.on_attempt is None:
            return
        try:
            self._settings.on_attempt(f"{request.method} {request.route}", attempt)
        except Exception as error:  # noqa: BLE001 - the call goes on
            _LOG.warning("on_attempt raised %s", type(error).__name__)


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
    result: Response | InvalidResponseError | AttemptFailure,
    attempts: tuple[Attempt, ...],
    request: Request,
    host: str,
) -> Response:
    """Return the last response, or raise the last error, with all attempts."""
    if isinstance(result, Response):
        return attrs.evolve(result, attempts=attempts, host=host)
    call = CallDescription(request.method, request.route, host)
    if isinstance(result, AttemptFailure):
        raise TransportError(result.outcome, result.sent, attempts, call) from result.cause
    raise InvalidResponseError(
        result.violations, result.status, result.body, result.headers, attempts, call
    )
