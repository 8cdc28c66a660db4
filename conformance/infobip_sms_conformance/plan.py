"""What one run is to do, decided before the first byte.

Lives here: who is written to, in which formats, with which seed, at what cost.
Never here: sending.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from infobip_sms_conformance.profiles import Bill, Profile

FEATURES: Mapping[str, str] = {
    "xml": "requests and replies in XML",
    "reports": "delivery reports pushed to a notify URL",
    "intermediate": "intermediate delivery reports",
    "pull": "fetching delivery reports",
    "logs": "looking up messages",
    "preview": "previews of a text",
    "bulks": "moving, pausing and cancelling scheduled bulks",
    "tracking": "tracking of conversions and of links",
    "v1": "version 1 of the endpoint",
}
"""What a server may go without, and say so by --without."""


@dataclass(frozen=True)
class Plan:
    """The plan of a run."""

    profile: Profile
    seed: int
    wires: tuple[str, ...]
    allowed: tuple[str, ...]
    """The only numbers that messages go to."""
    bill: Bill
    without: frozenset[str] = frozenset()
    patience: float = 10.0
    """Seconds that the run waits for something that is to happen by itself."""
    clock: bool = False
    """Whether the server has the sandbox's control of its clock, to be used."""
