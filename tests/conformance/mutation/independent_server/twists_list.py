"""The faults that are hooks, by the names that faults.toml has."""

from __future__ import annotations

from functools import cache

from tests.conformance.mutation.independent_server.twists import Twist, combine
from tests.conformance.mutation.independent_server.twists_answers import ANSWERS
from tests.conformance.mutation.independent_server.twists_http import HTTP
from tests.conformance.mutation.independent_server.twists_requests import REQUESTS

TWISTS: dict[str, Twist] = {**REQUESTS, **ANSWERS, **HTTP}


@cache
def find_twist(faults: frozenset[str]) -> Twist:
    """Return what the faults of a server do together."""
    return combine(TWISTS[name] for name in sorted(faults) if name in TWISTS)
