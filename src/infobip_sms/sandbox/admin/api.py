"""What a test asks of a sandbox beside the API: its clock, its messages, its faults. JSON only.

    GET    /sandbox/clock       {"now": instant, "frozen": bool, "next": instant or null}
    POST   /sandbox/clock       {"freeze": bool} or {"advance": seconds} or {"to": instant}
                                or {"jump": "next"}; answered when everything due by then has happened
    POST   /sandbox/reset       {}: no messages, nothing switched on, the clock as at the start
    GET    /sandbox/messages    {"messages": [...], "total": n}; ?to= &from= &text= &bulkId= &messageId=
                                &status= &limit=; with &wait=SECONDS it answers as soon as &count=N
                                messages fit, or with 408 and those that do; a tracked message has
                                "conversions", one with short links "links": [{"url": ..., "clicks": n}]
    DELETE /sandbox/messages    {"deleted": n}; the same search
    GET    /sandbox/reports     {"reports": [...], "total": n}; &state=waiting|taken|dead
    GET    /sandbox/faults      {"id": ..., "troubles": [...], "known": [...]}
    POST   /sandbox/faults      {"id": "RESP-002"} or {"delay": seconds, "rate": 0.3}
                                or {"drop": 0.3, "after": false}
                                or {"status": 503, "rate": 1.0, "retryAfter": 2}
    DELETE /sandbox/faults      everything is off

HEAD is answered as GET, without the body.

Lives here: what such a request means, what is wrong with it, what the answer says.
Never here: waiting (shell.py), authorization: there is none, but see guard.py.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

import attrs

from infobip_sms.sandbox.api.http import HttpReply
from infobip_sms.sandbox.clock import find_utc
from infobip_sms.sandbox.mutants.app import FAULTS
from infobip_sms.sandbox.mutants.fault_injection import Switches, Trouble
from infobip_sms.sandbox.state.statuses import find_numbers

from .same_origin import find_intrusion
from .search import NAMES, STATES, Search, build_message, build_report, find_reports, format_instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms.sandbox.api.http import HttpRequest
    from infobip_sms.sandbox.clock import Clock
    from infobip_sms.sandbox.state.state import State

PREFIX = "/sandbox/"
LONGEST_WAIT = 600.0  # seconds
DEFAULT_LIMIT = 100
_CLOCK = (
    '{"freeze": true or false}, {"advance": seconds}, {"to": an instant with its zone that is not over}'
    ' or {"jump": "next"}'
)
_FAULT = (
    '{"id": a fault}, {"delay": seconds, "rate": share}, {"drop": share, "after": true or false}'
    ' or {"status": 400 to 599, "rate": share, "retryAfter": seconds}; a share is from 0 to 1'
)


@attrs.frozen
class Desk:
    """What is controlled."""

    state: State
    clock: Clock
    switches: Switches


@attrs.frozen
class Wait:
    """The answer waits until enough messages fit."""

    search: Search
    count: int
    seconds: float
    limit: int


@attrs.frozen
class Travel:
    """The answer waits until the clock has gone to an instant, past all that is due before."""

    to: dt.datetime | Literal["next"]


@attrs.frozen
class Reset:
    """The sandbox begins anew."""


class _Wrong(Exception):
    """The request cannot be meant; the text says what is wanted."""


def control(request: HttpRequest, desk: Desk) -> HttpReply | Wait | Travel | Reset:
    """Answer a request under PREFIX, or say what its answer waits for."""
    if intrusion := find_intrusion(request):
        return build_reply(403, {"error": intrusion})
    methods = ROUTES.get(request.path.removeprefix(PREFIX))
    if methods is None:
        known = ", ".join(PREFIX + name for name in ROUTES)
        return build_reply(404, {"error": f"There are: {known}"})
    handler = methods.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        allowed = ", ".join(methods).replace("GET", "GET, HEAD")
        reply = build_reply(405, {"error": f"This takes {allowed}"})
        return attrs.evolve(reply, headers={**reply.headers, "allow": allowed})
    try:
        return handler(request, desk)
    except _Wrong as problem:
        return build_reply(400, {"error": str(problem)})


def build_reply(status: int, plain: dict[str, Any]) -> HttpReply:
    """Write an answer."""
    body = json.dumps(plain, default=float).encode()
    return HttpReply(status, {"content-type": "application/json"}, body)


def show_clock(desk: Desk) -> HttpReply:
    """Return what the clock says and when something is due next."""
    due = desk.state.find_next()
    plain = {
        "now": format_instant(desk.clock.now()),
        "frozen": desk.clock.frozen,
        "next": None if due is None else format_instant(due),
    }
    return build_reply(200, plain)


def show_messages(desk: Desk, wait: Wait) -> HttpReply:
    """Return the messages that fit now: the last ones, in the order in which they were accepted."""
    found = wait.search.find(desk.state)
    shown = [build_message(sms, desk.state, desk.switches.settings) for sms in found[-wait.limit :]]
    status = 200 if len(found) >= wait.count else 408
    return build_reply(status, {"messages": shown, "total": len(found)})


def _set_clock(request: HttpRequest, desk: Desk) -> HttpReply | Travel:
    match _read_body(request, _CLOCK):
        case {"freeze": bool(freeze), **rest} if not rest:
            (desk.clock.freeze if freeze else desk.clock.resume)()
            return show_clock(desk)
        case {"advance": seconds, **rest} if not rest and _is_number(seconds) and seconds >= 0:
            return Travel(desk.clock.find_later(seconds))
        case {"to": str(text), **rest} if not rest:
            return Travel(_read_instant(text, desk.clock.now()))
        case {"jump": "next", **rest} if not rest:
            return Travel("next")
    raise _Wrong(f"The body is one of {_CLOCK}")


def _read_instant(text: str, now: dt.datetime) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong(f"The body is one of {_CLOCK}") from None
    if instant.tzinfo is None or find_utc(instant) < now:
        raise _Wrong(f"The body is one of {_CLOCK}")
    return find_utc(instant)


def _get_messages(request: HttpRequest, desk: Desk) -> HttpReply | Wait:
    given = _read_query(request, "wait", "count", "limit")
    search, limit = _take_search(given), _take_count(given, "limit", DEFAULT_LIMIT)
    count = _take_count(given, "count", 1)
    if "wait" not in given:
        return show_messages(desk, Wait(search, 0, 0, limit))
    try:
        seconds = float(given["wait"])
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= LONGEST_WAIT:
        raise _Wrong(f"wait is a number of seconds from 0 to {LONGEST_WAIT:.0f}")
    return Wait(search, count, seconds, limit)


def _delete_messages(request: HttpRequest, desk: Desk) -> HttpReply:
    found = _take_search(_read_query(request)).find(desk.state)
    desk.state.forget([sms.number for sms in found])
    return build_reply(200, {"deleted": len(found)})


def _get_reports(request: HttpRequest, desk: Desk) -> HttpReply:
    given = _read_query(request, "state", "limit")
    search, wanted = _take_search(given), given.get("state")
    limit = _take_count(given, "limit", DEFAULT_LIMIT)
    if wanted not in (None, *STATES):
        raise _Wrong(f"state is one of: {', '.join(STATES)}")
    found = list(find_reports(search, desk.state, wanted))
    shown = [build_report(push, sms) for push, sms in found[-limit:]]
    return build_reply(200, {"reports": shown, "total": len(found)})


def _get_faults(_: HttpRequest, desk: Desk) -> HttpReply:
    troubles = [_show_trouble(trouble) for trouble in desk.switches.troubles]
    plain = {"id": desk.switches.fault, "troubles": troubles, "known": sorted(FAULTS)}
    return build_reply(200, plain)


def _show_trouble(trouble: Trouble) -> dict[str, Any]:
    """Return a trouble in the words that switch it on."""
    match trouble.kind:
        case "delay":
            return {"delay": trouble.seconds, "rate": trouble.rate}
        case "drop":
            return {"drop": trouble.rate, "after": trouble.after}
    return {"status": trouble.status, "rate": trouble.rate, "retryAfter": trouble.retry_after}


def _set_faults(request: HttpRequest, desk: Desk) -> HttpReply:
    body = _read_body(request, _FAULT)
    match body:
        case {"id": str(fault), **rest} if not rest:
            if fault not in FAULTS:
                raise _Wrong(
                    f"There is no fault of that id; there are: {', '.join(sorted(FAULTS))}"
                )
            desk.switches.break_rule(fault)
        case _:
            desk.switches.trouble(_read_trouble(body))
    return _get_faults(request, desk)


def _read_trouble(body: dict[str, Any]) -> Trouble:
    rate = body.get("rate", 1.0)
    match body:
        case {"delay": seconds, **rest} if not rest.keys() - {"rate"} and _is_share(rate):
            if _is_number(seconds) and 0 <= seconds <= LONGEST_WAIT:
                return Trouble(kind="delay", seconds=seconds, rate=rate)
        case {"drop": share, **rest} if not rest.keys() - {"after"} and _is_share(share):
            if isinstance(after := rest.get("after", False), bool):
                return Trouble(kind="drop", rate=share, after=after)
        case {"status": int(status), **rest} if 400 <= status <= 599 and _is_share(rate):
            after = rest.get("retryAfter")
            whole = after is None or (type(after) is int and after >= 0)
            if whole and not rest.keys() - {"rate", "retryAfter"}:
                return Trouble(kind="status", status=status, rate=rate, retry_after=after)
    raise _Wrong(f"The body is one of {_FAULT}")


def _clear_faults(request: HttpRequest, desk: Desk) -> HttpReply:
    desk.switches.clear()
    return _get_faults(request, desk)


def _read_body(request: HttpRequest, wants: str) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise _Wrong(f"The body is one of {wants}")
    return body


def _read_query(request: HttpRequest, *others: str) -> dict[str, str]:
    """Return the parameters of a search; a name that is none of them is a slip of the tester's."""
    known = [*NAMES, "status", *others]
    try:
        pairs = parse_qsl(request.query, keep_blank_values=True, errors="strict")
    except ValueError:
        raise _Wrong("The query is UTF-8, percent-encoded") from None
    if len(dict(pairs)) < len(pairs) or dict(pairs).keys() - set(known):
        raise _Wrong(f"The parameters are, each at most once: {', '.join(known)}")
    return dict(pairs)


def _take_search(given: dict[str, str]) -> Search:
    statuses = None
    if "status" in given:
        statuses = find_numbers(given["status"])
        if not statuses:
            raise _Wrong("status is the number, the name or the group name of a status")
    wanted: dict[str, Any] = {field: given.get(name) for name, field in NAMES.items()}
    return Search(**wanted, statuses=statuses)


def _take_count(given: dict[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise _Wrong(f"{name} is a whole number from 1")
    return int(text)


def _is_number(value: object) -> bool:
    """Tell whether a value is a number; JSON as Python reads it has some that are none."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


if TYPE_CHECKING:
    Handler = Callable[[HttpRequest, Desk], HttpReply | Wait | Travel | Reset]

ROUTES: dict[str, dict[str, Handler]] = {
    "clock": {"GET": lambda _, desk: show_clock(desk), "POST": _set_clock},
    "reset": {"POST": lambda *_: Reset()},
    "messages": {"GET": _get_messages, "DELETE": _delete_messages},
    "reports": {"GET": _get_reports},
    "faults": {"GET": _get_faults, "POST": _set_faults, "DELETE": _clear_faults},
}
"""What answers under PREFIX."""
