"""Which requirements clients are held to.

Lives here: the list, read off the schemas, with what is judged beside them.
Never here: how any of them is judged.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from infobip_sms_conformance.clients import envelope, forms, papers, repeats, shapes
from infobip_sms_conformance.clients.scenarios import SCENARIOS
from infobip_sms_conformance.operations import find_component, read_operations, resolve

KEYS = ("x-requirement", "x-item-requirement", "x-missing-requirement")
BESIDE = {
    *(forms.ABSENT, forms.FORM, forms.TRANSPORT, forms.SESSION),
    *(envelope.ADDRESS, envelope.FORMAT, envelope.TOGETHER),
    *(shapes.NULLS, shapes.STRANGERS, shapes.UNICODE),
    *(papers.READABLE, papers.CHARACTERS, papers.UNIQUE, papers.FORM, papers.DOCTYPE),
    *(papers.DAYS, papers.OLD_FORM, repeats.AGAIN, repeats.PATIENCE),
}
"""What no schema has."""


@cache
def find_judged() -> frozenset[str]:
    """Return the requirements that a client can be seen to keep or to break."""
    found = set(BESIDE) | {scenario.requirement for scenario in SCENARIOS if scenario.requirement}
    for operation in read_operations().values():
        for parameter in envelope.read_parameters(operation.id).values():
            found |= set(walk(parameter["schema"]))
        if operation.request:
            found |= set(walk(find_component(operation.request)))
    return frozenset(found)


def walk(schema: dict[str, Any]) -> Iterator[str]:
    """Yield the requirements of a schema and of all below it."""
    schema = resolve(schema)
    if "x-wants" in schema:
        yield from (row["requirement"] for row in schema["x-wants"])
    else:
        yield from (schema[key] for key in KEYS if key in schema)
    for member in schema.get("properties", {}).values():
        yield from walk(member)
    if "items" in schema:
        yield from walk(schema["items"])
