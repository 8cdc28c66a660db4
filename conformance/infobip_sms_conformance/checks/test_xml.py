"""Checks of the XML half: XML.

Lives here: what is special to XML, and that both formats mean the same.
Never here: checks that run in both formats.
"""

from infobip_sms_conformance.checks.support.assertions import (
    check_ground,
    drop_plus,
    is_explained,
    judge_accepted,
    judge_each,
)
from infobip_sms_conformance.checks.support.calls import has_failed
from infobip_sms_conformance.checks.support.xml_lists import find_lost_days
from infobip_sms_conformance.contract.codec import find_children, find_names, find_tag, parse_tree
from infobip_sms_conformance.contract.openapi import find_component
from infobip_sms_conformance.observations.exchange import Exchange, Outcome, find_destinations
from infobip_sms_conformance.observations.responses import Entry, find_wire
from infobip_sms_conformance.observations.verdicts import Broken, Finding, Inconclusive
from infobip_sms_conformance.session.registry import LATE, requirement
from infobip_sms_conformance.session.session import Session

XML = ["xml"]


@requirement("XML-002", wires=XML, needs=["pool", "days", "refused"], feature="xml")
def test_xml_002_days_without_wrapper_are_accepted(session: Session, wire: str) -> None:
    """A window whose days are repeated without a wrapper is accepted."""
    check_ground(session, wire)
    if session.send_example("documented-request", wire).outcome is not Outcome.ACCEPTED:
        judge_accepted(session.send_days())
    if (lost := find_lost_days(session)) is not None:
        got = "accepted with a day that is none, which is refused where it stands alone"
        raise Broken(got, expected="every one of the days read", exchange=lost)


@requirement("XML-003", wires=XML, needs=["pool"], feature="xml")
def test_xml_003_root_and_wrapper_of_the_reply(session: Session, wire: str) -> None:
    """An XML reply has the documented root, wrapper and entries."""
    expected = "/".join(find_way())
    judge_each(session.send_pool(wire), is_xml_reply, find_wrong_root, expected)


def is_xml_reply(exchange: Exchange) -> bool:
    """The reply is XML and has entries; HTTP-005 and RESP-001 judge those that are not."""
    xml = exchange.answer is not None and find_wire(exchange.answer.body) == "xml"
    return xml and exchange.taken and exchange.reply is not None and bool(exchange.reply.entries)


def find_way() -> list[str]:
    """Return the names of root, wrapper and entry of the reply."""
    schema = find_component("SmsResponse")
    wrapper, entry = find_names("messages", schema["properties"]["messages"])
    return [schema["xml"]["name"], str(wrapper), entry]


def find_wrong_root(exchange: Exchange) -> str:
    """Compare the elements around the entries with the documented ones."""
    root = parse_tree(exchange.answer.body if exchange.answer else b"")
    name, wrapper, entry = find_way()
    if root.tag != name:
        return "another root"
    wrappers = [child for child in find_children(root) if find_tag(child) == wrapper]
    inside = {find_tag(child) for child in find_children(wrappers[0])} if wrappers else set()
    return "" if len(wrappers) == 1 and entry in inside else "other elements around the entries"


@requirement("XML-004", wires=XML, needs=["pool", "limits"], feature="xml", order=LATE)
def test_xml_004_both_formats_mean_the_same(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """The same request in JSON and in XML gets answers that agree but for generated ids."""
    check_ground(session, "json")
    check_ground(session, wire)
    twins = list(zip(session.send_pool("json"), session.send_pool(wire), strict=True))
    twins += [(session.send_limits("json"), session.send_limits(wire))]
    silent = {Outcome.LOST, Outcome.THROTTLED}
    seen = [(a, b) for a, b in twins if not silent & {a.outcome, b.outcome}]
    for place, root in enumerate(("HTTP-004", "HTTP-005")):
        if has_failed(findings, root):  # what cannot be read does not agree with anything
            seen = [pair for pair in seen if pair[place].reply or not pair[place].taken]
    if not any(a.taken for pair in seen for a in pair):
        raise Inconclusive("no reply to a good request could be looked at")
    for a, b in seen:
        judge_twins(a, b, explained=is_explained(findings))


def judge_twins(a: Exchange, b: Exchange, *, explained: str) -> None:
    """Demand that two answers to one request agree."""
    if a.taken != b.taken and explained:
        got = "refused in one format, perhaps for what failed before"
        raise Inconclusive(got, because=explained, exchange=b)
    if build_meaning(a) != build_meaning(b):
        got = f"{a.got} in JSON, {b.got} in XML"
        raise Broken(got, expected="the same answer in both formats", exchange=b)


def build_meaning(exchange: Exchange) -> object:
    """Return what the answer says, without what may differ: generated ids."""
    if exchange.reply is None:
        return exchange.taken
    destinations = find_destinations(exchange.document)
    given = {
        d["messageId"]: f"given at {n}" for n, d in enumerate(destinations) if "messageId" in d
    }
    entries = [
        (drop_plus(e.to), read_status_id(e), e.group, find_origin(e.message_id, given))
        for e in exchange.reply.entries
    ]
    bulk = {exchange.document["bulkId"]: "given"} if "bulkId" in exchange.document else {}
    return find_origin(exchange.reply.bulk_id, bulk), entries


def find_origin(found: str, given: dict[str, str]) -> str:
    """Say where an id comes from."""
    return given.get(found, "generated") if found else "absent"


def read_status_id(entry: Entry) -> str:
    """Return the number of a status as text, however the format writes it."""
    return str(entry.status.get("id")) if isinstance(entry.status, dict) else ""
