"""Servers that violate HTTP or never finish a response, each in one way.

python not_http.py MANNER
"""

import socket
import sys
import time
from collections.abc import Iterator

YES = (
    b'{"bulkId":"1","messages":[{"to":"41793026727","messageId":"1","status":{"groupId":1,'
    b'"groupName":"PENDING","id":26,"name":"PENDING_ACCEPTED","description":"Yes"}}]}'
)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"


def build_manners() -> dict[str, Iterator[bytes]]:
    """Return the bytes that each manner sends, until the client disconnects."""
    return {
        "hangs-up": iter(()),
        "not-http": iter([b"220 mail.example.com ESMTP\r\n"]),
        "silent": dribble(b"", b""),
        "dribbles-header": dribble(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n"),
        "dribbles-body": dribble(HEAD, b" "),
        "endless": repeat(HEAD, b"[" * 65536),
        "binary": iter([HEAD, bytes(range(256))]),
        "deep": iter([HEAD, b'{"messages":' + b"[" * 100_000]),
        "not-a-reply": iter([HEAD, b'{"messages": {"to": 1}}']),
        "yes": iter([HEAD, YES]),
        "half": iter([HEAD.replace(b"\r\n\r\n", b"\r\nContent-Length: 1000\r\n\r\n"), b"{"]),
    }


def dribble(first: bytes, then: bytes) -> Iterator[bytes]:
    """Yield a few bytes every half second."""
    yield first
    while True:
        time.sleep(0.5)
        yield then


def repeat(first: bytes, then: bytes) -> Iterator[bytes]:
    """Yield the same bytes without end."""
    yield first
    while True:
        yield then


def read_request(connection: socket.socket) -> None:
    """Read a whole request, so that closing the connection does not reset it."""
    with connection.makefile("rb") as file:
        length = 0
        for line in iter(file.readline, b"\r\n"):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        file.read(length)


def serve(connection: socket.socket, manner: str) -> None:
    """Read a request, then misbehave."""
    with connection:
        try:
            read_request(connection)
            for piece in build_manners()[manner]:
                connection.sendall(piece)
        except OSError:
            return


def main() -> None:
    """Serve one connection after the other until ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            serve(listener.accept()[0], sys.argv[1])


if __name__ == "__main__":
    main()
