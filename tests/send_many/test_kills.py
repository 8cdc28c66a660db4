"""Kills: of the server, of the sender, and what memory does. `make volume` runs the same for 200,000."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.send_many.large_run import is_right, run_sender, run_server

if TYPE_CHECKING:
    from pathlib import Path


COUNT = 6_000


@pytest.mark.parametrize("on_unknown", ["reconcile", "resend"])
def test_a_server_that_is_killed_and_restarted_accepts_each_destination_once(
    on_unknown: str, tmp_path: Path
) -> None:
    """SIGKILL in the middle, and a restart a second later: all are accepted once, or told."""
    found = run_server(tmp_path, COUNT, on_unknown, chunk=50)

    assert is_right(found), found
    assert found["in the ledger"] >= COUNT - 4 * 50
    if on_unknown == "resend":
        assert found["states"] == {"accepted": COUNT}


@pytest.mark.parametrize(("on_unknown", "seed"), [("reconcile", 1), ("resend", 2)])
def test_a_sender_that_is_killed_ten_times_sends_each_destination_once(
    on_unknown: str, seed: int, tmp_path: Path
) -> None:
    """SIGKILL, ten times, and one run to the end: all are accepted once, or told as unknown."""
    found = run_sender(tmp_path, COUNT, on_unknown, 50, seed)

    assert is_right(found), found
    assert len(found["accepted at the kills"]) == 10
    assert max(found["accepted at the kills"]) < COUNT
    assert found["states"].keys() <= {"accepted", "unknown"}
    if on_unknown == "resend":
        assert found["states"] == {"accepted": COUNT}


def test_memory_does_not_grow_with_the_input(tmp_path: Path) -> None:
    """Ten times as many destinations take as much memory, in a first run and in one that resumes."""
    program = [sys.executable, "-m", "tests.send_many.memory", str(tmp_path)]
    peaks = json.loads(subprocess.run(program, check=True, stdout=subprocess.PIPE).stdout)

    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[3] < 1.2 * peaks[2]
