"""The verdicts, and the exceptions by which a check gives one.

Verdict, the worst wins where several checks check one requirement in one format:
    FAIL           the server breaks the requirement
    ERROR          no answer came, or the suite itself went wrong
    WARN           a SHOULD that the server does not keep
    INCONCLUSIVE   the answer shows neither; the reason says why
    PASS           checked and kept
    N/A            the requirement does not apply to this server or run
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from infobip_sms_conformance.contract.files import read_requirements
from infobip_sms_conformance.observations.exchange import Exchange


class Verdict(StrEnum):
    """What a run says about a requirement, the worst first."""

    FAIL = "FAIL"
    ERROR = "ERROR"
    WARN = "WARN"
    INCONCLUSIVE = "INCONCLUSIVE"
    PASS = "PASS"
    NOT_APPLICABLE = "N/A"


def find_worst(verdicts: list[Verdict]) -> Verdict | None:
    """Return the worst of some verdicts; none of none."""
    return min(verdicts, key=list(Verdict).index, default=None)


def get_failing_verdict(requirement_id: str) -> Verdict:
    """Return FAIL for a MUST, and WARN for anything less."""
    level = read_requirements()[requirement_id].level
    return Verdict.FAIL if level == "MUST" else Verdict.WARN


@dataclass(frozen=True)
class Finding:
    """What one check said, in words that carry no number, text or credential."""

    requirement_id: str
    wire: str
    check: str
    verdict: Verdict
    sent: str = ""
    expected: str = ""
    got: str = ""
    caused_by: str = ""
    """The requirement whose failure explains this verdict."""
    token: str = ""
    """What --replay takes to run this check again."""
    exchange: Exchange | None = None
    """What the verdict rests on; with numbers, texts and credentials, so never printed as it is."""
    place: str = ""
    """The path in the request that it is about; a place in the response is in ``got``."""
    is_explained: bool = False
    """Whether it is a failure but for ``caused_by``: if that did not fail, this requirement did."""
    suspects: tuple[str, ...] = ()
    """Requirements of which each would explain it, if it failed; whether one did shows at the end of the run."""
    mixes_formats: bool = False
    """Whether what it rests on is in both formats, so that a failure in either may explain it."""


VALUE_START, VALUE_END = "\ue002", "\ue003"
"""Around a value in the words of a verdict; what has to be hidden in it is hidden before it is printed."""
MAX_VALUE = 60


def show(value: object) -> str:
    """Return a value as the words of a verdict have it: as JSON, its beginning if it is long."""
    if value is None or value == "":
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    short = text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]} …"
    return f"{VALUE_START}{short}{VALUE_END}"


class Mismatch(str):
    """What is wrong with a value: ``path: got``, and the same with what was expected."""

    __slots__ = ("expected",)
    expected: str

    def __new__(cls, path: str, expected: str, got: str) -> Self:
        """Make one; expected and got are words, or values from ``show``."""
        found = super().__new__(cls, f"{path}: {got}")
        found.expected = f"{path}: {expected}"
        return found


class CheckOutcome(Exception):
    """Ends a check with a verdict other than PASS."""

    verdict: Verdict

    def __init__(  # noqa: PLR0913 - what a verdict says
        self,
        got: str,
        *,
        sent: str = "",
        expected: str = "",
        caused_by: str = "",
        exchange: Exchange | None = None,
        place: str = "",
    ) -> None:
        super().__init__(got)
        self.sent = sent or (exchange.label if exchange else "")
        self.expected = got.expected if isinstance(got, Mismatch) else expected
        self.got = str(got)
        self.caused_by, self.exchange = caused_by, exchange
        self.place = place or (exchange.place if exchange else "")


class CheckFailed(CheckOutcome):
    """The server breaks the requirement."""

    verdict = Verdict.FAIL


class CheckError(CheckOutcome):
    """The server did not answer, so nothing can be said."""

    verdict = Verdict.ERROR


class Inconclusive(CheckOutcome):
    """The answer does not show whether the requirement is kept."""

    verdict = Verdict.INCONCLUSIVE


class Explained(Inconclusive):
    """What came breaks the requirement, but the failure of another one, ``caused_by``, is the reason.

    Where that other one did not fail in the same format, this is a failure of its own.
    """

    suspects: tuple[str, ...] = ()


def explain(failure: CheckFailed, requirement_id: str, *suspects: str) -> Explained:
    """Return a failure as one that is explained by the failure of another requirement, or of one of its suspects."""
    explained = Explained(
        failure.got,
        sent=failure.sent,
        expected=failure.expected,
        caused_by=requirement_id,
        exchange=failure.exchange,
        place=failure.place,
    )
    explained.suspects = suspects
    return explained


class NotApplicable(CheckOutcome):
    """The requirement does not apply."""

    verdict = Verdict.NOT_APPLICABLE
