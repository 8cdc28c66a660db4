"""The undocumented fields that plain data has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .extra import copy_plain
from .scalars import FallbackRequired

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_MAX_DEPTH = 64  # levels inside an unknown field that is kept


def find_extra(
    plain: dict[str, Any], known: Collection[str], *, any_number: bool = False
) -> dict[str, Any] | None:
    """Return a copy of what is not known in plain data; None if there is nothing.

    any_number: False raises FallbackRequired for a float, of which a fast parser may have lost digits.
    """
    found = {name: value for name, value in plain.items() if name not in known}
    if not any_number and any(type(scalar) is float for scalar in _list_scalars(found)):
        raise FallbackRequired
    return {n: copy_plain(value) for n, value in found.items() if not _is_too_deep(value)} or None


def _list_level(level: list[Any]) -> list[Any]:
    """Return the values inside objects and lists."""
    parts = [part for part in level if isinstance(part, dict | list)]
    return [p for part in parts for p in (part.values() if isinstance(part, dict) else part)]


def _list_scalars(value: Any) -> Iterator[Any]:
    level = [value]
    while level:
        yield from level
        level = _list_level(level)


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = _list_level(level)
        if not level:
            return False
    return True
