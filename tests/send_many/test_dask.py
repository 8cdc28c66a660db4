"""Where one machine is not enough: send_many as the body of Dask's map over partitions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.ledger_process import Ledger, build_number

README = (Path(__file__).resolve().parents[2] / "src" / "README.md").read_text(encoding="utf-8")
COUNT, PARTS = 1_200, 8

MESSAGES = f"""
import json, os, signal
from pathlib import Path
from infobip_sms import Destination, Message

numbers = [str(41_000_000_001 + index * 10) for index in range({COUNT})]
messages = [Message(destinations=[Destination(to=number)], text="Hello") for number in numbers]
"""

(SNIPPET,) = [
    block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "Dask" in block
]

REPORT = """
    pids = {pid for path in Path.cwd().glob("*.worker") for pid in path.read_text().split()}
    print(json.dumps([outcomes, len(pids), str(os.getpid()) in pids]))
"""

WATCHED = """
def watch(work):
    def watched(messages, journal):
        messages = list(messages)
        with Path(f"{journal}.worker").open("a") as file:
            print(os.getpid(), file=file)
        return work(messages, journal)
    return watched

send_partition = watch(send_partition)

if __name__ == "__main__":
"""

MORTAL = """
def send_partition(messages, journal):
    outcomes = client.send_many(messages, journal=journal, chunk=10, on_unknown="resend", log_delay=1)
    states = []
    for outcome in outcomes:
        states.append((outcome.to, outcome.state))
        if len(states) == 70 and journal in ("2.journal", "5.journal"):
            if not Path(f"{journal}.died").exists():
                Path(f"{journal}.died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
    return states
"""


def run(ledger: Ledger, folder: Path, more: str) -> Any:
    """Run the page's program, pointed at a ledger, as a process in which warnings are errors."""
    program = SNIPPET.replace("http://127.0.0.1:8080", ledger.url)
    program = program.replace(
        "threads_per_worker=1", "threads_per_worker=1, dashboard_address=None"
    )
    program = program.replace('if __name__ == "__main__":\n', f"{more}{WATCHED}")
    path = folder / "program.py"
    path.write_text(MESSAGES + program + REPORT, encoding="utf-8")
    command = [sys.executable, "-W", "error", path.name]
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("more", ["", MORTAL], ids=["in peace", "two workers are killed"])
def test_two_worker_processes_send_each_destination_once(more: str, tmp_path: Path) -> None:
    """A partition that Dask begins again, because its worker died, goes on where its journal ends."""
    with Ledger(tmp_path) as ledger:
        outcomes, workers, is_parent = run(ledger, tmp_path, more)

        assert workers >= 2
        assert not is_parent
        assert len(outcomes) == PARTS
        assert [pair for part in outcomes for pair in part] == [
            [build_number(index), "accepted"] for index in range(COUNT)
        ]
        assert ledger.numbers == [build_number(index) for index in range(COUNT)]
        assert len(list(tmp_path.glob("*.journal"))) == PARTS
        assert len(list(tmp_path.glob("*.died"))) == (2 if more else 0)
