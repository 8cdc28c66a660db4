"""A server that takes everything and pushes delivery reports, in one of many manners.

It has a clock that can be moved, as the sandbox's can. Some manners are allowed and differ from the sandbox's; each
of the others breaks one requirement.

    python pusher.py [MANNER]
"""

import heapq
import itertools
import json
import sys
import threading
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

Plain = dict[str, Any]
LEGAL = (
    "documented",
    "batched",  # all destinations of a message in one push
    "twice-in-one-push",
    "late",
    "rich",  # more fields, numbers as text, another offset, another order
    "bare",  # only what identifies a message
    "wrapped-as-in-2015",
    "wrapped-in-a-namespace",
    "undelivered",
    "named-groups",  # status groups by name alone
    "own-ids",  # ids as numbers
    "one-version",  # there is no version 1
    "bulk-for-one",  # no bulkId in the response, nor in reports
    "clockless",  # its clock cannot be moved
)
# Not allowed, but broken elsewhere: the suite has to make do with what is left.
POOR = ("refuses-windows", "rejects-windows", "unreadable-reply")
FAULTS = {
    "silent": "DLR-001",
    "puts": "DLR-001",
    "no-results": "DLR-001",
    "other-message-id": "DLR-001",
    "no-message-id": "DLR-001",
    "other-bulk-id": "DLR-001",
    "no-bulk-id": "DLR-001",
    "first-destination-only": "DLR-001",
    "first-message-only": "DLR-001",
    "first-url-for-all": "DLR-001",
    "swapped-numbers": "DLR-001",
    "query-lost": "DLR-001",
    "json-always": "DLR-002",
    "xml-always": "DLR-002",
    "no-xml": "DLR-002",
    "called-text": "DLR-002",
    "called-the-other": "DLR-002",
    "form": "DLR-002",
    "colon": "DLR-003",
    "no-offset": "DLR-003",
    "epoch": "DLR-003",
    "done-at-zulu": "DLR-003",
    "callback-data-cut": "DLR-004",
    "callback-data-trimmed": "DLR-004",
    "callback-data-missing": "DLR-004",
    "callback-data-escaped": "DLR-004",
    "callback-data-ascii": "DLR-004",
    "callback-data-composed": "DLR-004",
    "callback-data-of-first": "DLR-004",
    "no-intermediate": "DLR-005",
    "intermediate-after-final": "DLR-005",
    "intermediate-for-all": "DLR-005",
    "intermediate-silent": "DLR-005",
    "taken-again": "DLR-006",
    "again-at-once": "DLR-006",
    "never-again": "DLR-006",
    "again-once": "DLR-006",
    "again-each-minute": "DLR-006",
    "again-forever": "DLR-006",
    "scheduled-at-once": "SCHED-001",
    "scheduled-without-offset": "SCHED-001",
    "scheduled-a-second-early": "SCHED-001",
    "zone-ahead": "WIN-007",
    "zone-behind": "WIN-007",
    "zone-of-india": "WIN-007",
    "window-never-open": "WIN-007",
    "window-ignored": "WIN-008",
    "days-ignored": "WIN-008",
    "hours-ignored": "WIN-008",
    "validity-ignored": "VAL-003",
    "validity-uncapped": "VAL-002",
    "validity-capped-at-a-day": "VAL-002",
    "v1-in-minutes": "V1-003",
    "v2-in-milliseconds": "V1-003",
}
MANNER = sys.argv[1] if len(sys.argv) > 1 else LEGAL[0]
ZONES = {"zone-ahead": 60, "zone-behind": -300, "zone-of-india": 330}  # minutes
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
DELAY = 1.5 if MANNER == "late" else 0.05
LONGEST = timedelta(minutes=1440 if MANNER == "validity-capped-at-a-day" else 2880)
GROUPS = {"PENDING": 1, "UNDELIVERABLE": 2, "DELIVERED": 3, "EXPIRED": 4, "REJECTED": 5}

# ---------------------------------------------------------------- the clock


class Clock:
    """Makes things happen when they are due; can be moved ahead."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._travels: float | None = None
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def now(self) -> float:
        """Return the time; while something happens, that at which it was due."""
        return time.time() + self._ahead if self._travels is None else self._travels

    def at(self, due: float, act: Callable[[], None]) -> None:
        """Let something happen at a time."""
        with self._changed:
            heapq.heappush(self._due, (due, next(self._numbers), act))
            self._changed.notify()

    def advance(self, seconds: float) -> None:
        """Move ahead, through all that is due."""
        with self._changed:
            end = self.now() + seconds
            self._catch_up(end)
            self._ahead += max(0.0, end - self.now())

    def _run(self) -> None:
        with self._changed:
            while True:
                self._catch_up(self.now())
                left = self._due[0][0] - self.now() if self._due else 60.0
                self._changed.wait(max(0.0, min(left, 60.0)))

    def _catch_up(self, end: float) -> None:
        while self._due and self._due[0][0] <= end:
            due, _, act = heapq.heappop(self._due)
            self._travels = max(due, self._travels or due)
            act()
            self._travels = None


CLOCK = Clock()

# ---------------------------------------------------------------- reading


def read_xml(body: bytes) -> Plain:
    """Read an XML request of either version."""
    root = ET.fromstring(body)  # noqa: S314 - the suite's own documents
    messages = root.findall("messages/message") or root.findall("messages")
    request: Plain = {"messages": [read_message(one) for one in messages]}
    bulk = root.findtext("bulkId")
    return request | ({"bulkId": bulk} if bulk else {})


def read_message(element: ET.Element) -> Plain:
    """Read one message element."""
    message: Plain = {child.tag: child.text or "" for child in element if not len(child)}
    found = element.findall("destinations/destination") or element.findall("destinations")
    message["destinations"] = [{c.tag: c.text for c in one} for one in found]
    message["intermediateReport"] = message.get("intermediateReport") == "true"
    window = element.find("deliveryTimeWindow")
    if window is not None:
        times = {name: window.find(name) for name in ("from", "to")}
        message["deliveryTimeWindow"] = {"days": [day.text for day in window.findall("days")]} | {
            name: {part.tag: int(part.text or "") for part in one}
            for name, one in times.items()
            if one is not None
        }
    return message


# ---------------------------------------------------------------- what happens to a message


class Sms:
    """One message to one destination; ``fellows`` are those of the same message."""

    def __init__(self, message: Plain, destination: Plain, request: Plain) -> None:
        number = str(time.time_ns())
        self.message, self.to = message, destination["to"]
        new = number if MANNER == "own-ids" else str(uuid.uuid4())
        self.id = destination.get("messageId") or new
        self.bulk_id = "" if MANNER == "bulk-for-one" else request["bulkId"]
        self.first = request["messages"][0]
        self.accepted = CLOCK.now()
        self.tries = 0
        self.fellows: list[Sms] = [self]

    def plan(self, version: int) -> None:
        """Decide what happens to it, and when."""
        start = max(self.accepted, self.find_send_at())
        expiry = self.accepted + self.find_period(version)
        if MANNER != "scheduled-at-once":
            expiry += start - self.accepted
        opens = self.find_opening(start)
        if opens is None or (opens >= expiry and MANNER != "validity-ignored"):
            CLOCK.at(expiry, lambda: self.end("EXPIRED"))
            return
        CLOCK.at(opens, lambda: self.send(opens))

    def find_send_at(self) -> float:
        """Return when it is to be sent."""
        text = self.message.get("sendAt")
        if not text or MANNER == "scheduled-at-once":
            return 0
        if MANNER == "scheduled-without-offset":
            return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        early = 1 if MANNER == "scheduled-a-second-early" else 0
        return datetime.fromisoformat(text).timestamp() - early

    def find_period(self, version: int) -> float:
        """Return its validity period in seconds."""
        given = self.message.get("validityPeriod")
        if given is None:
            return LONGEST.total_seconds()
        thousandths = (version == 1) != (MANNER == "v1-in-minutes" and version == 1)
        thousandths = thousandths or (MANNER == "v2-in-milliseconds" and version == 2)
        period = int(given) * (0.001 if thousandths else 60)
        return period if MANNER == "validity-uncapped" else min(period, LONGEST.total_seconds())

    def find_opening(self, start: float) -> float | None:
        """Return when its window is open, minute by minute."""
        window = self.message.get("deliveryTimeWindow")
        if window is None or MANNER == "window-ignored":
            return start
        if MANNER == "window-never-open":
            return None
        zone = timezone(timedelta(minutes=ZONES.get(MANNER, 0)))
        at = datetime.fromtimestamp(start, zone)
        for _ in range(8 * 24 * 60):
            if is_open(window, at):
                return at.timestamp()
            at = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return None

    def send(self, at: float) -> None:
        """Send it; its end is near."""
        self.sent_at = at
        asked = self.message.get("intermediateReport") or MANNER == "intermediate-for-all"
        if asked and MANNER not in {"no-intermediate", "intermediate-after-final"}:
            self.push("PENDING")
        end = "UNDELIVERABLE" if MANNER == "undelivered" else "DELIVERED"
        CLOCK.at(at + DELAY, lambda: self.end(end))

    def end(self, group: str) -> None:
        """Come to an end, and report it."""
        if MANNER in {"batched", "twice-in-one-push"} and self is not self.fellows[0]:
            return
        if MANNER == "first-destination-only" and self is not self.fellows[0]:
            return
        self.push(group)
        if MANNER == "taken-again":
            self.push(group)
        if self.message.get("intermediateReport") and MANNER == "intermediate-after-final":
            self.push("PENDING")

    # ------------------------------------------------------------ reports

    def push(self, group: str) -> None:
        """Bring a report to the callback server; again later when it is not taken."""
        together = MANNER in {"batched", "twice-in-one-push"} and group != "PENDING"
        reports = [sms.report(group) for sms in (self.fellows if together else [self])]
        if MANNER == "twice-in-one-push":
            reports *= 2
        if is_kept_back(self):
            return
        kind = find_kind(self.message.get("notifyContentType", "application/json"))
        body = dump(reports, kind)
        says = {
            "called-text": "text/plain",
            "called-the-other": f"application/{'xml' if kind == 'json' else 'json'}",
            "form": "application/x-www-form-urlencoded",
        }.get(MANNER, f"application/{kind}; charset=UTF-8")
        url = (
            self.first["notifyUrl"] if MANNER == "first-url-for-all" else self.message["notifyUrl"]
        )
        status = post(url, body, says)
        self.again(group, status)

    def again(self, group: str, status: int) -> None:
        """Try once more, if the report was not taken."""
        forever = MANNER == "again-forever" and "/rejected-" in self.message["notifyUrl"].lower()
        number, self.tries = self.tries, self.tries + 1
        gaps = {"again-at-once": 0.3, "again-each-minute": 60.0}
        gap = gaps.get(MANNER, 60.0 * (1 + number * number))
        last = {"never-again": 0, "again-once": 1}.get(MANNER, 20)
        if (status >= 300 or forever) and number < last:
            CLOCK.at(CLOCK.now() + gap, lambda: self.push(group))

    def report(self, group: str) -> Plain:
        """Write what a report says."""
        final = group != "PENDING"
        status: Plain = {
            "groupId": GROUPS[group],
            "groupName": group,
            "id": 5,
            "name": f"{group}_SOMEHOW",
        }
        if MANNER == "named-groups":
            del status["groupId"]
        report: Plain = {"messageId": self.id, "status": status}
        if self.bulk_id:
            report["bulkId"] = self.bulk_id
        data = spoil_callback_data(self.message, self.first)
        if data is not None:
            report["callbackData"] = data
        if MANNER != "bare":
            report |= {"to": self.to, "from": self.message.get("from", ""), "smsCount": 1}
            report |= {"mccMnc": "21901", "price": {"pricePerMessage": 0.01, "currency": "EUR"}}
            report |= {"doneAt": write_instant(CLOCK.now(), "doneAt")} if final else {}
            report |= {"error": {"groupId": 0, "groupName": "OK", "id": 0, "name": "NO_ERROR"}}
            if hasattr(self, "sent_at"):
                report["sentAt"] = write_instant(self.sent_at, "sentAt")
        return spoil_ids(report, self)


def is_open(window: Plain, at: datetime) -> bool:
    """Tell whether a window is open at an instant of its zone."""
    if DAYS[at.weekday()] not in window["days"] and MANNER != "days-ignored":
        return False
    if "from" not in window or MANNER == "hours-ignored":
        return True
    first, last = ((window[n]["hour"], window[n]["minute"]) for n in ("from", "to"))
    return bool(first <= (at.hour, at.minute) < last)


def find_status(message: Plain) -> Plain:
    """Return the status with which a message is answered."""
    rejected = MANNER == "rejects-windows" and "deliveryTimeWindow" in message
    group = "REJECTED" if rejected else "PENDING"
    return {"groupId": GROUPS[group], "groupName": group, "id": 26, "name": f"{group}_SOMEHOW"}


def is_kept_back(sms: Sms) -> bool:
    """Tell whether a report of a message does not leave."""
    xml = sms.message.get("notifyContentType") == "application/xml"
    asked = bool(sms.message.get("intermediateReport"))
    return (
        MANNER == "silent"
        or (MANNER == "no-xml" and xml)
        or (MANNER == "intermediate-silent" and asked)
        or (MANNER == "first-message-only" and sms.message is not sms.first)
    )


def spoil_ids(report: Plain, sms: Sms) -> Plain:
    """Return a report as the manner has its ids."""
    changes: dict[str, Callable[[], Plain]] = {
        "other-message-id": lambda: {"messageId": str(uuid.uuid4())},
        "other-bulk-id": lambda: {"bulkId": str(uuid.uuid4())},
        "swapped-numbers": lambda: {"to": sms.fellows[sms.fellows.index(sms) - 1].to},
        "own-ids": lambda: {"messageId": int(sms.id) if sms.id.isdecimal() else sms.id},
        "rich": lambda: {"smsCount": "1", "extra": {"to": "nobody"}, "messageCount": 7},
    }
    report |= changes.get(MANNER, dict)()
    report.pop({"no-message-id": "messageId", "no-bulk-id": "bulkId"}.get(MANNER, ""), None)
    if MANNER == "rich":
        report["status"] |= {"groupId": str(report["status"]["groupId"]), "description": "x"}
        report = dict(reversed(report.items()))
    return report


def spoil_callback_data(message: Plain, first: Plain) -> str | None:
    """Return the callbackData of a report."""
    import unicodedata  # noqa: PLC0415 - one manner needs it

    given = message.get("callbackData")
    if given is None or MANNER == "callback-data-missing":
        return None
    changes: dict[str, Callable[[str], str]] = {
        "callback-data-cut": lambda text: text[:160],
        "callback-data-trimmed": str.strip,
        "callback-data-escaped": escape,
        "callback-data-ascii": lambda text: text.encode("ascii", "replace").decode(),
        "callback-data-composed": lambda text: unicodedata.normalize("NFC", text),
        "callback-data-of-first": lambda _: str(first.get("callbackData")),
    }
    return changes.get(MANNER, str)(given)


def write_instant(at: float, name: str) -> object:
    """Write an instant as the manner has it."""
    zone = timezone(-timedelta(hours=3, minutes=30)) if MANNER == "rich" else UTC
    text = datetime.fromtimestamp(at, zone).isoformat(timespec="milliseconds")
    if MANNER == "epoch":
        return int(at * 1000)
    if MANNER == "no-offset":
        return text[:-6]
    if MANNER == "done-at-zulu" and name == "doneAt":
        return f"{text[:-6]}Z"
    return text if MANNER == "colon" else text[:-3] + text[-2:]


def find_kind(media: str) -> str:
    """Return the format of a push."""
    kind = {"json-always": "json", "xml-always": "xml"}.get(MANNER)
    return kind or media.partition("/")[2]


def dump(reports: list[Plain], kind: str) -> bytes:
    """Write a push."""
    if MANNER == "form":
        return "&".join(f"messageId={r['messageId']}" for r in reports).encode()
    if kind == "json":
        data = reports[0] if MANNER == "no-results" else {"results": reports}
        return json.dumps(data).encode()
    inner = "".join(write_element(find_entry_name(), report) for report in reports)
    root, wrapper = "reportResponse", "results"
    if MANNER == "no-results":
        return write_element("report", reports[0]).encode()
    if MANNER == "wrapped-as-in-2015":
        return f"<SMSReportResponse>{inner}</SMSReportResponse>".encode()
    if MANNER == "wrapped-in-a-namespace":
        root = 'deliveryReports xmlns="urn:some"'
        return f"<?xml version='1.0'?>\n<{root}><list>{inner}</list></deliveryReports>".encode()
    return f"<{root}><{wrapper}>{inner}</{wrapper}></{root}>".encode()


def find_entry_name() -> str:
    """Return the name of the element of a report."""
    return {"wrapped-as-in-2015": "results", "wrapped-in-a-namespace": "item"}.get(MANNER, "result")


def write_element(name: str, value: Any) -> str:
    """Write a value as an element."""
    inside = escape(str(value))
    if isinstance(value, dict):
        inside = "".join(write_element(key, item) for key, item in value.items())
    return f"<{name}>{inside}</{name}>"


def post(url: str, body: bytes, content_type: str) -> int:
    """Post a push; return the status of the answer, 599 when there was none."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=5)
    try:
        method = "PUT" if MANNER == "puts" else "POST"
        asked = parts.query and MANNER != "query-lost"
        target = f"{parts.path}?{parts.query}" if asked else parts.path
        connection.request(method, target, body, {"Content-Type": content_type})
        return connection.getresponse().status
    except OSError:
        return 599
    finally:
        connection.close()


# ---------------------------------------------------------------- HTTP


class Handler(BaseHTTPRequestHandler):
    """Takes every request."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer a send request of either version, or move the clock."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/sandbox/clock" and MANNER != "clockless":
            CLOCK.advance(json.loads(body)["advance"])
            self.answer(200, b"{}", "json")
        elif self.path not in {"/sms/2/text/advanced", "/sms/1/text/advanced"} or (
            MANNER == "one-version" and "/1/" in self.path
        ):
            self.answer(404, b"{}", "json")
        else:
            xml = "xml" in self.headers.get("Content-Type", "").lower()
            request = read_xml(body) if xml else json.loads(body)
            self.take(request, 1 if "/1/" in self.path else 2, "xml" if xml else "json")

    def take(self, request: Plain, version: int, kind: str) -> None:
        """Accept every message, and let it happen."""
        request.setdefault("bulkId", str(uuid.uuid4()))
        entries: list[Plain] = []
        if MANNER == "refuses-windows" and any(
            "deliveryTimeWindow" in m for m in request["messages"]
        ):
            self.answer(400, b"", kind)
            return
        for message in request["messages"]:
            fellows = [Sms(message, one, request) for one in message["destinations"]]
            status = find_status(message)
            for sms in fellows:
                sms.fellows = fellows
                entries.append({"to": sms.to, "status": status, "messageId": sms.id})
                watched = "127.0.0.1" in message.get("notifyUrl", "")
                if watched and status["groupName"] == "PENDING":
                    sms.plan(version)
        if MANNER == "unreadable-reply" and any("notifyUrl" in m for m in request["messages"]):
            self.answer(200, b"Thank you.", kind)
            return
        response: Plain = {} if MANNER == "bulk-for-one" else {"bulkId": request["bulkId"]}
        if kind == "json":
            self.answer(200, json.dumps(response | {"messages": entries}).encode(), kind)
            return
        inner = "".join(write_element("message", entry) for entry in entries)
        bulk = "".join(write_element(*item) for item in response.items())
        text = f"<smsResponse>{bulk}<messages>{inner}</messages></smsResponse>"
        self.answer(200, text.encode(), kind)

    def answer(self, status: int, body: bytes, kind: str) -> None:
        """Send a response."""
        self.send_response(status)
        self.send_header("Content-Type", f"application/{kind}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until ended."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
