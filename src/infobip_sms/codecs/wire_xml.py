"""XML bytes <-> models.

Requests are read strictly and rejected with InvalidRequestError; responses and reports are read openly and
rejected with InvalidResponseError. The same functions, for JSON, are in wire_json.py; by xmlschema at run time, in
xml_reference.py.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
from infobip_sms_schema import xml_codec
from infobip_sms_schema.scalars import FallbackRequired

from .xml_input import MAX_ATTRIBUTES, decode
from .xml_input import MAX_ERRORS as MAX_ERRORS  # noqa: PLC0414 - who reads XML asks here

if TYPE_CHECKING:
    from types import ModuleType

CONTENT_TYPE = "application/xml"
Model = TypeVar("Model", bound=attrs.AttrsInstance)
_XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_UTF8 = re.compile(
    rb"""(<\?xml version=(["'])1\.0\2( encoding=(["'])utf-8\4)?\s*\?>)?\s*<[^?]""", re.IGNORECASE
)
_ATTRIBUTE = re.compile(rb"=[ \t\r\n]*[\"']")


def parse_plain(body: bytes, cls: type[attrs.AttrsInstance]) -> Any:
    """Read a document of this model as it stands; raise InvalidRequestError if it is none. Nothing is checked."""
    return _reference_codec().parse_plain(body, cls)


def parse_request(body: bytes, cls: type[Model], *, validate: bool = False) -> Model:
    """Read a request of this model strictly; raise InvalidRequestError with every violation.

    validate: have xmlschema read it, whatever it costs.
    """
    model: Model
    try:
        model = _parse(body, cls, validate=validate)
    except Exception:  # noqa: BLE001 - nothing is decided yet, whatever it was
        model = _reference_codec().parse_request(body, cls)
    return model


def parse_response(body: bytes, cls: type[Model], *, validate: bool = False) -> Model:
    """Read a response of this model openly; raise InvalidResponseError with every violation.

    ``raw`` of the model holds the bytes. validate: have xmlschema read it, and reject also what the
    reader's schema does not have.
    """
    model: Model
    try:
        model = _parse(body, cls, validate=validate)
    except Exception:  # noqa: BLE001 - nothing is decided yet, whatever it was
        model = _reference_codec().parse_response(body, cls, validate=validate)
    object.__setattr__(model, "raw", bytes(body))  # it is new: nobody has seen it without
    return model


def dump_model(model: attrs.AttrsInstance, *, validate: bool = False) -> bytes:
    """Write a request or a response; raise InvalidRequestError if it breaks a rule or XML cannot carry a text.

    validate: have xmlschema look at what was written.
    """
    try:
        body = _dump(model)
    except Exception:  # noqa: BLE001 - whatever it was, the authority says it with its path
        written: bytes = _reference_codec().dump_model(model, validate=validate)
        return written
    if validate:
        _reference_codec().require_valid_document(body, type(model))
    return body


def _parse(body: bytes, cls: type[attrs.AttrsInstance], *, validate: bool) -> Any:
    if validate or b"<!DOCTYPE" in body:  # in a text it is a text; the authority knows
        raise FallbackRequired
    opening = _UTF8.match(body)
    root = ET.fromstring(body if opening else decode(body))  # noqa: S314 - without document types
    if not opening or _ATTRIBUTE.search(body, opening.end() - 1):
        _require_simple_attributes(root, body)
    return xml_codec.READERS[cls][root.tag](root)


def _require_simple_attributes(root: ET.Element, body: bytes) -> None:
    """Leave a document to the authority if its attributes may be too long, or are those of XSD itself."""
    if max(map(len, re.split(rb"<\0?", body))) > MAX_ATTRIBUTES // 4:
        raise FallbackRequired
    for element in root.iter():
        if any("XMLSchema-instance" in name for name in element.keys()):  # noqa: SIM118 - no mapping
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
    """Return the module that does all of this by xmlschema."""
    from . import xml_reference  # noqa: PLC0415 - costs more than all the rest together

    return xml_reference
