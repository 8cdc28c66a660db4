"""A sandbox without a socket, whose clock the test controls."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from infobip_sms import DeliveryReport, DeliveryReports, ErrorResponse, SmsLogs
from infobip_sms.codecs import wire_json, wire_xml
from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpRequest, HttpResponse
from infobip_sms.sandbox.config import SandboxSettings
from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.lifecycle.webhooks import (
    WebhookRequest,
    WebhookResult,
    pop_webhook_requests,
    record_webhook_result,
)
from infobip_sms.sandbox.state.state import State
from infobip_sms.webhooks import parse_delivery_reports

if TYPE_CHECKING:
    from collections.abc import Callable

    import attrs

CODECS: dict[str, Any] = {"json": wire_json, "xml": wire_xml}
START = dt.datetime(2030, 1, 1, 12, 0, tzinfo=dt.UTC)  # a Tuesday
BASIC = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
SEND, SEND_V1 = "/sms/2/text/advanced", "/sms/1/text/advanced"
CALLBACK = "http://127.0.0.1:8081/reports?of=all"


class Pushed(NamedTuple):
    """One attempt to deliver a report."""

    at: dt.datetime
    posting: WebhookRequest
    report: DeliveryReport

    @property
    def status(self) -> int:
        """The id of the reported status."""
        assert self.report.status is not None
        return self.report.status.id

    @property
    def to(self) -> str | None:
        """The destination."""
        return self.report.to


class Bench:
    """A sandbox, its state, the current time and the reports posted so far."""

    def __init__(self, **settings: Any) -> None:
        self.settings = SandboxSettings("Aladdin", "open sesame", **{"seed": "bench", **settings})
        self.app = App(self.settings)
        self.state = State()
        self.now = START
        self.pushed: list[Pushed] = []
        self.callback: Callable[[WebhookRequest], WebhookResult] = lambda _: WebhookResult(200)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        wire: str = "json",
        headers: dict[str, str] | None = None,
        **parameters: Any,
    ) -> HttpResponse:
        """Make a request at the current time."""
        media = f"application/{wire}"
        kept = {"authorization": BASIC, "content-type": media, "accept": media, "host": "me:1"}
        query = urlencode(parameters, doseq=True)
        request = HttpRequest(method, path, {**kept, **(headers or {})}, body, query)
        return self.app.handle(request, self.state, self.now)

    def post(self, model: attrs.AttrsInstance, path: str = SEND, wire: str = "json") -> Any:
        """Send a valid request; return the JSON of its response, or the XML as text."""
        response = self.ask("POST", path, CODECS[wire].dump_model(model), wire)
        assert response.status == 200, response.body
        return json.loads(response.body) if wire == "json" else response.body.decode()

    def send(self, *to: str, **message: Any) -> Any:
        """Send one message as JSON, by its wire names; ``bulkId`` and ``tracking`` belong to the request."""
        names = [name for name in ("bulkId", "tracking") if name in message]
        outer: dict[str, Any] = {name: message.pop(name) for name in names}
        document = {**outer, "messages": [{"destinations": [{"to": t} for t in to], **message}]}
        response = self.ask("POST", SEND, json.dumps(document).encode())
        assert response.status == 200, response.body
        return json.loads(response.body)

    def wait(self, **delta: float) -> None:
        """Let time pass: everything happens when it is due."""
        target = self.now + dt.timedelta(**delta)
        while (due := self.state.find_next()) is not None and due <= target:
            self.now = max(self.now, due)
            self._turn()
        self.now = target
        self._turn()

    def logs(self, wire: str = "json", **parameters: Any) -> list[Any]:
        """Return the log entries."""
        response = self.ask("GET", "/sms/1/logs", b"", wire, **parameters)
        assert response.status == 200, response.body
        found: list[Any] = list(CODECS[wire].parse_response(response.body, SmsLogs))
        return found

    def reports(self, wire: str = "json", **parameters: Any) -> list[Any]:
        """Fetch reports."""
        response = self.ask("GET", "/sms/1/reports", b"", wire, **parameters)
        assert response.status == 200, response.body
        found: list[Any] = list(CODECS[wire].parse_response(response.body, DeliveryReports))
        return found

    def _turn(self) -> None:
        advance(self.state, self.now, self.settings)
        while postings := pop_webhook_requests(self.state, self.now, self.settings):
            for webhook_request in postings:
                (report,) = parse_delivery_reports(
                    webhook_request.body, webhook_request.content_type
                ).results
                self.pushed.append(Pushed(self.now, webhook_request, report))
                record_webhook_result(
                    self.state,
                    webhook_request.delivery_serial,
                    self.callback(webhook_request),
                    self.now,
                )


def find_word(response: HttpResponse, wire: str = "json") -> str | None:
    """Return the code of an error body."""
    word: str | None = (
        CODECS[wire]
        .parse_response(response.body, ErrorResponse)
        .request_error.service_exception.message_id
    )
    return word


def find_text(response: HttpResponse, wire: str = "json") -> str:
    """Return the text of an error body."""
    text: str | None = (
        CODECS[wire]
        .parse_response(response.body, ErrorResponse)
        .request_error.service_exception.text
    )
    return text or ""


def minutes(*numbers: float) -> list[dt.timedelta]:
    """Return so many minutes each."""
    return [dt.timedelta(minutes=number) for number in numbers]
