"""Clients after a fork: every call gets its own response, whatever was kept, in flight or threaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


class Echo(BaseHTTPRequestHandler):
    """Answers a request with its own bulkId, a moment late."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer."""
        document = json.loads(self.rfile.read(int(self.headers["content-length"])))
        time.sleep(0.002)
        number = document["messages"][0]["destinations"][0]["to"]
        entry = {"to": number, "status": {"groupId": 1, "groupName": "P", "id": 26, "name": "N"}}
        body = json.dumps({"bulkId": document["bulkId"], "messages": [entry]}).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        self.wfile.write(head.encode() + b"\r\n\r\n" + body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(name="url")
def fixture_url() -> Iterator[str]:
    """Give a server that answers every request with the request's own id."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("moment", ["idle", "in-flight"])
def test_every_call_gets_its_own_response_after_a_fork(url: str, moment: str) -> None:
    """No process takes a connection of another one, also not while the parent is calling."""
    command = [
        sys.executable,
        "-W",
        "ignore::DeprecationWarning",
        "-m",
        "tests.transport.fork_program",
    ]
    done = subprocess.run([*command, url, moment], cwd=ROOT, timeout=120, check=False)

    assert done.returncode == 0
