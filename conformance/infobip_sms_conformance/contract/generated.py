"""Generated requests, for programs that may need none: Hypothesis is loaded for the first of them."""

from typing import Any

DEFAULT_SEED = 2026


def build_requests(count: int, seed: int = DEFAULT_SEED) -> tuple[Any, ...]:
    """Return different valid requests: together they have every field, as far as so few can."""
    if not count:
        return ()
    from infobip_sms_conformance.contract import strategies  # noqa: PLC0415 - imports Hypothesis

    return strategies.build_requests(count, seed)
