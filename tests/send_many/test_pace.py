"""The pace of a run, on a clock that only waiting moves: destinations are counted, not timed."""

from __future__ import annotations

import threading
from bisect import bisect_left

import pytest
from infobip_sms_schema import SmsRequest

from infobip_sms.errors import ApiError
from infobip_sms.send_many.batch import BatchSender
from infobip_sms.send_many.options import SendManyOptions
from infobip_sms.send_many.outcomes import is_busy
from infobip_sms.send_many.pace import Pace
from tests.fakes.ledger_process import build_messages


class Clock(threading.Event):
    """Time, and the event that a run waits for: waiting takes no time but moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def read(self) -> float:
        """Return the time in seconds."""
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        """Let time pass."""
        self.now += timeout or 0
        return self.is_set()


def send(pace: Pace, clock: Clock, seconds: float, count: int) -> list[float]:
    """Send requests of so many destinations for so long; return the time of each destination."""
    sent: list[float] = []
    until = clock.now + seconds
    while clock.now < until:
        pace.wait(count, clock)
        sent += [clock.now] * count
    return sent


@pytest.mark.parametrize("per_second", [0.5, 1, 7, 50, 1000.0])
def test_as_many_destinations_leave_as_were_asked_for(per_second: float) -> None:
    """Over a minute exactly those, and in no second more than a quarter above."""
    clock = Clock()
    pace = Pace(per_second, clock.read)
    chunk = SendManyOptions(100, 1, "report", None, None, 0, 0, per_second=per_second).batch_size
    until = clock.now + 60
    sent = [at for at in send(pace, clock, 60, chunk) if at < until - 1e-6]
    most = max(bisect_left(sent, sent[n] + 1) - n for n in range(0, len(sent), chunk))

    assert abs(len(sent) - 60 * per_second) <= chunk
    assert most <= max(1, per_second * 1.25)


def test_a_rest_is_not_made_up_for() -> None:
    """After a minute in which nothing left, the next second has no more than any other."""
    clock = Clock()
    pace = Pace(50, clock.read)
    send(pace, clock, 1, 10)
    clock.now += 60

    assert len(send(pace, clock, 1, 10)) <= 60


def test_a_429_halves_the_rate_once_for_the_requests_that_were_under_way() -> None:
    """Four threads whose requests left before the first 429 slow the run down once."""
    clock = Clock()
    pace = Pace(100, clock.read)
    left = [pace.get_time() for _ in range(4)]
    clock.now += 0.1
    rates = []
    for sent_at in (*left, clock.now + 0.1):
        pace.slow_down(sent_at)
        rates.append(pace.rate)

    assert rates == [50, 50, 50, 50, 25]


def test_the_rate_comes_back_with_time_and_not_beyond() -> None:
    """A twentieth each second, however many requests are accepted in it; never below a hundredth."""
    clock = Clock()
    pace = Pace(100, clock.read)
    for _ in range(20):
        clock.now += 1
        pace.slow_down(clock.now)
    rates = [pace.rate]
    for seconds in (1, 1, 10, 100):
        clock.now += seconds
        for _ in range(5):
            pace.speed_up()
        rates.append(round(pace.rate, 6))

    assert rates == [1, 6, 11, 61, 100]


class Busy:
    """A client whose server rejects the first requests, and counts the destinations of all."""

    def __init__(self, failures: int) -> None:
        self.failures, self.count = failures, 0

    def send(self, request: SmsRequest) -> None:
        """Count, and reject."""
        self.count += sum(len(message.destinations) for message in request.messages)
        self.failures -= 1
        raise ApiError(429 if self.failures >= 0 else 400, headers={"retry-after": "0"})


def test_a_repeated_request_counts_again() -> None:
    """Its destinations wait for their time like any others."""
    clock, client = Clock(), Busy(3)
    options = SendManyOptions(4, 1, "report", None, None, 0, 1e9, per_second=16)
    sender = BatchSender(client, options, None)  # type: ignore[arg-type]  # sends only
    sender.stopped, sender._pace = clock, Pace(16, clock.read)
    request = SmsRequest(messages=list(build_messages(4)))
    begun = clock.now
    sender._pace.wait(4, clock)
    sender._retry(lambda: sender._send_request(request), is_busy, 4)

    assert client.count == 16
    assert clock.now - begun >= (0 + 1 + 2 + 4) * 4 / 16  # the rate is halved after each
