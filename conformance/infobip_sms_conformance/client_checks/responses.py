"""Checks of a captured response."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message as Fields
from http import HTTPStatus
from io import BytesIO

from infobip_sms_conformance.checks.support import response_rules as rules
from infobip_sms_conformance.client_checks.request import ParsedRequest
from infobip_sms_conformance.contract.codec import MEDIA_TYPES, parse_json
from infobip_sms_conformance.observations.exchange import BAD_REQUEST, Exchange, find_send_response
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.observations.verdicts import Mismatch
from infobip_sms_conformance.transport.http import RawResponse
from infobip_sms_conformance.transport.http1 import MAX_BODY_SIZE, CapturedExchange, HttpMessage

FIRST_SERVER_ERROR = 500
FORMATS = {"json": "HTTP-004", "xml": "HTTP-005"}
# Requirement, which exchanges it applies to, what violates it, what is expected.
RULES = (
    ("RESP-001", rules.is_readable, rules.check_count, "one entry for every destination"),
    (
        "RESP-002",
        rules.is_complete,
        rules.check_order,
        "every to, in the order of the request",
    ),
    ("RESP-003", rules.has_given_ids, rules.check_given_ids, "every messageId at its destination"),
    ("RESP-005", rules.has_missing_ids, rules.check_generated_ids, "a messageId for every message"),
    ("RESP-007", rules.has_entries, rules.check_status, "a status with its fields"),
    ("RESP-008", rules.has_groups, rules.check_group_name, "the groupName of the groupId"),
)


@dataclass(frozen=True)
class ResponseFinding:
    """The result of one check of a response; ``actual`` is empty if it passes."""

    requirement_id: str
    actual: str = ""
    expected: str = ""


def check_response(request: ParsedRequest) -> Iterator[ResponseFinding]:
    """Yield what a response passes and violates; nothing for an incomplete one."""
    captured = request.captured
    if captured.response is None or captured.error or request.operation is None:
        return
    body = decompress(captured.response)
    if body is None:
        yield ResponseFinding(
            "HTTP-004",
            "a body that cannot be decompressed, or becomes too large by it",
            f"a readable response of at most {MAX_BODY_SIZE:,} bytes",
        )
        return
    yield from check_format(captured, body)
    if captured.status == BAD_REQUEST:
        yield from check_error(body)
    if captured.status is not None and captured.status >= FIRST_SERVER_ERROR:
        yield ResponseFinding(
            "HTTP-002", f"HTTP {captured.status}", "status 400, or 200 with REJECTED"
        )
    if request.operation.id == "send" and request.node is not None and not has_violations(request):
        yield from check_entries(build_exchange(request, body))


def decompress(response: HttpMessage) -> bytes | None:
    """Return the decompressed body of a response, or None if that fails or the result is too large."""
    coding = response.get_header("content-encoding").strip().lower()
    try:
        if coding in {"gzip", "x-gzip"}:
            found = gzip.GzipFile(fileobj=BytesIO(response.body)).read(MAX_BODY_SIZE + 1)
        elif coding == "deflate":
            found = inflate(response.body)
        else:
            return response.body
    except (OSError, EOFError, zlib.error):
        return None
    return found if len(found) <= MAX_BODY_SIZE else None


def inflate(body: bytes) -> bytes:
    """Return what zlib makes of a body, up to one byte more than is allowed; EOFError if it is cut off."""
    inflater = zlib.decompressobj()
    found = inflater.decompress(body, MAX_BODY_SIZE + 1)
    if not inflater.eof and len(found) <= MAX_BODY_SIZE:
        raise EOFError
    return found


def check_format(captured: CapturedExchange, body: bytes) -> Iterator[ResponseFinding]:
    """Yield whether a success has the one format that was requested."""
    accept = captured.get_header("accept").strip().lower()
    for wire, media in MEDIA_TYPES.items():
        if accept == media and body and captured.response and captured.status == HTTPStatus.OK:
            media_type = (
                captured.response.get_header("content-type").partition(";")[0].strip().lower()
            )
            good = find_wire(body) == wire and media_type == media
            yield ResponseFinding(
                FORMATS[wire], "" if good else f"{media_type or 'no content type'}", media
            )


def check_error(body: bytes) -> Iterator[ResponseFinding]:
    """Yield whether a 400 has the body that errors have."""
    if find_wire(body) == "xml":
        good = b"serviceException" in body
    else:
        try:
            found = parse_json(body)["requestError"]["serviceException"]
            good = {"messageId", "text"} <= found.keys()
        except (ValueError, TypeError, KeyError, AttributeError):
            good = False
    yield ResponseFinding(
        "ERR-001", "" if good else "another body", "requestError.serviceException"
    )


def has_violations(request: ParsedRequest) -> bool:
    """Tell whether a request is one that a server may reject, or read in another way."""
    return any(not problem.is_tolerated for problem in request.findings.violations)


def build_exchange(request: ParsedRequest, body: bytes) -> Exchange:
    """Return an exchange as those are that the suite has itself."""
    assert request.node is not None, "there is a document"
    assert request.captured.response is not None, "there is a response"
    fields = Fields()
    for name, value in request.captured.response.headers:
        fields[name] = value
    response = RawResponse(request.captured.response.status, fields, body)
    document = request.node.to_plain()
    return Exchange(
        "", document, request.wire, response, send_response=find_send_response(response)
    )


def build_finding(requirement_id: str, wrong: str, expected: str) -> ResponseFinding:
    """Return the finding of a rule, with the expected value where the rule names one."""
    return ResponseFinding(
        requirement_id, str(wrong), wrong.expected if isinstance(wrong, Mismatch) else expected
    )


def check_entries(exchange: Exchange) -> Iterator[ResponseFinding]:
    """Yield what is owed to each destination."""
    for requirement_id, concerns, find, expected in RULES:
        if concerns(exchange):
            yield build_finding(requirement_id, find(exchange), expected)
    if rules.is_bulk(exchange) and "bulkId" in exchange.document:
        yield build_finding("RESP-004", rules.check_bulk_id(exchange), "its bulkId")
    if exchange.has_succeeded and exchange.send_response and "tracking" in exchange.document:
        key = exchange.send_response.tracking_key
        yield ResponseFinding(
            "RESP-009", "" if key else "no trackingProcessKey", "a trackingProcessKey"
        )
