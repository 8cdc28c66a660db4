"""Checks of the delivery time window: WIN.

Lives here: cases at the limits of its members.
Never here: when a message is sent; that takes time, and one exchange does not show it.
"""

from infobip_sms_conformance.checks.support.assertions import judge_case
from infobip_sms_conformance.checks.support.calls import has_failed
from infobip_sms_conformance.checks.support.xml_lists import find_lost_days
from infobip_sms_conformance.contract.files import Case, find_case
from infobip_sms_conformance.observations.exchange import Outcome
from infobip_sms_conformance.observations.verdicts import Broken, Finding, Inconclusive
from infobip_sms_conformance.session.registry import requirement
from infobip_sms_conformance.session.session import Session


@requirement("WIN-001", needs=["refused", "limits", "days"])
def test_win_001_from_and_to_come_together(session: Session, case: Case, wire: str) -> None:
    """A window without from and to is accepted, one with only one of them refused."""
    judge_case(session, case, wire)


@requirement("WIN-002", needs=["refused", "limits", "days"])
def test_win_002_days_are_mandatory(session: Session, case: Case, wire: str) -> None:
    """A window of one day is accepted, one without days refused."""
    try:
        judge_case(session, case, wire)
    except Broken:
        every = find_case("window-every-day")
        if not case.refused and session.send_alone(every, wire).outcome is Outcome.REFUSED:
            got = "refused, as is a window of every day"
            raise Inconclusive(got, because=every.requirement) from None
        raise


@requirement("WIN-003", needs=["refused", "limits", "days"])
def test_win_003_days_of_the_week(
    session: Session, case: Case, wire: str, findings: list[Finding]
) -> None:
    """Every day of the week is accepted, a day that is not its English name in capitals refused."""
    try:
        judge_case(session, case, wire)
    except Broken as failure:
        if case.refused and wire == "xml" and find_lost_days(session) is not None:
            raise Inconclusive(failure.got, because="XML-002", exchange=failure.exchange) from None
        if not case.refused and has_failed(findings, "WIN-001"):  # it has no times either
            raise Inconclusive(failure.got, because="WIN-001", exchange=failure.exchange) from None
        raise


@requirement("WIN-004", needs=["refused", "limits", "days"])
def test_win_004_limits_of_hour(session: Session, case: Case, wire: str) -> None:
    """The first and the last hour of a day are accepted, those beyond refused."""
    judge_case(session, case, wire)


@requirement("WIN-005", needs=["refused", "limits", "days"])
def test_win_005_limits_of_minute(session: Session, case: Case, wire: str) -> None:
    """The first and the last minute of an hour are accepted, those beyond refused."""
    judge_case(session, case, wire)


@requirement("WIN-006", needs=["refused", "limits", "days"])
def test_win_006_hour_and_minute_are_mandatory(session: Session, case: Case, wire: str) -> None:
    """A time of day without its hour or its minute is refused."""
    judge_case(session, case, wire)
