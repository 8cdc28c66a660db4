"""The engine: makes everything happen that is due by an instant.

    advance(state, now)                   what is due happens, at the instants at which it was due
    take_postings(state, now, settings)   reports to push now; each waits for its answer
    settle(state, number, answer, now)    the answer of the callback server

Same rows, same instants, same result: there is no clock and no connection in here.
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
    """Let everything happen that is due by now, in order; then see that not too much is kept."""
    while sms := state.pop_due_message(now):
        assert sms.due is not None, "only what is due is taken"
        after = step(sms, over_midnight=settings.over_midnight)
        rows: list[Row] = [after]
        if delivery := build_delivery(state.delivery_serial + 1, sms, after, sms.due, settings):
            rows.append(delivery)
        state.put(rows)
    drop_oldest(state, settings.keep)


def drop_oldest(state: State, keep: int) -> None:
    """Drop what is too much; rarely, since many go at once."""
    portion = max(keep // 10, 1)
    excess = len(state.messages) - keep
    if excess > 0 and len(state.finished) >= portion:
        state.forget(heapq.nsmallest(max(excess, portion), state.finished))
    if (links := len(state.links) - keep) > 0:
        state.forget_links(islice(state.links, max(links, portion)))
