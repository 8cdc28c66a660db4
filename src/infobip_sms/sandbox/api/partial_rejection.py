"""A faulty request answered with 200: what is wrong is rejected at its destinations (READ-001).

A destination that breaks a rule is rejected by itself, a message that does at all of its
destinations; the others are accepted. What cannot be said at a destination, such as a message
without any, is refused as a whole.

    MISSING_TO               to is missing or empty
    REJECTED_DESTINATION     to is no number (the one of the two that speaks of an invalid address)
    REJECTED_SOURCE          the sender breaks a rule
    REJECTED_SYSTEM_ERROR    anything else: it is the only rejection that names no cause

Lives here: which destinations are rejected, and by which status.
Never here: whether requests are answered so (app.py), the answer itself (sending.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import Destination, InvalidRequestError, Message, SmsRequest, Violation
from infobip_sms_schema.constraints import unfold

from infobip_sms.codecs.plain_data import build_model, build_plain
from infobip_sms.sandbox.state.statuses import INVALID_DESTINATION, MISSING_TO, find_numbers

from .send import Draft, Recipient, Submission, build_draft, build_submission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infobip_sms_schema import MessageV1, SmsRequestV1

    Check = Callable[[Message | MessageV1], list[Violation]]
    Blame = dict[tuple[int, int | None], list[Violation]]

_PLACE = re.compile(r"messages\[(\d+)\](?:\.destinations\[(\d+)\])?")
_SENDER = {"SEND-003", "SEND-004"}
_STAND_IN = build_plain(Message(destinations=[Destination(to="0")]))
"""A message that is right, to look at what stands around the messages."""


class _Unanswerable(Exception):
    """An entry for this destination cannot be written."""


def read_partly(
    plain: Any,
    kind: type[SmsRequest | SmsRequestV1],
    problems: Iterable[Violation],
    check: Check,
) -> Submission | None:
    """Return a faulty request with its rejections; None if it can only be refused as a whole.

    problems: what is known to be wrong; more may be found. check: rules beside those of the model.
    """
    blamed = _find_blamed(problems)
    field = attrs.fields_dict(kind)["messages"]
    messages = plain.get(field.metadata["wire"]) if isinstance(plain, dict) else None
    if blamed is None or not isinstance(messages, list) or not all(map(_has_places, messages)):
        return None
    reader = _Reader(unfold(field.type)[1], blamed, check)
    try:
        outer = build_model({**plain, field.metadata["wire"]: [_STAND_IN]}, kind, strict=True)
        drafts = tuple(reader.read(index, message) for index, message in enumerate(messages))
    except (InvalidRequestError, _Unanswerable):
        return None
    return attrs.evolve(build_submission(outer), drafts=drafts)


@attrs.frozen
class _Reader:
    """Reads the messages of one request."""

    kind: type[Message | MessageV1]
    blamed: Blame
    check: Check

    def read(self, index: int, message: dict[str, Any]) -> Draft:
        """Return a message with what is rejected of it."""
        rows = message[_name(Message, "destinations")]
        faults = [self._find_fault(row, (index, place)) for place, row in enumerate(rows)]
        kept = [row for row, fault in zip(rows, faults, strict=True) if fault is None]
        draft, whole = Draft(()), None
        if kept:
            draft, whole = self._read_kept(index, {**message, _name(Message, "destinations"): kept})
        found = (fault or whole for fault in faults)
        recipients = tuple(map(_build_recipient, rows, found))
        return attrs.evolve(draft, recipients=recipients)

    def _read_kept(self, index: int, message: dict[str, Any]) -> tuple[Draft, int | None]:
        """Return a message whose destinations are right, or the status that all of them get."""
        problems = list(self.blamed.get((index, None), ()))
        try:
            model = build_model(message, self.kind, strict=True)
            problems += self.check(model)
        except InvalidRequestError as problem:
            problems += problem.violations
        if not problems:
            return build_draft(model), None
        return Draft(()), _find_status({problem.requirement for problem in problems})

    def _find_fault(self, row: dict[str, Any], place: tuple[int, int]) -> int | None:
        """Return the status by which a destination is rejected for itself, if it is."""
        problems = list(self.blamed.get(place, ()))
        try:
            build_model(row, Destination, strict=True)
        except InvalidRequestError as problem:
            problems += problem.violations
        if not problems:
            return None
        to = row.get(_name(Destination, "to"))
        if to is None or to == "":
            return MISSING_TO
        if any(problem.path.endswith(_name(Destination, "to")) for problem in problems):
            return INVALID_DESTINATION
        return _find_status({problem.requirement for problem in problems})


def _find_blamed(problems: Iterable[Violation]) -> Blame | None:
    """Sort problems by message and destination; None if one of them lies outside of all messages."""
    blamed: Blame = {}
    for problem in problems:
        found = _PLACE.match(problem.path)
        if found is None:
            return None
        message, destination = found.groups()
        place = (int(message), None if destination is None else int(destination))
        blamed.setdefault(place, []).append(problem)
    return blamed


def _has_places(message: Any) -> bool:
    """Tell whether a message has destinations to answer at."""
    rows = message.get(_name(Message, "destinations")) if isinstance(message, dict) else None
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) for row in rows)


def _build_recipient(row: dict[str, Any], fault: int | None) -> Recipient:
    message_id = row.get(_name(Destination, "message_id"))
    named = message_id if isinstance(message_id, str) and _is_text(message_id) else None
    return Recipient(_write_to(row.get(_name(Destination, "to"))), named, fault)


def _write_to(to: Any) -> str:
    """Return a destination as the entry names it: a number without its quotes is still told."""
    if to is None:
        return ""
    if isinstance(to, str) and _is_text(to):
        return to
    if isinstance(to, int) and not isinstance(to, bool):
        return str(to)
    raise _Unanswerable


def _find_status(broken: set[str]) -> int:
    """Return the status that fits to what is broken."""
    word = "REJECTED_SOURCE" if broken <= _SENDER else "REJECTED_SYSTEM_ERROR"
    (number,) = find_numbers(word)
    return number


def _is_text(value: str) -> bool:
    """Tell whether a string is Unicode (TEXT-001)."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _name(cls: type[attrs.AttrsInstance], field: str) -> str:
    """Return what a member is called on the wire."""
    wire: str = attrs.fields_dict(cls)[field].metadata["wire"]
    return wire
