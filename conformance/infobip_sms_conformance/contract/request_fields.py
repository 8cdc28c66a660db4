"""The fields of the documented request, each with its schema, where the example has it first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.contract.openapi import get_component, resolve

EXAMPLE = "documented-request"
NUMBER, WORD = 7, "x"
ASTRAL = "\U0001f600"


@dataclass(frozen=True)
class Field:
    """A field of the documented request."""

    path: str
    schema: dict[str, Any]
    example: Any
    is_required: bool
    is_in_pair: bool = False
    """Whether it is, or is in, one of two fields that require each other."""

    def find_requirement(self, value: Any) -> str:
        """Return the requirement that a wrong value violates."""
        text = value if isinstance(value, str) else "{}"
        for row in () if value is None else self.schema.get("x-expected", ()):
            if re.fullmatch(row["when"], text):
                return str(row["requirement"])
        return str(self.schema.get("x-requirement", ""))


def iter_fields(
    schema: dict[str, Any], example: Any, path: str = "", *, is_in_pair: bool = False
) -> Iterator[Field]:
    """Yield the fields below an object, each where the example has it first."""
    pairs = schema.get("dependentRequired", {})
    for name, member in schema.get("properties", {}).items():
        if name not in example:
            continue
        found = Field(
            f"{path}.{name}".removeprefix("."),
            resolve(member),
            example[name],
            name in schema.get("required", ()) or name in pairs,
            is_in_pair or name in pairs,
        )
        yield found
        if found.schema.get("type") == "object":
            inside = found.is_in_pair
            yield from iter_fields(found.schema, found.example, found.path, is_in_pair=inside)
        elif found.schema.get("type") == "array":
            yield from iter_item_fields(found)


def iter_item_fields(found: Field) -> Iterator[Field]:
    """Yield the fields of the entries of a list: each of the first entry that has it."""
    items, seen = resolve(found.schema["items"]), set[str]()
    for index, entry in enumerate(found.example):
        if items.get("type") != "object":
            return
        for field in iter_fields(items, entry, f"{found.path}[{index}]"):
            name = re.sub(r"\[\d+\]", "", field.path)
            if name not in seen:
                seen.add(name)
                yield field


def read_fields() -> list[Field]:
    """Return every field of the documented request."""
    return list(iter_fields(get_component("SmsRequest"), read_example(EXAMPLE)))


def normalize(path: str) -> str:
    """Return a path without its indices."""
    return re.sub(r"\[\d+\]", "", path)
