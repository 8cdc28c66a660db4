"""Where Hypothesis takes its choices from: the seed of the run, and nothing else.

By itself Hypothesis mixes in constants of the modules that happen to be loaded, so that one seed would give
other requests in another program. The backend here is Hypothesis's own, without those.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from hypothesis import configuration
from hypothesis.internal.conjecture import providers

DEFAULT_SEED = 2026
BACKEND_NAME = "infobip-sms-conformance"


class SeededProvider(providers.HypothesisProvider):
    """Hypothesis's choices without constants of loaded modules."""

    def _maybe_draw_constant(self, *_arguments: Any, **_settings: Any) -> None:
        """Draw none."""


@cache
def register_backend() -> str:
    """Register the backend and return its name; Hypothesis's own where it has no such place."""
    if not hasattr(providers.HypothesisProvider, "_maybe_draw_constant"):
        return "hypothesis"
    providers.AVAILABLE_PROVIDERS[BACKEND_NAME] = f"{__name__}.{SeededProvider.__name__}"
    return BACKEND_NAME


@contextmanager
def isolate_storage() -> Iterator[None]:
    """Keep what Hypothesis stores out of the folder that the user is in."""
    before = configuration.storage_directory(intent_to_write=False).home_directory
    with tempfile.TemporaryDirectory() as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)
