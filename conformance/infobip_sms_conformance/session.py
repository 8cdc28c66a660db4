"""The conversation with one server: who we are, what was sent so far, what came back.

Lives here: the promises of a run (which destinations, how many requests), and exchanges that
several checks look at.
Never here: a verdict about the server.
"""

import base64
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import Any

from infobip_sms_conformance.data import WIRES, Case, read_cases, read_example, read_numbers
from infobip_sms_conformance.documents import MEDIA_TYPES, dump, find_component
from infobip_sms_conformance.edits import apply_edit, build_edited
from infobip_sms_conformance.exchanges import (
    UNAUTHORIZED,
    Exchange,
    Outcome,
    find_destinations,
    find_reply,
)
from infobip_sms_conformance.strategies import MOST_ITEMS, build_requests
from infobip_sms_conformance.transport import NoAnswer, Target, send
from infobip_sms_conformance.verdicts import Inconclusive

GENERATED = 16
OTHER_REQUESTS = 100
MOST_DESTINATIONS = MOST_ITEMS * MOST_ITEMS
LONGEST_RUN = 300.0
MOST_TIMEOUTS = 4
SILENCES_BEFORE_PROBE = 3
NO_SUCH_OPERATION = {None, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}


class NotJudgeable(Exception):
    """There is no server of this API to judge."""


@dataclass(frozen=True)
class Credentials:
    """User and password for Basic; the API key for App, if there is one."""

    user: str = field(repr=False)
    password: str = field(repr=False)
    api_key: str | None = field(repr=False)

    @property
    def basic(self) -> str:
        """The value of Authorization for the Basic scheme."""
        return build_basic(self.user, self.password)

    @property
    def app(self) -> str | None:
        """The value of Authorization for the App scheme."""
        return f"App {self.api_key}" if self.api_key else None


def build_basic(user: str, password: str) -> str:
    """Return the value of Authorization for any user and password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Session:
    """Sends requests for the checks; refuses once the promised number is reached."""

    def __init__(self, target: Target, credentials: Credentials) -> None:
        self.target, self.credentials = target, credentials
        self.authorization = credentials.basic
        self.run = secrets.token_hex(3)
        self.requests = self.timeouts = self.silences = 0
        self.most_requests = len(read_cases()) * 2 + GENERATED * 2 + OTHER_REQUESTS
        self.started = time.monotonic()
        self.stopped = ""
        self.refuses_past = False
        self.shared: dict[tuple[str, str], Exchange] = {}

    @property
    def bill(self) -> str:
        """What the run may send at most."""
        return (
            f"at most {self.most_requests} requests, with messages to the example numbers of the "
            f"documentation only, at most {MOST_DESTINATIONS} in a request"
        )

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return time.monotonic() - self.started

    # -------------------------------------------------------------- sending

    def send(self, document: Any, wire: str, what: str, **changes: str | None) -> Exchange:
        """Send a document with fresh ids; ``changes`` replace header fields, None leaves one out."""
        fresh = renew(document, f"{self.run}-{self.requests}")
        if self.refuses_past:
            fresh = move_ahead(fresh)
        check_destinations(fresh)
        return self.send_body(dump(fresh, wire), wire, what, fresh, **changes)

    def send_body(
        self, body: bytes, wire: str, what: str, document: Any = None, **changes: str | None
    ) -> Exchange:
        """Send bytes as they are, and read what comes back."""
        self.check_limits()
        self.requests += 1
        headers = build_headers(wire, {"authorization": self.authorization, **changes})
        try:
            answer = send(self.target, headers, body)
        except NoAnswer as error:
            self.note_silence(error)
            return Exchange(what, document, wire, None, str(error), error.slow)
        return Exchange(what, document, wire, answer, reply=find_reply(answer))

    def check_limits(self) -> None:
        """Raise Inconclusive when the run has to end."""
        if self.requests >= self.most_requests:
            self.stopped = self.stopped or "the promised number of requests was reached"
        if self.seconds > LONGEST_RUN:
            self.stopped = self.stopped or f"the run took more than {LONGEST_RUN:g} s"
        if self.stopped:
            raise Inconclusive(self.stopped)

    def note_silence(self, error: NoAnswer) -> None:
        """After some requests without answer, find out whether the server still lives."""
        self.timeouts += error.slow
        if self.timeouts >= MOST_TIMEOUTS:
            self.stopped = "the server left too many requests without an answer"
        self.silences += 1
        if not self.stopped and self.silences % SILENCES_BEFORE_PROBE == 0:
            self.probe()

    def probe(self, send_at: str | None = None) -> Exchange:
        """Send the minimal request outside of any check; a server that fails it has gone."""
        headers = build_headers(WIRES[0], {"authorization": self.authorization})
        document, what = read_example("minimal-request"), "the minimal request"
        if send_at is not None:
            document = apply_edit(document, "messages[0].sendAt", "set", send_at)
        self.requests += 1
        try:
            answer = send(self.target, headers, dump(document, WIRES[0]))
        except NoAnswer as error:
            self.stopped = f"the server does not answer: {error}"
            return Exchange(what, document, WIRES[0], None, str(error), error.slow)
        return Exchange(what, document, WIRES[0], answer, reply=find_reply(answer))

    def start(self) -> None:
        """Send the first request; NotJudgeable when what answers is not this API.

        Where Basic is not taken, the API key serves for the whole run: so a server that lacks one
        scheme breaks the requirement of that scheme and no other.
        """
        first = self.probe()
        if find_status(first) == UNAUTHORIZED and self.credentials.app is not None:
            self.authorization = self.credentials.app
            first = self.probe()
        if find_status(first) in NO_SUCH_OPERATION:
            raise NotJudgeable(f"the first request got no answer of this API: {first.got}")
        if first.outcome is Outcome.ACCEPTED:  # READ-019: which of the two does this server do?
            past = read_example("documented-request")["messages"][-1]["sendAt"]
            self.refuses_past = self.probe(past).outcome is not Outcome.ACCEPTED

    # -------------------------------------------------------------- shared exchanges

    def share(self, key: str, wire: str, document: Any, what: str) -> Exchange:
        """Return the exchange of that name, sending it when it is first asked for."""
        if (key, wire) not in self.shared:
            self.shared[key, wire] = self.send(document, wire, what)
        return self.shared[key, wire]

    def send_example(self, stem: str, wire: str) -> Exchange:
        """Return the exchange of an unedited example."""
        return self.share(stem, wire, read_example(stem), f"the example {stem}")

    def send_case(self, case: Case, wire: str) -> Exchange:
        """Return the exchange of a case."""
        return self.share(f"case {case.id}", wire, build_edited(case), str(case))

    def send_refused(self, wire: str) -> Iterator[Exchange]:
        """Yield the exchanges of all cases that a server must refuse."""
        for case in read_cases():
            if case.refused and wire in case.wires:
                yield self.send_case(case, wire)

    def send_days(self) -> Exchange:
        """Return the exchange of the minimal request with a window of two days, in XML."""
        window = {"days": find_component("Day")["enum"][:2]}
        document = apply_edit(
            read_example("minimal-request"), "messages[0].deliveryTimeWindow", "set", window
        )
        return self.share("days", "xml", document, "the minimal request with a window of two days")

    def send_pool(self, wire: str) -> list[Exchange]:
        """Return exchanges of good requests of many shapes; the same requests in both formats."""
        unnamed = apply_edit(read_example("documented-request"), "bulkId", "remove", True)
        return [
            self.send_example("minimal-request", wire),
            self.send_example("documented-request", wire),
            *(
                self.share(f"unnamed {n}", wire, unnamed, "the documented request without bulkId")
                for n in (1, 2)
            ),
            *self.send_generated(wire),
        ]

    def send_generated(self, wire: str) -> list[Exchange]:
        """Return exchanges of generated requests, the smallest first."""
        return [
            self.share(f"generated {n}", wire, document, describe(n, document))
            for n, document in enumerate(build_requests(GENERATED), 1)
        ]


def find_status(exchange: Exchange) -> int | None:
    """Return the HTTP status of an exchange; none when there was no answer."""
    return exchange.answer.status if exchange.answer else None


def build_headers(wire: str, changes: dict[str, str | None]) -> dict[str, str]:
    """Return the header fields of a request: its format in Content-Type and in Accept."""
    media_type = MEDIA_TYPES[wire]
    fields = {"content_type": media_type, "accept": media_type, "connection": "close", **changes}
    return {name.replace("_", "-").title(): v for name, v in fields.items() if v is not None}


def describe(number: int, document: Any) -> str:
    """Name a generated request by its shape."""
    messages, destinations = len(document["messages"]), len(find_destinations(document))
    return f"generated request {number} (messages: {messages}, destinations: {destinations})"


def renew(document: Any, mark: str) -> Any:
    """Return a copy whose bulkId and messageIds are used for the first time.

    A server may hold ids to be unique; no text is altered, and an id that is no text stays.
    """
    if isinstance(document, list):
        return [renew(item, f"{mark}-{n}") for n, item in enumerate(document)]
    if not isinstance(document, dict):
        return document
    return {name: renew_member(name, value, mark) for name, value in document.items()}


def renew_member(name: str, value: Any, mark: str) -> Any:
    """Return a fresh value for a member that is an id, the renewed value for any other."""
    if name in {"bulkId", "messageId"} and isinstance(value, str):
        return f"{value}-{mark}"
    return renew(value, mark)


def move_ahead(document: Any) -> Any:
    """Return a copy without a sendAt in the past, for a server that refuses one (READ-019)."""
    if isinstance(document, list):
        return [move_ahead(item) for item in document]
    if not isinstance(document, dict):
        return document
    return {
        name: find_later(value) if name == "sendAt" else move_ahead(value)
        for name, value in document.items()
    }


def find_later(text: Any) -> Any:
    """Return an instant an hour ahead for one that is past, anything else as it is."""
    try:
        instant = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return text
    if instant.tzinfo is None or instant > datetime.now(instant.tzinfo):
        return text
    later = datetime.now(instant.tzinfo) + timedelta(hours=1)
    return later.isoformat(timespec="milliseconds")


def check_destinations(document: Any) -> None:
    """Stop before anything is sent to a number that is not one of the documentation's."""
    for destination in find_destinations(document):
        number = destination.get("to", "") if isinstance(destination, dict) else ""
        reachable = isinstance(number, str) and find_number_pattern().fullmatch(number)
        if reachable and number.lstrip("+") not in read_numbers():
            raise ValueError("a destination that is not one of the documentation's")


@cache
def find_number_pattern() -> re.Pattern[str]:
    """Return the pattern of a number that a message could reach."""
    return re.compile(find_component("Destination")["properties"]["to"]["pattern"])
