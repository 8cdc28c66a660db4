"""Fields beyond the documented ones, as plain JSON values: those to be written, and those that were read."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

import attrs

from .constraints import describe_value, is_of_type, is_text
from .scalars import FallbackRequired, escape, skip_element
from .violations import InvalidRequestError, Violation

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_EXPECTED = "an object of field names and JSON values"
_ID = "HTTP-003"
_MAX_DEPTH = 64  # levels inside an unknown field that is kept


def copy_extra(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a copy that is the model's own; nothing for an empty one."""
    if value is None:
        return None
    copied: Any = _copy(value)
    return copied or None if isinstance(copied, dict) else copied


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copy(part) for name, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list | tuple) else value


def check_extra(instance: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    """Raise InvalidRequestError unless JSON and XML can carry the fields, and no argument is for them."""
    if value is None:
        return
    path = f"{type(instance).__name__}.{attribute.name}"
    own = {f.metadata["wire"]: f.name for f in attrs.fields(type(instance)) if "wire" in f.metadata}
    problems = _check_value(value, path) if isinstance(value, dict) else [_reject(path, value)]
    if isinstance(value, dict):
        names = [(name, argument) for name, argument in own.items() if name in value]
        problems += [
            Violation(f"{path}.{name}", "a documented field", f"the argument {argument}", _ID)
            for name, argument in names
        ]
    if problems:
        raise InvalidRequestError(problems)


def _check_value(value: object, path: str) -> list[Violation]:
    if isinstance(value, dict):
        if any(not isinstance(name, str) or not _NAME.fullmatch(name) for name in value):
            return [Violation(path, "another name", "names of letters, digits, _, . and -", _ID)]
        parts = [(f"{path}.{name}", part) for name, part in value.items()]
    elif isinstance(value, list):
        parts = [(f"{path}[{index}]", part) for index, part in enumerate(value)]
    else:
        return [] if _is_scalar(value) else [_reject(path, value)]
    return [problem for place, part in parts for problem in _check_value(part, place)]


def _is_scalar(value: object) -> bool:
    if isinstance(value, str):
        return is_text(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return any(is_of_type(value, kind) for kind in (bool, int, Decimal))


def _reject(path: str, value: object) -> Violation:
    return Violation(path, describe_value(value), _EXPECTED, _ID)


def get_extra_name(cls: Any) -> str | None:
    """Return the attribute of a model that holds its undocumented fields, if it has one."""
    fields = attrs.fields_dict(cls)
    return next((name for name in ("extra", "_extra") if name in fields), None)


def find_extra(
    plain: dict[str, Any], known: Collection[str], *, any_number: bool = False
) -> dict[str, Any] | None:
    """Return a copy of what is not known in plain data; None if there is nothing.

    any_number: False raises FallbackRequired for a float, of which a fast parser may have lost digits.
    """
    found = {name: value for name, value in plain.items() if name not in known}
    if not any_number and any(type(scalar) is float for scalar in _list_scalars(found)):
        raise FallbackRequired
    return {n: _copy(value) for n, value in found.items() if not _is_too_deep(value)} or None


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


def add_unknown(extra: dict[str, Any] | None, element: Any) -> dict[str, Any]:
    """Add an unknown element; raise FallbackRequired if it is nested too deeply."""
    skip_element(element)
    extra = {} if extra is None else extra
    add_repeated(extra, element.tag, element_to_plain(element))
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
    if name not in plain:
        plain[name] = value
    elif isinstance(plain[name], list):
        plain[name].append(value)
    else:
        plain[name] = [plain[name], value]


def is_name(name: object) -> bool:
    """Tell whether a field may have this name in both formats."""
    return isinstance(name, str) and bool(_NAME.fullmatch(name))


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
