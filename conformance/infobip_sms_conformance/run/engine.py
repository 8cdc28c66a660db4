"""One run of the suite: pytest as an engine without its output, and without the user's settings."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Literal

import pytest

from infobip_sms_conformance import checks
from infobip_sms_conformance.checks.support.account_limits import excuse_outcome
from infobip_sms_conformance.contract.files import WIRES, Case
from infobip_sms_conformance.observations.verdicts import (
    CheckOutcome,
    Explained,
    Finding,
    Inconclusive,
    NotApplicable,
    Verdict,
    get_failing_verdict,
)
from infobip_sms_conformance.session.budget import (
    get_accepted_cases,
    get_case_exchanges,
    get_rejected_cases,
    is_sent,
)
from infobip_sms_conformance.session.plan import Profile
from infobip_sms_conformance.session.registry import REGISTRY, Check
from infobip_sms_conformance.session.session import Session

CHECKS = Path(next(iter(checks.__path__)))
# Only what the checks need: no file of the user's, no plugin that happens to be installed,
# nothing written beside the sources, and every warning an error. What Python cannot raise is printed by it;
# pytest would collect garbage ten times to look for more.
ARGUMENTS = (
    *("-c", os.devnull, "--rootdir", str(CHECKS.parent), "--import-mode=importlib", "--noconftest"),
    *("-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:unraisableexception"),
    *("--assert=plain", "--capture=no"),
    *("-W", "error"),
)
STOPPED_BY_USER = "it was interrupted"
PYTEST_VARIABLES = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")


MIXED_FEATURES = frozenset({"pull", "logs", "preview", "bulks", "tracking"})
"""Features whose operations are called in one format or the other, about messages of one of them."""
NEVER_ACCEPTED = frozenset({"unreadable", "unauthorized"})
"""Groups of exchanges in which a conforming server accepts no message."""


class ConformancePlugin:
    """The pytest plugin of a run: provides the session and the findings, and records every verdict."""

    def __init__(
        self,
        session: Session,
        only: Sequence[str] = (),
        on_finding: Callable[[Finding, int, int], None] | None = None,
    ) -> None:
        self._session, self._only, self._on_finding = session, tuple(only), on_finding
        self.findings: list[Finding] = []
        self._done, self._all = 0, 0

    @pytest.fixture(name="session")
    def give_session(self) -> Session:
        """Return the conversation with the server."""
        return self._session

    @pytest.fixture(name="findings")
    def give_findings(self) -> list[Finding]:
        """Return what was found so far."""
        return self.findings

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a check in each of its formats, and for each case of its requirement."""
        check = REGISTRY[metafunc.function]
        if "case" in metafunc.fixturenames:
            pairs = [
                pytest.param(case, wire, id=f"{case.id}-{wire}")
                for case in (*get_rejected_cases(), *get_accepted_cases())
                for wire in check.wires
                if case.requirement_id == check.requirement_id and wire in case.wires
            ]
            metafunc.parametrize(("case", "wire"), pairs)
        else:
            metafunc.parametrize("wire", check.wires)

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep the checks that were asked for, in the order in which they may run."""
        left_out = [item for item in items if not self._is_chosen(item)]
        config.hook.pytest_deselected(items=left_out)
        chosen = [item for item in items if item not in left_out]
        items[:] = sorted(chosen, key=lambda item: get_check(item).order)
        self._all = len(items)

    def _is_chosen(self, item: pytest.Item) -> bool:
        """Tell whether a check was selected, by a prefix of its requirement id or by its token."""
        if self._session.plan.profile.stops_at_acceptance and not is_rejection_only(item):
            return False
        check, token = get_check(item), get_token(item)
        case = get_case(item)
        profile, wires = self._session.plan.profile, self._session.wires
        if (
            case is not None
            and get_wire(item) in wires
            and not is_sent(case, get_wire(item), profile, wires)
        ):
            return False
        return not self._only or any(
            check.requirement_id.startswith(one) or token == one for one in self._only
        )

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Let no check begin after the run had to end, or of a feature that the server lacks."""
        self._session.looked_at.clear()
        feature, wire = get_check(item).feature, get_wire(item)
        if wire not in self._session.wires:
            feature = "xml"
        if feature in self._session.plan.profile.without:
            raise NotApplicable(f"not in the profile {self._session.plan.profile.name}")
        if feature in self._session.plan.without:
            raise NotApplicable(f"declared by --without {feature}")
        if self._session.stopped:
            raise Inconclusive(self._session.stopped)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport:
        """Record the finding of a check; no traceback is rendered, which is slow and never shown."""
        if call.when == "call" or call.excinfo is not None:
            error = None if call.excinfo is None else call.excinfo.value
            if isinstance(error, CheckOutcome) and not isinstance(error, NotApplicable):
                error = excuse_outcome(error, self._session.looked_at)
            finding = build_finding(item, error)
            self.findings.append(finding)
            self._done += 1
            if self._on_finding:
                self._on_finding(finding, self._done, self._all)
        assert call.when != "collect", "what is collected has been run"
        outcome: Literal["passed", "failed"] = "passed" if call.excinfo is None else "failed"
        return pytest.TestReport(
            item.nodeid, item.location, {}, outcome, None, call.when, duration=call.duration
        )


def get_check(item: pytest.Item) -> Check:
    """Return the registration of a check."""
    assert isinstance(item, pytest.Function)
    return REGISTRY[item.function]


def get_wire(item: pytest.Item) -> str:
    """Return the format that a check runs in."""
    assert isinstance(item, pytest.Function)
    return str(item.callspec.params["wire"])


def get_case(item: pytest.Item) -> Case | None:
    """Return the case that a check runs for, if it has cases."""
    assert isinstance(item, pytest.Function)
    case = item.callspec.params.get("case")
    return case if isinstance(case, Case) else None


def get_token(item: pytest.Item) -> str:
    """Return the token of one check of one requirement, such as ``SEND-016:callback-data-long-json``."""
    assert isinstance(item, pytest.Function)
    params, check = item.callspec.params, get_check(item)
    if isinstance(case := params.get("case"), Case):
        return f"{check.requirement_id}:{case.id}-{params['wire']}"
    # Without brackets, which a shell would take for its own.
    _, _, variant = item.name.removesuffix("]").partition("[")
    return f"{check.requirement_id}:{check.name}-{variant}"


def is_rejection_only(item: pytest.Item) -> bool:
    """Tell whether a check sends nothing but what has to be rejected."""
    assert isinstance(item, pytest.Function)
    if isinstance(case := item.callspec.params.get("case"), Case):
        return case.rejected
    return sends_rejected_only(get_check(item))


def sends_rejected_only(check: Check) -> bool:
    """Tell whether a check without cases sends nothing that a correct server accepts.

    One that needs no group looks at the minimal request, which is accepted.
    """
    groups = check.needs - {"start"}
    return bool(groups) and groups <= NEVER_ACCEPTED


def build_finding(item: pytest.Item, error: BaseException | None) -> Finding:
    """Return the finding of a check that ended with an exception or without one."""
    number, token = get_check(item).requirement_id, get_token(item)
    place = (number, get_wire(item), item.name)
    if error is None:
        return Finding(*place, Verdict.PASS, token=token)
    if not isinstance(error, CheckOutcome):
        # Only the kind of error: its text may quote a request.
        got = f"the suite went wrong: {type(error).__name__}"
        return Finding(*place, Verdict.ERROR, got=got, token=token)
    if error.exchange and len(get_check(item).wires) == 1:  # one check that sends in both
        place = (number, error.exchange.wire, item.name)
    verdict = error.verdict
    if verdict is Verdict.FAIL:
        verdict = get_failing_verdict(number)
    return Finding(
        *place,
        verdict,
        error.sent,
        error.expected,
        error.got,
        error.caused_by,
        token,
        error.exchange,
        error.place,
        isinstance(error, Explained),
        error.suspects if isinstance(error, Explained) else (),
        get_check(item).feature in MIXED_FEATURES,
    )


class EngineError(Exception):
    """pytest itself failed to complete the run."""


def run_checks(
    session: Session,
    only: Sequence[str] = (),
    on_finding: Callable[[Finding, int, int], None] | None = None,
) -> list[Finding]:
    """Run the checks that were asked for, or all; return the findings.

    only: prefixes of requirement ids, or tokens of checks. on_finding: called with every finding as it is made,
    the number of findings so far and the number to come in all.
    """
    recorder = ConformancePlugin(session, only, on_finding)
    with isolate(), stop_on_interrupt(session):
        code = pytest.main([*ARGUMENTS, str(CHECKS)], plugins=[recorder])
    if code == pytest.ExitCode.INTERRUPTED:
        session.sender.stopped = STOPPED_BY_USER
        return recorder.findings
    done = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
    if code not in done:
        raise EngineError(f"pytest ended with {pytest.ExitCode(code).name}")
    return recorder.findings


@contextmanager
def stop_on_interrupt(session: Session) -> Iterator[None]:
    """Stop sending at Ctrl-C, so that the run ends even if Python drops the exception, as it may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, print_dropped = signal.getsignal(signal.SIGINT), sys.unraisablehook

    def stop(*_: object) -> None:
        session.sender.stopped = STOPPED_BY_USER
        raise KeyboardInterrupt

    def pass_over_interrupt(dropped: "sys.UnraisableHookArgs") -> None:
        if dropped.exc_type is not KeyboardInterrupt:
            print_dropped(dropped)

    signal.signal(signal.SIGINT, stop)
    sys.unraisablehook = pass_over_interrupt
    try:
        yield
    finally:
        sys.unraisablehook = print_dropped
        signal.signal(signal.SIGINT, before)


@contextmanager
def isolate() -> Iterator[None]:
    """Hide the environment's settings for pytest."""
    before = dict(os.environ)
    for name in PYTEST_VARIABLES:
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def load_checks() -> list[Check]:
    """Return the registration of every check."""
    for module in iter_modules(checks.__path__):
        import_module(f"{checks.__name__}.{module.name}")
    return list(REGISTRY.values())


def get_checked_requirements() -> set[str]:
    """Return the ids of the requirements that have a check."""
    return {check.requirement_id for check in load_checks()}


def get_seeded_requirements() -> list[str]:
    """Return the requirements that generated requests are looked at for: these depend on the seed.

    Those that look at other exchanges as well are left out, but for what all checks need.
    """
    return sorted(
        {
            check.requirement_id
            for check in load_checks()
            if "pool" in check.needs <= {"start", "pool"}
        }
    )


def select_checks(
    profile: Profile, only: Sequence[str], without: frozenset[str], wires: tuple[str, ...] = WIRES
) -> list[Check]:
    """Return the chosen checks that send something in a profile."""
    return [
        check
        for check in load_checks()
        if check.feature not in without and is_selected(check, profile, only, wires)
    ]


def is_selected(
    check: Check, profile: Profile, only: Sequence[str], wires: tuple[str, ...]
) -> bool:
    """Tell whether a check runs at all, for one of its cases at least."""
    if "cases" in check.needs:
        return bool(get_case_exchanges(check, profile, wires, only))
    if profile.stops_at_acceptance and not sends_rejected_only(check):
        return False
    token = f"{check.requirement_id}:{check.name}-"
    return not only or any(
        check.requirement_id.startswith(one) or one.startswith(token) for one in only
    )


def get_requirement_ids(profile: Profile, only: Sequence[str], without: frozenset[str]) -> set[str]:
    """Return the requirements that the chosen checks check."""
    return {check.requirement_id for check in select_checks(profile, only, without)}
