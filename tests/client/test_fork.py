"""Clients after a fork: every call gets its own response, whatever was kept, in flight or threaded."""

from __future__ import annotations

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from infobip_sms import Client, Destination, Message, SmsRequest
from tests.client.calls import AUTH

if TYPE_CHECKING:
    from collections.abc import Iterator

FORKS, THREADS, CALLS = 8, 8, 6
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


def count_foreign(client: Client, name: str) -> int:
    """Make calls from many threads; return how many got another call's response, or none."""
    wrong: list[str] = []

    def call(index: int) -> None:
        for turn in range(CALLS):
            bulk_id = f"{name}-{index}-{turn}"
            message = Message(destinations=[Destination(to="41793026727")], text="x")
            response = client.send(SmsRequest(bulk_id=bulk_id, messages=[message]))
            if response.bulk_id != bulk_id:
                wrong.append(bulk_id)

    threads = [threading.Thread(target=call, args=(index,)) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(wrong)


def fork(client: Client, name: str) -> int:
    """Fork; the child makes calls from threads, and ends with 0 if all responses were its own."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = min(count_foreign(client, name), 100)
        finally:
            os._exit(code)
    return child


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("in_flight", [False, True], ids=["idle", "in-flight"])
def test_every_call_gets_its_own_response_after_a_fork(url: str, *, in_flight: bool) -> None:
    """No process takes a connection of another one, also not while the parent is calling."""
    with Client(url, auth=AUTH, connections=THREADS, retry=None) as client:
        assert count_foreign(client, "before") == 0
        parent = threading.Thread(target=count_foreign, args=(client, "parent"))
        if in_flight:
            parent.start()
        children = [fork(client, f"child-{n}") for n in range(FORKS)]
        assert count_foreign(client, "beside") == 0
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        if in_flight:
            parent.join()

    assert codes == [0] * FORKS
