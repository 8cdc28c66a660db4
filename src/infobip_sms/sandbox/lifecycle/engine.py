"""Applies every transition that is due by an instant, without a clock or a connection.

The same rows at the same instants always give the same result.
"""

from __future__ import annotations

import heapq
from itertools import islice
from typing import TYPE_CHECKING

from .message import step
from .webhooks import build_delivery

if TYPE_CHECKING:
    import datetime as dt

    from infobip_sms.sandbox.config import SandboxSettings
    from infobip_sms.sandbox.state.rows import Row
    from infobip_sms.sandbox.state.state import State


def advance(state: State, now: dt.datetime, settings: SandboxSettings) -> None:
    """Apply every transition due by now, in order; then drop the oldest rows beyond the limit."""
    while sms := state.pop_due_message(now):
        assert sms.due is not None, "a due message has an instant"
        after = step(sms, over_midnight=settings.over_midnight)
        rows: list[Row] = [after]
        if delivery := build_delivery(state.delivery_serial + 1, sms, after, sms.due, settings):
            rows.append(delivery)
        state.put(rows)
    drop_oldest(state, settings.keep)


def drop_oldest(state: State, keep: int) -> None:
    """Drop finished messages and links beyond ``keep``, a tenth of it at a time."""
    portion = max(keep // 10, 1)
    excess = len(state.messages) - keep
    if excess > 0 and len(state.finished) >= portion:
        state.forget(heapq.nsmallest(max(excess, portion), state.finished))
    if (links := len(state.links) - keep) > 0:
        state.forget_links(islice(state.links, max(links, portion)))
