"""A caller: an allowed client of the fully featured SMS endpoint, written by hand from the documentation.

    INFOBIP_BASE_URL=… INFOBIP_API_KEY=… python client.py [--xml] [--once] [--break NAME]

With --once it sends one message and reads the response as a program would; it ends with 0 when the message
was taken, with 1 when it was not, or nobody knows.
"""

import argparse
import gzip
import json
import os
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

import mutants  # type: ignore[import-not-found] # beside this program

SEND, V1 = "/sms/2/text/advanced", "/sms/1/text/advanced"
ITEMS = {"messages": "message", "destinations": "destination"}
ROOTS = {SEND: "request", "/sms/1/preview": "PreviewRequest", "/sms/1/bulks": "BulkRequest"}
ATTEMPTS = 3
JsonObject = dict[str, Any]


@dataclass
class OutgoingRequest:
    """A request before it is written."""

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    document: Any = None
    wire: str = "json"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 30.0


def build_message() -> JsonObject:
    """Return a message with everything that there is."""
    return {
        "from": "InfoSMS",
        "destinations": [
            {"to": "41793026727", "messageId": f"one-{os.getpid()}"},
            {"to": "+41793026731", "messageId": f"two-{os.getpid()}"},
        ],
        "text": "Grüße aus Zürich, liebe Leute",
        "flash": False,
        "language": {"languageCode": "TR"},
        "transliteration": "TURKISH",
        "intermediateReport": True,
        "notifyUrl": "http://127.0.0.1:9/reports",
        "notifyContentType": "application/json",
        "callbackData": "order 17",
        "validityPeriod": 720,
        "sendAt": "2035-07-07T17:00:00.000+02:00",
        "deliveryTimeWindow": {
            "from": {"hour": 6, "minute": 0},
            "to": {"hour": 15, "minute": 30},
            "days": ["MONDAY", "TUESDAY"],
        },
    }


def build_request() -> JsonObject:
    """Return a request with everything that there is."""
    return {
        "bulkId": f"bulk-{os.getpid()}",
        "messages": [build_message()],
        "tracking": {"track": "SMS", "processKey": "K", "type": "MY_CAMPAIGN"},
    }


def build_requests(wire: str) -> Iterator[OutgoingRequest]:
    """Yield a call of every operation."""
    request = build_request()
    bulk = [("bulkId", request["bulkId"])]
    yield OutgoingRequest("POST", SEND, document=request, wire=wire)
    yield OutgoingRequest("GET", "/sms/1/reports", [("limit", "10"), *bulk])
    ids = [("messageId", d["messageId"]) for d in request["messages"][0]["destinations"]]
    since = ("sentSince", "2015-02-22T17:42:05.390+01:00")
    codes = [("mcc", "228"), ("mnc", "01"), ("generalStatus", "DELIVERED"), ("limit", "10")]
    yield OutgoingRequest("GET", "/sms/1/logs", [*bulk, *ids, since, *codes])
    preview = {"text": "Grüße", "languageCode": "TR", "transliteration": "TURKISH"}
    yield OutgoingRequest("POST", "/sms/1/preview", document=preview)
    yield OutgoingRequest("GET", "/sms/1/bulks", bulk)
    moved = {"sendAt": "2035-08-07T17:00:00.000+02:00"}
    yield OutgoingRequest("PUT", "/sms/1/bulks", bulk, document=moved)
    yield OutgoingRequest("GET", "/sms/1/bulks/status", bulk)
    yield OutgoingRequest("PUT", "/sms/1/bulks/status", bulk, document={"status": "PAUSED"})
    yield OutgoingRequest("POST", f"/ct/1/log/end/{ids[0][1]}")
    old = {"destinations": [{"to": "41793026727"}], "text": "x", "language": {"languageCode": "TR"}}
    yield OutgoingRequest("POST", V1, document={"messages": [old]})


# ---------------------------------------------------------------- writing


def encode_request(request: OutgoingRequest) -> None:
    """Make header fields and a body of a document."""
    request.headers["Authorization"] = f"App {os.environ['INFOBIP_API_KEY']}"
    request.headers["Accept"] = f"application/{request.wire}"
    request.headers["Accept-Encoding"] = "gzip"
    if request.document is None:
        return
    request.headers["Content-Type"] = f"application/{request.wire}"
    if request.wire == "xml":
        root = ET.Element(ROOTS[request.path])
        fill(root, request.document)
        request.body = ET.tostring(root, encoding="UTF-8")
    else:
        request.body = json.dumps(request.document, ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )


def fill(element: ET.Element, fields: JsonObject) -> None:
    """Put fields into an element."""
    for name, value in fields.items():
        if isinstance(value, list) and name in ITEMS:
            holder = ET.SubElement(element, name)
            for entry in value:
                fill(ET.SubElement(holder, ITEMS[name]), entry)
        elif isinstance(value, list):
            for entry in value:
                ET.SubElement(element, name).text = str(entry)
        elif isinstance(value, dict):
            fill(ET.SubElement(element, name), value)
        else:
            text = json.dumps(value) if isinstance(value, bool) else str(value)
            ET.SubElement(element, name).text = text


def send(request: OutgoingRequest) -> tuple[int, dict[str, str], bytes]:
    """Send a call; return status, header fields and body of the response."""
    connection = HTTPConnection(
        urlsplit(os.environ["INFOBIP_BASE_URL"]).netloc, timeout=request.seconds
    )
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in request.query)
    target = request.path + (f"?{query}" if query else "")
    connection.request(request.method, target, request.body or None, request.headers)
    reply = connection.getresponse()
    headers = {name.lower(): value for name, value in reply.getheaders()}
    body = reply.read()
    connection.close()
    return reply.status, headers, body


# ---------------------------------------------------------------- reading


def parse_status_groups(headers: dict[str, str], body: bytes) -> list[int]:
    """Return the status groups of a response to a message."""
    if "xml" in headers.get("content-type", ""):
        found = ET.fromstring(body)  # noqa: S314 - the suite's own
        return [int(e.text or 0) for e in found.iter("groupId")]
    return [int(entry["status"]["groupId"]) for entry in json.loads(body)["messages"]]


def send_once(request: OutgoingRequest, mutation: mutants.Mutation) -> int:
    """Send a message as a careful program does; return the exit code."""
    encode_request(request)
    mutation.mutate_encoded(request)
    for attempt in range(ATTEMPTS):
        try:
            status, headers, body = send(request)
        except (OSError, HTTPException) as error:
            if mutation.is_resent(error) and attempt + 1 < ATTEMPTS:
                continue
            print(f"nobody knows: {type(error).__name__}")
            return 1
        if status in {429, 503} and "retry-after" in headers:
            time.sleep(mutation.shorten_wait(float(headers["retry-after"])))
            continue
        if status == 500 and mutation.is_resent(None):
            continue
        if status != 200:
            print(f"rejected: {status}")
            return 1
        packed = headers.get("content-encoding") == "gzip"
        unpacked = gzip.decompress(body) if packed else body
        mutation.parse_response(headers, body, unpacked)
        return 0 if set(parse_status_groups(headers, unpacked)) <= {0, 1, 3} else 1
    return 1


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--xml", action="store_true")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--break", dest="fault", default="", choices=["", *mutants.MUTANTS])
    options = parser.parse_args()
    spoil = mutants.Mutation(options.fault)
    wire = "xml" if options.xml else "json"
    calls = list(build_requests(wire))
    if options.once:
        return send_once(calls[0], spoil)
    for call in calls:
        spoil.mutate_document(call)
        encode_request(call)
        spoil.mutate_encoded(call)
        status, _, _ = send(call)
        print(call.method, call.path, status)
    return 0


if __name__ == "__main__":
    sys.exit(main())
