"""What is explained of a run: each failure once, with the smallest request that shows it.

Lives here: which findings belong together, and what follows from which.
Never here: how it looks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infobip_sms_conformance.contract.files import Requirement
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.result import Record, Told

EXPLAINED = (Verdict.FAIL, Verdict.ERROR, Verdict.WARN)


@dataclass(frozen=True)
class Failure:
    """A requirement that is not kept, or could not be judged, in one format or in both."""

    requirement: Requirement
    verdict: Verdict
    wires: tuple[str, ...]
    shown: Told
    """The finding with the smallest request."""
    others: tuple[Told, ...]
    """What else shows it; the same in another format is left out."""


def find_failures(record: Record) -> Iterator[Failure]:
    """Yield the failures of a run, those that break a rule first."""
    for verdict in EXPLAINED:
        for row in record.rows:
            told = [f for f in record.findings if (f.requirement, f.verdict) == (row.id, verdict)]
            if told:
                yield build_failure(row, verdict, told)


def build_failure(row: Requirement, verdict: Verdict, told: Sequence[Told]) -> Failure:
    """Return the failure that some findings are."""
    shown = min(told, key=measure)
    others: dict[tuple[str, str], Told] = {}
    for finding in told:
        others.setdefault((finding.sent, finding.got), finding)
    others.pop((shown.sent, shown.got))
    wires = tuple(dict.fromkeys(finding.wire for finding in told))
    return Failure(row, verdict, wires, shown, tuple(others.values()))


def measure(finding: Told) -> tuple[bool, int]:
    """Return how much there is to read of a finding; one without a request explains least."""
    evidence = finding.evidence
    return evidence is None, evidence.size if evidence else 0


def find_followers(record: Record) -> dict[str, list[str]]:
    """Return the requirements that could not be told and did not fail either, by the reason."""
    failed = {failure.requirement.id for failure in find_failures(record)}
    found: dict[str, list[str]] = {}
    for finding in record.findings:
        if finding.verdict is Verdict.INCONCLUSIVE and finding.requirement not in failed:
            names = found.setdefault(record.explain(finding), [])
            if finding.requirement not in names:
                names.append(finding.requirement)
    return found
