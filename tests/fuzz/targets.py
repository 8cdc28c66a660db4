"""Everything that reads bytes from outside, each as one function of a body, with the errors it may raise."""

from __future__ import annotations

import asyncio
import gzip
import io
import socket
import tempfile
from collections import deque
from contextlib import closing, suppress
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import h11
from infobip_sms_conformance.client_run.collector import TrafficCollector
from infobip_sms_conformance.client_run.har_input import read_har
from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.observations.responses import (
    UnreadableResponseError,
    parse_send_response,
)
from infobip_sms_conformance.observations.tolerant_reader import parse_tolerant
from infobip_sms_conformance.transport.http1 import (
    CapturedExchange,
    HttpMessage,
    HttpMessageReader,
    HttpSyntaxError,
)
from infobip_sms_conformance.transport.proxy import replace_host
from infobip_sms_schema import ErrorResponse, SmsLogs, SmsRequest, SmsRequestV1, SmsResponse
from urllib3.exceptions import HTTPError

from infobip_sms import (
    DeliveryReport,
    InvalidRequestError,
    InvalidResponseError,
    JournalError,
    Message,
    ReportStore,
    ReportStoreError,
)
from infobip_sms.cli.base.framework import InvalidInputError
from infobip_sms.cli.send.csv_table import decode_csv, parse_csv
from infobip_sms.codecs import get_codec, xml_reference
from infobip_sms.sandbox.state.data_file import DataFile, DataFileError
from infobip_sms.send_many.journal import Journal
from infobip_sms.send_many.outcomes import QueuedDestination, Resolution
from infobip_sms.transport.responses import FinalResponse, read_response
from infobip_sms.webhook_server import WebhookServer, _Connection
from infobip_sms.webhooks import parse_delivery_reports
from tests.sandbox.lifecycle.virtual_sandbox import CALLBACK, Bench

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "schema" / "examples"
PATH = "/sms/2/text/advanced"
Corpus = tuple[bytes, ...]
HAR = b"""{"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": [
 {"startedDateTime": "2026-05-04T12:00:00.000Z", "time": 5, "request": {"method": "POST",
  "url": "http://127.0.0.1/sms/2/text/advanced", "httpVersion": "HTTP/1.1", "headers": [
   {"name": "Content-Type", "value": "application/json"}], "queryString": [], "cookies": [],
  "headersSize": -1, "bodySize": 2, "postData": {"mimeType": "application/json", "text": "{}"}},
  "response": {"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "headers": [],
  "cookies": [], "content": {"size": 2, "mimeType": "application/json", "text": "{}"},
  "redirectURL": "", "headersSize": -1, "bodySize": 2}, "cache": {}, "timings": {}}]}}"""
REPORT = b'{"results":[{"messageId":"a","to":"41793026727"}]}'
HTTP_REQUESTS = (
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 52\r\n\r\n"
    + REPORT * 2,
    b"POST /a?b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    b"34;a=b\r\n" + REPORT + b"\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.0\r\n\r\n",
)
HTTP_RESPONSES = (
    (
        b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\nX: a\r\nX: b\r\n\r\n{}"
    ),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, deflate\r\nConnection: close\r\n\r\n"
    + gzip.compress(b"{}"),
    b"HTTP/1.0 204 No Content\r\n\r\n",
)
CSV = b'to;name;text\n41793026727;Anna;"Hello; you"\n41793026728;Bo;x\n'


@attrs.frozen
class Target:
    """One reader: what it reads, and which exceptions say that the input is bad."""

    name: str
    read: Callable[[bytes], Any]
    corpus: Callable[[], Corpus]
    allowed: tuple[type[Exception], ...]
    rate: float = 4e-6
    """Seconds of processor time for a byte that are suspicious, beside 0.2 s for anything."""


def read_examples(suffix: str) -> Corpus:
    """Return the examples of one format."""
    return tuple(path.read_bytes() for path in sorted(EXAMPLES.glob(f"*.{suffix}")))


def in_file(name: str, use: Callable[[Path], Any]) -> Callable[[bytes], Any]:
    """Return a reader of bytes that wants a file."""

    def read(body: bytes) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(body)
            return use(path)

    return read


def open_journal(path: Path) -> None:
    """Open a journal, and look at what it knows."""
    journal = Journal(path)
    try:
        list(journal.read_rows())
        journal.require_complete_input(1_000_000)
    finally:
        journal.close()


def open_data_file(path: Path) -> None:
    """Open a data file of the sandbox, and load it."""
    file = DataFile(path)
    try:
        file.load()
    finally:
        file.close()


def open_report_store(path: Path) -> None:
    """Open a file of reports, and do everything that is done with it."""
    with ReportStore(path, create=False) as store:
        for name in store.read_message_ids():
            store.find_report(name)
        for _ in range(9):
            if queued := store.claim_due(5.0):
                store.mark_forwarded(queued.serial)
        store.find_next_due()


def build_digest(journal: Journal, number: int) -> bytes:
    """Return the digest of a place."""
    return journal.message_ids.build_digest("text", str(number), "")


def fill_journal(path: Path) -> None:
    """Make a journal with places, marks and verdicts."""
    journal = Journal(path)
    message = Message(destinations=["41793026727"], text="Hi")
    items = [
        QueuedDestination(n, message, message.destinations[0], True, build_digest(journal, n))
        for n in range(5)
    ]
    journal.load_records(items)
    journal.mark_started([item.index for item in items], 1.0)
    journal.record({0: Resolution(state="accepted", reason="fine", bulk_id="b")})
    journal.close()


def fill_data_file(path: Path) -> None:
    """Make a data file with every kind of row."""
    with closing(DataFile(path, "seed")) as file:
        virtual = Bench()
        virtual.state = file.load()
        for number in ("41793026727", "9990010000005"):
            text = "See http://example.com/x"
            virtual.send(number, text=text, notifyUrl=CALLBACK, tracking={"track": "URL"})
        virtual.send("41", text="Later", sendAt="2037-01-01T00:00:00Z", bulkId="b")
        virtual.wait(seconds=30)
        file.save(virtual.state)


def fill_report_store(path: Path) -> None:
    """Make a file with reports, some of them due."""
    with ReportStore(path) as store:
        for number in range(5):
            report = DeliveryReport(message_id=f"m{number}", to="41793026727", text="Hi")
            store.add([report], due=1.0 if number % 2 else None)


def build_file(make: Callable[[Path], Any]) -> Callable[[], Corpus]:
    """Return the bytes of a good file."""

    def build() -> Corpus:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            make(path)
            return (path.read_bytes(),)

    return build


class Played:
    """The part of a socket that a response is read from."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def makefile(self, _: str) -> io.BytesIO:
        """Return all that the server sent."""
        return io.BytesIO(self._body)


def read_http_response(body: bytes) -> None:
    """Read a response as the client does."""
    response = FinalResponse(Played(body), method="POST")  # type: ignore[arg-type] # as much as it uses
    try:
        response.begin()
        read_response(response)
    finally:
        response.close()


def read_http_request(body: bytes) -> None:
    """Read requests as listen does, from a connection that is closed after them."""

    async def serve() -> None:
        server = WebhookServer("127.0.0.1", 0, lambda _: None, lambda _: None)
        ours, theirs = socket.socketpair()
        with server, theirs:
            theirs.setblocking(False)
            reader = asyncio.StreamReader()
            reader.feed_data(body)
            reader.feed_eof()
            _, writer = await asyncio.open_connection(sock=ours)
            await _Connection(server, reader, writer).run()
            writer.transport.abort()

    asyncio.run(serve())


def read_passing_http(body: bytes) -> None:
    """Read what passes through the suite's proxy, both ways."""
    for reader in (HttpMessageReader(), HttpMessageReader(deque(["POST", "HEAD"]))):
        with suppress(HttpSyntaxError):
            reader.feed(body)
            reader.feed_eof()
    replace_host(body, b"127.0.0.1:1")


def read_suite(body: bytes) -> None:
    """Read a response as the suite does, in every way."""
    try:
        parse_send_response(body)
    finally:
        parse_tolerant(body, "SmsLogs")


def check_client(body: bytes, wire: str) -> None:
    """Check a request and its response as the suite checks those of a client, and show what is found."""
    headers = (("Content-Type", f"application/{wire}"),)
    response = HttpMessage("HTTP/1.1 200 OK", headers, body)
    collector = TrafficCollector(check_responses=True)
    collector.add(
        CapturedExchange(1, 0.0, "http://127.0.0.1:1", "POST", PATH, headers, body, response)
    )
    collector.build_result("x", "client")


def parse_table(body: bytes) -> None:
    """Read a CSV file as the command line does."""
    parse_csv(decode_csv(body, "The CSV", None))


REQUEST = (InvalidRequestError,)
RESPONSE = (InvalidResponseError, InvalidRequestError)
TARGETS = [
    *(
        Target(
            f"{way}-{kind.__name__}-{wire}",
            lambda body, wire=wire, kind=kind, way=way: getattr(  # type: ignore[misc]  # defaults
                get_codec(wire), f"parse_{way}"
            )(body, kind),
            lambda wire=wire: read_examples(wire),  # type: ignore[misc]  # likewise
            REQUEST if way == "request" else RESPONSE,
        )
        for wire in ("json", "xml")
        for way, kind in (
            ("request", SmsRequest),
            ("request", SmsRequestV1),
            ("response", SmsResponse),
            ("response", SmsLogs),
            ("response", ErrorResponse),
        )
    ),
    Target(
        "reference-xml",
        lambda body: xml_reference.parse_request(body, SmsRequest),
        lambda: read_examples("xml"),
        REQUEST,
        rate=40e-6,
    ),
    *(
        Target(
            f"webhook-{wire}",
            lambda body, wire=wire: parse_delivery_reports(body, f"application/{wire}"),  # type: ignore[misc]
            lambda wire=wire: read_examples(wire),  # type: ignore[misc]
            RESPONSE,
        )
        for wire in ("json", "xml")
    ),
    Target(
        "suite-response",
        read_suite,
        lambda: (*read_examples("json"), *read_examples("xml")),
        (UnreadableResponseError, ValueError),
    ),
    *(
        Target(
            f"suite-client-{wire}",
            lambda body, wire=wire: check_client(body, wire),  # type: ignore[misc]
            lambda wire=wire: read_examples(wire),  # type: ignore[misc]
            (),
            rate=40e-6,
        )
        for wire in ("json", "xml")
    ),
    Target("har", in_file("x.har", lambda p: list(read_har(p))), lambda: (HAR,), (UsageError,)),
    Target("csv", parse_table, lambda: (CSV,), (InvalidInputError,)),
    Target(
        "journal",
        in_file("j", open_journal),
        build_file(fill_journal),
        (JournalError,),
    ),
    Target(
        "data-file",
        in_file("d", open_data_file),
        build_file(fill_data_file),
        (DataFileError,),
    ),
    Target(
        "report-store",
        in_file("r", open_report_store),
        build_file(fill_report_store),
        (ReportStoreError,),
    ),
    Target(
        "http-client",
        read_http_response,
        lambda: HTTP_RESPONSES,
        (HTTPException, HTTPError, OSError, ValueError, InvalidResponseError),
    ),
    Target(
        "http-listen",
        read_http_request,
        lambda: HTTP_REQUESTS,
        (OSError, h11.LocalProtocolError),
    ),
    Target("http-suite", read_passing_http, lambda: HTTP_REQUESTS + HTTP_RESPONSES, ()),
]
