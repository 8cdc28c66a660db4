"""A request on the table: its bytes as characters, its characters as a document, and all that is wrong in it."""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message as Fields

from infobip_sms_conformance.client_checks import address, authorization
from infobip_sms_conformance.client_checks.json_locations import (
    DocumentSyntaxError,
    Node,
    parse_json,
)
from infobip_sms_conformance.client_checks.schema_check import (
    RequestFindings,
    RequestViolation,
    check_document,
)
from infobip_sms_conformance.client_checks.xml_locations import (
    build_tree,
    check_doctype,
    parse_elements,
)
from infobip_sms_conformance.contract.files import read_requirements
from infobip_sms_conformance.contract.openapi import Operation, get_component
from infobip_sms_conformance.observations.exchange import BAD_REQUEST, UNAUTHORIZED
from infobip_sms_conformance.transport.http1 import CapturedExchange

XML_CHARSETS = ("utf-8", "utf-16")
READABLE, CHARACTERS, UNIQUE = "HTTP-003", "TEXT-002", "SEND-027"
NUMBER, SENDER = "SEND-008", "SEND-003"
FORM, DAYS, DOCTYPE, V1_FORM = "XML-001", "XML-002", "XML-005", "V1-005"
# Characters that XML 1.0 cannot carry, as they are and as references.
INVALID_XML_CHARACTER = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
    r"|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]));"
)
REASON = re.compile(r"\(([A-Z0-9]+-[0-9]{3})\)")
"""The requirement at the end of a sentence of the suite's server."""
DECLARED_ENCODING = re.compile(rb"^<\?xml[^>]*encoding=[\"']([\w.-]+)", re.IGNORECASE)


@dataclass
class ParsedRequest:
    """One request with what was found in it."""

    captured: CapturedExchange
    wire: str
    findings: RequestFindings = field(default_factory=RequestFindings)
    operation: Operation | None = None
    text: str = field(default="", repr=False)
    """The body as characters."""
    node: Node | None = field(default=None, repr=False)
    """The body as a document, if it is one."""

    @property
    def is_send(self) -> bool:
        """Whether it is to send messages."""
        return self.operation is not None and self.operation.id in {"send", "sendV1"}


def parse_request(captured: CapturedExchange) -> ParsedRequest:
    """Look at a request."""
    request = ParsedRequest(captured, address.detect_wire(captured))
    authorization.check_authorization(request.findings, captured)
    request.operation = address.check_address(request.findings, captured)
    if request.operation is not None:
        address.check_query(request.findings, captured, request.operation)
    readable = not (captured.body or has_request_body(request)) or address.check_format(
        request.findings, captured
    )
    request.text = decode(request)
    if request.operation is not None and request.operation.request and readable:
        check_body(request, request.operation.request)
    return request


def has_request_body(request: ParsedRequest) -> bool:
    """Tell whether the operation has a body."""
    return request.operation is not None and request.operation.request is not None


def decode(request: ParsedRequest) -> str:
    """Return the body as characters, with a sign in place of bytes that are none."""
    body = request.captured.body
    name = get_charset(request)
    try:
        text = body.decode(name)
    except UnicodeDecodeError as error:
        at = len(body[: error.start].decode(name, "replace"))
        got = f"byte 0x{body[error.start]:02X} at {error.start}, which is no {name}"
        expected = "the bytes of the charset that is named, or of UTF-8"
        request.findings.add_violation(
            RequestViolation(READABLE, "the body", got, expected, (at, at + 1))
        )
        return body.decode(name, "replace")
    if request.wire == "json" and not is_utf8(body):
        request.findings.add_violation(
            RequestViolation(READABLE, "the body", f"JSON in {name}", "JSON in UTF-8 (RFC 8259)")
        )
    elif request.wire == "xml" and not body.isascii() and not name.startswith(XML_CHARSETS):
        expected = "UTF-8 or UTF-16, which are all that an XML parser has to know"
        request.findings.add_violation(
            RequestViolation(READABLE, "the body", f"XML in {name}", expected, is_tolerated=True)
        )
    return text


def is_utf8(body: bytes) -> bool:
    """Tell whether bytes are UTF-8 text; those of UTF-16 may be, but hold zeros."""
    try:
        return "\0" not in body.decode("utf-8")
    except UnicodeDecodeError:
        return False


def get_charset(request: ParsedRequest) -> str:
    """Return the charset of a body: as its header, its first bytes or its declaration have it."""
    body = request.captured.body
    fields = Fields()
    fields["content-type"] = request.captured.get_header("content-type") or "text/plain"
    named = fields.get_content_charset()
    if named is None:
        if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        declared = DECLARED_ENCODING.match(body) if request.wire == "xml" else None
        named = declared[1].decode("ascii") if declared else "utf-8"
    try:
        return codecs.lookup(named).name
    except LookupError:
        got, expected = "a charset that there is not", "UTF-8"
        request.findings.add_violation(
            RequestViolation(READABLE, "Content-Type", got, expected, part="content-type")
        )
        return "utf-8"


def check_body(request: ParsedRequest, component: str) -> None:
    """Look at a body as the document that it should be."""
    findings = request.findings
    findings.checked.add(READABLE)
    is_unreadable = any(problem.requirement_id == READABLE for problem in findings.violations)
    try:
        request.node = (
            parse_json_body(request)
            if request.wire == "json"
            else parse_xml_body(request, component)
        )
    except DocumentSyntaxError as error:
        if not is_unreadable:
            got = f"no {request.wire.upper()}: {error}, at character {error.position}"
            place = (min(error.position, len(request.text)), error.position + 1)
            findings.add_violation(
                RequestViolation(
                    READABLE, "the body", got, f"one {request.wire.upper()} document", place
                )
            )
        return
    if request.node is not None:
        check_document(findings, request.node, get_component(component))
        if request.is_send:
            check_message_ids(request)
            check_meaning(request)


def parse_json_body(request: ParsedRequest) -> Node | None:
    """Return the object that a body is; none where it is something else."""
    node = parse_json(request.text)
    if node.kind == "object":
        return node
    got = "a JSON text within a JSON string" if is_double_encoded(node) else f"a JSON {node.kind}"
    problem = RequestViolation(READABLE, "the body", got, "a JSON object", node.span)
    request.findings.add_violation(problem)
    return None


def is_double_encoded(node: Node) -> bool:
    """Tell whether a value is a string that holds a document itself."""
    try:
        return node.kind == "string" and isinstance(json.loads(node.value), dict)
    except ValueError:
        return False


def parse_xml_body(request: ParsedRequest, component: str) -> Node | None:
    """Return the nodes of a body in XML; what is wrong in its form is recorded."""
    findings = request.findings
    findings.checked |= {CHARACTERS, DOCTYPE}
    for violation in check_doctype(request.text):
        findings.add_violation(
            RequestViolation(
                DOCTYPE, "the document", violation.actual, violation.expected, violation.span
            )
        )
    if found := INVALID_XML_CHARACTER.search(request.text):
        got, expected = "a character that XML cannot carry", "characters of XML 1.0"
        findings.add_violation(
            RequestViolation(CHARACTERS, "the document", got, expected, found.span())
        )
        return None
    tree = build_tree(parse_elements(request.text), get_component(component))
    findings.checked.add(
        V1_FORM if request.operation and request.operation.id == "sendV1" else FORM
    )
    if any(iter_lists(tree.node, "days")):
        findings.checked.add(DAYS)
    for violation in tree.violations:
        path = violation.path or "the document"
        findings.add_violation(
            RequestViolation(
                violation.requirement_id, path, violation.actual, violation.expected, violation.span
            )
        )
    return tree.node


def iter_lists(node: Node, name: str) -> Iterator[Node]:
    """Yield the lists of a name within a document."""
    if node.kind == "array":
        for item in node.value:
            yield from iter_lists(item, name)
    if node.kind == "object":
        for key, inner in node.value.items():
            if key == name and inner.kind == "array":
                yield inner
            yield from iter_lists(inner, name)


def check_message_ids(request: ParsedRequest) -> None:
    """Look for a messageId that two destinations share."""
    seen: set[str] = set()
    for path, node in iter_message_ids(request.node):
        request.findings.checked.add(UNIQUE)
        if node.value in seen:
            got, expected = "the messageId of another destination", "one of its own, or none"
            request.findings.add_violation(
                RequestViolation(UNIQUE, path, got, expected, node.span_with_name)
            )
        seen.add(node.value)


def check_meaning(request: ParsedRequest) -> None:
    """Look for numbers and senders that fit the documentation and that nobody means; a warning each."""
    for path, node in iter_strings(request.node, "destinations", "to"):
        if node.value.removeprefix("+").startswith("0"):
            got = "a number that begins with 0, as no country code does"
            expected = "the country code instead of 0, and nothing instead of 00"
            request.findings.add_violation(
                RequestViolation(
                    NUMBER, path, got, expected, node.span_with_name, is_tolerated=True
                )
            )
    for path, node in iter_strings(request.node, "", "from"):
        if node.value and not (node.value.isprintable() and node.value.strip()):
            got = "characters that are not visible" if node.value.strip() else "blanks only"
            expected = "visible characters"
            request.findings.add_violation(
                RequestViolation(
                    SENDER, path, got, expected, node.span_with_name, is_tolerated=True
                )
            )


def check_rejection(request: ParsedRequest) -> list[RequestViolation]:
    """Look for a request without a finding that the suite's own server rejected nevertheless; a warning."""
    captured = request.captured
    if request.findings.violations or request.operation is None:
        return []
    if captured.status == UNAUTHORIZED:
        scheme = captured.get_header("authorization").partition(" ")[0]
        got = f"credentials of the scheme {scheme}, which were rejected (401)"
        expected = "App and the API key in INFOBIP_API_KEY, which the suite sets"
        return [build_warning(authorization.FORM, "Authorization", got, expected)]
    if captured.status == BAD_REQUEST and captured.response is not None:
        reason = REASON.search(captured.response.body.decode("utf-8", "replace"))
        number = reason[1] if reason and reason[1] in read_requirements() else READABLE
        return [
            build_warning(
                number, "the request", "one that was rejected (400)", "one that is accepted"
            )
        ]
    return []


def build_warning(number: str, path: str, got: str, expected: str) -> RequestViolation:
    """Return what is worth a warning in a request."""
    part = "authorization" if path == "Authorization" else "body"
    return RequestViolation(number, path, got, expected, part=part, is_tolerated=True)


def iter_message_ids(node: Node | None) -> Iterator[tuple[str, Node]]:
    """Yield every messageId of a request, with its path."""
    yield from iter_strings(node, "destinations", "messageId")


def iter_strings(node: Node | None, part: str, name: str) -> Iterator[tuple[str, Node]]:
    """Yield every text of a name in the messages of a request, or in a part of them, with its path."""
    for m, message in iter_entries(node, "messages"):
        inner = iter_entries(message, part) if part else [(None, message)]
        for d, holder in inner:
            found = holder.find(name)
            if found is not None and found.kind == "string":
                below = f".{part}[{d}]" if part else ""
                yield f"messages[{m}]{below}.{name}", found


def iter_entries(node: Node | None, name: str) -> Iterator[tuple[int, Node]]:
    """Yield the entries of a list in an object, as far as there is one."""
    found = node.find(name) if node is not None else None
    if found is not None and found.kind == "array":
        yield from enumerate(found.value)
