"""The console output and the five report files agree."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from infobip_sms_conformance.contract.files import read_requirements
from lxml import etree, html
from markdown_it import MarkdownIt

from infobip_sms.sandbox import Sandbox, running
from tests.conformance.runs_in_process import ACCOUNT, Judge, Run, find_rows

FORMS = ("json", "junit", "html", "markdown", "har")
KEY = ACCOUNT[-1]


@dataclass(frozen=True)
class ReportedRun:
    """What a run printed and wrote."""

    run: Run
    files: dict[str, str]
    report: dict[str, Any]

    def find_verdicts(self) -> dict[str, str]:
        """Return the verdicts of --json, such as ``SEND-002 json``; what was not checked is left out."""
        rows = self.report["verdicts"]
        pairs = ((f"{row['requirement']} {w}", row[w]) for row in rows for w in ("json", "xml"))
        return {name: verdict for name, verdict in pairs if verdict}


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[Sandbox]:
    """Give a sandbox that can be broken."""
    with running(api_key=KEY) as sandbox:
        yield sandbox


RUNS = {
    # one requirement fails by several cases, some are not asked for
    "broken": (
        "SEND-008",
        [*ACCOUNT, "--only", "SEND", "--only", "TRACK", "--without", "tracking"],
    ),
    "warned": ("HTTP-006", [*ACCOUNT, "--only", "HTTP", "--only", "ERR"]),
    # one fails, and nothing can be said of the others
    "locked": ("SEND-026", [*ACCOUNT, "--patience", "0"]),
    "good": ("", [*ACCOUNT, "--only", "WIN-00", "--only", "HTTP-001"]),
}


def run_with_reports(
    sandbox: Sandbox, judge_line: Judge, folder: Path, name: str, *more: str
) -> ReportedRun:
    """Run the suite against a sandbox and write every report."""
    fault, options = RUNS[name]
    if fault:
        sandbox.switch_on(fault)
    files = {form: folder / f"report.{form}" for form in FORMS}
    words = [word for form, path in files.items() for word in (f"--{form}", str(path))]
    run = judge_line.run("server", sandbox.url, *options, *words, *more)
    sandbox.reset()
    texts = {form: path.read_text("utf-8") for form, path in files.items()}
    return ReportedRun(run, texts, json.loads(texts["json"]))


@pytest.fixture(name="report_run", scope="module", params=RUNS)
def fixture_report_run(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    judge_line: Judge,
    tmp_path_factory: pytest.TempPathFactory,
) -> ReportedRun:
    """Give each of the runs."""
    return run_with_reports(
        sandbox, judge_line, tmp_path_factory.mktemp("report_run"), request.param
    )


# ------------------------------------------------------------------ files


def test_json_has_the_run(report_run: ReportedRun) -> None:
    """The JSON report has the target, the cost and the exit code."""
    report = report_run.report

    assert report["exit"] == report_run.run.code
    assert report["requests"] <= report["most"]["requests"]
    assert report["messages"] <= report["plan"]["messages"] <= report["most"]["messages"]
    assert datetime.fromisoformat(report["at"]).tzinfo is not None
    assert {row["requirement"] for row in report["verdicts"]} <= set(read_requirements())
    assert all(row["reasons"] for row in report["verdicts"])


def test_junit_says_the_same(report_run: ReportedRun) -> None:
    """JUnit has a case for each requirement and format: failed, skipped or passed, with correct totals."""
    root = etree.fromstring(report_run.files["junit"].encode())
    kinds = {"failure": "FAIL", "error": "ERROR", "skipped": "INCONCLUSIVE"}
    found = {}
    for case in root.iter("testcase"):
        number, wire = re.match(r"(\S+) \[(\w+)\]", case.get("name", "")).groups()  # type: ignore[union-attr]
        kind = next((k for k in kinds if case.find(k) is not None), "")
        found[f"{number} {wire}"] = kind

    def expect(verdict: str) -> str:
        by_verdict = {v: k for k, v in kinds.items()} | {"N/A": "skipped"}
        return by_verdict.get(verdict, "")

    assert found == {name: expect(v) for name, v in report_run.find_verdicts().items()}
    for holder in (root, *root.iter("testsuite")):
        cases = list(holder.iter("testcase"))
        assert holder.get("tests") == str(len(cases))
        assert holder.get("failures") == str(sum(c.find("failure") is not None for c in cases))
        assert holder.get("skipped") == str(sum(c.find("skipped") is not None for c in cases))
    assert {p.get("name") for p in root.iter("property")} >= {"url", "seed", "profile"}


def test_page_says_the_same(report_run: ReportedRun) -> None:
    """The page has a row for each requirement with a mark for each format, and loads no external resource."""
    root: Any = html.fromstring(report_run.files["html"])
    found = {}
    for row in root.xpath("//tr[@id]"):
        for cell in row.xpath("td[@data-wire]"):
            if text := "".join(cell.xpath("span/text()")).strip():
                found[f"{row.get('id')} {cell.get('data-wire')}"] = text

    assert found == report_run.find_verdicts()
    assert not [cell for cell in root.xpath("//td[@class='rule']/text()") if "`" in cell]
    assert not root.xpath("//script | //link | //img | //iframe | //@src | //@onclick")
    assert all(link.startswith("#") for link in root.xpath("//a/@href"))
    ids = set(root.xpath("//@id"))
    assert {link[1:] for link in root.xpath("//nav//a/@href")} <= ids
    assert "default-src 'none'" in report_run.files["html"]


def test_markdown_says_the_same(report_run: ReportedRun) -> None:
    """Markdown renders to a table of all verdicts, and a heading and a command for each failure."""
    rendered = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .render(report_run.files["markdown"])
    )
    root: Any = html.fromstring(f"<div>{rendered}</div>")
    found = {}
    for row in root.xpath("//tr[td]"):
        number, _level, *marks, _rule = (cell.text_content().strip() for cell in row.xpath("td"))
        for wire, mark in zip(("json", "xml"), marks, strict=True):
            if mark:
                found[f"{number} {wire}"] = mark.split()[-1]
    failed = find_rows(report_run.report, "FAIL", "WARN", "ERROR")
    titles = [heading.text_content().split() for heading in root.xpath("//h2")]
    headings = {words[1] for words in titles if len(words) > 1}

    assert found == report_run.find_verdicts()
    assert failed <= headings
    for block in root.xpath("//pre/code"):
        assert block.text_content().startswith("curl ")


def test_har_has_every_request(report_run: ReportedRun) -> None:
    """The archive has each request with its response, in order, and the fields that HAR 1.2 asks for."""
    log = json.loads(report_run.files["har"])["log"]

    assert log["version"] == "1.2"
    assert {"name", "version"} <= set(log["creator"])
    assert len(log["entries"]) == report_run.report["requests"]
    for entry in log["entries"]:
        assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= set(entry)
        assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
        request, response = entry["request"], entry["response"]
        assert {"method", "url", "httpVersion", "cookies", "headers", "queryString"} <= set(request)
        assert {"status", "statusText", "headers", "content", "redirectURL"} <= set(response)
        assert {"size", "mimeType"} <= set(response["content"])
        assert request["url"].startswith(report_run.report["url"])
        for header in request["headers"]:
            assert header["name"].lower() != "authorization" or header["value"] == "$AUTH"
    times = [entry["startedDateTime"] for entry in log["entries"]]
    assert times == sorted(times)


def test_badge_of_the_json_says_how_the_run_ended(report_run: ReportedRun) -> None:
    """The shields.io object has the message and color of the outcome."""
    badge = json.loads(report_run.files["json"])["badge"]
    failed = report_run.run.code != 0

    assert badge["schemaVersion"] == 1
    assert ("fail" if failed else "pass") in badge["message"]
    assert badge["color"] == ("#cf222e" if failed else "#2da44e")


# ------------------------------------------------------------------ the terminal


def test_printed_report_has_its_order(report_run: ReportedRun) -> None:
    """The order is plan, verdicts, failures, inconclusive, undocumented behavior, totals, next step."""
    out = report_run.run.out
    places = [
        out.find(word)
        for word in (
            "Checking http://127.0.0.1:",
            "Plan: ",
            "\nFAIL " if report_run.run.code else "",
            "\nInconclusive\n",
            "\nWhat this server makes of",
            f" of {len(report_run.report['verdicts'])} requirements\n",
            " accepted, ",
            "\nNext: ",
        )
    ]
    seen = [place for place in places if place > 0]

    assert places[0] == 0
    assert seen == sorted(seen)
    assert "Traceback" not in report_run.run.err
    assert not [line for line in out.splitlines() if line != line.rstrip()]


def test_failure_is_explained_once(report_run: ReportedRun) -> None:
    """A requirement that fails has one paragraph with its rule, source, request in both formats and commands."""
    titles = re.findall(r"^(?:FAIL|WARN) (\S+) in ", report_run.run.out, re.MULTILINE)

    assert set(titles) == find_rows(report_run.report, "FAIL", "WARN")
    assert len(titles) == len(set(titles))
    for number in titles:
        paragraph = report_run.run.out.partition(f" {number} in ")[2].partition("\n\n")[0]
        assert read_requirements()[number].text in paragraph
        for label in ("source", "expected", "got", "request", "response", "curl", "replay"):
            assert f"\n  {label:10}" in paragraph
        (curl,) = re.findall(r"^  curl +(.*)$", paragraph, re.MULTILINE)
        assert curl in [r["evidence"]["curl"] for r in find_evidence(report_run.report, number)]


def find_evidence(report: dict[str, Any], number: str) -> list[dict[str, Any]]:
    """Return the findings of a requirement that have evidence."""
    rows = [row for row in report["verdicts"] if row["requirement"] == number]
    return [reason for row in rows for reason in row["reasons"] if "evidence" in reason]


def test_followers_are_named_by_their_root(
    sandbox: Sandbox, judge_line: Judge, tmp_path: Path
) -> None:
    """Where the smallest request is rejected one requirement fails, and its block names what it hides."""
    report_run = run_with_reports(sandbox, judge_line, tmp_path, "locked")
    block = report_run.run.out.partition("\nFAIL SEND-026")[2].partition("\n\n")[0]
    (line,) = [row for row in block.splitlines() if row.startswith("  hides ")]

    assert find_rows(report_run.report, "FAIL") == {"SEND-026"}
    assert {"SEND-002", "WIN-003", "HTTP-006"} <= set(line.split())
    reasons = [r for row in report_run.report["verdicts"] for r in row["reasons"]]
    assert {r["caused_by"] for r in reasons if r.get("caused_by")} == {"SEND-026"}


def test_quiet_leaves_out_what_is_good(sandbox: Sandbox, judge_line: Judge, tmp_path: Path) -> None:
    """--quiet prints only the plan, the failures and the totals."""
    report_run = run_with_reports(sandbox, judge_line, tmp_path, "broken", "--quiet")
    lines = report_run.run.out.splitlines()

    assert lines[1].startswith("Plan: ")
    assert "FAIL SEND-008" in report_run.run.out
    assert lines[-1].endswith(" s")
    for word in ("READ-", "Next:", "PASS  PASS"):
        assert word not in report_run.run.out


def test_whole_run_is_shown_by_chapters(judge_line: Judge, sandbox: Sandbox) -> None:
    """Without --only there is a line for each chapter, with --verbose one for each requirement."""
    words = ("server", sandbox.url, *ACCOUNT, "--patience", "0", "--without", "reports")
    sandbox.switch_on("SEND-026")
    short, long = judge_line.run(*words).out, judge_line.run(*words, "--verbose").out
    sandbox.reset()
    numbers = re.findall(r"^([A-Z0-9]+-\d{3}) +(?:MUST|SHOULD)", long, re.MULTILINE)

    assert re.search(r"^SEND +The request +FAIL 026, ", short, re.MULTILINE)
    assert "Undocumented behavior" in long
    assert "Undocumented behavior" not in short
    assert not re.search(r"^SEND-002", short, re.MULTILINE)
    assert len(numbers) > 80
    assert len(numbers) == len(set(numbers))


def test_excused_failure_is_no_failure_in_ci(
    sandbox: Sandbox, judge_line: Judge, tmp_path: Path
) -> None:
    """Excused failures are skipped in JUnit, left out on the terminal, and do not turn the badge red."""
    known = tmp_path / "known.toml"
    known.write_text(
        '[[known]]\nrequirement = "SEND-008"\nreason = "ticket 4711"\nexpires = 2999-12-31\n'
    )
    report_run = run_with_reports(sandbox, judge_line, tmp_path, "broken", "--baseline", str(known))
    root = etree.fromstring(report_run.files["junit"].encode())

    assert report_run.run.code == report_run.report["exit"] == 0
    assert root.get("failures") == "0"
    assert report_run.report["baseline"]["excused"] == ["SEND-008 json", "SEND-008 xml"]
    assert "FAIL SEND-008" not in report_run.run.out
    assert "Known failures: SEND-008 json, SEND-008 xml" in report_run.run.out
    assert json.loads(report_run.files["json"])["badge"]["color"] == "#2da44e"
