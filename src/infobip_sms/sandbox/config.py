"""The settings of a sandbox."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from infobip_sms.transport.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

READINGS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "READ-001": {
            "400": "HTTP 400",
            "200": "HTTP 200 with a status of the REJECTED group at the destination",
        },
        "READ-002": {
            "absent": "no bulkId",
            "present": "the bulkId of the request, or a generated one",
        },
        "READ-004": {
            "26": "26 PENDING_ACCEPTED",
            "7": "7 PENDING_ENROUTE",
            "0": "0 MESSAGE_ACCEPTED of group 0 ACCEPTED",
        },
        "READ-008": {
            "over midnight": "a window over midnight",
            "never open": "never open",
            "rejected": "rejected",
        },
        "READ-017": {"400": "400", "415": "415"},
        "READ-018": {"405": "404 and 405", "404": "404 for both"},
        "READ-046": {
            "0": "0 MESSAGE_ACCEPTED",
            "7": "7 PENDING_ENROUTE",
            "26": "26 PENDING_ACCEPTED",
        },
    }
)
"""Implementation-defined behavior that can be configured: the outcomes, the default first, and their names in
requirements.toml."""
ADMIN_PREFIX = "/sandbox/"
"""Path of the admin interface."""
DEFAULT_USER, DEFAULT_PASSWORD = "Aladdin", "open sesame"
"""The account of a sandbox that is given none; no secret."""
_ANY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 - compared only
_MAX_DELAY = 10**9  # seconds; datetimes overflow somewhere above
_FOLLOWS = {"READ-046": "READ-004"}
"""Readings that follow another one unless they are set themselves."""


def _require_known_readings(_: Any, __: Any, chosen: Mapping[str, str]) -> None:
    for reading, outcome in chosen.items():
        if reading not in READINGS:
            raise ValueError(f"{reading} cannot be chosen; there are: {', '.join(READINGS)}")
        if outcome not in READINGS[reading]:
            raise ValueError(f"{reading} is one of: {', '.join(READINGS[reading])}")


@attrs.frozen
class SandboxSettings:
    """The account and how its messages are handled; ``seed`` determines every generated id."""

    user: str | None = attrs.field(default=None, repr=False)
    password: str = attrs.field(default="", repr=False)
    api_key: str | None = attrs.field(default=None, repr=False)
    seed: str = ""
    delay: float = attrs.field(
        default=0.1,
        validator=attrs.validators.and_(attrs.validators.ge(0), attrs.validators.le(_MAX_DELAY)),
    )
    """Seconds between sending and delivery, for all but test numbers."""
    rate: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(1))
    )
    """Requests per second; more get 429. None for no limit."""
    price: Decimal = Decimal("0.01")
    """Price per segment."""
    currency: str = "EUR"
    keep: int = attrs.field(default=100_000, validator=attrs.validators.ge(1))
    """Messages, and short links, to keep; the oldest are dropped first."""
    max_destinations: int = attrs.field(default=100_000, validator=attrs.validators.ge(1))
    """Destinations allowed in one request; Infobip documents no limit."""
    push_to: tuple[str, ...] = ()
    """Hosts besides loopback that reports are posted to; ``*`` for any."""
    outcomes: tuple[str, ...] = ()
    """Outcomes for numbers, such as ``4477009*=UNDELIVERABLE,error=1``; see the option --outcome."""
    allow_hosts: tuple[str, ...] = ()
    """Names besides loopback by which this sandbox may be addressed, in lower case; pages of these hosts may use it."""
    cors: tuple[str, ...] = ()
    """Origins whose pages may use this sandbox from a browser, such as ``http://localhost:3000``; ``*`` for any."""
    address: str = "127.0.0.1"
    """Address on which it listens."""
    port: int | None = None
    """Port on which it listens; None if that is not known."""
    readings: Mapping[str, str] = attrs.field(factory=dict, validator=_require_known_readings)
    """Outcomes that differ from the defaults, by id; see READINGS."""

    def get_reading(self, reading: str) -> str:
        """Return the outcome of a reading in this sandbox."""
        for name in (reading, _FOLLOWS.get(reading, reading)):
            if name in self.readings:
                return self.readings[name]
        return next(iter(READINGS[reading]))

    def is_own_host(self, host: str) -> bool:
        """Return whether a host is this sandbox, by loopback, its address or an allowed name."""
        if is_loopback(host) or host in {*self.allow_hosts, self.address}:
            return True
        return self.address in _ANY_ADDRESS and _is_address(host)

    @property
    def over_midnight(self) -> bool:
        """Whether a window that closes before it opens is open over midnight (READ-008)."""
        return self.get_reading("READ-008") == "over midnight"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
