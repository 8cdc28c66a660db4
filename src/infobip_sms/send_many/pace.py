"""The pace of a run: destinations per second, shared by its threads."""

from __future__ import annotations

import threading
import time

_SLOWER, _FASTER = 0.5, 1.05  # factors after a 429, and after a request that was accepted
_LEAST = 0.01  # of the rate that was asked for


class Pace:
    """Gives each request its time; slower after a 429, and faster again up to the given rate."""

    def __init__(self, per_second: float) -> None:
        self._most = self.rate = per_second
        self._lock = threading.Lock()
        self._next = time.monotonic()

    def wait(self, count: int, stopped: threading.Event) -> None:
        """Wait until so many destinations may be sent, or until the run is stopped."""
        with self._lock:
            begin = max(self._next, time.monotonic())
            self._next = begin + count / self.rate
        stopped.wait(max(0.0, begin - time.monotonic()))

    def slow_down(self) -> None:
        """Halve the rate: the server has had too many requests."""
        with self._lock:
            self.rate = max(self.rate * _SLOWER, self._most * _LEAST)

    def speed_up(self) -> None:
        """Raise the rate by a little."""
        with self._lock:
            self.rate = min(self.rate * _FASTER, self._most)
