"""Routes, methods, limits and rejections of all operations; and what a state is."""

from __future__ import annotations

import copy
import datetime as dt
import itertools
import json
import pickle
import time
from typing import Any

import attrs
import pytest
from infobip_sms_schema.operations import OPERATIONS

from infobip_sms.sandbox.api.app import HANDLERS, App
from infobip_sms.sandbox.api.http import HttpRequest
from infobip_sms.sandbox.api.routing import resolve_operation
from infobip_sms.sandbox.config import READINGS, SandboxSettings
from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.lifecycle.webhooks import pop_webhook_requests
from infobip_sms.sandbox.state.state import State
from tests.sandbox.lifecycle.virtual_sandbox import (
    CALLBACK,
    SEND,
    START,
    Bench,
    find_text,
    find_word,
)

both = pytest.mark.parametrize("wire", ["json", "xml"])
every = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)


def test_every_operation_has_a_handler() -> None:
    """The contract's operations, and no others, are answered."""
    assert set(HANDLERS) == {operation.name for operation in OPERATIONS}


@every
@both
def test_auth_001_every_operation_wants_credentials(operation: Any, wire: str) -> None:
    """401 with a challenge and the documented word."""
    response = Bench().ask(
        operation.method, operation.path, b"", wire, headers={"authorization": "App x"}
    )

    assert (response.status, find_word(response, wire)) == (401, "UNAUTHORIZED")
    assert response.headers["www-authenticate"].startswith("Basic")


@every
@both
@pytest.mark.parametrize("outcome", READINGS["READ-018"])
def test_read_018_another_method_gets_what_was_chosen(
    operation: Any, wire: str, outcome: str
) -> None:
    """404 or, by the switch, 405; always with the methods that there are."""
    virtual = Bench(readings={"READ-018": outcome})
    response = virtual.ask("PATCH", operation.path, b"", wire)
    methods = {o.method for o in OPERATIONS if o.path == operation.path}
    word = {"404": "NOT_FOUND", "405": "METHOD_NOT_ALLOWED"}[outcome]

    assert (response.status, find_word(response, wire)) == (int(outcome), word)
    assert set(response.headers["allow"].split(", ")) == methods


@pytest.mark.parametrize(
    "path",
    ["/", "", "/sms/2/reports", "/sms/1/reports/", "/ct/1/log/end/", "/ct/1/log/end/a/b", "*"],
)
def test_read_018_another_path_is_not_found(path: str) -> None:
    """404, without the methods of any other path."""
    response = Bench().ask("GET", path)

    assert (response.status, find_word(response)) == (404, "NOT_FOUND")
    assert "allow" not in response.headers


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.request], ids=lambda o: o.name)
@pytest.mark.parametrize(
    ("outcome", "word"), [("400", "BAD_REQUEST"), ("415", "UNSUPPORTED_MEDIA_TYPE")]
)
def test_read_017_another_content_type_gets_what_was_chosen(
    operation: Any, outcome: str, word: str
) -> None:
    """400 or, by the switch, 415."""
    virtual = Bench(readings={"READ-017": outcome})
    headers = {"content-type": "text/plain"}
    response = virtual.ask(operation.method, operation.path, b"{}", headers=headers, bulkId="B")

    assert (response.status, find_word(response)) == (int(outcome), word)


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.request], ids=lambda o: o.name)
@both
def test_http_003_every_body_is_read_strictly(operation: Any, wire: str) -> None:
    """A body that is no document of the operation is rejected by its requirement."""
    responses = [
        Bench().ask(operation.method, operation.path, body, wire, bulkId="B")
        for body in (b"", b"{", b"<a", b"[]", b"<other/>")
    ]

    assert {r.status for r in responses} == {400}
    assert all("HTTP-003" in t or "XML-001" in t for t in (find_text(r, wire) for r in responses))


def test_read_002_one_destination_may_have_a_bulk_id() -> None:
    """By the switch the response names the request also with one destination."""
    virtual = Bench(readings={"READ-002": "present"})

    assert virtual.send("41", bulkId="mine")["bulkId"] == "mine"
    assert virtual.send("41")["bulkId"]


@pytest.mark.parametrize(
    ("readings", "words"),
    [({"READ-999": "x"}, "READ-999 cannot be chosen"), ({"READ-017": "500"}, "400, 415")],
)
def test_a_reading_that_cannot_be_chosen_is_refused(readings: Any, words: str) -> None:
    """The error names what there is."""
    with pytest.raises(ValueError, match=words):
        SandboxSettings(readings=readings)


@pytest.mark.parametrize("bad", [{"delay": -0.1}, {"rate": 0}])
def test_a_setting_that_makes_no_sense_is_refused(bad: Any) -> None:
    """No delivery before sending, and no sandbox that answers nothing."""
    with pytest.raises(ValueError, match=next(iter(bad))):
        SandboxSettings(**bad)


@both
def test_more_than_the_rate_gets_429(wire: str) -> None:
    """So many requests in a second of the clock, then 429 with Retry-After; the next second is free."""
    virtual = Bench(rate=2)
    seen = []
    for milliseconds in (0, 500, 999, 999, 1000, 1001, 1500, 3000):
        virtual.now = START + dt.timedelta(milliseconds=milliseconds)
        seen.append(virtual.ask("GET", "/sms/1/logs", b"", wire))
    refused = seen[2]

    assert [r.status for r in seen] == [200, 200, 429, 429, 200, 200, 429, 200]
    assert (refused.headers["retry-after"], find_word(refused, wire)) == ("1", "TOO_MANY_REQUESTS")
    assert find_text(refused, wire) == "Too many requests"


def test_without_a_rate_there_is_no_429() -> None:
    """As many requests as come are answered."""
    virtual = Bench()

    assert {virtual.ask("GET", "/sms/1/logs").status for _ in range(500)} == {200}


def test_a_query_that_is_not_utf_8_is_refused() -> None:
    """400 and no crash."""
    virtual = Bench()
    headers = {"authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}
    for query in ("bulkId=%ff", "&".join(["a=b"] * 20_000)):
        request = HttpRequest("GET", "/sms/1/logs", headers, b"", query)
        assert virtual.app.handle(request, virtual.state, virtual.now).status == 400


def test_a_slash_at_the_end_is_another_path() -> None:
    """The template is matched as a whole."""
    request = HttpRequest("POST", "/ct/1/log/end/a%2Fb", {}, b"")

    assert resolve_operation(request, SandboxSettings())[1] == {"messageId": "a/b"}


# ---------------------------------------------------------------- the state


def play(bench: Bench) -> list[bytes]:
    """Ask a row of things; return all that was answered and pushed."""
    seen = []
    bench.send("41", "9990210000009", "+9990010000006", notifyUrl=CALLBACK, intermediateReport=True)
    bench.send(
        "42", sendAt="2030-01-01T13:00:00.000+00:00", tracking={"track": "URL"}, text="http://a/b"
    )
    for hours in (0, 0.5, 1, 1):
        bench.wait(hours=hours)
        seen += [bench.ask("GET", "/sms/1/logs", b"", wire).body for wire in ("json", "xml")]
        seen.append(bench.ask("GET", "/sms/1/reports", limit=1).body)
    return seen + [p.posting.body for p in bench.pushed]


def test_the_same_requests_at_the_same_instants_give_the_same_bytes() -> None:
    """Ids, codes, reports and logs follow from seed, requests and clock alone."""
    assert play(Bench()) == play(Bench())


def test_another_seed_gives_other_ids() -> None:
    """And nothing else differs in kind."""
    one, two = Bench(), Bench()
    two.app = App(SandboxSettings("Aladdin", "open sesame", seed="another"))

    assert one.send("41")["messages"][0]["messageId"] != two.send("41")["messages"][0]["messageId"]


@pytest.mark.parametrize("way", ["rows", "deepcopy", "pickle"])
def test_a_state_goes_on_from_its_copy(way: str) -> None:
    """Put down in the middle, as rows or as a whole, it goes on to the same end."""
    virtual = Bench()
    virtual.send("41", "9995020000009", notifyUrl=CALLBACK, intermediateReport=True, bulkId="B")
    virtual.send(
        "42", sendAt="2030-01-01T12:01:00.000+00:00", bulkId="C", tracking={"track": "SMS"}
    )
    virtual.wait(seconds=10)
    other = Bench()
    other.now = virtual.now
    if way == "rows":
        other.state.put(pickle.loads(pickle.dumps(list(virtual.state.rows()))))  # noqa: S301 - ours
        other.state.serial = virtual.state.serial
    else:
        other.state = (
            copy.deepcopy(virtual.state)
            if way == "deepcopy"
            else pickle.loads(pickle.dumps(virtual.state))  # noqa: S301 - ours
        )
    already = len(virtual.pushed)
    for b in (virtual, other):
        b.wait(minutes=5)
        b.send("43", notifyUrl=CALLBACK)
        b.wait(minutes=5)

    assert [p.posting for p in virtual.pushed[already:]] == [p.posting for p in other.pushed]
    assert virtual.logs() == other.logs()
    assert virtual.reports() == other.reports()
    assert list(virtual.state.rows()) == list(other.state.rows())


def test_a_report_that_was_under_way_is_sent_again_after_a_restart() -> None:
    """Rows know nothing of what is on its way: it goes out at least once."""
    virtual, other = Bench(delay=0), Bench(delay=0)
    virtual.send("41", notifyUrl=CALLBACK)
    advance(virtual.state, START, virtual.settings)
    (webhook_request,) = pop_webhook_requests(virtual.state, START, virtual.settings)
    other.state.put(virtual.state.rows())

    assert pop_webhook_requests(other.state, START, other.settings) == [webhook_request]


def test_a_report_whose_instant_is_changed_goes_out_once() -> None:
    """An earlier entry of the queue that is no longer true is passed over."""
    virtual = Bench(delay=0)
    virtual.send("41", notifyUrl=CALLBACK)
    advance(virtual.state, START, virtual.settings)
    (delivery,) = virtual.state.deliveries.values()
    later = START + dt.timedelta(minutes=1)
    virtual.state.put([attrs.evolve(delivery, due=later)])

    assert pop_webhook_requests(virtual.state, START, virtual.settings) == []
    assert len(pop_webhook_requests(virtual.state, later, virtual.settings)) == 1
    assert pop_webhook_requests(virtual.state, later, virtual.settings) == []


def test_so_many_postings_and_no_more_are_taken_at_once() -> None:
    """A shell may take them in portions; none is lost and none comes twice."""
    virtual = Bench(delay=0)
    virtual.send(*(f"41{n}" for n in range(5)), notifyUrl=CALLBACK)
    advance(virtual.state, START, virtual.settings)
    sizes = [len(pop_webhook_requests(virtual.state, START, virtual.settings, 2)) for _ in range(4)]

    assert sizes == [2, 2, 1, 0]


def test_a_request_that_is_refused_changes_nothing() -> None:
    """Neither a bad document nor one whose response cannot be written leaves a message behind."""
    virtual = Bench()
    virtual.send("41")
    virtual.wait(seconds=1)
    before = pickle.dumps(virtual.state)
    bad = b'{"messages":[{"destinations":[{"to":"41","messageId":"\\u0001"},{"to":"42"}]}]}'
    responses = [
        virtual.ask("POST", SEND, bad, headers={"accept": "application/xml"}),
        virtual.ask("POST", SEND, b'{"messages":[]}'),
    ]

    assert [r.status for r in responses] == [400, 400]
    assert list(pickle.loads(before).rows()) == list(virtual.state.rows())  # noqa: S301 - ours
    assert pickle.loads(before).serial == virtual.state.serial  # noqa: S301 - ours


def test_volume_is_linear() -> None:
    """Five times the messages take about five times the time, in a state that has many already."""
    virtual = Bench(delay=0)
    times = []
    for size in (2_000, 10_000):
        to = [f"41{n:06}" for n in range(size)]
        body = json.dumps({"messages": [{"destinations": [{"to": t} for t in to]}]}).encode()
        start = time.perf_counter()
        response = virtual.ask("POST", SEND, body)
        virtual.wait(seconds=1)
        assert response.status == 200
        for _ in range(10):
            assert len(virtual.reports(limit=100)) == 100
            assert len(virtual.logs(limit=100)) == 100
        times.append(time.perf_counter() - start)

    assert times[1] < 15 * times[0]


def test_states_share_nothing() -> None:
    """Two states do not know each other's messages."""
    one, two = Bench(), Bench()
    one.send("41")

    assert two.logs() == []
    assert State().find_next() is None
    assert all(a is not b for a, b in itertools.pairwise([one.state, two.state, State()]))
