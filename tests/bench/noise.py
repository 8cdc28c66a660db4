"""How quiet the machine is: the spread of a loop that always does the same."""

from __future__ import annotations

import time

LOUD = 1.25
"""So many times its best time the loop takes, in one of ten turns, on a machine that is too noisy to trust."""
_TURNS = 40
_STEPS = 60_000  # a few milliseconds


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
