"""One run of the suite: pytest as an engine without its output, and without the user's settings.

Lives here: how pytest is started, and which requirements have a check.
Never here: the command line; the report.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from infobip_sms_conformance import checks
from infobip_sms_conformance.plugin import NEVER_TAKEN, TIES, Recorder, Tie
from infobip_sms_conformance.profiles import Profile, find_refused
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
BY_HAND = "it was interrupted"
FOREIGN = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")


class EngineFailure(Exception):
    """The engine itself did not get through the run."""


def run_checks(
    session: Session,
    only: Sequence[str] = (),
    tell: Callable[[Finding, int, int], None] | None = None,
) -> list[Finding]:
    """Run the checks that were asked for, or all; return the findings.

    only: beginnings of requirements, or tokens of checks. tell: hears of every finding as it is made,
    with how many there were and how many there will be.
    """
    recorder = Recorder(session, only, tell)
    with isolate(), heed_interruption(session):
        code = run_engine(session, recorder)
    if code == pytest.ExitCode.INTERRUPTED:
        session.line.stopped = BY_HAND
        return recorder.findings
    done = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
    if code not in done:
        raise EngineFailure(f"pytest ended with {pytest.ExitCode(code).name}")
    return recorder.findings


def run_engine(session: Session, recorder: Recorder) -> int:
    """Run pytest; return its exit code."""
    try:
        return pytest.main([*ARGUMENTS, str(CHECKS)], plugins=[recorder])
    except pytest.PytestUnraisableExceptionWarning:
        if session.stopped != BY_HAND:
            raise
        return pytest.ExitCode.INTERRUPTED


@contextmanager
def heed_interruption(session: Session) -> Iterator[None]:
    """Stop the line at Ctrl-C, so that the run ends even where Python drops the exception, as it may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def stop(*_: object) -> None:
        session.line.stopped = BY_HAND
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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


def read_ties() -> list[Tie]:
    """Return what ties every check to its requirement."""
    for module in iter_modules(checks.__path__):
        import_module(f"{checks.__name__}.{module.name}")
    return list(TIES.values())


def checked_requirements() -> set[str]:
    """Return the ids of the requirements that have a check."""
    return {tie.number for tie in read_ties()}


def find_seeded() -> list[str]:
    """Return the requirements that generated requests are looked at for: these depend on the seed.

    Those that look at other exchanges as well are left out, but for what all checks need.
    """
    return sorted({tie.number for tie in read_ties() if "pool" in tie.needs <= {"start", "pool"}})


def find_groups(profile: Profile, only: Sequence[str], without: frozenset[str]) -> frozenset[str]:
    """Return the groups of exchanges that the chosen checks look at."""
    if profile.stops_at_acceptance:
        return NEVER_TAKEN | {"refused"}
    return frozenset().union(*(tie.needs for tie in find_ties(only, without)))


def find_ties(only: Sequence[str], without: frozenset[str]) -> list[Tie]:
    """Return the ties of the chosen checks."""
    numbers = tuple(one.partition(":")[0] for one in only)
    return [
        tie
        for tie in read_ties()
        if tie.feature not in without and tie.number.startswith(numbers or "")
    ]


def find_numbers(profile: Profile, only: Sequence[str], without: frozenset[str]) -> set[str]:
    """Return the requirements that the chosen checks judge."""
    refused = {case.requirement for case in find_refused()}
    return {
        tie.number
        for tie in find_ties(only, without)
        if not profile.stops_at_acceptance or tie.number in refused or tie.needs <= NEVER_TAKEN
    }
