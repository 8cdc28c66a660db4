"""The query of a request."""

from urllib.parse import parse_qsl


class QueryError(Exception):
    """A parameter that is rejected."""


class Query:
    """The parameters behind the path."""

    def __init__(self, written: str) -> None:
        self._pairs = parse_qsl(written, keep_blank_values=True)

    def get(self, name: str) -> str:
        """Return a parameter that stands once, or an empty string."""
        values = self.get_all(name)
        if len(values) > 1:
            raise QueryError(f"{name} must not be repeated")
        return values[0] if values else ""

    def get_all(self, name: str) -> list[str]:
        """Return every value of a parameter."""
        return [value for key, value in self._pairs if key == name]
