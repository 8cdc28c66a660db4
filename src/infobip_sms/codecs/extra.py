"""Fields beyond the documented ones: their names for the log, and their form in XML (READ-057)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema.extra import get_extra_name, is_name
from infobip_sms_schema.xml_extra import format_scalar

from infobip_sms.errors import InvalidRequestError, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator


def list_extra_names(model: Any, path: str = "") -> list[str]:
    """Return the names of the undocumented fields of a request, such as ``messages.regional``."""
    own = [path + name for name in _get_extra(model)]
    parts = [
        name
        for wire, part in _list_parts(model)
        for name in list_extra_names(part, f"{path}{wire}.")
    ]
    return list(dict.fromkeys([*own, *parts]))


def remove_extra(model: Any) -> Any:
    """Return a document without its undocumented fields."""
    changes: dict[str, Any] = {"extra": None} if get_extra_name(type(model)) else {}
    for field in attrs.fields(type(model)):
        value = getattr(model, field.name)
        if isinstance(value, tuple) and value and _is_model(value[0]):
            changes[field.name] = tuple(map(remove_extra, value))
        elif _is_model(value):
            changes[field.name] = remove_extra(value)
    return attrs.evolve(model, **changes)


def append_extra(element: ET.Element, model: Any) -> None:
    """Append the undocumented fields of a document, and of its parts, to their elements."""
    found = {wire: element.iterfind(_find_path(model, wire)) for wire in dict(_list_parts(model))}
    for wire, part in _list_parts(model):
        append_extra(next(found[wire]), part)
    for name, value in _get_extra(model).items():
        _append_value(element, name, value)


def _get_extra(model: Any) -> dict[str, Any]:
    slot = get_extra_name(type(model))
    return (getattr(model, slot) or {}) if slot else {}


def _is_model(value: Any) -> bool:
    return attrs.has(type(value)) and any("wire" in f.metadata for f in attrs.fields(type(value)))


def _list_parts(model: Any) -> Iterator[tuple[str, Any]]:
    for field in attrs.fields(type(model)):
        value = getattr(model, field.name)
        for part in value if isinstance(value, tuple) else [value]:
            if "wire" in field.metadata and _is_model(part):
                yield field.metadata["wire"], part


def _find_path(model: Any, wire: str) -> str:
    """Return the path of the elements of a field: inside its wrapper, if it has one."""
    wrapped = any(
        f.metadata.get("wrapped")
        for f in attrs.fields(type(model))
        if f.metadata.get("wire") == wire
    )
    return f"{wire}/*" if wrapped else wire


def _append_value(parent: ET.Element, name: str, value: Any) -> None:
    if isinstance(value, list):
        for entry in value:
            _append_value(parent, name, entry)
        return
    if value is None:
        return
    if not is_name(name):
        problem = Violation("", "a field name that is not an XML name", "another name", "HTTP-003")
        raise InvalidRequestError([problem])
    element = ET.SubElement(parent, name)
    if isinstance(value, dict):
        for key, part in value.items():
            _append_value(element, key, part)
    else:
        element.text = format_scalar(value)
