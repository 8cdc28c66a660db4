"""What the generated codecs are made from: the fields of each model, and how a leaf is checked.

A check is written as the condition under which a value is not as it should be; it says what the
model's own validator (limits.py) says, without a call where Python has an operator for it.
"""

from __future__ import annotations

import datetime as dt
import re
import typing
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

# Patterns that a method of str decides sooner than a regular expression, for what fits.
QUICK = {
    r"^\+?[0-9]+$": "({0}.isdecimal() and {0}.isascii())",
    r"^([0-9]{3,14}|[\s\S]{3,11})$": "2 < len({0}) < 12",
}
# Parts of a pattern by which it takes letters beyond ASCII.
WIDE = re.compile(r"\\[SDW]|\[\^|(?<!\\)\.")


@attrs.frozen
class Field:
    """One field of a model."""

    name: str
    wire: str
    base: Any
    """Type of the value, or of the entries of a list."""
    many: bool
    constraint: Any
    aliases: tuple[str, ...]
    bare_offset: bool
    """Tells whether a date and time is written without a colon in its offset."""

    @property
    def local(self) -> str:
        """The name of its value in a codec; a bare name may be one of Python's own."""
        return f"its_{self.name.removesuffix('_')}"

    @property
    def is_model(self) -> bool:
        """Tell whether it is an object with fields of its own."""
        return attrs.has(self.base)

    @property
    def is_enum(self) -> bool:
        """Tell whether it is a word of a list."""
        return isinstance(self.base, type) and issubclass(self.base, Enum)


@attrs.frozen
class ModelSet:
    """The models, and what is said of them."""

    models: dict[str, Any]
    fields: dict[str, tuple[Field, ...]]
    strict: tuple[str, ...]
    """Models that requests are made of; they are read strictly."""
    lenient: tuple[str, ...]
    """Models that responses are made of; they are read openly."""
    paired_fields: dict[str, tuple[tuple[str, str], ...]]
    """Fields, by their names in Python, that are given together or not at all."""


def build_model_set(
    models: ModuleType, components: dict[str, Any], documents: list[str]
) -> ModelSet:
    """Describe the models that are in a module."""
    classes = {name: getattr(models, name) for name in sorted(components)}
    classes = {name: cls for name, cls in classes.items() if attrs.has(cls)}
    members = {name: tuple(list_fields(cls)) for name, cls in classes.items()}
    responses = [name for name in documents if "x-reply" in components[name]]
    requests = [name for name in documents if name not in responses]
    together = {name: tuple(list_pairs(components[name], members[name])) for name in classes}
    return ModelSet(
        classes, members, list_parts(requests, members), list_parts(responses, members), together
    )


def list_fields(cls: Any) -> Iterable[Field]:
    """Return the fields of a model, in its order."""
    hints = typing.get_type_hints(cls)
    for field in attrs.fields(cls):
        if "wire" in field.metadata:
            base, many = strip(hints[field.name])
            also = tuple(field.metadata.get("also", ()))
            bare = "offset" in field.metadata
            wire = field.metadata["wire"]
            yield Field(field.name, wire, base, many, field.validator, also, bare)


def strip(annotation: Any) -> tuple[Any, bool]:
    """Return the type of a value, or that of the entries of a list, and whether it is a list."""
    parts = [a for a in typing.get_args(annotation) if a is not type(None)]
    if typing.get_origin(annotation) is list:
        return parts[0], True
    if typing.get_origin(annotation) is dict or not parts:
        return annotation, False
    return strip(parts[0])


def list_parts(names: Iterable[str], fields: dict[str, tuple[Field, ...]]) -> tuple[str, ...]:
    """Return the models that others are made of, and these; parts before the whole."""
    found: dict[str, None] = {}
    for name in names:
        parts = [member.base.__name__ for member in fields[name] if member.is_model]
        found |= dict.fromkeys([*list_parts(parts, fields), name])
    return tuple(found)


def list_pairs(component: dict[str, Any], fields: Iterable[Field]) -> Iterable[tuple[str, str]]:
    """Return the fields that are given together or not at all."""
    locals_ = {member.wire: member.local for member in fields}
    needed = component.get("dependentRequired", {})
    pairs = {frozenset((wire, other)) for wire, others in needed.items() for other in others}
    for one, other in sorted(map(sorted, pairs)):
        if one not in needed.get(other, ()) or other not in needed.get(one, ()):
            raise NotImplementedError(f"{one} asks for {other}, but not the other way round")
        yield locals_[one], locals_[other]


def render_invalid_condition(
    field: Field, value: str, patterns: dict[str, str], *, text: bool = True
) -> str:
    """Return the condition under which a value that is no model and no date breaks its limit.

    shapes: takes the name of each regular expression that is used. text: tells whether half of a
    surrogate pair may be met.
    """
    if field.base is str:
        return (
            f"type({value}) is not str{_render_text_condition(field, value, patterns, text=text)}"
        )
    if field.base is int:
        return f"type({value}) is not int or not {render_range(field, value)}"
    if field.base is bool:
        return f"type({value}) is not bool"
    if field.base is Decimal:
        return f"not is_exact_decimal({value})"
    if typing.get_origin(field.base) is dict:
        return f"type({value}) is not dict"
    raise NotImplementedError(f"{field.wire}: a leaf of the type {field.base}")


def render_range(field: Field, value: str) -> str:
    """Return the condition under which a whole number is within its limit."""
    limit = field.constraint
    least = "INTEGER_LOWER_BOUND <" if limit.minimum is None else f"{limit.minimum} <="
    most = "< INTEGER_UPPER_BOUND" if limit.maximum is None else f"<= {limit.maximum}"
    return f"{least} {value} {most}"


def render_text_condition(field: Field, value: str, patterns: dict[str, str]) -> str:
    """Return the condition under which a text, known to be one, breaks its limit; or nothing."""
    return _render_text_condition(field, value, patterns, text=False).removeprefix(" or ")


def _render_text_condition(
    field: Field, value: str, patterns: dict[str, str], *, text: bool
) -> str:
    limit, found = field.constraint, ""
    if text and (limit.pattern is None or WIDE.search(limit.pattern)):
        found += f" or not ({value}.isascii() or is_text({value}))"
    if limit.min_length is not None:
        found += f" or len({value}) < {limit.min_length}"
    if limit.max_length is not None:
        found += f" or len({value}) > {limit.max_length}"
    if limit.pattern is not None:
        name = patterns.setdefault(limit.pattern, f"FITS_{field.name.strip('_').upper()}")
        quick = QUICK.get(limit.pattern)
        slow = f"{name}({value}) is None"
        found += f" or not {quick.format(value)} and {slow}" if quick else f" or {slow}"
    return found


def render_patterns(patterns: dict[str, str]) -> list[str]:
    """Return the regular expressions that conditions name."""
    if len(set(patterns.values())) != len(patterns):
        raise NotImplementedError("two patterns of fields of one name")
    return [f"{name} = re.compile({pattern!r}).fullmatch" for pattern, name in patterns.items()]


def render_construction(
    field_names: Iterable[tuple[str, str]], cls: str, *, raw: bool
) -> list[str]:
    """Return the statements that make a model of checked values, without asking its validators."""
    made = [f"made.{name} = {value}" for name, value in field_names]
    kept = ["made.raw = None"] if raw else []
    return [f"made = {cls}Twin()", *made, *kept, f"made.__class__ = {cls}", "return made"]


def render_pairs(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return the statements that hold fields together."""
    found = []
    for one, other in pairs:
        found += [f"if ({one} is None) is not ({other} is None):", "    raise FallbackRequired"]
    return found


def indent(lines: Iterable[str], depth: int = 1) -> list[str]:
    """Return lines further to the right."""
    return ["    " * depth + line for line in lines]


def is_date(field: Field) -> bool:
    """Tell whether a field is a date and time."""
    return field.base is dt.datetime
