"""Checks a document against the schema of its operation; each violation has its position."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infobip_sms_conformance.client_checks.json_locations import Node, Span
from infobip_sms_conformance.client_checks.xml_locations import join_path
from infobip_sms_conformance.contract.openapi import get_missing_requirement, resolve

NULL_VALUE, UNKNOWN_FIELD, UNICODE = "HTTP-010", "HTTP-013", "TEXT-001"
INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
DECIMALS = len(".000")
SENT_AT, LOG_TIME = "SEND-018", "LOG-007"
"""The one whose form is documented to the millisecond, and the one whose form is open (READ-023)."""
MAX_SHOWN_LENGTH = 40
VERSION_3 = {"sender": "from", "content": "text", "webhooks": "notifyUrl"}
"""Fields of a message of version 3, and those of this version that do the same."""
EXPECTED_INSTANT = (
    "a date and time with milliseconds and a time zone, as 2015-07-07T17:00:00.000+01:00"
)
TYPE_NAMES = {
    "object": "an object",
    "array": "a list",
    "string": "a string",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}
Schema = dict[str, Any]


@dataclass(frozen=True)
class RequestViolation:
    """A violation of the contract in a request."""

    requirement_id: str
    path: str
    actual: str
    expected: str
    span: Span | None = None
    """Where in the body; None outside of it, or if something is missing."""
    part: str = "body"
    """``body``, ``target``, or the name of a header field."""
    is_tolerated: bool = False
    """Whether servers are known to accept it."""


@dataclass
class RequestFindings:
    """What was checked in one request, and what was found."""

    checked: set[str] = field(default_factory=set)
    """Requirements that the request could violate."""
    violations: list[RequestViolation] = field(default_factory=list)
    used_fields: set[str] = field(default_factory=set)
    """Fields and parameters that it has, without positions."""

    def add_violation(self, violation: RequestViolation) -> None:
        """Record a violation."""
        self.checked.add(violation.requirement_id)
        self.violations.append(violation)


def check_document(findings: RequestFindings, node: Node, schema: Schema) -> None:
    """Check a whole document against its schema."""
    findings.checked |= {NULL_VALUE, UNKNOWN_FIELD}
    check_node(findings, node, schema, "", "HTTP-003")


def check_node(
    findings: RequestFindings, node: Node, schema: Schema, path: str, requirement_id: str
) -> None:
    """Check a value against its schema; requirement_id is the one that an invalid value violates."""
    schema = resolve(schema)
    if node.kind == "null":
        expected = "the field left out when it has no value"
        findings.add_violation(
            RequestViolation(NULL_VALUE, path, "null", expected, node.span_with_name)
        )
        return
    kind = schema.get("type")
    if kind not in {None, node.kind}:
        got, requirement_id = (
            describe_value(node, schema),
            choose_requirement_id(node.value, schema, requirement_id),
        )
        findings.add_violation(
            RequestViolation(
                requirement_id, path, got, describe_expected(schema), node.span_with_name
            )
        )
        return
    if "x-expected" not in schema:
        findings.checked.add(requirement_id)
    if kind == "object":
        check_fields(findings, node, schema, path)
    elif kind == "array":
        check_items(findings, node, schema, path, requirement_id)
    else:
        for requirement, got, expected, is_tolerated in check_value(
            node, schema, requirement_id, findings
        ):
            findings.add_violation(
                RequestViolation(
                    requirement, path, got, expected, node.span_with_name, is_tolerated=is_tolerated
                )
            )


def check_fields(findings: RequestFindings, node: Node, schema: Schema, path: str) -> None:
    """Hold every field of an object to its schema, and look for those that are missing."""
    properties = schema.get("properties", {})
    for name, inner in node.value.items():
        where = join_path(path, name)
        if name not in properties:
            expected = suggest_name(name, properties)
            findings.add_violation(
                RequestViolation(
                    UNKNOWN_FIELD,
                    where,
                    "an undocumented field",
                    expected,
                    inner.span_with_name,
                )
            )
            continue
        field_schema = resolve(properties[name])
        findings.used_fields.add(strip_indexes(where))
        check_node(findings, inner, field_schema, where, field_schema.get("x-requirement", ""))
    for name in node.repeated:
        got, place = "the field for the second time", node.value[name].span_with_name
        findings.add_violation(
            RequestViolation(UNKNOWN_FIELD, join_path(path, name), got, "it once", place)
        )
    for name, field_requirement, expected in iter_required(node, schema):
        findings.checked.add(field_requirement)
        if name not in node.value:
            findings.add_violation(
                RequestViolation(
                    field_requirement,
                    join_path(path, name),
                    "nothing",
                    expected,
                    node.span_with_name,
                )
            )


def iter_required(node: Node, schema: Schema) -> Iterator[tuple[str, str, str]]:
    """Yield each mandatory field, its requirement, and what is expected."""
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        yield name, get_missing_requirement(properties[name]), f"{name}, which is mandatory"
    for name, others in schema.get("dependentRequired", {}).items():
        for other in others if name in node.value else ():
            field_requirement = get_missing_requirement(properties[other])
            yield other, field_requirement, f"both of {name} and {other}, or neither"


def suggest_name(name: str, fields: Schema) -> str:
    """Say which field may have been meant."""
    if VERSION_3.get(name) in fields:
        return f"{VERSION_3[name]}; {name} is a field of version 3 (/sms/3/messages)"
    plain = name.replace("_", "").replace("-", "").lower()
    meant = next((known for known in fields if known.lower() == plain), None)
    return f"{meant}, as it is spelled" if meant else "documented fields alone"


def check_items(
    findings: RequestFindings, node: Node, schema: Schema, path: str, requirement_id: str
) -> None:
    """Hold every entry of a list to its schema."""
    if len(node.value) < schema.get("minItems", 0):
        findings.add_violation(
            RequestViolation(
                requirement_id, path, "an empty list", "at least one entry", node.span_with_name
            )
        )
    inner = schema.get("x-item-requirement", requirement_id)
    for index, item in enumerate(node.value):
        check_node(findings, item, schema.get("items", {}), f"{path}[{index}]", inner)


def check_value(
    node: Node, schema: Schema, requirement_id: str, findings: RequestFindings
) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what is wrong with a single value: requirement, actual, expected, and whether it is tolerated."""
    value = node.value
    if node.kind == "string":
        findings.checked.add(UNICODE)
        if LONE_SURROGATE.search(value):
            yield UNICODE, "a lone surrogate", "whole characters", False
        yield from check_string(value, schema, requirement_id, findings)
    if node.kind == "integer":
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        if not low <= value <= high:
            yield (
                requirement_id,
                format_integer(value),
                f"a whole number from {low} to {high}",
                False,
            )


def check_string(
    value: str, schema: Schema, requirement_id: str, findings: RequestFindings
) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what is wrong with a string."""
    if "enum" in schema and value not in schema["enum"]:
        yield requirement_id, format_text(value), describe_expected(schema), False
    if len(value) > schema.get("maxLength", len(value)):
        yield (
            requirement_id,
            describe_length(value),
            f"at most {schema['maxLength']} characters",
            False,
        )
    if len(value) < schema.get("minLength", 0):
        yield (
            requirement_id,
            describe_length(value),
            f"at least {schema['minLength']} characters",
            False,
        )
    if schema.get("format") == "date-time":
        yield from check_instant(value, requirement_id)
    if "pattern" in schema:
        row = next(
            (r for r in schema.get("x-expected", ()) if re.fullmatch(r["when"], value)), None
        )
        requirement_id, expected = (
            (row["requirement"], row["expected"]) if row else (requirement_id, schema["pattern"])
        )
        findings.checked.add(requirement_id)
        if not re.search(schema["pattern"], value):
            yield requirement_id, describe_length(value), expected, False


def choose_requirement_id(value: object, schema: Schema, requirement_id: str) -> str:
    """Return the requirement of a value that has several, by its pattern."""
    rows = schema.get("x-expected", ())
    return next(
        (r["requirement"] for r in rows if re.fullmatch(r["when"], str(value))), requirement_id
    )


def check_instant(value: str, requirement_id: str) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what is wrong with a date and time."""
    match = INSTANT.fullmatch(value)
    if match is None or not is_valid_datetime(value):
        yield requirement_id, format_text(value), EXPECTED_INSTANT, False
    elif not match[3]:
        yield (
            requirement_id,
            f"{value}, without a time zone",
            EXPECTED_INSTANT,
            requirement_id == LOG_TIME,
        )
    elif requirement_id == SENT_AT and len(match[2] or "") != DECIMALS:
        decimals = len(match[2] or ".") - 1
        yield (
            requirement_id,
            f"{value}, with {decimals} decimals in place of 3",
            EXPECTED_INSTANT,
            True,
        )


def is_valid_datetime(value: str) -> bool:
    """Tell whether the date and the time exist."""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def describe_value(node: Node, schema: Schema) -> str:
    """Describe a value of the wrong type, without its content."""
    if node.kind in {"string", "text"} and schema.get("type") in {"integer", "boolean"}:
        return f"the string {format_text(node.value)}"
    return f"{TYPE_NAMES.get(node.kind, 'a text')}" if node.kind != "boolean" else "a boolean"


def describe_expected(schema: Schema) -> str:
    """Describe the expected value."""
    if "enum" in schema:
        *most, last = schema["enum"]
        return f"{', '.join(most)} or {last}"
    return TYPE_NAMES.get(schema.get("type", ""), "another value")


def format_text(value: str) -> str:
    """Return a short value such as a code; describe a longer one."""
    short = len(value) <= MAX_SHOWN_LENGTH and not re.search(r"\d{6}", value)
    return repr(value) if short else describe_length(value)


def format_integer(value: int) -> str:
    """Return a number that cannot be a phone number."""
    return str(value) if abs(value) < 10**6 else "a large number"


def describe_length(value: str) -> str:
    """Describe the length of a string."""
    if not value:
        return "an empty string"
    return f"{len(value)} digits" if value.isdecimal() else f"{len(value)} characters"


def strip_indexes(path: str) -> str:
    """Return a path without positions."""
    return re.sub(r"\[\d+\]", "", path)
