"""Which requirement explains that a request was not accepted, or that its response shows nothing."""

from collections.abc import Iterator
from typing import Any

from infobip_sms_conformance.contract.codec import parse_json, parse_tree
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.observations.exchange import (
    UNAUTHORIZED,
    Exchange,
    RequestOutcome,
    get_destinations,
)
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.observations.verdicts import Finding, Verdict

REQUEST_CHAPTERS = ("SEND-", "WIN-", "VAL-", "SCHED-", "XML-002")
"""Requirements of which each has checks of one field of a request."""

DOCUMENTED_REQUEST_REQUIREMENT = "SEND-020"
"""The root where a field is rejected, whatever its value: the documented request has them all."""
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
        return "RESP-007" if None in exchange.send_response.groups else "RESP-006"
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
    return next(
        (
            finding.requirement_id
            for finding in findings
            if finding.verdict in {Verdict.FAIL, Verdict.WARN}
            and finding.requirement_id.startswith(REQUEST_CHAPTERS)
            and finding.wire == rejected.wire
            and finding.exchange is not None
            and not finding.exchange.has_succeeded
            and shares_fields(finding.exchange.document, rejected.document)
        ),
        "",
    )


def shares_fields(one: Any, other: Any) -> bool:
    """Tell whether something that a request has besides the minimal one is in another request as well.

    That is one of its fields, or, where it has no others, a value that it has in place of the minimal one's.
    """
    minimal = read_example("minimal-request")
    if extra := get_field_names(one) - get_field_names(minimal):
        return not extra.isdisjoint(get_field_names(other))
    values = set(iter_values(one)) - set(iter_values(minimal))
    return not values or not values.isdisjoint(iter_values(other))


def iter_values(document: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value in a document that is no object or list, beside the name of its field."""
    if isinstance(document, list):
        for item in document:
            yield from iter_values(item, name)
    elif isinstance(document, dict):
        for key, value in document.items():
            yield from iter_values(value, key)
    else:
        yield name, repr(document)


def get_field_names(document: Any) -> set[str]:
    """Return the names of all fields in a document."""
    if isinstance(document, list):
        return set[str]().union(*map(get_field_names, document))
    if not isinstance(document, dict):
        return set()
    return set(document).union(*map(get_field_names, document.values()))


def get_absence_cause(exchanges: list[Exchange]) -> str:
    """Return the requirement for whose failure no exchange could be looked at, if they show it."""
    first = exchanges[0] if exchanges else None
    if first is None or first.response is None:
        return ""
    if first.has_succeeded and first.send_response:
        if any(map(has_other_count, exchanges)):
            return "RESP-001"
        rejected = any(exchange.outcome is RequestOutcome.REJECTED for exchange in exchanges)
        return DOCUMENTED_REQUEST_REQUIREMENT if rejected else ""
    return get_root_cause(first) if first.has_succeeded or first.status == UNAUTHORIZED else ""


def has_other_count(exchange: Exchange) -> bool:
    """Tell whether a response has not one entry for each destination."""
    found = exchange.send_response
    return found is not None and len(found.entries) != len(get_destinations(exchange.document))
