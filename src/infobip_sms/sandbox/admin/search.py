"""Message and report search of the admin API.

A message matches if every given criterion does: ``to`` with or without plus, ``from``, ``bulkId`` and
``messageId`` exactly, ``text`` as a substring, ``status`` as ID, name or group name, ``serial`` as the number
that the pages show. A report also by ``report``, its own number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import Message, SmsLog

from infobip_sms.codecs.plain_data import build_plain
from infobip_sms.sandbox.lifecycle.representations import build_log
from infobip_sms.sandbox.state.statuses import get_status

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from infobip_sms.sandbox.config import SandboxSettings
    from infobip_sms.sandbox.state.rows import StoredMessage, WebhookDelivery
    from infobip_sms.sandbox.state.state import State

DELIVERY_STATES = ("waiting", "acknowledged", "dead")


def get_wire_name(model: type[attrs.AttrsInstance], field: str) -> str:
    """Return the JSON name of a model field."""
    name: str = attrs.fields_dict(model)[field].metadata["wire"]
    return name


QUERY_FIELDS: Mapping[str, str] = {
    get_wire_name(SmsLog, field): field
    for field in ("to", "from_", "text", "bulk_id", "message_id")
}
"""Model fields by query parameter; ``status`` is handled separately."""
_CALLBACK_DATA, _NOTIFY_URL = (
    get_wire_name(Message, "callback_data"),
    get_wire_name(Message, "notify_url"),
)


@attrs.frozen(kw_only=True)
class Search:
    """Search criteria; None matches any message."""

    to: str | None = None
    from_: str | None = None
    text: str | None = attrs.field(default=None, repr=False)
    bulk_id: str | None = None
    message_id: str | None = None
    statuses: frozenset[int] | None = None
    serial: int | None = None

    def select(self, state: State) -> list[StoredMessage]:
        """Return matching messages in the order in which they were accepted."""
        return [sms for sms in self._get_candidates(state) if self.matches(sms)]

    def matches(self, sms: StoredMessage) -> bool:
        """Return whether a message meets all criteria."""
        return (
            (self.to is None or _strip(self.to) == _strip(sms.to))
            and self.from_ in (None, sms.content.from_)
            and (self.text is None or self.text in sms.content.text)
            and self.bulk_id in (None, sms.bulk_id)
            and self.message_id in (None, sms.message_id)
            and (self.statuses is None or sms.status in self.statuses)
            and self.serial in (None, sms.serial)
        )

    def _get_candidates(self, state: State) -> Iterable[StoredMessage]:
        if self.serial is not None:
            return [state.messages[self.serial]] if self.serial in state.messages else []
        if self.message_id is not None:
            return state.get_messages_by_id(self.message_id)
        if self.bulk_id is not None:
            return state.get_messages_by_bulk(self.bulk_id)
        return state.messages.values()


def build_message_view(
    sms: StoredMessage, state: State, settings: SandboxSettings
) -> dict[str, Any]:
    """Return a message as JSON data: its log entry and the fields that a log omits."""
    links = [{"url": link.url, "clicks": link.clicks} for link in state.get_links(sms)]
    view = {
        "serial": sms.serial,
        **build_plain(build_log(sms, settings)),
        _CALLBACK_DATA: sms.content.callback_data,
        _NOTIFY_URL: sms.content.notify_url,
        "accepted": format_instant(sms.accepted_at),
        "final": sms.done_at is not None,
        "links": links or None,
        "conversions": None if sms.content.process_key is None else sms.conversions,
    }
    return {name: value for name, value in view.items() if value is not None}


def iter_deliveries(
    search: Search, state: State, delivery_state: str | None, report: int | None = None
) -> Iterator[tuple[WebhookDelivery, StoredMessage]]:
    """Yield the delivery reports of matching messages, in the order in which they were created."""
    found = state.deliveries.get(report) if report is not None else None
    for delivery in state.deliveries.values() if report is None else filter(None, [found]):
        sms = state.messages[delivery.message_serial]
        if delivery_state in (None, delivery.final_state or DELIVERY_STATES[0]) and search.matches(
            sms
        ):
            yield delivery, sms


def build_delivery_view(delivery: WebhookDelivery, sms: StoredMessage) -> dict[str, Any]:
    """Return a delivery report as JSON data."""
    return {
        "report": delivery.serial,
        get_wire_name(SmsLog, "message_id"): sms.message_id,
        "to": sms.to,
        _NOTIFY_URL: sms.content.notify_url,
        "status": build_plain(get_status(delivery.status)),
        "final": delivery.is_final,
        "happened": format_instant(delivery.done_at),
        "state": delivery.final_state or DELIVERY_STATES[0],
        "attempts": delivery.attempts,
        "due": format_instant(delivery.due) if delivery.final_state is None else None,
        "reason": delivery.reason,
    }


def format_instant(instant: dt.datetime) -> str:
    """Return an instant in ISO 8601, to the millisecond."""
    return instant.isoformat(timespec="milliseconds")


def _strip(number: str) -> str:
    """Return a number without its plus, which an unescaped query turns into a space."""
    return number.strip().removeprefix("+")
