"""Checks of version 1 of the endpoint: V1."""

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from infobip_sms_conformance.checks.support.assertions import (
    ACCEPTANCE,
    assert_edit_rejected,
    require_any_accepted,
    require_response,
)
from infobip_sms_conformance.checks.support.calls import (
    FIRST_FORMAT,
    SECOND_FORMAT,
    call_once,
    format_operation,
    require_format,
)
from infobip_sms_conformance.checks.support.response_rules import (
    get_response_numbers,
    get_sent_numbers,
)
from infobip_sms_conformance.contract.codec import get_tag, iter_children, parse_tree
from infobip_sms_conformance.contract.edits import apply_edit
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.contract.openapi import get_component
from infobip_sms_conformance.fixtures.placement import CaseDocument
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Explained,
    Inconclusive,
    Mismatch,
    NotApplicable,
    show,
)
from infobip_sms_conformance.session.registry import LATE, check
from infobip_sms_conformance.session.session import Session

GONE = 410
BARE = ("from", "destinations", "text")
LONG = "Version 1 names no limit. " * 12  # more than version 2 takes
BLANKS_TEXT = "  Two  blanks,\n<b>markup</b> & a line. "
"""A text that no transliteration alters."""
LANGUAGE = {"languageCode": "TR", "singleShift": True, "lockingShift": False}
MILLISECONDS_OF_A_DAY = 86_400_000
NON_UNICODE = "NON_UNICODE"  # of version 2 only

# ------------------------------------------------------------------ requests


def get_format_index(session: Session, wire: str) -> int:
    """Return whose turn a format is."""
    return FIRST_FORMAT if wire == session.wires[0] else SECOND_FORMAT


def send_documented(session: Session, wire: str) -> Exchange:
    """Return the exchange of the documented request, with more callbackData than version 2 takes."""
    document = apply_edit(
        read_example("v1-request"), "messages[0].callbackData", "set", LONG.strip()
    )
    document["messages"][-1]["text"] = BLANKS_TEXT
    for message, script in zip(
        document["messages"], get_transliterations(session, wire), strict=False
    ):
        message["transliteration"] = script
    for message, code in zip(document["messages"], get_languages(session, wire), strict=False):
        message["language"] = {**LANGUAGE, "languageCode": code}
    what = "the documented request of version 1"
    return call_once(session, get_format_index(session, wire), "sendV1", what, document)


def get_transliterations(session: Session, wire: str) -> list[str]:
    """Return the transliterations that are sent in a format: half of them in each."""
    scripts: list[str] = get_component("TransliterationV1")["enum"]
    return scripts[get_format_index(session, wire) :: len(session.wires)]


def get_languages(session: Session, wire: str) -> list[str]:
    """Return the languages that are sent in a format: one for each message, all of them in both formats."""
    codes: list[str] = get_component("LanguageCode")["enum"]
    return codes if get_format_index(session, wire) == FIRST_FORMAT else codes[::-1]


def send_bare(session: Session, wire: str) -> Exchange:
    """Return the exchange of the documented request with nothing but sender, text and destinations."""
    document = read_example("v1-request")
    document["messages"] = [{name: m[name] for name in BARE} for m in document["messages"]]
    what = "a request of version 1 with nothing but what is needed"
    return call_once(session, get_format_index(session, wire), "sendV1", what, document)


def send_with(session: Session, wire: str, field: str, value: Any, label: str) -> Exchange:
    """Return the exchange of the smallest request with one field."""
    document = build_with(field, value)
    index = get_format_index(session, wire)
    return call_once(session, index, "sendV1", label, document, succeeds=False)


def build_with(field: str, value: Any) -> Any:
    """Return the smallest request with one field."""
    document = copy.deepcopy(read_example("minimal-request"))
    document["messages"][0][field] = value
    return document


# ------------------------------------------------------------------ what is there at all


def is_offered(exchange: Exchange) -> bool:
    """Tell whether version 1 is there."""
    return not exchange.is_absent and exchange.status != GONE


def require_version_1(session: Session, wire: str) -> None:
    """Raise unless version 1 takes a request of the format: the documented one, or a bare one."""
    require_any_accepted(session, wire)
    full = send_documented(session, wire)
    if not is_offered(full):
        raise NotApplicable(f"the server does not offer {format_operation('sendV1')}")
    if full.has_succeeded:
        return
    require_response(full)
    bare = send_bare(session, wire)
    if not bare.has_succeeded:
        other = is_accepted(session, session.wires[0])
        root = "V1-005" if other and wire != session.wires[0] else "V1-001"
        raise Explained(bare.got, expected=ACCEPTANCE, caused_by=root, exchange=bare)


def is_accepted(session: Session, wire: str) -> bool:
    """Tell whether version 1 takes a request of the format."""
    return send_documented(session, wire).has_succeeded or send_bare(session, wire).has_succeeded


def assert_field_accepted(
    session: Session, wire: str, field: str, value: Any, name: str = ""
) -> None:
    """Demand that a field is accepted: in the documented request, or else alone.

    name: distinguishes this value from others of the field.
    """
    require_version_1(session, wire)
    if send_documented(session, wire).has_succeeded:
        return
    alone = send_with(session, wire, field, value, f"a request of version 1 with {name or field}")
    require_response(alone)
    if not alone.has_succeeded:
        raise CheckFailed(alone.got, expected=ACCEPTANCE, exchange=alone)


def assert_field_rejected(session: Session, wire: str, field: str, value: Any, label: str) -> None:
    """Demand that a wrong value of a field is rejected."""
    require_version_1(session, wire)
    exchange = send_with(session, wire, field, value, f"a request of version 1 with {label}")
    assert_edit_rejected(CaseDocument(exchange.document, f"messages[0].{field}"), exchange)


# ------------------------------------------------------------------ checks


@check("V1-001", ["json"], needs=["v1"], feature="v1", order=LATE)
def test_v1_001_version_1_is_available(session: Session, wire: str) -> None:
    """Version 1 takes a request."""
    require_any_accepted(session, wire)
    full = send_documented(session, wire)
    require_response(full)
    if is_offered(full) and is_accepted(session, wire):
        return
    raise CheckFailed(full.got, expected=ACCEPTANCE, exchange=full)


@check("V1-004", needs=["v1"], feature="v1", order=LATE)
def test_v1_004_language_with_shifts_is_accepted(session: Session, wire: str) -> None:
    """Each language with both shifts is accepted, in one of the formats."""
    messages = len(read_example("v1-request")["messages"])
    for code in get_languages(session, wire)[:messages]:
        value = {**LANGUAGE, "languageCode": code}
        assert_field_accepted(session, wire, "language", value, f"language {code}")


@check("V1-004", needs=["v1", "v1 languages"], feature="v1", order=LATE)
@pytest.mark.parametrize(
    ("turn", "member", "value"),
    [
        (FIRST_FORMAT, "singleShift", "perhaps"),
        (SECOND_FORMAT, "lockingShift", "perhaps"),
        (FIRST_FORMAT, "languageCode", "tr"),
    ],
    ids=["single-shift", "locking-shift", "code"],
)
def test_v1_004_wrong_language_is_rejected(
    session: Session, wire: str, turn: int, member: str, value: str
) -> None:
    """A shift that is neither true nor false is rejected, and a language that is not known."""
    require_format(session, wire, turn)
    assert_field_rejected(
        session, wire, "language", LANGUAGE | {member: value}, f"a wrong {member}"
    )


@check("V1-005", ["xml"], needs=["v1"], feature="v1", order=LATE)
def test_v1_005_lists_without_wrapper_are_read(session: Session, wire: str) -> None:
    """A request whose messages and destinations are repeated without a wrapper is read whole."""
    require_any_accepted(session, wire)
    full = send_documented(session, wire)
    if not is_offered(full):
        raise NotApplicable(f"the server does not offer {format_operation('sendV1')}")
    require_version_1(session, session.wires[0])
    read = full if full.has_succeeded else send_bare(session, wire)
    require_response(read)
    if not read.has_succeeded:
        raise CheckFailed(read.got, expected=ACCEPTANCE, exchange=read)
    other = send_documented(session, session.wires[0])
    if get_response_numbers(read) != get_sent_numbers(read) and get_response_numbers(
        other
    ) == get_sent_numbers(other):
        sent, received = get_sent_numbers(read), get_response_numbers(read)
        raise CheckFailed(Mismatch("messages[].to", show(sent), show(received)), exchange=read)


@check("V1-006", needs=["v1"], feature="v1", order=LATE)
def test_v1_006_known_transliteration_is_accepted(session: Session, wire: str) -> None:
    """Each transliteration of version 1 is accepted, in one of the formats."""
    for value in get_transliterations(session, wire):
        assert_field_accepted(session, wire, "transliteration", value, f"transliteration {value}")


@check("V1-006", needs=["v1", "v1 transliteration"], feature="v1", order=LATE)
def test_v1_006_transliteration_of_version_2_is_rejected(session: Session, wire: str) -> None:
    """The transliteration that came with version 2 is rejected."""
    require_format(session, wire, SECOND_FORMAT)
    assert_field_rejected(
        session, wire, "transliteration", NON_UNICODE, "a transliteration of version 2"
    )


@check("V1-003", needs=["v1"], feature="v1", order=LATE)
def test_v1_003_milliseconds_of_a_day_are_accepted(session: Session, wire: str) -> None:
    """A validityPeriod of as many milliseconds as a day has is accepted, as the documentation has it."""
    assert_field_accepted(session, wire, "validityPeriod", MILLISECONDS_OF_A_DAY)


@check("V1-007", needs=["v1"], feature="v1", order=LATE)
def test_v1_007_long_callback_data_is_accepted(session: Session, wire: str) -> None:
    """More callbackData than version 2 takes is accepted."""
    assert_field_accepted(session, wire, "callbackData", LONG.strip())


@check("V1-008", ["xml"], needs=["v1"], feature="v1", order=LATE)
def test_v1_008_shape_of_the_xml_response(session: Session, wire: str) -> None:
    """An XML response has one of the documented roots, and messages around elements of the same name."""
    require_version_1(session, wire)
    full = send_documented(session, wire)
    found = full if full.has_succeeded else send_bare(session, wire)
    body = found.response.body if found.response else b""
    if find_wire(body) != "xml" or not get_response_numbers(found):
        raise Inconclusive("no XML response with entries", caused_by="HTTP-005", exchange=found)
    roots, wrapper, entry = get_xml_form()
    root = parse_tree(body)
    expected = f"{' or '.join(roots)}/{wrapper}/{entry}"
    if get_tag(root) not in roots:
        wrong = Mismatch("root element", " or ".join(roots), show(get_tag(root)))
        raise CheckFailed(wrong, exchange=found)
    inside = [
        {get_tag(e) for e in iter_children(c)} for c in iter_children(root) if get_tag(c) == wrapper
    ]
    if inside != [{entry}]:
        got = f"{show([sorted(names) for names in inside])} in {wrapper}"
        raise CheckFailed(got, expected=expected, exchange=found)


def get_xml_form() -> tuple[Sequence[str], str, str]:
    """Return the roots of a response (READ-025), its wrapper and its entries."""
    schema = get_component("SmsResponseV1")
    roots = (schema["xml"]["name"], *schema["x-xml-also"])
    return roots, "messages", schema["properties"]["messages"]["xml"]["x-entry"]


EXAMPLE = "minimal-request"


def assert_rejected_by_version_1(session: Session, turn: int, path: str, value: Any) -> None:
    """Demand that version 1 rejects a value, in one format and then the other."""
    if not session.plan.profile.derives:
        raise NotApplicable(f"not asked in the profile {session.plan.profile.name}")
    require_version_1(session, session.wires[turn % len(session.wires)])
    document = apply_edit(read_example(EXAMPLE), path, "set", value)
    label = f"a request of version 1 that is wrong at {path}"
    found = call_once(session, turn, "sendV1", label, document, succeeds=False)
    assert_edit_rejected(CaseDocument(found.document, path), found)


@check("SEND-003", ["json"], needs=["v1", "v1 limits"], feature="v1", order=LATE)
def test_send_003_version_1(session: Session) -> None:
    """Version 1 rejects a sender of twelve letters."""
    assert_rejected_by_version_1(session, 0, "messages[0].from", "CompanyNames")


@check("SEND-005", ["json"], needs=["v1", "v1 limits"], feature="v1", order=LATE)
def test_send_005_version_1(session: Session) -> None:
    """Version 1 rejects a message without destinations."""
    assert_rejected_by_version_1(session, 0, "messages[0].destinations", [])


@check("SEND-008", ["json"], needs=["v1", "v1 limits"], feature="v1", order=LATE)
def test_send_008_version_1(session: Session) -> None:
    """Version 1 rejects a word as a destination."""
    assert_rejected_by_version_1(session, 1, "messages[0].destinations[0].to", "nobody")


@check("SEND-015", ["json"], needs=["v1", "v1 limits"], feature="v1", order=LATE)
def test_send_015_version_1(session: Session) -> None:
    """Version 1 rejects another type of report."""
    assert_rejected_by_version_1(session, 1, "messages[0].notifyContentType", "application/pdf")


@check("V1-006", ["json"], needs=["v1", "v1 limits"], feature="v1", order=LATE)
def test_v1_006_near_miss_is_rejected(session: Session) -> None:
    """Version 1 rejects a transliteration with another character behind it."""
    script = get_component("TransliterationV1")["enum"][0]
    assert_rejected_by_version_1(session, 0, "messages[0].transliteration", f"{script}X")
