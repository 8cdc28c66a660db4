"""Values that follow from the schema and are not to be rejected, and those that may be either way."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from infobip_sms_conformance.contract.edits import parse_path
from infobip_sms_conformance.contract.files import (
    WIRES,
    Case,
    read_cases,
    read_example,
    read_requirements,
)
from infobip_sms_conformance.contract.openapi import get_component
from infobip_sms_conformance.contract.request_fields import (
    ASTRAL,
    EXAMPLE,
    NUMBER,
    Field,
    normalize,
    read_fields,
)

LONG_TEXT = "All of this is allowed. " * 40
ALLOWED_TEXTS = {
    "text": {"long": LONG_TEXT, "markup": '<b>&amp; "it\'s" ]]></b>  \u00e9\u011f\u6f22 ' + ASTRAL},
    "notifyUrl": {"query": "https://www.example.com/reports?of=this&to=%20that#here"},
}
ALLOWED_REQUIREMENT = "SEND-020"
"""What forbids to reject a value of a field that has neither limits nor choices."""
LARGEST_INTEGER = 2**31 - 1
FUTURE, FUTURE_REQUIREMENT = "2040-07-07T17:00:00.000", "SCHED-002"
OFFSETS = {"west": "-05:00", "half-hour": "+05:30", "utc": "+00:00"}
"""Offsets of instants, which the documentation shows to the east alone."""
GOOD_TIMES = {
    "hour-least": ((0, 10), (1, 30)),
    "hour-greatest": ((22, 10), (23, 30)),
    "minute-ends": ((6, 59), (8, 0)),
    "minute-least": ((6, 0), (7, 59)),
}
"""Times at which a window opens and closes, more than an hour apart."""
GOOD_WINDOWS = {"day": "WIN-003", "hour": "WIN-004", "minute": "WIN-005"}


def iter_good_values(field: Field) -> Iterator[tuple[str, Any]]:
    """Yield values of a field that must be accepted: each choice, each limit, and large ones."""
    for choice in field.schema.get("enum", ()):
        yield choice, choice
    if field.schema.get("type") == "boolean":
        yield from (("true", True), ("false", False))
    if field.schema.get("format") == "date-time":
        yield from ((kind, f"{FUTURE}{offset}") for kind, offset in OFFSETS.items())
    if "x-effective-maximum" in field.schema:
        yield from (("one", 1), ("large", 100_000), ("largest", LARGEST_INTEGER))
    yield from ALLOWED_TEXTS.get(field.path.rpartition(".")[2], {}).items()


@cache
def derive_accepted_cases() -> tuple[Case, ...]:
    """Return the cases that must be accepted, none of which is in cases.toml as well."""
    listed = {(normalize(case.path), repr(case.edit)) for case in read_cases()}
    cases: list[Case] = []
    for field in read_fields():
        for kind, value in iter_good_values(field):
            number = field.find_requirement(value)
            if "x-effective-maximum" in field.schema and value > 1:
                number = "VAL-001"
            if str(value).startswith(FUTURE):
                number = FUTURE_REQUIREMENT
            known = read_requirements()[number].observable == "exchange"
            number = number if known else ALLOWED_REQUIREMENT
            add_accepted(cases, number, field.path, kind, value, listed)
    for path, kind, value in iter_good_windows():
        number = GOOD_WINDOWS[kind.partition("-")[0]]
        add_accepted(cases, number, path, kind, value, listed)
    return tuple(cases)


def add_accepted(  # noqa: PLR0913, PLR0917 - what a case is made of
    cases: list[Case],
    number: str,
    path: str,
    kind: str,
    value: Any,
    listed: set[tuple[str, str]],
) -> None:
    """Add a case to be accepted, unless it is listed."""
    if (normalize(path), repr(("set", value))) in listed:
        return
    name = f"{normalize(path).replace('.', '-')}-is-{kind}".lower()
    cases.append(Case(name, number, EXAMPLE, path, ("set", value), False, WIRES, len(cases)))


def iter_good_windows() -> Iterator[tuple[str, str, Any]]:
    """Yield windows: of each day alone, and with each end at each limit, an hour apart and in this order."""
    path = next(f.path for f in read_fields() if "dependentRequired" in f.schema)
    for day in get_component("Day")["enum"]:
        yield path, f"day-{day}", {"days": [day]}
    for kind, (start, end) in GOOD_TIMES.items():
        ends = [{"hour": hour, "minute": minute} for hour, minute in (start, end)]
        yield path, kind, {"from": ends[0], "to": ends[1], "days": ["MONDAY"]}


# ------------------------------------------------------------------ values that may be accepted or rejected


def build_undecided() -> dict[str, tuple[str, Any]]:
    """Return requests with values of which the documentation does not say whether they are accepted.

    By the kind of value: the format, and the documented request with such a value in each field that
    can have it, so that a server either reads or rejects it as a whole.
    """
    return {
        "nulls": (WIRES[0], alter_optional(lambda _field: None)),
        "numbers for texts": (WIRES[0], alter_texts(lambda _text: NUMBER)),
        "blanks around": (WIRES[0], alter_texts(lambda text: f" {text} ")),
        "nothing": (WIRES[1], alter_texts(lambda _text: "")),
    }


def alter_optional(alter: Callable[[Field], Any]) -> Any:
    """Return the documented request with another value in each optional field of its first level."""
    document = read_example(EXAMPLE)
    for field in read_fields():
        *way, last = parse_path(field.path)
        holder = document
        for step in way:
            holder = holder[step] if holder is not None else None
        if not field.is_required and isinstance(holder, dict):
            holder[str(last)] = alter(field)
    return document


def alter_texts(alter: Callable[[str], Any]) -> Any:
    """Return the documented request with another value in each optional text without a list of choices."""
    document = read_example(EXAMPLE)
    for field in read_fields():
        free = field.schema.get("type") == "string" and "enum" not in field.schema
        if not free or field.is_required or field.schema.get("format"):
            continue
        *way, last = parse_path(field.path)
        holder = document
        for step in way:
            holder = holder[step]
        holder[last] = alter(field.example)
    return document
