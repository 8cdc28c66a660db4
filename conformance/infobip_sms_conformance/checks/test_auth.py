"""Checks of authorization: AUTH."""

import pytest

from infobip_sms_conformance.checks.support.assertions import ACCEPTANCE, require_response
from infobip_sms_conformance.checks.support.calls import send_bulk, send_by_app
from infobip_sms_conformance.checks.support.near_misses import (
    NOT_BASE64,
    assign_near_misses,
    build_near_misses,
)
from infobip_sms_conformance.checks.support.operations import (
    build_call,
    call_with,
    is_carried_out,
    iter_offered,
    vary_every_operation,
)
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.observations.exchange import (
    BAD_REQUEST,
    UNAUTHORIZED,
    Exchange,
    RequestOutcome,
)
from infobip_sms_conformance.observations.verdicts import CheckFailed, Inconclusive, NotApplicable
from infobip_sms_conformance.session.registry import LAST, check
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.credentials import Secret, build_basic

REJECTED_STATUSES = {UNAUTHORIZED, 403}
ACCEPTED_CREDENTIALS = "no 401 and no 403"


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
        # Nearly right: whoever compares only so far takes it, and so does whoever takes anything. What is added is
        # no letter, so that a short word is found, and hidden, where a server quotes it.
        "password": build_basic(mine.user or "", f"{mine.password}."),
        "user": build_basic(f"{mine.user}.", mine.password),
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
    assert_authorized(send_by_app(session, wire))


# ------------------------------------------------------------------ every operation


@check("AUTH-001", ["json"], needs=["every operation", "named", "scheduled"], order=LAST)
def test_auth_001_missing_authorization_at_every_operation(session: Session) -> None:
    """Every operation that is offered responds with 401 to a request without Authorization."""
    require_other_operations(session)
    for turn, operation in enumerate(iter_offered(session)):
        assert_not_let_in(session, operation, turn, "without Authorization", None)


@check("AUTH-002", ["json"], needs=["near misses", "named", "scheduled"], order=LAST)
def test_auth_002_near_misses(session: Session) -> None:
    """Credentials that differ from the right ones in one respect get a 401, at whichever operation."""
    require_other_operations(session)
    operations = ["send", *iter_offered(session)]
    values = build_near_misses(session.credentials)
    for turn, (kind, operation) in enumerate(assign_near_misses(list(values), operations)):
        value = values[kind]
        malformed = () if kind != NOT_BASE64 else (BAD_REQUEST,)
        assert_not_let_in(session, operation, turn, f"with {kind}", value, *malformed)


@check("AUTH-003", ["json"], order=LAST)
def test_auth_003_basic_is_accepted_by_every_operation(session: Session) -> None:
    """No operation rejects the right user and password."""
    if session.credentials.basic is None:
        raise NotApplicable("no user was given")
    require_other_operations(session)
    assert_never_rejected(session, session.credentials.basic)


@check("AUTH-004", ["json"], needs=["other header fields", "named", "scheduled"], order=LAST)
def test_auth_004_app_is_accepted_by_every_operation(session: Session) -> None:
    """No operation rejects the right API key."""
    if session.credentials.app is None:
        raise NotApplicable("no API key was given")
    require_other_operations(session)
    vary_every_operation(session)
    assert_never_rejected(session, session.credentials.app)


def require_other_operations(session: Session) -> None:
    """Raise NotApplicable where the run looks at the message request alone."""
    if not session.plan.profile.derives:
        raise NotApplicable(f"the profile {session.plan.profile.name} asks one operation")


def assert_not_let_in(
    session: Session,
    operation: str,
    turn: int,
    label: str,
    authorization: str | None,
    *allowed: int,
) -> None:
    """Demand a 401 of an operation, or another status that is allowed, unless it is not offered."""
    call = build_call(session, operation, get_scheduled_id(session))
    wire = session.wires[turn % len(session.wires)]
    found = call_with(session, operation, wire, label, call, authorization)
    is_there = not found.is_absent or operation == "send" or is_carried_out(session, operation)
    if is_there and found.status not in allowed:
        assert_unauthorized(found)


def get_scheduled_id(session: Session) -> str:
    """Return the bulkId of a bulk that was scheduled."""
    return str(send_bulk(session).document["bulkId"])


def assert_never_rejected(session: Session, authorization: str) -> None:
    """Demand that no request of the run was rejected for credentials that are right."""
    for exchange in session.exchanges:
        used = exchange.request.headers.get("authorization") if exchange.request else None
        if used == authorization and exchange.status in REJECTED_STATUSES:
            raise CheckFailed(exchange.got, expected=ACCEPTED_CREDENTIALS, exchange=exchange)


def send_as(session: Session, wire: str, authorization: str | None, label: str) -> Exchange:
    """Send the minimal request with an Authorization of choice."""
    document = {"bulkId": "CONFORMANCE-LOGIN", **read_example("minimal-request")}
    return session.send(document, wire, f"the minimal request {label}", authorization=authorization)


def assert_unauthorized(exchange: Exchange) -> None:
    """Demand a 401."""
    require_response(exchange)
    if exchange.status != UNAUTHORIZED:
        raise CheckFailed(exchange.got, expected=f"HTTP {UNAUTHORIZED}", exchange=exchange)


def assert_authorized(exchange: Exchange) -> None:
    """Require that credentials were accepted; a request rejected for other reasons proves nothing."""
    require_response(exchange)
    if exchange.status in REJECTED_STATUSES:
        raise CheckFailed(exchange.got, expected=ACCEPTANCE, exchange=exchange)
    if exchange.outcome is not RequestOutcome.ACCEPTED:
        raise Inconclusive(exchange.got, expected=ACCEPTANCE, exchange=exchange)
