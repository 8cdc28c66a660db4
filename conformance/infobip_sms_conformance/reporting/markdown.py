"""The summary in Markdown, for a pull request or the summary page of a CI."""

import re
from collections.abc import Iterator

from infobip_sms_conformance.contract.files import WIRES
from infobip_sms_conformance.observations.readings import format_readings
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.reporting.summary import (
    RequirementFailure,
    group_inconclusive,
    iter_failures,
)
from infobip_sms_conformance.reporting.tables import describe_cost
from infobip_sms_conformance.run.baseline import BaselineComparison
from infobip_sms_conformance.run.result import RunResult

VERDICT_LABELS = {
    Verdict.FAIL: "❌ FAIL",
    Verdict.ERROR: "⚠️ ERROR",
    Verdict.INCONCLUSIVE: "❔ INCONCLUSIVE",
    Verdict.WARN: "🟡 WARN",
    Verdict.PASS: "✅ PASS",
    Verdict.NOT_APPLICABLE: "N/A",
}


def dump_markdown(result: RunResult, compared: BaselineComparison | None = None) -> str:
    """Return the summary: what failed first, all verdicts collapsed."""
    counts = result.count_verdicts()
    parts = [f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict]]
    run = f"{escape(result.url)}, profile {result.profile}, seed {result.seed}"
    lines = [
        "# Conformance",
        "",
        f"{run}: **{', '.join(parts) or 'nothing was checked'}**. {describe_cost(result)}.",
    ]
    if result.stopped:
        lines += ["", f"Run incomplete: {escape(result.stopped)}."]
    if compared:
        lines += ["", *(f"- {escape(line.strip())}" for line in compared.format_lines())]
    for failure in iter_failures(result):
        lines += format_failure(failure)
    lines += format_inconclusive(result)
    lines += format_verdicts(result)
    lines += format_readings_section(result)
    for section in result.sections:
        lines += ["", f"<details><summary>{escape(section.title)}</summary>", ""]
        lines += [*(f"- {escape(line)}" for line in section.lines), "", "</details>"]
    return "\n".join(lines) + "\n"


def format_failure(failure: RequirementFailure) -> Iterator[str]:
    """Yield what failed, with the request that shows it."""
    row, shown = failure.requirement, failure.finding
    where = " and ".join(failure.wires)
    yield from ("", f"## {failure.verdict} {row.id} in {where}: {escape(row.text)}", "")
    yield f"- source: {escape(row.source)}"
    for name in ("sent", "expected", "got"):
        if text := getattr(shown, name):
            yield f"- {name}: {escape(text)}"
    if shown.token:
        yield f"- replay: `--replay {shown.token}`"
    if failure.others:
        yield f"- and {len(failure.others)} more that show it"
    if shown.evidence:
        text = shown.evidence.curl or shown.evidence.body
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        yield from ("", f"{fence}{'sh' if shown.evidence.curl else ''}", text, fence)


def format_inconclusive(result: RunResult) -> Iterator[str]:
    """Yield what could not be decided, and why."""
    followers = group_inconclusive(result)
    if followers:
        yield from ("", "## Inconclusive", "")
    for reason, names in followers.items():
        yield f"- {escape(reason)}: {' '.join(names)}"


def format_verdicts(result: RunResult) -> Iterator[str]:
    """Yield the table of all verdicts, collapsed."""
    if not result.rows:
        return
    yield from ("", f"<details><summary>All {len(result.rows)} requirements</summary>", "")
    yield "| requirement | level | " + " | ".join(WIRES) + " | rule |"
    yield "|---|---|" + "---|" * len(WIRES) + "---|"
    for row in result.rows:
        marks = [
            VERDICT_LABELS[v] if (v := result.find_verdict(row.id, wire)) else "" for wire in WIRES
        ]
        yield f"| {row.id} | {row.level} | {' | '.join(marks)} | {escape(row.text)} |"
    yield from ("", "</details>")


def format_readings_section(result: RunResult) -> Iterator[str]:
    """Yield undocumented behavior, collapsed."""
    if not result.readings:
        return
    yield from ("", "<details><summary>Undocumented behavior observed</summary>", "")
    yield from (f"- {escape(line)}" for line in format_readings(result.readings))
    yield from ("", "</details>")


def escape(text: str) -> str:
    """Escape Markdown syntax."""
    return re.sub(r"([\\`*_{}\[\]<>|#$~@&])", r"\\\1", text).replace("\n", " ")
