"""Wire formats: which one a Content-Type names, and which module is its codec."""

from __future__ import annotations

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
