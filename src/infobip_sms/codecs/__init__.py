"""Media types: which wire format a Content-Type names, and which module reads and writes it, and how."""

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
    """How XML is read and written."""

    engine: Engine = "generated"
    """``xmlschema`` does at run time what the generated codec does sooner."""
    validate: bool = False
    """Have xmlschema validate whole documents, too."""

    def __attrs_post_init__(self) -> None:
        if self.engine not in {"generated", "xmlschema"}:
            expected = "generated or xmlschema"
            raise InvalidRequestError(
                [Violation("xml_engine", "another engine", expected, "HTTP-004")]
            )


def find_wire(content_type: str) -> Wire | None:
    """Return the wire format that a media type names, its parameters left aside, or None."""
    media = content_type.partition(";")[0].strip().lower()
    if media.endswith(("/json", "+json")):
        return "json"
    return "xml" if media.endswith(("/xml", "+xml")) else None


@cache
def get_codec(wire: Wire, engine: Engine = "generated") -> ModuleType:
    """Return the module of a wire format; those of XML are loaded when XML is first asked for."""
    if wire == "json":
        return wire_json
    if wire == "xml":
        if engine == "generated":
            from . import wire_xml  # noqa: PLC0415 - a parser that JSON does not need

            return wire_xml
        from . import xml_reference  # noqa: PLC0415 - costs more than all the rest together

        return xml_reference
    raise InvalidRequestError([Violation("wire", "another format", "json or xml", "HTTP-004")])
