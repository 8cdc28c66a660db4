"""The report for CI: JUnit's XML, a suite for each chapter, a case for each requirement and format."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from lxml import etree

from infobip_sms_conformance.contract.files import WIRES, Requirement
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.baseline import BaselineComparison
from infobip_sms_conformance.run.result import RunResult, SanitizedFinding

KINDS = {
    Verdict.FAIL: "failure",
    Verdict.ERROR: "error",
    Verdict.INCONCLUSIVE: "skipped",
    Verdict.NOT_APPLICABLE: "skipped",
}
UNPRINTABLE: dict[int, None] = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF))


def dump_junit(result: RunResult, compared: BaselineComparison | None = None) -> str:
    """Return the report; what a baseline excuses is skipped."""
    root = etree.Element("testsuites", name="infobip-sms conformance", time=f"{result.seconds:.3f}")
    properties = etree.SubElement(root, "properties")
    for name in ("url", "profile", "seed", "requests", "messages"):
        etree.SubElement(properties, "property", name=name, value=clean(str(getattr(result, name))))
    excused = set(compared.excused) if compared else set()
    for chapter, rows in groupby(result.rows, key=lambda row: row.id.partition("-")[0]):
        suite = etree.SubElement(root, "testsuite", name=chapter)
        for row in rows:
            for wire in WIRES:
                add_case(suite, result, row, wire, excused)
        write_totals(suite)
    if result.stopped:
        suite = etree.SubElement(root, "testsuite", name="run")
        case = etree.SubElement(suite, "testcase", classname="run", name="the whole run")
        etree.SubElement(case, "error", message=clean(result.stopped))
        write_totals(suite)
    write_totals(root)
    return etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8").decode()


def add_case(
    suite: etree._Element, result: RunResult, row: Requirement, wire: str, excused: set[str]
) -> None:
    """Add the case of a requirement in a format, if it was checked there."""
    verdict = result.find_verdict(row.id, wire)
    if verdict is None:
        return
    name = f"{row.id} [{wire}] {row.text}"
    case = etree.SubElement(suite, "testcase", classname=row.id, name=clean(name))
    kind = "skipped" if f"{row.id} {wire}" in excused else KINDS.get(verdict)
    reasons = [
        f
        for f in result.findings
        if (f.requirement_id, f.wire, f.verdict) == (row.id, wire, verdict)
    ]
    if kind and reasons:
        details = etree.SubElement(case, kind, message=clean(f"{verdict}: {reasons[0].got}"))
        details.text = clean("\n".join((f"source    {row.source}", *format_reasons(reasons))))
    elif verdict is Verdict.WARN and reasons:
        etree.SubElement(case, "system-out").text = clean(f"WARN: {reasons[0].got}")


def format_reasons(reasons: Sequence[SanitizedFinding]) -> Iterator[str]:
    """Yield the details of a verdict."""
    for reason in reasons:
        for name in ("sent", "expected", "got", "caused_by"):
            if text := getattr(reason, name):
                yield f"{name:10}{text}"
        if reason.evidence:
            yield f"request   {reason.evidence.body}"
            yield f"response  {reason.evidence.status or 'none'} {reason.evidence.response}"
            if reason.evidence.curl:
                yield f"curl      {reason.evidence.curl}"
        if reason.token:
            yield f"replay    --replay {reason.token}"


def write_totals(element: etree._Element) -> None:
    """Set the totals of an element."""
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        element.set(name, str(sum(case.find(kind) is not None for case in cases)))


def clean(text: str) -> str:
    """Return a text without characters that XML does not allow."""
    return text.translate(UNPRINTABLE).encode("utf-8", "replace").decode()
