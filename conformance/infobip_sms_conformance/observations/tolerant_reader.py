"""Bodies of any operation and of pushed reports, read with tolerance.

Lists are found in XML by what their entries hold, whatever stands around them: the documentation of
different years wraps them in different ways.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from infobip_sms_conformance.contract.codec import (
    get_tag,
    iter_children,
    parse_json,
    parse_tree,
    read_element,
)
from infobip_sms_conformance.contract.openapi import get_component, resolve
from infobip_sms_conformance.observations.responses import find_wire

# Names that other years have for a field (facts, section 13).
FIELD_ALIASES = {"mccmnc": "mccMnc"}


def parse_tolerant(body: bytes, component: str) -> Any:
    """Return the data of a body of either format; ValueError when it is neither."""
    if find_wire(body) == "xml":
        return read_tolerant(parse_tree(body), get_component(component))
    return normalize_names(parse_json(body))


def normalize_names(value: Any) -> Any:
    """Return plain data with the fields of other years under the name of this one."""
    if isinstance(value, list):
        return [normalize_names(item) for item in value]
    if isinstance(value, dict):
        return {
            FIELD_ALIASES.get(name, name): normalize_names(member) for name, member in value.items()
        }
    return value


def read_tolerant(root: etree._Element, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a root element; the entries of a list wherever they stand."""
    data: dict[str, Any] = {}
    for name, member in schema.get("properties", {}).items():
        resolved = resolve(member)
        items = resolve(resolved["items"]) if resolved.get("type") == "array" else {}
        if items.get("type") == "object":
            entries = [normalize_names(read_element(e, items)) for e in iter_entries(root, items)]
            if entries or root.find(f"{{*}}{name}") is not None:
                data[name] = entries
    for child in iter_children(root):
        name = get_tag(child)
        member = resolve(schema.get("properties", {}).get(name, {}))
        if name not in data and member.get("type") != "array":
            data[name] = read_element(child, member)
    return data


def iter_entries(root: etree._Element, items: dict[str, Any]) -> Iterator[etree._Element]:
    """Yield the elements below a root that hold a field of an entry, none inside of another."""
    names = set(items["properties"])
    for child in iter_children(root):
        if names & {get_tag(inner) for inner in iter_children(child)}:
            yield child
        else:
            yield from iter_entries(child, items)


def find_list(data: Any, name: str) -> list[dict[str, Any]] | None:
    """Return a list of objects in plain data; none when there is no such list."""
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        return None
    return found
