"""Which failed attempt may be repeated, and after how long: policy and arithmetic.

A send has no idempotency key, so the default repeats only what provably was not processed:

1. no connection was made, and so no byte of the request left;
2. 429: the server says that it did not look at the request;
3. 503 with Retry-After: the server says that it is not working, and when to come back.

A 503 without Retry-After proves nothing: a gateway also gives it for a server behind it that took
the request and then failed. It and everything else are repeated only if the caller names them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal, get_args

import attrs

if TYPE_CHECKING:
    from infobip_sms.errors import Sent

Repeatable = Literal["timeout", "broken", "server-error"]
Kind = Literal["unprocessed", "final", "timeout", "broken", "server-error"]

_TOO_MANY, _UNAVAILABLE = 429, 503
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_MAX_WAIT = (
    4e6  # seconds; what is more than 46 days away is no nearer, and some systems cannot wait for it
)
_MIN_TIMEOUT_SHARE = (
    0.25  # of an attempt's usual time; with less, an attempt would only lose its response
)


def _require_names(names: Collection[Repeatable]) -> frozenset[Repeatable]:
    if isinstance(names, str) or not isinstance(names, Collection):
        raise ValueError(f"Retry.on: expected a collection of names out of {get_args(Repeatable)}")  # noqa: TRY004
    return frozenset(names)


@attrs.frozen
class Retry:
    """When an attempt is repeated.

    By default only what the server provably did not process: no connection could be made, 429, and
    503 with Retry-After. A Retry-After is obeyed to the second; a call whose budget does not allow
    for it ends at once. Without one the waits double: half of ``backoff`` is certain, half random.
    """

    attempts: int = attrs.field(default=4)
    """How many there are at most; 1 switches repetition off."""
    timeout: float = attrs.field(default=60.0)
    """Seconds for all attempts and waits. The first attempt has the call's timeout in any case, later
    ones what is left; none begins with less than a quarter of its usual time."""
    wait_initial: float = attrs.field(default=0.5)
    """Seconds to wait after the first attempt; twice as many after each further one."""
    wait_max: float = attrs.field(default=20.0)
    """Seconds that such a wait has at most; Retry-After may ask for more."""
    on: frozenset[Repeatable] = attrs.field(default=frozenset(), converter=_require_names)
    """What else to repeat, although it may deliver messages twice: ``timeout`` (the response took too
    long), ``broken`` (the connection broke), ``server-error`` (any 5xx; a 503 without Retry-After)."""

    def __attrs_post_init__(self) -> None:
        if type(self.attempts) is not int or self.attempts < 1:
            raise ValueError("Retry.attempts: expected a whole number from 1")
        for name in ("timeout", "wait_initial", "wait_max"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise ValueError(f"Retry.{name}: expected seconds from 0")
        if unknown := self.on - set(get_args(Repeatable)):
            raise ValueError(
                f"Retry.on: expected names out of {get_args(Repeatable)}, not {unknown}"
            )

    @classmethod
    def none(cls) -> Retry:
        """Return the policy that repeats nothing."""
        return cls(attempts=1)

    def next_wait(self, failure: AttemptFailure, state: RetryState, jitter: float) -> float | None:
        """Return the seconds until the next attempt; None if there is none.

        chance: a random number, from 0 to less than 1.
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
        """Return the seconds that the next attempt may take."""
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
    """Seconds that one attempt may take, if the budget allows."""


@attrs.frozen
class AttemptFailure:
    """An attempt that brought no good answer."""

    outcome: str
    sent: Sent
    kind: Kind
    retry_after: float | None = None
    """Seconds to wait, as the server said."""


def find_failure(status: int, headers: dict[str, str], now: float) -> AttemptFailure | None:
    """Return what a response means for another attempt; None for a good one.

    now: seconds since 1970, for a server that does not tell its own time.
    """
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
        return None
    words, told = f"HTTP {status}", find_retry_after(headers, now)
    if status == _TOO_MANY or (status == _UNAVAILABLE and told is not None):
        return AttemptFailure(words, "no", "unprocessed", told)
    if status >= 500:  # noqa: PLR2004 - HTTP's own numbers
        return AttemptFailure(words, "maybe", "server-error", told)
    refused = 400 <= status < 500  # noqa: PLR2004 - HTTP's own numbers
    return AttemptFailure(words, "no" if refused else "maybe", "final")


def find_retry_after(headers: dict[str, str], now: float) -> float | None:
    """Return the seconds that Retry-After asks for; None if it is missing or cannot be read.

    A date (RFC 9110, any of its three forms) is counted from the response's own Date, so that two
    clocks that differ do no harm; from ``now`` if there is none.
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
