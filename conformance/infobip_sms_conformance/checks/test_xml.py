"""Checks of the XML format: XML."""

from infobip_sms_conformance.checks.support.assertions import (
    assert_accepted,
    assert_each,
    drop_plus,
    get_failed_requirement,
    require_minimal_accepted,
)
from infobip_sms_conformance.checks.support.calls import has_failed
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
    Finding,
    Inconclusive,
    Mismatch,
    show,
)
from infobip_sms_conformance.session.registry import LATE, check
from infobip_sms_conformance.session.session import Session

XML = ["xml"]


@check("XML-002", wires=XML, needs=["documented", "days"], feature="xml")
def test_xml_002_days_without_wrapper_are_accepted(session: Session, wire: str) -> None:
    """A window whose days are repeated without a wrapper is accepted."""
    require_minimal_accepted(session, wire)
    if session.send_example("documented-request", wire).outcome is not RequestOutcome.ACCEPTED:
        assert_accepted(session.send_days())
    if (lost := find_lost_days(session)) is not None:
        got = "accepted with a day that is none, which is rejected where it stands alone"
        raise CheckFailed(got, expected="every one of the days read", exchange=lost)


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
    for place, root in enumerate(("HTTP-004", "HTTP-005")):
        if has_failed(findings, root):  # what cannot be read does not agree with anything
            seen = [
                pair for pair in seen if pair[place].send_response or not pair[place].has_succeeded
            ]
    if not any(a.has_succeeded for pair in seen for a in pair):
        raise Inconclusive("no readable response to a valid request")
    for a, b in seen:
        assert_same_meaning(a, b, explained=get_failed_requirement(findings))


def assert_same_meaning(a: Exchange, b: Exchange, *, explained: str) -> None:
    """Require that two responses to one request agree."""
    if a.has_succeeded != b.has_succeeded and explained:
        got = "rejected in one format, perhaps for what failed before"
        raise Inconclusive(got, caused_by=explained, exchange=b)
    if build_meaning(a) != build_meaning(b):
        got = f"{a.got} in JSON, {b.got} in XML"
        raise CheckFailed(got, expected="the same response in both formats", exchange=b)


def build_meaning(exchange: Exchange) -> object:
    """Return the content of the response without generated ids, which may differ."""
    if exchange.send_response is None:
        return exchange.has_succeeded
    destinations = get_destinations(exchange.document)
    given = {
        d["messageId"]: f"given at {n}" for n, d in enumerate(destinations) if "messageId" in d
    }
    entries = [
        (drop_plus(e.to), read_status_id(e), e.group, classify_origin(e.message_id, given))
        for e in exchange.send_response.entries
    ]
    bulk = {exchange.document["bulkId"]: "given"} if "bulkId" in exchange.document else {}
    return classify_origin(exchange.send_response.bulk_id, bulk), entries


def classify_origin(found: str, given: dict[str, str]) -> str:
    """Say where an id comes from."""
    return given.get(found, "generated") if found else "absent"


def read_status_id(entry: ResponseEntry) -> str:
    """Return the number of a status as text, however the format writes it."""
    return str(entry.status.get("id")) if isinstance(entry.status, dict) else ""
