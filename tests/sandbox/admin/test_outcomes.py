"""Outcomes for any number: chosen by the admin API, the command line or a test, or by a reserved range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import Destination, Message, SmsRequest
from infobip_sms.sandbox import running
from infobip_sms.sandbox.state.outcomes import (
    OutcomeRule,
    OutcomeTable,
    parse_rule,
    parse_rule_text,
)
from tests.sandbox.admin.calls import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infobip_sms.sandbox import Sandbox

TO, OTHER = "447700900123", "447700900456"


@pytest.fixture(name="sandbox", scope="module")
def fixture_module_sandbox() -> Iterator[Sandbox]:
    """Give a sandbox whose clock stands still, with one outcome from its start."""
    with running(frozen=True, delay=0, outcomes=("4179*=EXPIRED,after=60",)) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def fixture_reset(sandbox: Sandbox) -> None:
    """Start over."""
    sandbox.reset()


def send(sandbox: Sandbox, *numbers: str) -> list[str | None]:
    """Send a message; return the status of each destination an hour later."""
    destinations = [Destination(to=to) for to in numbers]
    request = SmsRequest(messages=[Message(destinations=destinations, text="Hi")])
    bulk = sandbox.client().send(request)
    sandbox.clock.advance(3600)
    ids = [entry.message_id for entry in bulk.messages]
    found = {m.message_id: m.status_name for m in sandbox.messages()}
    return [found.get(message_id or "") for message_id in ids]


def test_an_outcome_is_for_a_number_or_a_prefix(sandbox: Sandbox) -> None:
    """The latest for a number counts; a reset leaves those from the start."""
    sandbox.outcome("4477009*", "UNDELIVERABLE", error=1, after=5)
    sandbox.outcome(f"+{TO}", "REJECTED_NOT_ENOUGH_CREDITS")

    assert send(sandbox, TO, OTHER, f"+{OTHER}") == [
        "REJECTED_NOT_ENOUGH_CREDITS",
        "UNDELIVERABLE_NOT_DELIVERED",
        "UNDELIVERABLE_NOT_DELIVERED",
    ]
    assert send(sandbox, "41793026727") == ["EXPIRED_EXPIRED"]
    sandbox.reset()
    assert send(sandbox, OTHER, "41793026727") == ["DELIVERED_TO_HANDSET", "EXPIRED_EXPIRED"]


def test_an_outcome_for_some_times_fails_first_and_then_works(sandbox: Sandbox) -> None:
    """Each number has its own count."""
    sandbox.outcome("4477009*", 9, times=2)
    found = [send(sandbox, TO, OTHER) for _ in range(3)]

    assert found == [["UNDELIVERABLE_NOT_DELIVERED"] * 2] * 2 + [["DELIVERED_TO_HANDSET"] * 2]


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("+447700900009", "UNDELIVERABLE_NOT_DELIVERED"),
        ("15005550015", "EXPIRED_EXPIRED"),
        ("15005551006", "REJECTED_NETWORK"),
        ("447700900000", "DELIVERED_TO_HANDSET"),
        ("15005550000", "DELIVERED_TO_HANDSET"),
        ("447700900999", "DELIVERED_TO_HANDSET"),
        ("4477009000090", "DELIVERED_TO_HANDSET"),
    ],
)
def test_the_last_digits_of_a_reserved_number_are_its_status(
    sandbox: Sandbox, to: str, status: str
) -> None:
    """Validators accept such numbers; what is no status is delivered."""
    assert send(sandbox, to) == [status]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "to: expected a number"),
        ({"to": "*41", "status": 5}, "to: expected a number"),
        ({"to": "41", "status": "SENT"}, "status: expected the ID"),
        ({"to": "41", "status": True}, "status: expected the ID"),
        ({"to": "41", "status": 5, "error": "x"}, "error: expected the ID"),
        ({"to": "41", "status": 5, "error": {}}, "error: expected the ID"),
        ({"to": "41", "status": 5, "after": -1}, "after: expected a number of seconds"),
        ({"to": "41", "status": 5, "after": float("nan")}, "after: expected a number of seconds"),
        ({"to": "41", "status": 5, "reports": 10}, "reports: expected an integer"),
        ({"to": "41", "status": 5, "times": 0}, "times: expected an integer"),
        ({"to": "41", "status": 5, "delay": 0}, 'expected {"to"'),
        ([], 'body: expected one of {"to"'),
    ],
    ids=str,
)
def test_an_outcome_that_cannot_be_meant_is_400(sandbox: Sandbox, body: Any, error: str) -> None:
    """The error says what was expected, and nothing is chosen."""
    before = ask(sandbox.url, "GET", "outcomes").plain
    response = ask(sandbox.url, "POST", "outcomes", body)

    assert response.status == 400
    assert response.error.startswith(error)
    assert ask(sandbox.url, "GET", "outcomes").plain == before


def test_chosen_outcomes_are_shown_and_forgotten(sandbox: Sandbox) -> None:
    """In the form in which they are posted; the response to one does not list the others."""
    body = {"to": "*", "status": 9, "error": 1, "after": 5, "reports": 2, "times": 1}
    added = ask(sandbox.url, "POST", "outcomes", body).plain
    shown = ask(sandbox.url, "GET", "outcomes").plain["outcomes"]

    assert added == body
    assert [rule["to"] for rule in shown] == ["4179*", "*"]
    assert shown[1] == body
    assert ask(sandbox.url, "DELETE", "outcomes").plain == {"deleted": 2}
    assert ask(sandbox.url, "GET", "outcomes").plain == {"outcomes": []}


def test_one_chosen_outcome_is_forgotten(sandbox: Sandbox) -> None:
    """By the number for which it was chosen; a slip forgets none."""
    ask(sandbox.url, "POST", "outcomes", {"to": "+4179302", "status": 9})
    for slip in ("too=4179302", "to=4179302&to=1"):
        assert ask(sandbox.url, "DELETE", f"outcomes?{slip}").status == 400
    assert ask(sandbox.url, "DELETE", "outcomes?to=4179303").plain == {"deleted": 0}
    assert ask(sandbox.url, "DELETE", "outcomes?to=+4179302").plain == {"deleted": 1}
    assert len(ask(sandbox.url, "GET", "outcomes").plain["outcomes"]) == 1


@pytest.mark.parametrize(
    ("method", "place"),
    [
        ("POST", "reset?x=1"),
        ("DELETE", "faults?id=RESP-002"),
        ("GET", "health?x"),
        ("POST", "clock?x"),
        ("POST", "outcomes?to=41"),
        ("GET", "outcomes?to=41"),
    ],
)
def test_a_query_that_means_nothing_is_400(sandbox: Sandbox, method: str, place: str) -> None:
    """It would be ignored, and do more than was meant."""
    response = ask(sandbox.url, method, place, {"to": "41", "status": 5})

    assert (response.status, response.error.partition(":")[0]) == (400, "query")


def test_the_text_of_an_outcome_is_its_object() -> None:
    """What the command line takes is what the admin API takes."""
    rule = parse_rule({"to": "+41*", "status": "UNDELIVERABLE", "error": 1, "after": 5.0})

    assert parse_rule_text("+41*=undeliverable, error=1, after=5") == rule
    assert rule == OutcomeRule(to="41*", status=9, error=1, after=5.0)
    with pytest.raises(ValueError, match="error: expected a number"):
        parse_rule_text("41=DELIVERED,error=x")


def test_a_later_outcome_for_the_same_numbers_replaces_the_earlier_one() -> None:
    """So that a long test run keeps no long list."""
    table = OutcomeTable()
    for _ in range(1000):
        table.add(OutcomeRule(to="41", status=9))

    assert len(table.rules) == 1
