"""The report as one self-contained page: the matrix of clauses and formats, and what is behind each.

Lives here: what the page is made of. How it looks is page.html and page.css beside this file.
Never here: anything that is not masked; anything that is loaded from elsewhere.
"""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from infobip_sms_conformance.contract.files import WIRES, read_requirements
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.reporting.badge import COLOURS
from infobip_sms_conformance.reporting.summary import EXPLAINED, find_failures
from infobip_sms_conformance.reporting.tables import CHAPTERS, find_chapters
from infobip_sms_conformance.run.baseline import Comparison
from infobip_sms_conformance.run.result import Record, Told
from infobip_sms_conformance.sanitization.curl import find_variables


def dump_html(record: Record, compared: Comparison | None = None) -> str:
    """Return the page."""
    text: str = open_template().render(
        record=record,
        compared=compared,
        counts=[(verdict, record.count()[verdict]) for verdict in Verdict],
        chapters=build_chapters(record),
        failures=list(find_failures(record)),
        variables=find_variables(*(f.evidence.curl for f in record.findings if f.evidence)),
        unjudged=[
            row
            for row in read_requirements().values()
            if record.side == "server"
            and row.why
            and row.id not in {judged.id for judged in record.rows}
        ],
        wires=WIRES,
        colour=COLOURS[compared.exit_code if compared else record.exit_code],
        style=Markup(read_style()),  # noqa: S704 - our own file
    )
    return text


def build_chapters(record: Record) -> list[dict[str, Any]]:
    """Return the rows of the matrix, by chapter."""
    return [
        {
            "name": chapter,
            "title": CHAPTERS.get(chapter, chapter),
            "rows": [
                {
                    "requirement": row,
                    "marks": [record.find_verdict(row.id, wire) for wire in WIRES],
                    "verdict": record.find_verdict(row.id),
                    "reasons": find_reasons(record, row.id),
                    "untold": find_untold(record, row.id),
                }
                for row in rows
            ],
        }
        for chapter, rows in find_chapters(record)
    ]


def find_reasons(record: Record, number: str) -> list[Told]:
    """Return what is behind a failure; the same reason once for each format."""
    found: dict[Any, Told] = {}
    for finding in record.findings:
        if finding.requirement == number and finding.verdict in EXPLAINED:
            same = (finding.wire, finding.verdict, finding.sent, finding.got)
            found.setdefault(same, finding)
    return list(found.values())


def find_untold(record: Record, number: str) -> list[tuple[str, str, str]]:
    """Return why a requirement could not be told: formats, reason, and the requirement that it names."""
    found: dict[tuple[str, str], list[str]] = {}
    for finding in record.findings:
        if finding.requirement == number and finding.verdict is Verdict.INCONCLUSIVE:
            wires = found.setdefault((record.explain(finding), finding.because), [])
            wires += [] if finding.wire in wires else [finding.wire]
    return [(" and ".join(wires), reason, root) for (reason, root), wires in found.items()]


@cache
def open_template() -> Any:
    """Return the template of the page; every value is escaped by it."""
    environment = Environment(
        loader=PackageLoader("infobip_sms_conformance", "reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def read_style() -> str:
    """Return the style of the page."""
    return (files("infobip_sms_conformance.reporting") / "page.css").read_text("utf-8")
