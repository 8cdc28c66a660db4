"""What the generated codecs share: scalar values, and objects created without __init__.

The codecs handle valid data. For anything else they raise FallbackRequired, and the detailed path
decides: they reject nothing themselves, and accept nothing that it would not accept.
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
NUMBER = re.compile(r"[+-]?([0-9]{1,1000}(\.[0-9]{0,1000})?|\.[0-9]{1,1000})([eE][+-]?[0-9]{1,3})?")
INTEGER_UPPER_BOUND: int = 2**1024
"""Integers of a model are below it, and above INTEGER_LOWER_BOUND (constraints.py)."""
INTEGER_LOWER_BOUND: int = -INTEGER_UPPER_BOUND
CHUNK_SIZE = 64  # entries; a longer list is converted chunk by chunk
UNSET: Any = type("Unset", (), {})()
PLAIN_INTEGER = re.compile(r"[+-]?[0-9]{1,300}")
PLAIN_DECIMAL = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?")


class FallbackRequired(Exception):
    """The codec leaves this value to the detailed path."""


class ChunkedList:
    """A long list of models that an encoder converts chunk by chunk."""

    __slots__ = ("entries", "write")

    def __init__(self, write: Callable[[Any], Any], entries: tuple[Any, ...]) -> None:
        self.write, self.entries = write, entries

    def split(self) -> Iterator[list[Any]]:
        """Yield the entries as plain data, in chunks."""
        for place in range(0, len(self.entries), CHUNK_SIZE):
            yield [self.write(entry) for entry in self.entries[place : place + CHUNK_SIZE]]


def mutable_twin(cls: type) -> Any:
    """Return a mutable class with the same slots; assigning ``__class__`` makes its objects models.

    This skips the validators of models, for values that a codec has checked already. Where Python forbids
    the assignment, the detailed path does everything.
    """
    direct = {"__call__": type.__call__}  # a model's own explains wrong arguments, and costs more
    kind = type(type(cls).__name__, (type(cls),), direct)
    other = kind(cls.__name__, cls.__bases__, {"__slots__": cls.__slots__})  # type: ignore[attr-defined] # models have slots
    try:
        other().__class__ = cls
    except TypeError:
        return _raise_fallback
    return other


def _raise_fallback() -> Any:
    raise FallbackRequired


def find_instant(text: str) -> dt.datetime | None:
    """Return the datetime of a text, in UTC if its offset is not in use; None unless it is ISO 8601 with a zone."""
    if not INSTANT.fullmatch(text):
        return None
    try:
        instant = dt.datetime.fromisoformat(text)
        return instant if _is_plain_zone(instant.tzinfo) else instant.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def read_instant(value: Any) -> dt.datetime:
    """Parse a datetime, truncated to milliseconds."""
    if type(value) is not str or not INSTANT.fullmatch(value):
        raise FallbackRequired
    instant = dt.datetime.fromisoformat(value)
    if not _is_plain_zone(instant.tzinfo):
        raise FallbackRequired
    rest = instant.microsecond % 1000
    return instant.replace(microsecond=instant.microsecond - rest) if rest else instant


def write_instant(value: Any) -> str:
    """Write a datetime of a model."""
    if type(value) is not dt.datetime or not _is_plain_zone(value.tzinfo):
        raise FallbackRequired
    return value.isoformat(timespec="milliseconds")


def write_bare_instant(value: Any) -> str:
    """Write a datetime without a colon in its offset (DLR-003)."""
    text = write_instant(value)
    return text[:-3] + text[-2:]


@lru_cache(maxsize=256)
def _is_plain_zone(zone: dt.tzinfo | None) -> bool:
    """Tell whether a zone is a fixed offset in whole minutes, within the allowed range."""
    return type(zone) is dt.timezone and is_of_type(
        dt.datetime(2000, 1, 1, tzinfo=zone), dt.datetime
    )


def is_exact_decimal(value: Any) -> bool:
    """Tell whether a value is a decimal that can be written exactly."""
    return type(value) is Decimal and is_of_type(value, Decimal)


def get_enum_members(kind: Any) -> dict[Any, Any]:
    """Return the members of an enum by value."""
    return {str(member.value): member for member in kind}


def get_enum_values(kind: Any) -> dict[Any, str]:
    """Return the values of an enum by member."""
    return {member: str(member.value) for member in kind}


# ---------------------------------------------------------------- JSON, lenient


def coerce_none(value: Any) -> Any:
    """Return None for null, and for an empty string in place of another type."""
    if value is not None and (type(value) is not str or value):
        raise FallbackRequired
    return None


def coerce_text(value: Any) -> str | None:
    """Convert a number to a string; null is None."""
    if value is None:
        return None
    if type(value) in {int, Decimal}:
        return str(value)
    if type(value) is str and is_text(value):
        return value
    raise FallbackRequired


def coerce_integer(value: Any) -> int | None:
    """Convert a string of digits to an integer."""
    if type(value) is int and INTEGER_LOWER_BOUND < value < INTEGER_UPPER_BOUND:
        return value
    if type(value) is str and PLAIN_INTEGER.fullmatch(value):
        return int(value)
    coerce_none(value)
    return None


def coerce_boolean(value: Any) -> bool | None:
    """Convert the strings ``true`` and ``false``."""
    if type(value) is bool:
        return value
    if value in {"true", "false"}:
        return bool(value == "true")
    coerce_none(value)
    return None


def coerce_decimal(value: Any) -> Decimal | None:
    """Convert an integer, or a string of digits, to a Decimal."""
    if type(value) is int and INTEGER_LOWER_BOUND < value < INTEGER_UPPER_BOUND:
        return Decimal(value)
    if type(value) is str and PLAIN_DECIMAL.fullmatch(value):
        return Decimal(value)
    if type(value) is Decimal and is_exact_decimal(value):
        return value
    coerce_none(value)
    return None


def coerce_instant(value: Any) -> dt.datetime | None:
    """Parse a datetime; null and the empty string are None."""
    if type(value) is str and value:
        return read_instant(value)
    coerce_none(value)
    return None
