"""One request with what came of it.

Lives here: the first, coarse sorting of answers, which all checks share.
Never here: sending; a verdict.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from infobip_sms_conformance.data import find_group, read_groups
from infobip_sms_conformance.replies import Reply, Unreadable, parse_reply
from infobip_sms_conformance.transport import Answer

OK_STATUSES = range(200, 300)
BAD_REQUEST = 400
UNAUTHORIZED = 401


class Outcome(Enum):
    """What an answer says about the whole request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    THROTTLED = "throttled"
    LOST = "lost"


@dataclass(frozen=True)
class Exchange:
    """A request and its answer; ``problem`` says why there is none."""

    what: str
    document: Any
    wire: str
    answer: Answer | None
    problem: str = ""
    slow: bool = False
    reply: Reply | None = field(default=None)

    @property
    def outcome(self) -> Outcome:
        """Sort the answer; a rejected destination makes the request a refused one (READ-001)."""
        if self.answer is None:
            return Outcome.LOST
        if is_throttled(self.answer):
            return Outcome.THROTTLED
        if self.answer.status == BAD_REQUEST or (self.reply and self.reply.rejected):
            return Outcome.REFUSED
        return Outcome.ACCEPTED if self.pending else Outcome.UNCLEAR

    @property
    def pending(self) -> bool:
        """Whether every entry has one of the groups that mean acceptance (READ-004)."""
        accepting = {find_group("PENDING"), find_group("ACCEPTED")}
        return self.reply is not None and self.reply.groups <= accepting

    @property
    def taken(self) -> bool:
        """Whether the server took the request, by a 2xx without a rejected destination."""
        success = self.answer is not None and self.answer.status in OK_STATUSES
        return success and not (self.reply and self.reply.rejected)

    @property
    def got(self) -> str:
        """Say what came back: the HTTP status and the status groups, nothing else."""
        if self.answer is None:
            return self.problem
        if self.answer.status not in OK_STATUSES:
            return f"HTTP {self.answer.status}"
        if self.reply is None:
            return f"HTTP {self.answer.status}, a body that is no readable reply"
        names = sorted(find_group_name(group) for group in self.reply.groups)
        groups = ", ".join(names) or "no entries"
        return f"HTTP {self.answer.status}, status groups: {groups}"


def is_throttled(answer: Answer) -> bool:
    """Tell whether the server only asks for patience."""
    return answer.status == 429 or (answer.status == 503 and "Retry-After" in answer.headers)  # noqa: PLR2004 - the numbers are RFC 6585's and 9110's


def find_group_name(number: int | None) -> str:
    """Return the name of a status group, or say that it is unknown."""
    return "unreadable" if number is None else read_groups().get(number, "unknown")


def find_reply(answer: Answer) -> Reply | None:
    """Return the reply of a 2xx, if its body is one."""
    if answer.status not in OK_STATUSES:
        return None
    try:
        return parse_reply(answer.body)
    except Unreadable:
        return None


def find_destinations(document: Any) -> list[Any]:
    """Return the destinations of a request in order, as far as it has the right shape."""
    messages = document.get("messages")
    lists = [m.get("destinations") for m in messages] if isinstance(messages, list) else []
    return [d for entries in lists if isinstance(entries, list) for d in entries]
