"""Wire formats: which one a Content-Type names, and which module is its codec."""

from __future__ import annotations

import base64
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Literal

import attrs

from infobip_sms.errors import InvalidRequestError, Violation

from . import wire_json

if TYPE_CHECKING:
    from types import ModuleType

Wire = Literal["json", "xml"]
Engine = Literal["generated", "xmlschema"]


@attrs.frozen
class XmlOptions:
    """How XML is parsed and written."""

    engine: Engine = "generated"
    """``xmlschema`` interprets the schemas at run time; the generated codec is faster."""
    validate: bool = False
    """Also validate whole documents with xmlschema."""

    def __attrs_post_init__(self) -> None:
        if self.engine not in {"generated", "xmlschema"}:
            expected = "generated or xmlschema"
            raise InvalidRequestError(
                [Violation("xml_engine", "another engine", expected, "HTTP-004")]
            )


def find_wire(content_type: str) -> Wire | None:
    """Return the wire format that a media type names, whatever its parameters, or None."""
    media = content_type.partition(";")[0].strip().lower()
    if media.endswith(("/json", "+json")):
        return "json"
    return "xml" if media.endswith(("/xml", "+xml")) else None


def apply_charset(body: bytes, content_type: str) -> bytes:
    """Return XML in UTF-8 if its Content-Type names a charset, which precedes its declaration (RFC 7303)."""
    if "charset" not in content_type.lower():
        return body
    from .xml_input import decode_by_charset  # noqa: PLC0415 - JSON needs no XML parser

    return decode_by_charset(body, _get_charset(content_type))


def explain_json_charset(content_type: str) -> str:
    """Say that the charset of JSON has no effect; an empty string if none but UTF-8 is named."""
    if "charset" not in content_type.lower() or _get_charset(content_type) in {"utf-8", "utf8"}:
        return ""
    return "JSON is UTF-8, whatever charset its Content-Type names"


def identify_encoding(body: bytes) -> str:
    """Describe a body that needs decoding before it can be parsed; an empty string if it does not."""
    if body.startswith(b"\x1f\x8b"):
        return "data compressed with gzip (see Content-Encoding); decompress it first"
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in body[:4]:
        return "text in UTF-16; send UTF-8"
    with suppress(ValueError):
        if base64.b64decode(body[:64], validate=True).lstrip()[:1] in {b"{", b"<"}:
            return "text encoded in base64; decode it first"
    return ""


def _get_charset(content_type: str) -> str:
    from email.message import Message  # noqa: PLC0415 - few responses name a charset

    message = Message()
    message["Content-Type"] = content_type
    return message.get_content_charset("utf-8")


@cache
def get_codec(wire: Wire, engine: Engine = "generated") -> ModuleType:
    """Return the codec of a wire format; those of XML are imported on first use."""
    if wire == "json":
        return wire_json
    if wire == "xml":
        if engine == "generated":
            from . import wire_xml  # noqa: PLC0415 - JSON needs no XML parser

            return wire_xml
        from . import xml_reference  # noqa: PLC0415 - slower to import than all the rest

        return xml_reference
    raise InvalidRequestError([Violation("wire", "another format", "json or xml", "HTTP-004")])
