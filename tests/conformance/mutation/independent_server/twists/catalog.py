"""The faults and the allowed habits that are hooks, by the names that faults.toml and legal.toml have."""

from __future__ import annotations

from functools import cache

from tests.conformance.mutation.independent_server.twists.allowed import ALLOWED
from tests.conformance.mutation.independent_server.twists.answers import ANSWERS
from tests.conformance.mutation.independent_server.twists.every_operation import EVERY_OPERATION
from tests.conformance.mutation.independent_server.twists.hooks import Twist, combine
from tests.conformance.mutation.independent_server.twists.http import HTTP
from tests.conformance.mutation.independent_server.twists.requests import REQUESTS

TWISTS: dict[str, Twist] = {
    **REQUESTS,
    **ANSWERS,
    **HTTP,
    **EVERY_OPERATION,
    **ALLOWED,
}


@cache
def find_twist(names: frozenset[str]) -> Twist:
    """Return what the faults and liberties of a server do together."""
    return combine(TWISTS[name] for name in sorted(names) if name in TWISTS)
