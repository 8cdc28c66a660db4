"""The sanitized result of a run, from which every report is written."""

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from infobip_sms_conformance.contract.files import Requirement, read_requirements
from infobip_sms_conformance.errors import COULD_NOT_TEST, NOTHING_FAILED, SOMETHING_FAILED
from infobip_sms_conformance.observations.operations import count_operations, format_uses
from infobip_sms_conformance.observations.readings import ObservedReading, observe_readings
from infobip_sms_conformance.observations.verdicts import Finding, Verdict, find_worst
from infobip_sms_conformance.run.explanations import settle_findings
from infobip_sms_conformance.sanitization.evidence import Evidence, EvidenceBuilder
from infobip_sms_conformance.session.plan import RunCost
from infobip_sms_conformance.session.session import Session

FAILING = {Verdict.FAIL, Verdict.WARN, Verdict.ERROR}
WITH_EVIDENCE = {Verdict.FAIL, Verdict.WARN, Verdict.ERROR}


@dataclass(frozen=True)
class SanitizedFinding:
    """A finding and its evidence, masked."""

    requirement_id: str
    wire: str
    check: str
    verdict: Verdict
    sent: str = ""
    expected: str = ""
    got: str = ""
    caused_by: str = ""
    token: str = ""
    """The argument of --replay, including the seed."""
    evidence: Evidence | None = None
    place: str = ""
    """The path in the request that it is about."""


@dataclass(frozen=True)
class Section:
    """An additional part of the reports: lines for people, plain data for programs."""

    name: str
    title: str
    lines: tuple[str, ...]
    data: Any = None


def get_versions() -> dict[str, str]:
    """Return the versions on which a run depends."""
    names = {"infobip-sms": "infobip-sms", "Hypothesis": "hypothesis"}
    found = {name: version(package) for name, package in names.items()}
    return {**found, "Python": platform.python_version()}


@dataclass(frozen=True)
class RunResult:
    """One run."""

    url: str
    profile: str
    seed: int
    wires: tuple[str, ...]
    without: tuple[str, ...] = ()
    scheme: str = "Basic"
    """The scheme of Authorization that the run used."""
    planned_cost: RunCost = field(default_factory=RunCost)
    """The cost against a conforming server."""
    max_cost: RunCost = field(default_factory=RunCost)
    """The maximum cost."""
    requests: int = 0
    messages: int = 0
    seconds: float = 0.0
    findings: tuple[SanitizedFinding, ...] = ()
    readings: tuple[ObservedReading, ...] = ()
    stopped: str = ""
    """Why not everything was checked; empty if everything was."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    versions: Mapping[str, str] = field(default_factory=get_versions)
    """The versions of the suite, of Hypothesis, which generates requests, and of Python."""
    side: str = "server"
    """Who was checked: ``server``, ``client`` or ``both``."""
    sections: tuple[Section, ...] = ()

    @property
    def rows(self) -> list[Requirement]:
        """The requirements that were checked, in the order of the list."""
        checked = {finding.requirement_id for finding in self.findings}
        return [row for row in read_requirements().values() if row.id in checked]

    def find_verdict(self, requirement_id: str, wire: str | None = None) -> Verdict | None:
        """Return the verdict on a requirement, in a format or in all; none where it was not checked.

        Checks of a requirement that do not apply say nothing where another one does.
        """
        relevant = [
            f
            for f in self.findings
            if f.requirement_id == requirement_id and wire in {None, f.wire}
        ]
        applying = [f for f in relevant if f.verdict is not Verdict.NOT_APPLICABLE]
        return find_worst([finding.verdict for finding in applying or relevant])

    def get_reason(self, finding: SanitizedFinding) -> str:
        """Say why a finding could not be decided: by what failed, or in words of its own."""
        if not finding.caused_by:
            return finding.got
        if self.find_verdict(finding.caused_by) is None:
            return f"{finding.got}; see {finding.caused_by}, which this run does not check"
        return f"because {finding.caused_by} failed"

    def get_absence_reason(self, requirement_id: str, wire: str) -> str:
        """Say why a requirement does not apply in a format; empty where it does."""
        if self.find_verdict(requirement_id, wire) is not Verdict.NOT_APPLICABLE:
            return ""
        found = (f for f in self.findings if (f.requirement_id, f.wire) == (requirement_id, wire))
        return next(f.got for f in found)

    def count_verdicts(self) -> Counter[Verdict]:
        """Return how many requirements got each verdict, the worst of all formats."""
        return Counter(verdict for row in self.rows if (verdict := self.find_verdict(row.id)))

    @property
    def exit_code(self) -> int:
        """The exit code of the run."""
        seen = {finding.verdict for finding in self.findings}
        if Verdict.FAIL in seen:
            return SOMETHING_FAILED
        checked = seen & {Verdict.PASS, Verdict.WARN}
        if self.stopped or Verdict.ERROR in seen or not checked:
            return COULD_NOT_TEST
        return NOTHING_FAILED


def build_result(session: Session, findings: Sequence[Finding], stopped: str = "") -> RunResult:
    """Return the record of a run that has ended."""
    plan, mask = session.plan, session.build_mask()
    evidence_builder = EvidenceBuilder(
        mask,
        session.credentials,
        session.authorization,
        shows_texts=session.target.is_loopback,
    )
    settled = settle_findings(findings)
    return RunResult(
        url=mask.hide(str(session.target)),
        profile=plan.profile.name,
        seed=plan.seed,
        wires=plan.wires,
        without=tuple(sorted(plan.without)),
        scheme=session.authorization.partition(" ")[0],
        planned_cost=plan.budget.planned_cost,
        max_cost=RunCost(plan.budget.max_requests, plan.budget.max_messages),
        requests=session.requests,
        messages=session.messages,
        seconds=session.seconds,
        findings=tuple(
            sanitize_finding(finding, evidence_builder, plan.seed) for finding in settled
        ),
        readings=tuple(observe_readings(session.exchanges)),
        sections=(build_operations_section(session),),
        stopped=stopped or session.stopped or session.sender.limited,
    )


def build_operations_section(session: Session) -> Section:
    """Return the section on what each operation was asked."""
    right = (session.credentials.basic, session.credentials.app, session.authorization)
    uses = count_operations(session.exchanges, right)
    data = {
        name: {kind: dict(counts) for kind, counts in vars(use).items()}
        for name, use in uses.items()
    }
    lines = tuple(format_uses(uses))
    return Section("operations", "What each operation was asked", lines, data)


def sanitize_finding(finding: Finding, builder: EvidenceBuilder, seed: int) -> SanitizedFinding:
    """Return a finding as it may be printed."""
    shown = finding.exchange if finding.verdict in WITH_EVIDENCE else None
    return SanitizedFinding(
        finding.requirement_id,
        finding.wire,
        finding.check,
        finding.verdict,
        builder.mask.hide_words(finding.sent),
        builder.mask.hide_words(finding.expected),
        builder.mask.hide_words(finding.got),
        finding.caused_by,
        f"{finding.token}@{seed}",
        builder.build(shown) if shown else None,
        finding.place,
    )
