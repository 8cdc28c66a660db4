"""Checks of what a rejection leaves behind: nothing of the request is sent (HTTP, AUTH)."""

from infobip_sms_conformance.checks.support.calls import (
    FIRST_FORMAT,
    call_once,
    find_entries,
    read_text,
)
from infobip_sms_conformance.checks.support.log_queries import MAX_LIMIT, get_group
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.observations.exchange import BAD_REQUEST, UNAUTHORIZED, Exchange
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Mismatch,
    NotApplicable,
    show,
)
from infobip_sms_conformance.session.registry import LAST, check
from infobip_sms_conformance.session.session import Session

SAMPLE = 8
"""How many requests of each status are looked up together."""


@check("HTTP-002", ["json"], needs=["effects"], feature="logs", order=LAST)
def test_http_002_nothing_of_a_rejected_request_is_sent(session: Session) -> None:
    """The logs have no message of a request that was rejected with a 400, but as rejected."""
    assert_nothing_sent(session, BAD_REQUEST)


@check("AUTH-001", ["json"], needs=["effects"], feature="logs", order=LAST)
def test_auth_001_nothing_of_an_unauthorized_request_is_sent(session: Session) -> None:
    """The logs have no message of a request that was answered with a 401."""
    assert_nothing_sent(session, UNAUTHORIZED)


def assert_nothing_sent(session: Session, status: int) -> None:
    """Demand that no message of some rejected requests went out."""
    bulks = find_bulk_ids(session, status)
    if not bulks:
        raise NotApplicable(f"no request with a bulkId was answered with {status}")
    found = look_up_rejected(session)
    entries = find_entries(found)
    if entries is None:
        raise NotApplicable("the logs show nothing of it")
    for index, entry in enumerate(entries):
        if read_text(entry, "bulkId") in bulks and get_group(entry) != "REJECTED":
            wanted = f"no message of a request that was answered with {status}"
            got = show(read_text(entry, "messageId"))
            raise CheckFailed(Mismatch(f"results[{index}].messageId", wanted, got), exchange=found)


def look_up_rejected(session: Session) -> Exchange:
    """Look up the messages of requests that were rejected."""
    if not session.plan.profile.derives:
        raise NotApplicable(f"not asked in the profile {session.plan.profile.name}")
    bulks = [*find_bulk_ids(session, BAD_REQUEST), *find_bulk_ids(session, UNAUTHORIZED)]
    query = [*(("bulkId", bulk) for bulk in bulks), ("limit", MAX_LIMIT)]
    what = "a look at messages of rejected requests"
    return call_once(session, FIRST_FORMAT, "getLogs", what, query=query)


def find_bulk_ids(session: Session, status: int) -> list[str]:
    """Return the bulkIds of some requests of the run that were answered with a status."""
    path = read_operations()["send"].path
    rejected = [
        str(e.document["bulkId"])
        for e in session.exchanges
        if e.status == status and e.request and e.request.path == path
        if isinstance(e.document, dict) and isinstance(e.document.get("bulkId"), str)
    ]
    return rejected[:: max(1, len(rejected) // SAMPLE)][:SAMPLE]
