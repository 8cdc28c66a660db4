"""The suite inside pytest: which check runs in which format, and what it said.

Lives here: the decorator ``requirement``, the fixtures of the checks, and the recording of findings.
Never here: output; knowledge of a single requirement.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import pytest

from infobip_sms_conformance.data import WIRES, Case, read_requirements
from infobip_sms_conformance.profiles import find_accepted, find_refused
from infobip_sms_conformance.session import Session
from infobip_sms_conformance.verdicts import (
    Finding,
    Inconclusive,
    Judgement,
    NotApplicable,
    Verdict,
)

Check = TypeVar("Check", bound=Callable[..., None])
FIRST, USUAL, LATE, LAST = range(4)
"""When a check runs: before all others, in the order of its file, after all that send, at the very end."""


NEVER_TAKEN = frozenset({"start", "unreadable", "unauthorized"})
"""Groups of exchanges that bring no message to a good server."""


@dataclass(frozen=True)
class Tie:
    """What ties a check to its requirement."""

    number: str
    wires: tuple[str, ...]
    needs: frozenset[str]
    feature: str
    order: int


# Not a pytest marker: those have to be declared in the settings of whoever imports a check.
TIES: dict[Callable[..., None], Tie] = {}


def requirement(
    number: str,
    wires: Sequence[str] = WIRES,
    *,
    needs: Sequence[str] = (),
    feature: str = "",
    order: int = USUAL,
) -> Callable[[Check], Check]:
    """Tie a check to the requirement that it judges.

    A check with the argument ``case`` runs once for every case of the requirement, one with
    ``wire`` once for every format. needs: the groups of exchanges that it looks at (profiles.py).
    feature: what a server may go without (plan.py). order: see FIRST.
    """

    def tie(check: Check) -> Check:
        pytest.mark.usefixtures("wire")(check)  # also where the check itself has no need of it
        TIES[check] = Tie(number, tuple(wires), frozenset({"start", *needs}), feature, order)
        return check

    return tie


class Recorder:
    """The plugin: hands out the session and the findings, and writes down every verdict."""

    def __init__(
        self,
        session: Session,
        only: Sequence[str] = (),
        tell: Callable[[Finding, int, int], None] | None = None,
    ) -> None:
        self._session, self._only, self._tell = session, tuple(only), tell
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
        tie = TIES[metafunc.function]
        if "case" in metafunc.fixturenames:
            pairs = [
                pytest.param(case, wire, id=f"{case.id}-{wire}")
                for case in (*find_refused(), *find_accepted())
                for wire in tie.wires
                if case.requirement == tie.number and wire in case.wires
            ]
            metafunc.parametrize(("case", "wire"), pairs)
        else:
            metafunc.parametrize("wire", tie.wires)

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep the checks that were asked for, in the order in which they may run."""
        left_out = [item for item in items if not self._is_chosen(item)]
        config.hook.pytest_deselected(items=left_out)
        chosen = [item for item in items if item not in left_out]
        items[:] = sorted(chosen, key=lambda item: find_tie(item).order)
        self._all = len(items)

    def _is_chosen(self, item: pytest.Item) -> bool:
        """Tell whether a check was asked for: by a prefix of its requirement, or by its token."""
        if self._session.plan.profile.stops_at_acceptance and not is_refusal(item):
            return False
        tie, token = find_tie(item), find_token(item)
        return not self._only or any(
            tie.number.startswith(one) or token == one for one in self._only
        )

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Let no check begin after the run had to end, or of a feature that the server lacks."""
        feature, wire = find_tie(item).feature, find_wire(item)
        if wire not in self._session.wires:
            feature = "xml"
        if feature in self._session.plan.without:
            raise NotApplicable(f"declared by --without {feature}")
        if self._session.stopped:
            raise Inconclusive(self._session.stopped)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport:
        """Write down what a check said; a picture of the failure, which nobody sees, takes long to draw."""
        if call.when == "call" or call.excinfo is not None:
            error = None if call.excinfo is None else call.excinfo.value
            finding = build_finding(item, error)
            self.findings.append(finding)
            self._done += 1
            if self._tell:
                self._tell(finding, self._done, self._all)
        assert call.when != "collect", "what is collected has been run"
        outcome: Literal["passed", "failed"] = "passed" if call.excinfo is None else "failed"
        return pytest.TestReport(
            item.nodeid, item.location, {}, outcome, None, call.when, duration=call.duration
        )


def find_tie(item: pytest.Item) -> Tie:
    """Return what ties a check to its requirement."""
    assert isinstance(item, pytest.Function)
    return TIES[item.function]


def find_wire(item: pytest.Item) -> str:
    """Return the format that a check runs in."""
    assert isinstance(item, pytest.Function)
    return str(item.callspec.params["wire"])


def find_token(item: pytest.Item) -> str:
    """Return what names one check of one requirement, such as ``SEND-016:callback-data-long-json``."""
    assert isinstance(item, pytest.Function)
    params, number = item.callspec.params, find_tie(item).number
    if isinstance(case := params.get("case"), Case):
        return f"{number}:{case.id}-{params['wire']}"
    name = re.sub(r"^test_[a-z0-9]+_[0-9]+_", "", item.name)
    # Without brackets, which a shell would take for its own.
    return f"{number}:{name.replace('[', '-').removesuffix(']')}"


def is_refusal(item: pytest.Item) -> bool:
    """Tell whether a check sends nothing but what has to be refused."""
    assert isinstance(item, pytest.Function)
    if isinstance(case := item.callspec.params.get("case"), Case):
        return case.refused
    return find_tie(item).needs <= NEVER_TAKEN


def build_finding(item: pytest.Item, error: BaseException | None) -> Finding:
    """Return the finding of a check that ended with an exception or without one."""
    number, token = find_tie(item).number, find_token(item)
    place = (number, find_wire(item), item.name)
    if error is None:
        return Finding(*place, Verdict.PASS, token=token)
    if not isinstance(error, Judgement):
        # Only the kind of error: its text may quote a request.
        got = f"the suite went wrong: {type(error).__name__}"
        return Finding(*place, Verdict.ERROR, got=got, token=token)
    verdict = error.verdict
    if verdict is Verdict.FAIL and read_requirements()[number].level != "MUST":
        verdict = Verdict.WARN
    return Finding(
        *place,
        verdict,
        error.sent,
        error.expected,
        error.got,
        error.because,
        token,
        error.exchange,
    )
