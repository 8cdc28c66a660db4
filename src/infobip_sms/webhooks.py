"""Delivery reports at the callback: bytes and a content type in, reports out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infobip_sms_schema import DeliveryReports

from .codecs import find_wire, get_codec

if TYPE_CHECKING:
    from .codecs import Wire


def parse_delivery_reports(
    body: bytes, content_type: str | None = None, *, validate: bool = False
) -> DeliveryReports:
    """Read the body that was posted to a notify URL; raise InvalidResponseError if it holds no reports.

    content_type: the request's header; a body without one, or with one that names neither format,
    is read as what it looks like. validate: have xmlschema validate XML as a whole, and reject also
    what could be read but is not as the reader's schema has it. Codes that nobody knows yet are read as they are;
    ``report.status.is_final`` and ``report.error.permanent`` tell what to do about them. Times have
    their zone, prices are ``Decimal``, and fields that were left out are None.
    Source: the vendor's pages on notify URLs and delivery reports (DLR-001 to DLR-005).
    """
    wire = find_wire(content_type or "") or _guess(body)
    reports: DeliveryReports = get_codec(wire).parse_response(
        body, DeliveryReports, validate=validate
    )
    return reports


def _guess(body: bytes) -> Wire:
    start = body[:64].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return "xml" if start.startswith(b"<") else "json"
