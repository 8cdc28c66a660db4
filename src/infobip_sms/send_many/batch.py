"""One batch of destinations, brought to its end.

known from the journal: accepted or rejected   -> reported again, not sent
about to leave in an earlier run, or unknown  -> looked up in the server's logs
the rest                                      -> marked in the journal, sent, settled there
"""

from __future__ import annotations

import math
import random
import re
import sys
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypeVar

import attrs
from infobip_sms_schema import SmsRequest, Violation

from infobip_sms.errors import (
    ApiError,
    Error,
    InvalidRequestError,
    InvalidResponseError,
    TransportError,
)
from infobip_sms.transport.retry import AttemptFailure, Retry, RetryState, find_retry_after

from .copies import with_destinations
from .outcomes import (
    BUSY_STATUSES,
    Resolution,
    is_busy,
    is_same_number,
    resolve_error,
    resolve_logs,
    resolve_response,
)
from .pace import Pace
from .reconcile import LookupClient, fetch_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infobip_sms_schema import Message, SmsResponse

    from .journal import Journal
    from .journal_file import JournalRecord
    from .options import SendManyOptions
    from .outcomes import Outcome, QueuedDestination

ResponseT = TypeVar("ResponseT")

_MAX_REQUESTS = 3  # that one destination is in at most, if the logs never know of it
_LOG_RETENTION = 47 * 3600.0  # seconds; the logs reach back 48 hours (LOG-001), less one for clocks
_POLL_INTERVAL = (
    1.0  # seconds between two questions; the least between two attempts that a server asks for
)
_RETRY = Retry(attempts=sys.maxsize, timeout=math.inf, wait_initial=_POLL_INTERVAL, wait_max=15.0)
_MESSAGE_PATH = re.compile(rf"{attrs.fields(SmsRequest).messages.metadata['wire']}\[(\d+)\]\.?")
_INTERRUPTED = Resolution(state="unknown", reason="an earlier run ended before its answer came")


class SmsClient(LookupClient, Protocol):
    """What sends: a client."""

    def send(self, request: SmsRequest) -> SmsResponse:
        """Send one request."""


class _BatchState:
    """What is known of one batch, and what is left to do."""

    def __init__(
        self, items: Sequence[QueuedDestination], records: Sequence[JournalRecord], started: float
    ) -> None:
        self.resolutions: dict[int, Resolution] = {}
        self.suppressed: dict[int, Resolution] = {}
        self.pending: list[QueuedDestination] = []
        self.unresolved: list[QueuedDestination] = []
        self.earlier: set[int] = set()
        self.started_at: dict[int, float] = {}  # when first, by the calendar's clock
        self.last_sent = started  # the logs know all by now, but for the time they take
        for item, record in zip(items, records, strict=True):
            self._classify(item, record)

    def _classify(self, item: QueuedDestination, record: JournalRecord) -> None:
        verdict = record.resolution
        if verdict and verdict.state in {"accepted", "rejected", "suppressed"}:
            self.resolutions[item.index] = verdict
            self.earlier.add(item.index)
        elif record.started_at is None or (verdict and verdict.state == "unsent"):
            if item.suppressed:
                resolution = Resolution(state="suppressed", reason=item.suppressed)
                self.suppressed[item.index] = resolution
            else:
                self.pending.append(item)
        else:
            self.resolutions[item.index] = verdict or _INTERRUPTED
            self.started_at[item.index] = record.started_at
            self.unresolved.append(item)


class BatchSender:
    """What the threads of one run share."""

    def __init__(
        self, client: SmsClient, options: SendManyOptions, journal: Journal | None
    ) -> None:
        self._client = client
        self._options = options
        self._journal = journal
        self._pace = Pace(options.per_second) if options.per_second else None
        self._started = time.monotonic()
        self._cause: Resolution | None = None
        self.stopped = threading.Event()
        """Set when nothing new may begin."""

    def process(
        self, items: Sequence[QueuedDestination], records: Sequence[JournalRecord]
    ) -> list[Outcome]:
        """Bring a batch to its end, and return its outcomes."""
        work = _BatchState(items, records, self._started)
        self._record(work.suppressed, work)
        for turn in range(_MAX_REQUESTS + 1):
            absent = self._reconcile(work)
            if self._options.on_unknown == "resend" and turn < _MAX_REQUESTS:
                work.pending += [item for item in absent if _may_resend(item, work)]
            self._send(work)
            if self._options.on_unknown not in {"reconcile", "resend"}:
                break
        self._stop_if_unknown(work)
        return [
            item.build_outcome(work.resolutions[item.index], earlier=item.index in work.earlier)
            for item in items
        ]

    def _stop_if_unknown(self, state: _BatchState) -> None:
        unknown = [v for v in state.resolutions.values() if v.state == "unknown"]
        if unknown and self._options.on_unknown == "stop":
            self._stop(unknown[0])

    def _stop(self, cause: Resolution) -> None:
        self._cause = self._cause or cause
        self.stopped.set()

    def _reconcile(self, state: _BatchState) -> list[QueuedDestination]:
        """Settle what the logs know; return what they certainly do not."""
        missing, state.unresolved = state.unresolved, []
        until = state.last_sent + self._options.log_delay
        while missing and not self.stopped.is_set():
            asked = time.monotonic()
            left = self._look_up(missing, state)
            if left is None or asked >= until:
                return left or []
            missing = left
            self.stopped.wait(min(_POLL_INTERVAL, until - asked) if missing else 0)
        return []

    def _look_up(
        self, items: list[QueuedDestination], state: _BatchState
    ) -> list[QueuedDestination] | None:
        """Return what the logs do not know; None if they could not be asked."""
        ids = list(dict.fromkeys(item.message_id for item in items))
        logs = self._retry(lambda: fetch_logs(self._client, ids), _may_retry_lookup)
        if isinstance(logs, Error):
            return None
        found: dict[int, Resolution] = {}
        for item in items:
            rows = logs.get(item.message_id, ())
            mine = [row for row in rows if row.to is None or is_same_number(row.to, item.to)]
            if mine:
                found[item.index] = resolve_logs(mine)
        self._record(found, state)
        return [item for item in items if item.index not in found]

    def _send(self, state: _BatchState) -> None:
        """Send what is to be sent, if it is still time for it."""
        todo, state.pending = state.pending, []
        if todo and self._pace:
            self._pace.wait(len(todo), self.stopped)
        if self.stopped.is_set():
            for item in todo:
                state.resolutions.setdefault(item.index, self._build_unsent())
            return
        refused, parts = _build_slices(todo)
        self._record(refused, state)
        if not parts:
            return
        again = set(state.started_at)
        self._mark_started(parts, state)
        verdicts = self._send_slices(parts, again)
        state.last_sent = time.monotonic()
        self._stop_if_unsent(verdicts)
        kept = {
            i: state.resolutions[i]
            for i in again & verdicts.keys()
            if verdicts[i].state == "unsent"
        }
        self._record(verdicts | kept, state)
        state.unresolved = [i for i in todo if state.resolutions[i.index].state == "unknown"]

    def _mark_started(self, slices: list[_MessageSlice], state: _BatchState) -> None:
        places, now = [item.index for part in slices for item in part.items], time.time()
        if self._journal:
            self._journal.mark_started(places, now)
        state.started_at.update(dict.fromkeys(places, now))

    def _record(self, resolutions: dict[int, Resolution], state: _BatchState) -> None:
        if self._journal and resolutions:
            self._journal.record(resolutions)
        state.resolutions.update(resolutions)

    def _build_unsent(self) -> Resolution:
        cause = self._cause
        reason = f"the run had ended: {cause.reason}" if cause else "the run had ended"
        return Resolution(state="unsent", reason=reason, error=cause.error if cause else None)

    def _stop_if_unsent(self, resolutions: dict[int, Resolution]) -> None:
        for verdict in resolutions.values():
            if verdict.state == "unsent":
                self._stop(verdict)
                return

    def _send_slices(
        self, slices: list[_MessageSlice], repeated: set[int]
    ) -> dict[int, Resolution]:
        """Send parts in one request, without those that turn out to break a rule."""
        verdicts: dict[int, Resolution] = {}
        while slices:
            messages = [part.message for part in slices]
            request = SmsRequest(messages=messages, tracking=self._options.tracking)
            count = sum(len(part.items) for part in slices)
            answer = self._retry(lambda: self._send_request(request), is_busy, count)  # noqa: B023 - called at once
            if isinstance(answer, InvalidRequestError) and (
                found := _split_by_message(answer, len(slices))
            ):
                for number, refusal in found.items():
                    verdicts |= _resolve_all(slices[number].items, resolve_error(refusal))
                slices = [part for number, part in enumerate(slices) if number not in found]
                continue
            items = [item for part in slices for item in part.items]
            answers = _resolve_result(items, answer, repeated)
            return verdicts | {i.index: v for i, v in zip(items, answers, strict=True)}
        return verdicts

    def _send_request(self, request: SmsRequest) -> SmsResponse:
        """Send a request once; what comes of it decides about the pace."""
        if self._pace is None:
            return self._client.send(request)
        sent_at = self._pace.get_time()
        try:
            response = self._client.send(request)
        except ApiError as error:
            if error.status == HTTPStatus.TOO_MANY_REQUESTS:
                self._pace.slow_down(sent_at)
            raise
        self._pace.speed_up()
        return response

    def _retry(
        self, call: Callable[[], ResponseT], may_repeat: Callable[[Error], bool], count: int = 0
    ) -> ResponseT | Error:
        """Return the answer, or the error that is left when patience is at its end.

        count: destinations for which each repetition waits as the pace asks.
        """
        until = time.monotonic() + self._options.patience
        number = 0
        while True:
            number += 1
            try:
                return call()
            except Error as error:
                wait = _next_pause(error, number)
                late = time.monotonic() + wait > until
                if not may_repeat(error) or late or self.stopped.wait(wait):
                    return error
                if self._pace and count:
                    self._pace.wait(count, self.stopped)
                if self.stopped.is_set():
                    return error


@attrs.frozen(eq=False)
class _MessageSlice:
    """One message of a request, with the destinations that this request has of it."""

    message: Message
    items: list[QueuedDestination]


def _build_slices(
    items: Sequence[QueuedDestination],
) -> tuple[dict[int, Resolution], list[_MessageSlice]]:
    """Put together what comes of one message; those that cannot be built have their verdict at once."""
    groups: list[list[QueuedDestination]] = []
    refused: dict[int, Resolution] = {}
    for item in items:
        if groups and groups[-1][0].message is item.message:
            groups[-1].append(item)
        else:
            groups.append([item])
    parts = []
    for group in groups:
        destinations = [item.destination for item in group]
        try:
            message = with_destinations(group[0].message, destinations)
            parts.append(_MessageSlice(message, group))
        except InvalidRequestError as refusal:
            refused |= _resolve_all(group, resolve_error(refusal))
    return refused, parts


def _resolve_all(
    items: Sequence[QueuedDestination], resolution: Resolution
) -> dict[int, Resolution]:
    return dict.fromkeys((item.index for item in items), resolution)


def _resolve_result(
    items: Sequence[QueuedDestination], response: SmsResponse | Error, repeated: set[int]
) -> list[Resolution]:
    if isinstance(response, InvalidRequestError):  # no message's fault: the client's own settings
        return [Resolution(state="unsent", reason=str(response), error=response)] * len(items)
    if isinstance(response, Error):
        return [resolve_error(response)] * len(items)
    return resolve_response(items, response, repeated)


def _split_by_message(error: InvalidRequestError, count: int) -> dict[int, InvalidRequestError]:
    """Return the rejection of each message that breaks a rule; none if it is no message's fault."""
    by_part: dict[int, list[Violation]] = {}
    for problem in error.violations:
        found = _MESSAGE_PATH.match(problem.path)
        if found is None:
            return dict.fromkeys(range(count), error) if problem.path == "" else {}
        rest = problem.path[found.end() :]
        by_part.setdefault(int(found[1]), []).append(attrs.evolve(problem, path=rest))
    return {number: InvalidRequestError(problems) for number, problems in by_part.items()}


def _may_resend(item: QueuedDestination, state: _BatchState) -> bool:
    """Tell whether absence from the logs is a proof: not for what is old or of unknown age, or to be sent later."""
    message = item.message
    now_or_never = message.send_at is None and message.delivery_time_window is None
    age = time.time() - state.started_at[item.index]  # below 0 if the clock was set back
    return now_or_never and 0 <= age < _LOG_RETENTION


def _may_retry_lookup(error: Error) -> bool:
    """Tell whether to ask again; a lookup changes nothing, whether it was processed or not."""
    if isinstance(error, ApiError):
        return error.status in BUSY_STATUSES
    return isinstance(error, TransportError | InvalidResponseError)


def _next_pause(error: Error, attempts: int) -> float:
    """Return how long to wait after so many attempts: as the server asks, or longer each time."""
    headers = error.headers if isinstance(error, ApiError | InvalidResponseError) else {}
    told = find_retry_after(headers, time.time())
    if told is not None:
        return max(_POLL_INTERVAL, told)
    failure = AttemptFailure("", "no", "unprocessed")
    chance = random.random()  # noqa: S311 - spreads threads and senders in time
    return _RETRY.next_wait(failure, RetryState(attempts, 0.0, 0.0), chance) or _POLL_INTERVAL
