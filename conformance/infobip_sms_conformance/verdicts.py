"""The verdicts, and the exceptions by which a check gives one.

Verdict, the worst wins where several checks judge one requirement in one format:
    FAIL           the server breaks the requirement
    ERROR          no answer came, or the suite itself went wrong
    INCONCLUSIVE   the answer shows neither; the reason says why
    WARN           a SHOULD that the server does not keep
    PASS           checked and kept
    N/A            the requirement does not apply to this server or run

Lives here: the words and their order.
Never here: what leads to a verdict.
"""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a run says about a requirement, the worst first."""

    FAIL = "FAIL"
    ERROR = "ERROR"
    INCONCLUSIVE = "INCONCLUSIVE"
    WARN = "WARN"
    PASS = "PASS"
    NOT_APPLICABLE = "N/A"


def find_worst(verdicts: list[Verdict]) -> Verdict | None:
    """Return the worst of some verdicts; none of none."""
    return min(verdicts, key=list(Verdict).index, default=None)


@dataclass(frozen=True)
class Finding:
    """What one check said, in words that carry no number, text or credential."""

    requirement: str
    wire: str
    check: str
    verdict: Verdict
    sent: str = ""
    expected: str = ""
    got: str = ""


class Judgement(Exception):
    """Ends a check with a verdict other than PASS."""

    verdict: Verdict

    def __init__(self, got: str, *, sent: str = "", expected: str = "") -> None:
        super().__init__(got)
        self.sent, self.expected, self.got = sent, expected, got


class Broken(Judgement):
    """The server breaks the requirement."""

    verdict = Verdict.FAIL


class NoReply(Judgement):
    """The server did not answer, so nothing can be said."""

    verdict = Verdict.ERROR


class Inconclusive(Judgement):
    """The answer does not show whether the requirement is kept."""

    verdict = Verdict.INCONCLUSIVE


class NotApplicable(Judgement):
    """The requirement does not apply."""

    verdict = Verdict.NOT_APPLICABLE
