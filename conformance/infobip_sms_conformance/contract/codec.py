"""Plain data to bytes and back, in JSON and XML, driven by openapi.yaml and its ``xml`` objects."""

import json
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from infobip_sms_conformance.contract.openapi import get_component, get_property, resolve

MEDIA_TYPES = {"json": "application/json", "xml": "application/xml"}
OTHER_FORMAT = {"json": "xml", "xml": "json"}
MAX_EXACT = 2**53
"""Up to here a number of JSON is exact in every program."""
INTEGER = re.compile(r"\s*[+-]?[0-9]{1,40}\s*")
MAX_NODES = 1_000_000
"""How many values or elements a body may hold; the response to 100,000 destinations has fewer."""
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def get_element_names(name: str, schema: dict[str, Any]) -> tuple[str | None, str]:
    """Return the wrapper element of a list, if it has one, and the element of its items."""
    if not schema.get("xml", {}).get("wrapped"):
        return None, name
    return name, resolve(schema["items"]).get("xml", {}).get("name", name)


# ------------------------------------------------------------------ writing


def dump(document: Any, wire: str, component: str = "SmsRequest") -> bytes:
    """Return a request as the bytes of a wire format."""
    if wire == "json":
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return dump_xml(document, component)


def dump_xml(document: Any, component: str) -> bytes:
    """Return a document as XML, its fields in the order of the schema."""
    schema = get_component(component)
    root = etree.Element(schema["xml"]["name"])
    fill(root, document, schema)
    declaration = b'<?xml version="1.0" encoding="UTF-8"?>'  # in one line with the rest
    return declaration + etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def fill(element: etree._Element, value: Any, schema: dict[str, Any]) -> None:
    """Put a value into an element: fields as elements, anything else as text."""
    if not isinstance(value, dict):
        element.text = dump_text(value)
        return
    order = list(schema.get("properties", {}))
    for name in sorted(value, key=lambda name: order.index(name) if name in order else len(order)):
        append(element, name, value[name], get_property(schema, name))


def append(parent: etree._Element, name: str, value: Any, schema: dict[str, Any]) -> None:
    """Add a field to an element; a list with its wrapper, if the schema gives it one."""
    if not isinstance(value, list):
        fill(etree.SubElement(parent, name), value, schema)
        return
    wrapper, item = get_element_names(name, schema)
    holder = parent if wrapper is None else etree.SubElement(parent, wrapper)
    for entry in value:
        fill(etree.SubElement(holder, item), entry, resolve(schema.get("items", {})))


def dump_text(value: Any) -> str:
    """Return a single value as XML spells it."""
    return value if isinstance(value, str) else json.dumps(value)


# ------------------------------------------------------------------ reading


def parse_json(body: bytes) -> Any:
    """Return the data of a JSON text; ValueError when it is none.

    Fractions stay text, so that no digit is lost; 1.0 is an integer (READ-056).
    """
    require_few_nodes(sum(body.count(sign) for sign in (b"{", b"[", b",")))
    try:
        return json.loads(body, parse_float=read_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_number(text: str) -> int | str:
    """Return a number with a point or an exponent: an integer if it is a whole one, else its text."""
    number = float(text)
    is_exact = number.is_integer() and abs(number) <= MAX_EXACT
    return int(number) if is_exact else text


def require_few_nodes(count: int) -> None:
    """Raise ValueError for a body that would take up much more memory than it has bytes."""
    if count > MAX_NODES:
        raise ValueError(f"more than {MAX_NODES:,} values")


def parse_tree(body: bytes) -> etree._Element:
    """Return the root element of an XML document; ValueError when it is none."""
    require_few_nodes(body.count(b"<") - body.count(b"</"))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from None


def parse_xml(body: bytes, component: str) -> Any:
    """Return the data of an XML document of the form that a component describes."""
    return read_element(parse_tree(body), get_component(component))


def read_element(element: etree._Element, schema: dict[str, Any]) -> Any:
    """Return the data of one element; text that is not of the schema's type stays text."""
    if schema.get("type") != "object":
        return read_text(get_text(element), schema)
    data: dict[str, Any] = {}
    for child in iter_children(element):
        read_child(data, child, get_property(schema, get_tag(child)))
    return data


def read_child(data: dict[str, Any], child: etree._Element, schema: dict[str, Any]) -> None:
    """Add one child element to the fields read so far."""
    name = get_tag(child)
    if schema.get("type") != "array":
        data[name] = read_element(child, schema)
        return
    items = resolve(schema["items"])
    wrapped = get_element_names(name, schema)[0] is not None
    entries = list(iter_children(child)) if wrapped else [child]
    data.setdefault(name, []).extend(read_element(entry, items) for entry in entries)


def read_text(text: str, schema: dict[str, Any]) -> Any:
    """Return the value of a text by the type of the schema, the text itself if it does not fit."""
    if schema.get("type") == "integer" and INTEGER.fullmatch(text):
        return int(text)
    if schema.get("type") == "boolean":
        return BOOLEANS.get(text.strip(), text)
    return text


def iter_children(element: etree._Element) -> Iterator[etree._Element]:
    """Yield the child elements, without comments and processing instructions."""
    return element.iterchildren("{*}*")


def get_text(element: etree._Element) -> str:
    """Return the text of an element that has no others in it, comments and processing instructions left out."""
    return "".join([element.text or "", *(child.tail or "" for child in element)])


def get_tag(element: etree._Element) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(element).localname
