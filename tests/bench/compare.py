"""What changed between two runs of the bench; `make bench-compare OTHER=old.json`.

python -m tests.bench.compare OTHER [THIS]      files that the bench wrote; THIS is build/bench.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.timing import LOUD, describe_noise

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULT = Path(__file__).resolve().parents[2] / "build" / "bench.json"
_CHANGED = 0.1  # a smaller change of a ratio is not shown


def main(arguments: list[str]) -> int:
    """Print what changed; return 1 if a target is missed that was reached before."""
    paths = [Path(argument) for argument in arguments] or [Path("OTHER.json")]
    missing = [path for path in (*paths[:1], *(paths[1:] or [RESULT])) if not path.exists()]
    if missing or len(paths) > 2:
        print(
            f"bench-compare: {missing[0] if missing else paths[2]} does not exist; make bench first"
        )
        return 2
    other, this = (json.loads(p.read_text(encoding="utf-8")) for p in [*paths, RESULT][:2])
    print("\n".join(list_changes(other, this)))
    return int(any(True for _ in list_lost_targets(other, this)))


def list_changes(other: dict[str, Any], this: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each figure that changed by more than a tenth and lies outside the other's spread."""
    yield f"other: {describe_noise(other['noise'])}; this: {describe_noise(this['noise'])}"
    before = {_name(row): row for row in other["rows"]}
    for row in this["rows"]:
        if (old := before.get(_name(row))) is None or not _is_change(old, row):
            continue
        loud = " (noisy)" if max(old["noise"], row["noise"]) > LOUD else ""
        yield f"{_name(row)}: {old['ratio']:.2f} -> {row['ratio']:.2f}{loud}"
    for kind in ("memory", "imports"):
        for name, found in this[kind].items():
            old_found = other[kind].get(name)
            if old_found and abs(found / old_found - 1) > _CHANGED:
                yield f"{kind}, {name}: {old_found:.2f} -> {found:.2f}"
    yield from list_lost_targets(other, this)


def list_lost_targets(other: dict[str, Any], this: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each target that was reached, and is not any more."""
    reached = {target["name"] for target in other["targets"] if target["reached"]}
    for target in this["targets"]:
        if target["name"] in reached and not target["reached"]:
            yield f"missed now: {target['name']}: {target['found']:.3f} of {target['most']:.3f}"


def _name(row: dict[str, Any]) -> str:
    return f"{row['work']}, {row['size']}: {row['peer']}"


def _is_change(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Tell whether a ratio changed, and not only within what one of the runs has seen."""
    apart = new["ratio_least"] > old["ratio_most"] or new["ratio_most"] < old["ratio_least"]
    return bool(apart) and bool(abs(new["ratio"] / old["ratio"] - 1) > _CHANGED)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
