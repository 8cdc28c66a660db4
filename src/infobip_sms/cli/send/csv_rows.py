"""A list of destinations in CSV, and a text with placeholders: one message for each row.

The first row has the names of the columns. ``to``, ``from``, ``text`` and ``message_id`` mean what
they say, in capitals or not; any column may be named in the template, as ``{name}``. Two braces
stand for one.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections import Counter
from string import Formatter
from typing import TYPE_CHECKING

import attrs

from infobip_sms import Destination, InvalidRequestError, Message
from infobip_sms.cli.base.framework import InvalidInputError
from infobip_sms.cli.base.output import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infobip_sms import Violation
    from infobip_sms.cli.base.message_options import MessageOptions

DELIMITERS = ",;\t"
MAX_PROBLEMS = 10
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
class CsvTable:
    """A CSV document with its columns."""

    text: str = attrs.field(repr=False)
    columns: tuple[str, ...]
    delimiter: str

    def read_rows(self) -> Iterator[tuple[int, list[str]]]:
        """Give each row with its number; the row of the names is number 1, empty ones are left out."""
        for number, row in enumerate(_read_cells(self.text, self.delimiter), 1):
            if number > 1 and any(cell.strip() for cell in row):
                yield number, row


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

    def build_messages(self) -> Iterator[Message]:
        """Give the message of each row; raise WrongInput at the first row that has none."""
        for number, row in self.table.read_rows():
            found = self.build_message(number, row)
            if isinstance(found, str):
                raise InvalidInputError(found)
            yield found

    def check_rows(self) -> list[str]:
        """Return what is wrong with the rows, up to a number that a person will read."""
        problems: list[str] = []
        for number, row in self.table.read_rows():
            found = self.build_message(number, row)
            if isinstance(found, str):
                problems.append(found)
            if len(problems) >= MAX_PROBLEMS:
                return [*problems, "and perhaps more: these are the first ones"]
        return problems

    def count_empty(self) -> dict[str, int]:
        """Return how many rows leave a placeholder empty, by its name."""
        names = dict.fromkeys(self.template.names if self.template else ())
        numbers = {name: place for place, name in enumerate(self.table.columns)}
        places = {name: numbers[name] for name in names}
        found: Counter[str] = Counter()
        for _, row in self.table.read_rows():
            found.update(name for name, place in places.items() if not row[place].strip())
        return {name: found[name] for name in names if found[name]}

    def build_message(self, row_number: int, row: list[str]) -> Message | str:
        """Return the message of a row, or what is wrong with the row."""
        columns = self.table.columns
        if len(row) != len(columns):
            lost = (
                f"; column {clean(columns[len(row)])} is missing" if len(row) < len(columns) else ""
            )
            return f"row {row_number}: {len(row)} cells instead of {len(columns)}{lost}"
        cells = dict(zip(columns, row, strict=True))
        known = {name.lower(): cell.strip() for name, cell in cells.items()}
        text = self.template.fill(cells) if self.template else cells[_get_column(columns, "text")]
        if not text.strip():
            return f"row {row_number}, column text: empty"
        try:
            destination = (known["to"], known.get("message_id") or None)
            request = self.message_options.build_request(
                [destination], text, known.get("from") or None
            )
            return request.messages[0]
        except InvalidRequestError as problem:
            return f"row {row_number}, {'; '.join(map(_format_violation, problem.violations))}"


def parse_csv(text: str) -> CsvTable:
    """Return the sheet of a CSV document; raise WrongInput if its first row is of no use."""
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    columns = tuple(name.strip() for name in next(_read_cells(text, delimiter), []))
    if "to" not in {name.lower() for name in columns}:
        shown = ", ".join(map(clean, columns)) or "nothing"
        raise InvalidInputError(
            f"The CSV has no column named to. Its first row must name the columns; it has: {shown}."
            if all(_is_column_name(name) for name in columns)
            else "The CSV's first row must name the columns, such as: to,name"
        )
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        raise InvalidInputError(f"The CSV has more than one column named {clean(min(twice))}.")
    return CsvTable(text, columns, delimiter)


def parse_template(text: str, columns: tuple[str, ...]) -> Template:
    """Return the template; raise WrongInput for a placeholder that is no column."""
    try:
        pieces = [(piece, name) for piece, name, _, _ in _split_template(text)]
    except ValueError:
        raise InvalidInputError(
            "--template: a placeholder is the name of a column in braces, {name};"
            " a brace by itself is written twice, {{ or }}."
        ) from None
    known = frozenset(columns)
    for _, name in pieces:
        if name is not None and name not in known:
            near = difflib.get_close_matches(name, columns, n=1)
            guess = f" Did you mean {{{clean(near[0])}}}?" if near else ""
            raise InvalidInputError(
                f"--template: there is no column named {name}.{guess}"
                f" The columns are: {', '.join(map(clean, columns))}."
            )
    return Template(tuple(pieces))


def _split_template(text: str) -> Iterator[tuple[str, str | None, str | None, str | None]]:
    """Split a text at its placeholders; raise ValueError for formats and conversions."""
    for piece, name, spec, conversion in Formatter().parse(text):
        if spec or conversion or name == "":
            raise ValueError
        yield piece, name, spec, conversion


def _read_cells(text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, row in enumerate(reader, 1):  # noqa: B007 - for the sentence below
            yield row
    except csv.Error as problem:
        raise InvalidInputError(f"The CSV cannot be read after row {number}: {problem}.") from None


def _get_column(columns: tuple[str, ...], wanted: str) -> str:
    return next(name for name in columns if name.lower() == wanted)


def _is_column_name(name: str) -> bool:
    """Tell whether a cell may be shown as the name of a column: it is none of a number's kind."""
    return not any(sign.isdigit() for sign in name)


def _format_violation(violation: Violation) -> str:
    """Name the column instead of the place in a request."""
    member = violation.path.rpartition(".")[2]
    where = f"column {_COLUMNS[member]}" if member in _COLUMNS else violation.path
    return clean(attrs.evolve(violation, path=where))
