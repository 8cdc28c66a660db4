"""A stranger: a legal server of POST /sms/2/text/advanced, written by hand from the documentation.

Lives here: a second opinion. It shares no code and no file with this project, differs from the
reference server wherever the documentation allows it, and can be told to break one rule.
Never here: an import but the standard library's; a look into schema/.

    python stranger.py --port 0 [--refuse 400|200] [--break NAME] [--last N]
"""

import argparse
import base64
import json
import os
import re
import tomllib
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LIST = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["fault"]
FAULTS: dict[str, str] = {row["name"]: row["requirement"] for row in LIST}
PATH = "/sms/2/text/advanced"
DAYS = {"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"}
CHOICES = {
    "transliteration": (
        "SEND-012",
        {"TURKISH", "GREEK", "CYRILLIC", "CENTRAL_EUROPEAN", "NON_UNICODE"},
    ),
    "notifyContentType": ("SEND-015", {"application/json", "application/xml"}),
}
SWITCHES = {"flash": "SEND-010", "intermediateReport": "SEND-013"}
EVERYWHERE = -1
Plain = dict[str, Any]
Problem = tuple[str, int]
OPTIONS = argparse.Namespace()

# ---------------------------------------------------------------- reading


def read_json(body: bytes) -> Plain:
    """Read a JSON request."""
    data = json.loads(body.decode("utf-8"))
    if not isinstance(data, dict):
        raise ValueError("no object")  # noqa: TRY004 - the caller asks whether the body can be read
    return data


def read_xml(body: bytes) -> Plain:
    """Read an XML request."""
    if b"<!DOCTYPE" in body:
        raise ValueError("no document types here")
    try:
        root = ET.fromstring(body)  # noqa: S314 - without a document type there are no entities
    except (ET.ParseError, LookupError) as error:
        raise ValueError(str(error)) from error
    if root.tag != "request":
        raise ValueError("another root")
    request: Plain = read_members(root)
    if "messages" in request:
        request["messages"] = [read_message(m) for m in root.iterfind("messages/message")]
    return request


def read_message(element: ET.Element) -> Plain:
    """Read one message element."""
    message = read_members(element)
    if "destinations" in message:
        found = element.iterfind("destinations/destination")
        message["destinations"] = [read_members(destination) for destination in found]
    window, flat = message.get("deliveryTimeWindow"), element.findall("deliveryTimeWindow/days")
    if isinstance(window, dict) and flat:
        window["days"] = [day.text or "" for day in flat]
        if OPTIONS.fault == "days-wrapped":
            window["days"] = [
                day.text or "" for day in element.iterfind("deliveryTimeWindow/days/day")
            ]
    return message


def read_members(element: ET.Element) -> Plain:
    """Read the children of an element; what has children of its own becomes an object."""
    return {child.tag: read_members(child) if len(child) else read_text(child) for child in element}


def read_text(element: ET.Element) -> Any:
    """Read a text as the type that its member has."""
    text = element.text or ""
    if element.tag in SWITCHES:
        return {"true": True, "1": True, "false": False, "0": False}.get(text, text)
    if element.tag in {"validityPeriod", "hour", "minute"} and re.fullmatch(r"[+-]?\d{1,9}", text):
        return int(text)
    return text


# ---------------------------------------------------------------- rules


def find_problems(request: Plain) -> Iterator[Problem]:
    """Yield each broken rule with the message that breaks it."""
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "SEND-002", EVERYWHERE
        return
    tracking = request.get("tracking")
    if isinstance(tracking, dict) and tracking.get("track", "SMS") not in {"SMS", "URL"}:
        yield "SEND-022", EVERYWHERE
    if tracking is not None and OPTIONS.fault == "tracking-unknown":
        yield "tracking-unknown", EVERYWHERE
    for number, message in enumerate(messages):
        for rule in find_message_problems(message, number):
            yield rule, number


def find_message_problems(message: Plain, number: int) -> Iterator[str]:
    """Yield each rule that a message breaks."""
    yield from find_sender_problems(message.get("from"))
    yield from find_destination_problems(message.get("destinations"))
    yield from (
        rule for name, rule in SWITCHES.items() if not isinstance(message.get(name, True), bool)
    )
    for name, (rule, choices) in CHOICES.items():
        if name in message and message[name] not in choices:
            yield rule
    language = message.get("language", {"languageCode": "TR"})
    if not isinstance(language, dict) or language.get("languageCode") not in {"TR", "ES", "PT"}:
        yield "SEND-011"
    yield from find_callback_problems(message.get("callbackData", ""), number)
    yield from find_time_problems(message)
    if "deliveryTimeWindow" in message:
        yield from find_window_problems(message["deliveryTimeWindow"])


def find_sender_problems(sender: str | None) -> Iterator[str]:
    """Yield the rules that a sender breaks."""
    if sender is None:
        yield from ["sender-mandatory"] if OPTIONS.fault == "sender-mandatory" else []
    elif sender.isdecimal():
        most = 15 if OPTIONS.fault == "numeric-sender-of-15" else 14
        yield from [] if 3 <= len(sender) <= most else ["SEND-004"]
    elif not 3 <= len(sender) <= 11:
        yield "SEND-003"
    elif OPTIONS.fault == "sender-of-letters-only" and not sender.isalnum():
        yield "sender-of-letters-only"


def find_destination_problems(destinations: Any) -> Iterator[str]:
    """Yield the rules that destinations break."""
    if not isinstance(destinations, list) or not destinations:
        yield "SEND-005"
        return
    for to in (destination.get("to", "") for destination in destinations):
        if not to:
            yield "SEND-007"
        elif not re.fullmatch(r"\+?[0-9]+", to):
            yield "SEND-008"
        elif to.startswith("+") and OPTIONS.fault == "plus-refused":
            yield "plus-refused"


def find_callback_problems(data: str, number: int) -> Iterator[str]:
    """Yield the rule that callback data break when they are too long."""
    length = len(data.encode()) if OPTIONS.fault == "lengths-in-bytes" else len(data)
    looked_at = number == 0 or OPTIONS.fault != "callback-data-of-later-messages"
    if length > 200 and looked_at:
        yield "SEND-016"


def find_time_problems(message: Plain) -> Iterator[str]:
    """Yield the rules that validityPeriod and sendAt break."""
    period = message.get("validityPeriod", 1)
    if not isinstance(period, int) or isinstance(period, bool):
        yield "SEND-017"
    elif period > 2880 and OPTIONS.fault == "long-validity-refused":
        yield "long-validity-refused"
    if "sendAt" not in message:
        return
    try:
        instant = datetime.fromisoformat(message["sendAt"])
    except ValueError:
        yield "SEND-018"
        return
    # A time without zone is taken as UTC, which is one of the legal readings.
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    future = instant > datetime.now(UTC)
    if (OPTIONS.fault == "future-refused" and future) or (OPTIONS.no_past and not future):
        yield "future-refused" if future else "SEND-018"


def find_window_problems(window: Any) -> Iterator[str]:
    """Yield the rules that a delivery time window breaks."""
    if not isinstance(window, dict):
        yield "SEND-019"
        return
    half = "from" in window and OPTIONS.fault == "window-half-open"
    if ("from" in window) != ("to" in window) and not half:
        yield "WIN-001"
    if not window.get("days"):
        yield "WIN-002"
    if set(window.get("days", [])) - DAYS:
        yield "WIN-003"
    for time in (window[name] for name in ("from", "to") if name in window):
        for name, rule, most in (("hour", "WIN-004", 23), ("minute", "WIN-005", 59)):
            if name not in time:
                yield "WIN-006"
            elif not isinstance(time[name], int) or not 0 <= time[name] <= most:
                yield rule


# ---------------------------------------------------------------- the reply


def build_reply(request: Plain, rejected: set[int], wire: str) -> Plain:
    """Build the answer: one entry for each destination, members in an order of its own."""
    entries = [
        build_entry(destination, wire, refused=refused)
        for number, message in enumerate(request.get("messages") or [])
        for destination, refused in find_refused(message, bool({number, EVERYWHERE} & rejected))
    ]
    if OPTIONS.fault == "last-entry-missing" and len(entries) > 1:
        entries.pop()
    if OPTIONS.fault == "entries-reversed":
        entries.reverse()
    reply: Plain = {"messages": entries, "server": "stranger"}
    if ("tracking" in request and OPTIONS.fault != "tracking-key-missing") or OPTIONS.refuse == 200:
        reply["trackingProcessKey"] = uuid.uuid4().hex
    return reply | {"bulkId": build_bulk_id(request.get("bulkId"))}


def find_refused(message: Plain, faulty: bool) -> Iterator[tuple[Plain, bool]]:
    """Yield the destinations of a message; where some are no numbers, only those are refused."""
    destinations = message.get("destinations") or []
    wrong = [d for d in destinations if list(find_destination_problems([d]))]
    for destination in destinations:
        yield destination, faulty and (not wrong or destination in wrong)


def build_bulk_id(given: str | None) -> str:
    """Return the bulkId of the request, or a new one."""
    if OPTIONS.fault == "bulk-ids-repeated" and not given:
        return "always-the-same"
    return given if given and OPTIONS.fault != "bulk-id-replaced" else str(uuid.uuid4())


def build_entry(destination: Plain, wire: str, *, refused: bool) -> Plain:
    """Build the entry of one destination."""
    to = destination.get("to", "")
    entry = {"status": build_status(wire, refused=refused), "note": {"seen": "yes"}}
    entry["to"] = to.removeprefix("+") if OPTIONS.refuse == 200 else to
    if refused:
        return entry
    new = "always-the-same" if OPTIONS.fault == "ids-repeated" else str(uuid.uuid4())
    given = destination.get("messageId")
    return entry | {"messageId": given if given and OPTIONS.fault != "given-ids-lost" else new}


def build_status(wire: str, *, refused: bool) -> Plain:
    """Build the status of a message."""
    if refused:
        return {
            "id": 12,
            "name": "REJECTED_SOMEHOW",
            "groupName": "REJECTED",
            "groupId": 5,
            "action": "Mend it.",
        }
    status: Plain = {"id": 7, "name": "PENDING_ENROUTE", "groupName": "PENDING", "groupId": 1}
    if OPTIONS.refuse == 200:
        status = {"id": 0, "name": "MESSAGE_ACCEPTED", "groupName": "Accepted", "groupId": 0}
    elif OPTIONS.fault == "xml-another-status" and wire == "xml":
        status |= {"id": 3, "name": "PENDING_WAITING_DELIVERY"}
    changes: dict[str, Plain] = {
        "delivered-at-once": {"groupId": 3, "groupName": "DELIVERED", "id": 5},
        "group-id-a-word": {"groupId": "one"},
        "group-name-wrong": {"groupName": "DELIVERED"},
    }
    return status | changes.get(OPTIONS.fault, {})


def dump_xml(name: str, value: Any) -> str:
    """Write a value as an element."""
    if isinstance(value, dict):
        inside = "".join(dump_xml(key, item) for key, item in value.items())
    elif isinstance(value, list):
        inside = "".join(dump_xml("message", item) for item in value)
    else:
        inside = str(value).replace("&", "&amp;").replace("<", "&lt;")
    return f"<{name}>{inside}</{name}>"


# ---------------------------------------------------------------- HTTP


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    def do_POST(self) -> None:
        """Answer a send request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        OPTIONS.last -= 1
        if OPTIONS.last == 0:
            os._exit(0)
        kind, _, parameter = self.headers.get("Content-Type", "").partition(";")
        if self.path != PATH:
            self.answer(404)
        elif not self.is_authorized():
            self.answer(401)
        elif parameter and OPTIONS.fault == "charset-refused":
            self.answer(415)
        else:
            self.take(body, "xml" if kind.strip() == "application/xml" else "json")

    def is_authorized(self) -> bool:
        """Look at the credentials."""
        given, fault = self.headers.get("Authorization"), OPTIONS.fault
        if given is None or fault == "any-credentials":
            return given is not None or fault == "authorization-optional"
        basic = base64.b64encode(f"{OPTIONS.user}:{OPTIONS.password}".encode()).decode()
        known = {"basic-unknown": f"Basic {basic}", "app-unknown": f"App {OPTIONS.api_key}"}
        return given in known.values() and given != known.get(fault)

    def take(self, body: bytes, wire: str) -> None:
        """Read, check and answer a request."""
        try:
            request = read_xml(body) if wire == "xml" else read_json(body)
        except ValueError:
            self.answer(500 if OPTIONS.fault == "unreadable-body-500" else 400)
            return
        lax = OPTIONS.fault.removeprefix("lax-").upper()
        problems = [(rule, number) for rule, number in find_problems(request) if rule != lax]
        where = {number for _, number in problems}
        messages = request.get("messages") or []
        answerable = messages and all(messages[n].get("destinations") for n in where - {EVERYWHERE})
        if problems and (OPTIONS.refuse == 400 or not answerable):
            self.refuse(wire)
            return
        wanted = self.choose(wire)
        reply = build_reply(request, where, wanted)
        self.answer(202 if OPTIONS.fault == "success-is-202" else 200, reply, wanted)

    def refuse(self, wire: str) -> None:
        """Answer a faulty request without looking at its destinations."""
        if OPTIONS.fault == "faulty-request-hangs-up":
            self.close_connection = True
            return
        reason = {"messageId": "BAD_REQUEST", "text": "Mend it."}
        own = OPTIONS.fault == "error-body-of-its-own" or OPTIONS.refuse == 200
        body = None if own else {"requestError": {"serviceException": reason}}
        status = 500 if OPTIONS.fault == "faulty-request-500" else 400
        self.answer(status, body, self.choose(wire), "ApiException")

    def choose(self, wire: str) -> str:
        """Choose the format of the reply."""
        accept = self.headers.get("Accept", "")
        named = [name for name in ("json", "xml") if f"application/{name}" in accept]
        if named and OPTIONS.fault != "accept-ignored":
            return named[0]
        return "json" if OPTIONS.refuse == 200 or OPTIONS.fault == "json-by-default" else wire

    def answer(
        self, status: int, reply: Plain | None = None, wire: str = "json", root: str = "smsResponse"
    ) -> None:
        """Send a reply, or an empty body."""
        root = "reply" if OPTIONS.fault == "root-wrong" else root
        text = dump_xml(root, reply) if wire == "xml" else json.dumps(reply)
        text = "" if reply is None else text
        called = f"{wire}-called-text" == OPTIONS.fault
        kind = "text/plain" if called else f"application/{wire};charset=UTF-8"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user", default="Aladdin")
    parser.add_argument("--password", default="open sesame")
    parser.add_argument("--api-key", default="a key of the stranger's")
    parser.add_argument("--refuse", type=int, choices=(400, 200), default=400)
    parser.add_argument("--last", type=int, default=0, help="end in the middle of this request")
    parser.add_argument("--no-past", action="store_true", help="refuse a sendAt that has passed")
    parser.add_argument("--break", dest="fault", choices=FAULTS, default="")
    parser.parse_args(namespace=OPTIONS)
    server = ThreadingHTTPServer(("127.0.0.1", OPTIONS.port), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
