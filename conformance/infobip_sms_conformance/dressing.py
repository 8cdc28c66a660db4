"""XML that is written in another way and means the same: a CDATA section, a comment within a text.

Lives here: an id that shows how texts are read and written, and its other spelling.
Never here: sending.
"""

SIGNS = "R&D <\u00e9>  7"
"""An id with signs that XML escapes, a letter outside ASCII, and two blanks in a row."""
PLAIN = b"R&amp;D &lt;"
DRESSED = b"R<![CDATA[&]]>D<!-- one id --> &lt;"


def dress(body: bytes) -> bytes:
    """Return an XML document with the id spelled in the other way."""
    return body.replace(PLAIN, DRESSED, 1)


def has_signs(text: str) -> bool:
    """Tell whether an id is the one that shows this."""
    return text.startswith(SIGNS)
