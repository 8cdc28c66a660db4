"""Checks of what happens in time: SCHED, WIN and VAL, and the units of both versions.

What was sent, and whether, shows in delivery reports. What takes longer than a run lasts shows when the clock
of the server can be moved (--clock), or when the run waits for it (--patience).
"""

from datetime import (
    UTC,
    datetime,
)

from infobip_sms_conformance.checks.support.assertions import (
    require_response,
)
from infobip_sms_conformance.checks.support.calls import has_failed
from infobip_sms_conformance.checks.support.root_causes import get_rejected_field
from infobip_sms_conformance.checks.support.time_travel import (
    HOUR,
    TIME_TRAVEL,
    get_server_clock,
    get_window_opening,
    travel_in_time,
)
from infobip_sms_conformance.checks.support.webhooks import (
    WebhookRun,
    get_webhook_run,
    require_accepted,
    require_reports,
    require_reports_received,
    send_webhook_messages,
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
    MAX_VALIDITY_PERIOD,
    MINUTE,
    OPEN,
    PLAIN,
    WHOLE,
    build_brief,
)
from infobip_sms_conformance.observations.delivery_reports import ReceivedReport, parse_reports
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Explained,
    Finding,
    Inconclusive,
    Mismatch,
    NotApplicable,
    explain,
    show,
)
from infobip_sms_conformance.session.registry import FIRST, LAST, check
from infobip_sms_conformance.session.session import Session

SHORTEST = 55.0
"""Seconds that a period of one minute lasts at least."""
TOLERANCE = 0.5
"""Seconds that a clock may be early."""
EXPIRED_HINT = "shows after some minutes: --patience 130, or --clock"
CAPPED_HINT = "shows after two days: --clock"


# ------------------------------------------------------------------ when a message is sent


@check("SCHED-001", needs=["push"], feature="reports", order=LAST)
def test_sched_001_message_is_not_sent_before_send_at(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message to be sent in two seconds is reported as sent no sooner."""
    news = get_webhook_run(session, wire, findings)
    require_accepted(news, LATER, findings)
    due = news.get_send_at()
    reports = [report for report in news.reports(LATER) if report.is_sent]
    for report in reports:
        sent_at = report.find_instant("sentAt") if has_true_times(news) else None
        early = sent_at is not None and sent_at.timestamp() < due - TOLERANCE
        if early or (session.target.is_loopback and report.call.at < due - TOLERANCE):
            came = sent_at.timestamp() if early and sent_at else report.call.at
            what = "sentAt" if early else "a report of its delivery"
            wrong = Mismatch(what, f"{format_time(due)} or later", format_time(came))
            raise CheckFailed(wrong, exchange=news.exchange_for(LATER, report.call))
    if not reports:
        raise Inconclusive(
            "no report that it was sent", caused_by=get_root_cause(news), exchange=news.exchange
        )


def format_time(instant: float) -> str:
    """Return an instant to the second, in UTC."""
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="seconds")


def has_true_times(webhook_run: WebhookRun) -> bool:
    """Tell whether the sentAt of a message that was sent at once is about then."""
    instants = [(r, r.find_instant("sentAt")) for r in webhook_run.reports(PLAIN)]
    return any(at is not None and abs(at.timestamp() - r.call.at) < MINUTE for r, at in instants)


def get_root_cause(webhook_run: WebhookRun) -> str:
    """Return the requirement because of which a message is not known to have been sent."""
    missing, root = webhook_run.get_missing()
    if PLAIN in missing or root == "DLR-001":
        return root
    return "DLR-001" if webhook_run.is_unreadable(PLAIN) else ""


def require_plain_sent(webhook_run: WebhookRun) -> None:
    """Raise Inconclusive unless the plain message was sent, as any without a window would be."""
    if not webhook_run.is_sent(PLAIN):
        got = "no report that a message without a window was sent"
        raise Inconclusive(
            got, caused_by=get_root_cause(webhook_run), exchange=webhook_run.exchange
        )


def require_reported(webhook_run: WebhookRun, name: str) -> None:
    """Raise Inconclusive where no report came of a message, nor of others that should have come."""
    if not webhook_run.calls(name) and webhook_run.get_missing()[1] == "DLR-001":
        raise Inconclusive("no report for it", caused_by="DLR-001", exchange=webhook_run.exchange)


def assert_sent(webhook_run: WebhookRun, name: str, window: str) -> None:
    """Demand that a message whose window is open was sent."""
    if not webhook_run.is_sent(name):
        raise CheckFailed(
            f"no report that it was sent within {webhook_run.session.plan.patience:g} s",
            sent=f"{webhook_run.exchange.label}, one with {window}",
            expected="sent at once",
            exchange=webhook_run.exchange_for(name),
        )


@check("WIN-007", needs=["push"], feature="reports", order=LAST)
def test_win_007_window_that_is_open_by_utc_is_open(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message whose window is open around now, by UTC, is sent."""
    news = get_webhook_run(session, wire, findings)
    require_accepted(news, OPEN, findings)
    require_plain_sent(news)
    if get_ignored(news):
        got = "sent, as messages are whose windows are closed"
        raise Inconclusive(got, caused_by="WIN-008", exchange=news.exchange)
    require_reported(news, OPEN)
    assert_sent(news, OPEN, "a window of an hour around now")


@check("WIN-008", needs=["push"], feature="reports", order=LAST)
def test_win_008_message_waits_for_its_window(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """No message is sent whose window is closed for its day, or for the time of day."""
    news = get_webhook_run(session, wire, findings)
    closed = [name for name in (DAYS, HOURS) if name in news.accepted]
    require_accepted(news, closed[0] if closed else DAYS, findings)
    require_plain_sent(news)
    if ignored := get_ignored(news):
        window = news.messages[ignored]["deliveryTimeWindow"]
        report = next(report for report in news.reports(ignored) if report.is_sent)
        raise CheckFailed(
            f"status {show(report.group)} at {format_time(report.call.at)}",
            sent=f"{news.exchange.label}, one with a window of other {ignored}",
            expected=f"not sent outside of its window, {show(window)}",
            exchange=news.exchange_for(ignored, report.call),
        )
    if news.is_sent(HOURS):
        got = "sent in a window of other hours, perhaps for their zone"
        raise Inconclusive(got, caused_by="WIN-007", exchange=news.exchange)


def get_ignored(webhook_run: WebhookRun) -> str:
    """Return what of a window does not keep a message from being sent: its days or its hours.

    Hours are kept in another zone, and not ignored, where the window around now is closed.
    """
    if webhook_run.is_sent(DAYS):
        return DAYS
    hours = webhook_run.is_sent(HOURS) and (
        OPEN not in webhook_run.accepted or webhook_run.is_sent(OPEN)
    )
    return HOURS if hours else ""


@check("WIN-008", needs=["push"], feature="reports", order=LAST)
def test_win_008_window_is_open_on_the_whole_of_its_days(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message whose window names today, among other days and without from and to, is sent."""
    news = get_webhook_run(session, wire, findings)
    require_accepted(news, WHOLE, findings)
    require_plain_sent(news)
    require_reported(news, WHOLE)
    if wire == "xml" and has_failed(findings, "XML-002"):
        raise Inconclusive("not all days are read", caused_by="XML-002", exchange=news.exchange)
    if has_failed(findings, "WIN-007") and not news.is_sent(OPEN):
        raise Inconclusive("no window is open", caused_by="WIN-007", exchange=news.exchange)
    assert_sent(news, WHOLE, "a window of whole days")


# ------------------------------------------------------------------ when it is not sent any more


@check("SEND-017", needs=["push"], feature="reports", order=LAST)
def test_send_017_validity_period_counts_minutes(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message with a validityPeriod of 1 does not come to its end before a minute is over."""
    news = get_webhook_run(session, wire, findings)
    require_accepted(news, DAYS, findings)
    require_reports_received(news)
    if counts_milliseconds(session, news):
        raise Inconclusive("EXPIRED at once", caused_by="V1-003", exchange=news.exchange)
    sent_at, clock = news.exchange.at, get_server_clock(session)
    for report in news.reports(DAYS):
        if report.is_expired and clock.get_bounds(report.call.at)[1] < sent_at + SHORTEST:
            expected = f"EXPIRED after {EXPIRY} minute"
            got = f"EXPIRED after {report.call.at - sent_at:.0f} s"
            raise CheckFailed(got, expected=expected, exchange=news.exchange_for(DAYS, report.call))


@check("VAL-003", needs=["push"], feature="reports", order=TIME_TRAVEL)
def test_val_003_message_is_not_sent_after_its_validity_period(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message whose window opens after its validityPeriod is over is not sent then."""
    news = get_webhook_run(session, wire, findings)
    if EXPIRING not in news.messages:
        raise Inconclusive(EXPIRED_HINT)
    require_accepted(news, EXPIRING, findings)
    wait_for_end(session, news, EXPIRING)
    sent = news.exchange_for(EXPIRING)
    assert_expired(news, sent, news.messages[EXPIRING], news.reports(EXPIRING), EXPIRED_HINT)


@check("VAL-002", needs=["push"], feature="reports", order=TIME_TRAVEL)
def test_val_002_validity_period_is_no_longer_than_the_longest(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A message with a validityPeriod of 4000 minutes comes to its end after 2880."""
    news = get_webhook_run(session, wire, findings)
    if CAPPED not in news.messages:
        raise Inconclusive(CAPPED_HINT)
    require_accepted(news, CAPPED, findings)
    if session.plan.clock:
        travel_in_time(session)
        require_validity_respected(news)
    if counts_milliseconds(session, news):
        raise Inconclusive("its end at once", caused_by="V1-003", exchange=news.exchange)
    reports = news.reports(CAPPED)
    sent = news.exchange_for(CAPPED)
    assert_expired(news, sent, news.messages[CAPPED], reports, CAPPED_HINT)
    ends = [get_server_clock(session).get_bounds(r.call.at)[1] for r in reports if r.is_expired]
    if (
        min(ends) < news.exchange.at + MAX_VALIDITY_PERIOD * MINUTE - HOUR / 2
    ):  # a stop is at an hour before
        expected = "its end after 2880 minutes"
        if has_failed(findings, "SEND-017"):
            got = "its end before that"
            raise Explained(got, expected=expected, caused_by="SEND-017", exchange=sent)
        raise CheckFailed("its end before that", expected=expected, exchange=sent)


def wait_for_end(session: Session, webhook_run: WebhookRun, name: str) -> None:
    """Let the time pass in which a message comes to its end."""
    if session.plan.clock:
        travel_in_time(session)
    else:
        webhook_run.wait_for([name], webhook_run.exchange.at + session.plan.patience)


def assert_expired(
    webhook_run: WebhookRun,
    exchange: Exchange,
    message: object,
    reports: list[ReceivedReport],
    hint: str,
) -> None:
    """Demand that a message was not sent when its window opened, because it had come to its end."""
    clock, opens = get_server_clock(webhook_run.session), get_window_opening(message, exchange.at)
    for report in reports:
        if report.is_sent and clock.get_bounds(report.call.at)[1] < opens - TOLERANCE:
            got = "sent before its window opened"
            raise Inconclusive(got, caused_by=get_window_root_cause(webhook_run), exchange=exchange)
        if report.is_sent:
            expected = "a status of the EXPIRED group"
            got = f"status {show(report.group)} when its window opened"
            raise CheckFailed(got, expected=expected, exchange=exchange)
    if not any(report.is_expired for report in reports):
        got = "no report of its end" + ("" if webhook_run.session.plan.clock else f"; {hint}")
        raise Inconclusive(got, caused_by=get_root_cause(webhook_run), exchange=exchange)


def get_window_root_cause(webhook_run: WebhookRun) -> str:
    """Return the requirement that is broken where windows are not kept; before the clock was moved."""
    webhook_run.until = get_server_clock(webhook_run.session).first_move
    if get_ignored(webhook_run):
        return "WIN-008"
    zone = webhook_run.is_sent(HOURS) or (
        OPEN in webhook_run.accepted and not webhook_run.is_sent(OPEN)
    )
    return "WIN-007" if zone else ""


def require_validity_respected(webhook_run: WebhookRun) -> None:
    """Raise Inconclusive where no validityPeriod at all ends a message."""
    if EXPIRING in webhook_run.accepted:
        try:
            assert_expired(
                webhook_run,
                webhook_run.exchange,
                webhook_run.messages[EXPIRING],
                webhook_run.reports(EXPIRING),
                "",
            )
        except CheckFailed as failure:
            raise explain(failure, "VAL-003") from None
        except Inconclusive:
            return


@check("V1-003", needs=["push"], feature="v1", order=FIRST)
def test_v1_003_message_of_version_1_is_sent(session: Session, wire: str) -> None:
    """A message of version 1 is sent before anything else, so that its end can come."""
    send_brief(session, wire)


@check("V1-003", needs=["push"], feature="v1", order=TIME_TRAVEL)
def test_v1_003_version_1_counts_milliseconds_and_version_2_minutes(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A period of 1000 is over in a second by version 1; one of 1200 is not by version 2."""
    exchange = send_brief(session, wire)
    news = get_webhook_run(session, wire, findings)
    if counts_milliseconds(session, news):
        raise CheckFailed(
            "EXPIRED at once",
            sent=f"{news.exchange.label}, one with a validityPeriod of {LONG}",
            expected=f"the end of a message of version 2 after {LONG} minutes",
            exchange=news.exchange_for(HOURS),
        )
    if exchange.is_absent:
        raise NotApplicable("the server does not offer POST /sms/1/text/advanced")
    if not exchange.has_succeeded:
        root = get_rejected_field(findings, exchange)
        is_form = wire == "xml" and has_failed(findings, "V1-005")
        raise Inconclusive(
            exchange.got, caused_by=root or ("V1-005" if is_form else "V1-001"), exchange=exchange
        )
    if session.plan.clock:
        travel_in_time(session)
    else:
        end = exchange.at + session.plan.patience
        news.wait_until(lambda: any(r.is_final for r in get_brief_reports(session, wire)), end)
    reports = get_brief_reports(session, wire)
    if any(report.is_sent for report in reports):
        require_validity_respected(news)
    assert_expired(news, exchange, exchange.document["messages"][0], reports, EXPIRED_HINT)


def send_brief(session: Session, wire: str) -> Exchange:
    """Return the exchange of a message of version 1 that is over before its window opens."""
    require_reports(session, wire)
    send_webhook_messages(session, wire)
    found = session.find(BRIEF, wire)
    if found is None:
        document = build_brief(wire, session.require_receiver().build_url)
        what = "a message of version 1 with a validityPeriod of 1000"
        found = session.keep(
            BRIEF, wire, session.call("sendV1", wire, what, document, succeeds=True)
        )
    require_response(found)
    return found


def get_brief_reports(session: Session, wire: str) -> list[ReceivedReport]:
    """Return the reports of the message of version 1."""
    hits = session.require_receiver().calls(f"{BRIEF}-{wire}")
    return [report for hit in hits for report in parse_reports(hit)]


def counts_milliseconds(session: Session, webhook_run: WebhookRun) -> bool:
    """Tell whether version 2 has ended a message at once whose period is 1200 minutes."""
    half = webhook_run.exchange.at + LONG / 2  # so that one who counts seconds is not meant
    ends = [report.call.at for report in webhook_run.reports(HOURS) if report.is_expired]
    return any(get_server_clock(session).get_bounds(at)[1] < half for at in ends)
