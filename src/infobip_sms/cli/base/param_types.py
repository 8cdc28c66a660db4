"""Values that options take: an instant with its zone, a delivery window, a field of a list."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click

from infobip_sms import Day, DeliveryTimeWindow, InvalidRequestError, TimeOfDay

if TYPE_CHECKING:
    from enum import StrEnum

    Choice = TypeVar("Choice", bound=StrEnum)

_DAY = 86_400.0  # seconds, the most that a client waits
_MIN_DAY_LETTERS = 3  # letters that name a day
_WINDOW = re.compile(r"([A-Za-z]+(?:,[A-Za-z]+)*)(?: +(\d\d?):(\d\d)-(\d\d?):(\d\d))?")


class Secret(str):
    """A text that ``repr`` does not show, because error trackers show the repr of local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"


class SecretParam(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """A key or a password."""

    name = "text"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Secret:
        """Return the text."""
        del param, ctx
        return Secret(value)


class InstantParam(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """A date and time in ISO form, with its zone."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.datetime:
        """Return the instant; a time without a zone is no instant."""
        if isinstance(value, dt.datetime):
            return value
        try:
            instant = dt.datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(
                "expected an ISO 8601 time with a time zone, for example 2026-07-07T17:00:00+02:00",
                param,
                ctx,
            )
        if instant.tzinfo is None:
            self.fail(f"the time zone is missing. {_suggest_zones(instant)}", param, ctx)
        return instant


class JsonFileParam(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """A file with a JSON object."""

    name = "file"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, object]:
        """Return the object."""
        if isinstance(value, dict):
            return value
        try:
            found = json.loads(Path(str(value)).read_text(encoding="utf-8"))
        except OSError as error:
            self.fail(f"{value}: {error.strerror}", param, ctx)
        except ValueError:
            self.fail(f"{value}: expected a JSON object", param, ctx)
        if not isinstance(found, dict):
            self.fail(f"{value}: expected a JSON object", param, ctx)
        return found


class SecondsParam(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """A time in seconds: more than 0, and at most a day."""

    name = "seconds"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        try:
            seconds = float(str(value))
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= _DAY:
            self.fail("give a number of seconds, more than 0 and at most a day", param, ctx)
        return seconds


class DecimalParam(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """An amount of money, 0 or more."""

    name = "amount"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Return the amount."""
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = Decimal(-1)
        if not amount.is_finite() or amount < 0:
            self.fail("give an amount, such as 250 or 12.50", param, ctx)
        return amount


class DelimiterParam(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """The one character between the cells of a CSV file."""

    name = "delimiter"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the character."""
        text = {"tab": "\t", "\\t": "\t"}.get(str(value), str(value))
        if len(text) != 1 or text in '"\r\n ':
            self.fail('give one character, such as ";", or the word tab', param, ctx)
        return text


class WindowParam(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """Days, and perhaps hours of these days: ``MON,TUE 06:00-15:30``."""

    name = "window"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> DeliveryTimeWindow:
        """Return the window, times of day in UTC."""
        if isinstance(value, DeliveryTimeWindow):
            return value
        found = _WINDOW.fullmatch(str(value).strip())
        if found is None:
            self.fail("give days, and hours in UTC if you like: 'MON,TUE 06:00-15:30'", param, ctx)
        days = [_find_day(word) for word in found[1].split(",")]
        if None in days:
            self.fail(f"days are {', '.join(Day)}; three letters are enough", param, ctx)
        try:
            hours = [int(number) for number in found.groups()[1:] if number is not None]
            times = [
                TimeOfDay(hour=h, minute=m) for h, m in zip(hours[::2], hours[1::2], strict=True)
            ]
            opens, closes = times or (None, None)
            return DeliveryTimeWindow(days=[day for day in days if day], from_=opens, to=closes)
        except InvalidRequestError as problem:
            wrong = [attrs.evolve(v, path=v.path.rpartition(".")[2]) for v in problem.violations]
            self.fail("; ".join(map(str, wrong)), param, ctx)


def to_enum(kind: type[Choice], value: str | None) -> Choice | None:
    """Return the field of an enumeration that an option names, if it was given."""
    return None if value is None else kind(value)


def describe_constraint(cls: type[attrs.AttrsInstance], name: str) -> str:
    """Return what a field of a model takes, in the words of the contract's limit."""
    field = attrs.fields_dict(cls)[name]
    limit: Any = field.validator
    # alternatives without a number only say what a mistaken value should have been
    ranges = [expected for _, _, expected in limit.alternatives if expected[:1].isdigit()]
    return ", or ".join(ranges) or str(limit.describe_expected(field.type))


def build_choice(kind: type[StrEnum]) -> click.Choice:  # type: ignore[type-arg]  # generic to the type checker only
    """Return the values of an enumeration as a choice, in capitals or not."""
    return click.Choice([member.value for member in kind], case_sensitive=False)


def _suggest_zones(instant: dt.datetime) -> str:
    """Return what an instant without a zone may mean."""
    in_utc = f"{instant.isoformat()}Z"
    try:
        here = instant.astimezone().isoformat()
    except (ValueError, OverflowError):  # at either end of the calendar
        return f"In UTC it would be {in_utc}"
    return f"In the zone of this machine it would be {here}; in UTC {in_utc}"


def _find_day(word: str) -> Day | None:
    wanted = word.upper()
    found = [d for d in Day if len(wanted) >= _MIN_DAY_LETTERS and d.value.startswith(wanted)]
    return found[0] if found else None
