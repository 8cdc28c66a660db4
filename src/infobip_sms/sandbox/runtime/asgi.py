"""ASGI application of the sandbox: admin interface under ``/sandbox/``, the API everywhere else."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING

import attrs
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from infobip_sms.sandbox.admin import inbox
from infobip_sms.sandbox.admin.api import (
    AdminContext,
    AdvanceClock,
    Reset,
    Wait,
    build_clock_response,
    build_json_response,
    build_messages_response,
    handle_admin_request,
)
from infobip_sms.sandbox.admin.request_log import RequestLog
from infobip_sms.sandbox.api.http import HttpError, HttpRequest, HttpResponse
from infobip_sms.sandbox.api.same_origin import build_cors_headers, check_origin
from infobip_sms.sandbox.clock import VirtualClock, read_system_clock
from infobip_sms.sandbox.config import ADMIN_PREFIX
from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.lifecycle.webhooks import USER_AGENT
from infobip_sms.sandbox.mutants.fault_injection import FaultInjection
from infobip_sms.sandbox.state.outcomes import parse_rule_text
from infobip_sms.sandbox.state.state import State

from .bodies import BodyReader, BodyRejectedError
from .scheduler import Scheduler, wait_for_event

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from infobip_sms.sandbox.api.app import App, ParsedInput
    from infobip_sms.sandbox.state.data_file import DataFile

SMALL_BODY = 2**15  # bytes; larger bodies are parsed in a thread
POLL_INTERVAL = 1.0  # seconds between checks for a disconnected client
DATA_FILE_FAILED = "Could not write the data file of the sandbox"


def make_asgi(
    app: App, state: State | None = None, clock: Callable[[], dt.datetime] = read_system_clock
) -> ASGIApp:
    """Return the ASGI application of a sandbox."""
    return SandboxASGI(app, State() if state is None else state, clock)


class SandboxASGI:
    """One sandbox; its state is used only in the thread of the event loop."""

    def __init__(
        self,
        app: App,
        state: State,
        clock: Callable[[], dt.datetime],
        data_file: DataFile | None = None,
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._state, self._clock = (
            state,
            clock if isinstance(clock, VirtualClock) else VirtualClock(clock),
        )
        if state.clock is not None:
            self._clock.restore(state.clock)
        state.outcomes.start(map(parse_rule_text, app.settings.outcomes))
        self._fault_injection, self._request_log = FaultInjection(app), RequestLog()
        self._admin_context = AdminContext(state, self._clock, self._fault_injection)
        self._scheduler = Scheduler(state, self._clock, self._fault_injection, data_file, stop)
        self._time_travel_lock = asyncio.Lock()
        self._bodies = BodyReader()

    @property
    def _app(self) -> App:
        """The current app, which may contain an injected fault."""
        return self._fault_injection.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or the lifespan of the server."""
        self._scheduler.start()
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._respond(request, scope)
        except ClientDisconnect:
            return
        if response is None:
            await _drop_connection(receive, send)
        else:
            await Response(response.body, response.status, response.headers)(scope, receive, send)
        self._scheduler.wake()

    async def _respond(self, request: Request, scope: Scope) -> HttpResponse | None:
        """Return the response; None to drop the connection."""
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = scope["query_string"].decode("latin-1")
        head = HttpRequest(request.method, path, headers, b"", query)
        if rejection := check_origin(headers, self._app.settings):
            return self._reject(head, HttpError(403, "FORBIDDEN", rejection))
        if {"content-length", "transfer-encoding"} <= headers.keys():
            text = "Content-Length and Transfer-Encoding exclude each other"
            rejected = self._reject(head, HttpError(400, "BAD_REQUEST", text))
            return attrs.evolve(rejected, headers={**rejected.headers, "connection": "close"})
        cors = build_cors_headers(headers, self._app.settings)
        if cors and head.method == "OPTIONS":
            return HttpResponse(204, cors, b"")
        response = await self._route(request, head)
        if response and cors:
            return attrs.evolve(response, headers={**response.headers, **cors})
        return response

    async def _route(self, request: Request, head: HttpRequest) -> HttpResponse | None:
        """Return the response to an allowed request; None to drop the connection."""
        headers = head.headers
        if head.path == "/" and head.method in {"GET", "HEAD"}:
            return HttpResponse(307, {"location": ADMIN_PREFIX}, b"")
        if head.is_admin and headers.get("user-agent") == USER_AGENT:
            text = "Delivery reports of a sandbox cannot control a sandbox"
            return self._reject(head, HttpError(403, "FORBIDDEN", text))
        if not head.is_admin and not self._app.is_acceptable(head):
            return await self._handle_api_request(head)  # rejected without its body
        try:
            async with self._bodies.receive(request) as body:
                http_request = attrs.evolve(head, body=body)
                if head.is_admin:
                    return await self._find_page_response(
                        request, http_request
                    ) or await self._handle_admin_request(request, http_request)
                return await self._handle_api_request(http_request)
        except BodyRejectedError as error:
            return self._reject(head, error)

    def _reject(self, head: HttpRequest, error: HttpError) -> HttpResponse:
        """Return an error in the form of the admin interface or of the API."""
        if head.is_admin:
            return build_json_response(error.status, {"error": error.text})
        return self._app.build_error_response(error, self._app.choose_response_wire(head))

    async def _handle_api_request(self, http_request: HttpRequest) -> HttpResponse | None:
        """Handle an API request, subject to injected faults."""
        faults = self._fault_injection.draw_faults()
        if (delay := faults.get("delay")) and await wait_for_event(
            self._scheduler.generation, delay.seconds
        ):
            return None
        drop = faults.get("drop")
        if drop and not drop.after:
            return None
        if failure := faults.get("status"):
            wire = self._app.choose_response_wire(http_request)
            response = self._app.build_error_response(failure.build_error(), wire)
            self._request_log.record(http_request, response, self._clock.now())
        else:
            parsed = await self._parse_large_body(http_request)
            await self._scheduler.give_way()
            response = self._run_app(http_request, parsed)
        return None if drop else response

    async def _parse_large_body(self, http_request: HttpRequest) -> ParsedInput | None:
        """Parse a large body in a thread, so that other requests are handled meanwhile."""
        if len(http_request.body) <= SMALL_BODY:
            return None
        return await asyncio.to_thread(self._app.parse_request, http_request)

    def _run_app(
        self, http_request: HttpRequest, parsed: ParsedInput | None = None
    ) -> HttpResponse:
        """Run the app, save the state and log the request."""
        now, before = self._clock.now(), self._state.serial
        response = self._app.handle(http_request, self._state, now, parsed)
        if not self._scheduler.save():
            error = HttpError(500, "GENERAL_ERROR", DATA_FILE_FAILED)
            response = self._app.build_error_response(
                error, self._app.choose_response_wire(http_request)
            )
        self._request_log.record(
            http_request, response, now, range(before + 1, self._state.serial + 1)
        )
        return response

    # ------------------------------------------------------------ admin

    async def _find_page_response(
        self, request: Request, http_request: HttpRequest
    ) -> HttpResponse | None:
        """Return a page of the inbox, after carrying out its button; None for any other request."""
        now = self._clock.now()
        advance(self._state, now, self._app.settings)
        injection = self._fault_injection
        context = inbox.PageContext(
            self._state,
            now,
            self._request_log,
            self._clock.frozen,
            injection.settings,
            injection.broken_requirement_ids,
            injection.faults,
        )
        found = inbox.find_page(http_request, context)
        if isinstance(found, inbox.ButtonAction):
            result = await self._handle_admin_request(request, found.request)
            return found.response if result.status == 200 else result
        return found

    async def _handle_admin_request(
        self, request: Request, http_request: HttpRequest
    ) -> HttpResponse:
        """Handle an admin request; requests that set the clock are serialized."""
        advance(self._state, self._clock.now(), self._app.settings)
        sets_clock = http_request.method == "POST" and http_request.path == f"{ADMIN_PREFIX}clock"
        async with self._time_travel_lock if sets_clock else nullcontext():
            match handle_admin_request(http_request, self._admin_context):
                case Wait() as wait:
                    response = await self._wait_for_messages(request, wait)
                case AdvanceClock() as travel:
                    await self._scheduler.travel(travel.to)
                    response = build_clock_response(self._admin_context)
                case Reset():
                    self._reset()
                    response = build_json_response(200, {})
                case HttpResponse() as response:
                    pass
        return (
            response
            if self._scheduler.save()
            else build_json_response(500, {"error": DATA_FILE_FAILED})
        )

    async def _wait_for_messages(self, request: Request, wait: Wait) -> HttpResponse:
        """Respond when enough messages match, or at the timeout.

        At most half of the time is spent searching, however many messages there are.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + wait.seconds
        while True:
            changed, began = self._scheduler.changed, loop.time()
            enough = len(wait.search.select(self._state)) >= wait.count
            searched = loop.time()
            if enough or searched >= end or self._scheduler.generation.is_set():
                return build_messages_response(self._admin_context, wait)
            if await request.is_disconnected():
                raise ClientDisconnect
            await wait_for_event(changed, min(end - searched, POLL_INTERVAL))
            await asyncio.sleep(searched - began)

    def _reset(self) -> None:
        """Return to the initial state."""
        self._scheduler.start_generation()
        self._state.clear()
        self._state.outcomes.reset()
        self._fault_injection.reset()
        self._clock.reset()
        self._request_log.clear()
        self._scheduler.wake()

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._scheduler.stop()
        await send({"type": "lifespan.shutdown.complete"})

    def end(self) -> None:
        """Release all waiting requests: the server is shutting down."""
        self._scheduler.end()


async def _drop_connection(receive: Receive, send: Send) -> None:
    """Close the connection without a response; ASGI cannot do this, so the transport is used."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    assert transport is not None, "uvicorn provides it"
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
