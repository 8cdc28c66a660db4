"""Checks of what can be asked about messages: LOG, and the part of DLR that is fetched.

Lives here: what lists show, what narrows them, how long they are, and that a report comes once.
Never here: reports that are pushed; the queries themselves (lookups.py).
"""

import pytest

from infobip_sms_conformance.checks.support.assertions import check_answered
from infobip_sms_conformance.checks.support.calls import (
    OTHER,
    check_done,
    check_offered,
    check_taken,
    check_turn,
    explained_by,
    find_batch,
    find_entries,
    find_waiting,
    is_done,
    is_renamed,
    read_text,
    send_batch,
)
from infobip_sms_conformance.checks.support.log_queries import (
    MOST,
    SHOWN,
    are_ended,
    fetch_more,
    fetch_named,
    fetch_one,
    fetch_pages,
    find_come,
    find_common_group,
    find_named,
    find_wrong_entries,
    find_wrong_logs,
    is_answered,
    is_cut,
    look_up_again,
    look_up_all,
    look_up_alone,
    look_up_named,
    look_up_nothing,
    look_up_one,
    read_group,
    read_mark,
)
from infobip_sms_conformance.observations.exchange import BAD_REQUEST, Exchange
from infobip_sms_conformance.observations.verdicts import (
    Broken,
    Finding,
    Inconclusive,
    NotApplicable,
)
from infobip_sms_conformance.session.registry import FIRST, LATE, requirement
from infobip_sms_conformance.session.session import Session

LIST = "HTTP 200 and a list of results"
AS_SENT = "every message of the request, with to, from and text as sent, messageId and status"
FITTING = "the messages that fit every filter, and no others"
ONCE = "each report of the asked messages, and none again"


@requirement("DLR-007", ["json"], needs=["lists"], feature="pull", order=FIRST)
def test_dlr_007_messages_go_out_early(session: Session) -> None:
    """What reports are fetched of at the end is sent at the beginning."""
    send_batch(session)
    raise NotApplicable("the reports are fetched at the end")


# ------------------------------------------------------------------ logs


def find_logs(session: Session, findings: list[Finding]) -> list[dict[str, object]]:
    """Return what the logs show of the whole batch; raise where that is nothing to build on."""
    check_taken(session, send_batch(session), findings)
    found = look_up_all(session)
    check_offered(found, "getLogs")
    entries = find_entries(found)
    if not entries or find_wrong_entries(find_batch(session), entries):
        because = "LOG-003" if is_limit_refused(session) else "LOG-001"
        raise Inconclusive("the logs do not show the messages", because=because, exchange=found)
    return entries


def is_limit_refused(session: Session) -> bool:
    """Tell whether logs are shown, but not with the greatest limit: LOG-003's matter."""
    return not is_done(look_up_all(session)) and is_done(look_up_again(session))


@requirement("LOG-001", ["json"], needs=["lists", "lookups"], feature="logs", order=LATE)
def test_log_001_messages_are_shown_as_sent(session: Session, findings: list[Finding]) -> None:
    """The logs have every message of a request, as it was sent."""
    check_taken(session, send_batch(session), findings)
    found = look_up_all(session)
    check_offered(found, "getLogs")
    check_done(found, LIST, "LOG-003" if is_limit_refused(session) else "")
    entries = find_entries(found)
    if entries is None:
        raise Broken("no list of results", expected=LIST, exchange=found)
    if not entries and is_renamed(send_batch(session)):
        raise Inconclusive("nothing by this bulkId", because="RESP-004", exchange=found)
    missing = len({s.message_id for s in find_waiting(session)} - find_names(entries))
    wrong = find_wrong_logs(find_batch(session), entries)
    if not wrong and missing and not (entries and is_cut(session, entries)):
        wrong = f"{missing} messages are missing"
    with explained_by(findings, "RESP-003"):
        if wrong:
            raise Broken(wrong, expected=AS_SENT, exchange=found)


@requirement("LOG-001", needs=["lists", "lookups"], feature="logs", order=LATE)
def test_log_001_messages_are_shown_again(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A second look shows the messages of a status as before, and none of another status."""
    check_turn(session, wire, OTHER)
    find_logs(session, findings)
    found = look_up_again(session)
    check_done(found, LIST)
    entries = find_entries(found)
    if entries is None:
        raise Broken("no list of results", expected=LIST, exchange=found)
    group, count = find_common_group(session)
    wrong = find_wrong_logs(find_batch(session), entries)
    if not wrong and group and {*map(read_group, entries)} - {group}:
        wrong = "a message of another general status"
    if not wrong and len(entries) < count and not (entries and is_cut(session, entries)):
        wrong = f"{len(entries)} messages, where {count} were before"
    if wrong:
        raise Broken(wrong, expected=AS_SENT, exchange=found)


@requirement("LOG-001", ["json"], needs=["lists", "lookups", "pool"], feature="logs", order=LATE)
def test_log_001_filters_narrow(session: Session, findings: list[Finding]) -> None:
    """Of some messages of two requests, only those of a sender and to a number are shown."""
    find_logs(session, findings)
    plain = find_batch(session)[3]
    found = look_up_named(session)
    if is_answered(found):
        wrong = find_wrong_entries(find_named(session), find_entries(found) or [])
        if wrong:
            raise Broken(wrong, expected=FITTING, exchange=found)
        if plain.message_id in find_names(find_entries(found) or []):
            return
    # Nothing, or not all: are several values the reason, or the filters themselves?
    alone = look_up_alone(session, plain)
    check_done(alone, LIST)
    if find_names(find_entries(alone) or []) != {plain.message_id}:
        raise Broken("not the one message that fits", expected=FITTING, exchange=alone)


@requirement("LOG-001", ["json"], needs=["lists", "lookups"], feature="logs", order=LATE)
@pytest.mark.parametrize("name", ["sentSince", "sentUntil", "mcc"])
def test_log_001_filters_leave_all_out(
    session: Session,
    name: str,
    findings: list[Finding],
) -> None:
    """No message is shown that was sent since tomorrow, until yesterday or in a network of no country."""
    find_logs(session, findings)
    found = look_up_nothing(session, name)
    check_answered(found)
    if found.status == BAD_REQUEST:
        raise Inconclusive("refused", exchange=found)
    check_done(found, LIST)
    if find_entries(found):
        raise Broken(f"messages, in spite of {name}", expected="no message", exchange=found)


@requirement("LOG-002", ["json"], needs=["lists", "lookups", "pool"], feature="logs", order=LATE)
def test_log_002_ids_may_be_repeated(session: Session, findings: list[Finding]) -> None:
    """Several bulkIds and messageIds show the messages of all of them."""
    find_logs(session, findings)
    found = look_up_named(session)
    shown = find_names(find_entries(found) or []) if is_answered(found) else set()
    for sent in find_named(session):
        if sent.message_id in shown:
            continue
        alone = look_up_alone(session, sent)
        if sent.message_id in find_names(find_entries(alone) or []):
            raise Broken(
                "only some of the messages" if shown else found.got,
                expected="the messages of every bulkId and messageId",
                exchange=found,
            )
    if not shown:
        raise Inconclusive("the filters show nothing", because="LOG-001", exchange=found)


@requirement("LOG-003", ["json"], needs=["lists", "lookups"], feature="logs", order=LATE)
def test_log_003_limit_is_kept(session: Session, findings: list[Finding]) -> None:
    """The greatest limit shows more than is shown without one; a limit of 1 shows one message."""
    check_taken(session, send_batch(session), findings)
    found = look_up_all(session)
    check_offered(found, "getLogs")
    if not is_done(found):
        check_done(look_up_again(session), LIST, "LOG-001")
        raise Broken(found.got, expected=f"HTTP 200 for a limit of {MOST}", exchange=found)
    entries = find_logs(session, findings)
    waiting = {sent.message_id for sent in find_waiting(session)}
    if is_cut(session, entries) and waiting - find_names(entries):
        expected = f"{len(waiting)} messages, with a limit of {MOST}"
        raise Broken(f"{len(entries)} messages", expected=expected, exchange=found)
    if not session.plan.profile.lists:
        one = look_up_one(session)
        check_done(one, "HTTP 200 for a limit of 1")
        count = len(find_entries(one) or [])
        if count != 1:
            raise Broken(f"{count} messages", expected="1 message", exchange=one)


@requirement("LOG-003", needs=["lists", "lookups"], feature="logs", order=LATE)
def test_log_003_number_without_a_limit(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Without a limit 50 messages are shown where there are more."""
    check_turn(session, wire, OTHER)
    check_long(session)
    find_logs(session, findings)
    found = look_up_again(session)
    check_done(found, LIST, "LOG-001")
    entries, wanted = find_entries(found) or [], min(SHOWN, find_common_group(session)[1])
    if not entries or find_wrong_entries(find_batch(session), entries):
        raise Inconclusive("another list", because="LOG-001", exchange=found)
    if not wanted <= len(entries) <= SHOWN:
        raise Broken(f"{len(entries)} messages", expected=f"{wanted} messages", exchange=found)


def check_long(session: Session) -> None:
    """Raise NotApplicable where the batch is not longer than a list."""
    if not session.plan.profile.lists:
        raise NotApplicable(f"this profile sends no {SHOWN} messages")


def find_names(entries: list[dict[str, object]]) -> set[str]:
    """Return the messageIds of some entries."""
    return {read_text(entry, "messageId") for entry in entries}


# ------------------------------------------------------------------ reports that are fetched


@requirement("DLR-007", needs=["lists", "lookups"], feature="pull", order=LATE)
def test_dlr_007_each_report_comes_once(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A report that was fetched does not come again, in whichever format."""
    check_pages(session, findings)
    seen: set[tuple[str, str]] = set()
    for page in fetch_pages(session):
        entries = find_entries(page) or []
        asked = [find_come(session)] if page is fetch_named(session) else find_batch(session)
        wrong = find_wrong_entries(asked, entries)
        marks = list(map(read_mark, entries))
        if not wrong and (seen & set(marks) or len(set(marks)) < len(marks)):
            wrong = "a report for the second time"
        with explained_by(findings, "RESP-003"):
            if wrong and page.wire == wire:
                raise Broken(wrong, expected=ONCE, exchange=page)
        seen |= set(marks)
    one, more, _ = fetch_pages(session)
    if not find_entries(more) and find_left(session):
        check_late(session, one if not seen else more)


def check_pages(session: Session, findings: list[Finding]) -> None:
    """Raise unless reports can be fetched at all; a limit that is refused is DLR-008's matter."""
    check_taken(session, send_batch(session), findings)
    one, more, _ = fetch_pages(session)
    check_offered(one, "fetchDeliveryReports")
    for page in (one, more):
        if is_done(page) and not is_answered(page):
            raise Broken("no list of results", expected=LIST, exchange=page)
    check_done(more, LIST)


def check_late(session: Session, found: Exchange) -> None:
    """Say why no report came, which is a failure where every message has come to its end."""
    if is_renamed(send_batch(session)):
        raise Inconclusive("nothing by this bulkId", because="RESP-004", exchange=found)
    if "logs" not in session.plan.without and are_ended(session):
        got = "no report, although the logs show that the messages have come to their end"
        raise Broken(got, expected=ONCE, exchange=found)
    seconds = session.plan.patience
    raise Inconclusive(f"no report within {seconds:g} s", expected=ONCE, exchange=found)


@requirement("DLR-008", ["json"], needs=["lists", "lookups"], feature="pull", order=LATE)
def test_dlr_008_limit_is_kept(session: Session, findings: list[Finding]) -> None:
    """A limit of 1 brings at most one report, and the greatest limit is accepted."""
    check_fetching(session, findings)
    one = fetch_one(session)
    check_done(one, "HTTP 200 for a limit of 1")
    check_done(fetch_named(session), f"HTTP 200 for a limit of {MOST}")
    count = len(find_entries(one) or [])
    if count > 1:
        raise Broken(f"{count} reports", expected="at most 1 report", exchange=one)
    if not count:
        raise Inconclusive("there was no report to fetch", because="DLR-007", exchange=one)


@requirement("DLR-008", needs=["lists", "lookups"], feature="pull", order=LATE)
def test_dlr_008_number_without_a_limit(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Without a limit 50 reports come where there are more."""
    check_turn(session, wire, OTHER)
    check_long(session)
    check_fetching(session, findings)
    more = fetch_more(session)
    count = len(find_entries(more) or [])
    if not count and find_left(session):
        raise Inconclusive("there was no report to fetch", because="DLR-007", exchange=more)
    ended = "logs" not in session.plan.without and are_ended(session)
    fewest = min(SHOWN, find_left(session)) if ended else 0
    if not fewest <= count <= SHOWN:
        raise Broken(f"{count} reports", expected=f"{SHOWN} reports", exchange=more)


def find_left(session: Session) -> int:
    """Return how many reports there are still to be when the first was fetched."""
    return max(0, len(find_waiting(session)) - len(find_entries(fetch_one(session)) or []))


def check_fetching(session: Session, findings: list[Finding]) -> None:
    """Raise unless reports can be fetched at all, which is DLR-007's matter."""
    try:
        check_pages(session, findings)
    except Broken as failure:
        raise Inconclusive(failure.got, because="DLR-007", exchange=failure.exchange) from None
