"""The checks: which requirement each belongs to, in which formats it runs, and what it sends."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pytest

from infobip_sms_conformance.contract.files import WIRES

CheckFunction = TypeVar("CheckFunction", bound=Callable[..., None])
FIRST, USUAL, AFTER_CASES, LATE, LAST = range(5)
"""When a check runs: before all others, in the order of its file, after those of one field each, after all that
send messages, at the very end."""


@dataclass(frozen=True)
class Check:
    """What ties a check to its requirement."""

    requirement_id: str
    name: str
    wires: tuple[str, ...]
    needs: frozenset[str]
    feature: str
    order: int


# Not a pytest marker: those have to be declared in the settings of whoever imports a check.
REGISTRY: dict[Callable[..., None], Check] = {}


def check(
    requirement_id: str,
    wires: Sequence[str] = WIRES,
    *,
    needs: Sequence[str] = (),
    feature: str = "",
    order: int = USUAL,
) -> Callable[[CheckFunction], CheckFunction]:
    """Tie a check to the requirement that it checks.

    A check with the argument ``case`` runs once for every case of the requirement, one with
    ``wire`` once for every format. needs: the groups of exchanges that it looks at
    (session/budget.py); "cases" are those of its own requirement.
    feature: what a server may go without (plan.py). order: see FIRST.
    """

    def tie(check: CheckFunction) -> CheckFunction:
        pytest.mark.usefixtures("wire")(check)  # also where the check itself has no need of it
        REGISTRY[check] = Check(
            requirement_id,
            re.sub(r"^test_[a-z0-9]+_[0-9]+_", "", check.__name__),
            tuple(wires),
            frozenset({"start", *needs}),
            feature,
            order,
        )
        return check

    return tie
