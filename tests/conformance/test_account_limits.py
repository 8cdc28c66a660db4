"""Limits of the account: they excuse what a check says of a rejection, and nothing else."""

from __future__ import annotations

import json
from email.message import EmailMessage
from typing import Any

import pytest
from infobip_sms_conformance.checks.support.account_limits import (
    excuse_outcome,
    find_account_limit,
)
from infobip_sms_conformance.observations.exchange import Exchange, find_send_response
from infobip_sms_conformance.observations.verdicts import CheckFailed, Explained, Inconclusive
from infobip_sms_conformance.transport.http import RawRequest, RawResponse

SEND, LOGS = "/sms/2/text/advanced", "/sms/1/logs?limit=1"
ACCEPTED = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}


def build_status(number: int, name: str) -> dict[str, Any]:
    """Build a status of the group REJECTED."""
    return {"groupId": 5, "groupName": "REJECTED", "id": number, "name": name}


FLOODED = build_status(20, "REJECTED_FLOODING_FILTER")


def build_exchange(
    *statuses: dict[str, Any], code: int = 200, path: str = SEND, body: bytes = b""
) -> Exchange:
    """Build an exchange with a response of some entries, or of a body."""
    entries = [{"to": "41793026727", "status": status} for status in statuses]
    response = RawResponse(code, EmailMessage(), body or json.dumps({"messages": entries}).encode())
    request = RawRequest("POST", path, {}, b"")
    found = find_send_response(response) if path == SEND else None
    return Exchange("a request", {}, "json", response, request=request, send_response=found)


@pytest.mark.parametrize(
    ("number", "name", "is_limit"),
    [
        (12, "REJECTED_NOT_ENOUGH_CREDITS", True),
        (20, "REJECTED_FLOODING_FILTER", True),
        (19, "REJECTED_ROUTE_NOT_AVAILABLE", True),
        (14, "REJECTED_DESTINATION", True),
        (52, "REJECTED_DESTINATION", False),
        (51, "MISSING_TO", False),
        (11, "REJECTED_SOURCE", False),
    ],
)
def test_limit_is_known_by_its_id(number: int, name: str, is_limit: bool) -> None:
    """Credits, floods, routes and blacklists are limits; 14 and 52 share a name, and 52 is none."""
    assert bool(find_account_limit(build_exchange(build_status(number, name)))) == is_limit


def test_limit_is_known_in_an_error_body_by_words_of_its_own() -> None:
    """The body of a 400 may name a limit; a word such as DESTINATION names none."""
    limit = build_exchange(code=400, body=b'{"text":"NOT_ENOUGH_CREDITS"}')
    other = build_exchange(code=400, body=b'{"text":"DESTINATION is missing, SENDER too"}')

    assert find_account_limit(limit) == "REJECTED_NOT_ENOUGH_CREDITS"
    assert find_account_limit(other) == ""


def test_rejection_by_a_limit_is_no_failure() -> None:
    """What a check says of a request that a limit stopped cannot be decided, explained or not."""
    limited = build_exchange(FLOODED)
    for outcome in (CheckFailed("", exchange=limited), Explained("", exchange=limited)):
        excused = excuse_outcome(outcome, [limited])

        assert isinstance(excused, Inconclusive)
        assert excused.got == "the server says REJECTED_FLOODING_FILTER"


def test_failure_of_a_message_request_stands_beside_a_limit() -> None:
    """A 500, or a wrong response to an accepted request, is not excused by a limit that another request met."""
    limited = build_exchange(FLOODED)
    for shown in (build_exchange(code=500, body=b"oops"), build_exchange(ACCEPTED)):
        failure = CheckFailed("", exchange=shown)

        assert excuse_outcome(failure, [limited, shown]) is failure


def test_lookup_of_messages_is_excused_by_the_limit_that_these_met() -> None:
    """Where messages were not accepted, a list that lacks them proves nothing."""
    shown = build_exchange(path=LOGS, body=b'{"results":[]}')
    failure = CheckFailed("", exchange=shown)

    assert excuse_outcome(failure, [build_exchange(ACCEPTED), shown]) is failure
    assert isinstance(excuse_outcome(failure, [build_exchange(FLOODED), shown]), Inconclusive)
