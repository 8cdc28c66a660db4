"""The query of a request."""

from collections.abc import Callable
from urllib.parse import parse_qsl

Twisted = Callable[[list[tuple[str, str]], str], list[tuple[str, str]]]


class QueryError(Exception):
    """A parameter that is rejected."""


class Query:
    """The parameters behind the path."""

    def __init__(self, written: str, twist: Twisted | None = None, path: str = "") -> None:
        pairs = parse_qsl(written, keep_blank_values=True)
        self._pairs = twist(pairs, path) if twist else pairs

    def get(self, name: str) -> str:
        """Return a parameter that stands once, or an empty string."""
        values = self.get_all(name)
        if len(values) > 1:
            raise QueryError(f"{name} must not be repeated")
        return values[0] if values else ""

    def get_all(self, name: str) -> list[str]:
        """Return every value of a parameter."""
        return [value for key, value in self._pairs if key == name]
