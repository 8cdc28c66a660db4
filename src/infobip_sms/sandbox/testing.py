"""A sandbox in this process, for tests of applications.

    with running(delay=0) as sandbox:
        sandbox.client().send(request)              # or your application, told to use sandbox.url
        (message,) = sandbox.wait_for(to="41793026727")

It runs in a thread, on a free port of the loopback interface, and ends with the block. All that is
asked of it goes through its control requests (admin/api.py), so that tests in any language can do the
same.
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
from infobip_sms.sandbox.admin.api import PREFIX
from infobip_sms.sandbox.admin.search import QUERY_FIELDS, get_wire_name
from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.runtime.asgi import SandboxASGI
from infobip_sms.sandbox.runtime.server import SandboxServer, open_listener
from infobip_sms.sandbox.state.state import State

from .clock import VirtualClock
from .config import SandboxSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal, Unpack

    from infobip_sms import Auth

USER, PASSWORD = "Aladdin", "open sesame"
_QUERY_NAMES = {**{field: name for name, field in QUERY_FIELDS.items()}, "status": "status"}
_MAX_MESSAGES = 10**6  # messages in one answer
_SHOWN = 10  # messages in the text of an error
_MIN_DIGITS_TO_SHOW = 5  # digits from which on the last two may be shown
_TIMEOUT = 60.0  # seconds beyond those that an answer may take
_TIME_TRAVEL_TIMEOUT = (
    3600.0  # seconds; on a time travel of the clock, callback servers may be slow to answer
)
_REQUEST_TIMEOUT = 408


@attrs.frozen(kw_only=True)
class ReceivedMessage:
    """A message that the sandbox has accepted, as it was when it was looked at."""

    to: str
    from_: str | None
    text: str
    """As it is delivered: transliterated, links shortened."""
    message_id: str
    bulk_id: str | None
    status_id: int
    status_name: str
    is_final: bool
    """Nothing more happens to it."""
    sms_count: int
    callback_data: str | None
    clicks: int
    """How often the short links of its text were followed; destinations of one message share them."""
    conversions: int
    sent_at: dt.datetime | None
    done_at: dt.datetime | None


class MessageFilter(TypedDict, total=False):
    """Which messages are meant: all of this has to hold; nothing for all messages."""

    to: str
    """With or without plus."""
    from_: str
    text: str
    """A part of it."""
    bulk_id: str
    message_id: str
    status: str | int
    """Its number, its name or the name of its group."""


class AdminApiError(Exception):
    """The sandbox did not understand what was asked of it; the text says what it expects."""


class SandboxClock:
    """The clock of a running sandbox; every method returns what it says then."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def now(self) -> dt.datetime:
        """Return the instant that it is for the sandbox."""
        return _parse_instant(self._sandbox.request_admin("GET", "clock"))

    def freeze(self) -> dt.datetime:
        """Stop it."""
        return self._set(freeze=True)

    def resume(self) -> dt.datetime:
        """Let it go on from where it stands."""
        return self._set(freeze=False)

    def advance(self, seconds: float) -> dt.datetime:
        """Put it forward; everything that is due by then has happened when this returns."""
        return self._set(advance=seconds)

    def jump_to(self, instant: dt.datetime) -> dt.datetime:
        """Put it to an instant, which has a zone and is not over; otherwise as ``advance``."""
        return self._set(to=instant.isoformat())

    def jump_to_next(self) -> dt.datetime:
        """Put it to the instant at which something is due next, and let that happen."""
        return self._set(jump="next")

    def _set(self, **body: Any) -> dt.datetime:
        return _parse_instant(
            self._sandbox.request_admin("POST", "clock", body, seconds=_TIME_TRAVEL_TIMEOUT)
        )


class Sandbox:
    """A running sandbox; its methods may be called in any thread."""

    def __init__(self, url: str, settings: SandboxSettings) -> None:
        self.url = url
        """What an application uses in place of the real server."""
        self.auth = _get_auth(settings)
        """The credentials of its account."""
        self.clock = SandboxClock(self)
        self._clients: list[Client] = []

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url})"

    def client(self, wire: Literal["json", "xml"] = "json", **settings: Any) -> Client:
        """Return a client of it, which is closed when the sandbox ends."""
        client = Client(self.url, auth=self.auth, wire=wire, **settings)
        self._clients.append(client)
        return client

    def messages(self, **search: Unpack[MessageFilter]) -> list[ReceivedMessage]:
        """Return the messages that fit, in the order in which they were accepted; see ``Wanted``."""
        return _parse_messages(
            self.request_admin("GET", "messages", query=_build_query(search, limit=_MAX_MESSAGES))
        )

    def wait_for(
        self, count: int = 1, timeout: float = 5.0, **search: Unpack[MessageFilter]
    ) -> list[ReceivedMessage]:
        """Return the messages that fit as soon as there are so many; see ``Wanted``.

        timeout: seconds by the clock of the machine, at most 600. Raises TimeoutError, which says what
        there is without texts and with masked numbers.
        """
        query = _build_query(search, count=count, wait=timeout, limit=_MAX_MESSAGES)
        found = _parse_messages(
            self.request_admin("GET", "messages", query=query, seconds=timeout + _TIMEOUT)
        )
        if len(found) < count:
            last = _parse_messages(self.request_admin("GET", "messages", query={"limit": _SHOWN}))
            seen = ", ".join(map(_format_message, last)) or "none"
            raise TimeoutError(
                f"{len(found)} of {count} messages after {timeout} s; the last of all: {seen}"
            )
        return found

    def forget(self, **search: Unpack[MessageFilter]) -> int:
        """Delete the messages that fit; return how many there were. See ``Wanted``."""
        deleted: int = self.request_admin("DELETE", "messages", query=_build_query(search))[
            "deleted"
        ]
        return deleted

    def reports(
        self, state: str | None = None, **search: Unpack[MessageFilter]
    ) -> list[dict[str, Any]]:
        """Return the reports to notify URLs, as /sandbox/reports shows them.

        state: waiting, taken or dead. search: of the messages; see ``Wanted``.
        """
        chosen = {} if state is None else {"state": state}
        answer = self.request_admin(
            "GET", "reports", query=_build_query(search, limit=_MAX_MESSAGES, **chosen)
        )
        reports: list[dict[str, Any]] = answer["reports"]
        return reports

    def reset(self) -> None:
        """Begin anew: no messages, nothing switched on, the clock as at the start."""
        self.request_admin("POST", "reset", {})

    def switch_on(self, mutant_id: str) -> None:
        """Break the requirement of this id on purpose, in place of any other."""
        self.request_admin("POST", "faults", {"id": mutant_id})

    def delay(self, seconds: float, rate: float = 1.0) -> None:
        """Keep a share of the requests waiting."""
        self.request_admin("POST", "faults", {"delay": seconds, "rate": rate})

    def drop(self, rate: float = 1.0, *, after: bool = False) -> None:
        """Drop the connection of a share of the requests.

        after: they are carried out before that; only the responses are lost.
        """
        self.request_admin("POST", "faults", {"drop": rate, "after": after})

    def fail_with(self, status: int, rate: float = 1.0, retry_after: int | None = None) -> None:
        """Reject a share of the requests with a status from 400 to 599."""
        body = {"status": status, "rate": rate, "retryAfter": retry_after}
        self.request_admin("POST", "faults", body)

    def switch_off(self) -> None:
        """Switch off all faults, delays, drops and statuses."""
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
        """Return the answer to a control request; raise ControlRefused if it was not understood."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=seconds)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, f"{PREFIX}{path}?{urlencode(query or {})}", content)
            response = connection.getresponse()
            answer = json.loads(response.read(), parse_float=Decimal)
        finally:
            connection.close()
        if response.status not in {200, _REQUEST_TIMEOUT}:
            raise AdminApiError(answer["error"])
        return answer

    def close_clients(self) -> None:
        """Close the clients that ``client`` has given."""
        while self._clients:
            self._clients.pop().close()


@contextmanager
def running(*, frozen: bool = False, **settings: Any) -> Iterator[Sandbox]:
    """Run a sandbox as long as the block lasts.

    frozen: its clock stands still from the start.
    settings: those of sandbox.settings.Settings, such as delay=0, seed="mine" or
        readings={"READ-018": "405"}. Ids are the same in every run unless the seed is another.
    """
    chosen = SandboxSettings(**{"user": USER, "password": PASSWORD, **settings})
    with open_listener(0) as (listener, url):
        server = SandboxServer(
            SandboxASGI(App(chosen), State(), VirtualClock(frozen=frozen)), embedded=True
        )

        def serve() -> None:
            try:
                server.run(sockets=[listener])
            finally:
                listener.close()  # whoever asks a server that has failed is not kept waiting

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
    """Return credentials of the account."""
    if settings.user is None and settings.api_key is not None:
        return ApiKey(settings.api_key)
    return Basic(settings.user or USER, settings.password)


def _build_query(search: MessageFilter, **more: Any) -> dict[str, Any]:
    """Return a search by the names that a query has for it."""
    strange = search.keys() - _QUERY_NAMES.keys()
    if strange:
        raise TypeError(f"messages are not searched by {', '.join(sorted(strange))}")
    return {**{_QUERY_NAMES[field]: value for field, value in search.items()}, **more}


def _parse_instant(body: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(body["now"])


def _parse_messages(body: dict[str, Any]) -> list[ReceivedMessage]:
    return [_parse_message(plain) for plain in body["messages"]]


def _parse_message(plain: dict[str, Any]) -> ReceivedMessage:
    log = build_model(plain, SmsLog, strict=False)
    assert log.to is not None and log.message_id is not None  # noqa: PT018 - the sandbox says all
    assert log.status is not None and log.status.id is not None  # noqa: PT018 - likewise
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
    """Return a message without its text and with a masked number."""
    end = message.to[-2:] if len(message.to) >= _MIN_DIGITS_TO_SHOW else ""
    return f"*{end} {message.status_name}"
