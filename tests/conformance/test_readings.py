"""What the suite makes of open questions: which outcome a server takes, and whether always the same."""

import time
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from infobip_sms_conformance.contract import files
from infobip_sms_conformance.observations import readings
from infobip_sms_conformance.observations.exchange import Exchange, find_send_response
from infobip_sms_conformance.transport import http

from infobip_sms.sandbox import running
from tests.conformance.runs_in_process import Judge, find_rows

MINIMAL = files.read_example("minimal-request")
ERROR = b'{"requestError":{"serviceException":{"messageId":"BAD_REQUEST","text":"Bad request"}}}'


def build_reply(**members: Any) -> bytes:
    """Return a response with one accepted destination, of which some fields are as given."""
    status = f'{{"groupId":1,"groupName":"PENDING","id":{members.get("id", 26)},"name":"{members.get("name", "PENDING_ACCEPTED")}"}}'
    bulk = '"bulkId":"b",' if members.get("bulk") else ""
    key = '"trackingProcessKey":"k",' if members.get("key") else ""
    entry = f'{{"to":"{members.get("to", "41793026727")}","messageId":"{members.get("message", "1")}","status":{status}}}'
    return f'{{{bulk}{key}"messages":[{entry}]}}'.encode()


def exchange(
    body: bytes = b"", status: int = 200, what: str = "", document: Any = MINIMAL, **headers: str
) -> Exchange:
    """Return an exchange of version 2 as if it had taken place."""
    answer = http.RawResponse(status, EmailMessage(), body or build_reply())
    fields = {"accept": "application/json"} | headers
    request = http.RawRequest("POST", "/sms/2/text/advanced", fields, b"")
    return Exchange(
        what,
        document,
        "json",
        answer,
        send_response=find_send_response(answer),
        request=request,
        at=time.time(),
    )


def find_outcome(number: str, *exchanges: Exchange) -> list[tuple[str, int]]:
    """Return what was taken of a reading."""
    found = [reading for reading in readings.observe_readings(exchanges) if reading.id == number]
    return list(found[0].outcomes) if found else []


PLUS = {"messages": [{**MINIMAL["messages"][0], "destinations": [{"to": "+41793026727"}]}]}
PAST = {"messages": [{**MINIMAL["messages"][0], "sendAt": "2015-07-07T17:00:00.000+01:00"}]}
REJECTED = b'{"messages":[{"to":"1","status":{"groupId":5}}]}'
UUID = "4c9b8a5e-1f2d-4e3c-9a7b-0123456789ab"


@pytest.mark.parametrize(
    ("number", "seen", "outcome"),
    [
        ("READ-001", exchange(ERROR, 400, "case x"), "HTTP 400"),
        (
            "READ-001",
            exchange(REJECTED, what="case x"),
            "HTTP 200 with a status of the REJECTED group",
        ),
        ("READ-002", exchange(), "no bulkId"),
        ("READ-002", exchange(build_reply(bulk=True)), "a bulkId"),
        ("READ-003", exchange(), "decimal digits"),
        ("READ-003", exchange(build_reply(message=UUID)), "a UUID"),
        ("READ-003", exchange(build_reply(message="x" * 36)), "another string"),
        ("READ-004", exchange(), "26 PENDING_ACCEPTED"),
        (
            "READ-004",
            exchange(build_reply(id=7, name="PENDING_ENROUTE")),
            "7 PENDING_ENROUTE",
        ),
        ("READ-004", exchange(build_reply(name="41793026727")), "26 (another name)"),
        ("READ-005", exchange(), "absent"),
        ("READ-005", exchange(build_reply(key=True)), "present"),
        ("READ-007", exchange(document=PLUS), "without the plus"),
        ("READ-007", exchange(build_reply(to="+41793026727"), document=PLUS), "as sent"),
        ("READ-009", exchange(ERROR, 400), "requestError"),
        ("READ-009", exchange(b" ", 401), "no body"),
        ("READ-009", exchange(b"<html>", 401), "another body"),
        ("READ-019", exchange(document=PAST), "accepted"),
        ("READ-019", exchange(ERROR, 400, document=PAST), "rejected"),
    ],
)
def test_reading_is_read_off_an_exchange(number: str, seen: Exchange, outcome: str) -> None:
    """Each outcome of a question is seen in the exchange that shows it, in words of the suite."""
    assert find_outcome(number, seen) == [(outcome, 1)]


def test_what_shows_nothing_is_not_counted() -> None:
    """Rejected messages have no id, future ones are no past ones, and one with a plus missing none."""
    ahead = {
        "messages": [{**MINIMAL["messages"][0], "sendAt": f"{datetime.now(UTC).year + 1}-01-01"}]
    }

    assert find_outcome("READ-003", exchange(REJECTED)) == []
    assert find_outcome("READ-019", exchange(document=ahead)) == []
    assert find_outcome("READ-007", exchange()) == []
    assert find_outcome("READ-006", exchange()) == []
    assert readings.observe_readings([]) == []


def test_missing_accept_shows_the_format() -> None:
    """A response that was asked for in no format has that of its request, or another."""
    bare = http.RawRequest("POST", "/sms/2/text/advanced", {}, b"")
    answer = http.RawResponse(200, EmailMessage(), build_reply())
    seen = [
        Exchange("", MINIMAL, wire, answer, send_response=find_send_response(answer), request=bare)
        for wire in files.WIRES
    ]

    assert find_outcome("READ-006", *seen) == [
        ("the format of the request", 1),
        ("another format", 1),
    ]


def test_habit_that_changes_is_said() -> None:
    """Where a server takes now one and now another outcome, it is named, with how often."""
    found = readings.observe_readings([exchange(), exchange(), exchange(build_reply(key=True))])
    told = "\n".join(readings.format_readings(found))
    (key,) = (reading for reading in found if reading.id == "READ-005")

    assert not key.is_consistent
    assert "not always the same: absent (2 times), present (1 times)" in told
    assert [reading.id for reading in found if not reading.is_consistent] == ["READ-005"]


def test_questions_are_those_of_the_register() -> None:
    """Every reading that is looked for is one of requirements.toml."""
    assert set(readings.OBSERVERS) <= set(files.read_readings())


HABITS = {
    "READ-001": ("200", "HTTP 200 with a status of the REJECTED group"),
    "READ-002": ("present", "a bulkId"),
    "READ-004": ("7", "7 PENDING_ENROUTE"),
}


@pytest.mark.parametrize("chosen", [{}, {n: habit for n, (habit, _) in HABITS.items()}], ids=str)
def test_habits_of_the_sandbox_are_found_and_failed_by_none(
    judge_line: Judge, chosen: dict[str, str]
) -> None:
    """With the usual habits and with others nothing fails, and each is found.

    What concerns no destination is rejected by 400 also where destinations are rejected.
    """
    with running(readings=chosen) as sandbox:
        run, report = judge_line.judge(
            sandbox.url, *("--only", "SEND-00", "--only", "RESP", "--only", "HTTP-006", "--verbose")
        )
    taken = {reading["id"]: reading for reading in report["readings"]}

    assert run.code == 0, run.out
    assert not find_rows(report, "FAIL", "ERROR", "INCONCLUSIVE")
    changing = {number for number, reading in taken.items() if not reading["consistent"]}
    assert changing <= (set(chosen) & {"READ-001"})
    for number, (habit, outcome) in HABITS.items():
        assert (outcome in taken[number]["taken"]) == (chosen.get(number) == habit)
    assert "Undocumented behavior observed" in run.out
