"""Ending a call from another thread: before its request is sent, or while its response is awaited."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms.errors import Sent


class Cancellation:
    """Ends what one context does; safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._end: Callable[[], object] | None = None
        self._sent: Sent = "no"

    @property
    def is_cancelled(self) -> bool:
        """Tell whether nothing more may begin."""
        return self._event.is_set()

    def cancel(self) -> Sent:
        """End what is under way, and let nothing more begin; return whether a request may have been sent."""
        with self._lock:
            self._event.set()
            if self._end is not None:
                self._end()
            return self._sent

    def begin(self, end: Callable[[], object]) -> bool:
        """Note that something is sent from now on, and how to end it; False if it may not begin."""
        with self._lock:
            if self.is_cancelled:
                return False
            self._end, self._sent = end, "maybe"
            return True

    def finish(self) -> None:
        """Note that what began has ended by itself."""
        with self._lock:
            self._end = None

    def wait(self, seconds: float, sent: Sent) -> None:
        """Wait between two attempts, until cancelled at most.

        sent: whether one of the attempts so far may have been processed.
        """
        with self._lock:
            self._sent = sent
        self._event.wait(seconds)


CANCELLATION: ContextVar[Cancellation | None] = ContextVar("infobip_sms_cancellation", default=None)
"""That of the calls in this context; None if they cannot be cancelled."""


def pause(seconds: float, sent: Sent) -> None:
    """Wait between two attempts; a cancelled call waits no longer."""
    current = CANCELLATION.get()
    if current is None:
        time.sleep(seconds)
    else:
        current.wait(seconds, sent)
