"""Checks of the XML format: XML."""

from infobip_sms_conformance.checks.support.account_limits import find_account_limit
from infobip_sms_conformance.checks.support.assertions import (
    assert_accepted,
    assert_each,
    drop_plus,
    require_minimal_accepted,
)
from infobip_sms_conformance.checks.support.calls import has_failed
from infobip_sms_conformance.checks.support.root_causes import get_rejected_field
from infobip_sms_conformance.checks.support.xml_lists import find_lost_days
from infobip_sms_conformance.contract.codec import (
    get_element_names,
    get_tag,
    iter_children,
    parse_tree,
)
from infobip_sms_conformance.contract.openapi import get_component
from infobip_sms_conformance.observations.exchange import Exchange, RequestOutcome, get_destinations
from infobip_sms_conformance.observations.responses import ResponseEntry, find_wire
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Explained,
    Finding,
    Inconclusive,
    Mismatch,
    show,
)
from infobip_sms_conformance.session.registry import LATE, check
from infobip_sms_conformance.session.session import Session

XML = ["xml"]
COMPARED = ("to", "status.id", "status.groupId", "messageId")
"""What entries are compared by."""


@check("XML-002", wires=XML, needs=["documented", "days"], feature="xml")
def test_xml_002_days_without_wrapper_are_accepted(session: Session, wire: str) -> None:
    """A window whose days are repeated without a wrapper is accepted."""
    require_minimal_accepted(session, wire)
    if session.send_example("documented-request", wire).outcome is not RequestOutcome.ACCEPTED:
        assert_accepted(session.send_days())
    if (lost := find_lost_days(session)) is not None:
        got = f"{lost.got}, although the same day alone is rejected"
        expected = "HTTP 400: one of the days is unknown"
        raise CheckFailed(got, expected=expected, exchange=lost)


@check("XML-003", wires=XML, needs=["pool"], feature="xml")
def test_xml_003_root_and_wrapper_of_the_response(session: Session, wire: str) -> None:
    """An XML response has the documented root, wrapper and entries."""
    expected = "/".join(get_xml_form())
    assert_each(session.send_pool(wire), is_xml_response, check_xml_form, expected)


def is_xml_response(exchange: Exchange) -> bool:
    """The response is XML and has entries; HTTP-005 and RESP-001 check those that are not."""
    xml = exchange.response is not None and find_wire(exchange.response.body) == "xml"
    return (
        xml
        and exchange.has_succeeded
        and exchange.send_response is not None
        and bool(exchange.send_response.entries)
    )


def get_xml_form() -> list[str]:
    """Return the names of root, wrapper and entry of the response."""
    schema = get_component("SmsResponse")
    wrapper, entry = get_element_names("messages", schema["properties"]["messages"])
    return [schema["xml"]["name"], str(wrapper), entry]


def check_xml_form(exchange: Exchange) -> str:
    """Compare the elements around the entries with the documented ones."""
    root = parse_tree(exchange.response.body if exchange.response else b"")
    name, wrapper, entry = get_xml_form()
    if get_tag(root) != name:
        return Mismatch("root element", name, show(root.tag))
    wrappers = [child for child in iter_children(root) if get_tag(child) == wrapper]
    inside = {get_tag(child) for child in iter_children(wrappers[0])} if wrappers else set()
    if len(wrappers) == 1 and entry in inside:
        return ""
    got = f"{len(wrappers)} {wrapper} around {show(sorted(inside))}"
    return Mismatch(f"{name}", f"1 {wrapper} around {entry}", got)


@check("XML-004", wires=XML, needs=["pool", "limits"], feature="xml", order=LATE)
def test_xml_004_both_formats_mean_the_same(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """The same request in JSON and in XML gets responses that agree except for generated ids."""
    require_minimal_accepted(session, "json")
    require_minimal_accepted(session, wire)
    twins = list(zip(session.send_pool("json"), session.send_pool(wire), strict=True))
    twins += [(session.send_limits("json"), session.send_limits(wire))]
    silent = {RequestOutcome.NO_RESPONSE, RequestOutcome.THROTTLED}
    seen = [(a, b) for a, b in twins if not silent & {a.outcome, b.outcome}]
    seen = [pair for pair in seen if not any(map(find_account_limit, pair))]
    for place, root in enumerate(("HTTP-004", "HTTP-005")):
        if has_failed(findings, root):  # what cannot be read does not agree with anything
            seen = [
                pair for pair in seen if pair[place].send_response or not pair[place].has_succeeded
            ]
    if not any(a.has_succeeded for pair in seen for a in pair):
        raise Inconclusive("no readable response to a valid request")
    for a, b in seen:
        assert_same_meaning(a, b, explained=get_rejected_field(findings, get_rejected(a, b)))


def assert_same_meaning(a: Exchange, b: Exchange, *, explained: str) -> None:
    """Require that two responses to one request agree."""
    got, expected = f"{a.got} in JSON, {b.got} in XML", "the same response in both formats"
    if a.has_succeeded != b.has_succeeded and explained:
        raise Explained(got, expected=expected, caused_by=explained, exchange=b)
    if difference := find_difference(a, b):
        raise CheckFailed(difference, exchange=b)
    if (a.send_response is None) != (b.send_response is None) or a.has_succeeded != b.has_succeeded:
        raise CheckFailed(got, expected=expected, exchange=b)


def find_difference(a: Exchange, b: Exchange) -> str:
    """Return the first thing in which two responses to one request differ, where both can be read."""
    if a.send_response is None or b.send_response is None:
        return ""
    (bulk, entries), (other_bulk, others) = build_meaning(a), build_meaning(b)
    if len(entries) != len(others):
        return Mismatch("messages", f"{len(entries)} entries, as in JSON", f"{len(others)} entries")
    for index, pair in enumerate(zip(entries, others, strict=True)):
        for name, value, other in zip(COMPARED, *pair, strict=True):
            if value != other:
                path = f"messages[{index}].{name}"
                return Mismatch(path, f"{value}, as in JSON", other)
    return "" if bulk == other_bulk else Mismatch("bulkId", f"{bulk}, as in JSON", other_bulk)


def get_rejected(a: Exchange, b: Exchange) -> Exchange:
    """Return the one of two exchanges that was rejected; the second if both were, or none."""
    return b if a.has_succeeded else a


def build_meaning(exchange: Exchange) -> tuple[str, list[tuple[str, ...]]]:
    """Return bulkId and entries of a response in words, without generated ids, which may differ."""
    found, destinations = exchange.send_response, get_destinations(exchange.document)
    given = {
        d["messageId"]: f"that of destination {n}"
        for n, d in enumerate(destinations, 1)
        if "messageId" in d
    }
    entries: list[tuple[str, ...]] = [
        (
            show(drop_plus(e.to)),
            show(read_status_id(e)),
            show(e.group),
            classify_origin(e.message_id, given),
        )
        for e in (found.entries if found else ())
    ]
    bulk = (
        {exchange.document["bulkId"]: "that of the request"}
        if "bulkId" in exchange.document
        else {}
    )
    return classify_origin(found.bulk_id if found else "", bulk), entries


def classify_origin(found: str, given: dict[str, str]) -> str:
    """Say where an id comes from."""
    return given.get(found, "a generated one") if found else show(found)


def read_status_id(entry: ResponseEntry) -> str:
    """Return the number of a status as text, however the format writes it."""
    return str(entry.status.get("id")) if isinstance(entry.status, dict) else ""
