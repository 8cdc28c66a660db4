"""Runs the checks of a callback receiver."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    CheckOutcome,
    Finding,
    Verdict,
    get_failing_verdict,
)
from infobip_sms_conformance.receiver_run.conversation import (
    ACKNOWLEDGED,
    Conversation,
    describe,
    is_acknowledged,
)
from infobip_sms_conformance.receiver_run.kept_checks import check_kept, check_kept_first
from infobip_sms_conformance.receiver_run.plan import (
    FIRST,
    FORM_SETS,
    FORMS,
    IN_TIME,
    ReceiverPlan,
)
from infobip_sms_conformance.receiver_run.process import run_process
from infobip_sms_conformance.receiver_run.registry import ReceiverCheck
from infobip_sms_conformance.run.engine import STOPPED_BY_USER
from infobip_sms_conformance.transport.http import NoResponseError

FindingCallback = Callable[[Finding, int, int], None]
BASE = "documented-report"


@dataclass
class ReceiverRun:
    """What a run has found so far."""

    plan: ReceiverPlan
    findings: list[Finding] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    posts: int = 0
    reports: int = 0
    seconds: float = 0.0
    stopped: str = ""
    is_interrupted: bool = False
    blocked_by: str = ""
    """The requirement after which the receiver no longer responded."""


def run_receiver_checks(
    plan: ReceiverPlan, on_finding: FindingCallback | None = None
) -> ReceiverRun:
    """Check a receiver in each format; on_finding: called with every finding as it is made."""
    run, began = ReceiverRun(plan), time.monotonic()
    total = len(plan.wires) * len(plan.requirement_ids)
    with run_process(plan.process):
        for wire in plan.wires:
            talk = Conversation(plan.address, wire, plan.seconds, plan.posts_per_wire)
            talk.stopped = run.blocked_by
            talk.exchanges = run.exchanges
            try:
                for finding in iter_findings(plan, talk):
                    run.findings.append(finding)
                    if on_finding:
                        on_finding(finding, min(len(run.findings), total), total)
            except KeyboardInterrupt:
                run.is_interrupted = True
            run.posts += talk.posts
            run.reports += talk.reports
            run.blocked_by = talk.stopped
            if run.is_interrupted:
                break
    run.seconds = time.monotonic() - began
    run.stopped = find_stop_reason(run)
    if not any(exchange.response for exchange in run.exchanges) and not is_slow(run):
        run.findings = []
    return run


def find_stop_reason(run: ReceiverRun) -> str:
    """Return why not everything was checked; empty if everything was."""
    if run.is_interrupted:
        return STOPPED_BY_USER
    if is_slow(run):
        return f"the receiver does not respond within {run.plan.seconds:g} s"
    if not any(exchange.response for exchange in run.exchanges):
        return run.exchanges[0].problem if run.exchanges else "nothing was posted"
    if run.blocked_by:
        return f"the receiver no longer responded after the posts of {run.blocked_by}"
    return ""


def is_slow(run: ReceiverRun) -> bool:
    """Tell whether the first report got no response in time."""
    return run.blocked_by == IN_TIME


def iter_findings(plan: ReceiverPlan, talk: Conversation) -> Iterator[Finding]:
    """Yield the findings of one format."""
    root = talk.stopped
    if not root:
        base = list(iter_base_findings(talk))
        yield from base
        root = next((f.requirement_id for f in base if f.token == "root"), "")
        talk.stopped = root if root == IN_TIME else ""
    kept = check_kept_first(plan, talk) if plan.kept and not root else None
    if kept is not None:
        yield kept
    for check in plan.checks:
        cause = root or talk.stopped
        yield build_inconclusive(check, talk.wire, cause) if cause else run_check(check, talk)
    if kept is not None and not talk.stopped:
        yield from check_kept(plan, talk, kept)


def iter_base_findings(talk: Conversation) -> Iterator[Finding]:
    """Post the documented report, and other forms of it until one is acknowledged.

    A finding whose token is ``root`` explains why nothing else can be checked.
    """
    talk.requirement_id = FIRST
    first: Exchange | None = None
    for names in FORM_SETS:
        talk.base_edits = tuple(FORMS[name] for name in names)
        form = f" in the form that {' and '.join(names)} also allows" if names else ""
        exchange = talk.send(talk.build(f"the documented report{form}"))
        first = first or exchange
        if exchange.slow:
            expected = f"a response within {talk.seconds:g} s"
            yield build_failure(IN_TIME, talk.wire, exchange, expected, token="root")
            return
        if is_acknowledged(exchange):
            for name in names:
                yield build_failure(name, talk.wire, first, ACKNOWLEDGED)
            yield Finding(FIRST, talk.wire, BASE, Verdict.PASS)
            yield Finding(IN_TIME, talk.wire, BASE, Verdict.PASS)
            return
    assert first is not None, "there is one form at least"
    yield build_failure(FIRST, talk.wire, first, ACKNOWLEDGED, token="root")


def run_check(check: ReceiverCheck, talk: Conversation) -> Finding:
    """Run a check; one that fails is followed by a control."""
    talk.requirement_id = check.requirement_id
    place = (check.requirement_id, talk.wire, check.name)
    try:
        check.run(talk)
    except NoResponseError as error:
        found: CheckOutcome = CheckFailed(str(error), expected="a connection")
    except CheckOutcome as error:
        found = error
    else:
        return Finding(*place, Verdict.PASS)
    verdict = found.verdict
    if verdict is Verdict.FAIL and check.explained_by in talk.failed:
        return build_inconclusive(check, talk.wire, check.explained_by)
    if verdict is Verdict.FAIL:
        talk.failed.add(check.requirement_id)
        verdict = get_failing_verdict(check.requirement_id)
        if not talk.is_responding():
            talk.stopped = check.requirement_id
    return Finding(*place, verdict, found.sent, found.expected, found.got, exchange=found.exchange)


def build_inconclusive(check: ReceiverCheck, wire: str, cause: str) -> Finding:
    """Return the finding of a check that another failure makes pointless."""
    return Finding(check.requirement_id, wire, check.name, Verdict.INCONCLUSIVE, caused_by=cause)


def build_failure(
    requirement_id: str, wire: str, exchange: Exchange, expected: str, *, token: str = ""
) -> Finding:
    """Return the finding of a failure that an exchange shows."""
    verdict = get_failing_verdict(requirement_id)
    got = describe(exchange)
    return Finding(
        requirement_id,
        wire,
        BASE,
        verdict,
        exchange.label,
        expected,
        got,
        token=token,
        exchange=exchange,
    )
