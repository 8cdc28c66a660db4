"""The suite's checks of the operations around the message, checked themselves by spoiled sandboxes."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from infobip_sms_conformance.contract import files
from infobip_sms_conformance.run import engine
from infobip_sms_conformance.run.runner import PlanError, build_plan
from infobip_sms_conformance.transport.http import parse_target

from tests.conformance.mutation.rewrites import CANNED, FAULTS, LEGAL

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
CHAPTERS = ["DLR-007", "DLR-008", "LOG-", "PREV-", "BULK-", "TRACK-"]
V1 = [f"V1-{n:03}" for n in (1, 4, 5, 6, 7, 8)]
OURS = [*CHAPTERS, *V1]
MOST = 55
"""Requests of ours that a good server sees."""
GROUND = 3
"""Requests that every run begins with."""
OTHERS = 1
"""The other request that is looked up; in a whole run it is there anyway."""
# An allowed server is not held to what it does not offer; what shows nowhere else is inconclusive.
UNDECIDED = {
    "no-logs": {"TRACK-001"},
    "batch-is-bad": set[str](),
}


class Line:
    """A program that is asked and answers line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask, and wait for the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@contextmanager
def start(program: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program of the tests for the time of a ``with`` block."""
    command = [sys.executable, "-m", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(name="street", scope="module")
def fixture_street() -> Iterator[str]:
    """Give the URL below which all spoiled sandboxes stand."""
    with start("tests.conformance.mutation.rewriting_proxy") as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


@pytest.fixture(name="judge", scope="module")
def fixture_judge() -> Iterator[Line]:
    """Give the suite."""
    with start("tests.conformance.runs_in_process") as process:
        yield Line(process)


class Verdicts:
    """What a run said."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.sent: list[str] = answer["sent"]
        self.bill = answer["bill"]
        self.messages: int = answer["messages"]
        self.findings = answer["findings"]
        quiet = {"PASS", "N/A"}
        assert answer["stopped"] == ""
        self.said = "\n".join(map(str, [f for f in self.findings if f[2] not in quiet]))

    def find(self, verdict: str) -> set[str]:
        """Return the requirements that have a verdict."""
        return {finding[0] for finding in self.findings if finding[2] == verdict}

    def find_roots(self) -> set[str]:
        """Return the requirements that inconclusive ones name as their reason."""
        return {finding[5] for finding in self.findings if finding[2] == "INCONCLUSIVE"}


def judge_one(judge: Line, street: str, name: str, **options: Any) -> Verdicts:
    """Check one of the sandboxes by our requirements."""
    question = {"url": f"{street}/{name}", "only": OURS, "patience": 0.3, **options}
    return Verdicts(judge.ask(question))


# ------------------------------------------------------------------ allowed servers


@pytest.mark.parametrize("name", sorted(LEGAL))
def test_legal_habit_fails_nothing(judge: Line, street: str, name: str) -> None:
    """No allowed habit fails, warns or confuses."""
    run = judge_one(judge, street, name, patience=6)

    assert not run.find("FAIL") | run.find("ERROR") | run.find("WARN"), run.said
    assert run.find("INCONCLUSIVE") == UNDECIDED.get(name, set()), run.said


def test_every_requirement_passes_within_the_bill(judge: Line, street: str) -> None:
    """The sandbox passes in everything, at the announced price, and each operation is called in both formats."""
    run = judge_one(judge, street, "clean")

    assert run.find("PASS") == {
        n for n in engine.get_checked_requirements() if n.startswith(tuple(OURS))
    }
    assert len(run.sent) == MOST + GROUND + OTHERS
    assert len(run.sent) <= run.bill["planned_cost"]["requests"]
    assert run.messages <= run.bill["planned_cost"]["messages"]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_chapter_stands_alone(judge: Line, street: str, chapter: str) -> None:
    """A chapter alone passes, at no more than its own price."""
    run = judge_one(judge, street, "clean", only=[chapter])

    assert run.find("PASS"), run.said
    assert not run.find("FAIL") | run.find("INCONCLUSIVE") | run.find("ERROR"), run.said
    assert len(run.sent) <= run.bill["planned_cost"]["requests"]


@pytest.mark.parametrize(
    "options",
    [{"without": ["xml"]}, {"profile": "live"}, {"to": ["41793026727"]}, {"without": ["tracking"]}],
    ids=str,
)
def test_other_plans_pass(judge: Line, street: str, options: dict[str, Any]) -> None:
    """With one format, with few messages, to one number, without a feature: nothing fails."""
    run = judge_one(judge, street, "clean", **options)

    assert not run.find("FAIL") | run.find("INCONCLUSIVE") | run.find("ERROR"), run.said
    assert len(run.find("PASS")) >= 18 if "tracking" in str(options) else 21


def test_live_run_sends_few_messages(judge: Line, street: str) -> None:
    """The profile live sends a handful in place of a list, and looks at a limit of 1 instead."""
    run = judge_one(judge, street, "clean", profile="live", only=["LOG-", "DLR-00"])

    assert {"json GET a look at one message"} <= set(run.sent)
    assert run.messages < 30


def test_rejections_send_none_of_it() -> None:
    """The profile rejections calls no operation around the message: nothing of them is selected."""
    with pytest.raises(PlanError, match="not in the profile rejections"):
        build_plan(parse_target("http://127.0.0.1:1"), profile="rejections", only=OURS)


# ------------------------------------------------------------------ one fault each


def find_family(number: str) -> list[str]:
    """Return the requirements that share exchanges with one of them."""
    families = ["PREV-"], V1, [c for c in CHAPTERS if c != "PREV-"]
    return next(f for f in families if number.startswith(tuple(f)))


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_fault_fails_its_requirement_alone(judge: Line, street: str, name: str) -> None:
    """A sandbox with one fault fails, or is warned for, exactly the requirement that it breaks."""
    number = FAULTS[name]
    run = judge_one(judge, street, name, only=find_family(number))

    must = files.read_requirements()[number].level == "MUST"
    assert run.find("FAIL" if must else "WARN") == {number}, run.said
    assert not run.find("WARN" if must else "FAIL"), run.said
    assert not run.find("ERROR"), run.said
    assert run.find_roots() <= {number}, run.said


def test_every_requirement_is_broken_by_some_sandbox() -> None:
    """For every requirement of ours there is a fault."""
    checked = {n for n in engine.get_checked_requirements() if n.startswith(tuple(OURS))}

    assert checked == set(FAULTS.values())


@pytest.mark.parametrize("name", sorted(CANNED))
def test_answers_of_no_use_lead_to_no_error(judge: Line, street: str, name: str) -> None:
    """A server that answers always the same fails by clauses, and no check goes wrong."""
    run = judge_one(judge, street, name)

    assert not run.find("ERROR"), run.said
    assert run.find("FAIL") | run.find("WARN") >= {
        "LOG-001",
        "DLR-007",
        "BULK-001",
        "BULK-004",
        "PREV-001",
        "TRACK-003",
    }
    roots = {root for root in run.find_roots() if not root.startswith("HTTP-")}
    assert not roots - run.find("FAIL") - run.find("WARN"), run.said
