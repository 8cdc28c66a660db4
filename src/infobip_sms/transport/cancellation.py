"""Ending a call from another thread: before its request is sent, or while its response is awaited."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from infobip_sms.errors import InvalidResponseError, find_sent

from .messages import AttemptFailedError
from .retry import AttemptFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from infobip_sms.errors import Attempt, Sent

_CANCELLED_BEFORE = AttemptFailure("the call was cancelled", "no", "final")
_CANCELLED_AFTER = AttemptFailure("the call was cancelled", "maybe", "final")


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


def pause(seconds: float, attempts: Iterable[Attempt]) -> None:
    """Wait between two attempts; a cancelled call waits no longer."""
    current = CANCELLATION.get()
    if current is None:
        time.sleep(seconds)
    else:
        current.wait(seconds, find_sent(attempts))


def require_not_cancelled() -> None:
    """Raise AttemptFailedError if the call of this context is cancelled."""
    current = CANCELLATION.get()
    if current is not None and current.is_cancelled:
        raise AttemptFailedError(_CANCELLED_BEFORE)


@contextmanager
def end_if_cancelled(sock: Any) -> Iterator[None]:
    """End an exchange whose call is cancelled: before anything is sent, or by shutting the socket down."""
    current = CANCELLATION.get()
    if current is None:
        yield
        return
    if not current.begin(partial(_shut_down, sock)):
        raise AttemptFailedError(_CANCELLED_BEFORE)
    try:
        yield
    except (AttemptFailedError, InvalidResponseError):
        if current.is_cancelled:
            raise AttemptFailedError(_CANCELLED_AFTER) from None
        raise
    finally:
        current.finish()


def _shut_down(sock: Any) -> None:
    """Wake the thread that waits for a socket, without the orderly end of TLS, which is not thread-safe."""
    while not isinstance(sock, socket.socket):
        sock = sock.socket  # urllib3's TLS within TLS
    with suppress(OSError):  # it is closed already
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
