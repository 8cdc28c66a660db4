"""What one run is to do, decided before the first byte."""

from collections.abc import Mapping
from dataclasses import dataclass

from infobip_sms_conformance.contract.files import WIRES
from infobip_sms_conformance.fixtures.placement import ROTATION, Placement

FEATURES: Mapping[str, str] = {
    "xml": "requests and responses in XML",
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

MAX_MESSAGES_LIVE = 60


MAX_NUMBERS_LIVE = 3


@dataclass(frozen=True)
class RunCost:
    """Requests, and messages that they may bring at most."""

    requests: int = 0
    messages: int = 0

    def __add__(self, other: "RunCost") -> "RunCost":
        """Return the sum."""
        return RunCost(self.requests + other.requests, self.messages + other.messages)


@dataclass(frozen=True)
class Profile:
    """A kind of run."""

    name: str
    generated: int
    """Generated requests in each format."""
    placements: tuple[Placement, Placement]
    """Where the edits of rejected cases stand, in JSON and in XML."""
    max_messages: int | None = None
    stops_at_acceptance: bool = False
    has_long_lists: bool = True
    """Whether lists are filled with more messages than they show at once."""
    derives: bool = False
    """Whether the cases that follow from the schema are sent as well."""
    is_sample: bool = False
    """Whether one case of each requirement is sent, in one format."""
    without: frozenset[str] = frozenset()
    """Features that the profile leaves out."""

    def get_placement(self, wire: str, turn: int | None = None) -> Placement:
        """Return where the edit of a rejected case stands in a format; turn: see Case."""
        usual = self.placements[WIRES.index(wire)]
        return usual if turn is None or usual == "alone" else ROTATION[turn % len(ROTATION)]


PROFILES = {
    "full": Profile("full", 2, ("between", "behind"), derives=True),
    "quick": Profile(
        "quick",
        0,
        ("between", "behind"),
        is_sample=True,
        without=frozenset(FEATURES) - {"xml"},
    ),
    "live": Profile("live", 0, ("alone", "alone"), MAX_MESSAGES_LIVE, has_long_lists=False),
    "rejections": Profile(
        "rejections", 0, ("alone", "alone"), MAX_MESSAGES_LIVE, True, has_long_lists=False
    ),
}


@dataclass(frozen=True)
class Budget:
    """What a run costs at most."""

    planned_cost: RunCost
    """What a good server sees."""
    max_requests: int
    max_messages: int


@dataclass(frozen=True)
class Plan:
    """The plan of a run."""

    profile: Profile
    seed: int
    wires: tuple[str, ...]
    allowed: tuple[str, ...]
    """The only numbers that messages go to."""
    budget: Budget
    without: frozenset[str] = frozenset()
    patience: float = 10.0
    """Seconds that the run waits for something that is to happen by itself."""
    clock: bool = False
    """Whether the server has the sandbox's control of its clock, to be used."""
