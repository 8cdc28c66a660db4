"""The summary in Markdown, for a pull request or the summary page of a CI.

Lives here: what is worth a line.
Never here: anything that is not masked.
"""

import re
from collections.abc import Iterator

from infobip_sms_conformance.contract.files import WIRES
from infobip_sms_conformance.observations.readings import tell
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.reporting.summary import Failure, find_failures, find_followers
from infobip_sms_conformance.reporting.tables import describe_cost
from infobip_sms_conformance.run.baseline import Comparison
from infobip_sms_conformance.run.result import Record

SIGNS = {
    Verdict.FAIL: "❌ FAIL",
    Verdict.ERROR: "⚠️ ERROR",
    Verdict.INCONCLUSIVE: "❔ INCONCLUSIVE",
    Verdict.WARN: "🟡 WARN",
    Verdict.PASS: "✅ PASS",
    Verdict.NOT_APPLICABLE: "N/A",
}


def dump_markdown(record: Record, compared: Comparison | None = None) -> str:
    """Return the summary: what failed first, all verdicts folded away."""
    counts = record.count()
    parts = [f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict]]
    run = f"{escape(record.url)}, profile {record.profile}, seed {record.seed}"
    lines = [
        "# Conformance",
        "",
        f"{run}: **{', '.join(parts) or 'nothing was checked'}**. {describe_cost(record)}.",
    ]
    if record.stopped:
        lines += ["", f"Not all was judged: {escape(record.stopped)}."]
    if compared:
        lines += ["", *(f"- {escape(line.strip())}" for line in compared.tell())]
    for failure in find_failures(record):
        lines += tell_failure(failure)
    lines += tell_followers(record)
    lines += tell_verdicts(record)
    lines += tell_readings(record)
    for section in record.sections:
        lines += ["", f"<details><summary>{escape(section.title)}</summary>", ""]
        lines += [*(f"- {escape(line)}" for line in section.lines), "", "</details>"]
    return "\n".join(lines) + "\n"


def tell_failure(failure: Failure) -> Iterator[str]:
    """Yield what failed, with the request that shows it."""
    row, shown = failure.requirement, failure.shown
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


def tell_followers(record: Record) -> Iterator[str]:
    """Yield what could not be told, and why."""
    followers = find_followers(record)
    if followers:
        yield from ("", "## Could not be told", "")
    for reason, names in followers.items():
        yield f"- {escape(reason)}: {' '.join(names)}"


def tell_verdicts(record: Record) -> Iterator[str]:
    """Yield the table of all verdicts, folded away."""
    if not record.rows:
        return
    yield from ("", f"<details><summary>All {len(record.rows)} requirements</summary>", "")
    yield "| requirement | level | " + " | ".join(WIRES) + " | rule |"
    yield "|---|---|" + "---|" * len(WIRES) + "---|"
    for row in record.rows:
        marks = [SIGNS[v] if (v := record.find_verdict(row.id, wire)) else "" for wire in WIRES]
        yield f"| {row.id} | {row.level} | {' | '.join(marks)} | {escape(row.text)} |"
    yield from ("", "</details>")


def tell_readings(record: Record) -> Iterator[str]:
    """Yield what the server makes of open questions, folded away."""
    if not record.readings:
        return
    yield from ("", "<details><summary>What it makes of open questions</summary>", "")
    yield from (f"- {escape(line)}" for line in tell(record.readings))
    yield from ("", "</details>")


def escape(text: str) -> str:
    """Return a text without what Markdown would take for its own."""
    return re.sub(r"([\\`*_{}\[\]<>|#$~@&])", r"\\\1", text).replace("\n", " ")
