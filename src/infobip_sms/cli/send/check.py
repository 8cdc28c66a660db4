"""``send --csv --check``: what a run would send and cost, and the limits that stop one before it starts."""

from __future__ import annotations

import csv
from collections import Counter
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import attrs

from infobip_sms.cli.base.framework import (
    EXIT_OK,
    EXIT_REJECTED,
    EXIT_USAGE,
    InvalidInputError,
    UnavailableError,
)
from infobip_sms.cli.base.output import clean, open_new_csv, print_json, print_note, print_table
from infobip_sms.send_many.preflight import CheckedDestination, build_number_parser, preflight

from .csv_table import decode_csv, parse_csv
from .phone_cells import mend_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from infobip_sms import Message

_MAX_ROWS = 20  # rows with a problem that a table shows
_MAX_CHARACTERS = 20
_UNREADABLE = "unreadable"  # a row that has no message
_DETAILS = (
    "row",
    "to",
    "number",
    "country",
    "problems",
    "duplicateOfRow",
    "segments",
    "encoding",
    "unicodeCharacters",
    "cost",
    "reason",
)


@attrs.frozen(kw_only=True)
class CheckOptions:
    """What is checked, and what a run may not exceed."""

    check: bool
    details: Path | None
    region: str | None
    prices: Path | None
    skip: frozenset[str] | None
    dedupe: bool
    max_messages: int | None
    max_segments: int | None
    max_cost: Decimal | None

    @property
    def is_needed(self) -> bool:
        """Whether a run has to be checked before it starts."""
        limits = (self.max_messages, self.max_segments, self.max_cost)
        return self.check or self.details is not None or any(limit is not None for limit in limits)


@attrs.define
class CheckSummary:
    """Counts what a run would send."""

    as_json: bool
    dedupe: bool
    details: csv.DictWriter[str] | None = None
    messages: Counter[str] = attrs.field(factory=Counter, init=False)
    segments: Counter[str] = attrs.field(factory=Counter, init=False)
    cost: dict[str, Decimal] = attrs.field(factory=dict, init=False)
    left_out: int = attrs.field(default=0, init=False)
    unpriced: int = attrs.field(default=0, init=False)
    problems: Counter[str] = attrs.field(factory=Counter, init=False)
    characters: Counter[str] = attrs.field(factory=Counter, init=False)
    rows: list[tuple[object, ...]] = attrs.field(factory=list, init=False)
    reasons: list[str] = attrs.field(factory=list, init=False)

    def add(self, found: CheckedDestination, row: int, first_row: int | None) -> None:
        """Count a destination; as JSON, print it."""
        country = found.country or "?"
        self.problems.update(found.problems)
        if "suppressed" in found.problems or (self.dedupe and "duplicate" in found.problems):
            self.left_out += 1
        else:
            self._add_sent(found, country)
        said = ", ".join(
            f"duplicate of row {first_row}" if problem == "duplicate" else problem
            for problem in found.problems
        )
        if said and len(self.rows) < _MAX_ROWS:
            self.rows.append((row, found.to, country, said))
        self._write(_to_plain(found, row, first_row))

    def _add_sent(self, found: CheckedDestination, country: str) -> None:
        self.messages[country] += 1
        self.segments[country] += found.count.segments
        if found.cost is None:
            self.unpriced += 1
        else:
            self.cost[country] = self.cost.get(country, Decimal(0)) + found.cost
        self.characters.update(found.count.unicode_characters)

    def add_unreadable(self, row: int, reason: str) -> None:
        """Count a row that has no message."""
        self.problems[_UNREADABLE] += 1
        if len(self.reasons) < _MAX_ROWS:
            self.reasons.append(reason)
        self._write({"row": row, "problems": [_UNREADABLE], "reason": reason})

    def _write(self, plain: dict[str, Any]) -> None:
        if self.as_json:
            print_json(plain)
        if self.details is not None:
            self.details.writerow(_to_cells(plain))

    def print_tables(self) -> None:
        """Print the rows with a problem, then what each country gets."""
        print_table(("Row", "To", "Country", "Problem"), self.rows)
        lines = [
            (country, count, self.segments[country], self.cost.get(country))
            for country, count in self.messages.most_common()
        ]
        total = sum(self.cost.values(), Decimal(0)) if self.cost else None
        lines.append(("Total", self.messages.total(), self.segments.total(), total))
        print_table(("Country", "Messages", "Segments", "Cost"), lines)

    def print_notes(self) -> None:
        """Print the rows without a message, how many problems there are, and what makes texts longer."""
        for reason in self.reasons:
            print_note(reason[:1].upper() + reason[1:])
        if left := self.problems[_UNREADABLE] - len(self.reasons):
            print_note(f"And {left} more rows like these; --details FILE writes them all to FILE.")
        if self.problems:
            words = ", ".join(f"{count} {name}" for name, count in self.problems.most_common())
            print_note(f"Problems: {words}.")
        if self.left_out:
            print_note(f"Left out by --skip and --dedupe, and not counted: {self.left_out}.")
        if self.characters:
            letters = " ".join(sign for sign, _ in self.characters.most_common(_MAX_CHARACTERS))
            print_note(f"Sent as Unicode, with fewer characters per segment, because of: {letters}")
        if self.cost and self.unpriced:
            print_note(f"Without a price: {self.unpriced} messages.")

    def require_limits(self, options: CheckOptions) -> None:
        """Raise InvalidInputError if a run would send or cost more than it may."""
        cost = sum(self.cost.values(), Decimal(0))
        if options.max_cost is not None and self.unpriced:
            raise InvalidInputError(
                f"Nothing was sent: --max-cost needs a price for every country, and {self.unpriced}"
                " messages have none. Add them to --prices, or a line for all others: *,0.10"
            )
        for name, value, limit in (
            ("--max-messages", self.messages.total(), options.max_messages),
            ("--max-segments", self.segments.total(), options.max_segments),
            ("--max-cost", cost, options.max_cost),
        ):
            if limit is not None and value > limit:
                raise InvalidInputError(
                    f"Nothing was sent: {name} is {limit}, and this is {value}."
                )

    def get_exit_code(self) -> int:
        """Return the exit code of a check: 3 for numbers that reach nobody, 1 for warnings."""
        if any(self.problems[name] for name in ("impossible", "invalid", _UNREADABLE)):
            return EXIT_USAGE
        return EXIT_REJECTED if self.problems else EXIT_OK


def check_rows(
    found_rows: Iterable[tuple[int, Message | str]], options: CheckOptions, *, as_json: bool
) -> CheckSummary:
    """Check the message of each row; raise UnavailableError if the extra is missing."""
    prices = read_prices(options.prices) if options.prices else None
    _require_parser(options.region)
    rows: list[int] = []
    with _open_details(options.details) as details:
        summary = CheckSummary(as_json, options.dedupe, details)

        def read_messages() -> Iterator[Message]:
            for row, found in found_rows:
                if isinstance(found, str):
                    summary.add_unreadable(row, found)
                else:
                    rows.append(row)
                    yield found

        for found in preflight(
            read_messages(), region=options.region, skip=options.skip, prices=prices
        ):
            first = None if found.duplicate_of is None else rows[found.duplicate_of]
            summary.add(found, rows[found.index], first)
    return summary


@contextmanager
def _open_details(path: Path | None) -> Iterator[csv.DictWriter[str] | None]:
    """Give what writes a row for each destination; None without a file."""
    if path is None:
        yield None
        return
    with open_new_csv(path) as file:
        writer = csv.DictWriter(file, _DETAILS)
        writer.writeheader()
        yield writer


def _to_cells(plain: dict[str, Any]) -> dict[str, str]:
    """Return values as cells; several in one cell are separated by blanks."""
    return {
        name: clean(" ".join(value) if isinstance(value, list) else value)
        for name, value in plain.items()
    }


def build_international(region: str) -> Callable[[str], str]:
    """Return what writes a number with its country code, if it begins with 0."""
    parse = _require_parser(region)

    def to_international(cell: str) -> str:
        number = mend_number(cell)
        return parse(number)[0] if number.startswith("0") else number

    return to_international


def _require_parser(region: str | None) -> Callable[[str], tuple[str, str | None, str | None]]:
    try:
        return build_number_parser(region)
    except ModuleNotFoundError as missing:
        raise UnavailableError(str(missing)) from None
    except ValueError:
        raise InvalidInputError(
            "--region: expected the ISO code of a country, such as CH."
        ) from None


def read_prices(path: Path) -> dict[str, Decimal]:
    """Return the price of a segment for each country of a CSV file: country,price."""
    table = parse_csv(decode_csv(path.read_bytes(), path.name, None), needs=("country", "price"))
    prices = {}
    for number, row in table.read_rows():
        cells = dict(zip(map(str.lower, table.columns), row, strict=False))
        try:
            prices[cells["country"].upper()] = Decimal(cells["price"])
        except (InvalidOperation, KeyError):
            raise InvalidInputError(
                f"{path.name}, row {number}: expected a country and a price, such as CH,0.05"
            ) from None
    return prices


def _to_plain(found: CheckedDestination, row: int, first_row: int | None) -> dict[str, Any]:
    plain = {
        "row": row,
        "to": found.to,
        "number": found.number,
        "country": found.country,
        "problems": list(found.problems),
        "duplicateOfRow": first_row,
        "segments": found.count.segments,
        "encoding": found.count.encoding,
        "unicodeCharacters": list(found.count.unicode_characters),
        "cost": None if found.cost is None else str(found.cost),
    }
    return {name: value for name, value in plain.items() if value not in (None, [])}
