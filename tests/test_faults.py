"""The judge against the sandbox with one requirement broken at a time: who is caught, and by what."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from infobip_sms_conformance.data import read_requirements

from infobip_sms.sandbox.faults import FAULTS

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = ["--user", "Aladdin", "--password", "open sesame", "--api-key", "key"]


def judge(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Start a sandbox as a process, judge it as a process; return the exit code and the verdicts."""
    command = [sys.executable, "-m", "infobip_sms", "sandbox", "--port", "0", *ACCOUNT, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            assert sandbox.stdout is not None
            url = sandbox.stdout.readline().partition("sandbox: ")[2].strip()
            report = folder / "verdicts.json"
            suite = [sys.executable, "-m", "infobip_sms_conformance", "server", url, *ACCOUNT]
            result = subprocess.run(
                [*suite, "--json", str(report)], capture_output=True, text=True, check=False
            )
        finally:
            sandbox.terminate()
    return result.returncode, json.loads(report.read_text(encoding="utf-8"))


def find_rows(verdicts: dict[str, Any], *words: str) -> set[str]:
    """Return the requirements that have one of these verdicts in either format."""
    return {
        row["requirement"]
        for row in verdicts["verdicts"]
        if row["json"] in words or row["xml"] in words
    }


def test_the_sandbox_passes_every_requirement(tmp_path: Path) -> None:
    """The reference has no verdict but PASS, on every requirement that an exchange shows."""
    code, verdicts = judge(tmp_path)

    assert code == 0
    assert find_rows(verdicts, "PASS") == FAULTS
    assert find_rows(verdicts, "FAIL", "WARN", "ERROR", "INCONCLUSIVE") == set()


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_broken_requirement_is_found_and_no_other(tmp_path: Path, fault: str) -> None:
    """A sandbox that breaks one requirement fails this one alone; a SHOULD is a warning."""
    code, verdicts = judge(tmp_path, "--fault", fault)
    must = read_requirements()[fault].level == "MUST"

    assert find_rows(verdicts, "FAIL") == ({fault} if must else set())
    assert find_rows(verdicts, "WARN") == (set() if must else {fault})
    assert find_rows(verdicts, "ERROR") == set()
    assert code == (1 if must else 0)
