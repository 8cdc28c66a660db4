"""What is wrong with a value: violations, and the error that carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable


@attrs.frozen
class Violation:
    """One broken requirement at one place.

    No part of it shows a telephone number or a text: ``got`` names kinds, lengths and small numbers.
    """

    path: str
    """Where: wire names, such as ``messages[0].destinations[1].to``; empty for the whole document."""
    actual: str
    """What stands there, described."""
    expected: str
    """What the requirement asks for."""
    requirement_id: str
    """Id of the requirement, such as ``SEND-007``; requirements.toml explains it."""

    def __str__(self) -> str:
        what = f"expected {self.expected}, got {self.actual} ({self.requirement_id})"
        return f"{self.path or 'document'}: {what}"

    def inside(self, parent: str) -> Violation:
        """Return the same violation as seen from the parent's root."""
        joint = "." if parent and self.path and not self.path.startswith("[") else ""
        return attrs.evolve(self, path=f"{parent}{joint}{self.path}")


class Error(Exception):
    """Root of every error that this project raises on purpose."""


class InvalidRequestError(Error, ValueError):
    """A rule of the contract is broken on our side; nothing was sent.

    ``violations`` holds every broken requirement that was found, in document order.
    """

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations: tuple[Violation, ...] = tuple(violations)
        super().__init__(self.violations)

    def __str__(self) -> str:
        return "\n".join(map(str, self.violations))
