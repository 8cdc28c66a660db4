"""Bodies that cannot be read, near misses of credentials, and the operations that get them."""

import json

import pytest
from infobip_sms_conformance.checks.support.near_misses import (
    assign_near_misses,
    build_near_misses,
)
from infobip_sms_conformance.checks.support.unreadable import (
    ELSEWHERE,
    IN_ONE_FORMAT,
    INSERTED,
    UNREADABLE,
    assign_kinds,
    break_body,
)
from infobip_sms_conformance.contract.codec import OTHER_FORMAT, dump, parse_tree
from infobip_sms_conformance.contract.files import WIRES, read_example
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.transport.credentials import Credentials

OPERATIONS = ("sendV1", "preview", "reschedule", "setScheduledStatus")
DOCUMENTS = {
    (read_operations()["send"].request or ""): read_example("minimal-request"),
    (read_operations()["preview"].request or ""): read_example("preview-request"),
    (read_operations()["reschedule"].request or ""): {"sendAt": "2040-07-07T17:00:00.000+01:00"},
}


def is_readable(body: bytes, wire: str) -> bool:
    """Tell whether a strict parser takes a body."""
    try:
        json.loads(body, parse_constant=fail) if wire == "json" else parse_tree(body)
    except ValueError:
        return False
    return True


def fail(constant: str) -> None:
    """Take no NaN, which is not JSON."""
    raise ValueError(constant)


@pytest.mark.parametrize("component", DOCUMENTS)
@pytest.mark.parametrize(
    ("wire", "kind"),
    [(w, kind) for w in WIRES for kind in UNREADABLE if IN_ONE_FORMAT.get(kind, w) == w],
)
def test_http_003_no_parser_takes_a_broken_body(component: str, wire: str, kind: str) -> None:
    """Each body is no document of its format, and the one that it is made of is."""
    whole, other = (dump(DOCUMENTS[component], w, component) for w in (wire, OTHER_FORMAT[wire]))

    assert is_readable(whole, wire)
    assert not is_readable(break_body(whole, wire, kind, other), wire)


def test_every_operation_gets_each_kind_that_a_parser_may_take() -> None:
    """Each operation with a body gets every kind of lenient syntax once, but that which comes with another."""
    assigned = list(assign_kinds(OPERATIONS))

    assert len(set(assigned)) == len(assigned)
    assert {kind for _, _, kind in assigned} > set(INSERTED) - {"single-quotes"}
    for operation in OPERATIONS:
        own = {(wire, kind) for to, wire, kind in assigned if to == operation}
        assert own == {(wire, kind) for wire, kinds in ELSEWHERE.items() for kind in kinds}


def test_auth_002_near_misses_go_to_every_operation() -> None:
    """Each near miss goes to an operation, the first operation gets most, and none gets one twice."""
    mine = Credentials("Aladdin", "open sesame", "a key of its own")
    kinds = list(build_near_misses(mine))
    assigned = list(assign_near_misses(kinds, ["send", *OPERATIONS]))
    counts = [sum(to == operation for _, to in assigned) for operation in ("send", *OPERATIONS)]

    assert {kind for kind, _ in assigned} == set(kinds)
    assert len(set(assigned)) == len(assigned)
    assert counts[0] == max(counts)
    assert min(counts) > 1


def test_auth_002_near_misses_are_never_the_right_ones() -> None:
    """Credentials without letters have no other case; what equals the right ones is not sent."""
    mine = Credentials("1", "", "2")
    values = build_near_misses(mine).values()

    assert mine.basic not in values
    assert mine.app not in values
