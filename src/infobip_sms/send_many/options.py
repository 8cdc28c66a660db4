"""The options of a run: how much at a time, and what to do when something fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import attrs
from infobip_sms_schema import Tracking

from .pace import limit_chunk

if TYPE_CHECKING:
    from pathlib import Path

    from .suppression import Dedupe, Skip

OnUnknown = Literal["report", "reconcile", "resend", "stop"]


def _require_policy(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value not in get_args(OnUnknown):
        raise ValueError(f"{attribute.name}: expected one of {get_args(OnUnknown)}")


def _require_count(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if type(value) is not int or value < 1:
        raise ValueError(f"{attribute.name}: expected a whole number from 1")


def _require_seconds(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError(f"{attribute.name}: expected seconds from 0")


def _require_rate(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError(f"{attribute.name}: expected destinations per second, more than 0")


def _require_dedupe(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value not in {None, "number", "warn"}:
        raise ValueError(f'{attribute.name}: expected "number", "warn" or None')


def _require_tracking(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Tracking | None):
        raise ValueError(f"{attribute.name}: expected a Tracking")  # noqa: TRY004 - as any bad option


@attrs.frozen
class SendManyOptions:
    """How much at a time, and what to do when something fails."""

    chunk: int = attrs.field(validator=_require_count)
    """Destinations for each request; a message with more goes into several requests."""
    concurrency: int = attrs.field(validator=_require_count)
    """Requests at a time."""
    on_unknown: OnUnknown = attrs.field(validator=_require_policy)
    """``report`` yields unknown ones as they are. ``reconcile`` looks them up in the server's logs.
    ``resend`` also sends again what the logs still do not know, in three requests at most, unless it
    is older than the logs or to be sent later (``send_at``, ``delivery_time_window``). ``stop``
    sends nothing more after an unknown one. What a journal has as unknown is always looked up."""
    journal: str | Path | None
    """File that remembers what was sent."""
    tracking: Tracking | None = attrs.field(validator=_require_tracking)
    """Goes with every request."""
    log_delay: float = attrs.field(validator=_require_seconds)
    """Seconds that the logs may take to know of an accepted message."""
    patience: float = attrs.field(validator=_require_seconds)
    """Seconds to go on trying while requests are provably not processed."""
    per_second: float | None = attrs.field(default=None, validator=_require_rate)
    """Destinations per second, over all threads; None for as many as the server takes."""
    skip: Skip | None = None
    """Numbers that are never sent to: a callable, numbers, or a file with one in each line."""
    dedupe: Dedupe = attrs.field(default=None, validator=_require_dedupe)
    """``number`` sends to the first destination of a number only; ``warn`` says how many others there were."""

    @property
    def batch_size(self) -> int:
        """Destinations for each request: ``chunk``, or fewer if the pace asks for it."""
        return limit_chunk(self.chunk, self.per_second)
