"""A request on the table: its bytes as characters, its characters as a document, and all that is wrong in it.

Lives here: the order in which a request is looked at.
Never here: each rule (envelope.py, forms.py, shapes.py); several requests together (hearing.py).
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message as Fields

from infobip_sms_conformance.client_checks import address, authorization
from infobip_sms_conformance.client_checks.json_locations import Node, NoDocument, parse_json
from infobip_sms_conformance.client_checks.schema_check import Problem, Sheet, check_document
from infobip_sms_conformance.client_checks.xml_locations import (
    build_tree,
    find_doctype,
    parse_elements,
)
from infobip_sms_conformance.contract.openapi import Operation, find_component
from infobip_sms_conformance.transport.http1 import Heard

READABLE, CHARACTERS, UNIQUE = "HTTP-003", "TEXT-002", "SEND-027"
FORM, DAYS, DOCTYPE, OLD_FORM = "XML-001", "XML-002", "XML-005", "V1-005"
# Characters that XML 1.0 cannot carry, as they are and as references.
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
    r"|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]));"
)
DECLARED = re.compile(rb"^<\?xml[^>]*encoding=[\"']([\w.-]+)", re.IGNORECASE)


@dataclass
class Paper:
    """One request with what was found in it."""

    heard: Heard
    wire: str
    sheet: Sheet = field(default_factory=Sheet)
    operation: Operation | None = None
    text: str = field(default="", repr=False)
    """The body as characters."""
    node: Node | None = field(default=None, repr=False)
    """The body as a document, if it is one."""

    @property
    def is_send(self) -> bool:
        """Whether it is to send messages."""
        return self.operation is not None and self.operation.id in {"send", "sendV1"}


def read_paper(heard: Heard) -> Paper:
    """Look at a request."""
    paper = Paper(heard, address.find_wire(heard))
    authorization.check_authorization(paper.sheet, heard)
    paper.operation = address.check_address(paper.sheet, heard)
    if paper.operation is not None:
        address.check_query(paper.sheet, heard, paper.operation)
    readable = not (heard.body or wants_body(paper)) or address.check_format(paper.sheet, heard)
    paper.text = decode(paper)
    if paper.operation is not None and paper.operation.request and readable:
        check_body(paper, paper.operation.request)
    return paper


def wants_body(paper: Paper) -> bool:
    """Tell whether the operation has a body."""
    return paper.operation is not None and paper.operation.request is not None


def decode(paper: Paper) -> str:
    """Return the body as characters, with a sign in place of bytes that are none."""
    body = paper.heard.body
    name = find_charset(paper)
    try:
        return body.decode(name)
    except UnicodeDecodeError as error:
        at = len(body[: error.start].decode(name, "replace"))
        got = f"byte 0x{body[error.start]:02X} at {error.start}, which is no {name}"
        wants = "the bytes of the charset that is named, or of UTF-8"
        paper.sheet.blame(Problem(READABLE, "the body", got, wants, (at, at + 1)))
        return body.decode(name, "replace")


def find_charset(paper: Paper) -> str:
    """Return the charset of a body: as its header, its first bytes or its declaration have it."""
    body = paper.heard.body
    fields = Fields()
    fields["content-type"] = paper.heard.find("content-type") or "text/plain"
    named = fields.get_content_charset()
    if named is None:
        if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        declared = DECLARED.match(body) if paper.wire == "xml" else None
        named = declared[1].decode("ascii") if declared else "utf-8"
    try:
        return codecs.lookup(named).name
    except LookupError:
        got, wants = "a charset that there is not", "UTF-8"
        paper.sheet.blame(Problem(READABLE, "Content-Type", got, wants, where="content-type"))
        return "utf-8"


def check_body(paper: Paper, component: str) -> None:
    """Look at a body as the document that it should be."""
    sheet = paper.sheet
    sheet.looked.add(READABLE)
    broken = any(problem.requirement == READABLE for problem in sheet.problems)
    try:
        paper.node = read_json(paper) if paper.wire == "json" else read_xml(paper, component)
    except NoDocument as error:
        if not broken:
            got = f"no {paper.wire.upper()}: {error}, at character {error.at}"
            place = (min(error.at, len(paper.text)), error.at + 1)
            sheet.blame(
                Problem(READABLE, "the body", got, f"one {paper.wire.upper()} document", place)
            )
        return
    if paper.node is not None:
        check_document(sheet, paper.node, find_component(component))
        if paper.is_send:
            check_ids(paper)


def read_json(paper: Paper) -> Node | None:
    """Return the object that a body is; none where it is something else."""
    node = parse_json(paper.text)
    if node.kind == "object":
        return node
    got = "a JSON text within a JSON string" if is_twice(node) else f"a JSON {node.kind}"
    problem = Problem(READABLE, "the body", got, "a JSON object", node.place)
    paper.sheet.blame(problem)
    return None


def is_twice(node: Node) -> bool:
    """Tell whether a value is a string that holds a document itself."""
    try:
        return node.kind == "string" and isinstance(json.loads(node.value), dict)
    except ValueError:
        return False


def read_xml(paper: Paper, component: str) -> Node | None:
    """Return the nodes of a body in XML; what is wrong in its form is taken down."""
    sheet = paper.sheet
    sheet.looked |= {CHARACTERS, DOCTYPE}
    for misfit in find_doctype(paper.text):
        sheet.blame(Problem(DOCTYPE, "the document", misfit.got, misfit.wants, misfit.place))
    if found := FORBIDDEN.search(paper.text):
        got, wants = "a character that XML cannot carry", "characters of XML 1.0"
        sheet.blame(Problem(CHARACTERS, "the document", got, wants, found.span()))
        return None
    tree = build_tree(parse_elements(paper.text), find_component(component))
    sheet.looked.add(OLD_FORM if paper.operation and paper.operation.id == "sendV1" else FORM)
    if any(find_lists(tree.node, "days")):
        sheet.looked.add(DAYS)
    for misfit in tree.misfits:
        path = misfit.path or "the document"
        sheet.blame(Problem(misfit.requirement, path, misfit.got, misfit.wants, misfit.place))
    return tree.node


def find_lists(node: Node, name: str) -> Iterator[Node]:
    """Yield the lists of a name within a document."""
    if node.kind == "array":
        for item in node.value:
            yield from find_lists(item, name)
    if node.kind == "object":
        for key, inner in node.value.items():
            if key == name and inner.kind == "array":
                yield inner
            yield from find_lists(inner, name)


def check_ids(paper: Paper) -> None:
    """Look for a messageId that two destinations share."""
    seen: set[str] = set()
    for path, node in find_ids(paper.node):
        paper.sheet.looked.add(UNIQUE)
        if node.value in seen:
            got, wants = "the messageId of another destination", "one of its own, or none"
            paper.sheet.blame(Problem(UNIQUE, path, got, wants, node.whole))
        seen.add(node.value)


def find_ids(node: Node | None) -> Iterator[tuple[str, Node]]:
    """Yield every messageId of a request, with its path."""
    for m, message in find_entries(node, "messages"):
        for d, destination in find_entries(message, "destinations"):
            found = destination.find("messageId")
            if found is not None and found.kind == "string":
                yield f"messages[{m}].destinations[{d}].messageId", found


def find_entries(node: Node | None, name: str) -> Iterator[tuple[int, Node]]:
    """Yield the entries of a list in an object, as far as there is one."""
    found = node.find(name) if node is not None else None
    if found is not None and found.kind == "array":
        yield from enumerate(found.value)
