"""Outcomes of messages: chosen for any number, encoded in test numbers, or delivered.

The last three digits of a number in a reserved range, +1 500 555 xxxx and +44 7700 900 xxx, are the ID of its
final status, as in 447700900009 (undeliverable); with 000 and any other ending the message is delivered.
Validators that go by the form accept both, libphonenumber calls the first valid and the second only possible;
none of their numbers belongs to a person.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs

from .magic_numbers import MagicNumber, parse_magic_number
from .statuses import (
    DELIVERED,
    STATUS_EXPECTED,
    get_error,
    get_status,
    get_status_ids,
    is_rejection,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PATTERN = re.compile(r"\+?([0-9]{1,20}\*?|\*)")
_RESERVED = re.compile(r"(?:1500555[0-9]|447700900)(?!000)([0-9]{3})")
_TYPICAL = {"PENDING": 7, "UNDELIVERABLE": 9, "DELIVERED": DELIVERED, "REJECTED": 6}
"""The status that the name of a group stands for; otherwise its first."""
_UNDELIVERABLE, _UNKNOWN_SUBSCRIBER = 9, 1
_REPORTS = 2  # the final one, and an intermediate one where it is requested
_MAX_SECONDS, _MAX_REPORTS, _MAX_TIMES = 10**9, 9, 10**9
USAGE = (
    '{"to": a number, or its beginning and *, "status": an ID, name or group name,'
    ' "error": an ID, "after": seconds, "reports": 0 to 9, "times": a number of messages};'
    " only to and status are required"
)


@attrs.frozen(kw_only=True)
class OutcomeRule:
    """An outcome for some numbers."""

    to: str
    """A number, or its beginning and ``*``; without a plus."""
    status: int
    error: int = 0
    after: float | None = None
    """Seconds from sending; None for those of the sandbox, or none for a rejection."""
    reports: int = _REPORTS
    times: int | None = None
    """Messages for each number; later ones have another outcome. None for all."""

    def matches(self, number: str) -> bool:
        """Return whether it is for a number without a plus."""
        is_prefix = self.to.endswith("*")
        return number.startswith(self.to[:-1]) if is_prefix else number == self.to

    def build_outcome(self, delay: float) -> MagicNumber:
        """Return the outcome of a message."""
        default = 0 if is_rejection(self.status) else delay
        seconds = default if self.after is None else self.after
        return MagicNumber(seconds, self.reports, self.error, self.status)


class OutcomeTable:
    """The chosen outcomes; of those for a number, the latest counts."""

    def __init__(self) -> None:
        self._rules: list[tuple[OutcomeRule, dict[str, int]]] = []
        """Each with the number of messages that it was used for, by number."""
        self._original: tuple[OutcomeRule, ...] = ()

    @property
    def rules(self) -> tuple[OutcomeRule, ...]:
        """The chosen outcomes, in the order in which they were added."""
        return tuple(rule for rule, _ in self._rules)

    def add(self, rule: OutcomeRule) -> None:
        """Choose an outcome, in place of an earlier one for the same numbers."""
        self._rules = [*(pair for pair in self._rules if pair[0].to != rule.to), (rule, {})]

    def remove(self, to: str | None = None) -> int:
        """Forget the outcome that was chosen for ``to``, or all of them; return how many."""
        before = self._rules
        number = None if to is None else _strip(to)
        self._rules = [] if to is None else [pair for pair in before if pair[0].to != number]
        return len(before) - len(self._rules)

    def start(self, rules: Iterable[OutcomeRule]) -> None:
        """Set the outcomes that ``reset`` restores."""
        self._original = tuple(rules)
        self.reset()

    def reset(self) -> None:
        """Restore the outcomes with which the sandbox was started."""
        self.remove()
        for rule in self._original:
            self.add(rule)

    def find(self, to: str, delay: float) -> MagicNumber:
        """Return the outcome of the next message to a number.

        delay: seconds from sending to delivery, for numbers that do not choose it.
        """
        number = to.removeprefix("+")
        for rule, used in reversed(self._rules):
            if rule.matches(number) and (rule.times is None or used.get(number, 0) < rule.times):
                used[number] = used.get(number, 0) + 1
                return rule.build_outcome(delay)
        return (
            parse_magic_number(to)
            or _find_reserved(number, delay)
            or MagicNumber(delay, _REPORTS, 0, DELIVERED)
        )


def _find_reserved(number: str, delay: float) -> MagicNumber | None:
    found = _RESERVED.fullmatch(number)
    if found is None:
        return None
    try:
        status = get_status(int(found[1])).id
    except KeyError:
        return None
    assert status is not None, "every status has an id"
    error = _UNKNOWN_SUBSCRIBER if status == _UNDELIVERABLE else 0
    return OutcomeRule(to=number, status=status, error=error).build_outcome(delay)


def _strip(number: str) -> str:
    """Return a number without its plus, which an unescaped query turns into a space."""
    return number.strip().removeprefix("+")


def parse_rule(plain: Mapping[str, Any]) -> OutcomeRule:
    """Return the rule of a JSON object; raise ValueError with what was expected."""
    values = dict(plain)
    if unknown := values.keys() - attrs.fields_dict(OutcomeRule).keys():
        raise ValueError(f"expected {USAGE}; got also {len(unknown)} other fields")
    to, status = values.pop("to", None), values.pop("status", None)
    if not (isinstance(to, str) and _PATTERN.fullmatch(to)):
        raise ValueError("to: expected a number, or its beginning and *")
    error = values.pop("error", 0)
    if not _is_known_error(error):
        raise ValueError("error: expected the ID of a network error")
    after = values.pop("after", None)
    if after is not None and not (_is_number(after) and 0 <= after <= _MAX_SECONDS):
        raise ValueError(f"after: expected a number of seconds from 0 to {_MAX_SECONDS}")
    limits = {"reports": (0, _MAX_REPORTS), "times": (1, _MAX_TIMES)}
    for name, value in values.items():
        least, most = limits[name]
        if not (type(value) is int and least <= value <= most):
            raise ValueError(f"{name}: expected an integer from {least} to {most}")
    return OutcomeRule(
        to=to.removeprefix("+"), status=_parse_status(status), error=error, after=after, **values
    )


def parse_rule_text(text: str) -> OutcomeRule:
    """Return the rule of a text such as ``4477009*=UNDELIVERABLE,error=1,after=5``; raise ValueError."""
    to, _, rest = text.partition("=")
    status, *pairs = rest.split(",")
    plain: dict[str, Any] = {"to": to.strip(), "status": status.strip()}
    for pair in pairs:
        name, _, value = (part.strip() for part in pair.partition("="))
        try:
            plain[name] = float(value) if name == "after" else int(value)
        except ValueError:
            raise ValueError(f"{name}: expected a number") from None
    return parse_rule(plain)


def _parse_status(status: object) -> int:
    is_text = isinstance(status, str) or type(status) is int
    found = get_status_ids(str(status)) if is_text else frozenset()
    if not found:
        raise ValueError(STATUS_EXPECTED)
    typical = _TYPICAL.get(str(status).upper())
    return typical if typical in found else min(found)


def _is_known_error(error: object) -> bool:
    try:
        get_error(error)
    except (KeyError, TypeError):
        return False
    return type(error) is int


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
