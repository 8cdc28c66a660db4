"""Runs a sandbox inside a test process.

    with running(delay=0) as sandbox:
        sandbox.client().send(request)              # or your application, configured with sandbox.url
        (message,) = sandbox.wait_for(to="41793026727")

It runs in a thread, on a free port of the loopback interface, until the block ends. Every method uses the
HTTP admin API, which tests in other languages can use as well.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
from contextlib import contextmanager
from decimal import Decimal
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import urlencode, urlsplit

import attrs
from infobip_sms_schema import DeliveryReport, SmsLog

from infobip_sms import ApiKey, Basic, Client
from infobip_sms.codecs.plain_data import build_model
from infobip_sms.sandbox.admin.one_time_codes import find_codes
from infobip_sms.sandbox.admin.search import QUERY_FIELDS, get_wire_name
from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.config import ADMIN_PREFIX as PREFIX
from infobip_sms.sandbox.runtime.asgi import SandboxASGI
from infobip_sms.sandbox.runtime.server import SandboxServer, open_listener
from infobip_sms.sandbox.state.state import State

from .clock import VirtualClock
from .config import DEFAULT_PASSWORD, DEFAULT_USER, SandboxSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal, Unpack

    from infobip_sms import Auth

USER, PASSWORD = DEFAULT_USER, DEFAULT_PASSWORD
_QUERY_NAMES = {**{field: name for name, field in QUERY_FIELDS.items()}, "status": "status"}
_MAX_MESSAGES = 10**6  # messages in one response
_SHOWN = 10  # messages listed in an error
_MIN_DIGITS_TO_SHOW = 5  # of a number whose last two digits may be shown
_TIMEOUT = 60.0  # seconds on top of a requested wait
_TIME_TRAVEL_TIMEOUT = 3600.0  # seconds; callback servers may respond slowly during time travel
_REQUEST_TIMEOUT = 408


@attrs.frozen(kw_only=True)
class ReceivedMessage:
    """A snapshot of a message that the sandbox has accepted."""

    to: str
    from_: str | None
    text: str
    """As delivered: transliterated, with links shortened."""
    message_id: str
    bulk_id: str | None
    status_id: int
    status_name: str
    is_final: bool
    """Whether its status is final."""
    sms_count: int
    callback_data: str | None
    clicks: int
    """Clicks on the short links in its text, which all destinations of a message share."""
    conversions: int
    sent_at: dt.datetime | None
    done_at: dt.datetime | None

    def codes(self) -> tuple[str, ...]:
        """Return the one-time codes in the text, as digits, such as 123456 for "Your code is 123-456"."""
        return find_codes(self.text)


class MessageFilter(TypedDict, total=False):
    """Search criteria, all of which must match; without any, all messages match."""

    to: str
    """With or without a leading plus."""
    from_: str
    text: str
    """A substring of the text."""
    bulk_id: str
    message_id: str
    status: str | int
    """Status ID, name or group name."""


class AdminApiError(Exception):
    """The sandbox rejected a request to its admin API; the text says what it expected."""


class SandboxClock:
    """The clock of a running sandbox; every method returns the resulting time."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def now(self) -> dt.datetime:
        """Return the current time of the sandbox."""
        return _parse_instant(self._sandbox.request_admin("GET", "clock"))

    def freeze(self) -> dt.datetime:
        """Stop the clock."""
        return self._set(freeze=True)

    def resume(self) -> dt.datetime:
        """Let the clock run again."""
        return self._set(freeze=False)

    def advance(self, seconds: float) -> dt.datetime:
        """Move the clock forward; returns when everything due by then has happened."""
        return self._set(advance=seconds)

    def jump_to(self, instant: dt.datetime) -> dt.datetime:
        """Move the clock to a timezone-aware instant that is not in the past; otherwise like ``advance``."""
        return self._set(to=instant.isoformat())

    def jump_to_next(self) -> dt.datetime:
        """Move the clock to when something is next due; returns when that has happened."""
        return self._set(jump="next")

    def _set(self, **body: Any) -> dt.datetime:
        return _parse_instant(
            self._sandbox.request_admin("POST", "clock", body, seconds=_TIME_TRAVEL_TIMEOUT)
        )


class Sandbox:
    """A running sandbox. Thread-safe."""

    def __init__(self, url: str, settings: SandboxSettings) -> None:
        self.url = url
        """Base URL for the application under test."""
        self.auth = _get_auth(settings)
        """Credentials of the account."""
        self.clock = SandboxClock(self)
        self._clients: list[Client] = []

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url})"

    def client(self, wire: Literal["json", "xml"] = "json", **settings: Any) -> Client:
        """Return a client of this sandbox; it is closed when the sandbox ends."""
        client = Client(self.url, auth=self.auth, wire=wire, **settings)
        self._clients.append(client)
        return client

    def messages(self, **search: Unpack[MessageFilter]) -> list[ReceivedMessage]:
        """Return matching messages in the order in which they were accepted; see ``MessageFilter``."""
        return _parse_messages(
            self.request_admin("GET", "messages", query=_build_query(search, limit=_MAX_MESSAGES))
        )

    def wait_for(
        self, count: int = 1, timeout: float = 5.0, **search: Unpack[MessageFilter]
    ) -> list[ReceivedMessage]:
        """Return matching messages as soon as there are ``count``; see ``MessageFilter``.

        timeout: seconds of real time, at most 600.
        Raises TimeoutError, which lists the latest messages without texts and with masked numbers.
        """
        query = _build_query(search, count=count, wait=timeout, limit=_MAX_MESSAGES)
        found = _parse_messages(
            self.request_admin("GET", "messages", query=query, seconds=timeout + _TIMEOUT)
        )
        if len(found) < count:
            received = _parse_messages(
                self.request_admin("GET", "messages", query={"limit": _SHOWN})
            )
            latest = ", ".join(map(_format_message, received)) or "none"
            raise TimeoutError(
                f"{len(found)} of {count} messages after {timeout} s; latest messages: {latest}"
            )
        return found

    def forget(self, **search: Unpack[MessageFilter]) -> int:
        """Delete matching messages and return their number; see ``MessageFilter``."""
        deleted: int = self.request_admin("DELETE", "messages", query=_build_query(search))[
            "deleted"
        ]
        return deleted

    def reports(
        self, state: str | None = None, **search: Unpack[MessageFilter]
    ) -> list[dict[str, Any]]:
        """Return the delivery reports to notify URLs, as in the JSON of ``GET /sandbox/reports``.

        state: one of the values of ``DELIVERY_STATES``. search: selects messages; see ``MessageFilter``.
        """
        chosen = {} if state is None else {"state": state}
        content = self.request_admin(
            "GET", "reports", query=_build_query(search, limit=_MAX_MESSAGES, **chosen)
        )
        reports: list[dict[str, Any]] = content["reports"]
        return reports

    def send_again(self, **search: Unpack[MessageFilter]) -> int:
        """Send the delivery reports of matching messages again, now, also acknowledged ones; return how many."""
        sent: int = self.request_admin("POST", "reports", query=_build_query(search))["sent"]
        return sent

    def reset(self) -> None:
        """Delete all messages, clear all faults and reset the clock."""
        self.request_admin("POST", "reset", {})

    def outcome(  # noqa: PLR0913 - all but two are optional
        self,
        to: str,
        status: str | int,
        *,
        error: int = 0,
        after: float | None = None,
        reports: int | None = None,
        times: int | None = None,
    ) -> None:
        """Choose the outcome of messages to a number; of several for one number the latest counts.

        to: a number, or its beginning and ``*``. status: ID, name or group name.
        error: ID of a network error. after: seconds from sending. reports: as the third part of test numbers.
        times: for as many messages to each number; later ones have another outcome.
        """
        chosen = {"after": after, "reports": reports, "times": times}
        given = {name: value for name, value in chosen.items() if value is not None}
        body = {"to": to, "status": status, "error": error, **given}
        self.request_admin("POST", "outcomes", body)

    def switch_on(self, *mutant_ids: str) -> None:
        """Violate one or several requirements on purpose, in place of any others."""
        self.request_admin("POST", "faults", {"ids": list(mutant_ids)})

    def delay(self, seconds: float, rate: float = 1.0) -> None:
        """Delay requests by ``seconds``; ``rate`` is the share of requests, from 0 to 1."""
        self.request_admin("POST", "faults", {"delay": seconds, "rate": rate})

    def drop(self, rate: float = 1.0, *, after: bool = False) -> None:
        """Drop the connection of a share of requests, from 0 to 1.

        after: process the request first, so that only the response is lost.
        """
        self.request_admin("POST", "faults", {"drop": rate, "after": after})

    def fail_with(self, status: int, rate: float = 1.0, retry_after: int | None = None) -> None:
        """Reject a share of requests, from 0 to 1, with a status from 400 to 599.

        retry_after: seconds for the ``Retry-After`` header.
        """
        body = {"status": status, "rate": rate, "retryAfter": retry_after}
        self.request_admin("POST", "faults", body)

    def switch_off(self) -> None:
        """Clear all faults, delays, drops and statuses."""
        self.request_admin("DELETE", "faults")

    def request_admin(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        seconds: float = _TIMEOUT,
    ) -> Any:
        """Return the JSON response of the admin API; raises AdminApiError if it rejects the request."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=seconds)
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, f"{PREFIX}{path}?{urlencode(query or {})}", payload)
            response = connection.getresponse()
            content = json.loads(response.read(), parse_float=Decimal)
        finally:
            connection.close()
        if response.status not in {200, _REQUEST_TIMEOUT}:
            raise AdminApiError(content["error"])
        return content

    def close_clients(self) -> None:
        """Close the clients returned by ``client``."""
        while self._clients:
            self._clients.pop().close()


@contextmanager
def running(*, frozen: bool = False, **settings: Any) -> Iterator[Sandbox]:
    """Run a sandbox for the duration of the block.

    frozen: start with a stopped clock.
    settings: fields of ``SandboxSettings``, such as delay=0, seed="mine" or
        readings={"READ-018": "404"}. Generated IDs are the same in every run with the same seed.
    """
    chosen = SandboxSettings(**{"user": USER, "password": PASSWORD, **settings})
    with open_listener(0) as (listener, url):
        chosen = attrs.evolve(chosen, port=listener.getsockname()[1])
        server = SandboxServer(
            SandboxASGI(App(chosen), State(), VirtualClock(frozen=frozen)), embedded=True
        )

        def serve() -> None:
            try:
                server.run(sockets=[listener])
            finally:
                listener.close()  # do not keep clients waiting if the server failed

        thread = threading.Thread(target=serve, name="infobip-sms-sandbox", daemon=True)
        thread.start()
        sandbox = Sandbox(url, chosen)
        try:
            yield sandbox
        finally:
            sandbox.close_clients()
            server.should_exit = True
            thread.join()


def _get_auth(settings: SandboxSettings) -> Auth:
    """Return the credentials of the account."""
    if settings.user is None and settings.api_key is not None:
        return ApiKey(settings.api_key)
    return Basic(settings.user or USER, settings.password)


def _build_query(search: MessageFilter, **more: Any) -> dict[str, Any]:
    """Return the query parameters of a search."""
    unknown = search.keys() - _QUERY_NAMES.keys()
    if unknown:
        known = ", ".join(_QUERY_NAMES)
        raise TypeError(f"expected search criteria {known}, got {', '.join(sorted(unknown))}")
    return {**{_QUERY_NAMES[field]: value for field, value in search.items()}, **more}


def _parse_instant(body: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(body["now"])


def _parse_messages(body: dict[str, Any]) -> list[ReceivedMessage]:
    return [_parse_message(plain) for plain in body["messages"]]


def _parse_message(plain: dict[str, Any]) -> ReceivedMessage:
    log = build_model(plain, SmsLog, strict=False)
    assert log.to is not None and log.message_id is not None  # noqa: PT018 - always set by the sandbox
    assert log.status is not None and log.status.id is not None  # noqa: PT018 - always set by the sandbox
    return ReceivedMessage(
        to=log.to,
        from_=log.from_,
        text=log.text or "",
        message_id=log.message_id,
        bulk_id=log.bulk_id,
        status_id=log.status.id,
        status_name=log.status.name or "",
        is_final=plain["final"],
        sms_count=log.sms_count or 0,
        callback_data=plain.get(get_wire_name(DeliveryReport, "callback_data")),
        clicks=sum(link["clicks"] for link in plain.get("links", ())),
        conversions=plain.get("conversions", 0),
        sent_at=log.sent_at,
        done_at=log.done_at,
    )


def _format_message(message: ReceivedMessage) -> str:
    """Return the masked number and the status of a message."""
    end = message.to[-2:] if len(message.to) >= _MIN_DIGITS_TO_SHOW else ""
    return f"*{end} {message.status_name}"
