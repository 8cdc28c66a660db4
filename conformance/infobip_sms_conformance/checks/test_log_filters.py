"""Checks of what filters and limits let pass, besides what they leave out (LOG, DLR), and of rejected requests (HTTP, AUTH)."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from infobip_sms_conformance.checks.support.calls import (
    FIRST_FORMAT,
    SECOND_FORMAT,
    assert_ok,
    call_once,
    explained_by,
    find_entries,
    get_batch_messages,
    is_ok,
    read_text,
    require_format,
    require_messages_accepted,
    require_offered,
    send_batch,
)
from infobip_sms_conformance.checks.support.log_queries import (
    FEW,
    MAX_LIMIT,
    check_entries,
    describe_difference,
    describe_missing_list,
    fetch_by_name,
    fetch_more,
    fetch_one,
    get_group,
    get_message_in_xml,
    get_unfetched_message,
    is_truncated,
    look_up_all,
    look_up_by_name,
    look_up_few,
    look_up_network,
    look_up_span,
)
from infobip_sms_conformance.checks.support.report_entries import ROUNDING, find_instant
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.fixtures.webhook_messages import SIGNS_TEXT
from infobip_sms_conformance.observations.delivery_reports import SENT_GROUPS
from infobip_sms_conformance.observations.exchange import BAD_REQUEST, UNAUTHORIZED, Exchange
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Finding,
    Inconclusive,
    Mismatch,
    NotApplicable,
    show,
)
from infobip_sms_conformance.session.registry import LAST, LATE, check
from infobip_sms_conformance.session.session import Session

LIST_EXPECTED = "HTTP 200 and a list of results"
COUNTRY_DIGITS = 3


def require_shown(session: Session, findings: list[Finding]) -> list[dict[str, Any]]:
    """Return what the logs show of the batch; raise where that is nothing to compare with."""
    require_messages_accepted(session, send_batch(session), findings)
    found = look_up_all(session)
    require_offered(found, "getLogs")
    entries = find_entries(found)
    if not entries or check_entries(get_batch_messages(session), entries):
        got = "the logs do not show the messages"
        raise Inconclusive(got, caused_by="LOG-001", exchange=found)
    return entries


def read_entries(found: Exchange) -> list[dict[str, Any]]:
    """Return the entries of a list; raise where a server rejects a filter, or shows no list."""
    if found.status == BAD_REQUEST:
        raise Inconclusive("rejected", exchange=found)
    assert_ok(found, LIST_EXPECTED)
    entries = find_entries(found)
    if entries is None:
        raise CheckFailed(describe_missing_list(found), exchange=found)
    return entries


@check("LOG-001", ["json"], needs=["lists", "logs", "one name"], feature="logs", order=LATE)
def test_log_001_one_message_by_name(session: Session, findings: list[Finding]) -> None:
    """A messageId alone shows that message, in a list of one."""
    require_shown(session, findings)
    name = get_message_in_xml(session) or get_batch_messages(session)[3].message_id
    found = look_up_by_name(session)
    assert_ok(found, LIST_EXPECTED)
    entries = find_entries(found)
    if entries is None:
        raise CheckFailed(describe_missing_list(found), exchange=found)
    shown = {read_text(entry, "messageId") for entry in entries}
    with explained_by("XML-004", "RESP-003"):
        if shown != {name}:
            wrong = Mismatch("results[].messageId", f"{show(name)} alone", show(sorted(shown)))
            raise CheckFailed(wrong, exchange=found)


@check("SCHED-001", ["json"], needs=["lists", "logs"], feature="logs", order=LATE)
def test_sched_001_logs_show_no_message_as_sent_early(
    session: Session, findings: list[Finding]
) -> None:
    """No message that is for later is in the logs as one that was sent."""
    entries = require_shown(session, findings)
    later = {sent.message_id for sent in get_batch_messages(session) if sent.is_scheduled}
    for index, entry in enumerate(entries):
        group = get_group(entry)
        if read_text(entry, "messageId") in later and group in SENT_GROUPS:
            wrong = Mismatch(f"results[{index}].status", "a pending one until sendAt", show(group))
            raise CheckFailed(wrong, exchange=look_up_all(session))


@check("XML-004", ["xml"], needs=["lists", "logs", "push", "one name"], feature="logs", order=LATE)
def test_xml_004_text_of_a_request_in_xml(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """The logs have the text of a request in XML as it was sent."""
    require_shown(session, findings)
    name = get_message_in_xml(session)
    if not name:
        raise NotApplicable("no message with a name was sent in XML")
    found = look_up_by_name(session)
    for index, entry in enumerate(find_entries(found) or []):
        text = read_text(entry, "text")
        if read_text(entry, "messageId") == name and text != SIGNS_TEXT:
            with explained_by("LOG-001"):
                path = f"results[{index}].text"
                wrong = describe_difference(path, SIGNS_TEXT, text)
                raise CheckFailed(wrong, exchange=replace(found, wire=wire))  # of its request


@check("LOG-001", needs=["lists", "logs", "spans"], feature="logs", order=LATE)
def test_log_001_filters_let_pass_what_fits(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Messages that were sent during the run are shown where sentSince and sentUntil are around it."""
    require_format(session, wire, SECOND_FORMAT)
    before = {
        read_text(e, "messageId") for e in require_shown(session, findings) if e.get("sentAt")
    }
    found = look_up_span(session)
    shown = {read_text(e, "messageId") for e in read_entries(found)}
    if (missing := len(before - shown)) and not is_truncated(session, list(shown)):
        wanted = f"all {len(before)} messages that were sent then"
        wrong = Mismatch("results", wanted, f"{len(shown)}, {missing} are missing")
        raise CheckFailed(wrong, exchange=found)
    if len(before) > 1 and not shown:
        raise CheckFailed("no message", expected="the messages sent then", exchange=found)
    assert_within_span(found)


def assert_within_span(found: Exchange) -> None:
    """Demand that each sentAt is between the instants that were asked for, whatever the offset that it is written in."""
    asked = dict(parse_qsl(urlsplit(found.request.path).query)) if found.request else {}
    since, until = (datetime.fromisoformat(asked[name]) for name in ("sentSince", "sentUntil"))
    for index, entry in enumerate(read_entries(found)):
        instant = find_instant(entry.get("sentAt"))
        if instant is not None and not since - ROUNDING <= instant <= until + ROUNDING:
            wanted = f"an instant from {since.isoformat()} to {until.isoformat()}"
            wrong = Mismatch(f"results[{index}].sentAt", wanted, show(entry["sentAt"]))
            raise CheckFailed(wrong, exchange=found)


@check("LOG-003", needs=["lists", "logs", "spans"], feature="logs", order=LATE)
def test_log_003_limit_below_the_usual_one(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A limit of a few shows as many, where there are more."""
    require_format(session, wire, SECOND_FORMAT)
    if not session.plan.profile.has_long_lists:
        raise NotApplicable("this profile sends few messages")
    if len(require_shown(session, findings)) <= FEW:
        raise Inconclusive("the logs show no more than that", caused_by="LOG-001")
    found = look_up_few(session)
    count = len(read_entries(found))
    if not count:
        raise Inconclusive("no message", caused_by="LOG-001", exchange=found)
    if count != FEW:
        raise CheckFailed(f"{count} messages", expected=f"{FEW} messages", exchange=found)


@check("LOG-001", ["json"], needs=["lists", "logs", "networks"], feature="logs", order=LATE)
def test_log_001_networks(session: Session, findings: list[Finding]) -> None:
    """Messages are shown by their mcc and mnc, and not by another mnc."""
    entries = require_shown(session, findings)
    networks = {read_text(entry, "mccMnc") for entry in entries} - {""}
    if not networks:
        raise NotApplicable("the logs show no networks")
    network = min(networks)
    mcc, mnc = network[:COUNTRY_DIGITS], network[COUNTRY_DIGITS:]
    if not mnc.isdecimal():
        raise NotApplicable("the logs show networks without mnc")
    fitting = look_up_network(session, mcc, mnc, fits=True)
    if not read_entries(fitting):
        wrong = Mismatch("results", f"messages of the network {show(network)}", "no message")
        raise CheckFailed(wrong, exchange=fitting)
    other = f"{(int(mnc) + 1) % 100:0{len(mnc)}}"
    found = look_up_network(session, mcc, other, fits=False)
    for index, entry in enumerate(read_entries(found)):
        if (name := read_text(entry, "mccMnc")) != mcc + other:
            path = f"results[{index}].mccMnc"
            raise CheckFailed(Mismatch(path, show(mcc + other), show(name)), exchange=found)


@check("DLR-007", ["json"], needs=["lists", "fetched reports"], feature="pull", order=LATE)
def test_dlr_007_report_is_fetched_by_its_name(session: Session, findings: list[Finding]) -> None:
    """With a messageId only the report of that message is fetched, whatever others wait."""
    require_messages_accepted(session, send_batch(session), findings)
    first = fetch_one(session)
    require_offered(first, "fetchDeliveryReports")
    if not find_entries(first):
        root = "DLR-007" if is_ok(first) or not is_ok(fetch_more(session)) else "DLR-008"
        raise Inconclusive("there was no report to fetch", caused_by=root, exchange=first)
    found = fetch_by_name(session)
    if not is_ok(found):
        root = "DLR-008" if is_ok(fetch_more(session)) else "DLR-007"
        raise Inconclusive(found.got, caused_by=root, exchange=found)
    entries = read_entries(found)
    asked = get_unfetched_message(session)
    for index, entry in enumerate(entries):
        if (name := read_text(entry, "messageId")) != asked.message_id:
            path = f"results[{index}].messageId"
            raise CheckFailed(Mismatch(path, show(asked.message_id), show(name)), exchange=found)


# ------------------------------------------------------------------ what a rejection leaves behind

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
