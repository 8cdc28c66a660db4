"""A faulty request answered with 200: what is wrong is rejected at its destinations (READ-001).

A destination that breaks a rule is rejected by itself, a message that does at all of its
destinations; the others are accepted. What cannot be said at a destination, such as a message
without any, is rejected as a whole.

    MISSING_TO               to is missing or empty
    REJECTED_DESTINATION     to is no number (the one of the two that speaks of an invalid address)
    REJECTED_SOURCE          the sender breaks a rule
    REJECTED_SYSTEM_ERROR    anything else: it is the only rejection that names no cause
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import Destination, InvalidRequestError, Message, SmsRequest, Violation
from infobip_sms_schema.constraints import unfold

from infobip_sms.codecs.plain_data import build_model, build_plain
from infobip_sms.sandbox.state.statuses import INVALID_DESTINATION, MISSING_TO, get_status_ids

from .send import DestinationSpec, MessageSpec, Submission, build_message_spec, build_submission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infobip_sms_schema import MessageV1, SmsRequestV1

    Check = Callable[[Message | MessageV1], list[Violation]]
    Blame = dict[tuple[int, int | None], list[Violation]]

_POSITION = re.compile(r"messages\[(\d+)\](?:\.destinations\[(\d+)\])?")
_SENDER_REQUIREMENTS = {"SEND-003", "SEND-004"}
_PLACEHOLDER_MESSAGE = build_plain(Message(destinations=[Destination(to="0")]))
"""A message that is right, to look at what stands around the messages."""


class _UnrepresentableDestination(Exception):
    """An entry for this destination cannot be written."""


def parse_partially(
    plain: Any,
    kind: type[SmsRequest | SmsRequestV1],
    violations: Iterable[Violation],
    check: Check,
) -> Submission | None:
    """Return a faulty request with its rejections; None if it can only be rejected as a whole.

    problems: what is known to be wrong; more may be found. check: rules beside those of the model.
    """
    blamed = _group_violations(violations)
    field = attrs.fields_dict(kind)["messages"]
    messages = plain.get(field.metadata["wire"]) if isinstance(plain, dict) else None
    if (
        blamed is None
        or not isinstance(messages, list)
        or not all(map(_has_destinations, messages))
    ):
        return None
    reader = _PartialMessageParser(unfold(field.type)[1], blamed, check)
    try:
        outer = build_model(
            {**plain, field.metadata["wire"]: [_PLACEHOLDER_MESSAGE]}, kind, strict=True
        )
        drafts = tuple(reader.parse(index, message) for index, message in enumerate(messages))
    except (InvalidRequestError, _UnrepresentableDestination):
        return None
    return attrs.evolve(build_submission(outer), messages=drafts)


@attrs.frozen
class _PartialMessageParser:
    """Reads the messages of one request."""

    kind: type[Message | MessageV1]
    violations: Blame
    check: Check

    def parse(self, index: int, message: dict[str, Any]) -> MessageSpec:
        """Return a message with what is rejected of it."""
        rows = message[_get_wire_name(Message, "destinations")]
        faults = [self._find_rejection(row, (index, place)) for place, row in enumerate(rows)]
        kept = [row for row, fault in zip(rows, faults, strict=True) if fault is None]
        draft, whole = MessageSpec(()), None
        if kept:
            draft, whole = self._parse_valid_part(
                index, {**message, _get_wire_name(Message, "destinations"): kept}
            )
        found = (fault or whole for fault in faults)
        recipients = tuple(map(_build_destination, rows, found))
        return attrs.evolve(draft, destinations=recipients)

    def _parse_valid_part(
        self, index: int, message: dict[str, Any]
    ) -> tuple[MessageSpec, int | None]:
        """Return a message whose destinations are right, or the status that all of them get."""
        problems = list(self.violations.get((index, None), ()))
        try:
            model = build_model(message, self.kind, strict=True)
            problems += self.check(model)
        except InvalidRequestError as problem:
            problems += problem.violations
        if not problems:
            return build_message_spec(model), None
        return MessageSpec(()), _get_rejection_status(
            {problem.requirement_id for problem in problems}
        )

    def _find_rejection(self, row: dict[str, Any], position: tuple[int, int]) -> int | None:
        """Return the status by which a destination is rejected for itself, if it is."""
        problems = list(self.violations.get(position, ()))
        try:
            build_model(row, Destination, strict=True)
        except InvalidRequestError as problem:
            problems += problem.violations
        if not problems:
            return None
        to = row.get(_get_wire_name(Destination, "to"))
        if to is None or to == "":
            return MISSING_TO
        if any(problem.path.endswith(_get_wire_name(Destination, "to")) for problem in problems):
            return INVALID_DESTINATION
        return _get_rejection_status({problem.requirement_id for problem in problems})


def _group_violations(violations: Iterable[Violation]) -> Blame | None:
    """Sort problems by message and destination; None if one of them lies outside of all messages."""
    blamed: Blame = {}
    for problem in violations:
        found = _POSITION.match(problem.path)
        if found is None:
            return None
        message, destination = found.groups()
        place = (int(message), None if destination is None else int(destination))
        blamed.setdefault(place, []).append(problem)
    return blamed


def _has_destinations(message: Any) -> bool:
    """Tell whether a message has destinations to answer at."""
    rows = (
        message.get(_get_wire_name(Message, "destinations")) if isinstance(message, dict) else None
    )
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) for row in rows)


def _build_destination(row: dict[str, Any], rejection_status: int | None) -> DestinationSpec:
    message_id = row.get(_get_wire_name(Destination, "message_id"))
    named = message_id if isinstance(message_id, str) and _is_text(message_id) else None
    return DestinationSpec(
        _format_destination(row.get(_get_wire_name(Destination, "to"))), named, rejection_status
    )


def _format_destination(to: Any) -> str:
    """Return a destination as the entry names it: a number without its quotes is still named."""
    if to is None:
        return ""
    if isinstance(to, str) and _is_text(to):
        return to
    if isinstance(to, int) and not isinstance(to, bool):
        return str(to)
    raise _UnrepresentableDestination


def _get_rejection_status(requirement_ids: set[str]) -> int:
    """Return the status that fits to what is broken."""
    word = "REJECTED_SOURCE" if requirement_ids <= _SENDER_REQUIREMENTS else "REJECTED_SYSTEM_ERROR"
    (number,) = get_status_ids(word)
    return number


def _is_text(value: str) -> bool:
    """Tell whether a string is Unicode (TEXT-001)."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _get_wire_name(cls: type[attrs.AttrsInstance], field: str) -> str:
    """Return what a field is called on the wire."""
    wire: str = attrs.fields_dict(cls)[field].metadata["wire"]
    return wire
