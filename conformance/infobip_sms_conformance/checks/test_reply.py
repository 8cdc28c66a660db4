"""Checks of the reply to a good request: RESP.

Lives here: what the reply owes to the documented request and to generated ones.
Never here: the form of the bytes, which is HTTP's and XML's matter.
"""

from collections import Counter

from jsonschema import Draft202012Validator

from infobip_sms_conformance.data import read_groups, read_openapi
from infobip_sms_conformance.documents import parse_json, parse_tree
from infobip_sms_conformance.dressing import has_signs
from infobip_sms_conformance.errands import BATCH, explained_by
from infobip_sms_conformance.exchanges import Exchange, find_destinations
from infobip_sms_conformance.judging import check_lists, drop_plus, judge_each
from infobip_sms_conformance.plugin import requirement
from infobip_sms_conformance.replies import find_wire
from infobip_sms_conformance.session import Session
from infobip_sms_conformance.verdicts import Broken, Finding, Inconclusive


@requirement("RESP-001", needs=["pool"])
def test_resp_001_one_entry_for_each_destination(session: Session, wire: str) -> None:
    """The reply has as many entries as the request has destinations."""
    expected = "one entry for every destination"
    try:
        judge_each(find_replies(session, wire), is_readable, find_wrong_count, expected)
    except Broken as failure:
        check_lists(session, wire, failure)
        raise


@requirement("RESP-002", needs=["pool"])
def test_resp_002_entries_in_order_of_destinations(session: Session, wire: str) -> None:
    """The numbers of the entries are those of the destinations, in their order."""
    expected = "the to of every destination, in the order of the request"
    judge_each(find_replies(session, wire), is_complete, find_wrong_order, expected)


@requirement("RESP-003", needs=["pool"])
def test_resp_003_given_message_id_comes_back(session: Session, wire: str) -> None:
    """A messageId of the request stands at an entry with the number of its destination."""
    expected = "every given messageId at its own destination"
    pool = session.send_pool(wire)
    if not any(entry.message_id for e in pool if e.reply for entry in e.reply.entries):
        raise Inconclusive("no messageId in any reply", expected=expected, because="RESP-005")
    try:
        judge_each(pool, has_given_ids, find_lost_id, expected)
    except Broken as failure:
        if wire == "xml" and failure.exchange is session.send_named(wire):
            check_signs(session, failure)
        raise


def check_signs(session: Session, failure: Broken) -> None:
    """Raise Inconclusive where only XML loses an id with signs: then it is read or written wrongly."""
    named = session.send_named("xml")
    lost = {message_id for _, message_id in find_lost_ids(named)}
    twin = session.send_named("json") if "json" in session.wires else None
    if all(map(has_signs, lost)) and twin and has_given_ids(twin) and not find_lost_id(twin):
        raise Inconclusive(failure.got, because="XML-004", exchange=named) from None


@requirement("RESP-004", needs=["pool"])
def test_resp_004_given_bulk_id_comes_back(session: Session, wire: str) -> None:
    """The bulkId of a request with more than one destination stands in the reply."""
    expected = "the bulkId of the request"
    judge_each(
        session.send_pool(wire),
        lambda e: is_bulk(e) and is_complete(e) and "bulkId" in e.document,
        lambda e: "" if find_bulk_id(e) == e.document["bulkId"] else "another bulkId, or none",
        expected,
    )


@requirement("RESP-005", needs=["pool"])
def test_resp_005_generated_message_ids_are_there(session: Session, wire: str) -> None:
    """Every destination without a messageId gets one."""
    expected = "a messageId at every destination that brought none"
    judge_each(session.send_pool(wire), has_missing_ids, find_missing_id, expected)


@requirement("RESP-005", needs=["pool"])
def test_resp_005_generated_message_ids_are_unique(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """No two messages of the run, in whichever format, share a generated messageId."""
    seen: set[str] = set()
    expected = "a messageId that no other message has"
    pools = [e for each in sorted(session.wires, key=wire.__eq__) for e in session.send_pool(each)]
    with explained_by(findings, "RESP-003"):  # ids that were given may have become alike
        judge_each(pools, has_missing_ids, lambda e: find_repeated_id(e, seen), expected)


@requirement("RESP-006", needs=["pool"])
def test_resp_006_accepted_message_is_pending(session: Session, wire: str) -> None:
    """Every status of an accepted request is of a group that means acceptance."""
    expected = "a status of the PENDING group"
    judge_each(session.send_pool(wire), has_groups, lambda e: "" if e.pending else e.got, expected)


@requirement("RESP-007", needs=["pool"])
def test_resp_007_status_has_its_members(session: Session, wire: str) -> None:
    """Every status has the documented members with their types."""
    expected = "a status with groupId, groupName, id and name, each of its type"
    judge_each(session.send_pool(wire), has_entries, find_wrong_status, expected)


@requirement("RESP-008", needs=["pool"])
def test_resp_008_group_id_fits_group_name(session: Session, wire: str) -> None:
    """A groupId that the catalogue knows stands beside the groupName of the catalogue."""
    expected = "the groupName that belongs to the groupId"
    judge_each(session.send_pool(wire), has_groups, find_wrong_group, expected)


@requirement("RESP-009", needs=["pool"])
def test_resp_009_tracking_process_key(session: Session, wire: str) -> None:
    """The reply to a request with tracking has a trackingProcessKey."""
    judge_each(
        find_replies(session, wire),
        lambda e: e.taken and e.reply is not None and "tracking" in e.document,
        lambda e: "" if e.reply and e.reply.tracking_key else "no trackingProcessKey",
        "a trackingProcessKey",
    )


@requirement("RESP-010", needs=["pool"])
def test_resp_010_generated_bulk_id(session: Session, wire: str) -> None:
    """A request with more than one destination and no bulkId gets one that no other request has."""
    seen: set[str] = set()
    pool = session.send_pool(wire)
    if any(map(is_bulk, pool)) and not any(map(find_bulk_id, pool)):
        raise Inconclusive("no bulkId in any reply", because="RESP-004")
    try:
        judge_each(
            pool,
            lambda e: is_bulk(e) and "bulkId" not in e.document,
            lambda e: find_repeated(find_bulk_id(e), seen, "bulkId"),
            "a bulkId that no other request has",
        )
    except Broken as failure:
        check_lists(session, wire, failure)
        raise


# ------------------------------------------------------------------ which replies a check concerns


def find_replies(session: Session, wire: str) -> list[Exchange]:
    """Return the exchanges of good requests, and that of the batch where it was sent in this format."""
    batch = session.find(BATCH, wire)
    return [*session.send_pool(wire), *([batch] if batch else [])]


def is_readable(exchange: Exchange) -> bool:
    """A good request was taken, and the reply is a document; HTTP-004 and HTTP-005 judge others."""
    body = exchange.answer.body if exchange.answer else b""
    return exchange.taken and (exchange.reply is not None or is_document(body))


def is_document(body: bytes) -> bool:
    """Tell whether a body can be read as JSON or XML."""
    try:
        parse_tree(body) if find_wire(body) == "xml" else parse_json(body)
    except ValueError:
        return False
    return True


def has_entries(exchange: Exchange) -> bool:
    """A good request was taken, and the reply has entries."""
    return exchange.taken and exchange.reply is not None and bool(exchange.reply.entries)


def has_groups(exchange: Exchange) -> bool:
    """Every entry has a readable group; RESP-007 judges those without."""
    return (
        has_entries(exchange) and exchange.reply is not None and None not in exchange.reply.groups
    )


def is_complete(exchange: Exchange) -> bool:
    """The reply has the right number of entries; RESP-001 judges those without."""
    return has_entries(exchange) and not find_wrong_count(exchange)


def is_matched(exchange: Exchange) -> bool:
    """The reply names every destination, in any order; RESP-002 judges those that do not."""
    return is_complete(exchange) and Counter(find_sent(exchange)) == Counter(
        find_answered(exchange)
    )


def has_given_ids(exchange: Exchange) -> bool:
    """Some destination brought a messageId."""
    return is_matched(exchange) and bool(find_given(exchange))


def has_missing_ids(exchange: Exchange) -> bool:
    """Some destination brought no messageId."""
    missing = len(find_destinations(exchange.document)) > len(find_given(exchange))
    return is_complete(exchange) and missing


def is_bulk(exchange: Exchange) -> bool:
    """The request has more than one destination."""
    return has_entries(exchange) and len(find_destinations(exchange.document)) > 1


# ------------------------------------------------------------------ what is wrong with a reply


def find_sent(exchange: Exchange) -> list[str]:
    """Return the numbers of the request, without plus."""
    return [drop_plus(d["to"]) for d in find_destinations(exchange.document)]


def find_answered(exchange: Exchange) -> list[str]:
    """Return the numbers of the reply, without plus."""
    return [drop_plus(entry.to) for entry in exchange.reply.entries] if exchange.reply else []


def find_given(exchange: Exchange) -> list[tuple[str, str]]:
    """Return the messageIds of the request with the numbers that they belong to."""
    given = [d for d in find_destinations(exchange.document) if "messageId" in d]
    return [(drop_plus(d["to"]), d["messageId"]) for d in given]


def find_new_ids(exchange: Exchange) -> list[str]:
    """Return the messageIds of the reply that the request did not give."""
    given = {message_id for _, message_id in find_given(exchange)}
    ids = [entry.message_id for entry in exchange.reply.entries] if exchange.reply else []
    return [message_id for message_id in ids if message_id and message_id not in given]


def find_bulk_id(exchange: Exchange) -> str:
    """Return the bulkId of the reply, empty when there is none."""
    return exchange.reply.bulk_id if exchange.reply else ""


def find_wrong_count(exchange: Exchange) -> str:
    """Compare the number of entries with the number of destinations."""
    if exchange.reply is None:
        return exchange.got
    wanted, found = len(find_destinations(exchange.document)), len(exchange.reply.entries)
    return "" if found == wanted else f"{found} entries for {wanted} destinations"


def find_wrong_order(exchange: Exchange) -> str:
    """Compare the numbers of the entries with those of the destinations."""
    pairs = zip(find_sent(exchange), find_answered(exchange), strict=True)
    wrong = [n for n, (sent, answered) in enumerate(pairs, 1) if sent != answered]
    return f"another to at entry {wrong[0]}" if wrong else ""


def find_lost_id(exchange: Exchange) -> str:
    """Look for every given messageId among the entries of its number."""
    lost = find_lost_ids(exchange)
    return f"{len(lost)} given messageIds are not at their destinations" if lost else ""


def find_lost_ids(exchange: Exchange) -> list[tuple[str, str]]:
    """Return the given messageIds that are not among the entries of their number."""
    entries = exchange.reply.entries if exchange.reply else ()
    there = {(drop_plus(entry.to), entry.message_id) for entry in entries}
    return [pair for pair in find_given(exchange) if pair not in there]


def find_missing_id(exchange: Exchange) -> str:
    """Count the messageIds that the server made up."""
    wanted = len(find_destinations(exchange.document)) - len(find_given(exchange))
    found = len(find_new_ids(exchange))
    return "" if found >= wanted else f"{found} generated messageIds for {wanted} destinations"


def find_repeated_id(exchange: Exchange, seen: set[str]) -> str:
    """Look for a generated messageId that has been seen before."""
    problems = (find_repeated(new, seen, "messageId") for new in find_new_ids(exchange))
    return next(filter(None, problems), "")


def find_repeated(found: str, seen: set[str], name: str) -> str:
    """Tell whether an id is missing or has been seen before."""
    if not found or found in seen:
        return f"a {name} for the second time" if found else f"no {name}"
    seen.add(found)
    return ""


def find_wrong_status(exchange: Exchange) -> str:
    """Hold every status to the schema of a status."""
    schema = {"$ref": "#/components/schemas/Status", "components": read_openapi()["components"]}
    validator = Draft202012Validator(schema)
    for entry in exchange.reply.entries if exchange.reply else ():
        for error in validator.iter_errors(entry.status):
            member = ".".join(["status", *map(str, error.absolute_path)])
            return f"{member} does not keep to {error.validator}"
    return ""


def find_wrong_group(exchange: Exchange) -> str:
    """Compare every groupName with the catalogue; letters may be small, other ids are let pass."""
    for entry in exchange.reply.entries if exchange.reply else ():
        known = read_groups().get(entry.group) if entry.group is not None else None
        if known and str(entry.status.get("groupName", known)).upper() != known:
            return f"another groupName at groupId {entry.group}"
    return ""
