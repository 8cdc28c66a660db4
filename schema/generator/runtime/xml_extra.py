"""The undocumented fields that XML has, and their form in it (READ-057)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .deadline import require_time
from .extra import is_name
from .scalars import FallbackRequired
from .xml_scalars import escape, skip_element

_MANY = 64  # values that are added between two looks at the clock


def add_unknown(extra: dict[str, Any] | None, element: Any) -> dict[str, Any]:
    """Add an unknown element; raise FallbackRequired if it is nested too deeply."""
    if len(element):
        skip_element(element)
        value = element_to_plain(element)
    else:
        value = element.text or ""
    extra = {} if extra is None else extra
    add_repeated(extra, element.tag, value)
    return extra


def element_to_plain(element: Any) -> Any:
    """Return an element as an object of its children, or as its text."""
    if not len(element):
        return element.text or ""
    plain: dict[str, Any] = {}
    for child in element:
        add_repeated(plain, child.tag, element_to_plain(child))
    return plain


def add_repeated(plain: dict[str, Any], name: str, value: Any) -> None:
    """Add a value that came from XML; a repeated name is a list."""
    grown: Any = plain
    if name not in plain:
        plain[name] = value
    elif type(plain[name]) is list:
        grown = plain[name]
        grown.append(value)
    else:
        plain[name] = [plain[name], value]
    if not len(grown) % _MANY:
        require_time()


def write_extra(extra: dict[str, Any]) -> str:
    """Return undocumented fields as XML; raise FallbackRequired for what has no form in it."""
    return "".join([_write_value(name, value) for name, value in extra.items()])


def _write_value(name: str, value: Any) -> str:
    if not is_name(name):
        raise FallbackRequired
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join([_write_value(name, entry) for entry in value])
    inner = write_extra(value) if isinstance(value, dict) else escape(format_scalar(value))
    return f"<{name}>{inner}</{name}>" if inner else f"<{name} />"


def format_scalar(value: Any) -> str:
    """Return a value as the text of an element."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value).lower() if isinstance(value, bool) else str(value)
