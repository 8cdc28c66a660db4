"""Inputs that once broke a reader, and a few new ones for every reader."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.__main__ import SEEDS, try_input
from tests.fuzz.mutate import mutate
from tests.fuzz.targets import TARGETS, Target

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 60
KEPT = [
    pytest.param(target, path, id=f"{target.name}-{path.name}")
    for target in TARGETS
    for path in sorted((SEEDS / target.name).glob("*"))
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_readers_bear_inputs_that_are_almost_right(target: Target) -> None:
    """A mutated input is read, or rejected by the documented exception; never anything else."""
    chance, corpus = random.Random(target.name), target.corpus()  # noqa: S311 - repeatable
    problems = [try_input(target, mutate(chance, corpus)) for _ in range(COUNT)]

    assert [p for p in problems if p and " s for " not in p] == []


@pytest.mark.parametrize(("target", "path"), KEPT)
def test_inputs_that_broke_a_reader_do_so_no_more(target: Target, path: Path) -> None:
    """Every input that fuzzing has found stays mended."""
    problem = try_input(target, path.read_bytes())

    assert problem == "" or " s for " in problem
