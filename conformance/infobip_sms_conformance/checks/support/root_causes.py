"""Which requirement explains that a request was not accepted, or that its response shows nothing."""

from typing import Any

from infobip_sms_conformance.contract.codec import parse_json, parse_tree
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.observations.exchange import UNAUTHORIZED, Exchange
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.observations.verdicts import Finding, Verdict

REQUEST_CHAPTERS = ("SEND-", "WIN-", "VAL-", "SCHED-", "XML-002")
"""Requirements of which each has checks of one field of a request."""

MINIMAL_REQUEST_REQUIREMENT = "SEND-026"
"""The root of all failures in a format: the smallest request is not accepted."""
FORMAT_REQUIREMENTS = {"json": "HTTP-004", "xml": "HTTP-005"}
"""The root where a response is no document of either format."""


def get_root_cause(minimal: Exchange) -> str:
    """Return the requirement that a minimal request breaks which is not accepted."""
    if minimal.status == UNAUTHORIZED:
        return "AUTH-003"
    return (
        get_acceptance_violation(minimal) if minimal.has_succeeded else MINIMAL_REQUEST_REQUIREMENT
    )


def get_acceptance_violation(exchange: Exchange) -> str:
    """Return the requirement that a response breaks which is a success and yet shows no acceptance."""
    if exchange.send_response:
        return "RESP-006"
    return "RESP-001" if is_document(exchange) else FORMAT_REQUIREMENTS[exchange.wire]


def is_document(exchange: Exchange) -> bool:
    """Tell whether a body can be read as JSON or XML at all."""
    body = exchange.response.body if exchange.response else b""
    try:
        parse_tree(body) if find_wire(body) == "xml" else parse_json(body)
    except ValueError:
        return False
    return True


def get_rejected_field(findings: list[Finding], rejected: Exchange) -> str:
    """Return the requirement because of which a request was rejected: one of a field that it has.

    Its own check failed in the same format, by a request that was rejected although it is valid.
    """
    names = get_field_names(rejected.document)
    return next(
        (
            finding.requirement_id
            for finding in findings
            if finding.verdict in {Verdict.FAIL, Verdict.WARN}
            and finding.requirement_id.startswith(REQUEST_CHAPTERS)
            and finding.wire == rejected.wire
            and finding.exchange is not None
            and not finding.exchange.has_succeeded
            and shares_fields(get_field_names(finding.exchange.document), names)
        ),
        "",
    )


def shares_fields(one: set[str], other: set[str]) -> bool:
    """Tell whether what one request has besides the minimal one is in another one as well, at least in part."""
    extra = one - get_field_names(read_example("minimal-request"))
    return not extra or not extra.isdisjoint(other)


def get_field_names(document: Any) -> set[str]:
    """Return the names of all fields in a document."""
    if isinstance(document, list):
        return set[str]().union(*map(get_field_names, document))
    if not isinstance(document, dict):
        return set()
    return set(document).union(*map(get_field_names, document.values()))
