"""Checks of version 1 of the endpoint: V1.

Lives here: its documented request, what differs from version 2, and the shape of its XML.
Never here: the unit of its validity period, which takes time.
"""

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from infobip_sms_conformance.checks.support.assertions import (
    ACCEPTANCE,
    check_answered,
    check_ground,
    drop_plus,
    judge_refused,
)
from infobip_sms_conformance.checks.support.calls import ONE, OTHER, call_once, check_turn, describe
from infobip_sms_conformance.contract.codec import find_children, find_tag, parse_tree
from infobip_sms_conformance.contract.edits import apply_edit
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.contract.openapi import find_component
from infobip_sms_conformance.fixtures.placement import Placed
from infobip_sms_conformance.observations.exchange import Exchange, find_destinations
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.observations.verdicts import Broken, Inconclusive, NotApplicable
from infobip_sms_conformance.session.registry import LATE, requirement
from infobip_sms_conformance.session.session import Session

GONE = 410
BARE = ("from", "destinations", "text")
LONG = "Version 1 names no limit. " * 12  # more than version 2 takes
LANGUAGE = {"languageCode": "TR", "singleShift": True, "lockingShift": False}
NON_UNICODE = "NON_UNICODE"  # of version 2 only

# ------------------------------------------------------------------ requests


def find_turn(session: Session, wire: str) -> int:
    """Return whose turn a format is."""
    return ONE if wire == session.wires[0] else OTHER


def send_full(session: Session, wire: str) -> Exchange:
    """Return the exchange of the documented request, with more callbackData than version 2 takes."""
    document = apply_edit(
        read_example("v1-request"), "messages[0].callbackData", "set", LONG.strip()
    )
    for message, script in zip(document["messages"], find_scripts(session, wire), strict=False):
        message["transliteration"] = script
    what = "the documented request of version 1"
    return call_once(session, find_turn(session, wire), "sendV1", what, document)


def find_scripts(session: Session, wire: str) -> list[str]:
    """Return the transliterations that are sent in a format: half of them in each."""
    scripts: list[str] = find_component("TransliterationV1")["enum"]
    return scripts[find_turn(session, wire) :: len(session.wires)]


def send_bare(session: Session, wire: str) -> Exchange:
    """Return the exchange of the documented request with nothing but sender, text and destinations."""
    document = read_example("v1-request")
    document["messages"] = [{name: m[name] for name in BARE} for m in document["messages"]]
    what = "a request of version 1 with nothing but what is needed"
    return call_once(session, find_turn(session, wire), "sendV1", what, document)


def send_with(session: Session, wire: str, member: str, value: Any, what: str) -> Exchange:
    """Return the exchange of the smallest request with one member."""
    document = build_with(member, value)
    return call_once(session, find_turn(session, wire), "sendV1", what, document)


def build_with(member: str, value: Any) -> Any:
    """Return the smallest request with one member."""
    document = copy.deepcopy(read_example("minimal-request"))
    document["messages"][0][member] = value
    return document


# ------------------------------------------------------------------ what is there at all


def is_offered(exchange: Exchange) -> bool:
    """Tell whether version 1 is there."""
    return not exchange.absent and exchange.status != GONE


def check_there(session: Session, wire: str) -> None:
    """Raise unless version 1 takes a request of the format: the documented one, or a bare one."""
    check_ground(session, wire)
    full = send_full(session, wire)
    if not is_offered(full):
        raise NotApplicable(f"the server does not offer {describe('sendV1')}")
    if full.taken:
        return
    check_answered(full)
    bare = send_bare(session, wire)
    if not bare.taken:
        twin = is_taken(session, session.wires[0])
        root = "V1-005" if twin and wire != session.wires[0] else "V1-001"
        raise Inconclusive(bare.got, expected=ACCEPTANCE, because=root, exchange=bare)


def is_taken(session: Session, wire: str) -> bool:
    """Tell whether version 1 takes a request of the format."""
    return send_full(session, wire).taken or send_bare(session, wire).taken


def judge_member(session: Session, wire: str, member: str, value: Any, name: str = "") -> None:
    """Demand that a member is accepted: in the documented request, or else alone.

    name: what tells this value of it from another one.
    """
    check_there(session, wire)
    if send_full(session, wire).taken:
        return
    alone = send_with(session, wire, member, value, f"a request of version 1 with {name or member}")
    check_answered(alone)
    if not alone.taken:
        raise Broken(alone.got, expected=ACCEPTANCE, exchange=alone)


def judge_wrong(session: Session, wire: str, member: str, value: Any, what: str) -> None:
    """Demand that a wrong value of a member is refused."""
    check_there(session, wire)
    exchange = send_with(session, wire, member, value, f"a request of version 1 with {what}")
    judge_refused(Placed(exchange.document, f"messages[0].{member}"), exchange)


# ------------------------------------------------------------------ checks


@requirement("V1-001", ["json"], needs=["v1"], feature="v1", order=LATE)
def test_v1_001_version_1_is_available(session: Session, wire: str) -> None:
    """Version 1 takes a request."""
    check_ground(session, wire)
    full = send_full(session, wire)
    check_answered(full)
    if is_offered(full) and is_taken(session, wire):
        return
    raise Broken(full.got, expected=ACCEPTANCE, exchange=full)


@requirement("V1-004", needs=["v1"], feature="v1", order=LATE)
def test_v1_004_language_with_shifts_is_accepted(session: Session, wire: str) -> None:
    """A language with both shifts is accepted."""
    judge_member(session, wire, "language", LANGUAGE)


@requirement("V1-004", needs=["v1"], feature="v1", order=LATE)
@pytest.mark.parametrize(
    ("turn", "member", "value"),
    [
        (ONE, "singleShift", "perhaps"),
        (OTHER, "lockingShift", "perhaps"),
        (ONE, "languageCode", "XX"),
    ],
    ids=["single-shift", "locking-shift", "code"],
)
def test_v1_004_wrong_language_is_refused(
    session: Session, wire: str, turn: int, member: str, value: str
) -> None:
    """A shift that is neither true nor false is refused, and a language that is not known."""
    check_turn(session, wire, turn)
    judge_wrong(session, wire, "language", LANGUAGE | {member: value}, f"a wrong {member}")


@requirement("V1-005", ["xml"], needs=["v1"], feature="v1", order=LATE)
def test_v1_005_lists_without_wrapper_are_read(session: Session, wire: str) -> None:
    """A request whose messages and destinations are repeated without a wrapper is read whole."""
    check_ground(session, wire)
    full = send_full(session, wire)
    if not is_offered(full):
        raise NotApplicable(f"the server does not offer {describe('sendV1')}")
    check_there(session, session.wires[0])
    read = full if full.taken else send_bare(session, wire)
    check_answered(read)
    expected = "an entry for every destination of every message"
    if not read.taken:
        raise Broken(read.got, expected=ACCEPTANCE, exchange=read)
    twin = send_full(session, session.wires[0])
    if find_answered(read) != find_sent(read) and find_answered(twin) == find_sent(twin):
        raise Broken("entries that are not those", expected=expected, exchange=read)


def find_sent(exchange: Exchange) -> list[str]:
    """Return the numbers of a request."""
    return [drop_plus(d["to"]) for d in find_destinations(exchange.document)]


def find_answered(exchange: Exchange) -> list[str]:
    """Return the numbers of a reply."""
    return [drop_plus(entry.to) for entry in exchange.reply.entries] if exchange.reply else []


@requirement("V1-006", needs=["v1"], feature="v1", order=LATE)
def test_v1_006_known_transliteration_is_accepted(session: Session, wire: str) -> None:
    """Each transliteration of version 1 is accepted, in one of the formats."""
    for value in find_scripts(session, wire):
        judge_member(session, wire, "transliteration", value, f"transliteration {value}")


@requirement("V1-006", needs=["v1"], feature="v1", order=LATE)
def test_v1_006_transliteration_of_version_2_is_refused(session: Session, wire: str) -> None:
    """The transliteration that came with version 2 is refused."""
    check_turn(session, wire, OTHER)
    judge_wrong(session, wire, "transliteration", NON_UNICODE, "a transliteration of version 2")


@requirement("V1-007", needs=["v1"], feature="v1", order=LATE)
def test_v1_007_long_callback_data_is_accepted(session: Session, wire: str) -> None:
    """More callbackData than version 2 takes is accepted."""
    judge_member(session, wire, "callbackData", LONG.strip())


@requirement("V1-008", ["xml"], needs=["v1"], feature="v1", order=LATE)
def test_v1_008_shape_of_the_xml_reply(session: Session, wire: str) -> None:
    """An XML reply has one of the documented roots, and messages around elements of the same name."""
    check_there(session, wire)
    full = send_full(session, wire)
    found = full if full.taken else send_bare(session, wire)
    body = found.answer.body if found.answer else b""
    if find_wire(body) != "xml" or not find_answered(found):
        raise Inconclusive("no XML reply with entries", because="HTTP-005", exchange=found)
    roots, wrapper, entry = find_way()
    root = parse_tree(body)
    expected = f"{' or '.join(roots)}/{wrapper}/{entry}"
    if find_tag(root) not in roots:
        raise Broken("another root", expected=expected, exchange=found)
    inside = [
        {find_tag(e) for e in find_children(c)}
        for c in find_children(root)
        if find_tag(c) == wrapper
    ]
    if inside != [{entry}]:
        raise Broken("other elements around the entries", expected=expected, exchange=found)


def find_way() -> tuple[Sequence[str], str, str]:
    """Return the roots of a reply (READ-025), its wrapper and its entries."""
    schema = find_component("SmsResponseV1")
    roots = (schema["xml"]["name"], *schema["x-xml-also"])
    return roots, "messages", schema["properties"]["messages"]["xml"]["x-entry"]
