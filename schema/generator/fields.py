"""The fields of each model, and the conditions by which generated codecs check them.

A condition is true for an invalid value. It agrees with the model's own validator (constraints.py), but
uses operators instead of calls where possible.
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

# Patterns for which a method of str accepts a valid value faster than the regular expression.
QUICK = {
    r"^\+?[0-9]+$": "({0}.isdecimal() and {0}.isascii())",
    r"^([0-9]{3,14}|[\s\S]{3,11})$": "2 < len({0}) < 12",
}
# Parts of a pattern that match characters beyond ASCII.
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
    """Whether a datetime is written without a colon in its offset."""

    @property
    def local(self) -> str:
        """The name of its variable in a codec; the field's own name may be a builtin."""
        return f"its_{self.name.removesuffix('_')}"

    @property
    def is_model(self) -> bool:
        """Tell whether its type is a model."""
        return attrs.has(self.base)

    @property
    def is_enum(self) -> bool:
        """Tell whether its type is an enum."""
        return isinstance(self.base, type) and issubclass(self.base, Enum)


@attrs.frozen
class ModelSet:
    """The models and their fields."""

    models: dict[str, Any]
    fields: dict[str, tuple[Field, ...]]
    strict: tuple[str, ...]
    """Models in requests, which are parsed strictly."""
    lenient: tuple[str, ...]
    """Models in responses, which are parsed leniently."""
    paired_fields: dict[str, tuple[tuple[str, str], ...]]
    """Fields that are given together or not at all, by their variables."""


def build_model_set(
    models: ModuleType, components: dict[str, Any], documents: list[str]
) -> ModelSet:
    """Describe the models of a module."""
    classes = {name: getattr(models, name) for name in sorted(components)}
    classes = {name: cls for name, cls in classes.items() if attrs.has(cls)}
    fields = {name: tuple(list_fields(cls)) for name, cls in classes.items()}
    responses = [name for name in documents if "x-response" in components[name]]
    requests = [name for name in documents if name not in responses]
    pairs = {name: tuple(list_pairs(components[name], fields[name])) for name in classes}
    return ModelSet(
        classes, fields, list_parts(requests, fields), list_parts(responses, fields), pairs
    )


def list_fields(cls: Any) -> Iterable[Field]:
    """Return the fields of a model, in order."""
    hints = typing.get_type_hints(cls)
    for field in attrs.fields(cls):
        if "wire" in field.metadata:
            base, many = strip(hints[field.name])
            aliases = tuple(field.metadata.get("also", ()))
            bare = "offset" in field.metadata
            wire = field.metadata["wire"]
            yield Field(field.name, wire, base, many, field.validator, aliases, bare)


def strip(annotation: Any) -> tuple[Any, bool]:
    """Return the type of a value, or of the entries of a list, and whether it is a list."""
    parts = [a for a in typing.get_args(annotation) if a is not type(None)]
    if typing.get_origin(annotation) is tuple:
        return parts[0], True
    if typing.get_origin(annotation) is dict or not parts:
        return annotation, False
    return strip(parts[0])


def list_parts(names: Iterable[str], fields: dict[str, tuple[Field, ...]]) -> tuple[str, ...]:
    """Return models and the models that they contain, parts first."""
    found: dict[str, None] = {}
    for name in names:
        parts = [field.base.__name__ for field in fields[name] if field.is_model]
        found |= dict.fromkeys([*list_parts(parts, fields), name])
    return tuple(found)


def list_pairs(component: dict[str, Any], fields: Iterable[Field]) -> Iterable[tuple[str, str]]:
    """Return the fields that are given together or not at all."""
    locals_ = {field.wire: field.local for field in fields}
    needed = component.get("dependentRequired", {})
    pairs = {frozenset((wire, other)) for wire, others in needed.items() for other in others}
    for one, other in sorted(map(sorted, pairs)):
        if one not in needed.get(other, ()) or other not in needed.get(one, ()):
            raise NotImplementedError(f"{one} requires {other}, but not vice versa")
        yield locals_[one], locals_[other]


def render_invalid_condition(
    field: Field, value: str, patterns: dict[str, str], *, text: bool = True
) -> str:
    """Return the condition under which a scalar, other than a datetime, is invalid.

    patterns: gets the name of each regular expression that is used.
    text: whether the value may contain a lone surrogate.
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
    raise NotImplementedError(f"{field.wire}: a scalar of type {field.base}")


def render_min_items(field: Field) -> str:
    """Return the condition under which a list is too short, after another condition; may be empty."""
    least = field.constraint.min_items
    if least == 1:
        return f" or not {field.local}"
    return f" or len({field.local}) < {least}" if least else ""


def render_range(field: Field, value: str) -> str:
    """Return the condition under which an integer is in its range."""
    low, high = field.constraint.minimum, field.constraint.maximum
    above = "INTEGER_LOWER_BOUND <" if low is None else f"{low} <="
    below = "< INTEGER_UPPER_BOUND" if high is None else f"<= {high}"
    return f"{above} {value} {below}"


def render_text_condition(field: Field, value: str, patterns: dict[str, str]) -> str:
    """Return the condition under which a valid string violates its constraint; may be empty."""
    return _render_text_condition(field, value, patterns, text=False).removeprefix(" or ")


def _render_text_condition(
    field: Field, value: str, patterns: dict[str, str], *, text: bool
) -> str:
    constraint, condition = field.constraint, ""
    if text and (constraint.pattern is None or WIDE.search(constraint.pattern)):
        condition += f" or not ({value}.isascii() or is_text({value}))"
    if constraint.min_length is not None:
        condition += f" or len({value}) < {constraint.min_length}"
    if constraint.max_length is not None:
        condition += f" or len({value}) > {constraint.max_length}"
    if constraint.pattern is not None:
        name = patterns.setdefault(constraint.pattern, f"FITS_{field.name.strip('_').upper()}")
        quick = QUICK.get(constraint.pattern)
        slow = f"{name}({value}) is None"
        condition += f" or not {quick.format(value)} and {slow}" if quick else f" or {slow}"
    return condition


def render_patterns(patterns: dict[str, str]) -> list[str]:
    """Return the regular expressions that the conditions use."""
    if len(set(patterns.values())) != len(patterns):
        raise NotImplementedError("two patterns for fields of the same name")
    return [f"{name} = re.compile({pattern!r}).fullmatch" for pattern, name in patterns.items()]


def render_construction(field_names: Iterable[tuple[str, str]], cls: Any) -> list[str]:
    """Return the statements that create a model from checked values, without its validators."""
    name = cls.__name__
    made = [f"made.{name} = {value}" for name, value in field_names]
    own = {
        "raw": None,
        "http": None,
        "unreadable": (),
    }  # fields that no document has
    kept = [f"made.{name} = {value!r}" for name, value in own.items() if name in cls.__slots__]
    kept += [f"made.{slot} = extra" for slot in find_extra_slot(cls)]
    return [f"made = {name}Twin()", *made, *kept, f"made.__class__ = {name}", "return made"]


def find_extra_slot(cls: Any) -> list[str]:
    """Return the attribute that holds undocumented fields, if a model has one."""
    return [slot for slot in ("extra", "_extra") if slot in cls.__slots__]


def render_extra(cls: Any, add: str) -> list[str]:
    """Return the statements that add the undocumented fields of a model to what is written.

    add: the statement, with {0} for the fields.
    """
    slots = find_extra_slot(cls)
    return [
        line
        for slot in slots
        for line in (f"if value.{slot} is not None:", f"    {add.format(f'value.{slot}')}")
    ]


def render_pairs(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return the statements that check fields given together or not at all."""
    found = []
    for one, other in pairs:
        found += [f"if ({one} is None) is not ({other} is None):", "    raise FallbackRequired"]
    return found


def indent(lines: Iterable[str], depth: int = 1) -> list[str]:
    """Indent lines."""
    return ["    " * depth + line for line in lines]


def is_date(field: Field) -> bool:
    """Tell whether a field is a datetime."""
    return field.base is dt.datetime
