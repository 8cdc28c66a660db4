"""Every case that a server is checked by: those of cases.toml, and those that follow from the schema."""

from functools import cache

from infobip_sms_conformance.contract.allowed_values import derive_accepted_cases
from infobip_sms_conformance.contract.derived_cases import derive_cases
from infobip_sms_conformance.contract.files import WIRES, Case, read_cases
from infobip_sms_conformance.contract.openapi import resolve
from infobip_sms_conformance.contract.request_fields import normalize, read_fields

SAME_TYPE = {("string", str), ("integer", int)}
"""Types of fields, and of values that are of the same type in either format."""

FAR_ONES = frozenset(
    {
        *(
            "language-unknown",
            "transliteration-unknown",
            "notify-content-type-unknown",
            "track-unknown",
        ),
        *("to-a-word", "validity-period-a-word"),
    }
)
"""Cases that are rejected by whoever rejects those nearer to a right value, which follow from the schema."""


@cache
def read_every_case() -> dict[str, Case]:
    """Return all cases by their ids: those of cases.toml, and those that follow from the schema."""
    every = (*read_cases(), *derive_cases(), *derive_accepted_cases())
    return {case.id: case for case in every}


def get_case(case_id: str) -> Case:
    """Return the case of an id."""
    return read_every_case()[case_id]


def is_read_alike(case: Case) -> bool:
    """Tell whether the format of a case makes no difference once it is read: a value of the right type, or no field."""
    schemas = {normalize(field.path): field.schema for field in read_fields()}
    schema, (action, value) = schemas.get(normalize(case.path), {}), case.edit
    kind = resolve(schema["items"] if case.path.endswith("]") else schema).get("type", "string")
    return kind != "array" if action == "remove" else (kind, type(value)) in SAME_TYPE


@cache
def assign_formats() -> dict[str, str]:
    """Return the formats of those cases that say the same in both, by their ids: the one and the other in turn.

    Entries of a list are sent in XML, which may have them in more than one form (XML-002).
    """
    both = [case for case in read_cases() if case.rejected and len(case.wires) > 1]
    alike = [case for case in both if is_read_alike(case)]
    turns = enumerate(case.id for case in alike if not case.path.endswith("]"))
    return {case.id: WIRES[-1] for case in alike} | {
        name: WIRES[n % len(WIRES)] for n, name in turns
    }
