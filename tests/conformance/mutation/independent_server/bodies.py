"""What a request says: its body, JSON or XML, as plain data, and its query."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tests.conformance.mutation.independent_server.traits import Traits


class UnreadableError(Exception):
    """A body that is not what its content type says."""


@dataclass(frozen=True)
class Many:
    """A list: elements of a name inside a wrapper, or the element itself repeated."""

    item: "Shape | str"
    wrapped: str = ""


Shape = dict[str, Any]
MOMENT: Shape = {"hour": "whole", "minute": "whole"}
WINDOW: Shape = {"from": MOMENT, "to": MOMENT, "days": Many("text")}
LANGUAGE: Shape = {"languageCode": "text", "singleShift": "truth", "lockingShift": "truth"}
DESTINATION: Shape = {"to": "text", "messageId": "text"}
MESSAGE: Shape = {
    "from": "text",
    "text": "text",
    "flash": "truth",
    "language": LANGUAGE,
    "transliteration": "text",
    "intermediateReport": "truth",
    "notifyUrl": "text",
    "notifyContentType": "text",
    "callbackData": "text",
    "validityPeriod": "whole",
    "sendAt": "text",
    "deliveryTimeWindow": WINDOW,
}
TRACKING: Shape = {"track": "text", "processKey": "text", "type": "text", "baseUrl": "text"}
SEND: Shape = {
    "bulkId": "text",
    "messages": Many({**MESSAGE, "destinations": Many(DESTINATION, "destination")}, "message"),
    "tracking": TRACKING,
}
SEND_V1: Shape = {
    "bulkId": "text",
    "messages": Many({**MESSAGE, "destinations": Many(DESTINATION)}),
    "tracking": TRACKING,
}
PREVIEW: Shape = {"text": "text", "languageCode": "text", "transliteration": "text"}
BULK: Shape = {"sendAt": "text"}
BULK_STATUS: Shape = {"status": "text"}


def read_json(body: bytes, charset: str) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        data = json.loads(body.decode(charset), parse_constant=_refuse_constant)
        json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, LookupError, RecursionError) as error:
        raise UnreadableError("JSON could not be read") from error
    if not isinstance(data, dict):
        raise UnreadableError("JSON must be an object")
    return data


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def read_xml(body: bytes, shape: Shape, traits: Traits) -> dict[str, Any]:
    """Read an XML document of a shape; an element that the shape lacks is kept as text."""
    if b"<!DOCTYPE" in body:
        raise UnreadableError("XML must have no document type")
    comments = traits.breaks("xml-comment-cuts")
    builder = ET.TreeBuilder(insert_comments=comments)
    parser = ET.XMLParser(target=builder)  # noqa: S314 - no document type, so no entities
    try:
        parser.feed(_spoil(body, traits))
        root = parser.close()
    except (ET.ParseError, ValueError, LookupError) as error:
        raise UnreadableError("XML could not be read") from error
    return _read_object(root, shape, traits)


def _spoil(body: bytes, traits: Traits) -> bytes:
    if traits.breaks("xml-entities-lost"):
        return re.sub(rb"&(?:amp|lt|gt|quot|apos);", b"", body)
    if traits.breaks("xml-cdata-lost"):
        return re.sub(rb"<!\[CDATA\[.*?\]\]>", b"", body, flags=re.DOTALL)
    return body


def _read_object(element: ET.Element, shape: Shape, traits: Traits) -> dict[str, Any]:
    found: dict[str, list[ET.Element]] = {}
    for child in element:
        if isinstance(child.tag, str):
            found.setdefault(child.tag.rpartition("}")[2], []).append(child)
    return {
        name: _read_kind(group, shape.get(name, "text"), traits) for name, group in found.items()
    }


def _read_kind(group: list[ET.Element], kind: Any, traits: Traits) -> Any:
    if isinstance(kind, Many):
        return _read_list(group, kind, traits)
    if isinstance(kind, dict):
        text = (group[0].text or "").strip()
        return text if text and not len(group[0]) else _read_object(group[0], kind, traits)
    return _read_scalar(group[0], kind, traits)


def _read_list(group: list[ET.Element], kind: Many, traits: Traits) -> list[Any]:
    if isinstance(kind.item, str):
        days = [_read_scalar(day, kind.item, traits) for day in _unnest(group)]
        return days[-1:] if traits.breaks("xml-days-last") else days
    items = group
    if kind.wrapped:
        items = [item for wrapper in group for item in wrapper.findall(f"{{*}}{kind.wrapped}")]
    if traits.breaks("xml-destination-last") and kind.wrapped == "destination":
        items = items[-1:]
    if traits.breaks("xml-message-first") and kind.wrapped == "message":
        items = items[:1]
    return [_read_object(item, kind.item, traits) for item in items]


def _unnest(group: list[ET.Element]) -> Iterator[ET.Element]:
    for element in group:
        yield from element if len(element) else (element,)


def _read_scalar(element: ET.Element, kind: str, traits: Traits) -> Any:
    text = element.text or ""
    bare = text.strip()
    if kind == "whole" and not traits.breaks("xml-numbers-text"):
        return int(bare) if re.fullmatch(r"[+-]?[0-9]{1,30}", bare) else text
    if kind == "truth":
        return {"true": True, "false": False}.get(bare, text)
    return bare if traits.breaks("xml-whitespace-lost") else text


Twisted = Callable[[list[tuple[str, str]], str], list[tuple[str, str]]]


class QueryError(Exception):
    """A parameter that is rejected."""


class Query:
    """The parameters behind the path."""

    def __init__(self, written: str, twist: Twisted | None = None, path: str = "") -> None:
        pairs = parse_qsl(written, keep_blank_values=True)
        self._pairs = twist(pairs, path) if twist else pairs

    def get(self, name: str) -> str:
        """Return a parameter that stands once, or an empty string."""
        values = self.get_all(name)
        if len(values) > 1:
            raise QueryError(f"{name} must not be repeated")
        return values[0] if values else ""

    def get_all(self, name: str) -> list[str]:
        """Return every value of a parameter."""
        return [value for key, value in self._pairs if key == name]
