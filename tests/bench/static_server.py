"""A server that answers every request with bytes that it was given, as fast as Python can.

python -m tests.bench.static_server      JSON on standard input: responses by media type; prints its port
"""

from __future__ import annotations

import json
import socket
import sys
import threading


def serve(connection: socket.socket, replies: dict[str, bytes]) -> None:
    """Answer the requests of one connection: in XML what accepts XML, and by the number of its bytes."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    waiting = b""
    while True:
        while b"\r\n\r\n" not in waiting:
            piece = connection.recv(2**18)
            if not piece:
                return
            waiting += piece
        head, _, waiting = waiting.partition(b"\r\n\r\n")
        low = head.lower()
        length = int(low.partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(waiting) < length:
            waiting += connection.recv(2**18)
        waiting = waiting[length:]
        wire = "xml" if b"application/xml" in low else "json"
        size = "many" if length > 2**14 else "one"
        body = replies[f"{wire} {size}"]
        lines = f"HTTP/1.1 200 OK\r\nContent-Type: application/{wire}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(lines.encode() + body)


def main() -> None:
    """Serve until standard input ends."""
    responses = {name: body.encode() for name, body in json.loads(sys.stdin.readline()).items()}
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, responses), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
