"""What a server sends without being asked: it never becomes the response to another call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infobip_sms import Client, Error
from tests.client.calls import AUTH, GOOD, OK, ask, reply

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from tests.client.calls import Serve

STALE = reply(GOOD["json"].replace(b"BULK-ID-123-xyz", b"ANOTHER-ONE"))
BUFFER = 8192  # bytes that http.client reads at a time


def pad(response: bytes) -> bytes:
    """Return a response that fills a buffer to the last byte."""
    head, _, body = response.partition(b"\r\n\r\n")
    filler = b"x" * (BUFFER - len(response) - len(b"\r\nX: "))
    return head + b"\r\nX: " + filler + b"\r\n\r\n" + body


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_response_without_a_body_is_the_last_on_its_connection(serve: Serve, status: int) -> None:
    """A server that sends a second response late, to a request that had one, misleads no call."""
    head = b"HTTP/1.1 %d Word\r\nContent-Length: 0\r\n\r\n" % status
    server = serve("hear", head, "hear", STALE, later=("hear", OK))
    with Client(server.url, auth=AUTH) as client:
        with pytest.raises(Error):
            client.send(ask())
        assert client.send(ask()).bulk_id == "BULK-ID-123-xyz"


@pytest.mark.parametrize("size", [1, 20, len(STALE)])
def test_bytes_after_a_response_end_its_connection(serve: Serve, size: int) -> None:
    """What follows a response at once is not dropped, so that what follows later would be misread."""
    server = serve("hear", OK + STALE[:size], "hear", STALE[size:], later=("hear", OK))
    with Client(server.url, auth=AUTH) as client:
        for _ in range(2):
            assert client.send(ask()).bulk_id == "BULK-ID-123-xyz"
    server.finish()
    assert server.connections == 2


def test_what_tls_has_decrypted_ends_a_connection(
    serve: Serve, tls: ssl.SSLContext, certificate: Path
) -> None:
    """A second response in the record of the first, which no socket shows as readable, is not read."""
    server = serve("hear", pad(OK) + STALE, later=("hear", OK), tls=tls)
    with Client(server.url, auth=AUTH, ca=certificate) as client:
        for _ in range(2):
            assert client.send(ask()).bulk_id == "BULK-ID-123-xyz"
