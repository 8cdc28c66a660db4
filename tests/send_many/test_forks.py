"""send_many and forks: what a child does with a run of its parent changes nothing of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.fakes.ledger_process import Ledger, build_messages

ROOT = Path(__file__).resolve().parents[2]
COUNT = 40
PROGRAM = """
import os, signal, sys
from infobip_sms import Client
from tests.fakes.ledger_process import AUTH, build_messages

url, journal, child_does, parent_does = sys.argv[1:]
with Client(url, auth=AUTH, retry=None) as client:
    messages = build_messages({count})
    for outcome in client.send_many(messages, journal=journal, chunk=5, concurrency=1, log_delay=0):
        if outcome.index == 12:
            child = os.fork()
            if child == 0 and child_does == "exit":
                sys.exit(7)
            if child == 0:
                continue
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        if outcome.index == 25 and parent_does == "die":
            os.kill(os.getpid(), signal.SIGKILL)
""".replace("{count}", str(COUNT))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize(
    ("child", "parent"), [("exit", "finish"), ("exit", "die"), ("go on", "finish")]
)
def test_a_fork_in_the_middle_of_a_run_leaves_it_to_its_parent(
    tmp_path: Path, child: str, parent: str
) -> None:
    """A child that ends closes nothing; one that goes on is told; nobody is lost or sent to twice."""
    journal = tmp_path / "run.journal"
    with Ledger(tmp_path) as ledger:
        words = ["-W", "ignore::DeprecationWarning", "-c", PROGRAM, ledger.url, str(journal)]
        result = subprocess.run(
            [sys.executable, *words, child, parent],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        # Only what was under way when the parent was killed may be unknown; its id keeps it from being sent twice.
        unknown = {"on_unknown": "resend"} if parent == "die" else {}
        outcomes = ledger.send(
            build_messages(COUNT), journal=journal, chunk=5, patience=20, **unknown
        )
        numbers = ledger.numbers

    assert result.stdout.split() == ["7" if child == "exit" else "1"]
    assert ("this is a fork" in result.stderr) == (child == "go on")
    assert Counter(outcome.state for outcome in outcomes) == {"accepted": COUNT}
    assert len(numbers) == len(set(numbers)) == COUNT
