"""Until when a document may be read: the deadline of the call whose response it is.

The generated codecs read what is documented without looking at it, as fast as parsers do, for which the
client leaves time. Whatever takes longer, undocumented parts and the explanation of a rejected document,
looks at the deadline as it goes, so that a hostile response cannot extend it.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from .violations import InvalidRequestError, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEADLINE: ContextVar[float] = ContextVar("infobip_sms_deadline", default=math.inf)
TOO_LATE = Violation(
    "", "one that takes longer", "a document that can be read before the timeout", "HTTP-003"
)


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Read documents until then, in seconds of ``time.monotonic``."""
    token = _DEADLINE.set(deadline)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def is_past() -> bool:
    """Tell whether the deadline of this context has passed."""
    return time.monotonic() > _DEADLINE.get()


def require_time() -> None:
    """Raise InvalidRequestError if the deadline of this context has passed."""
    if time.monotonic() > _DEADLINE.get():
        raise InvalidRequestError([TOO_LATE]) from None
