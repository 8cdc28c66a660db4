"""A server that responds by the scenarios, one for each request.

A request that repeats the one before it belongs to the same scenario, and gets the documented response.
So does every request once all scenarios are over.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from infobip_sms_conformance.client_checks.request import ParsedRequest, parse_request
from infobip_sms_conformance.client_checks.resends import build_request_key
from infobip_sms_conformance.client_run.scenarios import (
    PIECES,
    SCENARIOS,
    Scenario,
    ScriptedResponse,
    build_response,
)
from infobip_sms_conformance.transport.http import get_phrase
from infobip_sms_conformance.transport.http1 import (
    CapturedExchange,
    HttpMessage,
    HttpMessageReader,
    HttpSyntaxError,
)
from infobip_sms_conformance.transport.proxy import CLIENT_LEFT, close

READ_SIZE = 65_536
TRUNCATED = "the response was cut off"


@dataclass
class ScenarioRun:
    """One scenario and the requests that it got."""

    scenario: Scenario
    key: str = ""
    has_message_ids: bool = False
    """Whether the request has messageIds of its own."""
    request_times: list[float] = field(default_factory=list)
    """When the request arrived, and was repeated."""
    responded_at: float = 0.0
    """When the scenario's own response ended."""
    is_client_gone: bool = False
    """Whether the client disconnected before it was complete."""
    first_exchange: CapturedExchange | None = None


class ScenarioServer:
    """The scenarios of a run."""

    def __init__(self, on_exchange: Callable[[CapturedExchange], None]) -> None:
        self._on_exchange = on_exchange
        self._lock = threading.Lock()
        self._count = self._run = 0
        self.scenario_runs: list[ScenarioRun] = []
        self._ended = True

    @property
    def is_finished(self) -> bool:
        """Whether every scenario has had its request."""
        return len(self.scenario_runs) >= len(SCENARIOS)

    def end_run(self) -> None:
        """Give the next request the next scenario: another program sends it."""
        with self._lock:
            self._ended = True
            self._run += 1

    def choose_scenario(self, request: ParsedRequest) -> tuple[ScenarioRun | None, bool]:
        """Return the scenario of a request, and whether this is its first request."""
        key, has_message_ids = build_request_key(request)
        if not request.captured.body:
            key = f"{request.captured.method} {request.captured.target}"
        with self._lock:
            last = self.scenario_runs[-1] if self.scenario_runs else None
            if last and not self._ended and last.key == key and is_repeatable(last):
                last.request_times.append(time.time())
                return last, False
            if len(self.scenario_runs) >= len(SCENARIOS):
                return None, False
            self._ended = False
            scenario_run = ScenarioRun(
                SCENARIOS[len(self.scenario_runs)], key, has_message_ids, [time.time()]
            )
            self.scenario_runs.append(scenario_run)
            return scenario_run, True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        requests = HttpMessageReader()
        try:
            while data := await reader.read(READ_SIZE):
                at = time.time()
                for message in requests.feed(data):
                    if not await self._respond(message, at, reader, writer):
                        return
                if requests.is_waiting_for_100_continue:
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        except HttpSyntaxError:
            return
        finally:
            close(writer)

    async def _respond(
        self,
        message: HttpMessage,
        received_at: float,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Respond to one request; tell whether the connection stays open."""
        with self._lock:
            self._count += 1
            serial = self._count
        method, target, *_ = [*message.start_line.split(" "), "", ""]
        captured = CapturedExchange(
            serial,
            received_at,
            f"http://{message.get_header('host')}",
            method,
            target,
            message.headers,
            message.body,
        )
        captured = replace(captured, run=self._run)
        request = parse_request(captured)
        scenario_run, is_first = self.choose_scenario(request)
        scenario = scenario_run.scenario if scenario_run and is_first else SCENARIOS[0]
        response = build_response(scenario, request)
        problem = await write_response(reader, writer, response)
        sent = (
            None
            if problem == CLIENT_LEFT or response.sent_bytes is not None
            else build_message(response)
        )
        captured = replace(
            captured, response=sent, error=problem, seconds=time.time() - received_at
        )
        if scenario_run and is_first:
            scenario_run.responded_at, scenario_run.first_exchange = time.time(), captured
            scenario_run.is_client_gone = problem == CLIENT_LEFT
        self._on_exchange(captured)
        return not problem


def is_repeatable(scenario_run: ScenarioRun) -> bool:
    """Tell whether the same request again belongs to a scenario.

    After acceptance, one without messageIds may be another message.
    """
    return (
        scenario_run.has_message_ids
        or scenario_run.is_client_gone
        or scenario_run.scenario.kind in {"wait", "unknown"}
    )


def build_message(response: ScriptedResponse) -> HttpMessage:
    """Return a response as a captured message."""
    start = f"HTTP/1.1 {response.status}"
    return HttpMessage(start, tuple(response.headers.items()), response.body)


async def write_response(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, response: ScriptedResponse
) -> str:
    """Write a response as its scenario has it; return why it is incomplete, if so."""
    try:
        if response.delay:
            await wait(reader, response.delay)
        if response.sent_bytes == -1:
            return TRUNCATED
        writer.write(build_head(response))
        pieces = split_body(response)
        while pieces:
            writer.write(pieces.popleft())
            await writer.drain()
            if response.piece_delay and pieces:
                await wait(reader, response.piece_delay)
    except OSError:
        return CLIENT_LEFT
    return TRUNCATED if response.sent_bytes is not None else ""


async def wait(reader: asyncio.StreamReader, seconds: float) -> None:
    """Wait; raise ConnectionError if the client disconnects."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(0.05, left))
        if reader.at_eof() or reader.exception() is not None:
            raise ConnectionResetError


def build_head(response: ScriptedResponse) -> bytes:
    """Return the head of a response."""
    length = ["Transfer-Encoding: chunked"]
    if not response.is_chunked:
        length = [f"Content-Length: {len(response.body)}"]
    fields = [f"{name}: {value}" for name, value in response.headers.items()]
    start = f"HTTP/1.1 {response.status} {get_phrase(response.status)}"
    return "\r\n".join([start, *fields, *length, "", ""]).encode("latin-1")


def split_body(response: ScriptedResponse) -> deque[bytes]:
    """Return the body in the pieces in which it is sent."""
    body = response.body if response.sent_bytes is None else response.body[: response.sent_bytes]
    size = (
        max(1, -(-len(body) // PIECES))
        if response.piece_delay or response.is_chunked
        else len(body) or 1
    )
    pieces = deque(body[n : n + size] for n in range(0, len(body), size))
    if not response.is_chunked:
        return pieces
    chunked = deque(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    chunked.append(b"0\r\n\r\n")
    return chunked
