"""Delivery reports on their way to callback servers."""

import http.client
import threading
import time
from collections import defaultdict
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from tests.conformance.mutation.independent_server.delivery.timetable import Timetable
from tests.conformance.mutation.independent_server.replies import REPORTS, write_json, write_xml
from tests.conformance.mutation.independent_server.traits import Traits
from tests.conformance.mutation.independent_server.twists.catalog import find_twist

Target = tuple[str, str]
Report = dict[str, Any]
TRIES_MORE = 20
REACHABLE = {"127.0.0.1", "localhost", "::1"}
LARGEST_BATCH = 100
BATCH_WAIT = 0.15


class Pusher:
    """Sends reports, one or several at a time, until they are taken."""

    def __init__(self, traits: Traits, timetable: Timetable, minute: float) -> None:
        self._traits = traits
        self._timetable = timetable
        self._minute = minute
        self._lock = threading.Lock()
        self._batches: dict[Target, list[Report]] = defaultdict(list)

    def push(self, url: str, content_type: str, report: Report) -> None:
        """Send a report to a URL, now or with others."""
        target = url, content_type
        if not self._traits.takes("batches"):
            self._try(target, [report], 0)
            return
        with self._lock:
            self._batches[target].append(report)
            if len(self._batches[target]) == 1:
                self._timetable.add(time.time() + BATCH_WAIT, partial(self._flush, target))

    def _flush(self, target: Target) -> None:
        with self._lock:
            reports = self._batches.pop(target, [])
        for start in range(0, len(reports), LARGEST_BATCH):
            self._try(target, reports[start : start + LARGEST_BATCH], 0)

    def _try(self, target: Target, reports: list[Report], number: int) -> None:
        status = self._post(target, reports)
        if self._is_over(status) or number >= TRIES_MORE:
            return
        wait = (1 + number * number) * self._minute
        if self._traits.breaks("retry-at-once"):
            wait = 0.2
        if self._traits.breaks("retry-every-minute"):
            wait = self._minute
        if self._traits.breaks("retry-only-once") and number:
            return
        self._timetable.add(time.time() + wait, partial(self._try, target, reports, number + 1))

    def _is_over(self, status: int) -> bool:
        if self._traits.breaks("retry-never"):
            return True
        if self._traits.breaks("retry-not-after-5xx") and status >= 500:
            return True
        if self._traits.breaks("retry-after-200"):
            return False
        if self._traits.takes("only-200-takes"):
            return status == 200
        return 200 <= status < 300

    def _post(self, target: Target, reports: list[Report]) -> int:
        url, wanted = target
        try:
            parts = urlsplit(url)
            if parts.hostname not in REACHABLE:  # nothing of a test leaves the machine
                return 0
            secure = parts.scheme == "https"
            kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            connection = kind(parts.hostname or "", parts.port, timeout=5)
            content_type, body = self._write(wanted, reports)
            twist = find_twist(self._traits.faults | self._traits.liberties)
            if twist.pushed:
                url, content_type, body = twist.pushed((url, content_type, body))
                if not url:
                    return 200
                parts = urlsplit(url)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            method = "PUT" if self._traits.breaks("push-put") else "POST"
            connection.request(method, path, body, {"Content-Type": content_type})
            status = connection.getresponse().status
            connection.close()
        except (OSError, http.client.HTTPException, ValueError):
            return 0
        return status

    def _write(self, wanted: str, reports: list[Report]) -> tuple[str, bytes]:
        in_xml = wanted == "application/xml"
        if self._traits.breaks("push-always-json"):
            in_xml = False
        if self._traits.breaks("push-always-xml"):
            in_xml = True
        data = {"results": reports}
        if self._traits.breaks("push-bare-report") and len(reports) == 1:
            data = reports[0]
        if self._traits.breaks("push-root-reports"):
            data = {"reports": reports}
        if in_xml:
            label = "json" if self._traits.breaks("push-xml-labelled-json") else "xml"
            return f"application/{label}", write_xml(REPORTS, data, self._traits)
        label = "text/plain" if self._traits.breaks("push-json-labelled-text") else ""
        return label or "application/json", write_json(data, self._traits)
