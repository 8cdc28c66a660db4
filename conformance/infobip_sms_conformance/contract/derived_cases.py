"""Cases that follow from the schema: for every field of a send request, values of the wrong type and beside its limits.

The documented request shows where each field is. What a server may reasonably take for the right value (a
number for its digits, a single value for a list of it, a text with blanks around) is left out, and so are
fields whose wrong type is not said to be rejected. Each value is sent once: as JSON or, where XML can carry it,
in one format and then the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from infobip_sms_conformance.contract.files import (
    WIRES,
    Case,
    read_cases,
    read_example,
    read_requirements,
)
from infobip_sms_conformance.contract.openapi import get_missing_requirement, resolve
from infobip_sms_conformance.contract.request_fields import (
    ASTRAL,
    EXAMPLE,
    NUMBER,
    WORD,
    Field,
    normalize,
    read_fields,
)

JSON_ONLY, EITHER = WIRES[:1], WIRES
NOT_A_VALUE = {"value": "x"}
SMALLEST = "minimal-request"
MILLISECONDS = 2_230_000_000_000
"""An instant as programs count it."""
FAR = 10
"""How many times the greatest length is far beyond it."""
ARABIC_DIGITS = str.maketrans("0123456789", "".join(chr(0x660 + n) for n in range(10)))
Value = tuple[str, Any, tuple[str, ...]]
"""The kind of a value, the value (a tuple for a text so many times), and the formats that can carry it."""


# ------------------------------------------------------------------ values by the type of a field


def iter_bad_values(field: Field) -> Iterator[Value]:
    """Yield what must be rejected in a field."""
    kind = field.schema.get("type", "string")
    if field.is_required:
        yield "null", None, JSON_ONLY
    if "enum" in field.schema:
        yield from iter_bad_choices(field.schema["enum"])
    elif "pattern" in field.schema:
        yield from iter_mismatches(field)
    elif field.schema.get("format") == "date-time":
        yield from iter_bad_instants(field.example)
    elif kind in BAD_VALUES:
        yield from BAD_VALUES[kind](field)


def iter_bad_choices(choices: list[str]) -> Iterator[Value]:
    """Yield near misses of a few texts, and what is no text."""
    first, longest = choices[0], max(choices, key=len)
    yield "number", NUMBER, JSON_ONLY
    is_word = "/" not in first and min(map(len, choices)) > len("GREEK")
    if not is_word:  # else three letters of it
        yield "beginning", first[:-1], EITHER
    yield "longer", f"{first}-1", EITHER
    if first.isupper() and len(first) <= len("TRUE"):
        yield "small", first.lower(), EITHER
    if "_" in longest:
        yield "dash", longest.replace("_", "-"), EITHER
    if "/" in first:
        yield "end", first.rpartition("/")[2], EITHER
    elif is_word:  # which is abbreviated as well
        yield "three-letters", first[:3], EITHER


def iter_mismatches(field: Field) -> Iterator[Value]:
    """Yield texts that a pattern does not match, made from a good one, and what is no text."""
    pattern, good = field.schema["pattern"], field.example
    lengths = {
        "two-not-ascii": f"\u00c9{good[:1]}",
        "mixed": "A1B2C3D4E5F6G7",
        "far": (good * 20)[:100],
        "far-digits": "4" * 50,
    }
    characters = {
        "blank": " ",
        "letter-behind": f"{good}A",
        "two-plus": f"++{good}",
        "plus-inside": f"{good[:4]}+{good[4:]}",
        "other-digits": good.translate(ARABIC_DIGITS),
    }
    texts = lengths if "{" in pattern else characters
    if field.is_required:
        yield "object", NOT_A_VALUE, JSON_ONLY
    for kind, text in texts.items():
        yield kind, text, EITHER


def iter_bad_instants(good: str) -> Iterator[Value]:
    """Yield near misses of a date and time."""
    day, _, clock = good.partition("T")
    yield "number", MILLISECONDS, JSON_ONLY
    yield "day", day, EITHER
    yield "month-13", f"{day[:5]}13{day[7:]}T{clock}", EITHER
    yield "hour-25", f"{day}T25{clock[2:]}", EITHER
    yield "longer", f"{good}x", EITHER


def iter_bad_booleans(_field: Field) -> Iterator[Value]:
    """Yield what is neither true nor false."""
    yield "object", NOT_A_VALUE, JSON_ONLY


def iter_bad_integers(field: Field) -> Iterator[Value]:
    """Yield what is no whole number, and whole numbers beside and far beyond the limits."""
    least, most = field.schema.get("minimum"), field.schema.get("maximum")
    if least is None:  # true may count as one, which is within limits
        yield "object", NOT_A_VALUE, JSON_ONLY
        yield "true", True, JSON_ONLY
        yield "unit", f"{field.example} min", EITHER
    if not has_listed(field.path, float):
        yield "fraction", field.example + 0.5, EITHER
    if least is not None:
        yield "low", least - 1, EITHER
    if most is not None:
        yield "high", most + 1, EITHER
        yield "far", most * FAR, EITHER


def iter_bad_strings(field: Field) -> Iterator[Value]:
    """Yield texts that are too long, if there is a greatest length."""
    longest = field.schema.get("maxLength")
    if longest is not None:
        yield "long-astral", (ASTRAL, longest + 1), EITHER
        yield "far", ("d", longest * FAR), EITHER


def iter_bad_lists(_field: Field) -> Iterator[Value]:
    """Yield what is no list."""
    yield "object", NOT_A_VALUE, JSON_ONLY


def iter_bad_entries(field: Field) -> Iterator[Value]:
    """Yield lists with an entry that is none, inside or at the end."""
    if "." not in field.path:  # the smallest of messages is enough
        yield "null", [*read_example(SMALLEST)[field.path], None], JSON_ONLY
        return
    good = field.example
    yield "null", [good[0], None, *good[1:]], JSON_ONLY
    yield "word", [*good, WORD], JSON_ONLY


def iter_bad_objects(field: Field) -> Iterator[Value]:
    """Yield what is no object, and one without what it must have."""
    if not has_listed(field.path, str):
        yield "word", WORD, EITHER
    if not field.is_in_pair:
        yield "list", [WORD], JSON_ONLY
    if field.schema.get("required"):
        yield "empty", {}, JSON_ONLY


def has_listed(path: str, kind: type) -> bool:
    """Tell whether a case of cases.toml has a value of a type in a field."""
    return any(case.path == path and isinstance(case.edit[1], kind) for case in read_cases())


BAD_VALUES = {
    "boolean": iter_bad_booleans,
    "integer": iter_bad_integers,
    "string": iter_bad_strings,
    "array": iter_bad_lists,
    "object": iter_bad_objects,
}


# ------------------------------------------------------------------ cases


@dataclass(frozen=True)
class Row:
    """A case before its format is chosen."""

    requirement: str
    path: str
    kind: str
    edit: tuple[str, Any]
    wires: tuple[str, ...]
    pair: str = ""
    """What it has in common with a case at the other one of two fields that require each other."""


def iter_rows(field: Field) -> Iterator[Row]:
    """Yield what must be rejected at a field."""
    required = field.schema.get("required", ())
    members = {name: resolve(field.schema["properties"][name]) for name in required}
    leaf = field.path.rpartition(".")[2]
    shape = next((m["x-missing-requirement"] for m in members.values() if is_shape(m)), "")
    for kind, value, wires in iter_bad_values(field):
        number = shape or field.find_requirement(value)
        if value is None:
            number = get_missing_requirement(field.schema)
        elif value == {} and not shape:
            number = get_missing_requirement(members[required[0]])
        is_shared = field.is_in_pair and kind not in {"low", "high"}
        pair = f"{number} {kind} {leaf if value is None else ''}" if is_shared else ""
        edit = ("repeat", list(value)) if isinstance(value, tuple) else ("set", value)
        yield Row(number, field.path, kind, edit, wires, pair)
    for name in filter(lambda name: is_shape(members[name]), required):
        number = members[name]["x-missing-requirement"]
        yield Row(number, f"{field.path}.{name}", "missing", ("remove", True), EITHER)
    if field.schema.get("type") == "array":
        yield from iter_entry_rows(field)


def is_shape(schema: dict[str, Any]) -> bool:
    """Tell whether a missing field violates a requirement of its own."""
    return "x-missing-requirement" in schema


def iter_entry_rows(field: Field) -> Iterator[Row]:
    """Yield what must be rejected at an entry of a list: first, in the middle, last."""
    items = resolve(field.schema["items"])
    number = field.schema.get("x-item-requirement", field.schema["x-requirement"])
    if "enum" not in items:
        for kind, value, wires in iter_bad_entries(field):
            yield Row(number, field.path, f"entry-{kind}", ("set", value), wires)
        return
    last = len(field.example) - 1
    values = [*iter_bad_choices(items["enum"]), ("null", None, JSON_ONLY)]
    for turn, (kind, value, wires) in enumerate(values):
        path = f"{field.path}[{(0, last // 2, last)[turn % 3]}]"
        yield Row(number, path, f"entry-{kind}", ("set", value), wires)


@cache
def derive_cases() -> tuple[Case, ...]:
    """Return the cases that must be rejected, none of which is in cases.toml as well."""
    listed = {(normalize(case.path), repr(case.edit)) for case in read_cases()}
    known = {row.id for row in read_requirements().values() if row.observable == "exchange"}
    rows = [
        row
        for field in read_fields()
        for row in iter_rows(field)
        if row.requirement in known and (normalize(row.path), repr(row.edit)) not in listed
    ]
    rows = [row for row in rows if row is choose_end(rows, row)]
    return tuple(build_case(row, turn, rows) for turn, row in enumerate(rows))


def choose_end(rows: list[Row], row: Row) -> Row:
    """Return the case that stands for a row: of two at the ends of a pair now the one, now the other."""
    if not row.pair:
        return row
    pairs = list(dict.fromkeys(other.pair for other in rows if other.pair))
    same = [other for other in rows if other.pair == row.pair]
    return same[pairs.index(row.pair) % len(same)]


def build_case(row: Row, turn: int, rows: list[Row]) -> Case:
    """Return the case of a row, in one of the formats that can carry it."""
    wires = row.wires
    if len(wires) > 1:
        before = sum(len(other.wires) > 1 for other in rows[:turn])
        wires = (WIRES[before % len(WIRES)],)
    name = f"{normalize(row.path).replace('.', '-')}-{row.kind}".lower()
    return Case(name, row.requirement, EXAMPLE, row.path, row.edit, True, wires, turn)
