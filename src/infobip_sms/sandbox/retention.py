"""How much a sandbox keeps, so that one that runs for weeks does not grow for weeks.

Once there are more messages than ``keep``, the oldest that are over go, a tenth of ``keep`` at a time,
with their reports, dead letters included; a bulk goes with its last message. For logs, reports and
control it is then as if they had never been. What still has something before it stays, however much
that is: a message without its final status, and one with a report on its way. Of short links the
oldest go once there are more than ``keep``.

Lives here: what goes, and when.
Never here: the 48 hours of logs and reports (lookups.py); how something is dropped (state.py).
"""

from __future__ import annotations

import heapq
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .state import State


def drop_oldest(state: State, keep: int) -> None:
    """Drop what is too much; rarely, since many go at once."""
    portion = max(keep // 10, 1)
    excess = len(state.messages) - keep
    if excess > 0 and len(state.over) >= portion:
        state.forget(heapq.nsmallest(max(excess, portion), state.over))
    if (links := len(state.links) - keep) > 0:
        state.forget_links(islice(state.links, max(links, portion)))
