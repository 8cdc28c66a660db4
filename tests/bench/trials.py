"""What is measured: codecs of both formats at several sizes, whole calls, growth, memory."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import orjson
import urllib3

from infobip_sms import ApiKey, Client, SmsRequest, SmsResponse
from infobip_sms.codecs import wire_json, wire_xml, xml_reference
from tests.bench import by_hand
from tests.bench.costs import measure_peak
from tests.bench.documents import build_destinations, build_messages, build_reply
from tests.bench.peers import peers_json, peers_xml
from tests.bench.peers.official import Official
from tests.bench.peers.peers_json import OURS
from tests.bench.timing import Figure, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SLOWEST = "xmlschema (our run-time engine)"
SLOW = {SLOWEST, "xsdata", "pydantic-xml"}
MAKE = "Models: make"
GREATEST = 1_000  # messages that slow peers are given


@attrs.frozen
class Row:
    """One figure."""

    work: str
    size: str
    peer: str
    figure: Figure
    noise: float = 1.0
    """The spread of the machine right after it was measured (noise.py)."""
    memory: float | None = None
    """MiB that a program holds at most."""


def build_sizes(*, quick: bool) -> dict[str, tuple[int, SmsRequest]]:
    """Return the requests that are measured, by what they are called, and how many they go to."""
    sizes = {"1 message": (1, build_messages(1)), "1,000 messages": (1_000, build_messages(1_000))}
    if not quick:
        sizes["10,000 messages"] = (10_000, build_messages(10_000))
        sizes["10,000 destinations"] = (10_000, build_destinations(10_000))
    return sizes


def measure_json(rounds: int, *, quick: bool) -> Iterator[Row]:
    """Measure models made, and JSON: requests and responses read, requests written."""
    yield from _measure(MAKE, "1,000 messages", 1_000, peers_json.find_builders(1_000), rounds)
    for size, (count, request) in build_sizes(quick=quick).items():
        body, response = wire_json.dump_model(request), wire_json.dump_model(build_reply(count))
        work = peers_json.find_decoders(body, reply=False)
        work[OURS] = partial(wire_json.parse_request, body, SmsRequest)
        yield from _measure("JSON: read a request", size, count, work, rounds)
        work = peers_json.find_decoders(response, reply=True)
        work |= by_hand.find_readers(response) if size == "1,000 messages" else {}
        work[OURS] = partial(wire_json.parse_response, response, SmsResponse)
        yield from _measure("JSON: read a response", size, count, work, rounds)
        work = peers_json.find_encoders(body)
        work |= by_hand.find_writers(body) if size == "1,000 messages" else {}
        work[OURS] = partial(wire_json.dump_model, request)
        yield from _measure("JSON: write a request", size, count, work, rounds)


def measure_xml(rounds: int, *, quick: bool) -> Iterator[Row]:
    """Measure XML: requests read and written."""
    for size, (count, request) in build_sizes(quick=quick).items():
        body = wire_xml.dump_model(request)
        work = peers_xml.find_decoders(body)
        work[SLOWEST] = partial(xml_reference.parse_request, body, SmsRequest)
        work[OURS] = partial(wire_xml.parse_request, body, SmsRequest)
        yield from _measure("XML: read a request", size, count, work, rounds)
        work = peers_xml.find_encoders(body)
        work[SLOWEST] = partial(xml_reference.dump_model, request)
        work[OURS] = partial(wire_xml.dump_model, request)
        yield from _measure("XML: write a request", size, count, work, rounds)


def _measure(
    what: str, size: str, count: int, work: dict[str, Callable[[], Any]], rounds: int
) -> Iterator[Row]:
    chosen = {name: do for name, do in work.items() if count <= GREATEST or name not in SLOW}
    for name, figure in measure(chosen, rounds).items():
        yield Row(what, size, name, figure)


def measure_growth(rounds: int) -> Iterator[Row]:
    """Measure our codecs at growing sizes, for each destination, the least size being 1; and orjson alone."""
    counts = (1_000, 10_000, 40_000, 100_000)
    requests = {count: build_destinations(count) for count in counts}
    bodies = {count: wire_json.dump_model(request) for count, request in requests.items()}
    for wire, codec in (("JSON", wire_json), ("XML", wire_xml)):
        for what in ("read", "write"):
            title = f"{wire}: {what}, time for each destination"
            work = {count: _choose(codec, what, request) for count, request in requests.items()}
            yield from _measure_growth(title, OURS, work, rounds)
            if (wire, what) == ("JSON", "read"):
                alone = {count: partial(orjson.loads, body) for count, body in bodies.items()}
                yield from _measure_growth(title, "orjson alone", alone, rounds)


def _measure_growth(
    title: str, peer: str, work: Mapping[int, Callable[[], Any]], rounds: int
) -> Iterator[Row]:
    figures = measure({f"{count:,}": do for count, do in work.items()}, rounds)
    least = min(work)
    for count, (size, figure) in zip(work, figures.items(), strict=True):
        each = tuple(ratio * least / count for ratio in figure.ratios)
        yield Row(title, size, peer, attrs.evolve(figure, ratios=each))


def _choose(codec: Any, what: str, request: SmsRequest) -> Callable[[], Any]:
    body = codec.dump_model(request)
    if what == "read":
        return partial(codec.parse_request, body, SmsRequest)
    return partial(codec.dump_model, request)


def measure_memory() -> dict[str, float]:
    """Return the peak of a request to 10,000 destinations beside its models, in its sizes on the wire."""
    request = build_destinations(10_000)
    found = {}
    for wire, codec in (("JSON", wire_json), ("XML", wire_xml)):
        size = len(codec.dump_model(request))
        peak = measure_peak(partial(codec.dump_model, request))
        found[f"{wire}: write 10,000 destinations"] = round(peak / size, 2)
        read = partial(codec.parse_request, codec.dump_model(request), SmsRequest)
        peak = measure_peak(read, without_result=True)
        found[f"{wire}: read 10,000 destinations"] = round(peak / size, 2)
    return found


# ---------------------------------------------------------------- whole calls


@contextmanager
def serve_replies(many: int = 1_000) -> Iterator[str]:
    """Run the static server; give its URL.

    many: destinations of the response to a request over 16 KiB.
    """
    responses = {
        f"{wire} {size}": codec.dump_model(build_reply(count)).decode()
        for wire, codec in (("json", wire_json), ("xml", wire_xml))
        for size, count in (("one", 1), ("many", many))
    }
    command = [sys.executable, "-m", "tests.bench.static_server"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None, "a pipe"
        assert process.stdout is not None, "a pipe"
        process.stdin.write(json.dumps(responses) + "\n")
        process.stdin.flush()
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def measure_calls(rounds: int, *, quick: bool) -> Iterator[Row]:
    """Measure whole calls over loopback, urllib3 with a body made beforehand being 1."""
    with serve_replies() as url:
        for size, (count, request) in build_sizes(quick=True).items():
            yield from _measure(
                "Whole call",
                size,
                count,
                _build_calls(url, request),
                rounds * (1 + 3 * (count == 1)),
            )
        if not quick:
            yield from _measure_official(url, rounds)


def _build_calls(url: str, request: SmsRequest) -> dict[str, Callable[[], Any]]:
    pool = urllib3.connection_from_url(url)
    body = wire_json.dump_model(request)
    media = "application/json"
    headers = {
        "Authorization": "App key",
        "Accept": media,
        "Content-Type": media,
        "User-Agent": "x",
    }
    clients = {
        "infobip-sms, JSON": Client(url, auth=ApiKey("key")),
        "infobip-sms, XML": Client(url, auth=ApiKey("key"), wire="xml"),
        "infobip-sms, XML by xmlschema": Client(
            url, auth=ApiKey("key"), wire="xml", xml_engine="xmlschema"
        ),
    }
    stock, kind = peers_json.make_stock(), peers_json.ARequest
    model = stock.loads(body, kind)

    def post(body: bytes) -> bytes:
        return pool.urlopen("POST", "/sms/2/text/advanced", body=body, headers=headers).data

    work: dict[str, Callable[[], Any]] = {
        "urllib3 with a static body": lambda: post(body),
        "urllib3 + stock cattrs + orjson": lambda: stock.loads(
            post(stock.dumps(model)), peers_json.AReply
        ),
    }
    return work | {name: partial(client.send, request) for name, client in clients.items()}


def _measure_official(url: str, rounds: int) -> Iterator[Row]:
    """Measure the official client beside ours: each round, each in its own process."""
    request = build_messages(1_000)
    bodies = {
        "many": wire_json.dump_model(request).decode(),
        "response many": wire_json.dump_model(build_reply(1_000)).decode(),
    }
    client, official = Client(url, auth=ApiKey("key")), Official(url, bodies)
    ours: dict[str, Callable[[], Any]] = {
        "send many": lambda: client.send(request),
        "read many": lambda: wire_json.parse_request(bodies["many"].encode(), SmsRequest),
        "read response many": lambda: wire_json.parse_response(
            bodies["response many"].encode(), SmsResponse
        ),
        "write many": lambda: wire_json.dump_model(request),
    }
    for what, do in ours.items():
        mine, theirs = [], []
        official.perform(what, 1)
        for _ in range(rounds):
            own = measure({OURS: do}, 1)[OURS]
            mine.append((own.cpu[0], own.wall[0]))
            theirs.append(official.perform(what, 1))
        figure = Figure.of(theirs, mine)
        yield Row(
            f"Beside the official client: {what} (ours = 1)",
            "1,000 messages",
            "official 4.0.0",
            figure,
        )
    official.close()
