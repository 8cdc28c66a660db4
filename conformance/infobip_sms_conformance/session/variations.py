"""The same call in other words: spellings of content types and of XML, values of Accept, the other credentials.

They travel in calls that are made anyway, in turn for each operation and format. Where what comes back is not what
the usual header fields would bring, the call is made again with those, so that no other check depends on a spelling.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from infobip_sms_conformance.contract.openapi import Operation
from infobip_sms_conformance.observations.exchange import (
    ABSENT,
    OK_STATUSES,
    UNAUTHORIZED,
    Exchange,
    RequestOutcome,
)
from infobip_sms_conformance.observations.responses import find_wire

REPEATABLE = frozenset({"getLogs", "getScheduled", "getScheduledStatus", "preview"})
"""Operations that respond in the same way however often they are called."""
LOGIN_REJECTED = frozenset({UNAUTHORIZED, 403})


@dataclass(frozen=True)
class Variation:
    """Header fields that mean what the usual ones mean."""

    accept: str | None
    """Accept; None leaves it out."""
    content_type: str = ""
    """Content-Type of a request with a body, if it is not the usual one."""
    is_open: bool = False
    """Whether Accept leaves the format of the response to the server."""
    alter: Callable[[bytes], bytes] = bytes
    """Writes the body in another way."""


BROKEN = re.compile(rb"(<(?:text|sendAt|status)>\s*)(\w)([^<&]+)")
"""The values that an operation is about, where another may be put between their characters."""


def break_texts(body: bytes) -> bytes:
    """Return a document whose texts have a comment inside and a part of them in CDATA, which changes nothing."""
    return BROKEN.sub(rb"\1\2<!-- x --><![CDATA[\3]]>", body)


VARIATIONS: Mapping[str, tuple[Variation, ...]] = {
    # Types that come first but are not wanted most, or are not there at all; names have no case.
    "json": (
        Variation(
            "text/html, application/xml;q=0.3, Application/JSON;q=0.8",
            'Application/JSON ;charset="UTF-8"',
        ),
        Variation(None, "application/json; charset=utf-8", is_open=True),
        Variation("*/*", is_open=True),
        Variation("application/*", is_open=True),
    ),
    "xml": (
        Variation(
            "text/html, application/json;q=0.3, Application/XML;q=0.8",
            'APPLICATION/XML; Charset="utf-8"',
        ),
        Variation("*/*;q=0.1,application/xml", alter=break_texts),
    ),
}
"""What is sent in turn, by the format of the call."""


@dataclass(frozen=True)
class VariedCall:
    """A call with other header fields."""

    operation: Operation
    variation: Variation
    varied: Exchange
    plain: Exchange | None = None
    """The same call with the usual ones, where it was made again."""

    @property
    def is_only_spelling(self) -> bool:
        """Whether the call failed, and the same one with the usual header fields did not."""
        plain_worked = self.plain is not None and self.plain.status in OK_STATUSES
        if self.varied.outcome is RequestOutcome.THROTTLED:
            return False
        return self.varied.status not in OK_STATUSES and plain_worked

    @property
    def has_other_format(self) -> bool:
        """Whether the response has another format than the one that was wanted most, and only for the spelling."""
        if self.variation.is_open or not has_other_format(self.varied):
            return False
        return self.plain is None or not has_other_format(self.plain)


class Variations:
    """Which header fields come next for an operation, and the calls that had them."""

    def __init__(self) -> None:
        self._turns: Counter[tuple[str, str]] = Counter()
        self._doubted: dict[tuple[str, str], int] = {}
        self.calls: list[VariedCall] = []
        """Every call with other header fields, in order."""

    def call(
        self,
        operation: Operation,
        wire: str,
        label: str,
        make: Callable[..., Exchange],
        other_scheme: str | None,
    ) -> Exchange:
        """Make a call with the next header fields, and again with the usual ones if that makes a difference."""
        if (doubted := self._doubted.pop((operation.id, wire), None)) is not None:
            return self._settle(doubted, make(label=label))
        variation = self.find_next(operation, wire)
        if variation is None:
            return make(label=label)
        if self._turns[operation.id, wire] % 2 == 0:  # the scheme of the run has its turns as well
            other_scheme = None
        for headers in iter_headers(variation, operation, other_scheme):
            varied = make(label=label, headers=headers, alter=variation.alter)
            if varied.status not in LOGIN_REJECTED:
                break
        call = VariedCall(operation, variation, varied)
        if needs_plain(call):
            call = replace(call, plain=make(label=f"{label}, with the usual header fields"))
        elif call.has_other_format:
            self._doubted[operation.id, wire] = len(self.calls)
        self.calls.append(call)
        return call.plain or call.varied

    def _settle(self, index: int, plain: Exchange) -> Exchange:
        """Keep a call with the usual header fields beside one that cannot be made again, and return it."""
        self.calls[index] = replace(self.calls[index], plain=plain)
        return plain

    def find_next(self, operation: Operation, wire: str) -> Variation | None:
        """Return what the next call of an operation in a format has; none after all of them had their turn."""
        turn = self._turns[operation.id, wire]
        self._turns[operation.id, wire] += 1
        return VARIATIONS[wire][turn] if turn < len(VARIATIONS[wire]) else None

    def get_operations(self) -> set[str]:
        """Return the names of the operations that were called with other header fields."""
        return {call.operation.id for call in self.calls}


def iter_headers(
    variation: Variation, operation: Operation, other: str | None
) -> Iterator[dict[str, str | None]]:
    """Yield the header fields of a varied call: with the other credentials if there are such, then with the usual ones."""
    changed: dict[str, str | None] = {"accept": variation.accept}
    if operation.request is not None and variation.content_type:
        changed["content-type"] = variation.content_type
    if other is not None:
        yield {**changed, "authorization": other}
    yield changed


def needs_plain(call: VariedCall) -> bool:
    """Tell whether a call is to be made again with the usual header fields."""
    if call.varied.response is None:  # it may have been carried out
        return False
    if call.varied.status in ABSENT:  # the server does without this operation
        return False
    if call.varied.status not in OK_STATUSES:
        return True
    return call.operation.id in REPEATABLE and has_other_format(call.varied)


def has_other_format(exchange: Exchange) -> bool:
    """Tell whether the body of a success has another format than the call."""
    body = exchange.response.body if exchange.response else b""
    return (
        exchange.status in OK_STATUSES and bool(body.strip()) and find_wire(body) != exchange.wire
    )
