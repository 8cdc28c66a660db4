"""The rows that a sandbox stores: messages, bulks, short links and webhook deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs
from infobip_sms_schema import BulkStatus

if TYPE_CHECKING:
    import datetime as dt

    from infobip_sms_schema import DeliveryTimeWindow

    from infobip_sms.codecs import Wire

    from .magic_numbers import MagicNumber


@attrs.frozen(kw_only=True)
class Content:
    """What all destinations of one message share."""

    from_: str | None = None
    text: str = ""
    """As delivered: transliterated, links shortened."""
    sms_count: int = 1
    callback_data: str | None = None
    notify_url: str | None = None
    notify_wire: Wire = "json"
    intermediate_report: bool = False
    validity: dt.timedelta
    window: DeliveryTimeWindow | None = None
    process_key: str | None = None


@attrs.frozen(kw_only=True)
class StoredMessage:
    """One message to one destination."""

    serial: int
    message_id: str
    to: str
    bulk_id: str | None = None
    content: Content
    outcome: MagicNumber
    accepted_at: dt.datetime
    start_at: dt.datetime
    """Not sent before this instant; the validity period starts here."""
    held: bool = False
    """Its bulk is paused or canceled."""
    status: int
    error: int = 0
    sent_at: dt.datetime | None = None
    done_at: dt.datetime | None = None
    """When its status became final."""
    reported: int = 0
    """Intermediate states that have passed."""
    outcome_reached: bool = False
    """It has the status of its outcome, which may still not be final."""
    fetchable: bool = False
    """Its final report can be fetched."""
    conversions: int = 0
    due: dt.datetime | None = None
    """When its next transition is due; None if there is none."""


@attrs.frozen(kw_only=True)
class StoredBulk:
    """A scheduled request with one message, which can be rescheduled, paused and canceled (BULK-005)."""

    serial: int
    bulk_id: str
    send_at: dt.datetime
    """As requested, in its own time zone."""
    requested_status: BulkStatus = BulkStatus.PENDING
    """PENDING, PAUSED or CANCELED; the other statuses are derived from its messages."""
    message_serials: tuple[int, int]
    """Serial of its first message, and of the one after its last."""


@attrs.frozen(kw_only=True)
class Link:
    """A short link and how often it was followed."""

    code: str
    url: str
    message_serial: int
    """Serial of the first message whose text contains it."""
    clicks: int = 0


@attrs.frozen(kw_only=True)
class WebhookDelivery:
    """One report to be delivered to a notify URL."""

    serial: int
    message_serial: int
    status: int
    error: int
    done_at: dt.datetime
    is_final: bool
    attempts: int = 0
    due: dt.datetime
    """When it is attempted, unless an earlier report of the same message is still waiting."""
    final_state: Literal["acknowledged", "dead"] | None = None
    reason: str = ""
    """Why the last attempt failed, or why there will be none."""


Row = StoredMessage | StoredBulk | Link | WebhookDelivery


Key = tuple[type[Row], int | str]


def get_key(row: Row) -> Key:
    """Return the key of a row: its class, and its serial or the code of a link."""
    return type(row), row.code if isinstance(row, Link) else row.serial
