"""Repeated requests: those that must not be resent, and those resent too soon."""

import hashlib
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from infobip_sms_conformance.client_checks.request import ParsedRequest, iter_message_ids
from infobip_sms_conformance.client_checks.schema_check import RequestViolation
from infobip_sms_conformance.observations.exchange import OK_STATUSES
from infobip_sms_conformance.transport.http1 import CapturedExchange

NO_RESEND, RETRY_AFTER = "HTTP-014", "HTTP-015"
FIRST_SERVER_ERROR, TOO_MANY_REQUESTS, SERVICE_UNAVAILABLE = 500, 429, 503
TOLERANCE = 0.05  # seconds; a clock of another program may be read a little earlier
MAX_REMEMBERED = 100_000
"""Requests that are remembered."""


@dataclass(frozen=True)
class PastRequest:
    """The outcome of a request."""

    serial: int
    ended: float
    outcome: str
    """``accepted``, ``unknown``, ``wait`` or ``rejected``."""
    description: str
    retry_after: float = 0.0
    """Seconds that the server told the client to wait."""


@dataclass
class ResendHistory:
    """The requests to send of a run, by their digests."""

    past_requests: dict[str, PastRequest] = field(default_factory=dict)
    run: int = 0
    """The run of the program that sent them; requests of another run are not repetitions."""
    checked: set[tuple[str, str]] = field(default_factory=set)
    """Requirements that could have been violated, with the format."""

    def check(self, request: ParsedRequest) -> list[RequestViolation]:
        """Return the violations of a request, given those before it, and remember it."""
        if not request.is_send or not request.captured.body:
            return []
        key, has_message_ids = build_request_key(request)
        if request.captured.run != self.run:
            self.past_requests.clear()
            self.run = request.captured.run
        previous = self.past_requests.get(key)
        current = build_past_request(request.captured)
        self.past_requests[key] = current
        if len(self.past_requests) > MAX_REMEMBERED:
            del self.past_requests[next(iter(self.past_requests))]
        if current.outcome == "unknown" or previous is not None:
            self.checked.add((NO_RESEND, request.wire))
        if current.retry_after:
            self.checked.add((RETRY_AFTER, request.wire))
        return (
            list(
                filter(
                    None,
                    [find_violation(previous, request.captured, has_message_ids=has_message_ids)],
                )
            )
            if previous
            else []
        )


def find_violation(
    past_request: PastRequest, captured: CapturedExchange, *, has_message_ids: bool
) -> RequestViolation | None:
    """Return the violation of a request that repeats another one, if it is one."""
    waited = captured.received_at - past_request.ended
    if past_request.retry_after and waited < past_request.retry_after - TOLERANCE:
        got = f"request {past_request.serial} again {waited:.1f} s after {past_request.description}"
        expected = f"no earlier than Retry-After says, {past_request.retry_after:g} s"
        return RequestViolation(RETRY_AFTER, "the request", got, expected, part="target")
    if past_request.outcome == "unknown" or (
        past_request.outcome == "accepted" and has_message_ids
    ):
        got = f"request {past_request.serial} again, after {past_request.description}"
        expected = "a reported failure: the messages may have been accepted"
        return RequestViolation(NO_RESEND, "the request", got, expected, part="target")
    return None


def build_request_key(request: ParsedRequest) -> tuple[str, bool]:
    """Return the key of a request, and whether it has messageIds."""
    ids = [node.value for _, node in iter_message_ids(request.node)]
    what = "\n".join(ids).encode() if ids else request.captured.body
    return hashlib.sha256(what).hexdigest(), bool(ids)


def build_past_request(captured: CapturedExchange) -> PastRequest:
    """Return the outcome of a request."""
    ended, status = captured.received_at + captured.seconds, captured.status
    if captured.response is None or captured.error:
        return PastRequest(
            captured.serial, ended, "unknown", f"no complete response ({captured.error})"
        )
    description = f"HTTP {status}"
    wait = parse_retry_after(captured, ended)
    if status == TOO_MANY_REQUESTS or (status == SERVICE_UNAVAILABLE and wait):
        return PastRequest(captured.serial, ended, "wait", description, wait)
    if status in OK_STATUSES:
        return PastRequest(captured.serial, ended, "accepted", description)
    unknown = status is None or status >= FIRST_SERVER_ERROR
    return PastRequest(captured.serial, ended, "unknown" if unknown else "rejected", description)


def parse_retry_after(captured: CapturedExchange, now: float) -> float:
    """Return the seconds of Retry-After; 0 where there is none."""
    value = captured.response.get_header("retry-after").strip() if captured.response else ""
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - (now or time.time()))
    except (TypeError, ValueError):
        return 0.0
