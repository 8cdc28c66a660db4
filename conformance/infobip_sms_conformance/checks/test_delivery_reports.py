"""Checks of delivery reports posted to a notify URL: DLR."""

import re
from dataclasses import replace

from infobip_sms_conformance.checks.support.assertions import drop_plus
from infobip_sms_conformance.checks.support.calls import find_entries, read_text
from infobip_sms_conformance.checks.support.log_queries import NON_FINAL_GROUPS, get_group
from infobip_sms_conformance.checks.support.webhooks import (
    WebhookRun,
    get_webhook_run,
    require_accepted,
    require_reports_received,
    send_webhook_messages,
)
from infobip_sms_conformance.contract.codec import MEDIA_TYPES
from infobip_sms_conformance.fixtures.webhook_messages import (
    LATER,
    OTHER_FORMAT,
    PLAIN,
    WEBHOOK_MESSAGES,
    WHOLE,
    WITH_INTERMEDIATE,
    WITHOUT_INTERMEDIATE,
)
from infobip_sms_conformance.observations.delivery_reports import ReceivedReport, parse_call
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.observations.tolerant_reader import find_list
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Finding,
    Inconclusive,
    Mismatch,
    show,
)
from infobip_sms_conformance.session.registry import FIRST, LAST, check
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.webhook_receiver import WebhookCall, get_last_part

# As in 2015-02-12T09:58:20.323+0100; how many digits a second has is not said.
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?[+-]\d{4}")


@check("DLR-001", needs=["push"], feature="reports", order=FIRST)
def test_dlr_001_messages_with_notify_urls_are_sent(session: Session, wire: str) -> None:
    """Messages with notify URLs are sent before anything else, so that their reports can come."""
    send_webhook_messages(session, wire)


@check("DLR-001", needs=["push"], feature="reports", order=LAST)
def test_dlr_001_reports_come_to_the_notify_url(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A report comes by POST to the notify URL of each message, with its messageId and bulkId."""
    news = get_webhook_run(session, wire, findings)
    missing, root = news.get_missing()
    expected = "a delivery report by POST at the notify URL"
    if root == "DLR-002" and PLAIN in missing:
        raise Inconclusive("none in this format", caused_by=root, exchange=news.exchange)
    if root == "DLR-001":
        if PLAIN in missing and are_pending_in_logs(session):
            got = f"{news.describe_silence()}; the logs show the messages as pending: --patience"
            raise Inconclusive(got, expected=expected, exchange=news.exchange)
        raise CheckFailed(
            news.describe_silence(), expected=expected, exchange=news.exchange_for(missing[0])
        )
    for hit in news.calls():
        if problem := check_call(hit):
            raise CheckFailed(problem, exchange=replace(news.exchange, callback=hit.body))
    if name := get_name_with_other_url(news):
        target = get_last_part(news.messages[name]["notifyUrl"])
        other = next(hit for hit in news.own_calls(name) if hit.target != target)
        wrong = Mismatch("end of the notify URL", show(target), show(other.target))
        raise CheckFailed(wrong, exchange=news.exchange_for(name, other))
    assert_ids(news)
    read = [hit for hit in news.calls() if parse_call(hit) is not None]
    if read and not any(map(news.all_reports, news.messages)):
        exchange = replace(news.exchange, callback=read[0].body)
        raise CheckFailed(Mismatch("results", "a report", "an empty list"), exchange=exchange)
    require_reports_received(news)
    if (name := get_unfinished_name(news)) and session.target.is_loopback:
        groups = [report.group for report in news.reports(name)]
        wanted = "a final one such as DELIVERED, as a later message to the same number has"
        wrong = Mismatch("results[].status.groupName", wanted, show(groups))
        raise CheckFailed(wrong, exchange=news.exchange_for(name))


def are_pending_in_logs(session: Session) -> bool:
    """Tell whether the logs have messages with notify URLs, and none with a final status."""
    sent = [found for wire in session.wires if (found := session.find(WEBHOOK_MESSAGES, wire))]
    names = {e.message_id for one in sent if one.send_response for e in one.send_response.entries}
    rows = [row for looked in session.exchanges for row in find_entries(looked) or []]
    groups = {get_group(row) for row in rows if read_text(row, "messageId") in names}
    return bool(groups) and groups <= NON_FINAL_GROUPS


def get_name_with_other_url(webhook_run: WebhookRun) -> str:
    """Return a name whose reports came to another URL: in other letters, or without the query."""
    for name, message in webhook_run.messages.items():
        target = get_last_part(message["notifyUrl"])
        if any(hit.target != target for hit in webhook_run.own_calls(name)):
            return name
    return ""


def get_unfinished_name(webhook_run: WebhookRun) -> str:
    """Return a name with reports but no final one, although the scheduled message to its number has one."""
    if LATER not in webhook_run.accepted or not webhook_run.is_complete(LATER):
        return ""
    later = {drop_plus(one["to"]) for one in webhook_run.messages[LATER]["destinations"]}
    for name in (OTHER_FORMAT, WITH_INTERMEDIATE, WITHOUT_INTERMEDIATE):
        own = {
            drop_plus(one["to"])
            for one in webhook_run.messages.get(name, {}).get("destinations", ())
        }
        begun = name in webhook_run.accepted and later & own and webhook_run.calls(name)
        if begun and not webhook_run.get_final_reports(name):
            return name
    return ""


def check_call(call: WebhookCall) -> str:
    """Say what is wrong with a delivery; DLR-002 checks one that cannot be read."""
    if call.method != "POST":
        return Mismatch("method", "POST", show(call.method))
    data = parse_call(call)
    if data is None or find_list(data, "results") is not None:
        return ""
    names = list(data) if isinstance(data, dict) else type(data).__name__
    return Mismatch("results", "a list of reports", f"nothing, beside {show(names)}")


def assert_ids(webhook_run: WebhookRun) -> None:
    """Demand that every report has the ids of a message of its notify URL, and that none is missing."""
    expected = "reports with the messageId, the bulkId and, if at all, the to of each destination"
    for name in webhook_run.messages:
        reports, known = webhook_run.all_reports(name), webhook_run.get_known_ids(name)
        bulks = webhook_run.get_bulk_ids()
        problems = [(check_ids(report, known, bulks), report.call) for report in reports]
        if name == PLAIN and reports:
            problems += [(check_destination(reports, ids), reports[-1].call) for _, ids in known]
        for problem, call in problems:
            if problem:
                raise CheckFailed(
                    problem,
                    sent=webhook_run.describe(name),
                    expected=expected,
                    exchange=webhook_run.exchange_for(name, call),
                )


def check_ids(report: ReceivedReport, known: list[tuple[str, set[str]]], bulks: set[str]) -> str:
    """Compare the ids of a report with what its message may have; nothing known allows any."""
    if not report.message_id:
        return Mismatch("results[].messageId", "the id of the message", "nothing")
    numbers = {number for number, ids in known if not ids or report.message_id in ids}
    if not numbers:
        wanted = sorted(set().union(*(ids for _, ids in known)))
        return Mismatch("results[].messageId", show(wanted), show(report.message_id))
    if report.to and report.to not in numbers:
        return Mismatch("results[].to", show(sorted(numbers)), show(report.to))
    if bulks and report.bulk_id not in bulks:
        return Mismatch("results[].bulkId", show(sorted(bulks)), show(report.bulk_id))
    return ""


def check_destination(reports: list[ReceivedReport], ids: set[str]) -> str:
    """Look for the report of one destination."""
    reported = {report.message_id for report in reports}
    if not ids or ids & reported:
        return ""
    wanted = f"a report of {show(sorted(ids))} as well"
    return Mismatch("results[].messageId", wanted, show(sorted(reported)))


# ------------------------------------------------------------------ form


@check("DLR-002", needs=["push"], feature="reports", order=LAST)
def test_dlr_002_report_has_the_format_asked_for(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Every report is of the format of notifyContentType, in its body and in its content type."""
    news = get_webhook_run(session, wire, findings)
    for name, message in news.messages.items():
        media = message["notifyContentType"]
        for hit in news.own_calls(name):
            if problem := check_format(hit, media):
                exchange = news.exchange_for(name, hit)
                raise CheckFailed(
                    problem, sent=news.describe(name), expected=media, exchange=exchange
                )
    missing, root = news.get_missing()
    if root == "DLR-002":
        media = news.messages[missing[0]]["notifyContentType"]
        raise CheckFailed(
            f"{news.describe_silence()}, but reports in the other format",
            expected=f"a delivery report of {media}",
            exchange=news.exchange_for(missing[0]),
        )
    if not news.calls():
        raise Inconclusive("no report", caused_by="DLR-001", exchange=news.exchange)


def check_format(call: WebhookCall, media: str) -> str:
    """Compare body and content type of a delivery with a format."""
    wire = next(name for name, known in MEDIA_TYPES.items() if known == media)
    if parse_call(call) is None or (find_wire(call.body) or "json") != wire:
        found = find_wire(call.body) if parse_call(call) is not None else None
        return Mismatch("body", wire.upper(), (found or "neither JSON nor XML").upper())
    given = call.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    kind, _, name = given.partition("/")
    says_so = kind in {"application", "text"} and (name == wire or name.endswith(f"+{wire}"))
    return "" if says_so else Mismatch("Content-Type", show(media), show(given))


@check("DLR-003", needs=["push"], feature="reports", order=LAST)
def test_dlr_003_instants_have_an_offset_without_colon(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Each sentAt and doneAt that is there is a date and time with an offset without colon."""
    news = get_webhook_run(session, wire, findings)
    require_reports_received(news)
    expected = "a date and time such as 2015-02-12T09:58:20.323+0100"
    seen = False
    for report in news.reports():
        for name in ("sentAt", "doneAt"):
            there = report.data.get(name) not in (None, "")
            seen = seen or there
            if there and not is_instant(report, name):
                name_of_message = report.call.name.rpartition("-")[0]
                exchange = news.exchange_for(name_of_message, report.call)
                wrong = Mismatch(f"results[].{name}", expected, show(report.data[name]))
                raise CheckFailed(wrong, exchange=exchange)
    if not seen:
        got = "no report has sentAt or doneAt"
        raise Inconclusive(got, expected=expected, exchange=news.exchange)


def is_instant(report: ReceivedReport, name: str) -> bool:
    """Tell whether a field is written as reports write instants, and there is such an instant."""
    text = str(report.data[name])
    return bool(INSTANT.fullmatch(text.strip())) and report.find_instant(name) is not None


@check("DLR-004", needs=["push"], feature="reports", order=LAST)
def test_dlr_004_callback_data_comes_back_in_full(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Every report has the callbackData of its message, to the last of 200 characters."""
    news = get_webhook_run(session, wire, findings)
    require_reports_received(news)
    if wire == "xml" and check_texts(session, findings):
        raise Inconclusive(
            "altered in requests in XML", caused_by="XML-004", exchange=news.exchange
        )
    for name, message in news.messages.items():
        given = message["callbackData"]
        for report in news.reports(name):
            found = report.data.get("callbackData")
            # Nothing says what an intermediate report holds.
            if found != given and not (found is None and report.is_intermediate):
                raise CheckFailed(
                    describe_difference(given, found),
                    sent=news.describe(name),
                    expected="the callbackData of the message",
                    exchange=news.exchange_for(name, report.call),
                )


@check("XML-002", ["xml"], needs=["push"], feature="reports", order=LAST)
def test_xml_002_all_days_of_a_window_are_kept(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message whose window names today among other days is sent as it is when asked for in JSON."""
    news = get_webhook_run(session, wire, findings)
    require_accepted(news, WHOLE, findings)
    require_reports_received(news)
    if "json" not in session.wires:
        raise Inconclusive("JSON is not checked in this run", exchange=news.exchange)
    other = get_webhook_run(session, "json", findings)
    if news.is_sent(PLAIN) and other.is_sent(WHOLE) and not news.is_sent(WHOLE):
        raise CheckFailed(
            f"no report that it was sent within {session.plan.patience:g} s",
            sent=news.describe(WHOLE),
            expected="sent on each of its days",
            exchange=news.exchange_for(WHOLE),
        )


@check("XML-004", ["xml"], needs=["push"], feature="reports", order=LAST)
def test_xml_004_texts_are_read_as_they_are(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """The callbackData of a request in XML comes back in JSON as that of one in JSON does in XML."""
    news = get_webhook_run(session, wire, findings)
    require_reports_received(news)
    if got := check_texts(session, findings):
        expected = "the callbackData of the message"
        raise CheckFailed(got, expected=expected, exchange=news.exchange_for(OTHER_FORMAT))


def check_texts(session: Session, findings: list[Finding]) -> str:
    """Say how texts of requests in XML are altered, where those of requests in JSON are not."""
    if set(session.wires) != {"json", "xml"}:
        return ""
    lost = {}
    for wire in session.wires:
        news = get_webhook_run(session, wire, findings)
        given = news.messages.get(OTHER_FORMAT, {}).get("callbackData")
        reports = [report for report in news.reports(OTHER_FORMAT) if report.is_final]
        wrong = (r.data.get("callbackData") for r in reports)
        lost[wire] = [describe_difference(given, found) for found in wrong if found != given]
        if not reports:
            return ""
    return lost["xml"][0] if lost["xml"] and not lost["json"] else ""


def describe_difference(given: str, found: object) -> str:
    """Say how two texts differ, without quoting them."""
    if not isinstance(found, str) or not found:
        return Mismatch("callbackData", f"{len(given)} characters", show(found))
    same = next((n for n, (a, b) in enumerate(zip(given, found, strict=False)) if a != b), None)
    place = f", the first difference at character {same + 1}" if same is not None else ""
    return Mismatch(
        "callbackData",
        f"the {len(given)} characters that were sent",
        f"{len(found)} characters{place}",
    )


# ------------------------------------------------------------------ which reports come


@check("DLR-005", needs=["push"], feature="intermediate", order=LAST)
def test_dlr_005_intermediate_report_comes_before_the_final_one(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """With intermediateReport true a report that is not final comes first."""
    news = get_webhook_run(session, wire, findings)
    require_accepted(news, WITH_INTERMEDIATE, findings)
    require_reports_received(news)
    missing, root = news.get_missing()
    if WITH_INTERMEDIATE in missing and root != "DLR-005":
        raise Inconclusive("no report for it", caused_by=root, exchange=news.exchange)
    if others := count_without_intermediate(news):
        got = f"no intermediate report for {others} of the destinations"
        expected = "one for each destination"
        raise CheckFailed(
            got,
            sent=news.describe(WITH_INTERMEDIATE),
            expected=expected,
            exchange=news.exchange_for(WITH_INTERMEDIATE),
        )
    reports = news.reports(WITH_INTERMEDIATE)
    before = next((n for n, report in enumerate(reports) if report.is_intermediate), None)
    end = next((n for n, report in enumerate(reports) if report.is_final), None)
    if WITH_INTERMEDIATE not in missing and before is None and end is None:
        got = "no report with a status that can be read"
        root = "DLR-001" if news.is_unreadable(WITH_INTERMEDIATE) else ""
        raise Inconclusive(got, caused_by=root, exchange=news.exchange)
    if before is None or (end is not None and end < before):
        late = "the intermediate report after the final one" if before is not None else ""
        raise CheckFailed(
            f"{late or 'no intermediate report'}: {show([r.group for r in reports])}",
            sent=news.describe(WITH_INTERMEDIATE),
            expected="a report with a status of the PENDING group, then the final one",
            exchange=news.exchange_for(WITH_INTERMEDIATE),
        )


def count_without_intermediate(webhook_run: WebhookRun) -> int:
    """Count the destinations that have final reports only, where another one has an intermediate one."""
    known = webhook_run.get_ids(WITH_INTERMEDIATE)
    reports = [r for r in webhook_run.reports(WITH_INTERMEDIATE) if r.message_id in known]
    before = {report.message_id for report in reports if report.is_intermediate}
    ended = {report.message_id for report in reports if report.is_final}
    return len(ended - before) if before else 0


@check("DLR-005", needs=["push"], feature="intermediate", order=LAST)
def test_dlr_005_no_intermediate_report_comes_unasked(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """With intermediateReport false every report is final."""
    news = get_webhook_run(session, wire, findings)
    require_accepted(news, WITHOUT_INTERMEDIATE, findings)
    require_reports_received(news)
    for report in news.reports(WITHOUT_INTERMEDIATE):
        if report.is_intermediate:
            raise CheckFailed(
                Mismatch("results[].status.groupName", "a final status", show(report.group)),
                sent=news.describe(WITHOUT_INTERMEDIATE),
                exchange=news.exchange_for(WITHOUT_INTERMEDIATE, report.call),
            )
