"""Copies of models with values that were checked before: nothing is converted or checked again."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeVar

import attrs
from infobip_sms_schema import Destination, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

Model = TypeVar("Model", bound=attrs.AttrsInstance)


@cache
def _list_slots(cls: type[Any]) -> tuple[tuple[Callable[..., Any], Callable[..., None]], ...]:
    """Return what reads and what writes each field; a frozen class has no other way."""
    slots = [vars(cls)[field.name] for field in attrs.fields(cls)]
    return tuple((slot.__get__, slot.__set__) for slot in slots)


def _copy(model: Model) -> Model:
    copy: Model = object.__new__(type(model))
    for read, write in _list_slots(type(model)):
        write(copy, read(model))
    return copy


def with_message_id(destination: Destination, message_id: str) -> Destination:
    """Return a destination with a messageId."""
    if type(destination) is not Destination:
        return attrs.evolve(destination, message_id=message_id)
    copy = _copy(destination)
    object.__setattr__(copy, "message_id", message_id)
    return copy


def with_destinations(message: Message, destinations: Sequence[Destination]) -> Message:
    """Return a message to other destinations; raise InvalidRequestError if it cannot be built."""
    known = all(type(destination) is Destination for destination in destinations)
    if type(message) is not Message or not known:
        return attrs.evolve(message, destinations=destinations)
    copy = _copy(message)
    object.__setattr__(copy, "destinations", tuple(destinations))
    return copy
