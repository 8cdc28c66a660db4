"""Write the writers of the XML codec: for each type of sms.xsd the text of an object's elements.

Lives here: source text, element by element in the order that xmlschema has parsed; what readers and
writers have in common.
Never here: conditions of limits (members.py), the readers and the whole (xml_codec.py), facts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from generator.fields import Family, Member, indent, is_date, render_fault, render_pairs

NUMBERS = {"integer": int, "decimal": Decimal, "boolean": bool}


class Codec:
    """The codec as it grows."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.shapes: dict[str, str] = {}
        self.bodies: list[str] = []
        self.done: set[str] = set()


def check_kind(element: Any, member: Member) -> None:
    """Hold the type that xmlschema has for a leaf to the model's."""
    kind, names = element.type, []
    while kind is not None and kind.name is not None:
        names.append(kind.name.removeprefix("{http://www.w3.org/2001/XMLSchema}"))
        kind = kind.base_type
    prefixes = ("", "wire-", "read-")
    found = [cls for n, cls in NUMBERS.items() if {f"{p}{n}" for p in prefixes} & {*names}]
    text = member.base is str or member.is_enum or is_date(member)
    if found[:1] != ([] if text else [member.base]):
        raise NotImplementedError(f"{member.wire}: {names} for {member.base}")


def write_writer(kind: Any, model: str, codec: Codec) -> None:
    """Write the writer of a type, and those of its parts before it."""
    if f"write_{model}" in codec.done:
        return
    codec.done.add(f"write_{model}")
    members = {m.wire: m for m in codec.family.members[model]}
    children = [child for child in kind.content.iter_elements() if child.name is not None]
    lines = [f"if type(value) is not {model}:", "    raise Odd", 'text = ""']
    for child in children:
        lines += _write_member(child, members.pop(child.name), codec)
    for member in members.values():  # without a form in XML
        fault = render_fault(member, member.local, codec.shapes)
        check = [f"if {member.local} is not None and ({fault}):", "    raise Odd"]
        lines += [f"{member.local} = value.{member.name}", *check]
    lines += [*render_pairs(codec.family.together[model]), "return text"]
    codec.bodies += ["", f"def write_{model}(value: Any) -> str:", *indent(lines), ""]


def _write_member(child: Any, member: Member, codec: Codec) -> list[str]:
    local, name = member.local, child.name
    lines = [f"{local} = value.{member.name}"]
    wrapped = child.type.is_complex() and child.type.name is None
    if member.many:
        least = f" or len({local}) < {member.limit.min_items}" if member.limit.min_items else ""
        body = [f"if type({local}) is not list{least}:", "    raise Odd"]
        entry = next(child.type.content.iter_elements()) if wrapped else child
        if wrapped:
            body += [f"inner = {_write_entries(entry, member, codec)}", _add(name, "inner")]
        else:
            body.append(f"text += {_write_entries(entry, member, codec)}")
    elif member.is_model:
        write_writer(child.type, member.base.__name__, codec)
        body = [f"inner = write_{member.base.__name__}({local})", _add(name, "inner")]
    else:
        check_kind(child, member)
        body = _write_leaf(name, member, codec)
    if member.limit.required:
        return lines + body
    return [*lines, f"if {local} is not None:", *indent(body)]


def _add(name: str, body: str) -> str:
    return f'text += f"<{name}>{{{body}}}</{name}>" if {body} else "<{name} />"'


def _write_entries(entry: Any, member: Member, codec: Codec) -> str:
    local, name = member.local, entry.name
    if member.is_enum:
        words = f"{member.base.__name__}_WORDS"
        return f'"".join([f"<{name}>{{{words}[entry]}}</{name}>" for entry in {local}])'
    write_writer(entry.type, member.base.__name__, codec)
    return f'join(write_{member.base.__name__}, {local}, "{name}")'


def _write_leaf(name: str, member: Member, codec: Codec) -> list[str]:
    local = member.local
    if member.is_enum:
        return [f'text += f"<{name}>{{{member.base.__name__}_WORDS[{local}]}}</{name}>"']
    if is_date(member):
        write = "write_bare_instant" if member.bare else "write_instant"
        return [f'text += f"<{name}>{{{write}({local})}}</{name}>"']
    check = [f"if {render_fault(member, local, codec.shapes, text=False)}:", "    raise Odd"]
    if member.base is bool:
        return [*check, f'text += "<{name}>true</{name}>" if {local} else "<{name}>false</{name}>"']
    if member.base is Decimal:
        return [*check, f'text += f"<{name}>{{{local}:f}}</{name}>"']
    if member.base is int:
        return [*check, f'text += f"<{name}>{{{local}}}</{name}>"']
    marks = " or ".join(f'"{mark}" in {local}' for mark in "&<>")
    escaped = [f"if not {local}.isprintable() or {marks}:", f"    {local} = escape({local})"]
    return [*check, *escaped, _add(name, local)]
