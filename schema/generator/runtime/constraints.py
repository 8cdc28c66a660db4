"""Constraints on single values, as the schemas state them."""

from __future__ import annotations

import datetime as dt
import re
import types
import typing
from decimal import Decimal
from enum import Enum
from functools import cache
from itertools import islice
from typing import Any

import attrs

from .violations import MAX_VIOLATIONS, InvalidRequestError, Violation

_INVALID_TEXT = Violation("", "a lone surrogate", "Unicode text", "TEXT-001")
_MAX_SHOWN_INTEGER = 9999  # a larger number might be a phone number, and is not shown
_SMALL_INTEGER = 2**62
_MAX_INTEGER_BITS = 1024  # Python itself writes no more than 4,300 digits
_MAX_DECIMAL_DIGITS = 1000  # on either side of the decimal point
_MAX_UTC_OFFSET = dt.timedelta(hours=14)  # the largest in use


class UnreadableText:
    """Stands for text that could not be converted to a value."""


@attrs.frozen(kw_only=True)
class Constraint:
    """What one field may contain; usable as an attrs validator."""

    requirement_id: str
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    pattern: str | None = None
    alternatives: tuple[tuple[str, str, str], ...] = ()
    """For a pattern with alternatives: when each applies, its requirement ID, and its wording."""
    item_requirement_id: str | None = None
    missing_requirement_id: str | None = None
    _known: list[Any] = attrs.field(factory=list, init=False, eq=False, repr=False)
    """The annotation of its field, and what it means."""

    def __call__(self, instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        """Raise InvalidRequestError if the value violates the constraint."""
        if (value is None and not self.required) or self.accepts(value, attribute.type):
            return
        problems = self.check(value, attribute.type)
        if problems:
            problems = _check_shorthands(value, attribute.type) or problems
            path = f"{type(instance).__name__}.{attribute.name}"
            hinted = (_add_hint(problem, value, attribute.type) for problem in problems)
            raise InvalidRequestError(problem.inside(path) for problem in hinted)

    def accepts(self, value: Any, annotation: Any) -> bool:
        """Tell at a glance whether a value is valid, as most are; ``check`` decides about all others."""
        if not self._known or self._known[0] is not annotation:
            self._known[:] = annotation, *unfold(annotation)
        _, base, item = self._known
        kind = type(value)
        if item is not None:
            is_list = kind is tuple and len(value) >= (self.min_items or 0)
            return is_list and item is not str and all(type(entry) is item for entry in value)
        if kind is not base:
            return False
        if base is str:
            fits = self.pattern is None or _compile(self.pattern).fullmatch(value) is not None
            return fits and value.isascii() and self._has_length(value)
        if base is int:
            return -_SMALL_INTEGER < value < _SMALL_INTEGER and self._is_in_range(value)
        return base is bool or kind.__module__ == Violation.__module__  # an enum or a model

    def check(self, value: object, annotation: Any) -> list[Violation]:
        """Return the violations of a value of a field with this annotation."""
        if value is None:
            return [self.build_missing_violation(annotation)] if self.required else []
        base, item = unfold(annotation)
        if item is not None:
            return self._check_list(value, item, annotation)
        if not is_of_type(value, base):
            return [self.build_violation(value, annotation)]
        if isinstance(value, str):
            return self._check_text(value, annotation)
        if isinstance(value, int) and not self._is_in_range(value):
            return [self.build_violation(value, annotation)]
        return []

    def build_missing_violation(self, annotation: Any) -> Violation:
        """Return the violation for a missing mandatory field."""
        requirement = self.missing_requirement_id or self.requirement_id
        own = [expected for _, id_, expected in self.alternatives if id_ == requirement]
        return Violation(
            "", "nothing", own[0] if own else self.describe_expected(annotation), requirement
        )

    def build_violation(self, value: object, annotation: Any) -> Violation:
        """Return the violation for an invalid value."""
        actual = describe_value(value, unfold(annotation)[0])
        expected = self.describe_expected(annotation)
        requirement = (
            self.missing_requirement_id if value is None else None
        ) or self.requirement_id
        return Violation("", actual, expected, requirement, _get_readable(value))

    def describe_expected(self, annotation: Any) -> str:
        """Describe what a field with this annotation must contain."""
        base, item = unfold(annotation)
        if item is not None:
            kind = _describe_type(item).partition(" ")[2]
            if self.min_items:
                return f"a list of at least {self.min_items} {kind}"
            return f"a list of {kind.removeprefix('of ')}{'s' if item in {str, int} else ''}"
        if self.minimum is not None and self.maximum is not None:
            return f"{_describe_type(base)} from {self.minimum} to {self.maximum}"
        if self.min_length is not None or self.max_length is not None:
            bounds = {"at least": self.min_length, "at most": self.max_length}
            words = " and ".join(f"{word} {n}" for word, n in bounds.items() if n is not None)
            return f"{_describe_type(base)} of {words} characters"
        return " or ".join(dict.fromkeys(w for _, _, w in self.alternatives)) or _describe_type(
            base
        )

    def _check_list(self, value: object, item: Any, annotation: Any) -> list[Violation]:
        if not isinstance(value, list | tuple) or len(value) < (self.min_items or 0):
            return [self.build_violation(value, annotation)]
        found = (self._check_entry(i, entry, item) for i, entry in enumerate(value))
        return list(islice(filter(None, found), MAX_VIOLATIONS))

    def _check_entry(self, index: int, entry: object, item: Any) -> Violation | None:
        if type(entry) is item and attrs.has(item):
            return None
        if not is_of_type(entry, item):
            requirement = self.item_requirement_id or self.requirement_id
            actual, path = describe_value(entry, item), f"[{index}]"
            return Violation(path, actual, _describe_type(item), requirement, _get_readable(entry))
        if isinstance(entry, str) and not is_text(entry):
            return attrs.evolve(_INVALID_TEXT, path=f"[{index}]", value=entry)
        return None

    def _check_text(self, value: str, annotation: Any) -> list[Violation]:
        if not is_text(value):
            return [attrs.evolve(_INVALID_TEXT, value=value)]
        if not self._has_length(value):
            return [self.build_violation(value, annotation)]
        if self.pattern is None or re.fullmatch(self.pattern, value):
            return []
        for when, requirement, expected in self.alternatives:
            if re.fullmatch(when, value):
                return [Violation("", describe_value(value), expected, requirement, value)]
        return [self.build_violation(value, annotation)]

    def _has_length(self, value: str) -> bool:
        above = self.min_length is None or len(value) >= self.min_length
        return above and (self.max_length is None or len(value) <= self.max_length)

    def _is_in_range(self, value: int) -> bool:
        above = self.minimum is None or value >= self.minimum
        return above and (self.maximum is None or value <= self.maximum)


def _add_hint(problem: Violation, value: object, annotation: Any) -> Violation:
    """Return the violation with what to write instead, if it is a usual mistake."""
    from .hints import find_hint  # noqa: PLC0415 - only mistakes need it

    base, item = unfold(annotation)
    wrong = problem.value if problem.path else value
    return attrs.evolve(problem, hint=find_hint(wrong, item or base))


_compile = cache(re.compile)


def _get_readable(value: object) -> object:
    return None if isinstance(value, UnreadableText) else value


def _check_shorthands(value: object, annotation: Any) -> list[Violation]:
    """Return the violations of strings that stand for a model, such as a phone number."""
    base, item = unfold(annotation)
    field = find_shorthand(item or base)
    if field is None or field.validator is None:
        return []
    entries = [("", value)] if item is None else [(f"[{i}]", e) for i, e in _enumerate(value)]
    texts = [(path, entry) for path, entry in entries if isinstance(entry, str)]
    found = [
        p.inside(path) for path, text in texts for p in field.validator.check(text, field.type)
    ]
    return found[:MAX_VIOLATIONS]


def _enumerate(value: object) -> list[tuple[int, object]]:
    return list(enumerate(value)) if isinstance(value, tuple) else []


def find_shorthand(cls: Any) -> Any:
    """Return the field of a model whose value stands for the whole model, if there is one."""
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    return next((field for field in fields if "shorthand" in field.metadata), None)


def unfold(annotation: Any) -> tuple[Any, Any]:
    """Return (type, None) of ``X | None``, or (tuple, X) of ``tuple[X, ...] | None``."""
    return _unfold(annotation)


@cache
def _unfold(annotation: Any) -> tuple[Any, Any]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        annotation = next(a for a in typing.get_args(annotation) if a is not type(None))
    if typing.get_origin(annotation) is tuple:
        return tuple, typing.get_args(annotation)[0]
    return annotation, None


def describe_value(value: object, expected_type: Any = None) -> str:
    """Describe a value without showing personal data."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value}" if abs(value) <= _MAX_SHOWN_INTEGER else "a large integer"
    if isinstance(value, str):
        return _describe_text(value, expected_type)
    if isinstance(value, list | tuple | dict):
        kind = "an object" if isinstance(value, dict) else "a list"
        return f"{kind} of {len(value)}" if value else f"{kind} that is empty"
    if isinstance(value, dt.datetime):
        return "a date and time whose time zone is missing or out of range"
    names = {
        type(None): "null",
        Decimal: "a fraction",
        float: "a fraction",
        UnreadableText: "content of another form",
    }
    return names.get(type(value)) or add_article(type(value).__name__)


def truncate_to_milliseconds(value: dt.datetime | None) -> dt.datetime | None:
    """Truncate an instant to milliseconds, and give it an offset in whole minutes.

    Both wire formats carry no more; the instant stays the same to the millisecond.
    """
    offset = value.utcoffset() if isinstance(value, dt.datetime) else None
    if value is None or offset is None:
        return value
    if _is_plain_offset(offset):
        value = value.replace(tzinfo=dt.timezone(offset), fold=0)
    else:
        try:
            value = value.astimezone(dt.UTC)
        except OverflowError:  # the first or last day of the calendar: the constraint rejects it
            return value
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def _is_plain_offset(offset: dt.timedelta) -> bool:
    return offset % dt.timedelta(minutes=1) == dt.timedelta(0) and abs(offset) <= _MAX_UTC_OFFSET


def _describe_text(value: str, expected_type: Any) -> str:
    if isinstance(expected_type, type) and issubclass(expected_type, Enum):
        known = {str(member.value).casefold() for member in expected_type}
        if value.strip().casefold() in known:
            return repr(value)
    unit = "character" if len(value) == 1 else "characters"
    return f"a string of {len(value)} {unit}" if value else "an empty string"


def is_of_type(value: object, base: Any) -> bool:
    """Tell whether a value has the type of a field, and can be written."""
    if base is str:
        return isinstance(value, str)
    if base is bool:
        return isinstance(value, bool)
    if base is int:
        return type(value) is int and value.bit_length() <= _MAX_INTEGER_BITS
    if typing.get_origin(base) is dict:
        return isinstance(value, dict)
    if issubclass(base, Enum):
        return isinstance(value, str) and value in {member.value for member in base}
    if base is dt.datetime:
        offset = value.utcoffset() if isinstance(value, dt.datetime) else None
        return offset is not None and _is_plain_offset(offset)
    if base is Decimal:
        return isinstance(value, Decimal) and _is_writable(value)
    return isinstance(value, base)


def _is_writable(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return (
        isinstance(exponent, int)
        and exponent >= -_MAX_DECIMAL_DIGITS
        and value.adjusted() <= _MAX_DECIMAL_DIGITS
    )


def is_text(value: str) -> bool:
    """Tell whether a string is Unicode text: it has no lone surrogate."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _describe_type(base: Any) -> str:
    nouns = {
        str: "a string",
        int: "a whole number",
        bool: "true or false",
        Decimal: "a number",
        dt.datetime: "a date and time with its time zone",
    }
    if base in nouns:
        return nouns[base]
    if typing.get_origin(base) is dict:
        return "an object"
    if issubclass(base, Enum):
        return "one of " + ", ".join(str(member.value) for member in base)
    return add_article(base.__name__)


def build_type_violation(value: object, kind: type, hint: str = "") -> Violation:
    """Return the violation for a value in place of a model; hint: what to write instead."""
    expected = add_article(kind.__name__)
    return Violation("", describe_value(value), expected, "HTTP-003", hint=hint)


def add_article(name: str) -> str:
    """Return the name of a model with ``a`` or ``an`` before it, as it is said: an SmsRequest."""
    return f"{'an' if name.startswith((*'AEIOaeio', 'Sms')) else 'a'} {name}"
