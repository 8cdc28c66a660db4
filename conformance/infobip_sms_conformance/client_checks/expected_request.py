"""Compares what a client sent with what it should send."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from infobip_sms_conformance.client_checks.json_locations import Node
from infobip_sms_conformance.client_checks.request import ParsedRequest
from infobip_sms_conformance.client_checks.schema_check import RequestViolation
from infobip_sms_conformance.client_checks.xml_locations import join_path
from infobip_sms_conformance.contract.openapi import get_component, get_missing_requirement, resolve
from infobip_sms_conformance.errors import UsageError

COMPONENT, OPERATION = "SmsRequest", "send"
WHOLE_DOCUMENT = ("", "the request")
CLIENT_CHOSEN_IDS = {"SEND-001", "SEND-006"}
"""Names of requests and messages, which a client may choose."""


def read_expected_request(path: Path) -> Any:
    """Return the expected document; raise UsageError if the file contains none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not get_numbers(found):
        raise UsageError(f"{path} is not a JSON request with destinations")
    return found


class ExpectedRequest:
    """The expected document; requests to its destinations are compared with it."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._numbers = get_numbers(document)

    def check(self, request: ParsedRequest) -> Sequence[RequestViolation]:
        """Return what a request has lost or changed."""
        if request.operation is None or request.operation.id != OPERATION or request.node is None:
            return []
        if get_numbers(request.node.to_plain()) != self._numbers:
            return []
        invalid_paths = {
            violation.path
            for violation in request.findings.violations
            if not violation.is_tolerated
        }
        found = compare(self._document, request.node, get_component(COMPONENT), "", "HTTP-003")
        return [violation for violation in found if not overlaps_any(violation.path, invalid_paths)]


def overlaps_any(path: str, invalid_paths: set[str]) -> bool:
    """Tell whether a path is invalid in itself, or something around or inside it."""
    return any(
        re.match(rf"{re.escape(item)}(?:[.\\[]|$)", other)
        for bad in invalid_paths - set(WHOLE_DOCUMENT)
        for item, other in ((bad, path), (path, bad))
    )


def get_numbers(document: Any) -> list[str]:
    """Return the destinations of a plain document, without plus, in order of the digits."""
    messages = document.get("messages") if isinstance(document, dict) else None
    entries = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    lists = [m.get("destinations") for m in entries]
    found = [
        d.get("to") for each in lists if isinstance(each, list) for d in each if isinstance(d, dict)
    ]
    return sorted(str(to).removeprefix("+") for to in found)


def compare(
    expected: Any, node: Node, schema: dict[str, Any], path: str, requirement_id: str
) -> Iterator[RequestViolation]:
    """Yield where a value differs from the expected one."""
    schema = resolve(schema)
    if isinstance(expected, dict) and node.kind == "object":
        yield from compare_fields(expected, node, schema, path)
    elif isinstance(expected, list) and node.kind == "array":
        if len(expected) != len(node.value):
            got, expectation = f"{len(node.value)} entries", f"{len(expected)}"
            yield RequestViolation(requirement_id, path, got, expectation, node.span_with_name)
        for index, (item, inner) in enumerate(zip(expected, node.value, strict=False)):
            items = schema.get("items", {})
            yield from compare(item, inner, items, f"{path}[{index}]", requirement_id)
    elif not is_same(expected, node.value):
        instant = schema.get("format") == "date-time"
        got = f"{node.value}, another instant" if instant else "another value"
        expectation = f"{expected}" if instant else "the value of the expected request"
        yield RequestViolation(requirement_id, path, got, expectation, node.span_with_name)


def compare_fields(
    expected: dict[str, Any], node: Node, schema: dict[str, Any], path: str
) -> Iterator[RequestViolation]:
    """Yield missing, additional and different fields of an object."""
    for name, field_schema in schema.get("properties", {}).items():
        field_requirement = resolve(field_schema).get("x-requirement", "")
        actual_node, field_path = node.value.get(name), join_path(path, name)
        expected_value = expected.get(name)
        if actual_node is not None and expected_value is not None:
            yield from compare(
                expected_value, actual_node, field_schema, field_path, field_requirement
            )
        elif actual_node is None and expected_value not in (None, False):
            field_requirement = get_missing_requirement(field_schema)
            expectation = "the field of the expected request"
            yield RequestViolation(
                field_requirement, field_path, "nothing", expectation, node.span_with_name
            )
        elif (
            field_requirement not in CLIENT_CHOSEN_IDS
            and actual_node is not None
            and actual_node.value not in (None, False)
        ):
            expectation = "the field left out"
            yield RequestViolation(
                field_requirement, field_path, "a value", expectation, actual_node.span_with_name
            )


def is_same(expected: Any, actual: Any) -> bool:
    """Tell whether two values mean the same: equal, or the same instant however it is written."""
    if isinstance(expected, str) and isinstance(actual, str):
        first, second = find_instant(expected), find_instant(actual)
        if first is not None and second is not None:
            return first == second
    return bool(expected == actual) and isinstance(expected, bool) == isinstance(actual, bool)


def find_instant(text: str) -> datetime | None:
    """Return the instant of a text with a time zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None
