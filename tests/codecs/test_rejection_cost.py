"""What rejecting costs: it grows with the document as reading does, counted in calls and looks."""

from __future__ import annotations

import pytest

from infobip_sms.cli.base.framework import InvalidInputError
from infobip_sms.cli.send import csv_rows
from infobip_sms.cli.send.csv_rows import parse_csv, parse_template


class Name(str):
    """A name that counts how often it is compared."""

    __slots__ = ()
    looks = 0

    def strip(self, chars: str | None = None, /) -> Name:
        """Stay one that counts."""
        return Name(super().strip(chars))

    def __eq__(self, other: object) -> bool:
        Name.looks += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("repeated", [False, True])
def test_columns_are_compared_once_each(repeated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of columns, all alike or none, take a few comparisons for each of them."""
    names = [Name("x" if repeated else f"x{i}") for i in range(3_000)]
    monkeypatch.setattr(csv_rows, "_read_cells", lambda *_: iter([[Name("to"), *names]]))
    Name.looks = 0

    if repeated:
        with pytest.raises(InvalidInputError, match="more than one column named x"):
            parse_csv("")
    else:
        parse_template("{x1}{x2999}" * 1_000, parse_csv("").columns)

    assert Name.looks <= 5 * len(names)
