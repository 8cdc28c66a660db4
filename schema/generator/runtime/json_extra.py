"""The undocumented fields that plain data has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .scalars import FallbackRequired

if TYPE_CHECKING:
    from collections.abc import Collection

_MAX_DEPTH = 64  # levels inside an unknown field that is kept
_TOO_DEEP: Any = object()


def find_extra(
    plain: dict[str, Any], known: Collection[str], *, any_number: bool = False
) -> dict[str, Any] | None:
    """Return a copy of what is not known in plain data; None if there is nothing.

    any_number: False raises FallbackRequired for a float, of which a fast parser may have lost digits.
    """
    found: dict[str, Any] = {}
    for name, value in plain.items():
        if name not in known:
            copy = _copy(value, _MAX_DEPTH, any_number=any_number)
            if copy is not _TOO_DEEP:
                found[name] = copy
    return found or None


def _copy(value: Any, levels: int, *, any_number: bool) -> Any:
    """Return a copy of a parsed value, or _TOO_DEEP if it has more levels than these."""
    kind = type(value)
    if kind is float and not any_number:
        raise FallbackRequired
    if kind is not dict and kind is not list:
        return value
    if not levels:
        return _TOO_DEEP
    parts = value.values() if kind is dict else value
    copies = [_copy(part, levels - 1, any_number=any_number) for part in parts]
    if any(copy is _TOO_DEEP for copy in copies):
        return _TOO_DEEP
    return dict(zip(value, copies, strict=True)) if kind is dict else copies
