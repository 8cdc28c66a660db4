"""Write the XML codec: a reader and a writer for each type of the XML schemas, in straight lines.

xmlschema compiles the schemas, here and not where the codec runs: names, order, wrappers and
repetition are what it says. Readers follow the readers' schemas (any order, unknown elements),
writers sms.xsd. Limits come with the models, which parity.py holds to the XSD.

Lives here: source text of generated/infobip_sms_schema/xml_codec.py.
Never here: conditions of limits (members.py), facts.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs
import xmlschema

from generator.fields import (
    Family,
    Member,
    indent,
    is_date,
    render_making,
    render_pairs,
    render_range,
    render_shape,
    render_shapes,
)
from generator.xml_writers import Codec, check_kind, write_writer

if TYPE_CHECKING:
    from pathlib import Path

HEAD = '''"""XML: parsed elements to models, and models to text, derived from the XML schemas.

What is not exactly as the contract has it raises Odd or any other exception; then nothing is
decided, and the detailed path (by xmlschema) reads or refuses it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .scalars import (
    BOOLEANS,
    UNSET,
    LEAST,
    MOST,
    Odd,
    escape,
    find_members,
    find_twin,
    find_words,
    is_price,
    join,
    read_decimal,
    read_instant,
    read_integer,
    refuse_text,
    skip,
    write_bare_instant,
    write_instant,
)
from .models import (
{imports}
)

if TYPE_CHECKING:
    from collections.abc import Callable

'''
TABLES = '''
READERS: dict[type, dict[str, Callable[[Any], Any]]] = {{{readers}}}
"""For each model that is a document what reads it, by the root's name."""

WRITERS: dict[type, tuple[str, Callable[[Any], str]]] = {{{writers}}}
"""For each model that is a document the name of its root, and what writes what is in it."""
'''
READ = {int: "read_integer({0})", Decimal: "read_decimal({0})", bool: "BOOLEANS[{0}]"}


@attrs.frozen
class Reading:
    """A type of a schema, the model that it becomes, and how it is read."""

    kind: Any = attrs.field(eq=False)
    type: str
    model: str
    strict: bool

    @property
    def function(self) -> str:
        """The name of the reader."""
        way = "strict" if self.strict else "open"
        other = "" if self.type == self.model else f"_from_{self.type}"
        return f"read_{way}_{self.model}{other}"


def write_xml_codec(
    family: Family, data: Path, roots: dict[str, list[str]], own: dict[str, str]
) -> str:
    """Return the source of the codec.

    roots: root elements of each document. own: XML schemas of documents with one of their own.
    """
    codec = Codec(family)
    readers, writers = {}, {}
    for name, names in roots.items():
        schema = own.get(name, "sms.xsd")
        reading = open_schema(data / schema.replace(".xsd", "-reader.xsd"))
        kinds = {root: reading.elements[root].type for root in names}
        strict = name in family.strict
        found = {r: Reading(kind, kind.name, name, strict) for r, kind in kinds.items()}
        for one in found.values():
            _write_reader(one, codec)
        readers[name] = ", ".join(f'"{root}": {one.function}' for root, one in found.items())
        write_writer(open_schema(data / schema).elements[names[0]].type, name, codec)
        writers[name] = f'("{names[0]}", write_{name})'
    models = sorted({*family.strict, *family.open})
    enums = sorted({m.base.__name__ for n in models for m in family.members[n] if m.is_enum})
    lines = [f"{name}Twin = find_twin({name})" for name in models]
    lines += [f"{name}_MEMBERS = find_members({name})" for name in enums]
    lines += [f"{name}_WORDS = find_words({name})" for name in enums]
    tables = TABLES.format(
        readers=", ".join(f"{name}: {{{row}}}" for name, row in readers.items()),
        writers=", ".join(f"{name}: {row}" for name, row in writers.items()),
    )
    imports = "\n".join(f"    {name}," for name in sorted([*models, *enums]))
    whole = [*lines, *render_shapes(codec.shapes), *codec.bodies]
    return HEAD.format(imports=imports) + "\n".join(whole) + tables


@cache
def open_schema(path: Path) -> Any:
    """Compile an XML schema."""
    text = path.read_text(encoding="utf-8")
    cls = xmlschema.XMLSchema11 if path.stem.endswith("-reader") else xmlschema.XMLSchema10
    return cls(text)


def _write_reader(reading: Reading, codec: Codec) -> None:
    """Write the reader of a type, and those of its parts before it."""
    if reading.function in codec.done:
        return
    codec.done.add(reading.function)
    members = {m.wire: m for m in codec.family.members[reading.model]}
    others = {name: m for m in members.values() for name in m.also if name not in members}
    cases: list[str] = []
    for child in reading.kind.content.iter_elements():
        if child.name is None:
            continue
        member = members.get(child.name) or others[child.name]
        local = member.local if child.name in members else f"{member.local}_too"
        body = _read_member(child, member, local, reading, codec)
        cases += [f'{"elif" if cases else "if"} tag == "{child.name}":', *indent(body)]
    codec.bodies += [
        "",
        f"def {reading.function}(element: Any) -> Any:",
        *indent(_begin(reading, members, others)),
        "    for child in element:",
        "        tag = child.tag",
        *indent([*cases, "else:", "    skip(child)", *_refuse_text("child.tail", reading)], 2),
        *indent(_end(reading, members, others, codec.family)),
        "",
    ]


def _begin(reading: Reading, members: dict[str, Member], others: dict[str, Member]) -> list[str]:
    repeated = {c.name for c in reading.kind.content.iter_elements() if _is_repeated(c)}
    lines = [f"{members[name].local}: list[Any] = []" for name in repeated if name in members]
    single = [member for member in members.values() if member.wire not in repeated]
    lines += [f"{member.local}: Any = {_find_start(member, reading)}" for member in single]
    lines += [f"{member.local}_too: Any = None" for member in others.values()]
    return sorted(lines) + _refuse_text("element.text", reading)


def _find_start(member: Member, reading: Reading) -> str:
    """Return what stands for an element that has not been met; an empty number is met, and is None."""
    bare = member.many or member.is_model or member.base is str or reading.strict
    return "None" if bare else "UNSET"


def _refuse_text(place: str, reading: Reading) -> list[str]:
    """Return the statements that find text between elements, which only a request may not have."""
    if not reading.strict:
        return []
    return [f"if {place} is not None and not {place}.isspace():", f"    refuse_text({place})"]


def _read_member(
    child: Any, member: Member, local: str, reading: Reading, codec: Codec
) -> list[str]:
    """Return the statements for one element."""
    if child.type.is_complex() and child.type.name is None:
        return _read_wrapper(child, member, local, reading, codec)
    if _is_repeated(child):
        return _read_entry(child, member, "child", reading, codec)
    start = "None" if local.endswith("_too") else _find_start(member, reading)
    if child.type.is_complex():
        call = _find_reader(child, member, reading, codec)
        return [f"if {local} is not {start}:", "    raise Odd", f"{local} = {call}(child)"]
    check_kind(child, member)
    once = [f"if {local} is not {start} or len(child):", "    raise Odd"]
    return once + _read_leaf(member, local, reading, codec)


def _read_leaf(member: Member, local: str, reading: Reading, codec: Codec) -> list[str]:
    if member.base is str:
        fault = render_shape(member, local, codec.shapes)
        check = [f"if {fault}:", "    raise Odd"] if fault else []
        return [f'{local} = child.text or ""', *check]
    if member.is_enum:
        return [f"{local} = {member.base.__name__}_MEMBERS[child.text]"]
    read = "read_instant({0})" if is_date(member) else READ[member.base]
    if reading.strict:
        lines = [f"{local} = {read.format('child.text')}"]
        if member.limit.minimum is not None or member.limit.maximum is not None:
            lines += [f"if not {render_range(member, local)}:", "    raise Odd"]
        return lines
    if {member.limit.minimum, member.limit.maximum} != {None}:
        raise NotImplementedError(f"{member.wire}: a range in a reply")
    return [f"{local} = {read.format('child.text')} if child.text else None"]


def _read_wrapper(
    child: Any, member: Member, local: str, reading: Reading, codec: Codec
) -> list[str]:
    entries = [entry for entry in child.type.content.iter_elements() if entry.name is not None]
    names = " or ".join(f'entry.tag == "{entry.name}"' for entry in entries)
    text = _refuse_text("child.text", reading)
    least = member.limit.min_items or 0
    lost = f"len({local}) < {least}" if least else f"not {local} and len(child)"
    return [
        f"if {local} is not None:",
        "    raise Odd",
        *text,
        f"{local} = []",
        "for entry in child:",
        f"    if {names}:",
        *indent(_read_entry(entries[0], member, "entry", reading, codec), 2),
        "    else:",
        "        skip(entry)",
        *indent(_refuse_text("entry.tail", reading)),
        f"if {lost}:",
        "    raise Odd",
    ]


def _read_entry(
    element: Any, member: Member, variable: str, reading: Reading, codec: Codec
) -> list[str]:
    local = member.local
    if element.type.is_complex():
        call = _find_reader(element, member, reading, codec)
        return [f"{local}.append({call}({variable}))"]
    if not member.is_enum:
        raise NotImplementedError(f"{member.wire}: a list of {member.base}")
    words = f"{member.base.__name__}_MEMBERS"
    return [f"if len({variable}):", "    raise Odd", f"{local}.append({words}[{variable}.text])"]


def _find_reader(element: Any, member: Member, reading: Reading, codec: Codec) -> str:
    model = member.base.__name__
    inner = Reading(element.type, element.type.name, model, reading.strict)
    if inner.type != inner.model:
        raise NotImplementedError(f"{member.wire}: {inner.type} for {inner.model}")
    _write_reader(inner, codec)
    return inner.function


def _end(
    reading: Reading, members: dict[str, Member], others: dict[str, Member], family: Family
) -> list[str]:
    """Return the statements after the last element."""
    lines = [f"if {m.local} is None:\n    {m.local} = {m.local}_too" for m in others.values()]
    starts = {m.local: _find_start(m, reading) for m in members.values()}
    repeated = {c.name for c in reading.kind.content.iter_elements() if _is_repeated(c)}
    needed = [m for m in members.values() if m.limit.required]
    if not needed:
        absent = " and ".join(f"{local} is {start}" for local, start in starts.items())
        lines += [f"if len(element) and {absent}:", "    raise Odd"]
    for member in members.values():
        local, start = member.local, starts[member.local]
        if member.wire in repeated:
            least = member.limit.min_items or 0
            lost = f"len({local}) < {least}" if least else f"not {local} and len(element)"
            lines += [f"if {lost}:", "    raise Odd"]
        elif member.limit.required:
            also = f" or {local} is None" if start == "UNSET" else ""
            lines += [f"if {local} is {start}{also}:", "    raise Odd"]
        elif start == "UNSET":
            lines += [f"if {local} is UNSET:", f"    {local} = None"]
    if reading.strict:
        lines += render_pairs(family.together[reading.model])
    made = [(m.name, m.local) for m in members.values()]
    raw = "raw" in family.models[reading.model].__slots__
    return [part for line in lines for part in line.split("\n")] + render_making(
        made, reading.model, raw=raw
    )


def _is_repeated(element: Any) -> bool:
    return bool(element.max_occurs != 1)
