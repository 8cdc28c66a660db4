"""Between a client and a server: every byte goes on as it came, in both directions, as soon as it came.

What passes is read on the way, and never held back for it: what cannot be read passes as well. One thing
is altered, and only where the server is on another machine: the field Host, which would name this one.

Lives here: the two connections of each client, and the exchanges that pass.
Never here: a judgement; what is kept of an exchange.
"""

import asyncio
import contextlib
import re
import ssl
import time
from collections import deque
from collections.abc import Callable
from itertools import count

from infobip_sms_conformance.transport.http import Target
from infobip_sms_conformance.transport.http1 import (
    FIRST_FINAL,
    SWITCHING,
    Heard,
    Message,
    Reader,
    Unreadable,
)

PIECE = 65_536
SECONDS_TO_CONNECT = 10.0
HOST = re.compile(rb"(\r\nhost:)[^\r]*", re.IGNORECASE)
UNREACHABLE = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
GONE = "the client left before the reply was complete"
LOST = "the server closed the connection before the reply was complete"
Hear = Callable[[Heard], None]


class Conversation:
    """What passes on one connection of a client: requests, each with its reply."""

    def __init__(self, base: str, numbers: "count[int]", hear: Hear) -> None:
        self._base, self._numbers, self._hear = base, numbers, hear
        self._asked: deque[tuple[int, float, Message]] = deque()
        self._methods: deque[str] = deque()
        self._requests, self._replies = Reader(), Reader(self._methods)
        self._began = 0.0
        self._opaque = False
        self.left = False
        """Whether the client has ended its side."""

    @property
    def is_waiting(self) -> bool:
        """Whether a request has no reply yet."""
        return bool(self._asked)

    def take_sent(self, data: bytes) -> list[Message]:
        """Read what the client sent; return the requests that are complete by it."""
        if self._opaque:
            return []
        if not self._requests.is_within:
            self._began = time.time()
        try:
            found = self._requests.feed(data)
        except Unreadable:
            self._opaque = True
            return []
        for message in found:
            self._asked.append((next(self._numbers), self._began, message))
            self._methods.append(message.start.split(" ")[0])
            self._began = time.time()
        return found

    def take_answered(self, data: bytes) -> None:
        """Read what the server sent."""
        if self._opaque:
            return
        try:
            for message in self._replies.feed(data):
                self._pair(message)
        except Unreadable:
            self._opaque = True

    def end(self, problem: str = LOST) -> None:
        """Give the exchanges that were not completed."""
        problem = GONE if self.left else problem
        last = None if self._opaque else self._replies.end()
        if last is not None:
            self._pair(last, "" if last.whole else problem)
        while self._asked:
            self._tell(None, problem)

    def _pair(self, reply: Message, problem: str = "") -> None:
        if reply.status == SWITCHING:
            self._opaque = True
        if reply.status < FIRST_FINAL or not self._asked:  # such as 100 Continue
            return
        self._tell(reply, problem)

    def _tell(self, reply: Message | None, problem: str) -> None:
        number, at, request = self._asked.popleft()
        if self._methods:
            self._methods.popleft()
        method, target, *_ = [*request.start.split(" "), "", ""]
        seconds = time.time() - at
        asked = (method, target, request.headers, request.body)
        self._hear(Heard(number, at, self._base, *asked, reply, problem, seconds))


class Relay:
    """Hands on what clients send to a server, and what it answers."""

    def __init__(self, upstream: Target, hear: Hear) -> None:
        self._upstream, self._hear = upstream, hear
        self._numbers = count(1)
        self._context = ssl.create_default_context() if upstream.scheme == "https" else None
        port = f":{upstream.port}" if str(upstream.port) in str(upstream) else ""
        self._host = None if upstream.is_loopback else f"{upstream.host}{port}".encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a client to its end."""
        talk = Conversation(str(self._upstream), self._numbers, self._hear)
        try:
            server = await self._connect()
        except (OSError, TimeoutError):
            await refuse(reader, writer, talk)
            return
        there = server[1]
        ways = [
            asyncio.ensure_future(self._send(reader, there, talk)),
            asyncio.ensure_future(self._answer(server[0], writer, talk)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            talk.end()
            close(writer)
            close(there)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target = self._upstream
        opening = asyncio.open_connection(target.host, target.port, ssl=self._context)
        return await asyncio.wait_for(opening, SECONDS_TO_CONNECT)

    async def _send(
        self, reader: asyncio.StreamReader, there: asyncio.StreamWriter, talk: Conversation
    ) -> None:
        while data := await self._read(reader, talk):
            if self._host is None:
                there.write(data)
                talk.take_sent(data)
            else:
                for message in talk.take_sent(data):
                    there.write(HOST.sub(rb"\1 " + self._host, message.raw, count=1))
            await there.drain()
        if there.can_write_eof() or not talk.is_waiting:
            finish(there)

    async def _read(self, reader: asyncio.StreamReader, talk: Conversation) -> bytes:
        try:
            data = await reader.read(PIECE)
        except OSError:
            talk.left = True
            raise
        talk.left = not data
        return data

    async def _answer(
        self, server: asyncio.StreamReader, writer: asyncio.StreamWriter, talk: Conversation
    ) -> None:
        while data := await server.read(PIECE):
            writer.write(data)
            talk.take_answered(data)
            await writer.drain()
        talk.end()
        finish(writer)


async def refuse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, talk: Conversation
) -> None:
    """Answer a request whose server cannot be reached."""
    with contextlib.suppress(OSError):
        while not talk.take_sent(data := await reader.read(PIECE)) and data:
            continue
        writer.write(UNREACHABLE)
        await writer.drain()
    talk.end("the server cannot be reached")
    close(writer)


def finish(writer: asyncio.StreamWriter) -> None:
    """Say that nothing more will come; TLS cannot say that without ending both ways."""
    with contextlib.suppress(OSError):
        writer.write_eof() if writer.can_write_eof() else writer.close()


def close(writer: asyncio.StreamWriter) -> None:
    """Close a connection."""
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
