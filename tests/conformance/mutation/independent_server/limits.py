"""The limits of a whole request to send."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.conformance.mutation.independent_server.dates import read_instant
from tests.conformance.mutation.independent_server.scope import Form, Problem, Scope
from tests.conformance.mutation.independent_server.values import (
    CHECKS,
    DIGITS,
    TRACKS,
    check_choice,
)

TOP_MEMBERS = {"bulkId", "messages", "tracking"}
MESSAGE_MEMBERS = {*CHECKS, "destinations", "notify"}
LONGEST_NUMBER = 64


def find_problems(data: dict[str, Any], scope: Scope) -> Iterator[Problem]:
    """Find every broken limit of a request."""
    yield from _check_top(data, scope)
    messages = data.get("messages")
    if not isinstance(messages, list):
        yield Problem("messages", "must be a list", "structure")
        return
    if not messages and not scope.breaks("no-messages"):
        yield Problem("messages", "size must be at least 1", "structure")
    for index, message in enumerate(messages):
        yield from _check_message(message, replace(scope, message=index))


def _check_top(data: dict[str, Any], scope: Scope) -> Iterator[Problem]:
    if not isinstance(data.get("bulkId", ""), str):
        yield Problem("bulkId", "must be a string", "structure")
    if scope.takes("strict-members"):
        for name in data.keys() - TOP_MEMBERS:
            yield Problem(name, "is unknown", "structure")
    tracking = data.get("tracking", {})
    if not isinstance(tracking, dict):
        yield Problem("tracking", "must be an object", "structure")
        return
    if scope.breaks("tracking-refused") and tracking:
        yield Problem("tracking", "is not supported", "structure")
    for name in ("processKey", "type", "baseUrl"):
        if not isinstance(tracking.get(name, ""), str):
            yield Problem(f"tracking.{name}", "must be a string", "structure")
    if "track" in tracking:
        for text in check_choice(tracking["track"], TRACKS, scope, "track"):
            yield Problem("tracking.track", text, "structure")


def _check_message(message: Any, scope: Scope) -> Iterator[Problem]:
    path = f"messages[{scope.message}]"
    if not isinstance(message, dict):
        yield Problem(path, "must be an object", "structure")
        return
    yield from _check_destinations(message.get("destinations"), path, scope)
    for name, check in CHECKS.items():
        form: Form = "sender" if name == "from" else "value"
        if name in message:
            for text in check(message[name], scope):
                yield Problem(f"{path}.{name}", text, form, scope.message)
    for name, text in _check_whole(message, scope):
        yield Problem(f"{path}.{name}", text, "value", scope.message)


def _check_whole(message: dict[str, Any], scope: Scope) -> Iterator[tuple[str, str]]:
    if scope.takes("text-mandatory") and "text" not in message:
        yield "text", "must not be missing"
    if scope.breaks("sender-mandatory") and "from" not in message:
        yield "from", "must not be missing"
    if scope.takes("strict-members"):
        yield from ((name, "is unknown") for name in message.keys() - MESSAGE_MEMBERS)
    send_at = message.get("sendAt")
    if isinstance(send_at, str):
        yield from (("sendAt", text) for text in _check_moment(send_at, scope))


def _check_moment(send_at: str, scope: Scope) -> Iterator[str]:
    try:
        ahead = read_instant(send_at, scope.traits) - time.time()
    except ValueError:
        return
    if ahead < 0 and scope.takes("past-refused"):
        yield "must not be in the past"
    if ahead > 0 and scope.breaks("sendat-future-refused"):
        yield "must not be in the future"


def _check_destinations(destinations: Any, path: str, scope: Scope) -> Iterator[Problem]:
    if not isinstance(destinations, list):
        if not scope.breaks("destinations-optional") or destinations is not None:
            yield Problem(f"{path}.destinations", "must be a list", "structure")
        return
    empty_legal = scope.breaks("destinations-empty") or (
        scope.breaks("destinations-first-message-only") and scope.message
    )
    if not destinations and not empty_legal:
        text = "size must be between 1 and 2147483647"
        yield Problem(f"{path}.destinations", text, "structure")
    for index, destination in enumerate(destinations):
        place = f"{path}.destinations[{index}]"
        here = replace(scope, destination=index)
        for form, text in _check_destination(destination, here):
            if form == "structure":
                yield Problem(place, text, form)
            else:
                yield Problem(f"{place}.to", text, form, scope.message, index)


def _check_destination(destination: Any, scope: Scope) -> Iterator[tuple[Form, str]]:
    if not isinstance(destination, dict):
        yield "structure", "must be an object"
        return
    if not isinstance(destination.get("messageId", ""), str):
        yield "structure", "messageId must be a string"
    if scope.takes("strict-members") and destination.keys() - {"to", "messageId"}:
        yield "structure", "has an unknown field"
    yield from _check_number(destination.get("to"), scope)


def _check_number(to: Any, scope: Scope) -> Iterator[tuple[Form, str]]:
    if to is None:
        first_only = scope.breaks("to-missing-first-only") and scope.destination
        if not scope.breaks("to-missing") and not first_only:
            yield "missing", "must not be missing"
    elif not isinstance(to, str):
        yield "number", "must be a string"
    elif not to:
        if not scope.breaks("to-empty"):
            yield "missing", "must not be empty"
    elif not _is_number(to, scope):
        yield "number", "must be in international format"


def _is_number(to: str, scope: Scope) -> bool:
    unchecked = {
        "to-any": True,
        "to-first-destination-only": scope.destination > 0,
        "to-first-message-only": scope.message > 0,
        "to-unchecked-xml": scope.given == "xml",
        "to-letters-inside": to[0] in DIGITS and to[-1] in DIGITS,
    }
    if scope.traits.loosens(unchecked):
        return True
    digits = to.removeprefix("+")
    if scope.breaks("to-plus-refused"):
        digits = to
    if scope.takes("short-ids") and len(to) > LONGEST_NUMBER:
        return False
    return bool(digits) and DIGITS.issuperset(digits)
