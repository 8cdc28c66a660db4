"""Fields beyond the models: those that a request writes, and those that a response has.

The documentation shows none of them in XML. An object is written as nested elements, a list as an
element for each entry.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema.constraints import unfold

if TYPE_CHECKING:
    from collections.abc import Iterator


def list_extra_names(model: Any, path: str = "") -> list[str]:
    """Return the names of the undocumented fields of a request, such as ``messages.regional``."""
    own = [path + name for name in model.extra or ()] if _is_open(model) else []
    parts = [
        name
        for wire, part in _list_parts(model)
        for name in list_extra_names(part, f"{path}{wire}.")
    ]
    return list(dict.fromkeys([*own, *parts]))


def remove_extra(model: Any) -> Any:
    """Return a request without its undocumented fields."""
    if not _is_open(model):
        return model
    changes: dict[str, Any] = {"extra": None}
    for field in attrs.fields(type(model)):
        if isinstance(value := getattr(model, field.name), tuple):
            changes[field.name] = tuple(map(remove_extra, value))
    return attrs.evolve(model, **changes)


def append_extra(element: ET.Element, model: Any) -> None:
    """Append the undocumented fields of a request, and of its parts, to their elements."""
    for name, value in (model.extra or {}).items() if _is_open(model) else ():
        _append_value(element, name, value)
    found = {wire: element.iterfind(f"{wire}/*") for wire in dict(_list_parts(model))}
    for wire, part in _list_parts(model):
        append_extra(next(found[wire]), part)


def find_unknown_fields(raw: bytes, cls: Any) -> dict[str, Any]:
    """Return the fields of a response that its model does not have, by path."""
    if not raw.strip():
        return {}
    is_xml = raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    try:
        document = ET.fromstring(raw) if is_xml else json.loads(raw)  # noqa: S314 - it was parsed before
    except (ET.ParseError, ValueError):
        return {}
    return dict(_find_unknown(document, cls, ""))


def _is_open(model: Any) -> bool:
    """Tell whether a model can have undocumented fields that are written."""
    return attrs.has(type(model)) and "extra" in attrs.fields_dict(type(model))


def _list_parts(model: Any) -> Iterator[tuple[str, Any]]:
    for field in attrs.fields(type(model)):
        value = getattr(model, field.name)
        if isinstance(value, tuple) and value and _is_open(value[0]):
            yield from ((field.metadata["wire"], part) for part in value)


def _append_value(parent: ET.Element, name: str, value: Any) -> None:
    if isinstance(value, list):
        for entry in value:
            _append_value(parent, name, entry)
        return
    element = ET.SubElement(parent, name)
    if isinstance(value, dict):
        for key, part in value.items():
            _append_value(element, key, part)
    else:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)


def _find_unknown(value: Any, cls: Any, path: str) -> Iterator[tuple[str, Any]]:
    known = {
        name: field
        for field in attrs.fields(cls)
        for name in (field.metadata.get("wire"), *field.metadata.get("also", ()))
    }
    for name, part in _list_children(value):
        if name not in known:
            yield path + name, _to_plain(part)
            continue
        base, item = unfold(known[name].type)
        if item is not None and attrs.has(item):
            for index, entry in enumerate(_list_entries(part)):
                yield from _find_unknown(entry, item, f"{path}{name}[{index}].")
        elif attrs.has(base):
            yield from _find_unknown(part, base, f"{path}{name}.")


def _list_children(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, ET.Element):
        return [(child.tag, child) for child in value]
    return list(value.items()) if isinstance(value, dict) else []


def _list_entries(value: Any) -> list[Any]:
    return list(value) if isinstance(value, ET.Element | list) else []


def _to_plain(value: Any) -> Any:
    """Return an unknown element as an object of its children, or as its text."""
    if not isinstance(value, ET.Element):
        return value
    return {child.tag: _to_plain(child) for child in value} if len(value) else value.text or ""
