"""Generate the XML codec: a reader and a writer for each type of the XML schemas.

xmlschema compiles the schemas here, not where the codec runs: it determines names, order, wrappers and
repetition. Readers follow the lenient schemas (any order, unknown elements), writers follow sms.xsd.
Constraints come from the models, which parity.py compares with the XSD.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs
import xmlschema

from generator.fields import (
    Field,
    ModelSet,
    find_extra_slot,
    indent,
    is_date,
    render_construction,
    render_pairs,
    render_patterns,
    render_range,
    render_text_condition,
)
from generator.xml_writers import CodecBuilder, require_type, write_writer

if TYPE_CHECKING:
    from pathlib import Path

HEAD = '''"""XML: parsed elements to models, and models to text, derived from the XML schemas.

Anything but exactly valid data raises FallbackRequired or any other exception; then the detailed path
(with xmlschema) accepts or rejects it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .scalars import (
    UNSET,
    INTEGER_LOWER_BOUND,
    INTEGER_UPPER_BOUND,
    FallbackRequired,
    get_enum_members,
    mutable_twin,
    get_enum_values,
    is_exact_decimal,
    read_instant,
    write_bare_instant,
    write_instant,
)
from .xml_scalars import (
    BOOLEANS,
    escape,
    join_elements,
    read_decimal,
    read_integer,
    require_blank,
    skip_element,
)
from .xml_extra import add_unknown, write_extra
from .models import (
{imports}
)

if TYPE_CHECKING:
    from collections.abc import Callable

'''
TABLES = '''
READERS: dict[type, dict[str, Callable[[Any], Any]]] = {{{readers}}}
"""For each document model its readers, by name of the root element."""

WRITERS: dict[type, tuple[str, Callable[[Any], str]]] = {{{writers}}}
"""For each document model the name of its root element, and the function that writes its content."""
'''
SCALAR_READERS = {int: "read_integer({0})", Decimal: "read_decimal({0})", bool: "BOOLEANS[{0}]"}


@attrs.frozen
class ReaderSpec:
    """A type of a schema, its model, and whether it is parsed strictly."""

    kind: Any = attrs.field(eq=False)
    type: str
    model: str
    strict: bool

    @property
    def function(self) -> str:
        """The name of the reader."""
        way = "strict" if self.strict else "lenient"
        other = "" if self.type == self.model else f"_from_{self.type}"
        return f"read_{way}_{self.model}{other}"


def write_xml_codec(
    model_set: ModelSet, data: Path, roots: dict[str, list[str]], own: dict[str, str]
) -> str:
    """Return the source of the codec.

    roots: root elements of each document.
    own: XML schemas of documents that have their own.
    """
    codec = CodecBuilder(model_set)
    readers, writers = {}, {}
    for name, names in roots.items():
        schema = own.get(name, "sms.xsd")
        reading = compile_schema(data / schema.replace(".xsd", "-reader.xsd"))
        kinds = {root: reading.elements[root].type for root in names}
        strict = name in model_set.strict
        found = {r: ReaderSpec(kind, kind.name, name, strict) for r, kind in kinds.items()}
        for one in found.values():
            _write_reader(one, codec)
        readers[name] = ", ".join(f'"{root}": {one.function}' for root, one in found.items())
        write_writer(compile_schema(data / schema).elements[names[0]].type, name, codec)
        writers[name] = f'("{names[0]}", write_{name})'
    models = sorted({*model_set.strict, *model_set.lenient})
    enums = sorted({m.base.__name__ for n in models for m in model_set.fields[n] if m.is_enum})
    lines = [f"{name}Twin = mutable_twin({name})" for name in models]
    lines += [f"{name}_MEMBERS = get_enum_members({name})" for name in enums]
    lines += [f"{name}_VALUES = get_enum_values({name})" for name in enums]
    tables = TABLES.format(
        readers=", ".join(f"{name}: {{{row}}}" for name, row in readers.items()),
        writers=", ".join(f"{name}: {row}" for name, row in writers.items()),
    )
    imports = "\n".join(f"    {name}," for name in sorted([*models, *enums]))
    whole = [*lines, *render_patterns(codec.patterns), *codec.bodies]
    return HEAD.format(imports=imports) + "\n".join(whole) + tables


@cache
def compile_schema(path: Path) -> Any:
    """Compile an XML schema."""
    text = path.read_text(encoding="utf-8")
    cls = xmlschema.XMLSchema11 if path.stem.endswith("-reader") else xmlschema.XMLSchema10
    return cls(text)


def _write_reader(spec: ReaderSpec, codec: CodecBuilder) -> None:
    """Write the reader of a type, after those of its parts."""
    if spec.function in codec.done:
        return
    codec.done.add(spec.function)
    fields = {m.wire: m for m in codec.model_set.fields[spec.model]}
    others = {name: m for m in fields.values() for name in m.aliases if name not in fields}
    cases: list[str] = []
    for child in spec.kind.content.iter_elements():
        if child.name is None:
            continue
        field = fields.get(child.name) or others[child.name]
        local = field.local if child.name in fields else f"{field.local}_too"
        body = _read_field(child, field, local, spec, codec)
        cases += [f'{"elif" if cases else "if"} tag == "{child.name}":', *indent(body)]
    codec.bodies += [
        "",
        f"def {spec.function}(element: Any) -> Any:",
        *indent(_begin(spec, fields, others)),
        *["    extra = None"] * len(find_extra_slot(codec.model_set.models[spec.model])),
        "    for child in element:",
        "        tag = child.tag",
        *indent(
            [*cases, "else:", f"    {_skip(spec, codec)}", *_render_text_check("child.tail", spec)],
            2,
        ),
        *indent(_end(spec, fields, others, codec.model_set)),
        "",
    ]


def _skip(spec: ReaderSpec, codec: CodecBuilder) -> str:
    """Return the statement for an unknown element."""
    open_ = find_extra_slot(codec.model_set.models[spec.model])
    return "extra = add_unknown(extra, child)" if open_ else "skip_element(child)"


def _begin(spec: ReaderSpec, fields: dict[str, Field], others: dict[str, Field]) -> list[str]:
    repeated = {c.name for c in spec.kind.content.iter_elements() if _is_repeated(c)}
    lines = [f"{fields[name].local}: list[Any] = []" for name in repeated if name in fields]
    single = [field for field in fields.values() if field.wire not in repeated]
    lines += [f"{field.local}: Any = {_get_initial_value(field, spec)}" for field in single]
    lines += [f"{field.local}_too: Any = None" for field in others.values()]
    return sorted(lines) + _render_text_check("element.text", spec)


def _get_initial_value(field: Field, spec: ReaderSpec) -> str:
    """Return the initial value of a variable; UNSET where an empty element would read as None."""
    bare = field.many or field.is_model or field.base is str or spec.strict
    return "None" if bare else "UNSET"


def _render_text_check(place: str, spec: ReaderSpec) -> list[str]:
    """Return the statements that reject text between elements, in requests only."""
    if not spec.strict:
        return []
    return [f"if {place} is not None and not {place}.isspace():", f"    require_blank({place})"]


def _read_field(
    child: Any, field: Field, local: str, spec: ReaderSpec, codec: CodecBuilder
) -> list[str]:
    """Return the statements for one element."""
    if child.type.is_complex() and child.type.name is None:
        return _read_wrapper(child, field, local, spec, codec)
    if _is_repeated(child):
        return _read_entry(child, field, "child", spec, codec)
    start = "None" if local.endswith("_too") else _get_initial_value(field, spec)
    if child.type.is_complex():
        call = _get_reader(child, field, spec, codec)
        return [
            f"if {local} is not {start}:",
            "    raise FallbackRequired",
            f"{local} = {call}(child)",
        ]
    require_type(child, field)
    once = [f"if {local} is not {start} or len(child):", "    raise FallbackRequired"]
    return once + _read_leaf(field, local, spec, codec)


def _read_leaf(field: Field, local: str, spec: ReaderSpec, codec: CodecBuilder) -> list[str]:
    if field.base is str:
        fault = render_text_condition(field, local, codec.patterns)
        check = [f"if {fault}:", "    raise FallbackRequired"] if fault else []
        return [f'{local} = child.text or ""', *check]
    if field.is_enum:
        return [f"{local} = {field.base.__name__}_MEMBERS[child.text]"]
    read = "read_instant({0})" if is_date(field) else SCALAR_READERS[field.base]
    if spec.strict:
        lines = [f"{local} = {read.format('child.text')}"]
        if field.constraint.minimum is not None or field.constraint.maximum is not None:
            lines += [f"if not {render_range(field, local)}:", "    raise FallbackRequired"]
        return lines
    if {field.constraint.minimum, field.constraint.maximum} != {None}:
        raise NotImplementedError(f"{field.wire}: a range in a response")
    return [f"{local} = {read.format('child.text')} if child.text else None"]


def _read_wrapper(
    child: Any, field: Field, local: str, spec: ReaderSpec, codec: CodecBuilder
) -> list[str]:
    entries = [entry for entry in child.type.content.iter_elements() if entry.name is not None]
    names = " or ".join(f'entry.tag == "{entry.name}"' for entry in entries)
    text = _render_text_check("child.text", spec)
    least = field.constraint.min_items or 0
    lost = f"len({local}) < {least}" if least else f"not {local} and len(child)"
    return [
        f"if {local} is not None:",
        "    raise FallbackRequired",
        *text,
        f"{local} = []",
        "for entry in child:",
        f"    if {names}:",
        *indent(_read_entry(entries[0], field, "entry", spec, codec), 2),
        "    else:",
        "        skip_element(entry)",
        *indent(_render_text_check("entry.tail", spec)),
        f"if {lost}:",
        "    raise FallbackRequired",
    ]


def _read_entry(
    element: Any, field: Field, variable: str, spec: ReaderSpec, codec: CodecBuilder
) -> list[str]:
    local = field.local
    if element.type.is_complex():
        call = _get_reader(element, field, spec, codec)
        return [f"{local}.append({call}({variable}))"]
    if not field.is_enum:
        raise NotImplementedError(f"{field.wire}: a list of {field.base}")
    words = f"{field.base.__name__}_MEMBERS"
    return [
        f"if len({variable}):",
        "    raise FallbackRequired",
        f"{local}.append({words}[{variable}.text])",
    ]


def _get_reader(element: Any, field: Field, spec: ReaderSpec, codec: CodecBuilder) -> str:
    model = field.base.__name__
    inner = ReaderSpec(element.type, element.type.name, model, spec.strict)
    if inner.type != inner.model:
        raise NotImplementedError(f"{field.wire}: {inner.type} for {inner.model}")
    _write_reader(inner, codec)
    return inner.function


def _end(
    spec: ReaderSpec, fields: dict[str, Field], others: dict[str, Field], model_set: ModelSet
) -> list[str]:
    """Return the statements after the last element."""
    lines = []
    for field in others.values():
        start = _get_initial_value(field, spec)
        given = f" and {field.local}_too is not None" if start == "UNSET" else ""
        lines += [
            f"if {field.local} is {start}{given}:",
            f"    {field.local} = {field.local}_too",
        ]
    starts = {m.local: _get_initial_value(m, spec) for m in fields.values()}
    repeated = {c.name for c in spec.kind.content.iter_elements() if _is_repeated(c)}
    needed = [m for m in fields.values() if m.constraint.required]
    if not needed:
        absent = " and ".join(f"{local} is {start}" for local, start in starts.items())
        lines += [f"if len(element) and {absent}:", "    raise FallbackRequired"]
    for field in fields.values():
        local, start = field.local, starts[field.local]
        if field.wire in repeated:
            least = field.constraint.min_items or 0
            lost = f"len({local}) < {least}" if least else f"not {local} and len(element)"
            lines += [f"if {lost}:", "    raise FallbackRequired"]
        elif field.constraint.required:
            also = f" or {local} is None" if start == "UNSET" else ""
            lines += [f"if {local} is {start}{also}:", "    raise FallbackRequired"]
        elif start == "UNSET":
            lines += [f"if {local} is UNSET:", f"    {local} = None"]
    if spec.strict:
        lines += render_pairs(model_set.paired_fields[spec.model])
    made = [(m.name, f"tuple({m.local})" if m.many else m.local) for m in fields.values()]
    lines += render_construction(made, model_set.models[spec.model])
    return [part for line in lines for part in line.split("\n")]


def _is_repeated(element: Any) -> bool:
    return bool(element.max_occurs != 1)
