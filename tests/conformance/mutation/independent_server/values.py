"""The limits of a message's own fields."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from tests.conformance.mutation.independent_server.dates import is_written, read_instant
from tests.conformance.mutation.independent_server.delivery.windows import check_window
from tests.conformance.mutation.independent_server.scope import Scope

MessageCheck = Callable[[Any, Scope], Iterator[str]]
LANGUAGES = ("TR", "ES", "PT")
TRANSLITERATIONS = ("TURKISH", "GREEK", "CYRILLIC", "CENTRAL_EUROPEAN", "NON_UNICODE")
NOTIFY_TYPES = ("application/json", "application/xml")
TRACKS = ("SMS", "URL")
DIGITS = frozenset("0123456789")
PUNCTUATION = frozenset(" .-_&")
LETTER_BOUNDS = {
    "sender-letters-12": (3, 12),
    "sender-letters-2": (2, 11),
    "sender-letters-10": (3, 10),
    "sender-letters-4": (4, 11),
}
DIGIT_BOUNDS = {
    "sender-digits-15": (3, 15),
    "sender-digits-2": (2, 14),
    "sender-digits-13": (3, 13),
    "sender-digits-4": (4, 14),
    "sender-digits-as-letters": (3, 11),
}


def check_sender(value: Any, scope: Scope) -> Iterator[str]:
    """Find what is wrong with a sender."""
    if not isinstance(value, str):
        yield "must be a string"
        return
    digits = bool(value) and DIGITS.issuperset(value)
    unchecked = {
        "sender-letters-first-message-only": not digits and scope.message > 0,
        "sender-letters-unchecked-json": not digits and scope.given == "json",
        "sender-digits-unchecked-xml": digits and scope.given == "xml",
    }
    if scope.traits.loosens(unchecked):
        return
    bounds, usual = (DIGIT_BOUNDS, (3, 14)) if digits else (LETTER_BOUNDS, (3, 11))
    shortest, longest = scope.traits.choose(bounds, usual)
    if not shortest <= scope.measure(value) <= longest:
        yield f"size must be between {shortest} and {longest}"
    if not digits:
        yield from _check_characters(value, scope)


def _check_characters(value: str, scope: Scope) -> Iterator[str]:
    plain = value.isascii() and all(c.isalnum() or c in PUNCTUATION for c in value)
    if scope.takes("plain-senders") and not plain:
        yield "has a character that no sender has"
    if scope.breaks("sender-alphanumeric-only") and not value.isalnum():
        yield "must be alphanumeric"


def check_text(value: Any, scope: Scope) -> Iterator[str]:
    """Find what is wrong with a text."""
    if not isinstance(value, str):
        yield "must be a string"
    elif not value and scope.takes("text-mandatory"):
        yield "must not be empty"


def check_flash(value: Any, scope: Scope) -> Iterator[str]:
    """Find what is wrong with flash."""
    in_xml = scope.breaks("flash-unchecked-xml") and scope.given == "xml"
    if not isinstance(value, bool) and not scope.breaks("flash-any") and not in_xml:
        yield "must be true or false"


def check_intermediate(value: Any, scope: Scope) -> Iterator[str]:
    """Find what is wrong with intermediateReport."""
    if not isinstance(value, bool) and not scope.breaks("intermediate-any"):
        yield "must be true or false"


def check_choice(value: Any, choices: tuple[str, ...], scope: Scope, name: str) -> Iterator[str]:
    """Find what is wrong with a value that is one of a few."""
    known = value in choices if isinstance(value, str) else False
    if isinstance(value, str):
        known |= scope.breaks(f"{name}-any")
        known |= scope.breaks(f"{name}-case") and value.upper() in choices
        known |= scope.breaks(f"{name}-first-message-only") and scope.message > 0
        known &= not (scope.breaks(f"{name}-last-refused") and value == choices[-1])
    if not known:
        yield f"must be one of {', '.join(choices)}"


def check_language(value: Any, scope: Scope) -> Iterator[str]:
    """Find what is wrong with a language."""
    if not isinstance(value, dict):
        if not scope.breaks("language-string"):
            yield "must be an object"
        return
    if "languageCode" in value:
        name = "language" if scope.version == 2 else "v1-language"
        yield from check_choice(value["languageCode"], LANGUAGES, scope, name)
    if scope.version == 1 and not scope.breaks("v1-shift-any"):
        for shift in ("singleShift", "lockingShift"):
            if not isinstance(value.get(shift, False), bool):
                yield f"{shift} must be true or false"


def check_transliteration(value: Any, scope: Scope) -> Iterator[str]:
    """Find what is wrong with a transliteration; version 1 does not know the last one."""
    newer = scope.version == 2 or scope.breaks("v1-non-unicode")
    choices = TRANSLITERATIONS if newer else TRANSLITERATIONS[:-1]
    name = "transliteration" if scope.version == 2 else "v1-transliteration"
    yield from check_choice(value, choices, scope, name)


def check_notify_url(value: Any, scope: Scope) -> Iterator[str]:
    """Find what is wrong with a notifyUrl."""
    if not isinstance(value, str):
        yield "must be a string"
    elif scope.takes("urls-checked"):
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            yield "must be a URL"


def check_notify_type(value: Any, scope: Scope) -> Iterator[str]:
    """Find what is wrong with a notifyContentType."""
    yield from check_choice(value, NOTIFY_TYPES, scope, "notify-type")


def check_callback_data(value: Any, scope: Scope) -> Iterator[str]:
    """Find what is wrong with callbackData."""
    if not isinstance(value, str):
        yield "must be a string"
        return
    if scope.version == 1 and not scope.breaks("v1-callback-200"):
        return
    if scope.breaks("callback-first-message-only") and scope.message:
        return
    if scope.breaks("callback-unchecked-xml") and scope.given == "xml":
        return
    size = len(value.encode()) if scope.breaks("callback-bytes") else scope.measure(value)
    longest = scope.traits.choose(
        {"callback-201": 201, "callback-199": 199, "callback-255": 255}, 200
    )
    if size > longest:
        yield f"size must be at most {longest}"


def check_validity(value: Any, scope: Scope) -> Iterator[str]:
    """Find what is wrong with a validityPeriod."""
    if isinstance(value, bool) or not isinstance(value, int):
        fraction = isinstance(value, float) and scope.breaks("validity-fraction")
        text = isinstance(value, str) and scope.breaks("validity-any")
        if not fraction and not text:
            yield "must be a whole number"
    elif scope.breaks("validity-2881-refused") and scope.version == 2 and value > 2880:
        yield "must be at most 2880"
    elif value <= 0 and scope.takes("validity-positive"):
        yield "must be above zero"


def check_send_at(value: Any, scope: Scope) -> Iterator[str]:
    """Find what is wrong with a sendAt; its reading, and not its being past."""
    if not isinstance(value, str):
        yield "must be a date and time"
        return
    if scope.breaks("sendat-first-message-only") and scope.message:
        return
    try:
        read_instant(value, scope.traits)
    except ValueError:
        lenient = scope.breaks("sendat-impossible") and is_written(value)
        if not lenient and not scope.breaks("sendat-any"):
            yield "must be a date and time"


CHECKS: dict[str, MessageCheck] = {
    "from": check_sender,
    "text": check_text,
    "flash": check_flash,
    "language": check_language,
    "transliteration": check_transliteration,
    "intermediateReport": check_intermediate,
    "notifyUrl": check_notify_url,
    "notifyContentType": check_notify_type,
    "callbackData": check_callback_data,
    "validityPeriod": check_validity,
    "sendAt": check_send_at,
    "deliveryTimeWindow": check_window,
}
