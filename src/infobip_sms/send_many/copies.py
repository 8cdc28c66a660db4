"""Copies of models with values that were checked before: nothing is converted or checked again."""

from __future__ import annotations

from functools import cache
from operator import attrgetter, is_
from typing import TYPE_CHECKING, TypeVar

import attrs
from infobip_sms_schema import Destination, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

Model = TypeVar("Model", bound=attrs.AttrsInstance)


@cache
def _list_slots(cls: type[Any]) -> tuple[Callable[..., Any], tuple[Callable[..., None], ...]]:
    """Return what reads all fields, and what writes each one; a frozen class has no other way."""
    names = [field.name for field in attrs.fields(cls)]
    return attrgetter(*names), tuple(vars(cls)[name].__set__ for name in names)


def _copy(model: Model) -> Model:
    copy: Model = object.__new__(type(model))
    read, writers = _list_slots(type(model))
    for write, value in zip(writers, read(model), strict=True):
        write(copy, value)
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
    own = message.destinations
    if len(own) == len(destinations) and all(map(is_, own, destinations)):
        return message
    known = all(type(destination) is Destination for destination in destinations)
    if type(message) is not Message or not known:
        return attrs.evolve(message, destinations=destinations)
    copy = _copy(message)
    object.__setattr__(copy, "destinations", tuple(destinations))
    return copy
