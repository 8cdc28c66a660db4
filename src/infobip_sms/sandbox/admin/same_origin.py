"""Who may control a sandbox: this machine, and no page of somebody else's in a browser on it.

A foreign page can make a browser send requests to loopback: under a name of its own that it lets point
here, which then is in Host, or from its own origin, which then is in Origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from infobip_sms.transport.urls import is_loopback

if TYPE_CHECKING:
    from infobip_sms.sandbox.api.http import HttpRequest


def check_origin(request: HttpRequest) -> str:
    """Say why a request may not control the sandbox; empty if it may."""
    host = request.headers.get("host", "")
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    if not is_loopback(name):
        return "The sandbox is controlled from this machine: Host is 127.0.0.1 or localhost"
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host}".lower():
        return "The sandbox is not controlled by pages of another origin"
    return ""
