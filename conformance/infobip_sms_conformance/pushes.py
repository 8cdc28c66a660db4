"""What is sent so that delivery reports come: messages by name, each with a notify URL of its own.

    plain      two destinations, callbackData of the greatest length; what all others are compared with
    other      asks for the other format
    asked      with intermediate reports
    unasked    expressly without
    refused    its reports are not taken at first
    later      scheduled, two seconds ahead
    days       a window of days that are not near; a validityPeriod that seconds would end at once
    hours      a window of hours that are not near; a validityPeriod that only milliseconds would end
    open       a window around now
    whole      a window of whole days, today among them and not the first
    expiring   ends before its window opens
    capped     ends before its window opens, because no validityPeriod is longer than 2880 minutes
    brief      the same by version 1, which counts milliseconds

Lives here: these messages.
Never here: sending; what has come (pushed.py); a verdict.
"""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from infobip_sms_conformance.data import WIRES, read_example, read_numbers
from infobip_sms_conformance.documents import MEDIA_TYPES
from infobip_sms_conformance.renewal import format_instant
from infobip_sms_conformance.windows import (
    build_open,
    build_opening,
    build_other_days,
    build_other_hours,
    build_whole_days,
)

PLAIN, OTHER, ASKED, UNASKED, REFUSED = "plain", "other", "asked", "unasked", "refused"
LATER, DAYS, HOURS, OPEN, WHOLE = "later", "days", "hours", "open", "whole"
EXPIRING, CAPPED, BRIEF = "expiring", "capped", "brief"
PROMPT = (PLAIN, OTHER, ASKED, UNASKED, REFUSED)
"""Names whose reports come as soon as the messages are delivered."""
FEW = (PLAIN, OTHER, ASKED, UNASKED, LATER)
USUAL = (*PROMPT, LATER, DAYS, HOURS, OPEN, WHOLE, CAPPED)
ALL = (*USUAL, EXPIRING)
TWICE = (PLAIN, ASKED)
"""Names whose messages go to two destinations."""

TRIES_REFUSED = 3
ANSWERS: dict[str, Sequence[int]] = {f"{REFUSED}-{wire}": (500,) * TRIES_REFUSED for wire in WIRES}
"""What the callback server is to answer at first, by the last part of the notify URL."""

MINUTE = 60.0
AHEAD = 2  # seconds
EXPIRY, BRIEF_EXPIRY = 1, 1000  # minutes; milliseconds
LONG, LONGER = 1200, 4000  # minutes
LONGEST = 2880.0  # minutes
CAPPED_OPENS = timedelta(hours=56)  # beyond 48 hours, within the 4000 minutes that were asked for
SPARE = timedelta(seconds=4)
# Another hour than UTC, so that whoever does not look at the offset sends too early.
ZONE = timezone(timedelta(hours=-1))
TEXT = '  <a href="x">&amp; it\'s 100%20 ]]> \\u00e9\\n '
LETTERS = "\u00e9e\u0301\u00df\u011f\u0416\u03a9\u0634\u6f22 "
CALLBACK = 200  # characters
QUERY = "?of=judge"


def find_names(*, few: bool, waits: bool, travels: bool) -> tuple[str, ...]:
    """Return the names of a run.

    few: as few messages as show the most. waits: the run lasts more than a minute. travels: the clock of
    the server can be moved.
    """
    return FEW if few else USUAL + (EXPIRING,) * (waits or travels)


def count_destinations(names: Sequence[str]) -> int:
    """Return how many messages some names bring."""
    return len(names) + sum(name in names for name in TWICE)


def build_callback_data() -> str:
    """Return callbackData of the greatest length, which neither markup nor letters make shorter."""
    fill = LETTERS * CALLBACK
    return TEXT + fill[: CALLBACK - len(TEXT) - 4] + "> \"' "[-4:]


def build_pushes(
    names: Sequence[str], wire: str, build_url: Callable[[str], str], now: datetime | None = None
) -> dict[str, Any]:
    """Return one request with a message for every name."""
    now = now or datetime.now(UTC)
    built = (build_message(name, n, wire, build_url, now) for n, name in enumerate(names))
    return {"bulkId": "pushes", "messages": [message for message in built if message]}


def build_message(
    name: str, place: int, wire: str, build_url: Callable[[str], str], now: datetime
) -> dict[str, Any] | None:
    """Return the message of a name; none when there cannot be one just now."""
    numbers = read_numbers()
    to = [numbers[(place + n) % len(numbers)] for n in range(1 + (name in TWICE))]
    ids = [{} if name == OTHER else {"messageId": f"{name.upper()}-{n}"} for n in range(len(to))]
    minimal = read_example("minimal-request")["messages"][0]
    extras = build_extras(name, wire, now)
    return extras and {
        **minimal,
        "destinations": [{"to": number, **own} for number, own in zip(to, ids, strict=True)],
        # No two alike: the platform takes a few of those for a flood (facts, section 11).
        "text": f"{minimal['text']} ({name})",
        "notifyUrl": build_url(f"{name}-{wire}") + (QUERY if name == UNASKED else ""),
        "notifyContentType": MEDIA_TYPES[wire],
        "callbackData": f"about {name}",
        **extras,
    }


def build_extras(name: str, wire: str, now: datetime) -> dict[str, Any] | None:
    """Return what sets the message of a name apart from the others."""
    later = math.ceil(now.timestamp()) + AHEAD
    just_open = build_open(now)
    extras: dict[str, dict[str, Any] | None] = {
        PLAIN: {"callbackData": build_callback_data()},
        OTHER: {
            "notifyContentType": next(MEDIA_TYPES[w] for w in WIRES if w != wire),
            "callbackData": build_callback_data(),
        },
        ASKED: {"intermediateReport": True},
        UNASKED: {"intermediateReport": False},
        LATER: {"sendAt": format_instant(datetime.fromtimestamp(later, ZONE))},
        DAYS: {"deliveryTimeWindow": build_other_days(now), "validityPeriod": EXPIRY},
        HOURS: {"deliveryTimeWindow": build_other_hours(now), "validityPeriod": LONG},
        OPEN: just_open and {"deliveryTimeWindow": just_open},
        WHOLE: {"deliveryTimeWindow": build_whole_days(now)},
        EXPIRING: build_ending(EXPIRY, now + timedelta(seconds=EXPIRY * MINUTE)),
        CAPPED: build_ending(LONGER, now + CAPPED_OPENS),
    }
    return extras.get(name, {"callbackData": f"about {name}"})


def build_ending(period: int, ends: datetime) -> dict[str, Any]:
    """Return the members of a message that ends just before its window opens."""
    return {"validityPeriod": period, "deliveryTimeWindow": build_opening(ends + SPARE)}


def build_brief(wire: str, build_url: Callable[[str], str]) -> dict[str, Any]:
    """Return a request of version 1 with a message that ends before its window opens."""
    now = datetime.now(UTC)
    message = build_message(BRIEF, 0, wire, build_url, now)
    ending = build_ending(BRIEF_EXPIRY, now + timedelta(milliseconds=BRIEF_EXPIRY))
    return {"messages": [{**(message or {}), **ending}]}


def build_alone(document: dict[str, Any]) -> dict[str, Any]:
    """Return a request with the first message and nothing in it that may be refused."""
    plain = {**document["messages"][0], "callbackData": f"about {PLAIN}"}
    return {"messages": [plain]}
