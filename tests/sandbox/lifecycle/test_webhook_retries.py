"""Callback servers that are down for a while: no report is lost, out of order, or tried at a wrong time."""

from __future__ import annotations

import datetime as dt
import socket
from contextlib import contextmanager
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infobip_sms import Destination, Message, SmsRequest
from infobip_sms.sandbox import running
from infobip_sms.sandbox.admin.search import Search, build_delivery_view, iter_deliveries
from infobip_sms.sandbox.lifecycle.webhooks import WebhookRequest, WebhookResult
from infobip_sms.sandbox.runtime import webhook_sender
from infobip_sms.webhooks import parse_delivery_reports
from tests.fakes.webhook_server import CallbackServer
from tests.sandbox.lifecycle.virtual_sandbox import CALLBACK, START, Bench

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.webhook_server import Heard

GAPS = [1 + n * n for n in range(20)]
"""Minutes between an attempt and the next, by DLR-006."""
AFTER = [0, *accumulate(GAPS)]
"""Minutes from the first attempt to each."""
MOMENT = dt.timedelta(milliseconds=1)
TAKEN = WebhookResult(200)
DOWN = {
    "rejected": WebhookResult(None, "connection refused"),
    "timeout": WebhookResult(None, "response timed out"),
    "500": WebhookResult(500, "HTTP 500"),
    "302": WebhookResult(302, "HTTP 302"),
}
TWO_REPORTS = "9990120000005"  # an intermediate one at once, the final one a second later
ONE_REPORT = "9990010000005"  # at once
SECOND = dt.timedelta(seconds=1)


def minutes(count: float) -> dt.timedelta:
    """Return so many minutes."""
    return dt.timedelta(minutes=count)


def find_attempts(first: dt.datetime, up: dt.datetime) -> list[dt.datetime]:
    """Return when a report is tried whose callback server is down until an instant."""
    attempts = [first + minutes(after) for after in AFTER]
    return attempts[: sum(at < up for at in attempts) + 1]


def show_reports(bench: Bench) -> list[dict[str, Any]]:
    """Return what /sandbox/reports shows."""
    return [build_delivery_view(*found) for found in iter_deliveries(Search(), bench.state, None)]


def test_dlr_006_the_attempts_are_those_of_the_list() -> None:
    """After 1, 3, 8, 18, 35, 61, 98 minutes and so on, the last of 21 after 41 hours and 30 minutes."""
    assert AFTER[:8] == [0, 1, 3, 8, 18, 35, 61, 98]
    assert len(AFTER) == 21
    assert minutes(AFTER[-1]) == dt.timedelta(hours=41, minutes=30)


@pytest.mark.parametrize("kind", DOWN)
@pytest.mark.parametrize("failures", range(22))
def test_dlr_006_a_report_is_retried_until_it_is_acknowledged_or_dead(
    failures: int, kind: str
) -> None:
    """However often and however the server fails: both reports in order, each attempt at its time."""
    virtual = Bench()
    virtual.callback = lambda _: DOWN[kind] if len(virtual.pushed) <= failures else TAKEN
    virtual.send(TWO_REPORTS, notifyUrl=CALLBACK, intermediateReport=True)
    virtual.wait(days=4)
    first = [START + minutes(after) for after in AFTER[: failures + 1]]
    shown = show_reports(virtual)

    assert [(p.status, p.at) for p in virtual.pushed] == [
        *((3, at) for at in first),
        (5, max(first[-1], START + SECOND)),
    ]
    assert [r["attempts"] for r in shown] == [len(first), 1]
    assert [r["state"] for r in shown] == [
        "dead" if failures > 20 else "acknowledged",
        "acknowledged",
    ]
    assert [r["reason"] for r in shown] == [DOWN[kind].reason if failures > 20 else "", ""]
    assert virtual.reports() == []


@pytest.mark.parametrize("kind", DOWN)
def test_dlr_006_a_server_that_never_comes_back_gets_21_attempts_of_each_report(kind: str) -> None:
    """Every report ends as a dead letter with the reason; a final one can be fetched, once, for 48 hours."""
    virtual = Bench()
    virtual.callback = lambda _: DOWN[kind]
    virtual.send(TWO_REPORTS, notifyUrl=CALLBACK, intermediateReport=True)
    (entry,) = virtual.send(ONE_REPORT, notifyUrl=CALLBACK)["messages"]
    virtual.wait(hours=41, minutes=30)
    dead = [r["final"] for r in show_reports(virtual) if r["state"] == "dead"]
    fetched = [virtual.reports(messageId=entry["messageId"]) for _ in range(2)]
    virtual.wait(hours=41, minutes=30)
    shown = show_reports(virtual)
    instants = [START + minutes(after) for after in AFTER]

    assert [p.at for p in virtual.pushed if p.to == ONE_REPORT] == instants
    assert [(p.status, p.at) for p in virtual.pushed if p.to == TWO_REPORTS] == [
        *((3, at) for at in instants),
        *((5, at + minutes(AFTER[-1])) for at in instants),
    ]
    assert dead == [False, True]
    assert [len(reports) for reports in fetched] == [1, 0]
    assert [(r["attempts"], r["state"], r["due"]) for r in shown] == [(21, "dead", None)] * 3
    assert {r["reason"] for r in shown} == {DOWN[kind].reason}
    assert virtual.reports() == []


@pytest.mark.parametrize("late", [False, True], ids=["just in time", "a moment late"])
@pytest.mark.parametrize("after", [0, *AFTER[1:], *(AFTER[-1] + after for after in AFTER[1:])])
def test_dlr_006_an_outage_of_any_length_loses_nothing(after: int, late: bool) -> None:
    """A server that comes back at the instant of an attempt gets the report then, a moment later by the next."""
    up = START + minutes(after) + MOMENT * late
    virtual = Bench()
    virtual.callback = lambda _: TAKEN if virtual.now >= up else DOWN["rejected"]
    for _ in range(3):
        virtual.send(TWO_REPORTS, notifyUrl=CALLBACK, intermediateReport=True)
    virtual.wait(days=4)
    first = find_attempts(START, up)
    last = find_attempts(max(first[-1], START + SECOND), up)
    expected = [(3, at) for at in first] + [(5, at) for at in last]

    for sms in virtual.state.messages.values():
        name = sms.message_id
        assert [(p.status, p.at) for p in virtual.pushed if p.report.message_id == name] == expected
    assert [r["attempts"] for r in show_reports(virtual)] == [len(first)] * 3 + [len(last)] * 3


class Told(NamedTuple):
    """What the callback server does with an attempt."""

    hears: bool
    answer: WebhookResult


TELLING = st.sampled_from(
    [
        *(Told(hears=False, answer=DOWN[kind]) for kind in DOWN),
        Told(hears=True, answer=DOWN["timeout"]),  # it has the report, and its answer is lost
        Told(hears=True, answer=TAKEN),
    ]
)


@settings(max_examples=50)
@given(st.lists(TELLING, max_size=150), st.booleans())
def test_whatever_the_server_does_every_report_has_one_end(story: list[Told], up: bool) -> None:
    """Each is acknowledged once or dead after 21 attempts, in order; one received twice has two attempts."""
    virtual, captured = Bench(), []
    told = iter(story)

    def answer(posting: WebhookRequest) -> WebhookResult:
        now = next(told, Told(hears=up, answer=TAKEN if up else DOWN["500"]))
        if now.hears:
            captured.append(posting.delivery_serial)
        return now.answer

    virtual.callback = answer
    for to in ("9990330000005", "9990120000009", "9990220000007"):
        virtual.send(to, notifyUrl=CALLBACK, intermediateReport=True)
    virtual.wait(days=12)

    for report in virtual.state.deliveries.values():
        tries = [p for p in virtual.pushed if p.posting.delivery_serial == report.serial]
        gaps = [(b.at - a.at) // minutes(1) for a, b in pairwise(tries)]
        assert len({p.posting.body for p in tries}) == 1
        assert gaps == GAPS[: len(gaps)]
        assert report.attempts == len(tries)
        assert report.attempts >= captured.count(report.serial)
        assert report.final_state == (
            "acknowledged" if report.serial in get_acknowledged(virtual, story, up) else "dead"
        )
        assert report.final_state == "acknowledged" or (report.attempts == 21 and report.reason)
    for sms in virtual.state.messages.values():
        tries = [p for p in virtual.pushed if p.report.message_id == sms.message_id]
        assert [p.posting.delivery_serial for p in tries] == sorted(
            p.posting.delivery_serial for p in tries
        )
        assert tries[-1].status == sms.status
    dead = [p for p in virtual.state.deliveries.values() if p.final_state == "dead"]
    assert len(virtual.state.fetchable) == sum(p.is_final for p in dead)


def get_acknowledged(bench: Bench, story: list[Told], up: bool) -> set[int]:
    """Return the reports of those attempts that were answered with 200."""
    answers = [told.answer is TAKEN for told in story] + [up] * len(bench.pushed)
    return {
        p.posting.delivery_serial for p, taken in zip(bench.pushed, answers, strict=False) if taken
    }


# ---------------------------------------------------------------- on a socket


@contextmanager
def reserve_port() -> Iterator[int]:
    """Give a port on which servers come and go; while none listens, connections are rejected."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def ask_for_reports(to: str, port: int) -> SmsRequest:
    """Return a request whose reports go to a port."""
    message = Message(
        destinations=[Destination(to=to)],
        notify_url=f"http://127.0.0.1:{port}/reports",
        intermediate_report=True,
    )
    return SmsRequest(messages=[message])


def read_statuses(heard: list[Heard]) -> list[int | None]:
    """Return the statuses that a callback server was told."""
    results = [parse_delivery_reports(h.body, h.content_type).results for h in heard]
    return [result.status.id if result.status else None for (result,) in results]


def test_a_real_server_goes_down_and_comes_up_in_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """500, a redirection, nobody there, an answer that comes too late: then the report is taken, and the next follows."""
    with reserve_port() as port, running(frozen=True) as sandbox:
        start = sandbox.clock.now()
        reasons = []

        def go_on(after: int) -> None:
            sandbox.clock.jump_to(start + minutes(after))
            reasons.append(sandbox.reports()[0]["reason"])

        with CallbackServer(500, 302, port=port) as faulty:
            sandbox.client().send(ask_for_reports(TWO_REPORTS, port))
            go_on(0)
            go_on(1)
        go_on(3)
        go_on(8)
        with monkeypatch.context() as patch, CallbackServer(pause=1, port=port) as slow:
            patch.setattr(webhook_sender, "ATTEMPT_TIMEOUT", 0.5)
            go_on(18)
            slow.wait(1)
        with CallbackServer(port=port) as good:
            sandbox.clock.jump_to(start + minutes(35) - MOMENT)
            assert good.heard == []
            go_on(35)
        shown = sandbox.reports()

    assert reasons[:2] == ["HTTP 500", "HTTP 302"]
    assert reasons[2:] == ["connection refused"] * 2 + [
        "response timed out",
        "",
    ]
    assert [read_statuses(s.heard) for s in (faulty, slow, good)] == [[3, 3], [3], [3, 5]]
    assert len({h.body for s in (faulty, slow, good) for h in s.heard}) == 2
    assert [(r["attempts"], r["state"], r["final"]) for r in shown] == [
        (6, "acknowledged", False),
        (1, "acknowledged", True),
    ]


def test_a_real_server_that_stays_down_costs_no_report() -> None:
    """After 41 hours and 30 minutes the reports are dead letters, and can be fetched once."""
    with reserve_port() as port, running(frozen=True) as sandbox, CallbackServer(500) as faulty:
        client = sandbox.client()
        ports = [port, int(faulty.url.rpartition(":")[2])]
        sent = [client.send(ask_for_reports(ONE_REPORT, port)) for port in ports]
        sandbox.clock.advance(41.5 * 3600 - 1)
        waiting = sandbox.reports("waiting")
        sandbox.clock.advance(1)
        dead = sandbox.reports("dead")
        fetched = client.fetch_delivery_reports().results

        assert client.fetch_delivery_reports().results == ()
    assert [(r["attempts"], r["final"]) for r in waiting] == [(20, True)] * 2
    assert [(r["attempts"], r["final"]) for r in dead] == [(21, True)] * 2
    assert [r["reason"] for r in dead] == ["connection refused", "HTTP 500"]
    assert read_statuses(faulty.heard) == [5] * 21
    assert [r.message_id for r in fetched] == [response.messages[0].message_id for response in sent]
