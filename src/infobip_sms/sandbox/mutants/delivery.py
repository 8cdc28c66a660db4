"""Faults that show later: when a message is sent, when it ends, and the reports that are pushed."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import Day, Message

from infobip_sms.sandbox.api.send import MAX_VALIDITY
from infobip_sms.sandbox.clock import add_clamped, to_utc
from infobip_sms.sandbox.lifecycle.message import schedule_next
from infobip_sms.sandbox.state.rows import StoredBulk, StoredMessage
from infobip_sms.sandbox.state.statuses import DELIVERED, WAITING_DELIVERY

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms_schema import DeliveryTimeWindow, MessageV1

    from infobip_sms.codecs import Wire
    from infobip_sms.sandbox.api.http import OperationResult
    from infobip_sms.sandbox.api.send import DestinationSpec, Submission
    from infobip_sms.sandbox.lifecycle.webhooks import WebhookRequest
    from infobip_sms.sandbox.state.rows import Content, Row, WebhookDelivery
    from infobip_sms.sandbox.state.state import State

    AnyMessage = Message | MessageV1

_MINUTE, _SECOND = dt.timedelta(minutes=1), dt.timedelta(seconds=1)
_ATTEMPTS = 3
_CUT = 160  # characters
_ZONE_OFFSET = 2  # hours
_OFFSET = re.compile(rb"([+-]\d\d)(\d\d)(?=[\"<])")


# ---------------------------------------------------------------- what is recorded


def _shift_zone(window: DeliveryTimeWindow | None) -> DeliveryTimeWindow | None:
    """Return a window as if its times were those of a zone east of UTC."""
    if window is None or window.from_ is None or window.to is None:
        return window
    days = list(Day)
    opens, closes = (
        attrs.evolve(time, hour=(time.hour - _ZONE_OFFSET) % 24)
        for time in (window.from_, window.to)
    )
    if window.from_.hour < _ZONE_OFFSET:  # it opens on the day before
        days = [days[days.index(day) - 1] for day in window.days]
        return attrs.evolve(window, from_=opens, to=closes, days=days)
    return attrs.evolve(window, from_=opens, to=closes)


def _set_validity(content: Content, message: AnyMessage, unit: dt.timedelta) -> Content:
    """Return the contents of a message of version 2 with its validityPeriod in a unit."""
    if not isinstance(message, Message) or message.validity_period is None:
        return content
    return attrs.evolve(content, validity=message.validity_period * unit)


def _set_validity_in_minutes(content: Content, message: AnyMessage) -> Content:
    """Return the contents of a message of version 1 with its validityPeriod in minutes."""
    if isinstance(message, Message) or message.validity_period_ms is None:
        return content
    return attrs.evolve(content, validity=message.validity_period_ms * _MINUTE)


def _expire_at_once(content: Content, message: AnyMessage) -> Content:
    """Return the contents of a message whose validityPeriod is longer than the longest."""
    longer = isinstance(message, Message) and (
        message.validity_period != message.effective_validity_period
    )
    return attrs.evolve(content, validity=dt.timedelta(0)) if longer else content


def _change(name: str, change: Callable[[Any], Any]) -> Callable[[Content, AnyMessage], Content]:
    """Change one field, if it is there."""

    def alter(content: Content, _message: AnyMessage) -> Content:
        value = getattr(content, name)
        return content if value is None else attrs.evolve(content, **{name: change(value)})

    return alter


MUTATED_CONTENT: dict[str, Callable[[Content, AnyMessage], Content]] = {
    "WIN-007": _change("window", _shift_zone),
    "WIN-008": _change("window", lambda _: None),
    "WIN-008-days": _change("window", lambda window: attrs.evolve(window, days=list(Day))),
    "WIN-008-hours": _change("window", lambda window: attrs.evolve(window, from_=None, to=None)),
    "VAL-002": lambda content, message: _set_validity(content, message, _MINUTE),
    "VAL-002-none": _expire_at_once,
    "VAL-003": _change("validity", lambda _: MAX_VALIDITY),
    "SEND-017-seconds": lambda content, message: _set_validity(content, message, _SECOND),
    "V1-003": _set_validity_in_minutes,
    "V1-003-both": lambda content, message: _set_validity(content, message, _SECOND / 1000),
    "DLR-002-json": _change("notify_wire", lambda _: "json"),
    "DLR-004": _change("callback_data", lambda _: None),
    "DLR-004-ascii": _change("callback_data", lambda t: t.encode("ascii", "replace").decode()),
    "DLR-004-cut": _change("callback_data", lambda text: text[:_CUT]),
    "DLR-005": _change("intermediate_report", lambda _: False),
    "DLR-005-unasked": _change("intermediate_report", lambda _: True),
}
"""What the faulty server records of a message."""


def mutate_content(submission: Submission, messages: list[Any], mutant_id: str) -> Submission:
    """Return a submission as a fault takes it down."""
    change = MUTATED_CONTENT.get(mutant_id)
    if change is None:
        return submission
    drafts = (
        attrs.evolve(draft, content=change(draft.content, message))
        for draft, message in zip(submission.messages, messages, strict=True)
    )
    return attrs.evolve(submission, messages=tuple(drafts))


def _drop_ids(submission: Submission, destination: DestinationSpec) -> DestinationSpec:  # noqa: ARG001 - as all of them
    return attrs.evolve(destination, message_id=None)


def _drop_later_ids(submission: Submission, destination: DestinationSpec) -> DestinationSpec:
    """Keep the id of the first destination of each message."""
    first = any(destination is draft.destinations[0] for draft in submission.messages)
    return destination if first else attrs.evolve(destination, message_id=None)


def _change_destinations(
    change: Callable[[Submission, DestinationSpec], DestinationSpec],
) -> Callable[[Submission, Wire], Submission]:
    """Lose ids that were given, by version 2."""

    def alter(submission: Submission, _wire: Wire) -> Submission:
        drafts = (
            attrs.evolve(d, destinations=tuple(change(submission, r) for r in d.destinations))
            for d in submission.messages
        )
        return attrs.evolve(submission, messages=tuple(drafts))

    return alter


def _change_link_base(base: str | None) -> Callable[[Submission, Wire], Submission]:
    """Shorten links on another base, or not at all."""
    return lambda s, _: s if s.link_base_url is None else attrs.evolve(s, link_base_url=base)


def _keep_first_in_xml(submission: Submission, wire: Wire) -> Submission:
    """Read the first of several messages in XML."""
    return (
        attrs.evolve(submission, messages=submission.messages[:1]) if wire == "xml" else submission
    )


MUTATED_SUBMISSIONS: dict[str, tuple[set[int], Callable[[Submission, Wire], Submission]]] = {
    "RESP-003": ({2}, _change_destinations(_drop_ids)),
    "RESP-003-first": ({2}, _change_destinations(_drop_later_ids)),
    "TRACK-001": ({1, 2}, _change_link_base(None)),
    "TRACK-001-base": ({1, 2}, _change_link_base("https://links.example")),
    "V1-005-first": ({1}, _keep_first_in_xml),
}
"""What the faulty server reads in a request of these versions."""


# ---------------------------------------------------------------- what is remembered


def _change_start(
    find: Callable[[StoredMessage, Submission], dt.datetime],
) -> Callable[..., tuple[Row, ...]]:
    """Send messages at another instant."""

    def alter(
        outcome: OperationResult, submission: Submission, *, over_midnight: bool
    ) -> tuple[Row, ...]:
        return tuple(
            schedule_next(
                attrs.evolve(row, start_at=find(row, submission)), over_midnight=over_midnight
            )
            if isinstance(row, StoredMessage)
            else row
            for row in outcome.rows
        )

    return alter


def _get_start_without_offset(sms: StoredMessage, submission: Submission) -> dt.datetime:
    """Return when a message is sent by whoever takes its sendAt for UTC."""
    wanted = (d.send_at for d in submission.messages if d.send_at)
    found = (at for at in wanted if to_utc(at) == sms.start_at)
    at = next(found, sms.start_at)
    return max(sms.accepted_at, at.replace(tzinfo=dt.UTC))


def _add_bulk(
    result: OperationResult,
    submission: Submission,
    *,
    over_midnight: bool,  # noqa: ARG001 - as all of them
) -> tuple[Row, ...]:
    """Make a bulk of several messages."""
    numbers = [row.serial for row in result.rows if isinstance(row, StoredMessage)]
    later = [draft.send_at for draft in submission.messages if draft.send_at]
    if len(submission.messages) == 1 or not later or submission.bulk_id is None:
        return result.rows
    bulk = StoredBulk(
        serial=numbers[0],
        bulk_id=submission.bulk_id,
        send_at=later[0],
        message_serials=(numbers[0], numbers[-1] + 1),
    )
    return (*result.rows, bulk)


MUTATED_ROWS: dict[str, Callable[..., tuple[Row, ...]]] = {
    "SCHED-001": _change_start(lambda sms, _: sms.accepted_at),
    "SCHED-001-offset": _change_start(_get_start_without_offset),
    "BULK-005": _add_bulk,
}
"""Rows that the faulty server keeps of a send request."""


# ---------------------------------------------------------------- reports


def _is_not_first(sms: StoredMessage, state: State) -> bool:
    """Tell whether a message goes to another destination than the first."""
    before = state.messages.get(sms.serial - 1)
    return before is not None and before.content is sms.content


LOST_WEBHOOKS: dict[str, Callable[[WebhookDelivery, StoredMessage, State], bool]] = {
    "DLR-001": lambda _push, _sms, _state: True,
    "DLR-001-final": lambda push, sms, _: push.is_final and sms.content.intermediate_report,
    "DLR-001-first": lambda _, sms, state: _is_not_first(sms, state),
}
"""Reports that do not go out."""


def _swap_statuses(
    delivery: WebhookDelivery, sms: StoredMessage
) -> tuple[WebhookDelivery, StoredMessage]:
    """Let the final report come before the intermediate one."""
    if not sms.content.intermediate_report:
        return delivery, sms
    status = WAITING_DELIVERY if delivery.is_final else sms.outcome.status
    return attrs.evolve(delivery, status=status), sms


ALTERED_WEBHOOKS: dict[
    str, Callable[[WebhookDelivery, StoredMessage], tuple[WebhookDelivery, StoredMessage]]
] = {
    "DLR-001-bulk": lambda push, sms: (push, attrs.evolve(sms, bulk_id=None)),
    "DLR-001-id": lambda push, sms: (push, attrs.evolve(sms, message_id=f"{sms.message_id}X")),
    "DLR-005-final": lambda push, sms: (
        push if push.is_final else attrs.evolve(push, status=DELIVERED),
        sms,
    ),
    "DLR-005-late": _swap_statuses,
}
"""Reports of something else."""

REWRITTEN_WEBHOOKS: dict[str, Callable[[WebhookRequest], WebhookRequest]] = {
    "DLR-001-root": lambda p: attrs.evolve(p, body=p.body.replace(b"results", b"reports")),
    "DLR-002": lambda p: attrs.evolve(p, content_type="text/plain"),
    "DLR-003": lambda p: attrs.evolve(p, body=_OFFSET.sub(rb"\1:\2", p.body)),
    "DLR-003-bare": lambda p: attrs.evolve(p, body=_OFFSET.sub(b"", p.body)),
}
"""Reports that are written wrongly."""


# ---------------------------------------------------------------- tries


def _give_up(delivery: WebhookDelivery) -> WebhookDelivery:
    return attrs.evolve(delivery, final_state="dead") if delivery.final_state is None else delivery


def _postpone(delivery: WebhookDelivery, now: dt.datetime, gap: dt.timedelta) -> WebhookDelivery:
    return (
        attrs.evolve(delivery, due=add_clamped(now, gap))
        if delivery.final_state is None
        else delivery
    )


def _resend(delivery: WebhookDelivery, now: dt.datetime) -> WebhookDelivery:
    """Send a report again that was taken."""
    if delivery.final_state != "acknowledged" or delivery.attempts >= _ATTEMPTS:
        return delivery
    return attrs.evolve(delivery, final_state=None, due=add_clamped(now, _SECOND / 4))


MUTATED_RETRIES: dict[str, Callable[[WebhookDelivery, dt.datetime], WebhookDelivery]] = {
    "DLR-006": lambda push, _: _give_up(push),
    "DLR-006-once": lambda push, _: _give_up(push) if push.attempts > 1 else push,
    "DLR-006-minute": lambda push, now: _postpone(push, now, _MINUTE),
    "DLR-006-soon": lambda push, now: _postpone(push, now, _SECOND),
    "DLR-006-taken": _resend,
}
"""What happens to a report after an attempt."""
