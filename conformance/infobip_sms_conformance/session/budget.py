"""What a run may do: its profile, its groups of exchanges, and the plan that is said first.

    full       everything; servers on this machine only
    live       at most 60 messages to at most 3 destinations
    rejections   only what has to be rejected; ends at the first message that is taken after all

Each group is a set of exchanges that some checks look at; its cost is an upper bound. The session holds a
run to the sum.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from infobip_sms_conformance.contract.files import Case, read_cases, read_example
from infobip_sms_conformance.contract.strategies import build_requests
from infobip_sms_conformance.fixtures.lookup_batch import build_batch
from infobip_sms_conformance.fixtures.placement import (
    CombinedDocument,
    build_case_document,
    build_combined_document,
)
from infobip_sms_conformance.fixtures.webhook_messages import count_destinations, get_names
from infobip_sms_conformance.observations.exchange import get_destinations
from infobip_sms_conformance.session.plan import Budget, Profile, RunCost

DIAGNOSTIC_REQUESTS = 100
"""Requests on top, of which a good server sees none: they narrow a failure down."""
BATCH_SIZE = 55
"""Messages of one request that has more than a list shows when no limit is given."""


def count_messages(*documents: Any) -> int:
    """Return how many messages some documents bring."""
    return sum(len(get_destinations(document)) for document in documents)


@cache
def get_rejected_cases() -> tuple[Case, ...]:
    """Return the cases to be rejected, without those that differ from another by their place alone."""
    found: dict[Any, Case] = {}
    for case in read_cases():
        if case.rejected:
            path = "".join(c for c in case.path if not c.isdecimal())
            found.setdefault((case.requirement_id, path, repr(case.edit)), case)
    return tuple(found.values())


@cache
def get_accepted_cases() -> tuple[Case, ...]:
    """Return the cases to be accepted."""
    return tuple(case for case in read_cases() if not case.rejected)


@cache
def build_limits_document() -> CombinedDocument:
    """Return the document with every edit that is to be accepted; not to be altered."""
    return build_combined_document(get_accepted_cases())


def cost_rejected(profile: Profile, wires: tuple[str, ...], _seed: int) -> RunCost:
    """Return the cost of the rejected cases: what they bring is counted as if it were taken."""
    total = RunCost()
    for case in get_rejected_cases():
        for wire, where in zip(("json", "xml"), profile.placements, strict=True):
            if wire in wires and wire in case.wires:
                total += RunCost(1, count_messages(build_case_document(case, where).document))
    return total


def cost_pool(profile: Profile, wires: tuple[str, ...], seed: int) -> RunCost:
    """Return the cost of good requests of many shapes."""
    documents = [read_example("documented-request"), *build_requests(profile.generated, seed)]
    once = RunCost(len(documents), count_messages(*documents)) + RunCost(
        1, 2
    )  # and the one with ids
    return sum((once for _ in wires), RunCost(2, 2 * count_messages(documents[0])))


def cost_webhook(profile: Profile, wires: tuple[str, ...], _seed: int) -> RunCost:
    """Return the cost of messages with notify URLs, and of one by version 1; in one format if few."""
    names = get_names(few=not profile.has_long_lists, waits=True, travels=True)
    once = RunCost(2, count_destinations(names) + 1)
    return sum((once for _ in wires[: None if profile.has_long_lists else 1]), RunCost())


def build_fixed_cost(requests: int, messages: int, *, each: bool = False) -> Callable[..., RunCost]:
    """Return a cost that is always the same, or the same for each format."""

    def find(_profile: Profile, wires: tuple[str, ...], _seed: int) -> RunCost:
        times = len(wires) if each else 1
        return RunCost(requests * times, messages * times)

    return find


GROUPS: Mapping[str, Callable[[Profile, tuple[str, ...], int], RunCost]] = {
    "start": lambda _p, wires, _s: RunCost(1 + len(wires), 1 + len(wires)),
    "pool": cost_pool,
    "limits": lambda _p, wires, _s: RunCost(
        len(wires), len(wires) * count_messages(build_limits_document().document)
    ),
    "rejected": cost_rejected,
    "unreadable": lambda _p, wires, _s: RunCost(2 * len(wires) + 1, 2 * len(wires)),
    "days": build_fixed_cost(0, 0),  # sent where something fails, and at a good server never
    "headers": build_fixed_cost(3, 3, each=True),
    "unauthorized": build_fixed_cost(5, 5),
    "app": build_fixed_cost(1, 1, each=True),
    "push": cost_webhook,
    "lists": lambda p, _w, _s: RunCost(
        1, count_messages(build_batch(BATCH_SIZE if p.has_long_lists else 0))
    ),
    "lookups": lambda p, _w, _s: RunCost(9 if p.has_long_lists else 10),
    "preview": build_fixed_cost(6, 0),
    "bulks": build_fixed_cost(8, 2),
    "tracking": build_fixed_cost(3, 0),
    "v1": build_fixed_cost(6, 10),
}


def build_budget(
    profile: Profile,
    groups: frozenset[str],
    wires: tuple[str, ...],
    seed: int,
    max_messages: int | None,
) -> Budget:
    """Return the plan of the groups; ``most`` is the user's own limit of messages."""
    plan = sum((GROUPS[name](profile, wires, seed) for name in sorted(groups)), RunCost())
    limits = [n for n in (max_messages, profile.max_messages) if n is not None]
    wanted = plan.messages + DIAGNOSTIC_REQUESTS
    return Budget(plan, plan.requests + DIAGNOSTIC_REQUESTS, min([wanted, *limits]))
