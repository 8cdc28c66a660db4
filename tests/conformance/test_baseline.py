"""Baselines: which failures they excuse, and which entries are reported as fixed or expired."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run import baseline
from infobip_sms_conformance.run.result import RunResult, SanitizedFinding

from infobip_sms.sandbox import running
from tests.conformance.runs_in_process import ACCOUNT, Judge

TODAY = datetime.now(UTC).date()
TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=1)
EXAMPLE = """
[[known]]
requirement = "RESP-009"
format = "xml"                       # both when left out
reason = "the gateway drops it; ticket 4711"
expires = 2027-01-31
"""


def read(folder: Path, text: str) -> baseline.Baseline:
    """Parse a text as a baseline."""
    path = folder / "known.toml"
    path.write_text(text)
    return baseline.read_baseline(path)


def known(number: str, *wires: str, expires: object = TOMORROW) -> str:
    """Return the text of an entry."""
    form = f'format = "{wires[0]}"\n' if wires else ""
    return (
        f'[[known]]\nrequirement = "{number}"\n{form}reason = "ticket 4711"\nexpires = {expires}\n'
    )


def build_record(verdicts: dict[str, str], stopped: str = "") -> RunResult:
    """Return a run with these verdicts, such as ``{"SEND-002 json": "FAIL"}``."""
    findings = tuple(
        SanitizedFinding(name.split()[0], name.split()[1], "", Verdict(verdict))
        for name, verdict in verdicts.items()
    )
    return RunResult("", "full", 1, ("json", "xml"), findings=findings, stopped=stopped)


def test_documented_example_is_read(tmp_path: Path) -> None:
    """The example in the module docstring is a baseline with one entry."""
    (entry,) = read(tmp_path, EXAMPLE)

    assert entry.pairs == [("RESP-009", "xml")]
    assert entry.reason.endswith("4711")
    assert "".join(EXAMPLE.split()) in "".join((baseline.__doc__ or "").split())
    assert read(tmp_path, "") == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[known]", "expected TOML"),
        ("[[knwon]]\n", "expected only"),
        ("known = 1\n", "expected only"),
        ("[[known]]\n", "unknown requirement"),
        (known("SEND-999"), "SEND-999"),
        (known("SEND-002", "yaml"), "expected json or xml"),
        (known("SEND-002").replace("ticket 4711", " "), "reason is required"),
        (known("SEND-002").replace("expires", "until"), "unknown key until"),
        (known("SEND-002", expires='"soon"'), "expires: expected a date"),
        (known("SEND-002", expires="2027-01-31T00:00:00Z"), "expires: expected a date"),
    ],
)
def test_invalid_file_is_rejected(tmp_path: Path, text: str, word: str) -> None:
    """A baseline with an invalid entry raises UsageError that names the problem."""
    with pytest.raises(UsageError, match=word):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "verdicts", "code"),
    [
        (known("SEND-002"), {"SEND-002 json": "FAIL", "SEND-003 json": "PASS"}, 0),
        (known("SEND-002"), {"SEND-002 json": "FAIL", "SEND-002 xml": "FAIL"}, 0),
        (known("SEND-002", "xml"), {"SEND-002 json": "FAIL", "SEND-002 xml": "FAIL"}, 1),
        (known("SEND-002"), {"SEND-002 json": "FAIL", "SEND-003 json": "FAIL"}, 1),
        (known("SEND-002", expires=TODAY), {"SEND-002 json": "FAIL"}, 0),
        (known("SEND-002", expires=YESTERDAY), {"SEND-002 json": "FAIL"}, 1),
        (known("SEND-002"), {"SEND-002 json": "FAIL", "SEND-003 json": "ERROR"}, 2),
        (known("SEND-002"), {"SEND-002 json": "PASS"}, 0),
        ("", {"SEND-002 json": "FAIL"}, 1),
        (known("SEND-002"), {}, 2),
    ],
)
def test_known_failures_are_excused_and_others_are_not(
    tmp_path: Path, text: str, verdicts: dict[str, str], code: int
) -> None:
    """Known failures do not affect the exit code."""
    assert baseline.compare(read(tmp_path, text), build_record(verdicts)).exit_code == code


def test_run_that_ended_early_is_not_excused(tmp_path: Path) -> None:
    """An incomplete run does not succeed, even if all its failures are known."""
    record = build_record({"SEND-002 json": "FAIL"}, stopped="the server does not answer")

    assert baseline.compare(read(tmp_path, known("SEND-002")), record).exit_code == 2


@pytest.mark.parametrize(
    ("verdicts", "gone"),
    [
        ({"SEND-002 json": "PASS", "SEND-002 xml": "PASS"}, True),
        ({"SEND-002 json": "PASS", "SEND-002 xml": "FAIL"}, False),
        ({"SEND-002 json": "INCONCLUSIVE"}, False),
        ({"SEND-002 json": "ERROR"}, False),
        ({"SEND-002 json": "N/A"}, False),
        ({"SEND-003 json": "PASS"}, False),
    ],
)
def test_entry_that_no_longer_fails_is_reported(
    tmp_path: Path, verdicts: dict[str, str], gone: bool
) -> None:
    """An entry is reported as fixed once it was checked and passes, and not if there was no verdict."""
    found = baseline.compare(read(tmp_path, known("SEND-002")), build_record(verdicts))

    assert found.gone == (("SEND-002",) if gone else ())
    assert ("Fixed (remove from the baseline)" in "".join(found.format_lines())) == gone


def test_expired_entry_is_reported(tmp_path: Path) -> None:
    """An expired entry is reported with its date."""
    text = known("SEND-002", expires=YESTERDAY)
    found = baseline.compare(read(tmp_path, text), build_record({"SEND-002 json": "FAIL"}))

    assert found.expired == (f"SEND-002 ({YESTERDAY})",)
    assert found.new == ("SEND-002 json",)


def test_baseline_of_a_run(judge_line: Judge, tmp_path: Path) -> None:
    """--baseline excuses known failures, reports fixed entries, and still fails on new failures."""
    (tmp_path / "known.toml").write_text(known("WIN-003") + known("WIN-004"))
    (tmp_path / "none.toml").write_text("")
    words = (*ACCOUNT, "--only", "WIN-003", "--only", "WIN-004")
    with running(api_key=ACCOUNT[-1]) as sandbox:
        sandbox.switch_on("WIN-003")
        runs = [
            judge_line.run("server", sandbox.url, *words, "--baseline", str(tmp_path / name))
            for name in ("known.toml", "none.toml")
        ]

    assert [run.code for run in runs] == [0, 1]
    assert "Known failures: WIN-003 json, WIN-003 xml" in runs[0].out
    assert "Fixed (remove from the baseline): WIN-004" in runs[0].out
    assert "New failures (not in the baseline)" in runs[1].out
