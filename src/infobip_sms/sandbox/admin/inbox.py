"""The inbox page at /sandbox/: what a person sees of the sandbox, and the buttons of its clock.

    /sandbox/                      the messages; ?q=words, ?before=number, ?fragment for what changes
    /sandbox/message/{number}      one message; ?fragment likewise
    /sandbox/requests              the last requests, ?fragment likewise; /sandbox/request/{number} one
    /sandbox/statement             what is kept of the contract, clause by clause
    /sandbox/inbox.css .js .svg    what the pages load, and nothing else
    POST /sandbox/do               a button: do=freeze, resume, minute, hour, next, reset or mend

Nobody but this machine sees them (same_origin.py), and a button counts only if it was pressed on one of
these pages. A button is a request to control the sandbox, in the form that a browser without script
can send.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import attrs

from infobip_sms.sandbox.api.http import HttpRequest, HttpResponse
from infobip_sms.sandbox.config import SandboxSettings

from . import views
from .same_origin import check_origin
from .statement import build_statement

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from infobip_sms.sandbox.mutants.fault_injection import InjectedFault
    from infobip_sms.sandbox.state.state import State

    from .request_log import RequestLog

    Route = Callable[[HttpRequest, "PageContext"], HttpResponse | "ButtonAction"]

ROOT = "/sandbox/"
BUTTONS: dict[str, tuple[str, str, bytes]] = {
    "freeze": ("POST", "clock", b'{"freeze": true}'),
    "resume": ("POST", "clock", b'{"freeze": false}'),
    "minute": ("POST", "clock", b'{"advance": 60}'),
    "hour": ("POST", "clock", b'{"advance": 3600}'),
    "next": ("POST", "clock", b'{"jump": "next"}'),
    "reset": ("POST", "reset", b"{}"),
    "mend": ("DELETE", "faults", b""),
}
"""What each button asks of admin/api.py: the method, the end of the path, and the body."""
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
_MAX_DIGITS = 15  # of a number in a URL


@attrs.frozen
class PageContext:
    """What the pages are made of."""

    state: State
    now: dt.datetime
    request_log: RequestLog
    frozen: bool = False
    settings: SandboxSettings = attrs.field(factory=SandboxSettings)
    broken_requirement_id: str | None = None
    """Requirement that is broken on purpose."""
    faults: tuple[InjectedFault, ...] = ()

    @property
    def fault_summary(self) -> str:
        """What is wrong on purpose, in words."""
        return views.format_faults(self.broken_requirement_id, self.faults)


@attrs.frozen
class ButtonAction:
    """A button that was pressed."""

    request: HttpRequest
    """What it stands for."""
    response: HttpResponse
    """What the browser gets once that is done."""


def find_page(request: HttpRequest, context: PageContext) -> HttpResponse | ButtonAction | None:
    """Answer a request for a page or a button; None if it is for something else."""
    find = _find_route(request)
    if find is None:
        return None
    if intrusion := check_origin(request):
        return _build_forbidden(intrusion)
    found = find(request, context)
    if isinstance(found, ButtonAction):
        return found
    return attrs.evolve(found, headers={**HEADERS, **found.headers})


def _find_route(request: HttpRequest) -> Route | None:
    place = request.path.removeprefix(ROOT)
    if request.path == ROOT + "do" and request.method == "POST":
        return _handle_button
    if request.method not in {"GET", "HEAD"} or not request.path.startswith(ROOT.rstrip("/")):
        return None
    if request.path == ROOT.rstrip("/"):
        return lambda *_: HttpResponse(308, {"location": ROOT}, b"")
    if place in _ASSETS:
        return lambda request, _: _build_cacheable_response(
            request, _read_asset(place), _ASSETS[place]
        )
    kind, _, number = place.partition("/")
    if kind in {"message", "request"} and number:
        return _get_message_page if kind == "message" else _get_request_page
    pages: dict[str, Route] = {
        "": _get_list_page,
        "requests": _get_requests_page,
        "statement": _get_statement_page,
    }
    return pages.get(place)


def _get_list_page(request: HttpRequest, context: PageContext) -> HttpResponse:
    asked = _parse_query(request.query)
    query, before = asked.get("q", "").strip(), _parse_serial(asked.get("before", ""))
    command = views.build_command(f"http://{request.headers['host']}", context.settings.user)
    part = views.render_list(context.state, query, before, command)
    if "fragment" in asked:
        return _build_fragment_response(request, part, context)
    return _build_html_response(
        views.render_inbox(query, part, **_build_page_values(request, context, "messages", part))
    )


def _get_message_page(request: HttpRequest, context: PageContext) -> HttpResponse:
    number = _parse_serial(request.path.rpartition("/")[2])
    sms = None if number is None else context.state.messages.get(number)
    if sms is None:
        text = "There is no message of this number. It may have been forgotten by a reset."
        return _build_not_found("No such message", text, request, context)
    part = views.render_message_details(context.state, sms)
    if "fragment" in _parse_query(request.query):
        return _build_fragment_response(request, part, context)
    origin = context.request_log.find_origin(sms.serial)
    frame = _build_page_values(request, context, "message", part)
    return _build_html_response(views.render_message(context.state, sms, origin, **frame))


def _get_requests_page(request: HttpRequest, context: PageContext) -> HttpResponse:
    part = views.render_request_list(context.request_log)
    if "fragment" in _parse_query(request.query):
        return _build_fragment_response(request, part, context)
    return _build_html_response(
        views.render_requests(part, **_build_page_values(request, context, "requests", part))
    )


def _get_request_page(request: HttpRequest, context: PageContext) -> HttpResponse:
    number = _parse_serial(request.path.rpartition("/")[2])
    exchange = None if number is None else context.request_log.find(number)
    if exchange is None:
        return _build_not_found(
            "No such request", "Only the last requests are kept.", request, context
        )
    return _build_html_response(
        views.render_request(exchange, **_build_page_values(request, context, "request"))
    )


def _get_statement_page(request: HttpRequest, context: PageContext) -> HttpResponse:
    statement = build_statement(context.settings, context.broken_requirement_id)
    return _build_html_response(
        views.render_statement(statement, **_build_page_values(request, context, "statement"))
    )


def _handle_button(request: HttpRequest, _: PageContext) -> HttpResponse | ButtonAction:
    """Return what a button stands for, and lead back to the page that it is on."""
    if (
        "origin" not in request.headers
    ):  # browsers say it of every form; a wrong one is an intrusion
        return _build_forbidden("A button counts only on a page of this sandbox.")
    asked = _parse_query(request.body.decode("utf-8", "replace"))
    order = asked.get("do", "")
    if order not in BUTTONS:
        return HttpResponse(
            400, {"content-type": "text/plain; charset=utf-8"}, b"No such button.\n"
        )
    method, place, body = BUTTONS[order]
    headers = {"host": request.headers["host"], "content-type": "application/json"}
    back = asked.get("back", "")
    safe = back.startswith(ROOT) and back.isascii() and back.isprintable() and order != "reset"
    lead = HttpResponse(303, {**HEADERS, "location": back if safe else ROOT}, b"")
    return ButtonAction(HttpRequest(method, ROOT + place, headers, body), lead)


def _build_page_values(
    request: HttpRequest, context: PageContext, page: str, fragment: str = ""
) -> dict[str, object]:
    """Return what every page shows around its own content."""
    query = f"?{request.query}" if request.query else ""
    shown = {
        "now": context.now,
        "frozen": context.frozen,
        "here": page,
        "back": request.path + query,
    }
    tag = _compute_etag(fragment.encode("utf-8", "replace"))
    return {**shown, "broken": context.fault_summary, "tag": tag}


def _build_fragment_response(
    request: HttpRequest, fragment: str, context: PageContext
) -> HttpResponse:
    """Return what changes, unless the page has it already, the clock, and what is broken."""
    response = _build_cacheable_response(
        request, fragment.encode("utf-8", "replace"), "text/html; charset=utf-8"
    )
    clock = {
        "sandbox-now": context.now.isoformat(timespec="milliseconds"),
        "sandbox-pace": "frozen" if context.frozen else "running",
        "sandbox-broken": context.fault_summary,
    }
    return attrs.evolve(response, headers={**response.headers, **clock})


def _build_cacheable_response(request: HttpRequest, body: bytes, content_type: str) -> HttpResponse:
    tag = _compute_etag(body)
    if request.headers.get("if-none-match") == tag:
        return HttpResponse(304, {"etag": tag}, b"")
    return HttpResponse(
        200, {"content-type": content_type, "etag": tag, "cache-control": "no-cache"}, body
    )


def _build_html_response(page: str, status: int = 200) -> HttpResponse:
    headers = {"content-type": "text/html; charset=utf-8"}
    return HttpResponse(status, headers, page.encode("utf-8", "replace"))


def _build_not_found(
    title: str, text: str, request: HttpRequest, context: PageContext
) -> HttpResponse:
    return _build_html_response(
        views.render_problem(title, text, **_build_page_values(request, context, "")), 404
    )


def _build_forbidden(text: str) -> HttpResponse:
    headers = {**HEADERS, "content-type": "text/plain; charset=utf-8"}
    return HttpResponse(403, headers, f"{text}\n".encode())


def _parse_query(query: str) -> dict[str, str]:
    """Return the last value of each name; nothing of a query that is no query."""
    try:
        found = parse_qs(query, keep_blank_values=True, errors="replace", max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in found.items()}


def _parse_serial(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else None


def _compute_etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:20]}"'


@cache
def _read_asset(name: str) -> bytes:
    return (files("infobip_sms.sandbox.admin") / "page" / name).read_bytes()
