"""Parsing of delivery reports that are posted to a notify URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from infobip_sms_schema import DeliveryReports
from infobip_sms_schema.constraints import describe_value

from .codecs import apply_charset, explain_json_charset, find_wire, get_codec, identify_encoding
from .errors import InvalidResponseError

if TYPE_CHECKING:
    from infobip_sms.errors import Violation

    from .codecs import Wire


def parse_delivery_reports(
    body: bytes | bytearray | memoryview | str,
    content_type: str | None = None,
    *,
    validate: bool = False,
) -> DeliveryReports:
    """Parse the body posted to a notify URL; raise InvalidResponseError if it holds no reports.

    body: the body as received, or its text. It must not be compressed or encoded in base64.
    content_type: the request's Content-Type. If it is missing or names neither JSON nor XML, the format
        is detected from the body. XML obeys its charset; JSON is always UTF-8.
    validate: also validate XML with xmlschema, which rejects what could be read but violates the schema.

    A report that cannot be read does not hide the others: ``results`` holds those that can be read, and
    ``unreadable`` says where the others violate the contract. Acknowledge such a body as well, otherwise
    the platform sends all of its reports again.

    Unknown status codes are kept; ``report.status.is_final`` and ``report.error.permanent`` say what to
    do about them. Times are timezone-aware, prices are ``Decimal``, and missing fields are None.
    Source: Infobip's pages on notify URLs and delivery reports (DLR-001 to DLR-005).
    """
    if not isinstance(body, bytes | bytearray | memoryview | str):
        raise TypeError(f"body: expected bytes or str, got {describe_value(body)}")
    if isinstance(body, str):
        content_type = f"{(content_type or '').partition(';')[0]}; charset=utf-8"
        body = body.encode("utf-8", "surrogatepass")
    body = bytes(body)
    wire = find_wire(content_type or "") or _detect_wire(body)
    text = apply_charset(body, content_type or "") if wire == "xml" else body
    reports: DeliveryReports
    try:
        reports = get_codec(wire).parse_response(text, DeliveryReports, validate=validate)
    except InvalidResponseError as error:
        violations = _explain(error.violations, body, content_type or "", wire)
        raise InvalidResponseError(violations, body=body) from None
    object.__setattr__(reports, "raw", body)  # frozen, but nobody else has it yet
    return reports


def _explain(
    violations: tuple[Violation, ...], body: bytes, content_type: str, wire: Wire
) -> tuple[Violation, ...]:
    """Return the violations with what is known of the encoding of the body."""
    if encoding := identify_encoding(body):
        return (attrs.evolve(violations[0], actual=encoding),)
    note = explain_json_charset(content_type) if wire == "json" else ""
    return tuple(attrs.evolve(v, hint=f"{note}.") for v in violations) if note else violations


def _detect_wire(body: bytes) -> Wire:
    start = body[:64].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return "xml" if start.startswith(b"<") else "json"
