"""Who is left out of a run: numbers that were suppressed, and numbers that had their message already."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Skip: TypeAlias = "Callable[[str], bool] | Iterable[str] | Path"
_SEPARATORS = re.compile(r"[\s()/.-]")
_SAME_NUMBER = "the same number as destination "
_HIDDEN_MARKS = "\ufeff+"


def normalize_number(number: str) -> str:
    """Return a number as digits alone: ``+41793026727`` and ``0041793026727`` are ``41793026727``."""
    return _SEPARATORS.sub("", number).lstrip(_HIDDEN_MARKS).removeprefix("00")


def build_skip(skip: Skip | None) -> Callable[[str], bool]:
    """Return what decides whether a number is suppressed.

    skip: a callable, numbers, or a file with one number in each line (the first cell, if it has more).
    """
    if skip is None:
        return lambda _: False
    if callable(skip):
        return skip
    if isinstance(skip, str):
        raise ValueError("skip: expected numbers, a callable or a Path, got str")  # noqa: TRY004 - as any bad option
    numbers = _read_numbers(skip) if isinstance(skip, Path) else skip
    known = {normalize_number(number) for number in numbers}
    known.discard("")
    return lambda number: normalize_number(number) in known


def _read_numbers(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig") as lines:
        return [re.split("[,;\t]", line)[0].strip().strip('"') for line in lines]


def find_original(reason: str) -> int | None:
    """Return the index of the destination that a suppressed one repeats; None for other reasons."""
    index = reason.removeprefix(_SAME_NUMBER)
    return int(index) if index != reason and index.isdecimal() else None


class Suppression:
    """Decides about one destination after the other, in the order of the input."""

    def __init__(self, skip: Skip | None, *, dedupe: bool) -> None:
        self._is_skipped = build_skip(skip)
        self._first: dict[str, int] | None = {} if dedupe else None

    def find_reason(self, index: int, number: str) -> str:
        """Return why a destination is left out; empty if it is not."""
        if self._is_skipped(number):
            return "the number is suppressed"
        if self._first is None:
            return ""
        first = self._first.setdefault(normalize_number(number), index)
        return "" if first == index else f"{_SAME_NUMBER}{first}"
