"""Measure pieces of work beside each other, round by round, so that a busy machine is busy for all; and how quiet it is."""

from __future__ import annotations

import gc
import statistics
import time
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Work = Callable[[], Any]

_LEAST = 0.004  # seconds that a piece of work is repeated for, in each round
_PATIENCE = 1.0  # seconds; work that takes longer is done in fewer rounds
_FEW = 3
LOUD = 1.25
"""So many times its best time the loop takes, in one of ten turns, on a machine that is too noisy to trust."""
_TURNS = 40
_STEPS = 60_000  # a few milliseconds


@attrs.frozen
class Figure:
    """What one piece of work took, in each round."""

    cpu: tuple[float, ...]
    """Seconds of the processor."""
    wall: tuple[float, ...]
    ratios: tuple[float, ...]
    """Of the processor's time to that of the first work, in the same round."""
    wall_ratios: tuple[float, ...] = ()
    """The same for the clock on the wall."""

    @classmethod
    def of(
        cls, rows: Iterable[tuple[float, float]], first: Iterable[tuple[float, float]]
    ) -> Figure:
        """Return the figure of rows of seconds, processor and wall, beside those of the first work."""
        pairs = [(*one, *other) for one, other in zip(rows, first, strict=False)]
        found = [(cpu, wall, cpu / a, wall / b) for cpu, wall, a, b in pairs]
        return cls(*zip(*found, strict=True))

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    def describe(self) -> dict[str, float]:
        """Return the figure as plain data."""
        return {
            "ratio": round(self.ratio, 3),
            "ratio_least": round(min(self.ratios), 3),
            "ratio_most": round(max(self.ratios), 3),
            "wall_ratio": round(statistics.median(self.wall_ratios), 3)
            if self.wall_ratios
            else 0.0,
            "cpu_ms": round(statistics.median(self.cpu) * 1000, 4),
            "wall_ms": round(statistics.median(self.wall) * 1000, 4),
            "rounds": len(self.cpu),
        }


def measure(work: Mapping[str, Work], rounds: int, *, least: float = _LEAST) -> dict[str, Figure]:
    """Do each piece of work in each round; the first one is what the others are compared with.

    least: seconds of the clock that a piece of work is repeated for.
    """
    counts, slow = {}, set()
    for name, do in work.items():
        _time(do, 1)
        _, wall = _time(do, 1)
        counts[name] = max(1, round(least / max(wall, 1e-7)))
        if wall > _PATIENCE:
            slow.add(name)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for number in range(rounds):
        for name, do in work.items():
            if name not in slow or number < _FEW:
                taken[name].append(_time(do, counts[name]))
    first = next(iter(taken.values()))
    return {name: Figure.of(rows, first) for name, rows in taken.items()}


def _time(do: Work, count: int) -> tuple[float, float]:
    gc.collect()  # and then on: collections are part of the work
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        do()
    return (time.process_time() - cpu) / count, (time.perf_counter() - wall) / count


def measure_noise() -> float:
    """Return the time of the slowest but three of forty turns of a loop, in times of the fastest."""
    taken = sorted(_time_loop() for _ in range(_TURNS))
    return round(taken[-_TURNS // 10] / taken[0], 3)


def describe_noise(spread: float) -> str:
    """Say whether figures of this machine can be trusted."""
    verdict = "too noisy to trust" if spread > LOUD else "quiet"
    return f"{verdict}: one loop took 1.00 to {spread:.2f} times as long"


def _time_loop() -> float:
    began, total = time.perf_counter(), 0
    for number in range(_STEPS):
        total += number
    return time.perf_counter() - began
