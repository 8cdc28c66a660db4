"""A file of failures is sent again byte for byte, and says what is fixed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from infobip_sms_conformance.session.recorded import fill

from infobip_sms.sandbox import Sandbox, running
from tests.conformance.runs_in_process import ACCOUNT, Judge

FAULTS = ("SEND-010", "RESP-008")


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[Sandbox]:
    """Give a sandbox that can be broken."""
    with running(api_key=ACCOUNT[-1]) as sandbox:
        yield sandbox


def test_replay_of_a_file_says_what_is_fixed(
    sandbox: Sandbox, judge_line: Judge, tmp_path: Path
) -> None:
    """Of two faults one is mended: its checks are fixed, those of the other still fail, in the same bytes."""
    sandbox.switch_on(*FAULTS)
    only = [word for one in FAULTS for word in ("--only", one)]
    _, first = judge_line.judge(sandbox.url, *only)
    path = tmp_path / "first.json"
    path.write_text(json.dumps(first))
    sandbox.switch_on(FAULTS[1])
    run, again = judge_line.judge(sandbox.url, "--replay", str(path))
    sandbox.reset()

    lines = run.out.partition("Replay\n")[2].partition("\n\n")[0].splitlines()
    said = dict(line.strip().split(": ") for line in lines)
    assert run.code == 1
    assert {word for token, word in said.items() if token.startswith(FAULTS[0])} == {"fixed"}
    assert {word for token, word in said.items() if token.startswith(FAULTS[1])} == {
        "still failing"
    }
    bodies = [
        [r["evidence"]["recorded"]["body"] for r in row["reasons"] if "evidence" in r]
        for report in (first, again)
        for row in report["verdicts"]
        if row["requirement"] == FAULTS[1]
    ]
    assert bodies[0] == bodies[1]
    assert {"infobip-sms", "Hypothesis", "Python"} == set(first["versions"])


def test_variables_are_filled_with_the_numbers_of_the_run() -> None:
    """A whole number, one with a sign in it, and what only looks like a variable."""
    numbers = ("+123456", "789")

    assert fill("$TO $TO2 ${TO%??}x${TO#????} $TOP", numbers) == "123456 789 1234x56 $TOP"
