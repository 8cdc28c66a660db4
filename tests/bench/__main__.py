"""How fast the codecs and the client are, beside peers, as ratios of one run; `make bench`.

    python -m tests.bench [--rounds 9] [--quick] [--json FILE]

Everything of a kind is measured in turns, round by round, and its ratio to the first of its kind is
taken in each round: a machine that is busy is busy for all. Ratios are of the processor's time, their
median first, then the least and the most. Peers lie in .peers/, apart from everything of ours.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.peers.packages import FOLDER, ROOT

if TYPE_CHECKING:
    from tests.bench.targets import Target
    from tests.bench.trials import Row

ENVIRONMENT = FOLDER / "bench"


def main() -> int:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each measurement")
    parser.add_argument("--quick", action="store_true", help="small sizes, and no official client")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    options = parser.parse_args()
    if Path(sys.prefix) != ENVIRONMENT:
        return run_beside_peers(sys.argv[1:])
    rows, memory, imports = measure_all(options.rounds, quick=options.quick)
    from tests.bench.targets import find_targets  # noqa: PLC0415 - in the environment of the peers only

    targets = find_targets(rows, memory, imports)
    if options.json:
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
    rounds: int, *, quick: bool
) -> tuple[list[Row], dict[str, float], dict[str, float]]:
    """Return every figure, the peaks of memory, and the costs of imports."""
    from tests.bench import bulk, costs, trials  # noqa: PLC0415 - in the environment of the peers only

    rows: list[Row] = []
    for measured in (
        trials.measure_json(rounds, quick=quick),
        trials.measure_xml(rounds, quick=quick),
        trials.measure_growth(rounds) if not quick else (),
        trials.measure_calls(rounds, quick=quick),
        bulk.measure_bulk(rounds, quick=quick),
    ):
        for row in measured:
            rows.append(row)
            if sys.stderr.isatty():
                print(f"{row.work}, {row.size}: {row.peer}", file=sys.stderr)
    return rows, trials.measure_memory(), costs.measure_imports(rounds)


def print_tables(
    rows: list[Row], memory: dict[str, float], imports: dict[str, float], targets: list[Target]
) -> None:
    """Print one table of all."""
    before = None
    for row in rows:
        about = row.figure.describe()
        if (row.work, row.size) != before:
            before = row.work, row.size
            print(
                f"\n{row.work}, {row.size}\n{'':34}{'ratio':>8}{'least..most':>16}{'cpu ms':>11}{'wall ms':>11}"
            )
        spread = f"{about['ratio_least']:.2f}..{about['ratio_most']:.2f}"
        print(
            f"  {row.peer:32}{about['ratio']:8.2f}{spread:>16}{about['cpu_ms']:11.3f}{about['wall_ms']:11.3f}"
        )
    print("\nPeak of memory, in sizes of what is written")
    for name, peak in memory.items():
        print(f"  {name:40}{peak:8.2f}")
    print("\nCold import, milliseconds of the processor beyond a bare interpreter")
    for name, spent in imports.items():
        print(f"  {name:40}{spent:8.1f}")
    print("\nTargets")
    for target in targets:
        word = "reached" if target.is_reached else "missed"
        print(f"  {word:8}{target.found:8.3f} of {target.most:6.3f}  {target.name}")


def describe(
    rows: list[Row], memory: dict[str, float], imports: dict[str, float], targets: list[Target]
) -> dict[str, Any]:
    """Return all figures as plain data."""
    return {
        "python": sys.version.split()[0],
        "load": os.getloadavg(),
        "rows": [
            {"work": r.work, "size": r.size, "peer": r.peer, **r.figure.describe()} for r in rows
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
