"""The report as one self-contained page: the matrix of requirements and formats, with details."""

import re
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from infobip_sms_conformance.contract.files import WIRES, read_requirements
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.reporting.excerpt import find_place, indent, mark_place
from infobip_sms_conformance.reporting.json_report import COLOURS
from infobip_sms_conformance.reporting.summary import EXPLAINED, iter_failures
from infobip_sms_conformance.reporting.tables import CHAPTERS, iter_chapters
from infobip_sms_conformance.run.baseline import BaselineComparison
from infobip_sms_conformance.run.result import RunResult, SanitizedFinding
from infobip_sms_conformance.sanitization.curl import get_variables

MAX_BODY = 4000


def dump_html(result: RunResult, compared: BaselineComparison | None = None) -> str:
    """Return the page."""
    text: str = open_template().render(
        result=result,
        compared=compared,
        counts=[(verdict, result.count_verdicts()[verdict]) for verdict in Verdict],
        chapters=build_chapters(result),
        failures=list(iter_failures(result)),
        variables=get_variables(*(f.evidence.curl for f in result.findings if f.evidence)),
        unchecked=[
            row
            for row in read_requirements().values()
            if result.side == "server"
            and row.why
            and row.id not in {checked.id for checked in result.rows}
        ],
        wires=WIRES,
        colour=COLOURS[compared.exit_code if compared else result.exit_code],
        style=Markup(read_style()),  # noqa: S704 - our own file
    )
    return text


def build_chapters(result: RunResult) -> list[dict[str, Any]]:
    """Return the rows of the matrix, by chapter."""
    return [
        {
            "name": chapter,
            "title": CHAPTERS.get(chapter, chapter),
            "rows": [
                {
                    "requirement": row,
                    "marks": [result.find_verdict(row.id, wire) for wire in WIRES],
                    "absent": [result.get_absence_reason(row.id, wire) for wire in WIRES],
                    "verdict": result.find_verdict(row.id),
                    "reasons": get_reasons(result, row.id),
                    "inconclusive": get_inconclusive(result, row.id),
                }
                for row in rows
            ],
        }
        for chapter, rows in iter_chapters(result)
    ]


def get_reasons(result: RunResult, requirement_id: str) -> list[SanitizedFinding]:
    """Return the details of a failure; the same reason once for each format."""
    found: dict[Any, SanitizedFinding] = {}
    for finding in result.findings:
        if finding.requirement_id == requirement_id and finding.verdict in EXPLAINED:
            same = (finding.wire, finding.verdict, finding.sent, finding.got)
            found.setdefault(same, finding)
    return list(found.values())


def get_inconclusive(result: RunResult, requirement_id: str) -> list[tuple[str, str, str]]:
    """Return why a requirement could not be decided: formats, reason, and the requirement that it names."""
    found: dict[tuple[str, str], list[str]] = {}
    for finding in result.findings:
        if finding.requirement_id == requirement_id and finding.verdict is Verdict.INCONCLUSIVE:
            wires = found.setdefault((result.get_reason(finding), finding.caused_by), [])
            wires += [] if finding.wire in wires else [finding.wire]
    return [(" and ".join(wires), reason, root) for (reason, root), wires in found.items()]


@cache
def open_template() -> Any:
    """Return the template of the page; every value is escaped by it."""
    from jinja2 import (  # noqa: PLC0415 - few runs write a page
        Environment,
        PackageLoader,
        StrictUndefined,
    )

    environment = Environment(
        loader=PackageLoader("infobip_sms_conformance", "reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["indent_json"] = indent
    environment.filters["mark_place"] = lambda body, path: mark_place(indent(body), path, MAX_BODY)
    environment.filters["find_place"] = find_place
    environment.filters["mark_code"] = mark_code
    return environment.get_template("page.html")


def mark_code(text: str) -> Markup:
    """Return a text with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


def read_style() -> str:
    """Return the style of the page."""
    return (files("infobip_sms_conformance.reporting") / "page.css").read_text("utf-8")
