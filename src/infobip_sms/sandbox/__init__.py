"""A local server that behaves as documented and sends no SMS.

with infobip_sms.sandbox.running() as sandbox:
    application(sandbox.url)
    (message,) = sandbox.wait_for(to="41793026727")

Requires the extra ``sandbox``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .testing import AdminApiError, ReceivedMessage, Sandbox, running

__all__ = ["AdminApiError", "ReceivedMessage", "Sandbox", "running"]


def __getattr__(name: str) -> Any:
    """Import on first use, because running a sandbox needs the extra."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from . import testing  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        message = f"{missing} is not installed; run: pip install 'infobip-sms[sandbox]'"
        raise ModuleNotFoundError(message, name=error.name) from None
    return getattr(testing, name)
