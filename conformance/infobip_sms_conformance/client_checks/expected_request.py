"""What a client sent, beside what it was told to send: what is lost, and what means something else.

Lives here: the comparison of a request with the document that was asked for.
Never here: whether a value is a legal one (shapes.py).
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from infobip_sms_conformance.client_checks.json_locations import Node
from infobip_sms_conformance.client_checks.request import Paper
from infobip_sms_conformance.client_checks.schema_check import Problem
from infobip_sms_conformance.client_checks.xml_locations import join
from infobip_sms_conformance.contract.openapi import find_component, resolve
from infobip_sms_conformance.errors import WrongUsage

COMPONENT, OPERATION = "SmsRequest", "send"
WHOLE = ("", "the request")
NAMES = {"SEND-001", "SEND-006"}
"""Names of requests and messages, which a client may make up."""


def read_asked(path: Path) -> Any:
    """Return the document that was asked for; WrongUsage when the file holds none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not find_numbers(found):
        raise WrongUsage(f"{path} is no JSON request with destinations")
    return found


class Asked:
    """The document, and the requests that are held to it: those to its destinations."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._numbers = find_numbers(document)

    def look(self, paper: Paper) -> Sequence[Problem]:
        """Return what a request has lost or changed."""
        if paper.operation is None or paper.operation.id != OPERATION or paper.node is None:
            return []
        if find_numbers(paper.node.build_plain()) != self._numbers:
            return []
        broken = {problem.path for problem in paper.sheet.problems if not problem.mild}
        found = compare(self._document, paper.node, find_component(COMPONENT), "", "HTTP-003")
        return [problem for problem in found if not is_below(problem.path, broken)]


def is_below(path: str, broken: set[str]) -> bool:
    """Tell whether what stands at a path, around it or in it is wrong in itself."""
    return any(
        re.match(rf"{re.escape(one)}(?:[.\\[]|$)", other)
        for bad in broken - set(WHOLE)
        for one, other in ((bad, path), (path, bad))
    )


def find_numbers(document: Any) -> list[str]:
    """Return the destinations of a plain document, without plus, in order of the digits."""
    messages = document.get("messages") if isinstance(document, dict) else None
    entries = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    lists = [m.get("destinations") for m in entries]
    found = [
        d.get("to") for each in lists if isinstance(each, list) for d in each if isinstance(d, dict)
    ]
    return sorted(str(to).removeprefix("+") for to in found)


def compare(
    asked: Any, node: Node, schema: dict[str, Any], path: str, number: str
) -> Iterator[Problem]:
    """Yield where a value is not what was asked for."""
    schema = resolve(schema)
    if isinstance(asked, dict) and node.kind == "object":
        yield from compare_members(asked, node, schema, path)
    elif isinstance(asked, list) and node.kind == "array":
        if len(asked) != len(node.value):
            got, wants = f"{len(node.value)} entries", f"{len(asked)}, as asked for"
            yield Problem(number, path, got, wants, node.whole)
        for index, (one, inner) in enumerate(zip(asked, node.value, strict=False)):
            items = schema.get("items", {})
            yield from compare(one, inner, items, f"{path}[{index}]", number)
    elif not is_same(asked, node.value):
        instant = schema.get("format") == "date-time"
        got = f"{node.value}, another instant" if instant else "another value"
        wants = f"{asked}, as asked for" if instant else "the value that was asked for"
        yield Problem(number, path, got, wants, node.whole)


def compare_members(
    asked: dict[str, Any], node: Node, schema: dict[str, Any], path: str
) -> Iterator[Problem]:
    """Yield what an object lacks, has too much, or has in another way."""
    for name, member in schema.get("properties", {}).items():
        number = resolve(member).get("x-requirement", "")
        there, where = node.value.get(name), join(path, name)
        wanted = asked.get(name)
        if there is not None and wanted is not None:
            yield from compare(wanted, there, member, where, number)
        elif there is None and wanted not in (None, False):
            wants = "the member that was asked for"
            yield Problem(number, where, "nothing", wants, node.whole)
        elif number not in NAMES and there is not None and there.value not in (None, False):
            wants = "the member left out, as asked for"
            yield Problem(number, where, "a value that was not asked for", wants, there.whole)


def is_same(asked: Any, sent: Any) -> bool:
    """Tell whether two values mean the same: equal, or the same instant however it is written."""
    if isinstance(asked, str) and isinstance(sent, str):
        first, second = find_instant(asked), find_instant(sent)
        if first is not None and second is not None:
            return first == second
    return bool(asked == sent) and isinstance(asked, bool) == isinstance(sent, bool)


def find_instant(text: str) -> datetime | None:
    """Return the instant of a text with a time zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None
