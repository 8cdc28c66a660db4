"""The client while descriptors run out and while the clock of the machine jumps."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from infobip_sms import Client, Retry
from tests.client.calls import AUTH, NEVER, OK, ask, reply

if TYPE_CHECKING:
    from tests.client.calls import Serve

PROGRAM = """
import os, resource, sys
from infobip_sms import Client, TransportError
from tests.client.calls import AUTH, ask
with Client(sys.argv[1], auth=AUTH, retry=None) as client:
    client.send(ask())
    with Client(sys.argv[1], auth=AUTH, retry=None) as other:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        held = []
        try:
            while True:
                held.append(os.dup(0))
        except OSError:
            pass
        client.send(ask())  # its connection is open
        try:
            other.send(ask())
        except TransportError as error:
            print(error.sent)
        for descriptor in held:
            os.close(descriptor)
        print(other.send(ask()).messages[0].to)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of descriptors are POSIX's")
def test_without_descriptors_a_call_is_not_sent_and_the_next_one_is(serve: Serve) -> None:
    """A kept connection goes on; a new one fails as not sent, and works when descriptors are free."""
    server = serve("hear", OK)
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, server.url], capture_output=True, text=True, check=False
    )

    assert (result.stdout.split(), result.stderr) == (["no", "41793026727"], "")
    assert len(server.finish()) == 3


@pytest.mark.parametrize("jump", [-1e9, 1e9], ids=["back", "forward"])
def test_a_jump_of_the_clock_changes_no_wait(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """Timeouts and waits go by a clock that does not jump; Retry-After counts from the server's Date."""
    dates = ("Date: Mon, 30 Nov 2026 10:00:00 GMT", "Retry-After: Mon, 30 Nov 2026 10:00:00 GMT")
    server = serve("hear", reply(b"", 503, "text/plain", *dates), "hear", OK)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    with Client(server.url, auth=AUTH, timeout=NEVER, retry=Retry(attempts=2)) as client:
        assert len(client.send(ask()).messages) == 3

    assert len(server.finish()) == 2
