"""The suite is checked: it fails every broken server by its requirement alone, and no allowed one."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from infobip_sms_conformance.contract import files
from infobip_sms_conformance.run import engine
from infobip_sms_conformance.session import budget

from infobip_sms.sandbox.mutants.app import MUTANTS
from tests.conformance.mutation import subjects

MOST_REQUESTS = 300
ROOT = Path(__file__).parents[3]
PROGRAMS = {"sandbox", "independent"}
# One broken server for each requirement; `make selftest` has all, which takes a quarter of an hour.
PROGRAM = (sys.executable, "-m", "tests.conformance.mutation.run", "--quick")


@pytest.fixture(scope="module", name="matrix")
def run_selftest(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Run the selftest once; return its rows."""
    path = tmp_path_factory.mktemp("selftest") / "matrix.json"
    done = subprocess.run(
        [*PROGRAM, "--json", str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    found = json.loads(path.read_text("utf-8"))
    rows: list[dict[str, Any]] = found["servers"] if isinstance(found, dict) else found
    wrong = [row for row in rows if row["word"] not in {"good", "caught"}]

    assert done.returncode == (1 if wrong else 0), done.stdout[-2000:]
    return rows


def test_judge_is_right_about_every_server(matrix: list[dict[str, Any]]) -> None:
    """Broken servers are caught by exactly their requirement, and allowed ones fail nothing."""
    wrong = [row for row in matrix if row["word"] not in {"good", "caught"}]

    assert not wrong
    assert {row["breaks"] for row in matrix if row["breaks"]} == engine.get_checked_requirements()
    assert {row["server"].split()[0] for row in matrix if not row["breaks"]} == PROGRAMS


def test_good_servers_see_no_more_than_was_announced(matrix: list[dict[str, Any]]) -> None:
    """An allowed server of every operation sees at most 300 requests."""
    counts = {row["server"]: row["requests"] for row in matrix if not row["breaks"]}

    assert counts["sandbox"] <= MOST_REQUESTS


def test_every_requirement_that_is_judged_is_broken_by_some_server() -> None:
    """A check that no broken server trips fails the build."""
    broken = {
        subject.broken_requirement
        for subject in subjects.get_systems()
        if subject.broken_requirement
    }

    assert broken == engine.get_checked_requirements()


def test_sandbox_has_a_fault_for_every_name_in_the_list() -> None:
    """The list of the sandbox's faults, which the suite has as data, is that of the sandbox."""
    listed = subjects.read_toml("sandbox_mutants.toml")["faults"]

    assert listed == dict(MUTANTS)


def test_every_requirement_an_exchange_shows_has_a_check() -> None:
    """The checks cover what can be seen from outside; of the others the list says why not."""
    rows = files.read_requirements().values()
    seen = {row.id for row in rows if row.observable in {"exchange", "push", "session", "time"}}

    assert engine.get_checked_requirements() == seen
    assert all(row.why for row in rows if row.observable not in {"exchange", "receiver"})


def test_every_case_belongs_to_a_checked_requirement() -> None:
    """No case is left unused because its requirement has no check."""
    cases = (*budget.get_rejected_cases(), *budget.get_accepted_cases())

    assert {case.requirement_id for case in cases} <= engine.get_checked_requirements()


def test_data_file_of_the_servers_names_programs_that_are_there() -> None:
    """Every third party's program and list of faults is shipped beside the suite."""
    for row in subjects.read_toml("independent_servers.toml")["server"]:
        assert Path(subjects.SERVERS / row["program"]).exists()
        assert Path(subjects.SERVERS / row["faults"]).exists()
