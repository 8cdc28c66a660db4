"""The undocumented fields that plain data has."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from .deadline import require_time
from .scalars import FallbackRequired

if TYPE_CHECKING:
    from collections.abc import Collection

_MAX_DEPTH = 64  # levels inside an unknown field that is kept
_CONTAINERS = (dict, list)


def find_extra(
    plain: dict[str, Any], known: Collection[str], *, any_number: bool = False
) -> dict[str, Any] | None:
    """Return a copy of what is not known in plain data, unless it has too many levels; None if it is nothing.

    any_number: False raises FallbackRequired for a float, of which a fast parser may have lost digits.
    """
    return {
        name: _copy(value)
        for name, value in plain.items()
        if name not in known and _has_few_levels(value, any_number=any_number)
    } or None


def _has_few_levels(value: Any, *, any_number: bool) -> bool:
    """Tell whether a parsed value has no more than _MAX_DEPTH levels."""
    if type(value) is float and not any_number:
        raise FallbackRequired
    if type(value) not in _CONTAINERS:
        return True
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        if not any_number and float in map(type, level):
            raise FallbackRequired
        containers = [part for part in level if type(part) in _CONTAINERS]
        if not containers:
            return True
        level = list(
            chain.from_iterable(
                part.values() if type(part) is dict else part for part in containers
            )
        )
    return False


def _copy(value: Any) -> Any:
    """Return a copy of a parsed value."""
    kind = type(value)
    if kind not in _CONTAINERS:
        return value
    require_time()
    if kind is list:
        return [_copy(part) if type(part) in _CONTAINERS else part for part in value]
    return {name: _copy(part) for name, part in value.items()}
