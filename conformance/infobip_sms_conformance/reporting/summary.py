"""Groups the findings of a run: each failure once, with the smallest request that shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infobip_sms_conformance.contract.files import Requirement
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.result import RunResult, SanitizedFinding

EXPLAINED = (Verdict.FAIL, Verdict.ERROR, Verdict.WARN)


@dataclass(frozen=True)
class RequirementFailure:
    """A requirement that failed or could not be checked, in one format or in both."""

    requirement: Requirement
    verdict: Verdict
    wires: tuple[str, ...]
    finding: SanitizedFinding
    """The finding with the smallest request."""
    others: tuple[SanitizedFinding, ...]
    """What else shows it; the same in another format is left out."""
    hides: tuple[str, ...] = ()
    """Requirements that could not be decided because of it."""


def iter_failures(result: RunResult) -> Iterator[RequirementFailure]:
    """Yield the failures of a run: FAIL first, and of each verdict what hides most."""
    hidden = find_hidden(result)
    for verdict in EXPLAINED:
        failures = []
        for row in result.rows:
            matching = [
                f for f in result.findings if (f.requirement_id, f.verdict) == (row.id, verdict)
            ]
            if matching:
                failures.append(build_failure(row, verdict, matching, hidden.pop(row.id, ())))
        yield from sorted(failures, key=lambda failure: -len(failure.hides))


def find_hidden(result: RunResult) -> dict[str, tuple[str, ...]]:
    """Return the requirements that could not be decided, by the requirement that explains it."""
    failed = {f.requirement_id for f in result.findings if f.verdict in EXPLAINED}
    found: dict[str, set[str]] = {}
    for finding in result.findings:
        if (
            finding.verdict is Verdict.INCONCLUSIVE
            and finding.caused_by in failed
            and finding.requirement_id not in failed
        ):
            found.setdefault(finding.caused_by, set()).add(finding.requirement_id)
    order = [row.id for row in result.rows]
    return {root: tuple(sorted(names, key=order.index)) for root, names in found.items()}


def build_failure(
    row: Requirement,
    verdict: Verdict,
    findings: Sequence[SanitizedFinding],
    hides: tuple[str, ...],
) -> RequirementFailure:
    """Combine findings into one failure."""
    shown = min(findings, key=measure)
    others: dict[tuple[str, str], SanitizedFinding] = {}
    for finding in findings:
        others.setdefault((finding.sent, finding.got), finding)
    others.pop((shown.sent, shown.got))
    wires = tuple(dict.fromkeys(finding.wire for finding in findings))
    return RequirementFailure(row, verdict, wires, shown, tuple(others.values()), hides)


def measure(finding: SanitizedFinding) -> tuple[bool, int]:
    """Return how much there is to read of a finding; one without a request explains least."""
    evidence = finding.evidence
    return evidence is None, evidence.size if evidence else 0


def group_inconclusive(result: RunResult) -> dict[str, list[str]]:
    """Return the requirements that could not be decided and did not fail either, by the reason."""
    failed = {failure.requirement.id for failure in iter_failures(result)}
    found: dict[str, list[str]] = {}
    for finding in result.findings:
        if finding.verdict is Verdict.INCONCLUSIVE and finding.requirement_id not in failed:
            names = found.setdefault(result.get_reason(finding), [])
            if finding.requirement_id not in names:
                names.append(finding.requirement_id)
    return found
