"""Media types: which wire format a Content-Type names, and which module reads and writes it.

Lives here: these two decisions, for the client's half and the server's half alike.
Never here: anything else of HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from . import wire_json
from .errors import RequestRefused, Violation

if TYPE_CHECKING:
    from types import ModuleType

Wire = Literal["json", "xml"]


def find_wire(content_type: str) -> Wire | None:
    """Return the wire format that a media type names, its parameters left aside, or None."""
    media = content_type.partition(";")[0].strip().lower()
    if media.endswith(("/json", "+json")):
        return "json"
    return "xml" if media.endswith(("/xml", "+xml")) else None


def find_codec(wire: Wire) -> ModuleType:
    """Return the module of a wire format; xmlschema is loaded when XML is first asked for."""
    if wire == "json":
        return wire_json
    if wire == "xml":
        from . import wire_xml  # noqa: PLC0415 - costs more than all the rest together

        return wire_xml
    raise RequestRefused([Violation("wire", "another format", "json or xml", "HTTP-004")])
