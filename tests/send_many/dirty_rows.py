"""Rows of a spreadsheet with every kind of dirt, each with what ought to happen to it.

What is expected is known from how a row is made, not from the code under test.
"""

from __future__ import annotations

import csv
import io
import random
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Plan = Literal["sent", "duplicate", "suppressed", "unsendable", "empty"]
COLUMNS = ["To", "Name", "message_id", ""]
REGION = "CH"
TEMPLATE = "Dear {name}, your table is ready."
OUTCOMES = {
    "79": ("delivered", None),
    "78": ("undeliverable", "UNDELIVERABLE,error=1"),
    "77": ("expired", "EXPIRED"),
    "76": ("rejected", "REJECTED"),
    "75": ("unreported", "DELIVERED,reports=0"),
}
"""State of a run's row by the first digits after 41, and what the sandbox is told to do."""
_PREFIXES = ["79"] * 16 + ["78", "77", "76", "75"]
_SPELLINGS: list[Callable[[str], str]] = [
    lambda n: n,
    lambda n: f"+{n}",
    lambda n: f"+{n[:2]} {n[2:4]} {n[4:7]} {n[7:9]} {n[9:]}",
    lambda n: f"00{n}",
    lambda n: f"0{n[2:]}",
    lambda n: f"0{n[2:4]} {n[4:7]}-{n[7:9]}/{n[9:]}",
    lambda n: f"{n}.0",
    lambda n: f"\u202a{n}\u202c",
    lambda n: f"{n[:2]}\u00a0{n[2:]}",
]
_NAMES = [
    "Ana", "Zoë", "O'Neil", 'Jo "Jojo" Li', "Li; Bo", "line\nbreak", "😀", "=1+1", "x" * 150, "{to}", "Ñandú",
]  # fmt: skip
_UNSENDABLE: list[Callable[[str], list[str]]] = [
    lambda _: ["4.1793E+10", "Bea", ""],
    lambda _: ["", "Bea", ""],
    lambda n: [f"{n[:6]}x", "Bea", ""],
    lambda n: [n],
    lambda n: [n, "Bea", "", "", "extra"],
    lambda n: [f"+41 (0){n[2:]}", "Bea", ""],
    lambda _: ["12", "Bea", ""],  # impossible
    lambda _: ["41200000000", "Bea", ""],  # invalid
]


@attrs.frozen
class DirtyRow:
    """The cells of a row, and what ought to happen to it."""

    cells: list[str]
    plan: Plan
    number: str = ""
    """In international format, if it has one."""


def build_rows(count: int, seed: int = 1) -> Iterator[DirtyRow]:
    """Give rows; about one in six is not to be sent."""
    chance = random.Random(seed)  # noqa: S311 - variety
    earlier: list[str] = []
    for index in range(count):
        number = f"41{chance.choice(_PREFIXES)}{index:07}"
        match chance.random():
            case share if share < 0.01:
                yield DirtyRow(["", "  ", ""], "empty")
            case share if share < 0.04:
                yield DirtyRow(chance.choice(_UNSENDABLE)(number), "unsendable")
            case share if share < 0.07:
                yield _build_row(number, "suppressed", index, chance)
            case share if share < 0.12 and earlier:
                yield _build_row(chance.choice(earlier), "duplicate", index, chance)
            case _:
                earlier.append(number)
                yield _build_row(number, "sent", index, chance)


def _build_row(number: str, plan: Plan, index: int, chance: random.Random) -> DirtyRow:
    """Return a row in one of the spellings; one in five has a messageId, one in five more cells."""
    own = f"campaign-{index}" if chance.random() < 0.2 else ""
    more = [""] * (chance.random() < 0.2)
    cells = [chance.choice(_SPELLINGS)(number), chance.choice(_NAMES), own, *more]
    return DirtyRow([*cells, ""] if len(cells) == len(COLUMNS) - 1 else cells, plan, number)


def dump_rows(rows: list[DirtyRow], delimiter: str = ";") -> str:
    """Return rows as a spreadsheet saves them."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(COLUMNS)
    writer.writerows(row.cells for row in rows)
    return text.getvalue()


def dump_stop_list(rows: list[DirtyRow]) -> str:
    """Return the suppressed numbers of rows, each in another spelling."""
    numbers = [row.number for row in rows if row.plan == "suppressed"]
    return "".join(f"+{n[:2]} {n[2:]}\n" if int(n) % 2 else f"00{n}\n" for n in numbers)
