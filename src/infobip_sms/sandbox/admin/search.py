"""Searches of a test among the messages of a sandbox, and of the reports on their way.

A message fits if everything that is asked for holds: ``to`` with or without plus, ``from``, ``bulkId`` and
``messageId`` as they are, ``text`` as a part of the text, ``status`` as number, name or group name.

Lives here: which messages fit, and how they are shown.
Never here: requests (control.py); the API's own lookups (lookups.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import Message, SmsLog

from infobip_sms.codecs.plain_data import build_plain
from infobip_sms.sandbox.lifecycle.representations import build_log
from infobip_sms.sandbox.state.statuses import find_status

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from infobip_sms.sandbox.config import Settings
    from infobip_sms.sandbox.state.rows import Push, Sms
    from infobip_sms.sandbox.state.state import State

STATES = ("waiting", "taken", "dead")


def find_name(model: type[attrs.AttrsInstance], field: str) -> str:
    """Return how a member of the contract is spelled on the wire."""
    name: str = attrs.fields_dict(model)[field].metadata["wire"]
    return name


NAMES: Mapping[str, str] = {
    find_name(SmsLog, field): field for field in ("to", "from_", "text", "bulk_id", "message_id")
}
"""What may be searched for, by its name in a query; status comes on top."""
_CALLBACK, _URL = find_name(Message, "callback_data"), find_name(Message, "notify_url")


@attrs.frozen(kw_only=True)
class Search:
    """What messages are wanted; None for any."""

    to: str | None = None
    from_: str | None = None
    text: str | None = attrs.field(default=None, repr=False)
    bulk_id: str | None = None
    message_id: str | None = None
    statuses: frozenset[int] | None = None

    def find(self, state: State) -> list[Sms]:
        """Return the messages that fit, in the order in which they were accepted."""
        return [sms for sms in self._find_named(state) if self.fits(sms)]

    def fits(self, sms: Sms) -> bool:
        """Tell whether a message is wanted."""
        return (
            (self.to is None or _strip(self.to) == _strip(sms.to))
            and self.from_ in (None, sms.content.from_)
            and (self.text is None or self.text in sms.content.text)
            and self.bulk_id in (None, sms.bulk_id)
            and self.message_id in (None, sms.message_id)
            and (self.statuses is None or sms.status in self.statuses)
        )

    def _find_named(self, state: State) -> Iterable[Sms]:
        if self.message_id is not None:
            return state.find_by_id(self.message_id)
        if self.bulk_id is not None:
            return state.find_by_bulk(self.bulk_id)
        return state.messages.values()


def build_message(sms: Sms, state: State, settings: Settings) -> dict[str, Any]:
    """Return a message as it is shown: its log, and what the log leaves out."""
    links = [{"url": link.url, "clicks": link.clicks} for link in state.find_links(sms)]
    shown = {
        **build_plain(build_log(sms, settings)),
        _CALLBACK: sms.content.callback_data,
        _URL: sms.content.notify_url,
        "accepted": format_instant(sms.accepted_at),
        "final": sms.done_at is not None,
        "links": links or None,
        "conversions": None if sms.content.process_key is None else sms.conversions,
    }
    return {name: value for name, value in shown.items() if value is not None}


def find_reports(search: Search, state: State, wanted: str | None) -> Iterator[tuple[Push, Sms]]:
    """Yield the reports of messages that fit, in the order in which they came to be."""
    for push in state.pushes.values():
        sms = state.messages[push.sms]
        if wanted in (None, push.end or STATES[0]) and search.fits(sms):
            yield push, sms


def build_report(push: Push, sms: Sms) -> dict[str, Any]:
    """Return a report on its way as it is shown."""
    return {
        find_name(SmsLog, "message_id"): sms.message_id,
        "to": sms.to,
        _URL: sms.content.notify_url,
        "status": build_plain(find_status(push.status)),
        "final": push.is_final,
        "happened": format_instant(push.done_at),
        "state": push.end or STATES[0],
        "attempts": push.attempts,
        "due": format_instant(push.due) if push.end is None else None,
        "reason": push.reason,
    }


def format_instant(instant: dt.datetime) -> str:
    """Write an instant, to the millisecond, in UTC."""
    return instant.isoformat(timespec="milliseconds")


def _strip(number: str) -> str:
    """Return a number without its plus, which a careless query turns into a space."""
    return number.strip().removeprefix("+")
