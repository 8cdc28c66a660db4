"""The rows that a sandbox remembers: messages, bulks, short links and reports on their way."""

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
    """What the destinations of one message share."""

    from_: str | None = None
    text: str = ""
    """As it is delivered: transliterated, links shortened."""
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
    """Not sent before this instant; the validity period begins here."""
    held: bool = False
    """Its bulk is paused or cancelled."""
    status: int
    error: int = 0
    sent_at: dt.datetime | None = None
    done_at: dt.datetime | None = None
    """When its status became final."""
    reported: int = 0
    """Intermediate states that have passed."""
    outcome_reached: bool = False
    """Its outcome has come to pass; the status may still not be final."""
    fetchable: bool = False
    """Its final report can be fetched."""
    conversions: int = 0
    due: dt.datetime | None = None
    """When something happens to it; None when nothing will."""


@attrs.frozen(kw_only=True)
class StoredBulk:
    """A request with one message for later, which can be moved, paused and cancelled (BULK-005)."""

    serial: int
    bulk_id: str
    send_at: dt.datetime
    """As it was asked for, in its own time zone."""
    requested_status: BulkStatus = BulkStatus.PENDING
    """PENDING, PAUSED or CANCELED; what else it may be follows from its messages."""
    message_serials: tuple[int, int]
    """Number of its first message, and of the one after its last."""


@attrs.frozen(kw_only=True)
class Link:
    """A short link and how often it was followed."""

    code: str
    url: str
    message_serial: int
    """The first message whose text holds it."""
    clicks: int = 0


@attrs.frozen(kw_only=True)
class WebhookDelivery:
    """One report on its way to a notify URL."""

    serial: int
    message_serial: int
    status: int
    error: int
    done_at: dt.datetime
    is_final: bool
    attempts: int = 0
    due: dt.datetime
    """When it is tried, unless an earlier report of the same message is still on its way."""
    final_state: Literal["acknowledged", "dead"] | None = None
    reason: str = ""
    """Why the last attempt failed, or why there will be none."""


Row = StoredMessage | StoredBulk | Link | WebhookDelivery


Key = tuple[type[Row], int | str]


def get_key(row: Row) -> Key:
    """Return what a row is replaced by: its kind with its number, or the code of a link."""
    return type(row), row.code if isinstance(row, Link) else row.serial
