"""Calls of the client to a scripted server, and the bytes that such a server plays."""

from __future__ import annotations

import json
import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from infobip_sms import (
    ApiKey,
    Client,
    Destination,
    Error,
    Message,
    SmsRequest,
    SmsResponse,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.scripted_server import Server

    Serve = Callable[..., Server]

Failure = TypeVar("Failure", bound=Error)
EXAMPLES = Path(__file__).resolve().parents[2] / "schema" / "examples"
SEND = "POST /sms/2/text/advanced HTTP/1.1"
AUTH = ApiKey("003026bbc133714df1834b8638bb496e-8f4b3d9a")
SOON = 0.3  # seconds: a timeout that is meant to run out
NEVER = 20.0  # seconds: a timeout that is not
MEBIBYTE = 2**20
PHONE, TEXT = "41793026727", "Your table is ready."
SHOWN_NOWHERE = re.compile(rf"{re.escape(AUTH.key)}|{TEXT}|4179302\d{{4}}|hunter2")
TYPES = {"json": "application/json", "xml": "application/xml"}
CHUNKS = "Transfer-Encoding: chunked"
both = pytest.mark.parametrize("wire", ["json", "xml"])


def ask(phone: str = PHONE) -> SmsRequest:
    """Return the request of schema/examples/minimal-request."""
    message = Message(from_="InfoSMS", destinations=[Destination(to=phone)], text=TEXT)
    return SmsRequest(messages=[message])


def example(stem: str, wire: str = "json") -> bytes:
    """Return the bytes of a document in schema/examples."""
    return (EXAMPLES / f"{stem}.{wire}").read_bytes()


def reply(body: bytes, status: int = 200, kind: str = "application/json", *more: str) -> bytes:
    """Return the bytes of a whole response."""
    length = () if CHUNKS in more else (f"Content-Length: {len(body)}",)
    head = (f"HTTP/1.1 {status} Word", f"Content-Type: {kind}", *length, *more, "", "")
    return "\r\n".join(head).encode() + body


def chunked(body: bytes, size: int = 50) -> bytes:
    """Return a body in chunks."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def split(whole: bytes) -> bytes:
    """Return the first part of a response, cut in the middle of its body."""
    return whole[: len(whole) // 2]


def entry(**changes: Any) -> dict[str, Any]:
    """Return one entry of a response as plain data; a value of None leaves a field out."""
    status = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}
    plain = {"to": PHONE, "status": status, "messageId": "2033912860760522207", **changes}
    return {name: value for name, value in plain.items() if value is not None}


def write(plain: dict[str, Any], wire: str) -> bytes:
    """Return plain data in a wire format; in XML each list wraps elements named message."""
    if wire == "json":
        return json.dumps(plain).encode()

    def grow(name: str, value: Any) -> str:
        if isinstance(value, dict):
            value = "".join(grow(key, part) for key, part in value.items())
        elif isinstance(value, list):
            value = "".join(grow("message", part) for part in value)
        return f"<{name}>{value}</{name}>"

    return grow("smsResponse", plain).encode()


GOOD = {wire: example("documented-response", wire) for wire in TYPES}
OK_IN = {wire: reply(body, 200, TYPES[wire]) for wire, body in GOOD.items()}
OK = OK_IN["json"]


def send(server: Server, **options: Any) -> SmsResponse:
    """Send one request by a client of its own and return the response."""
    with Client(server.url, **{"auth": AUTH, "timeout": NEVER, **options}) as client:
        return client.send(ask())


def fail(kind: type[Failure], server: Server, **options: Any) -> Failure:
    """Send one request by a client of its own and return the error, which is of this very kind."""
    with pytest.raises(kind) as caught:
        send(server, **options)
    assert type(caught.value) is kind
    shown = [repr(caught.value), *traceback.format_exception(caught.value)]
    assert not SHOWN_NOWHERE.search("".join(shown))
    return caught.value
