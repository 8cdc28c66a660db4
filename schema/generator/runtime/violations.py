"""Violations of requirements, and the error that lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


MAX_VIOLATIONS = 100  # of a document that was read; the first ones matter


@attrs.frozen
class Violation:
    """One violated requirement at one place.

    It never shows a phone number or a text: ``actual`` names types, lengths and small numbers.

    path: Path of wire names, such as ``messages[0].destinations[1].to``; empty for the whole
        document.
    actual: Description of the value that was found.
    expected: Description of what is required.
    requirement_id: ID of the requirement, such as ``SEND-007``; see requirements.toml.
    value: The value that was found, which may be personal; not in ``str()``, ``repr()`` or a
        pickle.
    hint: What to write instead, for a usual mistake; otherwise empty.
    """

    __module__ = "infobip_sms"

    path: str
    actual: str
    expected: str
    requirement_id: str
    value: object = attrs.field(default=None, eq=False, repr=False)

    hint: str = attrs.field(default="", eq=False)

    def __reduce__(self) -> tuple[type[Violation], tuple[object, ...]]:
        fields = (self.path, self.actual, self.expected, self.requirement_id, None, self.hint)
        return type(self), fields

    def __str__(self) -> str:
        path, hint = self.path or "document", f". {self.hint}" if self.hint else ""
        return f"{path}: expected {self.expected}, got {self.actual} ({self.requirement_id}){hint}"

    def inside(self, parent: str) -> Violation:
        """Return the violation with a path that starts at the parent."""
        separator = "." if parent and self.path and not self.path.startswith("[") else ""
        path = f"{parent}{separator}{self.path}"
        return Violation(
            path, self.actual, self.expected, self.requirement_id, self.value, self.hint
        )


def list_violations(violations: Sequence[Violation]) -> str:
    """Return one line for each violation, and one that says where a long list ends."""
    lines = list(map(str, violations))
    if len(lines) >= MAX_VIOLATIONS:
        lines.append("perhaps more: nothing further was examined")
    return "\n".join(lines)


class Error(Exception):
    """Base class of all errors of this package."""

    __module__ = "infobip_sms"


class InvalidRequestError(Error, ValueError):
    """The request violates a rule; nothing was sent.

    violations: every violation found, in document order; a document that was read is examined no further
        when there are 100.
    """

    __module__ = "infobip_sms"

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations: tuple[Violation, ...] = tuple(violations)
        super().__init__(self.violations)

    def __str__(self) -> str:
        return list_violations(self.violations)
