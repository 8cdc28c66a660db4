"""Checks of what a receiver kept: RCV-029, RCV-030, RCV-031, and the requirements of single fields."""

import time
from collections import Counter
from collections.abc import Iterator

from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import Finding, Verdict, get_failing_verdict
from infobip_sms_conformance.receiver_run.conversation import Conversation, is_acknowledged
from infobip_sms_conformance.receiver_run.kept import (
    KeptComparison,
    KeptOutputError,
    has_kept,
    read_kept,
)
from infobip_sms_conformance.receiver_run.plan import (
    KEPT_FIELDS,
    KEPT_FIRST,
    SURVIVES,
    ReceiverPlan,
)

PAUSE = 0.1  # seconds between two looks at what is kept
CHECK = "kept"
MAX_SHOWN = 3
"""Findings of one requirement that are reported."""


def check_kept_first(plan: ReceiverPlan, talk: Conversation) -> Finding:
    """Look for the first report at once, and again later if it is missing."""
    entry = talk.acknowledged[-1]
    expected = "the report in the output of --kept"
    try:
        if has_kept(read_kept(plan.kept), entry.report):
            return Finding(KEPT_FIRST, talk.wire, CHECK, Verdict.PASS)
        end = time.monotonic() + plan.patience
        while time.monotonic() < end:
            time.sleep(PAUSE)
            if has_kept(read_kept(plan.kept), entry.report):
                got = "acknowledged, and kept only later"
                return build_finding(KEPT_FIRST, talk.wire, entry.exchange, expected, got)
    except KeptOutputError as error:
        return Finding(KEPT_FIRST, talk.wire, CHECK, Verdict.ERROR, got=str(error))
    got = f"acknowledged, and not kept within {plan.patience:g} s"
    return build_finding(KEPT_FIRST, talk.wire, entry.exchange, expected, got, token="root")


def check_kept(plan: ReceiverPlan, talk: Conversation, first: Finding) -> Iterator[Finding]:
    """Compare everything that was kept, and kill the receiver if the plan says so."""
    if first.token or first.verdict is Verdict.ERROR:
        for name in (KEPT_FIELDS, *([SURVIVES] if plan.kills else [])):
            yield Finding(
                name, talk.wire, CHECK, Verdict.INCONCLUSIVE, caused_by=first.requirement_id
            )
        return
    try:
        yield from compare_kept(plan, talk, is_late=first.verdict is not Verdict.PASS)
        if plan.kills:
            yield check_survival(plan, talk)
    except KeptOutputError as error:
        yield Finding(KEPT_FIELDS, talk.wire, CHECK, Verdict.ERROR, got=str(error))


def compare_kept(plan: ReceiverPlan, talk: Conversation, *, is_late: bool) -> Iterator[Finding]:
    """Yield a finding for each difference between what was acknowledged and what was kept."""
    end = time.monotonic() + plan.patience if is_late else 0.0
    problems = list(KeptComparison(read_kept(plan.kept), talk.acknowledged).iter_problems())
    while problems and time.monotonic() < end:
        time.sleep(PAUSE)
        problems = list(KeptComparison(read_kept(plan.kept), talk.acknowledged).iter_problems())
    shown: Counter[str] = Counter()
    for owner, entry, expected, got in problems:
        shown[owner] += 1
        if shown[owner] <= MAX_SHOWN:
            yield build_finding(owner, talk.wire, entry.exchange, expected, got)
    if KEPT_FIELDS not in shown:
        yield Finding(KEPT_FIELDS, talk.wire, CHECK, Verdict.PASS)


def check_survival(plan: ReceiverPlan, talk: Conversation) -> Finding:
    """Post a report, kill the receiver at once, start it again, and look for the report."""
    assert plan.process is not None, "the plan has one"
    talk.requirement_id = SURVIVES
    post = talk.build("a report, and SIGKILL after the response")
    exchange = talk.send(post)
    if not is_acknowledged(exchange):
        got = "the report was not acknowledged"
        return Finding(SURVIVES, talk.wire, CHECK, Verdict.INCONCLUSIVE, got=got)
    plan.process.restart_after_kill()
    if has_kept(read_kept(plan.kept), post.reports[0]):
        return Finding(SURVIVES, talk.wire, CHECK, Verdict.PASS)
    expected, got = "the report in the output of --kept", "acknowledged, and lost"
    return build_finding(SURVIVES, talk.wire, exchange, expected, got)


def build_finding(  # noqa: PLR0913 - as many as a finding has
    requirement_id: str, wire: str, exchange: Exchange, expected: str, got: str, *, token: str = ""
) -> Finding:
    """Return a failure."""
    return Finding(
        requirement_id,
        wire,
        CHECK,
        get_failing_verdict(requirement_id),
        exchange.label,
        expected,
        got,
        token=token,
        exchange=exchange,
    )
