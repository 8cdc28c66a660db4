"""Who is left out of a run: numbers that were suppressed, and numbers that had their message already."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Skip: TypeAlias = "Callable[[str], bool] | Iterable[str] | Path"
Dedupe: TypeAlias = Literal["number", "warn"] | None
_SEPARATORS = re.compile(r"[\s()/.-]")
_BUCKETS = 64  # so that counting takes a little memory at a time
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
    if isinstance(skip, str) or not isinstance(skip, Path | Iterable):
        kind = type(skip).__name__
        raise ValueError(f"skip: expected numbers, a callable or a Path, got {kind}")  # noqa: TRY004 - as any bad option
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

    def __init__(self, skip: Skip | None, dedupe: Dedupe) -> None:
        self._is_skipped = build_skip(skip)
        self._first: dict[str, int] | None = {} if dedupe == "number" else None
        self._sent = [array("Q") for _ in range(_BUCKETS)] if dedupe == "warn" else None

    def find_reason(self, index: int, number: str) -> str:
        """Return why a destination is left out; empty if it is not."""
        if self._is_skipped(number):
            return "the number is suppressed"
        if self._sent is not None:
            key = _build_key(number)
            self._sent[key % _BUCKETS].append(key)
        if self._first is None:
            return ""
        first = self._first.setdefault(normalize_number(number), index)
        return "" if first == index else f"{_SAME_NUMBER}{first}"

    def describe_repeated(self) -> str:
        """Return how many destinations had a number that came before, and what to do; empty if none had."""
        total = sum(map(len, self._sent or ()))
        repeated = total - sum(len(set(bucket)) for bucket in self._sent or ())
        if not repeated:
            return ""
        return (
            f"send_many: {repeated} of {total} destinations have a number that came before,"
            ' so it gets more than one message. dedupe="number" sends once to each number; dedupe=None if'
            " this is meant."
        )


def _build_key(number: str) -> int:
    """Return a number in 8 bytes; the same for all its spellings."""
    digits = number if number.isdecimal() and number[0] != "0" else normalize_number(number)
    return int(digits) if digits.isdecimal() and len(digits) < 20 else hash(digits) % 2**64  # noqa: PLR2004 - all of 19 digits are below 2**64
