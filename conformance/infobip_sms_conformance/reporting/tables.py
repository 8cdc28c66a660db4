"""The verdicts as lines of a terminal: by chapter or one by one, and the cost of the run."""

from collections.abc import Iterator
from itertools import groupby

from rich.text import Text

from infobip_sms_conformance.checks.support.calls import CHECKED_IN_OTHER_FORMAT as ELSEWHERE
from infobip_sms_conformance.contract.files import WIRES, Requirement
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.result import RunResult

STYLES = {
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "magenta",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.WARN: "yellow",
    Verdict.PASS: "green",
    Verdict.NOT_APPLICABLE: "dim",
}
CHAPTERS = {
    "SEND": "The request",
    "WIN": "Delivery time window",
    "VAL": "Validity period",
    "SCHED": "Scheduling",
    "RESP": "The response",
    "HTTP": "Status and headers",
    "AUTH": "Authorization",
    "ERR": "Error bodies",
    "TEXT": "Characters",
    "XML": "The form of XML",
    "DLR": "Delivery reports",
    "LOG": "Logs",
    "PREV": "Preview",
    "BULK": "Scheduled bulks",
    "TRACK": "Tracking",
    "V1": "Version 1",
    "RCV": "Callback receivers",
}
NAMED = {Verdict.FAIL, Verdict.ERROR, Verdict.WARN}
"""Verdicts of which every requirement is named; of all others the number is enough."""
GAP, TITLE, NARROW = 2, 22, 70
SHORTEST_RULE = 12


def iter_chapters(result: RunResult) -> Iterator[tuple[str, list[Requirement]]]:
    """Yield the rows of a record by chapter."""
    for chapter, rows in groupby(result.rows, key=lambda row: row.id.partition("-")[0]):
        yield chapter, list(rows)


def build_chapters(result: RunResult, width: int) -> list[Text]:
    """Return a line for each chapter: how many pass, and which do not."""
    title = TITLE if width >= NARROW else 0
    lines = [
        [
            Text(chapter, style="bold"),
            Text(CHAPTERS.get(chapter, "")[: max(0, title - GAP)], style="dim"),
            *(build_cell(result, rows, wire) for wire in WIRES),
        ]
        for chapter, rows in iter_chapters(result)
    ]
    heads = [Text(""), Text(""), *(Text(wire, style="bold") for wire in WIRES)]
    first = max(cell.cell_len for cell in (line[2] for line in [heads, *lines]))
    return [join(line, (7, title, first + GAP)) for line in [heads, *lines]]


def build_cell(result: RunResult, rows: list[Requirement], wire: str) -> Text:
    """Return what a chapter got in a format, the worst first."""
    verdicts = {row.id: result.find_verdict(row.id, wire) for row in rows}
    parts = []
    for verdict in Verdict:
        names = [number for number, found in verdicts.items() if found is verdict]
        ids = " ".join(name.partition("-")[2] for name in names)
        if verdict is Verdict.NOT_APPLICABLE:
            elsewhere = [n for n in names if result.get_absence_reason(n, wire) == ELSEWHERE]
            names = [n for n in names if n not in elsewhere]
            other = next(one for one in WIRES if one != wire)
            parts += [Text(f"{len(elsewhere)} in {other}", style="dim")] if elsewhere else []
        words = f"{verdict} {ids}" if verdict in NAMED else f"{len(names)} {verdict}"
        parts += [Text(words, style=STYLES[verdict])] if names else []
    return Text(", ").join(parts) if parts else Text("-", style="dim")


def build_rows(result: RunResult, width: int) -> list[Text]:
    """Return a line for each requirement: its level, its verdicts and its rule, cut at the width."""
    marks = {
        row.id: [build_mark(result.find_verdict(row.id, wire)) for wire in WIRES]
        for row in result.rows
    }
    heads = [Text(name, style="bold") for name in ("", "level", *WIRES, "rule")]
    wide = max([4, *(mark.cell_len for pair in marks.values() for mark in pair)]) + GAP
    columns = (11, 8, *(wide for _ in WIRES))
    room = max(SHORTEST_RULE, width - sum(columns))
    lines = [
        [Text(row.id, style="bold"), Text(row.level), *marks[row.id], Text(cut(row.text, room))]
        for row in result.rows
    ]
    return [join(line, columns) for line in [heads, *lines]]


def build_mark(verdict: Verdict | None) -> Text:
    """Return a verdict in its colour."""
    return Text(str(verdict), style=STYLES[verdict]) if verdict else Text("-", style="dim")


def cut(text: str, room: int) -> str:
    """Return a text cut to a width."""
    return text if len(text) <= room else f"{text[: room - 2]} …"


def join(cells: list[Text], widths: tuple[int, ...]) -> Text:
    """Return cells as one line, all but the last as wide as their columns."""
    line = Text()
    for cell, width in zip(cells, widths, strict=False):
        line.append(cell)
        line.append(" " * max(0, width - cell.cell_len))
    for cell in cells[len(widths) :]:
        line.append(cell)
    line.rstrip()
    return line


def describe_cost(result: RunResult) -> str:
    """Describe the cost of the run."""
    if result.side == "receiver":
        posts, reports = (
            format_count(result.requests, "post"),
            format_count(result.messages, "report"),
        )
        return f"{posts} with {reports}, {result.seconds:.1f} s"
    requests, messages = (
        format_count(result.requests, "request"),
        format_count(result.messages, "message"),
    )
    return f"{requests}, at most {messages} accepted, {result.seconds:.1f} s"


def format_count(amount: int, noun: str) -> str:
    """Return an amount with its noun."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"
