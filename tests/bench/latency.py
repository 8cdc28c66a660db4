"""How long one response takes over a kept connection: servers beside a bare asyncio server, and the client."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import urllib3

from infobip_sms import ApiKey, Client, Message
from infobip_sms.codecs import wire_json
from tests.bench.costs import LATENCY, ONE_REQUEST, TO_BARE, TO_SANDBOX
from tests.bench.documents import build_reply
from tests.bench.timing import measure
from tests.bench.trials import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BARE = "bare asyncio server"
_PROGRAM = (sys.executable, "-m", "infobip_sms")
_PATH = "/sms/2/text/advanced"
_SEND = b'{"messages":[{"destinations":[{"to":"41793026727"}],"text":"Hello"}]}'
_HEADERS = {"Authorization": "App key", "Content-Type": "application/json"}
_REPORT = b'{"results":[{"messageId":"a","to":"41793026727"}]}'


def measure_latency(rounds: int) -> Iterator[Row]:
    """Measure one request and its response; those of a bare asyncio server are 1."""
    with ExitStack() as stack:
        figures = measure(_build_work(stack), rounds, least=0.05)
    for name, figure in figures.items():
        yield Row(LATENCY, ONE_REQUEST, name, figure)


def _build_work(stack: ExitStack) -> dict[str, Callable[[], Any]]:
    bare = stack.enter_context(run_server(sys.executable, "-m", __name__))
    sandbox = stack.enter_context(
        run_server(*_PROGRAM, "sandbox", "--port", "0", "--api-key", "key")
    )
    receiver = stack.enter_context(run_server(*_PROGRAM, "listen", "--port", "0"))
    message = Message(destinations="41793026727", text="Hello")

    def connect(port: int, path: str, body: bytes) -> Callable[[], Any]:
        sock = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        return partial(_exchange, sock, _build_request(path, body))

    def make_client(port: int) -> Callable[[], Any]:
        client = Client(f"http://127.0.0.1:{port}", auth=ApiKey("key"))
        return partial(stack.enter_context(client).send, message)

    def make_pool(port: int) -> Callable[[], Any]:
        pool = stack.enter_context(urllib3.HTTPConnectionPool("127.0.0.1", port))
        return partial(pool.request, "POST", _PATH, body=_SEND, headers=_HEADERS)

    def make_connection(port: int) -> Callable[[], Any]:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        stack.callback(connection.close)

        def call() -> bytes:
            connection.request("POST", _PATH, _SEND, _HEADERS)
            return connection.getresponse().read()

        return call

    return {
        BARE: connect(bare, _PATH, _SEND),
        "sandbox": connect(sandbox, _PATH, _SEND),
        "listen": connect(receiver, "/", _REPORT),
        **{
            names[caller]: make(port)
            for caller, make in enumerate((make_client, make_pool, make_connection))
            for names, port in ((TO_BARE, bare), (TO_SANDBOX, sandbox))
        },
    }


@contextmanager
def run_server(*command: str) -> Iterator[int]:
    """Run a server; give the port in its first line."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout is not None, "a pipe"
        try:
            yield _find_port(process.stdout.readline())
        finally:
            process.terminate()
            process.stdout.read()


def _find_port(line: str) -> int:
    digits = line.partition("127.0.0.1:")[2] or line
    return int("".join(c if c.isdigit() else " " for c in digits).split()[0])


def _build_request(path: str, body: bytes) -> bytes:
    lines = (
        *(f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Authorization: App key"),
        *("Content-Type: application/json", f"Content-Length: {len(body)}", "", ""),
    )
    return "\r\n".join(lines).encode() + body


def _exchange(sock: socket.socket, request: bytes) -> None:
    """Send a request, and receive its whole response."""
    sock.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        received += _receive(sock)
    head, _, rest = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(rest) < length:
        rest += _receive(sock)


def _receive(sock: socket.socket) -> bytes:
    piece = sock.recv(2**16)
    assert piece, "the server closed the connection"
    return piece


async def _respond(
    response: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Give the same response to each request, which is read by the length in its head."""
    with suppress(asyncio.IncompleteReadError):  # the client has gone
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
            json.loads(await reader.readexactly(length))
            writer.write(response)
            await writer.drain()
    writer.close()


async def serve() -> None:
    """Run the bare server until it is ended."""
    body = wire_json.dump_model(build_reply(1))
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    server = await asyncio.start_server(partial(_respond, head.encode() + body), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
