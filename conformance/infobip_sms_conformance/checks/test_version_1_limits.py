"""Checks of limits that version 1 shares with version 2, one value of each kind: SEND."""

from typing import Any

from infobip_sms_conformance.checks.support.assertions import assert_edit_rejected
from infobip_sms_conformance.checks.support.calls import call_once
from infobip_sms_conformance.checks.test_version_1 import require_version_1
from infobip_sms_conformance.contract.edits import apply_edit
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.fixtures.placement import CaseDocument
from infobip_sms_conformance.observations.verdicts import NotApplicable
from infobip_sms_conformance.session.registry import LATE, check
from infobip_sms_conformance.session.session import Session

EXAMPLE = "minimal-request"


def assert_rejected_by_version_1(session: Session, turn: int, path: str, value: Any) -> None:
    """Demand that version 1 rejects a value, in one format and then the other."""
    if not session.plan.profile.derives:
        raise NotApplicable(f"not asked in the profile {session.plan.profile.name}")
    require_version_1(session, session.wires[turn % len(session.wires)])
    document = apply_edit(read_example(EXAMPLE), path, "set", value)
    label = f"a request of version 1 that is wrong at {path}"
    found = call_once(session, turn, "sendV1", label, document)
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
