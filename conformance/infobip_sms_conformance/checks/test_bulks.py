"""Checks of scheduled bulks: BULK.

One bulk is moved, paused and cancelled; the batch, which has several messages, must not be moved.

    look ── move ── look      pause ── cancel ── look at the state      move the batch, at the very end

Lives here: those errands, in the order in which they have to be run, and what they owe.
Never here: when the messages of a bulk are sent; that takes time.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from infobip_sms_conformance.checks.support.assertions import check_answered
from infobip_sms_conformance.checks.support.calls import (
    ONE,
    OTHER,
    call_once,
    check_done,
    check_refused,
    check_taken,
    check_turn,
    describe,
    find_bulk_id,
    has_failed,
    is_done,
    is_renamed,
    read_text,
    send_batch,
)
from infobip_sms_conformance.checks.support.time_travel import END
from infobip_sms_conformance.contract.files import read_numbers
from infobip_sms_conformance.fixtures.lookup_batch import HOUR, find_instant, write_instant
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import (
    Broken,
    Finding,
    Inconclusive,
    NotApplicable,
)
from infobip_sms_conformance.session.registry import LAST, LATE, requirement
from infobip_sms_conformance.session.session import Session

NOBODY = "CONFORMANCE-NO-SUCH-BULK"
NEAR = timedelta(seconds=1)
PENDING, PAUSED, CANCELED = "PENDING", "PAUSED", "CANCELED"
ANOTHER = "another sendAt"
MOVED = "bulkId, and sendAt as it was asked for"
CANCELLED = "a bulk cancelled"
NOT_FOUND = 404


# ------------------------------------------------------------------ errands


def send_bulk(session: Session) -> Exchange:
    """Return the exchange of a request with one message for later, to two numbers."""
    message = {
        "from": "InfoSMS",
        "destinations": [{"to": number} for number in read_numbers()[:2]],
        "text": "Your table is waiting.",
        "sendAt": write_instant(find_instant(HOUR)),
    }
    document = {"bulkId": "CONFORMANCE-BULK", "messages": [message]}
    return session.share("bulk", session.wires[0], document, "one message for later")


def name_bulk(session: Session) -> list[tuple[str, str]]:
    """Return the query that names the bulk."""
    return [("bulkId", str(send_bulk(session).document["bulkId"]))]


def find_original(session: Session) -> datetime:
    """Return the instant that the bulk was sent for."""
    return datetime.fromisoformat(send_bulk(session).document["messages"][0]["sendAt"])


def find_target(session: Session) -> datetime:
    """Return the instant that the bulk is moved to."""
    return find_original(session) + HOUR


def move(session: Session) -> Exchange:
    """Move the bulk."""
    document = {"sendAt": write_instant(find_target(session))}
    what = "a bulk moved by an hour"
    return call_once(session, OTHER, "reschedule", what, document, query=name_bulk(session))


def look(session: Session) -> Exchange:
    """Look at the bulk after it was moved."""
    move(session)
    return call_once(session, ONE, "getScheduled", "a look at a bulk", query=name_bulk(session))


def change(session: Session, turn: int, status: str, what: str) -> Exchange:
    """Ask for another state of the bulk."""
    document = {"status": status}
    return call_once(session, turn, "setScheduledStatus", what, document, query=name_bulk(session))


def pause(session: Session) -> Exchange:
    """Pause the bulk."""
    return change(session, ONE, PAUSED, "a bulk paused")


def cancel(session: Session) -> Exchange:
    """Cancel the bulk; resume it before where it cannot be cancelled while it is paused (READ-024)."""
    paused = pause(session)
    cancelled = change(session, OTHER, CANCELED, CANCELLED)
    if is_done(cancelled) or not is_done(paused):
        return cancelled
    if not is_done(change(session, OTHER, PENDING, "a bulk resumed")):
        return cancelled
    return change(session, OTHER, CANCELED, "a bulk cancelled after it was resumed")


def look_at_status(session: Session) -> Exchange:
    """Look at the state of the bulk after it was cancelled."""
    cancel(session)
    what = "a look at the state of a bulk"
    return call_once(session, OTHER, "getScheduledStatus", what, query=name_bulk(session))


# ------------------------------------------------------------------ what is there at all


def check_bulk(session: Session, findings: list[Finding]) -> None:
    """Raise Inconclusive unless the bulk was taken under its name."""
    sent = send_bulk(session)
    check_taken(session, sent, findings)
    if is_renamed(sent) and look(session).absent:
        raise Inconclusive("the bulk goes by another name", because="RESP-004", exchange=sent)


def check_there(session: Session, found: Exchange, operation: str) -> None:
    """Raise NotApplicable where an operation is not there; that no bulk is found is another matter.

    An operation that is there answers to a call without bulkId and body that these are missing.
    """
    check_answered(found)
    if found.absent and (found.status != NOT_FOUND or not is_there(session, operation)):
        raise NotApplicable(f"the server does not offer {describe(operation)}")


def is_there(session: Session, operation: str) -> bool:
    """Tell whether an operation exists, by a call that can change nothing."""
    what = f"{describe(operation)} without bulkId and body"
    return not call_once(session, ONE, operation, what).absent


# ------------------------------------------------------------------ checks


@requirement("BULK-001", ["json"], needs=["bulks"], feature="bulks", order=END)
def test_bulk_001_scheduled_bulk_is_shown(session: Session, findings: list[Finding]) -> None:
    """A scheduled bulk is shown with its name and its instant."""
    check_bulk(session, findings)
    found = look(session)
    check_there(session, found, "getScheduled")
    expected = "bulkId and sendAt of the bulk"
    check_done(found, expected)
    # Whether it has moved is BULK-002's matter.
    wrong = find_wrong(session, found, find_target(session), find_original(session))
    if wrong == ANOTHER and has_failed(findings, "SCHED-001"):
        raise Inconclusive(wrong, expected=expected, because="SCHED-001", exchange=found)
    if wrong:
        raise Broken(wrong, expected=expected, exchange=found)


@requirement("BULK-002", needs=["bulks"], feature="bulks", order=LATE)
def test_bulk_002_bulk_is_moved(session: Session, wire: str, findings: list[Finding]) -> None:
    """A bulk that is moved is answered with its new instant, and is shown with it."""
    check_turn(session, wire, OTHER)
    check_bulk(session, findings)
    moved, shown = move(session), look(session)
    check_there(session, moved, "reschedule")
    check_same(session, moved, shown)
    check_done(moved, MOVED)
    wrong = find_wrong(session, moved, find_target(session))
    if wrong:
        raise Broken(wrong, expected=MOVED, exchange=moved)
    if is_done(shown) and not find_wrong(session, shown, find_original(session)):
        raise Broken("the instant of before", expected="the new sendAt", exchange=shown)


def check_same(session: Session, moved: Exchange, shown: Exchange) -> None:
    """Raise Inconclusive where GET answers as PUT does, and both wrong: that is BULK-001's matter."""
    instants = find_target(session), find_original(session)
    wrong = [find_wrong(session, e, *instants) if is_done(e) else e.got for e in (moved, shown)]
    if wrong[0] and wrong[0] == wrong[1]:
        raise Inconclusive(wrong[0], expected=MOVED, because="BULK-001", exchange=moved)


@requirement("BULK-003", ["json"], needs=["bulks"], feature="bulks", order=LATE)
def test_bulk_003_bulk_is_paused(session: Session, findings: list[Finding]) -> None:
    """A bulk that is paused is answered so, where this move is allowed."""
    check_bulk(session, findings)
    found = pause(session)
    check_there(session, found, "setScheduledStatus")
    check_root(session, found)
    if not is_done(found):
        check_refused(found, f"{PAUSED}, or HTTP 400", findings)
        raise NotApplicable("the server does not let a bulk be paused (READ-024)")
    judge_status(session, found, PAUSED)


@requirement("BULK-003", needs=["bulks"], feature="bulks", order=LATE)
def test_bulk_003_bulk_is_cancelled(session: Session, wire: str, findings: list[Finding]) -> None:
    """A bulk that is cancelled is answered so, and is shown so."""
    check_turn(session, wire, OTHER)
    check_bulk(session, findings)
    found, shown = cancel(session), look_at_status(session)
    check_there(session, found, "setScheduledStatus")
    check_root(session, found)
    if not is_done(found) and found.what == CANCELLED and is_done(pause(session)):
        got = "a paused bulk can be neither resumed nor cancelled"
        raise Inconclusive(got, expected=CANCELED, exchange=found)
    check_done(found, CANCELED)
    judge_status(session, found, CANCELED)
    check_there(session, shown, "getScheduledStatus")
    check_done(shown, CANCELED)
    judge_status(session, shown, CANCELED)


def check_root(session: Session, found: Exchange) -> None:
    """Raise Inconclusive where a bulk is not found at all: that is BULK-001's matter."""
    if found.status == NOT_FOUND and look(session).status == NOT_FOUND:
        raise Inconclusive(found.got, because="BULK-001", exchange=found)


def judge_status(session: Session, found: Exchange, status: str) -> None:
    """Demand the name of the bulk and a state."""
    expected = f"bulkId and the status {status}"
    if read_text(found.data, "bulkId") != name_bulk(session)[0][1]:
        raise Broken("another bulkId, or none", expected=expected, exchange=found)
    if read_text(found.data, "status") != status:
        raise Broken("another status, or none", expected=expected, exchange=found)


@requirement("BULK-004", needs=["bulks"], feature="bulks", order=LATE)
def test_bulk_004_unknown_bulk_is_not_found(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A bulkId that was never given is answered with 404."""
    check_turn(session, wire, OTHER)
    check_bulk(session, findings)
    check_known(session)
    query = [("bulkId", NOBODY)]
    found = call_once(session, OTHER, "getScheduled", "a look at a bulk that is not", query=query)
    check_refused(found, "HTTP 404", findings)
    if found.status != NOT_FOUND:
        raise Broken(found.got, expected="HTTP 404", exchange=found)


def check_known(session: Session) -> None:
    """Raise unless a bulk that is known is shown."""
    shown = look(session)
    check_there(session, shown, "getScheduled")
    check_done(shown, "the bulk", "BULK-001")


@requirement("BULK-005", ["json"], needs=["bulks", "lists"], feature="bulks", order=LAST)
def test_bulk_005_several_messages_cannot_be_moved(
    session: Session, findings: list[Finding]
) -> None:
    """A request with several messages, some of them for later, cannot be moved."""
    check_bulk(session, findings)
    check_taken(session, send_batch(session), findings)
    check_known(session)
    check_there(session, move(session), "reschedule")
    check_done(move(session), MOVED, "BULK-002")
    document = {"sendAt": write_instant(find_target(session))}
    query = [("bulkId", find_bulk_id(session))]
    found = call_once(session, ONE, "reschedule", "a batch moved by an hour", document, query=query)
    if has_failed(findings, "BULK-004") and is_done(found):
        raise Inconclusive(found.got, because="BULK-004", exchange=found)
    check_refused(found, "HTTP 404 or 400", findings)


# ------------------------------------------------------------------ what is wrong with a bulk


def find_wrong(session: Session, found: Exchange, *instants: datetime) -> str:
    """Say what is wrong with an answer about the bulk; it may have one of some instants."""
    if read_text(found.data, "bulkId") != name_bulk(session)[0][1]:
        return "another bulkId, or none"
    value = read_text(found.data, "sendAt")
    if not value:
        return "no sendAt"
    if not any(is_instant(value, instant) for instant in instants):
        return ANOTHER
    return ""


def is_instant(value: Any, wanted: datetime) -> bool:
    """Tell whether a text is an instant; one without a zone may be UTC or as it was asked for."""
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return False
    if instant.tzinfo is None:
        zones = (UTC, wanted.tzinfo)
        return any(abs(instant.replace(tzinfo=zone) - wanted) < NEAR for zone in zones)
    return abs(instant - wanted) < NEAR
