"""Protects a sandbox against DNS rebinding and cross-origin requests, on every route.

A page of a foreign site can make a browser send requests to this machine, but then Host (DNS rebinding) or
Origin (cross-origin request) names the foreign site. Requests of programs have no Origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infobip_sms.sandbox.config import SandboxSettings


def check_origin(headers: Mapping[str, str], settings: SandboxSettings) -> str:
    """Return why a request is rejected; empty if it is allowed."""
    host = headers.get("host")
    if host is not None and not settings.is_own_host(_get_name(f"//{host}")):
        return (
            "Host: expected the address of the sandbox, localhost or a name given with --allow-host"
        )
    origin = headers.get("origin")
    if origin is None or origin.lower() == f"http://{host}".lower():
        return ""
    if _get_name(origin) in settings.allow_hosts:
        return ""
    return "Origin: expected the sandbox's own pages or a host given with --allow-host"


def _get_name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
