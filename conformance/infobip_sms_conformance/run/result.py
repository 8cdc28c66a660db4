"""What a run found, made fit to be printed and kept; everything that is written about a run is made of it.

Lives here: the record of a run, and the exit code that follows from it.
Never here: how it looks (report/); numbers, texts, credentials.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infobip_sms_conformance.contract.files import Requirement, read_requirements
from infobip_sms_conformance.errors import COULD_NOT_JUDGE, NOTHING_FAILED, SOMETHING_FAILED
from infobip_sms_conformance.observations.readings import Reading, find_readings
from infobip_sms_conformance.observations.verdicts import Finding, Verdict, find_worst
from infobip_sms_conformance.sanitization.evidence import Evidence, Shower
from infobip_sms_conformance.sanitization.redaction import build_mask
from infobip_sms_conformance.session.plan import Cost
from infobip_sms_conformance.session.session import Session

FAILING = {Verdict.FAIL, Verdict.WARN, Verdict.ERROR}
MOST_STEPS = 8
Roots = Mapping[tuple[str, str], str]
"""The requirement that explains another one, by that other and the format."""
SHOWN = {Verdict.FAIL, Verdict.WARN, Verdict.ERROR}


@dataclass(frozen=True)
class Told:
    """A finding with what it rests on."""

    requirement: str
    wire: str
    check: str
    verdict: Verdict
    sent: str = ""
    expected: str = ""
    got: str = ""
    because: str = ""
    token: str = ""
    """What --replay takes, with the seed."""
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Section:
    """Something else that a run has to say: lines for people, and plain data for programs."""

    name: str
    title: str
    lines: tuple[str, ...]
    data: Any = None


@dataclass(frozen=True)
class Record:
    """One run."""

    url: str
    profile: str
    seed: int
    wires: tuple[str, ...]
    without: tuple[str, ...] = ()
    scheme: str = "Basic"
    """The scheme of Authorization that the run used."""
    plan: Cost = field(default_factory=Cost)
    """What the run was to cost at a good server."""
    most: Cost = field(default_factory=Cost)
    """What it was to cost at most."""
    requests: int = 0
    messages: int = 0
    seconds: float = 0.0
    findings: tuple[Told, ...] = ()
    readings: tuple[Reading, ...] = ()
    stopped: str = ""
    """Why not everything was judged; empty if everything was."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    side: str = "server"
    """Who was judged: ``server``, ``client`` or ``both``."""
    sections: tuple[Section, ...] = ()

    @property
    def rows(self) -> list[Requirement]:
        """The requirements that were judged, in the order of the list."""
        judged = {finding.requirement for finding in self.findings}
        return [row for row in read_requirements().values() if row.id in judged]

    def find_verdict(self, number: str, wire: str | None = None) -> Verdict | None:
        """Return the verdict on a requirement, in a format or in all; none where it was not checked.

        Checks of a requirement that do not apply say nothing where another one does.
        """
        said = [f for f in self.findings if f.requirement == number and wire in {None, f.wire}]
        applying = [f for f in said if f.verdict is not Verdict.NOT_APPLICABLE]
        return find_worst([finding.verdict for finding in applying or said])

    def explain(self, finding: Told) -> str:
        """Say why a finding could not be told: by what failed, or in words of its own."""
        if not finding.because:
            return finding.got
        root = self.find_verdict(finding.because)
        told = "failed" if root in FAILING else "could not be told"
        return f"because {finding.because} {told}"

    def count(self) -> Counter[Verdict]:
        """Return how many requirements got each verdict, the worst of all formats."""
        return Counter(verdict for row in self.rows if (verdict := self.find_verdict(row.id)))

    @property
    def exit_code(self) -> int:
        """The exit code of the run."""
        seen = {finding.verdict for finding in self.findings}
        if Verdict.FAIL in seen:
            return SOMETHING_FAILED
        judged = seen & {Verdict.PASS, Verdict.WARN}
        if self.stopped or Verdict.ERROR in seen or not judged:
            return COULD_NOT_JUDGE
        return NOTHING_FAILED


def build_record(session: Session, findings: Sequence[Finding], stopped: str = "") -> Record:
    """Return the record of a run that has ended."""
    plan, mask = session.plan, build_mask(session)
    shower = Shower(mask, session.credentials, session.authorization)
    roots = find_roots(findings)
    return Record(
        url=mask.hide(str(session.target)),
        profile=plan.profile.name,
        seed=plan.seed,
        wires=plan.wires,
        without=tuple(sorted(plan.without)),
        scheme=session.authorization.partition(" ")[0],
        plan=plan.bill.plan,
        most=Cost(plan.bill.most_requests, plan.bill.most_messages),
        requests=session.requests,
        messages=session.messages,
        seconds=session.seconds,
        findings=tuple(build_told(finding, shower, roots, plan.seed) for finding in findings),
        readings=tuple(find_readings(session.exchanges)),
        stopped=stopped or session.stopped or session.line.limited,
    )


def build_told(finding: Finding, shower: Shower, roots: Roots, seed: int) -> Told:
    """Return a finding as it may be printed."""
    shown = finding.exchange if finding.verdict in SHOWN else None
    return Told(
        finding.requirement,
        finding.wire,
        finding.check,
        finding.verdict,
        shower.mask.hide_words(finding.sent),
        shower.mask.hide_words(finding.expected),
        shower.mask.hide_words(finding.got),
        find_root(finding, roots),
        f"{finding.token}@{seed}",
        shower.show(shown) if shown else None,
    )


def find_roots(findings: Sequence[Finding]) -> Roots:
    """Return what explains each requirement, in its format, that has not failed itself."""
    failed = {f.requirement for f in findings if f.verdict in FAILING}
    return {
        (f.requirement, f.wire): f.because
        for f in findings
        if f.because and f.requirement not in failed
    }


def find_root(finding: Finding, roots: Roots) -> str:
    """Return what explains a finding in the end."""
    number = finding.because
    for _ in range(MOST_STEPS):  # two may name each other
        number = roots.get((number, finding.wire), number)
    return number
