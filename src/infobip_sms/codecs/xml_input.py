"""XML input before parsing: decoding, and rejection of documents that are unsafe to parse."""

from __future__ import annotations

import codecs
import re
import xml.etree.ElementTree as ET
from contextlib import suppress
from typing import Any, NoReturn
from xml.parsers import expat

from infobip_sms_schema.deadline import require_time

from infobip_sms.errors import InvalidRequestError, Violation

MAX_DEPTH = 64
MAX_ERRORS = 100  # of xmlschema that are examined: each takes a walk through the document
_PIECE = 2**20  # characters or bytes that are parsed between two looks at the clock
MAX_ATTRIBUTES = 10_000  # characters in the attributes of an element; none is documented
_DECLARATION = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
# Accepted encodings. Of the other codecs in Python some are slow, and some are no encodings of text.
_ENCODING = re.compile(r"utf-8(-sig)?|utf-16(-le|-be)?|ascii|iso8859-\d+|cp125\d")
_XML_DECLARATION = re.compile(r"\s*<\?xml[^>]{0,200}\?>")
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_by_charset(body: bytes, charset: str) -> bytes:
    """Return a document in UTF-8, without an XML declaration; unchanged if its bytes say otherwise."""
    try:
        if body.startswith(_BOMS) or not _ENCODING.fullmatch(codecs.lookup(charset).name):
            return body
        return _XML_DECLARATION.sub("", body.decode(charset), count=1).encode()
    except (LookupError, UnicodeError):
        return body


def decode(body: bytes) -> str:
    """Return the text of a document; reject bytes that are not text."""
    declared = _DECLARATION.match(body)
    encoding = declared.group(1).decode("ascii") if declared else "utf-8-sig"
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        if not _ENCODING.fullmatch(codecs.lookup(encoding).name):
            raise LookupError  # noqa: TRY301 - handled like the others
        return body.decode(encoding).removeprefix("\ufeff")
    except (LookupError, UnicodeError):
        raise_invalid(
            "bytes that are not text in the declared encoding, or in UTF-8 if none is declared"
        )


def parse_tree(document: str | bytes) -> ET.Element:
    """Return the root of a document without a document type, unless the deadline passes meanwhile."""
    if len(document) <= _PIECE:
        return ET.fromstring(document)  # noqa: S314 - without document types
    parser = ET.XMLParser()  # noqa: S314 - likewise
    for start in range(0, len(document), _PIECE):
        require_time()
        parser.feed(document[start : start + _PIECE])
    root: ET.Element = parser.close()
    return root


def parse_elements(text: str) -> ET.Element:
    """Return the root; reject malformed XML, a DOCTYPE, deep nesting and long attributes."""
    require_time()
    if "<!DOCTYPE" in text:
        _reject_doctype(text)
    try:
        root = parse_tree(text)
    except ET.ParseError as error:
        line, column = error.position
        position = f"line {line}, column {column + 1}"
        raise_invalid(f"text that is not XML ({position})" if text.strip() else "an empty body")
    require_usual_size(root)
    return root


def require_usual_size(root: ET.Element) -> None:
    """Reject deep nesting and long attributes."""
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in parent]
    if level:
        raise_invalid("XML that is nested too deeply")
    for element in root.iter():
        if element.keys() and _get_attributes_length(element.attrib) > MAX_ATTRIBUTES:
            raise_invalid("an element with attributes that are too long")


def _get_attributes_length(attributes: dict[str, str]) -> int:
    return len("".join(attributes)) + len("".join(attributes.values()))


def _reject_doctype(text: str) -> None:
    """Reject a document type declaration; in a text or a comment the same words are harmless."""

    def reject(*_: Any) -> None:
        raise_invalid("a document type declaration", "XML without one", "XML-005")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = reject
    with suppress(expat.ExpatError):  # the next parser says where
        parser.Parse(text, True)


def raise_invalid(
    actual: str, expected: str = "an XML document", requirement_id: str = "HTTP-003"
) -> NoReturn:
    """Raise InvalidRequestError for the document as a whole."""
    raise InvalidRequestError([Violation("", actual, expected, requirement_id)]) from None
