"""Checks of what can be asked about messages: LOG, and the part of DLR that is fetched."""

import pytest

from infobip_sms_conformance.checks.support.assertions import require_response
from infobip_sms_conformance.checks.support.calls import (
    SECOND_FORMAT,
    assert_ok,
    explained_by,
    find_entries,
    get_batch_messages,
    get_immediate_messages,
    has_other_bulk_id,
    is_ok,
    read_text,
    require_format,
    require_messages_accepted,
    require_offered,
    send_batch,
)
from infobip_sms_conformance.checks.support.log_queries import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    are_all_final,
    check_entries,
    check_logs,
    describe_missing_list,
    fetch_by_name,
    fetch_more,
    fetch_named,
    fetch_one,
    fetch_pages,
    get_group,
    get_most_common_group,
    get_named_messages,
    get_report_key,
    get_reported_message,
    get_unfetched_message,
    has_list,
    is_truncated,
    look_up_again,
    look_up_all,
    look_up_alone,
    look_up_named,
    look_up_nothing,
    look_up_one,
)
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.observations.exchange import (
    BAD_REQUEST,
    Exchange,
    RequestOutcome,
)
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Finding,
    Inconclusive,
    Mismatch,
    NotApplicable,
    explain,
    show,
)
from infobip_sms_conformance.session.registry import FIRST, LATE, check
from infobip_sms_conformance.session.session import Session

LIST_EXPECTED = "HTTP 200 and a list of results"
AS_SENT = "every message of the request, with to, from and text as sent, messageId and status"
FITTING = "the messages that fit every filter, and no others"
ONCE = "each report of the asked messages, and none again"


@check("DLR-007", ["json"], needs=["lists"], feature="pull", order=FIRST)
def test_dlr_007_messages_go_out_early(session: Session) -> None:
    """What reports are fetched of at the end is sent at the beginning."""
    send_batch(session)
    raise NotApplicable("the reports are fetched at the end")


# ------------------------------------------------------------------ logs


def require_logs(session: Session, findings: list[Finding]) -> list[dict[str, object]]:
    """Return what the logs show of the whole batch; raise where that is nothing to build on."""
    require_messages_accepted(session, send_batch(session), findings)
    found = look_up_all(session)
    require_offered(found, "getLogs")
    entries = find_entries(found)
    if not entries or check_entries(get_batch_messages(session), entries):
        because = "LOG-003" if is_limit_rejected(session) else "LOG-001"
        raise Inconclusive("the logs do not show the messages", caused_by=because, exchange=found)
    return entries


def is_limit_rejected(session: Session) -> bool:
    """Tell whether logs are shown, but not with the greatest limit: covered by LOG-003."""
    return not is_ok(look_up_all(session)) and is_ok(look_up_again(session))


@check("LOG-001", ["json"], needs=["lists", "logs"], feature="logs", order=LATE)
def test_log_001_messages_are_shown_as_sent(session: Session, findings: list[Finding]) -> None:
    """The logs have every message of a request, as it was sent."""
    require_messages_accepted(session, send_batch(session), findings)
    found = look_up_all(session)
    require_offered(found, "getLogs")
    assert_ok(found, LIST_EXPECTED, "LOG-003" if is_limit_rejected(session) else "")
    entries = find_entries(found)
    if entries is None:
        raise CheckFailed(describe_missing_list(found), exchange=found)
    if not entries and has_other_bulk_id(send_batch(session)):
        raise Inconclusive("nothing by this bulkId", caused_by="RESP-004", exchange=found)
    missing = len(
        {s.message_id for s in get_immediate_messages(session)} - get_message_ids(entries)
    )
    wrong = check_logs(get_batch_messages(session), entries)
    if not wrong and missing and not (entries and is_truncated(session, entries)):
        sent = len(get_immediate_messages(session))
        wrong = Mismatch(
            "results", f"all {sent} messages", f"{len(entries)}, {missing} are missing"
        )
    with explained_by("RESP-003"):
        if wrong:
            raise CheckFailed(wrong, expected=AS_SENT, exchange=found)


@check("LOG-001", needs=["lists", "logs", "logs again"], feature="logs", order=LATE)
def test_log_001_messages_are_shown_again(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A second look shows the messages of a status as before, and none of another status."""
    require_format(session, wire, SECOND_FORMAT)
    require_logs(session, findings)
    found = look_up_again(session)
    assert_ok(found, LIST_EXPECTED)
    entries = find_entries(found)
    if entries is None:
        raise CheckFailed(describe_missing_list(found), exchange=found)
    group, count = get_most_common_group(session)
    wrong = check_logs(get_batch_messages(session), entries)
    if not wrong and group and {*map(get_group, entries)} - {group}:
        other = next(name for name in map(get_group, entries) if name != group)
        wrong = Mismatch("results[].status.groupName", show(group), show(other))
    if not wrong and len(entries) < count and not (entries and is_truncated(session, entries)):
        wrong = Mismatch("results", f"{count} messages, as before", f"{len(entries)} messages")
    if wrong:
        raise CheckFailed(wrong, expected=AS_SENT, exchange=found)


@check("LOG-001", ["json"], needs=["lists", "logs", "named logs"], feature="logs", order=LATE)
def test_log_001_filters_narrow(session: Session, findings: list[Finding]) -> None:
    """Of some messages of two requests, only those of a sender and to a number are shown."""
    require_logs(session, findings)
    plain = get_batch_messages(session)[3]
    found = look_up_named(session)
    if has_list(found):
        wrong = check_entries(get_named_messages(session), find_entries(found) or [])
        if wrong:
            raise CheckFailed(wrong, expected=FITTING, exchange=found)
        if plain.message_id in get_message_ids(find_entries(found) or []):
            return
    # Nothing, or not all: are several values the reason, or the filters themselves?
    alone = look_up_alone(session, plain)
    assert_ok(alone, LIST_EXPECTED)
    shown = get_message_ids(find_entries(alone) or [])
    if shown != {plain.message_id}:
        wanted = f"{show(plain.message_id)} alone, which fits every filter"
        wrong = Mismatch("results[].messageId", wanted, show(sorted(shown)))
        raise CheckFailed(wrong, exchange=alone)


@check("LOG-001", ["json"], needs=["lists", "logs", "empty logs"], feature="logs", order=LATE)
@pytest.mark.parametrize("name", ["from", "to", "sentSince", "sentUntil", "mcc", "generalStatus"])
def test_log_001_filters_leave_all_out(
    session: Session,
    name: str,
    findings: list[Finding],
) -> None:
    """No message is shown that was sent at other times, in a network of no country, or whose sender only begins so."""
    require_logs(session, findings)
    found = look_up_nothing(session, name)
    require_response(found)
    if found.status == BAD_REQUEST:
        raise Inconclusive("rejected", exchange=found)
    assert_ok(found, LIST_EXPECTED)
    if find_entries(found):
        got = f"{len(find_entries(found) or [])} messages that do not fit {name}"
        raise CheckFailed(Mismatch("results", "no message", got), exchange=found)


@check("LOG-002", ["json"], needs=["lists", "logs", "named logs"], feature="logs", order=LATE)
def test_log_002_ids_may_be_repeated(session: Session, findings: list[Finding]) -> None:
    """Several bulkIds and messageIds show the messages of all of them."""
    require_logs(session, findings)
    found = look_up_named(session)
    shown = get_message_ids(find_entries(found) or []) if has_list(found) else set()
    for sent in get_named_messages(session):
        if sent.message_id in shown:
            continue
        alone = look_up_alone(session, sent)
        if sent.message_id in get_message_ids(find_entries(alone) or []):
            raise CheckFailed(
                f"{found.got}, {show(sorted(shown))}" if shown else found.got,
                expected=f"{show(sent.message_id)} as well, as alone",
                exchange=found,
            )
    if not shown:
        raise Inconclusive("the filters show nothing", caused_by="LOG-001", exchange=found)


@check("LOG-003", ["json"], needs=["lists", "logs", "one log"], feature="logs", order=LATE)
def test_log_003_limit_is_kept(session: Session, findings: list[Finding]) -> None:
    """The greatest limit shows more than is shown without one; a limit of 1 shows one message."""
    require_messages_accepted(session, send_batch(session), findings)
    found = look_up_all(session)
    require_offered(found, "getLogs")
    if not is_ok(found):
        assert_ok(look_up_again(session), LIST_EXPECTED, "LOG-001")
        raise CheckFailed(
            found.got, expected=f"HTTP 200 for a limit of {MAX_LIMIT}", exchange=found
        )
    entries = require_logs(session, findings)
    waiting = {sent.message_id for sent in get_immediate_messages(session)}
    if is_truncated(session, entries) and waiting - get_message_ids(entries):
        expected = f"{len(waiting)} messages, with a limit of {MAX_LIMIT}"
        raise CheckFailed(f"{len(entries)} messages", expected=expected, exchange=found)
    if not session.plan.profile.has_long_lists:
        one = look_up_one(session)
        assert_ok(one, "HTTP 200 for a limit of 1")
        count = len(find_entries(one) or [])
        if count != 1:
            raise CheckFailed(f"{count} messages", expected="1 message", exchange=one)


@check("LOG-003", needs=["lists", "logs", "logs again"], feature="logs", order=LATE)
def test_log_003_number_without_a_limit(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Without a limit 50 messages are shown where there are more."""
    require_format(session, wire, SECOND_FORMAT)
    require_long_batch(session)
    require_logs(session, findings)
    found = look_up_again(session)
    assert_ok(found, LIST_EXPECTED, "LOG-001")
    entries, wanted = (
        find_entries(found) or [],
        min(DEFAULT_LIMIT, get_most_common_group(session)[1]),
    )
    if not entries or check_entries(get_batch_messages(session), entries):
        raise Inconclusive("another list", caused_by="LOG-001", exchange=found)
    if not wanted <= len(entries) <= DEFAULT_LIMIT:
        raise CheckFailed(f"{len(entries)} messages", expected=f"{wanted} messages", exchange=found)


def require_long_batch(session: Session) -> None:
    """Raise NotApplicable where the batch is not longer than a list."""
    if not session.plan.profile.has_long_lists:
        raise NotApplicable(f"this profile sends no {DEFAULT_LIMIT} messages")


def get_message_ids(entries: list[dict[str, object]]) -> set[str]:
    """Return the messageIds of some entries."""
    return {read_text(entry, "messageId") for entry in entries}


# ------------------------------------------------------------------ reports that are fetched


@check("DLR-007", needs=["lists", "fetched reports"], feature="pull", order=LATE)
def test_dlr_007_each_report_comes_once(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A report that was fetched does not come again, in whichever format."""
    require_pages(session, findings)
    seen: set[tuple[str, str]] = set()
    for page in fetch_pages(session):
        entries = find_entries(page) or []
        asked = (
            [get_reported_message(session)]
            if page is fetch_named(session)
            else [get_unfetched_message(session)]
            if page is fetch_by_name(session)
            else get_batch_messages(session)
        )
        wrong = check_entries(asked, entries)
        marks = list(map(get_report_key, entries))
        if not wrong and (seen & set(marks) or len(set(marks)) < len(marks)):
            again = next(mark for mark in marks if mark in seen or marks.count(mark) > 1)
            wrong = Mismatch("results[].messageId", "each report once", f"{show(again[0])} again")
        with explained_by("RESP-003"):
            if wrong and page.wire == wire:
                raise CheckFailed(wrong, expected=ONCE, exchange=page)
        seen |= set(marks)
    one, by_name, more, _ = fetch_pages(session)
    if not find_entries(more) and count_remaining(session):
        raise_no_report(session, one if not seen else more)
    name = get_unfetched_message(session).message_id
    came_later = is_ok(by_name) and name in get_message_ids(find_entries(more) or [])
    if came_later and "logs" not in session.plan.without and are_all_final(session):
        wrong = Mismatch("results[].messageId", show(name), "nothing, and this without the filter")
        raise CheckFailed(wrong, expected=ONCE, exchange=by_name)


def require_pages(session: Session, findings: list[Finding]) -> None:
    """Raise unless reports can be fetched at all; a limit that is rejected is covered by DLR-008."""
    require_messages_accepted(session, send_batch(session), findings)
    one, by_name, more, again = fetch_pages(session)
    require_offered(one, "fetchDeliveryReports")
    require_never_limited(session)
    for page in (one, by_name, more, again):
        if is_ok(page) and not has_list(page):
            raise CheckFailed(describe_missing_list(page), exchange=page)
    if again.is_absent and is_ok(by_name):
        raise CheckFailed(again.got, expected="HTTP 200 and an empty list", exchange=again)
    assert_ok(more, LIST_EXPECTED)


def require_never_limited(session: Session) -> None:
    """Raise Inconclusive where reports were asked for and the server asked for patience: they may be gone."""
    path = read_operations()["fetchDeliveryReports"].path
    for exchange in session.exchanges:
        asked = exchange.request.path.partition("?")[0] if exchange.request else ""
        if asked == path and exchange.outcome is RequestOutcome.THROTTLED:
            require_response(exchange)


def raise_no_report(session: Session, found: Exchange) -> None:
    """Say why no report came, which is a failure where every message has come to its end."""
    if has_other_bulk_id(send_batch(session)):
        raise Inconclusive("nothing by this bulkId", caused_by="RESP-004", exchange=found)
    if "logs" not in session.plan.without and are_all_final(session):
        got = "no report, although the logs show that the messages have come to their end"
        raise CheckFailed(got, expected=ONCE, exchange=found)
    seconds = session.plan.patience
    raise Inconclusive(f"no report within {seconds:g} s", expected=ONCE, exchange=found)


@check("DLR-008", ["json"], needs=["lists", "fetched reports"], feature="pull", order=LATE)
def test_dlr_008_limit_is_kept(session: Session, findings: list[Finding]) -> None:
    """A limit of 1 brings at most one report, and the greatest limit is accepted."""
    require_fetching(session, findings)
    one = fetch_one(session)
    assert_ok(one, "HTTP 200 for a limit of 1")
    assert_ok(fetch_named(session), f"HTTP 200 for a limit of {MAX_LIMIT}")
    count = len(find_entries(one) or [])
    if count > 1:
        raise CheckFailed(f"{count} reports", expected="at most 1 report", exchange=one)
    if not count:
        raise Inconclusive("there was no report to fetch", caused_by="DLR-007", exchange=one)


@check("DLR-008", needs=["lists", "fetched reports"], feature="pull", order=LATE)
def test_dlr_008_number_without_a_limit(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Without a limit 50 reports come where there are more."""
    require_format(session, wire, SECOND_FORMAT)
    require_long_batch(session)
    require_fetching(session, findings)
    more = fetch_more(session)
    count = len(find_entries(more) or [])
    if not count and count_remaining(session):
        raise Inconclusive("there was no report to fetch", caused_by="DLR-007", exchange=more)
    ended = "logs" not in session.plan.without and are_all_final(session)
    fewest = min(DEFAULT_LIMIT, count_remaining(session)) if ended else 0
    if not fewest <= count <= DEFAULT_LIMIT:
        raise CheckFailed(f"{count} reports", expected=f"{DEFAULT_LIMIT} reports", exchange=more)


def count_remaining(session: Session) -> int:
    """Return how many reports there are still to be when as many as come were fetched."""
    before = [fetch_one(session), fetch_by_name(session)]
    fetched = sum(len(find_entries(page) or []) for page in before)
    return max(0, len(get_immediate_messages(session)) - fetched)


def require_fetching(session: Session, findings: list[Finding]) -> None:
    """Raise unless reports can be fetched at all, covered by DLR-007."""
    try:
        require_pages(session, findings)
    except CheckFailed as failure:
        raise explain(failure, "DLR-007") from None
