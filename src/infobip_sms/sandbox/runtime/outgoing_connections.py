"""Connections to callback servers, which never block the event loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infobip_sms.sandbox.lifecycle.webhooks import WebhookTarget

    Address = tuple[str, int]


async def connect(target: WebhookTarget) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first address of a host that accepts the connection."""
    addresses = await _resolve(target)
    context = _build_context() if target.scheme == "https" else None
    name = target.host if context else None
    for index, (host, port) in enumerate(addresses):
        try:
            return await asyncio.open_connection(host, port, ssl=context, server_hostname=name)
        except ssl.SSLError:
            raise
        except OSError:
            if index == len(addresses) - 1:
                raise
    raise OSError("no address")


@cache
def _build_context() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _resolve(target: WebhookTarget) -> list[Address]:
    """Return the addresses of a host, looked up in a thread of its own, since nothing interrupts it."""
    with suppress(ValueError):
        return [(str(ip_address(target.host)), target.port)]
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[Address]] = loop.create_future()

    def finish(found: list[Address], error: Exception | None) -> None:
        if future.done():
            return
        future.set_exception(error) if error else future.set_result(found)

    def look_up() -> None:
        found: list[Address] = []
        error: Exception | None = None
        try:
            rows = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            found = [(str(row[4][0]), int(row[4][1])) for row in rows]
        except (OSError, ValueError) as problem:
            error = problem
        with suppress(RuntimeError):  # the event loop is closed
            loop.call_soon_threadsafe(finish, found, error)

    try:
        threading.Thread(target=look_up, name="infobip-sms-look-up", daemon=True).start()
    except RuntimeError as error:  # the system allows no more
        raise OSError("no thread") from error
    return await future
