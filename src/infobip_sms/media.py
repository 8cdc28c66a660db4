"""Media types: which wire format a Content-Type names.

Lives here: that one decision, for the client's half and the server's half alike.
Never here: anything else of HTTP.
"""

from __future__ import annotations

from typing import Literal

Wire = Literal["json", "xml"]


def find_wire(content_type: str) -> Wire | None:
    """Return the wire format that a media type names, its parameters left aside, or None."""
    media = content_type.partition(";")[0].strip().lower()
    if media.endswith(("/json", "+json")):
        return "json"
    return "xml" if media.endswith(("/xml", "+xml")) else None
