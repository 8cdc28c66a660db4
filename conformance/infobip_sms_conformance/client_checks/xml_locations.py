"""XML with the position of every element, parsed into the same nodes as JSON by the schema."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from xml.parsers import expat

from infobip_sms_conformance.client_checks.json_locations import (
    MAX_DEPTH,
    DocumentSyntaxError,
    Node,
    Span,
)
from infobip_sms_conformance.contract.codec import BOOLEANS, INTEGER, get_element_names
from infobip_sms_conformance.contract.openapi import get_property, resolve

DOCTYPE = "<!DOCTYPE"
NIL = "http://www.w3.org/2001/XMLSchema-instance}nil"
FORM = "XML-001"


@dataclass
class Element:
    """An element with its position."""

    name: str
    begin: int
    end: int = 0
    text: str = ""
    children: list["Element"] = field(default_factory=list)
    namespace: str = ""
    is_nil: bool = False
    """Whether an attribute says that there is no value."""

    @property
    def span(self) -> Span:
        """Where it begins and ends."""
        return (self.begin, self.end)


@dataclass(frozen=True)
class XmlFormViolation:
    """An XML form other than the documented one."""

    requirement_id: str
    path: str
    span: Span
    actual: str
    expected: str


@dataclass
class XmlDocument:
    """A document as nodes, with the violations of its XML form."""

    node: Node
    violations: list[XmlFormViolation]


def parse_elements(text: str) -> Element:
    """Return the root element of an XML text; raise DocumentSyntaxError if there is none."""
    data = text.encode("utf-8", "surrogatepass")
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator="}")
    top = Element("", 0)
    path = [top]

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(path) > MAX_DEPTH:
            raise DocumentSyntaxError(
                "nested too deeply", count_characters(data, parser.CurrentByteIndex)
            )
        namespace, _, local = name.rpartition("}")
        is_nil = attributes.get(NIL, "").strip() in {"true", "1"}
        place = parser.CurrentByteIndex
        element = Element(local, place, namespace=namespace, is_nil=is_nil)
        path[-1].children.append(element)
        path.append(element)

    def end(_name: str) -> None:
        element = path.pop()
        element.end = data.find(b">", parser.CurrentByteIndex) + 1

    def read(piece: str) -> None:
        path[-1].text += piece

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = read
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        words = expat.errors.messages.get(error.code, "not XML")
        raise DocumentSyntaxError(words, count_characters(data, parser.ErrorByteIndex)) from None
    root = top.children[0]
    convert_offsets(root, build_offset_converter(data))
    return root


def count_characters(data: bytes, index: int) -> int:
    """Return how many characters precede a byte."""
    return len(data[: max(0, index)].decode("utf-8", "replace"))


def build_offset_converter(data: bytes) -> Any:
    """Return a function that converts byte offsets to character offsets."""
    if data.isascii():
        return lambda index: index
    places, total = [], -1
    for byte in data:
        total += (byte & 0xC0) != 0x80  # noqa: PLR2004 - bytes within a character, in UTF-8
        places.append(total)
    return lambda index: places[index] if index < len(places) else total + 1


def convert_offsets(element: Element, to_characters: Any) -> None:
    """Convert byte offsets to character offsets."""
    element.begin, element.end = to_characters(element.begin), to_characters(element.end)
    for child in element.children:
        convert_offsets(child, to_characters)


def build_tree(root: Element, schema: dict[str, Any]) -> XmlDocument:
    """Return an element as nodes, by its schema."""
    violations: list[XmlFormViolation] = []
    expected_name = schema.get("xml", {}).get("name", "")
    if root.name != expected_name:
        begin = (root.begin, root.begin + len(root.name) + 1)
        violations.append(
            XmlFormViolation(FORM, "", begin, f"the root {root.name}", f"the root {expected_name}")
        )
    if root.namespace:
        begin = (root.begin, root.begin + len(root.name) + 1)
        got = f"elements in the namespace {root.namespace}"
        violations.append(XmlFormViolation(FORM, "", begin, got, "elements without a namespace"))
    node = parse_node(root, schema, "", violations)
    return XmlDocument(
        node,
        [
            replace(m, requirement_id=get_form_requirement_id(schema))
            if is_form_violation(m)
            else m
            for m in violations
        ],
    )


def is_form_violation(violation: XmlFormViolation) -> bool:
    """Tell whether a violation is in the root or in wrappers, of either version."""
    return violation.requirement_id == FORM


def get_form_requirement_id(schema: dict[str, Any]) -> str:
    """Return the requirement of the form of XML."""
    old = "V1" in str(schema.get("properties", {}).get("messages", {}).get("items", {}))
    return "V1-005" if old else FORM


def parse_node(
    element: Element, schema: dict[str, Any], path: str, violations: list[XmlFormViolation]
) -> Node:
    """Return one element as a node."""
    if element.is_nil:
        return Node("null", element.span, None, element.span)
    if schema.get("type") == "object" or (not schema and element.children):
        if not element.children and element.text.strip():
            return Node("text", element.span, element.text, element.span)
        fields: dict[str, Node] = {}
        repeated: list[str] = []
        for name, children in group_children(element, schema, path, violations).items():
            field_schema = get_property(schema, name)
            inner = join_path(path, name)
            if field_schema.get("type") == "array":
                fields[name] = parse_list(children, name, field_schema, inner, violations)
                continue
            fields[name] = parse_node(children[0], field_schema, inner, violations)
            repeated += [name] if len(children) > 1 else []
        return Node("object", element.span, fields, element.span, tuple(repeated))
    if element.children:
        return Node("object", element.span, {}, element.span)
    return parse_text(element, schema)


def group_children(
    element: Element, schema: dict[str, Any], path: str, violations: list[XmlFormViolation]
) -> dict[str, list[Element]]:
    """Return the children by their names, in the order of the first ones.

    Entries of a list without their wrapper are noted, and parsed as if they had it.
    """
    found: dict[str, list[Element]] = {}
    for child in element.children:
        found.setdefault(child.name, []).append(child)
    for name, field_schema in schema.get("properties", {}).items():
        wrapper, item = (
            get_element_names(name, resolve(field_schema))
            if "array" in str(field_schema)
            else (None, "")
        )
        if wrapper and wrapper not in found and item in found and item != wrapper:
            bare = found.pop(item)
            place = (bare[0].begin, bare[-1].end)
            expected = f"{item} elements in one {wrapper}"
            violations.append(
                XmlFormViolation(
                    FORM, join_path(path, name), place, f"{item} without {wrapper}", expected
                )
            )
            found[wrapper] = [Element(wrapper, *place, children=bare)]
    return found


def parse_list(
    elements: list[Element],
    name: str,
    schema: dict[str, Any],
    path: str,
    violations: list[XmlFormViolation],
) -> Node:
    """Return a list, and note where it does not have its documented form."""
    wrapper, item = get_element_names(name, schema)
    items = resolve(schema.get("items", {}))
    form = "XML-002" if name == "days" else FORM
    expected = (
        f"{item} elements in one {name}" if wrapper else f"{name}, repeated, without a wrapper"
    )
    entries: list[Element] = []
    for element in elements:
        found, got = extract_entries(element, items, item if wrapper else "")
        entries += found
        if got:
            violations.append(XmlFormViolation(form, path, element.span, got, expected))
    place = (elements[0].begin, elements[-1].end)
    nodes = [parse_node(e, items, f"{path}[{n}]", violations) for n, e in enumerate(entries)]
    return Node("array", place, nodes, place)


def extract_entries(
    element: Element, items: dict[str, Any], item: str
) -> tuple[list[Element], str]:
    """Return the entries that an element is or contains, and what is wrong with that.

    item: the name of entries in a wrapper; empty if there should be no wrapper.
    """
    names = {child.name for child in element.children}
    is_entry = bool(names & set(items.get("properties", {})))
    if not names:
        return ([], "") if item else ([element], "")
    if is_entry:
        return [element], "an entry without its wrapper" if item else ""
    wrong = "" if names == {item} else f"{', '.join(sorted(names)[:3])} in {element.name}"
    return element.children, wrong


def join_path(path: str, name: str) -> str:
    """Return the path of a field."""
    return f"{path}.{name}" if path else name


def parse_text(element: Element, schema: dict[str, Any]) -> Node:
    """Return a single value of the type of the schema, or a text if it does not fit."""
    text, place = element.text, element.span
    if schema.get("type") == "integer" and INTEGER.fullmatch(text):
        return Node("integer", place, int(text), place)
    if schema.get("type") == "boolean" and text.strip() in BOOLEANS:
        return Node("boolean", place, BOOLEANS[text.strip()], place)
    kind = "string" if schema.get("type") in {"string", None} or "enum" in schema else "text"
    return Node(kind, place, text, place)


def check_doctype(text: str) -> Iterator[XmlFormViolation]:
    """Yield the document type declaration of a document that has one."""
    at = text.find(DOCTYPE)
    if at >= 0:
        end = text.find(">", at) + 1 or len(text)
        yield XmlFormViolation("XML-005", "", (at, end), "a document type declaration", "none")
