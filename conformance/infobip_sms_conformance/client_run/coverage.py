"""Which documented operations and fields a client used, and which it never did."""

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
from infobip_sms_conformance.client_checks.address import get_query_parameters
from infobip_sms_conformance.client_checks.excerpt import ClientMask
from infobip_sms_conformance.client_checks.request import ParsedRequest
from infobip_sms_conformance.client_checks.xml_locations import join_path
from infobip_sms_conformance.client_run.scenarios import SCENARIOS
from infobip_sms_conformance.contract.openapi import get_component, read_operations, resolve
from infobip_sms_conformance.run.result import Section

MAX_DEPTH, MAX_PATHS = 8, 5


@dataclass
class Coverage:
    """What a client has used so far."""

    operations: Counter[str] = field(default_factory=Counter)
    undocumented_paths: Counter[str] = field(default_factory=Counter)
    """Requests for no documented operation, by method and path."""
    used_fields: dict[str, set[str]] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)

    def add(self, request: ParsedRequest, mask: ClientMask) -> None:
        """Count a request."""
        status = request.captured.status
        self.statuses[f"HTTP {status}" if status else "no response"] += 1
        if request.operation is None:
            path = f"{request.captured.method} {address.format_path(request.captured)}"
            self.undocumented_paths[mask.hide(path)] += 1
            return
        self.operations[f"{request.operation.id}"] += 1
        self.used_fields.setdefault(request.operation.id, set()).update(
            request.findings.used_fields
        )

    def get_stop_reason(self) -> str:
        """Say that nothing could be checked, if no request was to an operation of this API."""
        if self.operations:
            return ""
        if not self.undocumented_paths:
            return "no request arrived"
        paths = [path for path, _ in self.undocumented_paths.most_common(MAX_PATHS)]
        return f"no request was to a documented operation; seen: {', '.join(paths)}"

    def build_section(self) -> Section:
        """Return the section of the report."""
        return Section(
            "coverage",
            "Documented operations and fields that the client used",
            tuple(self.format_lines()),
            {
                "operations": {name: self.operations[name] for name in read_operations()},
                "elsewhere": self.undocumented_paths.total(),
                "fields": {
                    name: {
                        "used": sorted(self.used_fields[name]),
                        "never": self.get_unused_fields(name),
                    }
                    for name in self.used_fields
                },
                "statuses": dict(self.statuses),
            },
        )

    def format_lines(self) -> Iterator[str]:
        """Yield a line for each operation that was used, and one for those that were not."""
        for name, operation in read_operations().items():
            if not self.operations[name]:
                continue
            documented, unused = get_request_fields(name), self.get_unused_fields(name)
            count = self.operations[name]
            times = "1 request" if count == 1 else f"{count} requests"
            line = f"{operation.method} {operation.path}: {times}"
            if documented:
                line += (
                    f", {len(documented) - len(unused)} of {len(documented)} fields and parameters"
                )
            if unused:
                line += f"; never {', '.join(self.get_unused_roots(name))}"
            yield line
        unused = [name for name in read_operations() if not self.operations[name]]
        if unused:
            yield f"operations never used: {', '.join(unused)}"
        if self.undocumented_paths.total():
            yield f"requests for no documented operation: {self.undocumented_paths.total()}"
        if self.statuses:
            counts = (f"{word} ({n})" for word, n in self.statuses.most_common())
            yield f"responses: {', '.join(counts)}"

    def get_unused_fields(self, operation: str) -> list[str]:
        """Return the fields and parameters of an operation that no request had."""
        used = self.used_fields.get(operation, set())
        return [name for name in get_request_fields(operation) if name not in used]

    def get_unused_roots(self, operation: str) -> list[str]:
        """Return the unused fields, without those inside another of them."""
        unused = self.get_unused_fields(operation)
        return [name for name in unused if name.rpartition(".")[0] not in unused]


@cache
def get_request_fields(operation: str) -> tuple[str, ...]:
    """Return the paths of all fields of a request, and its parameters."""
    component = read_operations()[operation].request
    inside = tuple(iter_field_paths(get_component(component), "", 0)) if component else ()
    return (*(f"?{name}" for name in get_query_parameters(operation)), *inside)


def iter_field_paths(schema: dict[str, Any], path: str, depth: int) -> Iterator[str]:
    """Yield the paths of all fields below a schema."""
    for name, field_schema in schema.get("properties", {}).items():
        where, inner = join_path(path, name), resolve(field_schema)
        yield where
        if inner.get("type") == "array":
            inner = resolve(inner["items"])
        if depth < MAX_DEPTH:
            yield from iter_field_paths(inner, where, depth + 1)


REQUIREMENT_KEYS = ("x-requirement", "x-item-requirement", "x-missing-requirement")


OUTSIDE_SCHEMAS = {
    *(authorization.ABSENT, authorization.FORM, authorization.TRANSPORT, authorization.SESSION),
    *(address.ADDRESS, address.FORMAT, address.MCC_WITH_MNC),
    *(schema_check.NULL_VALUE, schema_check.UNKNOWN_FIELD, schema_check.UNICODE),
    *(request.READABLE, request.CHARACTERS, request.UNIQUE, request.FORM, request.DOCTYPE),
    *(request.DAYS, request.V1_FORM, resends.NO_RESEND, resends.RETRY_AFTER),
}
"""Requirements that are in no schema."""


@cache
def get_client_requirement_ids() -> frozenset[str]:
    """Return the requirements that the requests of a client can pass or violate."""
    found = set(OUTSIDE_SCHEMAS) | {
        scenario.requirement_id for scenario in SCENARIOS if scenario.requirement_id
    }
    for operation in read_operations().values():
        for parameter in address.get_query_parameters(operation.id).values():
            found |= set(iter_requirement_ids(parameter["schema"]))
        if operation.request:
            found |= set(iter_requirement_ids(get_component(operation.request)))
    return frozenset(found)


def iter_requirement_ids(schema: dict[str, Any]) -> Iterator[str]:
    """Yield the requirements of a schema and of all below it."""
    schema = resolve(schema)
    if "x-expected" in schema:
        yield from (row["requirement"] for row in schema["x-expected"])
    else:
        yield from (schema[key] for key in REQUIREMENT_KEYS if key in schema)
    for field_schema in schema.get("properties", {}).values():
        yield from iter_requirement_ids(field_schema)
    if "items" in schema:
        yield from iter_requirement_ids(schema["items"])
