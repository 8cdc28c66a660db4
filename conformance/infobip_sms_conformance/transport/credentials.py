"""Who the suite is to the server."""

import base64
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Credentials:
    """User and password for Basic, the API key for App; at least one of the two."""

    user: str | None = field(repr=False)
    password: str = field(repr=False)
    api_key: str | None = field(repr=False)

    @property
    def basic(self) -> str | None:
        """The value of Authorization for the Basic scheme."""
        return None if self.user is None else build_basic(self.user, self.password)

    @property
    def app(self) -> str | None:
        """The value of Authorization for the App scheme."""
        return f"App {self.api_key}" if self.api_key else None

    @property
    def primary(self) -> str:
        """What the run begins with."""
        found = self.basic or self.app
        assert found is not None, "there is one of the two"
        return found

    @property
    def fallback(self) -> str | None:
        """What is tried where the first is not taken."""
        return self.app if self.basic else None


def build_basic(user: str, password: str) -> str:
    """Return the value of Authorization for any user and password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
