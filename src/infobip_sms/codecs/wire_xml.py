"""XML bytes <-> models.

Requests are parsed strictly and rejected with InvalidRequestError; responses and delivery reports are
parsed leniently and rejected with InvalidResponseError. wire_json.py has the same functions for JSON,
and xml_reference.py has them with xmlschema at run time.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
from infobip_sms_schema import xml_codec
from infobip_sms_schema.scalars import FallbackRequired

from .collector import pause_collector
from .xml_input import MAX_ATTRIBUTES, decode, parse_tree
from .xml_input import MAX_ERRORS as MAX_ERRORS  # noqa: PLC0414 - exported

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from types import ModuleType

CONTENT_TYPE = "application/xml"
Model = TypeVar("Model", bound=attrs.AttrsInstance)
_XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_UTF8 = re.compile(
    rb"""(<\?xml version=(["'])1\.0\2( encoding=(["'])utf-8\4)?\s*\?>)?\s*<[^?]""", re.IGNORECASE
)
_ATTRIBUTE = re.compile(rb"=[ \t\r\n]*[\"']")


def parse_plain(body: bytes, cls: type[attrs.AttrsInstance]) -> Any:
    """Parse a document without checking it; raise InvalidRequestError if it is not XML of this model."""
    return _reference_codec().parse_plain(body, cls, by_xmlschema=False)


@pause_collector
def parse_request(body: bytes, cls: type[Model], *, validate: bool = False) -> Model:
    """Parse a request strictly; raise InvalidRequestError with every violation.

    validate: parse it with xmlschema, which is slow.
    """
    model: Model | None
    model, root = _find_model(body, cls, validate=validate)
    if model is None:  # the detailed reader decides
        model = _reference_codec().parse_request(body, cls, by_xmlschema=validate, root=root)
    return model


@pause_collector
def parse_response(body: bytes, cls: type[Model], *, validate: bool = False) -> Model:
    """Parse a response leniently; raise InvalidResponseError with every violation.

    ``raw`` of the model holds the bytes.
    validate: parse it with xmlschema, and also reject what violates the lenient schema.
    """
    model: Model | None
    model, root = _find_model(body, cls, validate=validate)
    if model is None:  # the detailed reader decides
        model = _reference_codec().parse_response(
            body, cls, validate=validate, by_xmlschema=validate, root=root
        )
    object.__setattr__(model, "raw", bytes(body))  # frozen, but nobody else has it yet
    return model


def dump_model(model: attrs.AttrsInstance, *, validate: bool = False) -> bytes:
    """Write a request or a response; raise InvalidRequestError if it is invalid or XML cannot carry a text.

    validate: also validate the result with xmlschema.
    """
    try:
        body = _dump(model)
    except Exception:  # noqa: BLE001 - the reference codec names the path
        written: bytes = _reference_codec().dump_model(model, validate=validate)
        return written
    if validate:  # undocumented fields are not in the schema
        reference = _reference_codec()
        reference.require_valid_document(_dump(reference.remove_extra(model)), type(model))
    return body


def _find_model(body: bytes, cls: type[attrs.AttrsInstance], *, validate: bool) -> tuple[Any, Any]:
    """Return the model of a document, or None if the generated codec leaves it undecided; and its root."""
    root = None
    with suppress(Exception):  # whatever it is, the detailed reader finds it, too
        if validate or b"<!DOCTYPE" in body:  # or in a text; the reference codec decides
            raise FallbackRequired
        opening = _UTF8.match(body)
        root = parse_tree(body if opening else decode(body))
        if not opening or _ATTRIBUTE.search(body, opening.end() - 1):
            _require_simple_attributes(root, body)
        return xml_codec.READERS[cls][root.tag](root), root
    return None, root


def _require_simple_attributes(root: ET.Element, body: bytes) -> None:
    """Leave a document to the reference codec if attributes may be too long or belong to XSD itself."""
    if max(map(len, re.split(rb"<\0?", body))) > MAX_ATTRIBUTES // 4:
        raise FallbackRequired
    for element in root.iter():
        names = element.keys()
        if names and "XMLSchema-instance" in " ".join(names):
            raise FallbackRequired


def _dump(model: attrs.AttrsInstance) -> bytes:
    root, write = xml_codec.WRITERS[type(model)]
    inner = write(model)
    text = (
        f"{_XML_DECLARATION}\n<{root}>{inner}</{root}>"
        if inner
        else f"{_XML_DECLARATION}\n<{root} />"
    )
    return text.encode()


def _reference_codec() -> ModuleType:
    """Return the codec that uses xmlschema."""
    from . import xml_reference  # noqa: PLC0415 - slower to import than all the rest

    return xml_reference
