"""What each operation is asked besides its fields: with which credentials, content types, values of Accept and broken bodies."""

from collections.abc import Iterator

from infobip_sms_conformance.checks.support.near_misses import assign_near_misses, build_near_misses
from infobip_sms_conformance.checks.support.operations import FEATURES
from infobip_sms_conformance.checks.support.unreadable import UNREADABLE, assign_kinds
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.session.variations import VARIATIONS
from infobip_sms_conformance.transport.credentials import Credentials

SOME_CREDENTIALS = Credentials("user", "password", "key")
NO_BODY = "-: the operation has no body"
SEND = "send"
SEND_ACCEPTS = (
    "HTTP-006 HTTP-008: none, the other format, several with weights, any; one request each"
)


def iter_operation_cells() -> Iterator[tuple[str, str, str]]:
    """Yield the name of an operation, what varies, and the requirement with what is sent, or a - with the reason."""
    kinds = list(build_near_misses(SOME_CREDENTIALS))
    assigned = list(assign_near_misses(kinds, [SEND, *FEATURES]))
    for name in (SEND, *FEATURES):
        wrong = [kind for kind, operation in assigned if operation == name]
        yield name, "no credentials", "AUTH-001: one request"
        yield name, "wrong credentials", f"AUTH-002: {describe_wrong(name, wrong, len(kinds))}"
        yield name, "every scheme", "AUTH-003 AUTH-004: Basic and App in turn"
        yield name, "Content-Type", describe_content_types(name)
        yield name, "broken syntax", describe_unreadable(name)
        yield name, "Accept", SEND_ACCEPTS if name == SEND else describe_accepts()


def describe_wrong(name: str, asked: list[str], count: int) -> str:
    """Name the near misses that an operation gets, and say where the others are sent."""
    own = ["a wrong password", "a wrong user", "a wrong key"] if name == SEND else []
    rest = f"the others of {count} near misses go to other operations"
    return f"{', '.join([*own, *asked])}; {rest}"


def describe_content_types(name: str) -> str:
    """Name the content types that an operation gets, if it has a body."""
    if read_operations()[name].request is None:
        return NO_BODY
    kinds = [one.content_type for found in VARIATIONS.values() for one in found if one.content_type]
    return f"HTTP-007: the first calls in each format, one each: {' | '.join(kinds)}"


def describe_unreadable(name: str) -> str:
    """Name the bodies that cannot be read which an operation gets, if it has a body."""
    if read_operations()[name].request is None:
        return NO_BODY
    if name == SEND:
        return f"HTTP-003: {', '.join(UNREADABLE)}"
    others = [other for other in FEATURES if read_operations()[other].request]
    own = [
        f"{kind} in {wire.upper()}" for other, wire, kind in assign_kinds(others) if other == name
    ]
    return f"HTTP-003: {', '.join(own)}"


def describe_accepts() -> str:
    """Name the values of Accept."""
    values = [one.accept or "none" for found in VARIATIONS.values() for one in found]
    return f"HTTP-006 HTTP-008: the first calls in each format, one each: {' | '.join(values)}"
