"""Elements to plain data as xmlschema does it, at about the cost of parsing them.

For documents that the generated codec leaves undecided, most of which will be rejected. The lenient
schema, compiled by xmlschema, says which elements there are; xmlschema itself decodes only numbers and
truth values of an unusual form. Anybody can send such a document, so what it costs must not exceed what
parsing costs: each element is visited once, and no more than MAX_ERRORS findings are kept.
"""

from __future__ import annotations

import sys
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema.constraints import UnreadableText
from infobip_sms_schema.deadline import require_time
from infobip_sms_schema.xml_extra import add_repeated, element_to_plain

from .xml_input import MAX_ERRORS

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

_Path = str | tuple[Any, str, int]
"""A path, or that of the parent, the name of an element and its number: most are never written out."""
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
_SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
_MAX_CACHED = 40  # characters of a number whose value is remembered
_DEADLINE_STEP = 64  # children between two looks at the deadline
_BLANK = " \t\r\n"  # white space in XML
_UNREADABLE = UnreadableText()


@attrs.frozen
class Finding:
    """A place where a document violates the lenient schema."""

    path: str
    repeated: bool = False
    """Whether an element is repeated; otherwise the content has another form."""


@attrs.frozen
class _Part:
    """What a reader needs of the declaration of an element."""

    declaration: Any
    is_repeatable: bool
    is_wrapper: bool
    is_leaf: bool
    is_text: bool


class DetailedReader:
    """Reads one document; ``findings`` holds the first violations.

    limit: how many entries of lists are read; of each list at least the first.
    """

    def __init__(self, limit: int = sys.maxsize) -> None:
        self.findings: list[Finding] = []
        self.is_whole = True
        """Whether all entries of lists were read."""
        self._left = limit
        self._steps = 0

    def read(self, element: ET.Element, declaration: Any, path: str) -> Any:
        """Return the plain data of an element."""
        return self._read(element, _describe(declaration), path)

    def _read(self, element: ET.Element, part: _Part, path: _Path) -> Any:
        if element.keys():
            self._check_attributes(element, part, path)
        if part.is_leaf:
            return self._read_leaf(element, part, path)
        parts = _list_parts(part.declaration)
        if _has_text(element):
            self._add(path)
        if part.is_wrapper and not len(element):
            return []
        known = [child for child in element if child.tag in parts]
        lost = len(element) > 0 and not known  # entries of an unknown form
        if lost and (part.is_wrapper or part.is_repeatable):
            return [_UNREADABLE] if part.is_wrapper else _UNREADABLE
        plain = self._collect(known, parts, path, is_wrapper=part.is_wrapper)
        if not part.is_wrapper and len(known) < len(element):
            for child in element:
                if child.tag not in parts:
                    add_repeated(plain, child.tag, element_to_plain(child))
        return plain

    def _collect(
        self, known: list[ET.Element], parts: dict[str, _Part], path: _Path, *, is_wrapper: bool
    ) -> Any:
        """Return the fields of an object, the first of each, or the entries of a list."""
        entries: list[Any] = []
        plain: dict[str, Any] = {name: [] for name in parts if parts[name].is_repeatable}
        seen: dict[str, int] = {}
        self._count(len(known))
        for child in known:
            name, part = child.tag, parts[child.tag]
            count = seen[name] = seen.get(name, 0) + 1
            if part.is_repeatable:
                if self._left <= 0 and count > 1:
                    self.is_whole = False
                    continue
                self._left -= 1
            if part.is_text and not len(child) and not child.keys():
                value: Any = child.text or ""  # as _read has it; most elements are such texts
            else:
                value = self._read(child, part, (path, name, count))
            if count > 1 and not part.is_repeatable and isinstance(value, str):
                self._check_unused(value, part, (path, name, count))
            if is_wrapper:
                entries.append(value)
            elif part.is_repeatable:
                plain[name].append(value)
            elif isinstance(value, list):
                plain.setdefault(name, []).extend(value)
            else:
                plain.setdefault(name, value)
        if len(seen) < len(known) and any(
            count > 1 and not parts[name].is_repeatable for name, count in seen.items()
        ):
            self._add(path, repeated=True)
        return entries if is_wrapper else plain

    def _count(self, steps: int) -> None:
        """Look at the deadline now and then."""
        self._steps += steps
        if self._steps >= _DEADLINE_STEP:
            self._steps = 0
            require_time()

    def _read_leaf(self, element: ET.Element, part: _Part, path: _Path) -> Any:
        if len(element):
            self._add(path)
        text = element.text or ""
        if part.is_text:
            return text  # the constraint of its field checks it
        value, is_valid = _decode(part.declaration.type, text)
        if not is_valid:
            self._add(path)
        return value

    def _check_unused(self, text: str, part: _Part, path: _Path) -> None:
        """Check the text of a repeated element, which no constraint checks because it is not used."""
        if len(self.findings) < MAX_ERRORS and not _decode(part.declaration.type, text)[1]:
            self._add(path)

    def _check_attributes(self, element: ET.Element, part: _Part, path: _Path) -> None:
        """Note an attribute that gives an element another type, or says that it is null."""
        own = part.declaration.type.name
        kind = element.get(f"{_INSTANCE}type", own)
        is_same = kind == own or _is_standard(kind, own)
        if not is_same or f"{_INSTANCE}nil" in element.keys():  # noqa: SIM118 - no mapping
            self._add(path)

    def _add(self, path: _Path, *, repeated: bool = False) -> None:
        if len(self.findings) < MAX_ERRORS:
            self.findings.append(Finding(_format_path(path), repeated))


def _is_standard(kind: str, own: str | None) -> bool:
    """Tell whether a type such as ``xs:string`` is that of the schema; the parser keeps no prefixes."""
    prefix, _, name = kind.strip(_BLANK).rpartition(":")
    return prefix.isidentifier() and own == f"{_SCHEMA}{name}"


def _format_path(path: _Path) -> str:
    return path if isinstance(path, str) else f"{_format_path(path[0])}/{path[1]}[{path[2]}]"


def _has_text(element: ET.Element) -> bool:
    """Tell whether there is text other than white space before, between or after the children."""
    text = element.text
    if text and text.strip():
        return True
    for child in element:
        tail = child.tail
        if tail and tail.strip():
            return True
    return False


def _decode(kind: Any, text: str) -> tuple[Any, bool]:
    """Return the value of a text, or UnreadableText, and whether it is valid."""
    return (_decode_cached if len(text) <= _MAX_CACHED else _decode_by_schema)(kind, text)


def _decode_by_schema(kind: Any, text: str) -> tuple[Any, bool]:
    if text.strip() != text.strip(_BLANK):  # xmlschema strips whatever Python takes for white space
        return _UNREADABLE, False
    value, errors = kind.decode(text, validation="lax")
    return (_UNREADABLE if value is None or errors else value), not errors


_decode_cached = lru_cache(maxsize=1_000)(_decode_by_schema)


@cache
def _describe(declaration: Any) -> _Part:
    kind = declaration.type
    is_leaf = kind.is_simple()
    primitive = getattr(kind, "primitive_type", None)  # a union has none
    is_text = is_leaf and getattr(primitive, "local_name", "") == "string"
    return _Part(declaration, declaration.max_occurs != 1, kind.name is None, is_leaf, is_text)


@cache
def _list_parts(declaration: Any) -> dict[str, _Part]:
    """Return the elements that may be inside an element, by name."""
    children = declaration.type.content.iter_elements()
    return {child.name: _describe(child) for child in children if child.name is not None}
