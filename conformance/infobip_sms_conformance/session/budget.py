"""What a run may do: its profile, its exchanges, and the plan that is printed first.

    full         everything; servers on this machine only
    quick        the message request alone, with one case of each requirement; at most 60 requests
    live         at most 60 messages to at most 3 destinations
    rejections   only what has to be rejected; ends at the first message that is accepted

A check names the groups of exchanges that it looks at, and shares them with others; the cost of a
group is an upper bound. Its cases are counted one by one. The session holds a run to the sum.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from infobip_sms_conformance.contract.allowed_values import derive_accepted_cases
from infobip_sms_conformance.contract.cases import FAR_ONES, assign_formats, get_case
from infobip_sms_conformance.contract.derived_cases import derive_cases
from infobip_sms_conformance.contract.files import Case, read_cases, read_example
from infobip_sms_conformance.contract.generated import build_requests
from infobip_sms_conformance.fixtures.lookup_batch import build_batch
from infobip_sms_conformance.fixtures.placement import (
    CombinedDocument,
    build_case_document,
    build_combined_document,
)
from infobip_sms_conformance.fixtures.webhook_messages import count_destinations, get_names
from infobip_sms_conformance.observations.exchange import get_destinations
from infobip_sms_conformance.session.plan import Budget, Profile, RunCost
from infobip_sms_conformance.session.registry import Check

DIAGNOSTIC_REQUESTS = 150
"""Requests on top, of which a good server sees none: they narrow a failure down."""
SHARED_DIAGNOSTICS, CASE_DIAGNOSTICS = 40, 4
"""Fewer are enough for a few checks: the good requests again, and those of each case."""
ATTEMPTS = 4
"""Requests for a list that is filled in time, within the patience of the run."""
BATCH_SIZE = 55
"""Messages of one request that has more than a list shows when no limit is given."""


def count_messages(*documents: Any) -> int:
    """Return how many messages some documents bring."""
    return sum(len(get_destinations(document)) for document in documents)


@cache
def get_rejected_cases() -> tuple[Case, ...]:
    """Return the cases to be rejected, without those that differ from another by their place alone."""
    found: dict[Any, Case] = {}
    for case in (*read_cases(), *derive_cases()):
        if case.rejected:
            path = "".join(c for c in case.path if not c.isdecimal())
            found.setdefault((case.requirement_id, path, repr(case.edit)), case)
    return tuple(found.values())


@cache
def get_accepted_cases() -> tuple[Case, ...]:
    """Return the cases to be accepted."""
    return (*(case for case in read_cases() if not case.rejected), *derive_accepted_cases())


@cache
def build_limits_document(*, derived: bool = False) -> CombinedDocument:
    """Return the document with every edit that is to be accepted; not to be altered.

    derived: those that follow from the schema, in place of those of cases.toml.
    """
    cases = [case for case in get_accepted_cases() if (case.turn is not None) == derived]
    return build_combined_document(cases)


def get_case_exchanges(
    check: Check, profile: Profile, wires: Sequence[str], only: Sequence[str] = ()
) -> frozenset[tuple[str, str]]:
    """Return the cases that a check runs for, each with a format; only: see ``run_checks``."""
    cases = get_rejected_cases() + (() if profile.stops_at_acceptance else get_accepted_cases())
    return frozenset(
        (case.id, wire)
        for case in cases
        if case.requirement_id == check.requirement_id
        for wire in check.wires
        if wire in wires and is_sent(case, wire, profile, wires)
        if not only
        or any(check.requirement_id.startswith(one) for one in only)
        or f"{check.requirement_id}:{case.id}-{wire}" in only
    )


def is_sent(case: Case, wire: str, profile: Profile, wires: Sequence[str]) -> bool:
    """Tell whether a profile sends a case in a format.

    A sample has one case of each requirement in one; a long run has those in one that say the same in both, and
    none that the others imply.
    """
    possible = [one for one in case.wires if one in wires]
    if case.turn is not None and not profile.derives:
        return False
    if profile.derives and case.id in FAR_ONES:
        return False
    if profile.derives and len(possible) > 1:
        possible = [assign_formats().get(case.id, wire)]
    if not (profile.is_sample and case.rejected):
        return wire in possible
    sample = {c.requirement_id: c for c in reversed(get_rejected_cases())}
    if sample.get(case.requirement_id) != case or not possible:
        return False
    index = sorted(sample).index(case.requirement_id)
    return wire == possible[index % len(possible)]


def get_shared_exchanges(
    groups: frozenset[str], profile: Profile, wires: Sequence[str]
) -> set[tuple[str, str]]:
    """Return the rejected cases that checks of other requirements look at, each with a format."""
    return {
        (case.id, wire)
        for case in get_rejected_cases()
        for wire in wires
        if wire in case.wires
        and (
            ("rejected" in groups and is_sent(case, wire, profile, wires))
            or ("days" in groups and (case.id, wire) in LISTED_DAYS)
        )
    }


def cost_cases(profile: Profile, exchanges: Iterable[tuple[str, str]]) -> RunCost:
    """Return the cost of rejected cases; their messages count as if they were accepted."""
    total = RunCost()
    for case_id, wire in exchanges:
        case = get_case(case_id)
        document = build_case_document(case, profile.get_placement(wire, case.turn)).document
        total += RunCost(1, count_messages(document))
    return total


def cost_limits(formats: int, *, derived: bool = False) -> RunCost:
    """Return the cost of the request with all accepted cases, in some formats."""
    document = build_limits_document(derived=derived).document
    return RunCost(formats, formats * count_messages(document))


def cost_pool(profile: Profile, wires: tuple[str, ...], seed: int) -> RunCost:
    """Return the cost of good requests of many shapes, besides the documented one."""
    documents = build_requests(profile.generated, seed)
    # The one with ids is in each format; the two without are one in each, or both in the only one.
    once = RunCost(len(documents), count_messages(*documents)) + RunCost(1, 2)
    unnamed = count_messages({"messages": read_example("documented-request")["messages"][:1]})
    return sum((once for _ in wires), RunCost(2, 2 * unnamed))


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


def build_full_cost(requests: int, messages: int) -> Callable[..., RunCost]:
    """Return a cost of profiles that look at more than the page; none of others."""

    def find(profile: Profile, _wires: tuple[str, ...], _seed: int) -> RunCost:
        return RunCost(requests, messages) if profile.derives else RunCost()

    return find


LISTED_DAYS = {(name, "xml") for name in ("window-day-lower-case", "window-day-unknown")}
"""The cases that show whether all days of a window are read, as XML-002 has them."""

GROUPS: Mapping[str, Callable[[Profile, tuple[str, ...], int], RunCost]] = {
    "start": lambda _p, wires, _s: RunCost(1 + len(wires), 1 + len(wires)),
    # These four are counted case by case.
    "cases": build_fixed_cost(0, 0),
    "rejected": build_fixed_cost(0, 0),
    "days": build_fixed_cost(0, 0),
    "limits": build_fixed_cost(0, 0),
    "documented": lambda _p, wires, _s: RunCost(
        len(wires), len(wires) * count_messages(read_example("documented-request"))
    ),
    "pool": cost_pool,
    "unreadable": lambda p, wires, _s: RunCost(
        *(
            (2 * len(wires) + 1, 2 * len(wires))
            if p.is_sample
            else (6 * len(wires) + 2, 7 * len(wires))
        )
    ),
    "unreadable elsewhere": build_full_cost(28, 7),
    "headers": build_fixed_cost(3, 3, each=True),
    "spellings": build_full_cost(3, 3),
    "unauthorized": build_fixed_cost(5, 5),
    "app": build_fixed_cost(1, 1, each=True),
    "every operation": build_full_cost(9, 1),
    "near misses": build_full_cost(21, 7),
    "other header fields": build_full_cost(9, 1),
    "push": cost_webhook,
    "lists": lambda p, _w, _s: RunCost(
        1, count_messages(build_batch(BATCH_SIZE if p.has_long_lists else 0))
    ),
    "logs": build_fixed_cost(ATTEMPTS, 0),
    "logs again": build_fixed_cost(1, 0),
    "one log": lambda p, _w, _s: RunCost(0 if p.has_long_lists else 1),
    "named logs": build_fixed_cost(1, 0),
    "one name": build_full_cost(1, 0),
    "effects": build_full_cost(1, 0),
    "empty logs": build_fixed_cost(6, 0),
    "spans": build_fixed_cost(2, 0),
    "networks": build_fixed_cost(2, 0),
    "fetched reports": build_fixed_cost(ATTEMPTS + 3, 0),
    "preview": build_fixed_cost(6, 0),
    "previews of all kinds": build_full_cost(6, 0),
    "full preview": build_full_cost(1, 0),
    "preview of null": build_full_cost(1, 0),
    "bulks": build_fixed_cost(8, 2),
    "unknown bulks": build_full_cost(3, 0),
    "bad changes": build_full_cost(3, 0),
    "undecided": build_full_cost(4, 4),
    "named": build_full_cost(1, 2),
    "scheduled": build_full_cost(1, 2),
    "changed bulks": build_full_cost(9, 4),
    "tracking": build_fixed_cost(1, 0),
    "untracked": build_fixed_cost(2, 0),
    "v1": build_fixed_cost(1, 3, each=True),
    "v1 languages": build_fixed_cost(3, 3),
    "v1 limits": build_full_cost(5, 5),
    "v1 log": build_full_cost(ATTEMPTS, 0),
    "v1 transliteration": build_fixed_cost(1, 1),
}
INCLUDED = {
    "pool": "documented",
    "named logs": "documented",
    "fetched reports": "logs",
}
"""Groups that another one looks at as well."""


HELD = {"named": "pool", "scheduled": "bulks", "other header fields": "logs", "app": "headers"}
"""Groups that are a part of another one, where that is sent."""


def build_budget(  # noqa: PLR0913 - what a plan follows from
    profile: Profile,
    checks: Sequence[Check],
    wires: tuple[str, ...],
    *,
    seed: int,
    max_messages: int | None = None,
    only: Sequence[str] = (),
) -> Budget:
    """Return what some checks send at most; max_messages is the user's own limit."""
    groups = frozenset({"start"}).union(*(check.needs for check in checks))
    groups |= {INCLUDED[name] for name in groups if name in INCLUDED}
    groups -= {name for name, whole in HELD.items() if whole in groups}
    cases = get_shared_exchanges(groups, profile, wires).union(
        *(get_case_exchanges(c, profile, wires, only) for c in checks if "cases" in c.needs)
    )
    accepted = {(case, wire) for case, wire in cases if not get_case(case).rejected}
    derived = {wire for case, wire in accepted if get_case(case).turn is not None}
    listed = {wire for case, wire in accepted if get_case(case).turn is None}
    limits = wires if "limits" in groups else listed
    plan = sum((GROUPS[name](profile, wires, seed) for name in sorted(groups)), RunCost())
    plan += cost_cases(profile, cases - accepted) + cost_limits(len(limits))
    plan += cost_limits(len(derived), derived=True)
    known = [case for case, _ in cases if get_case(case).turn is None]
    diagnostics = min(
        DIAGNOSTIC_REQUESTS, len(checks) * SHARED_DIAGNOSTICS + len(known) * CASE_DIAGNOSTICS
    )
    bounds = [n for n in (max_messages, profile.max_messages) if n is not None]
    return Budget(plan, plan.requests + diagnostics, min([plan.messages + diagnostics, *bounds]))
