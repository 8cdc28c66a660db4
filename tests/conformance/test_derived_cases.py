"""Cases that follow from the schema: the schema itself is the judge of them."""

import re
from collections import Counter, defaultdict

import jsonschema
import pytest
from infobip_sms_conformance.contract import (
    allowed_values,
    cases,
    codec,
    derived_cases,
    edits,
    files,
    request_fields,
)
from infobip_sms_conformance.session import budget
from infobip_sms_conformance.session.plan import PROFILES
from infobip_sms_schema import SmsRequest

from infobip_sms import InvalidRequestError
from infobip_sms.codecs import get_codec

SCHEMA = {
    "$ref": "#/components/schemas/SmsRequest",
    "components": files.read_openapi()["components"],
}
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
INSTANTS = re.compile(r"sendat-(day|clock|month-13|hour-25|longer)$")


@pytest.mark.parametrize("case", derived_cases.derive_cases(), ids=lambda case: str(case.id))
def test_rejected_case_violates_the_schema_at_its_field(case: files.Case) -> None:
    """Each value is wrong by the schema, and at the field that the case names, but for the form of an instant."""
    errors = list(VALIDATOR.iter_errors(edits.build_edited(case)))
    path = edits.parse_path(case.path)

    assert errors or INSTANTS.search(case.id)
    assert all(list(error.absolute_path)[:1] == path[:1] for error in errors)


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in (*files.read_cases(), *derived_cases.derive_cases())
        if case.rejected and case.requirement_id.startswith(("SEND-", "WIN-", "SCHED-"))
    ],
    ids=lambda case: str(case.id),
)
def test_suite_and_client_name_the_same_requirement(case: files.Case) -> None:
    """What the suite says a value violates is what the client and the sandbox say."""
    for wire in case.wires:
        with pytest.raises(InvalidRequestError) as caught:
            get_codec(wire).parse_request(codec.dump(edits.build_edited(case), wire), SmsRequest)

        assert {v.requirement_id for v in caught.value.violations} == {case.requirement_id}


@pytest.mark.parametrize(
    "case", allowed_values.derive_accepted_cases(), ids=lambda case: str(case.id)
)
def test_accepted_case_conforms_to_the_schema(case: files.Case) -> None:
    """Each value that is to be accepted is right by the schema."""
    assert not list(VALIDATOR.iter_errors(edits.build_edited(case)))


def test_instants_are_accepted_in_every_zone() -> None:
    """An instant ahead is sent with offsets to the west, of half an hour and of nothing; the example has one to the east."""
    sent = {
        str(case.edit[1])[-6:]
        for case in allowed_values.derive_accepted_cases()
        if case.requirement_id == "SCHED-002"
    }

    assert sent == {"-05:00", "+05:30", "+00:00"}


def test_every_field_that_can_be_wrong_has_cases() -> None:
    """Each field whose requirement is checked has a case, and each end of a pair has some."""
    paths = {request_fields.normalize(case.path) for case in derived_cases.derive_cases()}
    window = "messages.deliveryTimeWindow"

    assert {"messages", "messages.from", "messages.destinations.to", "tracking.track"} <= paths
    for end in ("from", "to"):
        assert {f"{window}.{end}", f"{window}.{end}.hour", f"{window}.{end}.minute"} <= paths


def test_cases_take_every_position_in_turn() -> None:
    """The cases of a requirement stand first, between and last among the messages."""
    places = defaultdict(set)
    counts = Counter(case.requirement_id for case in derived_cases.derive_cases())
    for case in derived_cases.derive_cases():
        place = PROFILES["full"].get_placement(case.wires[0], case.turn)
        places[case.requirement_id].add(place)

    assert set().union(*places.values()) == {"before", "between", "behind"}
    assert all(len(places[name]) > 1 for name, count in counts.items() if count > 2)


def test_short_profiles_send_none_of_them() -> None:
    """Only the profile full sends the cases that follow from the schema."""
    case = derived_cases.derive_cases()[0]
    sent = {
        name: budget.is_sent(case, case.wires[0], PROFILES[name], files.WIRES) for name in PROFILES
    }

    assert sent == {"full": True, "quick": False, "live": False, "rejections": False}


def test_cases_that_say_the_same_in_both_formats_are_sent_in_one() -> None:
    """A value of the right type, or a missing field, is sent in one format; other types and lists in both."""
    formats = cases.assign_formats()
    sent = {
        case.id: [w for w in files.WIRES if budget.is_sent(case, w, PROFILES["full"], files.WIRES)]
        for case in files.read_cases()
        if case.rejected and len(case.wires) > 1
    }

    assert sent["sender-short"] == [formats["sender-short"]]
    assert sent["window-hour-missing"] == [formats["window-hour-missing"]]
    assert sent["flash-a-word"] == sent["no-messages"] == list(files.WIRES)
    assert set(formats.values()) == set(files.WIRES)
    assert all(found or name in cases.FAR_ONES for name, found in sent.items())


def test_left_out_cases_leave_others_of_their_requirement() -> None:
    """A case that is left out leaves its requirement with others that are rejected."""
    every = {case.id: case.requirement_id for case in files.read_cases() if case.rejected}
    left = {
        case.requirement_id
        for case in budget.get_rejected_cases()
        if any(budget.is_sent(case, w, PROFILES["full"], files.WIRES) for w in files.WIRES)
    }

    assert {every[name] for name in cases.FAR_ONES} <= left
