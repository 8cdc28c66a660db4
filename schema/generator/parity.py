"""Compare the models generated from openapi.yaml with those generated from sms.xsd."""

from __future__ import annotations

import datetime as dt
import typing
from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from types import ModuleType

KNOWN_DIFFERENCES = {
    "DeliveryReportsFlat: only in sms.xsd": "the list without a wrapper, as in the documentation of 2015",
    "GeneralStatus: only in openapi.yaml": "only used in a query",
    "ErrorDetails.validation_errors: only in openapi.yaml": "a map of paths; no XML form of it is documented",
    "Message.send_at: type datetime, str": "the pattern of Instant requires an offset, with or without a colon",
    "DeliveryReport.sent_at: type datetime, str": "as Message.send_at",
    "DeliveryReport.done_at: type datetime, str": "as Message.send_at",
    "SmsLog.done_at: type datetime, str": "as Message.send_at",
    "SmsLog.sent_at: type datetime, str": "as Message.send_at",
    "MessageV1.send_at: type datetime, str": "as Message.send_at",
    "BulkResponse.send_at: type datetime, str": "as Message.send_at",
    "BulkRequest.send_at: type datetime, str": "as Message.send_at",
}
CONSTRAINTS = ("required", "minimum", "maximum", "min_length", "max_length", "min_items", "pattern")


@attrs.frozen
class FieldShape:
    """One field, reduced to what both schemas can state."""

    wire: str
    type: str
    many: bool
    wrapper: str | None
    constraints: dict[str, Any]


def list_differences(
    openapi: ModuleType, xsd: ModuleType, schemas: dict[str, Any], documents: list[str]
) -> list[str]:
    """Return every unknown difference, and every known difference that no longer exists."""
    found = [*_compare_classes(openapi, xsd, schemas), *_compare_roots(xsd, schemas, documents)]
    stale = [
        f"{name}: known difference that no longer exists"
        for name in KNOWN_DIFFERENCES
        if name not in found
    ]
    return [difference for difference in found if difference not in KNOWN_DIFFERENCES] + stale


def _compare_classes(openapi: ModuleType, xsd: ModuleType, schemas: dict[str, Any]) -> list[str]:
    left = {name: cls for name, cls in _classes(openapi).items() if name in schemas}
    right = _classes(xsd)
    wrappers = {name for name in right.keys() - left.keys() if _is_wrapper(right[name], right)}
    found = [f"{name}: only in openapi.yaml" for name in sorted(left.keys() - right.keys())]
    extra = right.keys() - left.keys() - wrappers - {"Model"}
    found += [f"{name}: only in sms.xsd" for name in sorted(extra)]
    for name in sorted(left.keys() & right.keys()):
        found += _compare_class(name, left[name], right[name], right, schemas)
    return found


def _compare_class(
    name: str, left: type, right: type, classes: dict[str, type], schemas: dict[str, Any]
) -> list[str]:
    if issubclass(left, Enum):
        values = [[member.value for member in cls] for cls in (left, right)]  # type: ignore[attr-defined]  # both are enums
        return [] if values[0] == values[1] else [f"{name}: values {values[0]}, {values[1]}"]
    ours, theirs = _openapi_shapes(left, schemas), _xsd_shapes(right, classes)
    found = [f"{name}.{f}: only in openapi.yaml" for f in ours if f not in theirs]
    found += [f"{name}.{f}: only in sms.xsd" for f in theirs if f not in ours]
    shared = [f for f in ours if f in theirs]
    if shared != [f for f in theirs if f in ours]:
        found.append(f"{name}: order {shared}, {list(theirs)}")
    for field in shared:
        found += _compare_field(f"{name}.{field}", ours[field], theirs[field])
    return found


def _compare_field(where: str, left: FieldShape, right: FieldShape) -> list[str]:
    found = [
        f"{where}: {what} {getattr(left, what)}, {getattr(right, what)}"
        for what in ("wire", "type", "many", "wrapper")
        if getattr(left, what) != getattr(right, what)
    ]
    if left.type == "datetime" and right.type == "str":  # XSD states it with a pattern
        right.constraints["pattern"] = None
    found += [
        f"{where}: {name} {left.constraints[name]}, {right.constraints[name]}"
        for name in CONSTRAINTS
        if left.constraints[name] != right.constraints[name]
    ]
    return found


def _compare_roots(xsd: ModuleType, schemas: dict[str, Any], documents: list[str]) -> list[str]:
    roots = {
        f.metadata["wire"]: _name(typing.get_type_hints(xsd.Model)[f.name])
        for f in attrs.fields(xsd.Model)
    }
    named = {schemas[n]["xml"]["name"]: schemas[n].get("x-xml-root", n) for n in documents}
    return [
        f"root element {root}: {model}, {roots.get(root)}"
        for root, model in named.items()
        if roots.get(root) != model
    ]


def _openapi_shapes(cls: type, schemas: dict[str, Any]) -> dict[str, FieldShape]:
    shapes = {}
    for field, annotation in _fields(cls):
        base, many = _strip(annotation)
        wrapper = None
        if field.metadata.get("wrapped"):
            wire = schemas[cls.__name__]["properties"][field.metadata["wire"]]["xml"]
            wrapper = wire.get("x-entry") or schemas[_name(base)]["xml"]["name"]
        shapes[field.name] = FieldShape(
            field.metadata["wire"], _name(base), many, wrapper, _get_constraints(field)
        )
    return shapes


def _xsd_shapes(cls: type, classes: dict[str, type]) -> dict[str, FieldShape]:
    shapes = {}
    for field, annotation in _fields(cls):
        base, many = _strip(annotation)
        wrapper, constraints = None, _get_constraints(field)
        if attrs.has(base) and _is_wrapper(base, classes):
            ((inner, inner_annotation),) = _fields(base)
            wrapper, constraints = (
                inner.metadata["wire"],
                _get_constraints(inner) | {"required": constraints["required"]},
            )
            base, many = _strip(inner_annotation)
        shapes[field.name] = FieldShape(
            field.metadata["wire"], _name(base), many, wrapper, constraints
        )
    return shapes


def _is_wrapper(cls: type, classes: dict[str, type]) -> bool:
    """Tell whether a class from the XSD is only a wrapper of a list."""
    if not attrs.has(cls) or cls.__name__ == "DeliveryReportsFlat":
        return False
    fields = _fields(cls)
    return len(fields) == 1 and _strip(fields[0][1])[1] and cls.__name__ in classes


def _fields(cls: type) -> list[tuple[attrs.Attribute[Any], Any]]:
    hints = typing.get_type_hints(cls)
    return [(f, hints[f.name]) for f in attrs.fields(cls) if "wire" in f.metadata]


def _get_constraints(field: attrs.Attribute[Any]) -> dict[str, Any]:
    constraints = {name: getattr(field.validator, name) for name in CONSTRAINTS}
    if constraints["pattern"]:  # XSD patterns are anchored by nature
        pattern = constraints["pattern"].removeprefix("^").removesuffix("$")
        bare = pattern.startswith("(") and pattern.endswith(")") and pattern.count("(") == 1
        constraints["pattern"] = pattern[1:-1] if bare else pattern
    return constraints


def _strip(annotation: Any) -> tuple[Any, bool]:
    parts = [a for a in typing.get_args(annotation) if a is not type(None)]
    if parts and typing.get_origin(annotation) not in (tuple, dict):
        return _strip(parts[0])
    if typing.get_origin(annotation) is tuple:
        return parts[0], True
    return annotation, False


def _classes(module: ModuleType) -> dict[str, type]:
    own = {n: v for n, v in vars(module).items() if isinstance(v, type)}
    return {n: v for n, v in own.items() if v.__module__ == module.__name__}


def _name(base: Any) -> str:
    return "datetime" if base is dt.datetime else str(getattr(base, "__name__", base))
