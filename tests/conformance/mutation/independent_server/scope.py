"""Where a check stands: in which message of which request, at which server."""

from dataclasses import dataclass
from typing import Literal

from tests.conformance.mutation.independent_server.traits import Traits

Format = Literal["json", "xml"]
Form = Literal["structure", "missing", "number", "sender", "value"]


@dataclass(frozen=True)
class Scope:
    """The surroundings of a value under check."""

    traits: Traits
    version: int
    given: Format
    message: int = 0
    destination: int = 0

    def breaks(self, fault: str) -> bool:
        """Tell whether this is the server's fault."""
        return self.traits.breaks(fault)

    def takes(self, liberty: str) -> bool:
        """Tell whether the server takes this liberty."""
        return self.traits.takes(liberty)

    def measure(self, text: str) -> int:
        """Count characters."""
        if self.takes("utf16-lengths"):
            return len(text.encode("utf-16-le")) // 2
        return len(text)


@dataclass(frozen=True)
class Problem:
    """One broken limit: its path, and the message and destination that it spoils."""

    path: str
    text: str
    form: Form
    message: int | None = None
    destination: int | None = None
