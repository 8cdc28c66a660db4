"""One run of the suite: pytest as an engine without its output, and without the user's settings.

Lives here: how pytest is started, and which requirements have a check.
Never here: the command line; the report.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from infobip_sms_conformance import checks
from infobip_sms_conformance.plugin import TIES, Recorder
from infobip_sms_conformance.session import Session
from infobip_sms_conformance.verdicts import Finding

CHECKS = Path(next(iter(checks.__path__)))
# Only what the checks need: no file of the user's, no plugin that happens to be installed,
# nothing written beside the sources, and every warning an error.
ARGUMENTS = (
    *("-c", os.devnull, "--rootdir", str(CHECKS.parent), "--import-mode=importlib", "--noconftest"),
    *("-p", "no:cacheprovider", "-p", "no:terminal", "--assert=plain", "--capture=no"),
    *("-W", "error"),
)
FOREIGN = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")


class EngineFailure(Exception):
    """The engine itself did not get through the run."""


def run_checks(session: Session, only: Sequence[str] = ()) -> list[Finding]:
    """Run the checks whose requirement begins with one of ``only``, or all; return the findings."""
    recorder = Recorder(session, only)
    with isolate():
        code = pytest.main([*ARGUMENTS, str(CHECKS)], plugins=[recorder])
    done = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
    if code not in done:
        raise EngineFailure(f"pytest ended with {pytest.ExitCode(code).name}")
    return recorder.findings


@contextmanager
def isolate() -> Iterator[None]:
    """Hide the environment's settings for pytest."""
    before = dict(os.environ)
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def checked_requirements() -> set[str]:
    """Return the ids of the requirements that have a check."""
    for module in iter_modules(checks.__path__):
        import_module(f"{checks.__name__}.{module.name}")
    return {tie.number for tie in TIES.values()}
