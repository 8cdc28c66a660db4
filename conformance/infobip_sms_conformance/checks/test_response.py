"""Checks of the response to a good request: RESP."""

from infobip_sms_conformance.checks.support.assertions import assert_each
from infobip_sms_conformance.checks.support.calls import BATCH, explained_by
from infobip_sms_conformance.checks.support.response_rules import (
    check_bulk_id,
    check_count,
    check_generated_ids,
    check_given_ids,
    check_group_name,
    check_order,
    check_status,
    check_unique,
    check_unique_ids,
    get_bulk_id,
    get_lost_ids,
    has_entries,
    has_given_ids,
    has_groups,
    has_missing_ids,
    is_bulk,
    is_complete,
    is_readable,
)
from infobip_sms_conformance.checks.support.xml_lists import require_whole_lists
from infobip_sms_conformance.fixtures.placement import is_special_id
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Inconclusive,
    explain,
)
from infobip_sms_conformance.session.registry import check
from infobip_sms_conformance.session.session import Session


@check("RESP-001", needs=["pool"])
def test_resp_001_one_entry_for_each_destination(session: Session, wire: str) -> None:
    """The response has as many entries as the request has destinations."""
    expected = "one entry for every destination"
    try:
        assert_each(get_exchanges(session, wire), is_readable, check_count, expected)
    except CheckFailed as failure:
        require_whole_lists(session, wire, failure)
        raise


@check("RESP-002", needs=["pool"])
def test_resp_002_entries_in_order_of_destinations(session: Session, wire: str) -> None:
    """The numbers of the entries are those of the destinations, in their order."""
    expected = "the to of every destination, in the order of the request"
    assert_each(get_exchanges(session, wire), is_complete, check_order, expected)


@check("RESP-003", needs=["pool"])
def test_resp_003_given_message_id_comes_back(session: Session, wire: str) -> None:
    """A messageId of the request is at an entry with the number of its destination."""
    expected = "every given messageId at its own destination"
    pool = session.send_pool(wire)
    if not any(
        entry.message_id for e in pool if e.send_response for entry in e.send_response.entries
    ):
        raise Inconclusive("no messageId in any response", expected=expected, caused_by="RESP-005")
    try:
        assert_each(pool, has_given_ids, check_given_ids, expected)
    except CheckFailed as failure:
        if wire == "xml" and failure.exchange is session.send_named(wire):
            require_special_id_kept(session, failure)
        raise


def require_special_id_kept(session: Session, failure: CheckFailed) -> None:
    """Raise Inconclusive where only XML loses an id with signs: then it is read or written wrongly."""
    named = session.send_named("xml")
    lost = {message_id for _, message_id in get_lost_ids(named)}
    other = session.send_named("json") if "json" in session.wires else None
    if (
        all(map(is_special_id, lost))
        and other
        and has_given_ids(other)
        and not check_given_ids(other)
    ):
        raise explain(failure, "XML-004") from None


@check("RESP-004", needs=["pool"])
def test_resp_004_given_bulk_id_comes_back(session: Session, wire: str) -> None:
    """The bulkId of a request with more than one destination is in the response."""
    expected = "the bulkId of the request"
    try:
        assert_each(session.send_pool(wire), has_given_bulk_id, check_bulk_id, expected)
    except CheckFailed as failure:
        if wire == "xml" and failure.exchange is session.send_named(wire):
            require_special_bulk_id_kept(session, failure)
        raise


def has_given_bulk_id(exchange: Exchange) -> bool:
    """The request has a bulkId that comes back."""
    return is_bulk(exchange) and is_complete(exchange) and "bulkId" in exchange.document


def require_special_bulk_id_kept(session: Session, failure: CheckFailed) -> None:
    """Raise Inconclusive where only XML loses a bulkId with signs: then it is read or written wrongly."""
    other = session.send_named("json") if "json" in session.wires else None
    if other and has_given_bulk_id(other) and not check_bulk_id(other):
        raise explain(failure, "XML-004") from None


@check("RESP-005", needs=["pool"])
def test_resp_005_generated_message_ids_are_there(session: Session, wire: str) -> None:
    """Every destination without a messageId gets one."""
    expected = "a messageId at every destination that brought none"
    assert_each(session.send_pool(wire), has_missing_ids, check_generated_ids, expected)


@check("RESP-005", needs=["pool"])
def test_resp_005_generated_message_ids_are_unique(session: Session, wire: str) -> None:
    """No two messages of the run, in whichever format, share a generated messageId."""
    seen: set[str] = set()
    expected = "a messageId that no other message has"
    pools = [e for each in sorted(session.wires, key=wire.__eq__) for e in session.send_pool(each)]
    with explained_by("RESP-003"):  # ids that were given may have become alike
        assert_each(pools, has_missing_ids, lambda e: check_unique_ids(e, seen), expected)


@check("RESP-006", needs=["pool"])
def test_resp_006_accepted_message_is_pending(session: Session, wire: str) -> None:
    """Every status of an accepted request is of a group that means acceptance."""
    expected = "a status of the group PENDING, or ACCEPTED"
    assert_each(
        session.send_pool(wire), has_groups, lambda e: "" if e.is_pending else e.got, expected
    )


@check("RESP-007", needs=["pool"])
def test_resp_007_status_has_its_fields(session: Session, wire: str) -> None:
    """Every status has the documented fields with their types."""
    expected = "a status with groupId, groupName, id and name, each of its type"
    assert_each(session.send_pool(wire), has_entries, check_status, expected)


@check("RESP-008", needs=["pool"])
def test_resp_008_group_id_fits_group_name(session: Session, wire: str) -> None:
    """A groupId that the catalogue knows is beside the groupName of the catalogue."""
    expected = "the groupName that belongs to the groupId"
    assert_each(session.send_pool(wire), has_groups, check_group_name, expected)


@check("RESP-009", needs=["pool"])
def test_resp_009_tracking_process_key(session: Session, wire: str) -> None:
    """The response to a request with tracking has a trackingProcessKey."""
    assert_each(
        get_exchanges(session, wire),
        lambda e: e.has_succeeded and e.send_response is not None and "tracking" in e.document,
        lambda e: (
            "" if e.send_response and e.send_response.tracking_key else "no trackingProcessKey"
        ),
        "a trackingProcessKey",
    )


@check("RESP-010", needs=["pool"])
def test_resp_010_generated_bulk_id(session: Session, wire: str) -> None:
    """A request with more than one destination and no bulkId gets one that no other request has."""
    seen: set[str] = set()
    pool = session.send_pool(wire)
    if any(map(is_bulk, pool)) and not any(map(get_bulk_id, pool)):
        raise Inconclusive("no bulkId in any response", caused_by="RESP-004")
    try:
        assert_each(
            pool,
            lambda e: is_bulk(e) and "bulkId" not in e.document,
            lambda e: check_unique(get_bulk_id(e), seen, "bulkId"),
            "a bulkId that no other request has",
        )
    except CheckFailed as failure:
        require_whole_lists(session, wire, failure)
        raise


# ------------------------------------------------------------------ which responses a check concerns


def get_exchanges(session: Session, wire: str) -> list[Exchange]:
    """Return the exchanges of good requests, and that of the batch where it was sent in this format."""
    batch = session.find(BATCH, wire)
    return [*session.send_pool(wire), *([batch] if batch else [])]


# ------------------------------------------------------------------ what is wrong with a response
