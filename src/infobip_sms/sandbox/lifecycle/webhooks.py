"""Delivery of reports to notify URLs: which, when, in what order and how often.

A report is posted as soon as it exists (DLR-001). If it is not acknowledged it is retried 1 + n * n
minutes after attempt n, counted from 0, up to twenty times (DLR-006); then it is a dead letter. Reports
of one message keep their order: the final one waits until the intermediate ones are acknowledged or
dead. Reports are posted to loopback only, unless the settings name other hosts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import attrs
from infobip_sms_schema import DeliveryReports, InvalidRequestError

from infobip_sms.codecs import get_codec
from infobip_sms.rules import MAX_REPORT_RETRIES, get_retry_delay
from infobip_sms.sandbox.clock import add_clamped
from infobip_sms.sandbox.config import ADMIN_PREFIX
from infobip_sms.sandbox.state.rows import WebhookDelivery
from infobip_sms.transport.urls import is_loopback

from .representations import build_report, dump_replaced

if TYPE_CHECKING:
    import datetime as dt

    from infobip_sms.sandbox.config import SandboxSettings
    from infobip_sms.sandbox.state.rows import StoredMessage
    from infobip_sms.sandbox.state.state import State

    Server = tuple[str, str, int]

USER_AGENT = "infobip-sms-sandbox"
"""Of every report, so that the admin interface of any sandbox can reject it."""
_PORTS = {"http": 80, "https": 443}
_PATH = "/%:@!$&'()*+,;=-._~?"  # characters of a path or a query that are not escaped


@attrs.frozen
class WebhookTarget:
    """The parts of a notify URL, parsed once, so that checks and connections use the same host."""

    scheme: str
    host: str
    port: int
    path: str = attrs.field(repr=False)
    """Includes the query."""

    @property
    def server(self) -> Server:
        """Scheme, host and port."""
        return self.scheme, self.host, self.port

    @property
    def has_default_port(self) -> bool:
        """Whether the port is that of the scheme."""
        return self.port == _PORTS[self.scheme]


@attrs.frozen
class WebhookRequest:
    """One attempt to deliver a report to a callback server."""

    delivery_serial: int
    target: WebhookTarget
    content_type: str
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class WebhookResult:
    """The result of an attempt; ``status`` is None if there was no response."""

    status: int | None
    reason: str = ""
    timed_out: bool = False

    def is_acknowledged(self) -> bool:
        """Return whether the callback server acknowledged the report, with any 2xx."""
        return self.status is not None and 200 <= self.status < 300


def build_delivery(
    serial: int,
    before: StoredMessage | None,
    sms: StoredMessage,
    at: dt.datetime,
    settings: SandboxSettings,
) -> WebhookDelivery | None:
    """Return the report for the transition from ``before`` to ``sms``; None if none is required."""
    url, is_final = sms.content.notify_url, sms.done_at is not None
    has_new_status = is_final or sms.reported > (before.reported if before else 0)
    is_requested = is_final or sms.content.intermediate_report
    if url is None or not (has_new_status and is_requested and sms.outcome.reports):
        return None
    problem = check_notify_url(url, settings)
    return WebhookDelivery(
        serial=serial,
        message_serial=sms.serial,
        status=sms.status,
        error=sms.error,
        done_at=at,
        is_final=is_final,
        due=at,
        final_state="dead" if problem else None,
        reason=problem,
    )


def parse_notify_url(url: str) -> WebhookTarget | None:
    """Return the parts of a notify URL; None if it is not an absolute http or https URL (READ-013)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host:
        return None
    path = quote(parts.path or "/", safe=_PATH) + (
        f"?{quote(parts.query, safe=_PATH)}" if parts.query else ""
    )
    return WebhookTarget(parts.scheme, host, _PORTS[parts.scheme] if port is None else port, path)


def check_notify_url(url: str, settings: SandboxSettings) -> str:
    """Return why reports are not posted to a URL; empty if they are."""
    target = parse_notify_url(url)
    if target is None:
        return "the notify URL is not an absolute http or https URL"
    is_own = target.port == settings.port and settings.is_own_host(target.host)
    if is_own and f"{target.path}/".startswith(ADMIN_PREFIX):
        return "the notify URL is the admin interface of this sandbox"
    if is_loopback(target.host) or {target.host, "*"} & set(settings.push_to):
        return ""
    return "the host of the notify URL is not this machine, and the sandbox does not deliver reports there; see --allow-callback"


def build_webhook_request(
    delivery: WebhookDelivery, sms: StoredMessage, settings: SandboxSettings
) -> WebhookRequest:
    """Return what is posted; characters that XML cannot represent are replaced (TEXT-002)."""
    target = parse_notify_url(sms.content.notify_url or "")
    assert target is not None, "a delivery has a valid URL"
    wire = sms.content.notify_wire
    reports = DeliveryReports(results=[build_report(sms, delivery, settings)])
    try:
        body = get_codec(wire).dump_model(reports)
    except InvalidRequestError:
        body = dump_replaced(reports, wire)
    return WebhookRequest(delivery.serial, target, get_codec(wire).CONTENT_TYPE, body)


def pop_webhook_requests(
    state: State, now: dt.datetime, settings: SandboxSettings, limit: int | None = None
) -> list[WebhookRequest]:
    """Return what is to be posted now, in order; each then awaits its result.

    limit: the maximum number of requests; the others are still due.
    """
    found: list[WebhookRequest] = []
    while (limit is None or len(found) < limit) and (delivery := state.pop_due_delivery(now)):
        sms = state.messages[delivery.message_serial]
        found.append(build_webhook_request(delivery, sms, settings))
    return found


def record_webhook_result(
    state: State, serial: int, result: WebhookResult, now: dt.datetime
) -> None:
    """Record the result of an attempt: acknowledged, to be retried, or dead."""
    delivery = state.deliveries[serial]
    attempted = attrs.evolve(delivery, attempts=delivery.attempts + 1, reason=result.reason)
    if result.is_acknowledged():
        state.put([attrs.evolve(attempted, final_state="acknowledged", reason="")])
        if delivery.is_final:
            state.put([attrs.evolve(state.messages[delivery.message_serial], fetchable=False)])
    elif delivery.attempts >= MAX_REPORT_RETRIES:
        state.put([attrs.evolve(attempted, final_state="dead")])
    else:
        state.put(
            [attrs.evolve(attempted, due=add_clamped(now, get_retry_delay(delivery.attempts)))]
        )


def send_again(
    state: State, delivery: WebhookDelivery, now: dt.datetime, settings: SandboxSettings
) -> bool:
    """Let a report be posted now, even if it was acknowledged or is dead.

    Return False if it is being posted already, or its URL is not posted to.
    """
    url = state.messages[delivery.message_serial].content.notify_url or ""
    is_due = delivery.final_state is None and delivery.due <= now
    if is_due or check_notify_url(url, settings):
        return False
    state.put([attrs.evolve(delivery, final_state=None, due=now, reason="")])
    return True


def get_dead_letters(state: State) -> list[WebhookDelivery]:
    """Return the reports that will not be delivered, each with its reason."""
    return [delivery for delivery in state.deliveries.values() if delivery.final_state == "dead"]
