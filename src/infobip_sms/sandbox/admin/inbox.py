"""HTTP routes of the inbox page at ``/sandbox/``.

    /sandbox/                      messages; ?q=words, ?status=group, ?before=serial, ?fragment for the list alone
    /sandbox/message/{serial}      one message; ?fragment for the changing part
    /sandbox/requests              latest requests; ?fragment for the list alone
    /sandbox/request/{serial}      one request and its response
    /sandbox/statement             conformance statement
    /sandbox/api                   description of the admin API
    /sandbox/openapi.yaml          the same for programs
    /sandbox/inbox.css .js .svg    assets
    POST /sandbox/do               a button: do=freeze, resume, minute, hour, next, reset or clear-faults;
                                   do=delete or send-again, with the number of a message or a report

Pages are served to this machine only, and buttons work only on these pages (``api/same_origin.py``). Each
button is translated to a request to the admin API, so that the page works without script.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import attrs

from infobip_sms.sandbox.api.http import HttpRequest, HttpResponse
from infobip_sms.sandbox.api.same_origin import check_origin
from infobip_sms.sandbox.config import SandboxSettings

from . import views
from .curl import build_command, build_repetition
from .description import read_description
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
    "clear-faults": ("DELETE", "faults", b""),
}
"""The admin API request behind each button: method, path below /sandbox/, and body."""
NUMBERED_BUTTONS: dict[str, tuple[str, str, str]] = {
    "delete": ("DELETE", "messages", "serial"),
    "send-again": ("POST", "reports", "report"),
}
"""The same for buttons of one message or report: method, path, and the parameter for its number."""
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer, forms would send Origin: null
    "cache-control": "no-store",
}
_ASSETS = {
    "inbox.css": "text/css; charset=utf-8",
    "inbox.js": "text/javascript; charset=utf-8",
    "inbox.svg": "image/svg+xml",
}
_MAX_DIGITS = 15  # of a serial in a URL


@attrs.frozen
class PageContext:
    """What the pages show."""

    state: State
    now: dt.datetime
    request_log: RequestLog
    frozen: bool = False
    settings: SandboxSettings = attrs.field(factory=SandboxSettings)
    broken_requirement_ids: tuple[str, ...] = ()
    """Requirement violated by an injected fault."""
    faults: tuple[InjectedFault, ...] = ()

    @property
    def fault_summary(self) -> str:
        """The injected faults in words; empty if there are none."""
        return views.format_faults(self.broken_requirement_ids, self.faults)


@attrs.frozen
class ButtonAction:
    """A pressed button."""

    request: HttpRequest
    """The admin API request to carry out."""
    response: HttpResponse
    """What the browser gets afterwards."""


def find_page(request: HttpRequest, context: PageContext) -> HttpResponse | ButtonAction | None:
    """Return the response for a page or a button; None for any other request."""
    route = _find_route(request)
    if route is None:
        return None
    if rejection := check_origin(request.headers, context.settings):
        return _build_forbidden(rejection)
    found = route(request, context)
    if isinstance(found, ButtonAction):
        return found
    return attrs.evolve(found, headers={**HEADERS, **found.headers})


def _find_route(request: HttpRequest) -> Route | None:
    path = request.path.removeprefix(ROOT)
    if request.path == ROOT + "do" and request.method == "POST":
        return _handle_button
    if request.method not in {"GET", "HEAD"} or not request.path.startswith(ROOT.rstrip("/")):
        return None
    if request.path == ROOT.rstrip("/"):
        return lambda *_: HttpResponse(308, {"location": ROOT}, b"")
    if path in _ASSETS:
        return lambda request, _: _build_cacheable_response(
            request, _read_asset(path), _ASSETS[path]
        )
    kind, _, serial = path.partition("/")
    if kind in {"message", "request"} and serial:
        return _get_message_page if kind == "message" else _get_request_page
    pages: dict[str, Route] = {
        "api": _get_api_page,
        "openapi.yaml": _get_description,
        "": _get_list_page,
        "requests": _get_requests_page,
        "statement": _get_statement_page,
    }
    return pages.get(path)


def _get_list_page(request: HttpRequest, context: PageContext) -> HttpResponse:
    fields = _parse_query(request.query)
    query, before = fields.get("q", "").strip(), _parse_serial(fields.get("before", ""))
    group = fields.get("status", "").upper()
    command = build_command(f"http://{request.headers['host']}", context.settings)
    fragment = views.render_list(context.state, query, before, command, group)
    if "fragment" in fields:
        return _build_fragment_response(request, fragment, context)
    return _build_html_response(
        views.render_inbox(
            query, group, fragment, **_build_page_values(request, context, "messages", fragment)
        )
    )


def _get_message_page(request: HttpRequest, context: PageContext) -> HttpResponse:
    serial = _parse_serial(request.path.rpartition("/")[2])
    sms = None if serial is None else context.state.messages.get(serial)
    if sms is None:
        text = "There is no message with this number. It may have been deleted by a reset."
        return _build_not_found("Message not found", text, request, context)
    fragment = views.render_message_details(context.state, sms)
    if "fragment" in _parse_query(request.query):
        return _build_fragment_response(request, fragment, context)
    origin = context.request_log.find_origin(sms.serial)
    command = build_repetition(origin, context.settings) if origin else ""
    frame = _build_page_values(request, context, "message", fragment)
    return _build_html_response(views.render_message(context.state, sms, origin, command, **frame))


def _get_requests_page(request: HttpRequest, context: PageContext) -> HttpResponse:
    fragment = views.render_request_list(context.request_log)
    if "fragment" in _parse_query(request.query):
        return _build_fragment_response(request, fragment, context)
    return _build_html_response(
        views.render_requests(
            fragment, **_build_page_values(request, context, "requests", fragment)
        )
    )


def _get_request_page(request: HttpRequest, context: PageContext) -> HttpResponse:
    serial = _parse_serial(request.path.rpartition("/")[2])
    logged_request = None if serial is None else context.request_log.find(serial)
    if logged_request is None:
        return _build_not_found(
            "Request not found", "Only the latest requests are stored.", request, context
        )
    return _build_html_response(
        views.render_request(
            logged_request,
            build_repetition(logged_request, context.settings),
            **_build_page_values(request, context, "request"),
        )
    )


def _get_statement_page(request: HttpRequest, context: PageContext) -> HttpResponse:
    statement = build_statement(context.settings, context.broken_requirement_ids)
    return _build_html_response(
        views.render_statement(statement, **_build_page_values(request, context, "statement"))
    )


def _get_api_page(request: HttpRequest, context: PageContext) -> HttpResponse:
    url = f"http://{request.headers['host']}"
    return _build_html_response(
        views.render_api(url, **_build_page_values(request, context, "api"))
    )


def _get_description(request: HttpRequest, _: PageContext) -> HttpResponse:
    return _build_cacheable_response(request, read_description(), "application/yaml")


def _handle_button(request: HttpRequest, _: PageContext) -> HttpResponse | ButtonAction:
    """Return the request behind a button and a redirect back to its page."""
    if (
        "origin" not in request.headers
    ):  # browsers send it with every form; a foreign one was rejected
        return _build_forbidden(
            "Buttons work only on pages of this sandbox (missing Origin header)."
        )
    fields = _parse_query(request.body.decode("utf-8", "replace"))
    admin_request = _find_button_request(fields)
    if admin_request is None:
        return HttpResponse(
            400, {"content-type": "text/plain; charset=utf-8"}, b"Unknown button.\n"
        )
    back = fields.get("back", "")
    safe = back.startswith(ROOT) and back.isascii() and back.isprintable()
    stays = safe and fields["do"] not in {"reset", "delete"}
    redirect = HttpResponse(303, {**HEADERS, "location": back if stays else ROOT}, b"")
    return ButtonAction(admin_request, redirect)


def _find_button_request(fields: dict[str, str]) -> HttpRequest | None:
    """Return the admin API request behind a button; None if there is no such button."""
    action, number = fields.get("do", ""), _parse_serial(fields.get("number", ""))
    headers = {"content-type": "application/json"}
    if action in BUTTONS:
        method, path, body = BUTTONS[action]
        return HttpRequest(method, ROOT + path, headers, body)
    if action in NUMBERED_BUTTONS and number is not None:
        method, path, name = NUMBERED_BUTTONS[action]
        return HttpRequest(method, ROOT + path, headers, b"", query=f"{name}={number}")
    return None


def _build_page_values(
    request: HttpRequest, context: PageContext, page: str, fragment: str = ""
) -> dict[str, object]:
    """Return the values that every page shows around its content."""
    query = f"?{request.query}" if request.query else ""
    shown = {
        "now": context.now,
        "frozen": context.frozen,
        "page": page,
        "back": request.path + query,
    }
    tag = _compute_etag(fragment.encode("utf-8", "replace"))
    return {**shown, "fault_summary": context.fault_summary, "tag": tag}


def _build_fragment_response(
    request: HttpRequest, fragment: str, context: PageContext
) -> HttpResponse:
    """Return a fragment, or 304 if it is unchanged; headers carry the clock and the faults."""
    response = _build_cacheable_response(
        request, fragment.encode("utf-8", "replace"), "text/html; charset=utf-8"
    )
    clock = {
        "sandbox-now": context.now.isoformat(timespec="milliseconds"),
        "sandbox-pace": "frozen" if context.frozen else "running",
        "sandbox-fault": context.fault_summary,
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
    """Return the last value of each name; empty if the query cannot be parsed."""
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
