"""What the inbox page shows: the state in, HTML out.

    render_list(state, query)           the newest messages, or those that hold the words of the query
    render_message(state, sms, ...)     one message: phone, timeline, reports, request and reply
    render_statement(statement, ...)    what is kept of the contract, clause by clause

The templates lie in page/. Every value is escaped by the environment, none by hand; characters that
cannot be seen are shown as their pictures, so that a page is what it says it is.

Lives here: which rows are looked at, and what is said of each.
Never here: HTTP (inbox.py), changes of any kind.
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
from infobip_sms.sandbox.state.magic_numbers import find_fate
from infobip_sms.text.segments import count_segments

from .formatting import dump_pretty

if TYPE_CHECKING:
    from infobip_sms.sandbox.mutants.fault_injection import Trouble
    from infobip_sms.sandbox.state.magic_numbers import Fate
    from infobip_sms.sandbox.state.rows import Push, Sms
    from infobip_sms.sandbox.state.state import State
    from infobip_sms.text.segments import SegmentCount

    from .request_log import Exchange, Recorder
    from .statement import Statement

PAGE = 100
"""Messages on one page."""
SCAN = 20_000
"""Messages that one search looks at; the page leads on to the older ones."""
SIBLINGS = 50
"""Other messages of the same bulk that the page of one message names."""
CUT = 160
"""Characters of a text that the list shows."""
EXAMPLES = (
    ("9990510000005", "delivered after 5 seconds, one report"),
    ("9990010000005", "delivered at once, one report"),
    ("9990010000006", "rejected in the reply"),
    (
        "9990520001009",
        "undeliverable after 5 seconds, error 1; an intermediate report if asked for",
    ),
    ("9990000000003", "waits until its validity period has passed, then expired; no report"),
)
"""Numbers of the scheme, each with what becomes of it."""
_PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
_PICTURES |= {0x7F: "\u2421", **dict.fromkeys(range(0x80, 0xA0), "\ufffd")}
_PICTURES |= dict.fromkeys((*range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd")


@attrs.frozen
class Found:
    """Part of the messages, the newest first."""

    rows: list[Sms]
    older: int | None
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


def find_messages(state: State, query: str = "", before: int | None = None) -> Found:
    """Return the newest messages below a number that hold all words of a query."""
    words = query.casefold().split()
    newest, oldest = next(reversed(state.messages), 0), next(iter(state.messages), 1)
    rows: list[Sms] = []
    looked = 0
    for number in range(newest if before is None else min(before - 1, newest), oldest - 1, -1):
        sms = state.messages.get(number)
        if sms is None:
            continue
        if len(rows) == PAGE or looked == SCAN:
            return Found(rows, number + 1)
        looked += 1
        if not words or _holds(sms, words):
            rows.append(sms)
    return Found(rows, None)


def find_events(sms: Sms, pushes: list[Push]) -> list[Event]:
    """Return what has happened to a message and what will, in order."""
    waiting = find_waiting(pushes)
    events = [Event(sms.accepted_at, 0, "Accepted", f"for {sms.to}")]
    if sms.start_at > sms.accepted_at:
        scheduled = "its bulk is paused or cancelled" if sms.held else "asked for by the request"
        ahead = sms.sent_at is None and sms.done_at is None
        events.append(Event(sms.start_at, 1, "Scheduled", scheduled, ahead))
    if sms.sent_at is not None:
        events.append(Event(sms.sent_at, 2, "Sent", _name(statuses.WAITING_DELIVERY)))
    for push in pushes:
        kind = "final" if push.is_final else "intermediate"
        told = f"{kind}, {_end(push, waits=push.number in waiting)}"
        events.append(Event(push.done_at, 4 + push.is_final, "Report", told, kind="report"))
    if sms.done_at is not None:
        said = _name(sms.status) + (f", {_name_error(sms.error)}" if sms.error else "")
        status = statuses.find_status(sms.status)
        group = (status.group_name or "").capitalize()
        events.append(Event(sms.done_at, 4, group, said, kind=f"g{status.group_id}"))
    elif sms.due is not None and not sms.held and (sms.sent_at or sms.due > sms.start_at):
        what = "it is sent, or has expired" if sms.sent_at is None else "a report, or its end"
        events.append(Event(sms.due, 6, "Next", what, is_ahead=True))
    return sorted(events)


def find_waiting(pushes: list[Push]) -> set[int]:
    """Return the reports of one message that wait for an earlier one of it."""
    left = sorted(push.number for push in pushes if push.end is None)
    return set(left[1:])


def find_count(sms: Sms) -> SegmentCount | None:
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
        found=find_messages(state, query, before),
        query=query,
        before=before,
        total=len(state.messages),
        command=command,
    )


def render_life(state: State, sms: Sms) -> str:
    """Return the part of a message's page that changes."""
    pushes = _find_pushes(state, sms)
    siblings = [s for s in _find_bulk(state, sms) if s.number != sms.number]
    return _render(
        "life.html",
        sms=sms,
        events=find_events(sms, pushes),
        pushes=pushes,
        waiting=find_waiting(pushes),
        links=state.find_links(sms),
        siblings=siblings[:SIBLINGS],
        more=len(siblings) - SIBLINGS,
    )


def render_message(state: State, sms: Sms, exchange: Exchange | None, **page: Any) -> str:
    """Return the page of one message."""
    return _render(
        "message.html",
        sms=sms,
        counted=find_count(sms),
        fate=find_fate(sms.to),
        exchange=exchange,
        live=Markup(render_life(state, sms)),  # noqa: S704 - from a template, which has escaped it
        **page,
    )


def render_inbox(query: str, part: str, **page: Any) -> str:
    """Return the page with the list and the scheme of the numbers; part: what ``render_list`` gave."""
    return _render(
        "list.html",
        query=query,
        live=Markup(part),  # noqa: S704 - from a template likewise
        examples=EXAMPLES,
        statuses=statuses.find_statuses(),
        errors=statuses.find_errors(),
        **page,
    )


def render_exchanges(recorder: Recorder) -> str:
    """Return the part of the last requests that changes."""
    return _render("exchanges.html", exchanges=list(recorder))


def render_requests(part: str, **page: Any) -> str:
    """Return the page with the last requests; part: what ``render_exchanges`` gave."""
    live = Markup(part)  # noqa: S704 - from a template likewise
    return _render("requests.html", live=live, **page)


def render_statement(statement: Statement, **page: Any) -> str:
    """Return the page with the conformance statement."""
    return _render("statement.html", statement=statement, **page)


def render_request(exchange: Exchange, **page: Any) -> str:
    """Return the page of one request and its reply."""
    return _render("request.html", exchange=exchange, **page)


def render_problem(title: str, text: str, **page: Any) -> str:
    """Return a page that says why there is no other."""
    return _render("problem.html", title=title, text=text, **page)


def build_command(url: str, user: str | None) -> str:
    """Return a command line that sends a first message and asks for the password."""
    body = '{"messages": [{"destinations": [{"to": "9990510000005"}], "text": "Hello"}]}'
    words = ("curl", "--user", user or "", f"{url}/sms/2/text/advanced", "--json", body)
    return " ".join(map(shlex.quote, words))


def tell_broken(fault: str | None, troubles: tuple[Trouble, ...]) -> str:
    """Say what is wrong on purpose; empty if nothing is."""
    words = [f"{fault} is broken"] if fault else []
    return "; ".join((*words, *map(_tell_trouble, troubles)))


def show(value: Any) -> Any:
    """Return what is shown of a value; characters that a page cannot hold get a picture."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return value.translate(_PICTURES)
    return value


def _render(template: str, **values: Any) -> str:
    return _open_templates().get_template(template).render(values)


@cache
def _open_templates() -> Environment:
    found = Environment(
        loader=PackageLoader("infobip_sms.sandbox.admin", "page"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        finalize=show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        utc=_write_utc,
        iso=lambda at: at.isoformat(timespec="milliseconds"),
        status=statuses.find_status,
        error=_name_error,
        end=_end,
        cut=lambda text: text if len(text) <= CUT else f"{text[: CUT - 1]}…",
        pretty=dump_pretty,
        fate=_tell_fate,
        span=_write_span,
        wrap=_let_wrap,
    )
    return found


def _write_utc(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")


def _write_span(span: dt.timedelta) -> str:
    """Write a period in the units that it has."""
    minutes, seconds = divmod(span.total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number:g} {unit}" for number, unit in parts if number) or "none"


def _let_wrap(text: str) -> Markup:
    """Let a line end after the underscores of a name."""
    return escape(show(text)).replace("_", Markup("_<wbr>"))


def _tell_trouble(trouble: Trouble) -> str:
    """Say what happens to a share of the requests."""
    if trouble.kind == "delay":
        what = f"{trouble.seconds:g} s of delay"
    elif trouble.kind == "drop":
        what = "the reply lost" if trouble.after else "the connection dropped"
    else:
        what = f"HTTP {trouble.status}"
    share = "all" if trouble.rate == 1 else f"{trouble.rate:.0%} of the"
    return f"{what} for {share} requests"


def _holds(sms: Sms, words: list[str]) -> bool:
    """Tell whether a message holds all words, wherever."""
    content = sms.content
    fields = (sms.to, content.from_ or "", content.text, sms.message_id, sms.bulk_id or "")
    status = statuses.find_status(sms.status)
    text = "\n".join((*fields, status.name or "", status.group_name or "")).casefold()
    return all(word in text for word in words)


def _find_bulk(state: State, sms: Sms) -> list[Sms]:
    return [] if sms.bulk_id is None else state.find_by_bulk(sms.bulk_id)


def _find_pushes(state: State, sms: Sms) -> list[Push]:
    """Return the reports of a message; only one that names a URL is worth the search."""
    if sms.content.notify_url is None:
        return []
    return [push for push in state.pushes.values() if push.sms == sms.number]


def _name(status: int) -> str:
    return statuses.find_status(status).name or str(status)


def _name_error(error: int) -> str:
    return statuses.find_error(error).name or str(error)


def _end(push: Push, waits: bool = False) -> str:
    """Say how far a report has come; waits: for an earlier one of its message."""
    if push.end == "taken":
        return "taken"
    if push.end == "dead":
        return "given up"
    if waits:
        return "waits for the one before"
    return "not taken yet" if push.attempts else "on its way"


def _tell_fate(fate: Fate) -> str:
    """Say in words what a number of the scheme chooses."""
    error = f", error {_name_error(fate.error)}" if fate.error else ""
    reports = "1 report" if fate.reports == 1 else f"{fate.reports} reports"
    return f"{_name(fate.status)} after {fate.seconds:g} s, {reports}{error}"
