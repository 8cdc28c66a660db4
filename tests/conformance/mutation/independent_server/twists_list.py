"""The faults and the allowed habits that are hooks, by the names that faults.toml and legal.toml have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.mutation.independent_server.twists import Twist
from tests.conformance.mutation.independent_server.twists_allowed import ALLOWED
from tests.conformance.mutation.independent_server.twists_answers import ANSWERS
from tests.conformance.mutation.independent_server.twists_http import HTTP
from tests.conformance.mutation.independent_server.twists_requests import REQUESTS

if TYPE_CHECKING:
    from tests.conformance.mutation.independent_server.traits import Traits

TWISTS: dict[str, Twist] = {**REQUESTS, **ANSWERS, **HTTP}


def find_twist(traits: Traits) -> Twist:
    """Return what a server does otherwise: by its fault, or by one of its liberties."""
    names = [traits.fault, *traits.liberties]
    return next((found for name in names if (found := (TWISTS | ALLOWED).get(name))), Twist())
