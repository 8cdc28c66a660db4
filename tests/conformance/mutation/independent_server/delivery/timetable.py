"""Jobs that run later, on threads of their own."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable

LONGEST_WAIT = 3600.0


class Timetable:
    """A queue of jobs, each with the instant at which it is due."""

    def __init__(self, workers: int = 16) -> None:
        self._jobs: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        for _ in range(workers):
            threading.Thread(target=self._work, daemon=True).start()

    def add(self, due: float, job: Callable[[], None]) -> None:
        """Run a job at an instant, or as soon as possible after it."""
        with self._changed:
            heapq.heappush(self._jobs, (due, next(self._order), job))
            self._changed.notify()

    def _work(self) -> None:
        while True:
            self._take()()

    def _take(self) -> Callable[[], None]:
        with self._changed:
            while True:
                now = time.time()
                if self._jobs and self._jobs[0][0] <= now:
                    return heapq.heappop(self._jobs)[2]
                wait = self._jobs[0][0] - now if self._jobs else LONGEST_WAIT
                self._changed.wait(min(wait, LONGEST_WAIT))
