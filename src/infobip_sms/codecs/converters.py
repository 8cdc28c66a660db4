"""The cattrs converters: generated hooks for valid data, cattrs' own for the rest.

Both sets are registered in two converters that share every hook of a user: the first is tried, and if
it raises anything, the second (``detailed``) parses the same data, or says what is wrong and where.
A class with a field for which the user registered a hook is handled by cattrs in both.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from decimal import Decimal
from enum import StrEnum
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
from cattrs import ClassValidationError, Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from infobip_sms_schema import MODELS, InvalidRequestError, Violation, json_codec
from infobip_sms_schema.constraints import (
    Constraint,
    build_type_violation,
    is_of_type,
    unfold,
)
from infobip_sms_schema.deadline import TOO_LATE, is_past
from infobip_sms_schema.extra import get_extra_name
from infobip_sms_schema.json_extra import find_extra
from infobip_sms_schema.scalars import NUMBER, find_instant, is_exact_decimal
from infobip_sms_schema.violations import MAX_VIOLATIONS

from infobip_sms.rules import check_rules

from .violations import get_group_violations, get_violations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Model = TypeVar("Model", bound=attrs.AttrsInstance)
_MISSING: Any = object()
"""Stands for a mandatory field of a document that is not there, although its argument has a default."""
_TRUTH = {"true": True, "false": False, "1": True, "0": False}
_MAX_DIGITS = 308  # an integer of 1024 bits has one more
_DEADLINE_STEP = 64  # entries of a list between two looks at the deadline
_SCALARS = (str, int, bool, Decimal, dt.datetime)


class _WriterCache(dict[type, Any]):
    """The function that writes each class for an encoder, found on first use."""

    def __init__(self, converter: ModelConverter, known: dict[type, Any]) -> None:
        self._converter, self._known = converter, known

    def __missing__(self, cls: type) -> Any:
        hook = self._known.get(cls) or self._converter.get_unstructure_hook(cls)
        generated = hook is json_codec.WRITERS.get(cls)
        self[cls] = json_codec.LAZY_WRITERS[cls] if generated else hook
        return self[cls]


class _DetailedConverter(Converter):
    """Names the path of every violation; leaves entries of lists to ``fast`` as long as they are valid."""

    def __init__(self, fast: Converter, **options: Any) -> None:
        super().__init__(**options)
        self.fast = fast


class ModelConverter(Converter):
    """A converter of models; ``detailed`` does the same, slower, and names paths."""

    def __init__(self, **options: Any) -> None:
        self._writers: list[_WriterCache] = []
        self.scalar_hooks: dict[Any, Any] = {}
        """Our own hooks for types that are not models, to recognize those of a user."""
        self._others: list[Converter] = []  # none yet: cattrs' own hooks are not shared
        super().__init__(**options)
        self.detailed = _DetailedConverter(self, **options)
        self._others.append(self.detailed)

    def make_writers(self, known: dict[type, Any]) -> Mapping[type, Callable[[Any], Any]]:
        """Return the function that writes each class for an encoder.

        known: how the encoder itself writes a Decimal and a ChunkedList.
        """
        self._writers.append(_WriterCache(self, known))
        return self._writers[-1]

    def structure_detailed(self, plain: object, cls: type[Model]) -> Model:
        """Return the model of plain data; raise InvalidRequestError with every violation."""
        try:
            model = self.detailed.structure(plain, cls)
        except ClassValidationError as group:
            raise InvalidRequestError(get_group_violations(group)[:MAX_VIOLATIONS]) from None
        if not isinstance(model, cls):
            raise InvalidRequestError([build_type_violation(plain, cls)])
        return model

    def register_structure_hook(self, *hook: Any) -> Any:
        """Register a hook in both converters."""
        return self._register("register_structure_hook", hook)

    def register_structure_hook_func(self, *hook: Any) -> Any:
        """Register a hook in both converters."""
        return self._register("register_structure_hook_func", hook)

    def register_structure_hook_factory(self, *hook: Any) -> Any:
        """Register a hook factory in both converters."""
        return self._register("register_structure_hook_factory", hook)

    def register_unstructure_hook(self, *hook: Any) -> Any:
        """Register a hook in both converters."""
        return self._register("register_unstructure_hook", hook)

    def register_unstructure_hook_func(self, *hook: Any) -> Any:
        """Register a hook in both converters."""
        return self._register("register_unstructure_hook_func", hook)

    def register_unstructure_hook_factory(self, *hook: Any) -> Any:
        """Register a hook factory in both converters."""
        return self._register("register_unstructure_hook_factory", hook)

    def _register(self, name: str, hook: tuple[Any, ...]) -> Any:
        for writers in self._writers:
            writers.clear()
        if name.endswith("factory") and len(hook) == 1:  # a decorator
            return lambda factory: self._register(name, (*hook, factory))
        for other in self._others:
            getattr(other, name)(*hook)
        return getattr(super(), name)(*hook)


@cache
def make_converter(*, strict: bool) -> ModelConverter:
    """Return the strict or the lenient converter; hooks may be registered with it."""
    converter = ModelConverter(detailed_validation=True)
    read_scalar = _read_strict if strict else _read_lenient
    for scalar in _SCALARS:
        converter.register_structure_hook(scalar, read_scalar)
    for enum in _list_enums():  # one by one, because a StrEnum is also a str
        converter.register_structure_hook(enum, _read_enum)
    converter.register_structure_hook_func(_is_map, lambda value, _: value)
    converter.register_unstructure_hook(dt.datetime, _write_instant)
    converter.register_unstructure_hook(Decimal, lambda number: number)
    converter.register_unstructure_hook_func(_is_enum, str)
    kinds = {kind for cls in MODELS for kind in _list_scalars(cls)}
    converter.scalar_hooks.update({kind: _get_hooks(kind, converter) for kind in kinds})
    converter.register_structure_hook_factory(_is_model, partial(_choose_reader, strict=strict))
    converter.register_unstructure_hook_factory(_is_model, _choose_writer)
    return converter


def _choose_reader(
    cls: type[attrs.AttrsInstance], converter: Converter, *, strict: bool
) -> Callable[[Any, Any], Any]:
    """Return the generated reader of a class, or cattrs' own if a user has hooks or paths are needed."""
    build = (json_codec.STRICT_READERS if strict else json_codec.LENIENT_READERS).get(cls)
    if build is None or not _has_default_scalars(cls, converter):
        return _make_reader(cls, converter, strict=strict)
    return build(converter.get_structure_hook)


def _choose_writer(cls: type[attrs.AttrsInstance], converter: Converter) -> Callable[[Any], Any]:
    """Return the generated writer of a class, or cattrs' own."""
    write = json_codec.WRITERS.get(cls)
    if write is None or not _has_default_scalars(cls, converter):
        return _make_writer(cls, converter)
    parts = [part for part in _list_kinds(cls) if _is_model(part)]
    generated = all(converter.get_unstructure_hook(p) is json_codec.WRITERS.get(p) for p in parts)
    return write if generated else _make_writer(cls, converter)


def _has_default_scalars(cls: type[attrs.AttrsInstance], converter: Converter) -> bool:
    """Tell whether no scalar of a class has a hook of a user, and no paths are needed."""
    return isinstance(converter, ModelConverter) and all(
        _get_hooks(kind, converter) == converter.scalar_hooks[kind] for kind in _list_scalars(cls)
    )


def _get_hooks(kind: Any, converter: Converter) -> tuple[Any, Any]:
    return converter.get_structure_hook(kind), converter.get_unstructure_hook(kind)


def _list_scalars(cls: type[attrs.AttrsInstance]) -> set[Any]:
    """Return the types of fields that are not models."""
    return {kind for kind in _list_kinds(cls) if not _is_model(kind)}


def _list_kinds(cls: type[attrs.AttrsInstance]) -> set[Any]:
    """Return the types of fields, and of the entries of lists."""
    constrained = [field for field in attrs.fields(cls) if isinstance(field.validator, Constraint)]
    return {item or base for base, item in (unfold(field.type) for field in constrained)}


def _make_reader(
    cls: type[attrs.AttrsInstance], converter: Converter, *, strict: bool
) -> Callable[[Any, Any], Any]:
    fields = {
        field.name: override(
            rename=field.metadata["wire"],
            struct_hook=partial(_read_field, field, converter, strict=strict),
        )
        for field in attrs.fields(cls)
        if isinstance(field.validator, Constraint)
    }
    aliases = [
        (name, field.metadata["wire"])
        for field in attrs.fields(cls)
        for name in field.metadata.get("also", ())
    ]
    defaults, slot = _list_defaults(cls), get_extra_name(cls)
    known = _list_known_names(cls)
    others = {name for name in attrs.fields_dict(cls) if name not in fields}
    hidden = {name: override(omit=True) for name in others}
    build = make_dict_structure_fn(cls, converter, **fields, **hidden)  # type: ignore[arg-type]  # overrides by name

    def read(value: Any, kind: Any) -> Any:
        if not isinstance(value, dict):
            return value  # the field's constraint, or build_model, rejects it
        for alias, wire in aliases:
            if alias in value and wire not in value:
                value = {**value, wire: value[alias]}
        if missing := [wire for wire in defaults if wire not in value]:
            value = {**value, **dict.fromkeys(missing, _MISSING)}
        model = build(value, kind)
        if slot and (extra := find_extra(value, known, any_number=True)):
            object.__setattr__(model, slot, extra)  # frozen, but nobody else has it yet
        if strict and (problems := check_rules(model)):
            raise InvalidRequestError(problems)
        return model

    return read


def _list_known_names(cls: type[attrs.AttrsInstance]) -> set[str]:
    """Return the names of all fields in documents, also those of other years."""
    metadata = [field.metadata for field in attrs.fields(cls) if "wire" in field.metadata]
    return {name for found in metadata for name in (found["wire"], *found.get("also", ()))}


def _list_defaults(cls: type[attrs.AttrsInstance]) -> list[str]:
    """Return the mandatory fields of a document whose arguments have a default in Python."""
    return [
        field.metadata["wire"]
        for field in attrs.fields(cls)
        if isinstance(field.validator, Constraint)
        and field.validator.required
        and field.default is not attrs.NOTHING
    ]


def _read_field(
    field: attrs.Attribute[Any], converter: Converter, value: Any, _: Any, *, strict: bool
) -> Any:
    constraint: Constraint = field.validator  # type: ignore[assignment]  # as _make_reader checked
    kind: Any = field.type
    base, item = unfold(kind)
    if value is _MISSING:
        raise InvalidRequestError([constraint.build_missing_violation(kind)])
    absent = value is None or (value == "" and base is not str and not strict)
    if absent and (strict or constraint.required):
        raise InvalidRequestError([constraint.build_violation(value, kind)])
    if absent:
        return None
    if item is not None and isinstance(value, list):
        value = _read_list(value, item, converter)
    elif item is None:
        value = converter.structure(value, base)
    if problems := constraint.check(value, kind):
        raise InvalidRequestError(problems)
    return value


def _read_list(entries: list[Any], item: Any, converter: Converter) -> list[Any]:
    """Read the entries of a list, up to the maximum number of violations, or of entries of another type."""
    made: list[Any] = []
    problems: list[Violation] = []
    others = 0
    fast = getattr(converter, "fast", converter)
    for index, entry in enumerate(entries):
        try:
            value = _read_entry(entry, item, fast, converter)
            made.append(value)
            if type(value) is not item and not is_of_type(value, item):
                others += 1  # the constraint of the list rejects it
        except (ClassValidationError, InvalidRequestError) as problem:
            problems += [violation.inside(f"[{index}]") for violation in get_violations(problem)]
        if index % _DEADLINE_STEP == 0 and is_past():
            problems.append(TOO_LATE)
            break
        if len(problems) + others >= MAX_VIOLATIONS:
            break
    if problems:
        raise InvalidRequestError(problems)
    return made


def _read_entry(entry: Any, item: Any, fast: Converter, detailed: Converter) -> Any:
    if fast is not detailed and isinstance(entry, dict) and _is_model(item):
        with suppress(Exception):  # the detailed converter decides
            return fast.structure(entry, item)
    return detailed.structure(entry, item)


def _make_writer(cls: type[attrs.AttrsInstance], converter: Converter) -> Callable[[Any], Any]:
    fields = {}
    for field in attrs.fields(cls):
        if not isinstance(field.validator, Constraint):
            fields[field.name] = override(omit=True)
        else:
            hook = _write_bare_offset if "offset" in field.metadata else None
            fields[field.name] = override(rename=field.metadata["wire"], unstruct_hook=hook)
    write = make_dict_unstructure_fn(cls, converter, **fields)  # type: ignore[arg-type]  # overrides by name
    return lambda model: {
        **{name: value for name, value in write(model).items() if value is not None},
        **(_get_extra(model) or {}),
    }


def _get_extra(model: Any) -> dict[str, Any] | None:
    return getattr(model, get_extra_name(type(model)) or "", None)


def _read_strict(value: Any, kind: Any) -> Any:
    """Convert a value to its documented type, or return it for the constraint to reject."""
    if kind is dt.datetime and isinstance(value, str):
        return find_instant(value) or value
    if kind is Decimal and type(value) is int:
        return Decimal(value)
    if kind is int and is_exact_decimal(value) and value == value.to_integral_value():
        return int(value)  # 1.0 is an integer in JSON Schema (READ-056)
    return value


def _read_lenient(value: Any, kind: Any) -> Any:
    """Like _read_strict, but also convert what has another form in JSON or XML, without loss.

    A string is read like the text of an element, with white space around a number or a truth value.
    """
    if kind is str and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and kind in {int, bool, Decimal}:
        text = value.strip(" \t\r\n")
        value = _TRUTH.get(text, value) if kind is bool else _to_number(text, value)
    elif kind is bool and type(value) is int:
        return _TRUTH.get(str(value), value)
    if kind is int and isinstance(value, Decimal) and _is_whole(value):
        return int(value)
    return _read_strict(value, kind)


def _to_number(text: str, value: str) -> Decimal | str:
    """Return the number of a text, which may be 0, or the value as it is."""
    return Decimal(text) if NUMBER.fullmatch(text) else value


def _is_whole(number: Decimal) -> bool:
    """Tell whether a number is an integer of at most 308 digits."""
    return number.adjusted() < _MAX_DIGITS and number == number.to_integral_value()


def _read_enum(value: Any, kind: type[StrEnum]) -> Any:
    known = _list_values(kind)
    return kind(value) if isinstance(value, str) and value in known else value


def _write_instant(value: dt.datetime) -> str:
    return value.isoformat(timespec="milliseconds")


def _write_bare_offset(value: dt.datetime | None) -> str | None:
    if value is None:
        return None
    text = _write_instant(value)
    return text[:-3] + text[-2:]  # +01:00 -> +0100 (DLR-003)


@cache
def _list_values(kind: type[StrEnum]) -> frozenset[str]:
    return frozenset(member.value for member in kind)


def _is_model(kind: Any) -> bool:
    return kind in MODELS


def _list_enums() -> set[type[StrEnum]]:
    kinds = (kind for cls in MODELS for field in attrs.fields(cls) for kind in unfold(field.type))
    return set(filter(_is_enum, kinds))


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StrEnum)


def _is_map(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) is dict
