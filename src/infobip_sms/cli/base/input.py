"""What is read before something is sent: texts and documents, from files and standard input."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import click
from infobip_sms_schema import SmsRequest

from infobip_sms import InvalidRequestError, Violation
from infobip_sms.codecs import get_codec
from infobip_sms.codecs.extra import remove_extra

from .framework import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infobip_sms.codecs import Wire


def read_text(text: str | None) -> str:
    """Return a text that was given, or standard input for ``-`` without its last line end."""
    if text is None:
        raise click.UsageError("There is no text: give it in quotes, or - for standard input.")
    if text != "-":
        return text
    return decode(sys.stdin.buffer.read(), "standard input").removesuffix("\n").removesuffix("\r")


def read_bytes(name: str) -> bytes:
    """Return what a file holds, or standard input for ``-``."""
    try:
        with click.open_file(name, "rb") as file:
            return bytes(file.read())
    except OSError as problem:
        raise InvalidInputError(f"{name} cannot be read: {problem.strerror}.") from None


def decode(body: bytes, name: str) -> str:
    """Return the text of bytes, a byte order mark left out."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InvalidInputError(f"{name} is not UTF-8 (byte {problem.start}).") from None


def detect_wire(body: bytes) -> Wire:
    """Return the format that a document looks like."""
    return "xml" if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else "json"


def parse_document(body: bytes, wire: Wire) -> SmsRequest:
    """Return the request of a document; raise InvalidRequestError, also for a field that nobody knows.

    A server may skip such a field (READ-010); a person who wrote it expects to know.
    """
    codec = get_codec(wire)
    request: SmsRequest = codec.parse_request(body, SmsRequest)
    read = json.loads if wire == "json" else ET.fromstring
    known = set(_iter_paths(read(codec.dump_model(remove_extra(request)))))
    lost = [place for place in _iter_paths(read(body)) if place not in known]
    if lost:
        expected = "fields that the documentation knows"
        raise InvalidRequestError(
            Violation(place, "an unknown field", expected, "READ-010") for place in lost
        )
    return request


def _iter_paths(node: Any, path: str = "") -> Iterator[str]:
    """Give the path of everything in a document, in its order."""
    if path:
        yield path
    if isinstance(node, dict):
        for name, part in node.items():
            yield from _iter_paths(part, f"{path}.{name}" if path else name)
    elif isinstance(node, list):
        for index, part in enumerate(node):
            yield from _iter_paths(part, f"{path}[{index}]")
    elif isinstance(node, ET.Element):
        seen: dict[str, int] = {}
        for child in node:
            number = seen[child.tag] = seen.get(child.tag, 0) + 1
            yield from _iter_paths(child, f"{path}/{child.tag}[{number}]")
