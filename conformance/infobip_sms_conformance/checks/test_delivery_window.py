"""Checks of the delivery time window: WIN."""

from infobip_sms_conformance.checks.support.assertions import assert_case
from infobip_sms_conformance.checks.support.calls import has_failed
from infobip_sms_conformance.checks.support.xml_lists import find_lost_days
from infobip_sms_conformance.contract.cases import get_case
from infobip_sms_conformance.contract.files import Case
from infobip_sms_conformance.observations.exchange import RequestOutcome
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Finding,
    explain,
)
from infobip_sms_conformance.session.registry import check
from infobip_sms_conformance.session.session import Session


@check("WIN-001", needs=["cases"])
def test_win_001_from_and_to_come_together(session: Session, case: Case, wire: str) -> None:
    """A window without from and to is accepted, one with only one of them rejected."""
    assert_case(session, case, wire)


@check("WIN-002", needs=["cases"])
def test_win_002_days_are_mandatory(session: Session, case: Case, wire: str) -> None:
    """A window of one day is accepted, one without days rejected."""
    try:
        assert_case(session, case, wire)
    except CheckFailed as failure:
        every = get_case("window-every-day")
        if not case.rejected and session.send_alone(every, wire).outcome is RequestOutcome.REJECTED:
            raise explain(failure, every.requirement_id) from None
        raise


@check("WIN-003", needs=["cases"])
def test_win_003_days_of_the_week(
    session: Session, case: Case, wire: str, findings: list[Finding]
) -> None:
    """Every day of the week is accepted, a day that is not its English name in capitals rejected."""
    try:
        assert_case(session, case, wire)
    except CheckFailed as failure:
        if case.rejected and wire == "xml" and find_lost_days(session) is not None:
            raise explain(failure, "XML-002") from None
        if not case.rejected and has_failed(findings, "WIN-001"):  # it has no times either
            raise explain(failure, "WIN-001") from None
        raise


@check("WIN-004", needs=["cases"])
def test_win_004_limits_of_hour(session: Session, case: Case, wire: str) -> None:
    """The first and the last hour of a day are accepted, those beyond rejected."""
    assert_case(session, case, wire)


@check("WIN-005", needs=["cases"])
def test_win_005_limits_of_minute(session: Session, case: Case, wire: str) -> None:
    """The first and the last minute of an hour are accepted, those beyond rejected."""
    assert_case(session, case, wire)


@check("WIN-006", needs=["cases"])
def test_win_006_hour_and_minute_are_mandatory(session: Session, case: Case, wire: str) -> None:
    """A time of day without its hour or its minute is rejected."""
    assert_case(session, case, wire)
