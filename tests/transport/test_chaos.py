"""The client while descriptors run out."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.client.calls import OK

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
