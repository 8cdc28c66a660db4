"""Requests on a kept connection are answered at once: nothing waits for a delayed acknowledgement."""

from __future__ import annotations

import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

from infobip_sms.sandbox import running

CALLS = 20
DELAYED_ACK = 0.04  # seconds that Linux waits before it acknowledges


def test_calls_in_a_row_do_not_wait_for_delayed_acknowledgements() -> None:
    """Twenty calls on one connection take less than half of what as many delayed ones would take."""
    with running() as sandbox:
        connection = HTTPConnection(urlsplit(sandbox.url).netloc, timeout=30)
        fastest = min(time_calls(connection) for _ in range(3))
        connection.close()

    assert fastest < CALLS * DELAYED_ACK / 2


def time_calls(connection: HTTPConnection) -> float:
    """Return the seconds that some calls in a row take."""
    started = time.monotonic()
    for _ in range(CALLS):
        connection.request("GET", "/sms/1/logs")
        connection.getresponse().read()
    return time.monotonic() - started
