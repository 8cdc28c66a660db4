"""A spreadsheet with every kind of dirt, checked; ``make volume`` also sends it, kills the sender and accounts for it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from tests.cli.runs import run
from tests.send_many.dirty_rows import REGION, TEMPLATE, build_rows, dump_rows, dump_stop_list

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 400
_BAD = {"unreadable", "impossible", "invalid"}


def test_a_check_finds_exactly_what_is_wrong_with_a_dirty_file(tmp_path: Path) -> None:
    """Rows that cannot be sent, duplicates in any spelling, suppressed numbers; and no others."""
    rows = list(build_rows(COUNT))
    details, stop = tmp_path / "details.csv", tmp_path / "stop.txt"
    stop.write_text(dump_stop_list(rows), encoding="utf-8")
    words = ("--region", REGION, "--skip", str(stop), "--check", "--details", str(details))
    typed = dump_rows(rows).encode("utf-8-sig")
    result = run("send", "--csv", "-", "--template", TEMPLATE, *words, typed=typed)
    with details.open(encoding="utf-8", newline="") as file:
        found = {int(row["row"]): set(row["problems"].split()) for row in csv.DictReader(file)}

    assert result.exit_code == 3
    assert {row.plan for row in rows} == {"sent", "duplicate", "suppressed", "unsendable", "empty"}
    for number, row in enumerate(rows, 2):
        problems = found.pop(number, None)
        if row.plan == "empty":
            assert problems is None
            continue
        assert problems is not None
        assert bool(problems & _BAD) is (row.plan == "unsendable"), (number, row)
        if row.plan != "unsendable":
            assert ("duplicate" in problems) is (row.plan == "duplicate"), (number, row)
        assert ("suppressed" in problems) is (row.plan == "suppressed"), (number, row)
    assert found == {}
