"""The suite inside pytest: which check runs in which format, and what it said.

Lives here: the decorator ``requirement``, the fixtures of the checks, and the recording of findings.
Never here: output; knowledge of a single requirement.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pytest

from infobip_sms_conformance.data import WIRES, read_cases, read_requirements
from infobip_sms_conformance.session import Session
from infobip_sms_conformance.verdicts import Finding, Inconclusive, Judgement, Verdict

Check = TypeVar("Check", bound=Callable[..., None])


@dataclass(frozen=True)
class Tie:
    """What ties a check to its requirement."""

    number: str
    wires: tuple[str, ...]
    last: bool


# Not a pytest marker: those have to be declared in the settings of whoever imports a check.
TIES: dict[Callable[..., None], Tie] = {}


def requirement(
    number: str, wires: Sequence[str] = WIRES, *, last: bool = False
) -> Callable[[Check], Check]:
    """Tie a check to the requirement that it judges.

    A check with the argument ``case`` runs once for every case of the requirement, one with
    ``wire`` once for every format. ``last`` puts it behind all others: it asks what they found.
    """

    def tie(check: Check) -> Check:
        TIES[check] = Tie(number, tuple(wires), last)
        return check

    return tie


class Recorder:
    """The plugin: hands out the session and the findings, and writes down every verdict."""

    def __init__(self, session: Session, only: Sequence[str]) -> None:
        self._session, self._only = session, tuple(only)
        self.findings: list[Finding] = []

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
                for case in read_cases()
                for wire in tie.wires
                if case.requirement == tie.number and wire in case.wires
            ]
            metafunc.parametrize(("case", "wire"), pairs)
        else:
            metafunc.parametrize("wire", tie.wires)

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep the checks that were asked for, those that ask for findings at the end."""
        left_out = [
            item for item in items if not find_tie(item).number.startswith(self._only or "")
        ]
        config.hook.pytest_deselected(items=left_out)
        chosen = [item for item in items if item not in left_out]
        items[:] = sorted(chosen, key=lambda item: find_tie(item).last)

    def pytest_runtest_setup(self) -> None:
        """Let no check begin after the run had to end."""
        if self._session.stopped:
            raise Inconclusive(self._session.stopped)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write down what a check said."""
        if call.when == "call" or call.excinfo is not None:
            error = None if call.excinfo is None else call.excinfo.value
            self.findings.append(build_finding(item, error))
        return (yield)


def find_tie(item: pytest.Item) -> Tie:
    """Return what ties a check to its requirement."""
    assert isinstance(item, pytest.Function)
    return TIES[item.function]


def build_finding(item: pytest.Item, error: BaseException | None) -> Finding:
    """Return the finding of a check that ended with an exception or without one."""
    number = find_tie(item).number
    wire = item.callspec.params["wire"] if isinstance(item, pytest.Function) else ""
    place = (number, str(wire), item.name)
    if error is None:
        return Finding(*place, Verdict.PASS)
    if not isinstance(error, Judgement):
        # Only the kind of error: its text may quote a request.
        return Finding(*place, Verdict.ERROR, got=f"the suite went wrong: {type(error).__name__}")
    verdict = error.verdict
    if verdict is Verdict.FAIL and read_requirements()[number].level != "MUST":
        verdict = Verdict.WARN
    return Finding(*place, verdict, error.sent, error.expected, error.got)
