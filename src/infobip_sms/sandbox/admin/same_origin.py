"""Protects the admin interface against DNS rebinding and cross-origin requests.

Only this machine may use it. A foreign page can make a browser send requests to loopback, but then
Host (DNS rebinding) or Origin (cross-origin request) names a foreign host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from infobip_sms.transport.urls import is_loopback

if TYPE_CHECKING:
    from infobip_sms.sandbox.api.http import HttpRequest


def check_origin(request: HttpRequest) -> str:
    """Return why a request is rejected; empty if it is allowed."""
    host = request.headers.get("host", "")
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    if not is_loopback(name):
        return "Host: expected 127.0.0.1 or localhost; the sandbox can be controlled from this machine only"
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host}".lower():
        return "Origin: pages of another origin cannot control the sandbox"
    return ""
