"""Faults that show later: when a message is sent, when it ends, and the reports that are pushed.

Lives here: what of a request is taken down wrongly, reports that say something else or do not go out,
tries at the wrong time.
Never here: reports that are fetched (faults_lookups.py).
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import Day, Message

from infobip_sms.sandbox.api.send import LONGEST
from infobip_sms.sandbox.clock import find_later, find_utc
from infobip_sms.sandbox.lifecycle.message import plan
from infobip_sms.sandbox.state.rows import Bulk, Sms
from infobip_sms.sandbox.state.statuses import DELIVERED, WAITING_DELIVERY

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms_schema import DeliveryTimeWindow, MessageV1

    from infobip_sms.codecs import Wire
    from infobip_sms.sandbox.api.http import Outcome
    from infobip_sms.sandbox.api.send import Recipient, Submission
    from infobip_sms.sandbox.lifecycle.webhooks import Posting
    from infobip_sms.sandbox.state.rows import Content, Push, Row
    from infobip_sms.sandbox.state.state import State

    AnyMessage = Message | MessageV1

_MINUTE, _SECOND = dt.timedelta(minutes=1), dt.timedelta(seconds=1)
_TRIES = 3
_CUT = 160  # characters
_EAST = 2  # hours
_OFFSET = re.compile(rb"([+-]\d\d)(\d\d)(?=[\"<])")


# ---------------------------------------------------------------- what is taken down


def _move_east(window: DeliveryTimeWindow | None) -> DeliveryTimeWindow | None:
    """Return a window as if its times were those of a zone east of UTC."""
    if window is None or window.from_ is None or window.to is None:
        return window
    days = list(Day)
    opens, closes = (
        attrs.evolve(time, hour=(time.hour - _EAST) % 24) for time in (window.from_, window.to)
    )
    if window.from_.hour < _EAST:  # it opens on the day before
        days = [days[days.index(day) - 1] for day in window.days]
        return attrs.evolve(window, from_=opens, to=closes, days=days)
    return attrs.evolve(window, from_=opens, to=closes)


def _take_period(content: Content, message: AnyMessage, unit: dt.timedelta) -> Content:
    """Return the contents of a message of version 2 with its validityPeriod in a unit."""
    if not isinstance(message, Message) or message.validity_period is None:
        return content
    return attrs.evolve(content, validity=message.validity_period * unit)


def _take_minutes(content: Content, message: AnyMessage) -> Content:
    """Return the contents of a message of version 1 with its validityPeriod in minutes."""
    if isinstance(message, Message) or message.validity_period_ms is None:
        return content
    return attrs.evolve(content, validity=message.validity_period_ms * _MINUTE)


def _end_at_once(content: Content, message: AnyMessage) -> Content:
    """Return the contents of a message whose validityPeriod is longer than the longest."""
    longer = isinstance(message, Message) and (
        message.validity_period != message.effective_validity_period
    )
    return attrs.evolve(content, validity=dt.timedelta(0)) if longer else content


def _change(name: str, change: Callable[[Any], Any]) -> Callable[[Content, AnyMessage], Content]:
    """Change one member, if it is there."""

    def alter(content: Content, _message: AnyMessage) -> Content:
        value = getattr(content, name)
        return content if value is None else attrs.evolve(content, **{name: change(value)})

    return alter


TAKEN_DOWN: dict[str, Callable[[Content, AnyMessage], Content]] = {
    "WIN-007": _change("window", _move_east),
    "WIN-008": _change("window", lambda _: None),
    "WIN-008-days": _change("window", lambda window: attrs.evolve(window, days=list(Day))),
    "WIN-008-hours": _change("window", lambda window: attrs.evolve(window, from_=None, to=None)),
    "VAL-002": lambda content, message: _take_period(content, message, _MINUTE),
    "VAL-002-none": _end_at_once,
    "VAL-003": _change("validity", lambda _: LONGEST),
    "SEND-017-seconds": lambda content, message: _take_period(content, message, _SECOND),
    "V1-003": _take_minutes,
    "V1-003-both": lambda content, message: _take_period(content, message, _SECOND / 1000),
    "DLR-002-json": _change("notify_wire", lambda _: "json"),
    "DLR-004": _change("callback_data", lambda _: None),
    "DLR-004-ascii": _change("callback_data", lambda t: t.encode("ascii", "replace").decode()),
    "DLR-004-cut": _change("callback_data", lambda text: text[:_CUT]),
    "DLR-005": _change("intermediate_report", lambda _: False),
    "DLR-005-unasked": _change("intermediate_report", lambda _: True),
}
"""What the faulty server takes down of a message."""


def take_down(submission: Submission, messages: list[Any], fault: str) -> Submission:
    """Return a submission as a fault takes it down."""
    change = TAKEN_DOWN.get(fault)
    if change is None:
        return submission
    drafts = (
        attrs.evolve(draft, content=change(draft.content, message))
        for draft, message in zip(submission.drafts, messages, strict=True)
    )
    return attrs.evolve(submission, drafts=tuple(drafts))


def _forget_ids(submission: Submission, recipient: Recipient) -> Recipient:  # noqa: ARG001 - as all of them
    return attrs.evolve(recipient, message_id=None)


def _forget_later_ids(submission: Submission, recipient: Recipient) -> Recipient:
    """Keep the id of the first destination of each message."""
    first = any(recipient is draft.recipients[0] for draft in submission.drafts)
    return recipient if first else attrs.evolve(recipient, message_id=None)


def _rename(
    change: Callable[[Submission, Recipient], Recipient],
) -> Callable[[Submission, Wire], Submission]:
    """Lose ids that were given, by version 2."""

    def alter(submission: Submission, _wire: Wire) -> Submission:
        drafts = (
            attrs.evolve(d, recipients=tuple(change(submission, r) for r in d.recipients))
            for d in submission.drafts
        )
        return attrs.evolve(submission, drafts=tuple(drafts))

    return alter


def _shorten_on(base: str | None) -> Callable[[Submission, Wire], Submission]:
    """Shorten links on another base, or not at all."""
    return lambda s, _: s if s.shortened_on is None else attrs.evolve(s, shortened_on=base)


def _read_first(submission: Submission, wire: Wire) -> Submission:
    """Read the first of several messages in XML."""
    return attrs.evolve(submission, drafts=submission.drafts[:1]) if wire == "xml" else submission


SUBMITTED: dict[str, tuple[set[int], Callable[[Submission, Wire], Submission]]] = {
    "RESP-003": ({2}, _rename(_forget_ids)),
    "RESP-003-first": ({2}, _rename(_forget_later_ids)),
    "TRACK-001": ({1, 2}, _shorten_on(None)),
    "TRACK-001-base": ({1, 2}, _shorten_on("https://links.example")),
    "V1-005-first": ({1}, _read_first),
}
"""What the faulty server reads in a request of these versions."""


# ---------------------------------------------------------------- what is remembered


def _start(find: Callable[[Sms, Submission], dt.datetime]) -> Callable[..., tuple[Row, ...]]:
    """Send messages at another instant."""

    def alter(outcome: Outcome, submission: Submission, *, over_midnight: bool) -> tuple[Row, ...]:
        return tuple(
            plan(attrs.evolve(row, start_at=find(row, submission)), over_midnight=over_midnight)
            if isinstance(row, Sms)
            else row
            for row in outcome.rows
        )

    return alter


def _find_without_offset(sms: Sms, submission: Submission) -> dt.datetime:
    """Return when a message is sent by whoever takes its sendAt for UTC."""
    wanted = (d.send_at for d in submission.drafts if d.send_at)
    found = (at for at in wanted if find_utc(at) == sms.start_at)
    at = next(found, sms.start_at)
    return max(sms.accepted_at, at.replace(tzinfo=dt.UTC))


def _make_bulk(
    outcome: Outcome,
    submission: Submission,
    *,
    over_midnight: bool,  # noqa: ARG001 - as all of them
) -> tuple[Row, ...]:
    """Make a bulk of several messages."""
    numbers = [row.number for row in outcome.rows if isinstance(row, Sms)]
    later = [draft.send_at for draft in submission.drafts if draft.send_at]
    if len(submission.drafts) == 1 or not later or submission.bulk_id is None:
        return outcome.rows
    bulk = Bulk(
        number=numbers[0],
        bulk_id=submission.bulk_id,
        send_at=later[0],
        messages=(numbers[0], numbers[-1] + 1),
    )
    return (*outcome.rows, bulk)


REMEMBERED: dict[str, Callable[..., tuple[Row, ...]]] = {
    "SCHED-001": _start(lambda sms, _: sms.accepted_at),
    "SCHED-001-offset": _start(_find_without_offset),
    "BULK-005": _make_bulk,
}
"""Rows that the faulty server keeps of a send request."""


# ---------------------------------------------------------------- reports


def _is_not_first(sms: Sms, state: State) -> bool:
    """Tell whether a message goes to another destination than the first."""
    before = state.messages.get(sms.number - 1)
    return before is not None and before.content is sms.content


LOST: dict[str, Callable[[Push, Sms, State], bool]] = {
    "DLR-001": lambda _push, _sms, _state: True,
    "DLR-001-final": lambda push, sms, _: push.is_final and sms.content.intermediate_report,
    "DLR-001-first": lambda _, sms, state: _is_not_first(sms, state),
}
"""Reports that do not go out."""


def _swap(push: Push, sms: Sms) -> tuple[Push, Sms]:
    """Let the final report come before the intermediate one."""
    if not sms.content.intermediate_report:
        return push, sms
    status = WAITING_DELIVERY if push.is_final else sms.fate.status
    return attrs.evolve(push, status=status), sms


ALTERED: dict[str, Callable[[Push, Sms], tuple[Push, Sms]]] = {
    "DLR-001-bulk": lambda push, sms: (push, attrs.evolve(sms, bulk_id=None)),
    "DLR-001-id": lambda push, sms: (push, attrs.evolve(sms, message_id=f"{sms.message_id}X")),
    "DLR-005-final": lambda push, sms: (
        push if push.is_final else attrs.evolve(push, status=DELIVERED),
        sms,
    ),
    "DLR-005-late": _swap,
}
"""Reports of something else."""

REWRITTEN_PUSHES: dict[str, Callable[[Posting], Posting]] = {
    "DLR-001-root": lambda p: attrs.evolve(p, body=p.body.replace(b"results", b"reports")),
    "DLR-002": lambda p: attrs.evolve(p, content_type="text/plain"),
    "DLR-003": lambda p: attrs.evolve(p, body=_OFFSET.sub(rb"\1:\2", p.body)),
    "DLR-003-bare": lambda p: attrs.evolve(p, body=_OFFSET.sub(b"", p.body)),
}
"""Reports that are written wrongly."""


# ---------------------------------------------------------------- tries


def _end(push: Push) -> Push:
    return attrs.evolve(push, end="dead") if push.end is None else push


def _put_off(push: Push, now: dt.datetime, gap: dt.timedelta) -> Push:
    return attrs.evolve(push, due=find_later(now, gap)) if push.end is None else push


def _repeat(push: Push, now: dt.datetime) -> Push:
    """Send a report again that was taken."""
    if push.end != "taken" or push.attempts >= _TRIES:
        return push
    return attrs.evolve(push, end=None, due=find_later(now, _SECOND / 4))


TRIED: dict[str, Callable[[Push, dt.datetime], Push]] = {
    "DLR-006": lambda push, _: _end(push),
    "DLR-006-once": lambda push, _: _end(push) if push.attempts > 1 else push,
    "DLR-006-minute": lambda push, now: _put_off(push, now, _MINUTE),
    "DLR-006-soon": lambda push, now: _put_off(push, now, _SECOND),
    "DLR-006-taken": _repeat,
}
"""What becomes of a report after a try."""
