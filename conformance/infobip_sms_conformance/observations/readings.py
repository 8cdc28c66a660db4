"""The register of readings: which outcome of an open question the server takes, and whether always the same.

Every outcome is allowed. A server that takes now one and now another of the same question is not failed
either, but it is said.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infobip_sms_conformance.contract.files import get_group_id, read_readings
from infobip_sms_conformance.observations.exchange import (
    BAD_REQUEST,
    UNAUTHORIZED,
    Exchange,
    RequestOutcome,
    get_destinations,
)
from infobip_sms_conformance.observations.responses import find_wire

CASE_PREFIX = "case "
"""How the name of an exchange begins that a case of cases.toml is sent in."""
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
STATUS_ID = re.compile(r"[0-9]{1,5}")
STATUS_NAME = re.compile(r"[A-Z_]{1,40}")


@dataclass(frozen=True)
class ObservedReading:
    """What a server makes of an open question."""

    id: str
    question: str
    outcomes: tuple[tuple[str, int], ...]
    """Every outcome that was seen, with how often."""

    @property
    def is_consistent(self) -> bool:
        """Whether the same outcome was seen every time."""
        return len(self.outcomes) <= 1


Observer = Callable[[Exchange], Iterator[str]]


def observe_readings(exchanges: Sequence[Exchange]) -> list[ObservedReading]:
    """Return what was seen of every reading that shows in a run."""
    questions = read_readings()
    found = []
    for number, observe in OBSERVERS.items():
        seen = Counter(outcome for exchange in exchanges for outcome in observe(exchange))
        if seen:
            found.append(ObservedReading(number, questions[number], tuple(seen.most_common())))
    return found


def observe_rejection(exchange: Exchange) -> Iterator[str]:
    """READ-001: how a value outside its limits is rejected, where an answer per destination is possible."""
    if not exchange.label.startswith(CASE_PREFIX) or not get_destinations(exchange.document):
        return
    if exchange.status == BAD_REQUEST:
        yield "HTTP 400"
    elif exchange.outcome is RequestOutcome.REJECTED:
        yield "HTTP 200 with a status of the REJECTED group"


def observe_single_bulk_id(exchange: Exchange) -> Iterator[str]:
    """READ-002: whether one destination gets a bulkId, for messages that are not scheduled."""
    if is_accepted_v2(exchange) and len(get_destinations(exchange.document)) == 1:
        (message,) = (
            m
            for m in get_messages(exchange.document)
            if isinstance(m, dict) and m.get("destinations")
        )
        if "sendAt" not in message and exchange.send_response:
            yield "a bulkId" if exchange.send_response.bulk_id else "no bulkId"


def observe_ids(exchange: Exchange) -> Iterator[str]:
    """READ-003: what a generated messageId looks like."""
    if not is_accepted_v2(exchange) or exchange.send_response is None:
        return
    given = {d.get("messageId") for d in get_destinations(exchange.document)}
    for entry in exchange.send_response.entries:
        if entry.message_id and entry.message_id not in given:
            yield classify_id(entry.message_id)


def classify_id(found: str) -> str:
    """Name the form of an id."""
    if found.isdecimal():
        return "decimal digits"
    return "a UUID" if UUID.fullmatch(found) else "another string"


def observe_status(exchange: Exchange) -> Iterator[str]:
    """READ-004: which status answers an accepted message."""
    if is_accepted_v2(exchange) and exchange.send_response:
        for entry in exchange.send_response.entries:
            if isinstance(entry.status, dict) and entry.group != get_group_id("REJECTED"):
                yield f"{format_status_id(entry.status.get('id'))} {format_status_name(entry.status.get('name'))}"


def format_status_id(found: object) -> str:
    """Return a number of a status; a server's own words are not repeated."""
    return str(found) if STATUS_ID.fullmatch(str(found)) else "?"


def format_status_name(found: object) -> str:
    """Return a name of a status; a server's own words are not repeated."""
    return str(found) if STATUS_NAME.fullmatch(str(found)) else "(another name)"


def observe_tracking_key(exchange: Exchange) -> Iterator[str]:
    """READ-005: whether a request without tracking gets a trackingProcessKey."""
    if is_accepted_v2(exchange) and exchange.send_response and "tracking" not in exchange.document:
        yield "present" if exchange.send_response.tracking_key else "absent"


def observe_missing_accept(exchange: Exchange) -> Iterator[str]:
    """READ-006: which format has a response that was asked for in none."""
    request, answer = exchange.request, exchange.response
    if is_accepted_v2(exchange) and request and answer and "accept" not in request.headers:
        same = find_wire(answer.body) == exchange.wire
        yield "the format of the request" if same else "another format"


def observe_error_body(exchange: Exchange) -> Iterator[str]:
    """READ-009: what is in the body of a 400 or 401."""
    if exchange.response and exchange.status in {BAD_REQUEST, UNAUTHORIZED}:
        known = b"requestError" in exchange.response.body
        other = "another body" if exchange.response.body.strip() else "no body"
        yield "requestError" if known else other


def observe_past(exchange: Exchange) -> Iterator[str]:
    """READ-019: whether a sendAt in the past is rejected."""
    instants = [find_instant(message) for message in get_messages(exchange.document)]
    if len(instants) != 1 or instants[0] is None or instants[0] >= exchange.at:
        return
    if exchange.outcome in {RequestOutcome.ACCEPTED, RequestOutcome.REJECTED}:
        yield exchange.outcome.value


def get_messages(document: Any) -> list[Any]:
    """Return the messages of a request, as far as it has the right shape."""
    messages = document.get("messages") if isinstance(document, dict) else None
    return messages if isinstance(messages, list) else []


def find_instant(message: Any) -> float | None:
    """Return the instant of a message that has one."""
    try:
        return datetime.fromisoformat(message["sendAt"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None


def observe_plus(exchange: Exchange) -> Iterator[str]:
    """READ-007: whether to comes back with its plus."""
    if not is_accepted_v2(exchange) or exchange.send_response is None:
        return
    pairs = zip(get_destinations(exchange.document), exchange.send_response.entries, strict=False)
    for destination, entry in pairs:
        if str(destination.get("to", "")).startswith("+") and entry.to:
            yield "as sent" if entry.to.startswith("+") else "without the plus"


def is_accepted_v2(exchange: Exchange) -> bool:
    """Tell whether an exchange is a request of version 2 that was accepted as a whole."""
    version_2 = exchange.request is not None and "/sms/2/" in exchange.request.path
    return (
        version_2 and exchange.document is not None and exchange.outcome is RequestOutcome.ACCEPTED
    )


OBSERVERS: dict[str, Observer] = {
    "READ-001": observe_rejection,
    "READ-002": observe_single_bulk_id,
    "READ-003": observe_ids,
    "READ-004": observe_status,
    "READ-005": observe_tracking_key,
    "READ-006": observe_missing_accept,
    "READ-007": observe_plus,
    "READ-009": observe_error_body,
    "READ-019": observe_past,
}


def format_readings(readings: Iterable[ObservedReading]) -> Iterator[str]:
    """Yield a line for each reading."""
    for reading in readings:
        outcomes = reading.outcomes[0][0]
        if not reading.is_consistent:
            several = (f"{outcome} ({count} times)" for outcome, count in reading.outcomes)
            outcomes = f"not always the same: {', '.join(several)}"
        yield f"{reading.id}  {reading.question}  {outcomes}"
