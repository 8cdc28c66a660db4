"""The faults that are hooks, by the names that faults.toml has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.mutation.independent_server.twists_answers import ANSWERS
from tests.conformance.mutation.independent_server.twists_http import HTTP
from tests.conformance.mutation.independent_server.twists_requests import REQUESTS

if TYPE_CHECKING:
    from tests.conformance.mutation.independent_server.twists import Twist

TWISTS: dict[str, Twist] = {**REQUESTS, **ANSWERS, **HTTP}
