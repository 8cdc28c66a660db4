"""What a client sent, beside what it should send: what is lost, and what means something else."""

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
from infobip_sms_conformance.contract.openapi import get_component, resolve
from infobip_sms_conformance.errors import UsageError

COMPONENT, OPERATION = "SmsRequest", "send"
WHOLE_DOCUMENT = ("", "the request")
CLIENT_CHOSEN_IDS = {"SEND-001", "SEND-006"}
"""Names of requests and messages, which a client may make up."""


def read_expected_request(path: Path) -> Any:
    """Return the document that was asked for; WrongUsage when the file holds none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not get_numbers(found):
        raise UsageError(f"{path} is no JSON request with destinations")
    return found


class ExpectedRequest:
    """The document, and the requests that are held to it: those to its destinations."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._numbers = get_numbers(document)

    def check(self, request: ParsedRequest) -> Sequence[RequestViolation]:
        """Return what a request has lost or changed."""
        if request.operation is None or request.operation.id != OPERATION or request.node is None:
            return []
        if get_numbers(request.node.to_plain()) != self._numbers:
            return []
        broken = {
            problem.path for problem in request.findings.violations if not problem.is_tolerated
        }
        found = compare(self._document, request.node, get_component(COMPONENT), "", "HTTP-003")
        return [problem for problem in found if not overlaps_any(problem.path, broken)]


def overlaps_any(path: str, invalid_paths: set[str]) -> bool:
    """Tell whether what is at a path, around it or in it is wrong in itself."""
    return any(
        re.match(rf"{re.escape(one)}(?:[.\\[]|$)", other)
        for bad in invalid_paths - set(WHOLE_DOCUMENT)
        for one, other in ((bad, path), (path, bad))
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
    """Yield where a value is not what was asked for."""
    schema = resolve(schema)
    if isinstance(expected, dict) and node.kind == "object":
        yield from compare_fields(expected, node, schema, path)
    elif isinstance(expected, list) and node.kind == "array":
        if len(expected) != len(node.value):
            got, wants = f"{len(node.value)} entries", f"{len(expected)}, as asked for"
            yield RequestViolation(requirement_id, path, got, wants, node.span_with_name)
        for index, (one, inner) in enumerate(zip(expected, node.value, strict=False)):
            items = schema.get("items", {})
            yield from compare(one, inner, items, f"{path}[{index}]", requirement_id)
    elif not is_same(expected, node.value):
        instant = schema.get("format") == "date-time"
        got = f"{node.value}, another instant" if instant else "another value"
        wants = f"{expected}, as asked for" if instant else "the value that was asked for"
        yield RequestViolation(requirement_id, path, got, wants, node.span_with_name)


def compare_fields(
    expected: dict[str, Any], node: Node, schema: dict[str, Any], path: str
) -> Iterator[RequestViolation]:
    """Yield what an object lacks, has too much, or has in another way."""
    for name, member in schema.get("properties", {}).items():
        number = resolve(member).get("x-requirement", "")
        there, where = node.value.get(name), join_path(path, name)
        wanted = expected.get(name)
        if there is not None and wanted is not None:
            yield from compare(wanted, there, member, where, number)
        elif there is None and wanted not in (None, False):
            wants = "the field that was asked for"
            yield RequestViolation(number, where, "nothing", wants, node.span_with_name)
        elif (
            number not in CLIENT_CHOSEN_IDS
            and there is not None
            and there.value not in (None, False)
        ):
            wants = "the field left out, as asked for"
            yield RequestViolation(
                number, where, "a value that was not asked for", wants, there.whole
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
