"""The inbox page at /sandbox/: what a person sees of the sandbox, and the buttons of its clock.

    /sandbox/                      the messages; ?q=words, ?before=number, ?fragment for what changes
    /sandbox/message/{number}      one message; ?fragment likewise
    /sandbox/requests              the last requests, ?fragment likewise; /sandbox/request/{number} one
    /sandbox/statement             what is kept of the contract, clause by clause
    /sandbox/inbox.css .js .svg    what the pages load, and nothing else
    POST /sandbox/do               a button: do=freeze, resume, minute, hour, next, reset or mend

Nobody but this machine sees them (guard.py), and a button counts only if it was pressed on one of
these pages. A button is a request to control the sandbox, in the form that a browser without script
can send.

Lives here: routes, headers, which request a button stands for.
Never here: what a page says (views.py), what such a request does (control.py).
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import attrs

from infobip_sms.sandbox.api.http import HttpReply, HttpRequest
from infobip_sms.sandbox.config import Settings

from . import views
from .same_origin import find_intrusion
from .statement import build_statement

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from infobip_sms.sandbox.mutants.fault_injection import Trouble
    from infobip_sms.sandbox.state.state import State

    from .request_log import Recorder

    Route = Callable[[HttpRequest, "Desk"], HttpReply | "Press"]

ROOT = "/sandbox/"
ORDERS: dict[str, tuple[str, str, bytes]] = {
    "freeze": ("POST", "clock", b'{"freeze": true}'),
    "resume": ("POST", "clock", b'{"freeze": false}'),
    "minute": ("POST", "clock", b'{"advance": 60}'),
    "hour": ("POST", "clock", b'{"advance": 3600}'),
    "next": ("POST", "clock", b'{"jump": "next"}'),
    "reset": ("POST", "reset", b"{}"),
    "mend": ("DELETE", "faults", b""),
}
"""What each button asks of control.py: the method, the end of the path, and the body."""
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer a form would have the origin null
    "cache-control": "no-store",
}
_ASSETS = {
    "inbox.css": "text/css; charset=utf-8",
    "inbox.js": "text/javascript; charset=utf-8",
    "inbox.svg": "image/svg+xml",
}
_DIGITS = 15  # of a number in a URL


@attrs.frozen
class Desk:
    """What the pages are made of."""

    state: State
    now: dt.datetime
    recorder: Recorder
    frozen: bool = False
    settings: Settings = attrs.field(factory=Settings)
    fault: str | None = None
    """Requirement that is broken on purpose."""
    troubles: tuple[Trouble, ...] = ()

    @property
    def broken(self) -> str:
        """What is wrong on purpose, in words."""
        return views.tell_broken(self.fault, self.troubles)


@attrs.frozen
class Press:
    """A button that was pressed."""

    request: HttpRequest
    """What it stands for."""
    reply: HttpReply
    """What the browser gets once that is done."""


def find_page(request: HttpRequest, desk: Desk) -> HttpReply | Press | None:
    """Answer a request for a page or a button; None if it is for something else."""
    find = _find_route(request)
    if find is None:
        return None
    if intrusion := find_intrusion(request):
        return _refuse(intrusion)
    found = find(request, desk)
    if isinstance(found, Press):
        return found
    return attrs.evolve(found, headers={**HEADERS, **found.headers})


def _find_route(request: HttpRequest) -> Route | None:
    place = request.path.removeprefix(ROOT)
    if request.path == ROOT + "do" and request.method == "POST":
        return _press
    if request.method not in {"GET", "HEAD"} or not request.path.startswith(ROOT.rstrip("/")):
        return None
    if request.path == ROOT.rstrip("/"):
        return lambda *_: HttpReply(308, {"location": ROOT}, b"")
    if place in _ASSETS:
        return lambda request, _: _give(request, _read_asset(place), _ASSETS[place])
    kind, _, number = place.partition("/")
    if kind in {"message", "request"} and number:
        return _show_message if kind == "message" else _show_request
    pages: dict[str, Route] = {
        "": _show_list,
        "requests": _show_requests,
        "statement": _show_statement,
    }
    return pages.get(place)


def _show_list(request: HttpRequest, desk: Desk) -> HttpReply:
    asked = _read(request.query)
    query, before = asked.get("q", "").strip(), _find_number(asked.get("before", ""))
    command = views.build_command(f"http://{request.headers['host']}", desk.settings.user)
    part = views.render_list(desk.state, query, before, command)
    if "fragment" in asked:
        return _give_part(request, part, desk)
    return _give_html(views.render_inbox(query, part, **_frame(request, desk, "messages", part)))


def _show_message(request: HttpRequest, desk: Desk) -> HttpReply:
    number = _find_number(request.path.rpartition("/")[2])
    sms = None if number is None else desk.state.messages.get(number)
    if sms is None:
        text = "There is no message of this number. It may have been forgotten by a reset."
        return _miss("No such message", text, request, desk)
    part = views.render_life(desk.state, sms)
    if "fragment" in _read(request.query):
        return _give_part(request, part, desk)
    origin = desk.recorder.find_origin(sms.number)
    frame = _frame(request, desk, "message", part)
    return _give_html(views.render_message(desk.state, sms, origin, **frame))


def _show_requests(request: HttpRequest, desk: Desk) -> HttpReply:
    part = views.render_exchanges(desk.recorder)
    if "fragment" in _read(request.query):
        return _give_part(request, part, desk)
    return _give_html(views.render_requests(part, **_frame(request, desk, "requests", part)))


def _show_request(request: HttpRequest, desk: Desk) -> HttpReply:
    number = _find_number(request.path.rpartition("/")[2])
    exchange = None if number is None else desk.recorder.find(number)
    if exchange is None:
        return _miss("No such request", "Only the last requests are kept.", request, desk)
    return _give_html(views.render_request(exchange, **_frame(request, desk, "request")))


def _show_statement(request: HttpRequest, desk: Desk) -> HttpReply:
    statement = build_statement(desk.settings, desk.fault)
    return _give_html(views.render_statement(statement, **_frame(request, desk, "statement")))


def _press(request: HttpRequest, _: Desk) -> HttpReply | Press:
    """Return what a button stands for, and lead back to the page that it is on."""
    if (
        "origin" not in request.headers
    ):  # browsers say it of every form; a wrong one is an intrusion
        return _refuse("A button counts only on a page of this sandbox.")
    asked = _read(request.body.decode("utf-8", "replace"))
    order = asked.get("do", "")
    if order not in ORDERS:
        return HttpReply(400, {"content-type": "text/plain; charset=utf-8"}, b"No such button.\n")
    method, place, body = ORDERS[order]
    headers = {"host": request.headers["host"], "content-type": "application/json"}
    back = asked.get("back", "")
    safe = back.startswith(ROOT) and back.isascii() and back.isprintable() and order != "reset"
    lead = HttpReply(303, {**HEADERS, "location": back if safe else ROOT}, b"")
    return Press(HttpRequest(method, ROOT + place, headers, body), lead)


def _frame(request: HttpRequest, desk: Desk, here: str, part: str = "") -> dict[str, object]:
    """Return what every page shows around its own content."""
    query = f"?{request.query}" if request.query else ""
    shown = {"now": desk.now, "frozen": desk.frozen, "here": here, "back": request.path + query}
    tag = _make_tag(part.encode("utf-8", "replace"))
    return {**shown, "broken": desk.broken, "tag": tag}


def _give_part(request: HttpRequest, part: str, desk: Desk) -> HttpReply:
    """Return what changes, unless the page has it already, the clock, and what is broken."""
    reply = _give(request, part.encode("utf-8", "replace"), "text/html; charset=utf-8")
    clock = {
        "sandbox-now": desk.now.isoformat(timespec="milliseconds"),
        "sandbox-pace": "frozen" if desk.frozen else "running",
        "sandbox-broken": desk.broken,
    }
    return attrs.evolve(reply, headers={**reply.headers, **clock})


def _give(request: HttpRequest, body: bytes, media: str) -> HttpReply:
    tag = _make_tag(body)
    if request.headers.get("if-none-match") == tag:
        return HttpReply(304, {"etag": tag}, b"")
    return HttpReply(200, {"content-type": media, "etag": tag, "cache-control": "no-cache"}, body)


def _give_html(page: str, status: int = 200) -> HttpReply:
    headers = {"content-type": "text/html; charset=utf-8"}
    return HttpReply(status, headers, page.encode("utf-8", "replace"))


def _miss(title: str, text: str, request: HttpRequest, desk: Desk) -> HttpReply:
    return _give_html(views.render_problem(title, text, **_frame(request, desk, "")), 404)


def _refuse(text: str) -> HttpReply:
    headers = {**HEADERS, "content-type": "text/plain; charset=utf-8"}
    return HttpReply(403, headers, f"{text}\n".encode())


def _read(query: str) -> dict[str, str]:
    """Return the last value of each name; nothing of a query that is no query."""
    try:
        found = parse_qs(query, keep_blank_values=True, errors="replace", max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in found.items()}


def _find_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None


def _make_tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:20]}"'


@cache
def _read_asset(name: str) -> bytes:
    return (files("infobip_sms.sandbox.admin") / "page" / name).read_bytes()
