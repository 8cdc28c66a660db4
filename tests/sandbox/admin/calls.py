"""Requests to a running sandbox as any program could make them, by the standard library."""

from __future__ import annotations

import http.client
import json
import threading
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tests.fakes.webhook_server import CallbackServer, Heard

if TYPE_CHECKING:
    from collections.abc import Callable

BASIC = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
SEND, SEND_V1, LOGS = "/sms/2/text/advanced", "/sms/1/text/advanced", "/sms/1/logs"
TO, OTHER = "41793026727", "41793026834"
PATIENCE = 60.0  # seconds: a busy machine answers by then


class Answer(NamedTuple):
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def plain(self) -> Any:
        """The JSON of the body."""
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """What control says is wrong."""
        assert set(self.plain) == {"error"}
        text: str = self.plain["error"]
        return text


def call(
    url: str, method: str, target: str, body: bytes | None = None, headers: Any = None
) -> Answer:
    """Make any request on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    try:
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())
    finally:
        connection.close()


def ask(url: str, method: str, place: str, body: Any = None) -> Answer:
    """Make a control request; a body that is no bytes is written as JSON."""
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    return call(url, method, f"/sandbox/{place}", content)


def build(*to: str, request: Any = None, **message: Any) -> bytes:
    """Return a request with one message, of which and of whose request any field may be given."""
    destinations = [{"to": number} for number in to]
    one = {"text": "Hi", "destinations": destinations, **message}
    return json.dumps({"messages": [one], **(request or {})}).encode()


def send(url: str, *to: str, request: Any = None, **message: Any) -> list[str]:
    """Send one message to some destinations; return the ids."""
    response = post(url, build(*to, request=request, **message))
    assert response.status == 200, response.body
    return [entry["messageId"] for entry in response.plain["messages"]]


def post(url: str, body: bytes, wire: str = "json") -> Answer:
    """Make a send request."""
    headers = {"Authorization": BASIC, "Content-Type": f"application/{wire}"}
    return call(url, "POST", SEND, body, headers)


class Asking(CallbackServer):
    """A callback server that does something before it answers, and waits for what that waits for."""

    def __init__(self, before: Callable[[Heard], object], *statuses: int) -> None:
        self._before = before
        self._one_by_one = threading.Lock()
        super().__init__(*statuses)

    def _take(self, heard: Heard) -> int:
        with self._one_by_one:
            self._before(heard)
        return super()._take(heard)
