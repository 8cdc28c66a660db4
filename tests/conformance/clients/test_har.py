"""Recordings of any tool: what is read of them, what is found in them, and what is said of other files."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from infobip_sms_conformance.client_run.collector import TrafficCollector
from infobip_sms_conformance.client_run.har_input import read_har
from infobip_sms_conformance.client_run.har_output import HarWriter
from infobip_sms_conformance.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from infobip_sms_conformance.run.result import RunResult

URL = "http://127.0.0.1/sms/2/text/advanced"
TEXT = '{"messages":[{"destinations":[{"to":"41793026727"}],"text":"caf\u00e9"}]}'
KEY = "App f00ba4-f00ba4"


def build_entry(url: str = URL, kind: str = "application/json", **members: Any) -> dict[str, Any]:
    """Return an entry of a recording."""
    headers = [
        {"name": "Authorization", "value": members.pop("auth", KEY)},
        {"name": "Content-Type", "value": kind},
    ]
    request = {"method": "POST", "url": url, "headers": headers, "postData": {"text": TEXT}}
    request |= members.pop("request", {})
    return {"request": request, "response": {"status": 200}, **members}


def check_entries(folder: Path, *entries: Any) -> RunResult:
    """Return what is found in a recording of some entries; it can be written again as well."""
    path, writer = folder / "any.har", HarWriter()
    path.write_text(json.dumps({"log": {"entries": entries}}), "utf-8")
    collector = TrafficCollector(check_responses=True, recorders=(writer.add,))
    for captured in read_har(path):
        collector.add(captured)
    assert writer.dump()
    return collector.build_result("x", "har")


def find_verdicts(result: RunResult) -> set[tuple[str, str]]:
    """Return what did not pass, with its verdict."""
    found = {(f.requirement_id, f.verdict.name) for f in result.findings}
    return {(requirement_id, verdict) for requirement_id, verdict in found if verdict != "PASS"}


@pytest.mark.parametrize(
    "odd",
    [
        {"startedDateTime": "9999-12-31T23:59:59.999-12:00"},
        {"startedDateTime": "0001-01-01T00:00:00+14:00"},
        {"startedDateTime": 5},
        {"time": float("inf")},
        {"time": "long"},
        {"response": {"status": float("inf")}},
        {"response": {"status": -1}},
        {"response": {"status": 200, "content": {"text": ["x"]}}},
        {"request": {"method": 5}},
        {"request": {"url": "http://[/sms/2/text/advanced"}},
        {"request": {"postData": "text"}},
        {"request": {"postData": {"text": "\ud800"}}},
        {"request": {"headers": 5}},
    ],
    ids=str,
)
def test_odd_entry_does_not_end_the_check_of_the_others(tmp_path: Path, odd: Any) -> None:
    """What is wrong in the entry before it and after it is found."""
    wrong = build_entry("http://127.0.0.1/sms/2/text/advanced/")
    result = check_entries(tmp_path, wrong, build_entry(**odd), wrong)

    failed = [f for f in result.findings if f.requirement_id == "HTTP-011" and f.evidence]
    assert len(failed) == 2


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("//sms/2/text/advanced", {("HTTP-011", "FAIL")}),
        ("/gateway//sms/2/text/advanced", {("HTTP-011", "FAIL")}),
        ("/sms//2/text/advanced", {("HTTP-011", "FAIL")}),
        ("/SMS/2/text/advanced", {("HTTP-011", "FAIL")}),
        ("/gateway/sms/2/text/advanced", set()),
    ],
)
def test_http_011_path_is_that_of_the_documentation(
    tmp_path: Path, path: str, found: set[tuple[str, str]]
) -> None:
    """Double slashes and other cases are found in a recording; a prefix of the server is not."""
    assert find_verdicts(check_entries(tmp_path, build_entry(f"http://127.0.0.1{path}"))) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("APP f00ba4", {("AUTH-007", "WARN")}),
        ("app f00ba4", {("AUTH-007", "WARN")}),
        ("basic dTpw", set()),
        ("App App f00ba4", {("AUTH-007", "FAIL")}),
        ("App f00ba4\u00e9", {("AUTH-007", "FAIL")}),
        ("App\tf00ba4", {("AUTH-007", "FAIL")}),
    ],
)
def test_auth_007_credentials_have_a_documented_form(
    tmp_path: Path, value: str, found: set[tuple[str, str]]
) -> None:
    """The case of a scheme is a warning, because servers have to accept any (RFC 9110)."""
    assert find_verdicts(check_entries(tmp_path, build_entry(auth=value))) == found


@pytest.mark.parametrize("charset", ["utf-16", "UTF-16LE", "iso-8859-1"])
def test_http_003_json_is_utf_8(tmp_path: Path, charset: str) -> None:
    """JSON in another encoding is found, although its charset is named; in UTF-8 it is not."""
    kind = f"application/json; charset={charset}"
    assert find_verdicts(check_entries(tmp_path, build_entry(kind=kind))) == {("HTTP-003", "FAIL")}
    good = build_entry(kind="application/json; charset=utf-8")
    assert not find_verdicts(check_entries(tmp_path, good))


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "utf-16", "utf-8"])
def test_http_003_xml_in_another_charset_is_a_warning(tmp_path: Path, charset: str) -> None:
    """XML obeys the charset of its header; one that a parser need not know is a warning, and UTF-16 is not."""
    body = (
        "<request><messages><message><destinations><destination><to>41793026727</to></destination>"
        "</destinations><text>Zürich</text></message></messages></request>"
    )
    kind = f"application/xml; charset={charset}"
    entry = build_entry(kind=kind, request={"postData": {"text": body}})
    expected = set() if charset.startswith("utf") else {("HTTP-003", "WARN")}

    assert find_verdicts(check_entries(tmp_path, entry)) == expected


def test_body_of_version_3_is_named(tmp_path: Path) -> None:
    """Fields of version 3 are reported as such, with those of version 2."""
    body = '{"messages":[{"sender":"x","destinations":[{"to":"41793026727"}],"content":{"text":"Hi"}}]}'
    result = check_entries(tmp_path, build_entry(request={"postData": {"text": body}}))
    expected = {f.expected for f in result.findings if f.requirement_id == "HTTP-013"}

    assert expected == {
        "from; sender is a field of version 3 (/sms/3/messages)",
        "text; content is a field of version 3 (/sms/3/messages)",
    }


def test_run_without_a_covered_operation_checked_nothing(tmp_path: Path) -> None:
    """Such a run ends with 2 and names the paths."""
    result = check_entries(tmp_path, build_entry("http://127.0.0.1/sms/3/messages"))

    assert result.exit_code == 2
    assert result.stopped == "no request was to a documented operation; seen: POST /sms/3/messages"


def test_recording_in_utf_16_is_read(tmp_path: Path) -> None:
    """The byte order mark names the encoding."""
    path = tmp_path / "any.har"
    path.write_text(json.dumps({"log": {"entries": [build_entry()]}}), "utf-16")

    assert len(list(read_har(path))) == 1


def test_requests_to_other_apis_are_named(tmp_path: Path) -> None:
    """Method, host and path are named; a query, a user or a long number are not."""
    path = tmp_path / "any.har"
    urls = ["https://user:word@app.example.com/hook?key=1", "https://h.example.com/u/41793026727"]
    path.write_text(json.dumps({"log": {"entries": [build_entry(url) for url in urls]}}), "utf-8")
    others: list[str] = []

    assert not list(read_har(path, others.append))
    assert others == ["POST https://app.example.com/hook", "POST https://h.example.com…"]


WHOLE = json.dumps({"log": {"entries": [build_entry()]}}).encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (gzip.compress(WHOLE), "is compressed"),
        (WHOLE[:-20], "it ends too early"),
        (b"<html></html>", "no JSON: Expecting value"),
        (b"{'log': {}}", "no JSON: Expecting property name"),
        (b'{"log": {}}', "expected log.entries, a list"),
        (b"[]", "expected log.entries, a list"),
        (b"\xff\xff{}", "invalid start byte"),
    ],
)
def test_reason_why_a_file_is_not_a_recording(tmp_path: Path, data: bytes, reason: str) -> None:
    """The message names what is wrong with the file."""
    path = tmp_path / "any.har"
    path.write_bytes(data)

    with pytest.raises(UsageError, match=reason):
        list(read_har(path))
