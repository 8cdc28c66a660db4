"""EIO and ENOSPC at single system calls on a file, injected by strace; then the same command again."""

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
KEPT = 12
Case = tuple[str, str, int]


def list_cases() -> list[Case]:
    """Return every combination of a system call, an error and the call at which it begins."""
    return [(call, error, place) for call in CALLS for error in ERRORS for place in PLACES]


def run_twice(path: Path, case: Case, *command: str) -> list[subprocess.CompletedProcess[str]]:
    """Run a program with one system call on its file failing, then without."""
    call, error, place = case
    paths = [word for end in ("", "-wal") for word in ("-P", f"{path}{end}")]
    inject = f"inject={call}:error={error}:when={place}"
    strace = ["strace", "-f", "-q", "-o", "/dev/null", *paths, "-e", inject]
    program = [sys.executable, "-m", *command]
    return [
        subprocess.run([*before, *program], capture_output=True, check=False, text=True)
        for before in (strace, [])
    ]


def fail_journal(folder: Path, case: Case) -> str:
    """Send with a journal; return ``ok``, ``no failure``, or what is wrong."""
    folder.mkdir()
    path = folder / "run.journal"
    with Ledger(folder) as ledger:
        first, again = run_twice(
            path, case, "tests.chaos.sender", ledger.url, str(path), str(COUNT)
        )
        numbers = ledger.numbers
    if first.returncode not in {0, 3} or again.returncode != 0:
        return f"ended with {first.returncode}, then with {again.returncode}"
    if len(numbers) != len(set(numbers)) or len(numbers) != COUNT:
        return f"{len(numbers)} messages to {len(set(numbers))} destinations"
    return "ok" if first.returncode else "no failure"


def fail_keeper(kind: str, folder: Path, case: Case) -> str:
    """Keep messages in a file; return ``ok``, ``no failure``, or what is wrong."""
    folder.mkdir()
    path = folder / "file"
    first, again = run_twice(path, case, "tests.chaos.keeper", kind, str(path), str(KEPT))
    if first.returncode not in {0, 3} or again.returncode != 0:
        return f"ended with {first.returncode}, then with {again.returncode}: {again.stderr}"
    kept = {name for word, name in map(str.split, first.stdout.splitlines()) if word == "kept"}
    found = [tuple(line.split()) for line in again.stdout.splitlines()]
    had = {name for word, name in found if word == "had"}
    if not kept <= had or len(found) != len(set(found)) or len(found) != KEPT:
        return f"kept {len(kept)}, then had {len(had)}, {len(found)} of {KEPT} in all"
    return "ok" if first.returncode else "no failure"
