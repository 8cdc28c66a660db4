"""HTTP 200 for an invalid request: only its invalid destinations are rejected (READ-001).

An invalid destination is rejected alone, an invalid message at all of its destinations; the others
are accepted. A request with violations outside of any destination, such as a message without
destinations, is rejected as a whole.

    MISSING_TO               to is missing or empty
    REJECTED_DESTINATION     to is not a phone number (the one of the two for an invalid address)
    REJECTED_SOURCE          the sender is invalid
    REJECTED_SYSTEM_ERROR    anything else: it is the only rejection without a specific cause
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
    GroupedViolations = dict[tuple[int, int | None], list[Violation]]

_POSITION = re.compile(r"messages\[(\d+)\](?:\.destinations\[(\d+)\])?")
_SENDER_REQUIREMENTS = {"SEND-003", "SEND-004"}
_PLACEHOLDER_MESSAGE = build_plain(Message(destinations=[Destination(to="0")]))
"""A valid message, to validate the fields around the messages."""


class _UnrepresentableDestination(Exception):
    """The response cannot contain an entry for this destination."""


def parse_partially(
    plain: Any,
    kind: type[SmsRequest | SmsRequestV1],
    violations: Iterable[Violation],
    check: Check,
) -> Submission | None:
    """Return an invalid request with its rejections; None if it can only be rejected as a whole.

    violations: those known so far; more may be found. check: rules besides those of the model.
    """
    grouped = _group_violations(violations)
    field = attrs.fields_dict(kind)["messages"]
    messages = plain.get(field.metadata["wire"]) if isinstance(plain, dict) else None
    if (
        grouped is None
        or not isinstance(messages, list)
        or not all(map(_has_destinations, messages))
    ):
        return None
    parser = _PartialMessageParser(unfold(field.type)[1], grouped, check)
    try:
        outer = build_model(
            {**plain, field.metadata["wire"]: [_PLACEHOLDER_MESSAGE]}, kind, strict=True
        )
        specs = tuple(parser.parse(index, message) for index, message in enumerate(messages))
    except (InvalidRequestError, _UnrepresentableDestination):
        return None
    return attrs.evolve(build_submission(outer), messages=specs)


@attrs.frozen
class _PartialMessageParser:
    """Parses the messages of one request."""

    kind: type[Message | MessageV1]
    violations: GroupedViolations
    check: Check

    def parse(self, index: int, message: dict[str, Any]) -> MessageSpec:
        """Return a message with its rejected destinations."""
        rows = message[_get_wire_name(Message, "destinations")]
        rejections = [self._find_rejection(row, (index, i)) for i, row in enumerate(rows)]
        kept = [row for row, status in zip(rows, rejections, strict=True) if status is None]
        spec, message_rejection = MessageSpec(()), None
        if kept:
            spec, message_rejection = self._parse_valid_part(
                index, {**message, _get_wire_name(Message, "destinations"): kept}
            )
        statuses = (status or message_rejection for status in rejections)
        destinations = tuple(map(_build_destination, rows, statuses))
        return attrs.evolve(spec, destinations=destinations)

    def _parse_valid_part(
        self, index: int, message: dict[str, Any]
    ) -> tuple[MessageSpec, int | None]:
        """Return a message with valid destinations, or the status that rejects all of them."""
        violations = list(self.violations.get((index, None), ()))
        try:
            model = build_model(message, self.kind, strict=True)
            violations += self.check(model)
        except InvalidRequestError as error:
            violations += error.violations
        if not violations:
            return build_message_spec(model), None
        return MessageSpec(()), _get_rejection_status(
            {violation.requirement_id for violation in violations}
        )

    def _find_rejection(self, row: dict[str, Any], position: tuple[int, int]) -> int | None:
        """Return the status that rejects a destination alone; None if it is valid."""
        violations = list(self.violations.get(position, ()))
        try:
            build_model(row, Destination, strict=True)
        except InvalidRequestError as error:
            violations += error.violations
        if not violations:
            return None
        to = row.get(_get_wire_name(Destination, "to"))
        if to is None or to == "":
            return MISSING_TO
        if any(
            violation.path.endswith(_get_wire_name(Destination, "to")) for violation in violations
        ):
            return INVALID_DESTINATION
        return _get_rejection_status({violation.requirement_id for violation in violations})


def _group_violations(violations: Iterable[Violation]) -> GroupedViolations | None:
    """Group violations by message and destination; None if one is outside of the messages."""
    grouped: GroupedViolations = {}
    for violation in violations:
        match = _POSITION.match(violation.path)
        if match is None:
            return None
        message, destination = match.groups()
        position = (int(message), None if destination is None else int(destination))
        grouped.setdefault(position, []).append(violation)
    return grouped


def _has_destinations(message: Any) -> bool:
    """Return whether a message has destinations that can be rejected."""
    rows = (
        message.get(_get_wire_name(Message, "destinations")) if isinstance(message, dict) else None
    )
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) for row in rows)


def _build_destination(row: dict[str, Any], rejection_status: int | None) -> DestinationSpec:
    message_id = row.get(_get_wire_name(Destination, "message_id"))
    valid_id = message_id if isinstance(message_id, str) and _is_text(message_id) else None
    return DestinationSpec(
        _format_destination(row.get(_get_wire_name(Destination, "to"))), valid_id, rejection_status
    )


def _format_destination(to: Any) -> str:
    """Return a destination as in its entry; a JSON number is converted to a string."""
    if to is None:
        return ""
    if isinstance(to, str) and _is_text(to):
        return to
    if isinstance(to, int) and not isinstance(to, bool):
        return str(to)
    raise _UnrepresentableDestination


def _get_rejection_status(requirement_ids: set[str]) -> int:
    """Return the status for the violated requirements."""
    name = "REJECTED_SOURCE" if requirement_ids <= _SENDER_REQUIREMENTS else "REJECTED_SYSTEM_ERROR"
    (status_id,) = get_status_ids(name)
    return status_id


def _is_text(value: str) -> bool:
    """Return whether a string has no lone surrogates (TEXT-001)."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _get_wire_name(cls: type[attrs.AttrsInstance], field: str) -> str:
    """Return the name of a field in requests."""
    wire: str = attrs.fields_dict(cls)[field].metadata["wire"]
    return wire
