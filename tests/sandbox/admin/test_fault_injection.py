"""Control requests to a sandbox: reports, reset, and faults that are switched on."""

from __future__ import annotations

import datetime as dt
import http.client
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from infobip_sms import ErrorResponse
from infobip_sms.codecs import wire_json, wire_xml
from infobip_sms.sandbox import Sandbox, running
from infobip_sms.sandbox.mutants.app import MUTANTS
from tests.fakes.webhook_server import CallbackServer
from tests.sandbox.admin.calls import (
    BASIC,
    LOGS,
    OTHER,
    PATIENCE,
    SEND,
    TO,
    ask,
    build,
    call,
    post,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

CODECS: dict[str, Any] = {"json": wire_json, "xml": wire_xml}
LATE = "2090-01-01T00:00:00.000+00:00"
PARAMETERS = (
    "query: expected each of these at most once, and no others: "
    "to, from, text, bulkId, messageId, status, serial"
)


@pytest.fixture(name="running_one", scope="module")
def fixture_running_one() -> Iterator[Sandbox]:
    """Give one sandbox for all."""
    with running(delay=0, seed="faults") as sandbox:
        yield sandbox


@pytest.fixture(name="url")
def fixture_url(running_one: Sandbox) -> str:
    """Give the URL of a sandbox that has just begun anew."""
    running_one.reset()
    return running_one.url


def count(url: str) -> int:
    """Return how many messages there are."""
    total: int = ask(url, "GET", "messages").plain["total"]
    return total


def try_to_send(url: str) -> int | None:
    """Return the status of a send request; None if there is no response."""
    try:
        return post(url, build(TO)).status
    except http.client.RemoteDisconnected:
        return None


# ---------------------------------------------------------------- reports, reset


def test_reports_are_shown_by_their_state(url: str) -> None:
    """Acknowledged, waiting to be retried, and dead, with attempts and reasons; by state and by any search."""
    ask(url, "POST", "clock", {"freeze": True})
    with CallbackServer() as good, CallbackServer(503) as bad:
        send(url, TO, notifyUrl=good.url)
        send(url, OTHER, notifyUrl=bad.url)
        send(url, TO, notifyUrl="https://www.example.com/a?secret", text="Far")
        send(url, TO)
        now = ask(url, "POST", "clock", {"advance": 0}).plain["now"]
        all_of_them = ask(url, "GET", "reports").plain
    by_state = {
        state: ask(url, "GET", f"reports?state={state}").plain["reports"]
        for state in ("acknowledged", "waiting", "dead")
    }
    due = dt.datetime.fromisoformat(now) + dt.timedelta(minutes=1)

    assert all_of_them["total"] == 3
    assert {state: len(found) for state, found in by_state.items()} == {
        "acknowledged": 1,
        "waiting": 1,
        "dead": 1,
    }
    (acknowledged,), (waiting,), (dead,) = by_state.values()
    assert (
        acknowledged["attempts"],
        acknowledged["reason"],
        acknowledged["due"],
        acknowledged["to"],
    ) == (1, "", None, TO)
    assert (acknowledged["happened"], acknowledged["final"], acknowledged["status"]["id"]) == (
        now,
        True,
        5,
    )
    assert (waiting["attempts"], waiting["reason"]) == (1, "HTTP 503")
    assert waiting["due"] == due.isoformat(timespec="milliseconds")
    assert (dead["attempts"], dead["notifyUrl"]) == (0, "https://www.example.com/a?secret")
    assert dead["reason"].startswith("the host of the notify URL is not this machine")
    assert ask(url, "GET", "reports?text=Far").plain["reports"] == [dead]
    assert ask(url, "GET", f"reports?to={OTHER}&state=dead").plain["total"] == 0
    assert ask(url, "GET", "reports?limit=1").plain == {"reports": [dead], "total": 3, "limit": 1}


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("state=lost", "state: expected one of waiting, acknowledged, dead"),
        ("state=", "state: expected one of waiting, acknowledged, dead"),
        ("wait=1", f"{PARAMETERS}, state, report, limit"),
        ("limit=no", "limit: expected a positive integer"),
    ],
)
def test_reports_that_cannot_be_meant_are_400(url: str, query: str, error: str) -> None:
    """The error lists the allowed values."""
    response = ask(url, "GET", f"reports?{query}")

    assert (response.status, response.error) == (400, error)


def test_a_reset_begins_anew(url: str) -> None:
    """No messages, bulks, reports, links or logs; the clock of the machine; the ids of the first time."""
    made = send(url, TO, OTHER, sendAt=LATE, notifyUrl="http://www.example.com/x")
    ask(url, "POST", "clock", {"to": LATE})
    ask(url, "POST", "clock", {"freeze": True})
    ask(url, "POST", "faults", {"status": 500})
    ask(url, "POST", "faults", {"id": "RESP-002"})
    response = ask(url, "POST", "reset", b"")
    clock, faults = ask(url, "GET", "clock").plain, ask(url, "GET", "faults").plain

    assert (response.status, response.plain) == (200, {})
    assert (clock["frozen"], clock["next"]) == (False, None)
    assert clock["now"] < LATE
    assert (faults["ids"], faults["failures"]) == ([], [])
    assert ask(url, "GET", "messages").plain["total"] == 0
    assert ask(url, "GET", "reports").plain["total"] == 0
    assert post(url, build(TO)).plain["messages"][0]["messageId"] == made[0]


def test_control_wants_no_credentials_and_the_api_does(url: str) -> None:
    """Whoever is on this machine controls the sandbox; its account is for the API."""
    headers = {"Content-Type": "application/json"}

    assert call(url, "POST", SEND, build(TO), headers).status == 401
    assert ask(url, "GET", "messages").status == 200


# ---------------------------------------------------------------- faults


def test_faults_that_are_on_are_shown_in_the_words_that_switch_them_on(url: str) -> None:
    """One broken rule at a time, one failure of each kind; the later one counts."""
    bodies: list[dict[str, Any]] = [
        {"id": "RESP-002"},
        {"ids": ["ERR-001", "RESP-002-to"]},
        {"delay": 600, "rate": 0},
        {"delay": 0.25},
        {"drop": 1, "after": True},
        {"drop": 0.5},
        {"status": 429, "rate": 0.3, "retryAfter": 2},
        {"status": 599},
    ]
    responses = [ask(url, "POST", "faults", body) for body in bodies]
    shown = ask(url, "GET", "faults")
    cleared = ask(url, "DELETE", "faults")

    assert [response.status for response in responses] == [200] * len(bodies)
    assert shown.plain == responses[-1].plain
    assert shown.plain == {
        "ids": ["ERR-001", "RESP-002-to"],
        "failures": [
            {"delay": 0.25, "rate": 1.0},
            {"drop": 0.5, "after": False},
            {"status": 599, "rate": 1.0, "retryAfter": None},
        ],
    }
    assert cleared.plain == {"ids": [], "failures": []}
    assert ask(url, "GET", "faults").plain == cleared.plain
    assert ask(url, "GET", "faults/known").plain == {"known": sorted(MUTANTS)}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"delay": NaN}',
        {},
        {"id": None},
        {"id": "RESP-002", "rate": 1},
        {"ids": "RESP-002"},
        {"ids": ["RESP-002", 1]},
        {"delay": -1},
        {"delay": 600.5},
        {"delay": "1"},
        {"delay": 1, "rate": 1.1},
        {"delay": 1, "rate": True},
        {"delay": 1, "drop": 1},
        {"drop": True},
        {"drop": -0.1},
        {"drop": 1, "after": 1},
        {"drop": 1, "rate": 1},
        {"status": 399},
        {"status": 600},
        {"status": 503.0},
        {"status": "503"},
        {"status": 503, "rate": None},
        {"status": 503, "retryAfter": -1},
        {"status": 503, "retryAfter": 1.5},
        {"status": 503, "retryAfter": True},
        {"status": 503, "text": "Sorry"},
        {"rate": 1},
    ],
    ids=str,
)
def test_a_fault_that_cannot_be_meant_is_400(url: str, body: Any) -> None:
    """The text says what there is, and nothing is switched on."""
    response = ask(url, "POST", "faults", body)
    plain = ask(url, "GET", "faults").plain

    assert response.status == 400
    assert response.error == (
        'body: expected one of {"id": a fault}, {"ids": [faults]}, {"delay": seconds, "rate": rate}, '
        '{"drop": rate, "after": true or false} or {"status": 400 to 599, "rate": rate, '
        '"retryAfter": seconds}; rates are from 0 to 1'
    )
    assert (plain["ids"], plain["failures"]) == ([], [])


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        ("resp-002", "did you mean RESP-002, RESP-002-to?"),
        ("DLR-004-nonsense", "did you mean DLR-004"),
        ("", "GET /sandbox/faults/known lists them"),
        ("nonsense", "GET /sandbox/faults/known lists them"),
    ],
)
def test_an_unknown_fault_is_400_with_the_nearest_ones(url: str, fault: str, hint: str) -> None:
    """A few ids, not all, and nothing is active, whether it is alone or one of several."""
    for body in ({"id": fault}, {"ids": ["RESP-001", fault]}):
        response = ask(url, "POST", "faults", body)

        assert response.status == 400
        assert f"there is no fault of that ID; {hint}" in response.error
        assert len(response.error) < 150
    assert ask(url, "GET", "faults").plain["ids"] == []


def test_several_faults_are_active_at_once(url: str) -> None:
    """Each violates its requirement: the order of the entries, their number, and the status."""
    ask(url, "POST", "faults", {"ids": ["RESP-001", "RESP-002", "HTTP-001"]})
    response = post(url, build(TO, OTHER, TO))

    assert response.status == 201
    assert [entry["to"] for entry in response.plain["messages"]] in ([OTHER, TO], [TO, OTHER])


def test_a_broken_rule_is_broken_until_it_is_switched_off(url: str) -> None:
    """RESP-002 answers in the wrong order, and nothing else is different."""
    orders = []
    for method, body in (("DELETE", None), ("POST", {"id": "RESP-002"}), ("DELETE", None)):
        ask(url, method, "faults", body)
        entries = post(url, build(TO, OTHER)).plain["messages"]
        orders.append([entry["to"] for entry in entries])

    assert orders == [[TO, OTHER], [OTHER, TO], [TO, OTHER]]
    assert count(url) == 6


@pytest.mark.parametrize("wire", ["json", "xml"])
@pytest.mark.parametrize(
    ("status", "word", "text"),
    [
        (400, "BAD_REQUEST", "Bad Request"),
        (429, "TOO_MANY_REQUESTS", "Too Many Requests"),
        (500, "GENERAL_ERROR", "Something went wrong"),
        (503, "SERVICE_UNAVAILABLE", "Service Unavailable"),
        (599, "GENERAL_ERROR", "Something went wrong"),
    ],
)
def test_a_status_is_a_refusal_in_the_format_of_the_request(
    url: str, wire: str, status: int, word: str, text: str
) -> None:
    """Nothing is carried out or looked at, credentials included; Retry-After is there if asked for."""
    ask(url, "POST", "faults", {"status": status, "retryAfter": 7})
    first = post(url, b"?", wire)
    ask(url, "POST", "faults", {"status": status})
    bare = call(url, "GET", LOGS, headers={"Accept": f"application/{wire}"})

    for response, after in ((first, "7"), (bare, None)):
        error = (
            CODECS[wire]
            .parse_response(response.body, ErrorResponse)
            .request_error.service_exception
        )
        assert response.headers["content-type"].startswith(f"application/{wire}")
        assert (response.status, error.message_id, error.text) == (status, word, text)
        assert response.headers.get("retry-after") == after
    assert count(url) == 0


def test_control_itself_has_no_troubles(url: str) -> None:
    """Nobody locks himself out: control and the inbox page are always answered."""
    for body in ({"status": 503}, {"drop": 1}, {"delay": 600}, {"id": "HTTP-001"}):
        assert ask(url, "POST", "faults", body).status == 200
    assert call(url, "GET", "/sandbox/").status == 200
    assert ask(url, "DELETE", "faults").status == 200
    assert try_to_send(url) == 200


def test_a_connection_is_dropped_before_or_after_the_request_is_carried_out(url: str) -> None:
    """There is no byte of a response either way; what differs is whether the message is there."""
    ask(url, "POST", "faults", {"drop": 1})
    assert try_to_send(url) is None
    assert count(url) == 0
    ask(url, "POST", "faults", {"drop": 1, "after": True})
    assert try_to_send(url) is None
    assert count(url) == 1
    ask(url, "POST", "faults", {"status": 503})
    assert try_to_send(url) is None
    assert count(url) == 1
    ask(url, "POST", "faults", {"drop": 0})
    assert try_to_send(url) == 503


def test_a_request_is_delayed_by_the_clock_of_the_machine(url: str) -> None:
    """Not less than was asked for, a frozen clock or not, and others are answered meanwhile."""
    ask(url, "POST", "clock", {"freeze": True})
    ask(url, "POST", "faults", {"delay": 0.3})
    start = time.monotonic()
    statuses: list[int | None] = []
    threads = [threading.Thread(target=lambda: statuses.append(try_to_send(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert ask(url, "DELETE", "faults").status == 200
    for thread in threads:
        thread.join(PATIENCE)

    assert statuses == [200] * 4
    assert count(url) == 4
    assert time.monotonic() - start >= 0.3


def test_what_is_delayed_does_not_reach_beyond_a_reset(url: str) -> None:
    """The connection is dropped, and no message of before turns up later."""
    ask(url, "POST", "faults", {"delay": 600})
    delayed = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    headers = {"Authorization": BASIC, "Content-Type": "application/json"}
    delayed.request("POST", SEND, build(TO), headers)
    for _ in range(5):  # it is read by the time that others which came later are answered
        ask(url, "GET", "clock")
    ask(url, "POST", "reset", {})
    with pytest.raises(http.client.RemoteDisconnected):
        delayed.getresponse()
    delayed.close()

    assert count(url) == 0
    assert try_to_send(url) == 200


def list_pattern(url: str, body: dict[str, Any], times: int = 40) -> str:
    """Switch something on; return which of the requests after that it hits."""
    ask(url, "POST", "faults", body)
    return "".join("." if try_to_send(url) == 200 else "x" for _ in range(times))


def test_what_is_hit_follows_from_the_seed(url: str) -> None:
    """Same seed, same requests, same failures, for statuses and drops; another seed, other ones."""
    with running(delay=0, seed="faults") as again, running(delay=0, seed="other") as other:
        for body in ({"status": 503, "rate": 0.5}, {"drop": 0.5}):
            first = list_pattern(url, body)
            assert list_pattern(again.url, body) == first
            assert list_pattern(other.url, body) != first
            assert 5 < first.count("x") < 35
            assert list_pattern(url, body) == first
            ask(url, "DELETE", "faults")
            ask(again.url, "DELETE", "faults")
            ask(other.url, "DELETE", "faults")


def test_a_share_of_none_or_all_is_exactly_that(url: str) -> None:
    """Rates of 0 and 1 are no matter of luck."""
    assert list_pattern(url, {"status": 503, "rate": 0}, 20) == "." * 20
    assert list_pattern(url, {"status": 503, "rate": 1}, 20) == "x" * 20
