"""In place of a server: the scenarios, one for each request, and what clients made of them.

A request that repeats the one before it belongs to the same scenario, and gets the documented answer.
So does every request once all scenarios are over.

Lives here: which request gets which answer; the answers on the wire; the takings of each scenario.
Never here: what an answer is made of (scenarios.py); whether a program ended well.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from infobip_sms_conformance.client_checks.request import Paper, read_paper
from infobip_sms_conformance.client_checks.resends import build_key
from infobip_sms_conformance.client_run.scenarios import (
    PIECES,
    SCENARIOS,
    Reply,
    Scenario,
    build_reply,
)
from infobip_sms_conformance.transport.http import find_phrase
from infobip_sms_conformance.transport.http1 import Heard, Message, Reader, Unreadable
from infobip_sms_conformance.transport.proxy import GONE, close

PIECE = 65_536
CUT = "the answer was broken off"


@dataclass
class Taking:
    """What came of one scenario."""

    scenario: Scenario
    key: str = ""
    named: bool = False
    """Whether the request has messageIds of its own."""
    sent: list[float] = field(default_factory=list)
    """When the request came, and came again."""
    answered: float = 0.0
    """When the scenario's own answer ended."""
    left: bool = False
    """Whether the client left before it was complete."""
    first: Heard | None = None


class Script:
    """The scenarios of a run."""

    def __init__(self, hear: Callable[[Heard], None]) -> None:
        self._hear = hear
        self._lock = threading.Lock()
        self._count = self._run = 0
        self.takings: list[Taking] = []
        self._ended = True

    @property
    def is_over(self) -> bool:
        """Whether every scenario has had its request."""
        return len(self.takings) >= len(SCENARIOS)

    def end_run(self) -> None:
        """Take the next request for one of the next scenario: another program sends it."""
        with self._lock:
            self._ended = True
            self._run += 1

    def choose(self, paper: Paper) -> tuple[Taking | None, bool]:
        """Return the scenario of a request, and whether this is its first request."""
        key, named = build_key(paper)
        if not paper.heard.body:
            key = f"{paper.heard.method} {paper.heard.target}"
        with self._lock:
            last = self.takings[-1] if self.takings else None
            if last and not self._ended and last.key == key and may_repeat(last):
                last.sent.append(time.time())
                return last, False
            if len(self.takings) >= len(SCENARIOS):
                return None, False
            self._ended = False
            taking = Taking(SCENARIOS[len(self.takings)], key, named, [time.time()])
            self.takings.append(taking)
            return taking, True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a client to its end."""
        requests = Reader()
        try:
            while data := await reader.read(PIECE):
                at = time.time()
                for message in requests.feed(data):
                    if not await self._answer(message, at, reader, writer):
                        return
                if requests.expects:
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        except Unreadable:
            return
        finally:
            close(writer)

    async def _answer(
        self,
        message: Message,
        at: float,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer one request; tell whether the connection stays."""
        with self._lock:
            self._count += 1
            number = self._count
        method, target, *_ = [*message.start.split(" "), "", ""]
        asked = Heard(
            number,
            at,
            f"http://{message.find('host')}",
            method,
            target,
            message.headers,
            message.body,
        )
        asked = replace(asked, run=self._run)
        paper = read_paper(asked)
        taking, first = self.choose(paper)
        scenario = taking.scenario if taking and first else SCENARIOS[0]
        reply = build_reply(scenario, paper)
        problem = await write_reply(reader, writer, reply)
        said = None if problem == GONE or reply.sent is not None else build_message(reply)
        heard = replace(asked, reply=said, problem=problem, seconds=time.time() - at)
        if taking and first:
            taking.answered, taking.left, taking.first = time.time(), problem == GONE, heard
        self._hear(heard)
        return not problem


def may_repeat(taking: Taking) -> bool:
    """Tell whether the same request again belongs to a scenario.

    After a good answer one without messageIds may as well be meant to be another.
    """
    return taking.named or taking.left or taking.scenario.kind in {"wait", "lost"}


def build_message(reply: Reply) -> Message:
    """Return an answer as what is listened to has it."""
    start = f"HTTP/1.1 {reply.status}"
    return Message(start, tuple(reply.headers.items()), reply.body)


async def write_reply(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: Reply
) -> str:
    """Write an answer as its scenario has it; return why the client has not got it, if so."""
    try:
        if reply.delay:
            await wait(reader, reply.delay)
        if reply.sent == -1:
            return CUT
        writer.write(build_head(reply))
        pieces = cut_body(reply)
        while pieces:
            writer.write(pieces.popleft())
            await writer.drain()
            if reply.pause and pieces:
                await wait(reader, reply.pause)
    except OSError:
        return GONE
    return CUT if reply.sent is not None else ""


async def wait(reader: asyncio.StreamReader, seconds: float) -> None:
    """Wait; ConnectionError when the client leaves meanwhile."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(0.05, left))
        if reader.at_eof() or reader.exception() is not None:
            raise ConnectionResetError


def build_head(reply: Reply) -> bytes:
    """Return the head of an answer."""
    length = ["Transfer-Encoding: chunked"]
    if not reply.chunked:
        length = [f"Content-Length: {len(reply.body)}"]
    fields = [f"{name}: {value}" for name, value in reply.headers.items()]
    start = f"HTTP/1.1 {reply.status} {find_phrase(reply.status)}"
    return "\r\n".join([start, *fields, *length, "", ""]).encode("latin-1")


def cut_body(reply: Reply) -> deque[bytes]:
    """Return the body in the pieces in which it is sent."""
    body = reply.body if reply.sent is None else reply.body[: reply.sent]
    size = max(1, -(-len(body) // PIECES)) if reply.pause or reply.chunked else len(body) or 1
    pieces = deque(body[n : n + size] for n in range(0, len(body), size))
    if not reply.chunked:
        return pieces
    chunked = deque(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    chunked.append(b"0\r\n\r\n")
    return chunked
