"""The rows that a sandbox remembers: messages, bulks, short links and reports on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs
from infobip_sms_schema import BulkStatus

if TYPE_CHECKING:
    import datetime as dt

    from infobip_sms_schema import DeliveryTimeWindow

    from infobip_sms.codecs import Wire

    from .magic_numbers import Fate


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
class Sms:
    """One message to one destination."""

    number: int
    message_id: str
    to: str
    bulk_id: str | None = None
    content: Content
    fate: Fate
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
    arrived: bool = False
    """Its fate has come to pass; the status may still not be final."""
    unread: bool = False
    """Its final report can be fetched."""
    conversions: int = 0
    due: dt.datetime | None = None
    """When something happens to it; None when nothing will."""


@attrs.frozen(kw_only=True)
class Bulk:
    """A request with one message for later, which can be moved, paused and cancelled (BULK-005)."""

    number: int
    bulk_id: str
    send_at: dt.datetime
    """As it was asked for, in its own time zone."""
    asked: BulkStatus = BulkStatus.PENDING
    """PENDING, PAUSED or CANCELED; what else it may be follows from its messages."""
    messages: tuple[int, int]
    """Number of its first message, and of the one after its last."""


@attrs.frozen(kw_only=True)
class Link:
    """A short link and how often it was followed."""

    code: str
    url: str
    number: int
    """The first message whose text holds it."""
    clicks: int = 0


@attrs.frozen(kw_only=True)
class Push:
    """One report on its way to a notify URL."""

    number: int
    sms: int
    status: int
    error: int
    done_at: dt.datetime
    is_final: bool
    attempts: int = 0
    due: dt.datetime
    """When it is tried, unless an earlier report of the same message is still on its way."""
    end: Literal["taken", "dead"] | None = None
    reason: str = ""
    """Why the last attempt failed, or why there will be none."""


Row = Sms | Bulk | Link | Push


Key = tuple[type[Row], int | str]


def find_key(row: Row) -> Key:
    """Return what a row is replaced by: its kind with its number, or the code of a link."""
    return type(row), row.code if isinstance(row, Link) else row.number
