"""One request with what came of it."""

from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any

from infobip_sms_conformance.contract.files import get_group_id, read_groups
from infobip_sms_conformance.observations.responses import (
    SendResponse,
    UnreadableResponseError,
    parse_send_response,
)
from infobip_sms_conformance.transport.http import RawRequest, RawResponse

OK_STATUSES, REDIRECTIONS = range(200, 300), range(300, 400)
BAD_REQUEST = 400
UNAUTHORIZED = 401
ABSENT = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}


class RequestOutcome(Enum):
    """What an answer says about the whole request."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNCLEAR = "unclear"
    THROTTLED = "throttled"
    NO_RESPONSE = "lost"


@dataclass(frozen=True)
class Exchange:
    """A request and its answer; ``problem`` says why there is none."""

    label: str
    document: Any = field(repr=False)
    wire: str
    response: RawResponse | None
    problem: str = ""
    slow: bool = False
    send_response: SendResponse | None = field(default=None, repr=False)
    """What a send request was answered with, if that can be read."""
    data: Any = field(default=None, repr=False)
    """What any other operation was answered with, as plain data, if that can be read."""
    request: RawRequest | None = field(default=None, repr=False)
    callback: bytes = field(default=b"", repr=False)
    """What came to the callback server of it, if that is what is checked."""
    place: str = ""
    """The path in the document that is looked at, if it is a part."""
    at: float = 0.0
    """When it was sent, by the clock that ``time.time`` reads."""
    seconds: float = 0.0

    @property
    def status(self) -> int | None:
        """The HTTP status; none when there was no answer."""
        return self.response.status if self.response else None

    @property
    def outcome(self) -> RequestOutcome:
        """Sort the answer; a rejected destination makes the request a rejected one (READ-001)."""
        if self.response is None:
            return RequestOutcome.NO_RESPONSE
        if is_throttled(self.response):
            return RequestOutcome.THROTTLED
        if self.response.status == BAD_REQUEST or (
            self.send_response and self.send_response.has_rejected
        ):
            return RequestOutcome.REJECTED
        return RequestOutcome.ACCEPTED if self.is_pending else RequestOutcome.UNCLEAR

    @property
    def is_pending(self) -> bool:
        """Whether every entry has one of the groups that mean acceptance (READ-004)."""
        accepting = {get_group_id("PENDING"), get_group_id("ACCEPTED")}
        return self.send_response is not None and self.send_response.groups <= accepting

    @property
    def has_succeeded(self) -> bool:
        """Whether the server took the request, by a 2xx without a rejected destination."""
        success = self.response is not None and self.response.status in OK_STATUSES
        return success and not (self.send_response and self.send_response.has_rejected)

    @property
    def has_accepted_destination(self) -> bool:
        """Whether any destination may have been accepted."""
        return self.send_response is not None and self.send_response.groups != {
            get_group_id("REJECTED")
        }

    @property
    def is_absent(self) -> bool:
        """Whether the server answered as to a path that it does not have."""
        return self.status in ABSENT

    @property
    def got(self) -> str:
        """Say what came back: the HTTP status and the status groups, nothing else."""
        if self.response is None:
            return self.problem
        if self.response.status not in OK_STATUSES or self.data is not None:
            return f"HTTP {self.response.status}"
        if self.send_response is None:
            return f"HTTP {self.response.status}, a body that is no readable response"
        names = sorted(get_group_name(group) for group in self.send_response.groups)
        groups = ", ".join(names) or "no entries"
        return f"HTTP {self.response.status}, status groups: {groups}"


def is_throttled(response: RawResponse) -> bool:
    """Tell whether the server only asks for patience."""
    return response.status == 429 or (response.status == 503 and "Retry-After" in response.headers)  # noqa: PLR2004 - the numbers are RFC 6585's and 9110's


def get_group_name(group_id: int | None) -> str:
    """Return the name of a status group, or say that it is unknown."""
    return "unreadable" if group_id is None else read_groups().get(group_id, "unknown")


def find_send_response(response: RawResponse) -> SendResponse | None:
    """Return the response of a 2xx, if its body is one."""
    if response.status not in OK_STATUSES:
        return None
    try:
        return parse_send_response(response.body)
    except UnreadableResponseError:
        return None


def get_stem(label: str) -> str:
    """Return the words of a label before its values, which may be others in the next run."""
    return label.partition(":")[0].partition("(")[0].strip()


def get_destinations(document: Any) -> list[Any]:
    """Return the destinations of a request in order, as far as it has the right shape."""
    messages = document.get("messages") if isinstance(document, dict) else None
    entries = messages if isinstance(messages, list) else []
    lists = [m.get("destinations") for m in entries if isinstance(m, dict)]
    every = [d for found in lists if isinstance(found, list) for d in found]
    return [destination for destination in every if isinstance(destination, dict)]
