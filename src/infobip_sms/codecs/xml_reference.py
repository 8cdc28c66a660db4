"""XML bytes <-> models with xmlschema at run time: the authority on which documents are valid.

Same functions as wire_xml.py, whose generated codec handles valid documents in a twentieth of the time.
Importing this module imports xmlschema, which takes longer than the rest of the package: wire_xml.py
imports it for documents that its codec leaves undecided, codecs/__init__.py for a client that asks.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import xmlschema
from infobip_sms_schema import XML_ROOTS, XML_SCHEMAS, ErrorResponse
from infobip_sms_schema.constraints import Constraint, UnreadableText, unfold
from infobip_sms_schema.deadline import require_time
from infobip_sms_schema.violations import MAX_VIOLATIONS
from infobip_sms_schema.xml_scalars import XML_ILLEGAL
from xmlschema.converters import ElementData, XMLSchemaConverter
from xmlschema.validators import XsdAttributeGroup

from infobip_sms.errors import InvalidRequestError, InvalidResponseError, Violation
from infobip_sms.rules import check_model

from .extra import append_extra, remove_extra
from .plain_data import build_model, build_plain, build_response
from .xml_detailed import DetailedReader, Finding
from .xml_input import MAX_ERRORS, decode, parse_elements, raise_invalid, require_usual_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTENT_TYPE = "application/xml"
Model = TypeVar("Model", bound=attrs.AttrsInstance)
MAX_ENTRIES = 2 * MAX_VIOLATIONS  # of lists, by which a document is rejected


def parse_plain(body: bytes, cls: type[attrs.AttrsInstance], *, by_xmlschema: bool = True) -> Any:
    """Parse a document without checking it; raise InvalidRequestError if it is not XML of this model."""
    if by_xmlschema:
        return _parse_by_xmlschema(body, cls)[0]
    return _read(_find_root(body, cls, None), cls)[0]


def parse_request(
    body: bytes,
    cls: type[Model],
    *,
    validate: bool = True,  # noqa: ARG001 - always validates
    by_xmlschema: bool = True,
    root: ET.Element | None = None,
) -> Model:
    """Parse a request strictly; raise InvalidRequestError with the violations.

    by_xmlschema: False parses it with DetailedReader, at about the cost of parsing XML; xmlschema
        takes seconds for each MiB.
    root: of the body, if it is parsed already.
    """

    def build(plain: Any, errors: list[Any]) -> Model:
        found = [_to_violation(error, cls) for error in errors[:MAX_ERRORS]]
        try:
            request = build_model(plain, cls, strict=True)
        except InvalidRequestError as error:
            more = _select_unreported(found, error.violations)
            raise InvalidRequestError([*error.violations, *more]) from None
        if unreported := list(_select_unreported(found, ())):
            raise InvalidRequestError(unreported)
        return request

    if by_xmlschema:
        return build(*_parse_by_xmlschema(body, cls))
    return _build_from_elements(build, _find_root(body, cls, root), cls)


def parse_response(
    body: bytes,
    cls: type[Model],
    *,
    validate: bool = False,
    by_xmlschema: bool = True,
    root: ET.Element | None = None,
) -> Model:
    """Parse a response leniently; raise InvalidResponseError with the violations.

    ``raw`` of the model holds the bytes.
    validate: also reject what can be read but violates the schema: text between elements, or a repeated
        element.
    by_xmlschema, root: as for a request.
    """

    def build(plain: Any, errors: list[Any]) -> Model:
        model = build_response(plain, cls)
        found = [_to_violation(error, cls) for error in errors[: MAX_ERRORS * validate]]
        if unreported := list(_select_unreported(found, ())):
            raise InvalidRequestError(unreported)
        return model

    try:
        if by_xmlschema:
            model = build(*_parse_by_xmlschema(body, cls))
        else:
            model = _build_from_elements(build, _find_root(body, cls, root), cls)
    except InvalidRequestError as error:
        raise InvalidResponseError(error.violations, body=body) from None
    object.__setattr__(model, "raw", bytes(body))  # frozen, but nobody else has it yet
    return model


def _build_from_elements(build: Callable[[Any, Any], Model], root: ET.Element, cls: Any) -> Model:
    """Build a model, or reject the document by its first entries if enough is wrong with them.

    What a rejection costs then does not grow with the document. Reports are built of all entries: those
    that can be read are kept.
    """
    if "unreadable" not in attrs.fields_dict(cls):
        plain, findings, is_whole = _read(root, cls, MAX_ENTRIES)
        try:
            model = build(plain, findings)
        except InvalidRequestError as error:
            if is_whole or len(error.violations) >= MAX_VIOLATIONS:
                raise
        else:
            if is_whole:
                return model
    return build(*_read(root, cls)[:2])


def require_valid_document(body: bytes, cls: type[attrs.AttrsInstance]) -> None:
    """Raise InvalidRequestError if a document that we wrote is not valid by sms.xsd."""
    text = decode(body).partition("\n")[
        2
    ]  # without the XML declaration, which a decoded text cannot have
    try:
        _compile_schema(XML_SCHEMAS.get(cls, "sms.xsd")).validate(text)
    except xmlschema.XMLSchemaException:
        raise_invalid("an invalid document", "a document that is valid by sms.xsd", "XML-001")


def dump_model(model: attrs.AttrsInstance, *, validate: bool = False) -> bytes:
    """Write a request or a response; raise InvalidRequestError if it is invalid or XML cannot carry a text.

    validate: also validate the result with xmlschema.
    """
    if problems := check_model(model):
        raise InvalidRequestError(problems)
    if problems := list(_check_characters(build_plain(_without_validation_errors(model)))):
        raise InvalidRequestError(problems)
    plain, cls = build_plain(remove_extra(_without_validation_errors(model))), type(model)
    try:
        tree = _compile_schema(XML_SCHEMAS.get(cls, "sms.xsd")).encode(
            plain, path=XML_ROOTS[cls][0], indent=0
        )
    except xmlschema.XMLSchemaException:
        raise_invalid("an invalid document", "a document that is valid by sms.xsd", "XML-001")
    if validate:
        require_valid_document(_write_document(tree), cls)
    append_extra(tree, model)
    return _write_document(tree)


def _write_document(tree: ET.Element) -> bytes:
    text = ET.tostring(tree, encoding="unicode").replace("\r", "&#13;")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _without_validation_errors(model: attrs.AttrsInstance) -> attrs.AttrsInstance:
    """Remove validationErrors from an error: they have no XML form (READ-009)."""
    if not isinstance(model, ErrorResponse):
        return model
    exception = attrs.evolve(model.request_error.service_exception, validation_errors=None)
    return ErrorResponse(
        request_error=attrs.evolve(model.request_error, service_exception=exception)
    )


class _PlainDataConverter(XMLSchemaConverter):
    """XML to plain data with wire names: an object for each type, a list for each wrapper or repetition."""

    def element_decode(
        self,
        data: ElementData,
        xsd_element: Any,
        xsd_type: Any = None,
        level: int = 0,  # noqa: ARG002 - the base
    ) -> Any:
        require_time()
        kind = xsd_type or xsd_element.type
        if kind.is_simple():
            return data.text
        content = list(data.content or ())
        # content of an unknown element has no declaration, or one without a name
        known = [row for row in content if row[2] is not None and row[2].name is not None]
        lost = bool(content) and not known  # entries of an unknown form
        if kind.name is None:
            return [UnreadableText()] if lost else [value for _, value, _ in known]
        if lost and xsd_element.max_occurs != 1:
            return UnreadableText()
        return _collect_fields(known, kind)

    def element_encode(self, obj: Any, xsd_element: Any, level: int = 0) -> ElementData:  # noqa: ARG002 - the base
        kind = xsd_element.type
        if kind.is_simple():
            text = f"{obj:f}" if isinstance(obj, Decimal) else obj  # XML has no exponents
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


def _collect_fields(children: list[tuple[str, Any, Any]], kind: Any) -> dict[str, Any]:
    """Return the fields of an object: the first of repeated elements, or all for a list."""
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
def _compile_schema(name: str) -> Any:
    text = (files("infobip_sms_schema") / "data" / name).read_text(encoding="utf-8")
    cls = xmlschema.XMLSchema11 if name.endswith("-reader.xsd") else xmlschema.XMLSchema10
    return cls(text, defuse="always", converter=_PlainDataConverter)


def _find_root(body: bytes, cls: type[attrs.AttrsInstance], root: ET.Element | None) -> ET.Element:
    """Return the root, with elements without a namespace; reject what is not a document of the model."""
    if root is None:
        root = parse_elements(decode(body))
    else:
        require_time()
        require_usual_size(root)
    if root.tag.startswith("{"):
        _remove_namespace(root, cls)
    if root.tag not in XML_ROOTS[cls]:
        raise_invalid("another root element", f"the root element {XML_ROOTS[cls][0]}", "XML-001")
    return root


def _find_schema(cls: type[attrs.AttrsInstance]) -> Any:
    return _compile_schema(XML_SCHEMAS.get(cls, "sms.xsd").replace(".xsd", "-reader.xsd"))


def _read(
    root: ET.Element, cls: type[attrs.AttrsInstance], limit: int = sys.maxsize
) -> tuple[Any, list[Finding], bool]:
    """Return plain data, what violates the lenient schema, and whether no entry was left out."""
    reader = DetailedReader(limit)
    plain = reader.read(root, _find_schema(cls).elements[root.tag], f"/{root.tag}")
    return plain, reader.findings, reader.is_whole


def _parse_by_xmlschema(body: bytes, cls: type[attrs.AttrsInstance]) -> tuple[Any, list[Any]]:
    """Return plain data and what violates the lenient schema; errors of xmlschema are slow to examine."""
    text = decode(body)
    root = parse_elements(text)
    namespaced = root.tag.startswith("{")
    root = _find_root(body, cls, root)
    complete, findings, _ = _read(root, cls)
    try:
        plain, errors = _find_schema(cls).decode(
            root if namespaced else text,
            validation="lax",
            xmlns_processing="none",  # tracking prefixes takes quadratic time
            keep_empty=True,
            filler=lambda _: UnreadableText(),
            value_hook=lambda value, _: value,
            process_skipped=True,
        )
    except (xmlschema.XMLSchemaException, ET.ParseError, RecursionError):
        raise_invalid("XML that cannot be processed")
    if not errors and findings:  # xmlschema takes any white space of Unicode around a number
        return complete, findings
    if errors:  # of a number of another form xmlschema returns what Python makes of it: 10 of 1_0
        plain = complete
    _add_unknown(plain, complete)
    return plain, [error for error in errors if not _is_reported_elsewhere(error)]


def _add_unknown(plain: Any, complete: Any) -> None:
    """Add elements that the schema does not have, the text of which xmlschema does not keep as it is."""
    if isinstance(plain, dict) and isinstance(complete, dict):
        for name, value in complete.items():
            _add_unknown(plain.setdefault(name, value), value)
    elif isinstance(plain, list) and isinstance(complete, list):
        for part, value in zip(plain, complete, strict=False):
            _add_unknown(part, value)


def _quote_namespace(namespace: str) -> str:
    """Return a namespace for a message: at most 100 characters, and without hidden ones."""
    return ascii(namespace[:100])


def _remove_namespace(root: ET.Element, cls: type[attrs.AttrsInstance]) -> None:
    """Give the elements of the root's namespace their local names; reject it in a request (XML-001)."""
    namespace = root.tag[: root.tag.index("}") + 1]
    if "raw" not in attrs.fields_dict(cls):  # a request
        actual = f"a root element in the namespace {_quote_namespace(namespace[1:-1])}"
        raise_invalid(actual, "elements without a namespace", "XML-001")
    for element in root.iter():
        element.tag = element.tag.removeprefix(namespace)


def _is_reported_elsewhere(error: Any) -> bool:
    """Tell whether an error is about a missing part, which constraints report, or an attribute (READ-010)."""
    if type(error) is xmlschema.XMLSchemaChildrenValidationError:
        return error.invalid_child is None
    return isinstance(error.validator, XsdAttributeGroup)


def _to_violation(error: Any, cls: type[attrs.AttrsInstance]) -> Violation:
    path, field = _locate(error.path or "", cls)
    if getattr(error, "repeated", type(error) is xmlschema.XMLSchemaChildrenValidationError):
        return Violation(path, "a repeated element", "each element once", "XML-001")
    if field is None or not isinstance(field.validator, Constraint):
        return Violation(path, "text between the elements", "elements only", "XML-001")
    return field.validator.build_violation(UnreadableText(), field.type).inside(path)


def _select_unreported(
    violations: list[Violation], reported: tuple[Violation, ...]
) -> Iterator[Violation]:
    """Yield violations at paths for which none was reported."""
    paths = {violation.path for violation in reported}
    for violation in violations:
        if violation.path not in paths:
            paths.add(violation.path)
            yield violation


def _locate(path: str, cls: Any) -> tuple[str, attrs.Attribute[Any] | None]:
    """Translate /request/messages/message[2]/from to messages[1].from and its field."""
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
    elif isinstance(plain, str) and (found := XML_ILLEGAL.search(plain)):
        actual = f"U+{ord(found.group()):04X} at character {found.start() + 1}"
        yield Violation(path, actual, "characters that XML 1.0 allows", "TEXT-002")
