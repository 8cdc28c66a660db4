"""The verdicts, and the exceptions by which a check gives one.

Verdict, the worst wins where several checks check one requirement in one format:
    FAIL           the server breaks the requirement
    ERROR          no answer came, or the suite itself went wrong
    INCONCLUSIVE   the answer shows neither; the reason says why
    WARN           a SHOULD that the server does not keep
    PASS           checked and kept
    N/A            the requirement does not apply to this server or run
"""

from dataclasses import dataclass
from enum import StrEnum

from infobip_sms_conformance.observations.exchange import Exchange


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


class CheckOutcome(Exception):
    """Ends a check with a verdict other than PASS."""

    verdict: Verdict

    def __init__(
        self,
        got: str,
        *,
        sent: str = "",
        expected: str = "",
        caused_by: str = "",
        exchange: Exchange | None = None,
    ) -> None:
        super().__init__(got)
        self.sent = sent or (exchange.label if exchange else "")
        self.expected, self.got = expected, got
        self.caused_by, self.exchange = caused_by, exchange


class CheckFailed(CheckOutcome):
    """The server breaks the requirement."""

    verdict = Verdict.FAIL


class CheckError(CheckOutcome):
    """The server did not answer, so nothing can be said."""

    verdict = Verdict.ERROR


class Inconclusive(CheckOutcome):
    """The answer does not show whether the requirement is kept."""

    verdict = Verdict.INCONCLUSIVE


class NotApplicable(CheckOutcome):
    """The requirement does not apply."""

    verdict = Verdict.NOT_APPLICABLE
