"""Run the suite in your own pytest run: one test for each requirement and format, against your own server.

    # conftest.py
    @pytest.fixture(scope="session")
    def infobip_server():
        with start_my_server() as url:                  # in a process or thread
            yield Server(url, user="me", password="secret", without=["bulks"])

    # test_contract.py
    from infobip_sms_conformance.testing import test_infobip_requirement

The suite runs once, in a subprocess. FAIL fails the test, WARN warns, N/A and INCONCLUSIVE skip with
their reason, and ERROR is an error of the test.
"""

import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infobip_sms_conformance.contract.files import WIRES, read_requirements
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.engine import load_checks

__all__ = ["Receiver", "Server", "test_infobip_receiver", "test_infobip_requirement"]

SECONDS = 600.0


@dataclass(frozen=True)
class Server:
    """Your server: base URL, account and the features it does not have."""

    url: str
    user: str | None = "Aladdin"
    password: str = field(default="open sesame", repr=False)
    api_key: str | None = field(default=None, repr=False)
    without: Sequence[str] = ()
    options: Sequence[str] = ()
    """Further options of the command server, such as --patience 20."""


@dataclass(frozen=True)
class Receiver:
    """Your callback receiver: its notify URL, its formats, and the command that prints what it kept."""

    url: str
    formats: Sequence[str] = WIRES
    kept: str | None = None
    options: Sequence[str] = ()
    """Further options of the command receiver, such as --seconds 10."""


class InfobipWarning(UserWarning):
    """The server does not meet a SHOULD requirement."""


def get_pairs() -> list[tuple[str, str]]:
    """Return every requirement that is checked, with its formats."""
    checked = {(check.requirement_id, wire) for check in load_checks() for wire in check.wires}
    return [(n, wire) for n in read_requirements() for wire in WIRES if (n, wire) in checked]


def run_conformance(server: Server) -> dict[str, Any]:
    """Run the suite and return its JSON report; fail if there is none."""
    account = ["--no-basic"] if server.user is None else ["--user", server.user]
    account += [] if server.user is None else ["--password", server.password]
    account += ["--api-key", server.api_key] if server.api_key else []
    without = [word for feature in server.without for word in ("--without", feature)]
    return run_command(["server", server.url, *account, *without, *server.options])


def run_receiver_conformance(receiver: Receiver) -> dict[str, Any]:
    """Check a receiver and return the JSON report; fail if there is none."""
    formats = [word for wire in receiver.formats for word in ("--format", wire)]
    kept = ["--kept", receiver.kept] if receiver.kept else []
    return run_command(["receiver", receiver.url, *formats, *kept, *receiver.options])


def run_command(words: Sequence[str]) -> dict[str, Any]:
    """Run a command of the suite and return its JSON report; fail if there is none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "verdicts.json"
        process = subprocess.run(
            [sys.executable, "-m", "infobip_sms_conformance", *words, "--json", str(path)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if not path.exists() or not path.stat().st_size:
            pytest.fail(f"the suite could not run: {process.stderr.strip()}", pytrace=False)
        report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return report


@pytest.mark.parametrize(("number", "wire"), get_pairs())
def test_infobip_requirement(infobip_record: dict[str, Any], number: str, wire: str) -> None:
    """The server meets the requirement in the format."""
    require_conformance(infobip_record, number, wire)


RECEIVER_IDS = [row.id for row in read_requirements().values() if row.binds == "receiver"]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("number", RECEIVER_IDS)
def test_infobip_receiver(infobip_receiver_record: dict[str, Any], number: str, wire: str) -> None:
    """The callback receiver meets the requirement in the format."""
    require_conformance(infobip_receiver_record, number, wire)


def require_conformance(record: dict[str, Any], number: str, wire: str) -> None:
    """End a test as the verdict on its requirement says."""
    row = next((r for r in record["verdicts"] if r["requirement"] == number), None)
    verdict = row[wire] if row else None
    if row is None or verdict is None:
        pytest.skip(record["stopped"] or "not checked")
    details = format_reasons(row, wire, verdict)
    if verdict == Verdict.WARN:
        warnings.warn(InfobipWarning(details), stacklevel=1)
    elif verdict in {Verdict.NOT_APPLICABLE, Verdict.INCONCLUSIVE}:
        pytest.skip(details)
    elif verdict == Verdict.ERROR:
        raise RuntimeError(details)
    elif verdict == Verdict.FAIL:
        pytest.fail(details, pytrace=False)


def format_reasons(row: dict[str, Any], wire: str, verdict: str) -> str:
    """Return the details of a verdict as text."""
    lines = [f"{row['requirement']} {row['text']} ({row['source']})"]
    for reason in row["reasons"]:
        if reason["wire"] == wire and reason["verdict"] == verdict:
            names = ("sent", "expected", "got", "caused_by", "token")
            lines += [f"  {name:9}{reason[name]}" for name in names if reason.get(name)]
            lines += [f"  curl     {reason['evidence']['curl']}"] if "evidence" in reason else []
    return "\n".join(lines)
