"""Parsing of delivery reports that are posted to a notify URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infobip_sms_schema import DeliveryReports

from .codecs import find_wire, get_codec

if TYPE_CHECKING:
    from .codecs import Wire


def parse_delivery_reports(
    body: bytes, content_type: str | None = None, *, validate: bool = False
) -> DeliveryReports:
    """Parse the body posted to a notify URL; raise InvalidResponseError if it holds no reports.

    content_type: the request's Content-Type. If it is missing or names neither JSON nor XML, the format
        is detected from the body.
    validate: also validate XML with xmlschema, which rejects what could be read but violates the schema.

    Unknown status codes are kept; ``report.status.is_final`` and ``report.error.permanent`` say what to
    do about them. Times are timezone-aware, prices are ``Decimal``, and missing fields are None.
    Source: Infobip's pages on notify URLs and delivery reports (DLR-001 to DLR-005).
    """
    wire = find_wire(content_type or "") or _detect_wire(body)
    reports: DeliveryReports = get_codec(wire).parse_response(
        body, DeliveryReports, validate=validate
    )
    return reports


def _detect_wire(body: bytes) -> Wire:
    start = body[:64].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return "xml" if start.startswith(b"<") else "json"
