"""What the inbox page shows: the state in, HTML out.

    render_list(state, query)           the newest messages, or those that hold the words of the query
    render_message(state, sms, ...)     one message: phone, timeline, reports, request and response
    render_statement(statement, ...)    what is kept of the contract, clause by clause

The templates lie in page/. Every value is escaped by the environment, none by hand; characters that
cannot be seen are shown as their pictures, so that a page is what it says it is.
"""

from __future__ import annotations

import datetime as dt
import shlex
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import InvalidRequestError
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from infobip_sms.sandbox.state import statuses
from infobip_sms.sandbox.state.magic_numbers import parse_magic_number
from infobip_sms.text.segments import count_segments

from .formatting import format_body

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
"""Messages that one search looks at; the page leads on to the older ones."""
MAX_SIBLINGS = 50
"""Other messages of the same bulk that the page of one message names."""
MAX_EXCERPT = 160
"""Characters of a text that the list shows."""
EXAMPLES = (
    ("9990510000005", "delivered after 5 seconds, one report"),
    ("9990010000005", "delivered at once, one report"),
    ("9990010000006", "rejected in the response"),
    (
        "9990520001009",
        "undeliverable after 5 seconds, error 1; an intermediate report if asked for",
    ),
    ("9990000000003", "waits until its validity period has passed, then expired; no report"),
)
"""Numbers of the scheme, each with what happens to it."""
_PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
_PICTURES |= {0x7F: "\u2421", **dict.fromkeys(range(0x80, 0xA0), "\ufffd")}
_PICTURES |= dict.fromkeys((*range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd")


@attrs.frozen
class MessagePage:
    """Part of the messages, the newest first."""

    messages: list[StoredMessage]
    next_before: int | None
    """Where to go on: messages below this number were not looked at."""


@attrs.frozen(order=True)
class Event:
    """Something that has happened to a message, or will."""

    at: dt.datetime
    rank: int
    what: str = attrs.field(order=False)
    detail: str = attrs.field(order=False, default="")
    is_ahead: bool = attrs.field(order=False, default=False)
    kind: str = attrs.field(order=False, default="")
    """Class of its mark."""


def get_message_page(state: State, query: str = "", before: int | None = None) -> MessagePage:
    """Return the newest messages below a number that hold all words of a query."""
    words = query.casefold().split()
    newest, oldest = next(reversed(state.messages), 0), next(iter(state.messages), 1)
    rows: list[StoredMessage] = []
    looked = 0
    for number in range(newest if before is None else min(before - 1, newest), oldest - 1, -1):
        sms = state.messages.get(number)
        if sms is None:
            continue
        if len(rows) == PAGE_SIZE or looked == MAX_SCANNED:
            return MessagePage(rows, number + 1)
        looked += 1
        if not words or _contains_all(sms, words):
            rows.append(sms)
    return MessagePage(rows, None)


def build_events(sms: StoredMessage, pushes: list[WebhookDelivery]) -> list[Event]:
    """Return what has happened to a message and what will, in order."""
    waiting = get_waiting(pushes)
    events = [Event(sms.accepted_at, 0, "Accepted", f"for {sms.to}")]
    if sms.start_at > sms.accepted_at:
        scheduled = "its bulk is paused or cancelled" if sms.held else "asked for by the request"
        ahead = sms.sent_at is None and sms.done_at is None
        events.append(Event(sms.start_at, 1, "Scheduled", scheduled, ahead))
    if sms.sent_at is not None:
        events.append(Event(sms.sent_at, 2, "Sent", _get_status_name(statuses.WAITING_DELIVERY)))
    for delivery in pushes:
        kind = "final" if delivery.is_final else "intermediate"
        told = f"{kind}, {_format_delivery_state(delivery, waits=delivery.serial in waiting)}"
        events.append(Event(delivery.done_at, 4 + delivery.is_final, "Report", told, kind="report"))
    if sms.done_at is not None:
        said = _get_status_name(sms.status) + (
            f", {_get_error_name(sms.error)}" if sms.error else ""
        )
        status = statuses.get_status(sms.status)
        group = (status.group_name or "").capitalize()
        events.append(Event(sms.done_at, 4, group, said, kind=f"g{status.group_id}"))
    elif sms.due is not None and not sms.held and (sms.sent_at or sms.due > sms.start_at):
        what = "it is sent, or has expired" if sms.sent_at is None else "a report, or its end"
        events.append(Event(sms.due, 6, "Next", what, is_ahead=True))
    return sorted(events)


def get_waiting(pushes: list[WebhookDelivery]) -> set[int]:
    """Return the reports of one message that wait for an earlier one of it."""
    left = sorted(delivery.serial for delivery in pushes if delivery.final_state is None)
    return set(left[1:])


def find_segment_count(sms: StoredMessage) -> SegmentCount | None:
    """Count the delivered text; None if the request's language gave another count than this."""
    try:
        counted = count_segments(sms.content.text)
    except InvalidRequestError:
        return None
    return counted if counted.segments == sms.content.sms_count else None


def render_list(state: State, query: str = "", before: int | None = None, command: str = "") -> str:
    """Return the part of the list that changes; the command sends a first message."""
    return _render(
        "rows.html",
        found=get_message_page(state, query, before),
        query=query,
        before=before,
        total=len(state.messages),
        command=command,
    )


def render_message_details(state: State, sms: StoredMessage) -> str:
    """Return the part of a message's page that changes."""
    deliveries = _get_deliveries(state, sms)
    siblings = [s for s in _get_bulk_messages(state, sms) if s.serial != sms.serial]
    return _render(
        "life.html",
        sms=sms,
        events=build_events(sms, deliveries),
        pushes=deliveries,
        waiting=get_waiting(deliveries),
        links=state.get_links(sms),
        siblings=siblings[:MAX_SIBLINGS],
        more=len(siblings) - MAX_SIBLINGS,
    )


def render_message(
    state: State, sms: StoredMessage, logged_request: LoggedRequest | None, **page: Any
) -> str:
    """Return the page of one message."""
    return _render(
        "message.html",
        sms=sms,
        counted=find_segment_count(sms),
        fate=parse_magic_number(sms.to),
        exchange=logged_request,
        live=Markup(render_message_details(state, sms)),  # noqa: S704 - from a template, which has escaped it
        **page,
    )


def render_inbox(query: str, fragment: str, **page: Any) -> str:
    """Return the page with the list and the scheme of the numbers; part: what ``render_list`` gave."""
    return _render(
        "list.html",
        query=query,
        live=Markup(fragment),  # noqa: S704 - from a template likewise
        examples=EXAMPLES,
        statuses=statuses.get_statuses(),
        errors=statuses.get_errors(),
        **page,
    )


def render_request_list(request_log: RequestLog) -> str:
    """Return the part of the last requests that changes."""
    return _render("exchanges.html", exchanges=list(request_log))


def render_requests(fragment: str, **page: Any) -> str:
    """Return the page with the last requests; part: what ``render_exchanges`` gave."""
    live = Markup(fragment)  # noqa: S704 - from a template likewise
    return _render("requests.html", live=live, **page)


def render_statement(statement: ConformanceStatement, **page: Any) -> str:
    """Return the page with the conformance statement."""
    return _render("statement.html", statement=statement, **page)


def render_request(logged_request: LoggedRequest, **page: Any) -> str:
    """Return the page of one request and its response."""
    return _render("request.html", exchange=logged_request, **page)


def render_problem(title: str, text: str, **page: Any) -> str:
    """Return a page that says why there is no other."""
    return _render("problem.html", title=title, text=text, **page)


def build_command(url: str, user: str | None) -> str:
    """Return a command line that sends a first message and asks for the password."""
    body = '{"messages": [{"destinations": [{"to": "9990510000005"}], "text": "Hello"}]}'
    words = ("curl", "--user", user or "", f"{url}/sms/2/text/advanced", "--json", body)
    return " ".join(map(shlex.quote, words))


def format_faults(broken_requirement_id: str | None, faults: tuple[InjectedFault, ...]) -> str:
    """Say what is wrong on purpose; empty if nothing is."""
    words = [f"{broken_requirement_id} is broken"] if broken_requirement_id else []
    return "; ".join((*words, *map(_format_fault, faults)))


def replace_unprintable(value: Any) -> Any:
    """Return what is shown of a value; characters that a page cannot hold get a picture."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return value.translate(_PICTURES)
    return value


def _render(template: str, **values: Any) -> str:
    return _get_environment().get_template(template).render(values)


@cache
def _get_environment() -> Environment:
    found = Environment(
        loader=PackageLoader("infobip_sms.sandbox.admin", "page"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        finalize=replace_unprintable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        utc=_format_utc,
        iso=lambda at: at.isoformat(timespec="milliseconds"),
        status=statuses.get_status,
        error=_get_error_name,
        end=_format_delivery_state,
        cut=lambda text: text if len(text) <= MAX_EXCERPT else f"{text[: MAX_EXCERPT - 1]}…",
        pretty=format_body,
        fate=_format_magic_number,
        span=_format_duration,
        wrap=_add_line_breaks,
    )
    return found


def _format_utc(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")


def _format_duration(span: dt.timedelta) -> str:
    """Write a period in the units that it has."""
    minutes, seconds = divmod(span.total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number:g} {unit}" for number, unit in parts if number) or "none"


def _add_line_breaks(text: str) -> Markup:
    """Let a line end after the underscores of a name."""
    return escape(replace_unprintable(text)).replace("_", Markup("_<wbr>"))


def _format_fault(fault: InjectedFault) -> str:
    """Say what happens to a share of the requests."""
    if fault.kind == "delay":
        what = f"{fault.seconds:g} s of delay"
    elif fault.kind == "drop":
        what = "the response lost" if fault.after else "the connection dropped"
    else:
        what = f"HTTP {fault.status}"
    share = "all" if fault.rate == 1 else f"{fault.rate:.0%} of the"
    return f"{what} for {share} requests"


def _contains_all(sms: StoredMessage, words: list[str]) -> bool:
    """Tell whether a message holds all words, wherever."""
    content = sms.content
    fields = (sms.to, content.from_ or "", content.text, sms.message_id, sms.bulk_id or "")
    status = statuses.get_status(sms.status)
    text = "\n".join((*fields, status.name or "", status.group_name or "")).casefold()
    return all(word in text for word in words)


def _get_bulk_messages(state: State, sms: StoredMessage) -> list[StoredMessage]:
    return [] if sms.bulk_id is None else state.get_messages_by_bulk(sms.bulk_id)


def _get_deliveries(state: State, sms: StoredMessage) -> list[WebhookDelivery]:
    """Return the reports of a message; only one that names a URL is worth the search."""
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
    """Say how far a report has come; waits: for an earlier one of its message."""
    if delivery.final_state == "taken":
        return "taken"
    if delivery.final_state == "dead":
        return "given up"
    if waits:
        return "waits for the one before"
    return "not taken yet" if delivery.attempts else "on its way"


def _format_magic_number(magic_number: MagicNumber) -> str:
    """Say in words what a number of the scheme chooses."""
    error = f", error {_get_error_name(magic_number.error)}" if magic_number.error else ""
    reports = "1 report" if magic_number.reports == 1 else f"{magic_number.reports} reports"
    return f"{_get_status_name(magic_number.status)} after {magic_number.seconds:g} s, {reports}{error}"
