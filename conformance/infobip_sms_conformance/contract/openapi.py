"""The operations of the contract, as openapi.yaml has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from infobip_sms_conformance.contract.files import read_openapi


@dataclass(frozen=True)
class Operation:
    """One operation: ``request`` and ``response`` name components; no request for no body."""

    id: str
    method: str
    path: str
    request: str | None
    response: str

    def build_path(
        self, query: Sequence[tuple[str, str]], path_parameters: Mapping[str, str]
    ) -> str:
        """Return the path of a call; the values of repeated parameters stand one by one."""
        path = self.path
        for name, value in path_parameters.items():
            path = path.replace("{" + name + "}", quote(value, safe=""))
        return f"{path}?{urlencode(query)}" if query else path


@cache
def read_operations() -> Mapping[str, Operation]:
    """Return every operation by its id."""
    return {
        member["operationId"]: build_operation(method, path, member)
        for path, item in read_openapi()["paths"].items()
        for method, member in item.items()
        if isinstance(member, dict) and "operationId" in member
    }


def build_operation(method: str, path: str, member: dict[str, Any]) -> Operation:
    """Return the operation that a field of ``paths`` describes."""
    body = member.get("requestBody")
    request = get_component_name(body) if body else None
    return Operation(
        member["operationId"],
        method.upper(),
        path,
        request,
        get_component_name(member["responses"]["200"]),
    )


def get_component_name(holder: dict[str, Any]) -> str:
    """Return the name of the component in a body."""
    schema = resolve(holder)["content"]["application/json"]["schema"]
    return str(schema["$ref"]).rpartition("/")[2]


def get_component(name: str) -> dict[str, Any]:
    """Return a schema of openapi.yaml by its name."""
    component: dict[str, Any] = read_openapi()["components"]["schemas"][name]
    return component


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a reference points to; what is beside the reference comes on top."""
    if "$ref" not in schema:
        return schema
    target = resolve(get_component(schema["$ref"].rpartition("/")[2]))
    return {**target, **{name: value for name, value in schema.items() if name != "$ref"}}


def get_missing_requirement(schema: dict[str, Any]) -> str:
    """Return the requirement that a request without this field violates."""
    schema = resolve(schema)
    return str(schema.get("x-missing-requirement") or schema.get("x-requirement", ""))


def get_property(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the schema of a field, an empty one for a field that is not known."""
    return resolve(schema.get("properties", {}).get(name, {}))
