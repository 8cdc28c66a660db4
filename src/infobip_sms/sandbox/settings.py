"""What may be chosen when a sandbox is started.

Lives here: the account, delays, prices, and which outcome of an open reading the sandbox shows.
Never here: what any of it does.
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

READINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "READ-002": ("absent", "present"),
        "READ-004": ("26", "7", "0"),
        "READ-008": ("over midnight", "never open", "refused"),
        "READ-017": ("400", "415"),
        "READ-018": ("404", "405"),
    }
)
"""Open readings of requirements.toml that can be switched, with their outcomes; ours comes first."""


def _check_readings(_: Any, __: Any, chosen: Mapping[str, str]) -> None:
    for reading, outcome in chosen.items():
        if reading not in READINGS:
            raise ValueError(f"{reading} cannot be chosen; there are: {', '.join(READINGS)}")
        if outcome not in READINGS[reading]:
            raise ValueError(f"{reading} is one of: {', '.join(READINGS[reading])}")


@attrs.frozen
class Settings:
    """What an account may do and how its messages fare; ``seed`` decides every generated id."""

    user: str | None = attrs.field(default=None, repr=False)
    password: str = attrs.field(default="", repr=False)
    api_key: str | None = attrs.field(default=None, repr=False)
    seed: str = ""
    delay: float = attrs.field(default=0.1, validator=attrs.validators.ge(0))
    """Seconds between sending and delivery, for numbers that do not choose their own fate."""
    rate: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(1))
    )
    """Requests per second that are answered; more get 429. None for no limit."""
    price: Decimal = Decimal("0.01")
    """Price per segment."""
    currency: str = "EUR"
    push_to: tuple[str, ...] = ()
    """Hosts beside those of the loopback interface that reports are pushed to; ``*`` for any."""
    readings: Mapping[str, str] = attrs.field(factory=dict, validator=_check_readings)
    """Outcomes of open readings that are not ours, by id; READINGS lists them."""

    def find_reading(self, reading: str) -> str:
        """Return the outcome of a reading that this sandbox shows."""
        return self.readings.get(reading, READINGS[reading][0])

    @property
    def over_midnight(self) -> bool:
        """Whether a window that closes earlier than it opens is open over midnight (READ-008)."""
        return self.find_reading("READ-008") == "over midnight"
