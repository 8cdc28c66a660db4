"""The numbers of ``--skip``: read like any other spreadsheet, and rejected rather than misunderstood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infobip_sms.cli.base.framework import InvalidInputError
from infobip_sms.cli.base.output import clean

from .csv_table import decode_csv, read_cells, show_value
from .phone_cells import explain_number, find_problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_COLUMN = "to"


def read_stop_list(path: Path, to_international: Callable[[str], str]) -> frozenset[str]:
    """Return the numbers of a file: the column named to, or the first cell of each row.

    to_international: returns a number as it is sent. InvalidInputError for a row without a number: whoever
    is in it would be sent to.
    """
    numbers = set()
    column = 0
    for row, cells in enumerate(read_cells(decode_csv(path.read_bytes(), path.name, None)), 1):
        if not any(cells):
            continue
        if row == 1 and not any(sign.isdigit() for cell in cells for sign in cell):
            names = [cell.lower() for cell in cells]
            column = names.index(_COLUMN) if _COLUMN in names else 0
            continue
        cell = cells[column] if column < len(cells) else ""
        number = to_international(cell)
        remedy = find_problem(number)
        if remedy is None and not number.removeprefix("+").isdecimal():
            remedy = explain_number(cell)
        if remedy:
            raise InvalidInputError(
                f"--skip {clean(path.name)}, row {row}: got {show_value(cell)}. {remedy}"
            )
        numbers.add(number)
    return frozenset(numbers)
