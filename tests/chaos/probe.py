"""What an application does, in one word of output; namespaces.py runs it on other machines.

GET|POST|DELETE|OPTIONS URL [HEADER: VALUE …]   the status, or refused
BODY URL                                        the body
SEND URL [HOST …]                               the status of a message sent by the client that trusts HOST
REPORT URL NOTIFY_URL                           the status that a report at that URL has, or none
"""

from __future__ import annotations

import queue
import sys
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

from infobip_sms import (
    ApiKey,
    Client,
    Destination,
    InvalidRequestError,
    Message,
    SmsRequest,
    parse_delivery_reports,
)

KEY = "namespaces"
_PATIENCE = 5.0  # seconds that a report may take; those that come take a tenth of one


def request(method: str, url: str, *headers: str) -> tuple[str, str]:
    """Return the status and the body of a response."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    given = {"Content-Type": "application/json", "Access-Control-Request-Method": "POST"}
    given |= {name: value.strip() for name, _, value in (h.partition(":") for h in headers)}
    try:
        connection.request(method, parts.path, b"{}" if method == "POST" else None, given)
        response = connection.getresponse()
        return str(response.status), response.read().decode()
    except ConnectionRefusedError:
        return "refused", ""


def send(url: str, trust_http: tuple[str, ...], **fields: Any) -> str:
    """Send a message; return its status."""
    message = Message(destinations=[Destination(to="41793026727")], text="Hello", **fields)
    try:
        with Client(url, auth=ApiKey(KEY), trust_http=trust_http) as client:
            response = client.send(SmsRequest(messages=[message]))
    except InvalidRequestError as error:
        return f"rejected: {error}"
    return response.messages[0].status.name


def wait_for_report(url: str, notify_url: str) -> str:
    """Listen, send a message with this notify URL, and return the status in the report."""
    bodies: queue.Queue[bytes] = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("", urlsplit(notify_url).port or 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        send(url, (urlsplit(url).hostname or "",), notify_url=notify_url)
        try:
            reports = parse_delivery_reports(bodies.get(timeout=_PATIENCE))
        except queue.Empty:
            return "none"
        finally:
            server.shutdown()
    (report,) = reports.results
    return report.status.name if report.status else "a report without a status"


def main() -> None:
    """Do what the command line says."""
    what, url, *rest = sys.argv[1:]
    match what:
        case "BODY":
            print(request("GET", url)[1])
        case "SEND":
            print(send(url, tuple(rest)))
        case "REPORT":
            print(wait_for_report(url, *rest))
        case _:
            print(request(what, url, *rest)[0])


if __name__ == "__main__":
    main()
