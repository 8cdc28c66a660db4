"""Checks of what every operation has in common: other spellings of header fields that mean the same: HTTP."""

from collections.abc import Iterator

from infobip_sms_conformance.checks.support.calls import explained_by
from infobip_sms_conformance.checks.support.operations import vary_every_operation
from infobip_sms_conformance.checks.support.root_causes import FORMAT_REQUIREMENTS
from infobip_sms_conformance.contract.files import WIRES
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import CheckFailed, Mismatch, NotApplicable
from infobip_sms_conformance.session.registry import LAST, check
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.session.variations import VariedCall, has_other_format

NOT_ACCEPTABLE = 406
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
        if call.is_only_spelling and is_body_rejected(call):
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
    if not session.plan.profile.derives:
        raise NotApplicable(f"not asked in the profile {session.plan.profile.name}")
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
