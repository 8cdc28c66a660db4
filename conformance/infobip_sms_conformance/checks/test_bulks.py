"""Checks of scheduled bulks: BULK.

One bulk is moved, paused and cancelled; the batch, which has several messages, must not be moved.

    look ── move ── look      pause ── cancel ── look at the state      move the batch, at the very end
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from infobip_sms_conformance.checks.support.assertions import require_response
from infobip_sms_conformance.checks.support.calls import (
    FIRST_FORMAT,
    SECOND_FORMAT,
    assert_ok,
    assert_rejected,
    call_once,
    format_operation,
    get_bulk_id,
    has_failed,
    has_other_bulk_id,
    is_ok,
    read_text,
    require_format,
    require_messages_accepted,
    send_batch,
    send_bulk,
)
from infobip_sms_conformance.checks.support.time_travel import TIME_TRAVEL
from infobip_sms_conformance.fixtures.lookup_batch import HOUR, format_instant
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Explained,
    Finding,
    Inconclusive,
    Mismatch,
    NotApplicable,
    show,
)
from infobip_sms_conformance.session.registry import LAST, LATE, check
from infobip_sms_conformance.session.session import Session

UNKNOWN_BULK_ID = "CONFORMANCE-NO-SUCH-BULK"
NEAR = timedelta(seconds=1)
PENDING, PAUSED, CANCELED = "PENDING", "PAUSED", "CANCELED"

NOT_MOVED = "HTTP 404 or 400"
MOVED = "bulkId, and sendAt as it was asked for"
CANCEL_LABEL = "a bulk cancelled"
NOT_FOUND = 404


# ------------------------------------------------------------------ tasks


def build_bulk_query(session: Session) -> list[tuple[str, str]]:
    """Return the query that names the bulk."""
    return [("bulkId", str(send_bulk(session).document["bulkId"]))]


def get_original_instant(session: Session) -> datetime:
    """Return the instant that the bulk was sent for."""
    return datetime.fromisoformat(send_bulk(session).document["messages"][0]["sendAt"])


def get_target_instant(session: Session) -> datetime:
    """Return the instant that the bulk is moved to."""
    return get_original_instant(session) + HOUR


def reschedule(session: Session) -> Exchange:
    """Move the bulk."""
    document = {"sendAt": format_instant(get_target_instant(session))}
    what = "a bulk moved by an hour"
    return call_once(
        session, SECOND_FORMAT, "reschedule", what, document, query=build_bulk_query(session)
    )


def get_scheduled(session: Session) -> Exchange:
    """Look at the bulk after it was moved."""
    reschedule(session)
    return call_once(
        session, SECOND_FORMAT, "getScheduled", "a look at a bulk", query=build_bulk_query(session)
    )


def set_status(session: Session, format_index: int, status: str, label: str) -> Exchange:
    """Ask for another state of the bulk."""
    document = {"status": status}
    return call_once(
        session,
        format_index,
        "setScheduledStatus",
        label,
        document,
        query=build_bulk_query(session),
    )


def pause(session: Session) -> Exchange:
    """Pause the bulk."""
    return set_status(session, FIRST_FORMAT, PAUSED, "a bulk paused")


def cancel(session: Session) -> Exchange:
    """Cancel the bulk; resume it before where it cannot be cancelled while it is paused (READ-024)."""
    paused = pause(session)
    cancelled = set_status(session, SECOND_FORMAT, CANCELED, CANCEL_LABEL)
    if is_ok(cancelled) or not is_ok(paused):
        return cancelled
    if not is_ok(set_status(session, SECOND_FORMAT, PENDING, "a bulk resumed")):
        return cancelled
    return set_status(session, SECOND_FORMAT, CANCELED, "a bulk cancelled after it was resumed")


def get_status(session: Session) -> Exchange:
    """Look at the state of the bulk after it was cancelled."""
    cancel(session)
    what = "a look at the state of a bulk"
    return call_once(
        session, SECOND_FORMAT, "getScheduledStatus", what, query=build_bulk_query(session)
    )


# ------------------------------------------------------------------ what is there at all


def require_bulk(session: Session, findings: list[Finding]) -> None:
    """Raise Inconclusive unless the bulk was accepted with its bulkId."""
    sent = send_bulk(session)
    require_messages_accepted(session, sent, findings)
    if has_other_bulk_id(sent) and get_scheduled(session).is_absent:
        raise Inconclusive("the bulk has another bulkId", caused_by="RESP-004", exchange=sent)


def require_operation(session: Session, found: Exchange, operation: str) -> None:
    """Raise NotApplicable where an operation is not there; that no bulk is found is another matter.

    An existing operation reports that bulkId and body are missing when called without them.
    """
    require_response(found)
    if found.is_absent and (found.status != NOT_FOUND or not has_operation(session, operation)):
        raise NotApplicable(f"the server does not offer {format_operation(operation)}")


def has_operation(session: Session, operation: str) -> bool:
    """Tell whether an operation exists, by a call that can change nothing."""
    what = f"{format_operation(operation)} without bulkId and body"
    return not call_once(session, FIRST_FORMAT, operation, what, succeeds=False).is_absent


# ------------------------------------------------------------------ checks


@check("BULK-001", ["json"], needs=["bulks"], feature="bulks", order=TIME_TRAVEL)
def test_bulk_001_scheduled_bulk_is_shown(session: Session, findings: list[Finding]) -> None:
    """A scheduled bulk is shown with its name and its instant."""
    require_bulk(session, findings)
    found = get_scheduled(session)
    require_operation(session, found, "getScheduled")
    expected = "bulkId and sendAt of the bulk"
    assert_ok(found, expected)
    # Whether it has moved is BULK-002's matter.
    wrong = check_schedule(
        session, found, get_target_instant(session), get_original_instant(session)
    )
    if (
        wrong.startswith("sendAt: ")
        and read_text(found.data, "sendAt")
        and has_failed(findings, "SCHED-001")
    ):
        raise Explained(wrong, expected=expected, caused_by="SCHED-001", exchange=found)
    if wrong:
        raise CheckFailed(wrong, expected=expected, exchange=found)


@check("BULK-002", needs=["bulks"], feature="bulks", order=LATE)
def test_bulk_002_bulk_is_moved(session: Session, wire: str, findings: list[Finding]) -> None:
    """Rescheduling a bulk returns its new sendAt, and a lookup shows it."""
    require_format(session, wire, SECOND_FORMAT)
    require_bulk(session, findings)
    moved, shown = reschedule(session), get_scheduled(session)
    require_operation(session, moved, "reschedule")
    require_distinct_responses(session, moved, shown)
    assert_ok(moved, MOVED)
    wrong = check_schedule(session, moved, get_target_instant(session))
    if wrong:
        raise CheckFailed(wrong, expected=MOVED, exchange=moved)
    if is_ok(shown) and not check_schedule(session, shown, get_original_instant(session)):
        wanted, got = get_target_instant(session), get_original_instant(session)
        wrong = Mismatch(
            "sendAt", show(format_instant(wanted)), f"{show(format_instant(got))} still"
        )
        raise CheckFailed(wrong, exchange=shown)


def require_distinct_responses(session: Session, moved: Exchange, shown: Exchange) -> None:
    """Raise Inconclusive if GET responds as PUT does and both are wrong: BULK-001 covers that."""
    instants = get_target_instant(session), get_original_instant(session)
    wrong = [check_schedule(session, e, *instants) if is_ok(e) else e.got for e in (moved, shown)]
    if wrong[0] and wrong[0] == wrong[1]:
        raise Explained(wrong[0], expected=MOVED, caused_by="BULK-001", exchange=moved)


@check("BULK-003", ["json"], needs=["bulks"], feature="bulks", order=LATE)
def test_bulk_003_bulk_is_paused(session: Session, findings: list[Finding]) -> None:
    """Pausing a bulk returns the status PAUSED, where this transition is allowed."""
    require_bulk(session, findings)
    found = pause(session)
    require_operation(session, found, "setScheduledStatus")
    require_found(session, found)
    if not is_ok(found):
        assert_rejected(found, f"{PAUSED}, or HTTP 400", findings)
        raise NotApplicable("the server does not let a bulk be paused (READ-024)")
    assert_status(session, found, PAUSED)


@check("BULK-003", needs=["bulks"], feature="bulks", order=LATE)
def test_bulk_003_bulk_is_cancelled(session: Session, wire: str, findings: list[Finding]) -> None:
    """Canceling a bulk returns the status CANCELED, and a lookup shows it."""
    require_format(session, wire, SECOND_FORMAT)
    require_bulk(session, findings)
    found, shown = cancel(session), get_status(session)
    require_operation(session, found, "setScheduledStatus")
    require_found(session, found)
    if not is_ok(found) and found.label == CANCEL_LABEL and is_ok(pause(session)):
        got = "a paused bulk can be neither resumed nor cancelled"
        raise Inconclusive(got, expected=CANCELED, exchange=found)
    assert_ok(found, CANCELED)
    assert_status(session, found, CANCELED)
    require_operation(session, shown, "getScheduledStatus")
    assert_ok(shown, CANCELED)
    assert_status(session, shown, CANCELED)


def require_found(session: Session, found: Exchange) -> None:
    """Raise Inconclusive where a bulk is not found at all: that is BULK-001's matter."""
    if found.status == NOT_FOUND and get_scheduled(session).status == NOT_FOUND:
        raise Explained(found.got, expected="HTTP 200", caused_by="BULK-001", exchange=found)


def assert_status(session: Session, found: Exchange, status: str) -> None:
    """Demand the name of the bulk and a state."""
    expected = f"bulkId and the status {status}"
    if read_text(found.data, "bulkId") != build_bulk_query(session)[0][1]:
        raise CheckFailed(check_bulk_id(session, found), expected=expected, exchange=found)
    if (got := read_text(found.data, "status")) != status:
        raise CheckFailed(Mismatch("status", show(status), show(got)), exchange=found)


def check_bulk_id(session: Session, found: Exchange) -> Mismatch:
    """Return the bulkId of the bulk, and the one that a response has."""
    wanted = build_bulk_query(session)[0][1]
    return Mismatch("bulkId", show(wanted), show(read_text(found.data, "bulkId")))


@check("BULK-004", needs=["bulks"], feature="bulks", order=LATE)
def test_bulk_004_unknown_bulk_is_not_found(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """An unknown bulkId gets a 404."""
    require_format(session, wire, FIRST_FORMAT)
    require_bulk(session, findings)
    require_known_bulk(session)
    query = [("bulkId", UNKNOWN_BULK_ID)]
    found = call_once(
        session,
        FIRST_FORMAT,
        "getScheduled",
        "a look at a bulk that is not",
        query=query,
        succeeds=False,
    )
    assert_rejected(found, "HTTP 404", findings)
    if found.status != NOT_FOUND:
        raise CheckFailed(found.got, expected="HTTP 404", exchange=found)


def require_known_bulk(session: Session) -> None:
    """Raise unless a bulk that is known is shown."""
    shown = get_scheduled(session)
    require_operation(session, shown, "getScheduled")
    assert_ok(shown, "the bulk", "BULK-001")


@check("BULK-005", ["json"], needs=["bulks", "lists"], feature="bulks", order=LAST)
def test_bulk_005_several_messages_cannot_be_moved(
    session: Session, findings: list[Finding]
) -> None:
    """A request with several messages, some of them for later, cannot be moved."""
    require_bulk(session, findings)
    require_messages_accepted(session, send_batch(session), findings)
    require_known_bulk(session)
    require_operation(session, reschedule(session), "reschedule")
    assert_ok(reschedule(session), MOVED, "BULK-002")
    document = {"sendAt": format_instant(get_target_instant(session))}
    query = [("bulkId", get_bulk_id(session))]
    found = call_once(
        session,
        FIRST_FORMAT,
        "reschedule",
        "a batch moved by an hour",
        document,
        query=query,
        succeeds=False,
    )
    if has_failed(findings, "BULK-004") and is_ok(found):
        raise Explained(found.got, expected=NOT_MOVED, caused_by="BULK-004", exchange=found)
    assert_rejected(found, NOT_MOVED, findings)


# ------------------------------------------------------------------ what is wrong with a bulk


def check_schedule(session: Session, found: Exchange, *instants: datetime) -> str:
    """Return the problem of a response about the bulk, which may have any of the given instants."""
    if read_text(found.data, "bulkId") != build_bulk_query(session)[0][1]:
        return check_bulk_id(session, found)
    value = read_text(found.data, "sendAt")
    if not any(is_instant(value, instant) for instant in instants):
        wanted = " or ".join(show(format_instant(instant)) for instant in instants)
        return Mismatch("sendAt", wanted, show(value))
    return ""


def is_instant(value: Any, expected: datetime) -> bool:
    """Tell whether a text is an instant; one without a zone may be UTC or as it was asked for."""
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return False
    if instant.tzinfo is None:
        zones = (UTC, expected.tzinfo)
        return any(abs(instant.replace(tzinfo=zone) - expected) < NEAR for zone in zones)
    return abs(instant - expected) < NEAR
