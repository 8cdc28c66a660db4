"""Sending: turns a request of either version into a submission, and that into rows and a response."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Literal

import attrs
from infobip_sms_schema import (
    Destination,
    Message,
    NotifyContentType,
    SmsRequest,
    SmsRequestV1,
    SmsResponse,
    SmsResponseDetails,
    SmsResponseV1,
    Track,
)

from infobip_sms.sandbox.clock import to_utc
from infobip_sms.sandbox.lifecycle.message import schedule_next
from infobip_sms.sandbox.state import statuses
from infobip_sms.sandbox.state.rows import Content, Link, StoredBulk, StoredMessage

from . import texts
from .http import OperationResult

if TYPE_CHECKING:
    from infobip_sms_schema import MessageV1, Status

    from infobip_sms.sandbox.config import SandboxSettings
    from infobip_sms.sandbox.state.magic_numbers import MagicNumber
    from infobip_sms.sandbox.state.rows import Row
    from infobip_sms.sandbox.state.state import State

_OVERLONG = 10**9  # minutes: longer than any validity period may be
_CAPPED = Message(destinations=[Destination(to="0")], validity_period=_OVERLONG)
MAX_VALIDITY = dt.timedelta(minutes=_CAPPED.effective_validity_period or 0)
"""The validity period of a message without one or with a longer one (VAL-002)."""
_ACCEPTED_READINGS = {1: "READ-046", 2: "READ-004"}
"""The reading that determines the status of an accepted message, by the version of the endpoint."""
_WITHOUT_ID = {statuses.MISSING_TO, statuses.INVALID_DESTINATION}
"""Rejections whose entry has no generated messageId, and which create no message."""


@attrs.frozen
class DestinationSpec:
    """One destination of one message."""

    to: str
    message_id: str | None
    rejection_status: int | None = None
    """Status of its rejection because the request is invalid (READ-001)."""


@attrs.frozen
class MessageSpec:
    """One message of a request, independent of the version."""

    destinations: tuple[DestinationSpec, ...]
    content: Content = attrs.field(factory=lambda: Content(validity=MAX_VALIDITY))
    text: str = ""
    """As requested."""
    text_options: texts.TextOptions = attrs.field(factory=texts.TextOptions)
    send_at: dt.datetime | None = None


@attrs.frozen
class Submission:
    """A send request, independent of the version."""

    messages: tuple[MessageSpec, ...]
    bulk_id: str | None = None
    tracked: bool = False
    process_key: str | None = None
    link_base_url: str | None = None
    """Base URL for shortened links; empty for the sandbox's own; None to keep links as they are."""
    version: Literal[1, 2] = 2

    @property
    def destinations(self) -> tuple[DestinationSpec, ...]:
        """Every destination, in order."""
        return tuple(d for message in self.messages for d in message.destinations)


def build_submission(request: SmsRequest | SmsRequestV1) -> Submission:
    """Return a valid request as a submission."""
    tracking = request.tracking
    return Submission(
        tuple(map(build_message_spec, request.messages)),
        request.bulk_id,
        tracking is not None,
        tracking.process_key if tracking else None,
        (tracking.base_url or "") if tracking and tracking.track == Track.URL else None,
        2 if isinstance(request, SmsRequest) else 1,
    )


def build_message_spec(message: Message | MessageV1) -> MessageSpec:
    """Return one message, independent of the version."""
    is_xml = message.notify_content_type == NotifyContentType.APPLICATION_XML
    content = Content(
        from_=message.from_,
        callback_data=message.callback_data,
        notify_url=message.notify_url,
        notify_wire="xml" if is_xml else "json",
        intermediate_report=bool(message.intermediate_report),
        validity=_get_validity(message),
        window=message.delivery_time_window,
    )
    return MessageSpec(
        tuple(DestinationSpec(d.to, d.message_id) for d in message.destinations),
        content,
        message.text or "",
        texts.build_text_options(message.language, message.transliteration),
        message.send_at,
    )


def _get_validity(message: Message | MessageV1) -> dt.timedelta:
    """Return the validity period, capped: version 1 has milliseconds (V1-003, VAL-002)."""
    if isinstance(message, Message):
        value, unit = message.validity_period, dt.timedelta(minutes=1)
    else:
        value, unit = message.validity_period_ms, dt.timedelta(milliseconds=1)
    if value is None:
        return MAX_VALIDITY
    return min(max(value, 0), MAX_VALIDITY // unit) * unit


class SendHandler:
    """Handles one submission; generated ids follow from the seed and the serial."""

    def __init__(
        self, settings: SandboxSettings, state: State, now: dt.datetime, base_url: str
    ) -> None:
        self._settings, self._now, self._base_url = settings, now, base_url
        self._serial, self._links, self._outcomes = state.serial, 0, state.outcomes
        self._rows: list[Row] = []
        self._entries: list[SmsResponseDetails] = []

    def accept(self, submission: Submission) -> OperationResult:
        """Return an entry for every destination, in order (RESP-001 to RESP-010)."""
        serial = self._serial + len(submission.destinations) + 1
        process_key = self._find_process_key(submission, serial)
        bulk_id = self._find_bulk_id(submission, serial + 1)
        for message in submission.messages:
            self._add_message(message, submission, bulk_id or submission.bulk_id, process_key)
        cls = SmsResponse if submission.version == 2 else SmsResponseV1
        response = cls(bulk_id=bulk_id, tracking_process_key=process_key, messages=self._entries)
        return OperationResult(response, tuple(self._rows), serial + 1)

    def _add_message(
        self,
        message: MessageSpec,
        submission: Submission,
        bulk_id: str | None,
        process_key: str | None,
    ) -> None:
        text, sms_count = self._compose(message, submission.link_base_url)
        content = attrs.evolve(
            message.content, text=text, sms_count=sms_count, process_key=process_key
        )
        first = self._serial + 1
        scheduled = _is_scheduled(message, self._now)
        start = to_utc(message.send_at) if message.send_at and scheduled else self._now
        for destination in message.destinations:
            self._serial += 1
            self._add_destination(destination, content, start, bulk_id, submission.version)
        if message.send_at and bulk_id is not None and scheduled and len(submission.messages) == 1:
            span = (first, self._serial + 1)
            bulk = StoredBulk(
                serial=first, bulk_id=bulk_id, send_at=message.send_at, message_serials=span
            )
            self._rows.append(bulk)

    def _add_destination(
        self,
        destination: DestinationSpec,
        content: Content,
        start: dt.datetime,
        bulk_id: str | None,
        version: Literal[1, 2],
    ) -> None:
        outcome = self._outcomes.find(destination.to, self._settings.delay)
        status = self._get_status(outcome, version)
        if destination.rejection_status is not None:
            status = statuses.get_status(destination.rejection_status)
        without_id = destination.rejection_status is not None or status.id in _WITHOUT_ID
        message_id = destination.message_id or (None if without_id else self._make_id(self._serial))
        self._entries.append(
            SmsResponseDetails(
                to=destination.to,
                status=status,
                sms_count=content.sms_count if version == 1 and not without_id else None,
                message_id=message_id,
            )
        )
        if message_id is None or without_id:
            return
        sms = StoredMessage(
            serial=self._serial,
            message_id=message_id,
            to=destination.to,
            bulk_id=bulk_id,
            content=content,
            outcome=outcome,
            accepted_at=self._now,
            start_at=start,
            status=status.id,
        )
        self._rows.append(schedule_next(sms, over_midnight=self._settings.over_midnight))

    def _get_status(self, magic_number: MagicNumber, version: Literal[1, 2]) -> Status:
        if magic_number.is_immediate():
            return statuses.get_status(magic_number.status)
        return statuses.get_status(int(self._settings.get_reading(_ACCEPTED_READINGS[version])))

    def _compose(self, message: MessageSpec, link_base_url: str | None) -> tuple[str, int]:
        text = texts.apply_transliteration(message.text, message.text_options)
        if link_base_url is not None:
            base = link_base_url.rstrip("/") or f"{self._base_url}/s"
            text = texts.shorten_links(text, lambda url: f"{base}/{self._make_link(url)}")
        return text, texts.count(text, message.text_options).segments

    def _make_link(self, url: str) -> str:
        self._links += 1
        code = self._digest(f"link {self._serial + 1} {self._links}")[:10]
        self._rows.append(Link(code=code, url=url, message_serial=self._serial + 1))
        return code

    def _find_bulk_id(self, submission: Submission, serial: int) -> str | None:
        """Return the bulkId of a request with several destinations or one that can be rescheduled."""
        required = len(submission.destinations) > 1 or (
            self._settings.get_reading("READ-002") == "present"
        )
        messages = submission.messages
        if required or (len(messages) == 1 and _is_scheduled(messages[0], self._now)):
            return submission.bulk_id or self._make_id(serial)
        return None

    def _find_process_key(self, submission: Submission, serial: int) -> str | None:
        """Return the tracking process key; None if the request is not tracked (READ-005, READ-021)."""
        if not submission.tracked:
            return None
        return submission.process_key or self._digest(serial)[:32].upper()

    def _make_id(self, serial: int) -> str:
        """Return 19 decimal digits, as in the documented examples (READ-003)."""
        return str(10**18 + int(self._digest(serial), 16) % (9 * 10**18))

    def _digest(self, value: object) -> str:
        return hashlib.sha256(f"{self._settings.seed}:{value}".encode()).hexdigest()


def _is_scheduled(message: MessageSpec, now: dt.datetime) -> bool:
    return message.send_at is not None and to_utc(message.send_at) > now
