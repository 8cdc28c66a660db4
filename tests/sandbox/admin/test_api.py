"""Control requests to a sandbox: routes, clock, messages; the others are in test_control_faults.py."""

from __future__ import annotations

import datetime as dt
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from infobip_sms.sandbox import Sandbox, running
from infobip_sms.sandbox.state.statuses import STATUS_EXPECTED
from tests.sandbox.admin.calls import BASIC, LOGS, OTHER, PATIENCE, TO, ask, call, send

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTES = {
    "clock": ("GET", "POST"),
    "reset": ("POST",),
    "messages": ("GET", "DELETE"),
    "reports": ("GET", "POST"),
    "outcomes": ("GET", "POST", "DELETE"),
    "health": ("GET",),
    "faults": ("GET", "POST", "DELETE"),
    "faults/known": ("GET",),
}
LATE = "2090-01-01T00:00:00.000+00:00"


@pytest.fixture(name="running_one", scope="module")
def fixture_running_one() -> Iterator[Sandbox]:
    """Give one sandbox for all."""
    with running(delay=0, seed="control") as sandbox:
        yield sandbox


@pytest.fixture(name="url")
def fixture_url(running_one: Sandbox) -> str:
    """Give the URL of a sandbox that has just begun anew."""
    running_one.reset()
    return running_one.url


def find_to(url: str, query: str = "") -> list[str]:
    """Return the destinations of the messages that a search finds."""
    response = ask(url, "GET", f"messages?{query}")
    assert response.status == 200, response.body
    assert response.plain["total"] == len(response.plain["messages"])
    return [message["to"] for message in response.plain["messages"]]


# ---------------------------------------------------------------- routes


def test_what_is_not_there_is_404_with_what_is(url: str) -> None:
    """Nothing but the five places answers, and the text names them."""
    for place in ("nothing", "clock/", "Clock", "clock.json", "clock%20", "messages/1"):
        response = ask(url, "POST", place, {})

        assert response.status == 404, place
        assert (
            response.error
            == f"Not found. Available: {', '.join(f'/sandbox/{name}' for name in ROUTES)}"
        )


@pytest.mark.parametrize("path", ["/sandboxes", "/sandbox.", "/sandbox-clock", "/Sandbox/clock"])
def test_paths_that_only_begin_like_the_sandbox_belong_to_the_api(url: str, path: str) -> None:
    """They are what any unknown path is to the API."""
    response = call(url, "GET", path, headers={"Authorization": BASIC})

    assert response.status == 404
    assert response.plain["requestError"]["serviceException"]["messageId"] == "NOT_FOUND"


@pytest.mark.parametrize("place", ROUTES)
def test_other_methods_are_405_with_those_that_there_are(url: str, place: str) -> None:
    """Allow and the text name the same methods; HEAD comes with GET."""
    there = [m for m in ROUTES[place] for m in ([m, "HEAD"] if m == "GET" else [m])]
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        if method in there:
            continue
        response = ask(url, method, place, {})

        assert (response.status, response.headers["allow"]) == (405, ", ".join(there))
        assert response.error == f"Method not allowed. Allowed: {', '.join(there)}"


@pytest.mark.parametrize("place", [name for name, methods in ROUTES.items() if "GET" in methods])
def test_head_is_get_without_the_body(url: str, place: str) -> None:
    """The length is that of the body, which does not come."""
    head, get = ask(url, "HEAD", place), ask(url, "GET", place)

    assert (head.status, head.body) == (get.status, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert get.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "sandbox.example.com"},
        {"Host": "192.0.2.1:8080"},
        {"Host": "localhost.example.com"},
        {"Host": "["},
        {"Origin": "http://www.example.com"},
        {"Origin": "null"},
        {"Origin": "https://{netloc}"},
    ],
    ids=str,
)
def test_foreign_pages_control_nothing(url: str, headers: dict[str, str]) -> None:
    """Another host or origin is 403 for every route, reading ones too, and nothing is changed."""
    send(url, TO)
    told = {name: value.format(netloc=url[7:]) for name, value in headers.items()}
    for place, methods in ROUTES.items():
        for method in methods:
            response = call(url, method, f"/sandbox/{place}", b"{}", told)

            assert response.status == 403, (place, method)
            assert response.error.startswith(f"{next(iter(headers))}: ")
    assert find_to(url) == [TO]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_controls_it_by_any_of_its_names(url: str, name: str) -> None:
    """Also a page of its own, whose origin is the host of the request."""
    host = f"{name}:{url.rpartition(':')[2]}"
    response = call(
        url, "POST", "/sandbox/reset", b"{}", {"Host": host, "Origin": f"http://{host}".upper()}
    )

    assert (response.status, response.plain) == (200, {})


# ---------------------------------------------------------------- the clock


def test_the_clock_says_what_time_it_is(url: str) -> None:
    """Now in UTC to the millisecond, whether it is frozen, and when something is due next."""
    before = dt.datetime.now(dt.UTC) - dt.timedelta(milliseconds=1)
    first = ask(url, "GET", "clock").plain
    send(url, TO, sendAt=LATE)
    second = ask(url, "GET", "clock").plain
    now = dt.datetime.fromisoformat(first["now"])

    assert before <= now <= dt.datetime.now(dt.UTC)
    assert len(first["now"]) == len(LATE)
    assert (first["frozen"], first["next"]) == (False, None)
    assert second["next"] == LATE


def test_the_clock_is_set(url: str) -> None:
    """Frozen, put forward, put to an instant of any zone, to what is due next, and let go."""
    asked: list[dict[str, Any]] = [
        {"freeze": True},
        {"to": "2080-01-01T02:00:00+02:00"},
        {"advance": 1.5},
        {"advance": 0},
        {"advance": 86400},
        {"jump": "next"},
        {"freeze": True},
    ]
    send(url, TO, sendAt=LATE)
    said = [ask(url, "POST", "clock", body) for body in asked]
    went_on = ask(url, "POST", "clock", {"freeze": False}).plain

    assert [response.status for response in said] == [200] * len(asked)
    assert all(response.plain["frozen"] for response in said)
    assert [response.plain["now"] for response in said[1:]] == [
        "2080-01-01T00:00:00.000+00:00",
        "2080-01-01T00:00:01.500+00:00",
        "2080-01-01T00:00:01.500+00:00",
        "2080-01-02T00:00:01.500+00:00",
        LATE,
        LATE,
    ]
    assert said[-1].plain["next"] is None
    assert not went_on["frozen"]
    assert went_on["now"] >= LATE


def test_the_clock_ends_with_the_calendar(url: str) -> None:
    """More than there is left of the calendar is its end, and everything has happened by then."""
    send(url, TO, sendAt=LATE)
    now = ask(url, "POST", "clock", {"advance": 1e300}).plain["now"]

    assert now == "9999-12-31T23:59:59.999+00:00"
    assert find_to(url, "status=DELIVERED") == [TO]
    assert ask(url, "POST", "clock", {"freeze": False}).plain["now"] == now


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 99_999,
        b'{"advance": ' + b"9" * 5000 + b"}",
        b'{"advance": NaN}',
        b'{"advance": 1e400}',
        {},
        {"freeze": 1},
        {"freeze": None},
        {"freeze": True, "advance": 1},
        {"advance": -0.001},
        {"advance": True},
        {"advance": "1"},
        {"to": 5},
        {"to": "tomorrow"},
        {"to": "2080-01-01T00:00:00"},
        {"to": "2080-01-01"},
        {"to": "2015-07-07T17:00:00+01:00"},
        {"to": "0001-01-01T00:00:00+23:59"},
        {"jump": "now"},
        {"jump": None},
        {"thaw": True},
    ],
    ids=lambda body: str(body)[:40],
)
def test_what_the_clock_does_not_understand_is_400(url: str, body: Any) -> None:
    """The text says what it takes, and it has not moved."""
    before = ask(url, "POST", "clock", {"freeze": True}).plain
    response = ask(url, "POST", "clock", body)

    assert response.status == 400
    assert response.error == (
        'body: expected one of {"freeze": true or false}, {"advance": seconds}, '
        '{"to": an ISO 8601 time with a time zone, not in the past} or {"jump": "next"}'
    )
    assert ask(url, "GET", "clock").plain == before


# ---------------------------------------------------------------- messages


def test_messages_are_shown_with_all_that_is_known(url: str) -> None:
    """What a log has, and callback data, notify URL, when it was accepted, whether it is over."""
    ask(url, "POST", "clock", {"freeze": True})
    more = {"from": "InfoSMS", "callbackData": "mine", "notifyUrl": "http://127.0.0.1:9/x"}
    (made,) = send(url, TO, text="<Grüße>", sendAt=LATE, request={"bulkId": "b"}, **more)
    (shown,) = ask(url, "GET", "messages").plain["messages"]

    assert shown["accepted"] == ask(url, "GET", "clock").plain["now"]
    assert shown["final"] is False
    assert {name: shown[name] for name in ("messageId", "bulkId", "to", "text", *more)} == {
        "messageId": made,
        "bulkId": "b",
        "to": TO,
        "text": "<Grüße>",
        **more,
    }
    assert (shown["smsCount"], shown["price"]["pricePerMessage"]) == (1, 0)
    assert shown["status"]["name"] == "PENDING_ACCEPTED"


def test_clicks_and_conversions_are_shown_of_tracked_messages(url: str) -> None:
    """Each link of the text with what it was before and how often it was followed; none of other messages."""
    long, longer = "https://www.example.com/a", "https://www.example.com/b?c=d"
    tracking = {"tracking": {"track": "URL", "type": "SOCIAL_INVITES"}}
    text = f"See {long}, or {longer}."
    (tracked,) = send(url, TO, text=text, request=tracking)
    send(url, OTHER, text=text)
    shown, other = ask(url, "GET", "messages").plain["messages"]
    for count in (1, 2):
        link = shown["text"].split()[1].rstrip(",")
        assert call(url, "GET", urlsplit(link).path).status == 302
        path = f"/ct/1/log/end/{tracked}"
        assert call(url, "POST", path, headers={"authorization": BASIC}).status == 200
        again = ask(url, "GET", f"messages?to={TO}").plain["messages"][0]
        assert again["links"] == [{"url": long, "clicks": count}, {"url": longer, "clicks": 0}]
        assert again["conversions"] == count

    assert (shown["conversions"], [link["clicks"] for link in shown["links"]]) == (0, [0, 0])
    assert other.keys().isdisjoint({"links", "conversions"})


def test_messages_are_found_by_everything_that_holds(url: str) -> None:
    """Each parameter for itself, several together, and none for all, in the order of acceptance."""
    first, second = send(url, TO, f"+{OTHER}", text="One, 100%", request={"bulkId": "b"})
    send(url, TO, text="Two", **{"from": "InfoSMS"})
    send(url, "9990010001006", text="Three")
    everybody = [TO, f"+{OTHER}", TO, "9990010001006"]
    expected = {
        "": everybody,
        f"to={TO}": [TO, TO],
        f"to=%2B{TO}": [TO, TO],
        f"to=+{OTHER}": [f"+{OTHER}"],
        f"to={OTHER}": [f"+{OTHER}"],
        f"to={TO[:-1]}": [],
        "from=InfoSMS": [TO],
        "from=infosms": [],
        "text=T": [TO, "9990010001006"],
        "text=100%25": [TO, f"+{OTHER}"],
        "text=": everybody,
        "bulkId=b": [TO, f"+{OTHER}"],
        f"bulkId=b&messageId={second}": [f"+{OTHER}"],
        f"messageId={first}": [TO],
        f"messageId={first}&to={OTHER}": [],
        "messageId=unknown": [],
        "status=5": everybody[:3],
        "status=DELIVERED": everybody[:3],
        "status=delivered_to_handset&text=Two": [TO],
        "status=REJECTED": ["9990010001006"],
        "status=6": ["9990010001006"],
    }

    assert {query: find_to(url, query) for query in expected} == expected


def test_the_last_messages_are_shown_and_all_are_counted(url: str) -> None:
    """A hundred unless a limit says otherwise; the total is of all that fit."""
    for _ in range(3):
        send(url, *[f"4179302{n:04}" for n in range(50)])
    plain = ask(url, "GET", "messages").plain
    few = ask(url, "GET", "messages?limit=2&text=Hi").plain

    assert (len(plain["messages"]), plain["total"]) == (100, 150)
    assert [m["to"] for m in few["messages"]] == ["41793020048", "41793020049"]
    assert few["total"] == 150
    assert plain["messages"][-2:] == few["messages"]


PARAMETERS = (
    "query: expected each of these at most once, and no others: "
    "to, from, text, bulkId, messageId, status, serial"
)
WRONG = {
    "too=41": f"{PARAMETERS}, wait, count, limit",
    "to=41&to=42": f"{PARAMETERS}, wait, count, limit",
    "message_id=1": f"{PARAMETERS}, wait, count, limit",
    "state=dead": f"{PARAMETERS}, wait, count, limit",
    "text=%FF": "query: expected percent-encoded UTF-8",
    "status=SENT": STATUS_EXPECTED,
    "status=": STATUS_EXPECTED,
    "limit=0": "limit: expected a positive integer",
    "limit=-1": "limit: expected a positive integer",
    "limit=1e2": "limit: expected a positive integer",
    "limit=%C2%B2": "limit: expected a positive integer",
    f"limit={'9' * 10}": "limit: expected a positive integer",
    "wait=1&count=0": "count: expected a positive integer",
    "wait=1&count=many": "count: expected a positive integer",
    "wait=-1": "wait: expected seconds from 0 to 600",
    "wait=600.1": "wait: expected seconds from 0 to 600",
    "wait=nan": "wait: expected seconds from 0 to 600",
    "wait=inf": "wait: expected seconds from 0 to 600",
    "wait=": "wait: expected seconds from 0 to 600",
}


@pytest.mark.parametrize("query", WRONG)
def test_a_search_that_cannot_be_meant_is_400(url: str, query: str) -> None:
    """The text says which parameter is wrong and what it takes."""
    response = ask(url, "GET", f"messages?{query}")

    assert (response.status, response.error) == (400, WRONG[query])


def test_messages_are_waited_for(url: str) -> None:
    """The answer comes as soon as enough fit, whatever else happens, and nobody else waits for it."""
    answers: dict[str, Any] = {}

    def wait(query: str) -> None:
        answers[query] = ask(url, "GET", f"messages?{query}&wait=600")

    queries = [f"to={TO}", f"to={TO}&count=2", f"status=DELIVERED&to={OTHER}"]
    threads = [threading.Thread(target=wait, args=(query,)) for query in queries]
    ask(url, "POST", "clock", {"freeze": True})
    for thread in threads:
        thread.start()
    send(url, "41793020000")
    send(url, TO)
    threads[0].join(PATIENCE)
    assert set(answers) == {queries[0]}
    send(url, TO, OTHER, sendAt=LATE)
    threads[1].join(PATIENCE)
    assert set(answers) == set(queries[:2])
    ask(url, "POST", "clock", {"to": LATE})
    threads[2].join(PATIENCE)

    assert {query: answer.status for query, answer in answers.items()} == dict.fromkeys(
        queries, 200
    )
    assert [answers[query].plain["total"] for query in queries] == [1, 2, 1]


def test_a_wait_in_vain_is_408_with_what_there_is(url: str) -> None:
    """By the clock of the machine, not before the time is over; no time at all is a look."""
    send(url, TO)
    start = time.monotonic()
    ask(url, "POST", "clock", {"freeze": True})
    looked = ask(url, "GET", "messages?wait=0&count=2")
    waited = ask(url, "GET", f"messages?wait=0.3&count=2&to={TO}")
    there = ask(url, "GET", "messages?wait=600&limit=1")

    assert time.monotonic() - start >= 0.3
    assert (looked.status, waited.status, there.status) == (408, 408, 200)
    assert (waited.plain["total"], waited.plain["messages"][0]["to"]) == (1, TO)


def test_messages_are_deleted_by_search(url: str) -> None:
    """With their reports and logs and a bulk that is empty by that; the others stay as they are."""
    send(url, TO, OTHER, sendAt=LATE, request={"bulkId": "bulk"})
    send(url, TO, text="Other", notifyUrl="http://www.example.com/x")
    headers = {"Authorization": BASIC}
    target = "/sms/1/bulks?bulkId=bulk"
    one = ask(url, "DELETE", f"messages?bulkId=bulk&to={OTHER}")
    still = call(url, "GET", target, headers=headers)
    two = ask(url, "DELETE", "messages?bulkId=bulk")
    gone = call(url, "GET", target, headers=headers)
    left, reports = find_to(url), ask(url, "GET", "reports").plain["total"]
    none = ask(url, "DELETE", "messages?text=nothing")
    rest = ask(url, "DELETE", "messages")

    assert [response.plain for response in (one, two, none, rest)] == [
        {"deleted": 1},
        {"deleted": 1},
        {"deleted": 0},
        {"deleted": 1},
    ]
    assert (still.status, gone.status) == (200, 404)
    assert (left, reports) == ([TO], 1)
    assert ask(url, "GET", "clock").plain["next"] is None
    assert ask(url, "GET", "reports").plain == {"reports": [], "total": 0, "limit": 100}
    assert call(url, "GET", LOGS, headers=headers).plain == {"results": []}


def test_a_slip_in_a_search_deletes_nothing(url: str) -> None:
    """Also not what a search without that parameter would find."""
    send(url, TO)
    for query in ("too=1", "limit=1", "wait=1", "status=SENT"):
        assert ask(url, "DELETE", f"messages?{query}").status == 400
    assert find_to(url) == [TO]
