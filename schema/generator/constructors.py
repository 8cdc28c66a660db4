"""Generate the constructors of models: what valid arguments make, without loops over fields.

They do what ``__init__`` does with converters and validators, at a fifth of its cost.
"""

from __future__ import annotations

import builtins
import typing

import attrs

from generator.fields import (
    Field,
    ModelSet,
    indent,
    is_date,
    render_construction,
    render_invalid_condition,
    render_min_items,
    render_patterns,
)

HEAD = '''"""Models of valid arguments, made without the converters and validators of ``__init__``.

Anything else raises FallbackRequired or any other exception; then ``__init__`` converts or rejects it.
"""

from __future__ import annotations

import builtins
import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .constraints import is_of_type, is_text, truncate_to_milliseconds
from .models import (
{imports}
)
from .scalars import (
    FallbackRequired,
    INTEGER_LOWER_BOUND,
    INTEGER_UPPER_BOUND,
    get_enum_members,
    is_exact_decimal,
    mutable_twin,
)

if TYPE_CHECKING:
    from collections.abc import Callable

'''
TABLE = '''
CONSTRUCTORS: dict[type, Callable[..., Any]] = {{{made}}}
"""For each model the function that makes it of the arguments of its class."""
'''
REJECT = "    raise FallbackRequired"


def write_constructors(model_set: ModelSet) -> str:
    """Return the source of the constructors."""
    names = sorted(model_set.models)
    enums = sorted({m.base.__name__ for n in names for m in model_set.fields[n] if m.is_enum})
    patterns: dict[str, str] = {}
    bodies = [line for name in names for line in _write_constructor(name, model_set, patterns)]
    lines = [f"{name}Twin = mutable_twin({name})" for name in names]
    lines += [f"{name}_MEMBERS = get_enum_members({name})" for name in enums]
    imports = "\n".join(f"    {name}," for name in sorted([*names, *enums]))
    table = TABLE.format(made=", ".join(f"{name}: make_{name}" for name in names))
    return (
        HEAD.format(imports=imports)
        + "\n".join([*lines, *render_patterns(patterns), *bodies])
        + table
    )


def _write_constructor(name: str, model_set: ModelSet, patterns: dict[str, str]) -> list[str]:
    cls = model_set.models[name]
    fields = {field.name: field for field in model_set.fields[name]}
    others = [a for a in attrs.fields(cls) if a.name not in fields]
    shadowing = [field for field in fields.values() if _get_variable(field) != field.name]
    body = [f"{m.local}, {m.name} = {m.name}, builtins.{m.name}" for m in shadowing]
    for other in others:  # rare
        differs = "is not" if other.default is None else "!="
        body += [f"if {other.alias} {differs} {other.default!r}:", REJECT]
    for field in fields.values():
        check = _check(field, patterns)
        optional = not field.constraint.required
        body += [f"if {_get_variable(field)} is not None:", *indent(check)] if optional else check
    made = render_construction([(m.name, _get_variable(m)) for m in fields.values()], cls)
    head = f"def make_{name}({_write_parameters(cls)}) -> Any:"
    return ["", head, *indent([*body, *made]), ""]


def _get_variable(field: Field) -> str:
    """Return the variable of an argument: its own name, or another one if that is a builtin's."""
    return field.local if hasattr(builtins, field.name) else field.name


def _write_parameters(cls: type[attrs.AttrsInstance]) -> str:
    """Return the parameters of a class, as its __init__ has them."""
    groups: dict[bool, list[str]] = {False: [], True: []}
    for field in attrs.fields(cls):
        default = "" if field.default is attrs.NOTHING else f" = {field.default!r}"
        groups[field.kw_only].append(f"{field.alias}: Any{default}")
    return ", ".join([*groups[False], *(["*", *groups[True]] if groups[True] else ())])


def _check(field: Field, patterns: dict[str, str]) -> list[str]:
    """Return the statements that convert and check one argument."""
    name, cls = _get_variable(field), getattr(field.base, "__name__", "")
    if field.many:
        return _check_entries(field, patterns)
    if field.is_enum:
        return [f"if type({name}) is not {cls}:", *indent(_find_member(name, cls))]
    if field.is_model:
        return [f"if type({name}) is not {cls}:", REJECT]
    if is_date(field):
        exact = f"type({name}) is not dt.datetime"
        truncated = f"{name} = truncate_to_milliseconds({name})"
        return [
            f"if {exact}:",
            REJECT,
            truncated,
            f"if not is_of_type({name}, dt.datetime):",
            REJECT,
        ]
    if typing.get_origin(field.base) is dict:
        return [REJECT.strip()]  # rare
    return [f"if {render_invalid_condition(field, name, patterns)}:", REJECT]


def _check_entries(field: Field, patterns: dict[str, str]) -> list[str]:
    """Return the statements for a list; one value is a list of one."""
    name, cls = _get_variable(field), getattr(field.base, "__name__", "")
    lines = [
        f"if type({name}) is not list and type({name}) is not tuple:",
        f"    {name} = ({name},)",
    ]
    if too_few := render_min_items(field).replace(field.local, name).removeprefix(" or "):
        lines += [f"if {too_few}:", REJECT]
    shorthand = _find_shorthand(field.base)
    other = f"make_{cls}({shorthand}=entry)" if shorthand else f"{cls}_MEMBERS[entry]"
    made = f"{name} = tuple([entry if type(entry) is {cls} else {other} for entry in {name}])"
    if shorthand:
        return [*lines, made]
    if field.is_enum:
        return [*lines, f"if not {{str, {cls}}}.issuperset(map(type, {name})):", REJECT, made]
    valid = f"type(entry) is {cls}"
    if not field.is_model:
        valid = f"not ({render_invalid_condition(field, 'entry', patterns)})"
    others = f"not all([{valid} for entry in {name}])"
    return [*lines, f"if {others}:", REJECT, f"{name} = tuple({name})"]


def _find_member(name: str, cls: str) -> list[str]:
    return [f"if type({name}) is not str:", REJECT, f"{name} = {cls}_MEMBERS[{name}]"]


def _find_shorthand(cls: typing.Any) -> str | None:
    """Return the field whose value stands for the whole model."""
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    return next((f.name for f in fields if "shorthand" in f.metadata), None)
