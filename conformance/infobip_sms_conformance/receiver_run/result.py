"""The result of a run against a callback receiver, masked."""

from collections.abc import Sequence
from dataclasses import replace

from infobip_sms_conformance.contract.files import read_numbers
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import Finding, Verdict
from infobip_sms_conformance.receiver_run.runner import ReceiverRun
from infobip_sms_conformance.run.result import WITH_EVIDENCE, RunResult, SanitizedFinding
from infobip_sms_conformance.sanitization.evidence import Evidence, EvidenceBuilder
from infobip_sms_conformance.sanitization.redaction import Mask
from infobip_sms_conformance.session.plan import RunCost
from infobip_sms_conformance.transport.credentials import Credentials

NOBODY = Credentials(None, "", None)
MAX_BODY = 2500
"""Characters that are shown of a posted body; the documented report has fewer."""
SHOWN_DATA = ("DLR callback data", "callback", "http://127.0.0.1", "customer", "order", "xxxxxxxx")


def build_mask() -> Mask:
    """Return the mask: the documented numbers, and texts other than the suite's own."""
    return Mask(read_numbers(), callback_data=SHOWN_DATA)


def build_result(run: ReceiverRun) -> RunResult:
    """Return the record of a run that has ended."""
    plan, mask = run.plan, build_mask()
    builder = EvidenceBuilder(mask, NOBODY, "")
    return RunResult(
        url=str(plan.address),
        profile="receiver",
        seed=0,
        wires=plan.wires,
        planned_cost=RunCost(plan.max_posts, 0),
        max_cost=RunCost(plan.max_posts, 0),
        requests=run.posts,
        messages=run.reports,
        seconds=run.seconds,
        findings=tuple(sanitize(finding, builder) for finding in run.findings),
        stopped=run.stopped,
        side="receiver",
    )


def sanitize(finding: Finding, builder: EvidenceBuilder) -> SanitizedFinding:
    """Return a finding as it may be printed."""
    shown = finding.exchange if finding.verdict in WITH_EVIDENCE else None
    return SanitizedFinding(
        finding.requirement_id,
        finding.wire,
        finding.check,
        finding.verdict,
        finding.sent,
        finding.expected,
        finding.got,
        finding.caused_by,
        evidence=build_evidence(shown, builder) if shown else None,
    )


def build_evidence(exchange: Exchange, builder: EvidenceBuilder) -> Evidence | None:
    """Return what may be shown of a post; the query of its URL may contain a secret."""
    request = exchange.request
    assert request is not None, "something was posted"
    headers = {name: value for name, value in request.headers.items() if name != "host"}
    bare = replace(request, path=request.path.partition("?")[0], headers=headers)
    evidence = builder.build(replace(exchange, request=bare))
    if evidence:  # $URL is the notify URL, with its path
        curl = evidence.curl.replace(f'"$URL{bare.path}"', '"$URL"')
        evidence = replace(evidence, curl=curl)
    if evidence is None or len(evidence.body) <= MAX_BODY:
        return evidence
    return replace(evidence, body=f"{evidence.body[:MAX_BODY]} … ({evidence.size} bytes)", curl="")


def list_broken(findings: Sequence[SanitizedFinding]) -> list[str]:
    """Return the requirements that failed, in order."""
    return sorted({f.requirement_id for f in findings if f.verdict in {Verdict.FAIL, Verdict.WARN}})
