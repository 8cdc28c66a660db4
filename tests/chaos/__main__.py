"""Let the machine fail in every way that is listed here, and print what was tried and what came out.

python -m tests.chaos
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from . import namespaces
from .disk_errors import Case, fail_journal, fail_keeper, list_cases

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = (
    ("client", "fork", "transport/test_fork.py"),
    ("client", "no descriptors, clock jumps", "transport/test_chaos.py"),
    ("client", "cancelled calls", "client/test_async_client.py"),
    ("journal", "kill", "send_many/test_kills.py"),
    ("journal", "full disk", "send_many/test_full_disk.py"),
    ("journal", "damage, interrupts, clock set back", "send_many/test_journal.py"),
    ("sandbox", "kill", "sandbox/runtime/test_kill.py"),
    ("sandbox", "full disk, damage", "sandbox/runtime/test_data_file.py"),
    ("sandbox", "clock jumps", "sandbox/runtime/test_clock.py"),
    ("sandbox", "no descriptors, foreign pages", "sandbox/runtime/test_access.py"),
    ("listener", "kill, full disk, no descriptors, slow clients", "cli/test_listen.py"),
    ("listener", "kill, full disk with --store", "cli/test_listen_store.py"),
    ("report store", "full disk, damage, clock set back", "send_many/test_report_store.py"),
)
"""Part, what fails, and the tests that make it fail."""
DISK_ERRORS: tuple[tuple[str, Callable[[Path, Case], str]], ...] = (
    ("journal", fail_journal),
    ("data file", partial(fail_keeper, "data-file")),
    ("report store", partial(fail_keeper, "report-store")),
)


def run_tests(path: str) -> tuple[int, str]:
    """Run a file of tests; return how many passed, and ``ok`` or what went wrong."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{path}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    summary = result.stdout.rstrip().rpartition("\n")[2]
    counts = {
        what: int(n) for n, what in re.findall(r"(\d+) (passed|failed|error|skipped)", summary)
    }
    passed = counts.pop("passed", 0)
    others = ", ".join(f"{n} {what}" for what, n in counts.items())
    verdict = "ok" if result.returncode == 0 else "FAILED"
    return passed, f"{verdict}, {others}" if others else verdict


def run_disk_errors(run_case: Callable[[Path, Case], str]) -> tuple[int, str]:
    """Inject errors into system calls on a file; return how many did harm, and what went wrong."""
    if shutil.which("strace") is None:
        return 0, "skipped: strace is not installed"
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in list_cases():
            name = "-".join(map(str, case))
            results[name] = run_case(Path(folder) / name, case)
    wrong = [f"{name}: {r}" for name, r in results.items() if r not in {"ok", "no failure"}]
    return sum(r == "ok" for r in results.values()), "; ".join(wrong) or "ok"


def run_machines() -> tuple[int, str]:
    """Put application, sandbox and suite on three machines; return how many tries, and what went wrong."""
    if obstacle := namespaces.find_obstacle():
        return 0, f"skipped: {obstacle}"
    rows = namespaces.run()
    wrong = [f"{row.what}: {row.actual[:100]}" for row in rows if not row.is_ok]
    return len(rows), "; ".join(wrong) or "ok"


def main() -> int:
    """Try everything, print the table, and return 0 if nothing went wrong."""
    lines = [(part, fails, *run_tests(path)) for part, fails, path in ROWS]
    lines += [
        (part, "EIO and ENOSPC at single system calls", *run_disk_errors(run))
        for part, run in DISK_ERRORS
    ]
    lines.append(("sandbox", "three machines, foreign pages", *run_machines()))
    print(f"\n{'part':13} {'what fails':46} {'tried':>5}  result")
    for part, fails, tried, result in lines:
        print(f"{part:13} {fails:46} {tried:5}  {result}")
    return int(any(not line[3].startswith("ok") for line in lines))


if __name__ == "__main__":
    sys.exit(main())
