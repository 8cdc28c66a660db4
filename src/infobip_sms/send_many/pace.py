"""The pace of a run: destinations per second, shared by its threads.

Each destination of each request that leaves counts once, also if the request is a repetition; lookups do
not count. A request has at most what a quarter of a second allows, so no second has more than 1.25 times
the rate.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SHARE = 0.25  # seconds of the rate that a request has at most
_SLOWER = 0.5  # factor after a 429
_GAIN = 0.05  # of the rate that was asked for: what comes back in a second without a 429
_LEAST = 0.01  # of the rate that was asked for


def limit_chunk(chunk: int, per_second: float | None) -> int:
    """Return how many destinations a request may have."""
    return chunk if per_second is None else max(1, min(chunk, int(per_second * _SHARE)))


class Pace:
    """Gives each request its time; slower after a 429, and faster again up to the given rate."""

    def __init__(self, per_second: float, now: Callable[[], float] = time.monotonic) -> None:
        self._most = self.rate = per_second
        self._now = now
        self._lock = threading.Lock()
        self._next = self._slowed = self._raised = now()

    def wait(self, count: int, stopped: threading.Event) -> None:
        """Wait until so many destinations may be sent, or until the run is stopped."""
        with self._lock:
            begin = max(self._next, self._now())
            self._next = begin + count / self.rate
        stopped.wait(max(0.0, begin - self._now()))

    def get_time(self) -> float:
        """Return the time of a request that leaves now."""
        return self._now()

    def slow_down(self, sent_at: float) -> None:
        """Halve the rate: a request got a 429; once for all that were under way at the same time."""
        with self._lock:
            if sent_at >= self._slowed:
                self.rate = max(self.rate * _SLOWER, self._most * _LEAST)
                self._slowed = self._raised = self._now()

    def speed_up(self) -> None:
        """Raise the rate for the seconds since it was changed: a request was accepted."""
        with self._lock:
            now = self._now()
            gain = self._most * _GAIN * (now - self._raised)
            self.rate, self._raised = min(self.rate + gain, self._most), now
