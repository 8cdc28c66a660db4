"""Rules about several fields, and when a delivery report is posted again."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import Constraint, DeliveryTimeWindow, GetLogsParameters, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infobip_sms_schema import SmsRequest, SmsRequestV1

_SENDER = re.compile(r"(?!\+[0-9]+$)\s*\S[\s\S]*")


MAX_REPORT_RETRIES = 20
"""How often a report that is not acknowledged is posted again (DLR-006)."""
_MINUTE = dt.timedelta(minutes=1)


def get_retry_delay(retry: int) -> dt.timedelta:
    """Return the time between attempt ``retry``, counted from 0, and the next (DLR-006)."""
    return _MINUTE + _MINUTE * retry * retry


def check_window_pair(window: DeliveryTimeWindow) -> list[Violation]:
    """WIN-001: ``from`` and ``to`` are given together or not at all."""
    if (window.from_ is None) == (window.to is None):
        return []
    given, missing = ("to", "from") if window.from_ is None else ("from", "to")
    return [
        Violation(missing, "nothing", f"{missing} together with {given}, or neither", "WIN-001")
    ]


def check_network_pair(parameters: GetLogsParameters) -> list[Violation]:
    """LOG-005: ``mnc`` requires ``mcc``."""
    if parameters.mnc is None or parameters.mcc is not None:
        return []
    return [Violation("mcc", "nothing", "mcc together with mnc", "LOG-005")]


RULES: dict[type, tuple[Callable[[Any], list[Violation]], ...]] = {
    DeliveryTimeWindow: (check_window_pair,),
    GetLogsParameters: (check_network_pair,),
}


def check_senders(request: SmsRequest | SmsRequestV1) -> list[Violation]:
    """SEND-003, READ-058: no sender is blank, has a line break, or is a number with a plus.

    Only what this client sends is checked: the documentation does not say what a server does.
    """
    problems = []
    messages: tuple[Any, ...] = request.messages
    good: set[str | None] = {None}
    for index, message in enumerate(messages):
        sender = message.from_
        if sender in good:
            continue
        if sender.isprintable() and _SENDER.fullmatch(sender):
            good.add(sender)
            continue
        expected = "3 to 11 visible characters, or 3 to 14 digits without +"
        if sender[:1] == "+":
            actual = "a number with +; leave the + out"
        else:
            actual = "characters that are not visible" if sender.strip() else "blanks only"
        path = f"messages[{index}].from"
        problems.append(Violation(path, actual, expected, "SEND-003", sender))
    return problems


def count_national_numbers(request: SmsRequest | SmsRequestV1) -> int:
    """Return the number of destinations that begin with 0, as no country code does (SEND-008)."""
    count = 0
    for message in request.messages:
        for to in message.destinations:
            if to.to[:1] == "0":
                count += 1
    return count


def check_rules(model: object) -> list[Violation]:
    """Return the violations of rules by one object, without its parts."""
    return [problem for rule in RULES.get(type(model), ()) for problem in rule(model)]


def check_model(model: attrs.AttrsInstance) -> list[Violation]:
    """Return all violations of a model and its parts, with their paths, in document order.

    Models reject invalid values when they are created; this also finds what was forced in afterwards.
    """
    problems = []
    for field in attrs.fields(type(model)):
        if not isinstance(field.validator, Constraint):
            continue
        value, wire = getattr(model, field.name), field.metadata["wire"]
        problems += [p.inside(wire) for p in field.validator.check(value, field.type)]
        for step, part in _list_parts(value):
            problems += [p.inside(wire + step) for p in check_model(part)]
    return problems + check_rules(model)


def _list_parts(value: object) -> Iterator[tuple[str, Any]]:
    if attrs.has(type(value)):
        yield "", value
    elif isinstance(value, tuple):
        yield from ((f"[{i}]", part) for i, part in enumerate(value) if attrs.has(type(part)))
