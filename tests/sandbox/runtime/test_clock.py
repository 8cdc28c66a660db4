"""The clock of a sandbox, by itself and on its journeys past everything that is due."""

from __future__ import annotations

import datetime as dt
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infobip_sms.sandbox import Sandbox, running
from infobip_sms.sandbox.clock import MAX_INSTANT, VirtualClock
from infobip_sms.webhooks import parse_delivery_reports
from tests.fakes.webhook_server import CallbackServer, Heard
from tests.sandbox.admin.calls import OTHER, PATIENCE, TO, Asking, ask, post, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START = dt.datetime(2030, 1, 1, 12, 0, tzinfo=dt.UTC)
SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)


class Machine:
    """The clock of a machine, which a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        """Return the instant that it is."""
        return self.now


@pytest.fixture(name="machine")
def fixture_machine() -> Machine:
    """Give a machine whose clock is at START."""
    return Machine()


# ---------------------------------------------------------------- by itself


def test_a_clock_follows_the_machine_to_the_millisecond(machine: Machine) -> None:
    """In UTC, whatever the zone of the machine, and never ahead by itself."""
    clock = VirtualClock(machine)
    zone = dt.timezone(dt.timedelta(hours=2))
    machine.now = (START + dt.timedelta(microseconds=1999)).astimezone(zone)

    assert clock.now() == clock() == START + dt.timedelta(milliseconds=1)
    assert clock.now().tzinfo is dt.UTC
    assert not clock.frozen


def test_a_frozen_clock_stands_and_goes_on_from_there(machine: Machine) -> None:
    """It does not make up for the time in which it stood; freezing twice and resuming twice is no harm."""
    clock = VirtualClock(machine)
    for _ in range(2):
        clock.freeze()
        machine.now += SECOND
        assert (clock.now(), clock.frozen, clock.is_stopped) == (START, True, True)
    for _ in range(2):
        clock.resume()
        assert (clock.now(), clock.frozen, clock.is_stopped) == (START, False, False)
    machine.now += SECOND

    assert clock.now() == START + SECOND


@pytest.mark.parametrize("frozen", [False, True])
def test_a_clock_is_put_forward_only(machine: Machine, frozen: bool) -> None:
    """By seconds or to an instant, to the millisecond; never back, which is said and changes nothing."""
    clock = VirtualClock(machine, frozen=frozen)
    clock.advance(1.5009)
    assert clock.now() == START + dt.timedelta(milliseconds=1500)
    clock.jump_to(START + MINUTE + dt.timedelta(microseconds=999))
    assert clock.now() == START + MINUTE
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-0.001)
    with pytest.raises(ValueError, match="backwards"):
        clock.jump_to(START + 59 * SECOND)
    assert clock.now() == START + MINUTE
    machine.now += SECOND

    assert clock.now() == START + MINUTE + (SECOND if not frozen else 0 * SECOND)
    assert clock.get_instant_after(1.0009) == clock.now() + SECOND


def test_a_clock_stops_at_the_end_of_the_calendar(machine: Machine) -> None:
    """However far it is put forward, and when it goes on from there."""
    clock = VirtualClock(machine)
    for seconds in (1e12, 1e300, 10**400):
        assert clock.get_instant_after(seconds) == MAX_INSTANT
    clock.advance(1e300)
    machine.now += SECOND
    assert clock.now() == MAX_INSTANT
    clock.freeze()
    clock.resume()

    assert clock.now() == MAX_INSTANT


def test_a_journey_leaves_a_clock_as_frozen_as_it_was(machine: Machine) -> None:
    """On the way it stands; a clock that ran goes on from where it got to."""
    for frozen in (False, True):
        clock = VirtualClock(machine, frozen=frozen)
        before = clock.now()
        clock.hold()
        assert (clock.frozen, clock.is_stopped) == (frozen, True)
        clock.advance(60)
        machine.now += SECOND
        assert clock.now() == before + MINUTE
        clock.release()

        assert (clock.now(), clock.is_stopped) == (before + MINUTE, frozen)


def test_a_reset_puts_a_clock_back_to_the_machine(machine: Machine) -> None:
    """Frozen if it began so."""
    for frozen in (False, True):
        clock = VirtualClock(machine, frozen=frozen)
        clock.advance(3600)
        (clock.resume if frozen else clock.freeze)()
        machine.now += SECOND
        clock.reset()

        assert (clock.now(), clock.frozen) == (machine.now, frozen)


def test_a_machine_that_is_put_back_takes_no_clock_with_it(machine: Machine) -> None:
    """The clock goes on at the same pace from where it was."""
    clock = VirtualClock(machine)
    assert clock.now() == START
    machine.now -= dt.timedelta(hours=1)
    assert clock.now() == START
    machine.now += SECOND

    assert clock.now() == START + SECOND


STEPS = st.one_of(
    st.sampled_from(["freeze", "resume", "hold", "release"]),
    st.tuples(st.just("advance"), st.floats(0, 1e6)),
    st.tuples(st.just("machine"), st.integers(-(10**9), 10**9)),
)


@given(st.lists(STEPS), st.booleans())
def test_no_clock_ever_runs_backwards(steps: list[Any], frozen: bool) -> None:
    """Whatever is done with it and with the machine, and also when it is known anew from its position."""
    machine = Machine()
    clock = VirtualClock(machine, frozen=frozen)
    before = clock.now()
    for step in steps:
        match step:
            case "machine", microseconds:
                machine.now += dt.timedelta(microseconds=microseconds)
            case "advance", seconds:
                clock.advance(seconds)
            case name:
                getattr(clock, name)()
        now = clock.now()
        again = VirtualClock(machine)
        again.restore(clock.state)

        assert now >= before
        assert now.microsecond % 1000 == 0
        assert (again.now(), again.frozen) == (now, clock.frozen)
        before = now


# ---------------------------------------------------------------- on its journeys


@pytest.fixture(name="sandbox")
def fixture_sandbox() -> Iterator[Sandbox]:
    """Give a sandbox whose clock stands."""
    with running(delay=0, frozen=True) as sandbox:
        yield sandbox


def find_status(heard: Heard) -> tuple[str | None, int]:
    """Return whom a report is about, and the status in it."""
    (report,) = parse_delivery_reports(heard.body, heard.content_type).results
    assert report.status is not None
    return report.to, report.status.id


def ride(sandbox: Sandbox, body: dict[str, Any]) -> threading.Thread:
    """Let the clock go somewhere, in a thread."""
    thread = threading.Thread(target=ask, args=(sandbox.url, "POST", "clock", body))
    thread.start()
    return thread


def test_a_journey_stops_wherever_a_report_is_tried_again(sandbox: Sandbox) -> None:
    """Every attempt meets its instant, 1 + n² minutes after the one before, until it is taken."""
    seen: list[dt.datetime] = []
    start = sandbox.clock.now()
    with Asking(lambda _: seen.append(sandbox.clock.now()), 500, 404, 302, 200) as callback:
        send(sandbox.url, TO, notifyUrl=callback.url)
        end = sandbox.clock.advance(3600)

    assert [(at - start) // SECOND for at in seen] == [0, 60, 180, 480]
    assert end == start + 60 * MINUTE
    assert [r["state"] for r in sandbox.reports()] == ["acknowledged"]


def test_a_journey_that_is_long_ends_with_a_dead_letter(sandbox: Sandbox) -> None:
    """Twenty retries within two days, in one request to the clock."""
    with CallbackServer(503) as callback:
        send(sandbox.url, TO, notifyUrl=callback.url)
        sandbox.clock.advance(48 * 3600)
        captured = len(callback.heard)
    (report,) = sandbox.reports(state="dead")

    assert (captured, report["attempts"], report["reason"]) == (21, 21, "HTTP 503")


def test_everything_happens_at_its_instant_and_in_its_order(sandbox: Sandbox) -> None:
    """Intermediate and final reports of many messages: the callback server sees time go as it should."""
    seen: list[tuple[dt.datetime, Any]] = []
    start = sandbox.clock.now()
    with Asking(lambda heard: seen.append((sandbox.clock.now(), find_status(heard)))) as callback:
        for seconds in (7, 3, 5):
            to = f"9990{seconds}20000005"
            send(sandbox.url, to, notifyUrl=callback.url, intermediateReport=True)
        late = (start + 2 * MINUTE).isoformat()
        send(sandbox.url, TO, notifyUrl=callback.url, sendAt=late)
        end = sandbox.clock.jump_to(start + 5 * MINUTE)

    happened = [((at - start) // SECOND, *found) for at, found in seen]
    assert happened == [
        (0, "9990720000005", 3),
        (0, "9990320000005", 3),
        (0, "9990520000005", 3),
        (3, "9990320000005", 5),
        (5, "9990520000005", 5),
        (7, "9990720000005", 5),
        (120, TO, 5),
    ]
    assert end == start + 5 * MINUTE


def test_the_clock_waits_for_more_reports_than_go_out_at_once(sandbox: Sandbox) -> None:
    """Hundreds at one instant are all answered before the clock goes on."""
    seen: list[dt.datetime] = []
    start = sandbox.clock.now()
    many = [f"41793{n:06}" for n in range(250)]
    with Asking(lambda _: seen.append(sandbox.clock.now())) as callback:
        send(sandbox.url, *many, notifyUrl=callback.url)
        end = sandbox.clock.advance(1)

    assert seen == [start] * 250
    assert end == start + SECOND
    assert len(sandbox.reports(state="acknowledged")) == 250


def test_the_next_instant_is_the_next_one_and_no_other(sandbox: Sandbox) -> None:
    """Jump by jump: sent, on the way, delivered; with nothing due the clock stays."""
    start = sandbox.clock.now()
    send(sandbox.url, "9991030000005", sendAt=(start + MINUTE).isoformat())
    send(sandbox.url, "9992010000005")
    stops = [(sandbox.clock.jump_to_next() - start) // SECOND for _ in range(5)]
    names = [message.status_name for message in sandbox.messages()]

    assert stops == [20, 60, 70, 70, 70]
    assert names == ["DELIVERED_TO_HANDSET"] * 2
    assert ask(sandbox.url, "GET", "clock").plain["next"] is None


class Gate:
    """Lets a callback server answer once it is opened."""

    def __init__(self) -> None:
        self.reached, self._open = threading.Event(), threading.Event()

    def __call__(self, _: Heard) -> None:
        """Wait."""
        self.reached.set()
        assert self._open.wait(PATIENCE)

    def open(self) -> None:
        """Let everybody pass."""
        self._open.set()


def test_a_clock_that_runs_goes_on_after_a_journey() -> None:
    """It is not frozen by it, and it passes the instant that it was put to."""
    with running(delay=0) as sandbox:
        start = sandbox.clock.now()
        there = sandbox.clock.advance(3600)
        clock, until = ask(sandbox.url, "GET", "clock").plain, time.monotonic() + PATIENCE
        while sandbox.clock.now() == there:
            assert time.monotonic() < until, "it stands"

    assert there >= start + 60 * MINUTE
    assert not clock["frozen"]


def test_journeys_come_one_after_the_other(sandbox: Sandbox) -> None:
    """Four at once lead as far as all of them together, also where each waits for a report."""
    gate, start = Gate(), sandbox.clock.now()
    with Asking(gate) as callback:
        send(sandbox.url, TO, notifyUrl=callback.url)
        assert gate.reached.wait(PATIENCE)
        threads = [ride(sandbox, {"advance": 60}) for _ in range(4)]
        for _ in range(5):
            assert sandbox.clock.now() == start
        gate.open()
        for thread in threads:
            thread.join(PATIENCE)

    assert sandbox.clock.now() == start + 4 * MINUTE


def test_the_api_is_answered_while_the_clock_waits_for_a_report(sandbox: Sandbox) -> None:
    """At the instant of the stop; what is due by then is sent on the same time travel."""
    gate, start = Gate(), sandbox.clock.now()
    with Asking(gate) as callback:
        send(sandbox.url, "9990510000005", notifyUrl=callback.url)
        journey = ride(sandbox, {"advance": 60})
        assert gate.reached.wait(PATIENCE)
        send(sandbox.url, OTHER)
        (message,) = sandbox.messages(to=OTHER)
        clock = ask(sandbox.url, "GET", "clock").plain
        gate.open()
        journey.join(PATIENCE)

    assert message.sent_at in (None, start + 5 * SECOND)
    assert (dt.datetime.fromisoformat(clock["now"]), clock["frozen"]) == (start + 5 * SECOND, True)
    assert sandbox.messages(to=OTHER)[0].is_final
    assert sandbox.clock.now() == start + MINUTE


def begin_anew(sandbox: Sandbox) -> None:
    """Reset it."""
    sandbox.reset()


def send_more(sandbox: Sandbox) -> None:
    """Reset it, and have a message of the new era due before the old time travel's end."""
    sandbox.reset()
    late = sandbox.clock.now() + 30 * MINUTE
    send(sandbox.url, OTHER, sendAt=late.isoformat())


@pytest.mark.parametrize("what", [begin_anew, send_more])
@pytest.mark.parametrize("seconds", ["00", "05"], ids=["before the way", "on the way"])
def test_a_reset_ends_a_journey(what: Callable[[Sandbox], None], seconds: str) -> None:
    """Reports of before that wait their turn do not come any more, and the clock is the machine's again."""
    gate = Gate()
    with running(delay=0) as sandbox, Asking(gate) as callback:
        for _ in range(5):
            send(sandbox.url, f"999{seconds}10000005", notifyUrl=callback.url)
        journey = ride(sandbox, {"advance": 3600})
        assert gate.reached.wait(PATIENCE)
        while len({sandbox.clock.now() for _ in range(5)}) > 1:
            pass  # the time travel has not begun: only then the clock stands
        what(sandbox)
        journey.join(PATIENCE)
        clock, left = sandbox.clock.now(), sandbox.messages()
        gate.open()
        send(sandbox.url, TO, notifyUrl=callback.url)
        sandbox.wait_for(to=TO, status="DELIVERED", timeout=PATIENCE)
        captured = [find_status(h)[0] for h in callback.wait(2)]
        reports = sandbox.reports()

    assert not journey.is_alive()
    assert clock - dt.datetime.now(dt.UTC) < MINUTE
    assert [message.sent_at for message in left] == [None] * (what is send_more)
    assert captured == [f"999{seconds}10000005", TO]
    assert len(reports) == 1


def test_a_frozen_clock_stands_between_requests(sandbox: Sandbox) -> None:
    """Nothing happens by itself; what is due at the very instant does."""
    start = sandbox.clock.now()
    send(sandbox.url, TO)
    sandbox.wait_for(to=TO, status="DELIVERED", timeout=PATIENCE)
    send(sandbox.url, OTHER, sendAt=(start + dt.timedelta(milliseconds=1)).isoformat())
    with pytest.raises(TimeoutError):
        sandbox.wait_for(to=OTHER, status="DELIVERED", timeout=0.1)

    assert sandbox.clock.now() == start
    assert sandbox.clock.advance(0.001) == start + dt.timedelta(milliseconds=1)
    assert sandbox.messages(to=OTHER)[0].is_final


def test_the_rate_of_an_account_goes_by_the_clock_of_the_sandbox() -> None:
    """A second that does not pass has no more requests than it may have."""
    body = b'{"messages": [{"destinations": [{"to": "41793026727"}], "text": "Hi"}]}'
    with running(frozen=True, rate=2) as sandbox:
        first = [post(sandbox.url, body).status for _ in range(3)]
        sandbox.clock.advance(1)
        second = [post(sandbox.url, body).status for _ in range(3)]

    assert first == second == [200, 200, 429]
