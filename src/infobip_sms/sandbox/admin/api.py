"""JSON API for tests: the clock, messages, reports and faults of a sandbox.

``page/openapi.json`` describes it, for people at ``/sandbox/api`` and for programs at ``/sandbox/openapi.yaml``.
HEAD is handled like GET. There is no authorization, but see ``api/same_origin.py``.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

import attrs

from infobip_sms.sandbox.api.http import HttpResponse
from infobip_sms.sandbox.api.same_origin import check_origin
from infobip_sms.sandbox.clock import to_utc
from infobip_sms.sandbox.config import ADMIN_PREFIX as PREFIX
from infobip_sms.sandbox.lifecycle.webhooks import send_again
from infobip_sms.sandbox.mutants.app import MUTANTS, suggest_mutants
from infobip_sms.sandbox.mutants.fault_injection import FaultInjection, InjectedFault
from infobip_sms.sandbox.state.outcomes import USAGE as OUTCOME_USAGE
from infobip_sms.sandbox.state.outcomes import parse_rule
from infobip_sms.sandbox.state.statuses import STATUS_EXPECTED, get_status_ids

from .search import (
    DELIVERY_STATES,
    QUERY_FIELDS,
    Search,
    build_delivery_view,
    build_message_view,
    format_instant,
    iter_deliveries,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms.sandbox.api.http import HttpRequest
    from infobip_sms.sandbox.clock import VirtualClock
    from infobip_sms.sandbox.state.outcomes import OutcomeRule
    from infobip_sms.sandbox.state.rows import StoredMessage, WebhookDelivery
    from infobip_sms.sandbox.state.state import State

MAX_WAIT = 600.0  # seconds
DEFAULT_LIMIT = 100
_WITH_QUERY = {"messages": {"GET", "DELETE"}, "reports": {"GET", "POST"}, "outcomes": {"DELETE"}}
_CLOCK_USAGE = (
    '{"freeze": true or false}, {"advance": seconds}, {"to": an ISO 8601 time with a time zone, not in the past}'
    ' or {"jump": "next"}'
)
_FAULT_USAGE = (
    '{"id": a fault}, {"ids": [faults]}, {"delay": seconds, "rate": rate}, {"drop": rate, "after": true or false}'
    ' or {"status": 400 to 599, "rate": rate, "retryAfter": seconds}; rates are from 0 to 1'
)


@attrs.frozen
class AdminContext:
    """What the API controls."""

    state: State
    clock: VirtualClock
    fault_injection: FaultInjection


@attrs.frozen
class Wait:
    """Respond as soon as enough messages match."""

    search: Search
    count: int
    seconds: float
    limit: int


@attrs.frozen
class AdvanceClock:
    """Respond when the clock has reached an instant and everything due before has happened."""

    to: dt.datetime | Literal["next"]


@attrs.frozen
class Reset:
    """Return to the initial state."""


class _BadRequest(Exception):
    """The request is invalid; the text says what was expected."""


def handle_admin_request(
    request: HttpRequest, context: AdminContext
) -> HttpResponse | Wait | AdvanceClock | Reset:
    """Return the response to a request under PREFIX, or what has to happen before it."""
    if rejection := check_origin(request.headers, context.fault_injection.settings):
        return build_json_response(403, {"error": rejection})
    name = request.path.removeprefix(PREFIX)
    methods = ROUTES.get(name)
    if methods is None:
        known = ", ".join(PREFIX + name for name in ROUTES)
        return build_json_response(404, {"error": f"Not found. Available: {known}"})
    method = "GET" if request.method == "HEAD" else request.method
    handler = methods.get(method)
    if handler is None:
        allowed = ", ".join(methods).replace("GET", "GET, HEAD")
        response = build_json_response(405, {"error": f"Method not allowed. Allowed: {allowed}"})
        return attrs.evolve(response, headers={**response.headers, "allow": allowed})
    if request.query and method not in _WITH_QUERY.get(name, ()):
        return build_json_response(400, {"error": "query: expected none; it would be ignored"})
    try:
        return handler(request, context)
    except _BadRequest as error:
        return build_json_response(400, {"error": str(error)})


def build_json_response(status: int, plain: dict[str, Any]) -> HttpResponse:
    """Return a JSON response."""
    text = json.dumps(plain, default=float) + "\n"  # after which a shell can show its prompt
    return HttpResponse(status, {"content-type": "application/json"}, text.encode())


def build_clock_response(context: AdminContext) -> HttpResponse:
    """Return the time, and when something is due next."""
    due = context.state.find_next()
    plain = {
        "now": format_instant(context.clock.now()),
        "frozen": context.clock.frozen,
        "next": None if due is None else format_instant(due),
    }
    return build_json_response(200, plain)


def build_messages_response(context: AdminContext, wait: Wait) -> HttpResponse:
    """Return the latest matching messages, in the order in which they were accepted."""
    found = wait.search.select(context.state)
    shown = [
        build_message_view(sms, context.state, context.fault_injection.settings)
        for sms in found[-wait.limit :]
    ]
    status = 200 if len(found) >= wait.count else 408
    return build_json_response(
        status, {"messages": shown, "total": len(found), "limit": wait.limit}
    )


def _set_clock(request: HttpRequest, context: AdminContext) -> HttpResponse | AdvanceClock:
    match _parse_body(request, _CLOCK_USAGE):
        case {"freeze": bool(freeze), **rest} if not rest:
            (context.clock.freeze if freeze else context.clock.resume)()
            return build_clock_response(context)
        case {"advance": seconds, **rest} if not rest and _is_number(seconds) and seconds >= 0:
            return AdvanceClock(context.clock.get_instant_after(seconds))
        case {"to": str(text), **rest} if not rest:
            return AdvanceClock(_parse_instant(text, context.clock.now()))
        case {"jump": "next", **rest} if not rest:
            return AdvanceClock("next")
    raise _BadRequest(f"body: expected one of {_CLOCK_USAGE}")


def _parse_instant(text: str, now: dt.datetime) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        raise _BadRequest(f"body: expected one of {_CLOCK_USAGE}") from None
    if instant.tzinfo is None or to_utc(instant) < now:
        raise _BadRequest(f"body: expected one of {_CLOCK_USAGE}")
    return to_utc(instant)


def _get_messages(request: HttpRequest, context: AdminContext) -> HttpResponse | Wait:
    params = _parse_query(request, "wait", "count", "limit")
    search, limit = _parse_search(params), _parse_count(params, "limit", DEFAULT_LIMIT)
    count = _parse_count(params, "count", 1)
    if "wait" not in params:
        return build_messages_response(context, Wait(search, 0, 0, limit))
    try:
        seconds = float(params["wait"])
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= MAX_WAIT:
        raise _BadRequest(f"wait: expected seconds from 0 to {MAX_WAIT:.0f}")
    return Wait(search, count, seconds, limit)


def _delete_messages(request: HttpRequest, context: AdminContext) -> HttpResponse:
    found = _parse_search(_parse_query(request)).select(context.state)
    context.state.forget([sms.serial for sms in found])
    return build_json_response(200, {"deleted": len(found)})


def _get_reports(request: HttpRequest, context: AdminContext) -> HttpResponse:
    params = _parse_query(request, "state", "report", "limit")
    limit = _parse_count(params, "limit", DEFAULT_LIMIT)
    found = _find_reports(params, context)
    shown = [build_delivery_view(delivery, sms) for delivery, sms in found[-limit:]]
    return build_json_response(200, {"reports": shown, "total": len(found), "limit": limit})


def _send_reports_again(request: HttpRequest, context: AdminContext) -> HttpResponse:
    found = _find_reports(_parse_query(request, "state", "report"), context)
    now, settings = context.clock.now(), context.fault_injection.settings
    sent = [send_again(context.state, delivery, now, settings) for delivery, _ in found]
    return build_json_response(200, {"sent": sum(sent)})


def _find_reports(
    params: dict[str, str], context: AdminContext
) -> list[tuple[WebhookDelivery, StoredMessage]]:
    search, state = _parse_search(params), params.get("state")
    report = _parse_count(params, "report", 1) if "report" in params else None
    if state not in (None, *DELIVERY_STATES):
        raise _BadRequest(f"state: expected one of {', '.join(DELIVERY_STATES)}")
    return list(iter_deliveries(search, context.state, state, report))


def _get_faults(_: HttpRequest, context: AdminContext) -> HttpResponse:
    return build_json_response(200, _describe_faults(context))


def _describe_faults(context: AdminContext) -> dict[str, Any]:
    failures = [_dump_fault(fault) for fault in context.fault_injection.faults]
    return {"ids": list(context.fault_injection.mutant_ids), "failures": failures}


def _dump_fault(fault: InjectedFault) -> dict[str, Any]:
    """Return a fault in the form in which it is posted."""
    match fault.kind:
        case "delay":
            return {"delay": fault.seconds, "rate": fault.rate}
        case "drop":
            return {"drop": fault.rate, "after": fault.after}
    return {"status": fault.status, "rate": fault.rate, "retryAfter": fault.retry_after}


def _set_faults(request: HttpRequest, context: AdminContext) -> HttpResponse:
    body = _parse_body(request, _FAULT_USAGE)
    match body:
        case {"id": str(mutant_id), **rest} if not rest:
            _activate(context, [mutant_id], "id")
        case {"ids": [*mutant_ids], **rest} if not rest:
            _activate(context, mutant_ids, "ids")
        case _:
            context.fault_injection.inject(_parse_fault(body))
    return build_json_response(200, _describe_faults(context))


def _activate(context: AdminContext, mutant_ids: list[Any], name: str) -> None:
    for mutant_id in mutant_ids:
        if not isinstance(mutant_id, str):
            raise _BadRequest(f"body: expected one of {_FAULT_USAGE}")
        if mutant_id not in MUTANTS:
            raise _BadRequest(f"{name}: {suggest_mutants(mutant_id)}")
    context.fault_injection.activate_mutants(*mutant_ids)


def _parse_fault(body: dict[str, Any]) -> InjectedFault:
    rate = body.get("rate", 1.0)
    match body:
        case {"delay": seconds, **rest} if not rest.keys() - {"rate"} and _is_rate(rate):
            if _is_number(seconds) and 0 <= seconds <= MAX_WAIT:
                return InjectedFault(kind="delay", seconds=seconds, rate=rate)
        case {"drop": drop_rate, **rest} if not rest.keys() - {"after"} and _is_rate(drop_rate):
            if isinstance(after := rest.get("after", False), bool):
                return InjectedFault(kind="drop", rate=drop_rate, after=after)
        case {"status": int(status), **rest} if 400 <= status <= 599 and _is_rate(rate):
            retry_after = rest.get("retryAfter")
            valid = retry_after is None or (type(retry_after) is int and retry_after >= 0)
            if valid and not rest.keys() - {"rate", "retryAfter"}:
                return InjectedFault(
                    kind="status", status=status, rate=rate, retry_after=retry_after
                )
    raise _BadRequest(f"body: expected one of {_FAULT_USAGE}")


def _clear_faults(_: HttpRequest, context: AdminContext) -> HttpResponse:
    context.fault_injection.clear()
    return build_json_response(200, _describe_faults(context))


def _get_outcomes(_: HttpRequest, context: AdminContext) -> HttpResponse:
    found = [_dump_outcome(rule) for rule in context.state.outcomes.rules]
    return build_json_response(200, {"outcomes": found})


def _dump_outcome(rule: OutcomeRule) -> dict[str, Any]:
    """Return a chosen outcome in the form in which it is posted."""
    return {name: value for name, value in attrs.asdict(rule).items() if value is not None}


def _add_outcome(request: HttpRequest, context: AdminContext) -> HttpResponse:
    try:
        rule = parse_rule(_parse_body(request, OUTCOME_USAGE))
    except ValueError as problem:
        raise _BadRequest(str(problem)) from None
    context.state.outcomes.add(rule)
    return build_json_response(200, _dump_outcome(rule))


def _delete_outcomes(request: HttpRequest, context: AdminContext) -> HttpResponse:
    to = _parse_query(request, "to", search=False).get("to")
    return build_json_response(200, {"deleted": context.state.outcomes.remove(to)})


def _parse_body(request: HttpRequest, usage: str) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise _BadRequest(f"body: expected one of {usage}")
    return body


def _parse_query(request: HttpRequest, *others: str, search: bool = True) -> dict[str, str]:
    """Return the parameters, those of a search among them; raise _BadRequest for an unknown or repeated one."""
    known = [*QUERY_FIELDS, "status", "serial", *others] if search else list(others)
    try:
        pairs = parse_qsl(request.query, keep_blank_values=True, errors="strict")
    except ValueError:
        raise _BadRequest("query: expected percent-encoded UTF-8") from None
    if len(dict(pairs)) < len(pairs) or dict(pairs).keys() - set(known):
        raise _BadRequest(
            f"query: expected each of these at most once, and no others: {', '.join(known)}"
        )
    return dict(pairs)


def _parse_search(query: dict[str, str]) -> Search:
    statuses = None
    if "status" in query:
        statuses = get_status_ids(query["status"])
        if not statuses:
            raise _BadRequest(STATUS_EXPECTED)
    criteria: dict[str, Any] = {field: query.get(name) for name, field in QUERY_FIELDS.items()}
    serial = _parse_count(query, "serial", 1) if "serial" in query else None
    return Search(**criteria, statuses=statuses, serial=serial)


def _parse_count(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise _BadRequest(f"{name}: expected a positive integer")
    return int(text)


def _is_number(value: object) -> bool:
    """Return whether a value is a finite number; Python's JSON parser also accepts NaN and Infinity."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_rate(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


if TYPE_CHECKING:
    Handler = Callable[[HttpRequest, AdminContext], HttpResponse | Wait | AdvanceClock | Reset]

ROUTES: dict[str, dict[str, Handler]] = {
    "clock": {"GET": lambda _, context: build_clock_response(context), "POST": _set_clock},
    "reset": {"POST": lambda *_: Reset()},
    "messages": {"GET": _get_messages, "DELETE": _delete_messages},
    "reports": {"GET": _get_reports, "POST": _send_reports_again},
    "outcomes": {"GET": _get_outcomes, "POST": _add_outcome, "DELETE": _delete_outcomes},
    "health": {"GET": lambda *_: build_json_response(200, {"status": "ready"})},
    "faults": {"GET": _get_faults, "POST": _set_faults, "DELETE": _clear_faults},
    "faults/known": {"GET": lambda *_: build_json_response(200, {"known": sorted(MUTANTS)})},
}
"""Handlers by path below PREFIX and by method."""
