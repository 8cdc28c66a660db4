"""HTTP 200 for an invalid request, with rejections at its destinations (READ-001)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from infobip_sms_schema import SmsResponse, SmsResponseV1

from tests.sandbox.lifecycle.virtual_sandbox import CODECS, SEND, SEND_V1, Bench, find_text

GOOD = {"to": "41793026727"}
NIGHT = {
    "days": ["MONDAY"],
    "from": {"hour": 22, "minute": 0},
    "to": {"hour": 6, "minute": 0},
}
ACCEPTED, MISSING, INVALID, SOURCE, OTHER = 26, 51, 52, 11, 21


def make_bench(**readings: str) -> Bench:
    """Return a sandbox that responds to invalid requests with 200."""
    return Bench(readings={"READ-001": "200", **readings})


def ask(bench: Bench, document: Any, wire: str = "json", path: str = SEND) -> Any:
    """Send a document as it stands; return the response."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return bench.ask("POST", path, body, wire)


def send(bench: Bench, *messages: dict[str, Any], path: str = SEND, **outer: Any) -> Any:
    """Send messages and return the response, which must be 200."""
    response = ask(bench, {"messages": list(messages), **outer}, path=path)
    assert response.status == 200, response.body
    return CODECS["json"].parse_response(
        response.body, SmsResponse if path == SEND else SmsResponseV1
    )


def find_ids(answer: Any) -> list[int]:
    """Return the status of each entry."""
    return [entry.status.id for entry in answer.messages]


@pytest.mark.parametrize(
    ("destination", "to", "status"),
    [
        ({}, "", MISSING),
        ({"to": ""}, "", MISSING),
        ({"to": None}, "", MISSING),
        ({"to": "41 79"}, "41 79", INVALID),
        ({"to": "+"}, "+", INVALID),
        ({"to": 41793026727}, "41793026727", INVALID),
        ({"to": "41793026727", "messageId": 5}, "41793026727", OTHER),
        ({"to": "", "messageId": 5}, "", MISSING),
    ],
)
def test_read_001_an_invalid_destination_is_rejected_alone(
    destination: dict[str, Any], to: str, status: int
) -> None:
    """The others of its message are accepted and delivered; the entries are in order."""
    virtual = make_bench()
    answer = send(virtual, {"destinations": [GOOD, destination, GOOD]}, {"destinations": [GOOD]})
    virtual.wait(minutes=1)

    assert find_ids(answer) == [ACCEPTED, status, ACCEPTED, ACCEPTED]
    assert [entry.to for entry in answer.messages][1] == to
    assert {entry.status.group_name for entry in answer.messages} == {"PENDING", "REJECTED"}
    assert [log.status.name for log in virtual.logs()] == ["DELIVERED_TO_HANDSET"] * 3


@pytest.mark.parametrize(
    ("member", "status"),
    [
        ({"from": "In"}, SOURCE),
        ({"from": "41"}, SOURCE),
        ({"from": "In", "flash": "yes"}, OTHER),
        ({"text": 5}, OTHER),
        ({"callbackData": "x" * 201}, OTHER),
        ({"sendAt": "tomorrow"}, OTHER),
        ({"deliveryTimeWindow": {"days": []}}, OTHER),
    ],
)
@pytest.mark.parametrize("path", [SEND, SEND_V1])
def test_read_001_an_invalid_message_is_rejected_at_all_of_its_destinations(
    member: dict[str, Any], status: int, path: str
) -> None:
    """A destination that is wrong by itself keeps its own status; other messages are accepted."""
    virtual = make_bench(**{"READ-046": "26"})
    if path == SEND_V1 and "callbackData" in member:
        status = ACCEPTED  # V1-007: no limit
    faulty = {"destinations": [GOOD, {"to": ""}, GOOD], **member}
    answer = send(virtual, {"destinations": [GOOD]}, faulty, path=path)

    assert find_ids(answer) == [ACCEPTED, status, MISSING, status]


def test_read_001_a_rejection_leaves_no_message_behind() -> None:
    """A given messageId comes back, none is made up; the logs know nothing of it, bulkId counts all."""
    virtual = make_bench()
    named = {"to": "x", "messageId": "mine"}
    faulty = {"destinations": [GOOD], "text": 5}
    answer = send(virtual, {"destinations": [named, {"to": "y"}]}, faulty, bulkId="B")
    virtual.wait(minutes=1)

    assert [entry.message_id for entry in answer.messages] == ["mine", None, None]
    assert answer.bulk_id == "B"
    assert virtual.logs() == []
    assert virtual.reports() == []
    assert virtual.pushed == []


@pytest.mark.parametrize(
    "document",
    [
        {"messages": []},
        {},
        [],
        {"messages": [{"destinations": []}]},
        {"messages": [{"destinations": [GOOD]}, {"text": "x"}]},
        {"messages": [{"destinations": [GOOD]}, "x"]},
        {"messages": [{"destinations": [GOOD, "x"]}]},
        {"messages": [{"destinations": [{"to": ["41"]}]}]},
        {"messages": [{"destinations": [{"to": True}]}]},
        {"messages": [{"destinations": [{"to": "\ud800"}]}]},
        {"bulkId": 5, "messages": [{"destinations": [{"to": ""}]}]},
        {"tracking": {"track": "ALL"}, "messages": [{"destinations": [{"to": ""}]}]},
        b"",
        b"{",
        b"<request/>",
    ],
    ids=lambda document: repr(document)[:60],
)
def test_read_001_what_cannot_be_said_at_a_destination_stays_400(document: Any) -> None:
    """Without destinations, or with a violation outside of the messages, the whole request is rejected."""
    virtual = make_bench()
    response = ask(virtual, document)

    assert response.status == 400
    assert find_text(response).startswith("Bad request")
    assert virtual.state.messages == {}


def test_read_001_other_operations_respond_with_400() -> None:
    """Only sending has destinations."""
    for method, path, body in (
        ("POST", "/sms/1/preview", b"{}"),
        ("PUT", "/sms/1/bulks", b"{}"),
    ):
        assert make_bench().ask(method, path, body, bulkId="B").status == 400


def test_read_001_more_faults_than_are_counted() -> None:
    """Each of 300 invalid destinations and messages is rejected, and the valid ones between them are not."""
    virtual = make_bench()
    rows = [{"to": "x"}] * 300
    many = send(virtual, {"destinations": [*rows, GOOD, *rows]})
    faulty = {"destinations": [GOOD], "text": 5}
    wide = send(virtual, *[faulty] * 300, {"destinations": [GOOD]})

    assert find_ids(many) == [INVALID] * 300 + [ACCEPTED] + [INVALID] * 300
    assert find_ids(wide) == [OTHER] * 300 + [ACCEPTED]


def test_read_001_more_faults_than_are_counted_do_not_hide_one_around_them() -> None:
    """A fault outside of the messages is seen behind any number of others."""
    rows = [{"to": "x"}] * 300
    response = ask(
        make_bench(), {"messages": [{"destinations": rows}], "tracking": {"track": "ALL"}}
    )

    assert response.status == 400


def test_read_001_what_only_the_form_of_xml_shows_is_rejected_too() -> None:
    """A duplicate element is a violation of its message alone."""
    one = "<destinations><destination><to>41793026727</to></destination></destinations>"
    twice = f"<message><from>ABCD</from><from>ABCD</from>{one}</message>"
    flag = f"<message><flash>yes</flash>{one}</message>"
    good = f"<message>{one}</message>"
    body = f"<request><messages>{twice}{good}{flag}</messages></request>".encode()
    response = ask(make_bench(), body, "xml")
    answer = CODECS["xml"].parse_response(response.body, SmsResponse)

    assert find_ids(answer) == [OTHER, ACCEPTED, OTHER]


def test_read_001_a_window_over_midnight_is_rejected_too() -> None:
    """READ-008 is a violation of a message, alone or beside others of the request."""
    virtual = make_bench(**{"READ-008": "rejected"})
    night = {"destinations": [GOOD], "deliveryTimeWindow": NIGHT}
    alone = send(virtual, night, {"destinations": [GOOD]})
    beside = send(virtual, night, {"destinations": [{"to": ""}]})

    assert find_ids(alone) == [OTHER, ACCEPTED]
    assert find_ids(beside) == [OTHER, MISSING]


@given(
    st.dictionaries(
        st.sampled_from(["to", "messageId", "x"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.none()),
    ),
    st.dictionaries(
        st.sampled_from(["from", "text", "flash", "sendAt", "language", "deliveryTimeWindow"]),
        st.none() | st.integers() | st.text(max_size=4) | st.lists(st.integers(), max_size=2),
    ),
    st.sampled_from(["json", "xml"]),
)
def test_read_001_anything_gets_one_of_the_two_responses(
    destination: dict[str, Any], message: dict[str, Any], accept: str
) -> None:
    """400, or 200 with an entry for each destination, whatever is in it and in either format."""
    rows = [GOOD, destination]
    body = json.dumps({"messages": [{**message, "destinations": rows}]}).encode()
    wanted = {"accept": f"application/{accept}"}
    response = make_bench().ask("POST", SEND, body, headers=wanted)

    assert response.status in {200, 400}
    if response.status == 200:
        answer = CODECS[accept].parse_response(response.body, SmsResponse)
        assert len(answer.messages) == len(rows)
