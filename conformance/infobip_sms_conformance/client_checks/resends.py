"""Requests that come again: what must not be repeated, and what not so soon.

Lives here: which request is the same as an earlier one, and what came of that.
Never here: a body; only digests are kept.
"""

import hashlib
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from infobip_sms_conformance.client_checks.request import Paper, find_ids
from infobip_sms_conformance.client_checks.schema_check import Problem
from infobip_sms_conformance.observations.exchange import OK_STATUSES
from infobip_sms_conformance.transport.http1 import Heard

AGAIN, PATIENCE = "HTTP-014", "HTTP-015"
FIRST_OF_SERVER, TOO_MANY, UNAVAILABLE = 500, 429, 503
TOLERANCE = 0.05  # seconds; a clock of another program may be read a little earlier
MOST = 100_000
"""Requests that are remembered."""


@dataclass(frozen=True)
class Past:
    """What came of a request."""

    number: int
    ended: float
    outcome: str
    """``taken``, ``unknown``, ``wait`` or ``refused``."""
    said: str
    wait: float = 0.0
    """Seconds that the server asked for."""


@dataclass
class Memory:
    """The requests to send of a run, by their digests."""

    past: dict[str, Past] = field(default_factory=dict)
    run: int = 0
    """The run of the program that they are of: what another run sends is no repetition."""
    occasions: set[tuple[str, str]] = field(default_factory=set)
    """Requirements that could have been broken, with the format."""

    def look(self, paper: Paper) -> list[Problem]:
        """Return what is wrong with a request after those before it, and remember it."""
        if not paper.is_send or not paper.heard.body:
            return []
        key, named = build_key(paper)
        if paper.heard.run != self.run:
            self.past.clear()
            self.run = paper.heard.run
        before = self.past.get(key)
        now = build_past(paper.heard)
        self.past[key] = now
        if len(self.past) > MOST:
            del self.past[next(iter(self.past))]
        if now.outcome == "unknown" or before is not None:
            self.occasions.add((AGAIN, paper.wire))
        if now.wait:
            self.occasions.add((PATIENCE, paper.wire))
        return (
            list(filter(None, [find_problem(before, paper.heard, named=named)])) if before else []
        )


def find_problem(before: Past, heard: Heard, *, named: bool) -> Problem | None:
    """Return what is wrong with a request that repeats another one; named: by messageIds of its own."""
    waited = heard.at - before.ended
    if before.wait and waited < before.wait - TOLERANCE:
        got = f"request {before.number} again {waited:.1f} s after {before.said}"
        wants = f"no earlier than Retry-After says, {before.wait:g} s"
        return Problem(PATIENCE, "the request", got, wants, where="target")
    if before.outcome == "unknown" or (before.outcome == "taken" and named):
        got = f"request {before.number} again, after {before.said}"
        wants = "a failure that is told: the messages may have been taken"
        return Problem(AGAIN, "the request", got, wants, where="target")
    return None


def build_key(paper: Paper) -> tuple[str, bool]:
    """Return what a request is known by, and whether by its messageIds."""
    ids = [node.value for _, node in find_ids(paper.node)]
    what = "\n".join(ids).encode() if ids else paper.heard.body
    return hashlib.sha256(what).hexdigest(), bool(ids)


def build_past(heard: Heard) -> Past:
    """Return what came of a request."""
    ended, status = heard.at + heard.seconds, heard.status
    if heard.reply is None or heard.problem:
        return Past(heard.number, ended, "unknown", f"no whole reply ({heard.problem})")
    said = f"HTTP {status}"
    wait = find_wait(heard, ended)
    if status == TOO_MANY or (status == UNAVAILABLE and wait):
        return Past(heard.number, ended, "wait", said, wait)
    if status in OK_STATUSES:
        return Past(heard.number, ended, "taken", said)
    unknown = status is None or status >= FIRST_OF_SERVER
    return Past(heard.number, ended, "unknown" if unknown else "refused", said)


def find_wait(heard: Heard, now: float) -> float:
    """Return the seconds of Retry-After; 0 where there is none."""
    value = heard.reply.find("retry-after").strip() if heard.reply else ""
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - (now or time.time()))
    except (TypeError, ValueError):
        return 0.0
