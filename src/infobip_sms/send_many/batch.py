"""One batch of destinations, brought to its end.

    known from the journal: accepted or refused   -> reported again, not sent
    about to leave in an earlier run, or unknown  -> looked up in the server's logs
    the rest                                      -> marked in the journal, sent, settled there

Lives here: the order of these steps, when to try again, when the whole run stops.
Never here: batches and threads (volume.py), the file (journal.py), which word an answer means
(outcomes.py).
"""

from __future__ import annotations

import math
import random
import re
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, get_args

import attrs
from infobip_sms_schema import SmsRequest, Tracking, Violation

from infobip_sms.errors import Error, InvalidRequestError, InvalidResponseError, NoAnswer, Rejected
from infobip_sms.transport.retry import Failure, Retry, Spent, find_retry_after

from .outcomes import (
    Verdict,
    find_error_verdict,
    find_log_verdict,
    find_verdicts,
    is_busy,
    is_same_number,
)
from .reconcile import Asked, find_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from infobip_sms_schema import Message, SmsResponse

    from .journal import Journal, Record
    from .outcomes import Item, Outcome

OnUnknown = Literal["report", "reconcile", "resend", "stop"]
Answer = TypeVar("Answer")

_REQUESTS = 3  # that one destination is in at most, if the logs never know of it
_REACH = 47 * 3600.0  # seconds; the logs reach back 48 hours (LOG-001), less one for clocks
_PAUSE = 1.0  # seconds between two questions; the least between two attempts that a server asks for
_WAITS = Retry(attempts=sys.maxsize, budget=math.inf, backoff=_PAUSE, longest=15.0)
_PART = re.compile(rf"{attrs.fields(SmsRequest).messages.metadata['wire']}\[(\d+)\]\.?")
_INTERRUPTED = Verdict(state="unknown", reason="an earlier run ended before its answer came")


class Sender(Asked, Protocol):
    """What sends: a client."""

    def send(self, request: SmsRequest) -> SmsResponse:
        """Send one request."""


def _check_policy(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value not in get_args(OnUnknown):
        raise ValueError(f"{attribute.name} wants one of {get_args(OnUnknown)}")


def _check_count(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if type(value) is not int or value < 1:
        raise ValueError(f"{attribute.name} wants a whole number from 1")


def _check_seconds(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError(f"{attribute.name} wants seconds from 0")


def _check_tracking(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Tracking | None):
        raise ValueError(f"{attribute.name} wants a Tracking")  # noqa: TRY004 - as any bad option


@attrs.frozen
class Options:
    """How much at a time, and what to do when something fails."""

    chunk: int = attrs.field(validator=_check_count)
    """Destinations for each request; a message with more goes into several requests."""
    concurrency: int = attrs.field(validator=_check_count)
    """Requests at a time."""
    on_unknown: OnUnknown = attrs.field(validator=_check_policy)
    """``report`` yields unknown ones as they are. ``reconcile`` looks them up in the server's logs.
    ``resend`` also sends again what the logs still do not know, in three requests at most, unless it
    is older than the logs or to be sent later (``send_at``, ``delivery_time_window``). ``stop``
    sends nothing more after an unknown one. What a journal has as unknown is always looked up."""
    journal: str | Path | None
    """File that remembers what was sent."""
    tracking: Tracking | None = attrs.field(validator=_check_tracking)
    """Goes with every request."""
    settle: float = attrs.field(validator=_check_seconds)
    """Seconds that the logs may take to know of an accepted message."""
    patience: float = attrs.field(validator=_check_seconds)
    """Seconds to go on trying while requests are provably not processed."""


class _Work:
    """What is known of one batch, and what is left to do."""

    def __init__(self, items: Sequence[Item], records: Sequence[Record], started: float) -> None:
        self.verdicts: dict[int, Verdict] = {}
        self.todo: list[Item] = []
        self.doubtful: list[Item] = []
        self.earlier: set[int] = set()
        self.begun: dict[int, float] = {}  # when first, by the calendar's clock
        self.since = started  # the logs know all by now, but for the time they take
        for item, record in zip(items, records, strict=True):
            self._sort(item, record)

    def _sort(self, item: Item, record: Record) -> None:
        verdict = record.verdict
        if verdict and verdict.state in {"accepted", "refused"}:
            self.verdicts[item.index] = verdict
            self.earlier.add(item.index)
        elif record.begun is None or (verdict and verdict.state == "unsent"):
            self.todo.append(item)
        else:
            self.verdicts[item.index] = verdict or _INTERRUPTED
            self.begun[item.index] = record.begun
            self.doubtful.append(item)


class Delivery:
    """What the threads of one run share."""

    def __init__(self, client: Sender, options: Options, journal: Journal | None) -> None:
        self._client = client
        self._options = options
        self._journal = journal
        self._started = time.monotonic()
        self._cause: Verdict | None = None
        self.ended = threading.Event()
        """Set when nothing new may begin."""

    def finish(self, items: Sequence[Item], records: Sequence[Record]) -> list[Outcome]:
        """Bring a batch to its end, and return its outcomes."""
        work = _Work(items, records, self._started)
        for turn in range(_REQUESTS + 1):
            absent = self._reconcile(work)
            if self._options.on_unknown == "resend" and turn < _REQUESTS:
                work.todo += [item for item in absent if _may_resend(item, work)]
            self._send(work)
            if self._options.on_unknown not in {"reconcile", "resend"}:
                break
        self._check_unknown(work)
        return [
            item.conclude(work.verdicts[item.index], earlier=item.index in work.earlier)
            for item in items
        ]

    def _check_unknown(self, work: _Work) -> None:
        unknown = [v for v in work.verdicts.values() if v.state == "unknown"]
        if unknown and self._options.on_unknown == "stop":
            self._stop(unknown[0])

    def _stop(self, cause: Verdict) -> None:
        self._cause = self._cause or cause
        self.ended.set()

    def _reconcile(self, work: _Work) -> list[Item]:
        """Settle what the logs know; return what they certainly do not."""
        missing, work.doubtful = work.doubtful, []
        until = work.since + self._options.settle
        while missing and not self.ended.is_set():
            asked = time.monotonic()
            left = self._look_up(missing, work)
            if left is None or asked >= until:
                return left or []
            missing = left
            self.ended.wait(min(_PAUSE, until - asked) if missing else 0)
        return []

    def _look_up(self, items: list[Item], work: _Work) -> list[Item] | None:
        """Return what the logs do not know; None if they could not be asked."""
        ids = list(dict.fromkeys(item.message_id for item in items))
        logs = self._persist(lambda: find_logs(self._client, ids), _may_ask_again)
        if isinstance(logs, Error):
            return None
        found: dict[int, Verdict] = {}
        for item in items:
            rows = logs.get(item.message_id, ())
            mine = [row for row in rows if row.to is None or is_same_number(row.to, item.to)]
            if mine:
                found[item.index] = find_log_verdict(mine)
        self._settle(found, work)
        return [item for item in items if item.index not in found]

    def _send(self, work: _Work) -> None:
        """Send what is to be sent, if it is still time for it."""
        todo, work.todo = work.todo, []
        if self.ended.is_set():
            for item in todo:
                work.verdicts.setdefault(item.index, self._find_unsent())
            return
        refused, parts = _build_parts(todo)
        self._settle(refused, work)
        if not parts:
            return
        again = set(work.begun)
        self._begin(parts, work)
        verdicts = self._deliver(parts, again)
        work.since = time.monotonic()
        self._stop_if_unsent(verdicts)
        kept = {
            i: work.verdicts[i] for i in again & verdicts.keys() if verdicts[i].state == "unsent"
        }
        self._settle(verdicts | kept, work)
        work.doubtful = [i for i in todo if work.verdicts[i.index].state == "unknown"]

    def _begin(self, parts: list[_Part], work: _Work) -> None:
        places, now = [item.index for part in parts for item in part.items], time.time()
        if self._journal:
            self._journal.begin(places, now)
        work.begun.update(dict.fromkeys(places, now))

    def _settle(self, verdicts: dict[int, Verdict], work: _Work) -> None:
        if self._journal and verdicts:
            self._journal.settle(verdicts)
        work.verdicts.update(verdicts)

    def _find_unsent(self) -> Verdict:
        cause = self._cause
        reason = f"the run had ended: {cause.reason}" if cause else "the run had ended"
        return Verdict(state="unsent", reason=reason, error=cause.error if cause else None)

    def _stop_if_unsent(self, verdicts: dict[int, Verdict]) -> None:
        for verdict in verdicts.values():
            if verdict.state == "unsent":
                self._stop(verdict)
                return

    def _deliver(self, parts: list[_Part], again: set[int]) -> dict[int, Verdict]:
        """Send parts in one request, without those that turn out to break a rule."""
        verdicts: dict[int, Verdict] = {}
        while parts:
            messages = [part.message for part in parts]
            request = SmsRequest(messages=messages, tracking=self._options.tracking)
            answer = self._persist(lambda: self._client.send(request), is_busy)  # noqa: B023 - called at once
            if isinstance(answer, InvalidRequestError) and (
                found := _find_refusals(answer, len(parts))
            ):
                for number, refusal in found.items():
                    verdicts |= _give_all(parts[number].items, find_error_verdict(refusal))
                parts = [part for number, part in enumerate(parts) if number not in found]
                continue
            items = [item for part in parts for item in part.items]
            answers = _find_answers(items, answer, again)
            return verdicts | {i.index: v for i, v in zip(items, answers, strict=True)}
        return verdicts

    def _persist(
        self, call: Callable[[], Answer], may_repeat: Callable[[Error], bool]
    ) -> Answer | Error:
        """Return the answer, or the error that is left when patience is at its end."""
        until = time.monotonic() + self._options.patience
        number = 0
        while True:
            number += 1
            try:
                return call()
            except Error as error:
                wait = _find_pause(error, number)
                late = time.monotonic() + wait > until
                if not may_repeat(error) or late or self.ended.wait(wait):
                    return error


@attrs.frozen(eq=False)
class _Part:
    """One message of a request, with the destinations that this request has of it."""

    message: Message
    items: list[Item]


def _build_parts(items: Sequence[Item]) -> tuple[dict[int, Verdict], list[_Part]]:
    """Put together what comes of one message; those that cannot be built have their verdict at once."""
    groups: list[list[Item]] = []
    refused: dict[int, Verdict] = {}
    for item in items:
        if groups and groups[-1][0].message is item.message:
            groups[-1].append(item)
        else:
            groups.append([item])
    parts = []
    for group in groups:
        destinations = [item.destination for item in group]
        try:
            message = attrs.evolve(group[0].message, destinations=destinations)
            parts.append(_Part(message, group))
        except InvalidRequestError as refusal:
            refused |= _give_all(group, find_error_verdict(refusal))
    return refused, parts


def _give_all(items: Sequence[Item], verdict: Verdict) -> dict[int, Verdict]:
    return dict.fromkeys((item.index for item in items), verdict)


def _find_answers(
    items: Sequence[Item], answer: SmsResponse | Error, again: set[int]
) -> list[Verdict]:
    if isinstance(answer, InvalidRequestError):  # no message's fault: the client's own settings
        return [Verdict(state="unsent", reason=str(answer), error=answer)] * len(items)
    if isinstance(answer, Error):
        return [find_error_verdict(answer)] * len(items)
    return find_verdicts(items, answer, again)


def _find_refusals(refusal: InvalidRequestError, count: int) -> dict[int, InvalidRequestError]:
    """Return the refusal of each message that breaks a rule; none if it is no message's fault."""
    by_part: dict[int, list[Violation]] = {}
    for problem in refusal.violations:
        found = _PART.match(problem.path)
        if found is None:
            return dict.fromkeys(range(count), refusal) if problem.path == "" else {}
        rest = problem.path[found.end() :]
        by_part.setdefault(int(found[1]), []).append(attrs.evolve(problem, path=rest))
    return {number: InvalidRequestError(problems) for number, problems in by_part.items()}


def _may_resend(item: Item, work: _Work) -> bool:
    """Tell whether absence from the logs is a proof: not for what is old, or to be sent later."""
    message = item.message
    now_or_never = message.send_at is None and message.delivery_time_window is None
    return now_or_never and time.time() - work.begun[item.index] < _REACH


def _may_ask_again(error: Error) -> bool:
    away = isinstance(error, NoAnswer | InvalidResponseError)
    return away or is_busy(error)


def _find_pause(error: Error, number: int) -> float:
    """Return how long to wait after so many attempts: as the server asks, or longer each time."""
    headers = error.headers if isinstance(error, Rejected | InvalidResponseError) else {}
    told = find_retry_after(headers, time.time())
    if told is not None:
        return max(_PAUSE, told)
    failure = Failure("", "no", "unprocessed")
    chance = random.random()  # noqa: S311 - spreads threads and senders in time
    return _WAITS.find_wait(failure, Spent(number, 0.0, 0.0), chance) or _PAUSE
