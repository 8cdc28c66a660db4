"""What every model has: a short repr, and conversion to and from JSON."""

from __future__ import annotations

from functools import cache, wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


T = TypeVar("T")


def _load_codec(name: str) -> Any:
    """Return a module of the client's codecs; models themselves need none."""
    return import_module(f"infobip_sms.codecs.{name}")


@cache
def _load_constructors() -> dict[type, Callable[..., Any]]:
    """Return the generated functions that make models of valid arguments; the first call needs them."""
    made: dict[type, Callable[..., Any]] = import_module(f"{__package__}.constructors").CONSTRUCTORS
    return made


@attrs.frozen
class HttpInfo:
    """The HTTP side of a result.

    status: HTTP status of the response.
    headers: Headers of the response; names are in lower case.
    attempts: Number of requests that it took.
    elapsed: Seconds of the whole call: all attempts and the waits between them.
    request_id: The server's ``X-Request-Id``, if it sent one.
    """

    __module__ = "infobip_sms"

    status: int
    headers: dict[str, str] = attrs.field(repr=False)
    attempts: int
    elapsed: float

    @property
    def request_id(self) -> str | None:
        """The server's ``X-Request-Id``, if it sent one."""
        return self.headers.get("x-request-id")


if TYPE_CHECKING:
    _ModelType = type  # type checkers look at __init__
else:

    class _ModelType(type):
        """Makes models, and says what to write when the arguments do not fit."""

        def __call__(cls, *args: Any, **values: Any) -> Any:
            make = _load_constructors().get(cls)
            if make is not None:
                try:
                    return make(*args, **values)
                except Exception:  # noqa: BLE001, S110 - __init__ accepts it, or says what is wrong
                    pass
            try:
                return type.__call__(cls, *args, **values)
            except TypeError as error:
                if error.__traceback__.tb_next is not None:  # not of the call itself
                    raise
                from .hints import explain_arguments  # noqa: PLC0415 - only mistakes need it

                problem = explain_arguments(cls, error, tuple(values))
            raise problem


def explain_calls(cls: type[T]) -> type[T]:
    """Say what to write when the arguments of a class do not fit; for classes without ApiModel."""
    make: Any = cls.__init__

    @wraps(make)
    def __init__(self: Any, *args: Any, **values: Any) -> None:  # noqa: N807 - it is the method
        try:
            make(self, *args, **values)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise
            from .hints import explain_arguments  # noqa: PLC0415 - only mistakes need it

            problem = explain_arguments(cls, error, tuple(values))
        else:
            return
        raise problem

    cls.__init__ = __init__  # type: ignore[method-assign]  # with the same arguments
    return cls


class ApiModel(metaclass=_ModelType):
    """Base class of the models."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Name the class and the fields that have a value."""
        cls: Any = type(self)
        values = ((f.name, getattr(self, f.name)) for f in attrs.fields(cls) if f.repr)
        shown = ", ".join(f"{name}={value!r}" for name, value in values if value is not None)
        return f"{cls.__name__}({shown})"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data with the names of the API, as in a JSON document."""
        plain: dict[str, Any] = _load_codec("plain_data").build_plain(self)
        return plain

    def to_json(self) -> str:
        """Return a JSON document; raise InvalidRequestError if a rule is violated."""
        body: bytes = _load_codec("wire_json").dump_model(self)
        return body.decode()

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Return the model of plain data with the names of the API.

        Raises InvalidRequestError for what is part of a request, InvalidResponseError for a response.
        """
        model: Self = _load_codec("plain_data").build_document(plain, cls)
        return model

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the model of a JSON document; raises what from_dict raises."""
        body = text.encode() if isinstance(text, str) else text
        model: Self = _load_codec("wire_json").parse_document(body, cls)
        return model
