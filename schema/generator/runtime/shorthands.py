"""Plain values that stand for what a field holds: a string for an enum or a Destination, a timedelta.

What cannot be converted is returned as it is; the constraint of the field then rejects it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE = dt.timedelta(minutes=1)
_MILLISECOND = dt.timedelta(milliseconds=1)


def to_tuple(value: Any, cls: type, convert: Callable[[Any], Any] | None = None) -> Any:
    """Return the entries of any iterable; one value is a list of one."""
    if isinstance(value, (str, cls)):
        value = (value,)
    elif type(value) is list or type(value) is tuple:
        pass
    elif isinstance(value, (Mapping, bytes)) or not isinstance(value, Iterable):
        return value
    return tuple(map(convert, value)) if convert else tuple(value)


def _is_iterable(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (Mapping, bytes))


def to_member(value: Any, enum: Any) -> Any:
    """Return the member of an enum with this value."""
    if type(value) is not str:
        return value
    try:
        return enum(value)
    except ValueError:
        return value


def to_model(value: Any, cls: Any, field: str) -> Any:
    """Return the model that a valid value of its main field stands for."""
    if not isinstance(value, str):
        return value
    try:
        return cls(**{field: value})
    except ValueError:
        return value


def to_time_of_day(value: Any, cls: Any) -> Any:
    """Return the TimeOfDay of a ``datetime.time`` in whole minutes; without a zone it is UTC."""
    if not isinstance(value, dt.time) or value.second or value.microsecond:
        return value
    return value if value.utcoffset() else cls(hour=value.hour, minute=value.minute)


def to_minutes(value: int | dt.timedelta | None) -> int | None:
    """Return a timedelta in minutes."""
    return _to_units(value, _MINUTE)


def to_milliseconds(value: int | dt.timedelta | None) -> int | None:
    """Return a timedelta in milliseconds."""
    return _to_units(value, _MILLISECOND)


def _to_units(value: Any, unit: dt.timedelta) -> int | None:
    whole = isinstance(value, dt.timedelta) and not value % unit
    converted: int | None = value // unit if whole else value
    return converted
