"""Which documented operations and members were used, and which never.

Lives here: what there is to be used, and the sum of a run.
Never here: a judgement; a value.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from infobip_sms_conformance.client_checks import (
    address,
    authorization,
    request,
    resends,
    schema_check,
)
from infobip_sms_conformance.client_checks.address import read_parameters
from infobip_sms_conformance.client_checks.request import Paper
from infobip_sms_conformance.client_checks.xml_locations import join
from infobip_sms_conformance.client_run.scenarios import SCENARIOS
from infobip_sms_conformance.contract.openapi import find_component, read_operations, resolve
from infobip_sms_conformance.run.result import Section

DEEPEST = 8


@dataclass
class Coverage:
    """What was used so far."""

    operations: Counter[str] = field(default_factory=Counter)
    elsewhere: int = 0
    """Requests that were meant for no operation of the contract."""
    members: dict[str, set[str]] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)

    def add(self, paper: Paper) -> None:
        """Count a request."""
        status = paper.heard.status
        self.statuses[f"HTTP {status}" if status else "no reply"] += 1
        if paper.operation is None:
            self.elsewhere += 1
            return
        self.operations[f"{paper.operation.id}"] += 1
        self.members.setdefault(paper.operation.id, set()).update(paper.sheet.used)

    def build_section(self) -> Section:
        """Return what is said of it."""
        return Section(
            "coverage",
            "What the client used of the contract",
            tuple(self.tell()),
            {
                "operations": {name: self.operations[name] for name in read_operations()},
                "elsewhere": self.elsewhere,
                "members": {
                    name: {"used": sorted(self.members[name]), "never": self.find_unused(name)}
                    for name in self.members
                },
                "statuses": dict(self.statuses),
            },
        )

    def tell(self) -> Iterator[str]:
        """Yield a line for each operation that was used, and one for those that were not."""
        for name, operation in read_operations().items():
            if not self.operations[name]:
                continue
            there, unused = find_members(name), self.find_unused(name)
            asked = self.operations[name]
            times = "1 request" if asked == 1 else f"{asked} requests"
            line = f"{operation.method} {operation.path}: {times}"
            if there:
                line += f", {len(there) - len(unused)} of {len(there)} members and parameters"
            if unused:
                line += f"; never {', '.join(self.find_roots(name))}"
            yield line
        unused = [name for name in read_operations() if not self.operations[name]]
        if unused:
            yield f"operations never used: {', '.join(unused)}"
        if self.elsewhere:
            yield f"requests for no operation of the contract: {self.elsewhere}"
        if self.statuses:
            counts = (f"{word} ({n})" for word, n in self.statuses.most_common())
            yield f"answered with {', '.join(counts)}"

    def find_unused(self, operation: str) -> list[str]:
        """Return the members and parameters of an operation that no request had."""
        used = self.members.get(operation, set())
        return [name for name in find_members(operation) if name not in used]

    def find_roots(self, operation: str) -> list[str]:
        """Return those that no request had, without what stands below another of them."""
        unused = self.find_unused(operation)
        return [name for name in unused if name.rpartition(".")[0] not in unused]


@cache
def find_members(operation: str) -> tuple[str, ...]:
    """Return the paths of all members of a request, and its parameters."""
    component = read_operations()[operation].request
    inside = tuple(walk(find_component(component), "", 0)) if component else ()
    return (*(f"?{name}" for name in read_parameters(operation)), *inside)


def walk(schema: dict[str, Any], path: str, depth: int) -> Iterator[str]:
    """Yield the paths of all members below a schema."""
    for name, member in schema.get("properties", {}).items():
        where, inner = join(path, name), resolve(member)
        yield where
        if inner.get("type") == "array":
            inner = resolve(inner["items"])
        if depth < DEEPEST:
            yield from walk(inner, where, depth + 1)


KEYS = ("x-requirement", "x-item-requirement", "x-missing-requirement")


BESIDE = {
    *(authorization.ABSENT, authorization.FORM, authorization.TRANSPORT, authorization.SESSION),
    *(address.ADDRESS, address.FORMAT, address.TOGETHER),
    *(schema_check.NULLS, schema_check.STRANGERS, schema_check.UNICODE),
    *(request.READABLE, request.CHARACTERS, request.UNIQUE, request.FORM, request.DOCTYPE),
    *(request.DAYS, request.OLD_FORM, resends.AGAIN, resends.PATIENCE),
}
"""What no schema has."""


@cache
def find_judged() -> frozenset[str]:
    """Return the requirements that a client can be seen to keep or to break."""
    found = set(BESIDE) | {scenario.requirement for scenario in SCENARIOS if scenario.requirement}
    for operation in read_operations().values():
        for parameter in address.read_parameters(operation.id).values():
            found |= set(walk_requirements(parameter["schema"]))
        if operation.request:
            found |= set(walk_requirements(find_component(operation.request)))
    return frozenset(found)


def walk_requirements(schema: dict[str, Any]) -> Iterator[str]:
    """Yield the requirements of a schema and of all below it."""
    schema = resolve(schema)
    if "x-wants" in schema:
        yield from (row["requirement"] for row in schema["x-wants"])
    else:
        yield from (schema[key] for key in KEYS if key in schema)
    for member in schema.get("properties", {}).values():
        yield from walk_requirements(member)
    if "items" in schema:
        yield from walk_requirements(schema["items"])
