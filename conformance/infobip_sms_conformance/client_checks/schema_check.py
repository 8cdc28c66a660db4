"""What is wrong with a document, by the schema of its operation: each value with its place.

Lives here: types, limits, members that are missing, too many or null; nothing knows a member by name.
Never here: how a document is read (nodes.py, trees.py); headers, paths (envelope.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infobip_sms_conformance.client_checks.json_locations import Node, Place
from infobip_sms_conformance.client_checks.xml_locations import join
from infobip_sms_conformance.contract.openapi import resolve

NULLS, STRANGERS, UNICODE = "HTTP-010", "HTTP-013", "TEXT-001"
INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
HALF = re.compile("[\ud800-\udfff]")
DECIMALS = len(".000")
SENT_AT, LOOKED_UP = "SEND-018", "LOG-007"
"""The one whose form is documented to the millisecond, and the one whose form is open (READ-023)."""
LONGEST_SHOWN = 40
WANTS_INSTANT = (
    "a date and time with milliseconds and a time zone, as 2015-07-07T17:00:00.000+01:00"
)
ARTICLES = {
    "object": "an object",
    "array": "a list",
    "string": "a string",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}
Schema = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """Something that is not as the contract has it."""

    requirement: str
    path: str
    got: str
    wants: str
    place: Place | None = None
    """Where in the body; none for what stands elsewhere, or is missing."""
    where: str = "body"
    """``body``, ``target``, or the name of a header field."""
    mild: bool = False
    """Whether servers are known to take it."""


@dataclass
class Sheet:
    """What was looked at in one request, and what was found."""

    looked: set[str] = field(default_factory=set)
    """Requirements that the request could break."""
    problems: list[Problem] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    """Members and parameters that it has, without positions."""

    def blame(self, problem: Problem) -> None:
        """Take down a problem."""
        self.looked.add(problem.requirement)
        self.problems.append(problem)


def check_document(sheet: Sheet, node: Node, schema: Schema) -> None:
    """Hold a whole document to its schema."""
    sheet.looked |= {NULLS, STRANGERS}
    check_node(sheet, node, schema, "", "HTTP-003")


def check_node(sheet: Sheet, node: Node, schema: Schema, path: str, number: str) -> None:
    """Hold a value to its schema; ``number`` is the requirement that a wrong one breaks."""
    schema = resolve(schema)
    if node.kind == "null":
        wants = "the member left out when it has no value"
        sheet.blame(Problem(NULLS, path, "null", wants, node.whole))
        return
    kind = schema.get("type")
    if kind not in {None, node.kind}:
        got, number = describe(node, schema), find_number(node.value, schema, number)
        sheet.blame(Problem(number, path, got, describe_wanted(schema), node.whole))
        return
    if "x-wants" not in schema:
        sheet.looked.add(number)
    if kind == "object":
        check_members(sheet, node, schema, path)
    elif kind == "array":
        check_items(sheet, node, schema, path, number)
    else:
        for requirement, got, wants, mild in find_faults(node, schema, number, sheet):
            sheet.blame(Problem(requirement, path, got, wants, node.whole, mild=mild))


def check_members(sheet: Sheet, node: Node, schema: Schema, path: str) -> None:
    """Hold every member of an object to its schema, and look for those that are missing."""
    members = schema.get("properties", {})
    for name, inner in node.value.items():
        where = join(path, name)
        if name not in members:
            wants = find_wanted_name(name, members)
            sheet.blame(Problem(STRANGERS, where, "a member that nobody knows", wants, inner.whole))
            continue
        member = resolve(members[name])
        sheet.used.add(strip(where))
        check_node(sheet, inner, member, where, member.get("x-requirement", ""))
    for name in node.repeated:
        got, place = "the member for the second time", node.value[name].whole
        sheet.blame(Problem(STRANGERS, join(path, name), got, "it once", place))
    for name, number, wants in find_required(node, schema):
        sheet.looked.add(number)
        if name not in node.value:
            sheet.blame(Problem(number, join(path, name), "nothing", wants, node.whole))


def find_required(node: Node, schema: Schema) -> Iterator[tuple[str, str, str]]:
    """Yield each member that has to be there, the requirement of that, and what is wanted."""
    members = schema.get("properties", {})
    for name in schema.get("required", ()):
        member = resolve(members[name])
        number = member.get("x-missing-requirement", member["x-requirement"])
        yield name, number, f"{name}, which is mandatory"
    for name, others in schema.get("dependentRequired", {}).items():
        for other in others if name in node.value else ():
            number = resolve(members[other])["x-requirement"]
            yield other, number, f"both of {name} and {other}, or neither"


def find_wanted_name(name: str, members: Schema) -> str:
    """Say which member may have been meant."""
    plain = name.replace("_", "").replace("-", "").lower()
    meant = next((known for known in members if known.lower() == plain), None)
    return f"{meant}, as it is spelled" if meant else "documented members alone"


def check_items(sheet: Sheet, node: Node, schema: Schema, path: str, number: str) -> None:
    """Hold every entry of a list to its schema."""
    if len(node.value) < schema.get("minItems", 0):
        sheet.blame(Problem(number, path, "an empty list", "at least one entry", node.whole))
    inner = schema.get("x-item-requirement", number)
    for index, item in enumerate(node.value):
        check_node(sheet, item, schema.get("items", {}), f"{path}[{index}]", inner)


def find_faults(
    node: Node, schema: Schema, number: str, sheet: Sheet
) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what is wrong with a single value: requirement, what it is, what it should be, mildness."""
    value = node.value
    if node.kind == "string":
        sheet.looked.add(UNICODE)
        if HALF.search(value):
            yield UNICODE, "half of a surrogate pair", "whole characters", False
        yield from find_text_faults(value, schema, number, sheet)
    if node.kind == "integer":
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        if not low <= value <= high:
            yield number, show_number(value), f"a whole number from {low} to {high}", False


def find_text_faults(
    value: str, schema: Schema, number: str, sheet: Sheet
) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what is wrong with a string."""
    if "enum" in schema and value not in schema["enum"]:
        yield number, show_text(value), describe_wanted(schema), False
    if len(value) > schema.get("maxLength", len(value)):
        yield number, count(value), f"at most {schema['maxLength']} characters", False
    if len(value) < schema.get("minLength", 0):
        yield number, count(value), f"at least {schema['minLength']} characters", False
    if schema.get("format") == "date-time":
        yield from find_instant_faults(value, number)
    if "pattern" in schema:
        row = next((r for r in schema.get("x-wants", ()) if re.fullmatch(r["when"], value)), None)
        number, wants = (row["requirement"], row["wants"]) if row else (number, schema["pattern"])
        sheet.looked.add(number)
        if not re.search(schema["pattern"], value):
            yield number, count(value), wants, False


def find_number(value: object, schema: Schema, number: str) -> str:
    """Return the requirement of a value that has several, by what it looks like."""
    rows = schema.get("x-wants", ())
    return next((r["requirement"] for r in rows if re.fullmatch(r["when"], str(value))), number)


def find_instant_faults(value: str, number: str) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what is wrong with a date and time."""
    match = INSTANT.fullmatch(value)
    if match is None or not is_day(value):
        yield number, show_text(value), WANTS_INSTANT, False
    elif not match[3]:
        yield number, f"{value}, without a time zone", WANTS_INSTANT, number == LOOKED_UP
    elif number == SENT_AT and len(match[2] or "") != DECIMALS:
        decimals = len(match[2] or ".") - 1
        yield number, f"{value}, with {decimals} decimals in place of 3", WANTS_INSTANT, True


def is_day(value: str) -> bool:
    """Tell whether there is such a day and such a time of it."""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def describe(node: Node, schema: Schema) -> str:
    """Say what a value is that is of the wrong type, without what it says."""
    if node.kind in {"string", "text"} and schema.get("type") in {"integer", "boolean"}:
        return f"the string {show_text(node.value)}"
    return f"{ARTICLES.get(node.kind, 'a text')}" if node.kind != "boolean" else "a boolean"


def describe_wanted(schema: Schema) -> str:
    """Say what a value should be."""
    if "enum" in schema:
        *most, last = schema["enum"]
        return f"{', '.join(most)} or {last}"
    return ARTICLES.get(schema.get("type", ""), "another value")


def show_text(value: str) -> str:
    """Return a value of which there are few, such as a code; no sentence."""
    short = len(value) <= LONGEST_SHOWN and not re.search(r"\d{6}", value)
    return repr(value) if short else count(value)


def show_number(value: int) -> str:
    """Return a number that is no telephone's."""
    return str(value) if abs(value) < 10**6 else "a large number"


def count(value: str) -> str:
    """Say how long a string is, and of what."""
    if not value:
        return "an empty string"
    return f"{len(value)} digits" if value.isdecimal() else f"{len(value)} characters"


def strip(path: str) -> str:
    """Return a path without positions."""
    return re.sub(r"\[\d+\]", "", path)
