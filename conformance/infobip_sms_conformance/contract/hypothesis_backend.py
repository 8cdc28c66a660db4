"""Where Hypothesis takes its choices from: the seed of the run, and nothing else.

Newer versions of Hypothesis mix in constants of the modules that happen to be loaded, so that one seed would
give other requests in another program. The backend here is Hypothesis's own, without those. It rests on
names that Hypothesis may move; where they are missing, Hypothesis is used as it is.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

BACKEND_NAME = "infobip-sms-conformance"
STORAGE_VARIABLE = "HYPOTHESIS_STORAGE_DIRECTORY"  # documented by Hypothesis


def build_provider() -> type[Any] | None:
    """Register Hypothesis's choices without constants of loaded modules; None where that is not possible."""
    try:
        providers = import_module("hypothesis.internal.conjecture.providers")
        base, available = providers.HypothesisProvider, providers.AVAILABLE_PROVIDERS
    except (ImportError, AttributeError):
        return None
    if not hasattr(base, "_maybe_draw_constant"):
        return None
    available[BACKEND_NAME] = f"{__name__}.SeededProvider"
    return type("SeededProvider", (base,), {"_maybe_draw_constant": lambda *_, **__: None})


SeededProvider = build_provider()
SETTINGS: dict[str, Any] = {"backend": BACKEND_NAME} if SeededProvider else {}


@contextmanager
def isolate_storage() -> Iterator[None]:
    """Keep what Hypothesis stores out of the folder that the user is in."""
    home, move = find_storage()
    with tempfile.TemporaryDirectory() as folder:
        move(folder)
        try:
            yield
        finally:
            move(home)


def find_storage() -> tuple[Any, Callable[[Any], None]]:
    """Return the folder of Hypothesis and a function that moves it: its variable where nothing else can."""
    try:
        configuration = import_module("hypothesis.configuration")
        stored = configuration.storage_directory(intent_to_write=False)
        return getattr(stored, "home_directory", stored), configuration.set_hypothesis_home_dir
    except (ImportError, AttributeError, TypeError):
        return os.environ.get(STORAGE_VARIABLE, ""), set_storage_variable


def set_storage_variable(folder: str) -> None:
    """Set the variable that names the folder; Hypothesis ignores an empty one."""
    os.environ[STORAGE_VARIABLE] = folder
