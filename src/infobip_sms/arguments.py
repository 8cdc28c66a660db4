"""Arguments of calls: short forms, and for those that do not fit, what to write instead."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from infobip_sms_schema import (
    InvalidRequestError,
    Message,
    MessageV1,
    SmsRequest,
    SmsRequestV1,
    Violation,
)
from infobip_sms_schema.constraints import build_type_violation, describe_value

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")
_METHODS = {Message: "send", SmsRequest: "send", MessageV1: "send_v1", SmsRequestV1: "send_v1"}


def hint(text: str, **others: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator that adds what to write to the TypeError of a call that does not fit.

    others: for names that are often tried, what to write in their place.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def call(*args: P.args, **options: P.kwargs) -> T:
            try:
                return function(*args, **options)
            except TypeError as error:
                if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                    raise  # not of the call itself
                found = [others[name] for name in options if name in others]
                words = str(error).replace(function.__qualname__, _get_name(function))
            raise TypeError(" ".join([f"{words}.", *found, text]))

        return call

    return decorate


def _get_name(function: Callable[..., object]) -> str:
    """Return how a function is called: a class by its own name, a method by its name."""
    owner, _, name = function.__qualname__.rpartition(".")
    return owner if name == "__init__" else name


def require_one_text(to: object, text: object) -> None:
    """Raise InvalidRequestError for several numbers, and for a text that is missing."""
    if isinstance(to, list | tuple | set):
        write = "Write send(Message(destinations=[…], text=…))."
        problem = Violation("to", describe_value(to), "one phone number", "SEND-007", hint=write)
        raise InvalidRequestError([problem])
    if text is None:
        raise InvalidRequestError([Violation("text", "nothing", "a string", "SEND-009")])


def to_request(value: Any, request: Any, message: type) -> Any:
    """Return the request of messages; raise InvalidRequestError for anything else, and what to write."""
    if isinstance(value, request):
        return value
    if isinstance(value, (*_METHODS,)) and not isinstance(value, message):
        write = f"Use {_METHODS[type(value)]}."
        raise InvalidRequestError([build_type_violation(value, request, write)])
    return request(messages=value)
