"""Checks of the request's fields: SEND, VAL and SCHED."""

from infobip_sms_conformance.checks.support.assertions import (
    ACCEPTANCE,
    XML_PARITY_REQUIREMENT,
    assert_case,
    assert_succeeded,
    require_minimal_accepted,
)
from infobip_sms_conformance.checks.support.root_causes import get_rejected_field
from infobip_sms_conformance.checks.support.xml_lists import require_days_accepted
from infobip_sms_conformance.contract.cases import get_case
from infobip_sms_conformance.contract.files import Case
from infobip_sms_conformance.observations.exchange import Exchange, RequestOutcome
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Explained,
    Finding,
    NotApplicable,
    explain,
)
from infobip_sms_conformance.session.registry import AFTER_CASES, check
from infobip_sms_conformance.session.session import Session


@check("SEND-002", needs=["cases"])
def test_send_002_request_without_messages_is_rejected(
    session: Session, case: Case, wire: str
) -> None:
    """A request without a message is rejected."""
    assert_case(session, case, wire)


@check("SEND-003", needs=["cases"])
def test_send_003_length_of_alphanumeric_sender(session: Session, case: Case, wire: str) -> None:
    """A sender that is not all digits is accepted at its shortest and longest, rejected beyond."""
    assert_case(session, case, wire)


@check("SEND-004", needs=["cases"])
def test_send_004_length_of_numeric_sender(session: Session, case: Case, wire: str) -> None:
    """A sender of digits only is accepted at its shortest and longest, rejected beyond."""
    assert_case(session, case, wire)


@check("SEND-005", needs=["cases"])
def test_send_005_message_without_destination_is_rejected(
    session: Session, case: Case, wire: str
) -> None:
    """A message without a destination is rejected."""
    assert_case(session, case, wire)


@check("SEND-007", needs=["cases"])
def test_send_007_missing_or_empty_to_is_rejected(session: Session, case: Case, wire: str) -> None:
    """A destination whose to is missing or empty is rejected."""
    assert_case(session, case, wire)


@check("SEND-008", needs=["cases"])
def test_send_008_to_that_is_not_a_number_is_rejected(
    session: Session, case: Case, wire: str
) -> None:
    """A to that is no number in international format is rejected."""
    assert_case(session, case, wire)


@check("SEND-010", needs=["cases"])
def test_send_010_flash_is_true_or_false(session: Session, case: Case, wire: str) -> None:
    """A flash of true is accepted, a word that is neither true nor false rejected."""
    assert_case(session, case, wire)


@check("SEND-011", needs=["cases"])
def test_send_011_known_language_codes(session: Session, case: Case, wire: str) -> None:
    """Each documented language code is accepted, anything else rejected."""
    assert_case(session, case, wire)


@check("SEND-012", needs=["cases"])
def test_send_012_known_transliterations(session: Session, case: Case, wire: str) -> None:
    """Each documented transliteration is accepted, anything else rejected."""
    assert_case(session, case, wire)


@check("SEND-013", needs=["cases"])
def test_send_013_intermediate_report_is_true_or_false(
    session: Session, case: Case, wire: str
) -> None:
    """An intermediateReport of false is accepted, a word that is neither true nor false rejected."""
    assert_case(session, case, wire)


@check("SEND-015", needs=["cases"])
def test_send_015_known_notify_content_types(session: Session, case: Case, wire: str) -> None:
    """Both documented notifyContentTypes are accepted, anything else rejected."""
    assert_case(session, case, wire)


@check("SEND-016", needs=["cases"])
def test_send_016_length_of_callback_data(session: Session, case: Case, wire: str) -> None:
    """CallbackData of the greatest length is accepted in any message, one character more rejected."""
    assert_case(session, case, wire)


@check("SEND-017", needs=["cases"])
def test_send_017_validity_period_is_a_whole_number(
    session: Session, case: Case, wire: str
) -> None:
    """A validityPeriod that is a whole number is accepted, anything else rejected."""
    assert_case(session, case, wire)


@check("SEND-018", needs=["cases"])
def test_send_018_send_at_that_is_not_an_instant_is_rejected(
    session: Session, case: Case, wire: str
) -> None:
    """A sendAt that is no date and time is rejected."""
    assert_case(session, case, wire)


@check("SEND-019", needs=["cases"])
def test_send_019_window_is_an_object(session: Session, case: Case, wire: str) -> None:
    """A deliveryTimeWindow that is no object is rejected."""
    assert_case(session, case, wire)


@check("SEND-020", needs=["documented"], order=AFTER_CASES)
def test_send_020_documented_request_is_accepted(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """The documented request, with every field that it shows, is accepted."""
    require_minimal_accepted(session, wire)
    documented = session.send_example("documented-request", wire)
    if wire == "xml" and documented.outcome is RequestOutcome.REJECTED:
        require_days_accepted(session)
    other = session.send_example("documented-request", session.wires[0])
    assert_accepted_unless_explained(documented, other, findings)


@check("SEND-020", needs=["pool"], order=AFTER_CASES)
def test_send_020_generated_requests_are_accepted(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Generated requests, each with some of the documented fields, are accepted."""
    require_minimal_accepted(session, wire)
    counterparts = session.send_generated(session.wires[0])
    if not counterparts:
        raise NotApplicable(f"the profile {session.plan.profile.name} sends none")
    for exchange, other in zip(session.send_generated(wire), counterparts, strict=True):
        assert_accepted_unless_explained(exchange, other, findings)


@check("SEND-020", needs=["pool"], order=AFTER_CASES)
def test_send_020_other_spellings_are_accepted(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A request is accepted with white space between its fields, and with escapes or references in texts."""
    require_minimal_accepted(session, wire)
    other = session.send_named(session.wires[0])
    assert_accepted_unless_explained(session.send_named(wire), other, findings)


@check("SEND-020", needs=["cases"], order=AFTER_CASES)
def test_send_020_values_without_limits_are_accepted(
    session: Session, case: Case, wire: str
) -> None:
    """Long texts, markup and characters beyond the BMP are accepted where no limit is documented."""
    assert_case(session, case, wire)


def assert_accepted_unless_explained(
    exchange: Exchange, counterpart: Exchange, findings: list[Finding]
) -> None:
    """Demand that a good request is accepted, unless something in it failed a check of its own.

    counterpart: the same in the first format; XML-004 checks that the second alone is not rejected.
    """
    root = get_rejected_field(findings, exchange)
    if (
        not root
        and exchange.wire == "xml"
        and counterpart.wire != "xml"
        and counterpart.has_succeeded
    ):
        root = XML_PARITY_REQUIREMENT
    if exchange.outcome is RequestOutcome.REJECTED and root:
        raise Explained(exchange.got, expected=ACCEPTANCE, caused_by=root, exchange=exchange)
    assert_succeeded(exchange)


@check("SEND-022", needs=["cases"])
def test_send_022_known_kinds_of_tracking(session: Session, case: Case, wire: str) -> None:
    """Both documented values of track are accepted, anything else rejected."""
    assert_case(session, case, wire)


@check("SEND-023", needs=["cases"])
def test_send_023_lengths_count_characters(session: Session, case: Case, wire: str) -> None:
    """CallbackData of the greatest length is accepted in scripts that take more bytes, too."""
    try:
        assert_case(session, case, wire)
    except CheckFailed as failure:
        plain = get_case("callback-data-200")
        if session.send_alone(plain, wire).outcome is RequestOutcome.REJECTED:
            raise explain(failure, plain.requirement_id) from None
        raise


@check("SEND-024", needs=["cases"])
def test_send_024_leading_plus_is_accepted(session: Session, case: Case, wire: str) -> None:
    """A to with a leading plus is accepted."""
    assert_case(session, case, wire)


@check("SEND-025", needs=["cases"])
def test_send_025_punctuation_in_sender_is_accepted(
    session: Session, case: Case, wire: str
) -> None:
    """A sender with a space and a full stop is accepted."""
    assert_case(session, case, wire)


@check("SEND-026", needs=["cases"])
def test_send_026_optional_field_may_be_missing(session: Session, case: Case, wire: str) -> None:
    """A request is accepted without a field that is optional."""
    assert_case(session, case, wire)


@check("SEND-026")
def test_send_026_minimal_request_is_accepted(session: Session, wire: str) -> None:
    """One message with a sender, one destination and a text is accepted."""
    assert_succeeded(session.send_example("minimal-request", wire))


@check("VAL-001", needs=["cases"])
def test_val_001_long_validity_period_is_accepted(session: Session, case: Case, wire: str) -> None:
    """A validityPeriod above the greatest effective one is accepted."""
    assert_case(session, case, wire)


@check("SCHED-002", needs=["cases"])
def test_sched_002_send_at_in_the_future_is_accepted(
    session: Session, case: Case, wire: str
) -> None:
    """A message to be sent in the future is accepted."""
    assert_case(session, case, wire)
