"""The report: what is about to happen, a table of verdicts, what is behind the failures.

Lives here: the words of the report, and the exit code that follows from the findings.
Never here: phone numbers, message texts, credentials; findings carry none.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from infobip_sms_conformance.data import JUDGED_HERE, WIRES, Requirement, read_requirements
from infobip_sms_conformance.verdicts import Finding, Verdict, find_worst

NOTHING_FAILED, SOMETHING_FAILED, COULD_NOT_JUDGE, WRONG_USAGE = range(4)
TOLD = (Verdict.FAIL, Verdict.ERROR, Verdict.WARN, Verdict.INCONCLUSIVE)
WIDTH = max(len(verdict) for verdict in Verdict)


class Report:
    """The findings of a run, sorted by requirement."""

    def __init__(self, findings: Sequence[Finding], stopped: str = "") -> None:
        self.findings, self.stopped = findings, stopped
        judged = {finding.requirement for finding in findings}
        self.rows = [row for row in read_requirements().values() if row.id in judged]

    def find_verdict(self, number: str, wire: str) -> Verdict | None:
        """Return the verdict on a requirement in a format; none where it was not checked."""
        return find_worst(
            [f.verdict for f in self.findings if (f.requirement, f.wire) == (number, wire)]
        )

    def count(self) -> Counter[Verdict]:
        """Return how many requirements got each verdict, the worse of both formats."""
        counts: Counter[Verdict] = Counter()
        for row in self.rows:
            found = [v for wire in WIRES if (v := self.find_verdict(row.id, wire))]
            counts[find_worst(found) or Verdict.ERROR] += 1
        return counts

    @property
    def exit_code(self) -> int:
        """The exit code of the run."""
        seen = {finding.verdict for finding in self.findings}
        if Verdict.FAIL in seen:
            return SOMETHING_FAILED
        judged = seen & {Verdict.PASS, Verdict.WARN}
        return (
            COULD_NOT_JUDGE
            if self.stopped or Verdict.ERROR in seen or not judged
            else NOTHING_FAILED
        )


def dump_text(report: Report) -> str:
    """Return the report for people."""
    lines = [f"{'requirement':12}{'level':8}{'json':{WIDTH + 2}}{'xml':{WIDTH + 2}}text"]
    for row in report.rows:
        marks = [str(report.find_verdict(row.id, wire) or "-") for wire in WIRES]
        lines.append(
            f"{row.id:12}{row.level:8}{marks[0]:{WIDTH + 2}}{marks[1]:{WIDTH + 2}}{row.text}"
        )
        lines.extend(dump_reasons(report, row))
    if not report.rows:
        lines = []
    counts = report.count()
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    if report.rows:
        lines += ["", f"{len(report.rows)} requirements judged: {summary}", *dump_unjudged()]
    if report.stopped:
        lines.append(
            f"{'Not all was judged' if report.rows else 'Could not judge'}: {report.stopped}."
        )
    elif not report.rows:
        lines.append("Could not judge: none of these requirements shows in one exchange.")
    return "\n".join(lines)


def dump_reasons(report: Report, row: Requirement) -> Iterator[str]:
    """Yield what is behind each verdict that is not a plain PASS; the same reason only once."""
    told: Counter[tuple[Verdict, str, str]] = Counter()
    for finding in report.findings:
        if finding.requirement != row.id or finding.verdict not in TOLD:
            continue
        reason = (finding.verdict, finding.wire, finding.got)
        told[reason] += 1
        if finding.verdict is not Verdict.INCONCLUSIVE or told[reason] == 1:
            yield from dump_finding(finding, row)


def dump_finding(finding: Finding, row: Requirement) -> Iterator[str]:
    """Yield what was sent, expected and got."""
    yield f"    {finding.verdict} {finding.wire} {finding.check}"
    parts = {"sent": finding.sent, "expected": finding.expected, "got": finding.got}
    if finding.verdict in {Verdict.FAIL, Verdict.WARN}:
        parts["source"] = row.source
    yield from (f"        {name:10}{text}" for name, text in parts.items() if text)


def dump_unjudged() -> Iterator[str]:
    """Yield how many requirements this form of the suite does not judge, and what would show them."""
    reasons = {
        "client": "seen only in what a client sends",
        "time": "seen only by waiting for the server's clock",
        "push": "seen only at a callback server",
        "session": "seen only over several calls, some of other operations",
        "never": "not visible from outside, or not covered",
    }
    rows = [row for row in read_requirements().values() if row.judged != JUDGED_HERE]
    for kind in sorted({row.judged for row in rows}):
        numbers = [row.id for row in rows if row.judged == kind]
        yield f"{len(numbers)} not judged here, {reasons.get(kind, kind)}: {' '.join(numbers)}"


def dump_json(report: Report, url: str, requests: int) -> str:
    """Return the report for programs."""
    verdicts = [
        {
            "requirement": row.id,
            "level": row.level,
            **{wire: report.find_verdict(row.id, wire) for wire in WIRES},
            "reasons": [build_reason(f) for f in report.findings if f.requirement == row.id],
        }
        for row in report.rows
    ]
    document: dict[str, Any] = {
        "url": url,
        "requests": requests,
        "exit": report.exit_code,
        "stopped": report.stopped,
        "verdicts": verdicts,
    }
    return json.dumps(document, indent=1)


def build_reason(finding: Finding) -> dict[str, str]:
    """Return a finding as plain data, without what is empty."""
    names = ("check", "wire", "verdict", "sent", "expected", "got")
    return {name: str(value) for name in names if (value := getattr(finding, name))}


def dump_list() -> str:
    """Return every requirement: id, level, how it is judged, and the rule."""
    rows = read_requirements().values()
    return "\n".join(f"{row.id:12}{row.level:8}{row.judged:10}{row.text}" for row in rows)
