"""Checks of the retries of report deliveries: DLR-006.

The first try comes again after a minute, so that a run has to wait for it (--patience), or to move the clock of the
server (--clock).
"""

from collections import Counter
from itertools import pairwise

from infobip_sms_conformance.checks.support.time_travel import (
    SLACK,
    TIME_TRAVEL,
    get_retry_gap,
    get_server_clock,
    travel_in_time,
)
from infobip_sms_conformance.checks.support.webhooks import (
    WebhookRun,
    get_webhook_run,
    require_accepted,
    require_reports_received,
)
from infobip_sms_conformance.fixtures.webhook_messages import NOT_ACKNOWLEDGED, WITH_INTERMEDIATE
from infobip_sms_conformance.observations.delivery_reports import parse_reports
from infobip_sms_conformance.observations.exchange import OK_STATUSES
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Finding,
    Inconclusive,
    show,
)
from infobip_sms_conformance.session.registry import LAST, check
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.webhook_receiver import WebhookCall

TOLERANCE = 15.0
"""Seconds that a try may be early, or late."""
RETRY_RULE = "another attempt 1 + n * n minutes after attempt n, counted from 0 or 1, until one is acknowledged"
RETRY_HINT = "a second attempt shows after one or two minutes: --patience 135, or --clock"
FIRST_NUMBERS = (0, 1)
"""What attempts may be counted from (READ-050)."""


@check("DLR-006", needs=["push"], feature="reports", order=LAST)
def test_dlr_006_acknowledged_report_is_not_sent_again(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """No final report is delivered again after it was acknowledged."""
    news = get_webhook_run(session, wire, findings)
    require_reports_received(news)
    for name in news.messages:
        times: Counter[tuple[str, str]] = Counter()
        for hit in news.calls(name):
            times.update(
                {(r.message_id, r.to) for r in parse_reports(hit) if r.is_acknowledged_final}
            )
        if any(count > 1 for count in times.values()):
            if name == WITH_INTERMEDIATE and not any(r.is_intermediate for r in news.reports(name)):
                got = "two final reports, and none in between"
                raise Inconclusive(got, caused_by="DLR-005", exchange=news.exchange)
            raise CheckFailed(
                describe_repeated(times),
                sent=news.describe(name),
                expected="each report once, as it was acknowledged",
                exchange=news.exchange_for(name),
            )


def describe_repeated(times: Counter[tuple[str, str]]) -> str:
    """Name the report that came most often."""
    (message_id, _), count = times.most_common(1)[0]
    return f"the report of {show(message_id)} {count} times"


@check("DLR-006", needs=["push"], feature="reports", order=TIME_TRAVEL)
def test_dlr_006_unacknowledged_report_is_sent_again(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A report whose delivery got a 500 is retried, each time after the documented minutes."""
    news = get_webhook_run(session, wire, findings)
    require_accepted(news, NOT_ACKNOWLEDGED, findings)
    if not get_attempts(news):
        got = "no final report that could be rejected"
        unreadable = "DLR-001" if news.is_unreadable(NOT_ACKNOWLEDGED) else ""
        root = news.get_missing()[1] or unreadable
        raise Inconclusive(got, caused_by=root, exchange=news.exchange)
    end = news.exchange.at + session.plan.patience
    if session.plan.clock:
        travel_in_time(session)
    elif end > get_attempts(news)[0].at + get_retry_gap(0):  # or else it would be in vain
        news.wait_until(lambda: len(get_attempts(news)) > 1, end)
    tries = get_attempts(news)
    if problem := check_gaps(session, tries):
        raise CheckFailed(
            problem, expected=RETRY_RULE, exchange=news.exchange_for(NOT_ACKNOWLEDGED)
        )
    latest = get_retry_gap(FIRST_NUMBERS[-1]) + SLACK
    over = session.plan.clock or (len(tries) == 1 and end > tries[0].at + latest)
    if over and tries[-1].status not in OK_STATUSES:
        got = f"no other attempt after the {len(tries)}. one"
        raise CheckFailed(got, expected=RETRY_RULE, exchange=news.exchange_for(NOT_ACKNOWLEDGED))
    if not over and len(tries) == 1:
        raise Inconclusive(RETRY_HINT, expected=RETRY_RULE, exchange=news.exchange)


def get_attempts(webhook_run: WebhookRun) -> list[WebhookCall]:
    """Return the deliveries of the final report that is rejected at first."""
    return [
        h for h in webhook_run.calls(NOT_ACKNOWLEDGED) if any(r.is_final for r in parse_reports(h))
    ]


def check_gaps(session: Session, attempts: list[WebhookCall]) -> str:
    """Compare the time between attempts with what is due, however they are counted."""
    problems = [check_gaps_from(first, session, attempts) for first in FIRST_NUMBERS]
    return problems[0] if all(problems) else ""


def check_gaps_from(first: int, session: Session, attempts: list[WebhookCall]) -> str:
    """Compare the time between two attempts with what is due; by the clock of the server."""
    clock = get_server_clock(session)
    for number, (before, after) in enumerate(pairwise(attempts), first):
        if before.status in OK_STATUSES:
            return "an acknowledged report again"
        (least_before, most_before), (least, most) = map(clock.get_bounds, (before.at, after.at))
        due = get_retry_gap(number)
        if most - least_before < due - TOLERANCE or least - most_before > due + TOLERANCE:
            seconds = (least + most - least_before - most_before) / 2
            return f"attempt {number - first + 2} about {seconds:.0f} s after the one before"
    return ""
