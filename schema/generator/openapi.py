"""The operations of openapi.yaml, their parameters, and its Python names of fields."""

from __future__ import annotations

import re
from typing import Any

Contract = dict[str, Any]
METHODS = ("get", "put", "post", "delete")
OPERATIONS = '''"""The operations of the API, derived from schema/openapi.yaml."""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs

from .models import (
{imports}
)

ResponseModel = TypeVar("ResponseModel", bound=attrs.AttrsInstance, covariant=True)


@attrs.frozen(kw_only=True)
class Operation(Generic[ResponseModel]):
    """One operation: method, path, and the models of its request and response."""

    name: str
    method: str
    path: str
    """Path template, with the names of parameters in braces."""
    parameters: type[attrs.AttrsInstance] | None
    """Model of the path and query parameters, if any."""
    request: type[attrs.AttrsInstance] | None
    """Model of the request body, if any."""
    response: type[ResponseModel]
    """Model of the response."""


{operations}

OPERATIONS: tuple[Operation[attrs.AttrsInstance], ...] = ({names})
"""Every operation."""

__all__ = [{exported}]
'''


def list_operations(contract: Contract) -> list[tuple[str, str, Any]]:
    """Return path, method and description of every operation, in file order."""
    return [
        (path, method, item[method])
        for path, item in contract["paths"].items()
        for method in METHODS
        if method in item
    ]


def add_parameters(contract: Contract) -> dict[str, Contract]:
    """Return the components, with an additional one for the parameters of each operation."""
    components = {
        name: restore_instants(schema) for name, schema in contract["components"]["schemas"].items()
    }
    for _, _, operation in list_operations(contract):
        if "parameters" in operation:
            components[name_parameters(operation)] = build_component(operation)
    return components


def restore_instants(component: Contract) -> Contract:
    """Return a component whose datetimes with an x-offset have the format that their pattern stands for."""
    properties = {
        name: {
            **{k: v for k, v in schema.items() if k not in {"pattern", "examples"}},
            "format": "date-time",
        }
        if "x-offset" in schema
        else schema
        for name, schema in component.get("properties", {}).items()
    }
    return {**component, "properties": properties} if properties else component


def name_parameters(operation: Contract) -> str:
    """Return GetLogsParameters for getLogs."""
    name = str(operation["operationId"])
    return f"{name[0].upper()}{name[1:]}Parameters"


def build_component(operation: Contract) -> Contract:
    """Return the parameters of an operation as an object schema."""
    properties = {}
    for parameter in operation["parameters"]:
        location = {"x-in": "path"} if parameter["in"] == "path" else {}
        about = {"description": parameter["description"]}
        properties[parameter["name"]] = {**parameter["schema"], **about, **location}
    return {
        "type": "object",
        "description": f"Parameters of {operation['operationId']}.",
        "required": [p["name"] for p in operation["parameters"] if p.get("required")],
        "properties": properties,
    }


def list_documents(contract: Contract) -> list[str]:
    """Return the names of the components that are bodies, sorted."""
    return sorted(set(_walk_bodies([contract["paths"], contract["components"]["responses"]])))


def get_field_names(components: dict[str, Contract]) -> dict[str, str]:
    """Return the Python names in the contract, by class and wire name."""
    return {
        f"{cls}.{wire}": field["x-name"]
        for cls, component in components.items()
        for wire, field in component.get("properties", {}).items()
        if "x-name" in field
    }


def write_operations(contract: Contract) -> str:
    """Return the source of the module of operations."""
    rows, used = {}, set()
    for path, method, operation in list_operations(contract):
        parameters = name_parameters(operation) if "parameters" in operation else None
        request = _find_body(operation.get("requestBody"))
        response = _find_body(operation["responses"]["200"])
        used |= {parameters, request, response} - {None}
        name = to_snake_case(operation["operationId"])
        about = operation["summary"]
        rows[name.upper()] = (
            f'{name.upper()}: Operation[{response}] = Operation(name="{name}", '
            f'method="{method.upper()}", path="{path}", parameters={parameters}, '
            f'request={request}, response={response})\n"""{about}"""\n'
        )
    return OPERATIONS.format(
        imports="\n".join(f"    {name}," for name in sorted(map(str, used))),
        operations="\n".join(rows.values()),
        names=", ".join(rows) + ",",
        exported=", ".join(f'"{name}"' for name in sorted([*rows, "OPERATIONS", "Operation"])),
    )


def to_snake_case(name: str) -> str:
    """Return get_logs for getLogs, and send_v1 for sendV1."""
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()


def _find_body(described: Contract | None) -> str | None:
    found = list(_walk_bodies(described))
    return found[0] if found else None


def _walk_bodies(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [
            media["schema"]["$ref"].rpartition("/")[2] for media in node.get("content", {}).values()
        ]
        return own + [name for part in node.values() for name in _walk_bodies(part)]
    return [name for part in node for name in _walk_bodies(part)] if isinstance(node, list) else []
