"""Documents made ready to be sent: fresh ids, allowed numbers, instants that lie ahead but near.

Lives here: what a run alters in every document alike.
Never here: sending; edits (edits.py).
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from infobip_sms_conformance.data import read_numbers

NEAR = timedelta(days=30)
SPREAD = 86_400  # seconds over which instants of another year are spread
SOON = timedelta(hours=1)
IDS = {"bulkId", "messageId"}


def renew(document: Any, mark: str, allowed: Sequence[str], *, past: bool = True) -> Any:
    """Return a copy that may be sent now.

    mark: makes ids ones that are used for the first time. allowed: the numbers to write to, in place of
    those of the documentation. past: whether an instant that is over may stay so (READ-019).
    """
    moved = change(document, "sendAt", lambda value: find_near(value, past=past))
    renumbered = drop_repeated(change(moved, "to", lambda value: find_number(value, allowed)))
    return mark_ids(renumbered, mark)


def change(document: Any, name: str, alter: Callable[[Any], Any]) -> Any:
    """Return a copy with every member of a name altered, wherever it stands."""
    if isinstance(document, list):
        return [change(item, name, alter) for item in document]
    if not isinstance(document, dict):
        return document
    return {k: alter(v) if k == name else change(v, name, alter) for k, v in document.items()}


def mark_ids(document: Any, mark: str) -> Any:
    """Return a copy whose ids end with the mark; no text is altered, and an id that is no text stays."""
    if isinstance(document, list):
        return [mark_ids(item, f"{mark}-{n}") for n, item in enumerate(document)]
    if not isinstance(document, dict):
        return document
    return {
        name: f"{value}-{mark}" if name in IDS and isinstance(value, str) else mark_ids(value, mark)
        for name, value in document.items()
    }


def find_number(value: Any, allowed: Sequence[str]) -> Any:
    """Return an allowed number for one of the documentation's, whatever stands around or in it."""
    if not isinstance(value, str):
        return value
    digits = "".join(filter(str.isdecimal, value))
    for index, number in enumerate(read_numbers()):
        chosen = allowed[index % len(allowed)].removeprefix("+")
        if number in value:
            return value.replace(number, chosen)
        if digits == number:
            strange = next(place for place, sign in enumerate(value) if not sign.isdecimal())
            return f"{chosen[:strange]}{value[strange]}{chosen[strange:]}"
    return value


def drop_repeated(document: Any) -> Any:
    """Return a copy in which no message goes to one number twice; where few numbers are allowed."""
    if not isinstance(document, dict) or not isinstance(document.get("messages"), list):
        return document
    messages = [drop_in_message(message) for message in document["messages"]]
    return {**document, "messages": messages}


def drop_in_message(message: Any) -> Any:
    """Return a message with every number once."""
    destinations = message.get("destinations") if isinstance(message, dict) else None
    if not isinstance(destinations, list):
        return message
    seen: set[str] = set()
    kept = []
    for destination in destinations:
        number = destination.get("to") if isinstance(destination, dict) else None
        bare = number.removeprefix("+") if isinstance(number, str) else ""
        if bare and bare in seen:
            continue
        seen.add(bare)
        kept.append(destination)
    return {**message, "destinations": kept}


def find_near(value: Any, *, past: bool) -> Any:
    """Return an instant within a day or so for one of another time, anything else as it is."""
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    now = datetime.now(UTC)
    if instant.tzinfo is None or (past and instant <= now) or now < instant < now + NEAR:
        return value
    seconds = int(instant.timestamp()) % SPREAD
    later = datetime.now(instant.tzinfo) + SOON + timedelta(seconds=seconds)
    return later.isoformat(timespec="milliseconds")


def format_instant(instant: datetime) -> str:
    """Return an instant as the documentation writes one."""
    return re.sub(r"Z$", "+00:00", instant.isoformat(timespec="milliseconds"))
