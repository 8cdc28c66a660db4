"""Finds one-time codes in texts."""

from __future__ import annotations

import re

_CODE = re.compile(
    r"(?<![\w+.,:/-])(?:[0-9]{4}[- ][0-9]{4}|[0-9]{3}[- ][0-9]{3}|[0-9]{4,8})(?![\w/-]|[.,:][0-9])"
)


def find_codes(text: str) -> tuple[str, ...]:
    """Return the one-time codes in a text, as digits: 4 to 8 of them, also as 123-456 or 1234 5678."""
    return tuple(re.sub("[- ]", "", found) for found in _CODE.findall(text))
