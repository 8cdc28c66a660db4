"""Checks of what every operation has in common: other spellings of header fields, and bodies that cannot be read: HTTP."""

from collections.abc import Iterator

import pytest

from infobip_sms_conformance.checks.support.assertions import require_minimal_accepted
from infobip_sms_conformance.checks.support.calls import explained_by, is_disguised, is_ok
from infobip_sms_conformance.checks.support.operations import (
    build_call,
    is_carried_out,
    iter_offered,
    vary_every_operation,
)
from infobip_sms_conformance.checks.support.root_causes import FORMAT_REQUIREMENTS
from infobip_sms_conformance.checks.support.unreadable import (
    IN_ONE_FORMAT,
    INSERTED,
    UNREADABLE,
    assign_kinds,
    break_body,
)
from infobip_sms_conformance.checks.test_bulk_effects import find_waiting_bulk
from infobip_sms_conformance.contract.codec import OTHER_FORMAT, dump
from infobip_sms_conformance.contract.files import WIRES, read_example
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import CheckFailed, Mismatch, NotApplicable
from infobip_sms_conformance.session.registry import LAST, check
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.session.variations import VariedCall, has_other_format

NOT_ACCEPTABLE = 406
CLIENT_ERRORS = range(400, 500)
REJECTED = "HTTP 400 or another 4xx"
IN_LONGER_RUNS = ("trailing", "not-utf-8", *INSERTED)
CARRIED_OUT = "HTTP 200, as with the usual header fields"


@check("HTTP-006", ["json"], needs=["other header fields", "named", "scheduled"], order=LAST)
def test_http_006_every_operation_without_accept(session: Session) -> None:
    """Every operation that takes a body responds to JSON with JSON where Accept is left out."""
    for call in iter_varied(session):
        if call.variation.accept is None and call.operation.request is not None:
            assert_format(call.varied)


@check("HTTP-007", ["json"], needs=["other header fields", "named", "scheduled"], order=LAST)
def test_http_007_every_operation_takes_other_spellings(session: Session) -> None:
    """No operation rejects a content type for its capitals, quotes, blanks or charset."""
    for call in iter_varied(session):
        if call.is_only_spelling and is_body_rejected(call) and call.variation.content_type:
            raise CheckFailed(call.varied.got, expected=CARRIED_OUT, exchange=call.varied)


@check("XML-004", ["xml"], needs=["other header fields", "named", "scheduled"], order=LAST)
def test_xml_004_every_operation_reads_texts_whole(session: Session) -> None:
    """No operation rejects a value for a comment inside of it, or for CDATA."""
    for call in iter_varied(session):
        if call.is_only_spelling and is_body_rejected(call) and not call.variation.content_type:
            raise CheckFailed(call.varied.got, expected=CARRIED_OUT, exchange=call.varied)


@check("HTTP-008", ["json"], needs=["other header fields", "named", "scheduled"], order=LAST)
def test_http_008_every_operation_weighs_accept(session: Session) -> None:
    """Every operation responds in the format that Accept prefers, or in either where it leaves that open."""
    for call in iter_varied(session):
        if call.is_only_spelling and not is_body_rejected(call):
            raise CheckFailed(call.varied.got, expected=CARRIED_OUT, exchange=call.varied)
        if call.has_other_format:
            assert_format(call.varied)


def iter_varied(session: Session) -> Iterator[VariedCall]:
    """Yield the calls of all operations with other header fields."""
    require_full_profile(session)
    vary_every_operation(session)
    yield from session.variations.calls


def is_body_rejected(call: VariedCall) -> bool:
    """Tell whether a call failed for its content type; where there is none, or with 406, it is Accept."""
    return call.operation.request is not None and call.varied.status != NOT_ACCEPTABLE


def assert_format(exchange: Exchange) -> None:
    """Demand the format of the call; a server that has but one format is another requirement's matter."""
    if has_other_format(exchange):
        (other,) = {*WIRES} - {exchange.wire}
        with explained_by(FORMAT_REQUIREMENTS[exchange.wire]):
            wrong = Mismatch("body", exchange.wire.upper(), other.upper())
            raise CheckFailed(wrong, exchange=exchange)


# ------------------------------------------------------------------ bodies that cannot be read


@check("HTTP-003", needs=["unreadable"])
@pytest.mark.parametrize("fault", UNREADABLE)
def test_http_003_unreadable_body_is_rejected(session: Session, wire: str, fault: str) -> None:
    """A body gets a 4xx that lacks its end, has another behind it, is empty or not of the format."""
    if IN_ONE_FORMAT.get(fault, wire) != wire:
        raise NotApplicable("checked in the other format")
    if fault in IN_LONGER_RUNS and session.plan.profile.is_sample:
        raise NotApplicable(f"not asked in the profile {session.plan.profile.name}")
    require_minimal_accepted(session, wire)
    exchange = session.send_body(
        build_unreadable(session, wire, fault), wire, f"an unreadable body: {fault}"
    )
    if exchange.status not in CLIENT_ERRORS:
        with explained_by(*(["HTTP-002"] if is_disguised(exchange) else [])):
            raise CheckFailed(exchange.got, expected=REJECTED, exchange=exchange)


def build_unreadable(session: Session, wire: str, fault: str) -> bytes:
    """Return a body that cannot be read as the format."""
    example = session.freshen(read_example("minimal-request"))
    return break_body(dump(example, wire), wire, fault, dump(example, OTHER_FORMAT[wire]))


@check("HTTP-003", ["json"], needs=["unreadable elsewhere", "named", "changed bulks"], order=LAST)
def test_http_003_every_operation_rejects_what_it_cannot_read(session: Session) -> None:
    """No operation carries out a body that is not of its format, or lacks its end."""
    require_full_profile(session)
    waiting = find_waiting_bulk(session)
    without_waiting = () if waiting else ("reschedule", "setScheduledStatus")
    for operation, wire, kind in assign_kinds(list(iter_read(session))):
        if operation in without_waiting or wire not in session.wires:
            continue
        found = send_unreadable(session, operation, wire, kind, waiting)
        if found.status in CLIENT_ERRORS or not is_carried_out(session, operation):
            continue
        with explained_by(*(["HTTP-002"] if not is_ok(found) or is_disguised(found) else [])):
            raise CheckFailed(found.got, expected=REJECTED, exchange=found)


def iter_read(session: Session) -> Iterator[str]:
    """Yield the operations besides that of version 2 that take a body and are offered."""
    yield from (name for name in iter_offered(session) if read_operations()[name].request)


def send_unreadable(
    session: Session, operation: str, wire: str, kind: str, waiting: str
) -> Exchange:
    """Call an operation with a body that cannot be read, in place of one that would be carried out."""
    call = build_call(session, operation, waiting)
    document = {"status": "PAUSED"} if operation == "setScheduledStatus" else call.document
    component = read_operations()[operation].request or ""
    other = dump(session.freshen(document), OTHER_FORMAT[wire], component)
    return session.call(
        operation,
        wire,
        f"an unreadable body: {kind}: {operation}",
        document,
        query=call.query,
        alter=lambda whole: break_body(whole, wire, kind, other),
    )


def require_full_profile(session: Session) -> None:
    """Raise NotApplicable in a profile that sends few requests."""
    if not session.plan.profile.derives:
        raise NotApplicable(f"not asked in the profile {session.plan.profile.name}")
