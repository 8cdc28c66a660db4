"""What the generated XML codec needs besides scalars.py; JSON loads none of it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .deadline import require_time
from .scalars import PLAIN_DECIMAL, PLAIN_INTEGER, FallbackRequired

if TYPE_CHECKING:
    from collections.abc import Callable

XML_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_JOIN_SIZE = 512  # entries joined at a time, to bound memory
_MAX_DEPTH = 40  # levels inside an unknown element; the detailed path has the actual limit


def require_blank(text: str) -> None:
    """Raise FallbackRequired for text between elements other than white space."""
    if text.strip(" \t\r\n"):
        raise FallbackRequired


def skip_element(element: Any) -> None:
    """Skip an unknown element, unless it is nested too deeply."""
    if not len(element):
        return
    require_time()
    level = [element]
    for _ in range(_MAX_DEPTH):
        level = [child for parent in level for child in parent]
        if not level:
            return
    raise FallbackRequired


def read_integer(text: str | None) -> int:
    """Parse an xs:integer."""
    if text is None or not PLAIN_INTEGER.fullmatch(text):
        raise FallbackRequired
    return int(text)


def read_decimal(text: str | None) -> Decimal:
    """Parse an xs:decimal."""
    if text is None or not PLAIN_DECIMAL.fullmatch(text):
        raise FallbackRequired
    return Decimal(text)


BOOLEANS: dict[Any, bool] = {"true": True, "false": False, "1": True, "0": False}


def escape(text: str) -> str:
    """Escape the text of an element."""
    if XML_ILLEGAL.search(text):
        raise FallbackRequired
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;")


def join_elements(write: Callable[[Any], str], entries: tuple[Any, ...], name: str) -> str:
    """Write the entries of a list, each in an element of this name."""
    start, stop, empty = f"<{name}>", f"</{name}>", f"<{name} />"
    if len(entries) <= _JOIN_SIZE:
        inner = map(write, entries)
        return "".join([f"{start}{text}{stop}" if text else empty for text in inner])
    groups = range(0, len(entries), _JOIN_SIZE)
    return "".join(
        [join_elements(write, entries[place : place + _JOIN_SIZE], name) for place in groups]
    )
