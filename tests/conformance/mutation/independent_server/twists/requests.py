"""Faults of what is read: bad values that are taken, and good ones that are rejected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.conformance.mutation.independent_server.twists.hooks import (
    GONE,
    SENDING,
    VERSION_1,
    Twist,
    change,
    reads,
    rejects,
    takes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBER = "41793026727"
WINDOW = "messages[].deliveryTimeWindow"
PLAIN_WINDOW = {"days": ["MONDAY"]}
MORNING = {"hour": 6, "minute": 0}


def is_object(value: Any) -> bool:
    """Tell whether a value is an object."""
    return isinstance(value, dict)


def is_list(value: Any) -> bool:
    """Tell whether a value is a list."""
    return isinstance(value, list)


def is_number(value: Any) -> bool:
    """Tell whether a value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_null(value: Any) -> bool:
    """Tell whether a value is null."""
    return value is None


def matches(pattern: str) -> Any:
    """Return whether a value is a text of a pattern."""
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def is_longer(length: int) -> Any:
    """Return whether a value is a text that is longer."""
    return lambda value: isinstance(value, str) and len(value) > length


def drop_null_items(value: Any) -> Any:
    """Leave null out of a list."""
    return [item for item in value if item is not None] if isinstance(value, list) else value


def drop_bad_items(value: Any) -> Any:
    """Leave what is no text out of a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else value


def crashes(path: str, is_fatal: Callable[[Any], bool]) -> Twist:
    """Return the fault of failing at some values."""

    def alter(value: Any) -> Any:
        if is_fatal(value):
            raise RuntimeError
        return value

    return reads(path, alter)


def drop_empty(destinations: Any) -> Any:
    """Leave destinations with an empty to out of a list, unless it has no others."""
    if not is_list(destinations):
        return destinations
    kept = [one for one in destinations if not is_object(one) or one.get("to") != ""]
    return kept or destinations


DESTINATIONS = [{"to": NUMBER}]
MESSAGE = {"destinations": DESTINATIONS, "text": "x"}
CODES = ("TR", "ES", "PT")
SCRIPTS = ("TURKISH", "GREEK", "CYRILLIC", "CENTRAL_EUROPEAN", "NON_UNICODE")
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


def is_out(low: int, high: int) -> Any:
    """Return whether a value is a whole number outside of a range."""
    return lambda value: type(value) is int and not low <= value <= high


def takes_at_ends(name: str, is_taken: Callable[[Any], bool], good: Any) -> Twist:
    """Return the fault of taking bad values at either end of a window: of a field, or for the end itself."""

    def alter(window: Any) -> Any:
        for end in ("from", "to") if isinstance(window, dict) else ():
            path = f"{end}.{name}".rstrip(".")
            window = change(window, path, lambda v: good if is_taken(v) else v)
        return window

    return reads(WINDOW, alter)


REQUESTS: dict[str, Twist] = {
    # --- structure
    "messages-word": takes("messages", lambda v: isinstance(v, str), [MESSAGE]),
    "messages-null": takes("messages", is_null, [MESSAGE]),
    "messages-object": takes("messages", is_object, [MESSAGE]),
    "message-null": reads("messages", drop_null_items),
    "message-word": takes("messages[]", lambda v: isinstance(v, str), MESSAGE),
    "destinations-word": takes(
        "messages[].destinations", lambda v: isinstance(v, str), DESTINATIONS
    ),
    "destinations-null": takes("messages[].destinations", is_null, DESTINATIONS),
    "destination-null": reads("messages[].destinations", drop_null_items),
    "destination-number": takes("messages[].destinations[]", matches(".*"), DESTINATIONS[0]),
    # --- to
    "to-null": takes("messages[].destinations[].to", is_null, NUMBER),
    "to-blank": takes("messages[].destinations[].to", matches(r"\s+"), NUMBER),
    "to-double-plus": takes("messages[].destinations[].to", matches(r"\+\++[0-9]+"), NUMBER),
    "to-plus-inside": takes("messages[].destinations[].to", matches(r"[0-9]+\+[0-9]*"), NUMBER),
    "to-any-digits": takes(
        "messages[].destinations[].to",
        lambda v: isinstance(v, str) and v.isdigit() and not v.isascii(),
        NUMBER,
    ),
    "to-trailing-letter": takes("messages[].destinations[].to", matches(r"[0-9]+[A-Za-z]"), NUMBER),
    "to-object": takes("messages[].destinations[].to", is_object, NUMBER),
    "to-true": takes("messages[].destinations[].to", lambda v: v is True, NUMBER),
    "to-first-skipped": takes("messages[0].destinations[0].to", matches(".*[^0-9+].*"), NUMBER),
    "to-last-skipped": takes("messages[-1].destinations[-1].to", matches(".*[^0-9+].*"), NUMBER),
    # --- from
    "sender-mixed-14": takes("messages[].from", matches(r"(?=.*[0-9])[A-Za-z0-9]{12,14}"), "Inf"),
    "sender-far-cut": takes(
        "messages[].from", lambda v: is_longer(20)(v) and not v.isdigit(), "Inf"
    ),
    "sender-one": takes("messages[].from", matches(r"[A-Za-z]"), "Inf"),
    "sender-one-digit": takes("messages[].from", matches(r"[0-9]"), "Inf"),
    "sender-bytes": takes(
        "messages[].from", lambda v: isinstance(v, str) and 2 == len(v) < len(v.encode()), "Inf"
    ),
    "sender-object": takes("messages[].from", is_object, "Inf"),
    # --- flags
    "flash-object": takes("messages[].flash", is_object, False),
    "flash-list": takes("messages[].flash", is_list, False),
    "flash-beginning": takes("messages[].flash", matches("t.*|f.*"), False),
    "intermediate-object": takes("messages[].intermediateReport", is_object, False),
    "intermediate-last-unchecked": takes(
        "messages[-1].intermediateReport", lambda v: not isinstance(v, bool), False
    ),
    "intermediate-beginning": takes("messages[].intermediateReport", matches("t.*|f.*"), False),
    "flash-false-refused": rejects("messages[].flash", lambda v: v is False),
    # --- validityPeriod
    "validity-unit": takes("messages[].validityPeriod", matches(r"[0-9]+ ?[a-z]+"), 720),
    "validity-true": takes("messages[].validityPeriod", lambda v: v is True, 1),
    "validity-object": takes("messages[].validityPeriod", is_object, 1),
    "validity-list": takes("messages[].validityPeriod", is_list, 1),
    "validity-fortnight": rejects("messages[].validityPeriod", is_out(-9, 20160)),
    "validity-first-unchecked": takes(
        "messages[0].validityPeriod", lambda v: not isinstance(v, int), 1
    ),
    # --- one of a few
    "language-number": takes("messages[].language", is_number, {}),
    "language-list": takes("messages[].language", is_list, {}),
    "language-prefix": takes("messages[].language.languageCode", matches("[TEP]"), "TR"),
    "language-region": takes("messages[].language.languageCode", matches("(TR|ES|PT).+"), "TR"),
    "language-code-object": takes("messages[].language.languageCode", is_object, "TR"),
    "language-code-number": takes("messages[].language.languageCode", is_number, "TR"),
    "transliteration-object": takes("messages[].transliteration", is_object, "GREEK"),
    "transliteration-number": takes("messages[].transliteration", is_number, "GREEK"),
    "transliteration-dash": takes(
        "messages[].transliteration", matches("[A-Z]+[- ][A-Z]+"), "GREEK"
    ),
    "transliteration-prefix": takes(
        "messages[].transliteration",
        lambda v: isinstance(v, str) and v not in SCRIPTS and any(s.startswith(v) for s in SCRIPTS),
        "GREEK",
    ),
    "transliteration-suffix": takes(
        "messages[].transliteration",
        lambda v: isinstance(v, str) and v.startswith(SCRIPTS),
        "GREEK",
    ),
    "notify-type-short": takes(
        "messages[].notifyContentType", matches("json|xml"), "application/json"
    ),
    "notify-type-object": takes("messages[].notifyContentType", is_object, "application/json"),
    "notify-type-suffix": takes(
        "messages[].notifyContentType", matches("application/(json|xml).+"), "application/json"
    ),
    "notify-type-prefix": takes(
        "messages[].notifyContentType", matches("application/(x|xm|j|js|jso)?"), "application/json"
    ),
    "track-number": takes("tracking.track", is_number, "SMS"),
    "track-prefix": takes("tracking.track", matches("S|SM|U|UR"), "SMS"),
    "track-suffix": takes("tracking.track", matches("(SMS|URL).+"), "SMS"),
    # --- callbackData
    "callback-far-cut": takes("messages[].callbackData", is_longer(1000), "x"),
    "callback-wide-free": takes(
        "messages[].callbackData", lambda v: is_longer(200)(v) and not v.isascii(), "x"
    ),
    "callback-astral-free": takes(
        "messages[].callbackData", lambda v: is_longer(200)(v) and max(v) > "\uffff", "x"
    ),
    "callback-letters-refused": rejects(
        "messages[].callbackData", lambda v: isinstance(v, str) and not v.isascii()
    ),
    # --- sendAt
    "sendat-day": takes("messages[].sendAt", matches(r"\d{4}-\d\d-\d\d"), "2040-01-01T00:00:00Z"),
    "sendat-trailing": takes(
        "messages[].sendAt",
        matches(r"\d{4}-\d\d-\d\dT[:.\d]{8,12}\+\d\d:\d\d.+"),
        "2040-01-01T00:00:00Z",
    ),
    "sendat-month-13": takes(
        "messages[].sendAt", matches(r"\d{4}-1[3-9]-.*"), "2040-01-01T00:00:00Z"
    ),
    "sendat-hour-24": takes("messages[].sendAt", matches(r".*T2[4-9]:.*"), "2040-01-01T00:00:00Z"),
    "sendat-clock": takes(
        "messages[].sendAt", matches(r"\d\d:\d\d(:\d\d)?"), "2040-01-01T00:00:00Z"
    ),
    "sendat-object": takes("messages[].sendAt", is_object, "2040-01-01T00:00:00Z"),
    # --- the window
    "window-list": takes(WINDOW, is_list, PLAIN_WINDOW),
    "window-number": takes(WINDOW, is_number, PLAIN_WINDOW),
    "window-empty": takes(WINDOW, lambda v: v == {}, PLAIN_WINDOW),
    "days-null": takes(f"{WINDOW}.days", is_null, ["MONDAY"]),
    "days-object": takes(f"{WINDOW}.days", is_object, ["MONDAY"]),
    "days-number": takes(f"{WINDOW}.days", is_number, ["MONDAY"]),
    "days-last-unchecked": takes(f"{WINDOW}.days[-1]", lambda v: v not in DAYS, "MONDAY"),
    "days-first-unchecked": takes(f"{WINDOW}.days[0]", lambda v: v not in DAYS, "MONDAY"),
    "days-short": takes(f"{WINDOW}.days[]", matches("MON|TUE|WED|THU|FRI|SAT|SUN"), "MONDAY"),
    "days-non-text": reads(f"{WINDOW}.days", drop_bad_items),
    "days-title": takes(f"{WINDOW}.days[]", matches("[A-Z][a-z]+day"), "MONDAY"),
    "days-no-saturday": rejects(f"{WINDOW}.days", lambda v: v == ["SATURDAY"]),
    "from-hour-high": takes(f"{WINDOW}.from.hour", is_out(0, 23), 6),
    "from-hour-low": takes(f"{WINDOW}.from.hour", lambda v: type(v) is int and v < 0, 6),
    "to-hour-low": takes(f"{WINDOW}.to.hour", lambda v: type(v) is int and v < 0, 15),
    "from-minute-high": takes(f"{WINDOW}.from.minute", is_out(-9, 59), 6),
    "to-minute-low": takes(f"{WINDOW}.to.minute", lambda v: type(v) is int and v < 0, 15),
    "hour-far": takes_at_ends("hour", is_out(-9, 30), 15),
    "hour-fraction": takes_at_ends("hour", lambda v: isinstance(v, float), 6),
    "hour-word": takes_at_ends("hour", matches("[0-9]* ?[a-z]+"), 6),
    "minute-word": takes_at_ends("minute", matches("[0-9]* ?[a-z]+"), 6),
    "minute-object": takes(f"{WINDOW}.to.minute", is_object, 6),
    "hour-null": takes_at_ends("hour", is_null, 6),
    "to-hour-missing": reads(f"{WINDOW}.to", lambda v: {"hour": 15, **v} if is_object(v) else v),
    "from-minute-missing": reads(
        f"{WINDOW}.from", lambda v: {"minute": 0, **v} if is_object(v) else v
    ),
    "from-text": takes_at_ends("", matches(".*"), MORNING),
    "from-number": takes(f"{WINDOW}.from", is_number, MORNING),
    "to-list": takes(f"{WINDOW}.to", is_list, {"hour": 15, "minute": 30}),
    "from-null": takes(f"{WINDOW}.from", is_null, MORNING),
    "window-minute-59-from": rejects(f"{WINDOW}.from.minute", lambda v: v == 59),
    # --- good values
    "text-3-segments": rejects("messages[].text", is_longer(459)),
    "text-astral-refused": rejects(
        "messages[].text", lambda v: isinstance(v, str) and max(v, default="") > "\uffff"
    ),
    "url-query-refused": rejects("messages[].notifyUrl", matches(".*&.*")),
    # --- version 1
    "v1-destinations-empty": takes(
        "messages[].destinations", lambda v: not v, DESTINATIONS, urls=VERSION_1
    ),
    "v1-to-any": takes(
        "messages[].destinations[].to", matches(".*[a-z].*"), NUMBER, urls=VERSION_1
    ),
    "v1-to-empty": takes("messages[].destinations[].to", lambda v: not v, NUMBER, urls=VERSION_1),
    "v1-sender-long": takes("messages[].from", is_longer(11), "Inf", urls=VERSION_1),
    "v1-sender-short": takes(
        "messages[].from", lambda v: isinstance(v, str) and len(v) < 3, "Inf", urls=VERSION_1
    ),
    "v1-flash-any": takes(
        "messages[].flash", lambda v: not isinstance(v, bool), False, urls=VERSION_1
    ),
    "v1-messages-empty": takes("messages", lambda v: v == [], [MESSAGE], urls=VERSION_1),
    # --- other operations
    "preview-spanish-refused": rejects(
        "languageCode", lambda v: v == "ES", urls=("/sms/1/preview",)
    ),
    "preview-script-case": reads(
        "transliteration", lambda v: str(v).upper(), urls=("/sms/1/preview",)
    ),
    "preview-script-cyrillic-refused": rejects(
        "transliteration", lambda v: v == "CYRILLIC", urls=("/sms/1/preview",)
    ),
    "preview-language-case": reads(
        "languageCode", lambda v: str(v).upper(), urls=("/sms/1/preview",)
    ),
    "bulk-move-any": takes(
        "sendAt",
        lambda v: not re.match(r"\d{4}-", str(v)),
        "2040-01-01T00:00:00Z",
        urls=("/sms/1/bulks",),
    ),
    "bulk-move-nothing": Twist(
        read=lambda data, url, _given: (
            {"sendAt": "2040-01-01T00:00:00Z", **data} if url == "/sms/1/bulks" else data
        )
    ),
    "bulk-status-any": takes(
        "status",
        lambda v: v not in ("PAUSED", "PENDING", "CANCELED"),
        "PENDING",
        urls=("/sms/1/bulks/status",),
    ),
    "bulk-status-case": reads("status", lambda v: str(v).upper(), urls=("/sms/1/bulks/status",)),
    # --- what is lost on the way
    "text-spaces-lost": reads("messages[].text", lambda v: " ".join(str(v).split())),
    "text-astral-lost": reads("messages[].text", lambda v: re.sub("[^\x00-\uffff]", "?", str(v))),
    "callback-trimmed": reads(
        "messages[].callbackData", lambda v: v.strip() if isinstance(v, str) else v
    ),
    "messageid-spaces": reads(
        "messages[].destinations[].messageId",
        lambda v: " ".join(v.split()) if isinstance(v, str) else v,
    ),
    "bulkid-spaces": reads("bulkId", lambda v: " ".join(v.split()) if isinstance(v, str) else v),
    "messageid-astral": reads(
        "messages[].destinations[].messageId",
        lambda v: re.sub("[^\x00-\uffff]", "?", v) if isinstance(v, str) else v,
    ),
    "bulkid-astral": reads(
        "bulkId", lambda v: re.sub("[^\x00-\uffff]", "?", v) if isinstance(v, str) else v
    ),
    "messageid-ascii": reads(
        "messages[].destinations[].messageId",
        lambda v: v.encode("ascii", "ignore").decode() if isinstance(v, str) else v,
    ),
    "intermediate-xml-lost": reads("messages[].intermediateReport", lambda _v: GONE, wire="xml"),
    "sendat-xml-lost": reads("messages[].sendAt", lambda _v: GONE, wire="xml"),
    "notify-type-lost-xml": reads(
        "messages[].notifyContentType", lambda _v: GONE, wire="xml", urls=SENDING
    ),
    # --- found by a later look
    "destinations-object": takes("messages[].destinations", is_object, DESTINATIONS),
    "to-empty-dropped": reads("messages[].destinations", drop_empty),
    "to-missing-500": crashes(
        "messages[].destinations[]", lambda v: is_object(v) and "to" not in v
    ),
    "language-word-500": crashes("messages[].language", matches(".*")),
    "null-500": crashes("messages[].flash", is_null),
    "flash-yes": takes("messages[].flash", matches("yes|no"), False),
    "track-small": takes("tracking.track", matches("sms|url"), "SMS"),
    "sendat-epoch": takes("messages[].sendAt", is_number, "2040-01-01T00:00:00Z"),
    "sendat-february-30": takes(
        "messages[].sendAt", matches(r"\d{4}-02-3.*"), "2040-01-01T00:00:00Z"
    ),
    "sendat-west-refused": rejects("messages[].sendAt", matches(r".*-\d\d:?\d\d")),
    "hour-zero-refused": rejects(f"{WINDOW}.from.hour", lambda v: v == 0),
    "minute-zero-refused": rejects(f"{WINDOW}.from.minute", lambda v: v == 0),
    "days-no-wednesday": rejects(f"{WINDOW}.days[]", lambda v: v == "WEDNESDAY"),
    "days-word": takes(f"{WINDOW}.days", matches(".*"), ["MONDAY"]),
    "minute-null": takes(f"{WINDOW}.to.minute", is_null, 30),
    "xml-line-folded": reads("messages[].text", lambda v: str(v).replace("\n", " "), wire="xml"),
    "v1-validity-refused": rejects("messages[].validityPeriod", is_out(-9, 2880), urls=VERSION_1),
    "v1-spanish-refused": rejects(
        "messages[].language.languageCode", lambda v: v == "ES", urls=VERSION_1
    ),
    "v1-shift-refused": rejects(
        "messages[].language", lambda v: "singleShift" in v, urls=VERSION_1
    ),
    "v1-turkish-refused": rejects(
        "messages[].transliteration", lambda v: v == "TURKISH", urls=VERSION_1
    ),
    "preview-portuguese-refused": rejects(
        "languageCode", lambda v: v == "PT", urls=("/sms/1/preview",)
    ),
    "bulk-cancel-refused": rejects(
        "status", lambda v: v == "CANCELED", urls=("/sms/1/bulks/status",)
    ),
}
