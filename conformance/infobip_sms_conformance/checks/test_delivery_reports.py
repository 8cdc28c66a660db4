"""Checks of delivery reports that are pushed to a notify URL: DLR.

Lives here: what a push and the reports in it look like, and which of them come.
Never here: reports that are fetched; when they come again (test_retries.py), or a message is sent (test_time.py).
"""

import re
from urllib.parse import urlsplit

from infobip_sms_conformance.checks.support.assertions import drop_plus
from infobip_sms_conformance.checks.support.webhooks import (
    News,
    check_accepted,
    check_came,
    find_news,
    send_pushes,
)
from infobip_sms_conformance.contract.codec import MEDIA_TYPES
from infobip_sms_conformance.fixtures.webhook_messages import (
    ASKED,
    LATER,
    OTHER,
    PLAIN,
    UNASKED,
    WHOLE,
)
from infobip_sms_conformance.observations.delivery_reports import Report, read_push
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.observations.tolerant_reader import find_list
from infobip_sms_conformance.observations.verdicts import Broken, Finding, Inconclusive
from infobip_sms_conformance.session.registry import FIRST, LAST, requirement
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.webhook_receiver import Hit

# As in 2015-02-12T09:58:20.323+0100; how many digits a second has is not said.
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?[+-]\d{4}")


@requirement("DLR-001", needs=["push"], feature="reports", order=FIRST)
def test_dlr_001_messages_with_notify_urls_are_sent(session: Session, wire: str) -> None:
    """Messages with notify URLs are sent before anything else, so that their reports can come."""
    send_pushes(session, wire)


@requirement("DLR-001", needs=["push"], feature="reports", order=LAST)
def test_dlr_001_reports_come_to_the_notify_url(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A report comes by POST to the notify URL of each message, with its messageId and bulkId."""
    news = find_news(session, wire, findings)
    missing, root = news.find_missing()
    expected = "a delivery report by POST at the notify URL"
    if root == "DLR-002" and PLAIN in missing:
        raise Inconclusive("none in this format", because=root, exchange=news.exchange)
    if root == "DLR-001":
        raise Broken(news.describe_silence(), expected=expected, exchange=news.focus(missing[0]))
    problems = (find_wrong_push(hit) for hit in news.hits())
    if problem := next(filter(None, problems), ""):
        raise Broken(problem, expected=expected, exchange=news.exchange)
    if name := find_other_address(news):
        got = "a push to the notify URL with another query, or none"
        raise Broken(got, expected=expected, exchange=news.focus(name))
    judge_ids(news)
    read = [hit for hit in news.hits() if read_push(hit) is not None]
    if read and not any(map(news.all_reports, news.messages)):
        raise Broken("no report in any push", expected=expected, exchange=news.exchange)
    check_came(news)
    if (name := find_unfinished(news)) and session.target.is_loopback:
        got = f"no final report for {name}, where there is one of a later message to its number"
        raise Broken(got, expected=expected, exchange=news.focus(name))


def find_other_address(news: News) -> str:
    """Return a name whose reports came to its notify URL without what stands in it behind the path."""
    for name, message in news.messages.items():
        query = urlsplit(message["notifyUrl"]).query
        if any(hit.query != query for hit in news.own_hits(name)):
            return name
    return ""


def find_unfinished(news: News) -> str:
    """Return a name with reports but no final one, although the scheduled message to its number has one."""
    if LATER not in news.accepted or not news.is_complete(LATER):
        return ""
    later = {drop_plus(one["to"]) for one in news.messages[LATER]["destinations"]}
    for name in (OTHER, ASKED, UNASKED):
        own = {drop_plus(one["to"]) for one in news.messages.get(name, {}).get("destinations", ())}
        begun = name in news.accepted and later & own and news.hits(name)
        if begun and not news.find_final(name):
            return name
    return ""


def find_wrong_push(hit: Hit) -> str:
    """Say what is wrong with a push; DLR-002 judges one that cannot be read."""
    if hit.method != "POST":
        return "a push by another method"
    data = read_push(hit)
    return "" if data is None or find_list(data, "results") is not None else "no list of results"


def judge_ids(news: News) -> None:
    """Demand that every report has the ids of a message of its notify URL, and that none is missing."""
    expected = "reports with the messageId, the bulkId and, if at all, the to of each destination"
    for name in news.messages:
        reports, known = news.all_reports(name), news.find_known(name)
        problems = [find_wrong_ids(report, known, news.find_bulk_ids()) for report in reports]
        if name == PLAIN and reports:
            problems += [find_lacking(reports, ids) for _, ids in known]
        if problem := next(filter(None, problems), ""):
            raise Broken(f"{problem} ({name})", expected=expected, exchange=news.focus(name))


def find_wrong_ids(report: Report, known: list[tuple[str, set[str]]], bulks: set[str]) -> str:
    """Compare the ids of a report with what its message may have; nothing known allows any."""
    if not report.message_id:
        return "a report without messageId"
    numbers = {number for number, ids in known if not ids or report.message_id in ids}
    if not numbers:
        return "a report with another messageId"
    if report.to and report.to not in numbers:
        return "a report with the to of another destination"
    if bulks and report.bulk_id not in bulks:
        return "a report with another bulkId" if report.bulk_id else "a report without bulkId"
    return ""


def find_lacking(reports: list[Report], ids: set[str]) -> str:
    """Look for the report of one destination."""
    found = not ids or ids & {report.message_id for report in reports}
    return "" if found else "no report for one of the destinations"


# ------------------------------------------------------------------ form


@requirement("DLR-002", needs=["push"], feature="reports", order=LAST)
def test_dlr_002_report_has_the_format_asked_for(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Every report is of the format of notifyContentType, in its body and in its content type."""
    news = find_news(session, wire, findings)
    for name, message in news.messages.items():
        media = message["notifyContentType"]
        problems = (find_wrong_form(hit, media) for hit in news.own_hits(name))
        if problem := next(filter(None, problems), ""):
            raise Broken(
                problem, sent=news.describe(name), expected=media, exchange=news.focus(name)
            )
    missing, root = news.find_missing()
    if root == "DLR-002":
        media = news.messages[missing[0]]["notifyContentType"]
        raise Broken(
            f"{news.describe_silence()}, but reports in the other format",
            expected=f"a delivery report of {media}",
            exchange=news.focus(missing[0]),
        )
    if not news.hits():
        raise Inconclusive("no report", because="DLR-001", exchange=news.exchange)


def find_wrong_form(hit: Hit, media: str) -> str:
    """Compare body and content type of a push with a format."""
    wire = next(name for name, known in MEDIA_TYPES.items() if known == media)
    if read_push(hit) is None or (find_wire(hit.body) or "json") != wire:
        return f"a body that is not {wire.upper()}"
    given = hit.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    kind, _, name = given.partition("/")
    says_so = kind in {"application", "text"} and (name == wire or name.endswith(f"+{wire}"))
    return "" if says_so else f"a content type that is not of {wire.upper()}"


@requirement("DLR-003", needs=["push"], feature="reports", order=LAST)
def test_dlr_003_instants_have_an_offset_without_colon(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Each sentAt and doneAt that is there is a date and time with an offset without colon."""
    news = find_news(session, wire, findings)
    check_came(news)
    expected = "a date and time such as 2015-02-12T09:58:20.323+0100"
    seen = False
    for report in news.reports():
        for name in ("sentAt", "doneAt"):
            there = report.data.get(name) not in (None, "")
            seen = seen or there
            if there and not is_instant(report, name):
                exchange = news.focus(report.hit.name.rpartition("-")[0])
                raise Broken(f"another form of {name}", expected=expected, exchange=exchange)
    if not seen:
        got = "no report has sentAt or doneAt"
        raise Inconclusive(got, expected=expected, exchange=news.exchange)


def is_instant(report: Report, name: str) -> bool:
    """Tell whether a member is written as reports write instants, and there is such an instant."""
    text = str(report.data[name])
    return bool(INSTANT.fullmatch(text.strip())) and report.find_instant(name) is not None


@requirement("DLR-004", needs=["push"], feature="reports", order=LAST)
def test_dlr_004_callback_data_comes_back_in_full(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Every report has the callbackData of its message, to the last of 200 characters."""
    news = find_news(session, wire, findings)
    check_came(news)
    if wire == "xml" and find_lost_texts(session, findings):
        raise Inconclusive("altered in requests in XML", because="XML-004", exchange=news.exchange)
    for name, message in news.messages.items():
        given = message["callbackData"]
        for report in news.reports(name):
            found = report.data.get("callbackData")
            # Nothing says what an intermediate report holds.
            if found != given and not (found is None and report.is_under_way):
                raise Broken(
                    describe_difference(given, found),
                    sent=news.describe(name),
                    expected="the callbackData of the message",
                    exchange=news.focus(name),
                )


@requirement("XML-002", ["xml"], needs=["push"], feature="reports", order=LAST)
def test_xml_002_all_days_of_a_window_are_kept(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message whose window names today among other days is sent as it is when asked for in JSON."""
    news = find_news(session, wire, findings)
    check_accepted(news, WHOLE, findings)
    check_came(news)
    if "json" not in session.wires:
        raise Inconclusive("JSON is not judged in this run", exchange=news.exchange)
    twin = find_news(session, "json", findings)
    if news.is_sent(PLAIN) and twin.is_sent(WHOLE) and not news.is_sent(WHOLE):
        raise Broken(
            f"no report that it was sent within {session.plan.patience:g} s",
            sent=news.describe(WHOLE),
            expected="sent on each of its days",
            exchange=news.focus(WHOLE),
        )


@requirement("XML-004", ["xml"], needs=["push"], feature="reports", order=LAST)
def test_xml_004_texts_are_read_as_they_are(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """The callbackData of a request in XML comes back in JSON as that of one in JSON does in XML."""
    news = find_news(session, wire, findings)
    check_came(news)
    if got := find_lost_texts(session, findings):
        expected = "the callbackData of the message"
        raise Broken(got, expected=expected, exchange=news.focus(OTHER))


def find_lost_texts(session: Session, findings: list[Finding]) -> str:
    """Say how texts of requests in XML are altered, where those of requests in JSON are not."""
    if set(session.wires) != {"json", "xml"}:
        return ""
    lost = {}
    for wire in session.wires:
        news = find_news(session, wire, findings)
        given = news.messages.get(OTHER, {}).get("callbackData")
        reports = [report for report in news.reports(OTHER) if report.is_final]
        wrong = (r.data.get("callbackData") for r in reports)
        lost[wire] = [describe_difference(given, found) for found in wrong if found != given]
        if not reports:
            return ""
    return lost["xml"][0] if lost["xml"] and not lost["json"] else ""


def describe_difference(given: str, found: object) -> str:
    """Say how two texts differ, without quoting them."""
    if not isinstance(found, str) or not found:
        return "no callbackData"
    same = next((n for n, (a, b) in enumerate(zip(given, found, strict=False)) if a != b), None)
    place = f", the first difference at character {same + 1}" if same is not None else ""
    return f"{len(found)} characters for {len(given)}{place}"


# ------------------------------------------------------------------ which reports come


@requirement("DLR-005", needs=["push"], feature="intermediate", order=LAST)
def test_dlr_005_intermediate_report_comes_before_the_final_one(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """With intermediateReport true a report that is not final comes first."""
    news = find_news(session, wire, findings)
    check_accepted(news, ASKED, findings)
    check_came(news)
    missing, root = news.find_missing()
    if ASKED in missing and root != "DLR-005":
        raise Inconclusive("no report for it", because=root, exchange=news.exchange)
    if others := find_unasked_destinations(news):
        got = f"no intermediate report for {others} of the destinations"
        expected = "one for each destination"
        raise Broken(got, sent=news.describe(ASKED), expected=expected, exchange=news.focus(ASKED))
    reports = news.reports(ASKED)
    before = next((n for n, report in enumerate(reports) if report.is_under_way), None)
    end = next((n for n, report in enumerate(reports) if report.is_final), None)
    if ASKED not in missing and before is None and end is None:
        raise Inconclusive("no report with a status that can be read", exchange=news.exchange)
    if before is None or (end is not None and end < before):
        late = "the intermediate report after the final one" if before is not None else ""
        raise Broken(
            late or "no intermediate report",
            sent=news.describe(ASKED),
            expected="a report with a status of the PENDING group, then the final one",
            exchange=news.focus(ASKED),
        )


def find_unasked_destinations(news: News) -> int:
    """Count the destinations that have final reports only, where another one has an intermediate one."""
    reports = news.reports(ASKED)
    before = {report.message_id for report in reports if report.is_under_way}
    ended = {report.message_id for report in reports if report.is_final}
    return len(ended - before) if before else 0


@requirement("DLR-005", needs=["push"], feature="intermediate", order=LAST)
def test_dlr_005_no_intermediate_report_comes_unasked(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """With intermediateReport false every report is final."""
    news = find_news(session, wire, findings)
    check_accepted(news, UNASKED, findings)
    check_came(news)
    if any(report.is_under_way for report in news.reports(UNASKED)):
        raise Broken(
            "an intermediate report",
            sent=news.describe(UNASKED),
            expected="final reports only",
            exchange=news.focus(UNASKED),
        )
