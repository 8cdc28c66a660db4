"""One request with what came of it.

Lives here: the first, coarse sorting of answers, which all checks share.
Never here: sending; a verdict.
"""

from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any

from infobip_sms_conformance.contract.files import find_group, read_groups
from infobip_sms_conformance.observations.responses import Reply, Unreadable, parse_reply
from infobip_sms_conformance.transport.http import Answer, Request

OK_STATUSES = range(200, 300)
BAD_REQUEST = 400
UNAUTHORIZED = 401
ABSENT = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}


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
    document: Any = field(repr=False)
    wire: str
    answer: Answer | None
    problem: str = ""
    slow: bool = False
    reply: Reply | None = field(default=None, repr=False)
    """What a send request was answered with, if that can be read."""
    data: Any = field(default=None, repr=False)
    """What any other operation was answered with, as plain data, if that can be read."""
    request: Request | None = field(default=None, repr=False)
    callback: bytes = field(default=b"", repr=False)
    """What came to the callback server of it, if that is what is judged."""
    at: float = 0.0
    """When it was sent, by the clock that ``time.time`` reads."""
    seconds: float = 0.0

    @property
    def status(self) -> int | None:
        """The HTTP status; none when there was no answer."""
        return self.answer.status if self.answer else None

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
    def accepts_any(self) -> bool:
        """Whether any destination may have been accepted."""
        return self.reply is not None and self.reply.groups != {find_group("REJECTED")}

    @property
    def absent(self) -> bool:
        """Whether the server answered as to a path that it does not have."""
        return self.status in ABSENT

    @property
    def got(self) -> str:
        """Say what came back: the HTTP status and the status groups, nothing else."""
        if self.answer is None:
            return self.problem
        if self.answer.status not in OK_STATUSES or self.data is not None:
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
    messages = document.get("messages") if isinstance(document, dict) else None
    entries = messages if isinstance(messages, list) else []
    lists = [m.get("destinations") for m in entries if isinstance(m, dict)]
    return [d for found in lists if isinstance(found, list) for d in found]
