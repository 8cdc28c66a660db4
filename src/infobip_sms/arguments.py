"""Calls whose arguments do not fit: the TypeError also says what to write."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


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
