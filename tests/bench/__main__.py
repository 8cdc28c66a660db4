"""How fast the codecs and the client are, beside peers, as ratios of one run; `make bench`.

    python -m tests.bench [--rounds 9] [--quick] [--only GROUP] [--json FILE]

Everything of a kind is measured in turns, round by round, and its ratio to the first of its kind is
taken in each round: a machine that is busy is busy for all. Ratios are of the processor's time, their
median first, then the least and the most, and of the clock on the wall. A loop that always does the same
shows after each group how quiet the machine is. Peers lie in .peers/, apart from everything of ours.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from tests.bench.compare import RESULT
from tests.bench.timing import LOUD, describe_noise, measure_noise
from tests.peers.packages import FOLDER, ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tests.bench.targets import Target
    from tests.bench.trials import Row

ENVIRONMENT = FOLDER / "bench"
GROUPS = (
    *("json", "xml", "growth", "calls", "bulk", "latency"),
    *("starts", "suite", "day", "memory", "imports"),
)
MEMORY = "Peak of memory, in sizes of what is written"
IMPORTED = "Cold import, milliseconds of the processor beyond a bare interpreter"
HEADS = f"{'ratio':>8}{'least..most':>16}{'wall':>8}{'cpu ms':>11}{'wall ms':>11}"


def main() -> int:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each measurement")
    parser.add_argument("--quick", action="store_true", help="small sizes, and no official client")
    parser.add_argument(
        "--only", choices=GROUPS, action="append", help="a group of rows; repeatable"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", default=RESULT, help="where to write the figures"
    )
    options = parser.parse_args()
    if Path(sys.prefix) != ENVIRONMENT:
        return run_beside_peers(sys.argv[1:])
    rows, memory, imports = measure_all(options.rounds, options.only or GROUPS, quick=options.quick)
    from tests.bench.targets import find_targets  # noqa: PLC0415 - in the environment of the peers only

    targets = find_targets(rows, memory, imports)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(describe(rows, memory, imports, targets), indent=1))
    print_tables(rows, memory, imports, targets)
    return 0


def run_beside_peers(arguments: list[str]) -> int:
    """Install the extra bench into an environment of its own, and run there."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--editable", f"{ROOT}[bench]"], check=True)
    command = [str(python), "-m", "tests.bench", *arguments]
    return subprocess.run(command, check=False, cwd=ROOT).returncode


def measure_all(
    rounds: int, groups: Collection[str], *, quick: bool
) -> tuple[list[Row], dict[str, float], dict[str, float]]:
    """Return every figure, the peaks of memory, and the costs of imports."""
    from tests.bench import costs, trials  # noqa: PLC0415 - in the environment of the peers only

    rows: list[Row] = []
    for name, measured in list_groups(rounds, quick=quick).items():
        if name not in groups:
            continue
        for row in measured:
            rows.append(attrs.evolve(row, noise=measure_noise()))
            if sys.stderr.isatty():
                print(f"{row.work}, {row.size}: {row.peer}", file=sys.stderr)
    memory = trials.measure_memory() if "memory" in groups else {}
    return rows, memory, costs.measure_imports(rounds) if "imports" in groups else {}


def list_groups(rounds: int, *, quick: bool) -> dict[str, Iterator[Row]]:
    """Return what measures the rows of each group, by its name."""
    from tests.bench import bulk, day, latency, programs, trials  # noqa: PLC0415 - as above

    return {
        "json": trials.measure_json(rounds, quick=quick),
        "xml": trials.measure_xml(rounds, quick=quick),
        "growth": trials.measure_growth(1 if quick else rounds),
        "calls": trials.measure_calls(rounds, quick=quick),
        "bulk": bulk.measure_bulk(rounds, quick=quick),
        "latency": latency.measure_latency(rounds),
        "starts": programs.measure_starts(rounds),
        "suite": programs.measure_suite(quick=quick),
        "day": day.measure_day(quick=quick),
    }


def print_tables(
    rows: list[Row], memory: dict[str, float], imports: dict[str, float], targets: list[Target]
) -> None:
    """Print one table of all, and what the machine was like."""
    before = None
    for row in rows:
        if (row.work, row.size) != before:
            before = row.work, row.size
            print(f"\n{row.work}, {row.size}\n{'':34}{HEADS}")
        print_row(row)
    for title, found in ((MEMORY, memory), (IMPORTED, imports)):
        if found:
            print(f"\n{title}", *(f"  {name:40}{n:8.2f}" for name, n in found.items()), sep="\n")
    print("\nTargets")
    for target in targets:
        word = "reached" if target.is_reached else "missed"
        print(f"  {word:8}{target.found:8.3f} of {target.most:6.3f}  {target.name}")
    print(f"\nThis machine is {describe_noise(find_noise(rows))}")


def print_row(row: Row) -> None:
    """Print one figure."""
    about = row.figure.describe()
    spread = f"{about['ratio_least']:.2f}..{about['ratio_most']:.2f}"
    times = f"{about['wall_ratio']:8.2f}{about['cpu_ms']:11.3f}{about['wall_ms']:11.3f}"
    memory = "" if row.memory is None else f"{row.memory:6.0f} MiB"
    loud = f"  noisy: {row.noise:.2f}" if row.noise > LOUD else ""
    print(f"  {row.peer:32}{about['ratio']:8.2f}{spread:>16}{times}{memory}{loud}")


def find_noise(rows: list[Row]) -> float:
    """Return the median of the spreads: a moment's noise spoils its row, not the run."""
    return statistics.median(row.noise for row in rows) if rows else measure_noise()


def describe(
    rows: list[Row], memory: dict[str, float], imports: dict[str, float], targets: list[Target]
) -> dict[str, Any]:
    """Return all figures as plain data."""
    return {
        "python": sys.version.split()[0],
        "load": os.getloadavg(),
        "noise": find_noise(rows),
        "rows": [
            {"work": r.work, "size": r.size, "peer": r.peer, "noise": r.noise, "memory": r.memory}
            | r.figure.describe()
            for r in rows
        ],
        "memory": memory,
        "imports": imports,
        "targets": [
            {"name": t.name, "most": t.most, "found": round(t.found, 4), "reached": t.is_reached}
            for t in targets
        ],
    }


if __name__ == "__main__":
    raise SystemExit(main())
