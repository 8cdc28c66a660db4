"""HTML of the inbox page.

The templates are in ``page/``. The environment escapes every value; control characters are shown as
their Unicode control pictures, so that they cannot change how a page looks.
"""

from __future__ import annotations

import datetime as dt
import re
import shlex
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import InvalidRequestError
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from infobip_sms.sandbox.clock import add_clamped
from infobip_sms.sandbox.state import statuses
from infobip_sms.sandbox.state.magic_numbers import parse_magic_number
from infobip_sms.text.segments import count_segments

from .description import get_operations
from .formatting import format_body
from .one_time_codes import find_codes

if TYPE_CHECKING:
    from infobip_sms.sandbox.mutants.fault_injection import InjectedFault
    from infobip_sms.sandbox.state.magic_numbers import MagicNumber
    from infobip_sms.sandbox.state.rows import StoredMessage, WebhookDelivery
    from infobip_sms.sandbox.state.state import State
    from infobip_sms.text.segments import SegmentCount

    from .request_log import LoggedRequest, RequestLog
    from .statement import ConformanceStatement

PAGE_SIZE = 100
"""Messages on one page."""
MAX_SCANNED = 20_000
"""Messages scanned by one search; a link continues with older ones."""
MAX_SIBLINGS = 50
"""Other messages of the same bulk listed on the page of a message."""
MAX_EXCERPT = 160
"""Characters of a text shown in the list."""
EXAMPLES = (
    ("9990510000005", "delivered after 5 seconds, one report"),
    ("9990010000005", "delivered immediately, one report"),
    ("9990010000006", "rejected in the response"),
    (
        "9990520001009",
        "undeliverable after 5 seconds, error 1; an intermediate report if requested",
    ),
    ("9990000000003", "pending until the validity period ends, then expired; no report"),
)
"""Test numbers, each with its outcome."""
_PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
_PICTURES |= {0x7F: "\u2421", **dict.fromkeys(range(0x80, 0xA0), "\ufffd")}
_PICTURES |= dict.fromkeys((*range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd")
# what turns the direction of writing, or is not seen at all; joiners and marks that scripts need stay
_PICTURES |= {
    code: f"\\u{code:04x}"
    for code in (0x200B, *range(0x2028, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
}


@attrs.frozen
class MessagePage:
    """One page of messages, newest first."""

    messages: list[StoredMessage]
    next_before: int | None
    """Where the next page starts: messages below this serial were not scanned."""


@attrs.frozen(order=True)
class Event:
    """A past or future event of a message."""

    at: dt.datetime
    rank: int
    what: str = attrs.field(order=False)
    detail: str = attrs.field(order=False, default="")
    is_ahead: bool = attrs.field(order=False, default=False)
    kind: str = attrs.field(order=False, default="")
    """CSS class of its marker."""


def get_message_page(
    state: State, query: str = "", before: int | None = None, group: str = ""
) -> MessagePage:
    """Return the newest messages below a serial that contain every word of the query.

    group: only messages with a status of this group.
    """
    words = query.casefold().split()
    newest, oldest = next(reversed(state.messages), 0), next(iter(state.messages), 1)
    rows: list[StoredMessage] = []
    scanned = 0
    for serial in range(newest if before is None else min(before - 1, newest), oldest - 1, -1):
        sms = state.messages.get(serial)
        if sms is None:
            continue
        if len(rows) == PAGE_SIZE or scanned == MAX_SCANNED:
            return MessagePage(rows, serial + 1)
        scanned += 1
        in_group = not group or group == statuses.get_status(sms.status).group_name
        if in_group and (not words or _contains_all(sms, words)):
            rows.append(sms)
    return MessagePage(rows, None)


def build_events(sms: StoredMessage, deliveries: list[WebhookDelivery]) -> list[Event]:
    """Return the past and future events of a message, in order."""
    waiting = get_waiting(deliveries)
    events = [Event(sms.accepted_at, 0, "Accepted", f"for {sms.to}")]
    if sms.start_at > sms.accepted_at:
        scheduled = "its bulk is paused or canceled" if sms.held else "requested send time"
        ahead = sms.sent_at is None and sms.done_at is None
        events.append(Event(sms.start_at, 1, "Scheduled", scheduled, ahead))
    if sms.sent_at is not None:
        events.append(Event(sms.sent_at, 2, "Sent", _get_status_name(statuses.WAITING_DELIVERY)))
    for delivery in deliveries:
        kind = "final" if delivery.is_final else "intermediate"
        detail = f"{kind}, {_format_delivery_state(delivery, waits=delivery.serial in waiting)}"
        events.append(
            Event(delivery.done_at, 4 + delivery.is_final, "Report", detail, kind="report")
        )
    if sms.done_at is not None:
        detail = _get_status_name(sms.status) + (
            f", {_get_error_name(sms.error)}" if sms.error else ""
        )
        status = statuses.get_status(sms.status)
        group = (status.group_name or "").capitalize()
        events.append(Event(sms.done_at, 4, group, detail, kind=f"g{status.group_id}"))
    elif sms.due is not None and not sms.held and (sms.sent_at or sms.due > sms.start_at):
        what = "sent or expired" if sms.sent_at is None else "report or final status"
        events.append(Event(sms.due, 6, "Next", what, is_ahead=True))
    return sorted(events)


def get_waiting(deliveries: list[WebhookDelivery]) -> set[int]:
    """Return the reports of one message that wait for an earlier report."""
    left = sorted(delivery.serial for delivery in deliveries if delivery.final_state is None)
    return set(left[1:])


def find_segment_count(sms: StoredMessage) -> SegmentCount | None:
    """Return the segment count of the delivered text; None if a national character set changed it."""
    try:
        counted = count_segments(sms.content.text)
    except InvalidRequestError:
        return None
    return counted if counted.segments == sms.content.sms_count else None


def find_wait(sms: StoredMessage) -> tuple[str, dt.datetime | None] | None:
    """Return what a message waits for, and until when at most; None if its status is final."""
    if sms.done_at is not None:
        return None
    if sms.held:
        return "its bulk is paused or canceled", None
    if sms.due is None:
        return "nothing", None
    if sms.due >= add_clamped(sms.start_at, sms.content.validity):
        return "the end of its validity period", sms.due
    return "its send time" if sms.sent_at is None else "its next status", sms.due


def render_list(
    state: State,
    query: str = "",
    before: int | None = None,
    command: str = "",
    group: str = "",
) -> str:
    """Return the message list as a fragment; ``command`` is shown while it is empty."""
    return _render(
        "rows.html",
        found=get_message_page(state, query, before, group),
        query=query,
        group=group,
        before=before,
        total=len(state.messages),
        command=command,
    )


def render_message_details(state: State, sms: StoredMessage) -> str:
    """Return the status, reports and bulk of a message as a fragment."""
    deliveries = _get_deliveries(state, sms)
    siblings = [s for s in _get_bulk_messages(state, sms) if s.serial != sms.serial]
    return _render(
        "message_details.html",
        sms=sms,
        events=build_events(sms, deliveries),
        deliveries=deliveries,
        waiting=get_waiting(deliveries),
        links=state.get_links(sms),
        siblings=siblings[:MAX_SIBLINGS],
        more=len(siblings) - MAX_SIBLINGS,
    )


def render_message(
    state: State,
    sms: StoredMessage,
    logged_request: LoggedRequest | None,
    command: str = "",
    **page: Any,
) -> str:
    """Return the page of one message; ``command`` makes its request again."""
    return _render(
        "message.html",
        sms=sms,
        command=command,
        codes=find_codes(sms.content.text),
        counted=find_segment_count(sms),
        magic_number=parse_magic_number(sms.to),
        logged_request=logged_request,
        live=Markup(render_message_details(state, sms)),  # noqa: S704 - escaped by its template
        **page,
    )


def render_inbox(query: str, group: str, fragment: str, **page: Any) -> str:
    """Return the start page around a fragment from ``render_list``."""
    return _render(
        "list.html",
        query=query,
        group=group,
        groups=list(dict.fromkeys(s.group_name for s in statuses.get_statuses())),
        live=Markup(fragment),  # noqa: S704 - escaped by its template
        examples=EXAMPLES,
        statuses=statuses.get_statuses(),
        errors=statuses.get_errors(),
        **page,
    )


def render_request_list(request_log: RequestLog) -> str:
    """Return the latest requests as a fragment."""
    return _render("request_rows.html", requests=list(request_log))


def render_requests(fragment: str, **page: Any) -> str:
    """Return the page of the latest requests around a fragment from ``render_request_list``."""
    live = Markup(fragment)  # noqa: S704 - escaped by its template
    return _render("requests.html", live=live, **page)


def render_statement(statement: ConformanceStatement, **page: Any) -> str:
    """Return the page with the conformance statement."""
    return _render("statement.html", statement=statement, **page)


def render_api(url: str, **page: Any) -> str:
    """Return the page that describes the admin API."""
    return _render("api.html", operations=get_operations(), url=url, **page)


def render_request(logged_request: LoggedRequest, command: str, **page: Any) -> str:
    """Return the page of one request and its response; ``command`` makes it again."""
    return _render("request.html", logged_request=logged_request, command=command, **page)


def render_problem(title: str, text: str, **page: Any) -> str:
    """Return an error page."""
    return _render("problem.html", title=title, text=text, **page)


def format_faults(
    broken_requirement_ids: tuple[str, ...], faults: tuple[InjectedFault, ...]
) -> str:
    """Describe the injected faults; empty if there are none."""
    words = [f"{requirement_id} violated" for requirement_id in broken_requirement_ids]
    return "; ".join((*words, *map(_format_fault, faults)))


def replace_unprintable(value: Any) -> Any:
    """Replace characters that cannot be shown in a page."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return value.translate(_PICTURES)
    return value


def _render(template: str, **values: Any) -> str:
    return _get_environment().get_template(template).render(values)


@cache
def _get_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("infobip_sms.sandbox.admin", "page"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        finalize=replace_unprintable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        utc=_format_utc,
        iso=lambda at: at.isoformat(timespec="milliseconds"),
        status=statuses.get_status,
        wait=find_wait,
        error=_get_error_name,
        delivery_state=_format_delivery_state,
        cut=lambda text: text if len(text) <= MAX_EXCERPT else f"{text[: MAX_EXCERPT - 1]}…",
        pretty=format_body,
        magic_number=_format_magic_number,
        span=_format_duration,
        wrap=_add_line_breaks,
        mark_code=_mark_code,
        quote=shlex.quote,
    )
    return environment


def _format_utc(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")


def _format_duration(span: dt.timedelta) -> str:
    """Format a duration in hours, minutes and seconds."""
    minutes, seconds = divmod(span.total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{amount:g} {unit}" for amount, unit in parts if amount) or "none"


def _mark_code(text: str) -> Markup:
    """Show what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(replace_unprintable(text)))))  # noqa: S704 - escaped


def _add_line_breaks(text: str) -> Markup:
    """Allow line breaks after underscores."""
    return _mark_code(text).replace("_", Markup("_<wbr>"))


def _format_fault(fault: InjectedFault) -> str:
    """Describe one fault and the share of requests that it affects."""
    if fault.kind == "delay":
        what = f"{fault.seconds:g} s delay"
    elif fault.kind == "drop":
        what = "response lost" if fault.after else "connection dropped"
    else:
        what = f"HTTP {fault.status}"
    share = "all" if fault.rate == 1 else f"{fault.rate:.0%} of"
    return f"{what} for {share} requests"


def _contains_all(sms: StoredMessage, words: list[str]) -> bool:
    """Return whether a message contains every word, in any field."""
    content = sms.content
    fields = (sms.to, content.from_ or "", content.text, sms.message_id, sms.bulk_id or "")
    status = statuses.get_status(sms.status)
    text = "\n".join((*fields, status.name or "", status.group_name or "")).casefold()
    return all(word in text for word in words)


def _get_bulk_messages(state: State, sms: StoredMessage) -> list[StoredMessage]:
    return [] if sms.bulk_id is None else state.get_messages_by_bulk(sms.bulk_id)


def _get_deliveries(state: State, sms: StoredMessage) -> list[WebhookDelivery]:
    """Return the delivery reports of a message; without a notify URL there are none to search for."""
    if sms.content.notify_url is None:
        return []
    return [
        delivery for delivery in state.deliveries.values() if delivery.message_serial == sms.serial
    ]


def _get_status_name(status: int) -> str:
    return statuses.get_status(status).name or str(status)


def _get_error_name(error: int) -> str:
    return statuses.get_error(error).name or str(error)


def _format_delivery_state(delivery: WebhookDelivery, waits: bool = False) -> str:
    """Describe the delivery state of a report; ``waits``: for an earlier report of its message."""
    if delivery.final_state == "acknowledged":
        return "acknowledged"
    if delivery.final_state == "dead":
        return "given up"
    if waits:
        return "waiting for the previous report"
    return "waiting" if delivery.attempts else "sending"


def _format_magic_number(magic_number: MagicNumber) -> str:
    """Describe the outcome of a test number."""
    error = f", error {_get_error_name(magic_number.error)}" if magic_number.error else ""
    reports = "1 report" if magic_number.reports == 1 else f"{magic_number.reports} reports"
    return f"{_get_status_name(magic_number.status)} after {magic_number.seconds:g} s, {reports}{error}"
