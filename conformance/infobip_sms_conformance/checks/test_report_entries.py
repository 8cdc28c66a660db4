"""Checks of every entry of reports and logs, by the same rules as responses: RESP, DLR and LOG."""

from infobip_sms_conformance.checks.support.assertions import is_same_number
from infobip_sms_conformance.checks.support.calls import find_entries, get_batch_messages, read_text
from infobip_sms_conformance.checks.support.log_queries import (
    NON_FINAL_GROUPS,
    fetch_pages,
    get_group,
)
from infobip_sms_conformance.checks.support.report_entries import (
    INSTANT_EXAMPLE,
    assert_entries,
    check_day,
    check_fields,
    check_group,
    check_instants,
    check_segments,
    check_status,
)
from infobip_sms_conformance.fixtures.webhook_messages import WEBHOOK_MESSAGES
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Mismatch,
    NotApplicable,
    show,
)
from infobip_sms_conformance.session.registry import LAST, check
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.webhook_receiver import get_last_part


def require_entries(session: Session) -> None:
    """Raise NotApplicable in a run that asks for no reports."""
    if session.plan.profile.is_sample or session.plan.profile.stops_at_acceptance:
        raise NotApplicable("this profile looks at no reports")


@check("RESP-007", feature="reports", order=LAST)
def test_resp_007_status_of_a_report_has_its_fields(session: Session, wire: str) -> None:
    """Every status in reports and logs has the documented fields with their types."""
    require_entries(session)
    expected = "a status with groupId, groupName, id and name, each of its type"
    assert_entries(session, wire, check_status, expected)


@check("RESP-008", feature="reports", order=LAST)
def test_resp_008_group_of_a_report_fits_its_name(session: Session, wire: str) -> None:
    """The groupId of every status in reports and logs is beside the groupName of the catalogue."""
    require_entries(session)
    assert_entries(session, wire, check_group, "the groupName that belongs to the groupId")


@check("DLR-009", feature="reports", order=LAST)
def test_dlr_009_fields_of_a_report_have_their_types(session: Session, wire: str) -> None:
    """Every entry of reports and logs has a messageId, a to and a status, and each field its documented type."""
    require_entries(session)
    assert_entries(session, wire, check_fields, "messageId, to and status, each field of its type")


@check("DLR-003", feature="reports", order=LAST)
def test_dlr_003_instants_of_every_report(session: Session, wire: str) -> None:
    """SentAt and doneAt in reports and logs have the documented form, and doneAt is not before sentAt."""
    require_entries(session)
    assert_entries(session, wire, check_instants, INSTANT_EXAMPLE)


@check("LOG-001", feature="logs", order=LAST)
def test_log_001_messages_were_sent_in_this_run(session: Session, wire: str) -> None:
    """The sentAt of a message in the logs is of the day of the run."""
    require_entries(session)
    if session.plan.clock:
        raise NotApplicable("the clock of the server is moved")
    assert_entries(session, wire, lambda e: check_day(e) if e.is_log else "", "a sentAt of today")


@check("DLR-003", feature="reports", order=LAST)
def test_dlr_003_messages_were_sent_in_this_run(session: Session, wire: str) -> None:
    """The sentAt of a report is of the day of the run."""
    require_entries(session)
    if session.plan.clock:
        raise NotApplicable("the clock of the server is moved")
    assert_entries(session, wire, lambda e: "" if e.is_log else check_day(e), "a sentAt of today")


@check("DLR-009", feature="reports", order=LAST)
def test_dlr_009_segments_are_counted(session: Session, wire: str) -> None:
    """The smsCount of reports and logs is the number of segments that the text needs."""
    require_entries(session)
    texts = {m.message_id: m.text for m in get_batch_messages(session) if not m.has_link}
    texts |= get_webhook_texts(session)
    assert_entries(
        session,
        wire,
        lambda entry: check_segments(
            entry, texts.get(entry.name or read_text(entry.data, "messageId"), "")
        ),
        "the number of segments",
    )


def get_webhook_texts(session: Session) -> dict[str, str]:
    """Return the texts of the messages with notify URLs, by the last part of these."""
    sent = filter(None, (session.find(WEBHOOK_MESSAGES, wire) for wire in session.wires))
    messages = [message for exchange in sent for message in exchange.document["messages"]]
    return {get_last_part(m["notifyUrl"]).partition("?")[0].lower(): m["text"] for m in messages}


@check("DLR-004", ["json"], needs=["lists", "fetched reports"], feature="pull", order=LAST)
def test_dlr_004_callback_data_of_fetched_reports(session: Session) -> None:
    """A fetched report has the callbackData of its message in full."""
    assert_fetched(session, "callbackData")


@check("DLR-009", ["json"], needs=["lists", "fetched reports"], feature="pull", order=LAST)
def test_dlr_009_fetched_report_is_of_its_message(session: Session) -> None:
    """A fetched report has the bulkId and the to of its message."""
    assert_fetched(session, "to")
    assert_fetched(session, "bulkId")


@check("DLR-007", ["json"], needs=["lists", "fetched reports"], feature="pull", order=LAST)
def test_dlr_007_fetched_report_is_final(session: Session) -> None:
    """A fetched report has the final status of its message, and is not pending."""
    require_entries(session)
    for page in fetch_pages(session):
        for index, entry in enumerate(find_entries(page) or []):
            if (group := get_group(entry)) in NON_FINAL_GROUPS:
                wrong = Mismatch(f"results[{index}].status", "a final status", show(group))
                raise CheckFailed(wrong, exchange=page)


def assert_fetched(session: Session, name: str) -> None:
    """Demand that every fetched report has a field as its message had it."""
    require_entries(session)
    known = {sent.message_id: sent for sent in get_batch_messages(session)}
    for page in fetch_pages(session):
        for index, entry in enumerate(find_entries(page) or []):
            sent = known.get(read_text(entry, "messageId"))
            wanted = sent.get_field(name) if sent else ""
            found = read_text(entry, name)
            same = is_same_number(wanted, found) if name == "to" else found == wanted
            if sent and not same:
                got = show(found) if name == "bulkId" else "another value, or none"
                wrong = Mismatch(f"results[{index}].{name}", "as it was sent", got)
                raise CheckFailed(wrong, exchange=page)
