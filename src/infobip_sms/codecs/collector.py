"""A pause of the cyclic garbage collector while one large document is read or written.

Reading makes no reference cycles, but the collector looks for them again and again, in everything that
was made so far: 100,000 destinations took three times as long, each, as 1,000.
"""

from __future__ import annotations

import gc
import os
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = 2**15  # bytes; the collector takes no time that counts for less
Read = TypeVar("Read", bound="Callable[..., Any]")
_paused = Lock()
_was_on = False


def pause_collector(read: Read) -> Read:
    """Return a reader of documents that pauses the collector for large ones.

    One document at a time pauses it, so that it runs again between documents, also where threads
    always read. It is switched on again only if it was on before.
    """

    @wraps(read)
    def read_document(body: bytes, *arguments: Any, **options: Any) -> Any:
        global _was_on  # noqa: PLW0603 - of the process, as the collector is
        lock = _paused  # a fork of this process has another one
        if len(body) < LARGE or not lock.acquire(blocking=False):
            return read(body, *arguments, **options)
        _was_on = gc.isenabled()
        try:
            gc.disable()
            return read(body, *arguments, **options)
        finally:
            if _was_on:
                gc.enable()
            lock.release()

    return read_document  # type: ignore[return-value]  # the arguments of read


def _end_pause() -> None:
    """Switch the collector on in a fork: the thread that reads is not there."""
    global _paused  # noqa: PLW0603 - as above
    if _paused.locked():
        _paused = Lock()
        if _was_on:
            gc.enable()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_end_pause)
