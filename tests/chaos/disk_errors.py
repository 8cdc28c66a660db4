"""EIO and ENOSPC at single system calls of a journal, injected by strace; then the same command again."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.fakes.ledger_process import Ledger

if TYPE_CHECKING:
    from pathlib import Path

CALLS = ("pwrite64", "fdatasync,fsync", "ftruncate")
ERRORS = ("EIO", "ENOSPC")
PLACES = (1, 2, 3, 5, 8)
COUNT = 40


def list_cases() -> list[tuple[str, str, int]]:
    """Return every combination of a system call, an error and the call at which it begins."""
    return [(call, error, place) for call in CALLS for error in ERRORS for place in PLACES]


def run_case(folder: Path, call: str, error: str, place: int) -> str:
    """Send with one system call failing, then without; return ``ok``, ``no failure``, or what is wrong."""
    folder.mkdir()
    with Ledger(folder) as ledger:
        command = [
            *(sys.executable, "-m", "tests.chaos.sender"),
            *(ledger.url, str(folder / "run.journal"), str(COUNT)),
        ]
        inject = f"inject={call}:error={error}:when={place}"
        path = ["-P", str(folder / "run.journal"), "-P", str(folder / "run.journal-wal")]
        strace = ["strace", "-f", "-q", "-o", "/dev/null", *path, "-e", inject]
        first = subprocess.run([*strace, *command], capture_output=True, check=False)
        again = subprocess.run(command, capture_output=True, check=False)
        numbers = ledger.numbers
    if first.returncode not in {0, 3} or again.returncode != 0:
        return f"ended with {first.returncode}, then with {again.returncode}"
    if len(numbers) != len(set(numbers)) or len(numbers) != COUNT:
        return f"{len(numbers)} messages to {len(set(numbers))} destinations"
    return "ok" if first.returncode else "no failure"
