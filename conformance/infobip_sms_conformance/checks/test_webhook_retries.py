"""Checks of how often a report is pushed: DLR-006.

The first try comes again after a minute, so that a run has to wait for it (--patience), or to move the clock of the
server (--clock).

Lives here: reports that the callback server refuses, and those that it takes.
Never here: what a report says (test_reports.py).
"""

from collections import Counter
from itertools import pairwise

from infobip_sms_conformance.checks.support.time_travel import (
    END,
    SLACK,
    find_clock,
    find_gap,
    travel,
)
from infobip_sms_conformance.checks.support.webhooks import (
    News,
    check_accepted,
    check_came,
    find_news,
)
from infobip_sms_conformance.fixtures.webhook_messages import ASKED, REFUSED
from infobip_sms_conformance.observations.delivery_reports import read_reports
from infobip_sms_conformance.observations.exchange import OK_STATUSES
from infobip_sms_conformance.observations.verdicts import Broken, Finding, Inconclusive
from infobip_sms_conformance.session.registry import LAST, requirement
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.webhook_receiver import Hit

PUNCTUAL = 15.0
"""Seconds that a try may be early, or late."""
AGAIN = "another try 1 + n * n minutes after try n, counted from 0, until the report is taken"
LATER = "a second try shows after a minute: --patience 75, or --clock"


@requirement("DLR-006", needs=["push"], feature="reports", order=LAST)
def test_dlr_006_report_that_was_taken_is_not_sent_again(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """No final report comes a second time after it was taken."""
    news = find_news(session, wire, findings)
    check_came(news)
    for name in news.messages:
        times: Counter[tuple[str, str]] = Counter()
        for hit in news.hits(name):
            times.update({(r.message_id, r.to) for r in read_reports(hit) if r.ends_taken})
        if any(count > 1 for count in times.values()):
            if name == ASKED and not any(r.is_under_way for r in news.reports(name)):
                got = "two final reports, and none in between"
                raise Inconclusive(got, because="DLR-005", exchange=news.exchange)
            raise Broken(
                "a report that was taken, once more",
                sent=news.describe(name),
                expected="each report once",
                exchange=news.focus(name),
            )


@requirement("DLR-006", needs=["push"], feature="reports", order=END)
def test_dlr_006_report_that_was_not_taken_is_sent_again(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A report that was answered with 500 comes again, each time after the documented minutes."""
    news = find_news(session, wire, findings)
    check_accepted(news, REFUSED, findings)
    if not find_tries(news):
        got = "no final report that could be refused"
        raise Inconclusive(got, because=news.find_missing()[1], exchange=news.exchange)
    end = news.exchange.at + session.plan.patience
    if session.plan.clock:
        travel(session)
    elif end > find_tries(news)[0].at + find_gap(0):  # or else it would be in vain
        news.wait_until(lambda: len(find_tries(news)) > 1, end)
    tries = find_tries(news)
    if problem := find_wrong_gap(session, tries):
        raise Broken(problem, expected=AGAIN, exchange=news.focus(REFUSED))
    over = session.plan.clock or (len(tries) == 1 and end > tries[0].at + find_gap(0) + SLACK)
    if over and tries[-1].status not in OK_STATUSES:
        got = f"no other try after the {len(tries)}. one"
        raise Broken(got, expected=AGAIN, exchange=news.focus(REFUSED))
    if not over and len(tries) == 1:
        raise Inconclusive(LATER, expected=AGAIN, exchange=news.exchange)


def find_tries(news: News) -> list[Hit]:
    """Return the pushes of the final report that is refused at first."""
    return [h for h in news.hits(REFUSED) if any(r.is_final for r in read_reports(h))]


def find_wrong_gap(session: Session, tries: list[Hit]) -> str:
    """Compare the time between two tries with what is due; by the clock of the server."""
    clock = find_clock(session)
    for number, (before, after) in enumerate(pairwise(tries)):
        if before.status in OK_STATUSES:
            return "a report that was taken, once more"
        (least_before, most_before), (least, most) = map(clock.find_span, (before.at, after.at))
        due = find_gap(number)
        if most - least_before < due - PUNCTUAL or least - most_before > due + PUNCTUAL:
            return f"try {number + 2} came about {(least + most - least_before - most_before) / 2:.0f} s after the one before"
    return ""
