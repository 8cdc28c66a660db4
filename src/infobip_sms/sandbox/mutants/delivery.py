"""Mutants of what follows a send request: sending, expiry and webhooks."""

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
_SEGMENTS = re.compile(rb"(smsCount\"?[:>] ?)[0-9]+")
_OFFSET = re.compile(rb"([+-]\d\d)(\d\d)(?=[\"<])")


# ---------------------------------------------------------------- contents


def _shift_zone(window: DeliveryTimeWindow | None) -> DeliveryTimeWindow | None:
    """Return a window with its times read as those of a zone east of UTC."""
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
    """Return the content of a message of version 2 with its validityPeriod in ``unit``."""
    if not isinstance(message, Message) or message.validity_period is None:
        return content
    return attrs.evolve(content, validity=message.validity_period * unit)


def _set_validity_in_minutes(content: Content, message: AnyMessage) -> Content:
    """Return the content of a message of version 1 with its validityPeriod in minutes."""
    if isinstance(message, Message) or message.validity_period_ms is None:
        return content
    return attrs.evolve(content, validity=message.validity_period_ms * _MINUTE)


def _expire_at_once(content: Content, message: AnyMessage) -> Content:
    """Return the content with no validity if the validityPeriod is above the maximum."""
    exceeds_maximum = isinstance(message, Message) and (
        message.validity_period != message.effective_validity_period
    )
    return attrs.evolve(content, validity=dt.timedelta(0)) if exceeds_maximum else content


def _change(name: str, change: Callable[[Any], Any]) -> Callable[[Content, AnyMessage], Content]:
    """Change one field, unless it is None."""

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
"""Contents recorded incorrectly."""


def mutate_content(
    submission: Submission, messages: list[Any], change: Callable[[Content, Any], Content]
) -> Submission:
    """Return a submission as a mutant records it."""
    specs = (
        attrs.evolve(spec, content=change(spec.content, message))
        for spec, message in zip(submission.messages, messages, strict=True)
    )
    return attrs.evolve(submission, messages=tuple(specs))


def _drop_ids(submission: Submission, destination: DestinationSpec) -> DestinationSpec:  # noqa: ARG001 - as all of them
    return attrs.evolve(destination, message_id=None)


def _drop_later_ids(submission: Submission, destination: DestinationSpec) -> DestinationSpec:
    """Keep only the id of the first destination of each message."""
    first = any(destination is spec.destinations[0] for spec in submission.messages)
    return destination if first else attrs.evolve(destination, message_id=None)


def _change_destinations(
    change: Callable[[Submission, DestinationSpec], DestinationSpec],
) -> Callable[[Submission, Wire], Submission]:
    """Change every destination."""

    def alter(submission: Submission, _wire: Wire) -> Submission:
        specs = (
            attrs.evolve(spec, destinations=tuple(change(submission, d) for d in spec.destinations))
            for spec in submission.messages
        )
        return attrs.evolve(submission, messages=tuple(specs))

    return alter


def _change_link_base(base: str | None) -> Callable[[Submission, Wire], Submission]:
    """Shorten links on another base, or not at all."""
    return lambda s, _: s if s.link_base_url is None else attrs.evolve(s, link_base_url=base)


def _keep_first_in_xml(submission: Submission, wire: Wire) -> Submission:
    """Read only the first message in XML."""
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
"""Requests read incorrectly, with the versions affected."""


# ---------------------------------------------------------------- rows


def _change_start(
    find: Callable[[StoredMessage, Submission], dt.datetime],
) -> Callable[..., tuple[Row, ...]]:
    """Send messages at another instant."""

    def alter(
        result: OperationResult, submission: Submission, *, over_midnight: bool
    ) -> tuple[Row, ...]:
        return tuple(
            schedule_next(
                attrs.evolve(row, start_at=find(row, submission)), over_midnight=over_midnight
            )
            if isinstance(row, StoredMessage)
            else row
            for row in result.rows
        )

    return alter


def _get_start_without_offset(sms: StoredMessage, submission: Submission) -> dt.datetime:
    """Return when a message is sent if its sendAt is read as UTC."""
    instants = (d.send_at for d in submission.messages if d.send_at)
    found = (at for at in instants if to_utc(at) == sms.start_at)
    at = next(found, sms.start_at)
    return max(sms.accepted_at, at.replace(tzinfo=dt.UTC))


def _add_bulk(
    result: OperationResult,
    submission: Submission,
    *,
    over_midnight: bool,  # noqa: ARG001 - as all of them
) -> tuple[Row, ...]:
    """Create a bulk of several messages."""
    serials = [row.serial for row in result.rows if isinstance(row, StoredMessage)]
    scheduled = [message.send_at for message in submission.messages if message.send_at]
    if len(submission.messages) == 1 or not scheduled or submission.bulk_id is None:
        return result.rows
    bulk = StoredBulk(
        serial=serials[0],
        bulk_id=submission.bulk_id,
        send_at=scheduled[0],
        message_serials=(serials[0], serials[-1] + 1),
    )
    return (*result.rows, bulk)


MUTATED_ROWS: dict[str, Callable[..., tuple[Row, ...]]] = {
    "SCHED-001": _change_start(lambda sms, _: sms.accepted_at),
    "SCHED-001-offset": _change_start(_get_start_without_offset),
    "BULK-005": _add_bulk,
}
"""Rows of a send request stored incorrectly."""


# ---------------------------------------------------------------- webhooks


def _is_not_first(sms: StoredMessage, state: State) -> bool:
    """Return whether a message is not the one to the first destination."""
    before = state.messages.get(sms.serial - 1)
    return before is not None and before.content is sms.content


LOST_WEBHOOKS: dict[str, Callable[[WebhookDelivery, StoredMessage, State], bool]] = {
    "DLR-001": lambda _delivery, _sms, _state: True,
    "DLR-001-final": lambda delivery, sms, _: delivery.is_final and sms.content.intermediate_report,
    "DLR-001-first": lambda _, sms, state: _is_not_first(sms, state),
}
"""Reports that are not posted."""


def _swap_statuses(
    delivery: WebhookDelivery, sms: StoredMessage
) -> tuple[WebhookDelivery, StoredMessage]:
    """Post the final report before the intermediate one."""
    if not sms.content.intermediate_report:
        return delivery, sms
    status = WAITING_DELIVERY if delivery.is_final else sms.outcome.status
    return attrs.evolve(delivery, status=status), sms


ALTERED_WEBHOOKS: dict[
    str, Callable[[WebhookDelivery, StoredMessage], tuple[WebhookDelivery, StoredMessage]]
] = {
    "DLR-001-bulk": lambda delivery, sms: (delivery, attrs.evolve(sms, bulk_id=None)),
    "DLR-001-id": lambda delivery, sms: (
        delivery,
        attrs.evolve(sms, message_id=f"{sms.message_id}X"),
    ),
    "DLR-005-final": lambda delivery, sms: (
        delivery if delivery.is_final else attrs.evolve(delivery, status=DELIVERED),
        sms,
    ),
    "DLR-005-late": _swap_statuses,
}
"""Reports with wrong contents."""

REWRITTEN_WEBHOOKS: dict[str, Callable[[WebhookRequest], WebhookRequest]] = {
    "DLR-001-root": lambda p: attrs.evolve(p, body=p.body.replace(b"results", b"reports")),
    "DLR-002": lambda p: attrs.evolve(p, content_type="text/plain"),
    "DLR-003": lambda p: attrs.evolve(p, body=_OFFSET.sub(rb"\1:\2", p.body)),
    "DLR-003-bare": lambda p: attrs.evolve(p, body=_OFFSET.sub(b"", p.body)),
    "DLR-009": lambda p: attrs.evolve(p, body=_SEGMENTS.sub(rb"\g<1>true", p.body)),
}
"""Reports in a wrong format."""


# ---------------------------------------------------------------- retries


def _give_up(delivery: WebhookDelivery) -> WebhookDelivery:
    return attrs.evolve(delivery, final_state="dead") if delivery.final_state is None else delivery


def _postpone(delivery: WebhookDelivery, now: dt.datetime, gap: dt.timedelta) -> WebhookDelivery:
    return (
        attrs.evolve(delivery, due=add_clamped(now, gap))
        if delivery.final_state is None
        else delivery
    )


def _resend(delivery: WebhookDelivery, now: dt.datetime) -> WebhookDelivery:
    """Post an acknowledged report again."""
    if delivery.final_state != "acknowledged" or delivery.attempts >= _ATTEMPTS:
        return delivery
    return attrs.evolve(delivery, final_state=None, due=add_clamped(now, _SECOND / 4))


MUTATED_RETRIES: dict[str, Callable[[WebhookDelivery, dt.datetime], WebhookDelivery]] = {
    "DLR-006": lambda delivery, _: _give_up(delivery),
    "DLR-006-once": lambda delivery, _: _give_up(delivery) if delivery.attempts > 1 else delivery,
    "DLR-006-minute": lambda delivery, now: _postpone(delivery, now, _MINUTE),
    "DLR-006-soon": lambda delivery, now: _postpone(delivery, now, _SECOND),
    "DLR-006-taken": _resend,
}
"""Deliveries changed after an attempt."""
