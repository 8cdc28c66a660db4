"""Generate the writers of the XML codec, one for each type of sms.xsd."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from generator.fields import (
    Field,
    ModelSet,
    indent,
    is_date,
    render_extra,
    render_invalid_condition,
    render_min_items,
    render_pairs,
)

SCALAR_TYPES = {"integer": int, "decimal": Decimal, "boolean": bool}


class CodecBuilder:
    """The parts of the codec that are written so far."""

    def __init__(self, model_set: ModelSet) -> None:
        self.model_set = model_set
        self.patterns: dict[str, str] = {}
        self.bodies: list[str] = []
        self.done: set[str] = set()


def require_type(element: Any, field: Field) -> None:
    """Raise NotImplementedError unless the XML schema and the model agree on the type of a scalar."""
    kind, names = element.type, []
    while kind is not None and kind.name is not None:
        names.append(kind.name.removeprefix("{http://www.w3.org/2001/XMLSchema}"))
        kind = kind.base_type
    prefixes = ("", "wire-", "read-")
    found = [cls for n, cls in SCALAR_TYPES.items() if {f"{p}{n}" for p in prefixes} & {*names}]
    text = field.base is str or field.is_enum or is_date(field)
    if found[:1] != ([] if text else [field.base]):
        raise NotImplementedError(f"{field.wire}: {names} for {field.base}")


def write_writer(kind: Any, model: str, codec: CodecBuilder) -> None:
    """Write the writer of a type, after those of its parts."""
    if f"write_{model}" in codec.done:
        return
    codec.done.add(f"write_{model}")
    fields = {m.wire: m for m in codec.model_set.fields[model]}
    children = [child for child in kind.content.iter_elements() if child.name is not None]
    lines = [f"if type(value) is not {model}:", "    raise FallbackRequired", 'text = ""']
    for child in children:
        lines += _write_field(child, fields.pop(child.name), codec)
    for field in fields.values():  # fields without an XML form
        fault = render_invalid_condition(field, field.local, codec.patterns)
        check = [f"if {field.local} is not None and ({fault}):", "    raise FallbackRequired"]
        lines += [f"{field.local} = value.{field.name}", *check]
    lines += render_pairs(codec.model_set.paired_fields[model])
    lines += [
        *render_extra(codec.model_set.models[model], "text += write_extra({0})"),
        "return text",
    ]
    codec.bodies += ["", f"def write_{model}(value: Any) -> str:", *indent(lines), ""]


def _write_field(child: Any, field: Field, codec: CodecBuilder) -> list[str]:
    local, name = field.local, child.name
    lines = [f"{local} = value.{field.name}"]
    wrapped = child.type.is_complex() and child.type.name is None
    if field.many:
        least = render_min_items(field)
        body = [f"if type({local}) is not tuple{least}:", "    raise FallbackRequired"]
        entry = next(child.type.content.iter_elements()) if wrapped else child
        if wrapped:
            body += [f"inner = {_write_entries(entry, field, codec)}", _add(name, "inner")]
        else:
            body.append(f"text += {_write_entries(entry, field, codec)}")
    elif field.is_model:
        write_writer(child.type, field.base.__name__, codec)
        body = [f"inner = write_{field.base.__name__}({local})", _add(name, "inner")]
    else:
        require_type(child, field)
        body = _write_leaf(name, field, codec)
    if field.constraint.required:
        return lines + body
    return [*lines, f"if {local} is not None:", *indent(body)]


def _add(name: str, body: str) -> str:
    return f'text += f"<{name}>{{{body}}}</{name}>" if {body} else "<{name} />"'


def _write_entries(entry: Any, field: Field, codec: CodecBuilder) -> str:
    local, name = field.local, entry.name
    if field.is_enum:
        words = f"{field.base.__name__}_VALUES"
        return f'"".join([f"<{name}>{{{words}[entry]}}</{name}>" for entry in {local}])'
    write_writer(entry.type, field.base.__name__, codec)
    return f'join_elements(write_{field.base.__name__}, {local}, "{name}")'


def _write_leaf(name: str, field: Field, codec: CodecBuilder) -> list[str]:
    local = field.local
    if field.is_enum:
        return [f'text += f"<{name}>{{{field.base.__name__}_VALUES[{local}]}}</{name}>"']
    if is_date(field):
        write = "write_bare_instant" if field.bare_offset else "write_instant"
        return [f'text += f"<{name}>{{{write}({local})}}</{name}>"']
    check = [
        f"if {render_invalid_condition(field, local, codec.patterns, text=False)}:",
        "    raise FallbackRequired",
    ]
    if field.base is bool:
        return [*check, f'text += "<{name}>true</{name}>" if {local} else "<{name}>false</{name}>"']
    if field.base is Decimal:
        return [*check, f'text += f"<{name}>{{{local}:f}}</{name}>"']
    if field.base is int:
        return [*check, f'text += f"<{name}>{{{local}}}</{name}>"']
    marks = " or ".join(f'"{mark}" in {local}' for mark in "&<>")
    escaped = [f"if not {local}.isprintable() or {marks}:", f"    {local} = escape({local})"]
    return [*check, *escaped, _add(name, local)]
