"""The outcome of each destination, in one of five words.

accepted   the server took it; what happens to it since is in its status
rejected    the server said no to it, or a rule of the contract does
unknown    it may have been taken; nobody can tell without asking the server's logs
unsent     it was not taken, provably, for a reason that is not its own: the server could not be
           reached, was busy, or did not want these credentials
suppressed it was left out on purpose: its number is suppressed, or had its message already
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

import attrs
from infobip_sms_schema import Destination, GeneralStatus, Status

from infobip_sms.errors import (
    ApiError,
    Error,
    InvalidRequestError,
    InvalidResponseError,
    TransportError,
    Violation,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from infobip_sms_schema import DeliveryReport, Message, SmsLog, SmsResponse, SmsResponseDetails

OutcomeState = Literal["accepted", "rejected", "unknown", "unsent", "suppressed"]

_REJECTED = 5  # statuses.toml, group REJECTED
_DUPLICATE = "REJECTED_DUPLICATE_MESSAGE_ID"
_INVALID_CONTENT = frozenset({400, 413, 422})  # HTTP's words for: what you ask cannot be done
BUSY_STATUSES = frozenset({429, 503})


@attrs.frozen(kw_only=True)
class Resolution:
    """One of the five words, and why."""

    state: OutcomeState
    reason: str
    status: Status | None = None
    bulk_id: str | None = None
    error: Error | None = None


@attrs.frozen(kw_only=True)
class Outcome:
    """The outcome of one destination.

    index: Its place in the input, from 0, counting destinations.
    to: Its telephone number, as the input has it.
    message_id: Its messageId: the one of the input, or the one that was given to it.
    state: ``accepted``, ``rejected``, ``unknown``, ``unsent`` or ``suppressed``.
    reason: Why: the name of its status, or what went wrong in words.
    status: Its status in the server's answer or logs; None if there is none.
    bulk_id: Name of the request that it was accepted with, if the server gave one.
    error: What went wrong; None for what a journal remembers.
    earlier: True if an earlier run settled it, and this one read so in its journal.
    """

    index: int
    to: str
    message_id: str
    state: OutcomeState
    reason: str
    status: Status | None = None
    bulk_id: str | None = None
    error: Error | None = None
    earlier: bool = False


@attrs.frozen(eq=False)
class QueuedDestination:
    """One destination on its way."""

    index: int
    message: Message
    destination: Destination
    """Has a messageId, unless it is something else that stood in the list."""
    has_generated_id: bool
    """True if the input had no messageId for it."""
    digest: bytes = b""
    suppressed: str = ""
    """Why it is left out; empty if it is not."""

    @property
    def to(self) -> str:
        """Its telephone number."""
        return getattr(self.destination, "to", "")

    @property
    def message_id(self) -> str:
        """Its messageId."""
        return getattr(self.destination, "message_id", None) or ""

    def build_outcome(self, resolution: Resolution, *, earlier: bool = False) -> Outcome:
        """Return its outcome."""
        return Outcome(
            index=self.index,
            to=self.to,
            message_id=self.message_id,
            state=resolution.state,
            reason=resolution.reason,
            status=resolution.status,
            bulk_id=resolution.bulk_id,
            error=resolution.error,
            earlier=earlier,
        )


def resolve_response(
    items: Sequence[QueuedDestination], response: SmsResponse, repeated: Collection[int] = ()
) -> list[Resolution]:
    """Return a verdict for each destination of a request that was answered with 200.

    again: places of those that an earlier request may have brought already. A rejection of such a
    one, or of one whose messageId is ours alone, for a messageId that was used before says that the
    earlier request was accepted.
    """
    entries = _match_entries(items, response.messages)
    lost: Resolution | None = None
    found: dict[tuple[int, bool], Resolution] = {}  # the entries of a response share their statuses
    resolutions = []
    for item, entry in zip(items, entries, strict=True):
        if entry is None:
            lost = lost or _build_unmatched(items, response)
            resolutions.append(lost)
            continue
        used = item.has_generated_id or item.index in repeated
        key = (id(entry.status), used)
        if key not in found:
            found[key] = _resolve_entry(entry, response.bulk_id, used=used)
        resolutions.append(found[key])
    return resolutions


def resolve_error(error: Error) -> Resolution:
    """Return the verdict for every destination of a request that ended in an error."""
    return Resolution(state=_get_state(error), reason=str(error), error=error)


def resolve_logs(logs: Sequence[SmsLog | DeliveryReport]) -> Resolution:
    """Return the verdict for a message that has these rows; one acceptance outweighs rejections."""
    log = min(logs, key=lambda row: _is_rejected(row.status))
    state: OutcomeState = "rejected" if _is_rejected(log.status) else "accepted"
    reason = log.status.name if log.status else "found in the logs"
    return Resolution(state=state, reason=reason, status=log.status, bulk_id=log.bulk_id)


def is_busy(error: Error) -> bool:
    """Tell whether a request was provably not processed for a reason that may pass by itself."""
    if isinstance(error, ApiError):
        return error.status in BUSY_STATUSES and error.sent == "no"
    return isinstance(error, TransportError) and error.sent == "no"


def is_same_number(one: str, other: str) -> bool:
    """Tell whether two spellings are one telephone number; a server may drop the plus (READ-007)."""
    return one.lstrip("+") == other.lstrip("+")


def _match_entries(
    items: Sequence[QueuedDestination], entries: Sequence[SmsResponseDetails]
) -> list[SmsResponseDetails | None]:
    """Find each destination's entry: at its place if that one fits, else by its messageId.

    A rejection may come without a messageId; then the place and the number decide, if there are as
    many entries as destinations (RESP-001, RESP-002, RESP-003). What fits nowhere is no answer.
    """
    if len(items) == len(entries) and all(map(_is_match, items, entries)):
        return list(entries)
    ours = Counter(item.message_id for item in items)
    theirs = Counter(entry.message_id for entry in entries)
    named = {e.message_id: e for e in entries if theirs[e.message_id] == 1}
    whole = len(items) == len(entries)
    found: list[SmsResponseDetails | None] = []
    for place, item in enumerate(items):
        if whole and _is_match(item, entries[place]):
            found.append(entries[place])
        else:
            found.append(named.get(item.message_id) if ours[item.message_id] == 1 else None)
    return found


def _is_match(item: QueuedDestination, entry: SmsResponseDetails) -> bool:
    if entry.message_id is None:
        return is_same_number(entry.to, item.to)
    return entry.message_id == item.message_id


def _resolve_entry(entry: SmsResponseDetails, bulk_id: str | None, *, used: bool) -> Resolution:
    status = entry.status
    refused = _is_rejected(status) and not (used and status.name == _DUPLICATE)
    state: OutcomeState = "rejected" if refused else "accepted"
    return Resolution(state=state, reason=status.name, status=status, bulk_id=bulk_id)


def _is_rejected(status: Status | None) -> bool:
    return status is not None and (
        status.group_id == _REJECTED or status.group_name == GeneralStatus.REJECTED
    )


def _build_unmatched(items: Sequence[QueuedDestination], response: SmsResponse) -> Resolution:
    got = f"{len(response.messages)} entries, none of which is certainly this destination's"
    problem = Violation("messages", got, f"one for each of {len(items)} destinations", "RESP-001")
    return resolve_error(InvalidResponseError((problem,), body=response.raw or b""))


def _get_state(error: Error) -> OutcomeState:
    if isinstance(error, InvalidRequestError):
        return "rejected"
    if isinstance(error, ApiError) and error.sent == "no":
        return "rejected" if error.status in _INVALID_CONTENT else "unsent"
    return "unsent" if isinstance(error, TransportError) and error.sent == "no" else "unknown"
