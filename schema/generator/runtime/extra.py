"""Fields beyond the documented ones, as plain JSON values: those to be written, and those that were read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs

from .constraints import describe_value, is_of_type, is_text
from .violations import InvalidRequestError, Violation

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_EXPECTED = "an object of field names and JSON values"
_ID = "HTTP-003"


def copy_extra(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a copy that is the model's own; nothing for an empty one."""
    if value is None:
        return None
    copied: Any = copy_plain(value)
    return copied or None if isinstance(copied, dict) else copied


def copy_plain(value: Any) -> Any:
    """Return a copy of plain data, in dicts and lists."""
    if isinstance(value, Mapping):
        return {name: copy_plain(part) for name, part in value.items()}
    return [copy_plain(part) for part in value] if isinstance(value, list | tuple) else value


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


def is_name(name: object) -> bool:
    """Tell whether a field may have this name in both formats."""
    return isinstance(name, str) and bool(_NAME.fullmatch(name))
