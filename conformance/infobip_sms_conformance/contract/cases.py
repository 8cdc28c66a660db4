"""Every case that a server is checked by: those of cases.toml, and those that follow from the schema."""

from functools import cache

from infobip_sms_conformance.contract.allowed_values import derive_accepted_cases
from infobip_sms_conformance.contract.derived_cases import derive_cases
from infobip_sms_conformance.contract.files import Case, read_cases


@cache
def read_every_case() -> dict[str, Case]:
    """Return all cases by their ids: those of cases.toml, and those that follow from the schema."""
    every = (*read_cases(), *derive_cases(), *derive_accepted_cases())
    return {case.id: case for case in every}


def get_case(case_id: str) -> Case:
    """Return the case of an id."""
    return read_every_case()[case_id]
