"""What a run may do: its profile, its groups of exchanges, and the bill that is said first.

    full       everything; servers on this machine only
    live       at most 60 messages to at most 3 destinations
    refusals   only what has to be refused; ends at the first message that is taken after all

Each group is a set of exchanges that some checks look at; its cost is an upper bound. The session holds a
run to the sum.

Lives here: the three profiles, the groups with their costs.
Never here: sending.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from infobip_sms_conformance.contract.files import Case, read_cases, read_example
from infobip_sms_conformance.contract.strategies import build_requests
from infobip_sms_conformance.fixtures.lookup_batch import build_batch
from infobip_sms_conformance.fixtures.placement import Packed, pack, place
from infobip_sms_conformance.fixtures.webhook_messages import count_destinations, find_names
from infobip_sms_conformance.observations.exchange import find_destinations
from infobip_sms_conformance.session.plan import Bill, Cost, Profile

NARROWING = 100
"""Requests on top, of which a good server sees none: they narrow a failure down."""
BULK = 55
"""Messages of one request that has more than a list shows when no limit is given."""


def count_messages(*documents: Any) -> int:
    """Return how many messages some documents bring."""
    return sum(len(find_destinations(document)) for document in documents)


@cache
def find_refused() -> tuple[Case, ...]:
    """Return the cases to be refused, without those that differ from another by their place alone."""
    found: dict[Any, Case] = {}
    for case in read_cases():
        if case.refused:
            path = "".join(c for c in case.path if not c.isdecimal())
            found.setdefault((case.requirement, path, repr(case.edit)), case)
    return tuple(found.values())


@cache
def find_accepted() -> tuple[Case, ...]:
    """Return the cases to be accepted."""
    return tuple(case for case in read_cases() if not case.refused)


@cache
def pack_limits() -> Packed:
    """Return the document with every edit that is to be accepted; not to be altered."""
    return pack(find_accepted())


def cost_refused(profile: Profile, wires: tuple[str, ...], _seed: int) -> Cost:
    """Return the cost of the refused cases: what they bring is counted as if it were taken."""
    total = Cost()
    for case in find_refused():
        for wire, where in zip(("json", "xml"), profile.places, strict=True):
            if wire in wires and wire in case.wires:
                total += Cost(1, count_messages(place(case, where).document))
    return total


def cost_pool(profile: Profile, wires: tuple[str, ...], seed: int) -> Cost:
    """Return the cost of good requests of many shapes."""
    documents = [read_example("documented-request"), *build_requests(profile.generated, seed)]
    once = Cost(len(documents), count_messages(*documents)) + Cost(1, 2)  # and the one with ids
    return sum((once for _ in wires), Cost(2, 2 * count_messages(documents[0])))


def cost_push(profile: Profile, wires: tuple[str, ...], _seed: int) -> Cost:
    """Return the cost of messages with notify URLs, and of one by version 1; in one format if few."""
    names = find_names(few=not profile.lists, waits=True, travels=True)
    once = Cost(2, count_destinations(names) + 1)
    return sum((once for _ in wires[: None if profile.lists else 1]), Cost())


def build_fixed(requests: int, messages: int, *, each: bool = False) -> Callable[..., Cost]:
    """Return a cost that is always the same, or the same for each format."""

    def find(_profile: Profile, wires: tuple[str, ...], _seed: int) -> Cost:
        times = len(wires) if each else 1
        return Cost(requests * times, messages * times)

    return find


GROUPS: Mapping[str, Callable[[Profile, tuple[str, ...], int], Cost]] = {
    "start": lambda _p, wires, _s: Cost(1 + len(wires), 1 + len(wires)),
    "pool": cost_pool,
    "limits": lambda _p, wires, _s: Cost(
        len(wires), len(wires) * count_messages(pack_limits().document)
    ),
    "refused": cost_refused,
    "unreadable": lambda _p, wires, _s: Cost(2 * len(wires) + 1, 2 * len(wires)),
    "days": build_fixed(0, 0),  # sent where something fails, and at a good server never
    "headers": build_fixed(3, 3, each=True),
    "unauthorized": build_fixed(5, 5),
    "app": build_fixed(1, 1, each=True),
    "push": cost_push,
    "lists": lambda p, _w, _s: Cost(1, count_messages(build_batch(BULK if p.lists else 0))),
    "lookups": lambda p, _w, _s: Cost(9 if p.lists else 10),
    "preview": build_fixed(6, 0),
    "bulks": build_fixed(8, 2),
    "tracking": build_fixed(3, 0),
    "v1": build_fixed(6, 10),
}


def build_bill(
    profile: Profile, groups: frozenset[str], wires: tuple[str, ...], seed: int, most: int | None
) -> Bill:
    """Return the bill of the groups; ``most`` is the user's own limit of messages."""
    plan = sum((GROUPS[name](profile, wires, seed) for name in sorted(groups)), Cost())
    limits = [n for n in (most, profile.most_messages) if n is not None]
    wanted = plan.messages + NARROWING
    return Bill(plan, plan.requests + NARROWING, min([wanted, *limits]))
