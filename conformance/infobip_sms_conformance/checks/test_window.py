"""Checks of the delivery time window: WIN.

Lives here: cases at the limits of its members.
Never here: when a message is sent; that takes time, and one exchange does not show it.
"""

from infobip_sms_conformance.data import Case
from infobip_sms_conformance.judging import judge_case
from infobip_sms_conformance.plugin import requirement
from infobip_sms_conformance.session import Session


@requirement("WIN-001")
def test_win_001_from_and_to_come_together(session: Session, case: Case, wire: str) -> None:
    """A window without from and to is accepted, one with only one of them refused."""
    judge_case(session, case, wire)


@requirement("WIN-002")
def test_win_002_days_are_mandatory(session: Session, case: Case, wire: str) -> None:
    """A window of one day is accepted, one without days refused."""
    judge_case(session, case, wire)


@requirement("WIN-003")
def test_win_003_unknown_day_is_refused(session: Session, case: Case, wire: str) -> None:
    """A day that is no English day of the week in capitals is refused."""
    judge_case(session, case, wire)


@requirement("WIN-004")
def test_win_004_limits_of_hour(session: Session, case: Case, wire: str) -> None:
    """The first and the last hour of a day are accepted, those beyond refused."""
    judge_case(session, case, wire)


@requirement("WIN-005")
def test_win_005_limits_of_minute(session: Session, case: Case, wire: str) -> None:
    """The first and the last minute of an hour are accepted, those beyond refused."""
    judge_case(session, case, wire)


@requirement("WIN-006")
def test_win_006_hour_and_minute_are_mandatory(session: Session, case: Case, wire: str) -> None:
    """A time of day without its hour or its minute is refused."""
    judge_case(session, case, wire)
