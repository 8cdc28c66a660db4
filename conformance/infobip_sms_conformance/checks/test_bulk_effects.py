"""Checks of what moving, pausing and cancelling do: whether the messages of a bulk are sent (BULK).

Four bulks go out early: one is moved to a near instant and is sent then; three are due at that instant, and are
moved away, paused and cancelled before it, so that they are not. Reports at notify URLs show which were sent.
"""

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infobip_sms_conformance.checks.support.calls import (
    FIRST_FORMAT,
    SECOND_FORMAT,
    assert_rejected,
    call_once,
    explained_by,
    format_operation,
    has_failed,
    is_disguised,
    is_ok,
    send_bulk,
)
from infobip_sms_conformance.checks.support.operations import is_carried_out
from infobip_sms_conformance.contract.files import read_example, read_numbers
from infobip_sms_conformance.fixtures.lookup_batch import (
    HOUR,
    NON_UTC_ZONE,
    format_instant,
    get_relative_instant,
)
from infobip_sms_conformance.observations.delivery_reports import parse_reports
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Finding,
    Inconclusive,
    NotApplicable,
)
from infobip_sms_conformance.session.registry import FIRST, LAST, check
from infobip_sms_conformance.session.session import Session

AHEAD = 3  # seconds until the bulks are due
MARGIN = 0.5
"""Seconds after which a message that is sent at the wrong time has its report as well as the right one."""
LABEL = "a bulk that is to be"
CHANGES = {
    "moved near": ("reschedule", ""),
    "moved away": ("reschedule", ""),
    "paused": ("setScheduledStatus", "PAUSED"),
    "cancelled": ("setScheduledStatus", "CANCELED"),
}
"""What is done to the bulks: the operation, and the state that is asked for."""
MOVED_AFTERWARDS = {"paused"}
"""Bulks that are moved to their own instant once they were changed, which changes no state (READ-059)."""


@dataclass(frozen=True)
class ChangedBulk:
    """A bulk, what it was changed by, and when the bulks are due."""

    sent: Exchange
    changed: Exchange
    due: float

    @property
    def is_in_time(self) -> bool:
        """Whether the change was confirmed before the bulk was due."""
        return is_ok(self.changed) and self.changed.at + self.changed.seconds < self.due


def change_bulk(session: Session, what: str) -> ChangedBulk:
    """Send a bulk and change it, when it is first asked for; a lookup by name afterwards."""
    first = session.find(f"{LABEL} {what}", session.wires[0])
    if first is not None:
        changed = session.find(f"change {what}", get_change_wire(session, what))
        assert changed is not None, "it was changed when it was sent"
        return ChangedBulk(first, changed, read_due(first, what))
    sent = session.send_once(
        f"{LABEL} {what}", session.wires[0], build_bulk(session, what), f"{LABEL} {what}"
    )
    operation, status = CHANGES[what]
    document = {"status": status} if status else {"sendAt": get_target(sent, what)}
    query = [("bulkId", str(sent.document["bulkId"]))]
    wire = get_change_wire(session, what)
    changed = session.call(operation, wire, f"a bulk {what}", document, query=query, succeeds=True)
    session.keep(f"change {what}", wire, changed)
    if what in MOVED_AFTERWARDS and is_ok(changed):
        at = {"sendAt": sent.document["messages"][0]["sendAt"]}
        session.call(
            "reschedule", session.wires[0], f"a bulk {what}, and then moved", at, query=query
        )
    return ChangedBulk(sent, changed, read_due(sent, what))


def get_change_wire(session: Session, what: str) -> str:
    """Return the format that a bulk is changed in: each of the two operations in both."""
    return session.wires[(list(CHANGES).index(what) + 1) // 2 % len(session.wires)]


def build_bulk(session: Session, what: str) -> dict[str, Any]:
    """Return a request with one message for later."""
    message = read_example("minimal-request")["messages"][0]
    near = datetime.fromtimestamp(math.ceil(time.time()) + AHEAD, UTC).astimezone(NON_UTC_ZONE)
    instant = get_relative_instant(HOUR) if what == "moved near" else near
    later = {
        "destinations": [{"to": read_numbers()[0]}],
        "text": f"{message['text']} ({what})",
        "sendAt": format_instant(instant),
        "notifyUrl": session.require_receiver().build_url(get_name(what)),
        "notifyContentType": "application/json",
    }
    return {"bulkId": f"CONFORMANCE-{what.upper()}", "messages": [{**message, **later}]}


def get_target(sent: Exchange, what: str) -> str:
    """Return the instant that a bulk is moved to: the near one, or an hour later than it was."""
    instant = datetime.fromisoformat(sent.document["messages"][0]["sendAt"])
    near = datetime.fromtimestamp(read_due(sent, what), NON_UTC_ZONE)
    return format_instant(near if what == "moved near" else instant + HOUR)


def read_due(sent: Exchange, what: str) -> float:
    """Return when a bulk is due: as it was sent, or as it was moved near."""
    if what == "moved near":
        return math.ceil(sent.at) + AHEAD
    return datetime.fromisoformat(sent.document["messages"][0]["sendAt"]).timestamp()


def get_name(what: str) -> str:
    """Return the last part of the notify URL of a bulk."""
    return f"bulk-{what.replace(' ', '-')}"


def is_delivered(session: Session, what: str) -> bool:
    """Tell whether a report says that the message of a bulk was sent."""
    calls = session.require_receiver().calls(get_name(what))
    return any(report.is_sent for call in calls for report in parse_reports(call))


# ------------------------------------------------------------------ checks


def require_reports(session: Session) -> None:
    """Raise NotApplicable where no report could come."""
    session.require_receiver()
    if not session.plan.profile.has_long_lists:
        raise NotApplicable("not sent in this profile, so that fewer messages are sent")
    if session.plan.patience < AHEAD:
        raise NotApplicable(f"the run does not wait for the {AHEAD} s until a bulk is due")
    if "reports" in session.plan.without:
        raise NotApplicable("visible only in delivery reports, which the server does not push")


@check("BULK-002", ["json"], needs=["changed bulks"], feature="bulks", order=FIRST)
def test_bulk_002_bulks_go_out_early(session: Session) -> None:
    """The bulks that are to be changed are sent at the beginning."""
    require_reports(session)
    for what in CHANGES:
        change_bulk(session, what)
    raise NotApplicable("what comes of it is looked at later")


@check("BULK-002", ["json"], needs=["changed bulks"], feature="bulks", order=LAST)
def test_bulk_002_moved_bulk_is_sent_at_its_new_instant(session: Session) -> None:
    """A bulk that was moved is sent when it is due by then, and not when it was due before."""
    require_reports(session)
    with explained_by("SCHED-001"):
        assert_held(session, "moved away")
    near = change_bulk(session, "moved near")
    require_changed(near, "reschedule")
    if not wait_for_near(session, near):
        got = f"not sent within {session.plan.patience:g} s"
        if not any(map(is_sent_report, iter_reports(session))):
            raise Inconclusive(f"{got}, and no report of any message", exchange=near.sent)
        with explained_by("DLR-001"):
            expected = "sent at the instant it was moved to"
            raise CheckFailed(got, expected=expected, exchange=near.changed)


@check("BULK-003", ["json"], needs=["changed bulks"], feature="bulks", order=LAST)
def test_bulk_003_paused_and_cancelled_bulks_are_not_sent(session: Session) -> None:
    """A bulk that was paused or cancelled before it was due is not sent."""
    require_reports(session)
    with explained_by("SCHED-001"):
        for what in ("paused", "cancelled"):
            assert_held(session, what)


def assert_held(session: Session, what: str) -> None:
    """Demand that the message of a bulk was not sent, if the change was confirmed in time."""
    bulk = change_bulk(session, what)
    if not bulk.is_in_time:
        return
    wait_for_near(session, change_bulk(session, "moved near"))
    time.sleep(max(0.0, bulk.due + MARGIN - time.time()))
    if is_delivered(session, what):
        then = ", and then moved (READ-059)" if what in MOVED_AFTERWARDS else ""
        got = f"sent although it was {what}{then}"
        raise CheckFailed(got, expected="no report", exchange=bulk.changed)


def find_waiting_bulk(session: Session) -> str:
    """Return the bulkId of a bulk that may still be changed; empty where the run has none."""
    try:
        require_reports(session)
    except NotApplicable:
        return ""
    bulk = change_bulk(session, "moved away")
    return str(bulk.sent.document["bulkId"]) if is_ok(bulk.changed) else ""


def require_changed(bulk: ChangedBulk, operation: str) -> None:
    """Raise unless a bulk was changed; whether it can be is the matter of other checks."""
    if bulk.changed.is_absent:
        raise NotApplicable(f"the server does not offer {format_operation(operation)}")
    if not bulk.is_in_time:
        raise Inconclusive(bulk.changed.got, caused_by="BULK-002", exchange=bulk.changed)


def wait_for_near(session: Session, near: ChangedBulk) -> bool:
    """Wait until the bulk that was moved near has a report that it was sent; return whether it has."""
    if not near.is_in_time:
        return False
    left = near.due + session.plan.patience - time.time()
    return session.require_receiver().wait(lambda _: is_delivered(session, "moved near"), left)


def iter_reports(session: Session) -> list[Any]:
    """Return all reports that have come."""
    return [r for call in session.require_receiver().calls() for r in parse_reports(call)]


def is_sent_report(report: Any) -> bool:
    """Tell whether a report says that its message was sent."""
    return bool(report.is_sent)


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
        found = call_once(session, index, operation, what, document, query=query, succeeds=False)
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
    found = call_once(session, format_index, operation, what, document, query=query, succeeds=False)
    if found.is_absent and not is_carried_out(session, operation):
        raise NotApplicable("the server does not offer the operation")
    if (not is_ok(found) or is_disguised(found)) and has_failed(findings, "HTTP-002"):
        raise Inconclusive(found.got, caused_by="HTTP-002", exchange=found)
    assert_rejected(found, REJECTED, findings)
