"""A CSV file as spreadsheets write it: encoding, delimiter, names of columns, cells without blanks."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from infobip_sms.cli.base.framework import InvalidInputError
from infobip_sms.cli.base.output import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIMITERS = ",;\t|"
_SEPARATOR_LINE = re.compile(r"(\"?)sep=(.)\1(?:\r\n?|\n)")  # what a spreadsheet writes for itself
_MARKS = {  # that of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
MAX_BYTES = 256 * 2**20  # a million rows and more; reading takes several times as much memory
_GZIP = b"\x1f\x8b"
_END_OF_FILE = "\x1a"  # of old programs
_MANY_NULS = 4  # one in so many characters: UTF-16 that was taken for UTF-8
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx or .ods, .xls
_MARKUP = re.compile(r"\s*<(?:!|\?|[a-zA-Z])")
_LONG_NUMBER = re.compile(r"\d(?:[^\w\"]{0,3}\d){6,}")
_VISIBLE_DIGITS = 3
_HIDDEN = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_RESERVED = ("to", "from", "text", "message_id")  # columns with a meaning, in capitals or not
_MAX_SHOWN = 40  # characters of a value
SAVE_AS_UTF_8 = 'Save the sheet as "CSV UTF-8", or name the encoding: --encoding {}'


@attrs.frozen
class CsvTable:
    """A CSV document with its columns."""

    text: str = attrs.field(repr=False)
    columns: tuple[str, ...]
    delimiter: str
    header: int = 1
    """Row of the names; those above it are empty."""

    def read_rows(self) -> Iterator[tuple[int, list[str]]]:
        """Give each row below the names with its number, counted from 1; empty ones are left out."""
        width = len(self.columns)
        for number, row in enumerate(_read_cells(self.text, self.delimiter), 1):
            while len(row) > width and not row[-1]:
                row.pop()
            if number > self.header and any(row):
                yield number, row

    def find_column(self, name: str) -> str | None:
        """Return the column of that name, in capitals or not; None if there is none or more than one."""
        return self._names.get(name) or self._names.get(name.lower())

    @cached_property
    def _names(self) -> dict[str, str]:
        """Every column by its name, and by its name in small letters if no other column has that."""
        counts = Counter(column.lower() for column in self.columns)
        small = {column.lower(): column for column in self.columns if counts[column.lower()] == 1}
        return small | {column: column for column in self.columns}


def decode_csv(body: bytes, name: str, encoding: str | None) -> str:
    """Return the text of a CSV file; raise InvalidInputError with the place of what is unreadable."""
    if body.startswith(_WORKBOOKS):
        raise InvalidInputError(f'{name} is a workbook, not CSV. Save the sheet as "CSV UTF-8".')
    if len(body) > MAX_BYTES:
        raise InvalidInputError(
            f"{name} is larger than {MAX_BYTES // 2**20} MiB. Split it into several files, each with the"
            " names of the columns, and with a journal of its own."
        )
    if body.startswith(_GZIP):
        raise InvalidInputError(f"{name} is compressed, not CSV. Unpack it first: gunzip")
    by_mark = (known for mark, known in _MARKS.items() if body.startswith(mark))
    found = encoding or next(by_mark, "utf-8-sig")
    try:
        text = body.decode(found)
    except LookupError:
        raise InvalidInputError(
            f"--encoding: {clean(found)} is not an encoding; for example utf-8, utf-16, cp1252."
        ) from None
    except UnicodeError as problem:
        raise InvalidInputError(_describe_undecodable(body, name, encoding, problem)) from None
    if "\0" in text:
        raise InvalidInputError(_describe_nul(text, name))
    if _MARKUP.match(text):
        raise InvalidInputError(f'{name} is HTML or XML, not CSV. Save the sheet as "CSV UTF-8".')
    return text.removeprefix("\ufeff").rstrip(_END_OF_FILE)


def parse_csv(
    text: str, delimiter: str | None = None, needs: tuple[str, ...] = ("to",)
) -> CsvTable:
    """Return the table of a CSV document; raise InvalidInputError if its first row is of no use."""
    text, delimiter = _find_delimiter(text, delimiter)
    rows = ((number, row) for number, row in enumerate(_read_cells(text, delimiter), 1) if any(row))
    header, columns = next(rows, (1, []))
    columns = [_HIDDEN.sub("", name).strip() for name in columns]
    while columns and not columns[-1]:
        columns.pop()
    _require_columns(columns, needs)
    return CsvTable(text, tuple(columns), delimiter, header)


def read_cells(text: str) -> Iterator[list[str]]:
    """Give the cells of each row of a document without names of columns."""
    text, delimiter = _find_delimiter(text, None)
    return _read_cells(text, delimiter)


def _find_delimiter(text: str, delimiter: str | None) -> tuple[str, str]:
    """Return the text without its ``sep=`` line, and what separates its cells."""
    if line := _SEPARATOR_LINE.match(text):
        text = text[line.end() :]
        delimiter = delimiter or line[2]
    if delimiter is None:
        lines = (line for line in text.splitlines() if line.strip(f"{DELIMITERS} "))
        delimiter = max(DELIMITERS, key=next(lines, "").count)
    return text, delimiter


def show_value(value: str) -> str:
    """Return a cell in quotes: long numbers masked, hidden characters shown, long ones cut off."""
    cut = value if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]}…"
    return f'"{clean(_LONG_NUMBER.sub(_mask, cut))}"'


def _mask(found: re.Match[str]) -> str:
    """Return the first digits, and a star for each of the others."""
    shown = [sign for sign in found[0] if sign.isdigit()][:_VISIBLE_DIGITS]
    return "".join(shown) + "*" * (len(found[0]) - len(shown))


def _require_columns(columns: list[str], needs: tuple[str, ...]) -> None:
    lost = [name for name in needs if name not in {column.lower() for column in columns}]
    if not columns:
        raise InvalidInputError(
            f"The CSV is empty. Its first row must name the columns, such as: {needs[0]},name"
        )
    if lost:
        shown = ", ".join(map(clean, columns))
        remedy = " Rename the column of the phone numbers to: to" if lost == ["to"] else ""
        raise InvalidInputError(
            f"The CSV has no column named {lost[0]}. Its first row must name the columns; it has:"
            f" {shown}.{remedy}"
            if all(_is_column_name(name) for name in columns)
            else f"The CSV's first row must name the columns, such as: {lost[0]},name. Add such a row,"
            " or delete what is above it."
        )
    names = [name.lower() if name.lower() in _RESERVED else name for name in columns]
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        raise InvalidInputError(
            f"The CSV has more than one column named {clean(min(twice))}. Rename one of them."
        )


def _describe_nul(text: str, name: str) -> str:
    """Return what a NUL character says of a file: another encoding, or that it is damaged."""
    content = text.rstrip("\0")
    if content.count("\0") * _MANY_NULS >= len(content):
        order = "be" if text.startswith("\0") else "le"
        return f"{name} contains NUL characters; it may be UTF-16: --encoding utf-16-{order}"
    row = len(re.split(r"\r\n?|\n", text[: text.index("\0")]))
    return f"{name}, row {row}: a NUL character; the file is damaged. Save the sheet again."


def _describe_undecodable(
    body: bytes, name: str, encoding: str | None, problem: UnicodeError
) -> str:
    """Return which row is unreadable, near which word, and what to do."""
    place = getattr(problem, "start", len(body))
    lines = re.split(rb"\r\n?|\n", body[:place])
    before, after = lines[-1], re.split(rb"[\r\n]", body[place:], maxsplit=1)[0]
    word = re.split(rb"[,;\t|]", before)[-1] + re.split(rb"[,;\t|]", after)[0]
    column = len(re.findall(rb"[,;\t|]", before)) + 1
    guess = "cp1252" if b"\n" in body else "mac-roman"  # old programs for the Mac end lines so
    shown = show_value(word.decode(guess, "replace").strip())
    return (
        f"{name}, row {len(lines)}, column {column}: {shown} is not {encoding or 'UTF-8'}."
        f" {SAVE_AS_UTF_8.format(guess)}"
    )


def _read_cells(text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True
    )
    number = 0
    try:
        for number, row in enumerate(reader, 1):  # noqa: B007 - for the sentence below
            yield [cell.strip() for cell in row]
    except csv.Error as problem:
        reason = str(problem)
        if "end of data" in reason or "field limit" in reason:
            reason = "a quote is not closed, or a cell is endless"
        raise InvalidInputError(
            f"The CSV cannot be read after row {number}: {reason}. A quote inside a cell is written"
            ' twice, and the cell is in quotes: "say ""hello"""'
        ) from None


def _is_column_name(name: str) -> bool:
    """Return whether a cell may be shown as the name of a column: it has no digits."""
    return not any(sign.isdigit() for sign in name)
