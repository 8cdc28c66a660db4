"""Sending: a request of either version becomes a submission, a submission rows and an answer.

Lives here: what is taken down of a message, the entries of the answer, ids.
Never here: how the request was read (app.py), what happens to a message later (life.py).
"""

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

from infobip_sms.sandbox.clock import find_utc
from infobip_sms.sandbox.lifecycle.message import plan
from infobip_sms.sandbox.state import statuses
from infobip_sms.sandbox.state.magic_numbers import Fate, find_fate
from infobip_sms.sandbox.state.rows import Bulk, Content, Link, Sms

from . import texts
from .http import Outcome

if TYPE_CHECKING:
    from infobip_sms_schema import MessageV1, Status

    from infobip_sms.sandbox.config import Settings
    from infobip_sms.sandbox.state.rows import Row
    from infobip_sms.sandbox.state.state import State

_AGES = 10**9  # minutes: longer than any validity period may be
_CAPPED = Message(destinations=[Destination(to="0")], validity_period=_AGES)
LONGEST = dt.timedelta(minutes=_CAPPED.effective_validity_period or 0)
"""The validity period of a message that asks for none or for a longer one (VAL-002)."""
_ACCEPTED = {1: "READ-046", 2: "READ-004"}
"""Reading that has the status of an accepted message, by the version of the endpoint."""
_WITHOUT_ID = {statuses.MISSING_TO, statuses.INVALID_DESTINATION}
"""Rejections whose entry has no generated messageId, and which leave no message behind."""


@attrs.frozen
class Recipient:
    """One destination of one message."""

    to: str
    message_id: str | None
    rejected: int | None = None
    """Status by which it is rejected for what is wrong with the request (READ-001)."""


@attrs.frozen
class Draft:
    """One message of a request, as the answer and its life need it."""

    recipients: tuple[Recipient, ...]
    content: Content = attrs.field(factory=lambda: Content(validity=LONGEST))
    text: str = ""
    """As it was given."""
    wording: texts.Wording = attrs.field(factory=texts.Wording)
    send_at: dt.datetime | None = None


@attrs.frozen
class Submission:
    """A request, as the answer needs it."""

    drafts: tuple[Draft, ...]
    bulk_id: str | None = None
    tracked: bool = False
    process_key: str | None = None
    shortened_on: str | None = None
    """Links in the texts are shortened on this URL; empty for the sandbox's own; None for not."""
    version: Literal[1, 2] = 2

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """Every destination, in order."""
        return tuple(recipient for draft in self.drafts for recipient in draft.recipients)


def build_submission(request: SmsRequest | SmsRequestV1) -> Submission:
    """Return what the answer needs of a request that obeys every rule."""
    tracking = request.tracking
    return Submission(
        tuple(map(build_draft, request.messages)),
        request.bulk_id,
        tracking is not None,
        tracking.process_key if tracking else None,
        (tracking.base_url or "") if tracking and tracking.track == Track.URL else None,
        2 if isinstance(request, SmsRequest) else 1,
    )


def build_draft(message: Message | MessageV1) -> Draft:
    """Return one message, as the answer and its life need it."""
    xml = message.notify_content_type == NotifyContentType.APPLICATION_XML
    content = Content(
        from_=message.from_,
        callback_data=message.callback_data,
        notify_url=message.notify_url,
        notify_wire="xml" if xml else "json",
        intermediate_report=bool(message.intermediate_report),
        validity=_find_validity(message),
        window=message.delivery_time_window,
    )
    return Draft(
        tuple(Recipient(d.to, d.message_id) for d in message.destinations),
        content,
        message.text or "",
        texts.read_wording(message.language, message.transliteration),
        message.send_at,
    )


def _find_validity(message: Message | MessageV1) -> dt.timedelta:
    """Return how long delivery may be tried: version 1 counts milliseconds (V1-003, VAL-002)."""
    if isinstance(message, Message):
        asked, unit = message.validity_period, dt.timedelta(minutes=1)
    else:
        asked, unit = message.validity_period_ms, dt.timedelta(milliseconds=1)
    if asked is None:
        return LONGEST
    return min(max(asked, 0), LONGEST // unit) * unit


class Clerk:
    """Takes one submission: every id that it gives out follows from the seed and the count."""

    def __init__(self, settings: Settings, state: State, now: dt.datetime, address: str) -> None:
        self._settings, self._now, self._address = settings, now, address
        self._serial, self._links = state.serial, 0
        self._rows: list[Row] = []
        self._entries: list[SmsResponseDetails] = []

    def accept(self, submission: Submission) -> Outcome:
        """Answer every destination, in order (RESP-001 to RESP-010)."""
        serial = self._serial + len(submission.recipients) + 1
        process_key = self._find_process_key(submission, serial)
        bulk_id = self._find_bulk_id(submission, serial + 1)
        for draft in submission.drafts:
            self._take(draft, submission, bulk_id or submission.bulk_id, process_key)
        cls = SmsResponse if submission.version == 2 else SmsResponseV1
        response = cls(bulk_id=bulk_id, tracking_process_key=process_key, messages=self._entries)
        return Outcome(response, tuple(self._rows), serial + 1)

    def _take(
        self, draft: Draft, submission: Submission, bulk_id: str | None, process_key: str | None
    ) -> None:
        text, counted = self._compose(draft, submission.shortened_on)
        content = attrs.evolve(draft.content, text=text, sms_count=counted, process_key=process_key)
        first = self._serial + 1
        later = _is_later(draft, self._now)
        start = find_utc(draft.send_at) if draft.send_at and later else self._now
        for recipient in draft.recipients:
            self._serial += 1
            self._enter(recipient, content, start, bulk_id, submission.version)
        if draft.send_at and bulk_id is not None and later and len(submission.drafts) == 1:
            span = (first, self._serial + 1)
            bulk = Bulk(number=first, bulk_id=bulk_id, send_at=draft.send_at, messages=span)
            self._rows.append(bulk)

    def _enter(
        self,
        recipient: Recipient,
        content: Content,
        start: dt.datetime,
        bulk_id: str | None,
        version: Literal[1, 2],
    ) -> None:
        fate = find_fate(recipient.to) or Fate(self._settings.delay, 2, 0, statuses.DELIVERED)
        status = self._find_status(fate, version)
        if recipient.rejected is not None:
            status = statuses.find_status(recipient.rejected)
        nameless = recipient.rejected is not None or status.id in _WITHOUT_ID
        message_id = recipient.message_id or (None if nameless else self._make_id(self._serial))
        self._entries.append(
            SmsResponseDetails(
                to=recipient.to,
                status=status,
                sms_count=content.sms_count if version == 1 and not nameless else None,
                message_id=message_id,
            )
        )
        if message_id is None or nameless:
            return
        sms = Sms(
            number=self._serial,
            message_id=message_id,
            to=recipient.to,
            bulk_id=bulk_id,
            content=content,
            fate=fate,
            accepted_at=self._now,
            start_at=start,
            status=status.id,
        )
        self._rows.append(plan(sms, over_midnight=self._settings.over_midnight))

    def _find_status(self, fate: Fate, version: Literal[1, 2]) -> Status:
        if fate.is_in_reply():
            return statuses.find_status(fate.status)
        return statuses.find_status(int(self._settings.find_reading(_ACCEPTED[version])))

    def _compose(self, draft: Draft, shortened_on: str | None) -> tuple[str, int]:
        text = texts.rewrite(draft.text, draft.wording)
        if shortened_on is not None:
            base = shortened_on.rstrip("/") or f"{self._address}/s"
            text = texts.shorten(text, lambda url: f"{base}/{self._make_link(url)}")
        return text, texts.count(text, draft.wording).segments

    def _make_link(self, url: str) -> str:
        self._links += 1
        code = self._digest(f"link {self._serial + 1} {self._links}")[:10]
        self._rows.append(Link(code=code, url=url, number=self._serial + 1))
        return code

    def _find_bulk_id(self, submission: Submission, serial: int) -> str | None:
        """Return the bulkId: with several destinations, or when the request can be moved by it."""
        several = len(submission.recipients) > 1 or (
            self._settings.find_reading("READ-002") == "present"
        )
        drafts = submission.drafts
        if several or (len(drafts) == 1 and _is_later(drafts[0], self._now)):
            return submission.bulk_id or self._make_id(serial)
        return None

    def _find_process_key(self, submission: Submission, serial: int) -> str | None:
        """Return the tracking process key of a request that is tracked (READ-005, READ-021)."""
        if not submission.tracked:
            return None
        return submission.process_key or self._digest(serial)[:32].upper()

    def _make_id(self, serial: int) -> str:
        """Return 19 decimal digits, as the documented examples have (READ-003)."""
        return str(10**18 + int(self._digest(serial), 16) % (9 * 10**18))

    def _digest(self, what: object) -> str:
        return hashlib.sha256(f"{self._settings.seed}:{what}".encode()).hexdigest()


def _is_later(draft: Draft, now: dt.datetime) -> bool:
    return draft.send_at is not None and find_utc(draft.send_at) > now
