"""Checks of what happens in time: SCHED, WIN and VAL, and the units of both versions.

What was sent, and whether, shows in delivery reports. What takes longer than a run lasts shows when the clock
of the server can be moved (--clock), or when the run waits for it (--patience).

Lives here: when a message is sent, and when not any more.
Never here: the form of reports (test_reports.py), when they come again (test_retries.py).
"""

from infobip_sms_conformance.checks.support.assertions import check_answered, is_explained
from infobip_sms_conformance.checks.support.calls import has_failed
from infobip_sms_conformance.checks.support.time_travel import (
    END,
    HOUR,
    find_clock,
    find_opening_of,
    travel,
)
from infobip_sms_conformance.checks.support.webhooks import (
    News,
    check_accepted,
    check_came,
    check_reports,
    find_news,
    send_pushes,
)
from infobip_sms_conformance.fixtures.webhook_messages import (
    BRIEF,
    CAPPED,
    DAYS,
    EXPIRING,
    EXPIRY,
    HOURS,
    LATER,
    LONG,
    LONGEST,
    MINUTE,
    OPEN,
    PLAIN,
    WHOLE,
    build_brief,
)
from infobip_sms_conformance.observations.delivery_reports import Report, read_reports
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import (
    Broken,
    Finding,
    Inconclusive,
    NotApplicable,
)
from infobip_sms_conformance.session.registry import FIRST, LAST, requirement
from infobip_sms_conformance.session.session import Session

SHORTEST = 55.0
"""Seconds that a period of one minute lasts at least."""
TOLERANCE = 0.5
"""Seconds that a clock may be early."""
EXPIRED = "shows after some minutes: --patience 130, or --clock"
CAPPED_LATER = "shows after two days: --clock"


# ------------------------------------------------------------------ when a message is sent


@requirement("SCHED-001", needs=["push"], feature="reports", order=LAST)
def test_sched_001_message_is_not_sent_before_send_at(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message to be sent in two seconds is reported as sent no sooner."""
    news = find_news(session, wire, findings)
    check_accepted(news, LATER, findings)
    due = news.find_send_at()
    reports = [report for report in news.reports(LATER) if report.is_of_sent]
    for report in reports:
        sent_at = report.find_instant("sentAt") if has_true_times(news) else None
        early = sent_at is not None and sent_at.timestamp() < due - TOLERANCE
        if early or (session.target.is_loopback and report.hit.at < due - TOLERANCE):
            got = "a sentAt before sendAt" if early else "a report of its delivery before sendAt"
            raise Broken(got, expected="sent at sendAt or later", exchange=news.focus(LATER))
    if not reports:
        raise Inconclusive(
            "no report that it was sent", because=find_root(news), exchange=news.exchange
        )


def has_true_times(news: News) -> bool:
    """Tell whether the sentAt of a message that was sent at once is about then."""
    instants = [(r, r.find_instant("sentAt")) for r in news.reports(PLAIN)]
    return any(at is not None and abs(at.timestamp() - r.hit.at) < MINUTE for r, at in instants)


def find_root(news: News) -> str:
    """Return the requirement because of which a message is not known to have been sent."""
    missing, root = news.find_missing()
    return root if PLAIN in missing or root == "DLR-001" else ""


def check_sent(news: News) -> None:
    """Raise Inconclusive unless the plain message was sent, as any without a window would be."""
    if not news.is_sent(PLAIN):
        got = "no report that a message without a window was sent"
        raise Inconclusive(got, because=find_root(news), exchange=news.exchange)


def check_reported(news: News, name: str) -> None:
    """Raise Inconclusive where no report came of a message, nor of others that should have come."""
    if not news.hits(name) and news.find_missing()[1] == "DLR-001":
        raise Inconclusive("no report for it", because="DLR-001", exchange=news.exchange)


def judge_sent(news: News, name: str, window: str) -> None:
    """Demand that a message whose window is open was sent."""
    if not news.is_sent(name):
        raise Broken(
            f"no report that it was sent within {news.session.plan.patience:g} s",
            sent=f"{news.exchange.what}, one with {window}",
            expected="sent at once",
            exchange=news.focus(name),
        )


@requirement("WIN-007", needs=["push"], feature="reports", order=LAST)
def test_win_007_window_that_is_open_by_utc_is_open(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message whose window is open around now, by UTC, is sent."""
    news = find_news(session, wire, findings)
    check_accepted(news, OPEN, findings)
    check_sent(news)
    if find_ignored(news):
        got = "sent, as messages are whose windows are closed"
        raise Inconclusive(got, because="WIN-008", exchange=news.exchange)
    check_reported(news, OPEN)
    judge_sent(news, OPEN, "a window of an hour around now")


@requirement("WIN-008", needs=["push"], feature="reports", order=LAST)
def test_win_008_message_waits_for_its_window(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """No message is sent whose window is closed for its day, or for the time of day."""
    news = find_news(session, wire, findings)
    closed = [name for name in (DAYS, HOURS) if name in news.accepted]
    check_accepted(news, closed[0] if closed else DAYS, findings)
    check_sent(news)
    if ignored := find_ignored(news):
        raise Broken(
            "sent",
            sent=f"{news.exchange.what}, one with a window of other {ignored}",
            expected="not sent before its window opens",
            exchange=news.focus(ignored),
        )
    if news.is_sent(HOURS):
        got = "sent in a window of other hours, perhaps for their zone"
        raise Inconclusive(got, because="WIN-007", exchange=news.exchange)


def find_ignored(news: News) -> str:
    """Return what of a window does not keep a message from being sent: its days or its hours.

    Hours are kept in another zone, and not ignored, where the window around now is closed.
    """
    if news.is_sent(DAYS):
        return DAYS
    hours = news.is_sent(HOURS) and (OPEN not in news.accepted or news.is_sent(OPEN))
    return HOURS if hours else ""


@requirement("WIN-008", needs=["push"], feature="reports", order=LAST)
def test_win_008_window_is_open_on_the_whole_of_its_days(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message whose window names today, among other days and without from and to, is sent."""
    news = find_news(session, wire, findings)
    check_accepted(news, WHOLE, findings)
    check_sent(news)
    check_reported(news, WHOLE)
    if wire == "xml" and has_failed(findings, "XML-002"):
        raise Inconclusive("not all days are read", because="XML-002", exchange=news.exchange)
    if has_failed(findings, "WIN-007") and not news.is_sent(OPEN):
        raise Inconclusive("no window is open", because="WIN-007", exchange=news.exchange)
    judge_sent(news, WHOLE, "a window of whole days")


# ------------------------------------------------------------------ when it is not sent any more


@requirement("SEND-017", needs=["push"], feature="reports", order=LAST)
def test_send_017_validity_period_counts_minutes(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message with a validityPeriod of 1 does not come to its end before a minute is over."""
    news = find_news(session, wire, findings)
    check_accepted(news, DAYS, findings)
    check_came(news)
    if counts_milliseconds(session, news):
        raise Inconclusive("EXPIRED at once", because="V1-003", exchange=news.exchange)
    sent_at, clock = news.exchange.at, find_clock(session)
    for report in news.reports(DAYS):
        if report.is_of_expired and clock.find_span(report.hit.at)[1] < sent_at + SHORTEST:
            expected = f"EXPIRED after {EXPIRY} minute"
            raise Broken("EXPIRED sooner", expected=expected, exchange=news.focus(DAYS))


@requirement("VAL-003", needs=["push"], feature="reports", order=END)
def test_val_003_message_is_not_sent_after_its_validity_period(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message whose window opens after its validityPeriod is over is not sent then."""
    news = find_news(session, wire, findings)
    if EXPIRING not in news.messages:
        raise Inconclusive(EXPIRED)
    check_accepted(news, EXPIRING, findings)
    await_end(session, news, EXPIRING)
    sent = news.focus(EXPIRING)
    judge_end(news, sent, news.messages[EXPIRING], news.reports(EXPIRING), EXPIRED)


@requirement("VAL-002", needs=["push"], feature="reports", order=END)
def test_val_002_validity_period_is_no_longer_than_the_longest(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message with a validityPeriod of 4000 minutes comes to its end after 2880."""
    news = find_news(session, wire, findings)
    if CAPPED not in news.messages:
        raise Inconclusive(CAPPED_LATER)
    check_accepted(news, CAPPED, findings)
    if session.plan.clock:
        travel(session)
        check_kept(news)
    if counts_milliseconds(session, news):
        raise Inconclusive("its end at once", because="V1-003", exchange=news.exchange)
    reports = news.reports(CAPPED)
    sent = news.focus(CAPPED)
    judge_end(news, sent, news.messages[CAPPED], reports, CAPPED_LATER)
    ends = [find_clock(session).find_span(r.hit.at)[1] for r in reports if r.is_of_expired]
    if min(ends) < news.exchange.at + LONGEST * MINUTE - HOUR / 2:  # a stop is at an hour before
        expected = "its end after 2880 minutes"
        if has_failed(findings, "SEND-017"):
            got = "its end before that"
            raise Inconclusive(got, expected=expected, because="SEND-017", exchange=sent)
        raise Broken("its end before that", expected=expected, exchange=sent)


def await_end(session: Session, news: News, name: str) -> None:
    """Let the time pass in which a message comes to its end."""
    if session.plan.clock:
        travel(session)
    else:
        news.wait_for([name], news.exchange.at + session.plan.patience)


def judge_end(
    news: News, exchange: Exchange, message: object, reports: list[Report], hint: str
) -> None:
    """Demand that a message was not sent when its window opened, because it had come to its end."""
    clock, opens = find_clock(news.session), find_opening_of(message, exchange.at)
    for report in reports:
        if report.is_of_sent and clock.find_span(report.hit.at)[1] < opens - TOLERANCE:
            got = "sent before its window opened"
            raise Inconclusive(got, because=find_window_root(news), exchange=exchange)
        if report.is_of_sent:
            expected = "a status of the EXPIRED group"
            raise Broken("sent when its window opened", expected=expected, exchange=exchange)
    if not any(report.is_of_expired for report in reports):
        got = "no report of its end" + ("" if news.session.plan.clock else f"; {hint}")
        raise Inconclusive(got, exchange=exchange)


def find_window_root(news: News) -> str:
    """Return the requirement that is broken where windows are not kept; before the clock was moved."""
    news.until = find_clock(news.session).began
    if find_ignored(news):
        return "WIN-008"
    zone = news.is_sent(HOURS) or (OPEN in news.accepted and not news.is_sent(OPEN))
    return "WIN-007" if zone else ""


def check_kept(news: News) -> None:
    """Raise Inconclusive where no validityPeriod at all ends a message."""
    if EXPIRING in news.accepted:
        try:
            judge_end(news, news.exchange, news.messages[EXPIRING], news.reports(EXPIRING), "")
        except Broken as failure:
            raise Inconclusive(failure.got, because="VAL-003", exchange=news.exchange) from None
        except Inconclusive:
            return


@requirement("V1-003", needs=["push"], feature="v1", order=FIRST)
def test_v1_003_message_of_version_1_is_sent(session: Session, wire: str) -> None:
    """A message of version 1 is sent before anything else, so that its end can come."""
    send_brief(session, wire)


@requirement("V1-003", needs=["push"], feature="v1", order=END)
def test_v1_003_version_1_counts_milliseconds_and_version_2_minutes(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A period of 1000 is over in a second by version 1; one of 1200 is not by version 2."""
    exchange = send_brief(session, wire)
    news = find_news(session, wire, findings)
    if counts_milliseconds(session, news):
        raise Broken(
            "EXPIRED at once",
            sent=f"{news.exchange.what}, one with a validityPeriod of {LONG}",
            expected=f"the end of a message of version 2 after {LONG} minutes",
            exchange=news.focus(HOURS),
        )
    if exchange.absent:
        raise NotApplicable("the server does not offer POST /sms/1/text/advanced")
    if not exchange.taken:
        raise Inconclusive(exchange.got, because=is_explained(findings), exchange=exchange)
    if session.plan.clock:
        travel(session)
    else:
        end = exchange.at + session.plan.patience
        news.wait_until(lambda: any(r.is_final for r in read_brief(session, wire)), end)
    reports = read_brief(session, wire)
    if any(report.is_of_sent for report in reports):
        check_kept(news)
    judge_end(news, exchange, exchange.document["messages"][0], reports, EXPIRED)


def send_brief(session: Session, wire: str) -> Exchange:
    """Return the exchange of a message of version 1 that is over before its window opens."""
    check_reports(session, wire)
    send_pushes(session, wire)
    found = session.find(BRIEF, wire)
    if found is None:
        document = build_brief(wire, session.find_receiver().build_url)
        what = "a message of version 1 with a validityPeriod of 1000"
        found = session.keep(BRIEF, wire, session.call("sendV1", wire, what, document))
    check_answered(found)
    return found


def read_brief(session: Session, wire: str) -> list[Report]:
    """Return the reports of the message of version 1."""
    hits = session.find_receiver().hits(f"{BRIEF}-{wire}")
    return [report for hit in hits for report in read_reports(hit)]


def counts_milliseconds(session: Session, news: News) -> bool:
    """Tell whether version 2 has ended a message at once whose period is 1200 minutes."""
    half = news.exchange.at + LONG * MINUTE / 2
    ends = [report.hit.at for report in news.reports(HOURS) if report.is_of_expired]
    return any(find_clock(session).find_span(at)[1] < half for at in ends)
