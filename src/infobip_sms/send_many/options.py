"""The options of a run: how much at a time, and what to do when something fails."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Literal, get_args

import attrs
from infobip_sms_schema import Tracking

from infobip_sms.transport.settings import is_count, is_duration, validate

from .pace import limit_chunk

if TYPE_CHECKING:
    from pathlib import Path

    from .suppression import Dedupe, Skip

OnUnknown = Literal["report", "reconcile", "resend", "stop"]


_COUNT = validate("a whole number from 1", is_count)
_SECONDS = validate("seconds from 0", is_duration)


@attrs.frozen
class SendManyOptions:
    """How much at a time, and what to do when something fails."""

    chunk: int = attrs.field(validator=_COUNT)
    """Destinations for each request; a message with more goes into several requests."""
    concurrency: int = attrs.field(validator=_COUNT)
    """Requests at a time."""
    on_unknown: OnUnknown = attrs.field(
        validator=validate(
            f"one of {', '.join(get_args(OnUnknown))}", get_args(OnUnknown).__contains__
        )
    )
    """``report`` yields unknown ones as they are. ``reconcile`` looks them up in the server's logs.
    ``resend`` also sends again what the logs still do not know, in three requests at most, unless it
    is older than the logs or to be sent later (``send_at``, ``delivery_time_window``). ``stop``
    sends nothing more after an unknown one. What a journal has as unknown is always looked up."""
    journal: str | Path | None = attrs.field(
        validator=validate(
            "the path of a file", lambda value: value is None or isinstance(value, str | PathLike)
        )
    )
    """File that remembers what was sent."""
    tracking: Tracking | None = attrs.field(
        validator=validate("a Tracking", lambda value: isinstance(value, Tracking | None))
    )
    """Goes with every request."""
    log_delay: float = attrs.field(validator=_SECONDS)
    """Seconds that the logs may take to know of an accepted message."""
    patience: float = attrs.field(validator=_SECONDS)
    """Seconds to go on trying while requests are provably not processed."""
    per_second: float | None = attrs.field(
        default=None,
        validator=validate(
            "destinations per second, more than 0",
            lambda value: value is None or (is_duration(value) and value > 0),
        ),
    )
    """Destinations per second, over all threads; None for as many as the server takes."""
    skip: Skip | None = None
    """Numbers that are never sent to: a callable, numbers, or a file with one in each line."""
    dedupe: Dedupe = attrs.field(
        default=None,
        validator=validate('"number", "warn" or None', (None, "number", "warn").__contains__),
    )
    """``number`` sends to the first destination of a number only; ``warn`` says how many others there were."""

    @property
    def batch_size(self) -> int:
        """Destinations for each request: ``chunk``, or fewer if the pace asks for it."""
        return limit_chunk(self.chunk, self.per_second)
