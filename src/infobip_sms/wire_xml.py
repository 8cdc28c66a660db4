"""XML bytes <-> models.

Requests are read strictly and refused with RequestRefused; replies and reports are read openly and
refused with BadReply. The same functions, for JSON, are in wire_json.py. Importing this module loads
xmlschema, which costs more than all the rest of the package: import it when XML is first used.

Lives here: XML itself, by xmlschema: sms.xsd for what is written, and the reader's schema derived
from it (any order, unknown elements) for what is read.
Never here: limits, rules, JSON, I/O.
"""

from __future__ import annotations

import codecs
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from xml.parsers import expat

import attrs
import xmlschema
from infobip_sms_schema import XML_ROOTS, XML_SCHEMAS, ApiError
from infobip_sms_schema.limits import Limit, Unreadable, unfold
from xmlschema.converters import ElementData, XMLSchemaConverter
from xmlschema.validators import XsdAttributeGroup

from .errors import BadReply, RequestRefused, Violation
from .rules import check_model
from .structure import build_model, build_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT_TYPE = "application/xml"
MAX_DEPTH = 64
MAX_ATTRIBUTES = 10_000  # characters of one element's; the documentation knows no attribute
MAX_ERRORS = 100  # of xmlschema, looked into: each costs a walk through the document
Model = TypeVar("Model", bound=attrs.AttrsInstance)
_DECLARATION = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
# Character sets of documents. Python knows other codecs, some of them slow, some no character sets.
_ENCODING = re.compile(r"utf-8(-sig)?|utf-16(-le|-be)?|ascii|iso8859-\d+|cp125\d")
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse_plain(body: bytes, cls: type[attrs.AttrsInstance]) -> Any:
    """Read a document of this model as it stands; raise RequestRefused if it is none. Nothing is checked."""
    return _parse(body, cls)[0]


def parse_request(body: bytes, cls: type[Model]) -> Model:
    """Read a request of this model strictly; raise RequestRefused with every violation."""
    plain, errors = _parse(body, cls)
    found = [_explain(error, cls) for error in errors[:MAX_ERRORS]]
    try:
        request = build_model(plain, cls, strict=True)
    except RequestRefused as problem:
        raise RequestRefused([*problem.violations, *_add(found, problem.violations)]) from None
    if unseen := list(_add(found, ())):
        raise RequestRefused(unseen)
    return request


def parse_reply(body: bytes, cls: type[Model]) -> Model:
    """Read a reply of this model openly; raise BadReply with every violation.

    ``raw`` of the model holds the bytes.
    """
    try:
        model = build_model(parse_plain(body, cls), cls, strict=False)
    except RequestRefused as problem:
        raise BadReply(problem.violations, body=body) from None
    return attrs.evolve(model, raw=bytes(body))  # type: ignore[misc]  # every reply has raw


def dump_model(model: attrs.AttrsInstance) -> bytes:
    """Write a request or a reply; raise RequestRefused if it breaks a rule or XML cannot carry a text."""
    if problems := check_model(model):
        raise RequestRefused(problems)
    plain, cls = build_plain(_leave_out(model)), type(model)
    if problems := list(_check_characters(plain)):
        raise RequestRefused(problems)
    try:
        tree = _open_schema(XML_SCHEMAS.get(cls, "sms.xsd")).encode(
            plain, path=XML_ROOTS[cls][0], indent=0
        )
    except xmlschema.XMLSchemaException:
        _refuse("a document that sms.xsd refuses", "the form of sms.xsd", "XML-001")
    text = ET.tostring(tree, encoding="unicode").replace("\r", "&#13;")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _leave_out(model: attrs.AttrsInstance) -> attrs.AttrsInstance:
    """Take validationErrors out of an error: they have no XML form (READ-009)."""
    if not isinstance(model, ApiError):
        return model
    exception = attrs.evolve(model.request_error.service_exception, validation_errors=None)
    return ApiError(request_error=attrs.evolve(model.request_error, service_exception=exception))


class _Plain(XMLSchemaConverter):
    """Plain data with wire names: an object for each type, a list for each wrapper or repetition."""

    def element_decode(
        self,
        data: ElementData,
        xsd_element: Any,
        xsd_type: Any = None,
        level: int = 0,  # noqa: ARG002 - the base
    ) -> Any:
        kind = xsd_type or xsd_element.type
        if kind.is_simple():
            return data.text
        content = list(data.content or ())
        # what stands inside an unknown element has no declaration, or one without a name
        known = [row for row in content if row[2] is not None and row[2].name is not None]
        lost = bool(content) and not known  # entries of a form that nobody has seen yet
        if kind.name is None:
            return [Unreadable()] if lost else [value for _, value, _ in known]
        if lost and xsd_element.max_occurs != 1:
            return Unreadable()
        return _gather(known, kind)

    def element_encode(self, obj: Any, xsd_element: Any, level: int = 0) -> ElementData:  # noqa: ARG002 - the base
        kind = xsd_element.type
        if kind.is_simple():
            text = f"{obj:f}" if isinstance(obj, Decimal) else obj  # XML knows no exponents
            return ElementData(xsd_element.name, text, None, {}, None)
        if kind.name is None:
            (child,) = kind.content.iter_elements()
            return ElementData(
                xsd_element.name, None, [(child.name, entry) for entry in obj], {}, None
            )
        content = []
        for name, value in obj.items():
            repeated = isinstance(value, list) and xsd_element.match_child(name).max_occurs != 1
            content += [(name, entry) for entry in (value if repeated else [value])]
        return ElementData(xsd_element.name, None, content, {}, None)


def _gather(children: list[tuple[str, Any, Any]], kind: Any) -> dict[str, Any]:
    """Return the members of an object; the first of an element that stands twice, all of a list."""
    plain: dict[str, Any] = {
        child.name: []
        for child in kind.content.iter_elements()
        if child.name is not None and child.max_occurs != 1
    }
    for name, value, child in children:
        if child.max_occurs != 1:
            plain[name].append(value)
        elif isinstance(value, list):
            plain.setdefault(name, []).extend(value)
        else:
            plain.setdefault(name, value)
    return plain


@cache
def _open_schema(name: str) -> Any:
    text = (files("infobip_sms_schema") / "data" / name).read_text(encoding="utf-8")
    cls = xmlschema.XMLSchema11 if name.endswith("-reader.xsd") else xmlschema.XMLSchema10
    return cls(text, defuse="always", converter=_Plain)


def _parse(body: bytes, cls: type[attrs.AttrsInstance]) -> tuple[Any, list[Any]]:
    """Return plain data, and what xmlschema objects to; its errors are costly to look into."""
    text = _decode(body)
    root = _check_shape(text)
    if root not in XML_ROOTS[cls]:
        _refuse("another root element", f"the root element {XML_ROOTS[cls][0]}", "XML-001")
    schema = _open_schema(XML_SCHEMAS.get(cls, "sms.xsd").replace(".xsd", "-reader.xsd"))
    try:
        plain, errors = schema.decode(
            text,
            validation="lax",
            xmlns_processing="none",  # its bookkeeping of prefixes takes quadratic time
            keep_empty=True,
            filler=lambda _: Unreadable(),
            value_hook=lambda value, _: value,
            process_skipped=True,
        )
    except (xmlschema.XMLSchemaException, ET.ParseError, RecursionError):
        _refuse("XML that cannot be processed")
    return plain, [error for error in errors if not _is_told_elsewhere(error)]


def _decode(body: bytes) -> str:
    declared = _DECLARATION.match(body)
    encoding = declared.group(1).decode("ascii") if declared else "utf-8-sig"
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        if not _ENCODING.fullmatch(codecs.lookup(encoding).name):
            raise LookupError  # noqa: TRY301 - one answer to both
        return body.decode(encoding).removeprefix("\ufeff")
    except (LookupError, UnicodeError):
        _refuse("bytes that are not text in the declared encoding, or in UTF-8 if none is declared")


def _check_shape(text: str) -> str:
    """Return the root's name; refuse what is not well-formed, a DOCTYPE, and what is built to take long."""
    parser = expat.ParserCreate()
    depth, root = 0, ""

    def enter(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, root
        depth, root = depth + 1, root or name
        if depth > MAX_DEPTH:
            _refuse("XML that is nested too deeply")
        if sum(map(len, (*attributes, *attributes.values()))) > MAX_ATTRIBUTES:
            _refuse("an element with attributes that are too long")

    def leave(_: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse_doctype(*_: Any) -> None:
        _refuse("a document type declaration", "XML without one", "XML-005")

    parser.StartElementHandler, parser.EndElementHandler = enter, leave
    parser.StartDoctypeDeclHandler = refuse_doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as problem:
        place = f"line {problem.lineno}, column {problem.offset + 1}"
        _refuse(f"text that is not XML ({place})" if text.strip() else "an empty body")
    return root


def _refuse(got: str, wants: str = "an XML document", requirement: str = "HTTP-003") -> NoReturn:
    raise RequestRefused([Violation("", got, wants, requirement)]) from None


def _is_told_elsewhere(error: Any) -> bool:
    """Tell whether an error is about a missing part, which the limits name, or an attribute (READ-010)."""
    if type(error) is xmlschema.XMLSchemaChildrenValidationError:
        return error.invalid_child is None
    return isinstance(error.validator, XsdAttributeGroup)


def _explain(error: Any, cls: type[attrs.AttrsInstance]) -> Violation:
    path, field = _find_place(error.path or "", cls)
    if type(error) is xmlschema.XMLSchemaChildrenValidationError:
        return Violation(path, "an element twice", "each element once", "XML-001")
    if field is None or not isinstance(field.validator, Limit):
        return Violation(path, "text between the elements", "elements only", "XML-001")
    return field.validator.violation(Unreadable(), field.type).inside(path)


def _add(errors: list[Violation], seen: tuple[Violation, ...]) -> Iterator[Violation]:
    """Yield what xmlschema found and no limit has said already."""
    told = {violation.path for violation in seen}
    for error in errors:
        if error.path not in told:
            told.add(error.path)
            yield error


def _find_place(path: str, cls: Any) -> tuple[str, attrs.Attribute[Any] | None]:
    """Translate /request/messages/message[2]/from to messages[1].from and the field it is."""
    steps = [re.fullmatch(r"(.*?)(?:\[(\d+)\])?", step) for step in path.split("/")[2:]]
    found, field, wrapped = "", None, False
    for step in filter(None, steps):
        name, index = step.group(1), int(step.group(2) or 1) - 1
        if wrapped:
            found, field, wrapped = f"{found}[{index}]", None, False
            continue
        fields = {f.metadata.get("wire"): f for f in attrs.fields(cls)} if attrs.has(cls) else {}
        if name not in fields:
            return found, None
        field = fields[name]
        base, item = unfold(field.type)
        wrapped = bool(field.metadata.get("wrapped"))
        repeated = f"[{index}]" if item is not None and not wrapped else ""
        found = f"{found}.{name}{repeated}" if found else f"{name}{repeated}"
        cls = item or base
    return found, field


def _check_characters(plain: Any, path: str = "") -> Iterator[Violation]:
    if isinstance(plain, dict):
        for name, value in plain.items():
            yield from _check_characters(value, f"{path}.{name}" if path else name)
    elif isinstance(plain, list):
        for index, value in enumerate(plain):
            yield from _check_characters(value, f"{path}[{index}]")
    elif isinstance(plain, str) and (found := _ILLEGAL.search(plain)):
        got = f"U+{ord(found.group()):04X} at character {found.start() + 1}"
        yield Violation(path, got, "characters that XML 1.0 can carry", "TEXT-002")
