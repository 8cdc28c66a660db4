"""What the figures are to reach."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import attrs

from tests.bench.costs import (
    CLIENT,
    EACH,
    LATENCY,
    LIBRARIES,
    ONE_REQUEST,
    SUITE,
    TO_BARE,
    TO_SANDBOX,
    WHOLE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.bench.timing import Figure
    from tests.bench.trials import Row

MANY = "1,000 messages"
MAKE = "Models: make"
READ, REPLY, WRITE = "JSON: read a request", "JSON: read a response", "JSON: write a request"
XREAD, XWRITE, CALL = "XML: read a request", "XML: write a request", "Whole call"
STOCK, SLOWEST = "stock cattrs + orjson", "xmlschema (our run-time engine)"
OURS = "infobip-sms"
LARGER, GROWTH = "10,000 messages", {("read", "100,000"), ("write", "100,000")}
SECONDS = {"quick": 2.0, "full": 8.0}  # for a run of the suite
# work, size, what is compared, with what, at most
LIMITS = (
    (MAKE, MANY, OURS, "pydantic 2", 1.0),
    (REPLY, MANY, OURS, "orjson to dict", 2.0),
    (READ, MANY, OURS, STOCK, 0.40),
    (READ, MANY, OURS, "msgspec", 2.5),
    (READ, MANY, OURS, "pydantic 2", 1.0),
    (WRITE, MANY, OURS, STOCK, 0.75),
    (WRITE, MANY, OURS, "pydantic 2", 0.75),
    (XREAD, MANY, OURS, "ElementTree alone", 2.2),
    (XREAD, MANY, OURS, "xsdata", 1 / 5),
    (XREAD, MANY, OURS, "pydantic-xml", 1 / 5),
    (XREAD, MANY, OURS, SLOWEST, 1 / 10),
    (XWRITE, MANY, OURS, "lxml of a finished tree", 4.0),
    (XWRITE, MANY, OURS, "xsdata", 1 / 12),
    (XWRITE, MANY, OURS, "pydantic-xml", 1 / 12),
    (XWRITE, MANY, OURS, SLOWEST, 1 / 50),
    (CALL, "1 message", "infobip-sms, JSON", "urllib3 with a static body", 1.10),
    (CALL, "1 message", "infobip-sms, XML", "urllib3 with a static body", 1.30),
)


@attrs.frozen
class Target:
    """One target, and what was measured."""

    name: str
    most: float
    found: float

    @property
    def is_reached(self) -> bool:
        """Tell whether it is."""
        return self.found <= self.most


def find_growth(figures: Mapping[tuple[str, str, str], Figure]) -> Iterator[Target]:
    """Yield the targets of reading ten times as much, by the ratio to the bare parse of each size."""
    for work in (READ, XREAD):
        ours, larger = figures.get((work, MANY, OURS)), figures.get((work, LARGER, OURS))
        if ours and larger:
            growth = larger.ratio / ours.ratio
            yield Target(f"{work}: ratio at 10,000 / at 1,000", 1.3, growth)


def find_wall_targets(figures: Mapping[tuple[str, str, str], Figure]) -> Iterator[Target]:
    """Yield the targets of whole calls by the clock on the wall."""
    for work, size, one, other, most in LIMITS:
        ours = figures.get((work, size, one))
        if work == CALL and ours and ours.wall_ratios:
            ratio = statistics.median(ours.wall_ratios)
            yield Target(f"{work}, {size}, wall clock: {one} / {other}", most, ratio)


def find_latency_targets(figures: Mapping[tuple[str, str, str], Figure]) -> Iterator[Target]:
    """Yield the targets of calls over a kept connection, by the clock on the wall."""
    for one, other in zip(TO_SANDBOX, TO_BARE, strict=True):
        ours, bare = (figures.get((LATENCY, ONE_REQUEST, peer)) for peer in (one, other))
        if ours and bare:
            pairs = zip(ours.wall_ratios, bare.wall_ratios, strict=True)
            ratio = statistics.median(a / b for a, b in pairs)
            yield Target(f"{LATENCY}: {one} / {other}", 3.0, ratio)
            yield Target(f"{LATENCY}, ms: {one}", 1.5, statistics.median(ours.wall) * 1000)


def find_suite_targets(rows: list[Row]) -> Iterator[Target]:
    """Yield the targets of runs of the conformance suite."""
    for row in rows:
        cpu, wall = row.figure.cpu[0], row.figure.wall[0]
        if row.peer == EACH:
            yield Target(f"suite, {row.size}: ms of the processor, {row.peer}", 15.0, cpu * 1000)
        elif row.work == SUITE and row.peer == WHOLE:
            profile = row.size.partition(",")[0]
            yield Target(f"suite, {row.size}: seconds", SECONDS[profile], wall)


def find_targets(
    rows: list[Row], memory: dict[str, float], imports: dict[str, float]
) -> list[Target]:
    """Return every target whose figures are there."""
    figures = {(row.work, row.size, row.peer): row.figure for row in rows}
    found = []
    for work, size, one, other, most in LIMITS:
        ours, theirs = figures.get((work, size, one)), figures.get((work, size, other))
        if ours and theirs:
            pairs = zip(ours.ratios, theirs.ratios, strict=False)
            ratio = statistics.median(a / b for a, b in pairs)
            found.append(Target(f"{work}, {size}: {one} / {other}", most, ratio))
    found += [
        Target(f"{row.work}: {row.size} / 1,000", 1.3, row.figure.ratio)
        for row in rows
        if (row.work.split(",")[0].split()[-1], row.size) in GROWTH and row.peer == OURS
    ]
    found += [
        Target(f"{row.work.partition(' (')[0]}: ours / theirs", 1 / 8, 1 / row.figure.ratio)
        for row in rows
        if "official client: send" in row.work
    ]
    found += [
        Target(f"{name}: peak / size on the wire", 4.0, peak)
        for name, peak in memory.items()
        if "write" in name
    ]
    found += [*find_growth(figures), *find_wall_targets(figures)]
    found += [*find_latency_targets(figures), *find_suite_targets(rows)]
    found += [
        Target(f"{name} / {LIBRARIES}", 1.1, imports[name] / imports[LIBRARIES])
        for name in ("import infobip_sms", CLIENT)
        if name in imports
    ]
    return found
