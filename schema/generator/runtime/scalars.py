"""What the generated codecs share: values that are not quite plain, and objects made without __init__.

The codecs read and write what is as it should be. Of everything else they raise Odd, and the
detailed path decides what it is and says why; they never reject, and they accept nothing that it
would not.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .constraints import is_of_type, is_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})"
)
INTEGER = re.compile(r"[+-]?[0-9]{1,1000}")
DECIMAL = re.compile(r"[+-]?[0-9]{1,1000}(\.[0-9]{1,1000})?([eE][+-]?[0-9]{1,3})?")
XML_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
INTEGER_UPPER_BOUND: int = 2**1024
"""No whole number of a model reaches it (limits.py), nor the one below zero."""
INTEGER_LOWER_BOUND: int = -INTEGER_UPPER_BOUND
CHUNK_SIZE = 64  # entries; of a longer list no plain copy is made as a whole
UNSET: Any = type("Unset", (), {})()
_JOIN_SIZE = 512  # entries of a list that are joined at a time: their texts are then let go
_MAX_DEPTH = 40  # levels inside an unknown element; the detailed path knows the true bound
_PLAIN_INTEGER = re.compile(r"[+-]?[0-9]{1,300}")
_PLAIN_DECIMAL = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?")


class FallbackRequired(Exception):
    """Something that a codec leaves to the detailed path."""


class ChunkedList:
    """A long list of models, and what writes one of them: an encoder takes it piece by piece."""

    __slots__ = ("entries", "write")

    def __init__(self, write: Callable[[Any], Any], entries: list[Any]) -> None:
        self.write, self.entries = write, entries

    def split(self) -> Iterator[list[Any]]:
        """Yield the entries as plain data, some at a time."""
        for place in range(0, len(self.entries), CHUNK_SIZE):
            yield [self.write(entry) for entry in self.entries[place : place + CHUNK_SIZE]]


def mutable_twin(cls: type) -> Any:
    """Return a class of the same slots that is not frozen: its objects become models by assignment.

    Models check themselves when they are made; what a codec makes is checked already. Where a
    Python forbids such an assignment, the twin cannot be made, and the detailed path does it all.
    """
    other = type(cls.__name__, (), {"__slots__": cls.__slots__})  # type: ignore[attr-defined] # models have slots
    try:
        other().__class__ = cls
    except TypeError:
        return _raise_fallback
    return other


def _raise_fallback() -> Any:
    raise FallbackRequired


def find_instant(text: str) -> dt.datetime | None:
    """Return the date and time that a text of the wire is, if it is one with its zone."""
    if not INSTANT.fullmatch(text):
        return None
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return None


def read_instant(value: Any) -> dt.datetime:
    """Read a date and time as a model holds it."""
    if type(value) is not str or not INSTANT.fullmatch(value):
        raise FallbackRequired
    instant = dt.datetime.fromisoformat(value)
    if not _is_plain_zone(instant.tzinfo):
        raise FallbackRequired
    rest = instant.microsecond % 1000
    return instant.replace(microsecond=instant.microsecond - rest) if rest else instant


def write_instant(value: Any) -> str:
    """Write a date and time that a model holds."""
    if type(value) is not dt.datetime or not _is_plain_zone(value.tzinfo):
        raise FallbackRequired
    return value.isoformat(timespec="milliseconds")


def write_bare_instant(value: Any) -> str:
    """Write a date and time without a colon in its offset (DLR-003)."""
    text = write_instant(value)
    return text[:-3] + text[-2:]


@lru_cache(maxsize=256)
def _is_plain_zone(zone: dt.tzinfo | None) -> bool:
    """Tell whether a zone is a fixed offset that the wire can write."""
    return type(zone) is dt.timezone and is_of_type(
        dt.datetime(2000, 1, 1, tzinfo=zone), dt.datetime
    )


def is_exact_decimal(value: Any) -> bool:
    """Tell whether a value is a number that can be written with all its digits."""
    return type(value) is Decimal and is_of_type(value, Decimal)


def get_enum_members(kind: Any) -> dict[Any, Any]:
    """Return the fields of an enumeration by their words on the wire."""
    return {str(member.value): member for member in kind}


def get_enum_values(kind: Any) -> dict[Any, str]:
    """Return the words on the wire by fields, which are equal to them."""
    return {member: str(member.value) for member in kind}


# ---------------------------------------------------------------- JSON, read openly


def coerce_none(value: Any) -> Any:
    """Take null, and an empty text where no text belongs, for no value."""
    if value is not None and (type(value) is not str or value):
        raise FallbackRequired
    return None


def coerce_text(value: Any) -> str | None:
    """Take a number for the text of its digits, and null for no value."""
    if value is None:
        return None
    if type(value) in {int, Decimal}:
        return str(value)
    if type(value) is str and is_text(value):
        return value
    raise FallbackRequired


def coerce_integer(value: Any) -> int | None:
    """Take a text of digits for a number."""
    if type(value) is int and INTEGER_LOWER_BOUND < value < INTEGER_UPPER_BOUND:
        return value
    if type(value) is str and _PLAIN_INTEGER.fullmatch(value):
        return int(value)
    coerce_none(value)
    return None


def coerce_boolean(value: Any) -> bool | None:
    """Take the words true and false for what they say."""
    if type(value) is bool:
        return value
    if value in {"true", "false"}:
        return bool(value == "true")
    coerce_none(value)
    return None


def coerce_decimal(value: Any) -> Decimal | None:
    """Take whole numbers, and texts of digits, for numbers."""
    if type(value) is int and INTEGER_LOWER_BOUND < value < INTEGER_UPPER_BOUND:
        return Decimal(value)
    if type(value) is str and _PLAIN_DECIMAL.fullmatch(value):
        return Decimal(value)
    if type(value) is Decimal and is_exact_decimal(value):
        return value
    coerce_none(value)
    return None


def coerce_instant(value: Any) -> dt.datetime | None:
    """Read a date and time, or nothing."""
    if type(value) is str and value:
        return read_instant(value)
    coerce_none(value)
    return None


# ---------------------------------------------------------------- XML


def require_blank(text: str) -> None:
    """Reject to decide on text between elements, if it is more than white space."""
    if text.strip(" \t\r\n"):
        raise FallbackRequired


def skip_element(element: Any) -> None:
    """Pass an element that the contract does not know, if it is not deep."""
    level = [element]
    for _ in range(_MAX_DEPTH):
        level = [child for parent in level for child in parent]
        if not level:
            return
    raise FallbackRequired


def read_integer(text: str | None) -> int:
    """Read a whole number as XSD writes it."""
    if text is None or not _PLAIN_INTEGER.fullmatch(text):
        raise FallbackRequired
    return int(text)


def read_decimal(text: str | None) -> Decimal:
    """Read a number as XSD writes it."""
    if text is None or not _PLAIN_DECIMAL.fullmatch(text):
        raise FallbackRequired
    return Decimal(text)


BOOLEANS: dict[Any, bool] = {"true": True, "false": False, "1": True, "0": False}


def escape(text: str) -> str:
    """Write a text between two tags."""
    if XML_ILLEGAL.search(text):
        raise FallbackRequired
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;")


def join_elements(write: Callable[[Any], str], entries: list[Any], name: str) -> str:
    """Write the entries of a list one after the other, each in an element of this name."""
    start, stop, empty = f"<{name}>", f"</{name}>", f"<{name} />"
    if len(entries) <= _JOIN_SIZE:
        inner = map(write, entries)
        return "".join([f"{start}{text}{stop}" if text else empty for text in inner])
    groups = range(0, len(entries), _JOIN_SIZE)
    return "".join(
        [join_elements(write, entries[place : place + _JOIN_SIZE], name) for place in groups]
    )
