"""Write the JSON codec: one reader and one writer for each model, in straight lines.

Readers take plain data with wire names and give models. Writers give plain data, of the whole or with
long lists left to the encoder, which need not hold them as plain data.

Lives here: source text of generated/infobip_sms_schema/json_codec.py.
Never here: conditions of limits (members.py), facts.
"""

from __future__ import annotations

import typing
from decimal import Decimal
from typing import Any

from generator.fields import (
    Family,
    Member,
    find_parts,
    indent,
    is_date,
    render_fault,
    render_making,
    render_pairs,
    render_shapes,
)

HEAD = '''"""JSON: plain data with wire names to models and back, derived from schema/openapi.yaml.

What is not exactly as the contract has it raises Odd or any other exception; then nothing is
decided, and the detailed path (structure.py of the binding) reads or refuses it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .scalars import (
    LEAST,
    LONG,
    MOST,
    Long,
    Odd,
    find_members,
    find_twin,
    find_words,
    is_price,
    open_boolean,
    open_decimal,
    open_instant,
    open_integer,
    open_nothing,
    open_text,
    read_instant,
    write_bare_instant,
    write_instant,
)
from .constraints import is_text
from .models import (
{imports}
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[Any, Any], Any]
    Writer = Callable[[Any], dict[str, Any]]

'''
TABLES = '''
STRICT_READERS: dict[type, Callable[[Callable[[Any], Reader]], Reader]] = {{{strict}}}
"""For each model of a request what builds its reader, given what finds the readers of its parts."""

OPEN_READERS: dict[type, Callable[[Callable[[Any], Reader]], Reader]] = {{{open}}}
"""The same for each model of a reply."""

WRITERS: dict[type, Writer] = {{{writers}}}
"""For each model what writes it, with all that is in it."""

BEGINNERS: dict[type, Writer] = {{{beginners}}}
"""For each model what writes it, with long lists left to the encoder: Long."""
'''
LIMITS = ("minimum", "maximum", "min_length", "max_length", "pattern")
EXACT = '''
EXACT: frozenset[type] = frozenset({{{names}}})
"""Models that hold, at any depth, a number with a fraction, or plain data in which one may stand."""
'''
OPEN = {str: "open_text", int: "open_integer", bool: "open_boolean", Decimal: "open_decimal"}


def write_json_codec(family: Family) -> str:
    """Return the source of the codec."""
    shapes: dict[str, str] = {}
    read = sorted({*family.strict, *family.open})
    enums = {m.base.__name__ for n in read for m in family.members[n] if m.is_enum}
    bodies: list[str] = []
    for name in family.strict:
        bodies += _write_reader(name, family, shapes, strict=True)
    for name in family.open:
        bodies += _write_reader(name, family, shapes, strict=False)
    for name in read:
        bodies += _write_writer(name, family, shapes, whole=True)
        bodies += _write_writer(name, family, shapes, whole=False) * _has_list(name, family)
    lines = [f"{name}Twin = find_twin({name})" for name in read]
    lines += [f"{name}_MEMBERS = find_members({name})" for name in sorted(enums)]
    lines += [f"{name}_WORDS = find_words({name})" for name in sorted(enums)]
    imports = "\n".join(f"    {name}," for name in sorted({*read, *enums}))
    whole = [*lines, *render_shapes(shapes), *bodies]
    exact = EXACT.format(names=", ".join(n for n in read if _is_exact(n, family)))
    return HEAD.format(imports=imports) + "\n".join(whole) + _write_tables(family, read) + exact


def _is_exact(name: str, family: Family) -> bool:
    """Tell whether a model may hold a number with a fraction."""
    parts = find_parts([name], family.members)
    members = [member for part in parts for member in family.members[part]]
    return any(m.base is Decimal or typing.get_origin(m.base) is dict for m in members)


def _has_list(name: str, family: Family) -> bool:
    """Tell whether a model has a list of models; a model inside it that has one is in a list itself."""
    found = [m for m in family.members[name] if m.is_model]
    if any(not m.many and _has_list(m.base.__name__, family) for m in found):
        raise NotImplementedError(f"{name}: a list inside of a part")
    return any(m.many for m in found)


def _write_tables(family: Family, read: list[str]) -> str:
    beginning = [(n, "begin" if _has_list(n, family) else "write") for n in read]
    return TABLES.format(
        strict=", ".join(f"{n}: build_strict_{n}" for n in family.strict),
        open=", ".join(f"{n}: build_open_{n}" for n in family.open),
        writers=", ".join(f"{n}: write_{n}" for n in read),
        beginners=", ".join(f"{n}: {way}_{n}" for n, way in beginning),
    )


def _write_reader(name: str, family: Family, shapes: dict[str, str], *, strict: bool) -> list[str]:
    members = family.members[name]
    parts = sorted({m.base.__name__ for m in members if m.is_model})
    way = "strict" if strict else "open"
    body = ["if type(value) is not dict:", "    raise Odd"]
    for member in members:
        body += _write_member(member, shapes, strict=strict)
    if strict:
        body += render_pairs(family.together[name])
    made = [(m.name, m.local) for m in members]
    body += render_making(made, name, raw=_has_raw(family.models[name]))
    return [
        "",
        f"def build_{way}_{name}(find: Callable[[Any], Reader]) -> Reader:",
        *indent(f"read_{part} = find({part})" for part in parts),
        "    def read(value: Any, _: Any) -> Any:",
        *indent(body, 2),
        "    return read",
        "",
    ]


def _has_raw(cls: Any) -> bool:
    return "raw" in cls.__slots__


def _write_member(member: Member, shapes: dict[str, str], *, strict: bool) -> list[str]:
    """Return the statements that read a member into its local name."""
    read = _read_strict(member, shapes) if strict else _read_open(member, shapes)
    if member.limit.required and not member.also:
        return [f"{member.local} = value[{member.wire!r}]", *read]
    lines = [f"if {member.wire!r} in value:", f"    {member.local} = value[{member.wire!r}]"]
    lines += indent(read)
    for other in member.also:
        lines += [f"elif {other!r} in value:", f"    {member.local} = value[{other!r}]"]
        lines += indent(read)
    missing = "raise Odd" if member.limit.required else f"{member.local} = None"
    return [*lines, "else:", f"    {missing}"]


def _read_strict(member: Member, shapes: dict[str, str]) -> list[str]:
    local = member.local
    if member.many:
        least = f" or len({local}) < {member.limit.min_items}" if member.limit.min_items else ""
        check = [f"if type({local}) is not list{least}:", "    raise Odd"]
        return [*check, f"{local} = {_read_entries(member)}"]
    if member.is_model:
        return [f"{local} = read_{member.base.__name__}({local}, {member.base.__name__})"]
    if member.is_enum:
        return [f"{local} = {member.base.__name__}_MEMBERS[{local}]"]
    if is_date(member):
        return [f"{local} = read_instant({local})"]
    return [f"if {render_fault(member, local, shapes)}:", "    raise Odd"]


def _read_open(member: Member, shapes: dict[str, str]) -> list[str]:
    local = member.local
    needed = [f"if {local} is None:", "    raise Odd"] * member.limit.required
    if member.many or member.is_model:
        kind, cls = ("list" if member.many else "dict"), member.base.__name__
        made = _read_entries(member) if member.many else f"read_{cls}({local}, {cls})"
        plain = [f"if type({local}) is {kind}:", f"    {local} = {made}"]
        if member.limit.min_items:
            raise NotImplementedError(f"{member.wire}: a least number of entries in a reply")
        other = "raise Odd" if needed else f"{local} = open_nothing({local})"
        return [*plain, "else:", f"    {other}"]
    if is_date(member):
        return [f"{local} = open_instant({local})", *needed]
    if any(getattr(member.limit, name) is not None for name in LIMITS):
        raise NotImplementedError(f"{member.wire}: a limit in a reply")
    fault = render_fault(member, local, shapes)
    opened = OPEN.get(member.base, "open_nothing")
    return [f"if {fault}:", f"    {local} = {opened}({local})", *indent(needed)]


def _read_entries(member: Member) -> str:
    cls = member.base.__name__
    if member.is_model:
        return f"[read_{cls}(entry, {cls}) for entry in {member.local}]"
    if member.is_enum:
        return f"[{cls}_MEMBERS[entry] for entry in {member.local}]"
    raise NotImplementedError(f"{member.wire}: a list of {cls}")


def _write_writer(name: str, family: Family, shapes: dict[str, str], *, whole: bool) -> list[str]:
    """Return what writes an object with all that is in it, or all but long lists."""
    members = family.members[name]
    body = [f"if type(value) is not {name}:", "    raise Odd", "plain: dict[str, Any] = {}"]
    for member in members:
        body.append(f"{member.local} = value.{member.name}")
        lines = [*_check_written(member, shapes), *_put(member, family, whole=whole)]
        guarded = [f"if {member.local} is not None:", *indent(lines)]
        body += lines if member.limit.required else guarded
    body += render_pairs(family.together[name])
    way = "write" if whole else "begin"
    head = f"def {way}_{name}(value: Any) -> dict[str, Any]:"
    return ["", head, *indent(body), "    return plain", ""]


def _check_written(member: Member, shapes: dict[str, str]) -> list[str]:
    local = member.local
    if member.many:
        least = f" or len({local}) < {member.limit.min_items}" if member.limit.min_items else ""
        return [f"if type({local}) is not list{least}:", "    raise Odd"]
    if member.is_model or member.is_enum or is_date(member):
        return []  # what writes it checks it
    # half of a surrogate pair is what no encoder writes
    return [f"if {render_fault(member, local, shapes, text=False)}:", "    raise Odd"]


def _put(member: Member, family: Family, *, whole: bool) -> list[str]:
    """Return the statements that put a member into the plain object."""
    local, put, cls = (
        member.local,
        f"plain[{member.wire!r}] = ",
        getattr(member.base, "__name__", ""),
    )
    if member.is_model and member.many:
        way = "write" if whole or not _has_list(cls, family) else "begin"
        made = f"{put}[{way}_{cls}(entry) for entry in {local}]"
        if whole:
            return [made]
        later = f"{put}Long({way}_{cls}, {local})"
        return [f"if len({local}) < LONG:", f"    {made}", "else:", f"    {later}"]
    if member.is_model:
        return [f"{put}write_{cls}({local})"]
    if member.is_enum:
        words = f"{cls}_WORDS"
        return [
            put + (f"[{words}[entry] for entry in {local}]" if member.many else f"{words}[{local}]")
        ]
    if is_date(member):
        return [f"{put}{'write_bare_instant' if member.bare else 'write_instant'}({local})"]
    return [put + local]
