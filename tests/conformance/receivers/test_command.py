"""The command receiver and the pytest form: plan, safety, exit codes, reports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

from tests.conformance.mutation.receivers import run_receiver
from tests.conformance.runs_in_process import run_command

TEST = "from infobip_sms_conformance.testing import test_infobip_receiver\n"
CONFTEST = """
import pytest
from infobip_sms_conformance.testing import Receiver

@pytest.fixture(scope="session")
def infobip_receiver():
    return Receiver("{url}", formats=["json"], options=["--only", "RCV-005", "--only", "RCV-003"])
"""


def test_broken_receiver_is_reported_in_every_form(tmp_path: Path) -> None:
    """Exit code 1, the requirement on the terminal, in JSON and in JUnit, and no number in any of them."""
    plain, junit = tmp_path / "run.json", tmp_path / "run.xml"
    only = ("--only", "RCV-005", "--only", "RCV-006", "--format", "json")
    with run_receiver(tmp_path / "kept", "status-enum") as url:
        words = ["receiver", f"{url}?token=hidden", *only]
        done = run_command([*words, "--json", str(plain), "--junit", str(junit)])

    report = json.loads(plain.read_text("utf-8"))
    verdicts = {row["requirement"]: row["verdict"] for row in report["verdicts"]}
    assert done["code"] == report["exit"] == 1
    assert verdicts == dict.fromkeys(("RCV-001", "RCV-002", "RCV-006"), "PASS") | {
        "RCV-005": "FAIL"
    }
    assert "FAIL RCV-005 in json" in done["out"]
    assert done["out"].index("Plan: up to") < done["out"].index("FAIL")
    assert len(etree.parse(junit).findall(".//failure")) == 1
    for text in (done["out"], plain.read_text("utf-8"), junit.read_text("utf-8")):
        assert "41793026727" not in text
        assert "hidden" not in text


@pytest.mark.parametrize(
    "words",
    [
        ["http://192.0.2.1/reports"],
        ["http://example.com/reports"],
        ["ftp://127.0.0.1/"],
        ["http://127.0.0.1:1/", "--only", "SEND"],
        ["http://127.0.0.1:1/", "--kept", ""],
        ["http://127.0.0.1:1/", "--seconds", "0"],
        ["https://example.com/", "--live", "--", "true"],
    ],
    ids=" ".join,
)
def test_wrong_usage_posts_nothing(words: list[str]) -> None:
    """Exit code 3."""
    assert run_command(["receiver", *words])["code"] == 3


def test_dry_run_prints_the_plan_alone() -> None:
    """Nothing listens there, and nothing is posted."""
    done = run_command(["receiver", "http://127.0.0.1:1/reports", "--dry-run"])

    assert done["code"] == 0
    assert "Plan: up to" in done["out"]


def test_nothing_that_listens_could_not_be_checked() -> None:
    """Exit code 2."""
    done = run_command(["receiver", "http://127.0.0.1:1/reports", "--only", "RCV-003"])

    assert done["code"] == 2
    assert "Could not check: the connection was refused" in done["out"]


def test_receiver_is_checked_from_pytest(tmp_path: Path) -> None:
    """One test for each requirement and format; what was not checked is skipped."""
    (tmp_path / "test_contract.py").write_text(TEST)
    with run_receiver(tmp_path / "kept", "status-enum") as url:
        (tmp_path / "conftest.py").write_text(CONFTEST.format(url=url))
        program = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-q"]
        done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)

    failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert failed == ["test_contract.py::test_infobip_receiver[RCV-005-json]"]
    assert "PASSED test_contract.py::test_infobip_receiver[RCV-003-json]" in done.stdout
