"""The suite of clients is checked: by broken callers, by our own client, and by its reports."""

from __future__ import annotations

import base64
import json
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from infobip_sms_conformance.client_run import coverage
from infobip_sms_conformance.client_run.scenarios import SCENARIOS

from tests.conformance.mutation import clients
from tests.conformance.runs_in_process import Run, run_command

TESTS = Path(__file__).parent
SUITE = (sys.executable, "-m", "infobip_sms_conformance")
CALLER = (sys.executable, str(clients.CLIENTS_DIRECTORY / "client.py"))
OWN = (sys.executable, str(TESTS / "own_client.py"))
FORMS = ("json", "junit", "html", "markdown", "har")
# What a client is held to and no caller of one short run breaks.
UNBROKEN = {
    "AUTH-005": "credentials over plain http to another machine; shown with a recording here",
    "AUTH-006": "only kept: whoever has a session token writes it in some way",
    "LOG-001": "from and to of the logs are texts of any kind",
    "DLR-007": "bulkId and messageId of the reports are texts of any kind",
    "V1-005": "shown with a recording here",
}


def run(*words: str | Path, code: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run the suite."""
    done = subprocess.run([*SUITE, *map(str, words)], capture_output=True, text=True, check=False)
    assert code in {None, done.returncode}, done.stdout + done.stderr
    return done


def judge_har(*words: str | Path, code: int | None = None) -> Run:
    """Run the suite's command har in this process."""
    done = Run(**run_command(["har", *map(str, words)]))
    assert code in {None, done.code}, done.out + done.err
    return done


def read(path: Path) -> dict[str, Any]:
    """Return what --json wrote."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def find_failed(report: dict[str, Any], *verdicts: str) -> set[str]:
    """Return the requirements with some verdicts."""
    chosen = set(verdicts or ("FAIL", "WARN"))
    return {row["requirement"] for row in report["verdicts"] if row["verdict"] in chosen}


# ---------------------------------------------------------------- broken callers


def test_every_requirement_of_clients_is_broken_by_some_caller() -> None:
    """A rule that no broken caller trips fails the build, but for those that say why."""
    assert coverage.get_client_requirement_ids() - clients.get_broken_requirements() == set(
        UNBROKEN
    )
    assert clients.get_broken_requirements() <= coverage.get_client_requirement_ids()


def test_list_of_faults_is_that_of_the_caller() -> None:
    """Every fault that the suite lists is one that the caller can be told to have, and the reverse."""
    known = runpy.run_path(str(clients.CLIENTS_DIRECTORY / "mutants.py"))["MUTANTS"]
    listed = [caller.name for caller in clients.get_clients() if caller.broken_requirement]

    assert sorted(listed) == sorted(known)


# ---------------------------------------------------------------- our own client


@pytest.mark.parametrize("wire", ["json", "xml"])
def test_own_client_is_clean(tmp_path: Path, wire: str) -> None:
    """Our client breaks nothing in any operation, and uses every field that it sends."""
    path = tmp_path / "own.json"
    run("client", "--quiet", "--json", path, "--", *OWN, "all", wire, code=0)
    report = read(path)

    assert find_failed(report, "FAIL", "WARN", "INCONCLUSIVE", "ERROR") == set()
    assert report["side"] == "client"
    assert min(report["coverage"]["operations"].values()) > 0
    assert report["coverage"]["fields"]["send"]["never"] == []
    assert report["coverage"]["fields"]["getLogs"]["never"] == []


@pytest.mark.parametrize("wire", ["json", "xml"])
def test_own_client_handles_every_response(tmp_path: Path, wire: str) -> None:
    """Our client parses every allowed response, waits as told, and resends nothing that may have been accepted."""
    path = tmp_path / "own.json"
    command = ("--scenarios", "--json", path, "--", *OWN, "send", wire)
    run("client", "--quiet", *command, code=0)
    report = read(path)

    assert find_failed(report, "FAIL", "WARN") == set()
    assert {"HTTP-009", "HTTP-014", "HTTP-015", "HTTP-016", "RESP-011"} <= find_failed(
        report, "PASS"
    )
    assert [row["scenario"] for row in report["scenarios"]] == [s.name for s in SCENARIOS]
    assert {word for row in report["scenarios"] for word in row["outcome"]} == set()


# ---------------------------------------------------------------- the command


def test_reports_show_the_place_and_hide_the_rest(tmp_path: Path) -> None:
    """Every form says what is wrong and where; none has a number, a text or a credential."""
    files = {form: tmp_path / form for form in FORMS}
    words = [word for form, path in files.items() for word in (f"--{form}", path)]
    done = run("client", *words, "--", *CALLER, "--break", "language-a-string", code=1)
    texts = [path.read_text("utf-8") for path in files.values()]
    (row,) = [r for r in read(files["json"])["verdicts"] if r["verdict"] == "FAIL"]

    assert row["requirement"] == "SEND-011"
    assert ' >>> "language": "TR" <<< ' in row["reasons"][0]["evidence"]["body"]
    assert "messages[0].language: a string" in done.stdout
    assert all("SEND-011" in text for text in texts[:4])
    for text in (*texts, done.stdout):
        assert "41793026727" not in text
        assert "Zürich" not in text
        assert "order 17" not in text


def test_key_is_in_no_report(tmp_path: Path) -> None:
    """The key that a client was given is written nowhere, wherever the client puts it."""
    program = (
        "import http.client as h, os, urllib.parse as u, json\n"
        "key = os.environ['INFOBIP_API_KEY']\n"
        "print('KEY', key)\n"
        "c = h.HTTPConnection(u.urlsplit(os.environ['INFOBIP_BASE_URL']).netloc)\n"
        "d = {'apiKey': key, 'messages': [{'destinations': [{'to': '41793026727'}], 'text': key}]}\n"
        "c.request('POST', '/sms/2/text/advanced?apiKey=' + key, json.dumps(d), "
        "{'Authorization': 'App ' + key, 'X-Key': key, 'Content-Type': 'application/json'})\n"
        "c.getresponse().read()\n"
    )
    files = {form: tmp_path / form for form in FORMS}
    words = [word for form, path in files.items() for word in (f"--{form}", path)]
    done = run("client", *words, "--", sys.executable, "-c", program, code=0)
    key = next(line[4:] for line in done.stdout.splitlines() if line.startswith("KEY "))

    assert done.stdout.count(key) == 1
    assert not [form for form, path in files.items() if key in path.read_text("utf-8")]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--", sys.executable, "-c", "pass"), 2, "no request arrived"),
        (("--", "no-such-program-anywhere"), 3, "COMMAND cannot be run"),
        (("--scenarios", "--", sys.executable, "-c", "pass"), 2, "no request arrived"),
        (("--scenarios", "--", *CALLER, "--once", "--nonsense"), 2, "no request arrived"),
        (("--expect", "no-such-file", "--", "x"), 3, "cannot be read"),
        (("--json", "/no/such/folder/x", "--", "x"), 3, "cannot be written"),
    ],
)
def test_exit_codes_are_those_of_the_command_server(
    words: tuple[str, ...], code: int, said: str
) -> None:
    """What could not be checked ends with 2, wrong usage with 3, and it is said why."""
    done = run("client", *words, code=code)

    assert said in done.stdout + done.stderr


def test_command_is_run_behind_the_name_of_the_package(tmp_path: Path) -> None:
    """infobip-sms conformance hands all words of COMMAND on, options as well."""
    path = tmp_path / "run.json"
    words = (
        "conformance",
        "client",
        "--json",
        str(path),
        "--",
        *CALLER,
        "--xml",
    )
    command = [sys.executable, "-m", "infobip_sms", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert read(path)["formats"] == ["json", "xml"]


def test_baseline_excuses_what_is_known(tmp_path: Path) -> None:
    """With a baseline a run that finds nothing else ends with 0."""
    known = tmp_path / "known.toml"
    known.write_text(
        '[[known]]\nrequirement = "SEND-011"\nreason = "old"\nexpires = 2099-01-01\n', "utf-8"
    )
    caller = (*CALLER, "--break", "language-a-string")
    done = run("client", "--baseline", known, "--", *caller, code=0)

    assert "Known failures: SEND-011 json" in done.stdout


# ---------------------------------------------------------------- proxy and recordings


@pytest.fixture(name="proxied", scope="module")
def fixture_proxied(
    tmp_path_factory: pytest.TempPathFactory, sandbox_url: str
) -> tuple[dict[str, Any], Path]:
    """Give what the proxy said of callers between it and a sandbox, and its recording."""
    folder = tmp_path_factory.mktemp("proxied")
    record, report = folder / "run.har", folder / "run.json"
    words = ("proxy", "--upstream", sandbox_url, "--record", str(record), "--json", str(report))
    with subprocess.Popen([*SUITE, *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        environment = {**os.environ, "INFOBIP_BASE_URL": url, "INFOBIP_API_KEY": "key"}
        for fault in ("nulls", "latin-1", "key-without-scheme", "slash-before-the-query"):
            command = [*CALLER, "--break", fault]
            subprocess.run(command, env=environment, check=True, capture_output=True)
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    assert process.returncode == 1
    return read(report), record


def test_proxy_judges_both_directions(proxied: tuple[dict[str, Any], Path]) -> None:
    """What clients break is found, and what the server keeps is said."""
    report, _ = proxied

    assert report["side"] == "both"
    assert find_failed(report, "FAIL") == {"HTTP-003", "HTTP-010", "HTTP-011", "AUTH-007"}
    assert {"RESP-001", "RESP-002", "RESP-003", "RESP-007", "RESP-008"} <= find_failed(
        report, "PASS"
    )


def test_recording_gets_the_same_verdicts(
    tmp_path: Path, proxied: tuple[dict[str, Any], Path]
) -> None:
    """A recording is checked as what was recorded, and has no credential in it."""
    live, record = proxied
    path = tmp_path / "again.json"
    judge_har(record, "--json", path, code=1)
    again = read(path)
    text = record.read_text("utf-8")
    verdicts = [
        {(row["requirement"], row["json"], row["xml"]) for row in report["verdicts"]}
        for report in (live, again)
    ]

    assert verdicts[0] == verdicts[1]
    assert "App key" not in text
    assert "App $AUTH" in text


def build_entry(url: str, *, method: str = "POST", **members: Any) -> dict[str, Any]:
    """Return an entry as a browser records it."""
    headers = [{"name": "content-type", "value": members.get("kind", "application/json")}]
    headers += [{"name": "authorization", "value": v} for v in members.get("auth", ())]
    request: dict[str, Any] = {"method": method, "url": url, "headers": headers}
    request |= {"postData": {"text": members["text"]}} if "text" in members else {}
    return {"request": request, "response": {"status": members.get("status", 200), "headers": []}}


def judge_entries(folder: Path, *entries: Any) -> dict[str, Any]:
    """Return what is said of a recording."""
    archive, path = folder / "any.har", folder / "any.json"
    archive.write_text(json.dumps({"log": {"entries": entries}}), "utf-8")
    judge_har(archive, "--json", path, "--quiet")
    return read(path)


GOOD = '{"messages":[{"destinations":[{"to":"41793026727"}],"text":"x"}]}'
V1_WRAPPED = (
    "<request><messages><message><destinations><to>41793026727</to></destinations>"
    "<text>x</text></message></messages></request>"
)
AWAY = "https://api.example.com"


def test_recordings_of_other_tools_are_read(tmp_path: Path) -> None:
    """Other APIs, preflights and entries of no form are passed over; a lost header is not blamed."""
    report = judge_entries(
        tmp_path,
        build_entry("https://www.example.com/index.html", method="GET"),
        build_entry(f"{AWAY}/sms/2/text/advanced", method="OPTIONS"),
        {"pageref": "x"},
        build_entry(f"{AWAY}/sms/2/text/advanced", text=GOOD),
        build_entry(f"{AWAY}/sms/2/text/advanced", text=GOOD, auth=["Basic ***"]),
    )

    assert report["requests"] == 2
    assert find_failed(report, "FAIL", "WARN") == set()


def test_credentials_over_plain_http_are_blamed(tmp_path: Path) -> None:
    """AUTH-005 is broken by what goes to another machine without TLS."""
    url = "http://api.example.com/sms/2/text/advanced"
    token = base64.b64encode(b"user:secret").decode()
    report = judge_entries(tmp_path, build_entry(url, text=GOOD, auth=[f"Basic {token}"]))

    assert find_failed(report, "FAIL") == {"AUTH-005"}
    assert "secret" not in json.dumps(report)
    assert token not in json.dumps(report)


def test_wrappers_of_version_2_are_blamed_in_version_1(tmp_path: Path) -> None:
    """V1-005 is broken by a message element in messages."""
    entry = build_entry(f"{AWAY}/sms/1/text/advanced", text=V1_WRAPPED, kind="application/xml")

    assert find_failed(judge_entries(tmp_path, entry), "WARN") == {"V1-005"}


def test_what_is_no_recording_is_wrong_usage(tmp_path: Path) -> None:
    """A file of another form ends with 3, a recording of other APIs with 2."""
    other = tmp_path / "x.har"
    other.write_text("[]", "utf-8")
    judge_har(other, code=3)
    judge_har(tmp_path / "none.har", code=3)
    other.write_text('{"log": {"entries": []}}', "utf-8")
    judge_har(other, code=2)
