"""A small callback receiver as people write them, and the defects that such handlers have.

It keeps reports as lines of JSON. Each fault breaks the one requirement that is named beside it.

    python receivers.py PORT FILE [FAULT ...]
"""

import json
import re
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

Plain = dict[str, Any]
SEEN_IN_RESPONSES = {
    "always-500": "RCV-001",
    "redirects": "RCV-001",
    "no-xml": "RCV-001",
    "ten-at-most": "RCV-003",
    "needs-error": "RCV-004",
    "needs-bulk-id": "RCV-004",
    "needs-callback-data": "RCV-004",
    "status-enum": "RCV-005",
    "error-enum": "RCV-005",
    "strict-fields": "RCV-006",
    "needs-to": "RCV-007",
    "dates-by-pattern": "RCV-008",
    "dates-need-colon": "RCV-008",
    "dates-need-milliseconds": "RCV-008",
    "price-crash": "RCV-009",
    "price-not-zero": "RCV-009",
    "callback-data-ascii-crash": "RCV-010",
    "callback-data-too-long": "RCV-010",
    "ids-are-numbers": "RCV-011",
    "ids-are-uuids": "RCV-011",
    "pending-rejected": "RCV-012",
    "repeat-is-conflict": "RCV-013",
    "reads-by-prefix": "RCV-014",
    "exact-content-type": "RCV-015",
    "case-of-headers": "RCV-016",
    "needs-length": "RCV-017",
    "one-post-per-connection": "RCV-018",
    "gzip-crash": "RCV-019",
    "locked": "RCV-020",
    "acknowledges-rubbish": "RCV-021",
    "dies-of-huge": "RCV-022",
    "other-type-crash": "RCV-023",
    "dies-of-broken-connection": "RCV-024",
    "needs-status": "RCV-025",
    "fetches-callback-data": "RCV-026",
    "fetches-entities": "RCV-026",
    "echoes-reports": "RCV-027",
    "quotes-rubbish": "RCV-028",
}
SEEN_IN_KEPT = {
    "first-only": "RCV-003",
    "drops-without-error": "RCV-004",
    "drops-unknown-status": "RCV-005",
    "loses-offset": "RCV-008",
    "offset-ignored": "RCV-008",
    "price-integer": "RCV-009",
    "callback-data-ascii": "RCV-010",
    "callback-data-cut": "RCV-010",
    "first-status-wins": "RCV-012",
    "keeps-repeats": "RCV-013",
    "drops-gzip": "RCV-019",
    "lost-update": "RCV-020",
    "keeps-later": "RCV-029",
    "keeps-nothing": "RCV-029",
    "number-as-float": "RCV-031",
}
OTHER_NAMES = {
    "destination": "to",
    "sender": "from",
    "messageCount": "smsCount",
    "mccmnc": "mccMnc",
}
MEGABYTE, COLUMN = 2**20, 100
LATER_FIELDS = {"entityId", "applicationId", "platform"}
NEEDED = {
    "needs-error": "error",
    "needs-bulk-id": "bulkId",
    "needs-callback-data": "callbackData",
    "needs-to": "to",
    "needs-status": "status",
}


class RejectedError(Exception):
    """The request gets this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class Store:
    """What the receiver keeps."""

    path: Path
    faults: frozenset[str] = frozenset()
    rows: list[Plain] = field(default_factory=list)
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, report: Plain) -> None:
        """Keep a report once for each status."""
        key: tuple[Any, ...] = (report.get("messageId"), str(report.get("status")))
        if "first-status-wins" in self.faults:
            key = key[:1]
        if "lost-update" in self.faults:
            self.keep_without_lock(report)
        elif "keeps-nothing" not in self.faults:
            with self.lock:
                self.keep_once(key, report)

    def keep_once(self, key: tuple[Any, ...], report: Plain) -> None:
        """Append a report to the file, unless it is there already."""
        if key in self.seen and "repeat-is-conflict" in self.faults:
            raise RejectedError(409)
        if key in self.seen and "keeps-repeats" not in self.faults:
            return
        self.seen.add(key)
        if "writes-late" in self.faults:
            self.rows.append(report)
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(report) + "\n")

    def keep_without_lock(self, report: Plain) -> None:
        """Read all reports and write them with one more, whatever others do in the meantime."""
        rows = [row for row in self.rows if row != report]
        time.sleep(0.002)
        self.rows = [*rows, report]
        with self.lock:
            lines = "".join(f"{json.dumps(row)}\n" for row in self.rows)
            self.path.write_text(lines, "utf-8")


class Handler(BaseHTTPRequestHandler):
    """Takes reports by POST."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Receiver"
    posts = 0
    body = b""

    def do_POST(self) -> None:
        """Read the reports, keep them, and acknowledge them."""
        faults = self.server.store.faults
        self.posts += 1
        if "one-post-per-connection" in faults and self.posts > 1:
            self.close_connection = True
            return
        if "slow" in faults:
            time.sleep(1)
        try:
            self.body = self.read_body()
            self.receive(self.body)
            status = 302 if "redirects" in faults else 200
        except RejectedError as error:
            status = error.status
        except ConnectionError:
            self.close_connection = True
            return
        except (ValueError, ET.ParseError):
            status = 400
        except Exception:  # noqa: BLE001 - a framework does the same
            status = 500
        self.respond(200 if "acknowledges-rubbish" in faults else status)

    def do_GET(self) -> None:
        """Show what is kept, on disk and in memory."""
        store = self.server.store
        rows = [json.loads(line) for line in store.path.read_text("utf-8").splitlines()]
        text = json.dumps([*rows, *store.rows]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def respond(self, status: int) -> None:
        """Write the response."""
        faults, text = self.server.store.faults, b""
        if status == 200 and "echoes-reports" in faults:
            text = self.body
        if status == 400 and "quotes-rubbish" in faults:
            text = b"cannot read " + self.body[:100]
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def read_body(self) -> bytes:
        """Read the body, of a length or in chunks."""
        faults = self.server.store.faults
        if self.headers.get("Transfer-Encoding"):
            body = b"".join(self.read_chunks())
            if "needs-length" in faults:
                raise RejectedError(411)
            return body
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            if "dies-of-broken-connection" in faults:
                self.server.socket.close()
            raise ConnectionError
        if len(body) > MEGABYTE and "dies-of-huge" in faults:
            self.server.socket.close()
        return body

    def read_chunks(self) -> Iterator[bytes]:
        """Yield the chunks of a body."""
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def receive(self, body: bytes) -> None:
        """Keep the reports of a body."""
        faults, store = self.server.store.faults, self.server.store
        if "locked" in faults:
            self.require_free()
        self.check_headers()
        if "always-500" in faults:
            raise RejectedError(500)
        if "reads-by-prefix" in faults and body[:12] != b'{"results":[':
            raise RejectedError(400)
        if "fetches-entities" in faults and (found := re.search(rb'SYSTEM "(http[^"]+)"', body)):
            fetch(found[1].decode())
        reports = parse_reports(body)
        if "ten-at-most" in faults and len(reports) > len("ten-at-mos"):
            raise RejectedError(413)
        for report in reports[: 1 if "first-only" in faults else None]:
            kept = convert(report, faults)
            if kept is not None and "keeps-later" in faults:
                threading.Timer(0.3, store.keep, [kept]).start()
            elif kept is not None:
                store.keep(kept)

    def require_free(self) -> None:
        """Reject a request that comes during another one."""
        if not self.server.busy.acquire(blocking=False):
            raise RejectedError(503)
        try:
            time.sleep(0.004)
        finally:
            self.server.busy.release()

    def check_headers(self) -> None:
        """Reject a content type or a coding."""
        faults, kind = self.server.store.faults, self.headers.get("Content-Type", "")
        if "case-of-headers" in faults and "Content-Type" not in list(self.headers):
            raise RejectedError(400)
        if "exact-content-type" in faults and kind not in {"application/json", "application/xml"}:
            raise RejectedError(415)
        if "no-xml" in faults and "xml" in kind.lower():
            raise RejectedError(415)
        if "other-type-crash" in faults and kind.startswith("text/"):
            raise RejectedError(500)
        if self.headers.get("Content-Encoding"):
            status = 200 if "drops-gzip" in faults else 415
            raise RejectedError(500 if "gzip-crash" in faults else status)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def convert(report: Plain, faults: frozenset[str]) -> Plain | None:
    """Return what is kept of a report; None for nothing."""
    for fault in faults & set(NEEDED):
        if NEEDED[fault] not in report:
            raise RejectedError(500)
    if "strict-fields" in faults and set(report) & LATER_FIELDS:
        raise RejectedError(422)
    if is_dropped(report, faults):
        return None
    kept = {OTHER_NAMES.get(name, name): value for name, value in report.items()}
    convert_ids(kept, faults)
    if data := report.get("callbackData"):
        convert_callback_data(kept, data, faults)
    convert_dates(kept, faults)
    convert_price(kept, faults)
    return kept


def is_dropped(report: Plain, faults: frozenset[str]) -> bool:
    """Tell whether a fault drops a report for its status or error; RejectedError if it rejects it."""
    status = report.get("status", {})
    is_unknown = str(status.get("id")) == "9797"
    if "status-enum" in faults and is_unknown:
        raise RejectedError(500)
    if "error-enum" in faults and "RECONSIDERED" in str(report.get("error")):
        raise RejectedError(500)
    if "pending-rejected" in faults and status.get("groupName") == "PENDING":
        raise RejectedError(400)
    lacks_error = "drops-without-error" in faults and "error" not in report
    return lacks_error or ("drops-unknown-status" in faults and is_unknown)


def convert_ids(kept: Plain, faults: frozenset[str]) -> None:
    """Keep IDs and numbers, or what a fault leaves of them."""
    message_id = str(kept["messageId"])
    if "ids-are-numbers" in faults and not message_id.isdecimal():
        raise RejectedError(500)
    if "ids-are-uuids" in faults and "-" not in message_id:
        raise RejectedError(500)
    if "number-as-float" in faults and "to" in kept:
        kept["to"] = float(kept["to"])


def convert_callback_data(kept: Plain, data: str, faults: frozenset[str]) -> None:
    """Keep callback data, or what a fault leaves of it."""
    if "callback-data-ascii-crash" in faults and not data.isascii():
        raise RejectedError(500)
    if "callback-data-too-long" in faults and len(data) > COLUMN:
        raise RejectedError(500)
    if "callback-data-ascii" in faults:
        kept["callbackData"] = data.encode("ascii", "ignore").decode()
    if "callback-data-cut" in faults:
        kept["callbackData"] = data[:COLUMN]
    if "fetches-callback-data" in faults and data.startswith("http"):
        fetch(data)


def convert_dates(kept: Plain, faults: frozenset[str]) -> None:
    """Keep dates, or what a fault leaves of them."""
    for name in {"sentAt", "doneAt"} & set(kept):
        text = str(kept[name])
        if "dates-by-pattern" in faults and not text.endswith("+0100"):
            raise RejectedError(500)
        if "dates-need-colon" in faults and text[-3] != ":":
            raise RejectedError(500)
        if "dates-need-milliseconds" in faults and "." not in text:
            raise RejectedError(500)
        if "loses-offset" in faults:
            kept[name] = text[:19]
        if "offset-ignored" in faults:
            kept[name] = f"{datetime.fromisoformat(text).replace(tzinfo=None).isoformat()}+00:00"


def convert_price(kept: Plain, faults: frozenset[str]) -> None:
    """Keep a price, or what a fault leaves of it."""
    price = kept.get("price", {}).get("pricePerMessage")
    if price is None:
        return
    if "price-crash" in faults and not str(price).isdecimal():
        raise RejectedError(500)
    if "price-not-zero" in faults and not float(price):
        raise RejectedError(422)
    if "price-integer" in faults:
        kept["price"] = {**kept["price"], "pricePerMessage": int(float(price))}


def fetch(url: str) -> None:
    """Fetch a URL, whatever comes."""
    with suppress(OSError):
        urlopen(url, timeout=1).close()  # noqa: S310 - a URL of the suite


def parse_reports(body: bytes) -> list[Plain]:
    """Return the reports of a body in either format; ValueError if there are none."""
    if body.lstrip()[:1] == b"<":
        return parse_xml(body)
    document = json.loads(body)
    reports = document.get("results") if isinstance(document, dict) else None
    if not isinstance(reports, list):
        raise ValueError("no reports")  # noqa: TRY004 - the body is wrong
    return reports


def parse_xml(body: bytes) -> list[Plain]:
    """Return the reports of a document, wrapped or not."""
    if b"<!DOCTYPE" in body:
        raise ValueError("a document type")
    root = ET.fromstring(body)  # noqa: S314 - the suite's own documents
    if root.tag not in {"reportResponse", "SMSReportResponse"} or root.find("results") is None:
        raise ValueError("no reports")
    found = root.findall("results/result") or [e for e in root.findall("results") if len(e)]
    return [read_element(element) for element in found]


def read_element(element: ET.Element) -> Any:
    """Return an element as plain data."""
    return {child.tag: read_element(child) for child in element} if len(element) else element.text


class Receiver(ThreadingHTTPServer):
    """The receiver."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, store: Store, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.store, self.busy = store, threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing."""


@contextmanager
def run_receiver(path: Path, *faults: str) -> Iterator[str]:
    """Run a receiver for the time of a ``with`` block; give its URL."""
    path.touch()
    with Receiver(Store(path, frozenset(faults))) as server:
        url = f"http://127.0.0.1:{server.server_port}/reports"
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield url
        server.shutdown()


def serve(server: Receiver) -> None:
    """Serve until the end, or until a fault closes the socket."""
    with suppress(ValueError, OSError):
        server.serve_forever(0.01)


def show(url: str) -> None:
    """Print what a receiver keeps."""
    with urlopen(url) as response:  # noqa: S310 - a URL of the tests
        print(response.read().decode())


if __name__ == "__main__":
    if sys.argv[1] == "--show":
        show(f"http://127.0.0.1:{sys.argv[2]}/")
        sys.exit()
    port, kept_path, *chosen = sys.argv[1:]
    Path(kept_path).touch()
    serve(Receiver(Store(Path(kept_path), frozenset(chosen)), int(port)))
