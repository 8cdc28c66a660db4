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
# One broken server for each requirement; `make selftest` has all, which takes some 20 minutes.
PROGRAM = (sys.executable, "-m", "tests.conformance.mutation.run", "--quick")


@pytest.fixture(scope="module", name="matrix")
def run_selftest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the selftest once; return what it wrote."""
    path = tmp_path_factory.mktemp("selftest") / "matrix.json"
    done = subprocess.run(
        [*PROGRAM, "--json", str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    right = not find_wrong(found["servers"]) and not find_lost(found)

    assert done.returncode == (0 if right else 1), done.stdout[-2000:]
    return found


def find_wrong(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of servers about which the suite was wrong."""
    return [row for row in rows if row["word"] not in {"good", "caught"}]


def find_lost(matrix: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the faults of servers with several that were neither named nor hidden."""
    return [
        (row["server"], fault["requirement_id"])
        for row in matrix["combinations"]
        for fault in row["faults"]
        if fault["outcome"] == "lost"
    ]


def test_judge_is_right_about_every_server(matrix: dict[str, Any]) -> None:
    """Broken servers are caught by exactly their requirement, and allowed ones fail nothing."""
    rows = matrix["servers"]

    assert not find_wrong(rows)
    assert {row["breaks"] for row in rows if row["breaks"]} == engine.get_checked_requirements()
    assert {row["server"].split()[0] for row in rows if not row["breaks"]} == PROGRAMS


def test_each_of_several_faults_is_named(matrix: dict[str, Any]) -> None:
    """Of servers with two faults and with three, each fault is named, or another one that failed explains it."""
    assert {len(row["faults"]) for row in matrix["combinations"]} == {2, 3}
    assert not find_lost(matrix)
    assert not [row for row in matrix["combinations"] if row["others"]]


def test_good_servers_see_no_more_than_was_announced(matrix: dict[str, Any]) -> None:
    """An allowed server of every operation sees at most 300 requests."""
    counts = {row["server"]: row["requests"] for row in matrix["servers"] if not row["breaks"]}

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
