"""Everything that reads bytes from outside, each as one function of a body, with the errors it may raise."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_conformance.client_run.har_input import read_har
from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.observations.responses import (
    UnreadableResponseError,
    parse_send_response,
)
from infobip_sms_conformance.observations.tolerant_reader import parse_tolerant
from infobip_sms_schema import ErrorResponse, SmsLogs, SmsRequest, SmsRequestV1, SmsResponse

from infobip_sms import InvalidRequestError, InvalidResponseError, JournalError
from infobip_sms.cli.base.framework import InvalidInputError
from infobip_sms.cli.send.csv_table import decode_csv, parse_csv
from infobip_sms.codecs import get_codec, xml_reference
from infobip_sms.sandbox.state.data_file import DataFile, DataFileError
from infobip_sms.send_many.journal import Journal
from infobip_sms.webhooks import parse_delivery_reports

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "schema" / "examples"
Corpus = tuple[bytes, ...]
HAR = b"""{"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": [
 {"startedDateTime": "2026-05-04T12:00:00.000Z", "time": 5, "request": {"method": "POST",
  "url": "http://127.0.0.1/sms/2/text/advanced", "httpVersion": "HTTP/1.1", "headers": [
   {"name": "Content-Type", "value": "application/json"}], "queryString": [], "cookies": [],
  "headersSize": -1, "bodySize": 2, "postData": {"mimeType": "application/json", "text": "{}"}},
  "response": {"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "headers": [],
  "cookies": [], "content": {"size": 2, "mimeType": "application/json", "text": "{}"},
  "redirectURL": "", "headersSize": -1, "bodySize": 2}, "cache": {}, "timings": {}}]}}"""
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


def build_file(make: Callable[[Path], Any]) -> Callable[[], Corpus]:
    """Return the bytes of a good file."""

    def build() -> Corpus:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            make(path)
            return (path.read_bytes(),)

    return build


def read_suite(body: bytes) -> None:
    """Read a response as the suite does, in every way."""
    try:
        parse_send_response(body)
    finally:
        parse_tolerant(body, "SmsLogs")


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
    Target("har", in_file("x.har", lambda p: list(read_har(p))), lambda: (HAR,), (UsageError,)),
    Target("csv", parse_table, lambda: (CSV,), (InvalidInputError,)),
    Target(
        "journal",
        in_file("j", open_journal),
        build_file(lambda p: Journal(p).close()),
        (JournalError,),
    ),
    Target(
        "data-file",
        in_file("d", open_data_file),
        build_file(lambda p: DataFile(p).close()),
        (DataFileError,),
    ),
]
