"""Checks of authorization: AUTH."""

import pytest

from infobip_sms_conformance.checks.support.assertions import ACCEPTANCE, require_response
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.observations.exchange import UNAUTHORIZED, Exchange, RequestOutcome
from infobip_sms_conformance.observations.verdicts import CheckFailed, Inconclusive, NotApplicable
from infobip_sms_conformance.session.registry import check
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.credentials import Secret, build_basic


@check("AUTH-001", needs=["unauthorized"])
def test_auth_001_missing_authorization(session: Session, wire: str) -> None:
    """A request without Authorization gets a 401."""
    assert_unauthorized(send_as(session, wire, None, "without Authorization"))


@check("AUTH-002", needs=["unauthorized"])
@pytest.mark.parametrize("wrong", ["password", "user", "key"])
def test_auth_002_wrong_credentials(session: Session, wire: str, wrong: str) -> None:
    """A request with a wrong user, password or API key gets a 401."""
    mine = session.credentials
    if wrong == "key" and mine.app is None:
        raise NotApplicable("no API key was given")
    if wrong != "key" and mine.user is None:
        raise NotApplicable("no user was given")
    if wire != (session.wires[-1] if wrong == "user" else session.wires[0]):
        raise NotApplicable("checked in the other format")
    values = {
        "password": build_basic(mine.user or "", f"not {mine.password}"),
        "user": build_basic(f"not {mine.user}", mine.password),
        # Its beginning: whoever compares only that far takes it, and so does whoever takes any key.
        "key": Secret((mine.app or "")[:-1]),
    }
    assert_unauthorized(send_as(session, wire, values[wrong], f"with a wrong {wrong}"))


@check("AUTH-003")
def test_auth_003_basic_is_accepted(session: Session, wire: str) -> None:
    """A request with the right user and password is accepted."""
    basic = session.credentials.basic
    if basic is None:
        raise NotApplicable("no user was given")
    if session.authorization == basic:
        assert_authorized(session.send_example("minimal-request", wire))
    else:
        assert_authorized(send_as(session, wire, basic, "with Basic"))


@check("AUTH-004", needs=["app"])
def test_auth_004_app_is_accepted(session: Session, wire: str) -> None:
    """A request with the right API key is accepted."""
    if session.credentials.app is None:
        raise NotApplicable("no API key was given")
    assert_authorized(send_as(session, wire, session.credentials.app, "with App"))


def send_as(session: Session, wire: str, authorization: str | None, label: str) -> Exchange:
    """Send the minimal request with an Authorization of choice."""
    document = read_example("minimal-request")
    return session.send(document, wire, f"the minimal request {label}", authorization=authorization)


def assert_unauthorized(exchange: Exchange) -> None:
    """Demand a 401."""
    require_response(exchange)
    if exchange.status != UNAUTHORIZED:
        raise CheckFailed(exchange.got, expected=f"HTTP {UNAUTHORIZED}", exchange=exchange)


def assert_authorized(exchange: Exchange) -> None:
    """Require that credentials were accepted; a request rejected for other reasons proves nothing."""
    require_response(exchange)
    if exchange.status in {UNAUTHORIZED, 403}:
        raise CheckFailed(exchange.got, expected=ACCEPTANCE, exchange=exchange)
    if exchange.outcome is not RequestOutcome.ACCEPTED:
        raise Inconclusive(exchange.got, expected=ACCEPTANCE, exchange=exchange)
