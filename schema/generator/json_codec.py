"""Generate the JSON codec: one reader and one writer for each model, without loops over fields.

Readers convert plain data with wire names to models. Writers convert models to plain data, completely
or with long lists left to the encoder, which then needs less memory.
"""

from __future__ import annotations

import typing
from decimal import Decimal

from generator.fields import (
    Field,
    ModelSet,
    find_extra_slot,
    indent,
    is_date,
    list_parts,
    render_construction,
    render_extra,
    render_invalid_condition,
    render_min_items,
    render_pairs,
    render_patterns,
)

HEAD = '''"""JSON: plain data with wire names to models and back, derived from schema/openapi.yaml.

Anything but exactly valid data raises FallbackRequired or any other exception; then the detailed path
(codecs/plain_data.py of the client) accepts or rejects it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .scalars import (
    INTEGER_LOWER_BOUND,
    CHUNK_SIZE,
    INTEGER_UPPER_BOUND,
    ChunkedList,
    FallbackRequired,
    get_enum_members,
    mutable_twin,
    get_enum_values,
    is_exact_decimal,
    coerce_boolean,
    coerce_decimal,
    coerce_instant,
    coerce_integer,
    coerce_none,
    coerce_text,
    read_instant,
    write_bare_instant,
    write_instant,
)
from .constraints import is_text
from .json_extra import find_extra
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
"""For each model in requests the function that builds its reader, given a lookup of readers."""

LENIENT_READERS: dict[type, Callable[[Callable[[Any], Reader]], Reader]] = {{{lenient}}}
"""The same for each model in responses."""

WRITERS: dict[type, Writer] = {{{writers}}}
"""For each model the function that writes it completely."""

LAZY_WRITERS: dict[type, Writer] = {{{beginners}}}
"""For each model the function that writes it with long lists as ChunkedList."""
'''
CONSTRAINTS = ("minimum", "maximum", "min_length", "max_length", "pattern")
DECIMAL_MODELS = '''
DECIMAL_MODELS: frozenset[type] = frozenset({{{names}}})
"""Models that may contain, at any depth, a decimal."""
'''
COERCIONS = {
    str: "coerce_text",
    int: "coerce_integer",
    bool: "coerce_boolean",
    Decimal: "coerce_decimal",
}


def write_json_codec(model_set: ModelSet) -> str:
    """Return the source of the codec."""
    shapes: dict[str, str] = {}
    read = sorted({*model_set.strict, *model_set.lenient})
    enums = {m.base.__name__ for n in read for m in model_set.fields[n] if m.is_enum}
    bodies: list[str] = []
    for name in model_set.strict:
        bodies += _write_reader(name, model_set, shapes, strict=True)
    for name in model_set.lenient:
        bodies += _write_reader(name, model_set, shapes, strict=False)
    for name in read:
        bodies += _write_writer(name, model_set, shapes, whole=True)
        bodies += _write_writer(name, model_set, shapes, whole=False) * _has_list(name, model_set)
    lines = [f"{name}Twin = mutable_twin({name})" for name in read]
    lines += [
        f"KNOWN_{name} = frozenset({sorted({n for m in model_set.fields[name] for n in (m.wire, *m.aliases)})})"
        for name in read
        if find_extra_slot(model_set.models[name])
    ]
    lines += [f"{name}_MEMBERS = get_enum_members({name})" for name in sorted(enums)]
    lines += [f"{name}_VALUES = get_enum_values({name})" for name in sorted(enums)]
    imports = "\n".join(f"    {name}," for name in sorted({*read, *enums}))
    whole = [*lines, *render_patterns(shapes), *bodies]
    exact = DECIMAL_MODELS.format(names=", ".join(n for n in read if _has_decimal(n, model_set)))
    return HEAD.format(imports=imports) + "\n".join(whole) + _write_tables(model_set, read) + exact


def _has_decimal(name: str, model_set: ModelSet) -> bool:
    """Tell whether a model may contain a decimal."""
    parts = list_parts([name], model_set.fields)
    fields = [field for part in parts for field in model_set.fields[part]]
    return any(m.base is Decimal or typing.get_origin(m.base) is dict for m in fields)


def _has_list(name: str, model_set: ModelSet) -> bool:
    """Tell whether a model has a list of models."""
    found = [m for m in model_set.fields[name] if m.is_model]
    if any(not m.many and _has_list(m.base.__name__, model_set) for m in found):
        raise NotImplementedError(f"{name}: a list in a nested model")
    return any(m.many for m in found)


def _write_tables(model_set: ModelSet, read: list[str]) -> str:
    beginning = [(n, "lazy" if _has_list(n, model_set) else "write") for n in read]
    return TABLES.format(
        strict=", ".join(f"{n}: build_strict_{n}" for n in model_set.strict),
        lenient=", ".join(f"{n}: build_lenient_{n}" for n in model_set.lenient),
        writers=", ".join(f"{n}: write_{n}" for n in read),
        beginners=", ".join(f"{n}: {way}_{n}" for n, way in beginning),
    )


def _write_reader(
    name: str, model_set: ModelSet, patterns: dict[str, str], *, strict: bool
) -> list[str]:
    fields = model_set.fields[name]
    parts = sorted({m.base.__name__ for m in fields if m.is_model})
    way = "strict" if strict else "lenient"
    is_document = "raw" in model_set.models[name].__slots__  # each response is an object of its own
    is_repeated = not (strict or is_document) and all(m.base in {str, int, bool} for m in fields)
    body = _find_last(fields) if is_repeated else []  # no other type equals a dict
    body += ["if type(value) is not dict:", "    raise FallbackRequired"]
    open_ = bool(find_extra_slot(model_set.models[name]))
    body += [f"known = {len(fields)}"] * open_
    for field in fields:
        body += _write_field(field, patterns, strict=strict, counts=open_)
    if open_:
        found = f"find_extra(value, KNOWN_{name})"
        body += [f"extra = {found} if len(value) != known else None"]
    if strict:
        body += render_pairs(model_set.paired_fields[name])
    *created, end = render_construction([(m.name, m.local) for m in fields], model_set.models[name])
    body += [*created, *(_keep_last(fields) if is_repeated else ()), end]
    return [
        "",
        f"def build_{way}_{name}(find: Callable[[Any], Reader]) -> Reader:",
        *indent(["last: Any = (None, None)"] * is_repeated),
        *indent(f"read_{part} = find({part})" for part in parts),
        "    def read(value: Any, _: Any) -> Any:",
        *indent(body, 2),
        "    return read",
        "",
    ]


def _find_last(fields: tuple[Field, ...]) -> list[str]:
    """Return the statements that return the last model for the same values: most entries have one status.

    True is 1 for Python, so that types are compared, too.
    """
    same = [
        f"type(value[{m.wire!r}]) is {m.base.__name__}"
        if m.constraint.required
        else f"type(value.get({m.wire!r})) is type(plain.get({m.wire!r}))"
        for m in fields
        if m.base is not str
    ]
    return [
        "nonlocal last",
        "plain, made = last",
        f"if {' and '.join(['value == plain', *same])}:",
        "    return made",
    ]


def _keep_last(fields: tuple[Field, ...]) -> list[str]:
    """Return the statements that keep a model, if it holds the very values of its document."""
    same = " and ".join(f"{m.local} is value.get({m.wire!r})" for m in fields)
    return [f"if extra is None and {same}:", "    last = dict(value), made"]


def _write_field(
    field: Field, patterns: dict[str, str], *, strict: bool, counts: bool
) -> list[str]:
    """Return the statements that read a field into its variable.

    counts: whether they count the fields that are there.
    """
    read = _read_strict(field, patterns) if strict else _read_lenient(field, patterns)
    if field.constraint.required and not field.aliases:
        return [f"{field.local} = value[{field.wire!r}]", *read]
    lines = [f"if {field.wire!r} in value:", f"    {field.local} = value[{field.wire!r}]"]
    lines += indent(read)
    for other in field.aliases:
        lines += [f"elif {other!r} in value:", f"    {field.local} = value[{other!r}]"]
        lines += indent(read)
    missing = "raise FallbackRequired" if field.constraint.required else f"{field.local} = None"
    fewer = ["    known -= 1"] * (counts and not field.constraint.required)
    return [*lines, "else:", f"    {missing}", *fewer]


def _read_strict(field: Field, patterns: dict[str, str]) -> list[str]:
    local = field.local
    if field.many:
        least = render_min_items(field)
        check = [f"if type({local}) is not list{least}:", "    raise FallbackRequired"]
        return [*check, f"{local} = {_read_entries(field)}"]
    if field.is_model:
        return [f"{local} = read_{field.base.__name__}({local}, {field.base.__name__})"]
    if field.is_enum:
        return [f"{local} = {field.base.__name__}_MEMBERS[{local}]"]
    if is_date(field):
        return [f"{local} = read_instant({local})"]
    return [f"if {render_invalid_condition(field, local, patterns)}:", "    raise FallbackRequired"]


def _read_lenient(field: Field, patterns: dict[str, str]) -> list[str]:
    local = field.local
    needed = [f"if {local} is None:", "    raise FallbackRequired"] * field.constraint.required
    if field.many or field.is_model:
        kind, cls = ("list" if field.many else "dict"), field.base.__name__
        made = _read_entries(field) if field.many else f"read_{cls}({local}, {cls})"
        plain = [f"if type({local}) is {kind}:", f"    {local} = {made}"]
        if field.constraint.min_items:
            raise NotImplementedError(f"{field.wire}: min_items in a response")
        other = "raise FallbackRequired" if needed else f"{local} = coerce_none({local})"
        return [*plain, "else:", f"    {other}"]
    if is_date(field):
        return [f"{local} = coerce_instant({local})", *needed]
    if any(getattr(field.constraint, name) is not None for name in CONSTRAINTS):
        raise NotImplementedError(f"{field.wire}: a constraint in a response")
    fault = render_invalid_condition(field, local, patterns)
    opened = COERCIONS.get(field.base, "coerce_none")
    return [f"if {fault}:", f"    {local} = {opened}({local})", *indent(needed)]


def _read_entries(field: Field) -> str:
    cls = field.base.__name__
    if field.is_model:
        many = f"tuple([read_{cls}(entry, {cls}) for entry in {field.local}])"
        return f"(read_{cls}({field.local}[0], {cls}),) if len({field.local}) == 1 else {many}"
    if field.is_enum:
        return f"tuple([{cls}_MEMBERS[entry] for entry in {field.local}])"
    raise NotImplementedError(f"{field.wire}: a list of {cls}")


def _write_writer(
    name: str, model_set: ModelSet, patterns: dict[str, str], *, whole: bool
) -> list[str]:
    """Return the function that writes a model, completely or without long lists."""
    fields = model_set.fields[name]
    paired = {local for pair in model_set.paired_fields[name] for local in pair}
    body = [
        f"if type(value) is not {name}:",
        "    raise FallbackRequired",
        "plain: dict[str, Any] = {}",
    ]
    for field in fields:
        load = f"{field.local} = value.{field.name}"
        lines = [*_check_written(field, patterns), *_put(field, model_set, whole=whole)]
        if field.constraint.required:
            body += [load, *lines]
        elif field.local in paired:
            body += [load, f"if {field.local} is not None:", *indent(lines)]
        else:  # most have no value
            body += [f"if value.{field.name} is not None:", *indent([load, *lines])]
    body += render_pairs(model_set.paired_fields[name])
    body += render_extra(model_set.models[name], "plain.update({0})")
    way = "write" if whole else "lazy"
    head = f"def {way}_{name}(value: Any) -> dict[str, Any]:"
    return ["", head, *indent(body), "    return plain", ""]


def _check_written(field: Field, patterns: dict[str, str]) -> list[str]:
    local = field.local
    if field.many:
        least = render_min_items(field)
        return [f"if type({local}) is not tuple{least}:", "    raise FallbackRequired"]
    if field.is_model or field.is_enum or is_date(field):
        return []  # its writer checks it
    # a lone surrogate is rejected by every encoder
    return [
        f"if {render_invalid_condition(field, local, patterns, text=False)}:",
        "    raise FallbackRequired",
    ]


def _put(field: Field, model_set: ModelSet, *, whole: bool) -> list[str]:
    """Return the statements that add a field to the plain data."""
    local, put, cls = (
        field.local,
        f"plain[{field.wire!r}] = ",
        getattr(field.base, "__name__", ""),
    )
    if field.is_model and field.many:
        way = "write" if whole or not _has_list(cls, model_set) else "lazy"
        one = [f"if len({local}) == 1:", f"    {put}[{way}_{cls}({local}[0])]"]
        made = f"    {put}[{way}_{cls}(entry) for entry in {local}]"
        if whole:
            return [*one, "else:", made]
        later = f"    {put}ChunkedList({way}_{cls}, {local})"
        return [*one, f"elif len({local}) < CHUNK_SIZE:", made, "else:", later]
    if field.is_model:
        return [f"{put}write_{cls}({local})"]
    if field.is_enum:
        words = f"{cls}_VALUES"
        return [
            put + (f"[{words}[entry] for entry in {local}]" if field.many else f"{words}[{local}]")
        ]
    if is_date(field):
        return [f"{put}{'write_bare_instant' if field.bare_offset else 'write_instant'}({local})"]
    return [put + local]
