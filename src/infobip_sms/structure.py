"""Plain data with wire names <-> models, by cattrs, for both wire formats.

Two ways to read: strict (a request: every value has its documented type, every limit and rule holds)
and open (a reply: unknown members are skipped, numbers and strings stand in for each other where
nothing is lost, null is absence).

Lives here: the converters, the strict leaves, and the list of violations with paths.
Never here: bytes, a wire format, limits.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from enum import StrEnum
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
from cattrs import ClassValidationError, Converter
from cattrs.errors import AttributeValidationNote
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from infobip_sms_schema import MODELS, RequestRefused, Violation
from infobip_sms_schema.limits import MAX_VIOLATIONS, Limit, describe, unfold

from .rules import check_rules

if TYPE_CHECKING:
    from collections.abc import Callable

Model = TypeVar("Model", bound=attrs.AttrsInstance)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})"
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,1000}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,1000}(\.[0-9]{1,1000})?([eE][+-]?[0-9]{1,3})?")


def build_model(plain: object, cls: type[Model], *, strict: bool) -> Model:
    """Return the model of plain data, or raise RequestRefused with every violation and its path."""
    try:
        model = make_converter(strict=strict).structure(plain, cls)
    except ClassValidationError as group:
        raise RequestRefused(_list_violations(group)[:MAX_VIOLATIONS]) from None
    if not isinstance(model, cls):
        raise RequestRefused([Violation("", describe(plain), f"a {cls.__name__}", "HTTP-003")])
    return model


def build_plain(model: attrs.AttrsInstance) -> dict[str, Any]:
    """Return plain data with wire names; members without a value are left out (HTTP-010)."""
    plain: dict[str, Any] = make_converter(strict=True).unstructure(model)
    return plain


@cache
def make_converter(*, strict: bool) -> Converter:
    """Return the converter of one way to read; hooks may be registered with it."""
    converter = Converter(detailed_validation=True)
    leaves = _read_strict if strict else _read_open
    for leaf in (str, int, bool, Decimal, dt.datetime):
        converter.register_structure_hook(leaf, leaves)
    for enum in _list_enums():  # each by itself: an enumeration of strings is a str, too
        converter.register_structure_hook(enum, _read_enum)
    converter.register_structure_hook_func(_is_map, lambda value, _: value)
    converter.register_unstructure_hook(dt.datetime, _write_instant)
    converter.register_unstructure_hook(Decimal, lambda value: value)
    converter.register_unstructure_hook_func(_is_enum, str)
    make_reader = partial(_make_reader, converter=converter, strict=strict)
    converter.register_structure_hook_factory(_is_model, make_reader)
    converter.register_unstructure_hook_factory(
        _is_model, partial(_make_writer, converter=converter)
    )
    return converter


def _make_reader(
    cls: type[attrs.AttrsInstance], converter: Converter, *, strict: bool
) -> Callable[[Any, Any], Any]:
    fields = {
        field.name: override(
            rename=field.metadata["wire"],
            struct_hook=partial(_read_field, field, converter, strict=strict),
        )
        for field in attrs.fields(cls)
        if isinstance(field.validator, Limit)
    }
    others = [
        (name, field.metadata["wire"])
        for field in attrs.fields(cls)
        for name in field.metadata.get("also", ())
    ]
    hidden = {name: override(omit=True) for name in ("raw",) if name in attrs.fields_dict(cls)}
    build = make_dict_structure_fn(cls, converter, **fields, **hidden)  # type: ignore[arg-type]  # overrides by name

    def read(value: Any, kind: Any) -> Any:
        if not isinstance(value, dict):
            return value  # the limit of the member, or build_model, refuses it
        for other, wire in others:
            if other in value and wire not in value:
                value = {**value, wire: value[other]}
        model = build(value, kind)
        if strict and (problems := check_rules(model)):
            raise RequestRefused(problems)
        return model

    return read


def _read_field(
    field: attrs.Attribute[Any], converter: Converter, value: Any, _: Any, *, strict: bool
) -> Any:
    limit: Limit = field.validator  # type: ignore[assignment]  # _make_reader takes no other
    kind: Any = field.type
    base, item = unfold(kind)
    absent = value is None or (value == "" and base is not str and not strict)
    if absent and (strict or limit.required):
        raise RequestRefused([limit.violation(value, kind)])
    if absent:
        return None
    if item is not None and isinstance(value, list):
        value = _read_list(value, item, converter)
    elif item is None:
        value = converter.structure(value, base)
    if problems := limit.check(value, kind):
        raise RequestRefused(problems)
    return value


def _read_list(entries: list[Any], item: Any, converter: Converter) -> list[Any]:
    """Read the entries of a list; give up when enough of them are known to be wrong."""
    made: list[Any] = []
    problems: list[Violation] = []
    for index, entry in enumerate(entries):
        try:
            made.append(converter.structure(entry, item))
        except (ClassValidationError, RequestRefused) as problem:
            problems += [violation.inside(f"[{index}]") for violation in _list_any(problem)]
        if len(problems) >= MAX_VIOLATIONS:
            break
    if problems:
        raise RequestRefused(problems)
    return made


def _make_writer(cls: type[attrs.AttrsInstance], converter: Converter) -> Callable[[Any], Any]:
    fields = {}
    for field in attrs.fields(cls):
        if not isinstance(field.validator, Limit):
            fields[field.name] = override(omit=True)
        else:
            hook = _write_bare_offset if "offset" in field.metadata else None
            fields[field.name] = override(rename=field.metadata["wire"], unstruct_hook=hook)
    write = make_dict_unstructure_fn(cls, converter, **fields)  # type: ignore[arg-type]  # overrides by name
    return lambda model: {name: value for name, value in write(model).items() if value is not None}


def _read_strict(value: Any, kind: Any) -> Any:
    """Make a documented type of a value if it is one; else leave it to the limit to refuse."""
    if kind is dt.datetime and isinstance(value, str):
        return _find_instant(value) or value
    if kind is Decimal and type(value) is int:
        return Decimal(value)
    return value


def _read_open(value: Any, kind: Any) -> Any:
    """Like strict, and numbers and strings stand in for each other without losing a digit."""
    if kind is str and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        if kind is int and _INTEGER.fullmatch(value):
            return int(value)
        if kind is bool:
            return {"true": True, "false": False}.get(value, value)
        if kind is Decimal:
            return Decimal(value) if _NUMBER.fullmatch(value) else value
    return _read_strict(value, kind)


def _read_enum(value: Any, kind: type[StrEnum]) -> Any:
    known = {member.value for member in kind}
    return kind(value) if isinstance(value, str) and value in known else value


def _find_instant(text: str) -> dt.datetime | None:
    if not _INSTANT.fullmatch(text):
        return None
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return None


def _write_instant(value: dt.datetime) -> str:
    return value.isoformat(timespec="milliseconds")


def _write_bare_offset(value: dt.datetime | None) -> str | None:
    if value is None:
        return None
    text = _write_instant(value)
    return text[:-3] + text[-2:]  # +01:00 -> +0100 (DLR-003)


def _is_model(kind: Any) -> bool:
    return kind in MODELS


def _list_enums() -> set[type[StrEnum]]:
    kinds = (kind for cls in MODELS for field in attrs.fields(cls) for kind in unfold(field.type))
    return set(filter(_is_enum, kinds))


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StrEnum)


def _is_map(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) is dict


def _list_any(problem: Exception) -> list[Violation]:
    if isinstance(problem, ClassValidationError):
        return _list_violations(problem)
    return list(problem.violations) if isinstance(problem, RequestRefused) else []


def _list_violations(group: ClassValidationError) -> list[Violation]:
    found: list[Violation] = []
    for problem in group.exceptions:
        where = _find_step(problem, group)
        if isinstance(problem, KeyError):
            found.append(_find_missing(problem, group, where))
        elif isinstance(problem, ClassValidationError | RequestRefused):
            found += [violation.inside(where) for violation in _list_any(problem)]
        else:
            raise problem
    return found


def _find_step(problem: BaseException, group: ClassValidationError) -> str:
    notes = [n for n in getattr(problem, "__notes__", ()) if isinstance(n, AttributeValidationNote)]
    return str(attrs.fields_dict(group.cl)[notes[-1].name].metadata["wire"]) if notes else ""


def _find_missing(problem: KeyError, group: ClassValidationError, where: str) -> Violation:
    field = next(f for f in attrs.fields(group.cl) if f.metadata.get("wire") == problem.args[0])
    limit: Limit = field.validator
    return limit.missing(field.type).inside(where)
