"""Checks of the request's members: SEND, VAL and SCHED.

Lives here: cases at the limits of each member, and the documented requests as they are.
Never here: the delivery time window, which has a file of its own.
"""

from infobip_sms_conformance.data import Case
from infobip_sms_conformance.exchanges import Outcome
from infobip_sms_conformance.judging import is_explained, judge_case, judge_taken
from infobip_sms_conformance.plugin import requirement
from infobip_sms_conformance.session import Session
from infobip_sms_conformance.verdicts import Finding, Inconclusive


@requirement("SEND-002")
def test_send_002_request_without_messages_is_refused(
    session: Session, case: Case, wire: str
) -> None:
    """A request without a message is refused."""
    judge_case(session, case, wire)


@requirement("SEND-003")
def test_send_003_length_of_alphanumeric_sender(session: Session, case: Case, wire: str) -> None:
    """A sender that is not all digits is accepted at its shortest and longest, refused beyond."""
    judge_case(session, case, wire)


@requirement("SEND-004")
def test_send_004_length_of_numeric_sender(session: Session, case: Case, wire: str) -> None:
    """A sender of digits only is accepted at its shortest and longest, refused beyond."""
    judge_case(session, case, wire)


@requirement("SEND-005")
def test_send_005_message_without_destination_is_refused(
    session: Session, case: Case, wire: str
) -> None:
    """A message without a destination is refused."""
    judge_case(session, case, wire)


@requirement("SEND-007")
def test_send_007_missing_or_empty_to_is_refused(session: Session, case: Case, wire: str) -> None:
    """A destination whose to is missing or empty is refused."""
    judge_case(session, case, wire)


@requirement("SEND-008")
def test_send_008_to_that_is_no_number_is_refused(session: Session, case: Case, wire: str) -> None:
    """A to that is no number in international format is refused."""
    judge_case(session, case, wire)


@requirement("SEND-010")
def test_send_010_flash_is_true_or_false(session: Session, case: Case, wire: str) -> None:
    """A flash of true is accepted, a word that is neither true nor false refused."""
    judge_case(session, case, wire)


@requirement("SEND-011")
def test_send_011_known_language_codes(session: Session, case: Case, wire: str) -> None:
    """Each documented language code is accepted, anything else refused."""
    judge_case(session, case, wire)


@requirement("SEND-012")
def test_send_012_known_transliterations(session: Session, case: Case, wire: str) -> None:
    """Each documented transliteration is accepted, anything else refused."""
    judge_case(session, case, wire)


@requirement("SEND-013")
def test_send_013_intermediate_report_is_true_or_false(
    session: Session, case: Case, wire: str
) -> None:
    """An intermediateReport of false is accepted, a word that is neither true nor false refused."""
    judge_case(session, case, wire)


@requirement("SEND-015")
def test_send_015_known_notify_content_types(session: Session, case: Case, wire: str) -> None:
    """Both documented notifyContentTypes are accepted, anything else refused."""
    judge_case(session, case, wire)


@requirement("SEND-016")
def test_send_016_length_of_callback_data(session: Session, case: Case, wire: str) -> None:
    """CallbackData of the greatest length is accepted in any message, one character more refused."""
    judge_case(session, case, wire)


@requirement("SEND-017")
def test_send_017_validity_period_is_a_whole_number(
    session: Session, case: Case, wire: str
) -> None:
    """A validityPeriod that is a whole number is accepted, anything else refused."""
    judge_case(session, case, wire)


@requirement("SEND-018")
def test_send_018_send_at_that_is_no_instant_is_refused(
    session: Session, case: Case, wire: str
) -> None:
    """A sendAt that is no date and time is refused."""
    judge_case(session, case, wire)


@requirement("SEND-019")
def test_send_019_window_is_an_object(session: Session, case: Case, wire: str) -> None:
    """A deliveryTimeWindow that is no object is refused."""
    judge_case(session, case, wire)


@requirement("SEND-020")
def test_send_020_documented_request_is_accepted(session: Session, wire: str) -> None:
    """The documented request, with every member that it shows, is accepted."""
    documented = session.send_example("documented-request", wire)
    if (
        wire == "xml"
        and documented.outcome is Outcome.REFUSED
        and session.send_days().outcome is Outcome.REFUSED
    ):
        raise Inconclusive("refused because of its days; see XML-002", sent=documented.what)
    judge_taken(documented)


@requirement("SEND-020", last=True)
def test_send_020_generated_requests_are_accepted(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """Generated requests, each with some of the documented members, are accepted."""
    for exchange in session.send_generated(wire):
        if exchange.outcome is Outcome.REFUSED and is_explained(findings):
            raise Inconclusive("refused, perhaps for what failed above", sent=exchange.what)
        judge_taken(exchange)


@requirement("SEND-022")
def test_send_022_known_kinds_of_tracking(session: Session, case: Case, wire: str) -> None:
    """Both documented values of track are accepted, anything else refused."""
    judge_case(session, case, wire)


@requirement("SEND-023")
def test_send_023_lengths_count_characters(session: Session, case: Case, wire: str) -> None:
    """CallbackData of the greatest length is accepted in scripts that take more bytes, too."""
    judge_case(session, case, wire)


@requirement("SEND-024")
def test_send_024_leading_plus_is_accepted(session: Session, case: Case, wire: str) -> None:
    """A to with a leading plus is accepted."""
    judge_case(session, case, wire)


@requirement("SEND-025")
def test_send_025_punctuation_in_sender_is_accepted(
    session: Session, case: Case, wire: str
) -> None:
    """A sender with a space and a full stop is accepted."""
    judge_case(session, case, wire)


@requirement("SEND-026")
def test_send_026_optional_member_may_be_missing(session: Session, case: Case, wire: str) -> None:
    """A request is accepted without a member that is optional."""
    judge_case(session, case, wire)


@requirement("SEND-026")
def test_send_026_minimal_request_is_accepted(session: Session, wire: str) -> None:
    """One message with a sender, one destination and a text is accepted."""
    judge_taken(session.send_example("minimal-request", wire))


@requirement("VAL-001")
def test_val_001_long_validity_period_is_accepted(session: Session, case: Case, wire: str) -> None:
    """A validityPeriod above the greatest effective one is accepted."""
    judge_case(session, case, wire)


@requirement("SCHED-002")
def test_sched_002_send_at_in_the_future_is_accepted(
    session: Session, case: Case, wire: str
) -> None:
    """A message to be sent in the future is accepted."""
    judge_case(session, case, wire)
