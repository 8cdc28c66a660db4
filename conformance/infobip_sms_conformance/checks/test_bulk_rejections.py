"""Checks of what the operations on bulks reject: unknown bulks at each of them, and values that are none (BULK)."""

from typing import Any

from infobip_sms_conformance.checks.support.calls import (
    FIRST_FORMAT,
    SECOND_FORMAT,
    assert_rejected,
    call_once,
    explained_by,
    has_failed,
    is_ok,
    send_bulk,
)
from infobip_sms_conformance.checks.support.operations import is_carried_out
from infobip_sms_conformance.checks.test_bulk_effects import change_bulk, require_reports
from infobip_sms_conformance.fixtures.lookup_batch import HOUR, format_instant, get_relative_instant
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Finding,
    Inconclusive,
    NotApplicable,
)
from infobip_sms_conformance.session.registry import LAST, check
from infobip_sms_conformance.session.session import Session

UNKNOWN_BULK_ID = "CONFORMANCE-NO-SUCH-BULK"
NOT_FOUND = 404
REJECTED = "HTTP 400 or another 4xx"


@check("BULK-004", ["json"], needs=["unknown bulks", "scheduled"], feature="bulks", order=LAST)
def test_bulk_004_unknown_bulk_at_every_operation(
    session: Session, findings: list[Finding]
) -> None:
    """An unknown bulkId gets a 404 from every operation on bulks that was carried out for a known one."""
    require_full_profile(session)
    send_bulk(session)
    documents: dict[str, Any] = {
        "getScheduledStatus": None,
        "reschedule": {"sendAt": format_instant(get_relative_instant(HOUR))},
        "setScheduledStatus": {"status": "CANCELED"},
    }
    for index, (operation, document) in enumerate(documents.items()):
        what = f"an unknown bulk: {operation}"
        query = [("bulkId", UNKNOWN_BULK_ID)]
        found = call_once(session, index, operation, what, document, query=query)
        if not is_carried_out(session, operation) and not is_ok(found):
            continue
        with explained_by("BULK-002", "BULK-003"):
            assert_rejected(found, "HTTP 404", findings)
            if found.status != NOT_FOUND:
                raise CheckFailed(found.got, expected="HTTP 404", exchange=found)


@check("BULK-002", ["json"], needs=["changed bulks", "bad changes"], feature="bulks", order=LAST)
def test_bulk_002_instant_that_is_none_is_rejected(
    session: Session, findings: list[Finding]
) -> None:
    """A bulk is not moved by a body without sendAt, or with one that is no date and time."""
    assert_change_rejected(session, "reschedule", FIRST_FORMAT, {"sendAt": "tomorrow"}, findings)
    assert_change_rejected(session, "reschedule", SECOND_FORMAT, {}, findings)


@check("BULK-003", ["json"], needs=["changed bulks", "bad changes"], feature="bulks", order=LAST)
def test_bulk_003_unknown_state_is_rejected(session: Session, findings: list[Finding]) -> None:
    """A bulk is not brought into a state that is not documented, such as one in small letters."""
    document = {"status": "paused"}
    assert_change_rejected(session, "setScheduledStatus", FIRST_FORMAT, document, findings)


def require_full_profile(session: Session) -> None:
    """Raise NotApplicable in a profile that sends few requests."""
    if not session.plan.profile.derives:
        raise NotApplicable(f"not asked in the profile {session.plan.profile.name}")


def assert_change_rejected(
    session: Session,
    operation: str,
    format_index: int,
    document: dict[str, Any],
    findings: list[Finding],
) -> None:
    """Demand that a change of a bulk that waits is rejected for its value."""
    require_reports(session)
    require_full_profile(session)
    bulk = change_bulk(session, "moved away")
    if bulk.changed.is_absent:
        raise NotApplicable("the server does not offer to move bulks")
    if not is_ok(bulk.changed):
        raise Inconclusive(bulk.changed.got, caused_by="BULK-002", exchange=bulk.changed)
    query = [("bulkId", str(bulk.sent.document["bulkId"]))]
    names = ", ".join(document) or "nothing"
    what = f"a change of a bulk by what is none: {operation}, {names}"
    found = call_once(session, format_index, operation, what, document, query=query)
    if found.is_absent and not is_carried_out(session, operation):
        raise NotApplicable("the server does not offer the operation")
    if not is_ok(found) and has_failed(findings, "HTTP-002"):
        raise Inconclusive(found.got, caused_by="HTTP-002", exchange=found)
    assert_rejected(found, REJECTED, findings)
