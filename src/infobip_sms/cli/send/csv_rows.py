"""A list of destinations in CSV, and a text with placeholders: one message for each row.

The first row has the names of the columns. ``to``, ``from``, ``text`` and ``message_id`` mean what
they say, in capitals or not; any column may be named in the template, as ``{name}``. Two braces
stand for one.
"""

from __future__ import annotations

import difflib
from collections import Counter
from itertools import islice
from string import Formatter
from typing import TYPE_CHECKING

import attrs

from infobip_sms import Destination, InvalidRequestError, Message
from infobip_sms.cli.base.framework import InvalidInputError
from infobip_sms.cli.base.output import clean

from .csv_table import show_value
from .phone_cells import explain_number, find_problem, mend_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from infobip_sms import Violation
    from infobip_sms.cli.base.message_options import MessageOptions

    from .csv_table import CsvTable

MAX_PROBLEMS = 10
_SHEET_ERRORS = frozenset(
    ("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!")
)
_COLUMNS = {
    attrs.fields_dict(cls)[name].metadata["wire"]: name.strip("_")
    for cls, name in (
        (Destination, "to"),
        (Destination, "message_id"),
        (Message, "from_"),
        (Message, "text"),
    )
}


@attrs.frozen
class Template:
    """Pieces of a text: what stands as it is, and the column whose value follows."""

    pieces: tuple[tuple[str, str | None], ...]

    @property
    def names(self) -> list[str]:
        """The columns, in order of appearance."""
        return [name for _, name in self.pieces if name is not None]

    def fill(self, cells: Mapping[str, str]) -> str:
        """Return the text for a row."""
        return "".join(text + (cells[name] if name else "") for text, name in self.pieces)


@attrs.frozen
class Mailing:
    """A sheet, a template and the options that hold for every row."""

    table: CsvTable
    template: Template | None
    message_options: MessageOptions
    to_international: Callable[[str], str] = mend_number
    """Returns a number as it is sent."""

    def build_rows(self) -> Iterator[tuple[int, Message | str]]:
        """Give the number of each row with its message, or with what is wrong with the row."""
        rows_by_id: dict[str, int] = {}
        for number, row in self.table.read_rows():
            found = self.build_message(number, row)
            own = found.destinations[0].message_id if isinstance(found, Message) else None
            if own and (first := rows_by_id.setdefault(own, number)) != number:
                yield (
                    number,
                    (
                        f"row {number}, column message_id: {show_value(own)} is also in row {first}."
                        " Give each message an ID of its own, or delete the row."
                    ),
                )
            else:
                yield number, found

    def build_messages(self) -> Iterator[Message]:
        """Give the message of each row; raise InvalidInputError at the first row that has none."""
        for _, found in self.build_rows():
            if isinstance(found, str):
                raise InvalidInputError(found)
            yield found

    def check_rows(self) -> list[str]:
        """Return what is wrong with the rows, up to a number that a person will read."""
        problems = (found for _, found in self.build_rows() if isinstance(found, str))
        shown = list(islice(problems, MAX_PROBLEMS))
        more = sum(1 for _ in problems)
        if more:
            shown.append(f"and {more} more; --check --details FILE writes them all to FILE")
        return shown

    def count_empty(self) -> dict[str, int]:
        """Return how many rows leave a placeholder empty, by its name."""
        names = dict.fromkeys(self.template.names if self.template else ())
        numbers = {name: place for place, name in enumerate(self.table.columns)}
        places = {name: numbers[name] for name in names}
        found: Counter[str] = Counter()
        for _, row in self.table.read_rows():
            found.update(name for name, place in places.items() if not row[place])
        return {name: found[name] for name in names if found[name]}

    def build_message(self, row_number: int, row: list[str]) -> Message | str:
        """Return the message of a row, or what is wrong with the row."""
        columns = self.table.columns
        if len(row) != len(columns):
            return f"row {row_number}: {_describe_width(row, columns)}"
        cells = dict(zip(columns, row, strict=True))
        known = {name.lower(): cell for name, cell in cells.items()}
        text = self.template.fill(cells) if self.template else known["text"]
        if name := self._find_sheet_error(cells, known):
            return (
                f"row {row_number}, column {clean(name)}: the spreadsheet could not compute the cell."
                " Correct it, or delete the row."
            )
        if not text.strip():
            return f"row {row_number}, column text: empty. Give it a text, or delete the row."
        number = self.to_international(known["to"])
        if remedy := find_problem(number):
            return f"row {row_number}, column to: got {show_value(known['to'])}. {remedy}"
        try:
            destination = (number, known.get("message_id") or None)
            request = self.message_options.build_request(
                [destination], text, known.get("from") or None
            )
            return request.messages[0]
        except InvalidRequestError as problem:
            said = [_format_violation(violation, known) for violation in problem.violations]
            return f"row {row_number}, {'; '.join(said)}"

    def _find_sheet_error(self, cells: Mapping[str, str], known: Mapping[str, str]) -> str | None:
        """Return the column of the text in which a spreadsheet wrote that it has no value."""
        if self.template is None:
            return "text" if known["text"] in _SHEET_ERRORS else None
        return next((name for name in self.template.names if cells[name] in _SHEET_ERRORS), None)


def parse_template(text: str, table: CsvTable) -> Template:
    """Return the template; raise InvalidInputError for a placeholder that is not a column."""
    try:
        pieces = list(_split_template(text))
    except ValueError:
        raise InvalidInputError(
            "--template: a placeholder is the name of a column in braces, {name};"
            " a brace by itself is written twice, {{ or }}."
        ) from None
    return Template(tuple((piece, name and _find_column(name, table)) for piece, name in pieces))


def _find_column(name: str, table: CsvTable) -> str:
    column = table.find_column(name)
    if column is not None:
        return column
    by_lower = {column.lower(): column for column in table.columns}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    guess = f" Did you mean {{{clean(by_lower[near[0]])}}}?" if near else ""
    raise InvalidInputError(
        f"--template: there is no column named {name}.{guess}"
        f" The columns are: {', '.join(map(clean, table.columns))}."
    )


def _describe_width(row: list[str], columns: tuple[str, ...]) -> str:
    """Return what is wrong with a row that has more or fewer cells than there are columns."""
    words = f"{len(row)} cells instead of {len(columns)}"
    if len(row) < len(columns):
        return f"{words}; column {clean(columns[len(row)])} is missing. Leave its cell empty if it has no value."
    extra = show_value(next(filter(None, row[len(columns) :])))
    return f"{words}; {extra} has no column. Put a cell that contains the delimiter in quotes."


def _split_template(text: str) -> Iterator[tuple[str, str | None]]:
    """Split a text at its placeholders; raise ValueError for formats and conversions."""
    for piece, name, spec, conversion in Formatter().parse(text):
        if spec or conversion or name == "":
            raise ValueError
        yield piece, name and name.strip()


def _format_violation(violation: Violation, cells: Mapping[str, str]) -> str:
    """Name the column instead of the place in a request, and show the cell unless it is the text."""
    member = violation.path.rpartition(".")[2]
    column = _COLUMNS.get(member)
    if column is None:
        return clean(violation)
    value = cells.get(column, "")
    actual = violation.actual if column == "text" else show_value(value)
    remedy = explain_number(value) if column == "to" else None
    said = clean(attrs.evolve(violation, path=f"column {column}", actual=actual))
    return f"{said}. {remedy}" if remedy else said
