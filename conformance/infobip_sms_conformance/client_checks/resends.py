"""Requests that come again: what must not be repeated, and what not so soon."""

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
    """What came of a request."""

    serial: int
    ended: float
    outcome: str
    """``taken``, ``unknown``, ``wait`` or ``rejected``."""
    description: str
    retry_after: float = 0.0
    """Seconds that the server asked for."""


@dataclass
class ResendHistory:
    """The requests to send of a run, by their digests."""

    past_requests: dict[str, PastRequest] = field(default_factory=dict)
    run: int = 0
    """The run of the program that they are of: what another run sends is no repetition."""
    checked: set[tuple[str, str]] = field(default_factory=set)
    """Requirements that could have been broken, with the format."""

    def check(self, request: ParsedRequest) -> list[RequestViolation]:
        """Return what is wrong with a request after those before it, and remember it."""
        if not request.is_send or not request.captured.body:
            return []
        key, named = build_request_key(request)
        if request.captured.run != self.run:
            self.past_requests.clear()
            self.run = request.captured.run
        before = self.past_requests.get(key)
        now = build_past_request(request.captured)
        self.past_requests[key] = now
        if len(self.past_requests) > MAX_REMEMBERED:
            del self.past_requests[next(iter(self.past_requests))]
        if now.outcome == "unknown" or before is not None:
            self.checked.add((NO_RESEND, request.wire))
        if now.retry_after:
            self.checked.add((RETRY_AFTER, request.wire))
        return (
            list(filter(None, [find_violation(before, request.captured, has_message_ids=named)]))
            if before
            else []
        )


def find_violation(
    past_request: PastRequest, captured: CapturedExchange, *, has_message_ids: bool
) -> RequestViolation | None:
    """Return what is wrong with a request that repeats another one; named: by messageIds of its own."""
    waited = captured.received_at - past_request.ended
    if past_request.retry_after and waited < past_request.retry_after - TOLERANCE:
        got = f"request {past_request.serial} again {waited:.1f} s after {past_request.description}"
        expected = f"no earlier than Retry-After says, {past_request.retry_after:g} s"
        return RequestViolation(RETRY_AFTER, "the request", got, expected, part="target")
    if past_request.outcome == "unknown" or (past_request.outcome == "taken" and has_message_ids):
        got = f"request {past_request.serial} again, after {past_request.description}"
        expected = "a reported failure: the messages may have been taken"
        return RequestViolation(NO_RESEND, "the request", got, expected, part="target")
    return None


def build_request_key(request: ParsedRequest) -> tuple[str, bool]:
    """Return what a request is known by, and whether by its messageIds."""
    ids = [node.value for _, node in iter_message_ids(request.node)]
    what = "\n".join(ids).encode() if ids else request.captured.body
    return hashlib.sha256(what).hexdigest(), bool(ids)


def build_past_request(captured: CapturedExchange) -> PastRequest:
    """Return what came of a request."""
    ended, status = captured.received_at + captured.seconds, captured.status
    if captured.response is None or captured.error:
        return PastRequest(
            captured.serial, ended, "unknown", f"no whole response ({captured.error})"
        )
    said = f"HTTP {status}"
    wait = parse_retry_after(captured, ended)
    if status == TOO_MANY_REQUESTS or (status == SERVICE_UNAVAILABLE and wait):
        return PastRequest(captured.serial, ended, "wait", said, wait)
    if status in OK_STATUSES:
        return PastRequest(captured.serial, ended, "taken", said)
    unknown = status is None or status >= FIRST_SERVER_ERROR
    return PastRequest(captured.serial, ended, "unknown" if unknown else "rejected", said)


def parse_retry_after(captured: CapturedExchange, now: float) -> float:
    """Return the seconds of Retry-After; 0 where there is none."""
    value = captured.response.get_header("retry-after").strip() if captured.response else ""
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - (now or time.time()))
    except (TypeError, ValueError):
        return 0.0
