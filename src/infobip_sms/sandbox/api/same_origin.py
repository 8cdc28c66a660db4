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
    if _get_name(origin) in settings.allow_hosts or is_cors_origin(origin, settings):
        return ""
    return (
        "Origin: expected the sandbox's own pages, or an origin given with --cors or --allow-host"
    )


def is_cors_origin(origin: str, settings: SandboxSettings) -> bool:
    """Return whether pages of an origin may read responses."""
    return not {origin.lower(), "*"}.isdisjoint(settings.cors)


def build_cors_headers(headers: Mapping[str, str], settings: SandboxSettings) -> dict[str, str]:
    """Return the headers that let a browser hand a response to a page of another origin, if that is allowed."""
    origin = headers.get("origin")
    if origin is None or not is_cors_origin(origin, settings):
        return {}
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, HEAD, POST, PUT, DELETE",
        "access-control-allow-headers": "accept, authorization, content-type",
        "access-control-expose-headers": "allow, retry-after, sandbox-note",
        "vary": "Origin",
    }


def _get_name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
