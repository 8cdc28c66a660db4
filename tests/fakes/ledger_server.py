"""A server with a ledger: what it accepted is on disk before it responds.

It can be killed at any moment and restarted on the same file and port without losing what it accepted.
It serves POST /sms/2/text/advanced, GET /sms/1/logs (messageId, limit) and GET
/sms/1/reports, in JSON. A destination whose number ends in 0000 is rejected by its status.

Each line of the ledger is one acceptance: number, messageId, bulkId, request. ``--accident NAME@N``
makes the Nth send (from 1) end badly; ``NAME@N-M`` the Nth to the Mth:

    die-before  die-after     kill this process before, or after, it accepts
    drop-before drop-after    hang up before, or after, it accepts
    500-before  500-after     respond with HTTP 500 before, or after, it accepts
    garbage                   accept, and respond with something else than JSON
    short                     accept, and leave the last two entries out of the response
    foreign                   accept, and respond with other messageIds
    429 503 400 401 403 404   reject; the first two with Retry-After: 0
    503-bare                  reject, and do not say when to come back
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PENDING = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}
NO_ROUTE = {"groupId": 5, "groupName": "REJECTED", "id": 6, "name": "REJECTED_NETWORK"}
DUPLICATE = {
    "groupId": 5,
    "groupName": "REJECTED",
    "id": 23,
    "name": "REJECTED_DUPLICATE_MESSAGE_ID",
}


def read_ledger(path: Path) -> list[tuple[str, str, str, int]]:
    """Return what was accepted: number, messageId, bulkId, request; an incomplete last line does not count."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    rows = [line.split() for line in lines if line.endswith("\n")]
    return [(to, name, bulk, int(request)) for to, name, bulk, request in rows]


class Ledger:
    """The file, and what is in it."""

    def __init__(self, path: Path, options: argparse.Namespace) -> None:
        self.lock = threading.Lock()
        self.options = options
        self.sends = 0
        self.logs: dict[str, tuple[str, str, float]] = {}
        self.unreported: list[str] = []
        for to, name, bulk, request in read_ledger(path):
            self.logs[name] = (to, bulk, 0.0)
            self.sends = max(self.sends, request)
        if path.exists():  # an incomplete last line would corrupt the next one
            whole = path.read_bytes()
            os.truncate(path, whole.rfind(b"\n") + 1)
        self.file = path.open("ab")

    def count(self) -> tuple[int, str]:
        """Return the number of this send, and the accident that happens to it."""
        with self.lock:
            self.sends += 1
            for name, first, last in self.options.accident:
                if first <= self.sends <= last:
                    return self.sends, name
            return self.sends, ""

    def accept(self, destinations: list[tuple[str, str]], request: int) -> list[dict[str, Any]]:
        """Write destinations into the file, and return the entries of the response."""
        bulk, lines, entries = f"bulk-{request}", [], []
        with self.lock:
            for to, name in destinations:
                status = PENDING
                if to.endswith("0000"):
                    status = NO_ROUTE
                elif self.options.unique and name in self.logs:
                    status = DUPLICATE
                else:
                    lines.append(f"{to} {name} {bulk} {request}\n")
                    self.logs[name] = (to, bulk, time.monotonic())
                    self.unreported.append(name)
                entries.append({"to": to, "status": status, "messageId": name})
            self.file.write("".join(lines).encode())
            self.file.flush()
            os.fsync(self.file.fileno())
        return entries

    def find(self, names: list[str], limit: int) -> list[dict[str, Any]]:
        """Return the logs of messages, once they are old enough to be shown."""
        now, found = time.monotonic(), []
        with self.lock:
            for name in names:
                to, bulk, since = self.logs.get(name, ("", "", 0.0))
                if to and now - since >= self.options.lag:
                    row = {"bulkId": bulk, "messageId": name, "to": to, "text": "hidden"}
                    found.append({**row, "status": PENDING})
        return found[:limit]

    def report(self, name: str) -> list[dict[str, Any]]:
        """Return the report of a message, once."""
        with self.lock:
            if name not in self.unreported:
                return []
            self.unreported.remove(name)
            to, bulk, _ = self.logs[name]
        return [{"bulkId": bulk, "messageId": name, "to": to, "status": PENDING}]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    ledger: Ledger

    def do_POST(self) -> None:
        """Accept, or have an accident."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        number, accident = self.ledger.count()
        if accident.removesuffix("-bare").isdigit():
            self.respond(int(accident[:3]), {}, again=accident in {"429", "503"})
            return
        if accident.endswith("-before"):
            self.fail(accident.removesuffix("-before"))
            return
        destinations = [
            (place["to"], place["messageId"])
            for message in json.loads(body)["messages"]
            for place in message["destinations"]
        ]
        entries = self.ledger.accept(destinations, number)
        time.sleep(self.ledger.options.pause)
        if accident.endswith("-after"):
            self.fail(accident.removesuffix("-after"))
        elif accident == "garbage":
            self.respond(200, "no object")
        else:
            entries = entries[:-2] if accident == "short" else entries
            if accident == "foreign":
                entries = [{**entry, "messageId": f"other-{number}"} for entry in entries]
            self.respond(200, {"bulkId": f"bulk-{number}", "messages": entries})

    def do_GET(self) -> None:
        """Look up messages or fetch reports."""
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        if self.ledger.options.deaf:
            self.respond(500, {})
        elif self.ledger.options.busy > 0:
            self.ledger.options.busy -= 1
            self.respond(503, {})
        elif len(address.query) > 2048:
            self.respond(414, {})
        elif address.path == "/sms/1/logs":
            limit = int(query.get("limit", ["50"])[0])
            self.respond(200, {"results": self.ledger.find(query.get("messageId", []), limit)})
        else:
            self.respond(200, {"results": self.ledger.report(query["messageId"][0])})

    def fail(self, how: str) -> None:
        """Fail in one way."""
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif how == "drop":
            self.close_connection = True
            self.connection.shutdown(2)
        else:
            self.respond(500, {})

    def respond(self, status: int, plain: Any, *, again: bool = False) -> None:
        """Send a response."""
        body = json.dumps(plain).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if again:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Server(ThreadingHTTPServer):
    """Accepts many connections at once."""

    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Ignore clients that were killed."""


def read_accident(text: str) -> tuple[str, int, int]:
    """Read ``NAME@N`` or ``NAME@N-M``."""
    name, _, numbers = text.partition("@")
    first, _, last = numbers.partition("-")
    return name, int(first), int(last or first)


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--accident", type=read_accident, action="append", default=[])
    parser.add_argument("--lag", type=float, default=0.0, help="seconds until the logs know")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before each response")
    parser.add_argument("--unique", action="store_true", help="reject an id that was used before")
    parser.add_argument("--deaf", action="store_true", help="respond to lookups with HTTP 500")
    parser.add_argument("--busy", type=int, default=0, help="first lookups that get HTTP 503")
    options = parser.parse_args()
    Handler.ledger = Ledger(options.file, options)
    with Server(("127.0.0.1", options.port), Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
