"""Which failed attempts are retried, and when.

A send has no idempotency key, so by default only requests that were certainly not processed are
retried:

1. connection failures: no byte of the request left;
2. 429: the server says that it did not process the request;
3. 503 with Retry-After: the server says that it is down, and when to come back.

A 503 without Retry-After proves nothing: a gateway also returns it for a server behind it that
accepted the request and then failed. It and everything else are retried only if the caller asks.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal, get_args

import attrs
from infobip_sms_schema.base import explain_calls

from .settings import build_setting_error, is_count, is_duration, validate

if TYPE_CHECKING:
    from infobip_sms.errors import Sent

Repeatable = Literal["timeout", "broken", "server-error"]
Kind = Literal["unprocessed", "final", "timeout", "broken", "server-error"]

_TOO_MANY, _UNAVAILABLE = 429, 503
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_MAX_WAIT = 4e6  # seconds, 46 days; some systems cannot wait longer
_MIN_TIMEOUT_SHARE = (
    0.25  # of an attempt's timeout; with less, an attempt would only lose its response
)


_NAMES: tuple[Repeatable, ...] = get_args(Repeatable)
_DURATION = validate("seconds from 0", is_duration, "Retry.")


def _to_names(names: Collection[Repeatable]) -> frozenset[Repeatable]:
    expected = f"a collection of {', '.join(_NAMES)}"
    if isinstance(names, str) or not isinstance(names, Collection):
        raise build_setting_error("Retry.on", expected, names)
    if unknown := set(names) - set(_NAMES):
        raise ValueError(f"Retry.on: expected {expected}, got {', '.join(map(repr, unknown))}")
    return frozenset(names)


@explain_calls
@attrs.frozen
class Retry:
    """When a failed attempt is retried. Raises ValueError for an invalid setting.

    By default only requests that were certainly not processed are retried: connection failures, 429,
    and 503 with Retry-After. Retry-After is obeyed to the second; a call whose ``timeout`` does not
    allow for it fails at once. Otherwise uses exponential backoff with 50 % jitter.

    attempts: Maximum number of attempts; 1 for no retries.
    timeout: Seconds for all attempts and waits. The first attempt always has the timeout of
        the call, later ones have what is left; none starts with less than a quarter of it.
    wait_initial: Seconds to wait after the first attempt; doubled after each further one.
    wait_max: Maximum wait in seconds; Retry-After may ask for more.
    on: What else to retry, although it may deliver messages twice: ``timeout`` (no response
        in time), ``broken`` (the connection was lost), ``server-error`` (any 5xx; a 503
        without Retry-After).
    """

    attempts: int = attrs.field(
        default=4, validator=validate("a whole number from 1", is_count, "Retry.")
    )
    timeout: float = attrs.field(default=60.0, validator=_DURATION)
    wait_initial: float = attrs.field(default=0.5, validator=_DURATION)
    wait_max: float = attrs.field(default=20.0, validator=_DURATION)
    on: frozenset[Repeatable] = attrs.field(default=frozenset(), converter=_to_names)

    @classmethod
    def none(cls) -> Retry:
        """Return the policy without retries."""
        return cls(attempts=1)

    def next_wait(self, failure: AttemptFailure, state: RetryState, jitter: float) -> float | None:
        """Return the seconds until the next attempt; None if there is none.

        jitter: a random number, from 0 to less than 1.
        """
        if state.attempts >= self.attempts:
            return None
        if failure.kind != "unprocessed" and failure.kind not in self.on:
            return None
        wait = failure.retry_after
        if wait is None:
            doubled = self.wait_initial * 2.0 ** min(state.attempts - 1, 60)
            wait = min(doubled, self.wait_max) * (0.5 + jitter / 2)
        needed = state.seconds + wait + self._get_min_timeout(state)
        return wait if needed <= self.timeout else None

    def next_timeout(self, state: RetryState) -> float:
        """Return the timeout of the next attempt, in seconds."""
        if state.attempts == 0:
            return state.attempt_timeout
        return min(
            state.attempt_timeout, max(self.timeout - state.seconds, self._get_min_timeout(state))
        )

    def _get_min_timeout(self, state: RetryState) -> float:
        return _MIN_TIMEOUT_SHARE * min(state.attempt_timeout, self.timeout)


@attrs.frozen
class RetryState:
    """What a call has used so far."""

    attempts: int
    seconds: float
    attempt_timeout: float
    """Seconds that one attempt may take, if the policy's timeout allows."""


@attrs.frozen
class AttemptFailure:
    """Why an attempt failed, and whether it may be retried."""

    outcome: str
    sent: Sent
    kind: Kind
    retry_after: float | None = None
    """Seconds to wait, as the server asked."""
    cause: Exception | None = attrs.field(default=None, eq=False, repr=False)
    """The original exception, if its text cannot quote a request or a response."""


def find_failure(status: int, headers: dict[str, str], now: float) -> AttemptFailure | None:
    """Return why a response is a failure; None if it is not.

    now: seconds since 1970, for a server that sends no Date.
    """
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
        return None
    outcome, retry_after = f"HTTP {status}", find_retry_after(headers, now)
    if status == _TOO_MANY or (status == _UNAVAILABLE and retry_after is not None):
        return AttemptFailure(outcome, "no", "unprocessed", retry_after)
    if status >= 500:  # noqa: PLR2004 - HTTP's own numbers
        return AttemptFailure(outcome, "maybe", "server-error", retry_after)
    rejected = 400 <= status < 500  # noqa: PLR2004 - HTTP's own numbers
    return AttemptFailure(outcome, "no" if rejected else "maybe", "final")


def find_retry_after(headers: dict[str, str], now: float) -> float | None:
    """Return the seconds that Retry-After asks for; None if it is missing or cannot be parsed.

    A date (RFC 9110, any of its three forms) is counted from the response's own Date, so that
    differing clocks do not matter; from ``now`` if there is none.
    """
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), _MAX_WAIT)
    until = _find_time(value)
    if until is None:
        return None
    since = _find_time(headers.get("date", ""))
    return min(max(0.0, until - (now if since is None else since)), _MAX_WAIT)


def _find_time(value: str) -> float | None:
    try:
        moment: datetime = parsedate_to_datetime(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
