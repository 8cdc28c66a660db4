"""What each operation was asked in a run: with which credentials and formats, and how it responded."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from infobip_sms_conformance.contract.openapi import Operation, read_operations
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.transport.http import RawRequest

RIGHT, WRONG, NONE = "right", "wrong", "none"
LEFT_OUT = "left out"


@dataclass
class OperationUse:
    """The requests to one operation; each counter by what was sent, or came."""

    credentials: Counter[str] = field(default_factory=Counter)
    """``right`` with its scheme, ``wrong`` or ``none``."""
    content_types: Counter[str] = field(default_factory=Counter)
    accepts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)

    def add(self, request: RawRequest, status: int | None, right: Sequence[str | None]) -> None:
        """Count a request."""
        value = request.headers.get("authorization")
        scheme = (value or "").partition(" ")[0]
        kind = NONE if value is None else f"{RIGHT} {scheme}" if value in right else WRONG
        self.credentials[kind] += 1
        if request.body:
            self.content_types[request.headers.get("content-type", LEFT_OUT)] += 1
        self.accepts[request.headers.get("accept", LEFT_OUT)] += 1
        self.statuses[status or 0] += 1

    def format_line(self, name: str) -> str:
        """Return a line of the report."""
        parts = [
            f"credentials {join(self.credentials)}",
            f"Content-Type {join(self.content_types)}" if self.content_types else "no body",
            f"Accept {join(self.accepts)}",
            f"HTTP {join(self.statuses)}",
        ]
        return f"{name}: {self.credentials.total()} requests; {'; '.join(parts)}"


def count_operations(
    exchanges: Sequence[Exchange], right: Sequence[str | None]
) -> dict[str, OperationUse]:
    """Return what was asked of each operation.

    right: the values of Authorization that the server has to accept.
    """
    found = {name: OperationUse() for name in read_operations()}
    for exchange in exchanges:
        name = find_operation(exchange.request) if exchange.request else None
        if exchange.request and name:
            found[name].add(exchange.request, exchange.status, right)
    return found


def find_operation(request: RawRequest) -> str | None:
    """Return the name of the operation of a request; none for another address."""
    path = request.path.partition("?")[0]
    fitting = (
        name
        for name, one in read_operations().items()
        if one.method == request.method and is_at(one, path)
    )
    return next(fitting, None)


def is_at(operation: Operation, path: str) -> bool:
    """Tell whether a path is that of an operation, with any value in place of its parameter."""
    start, parameter, _ = operation.path.partition("{")
    return path.startswith(start) if parameter else path == start


def format_uses(uses: Mapping[str, OperationUse]) -> Iterator[str]:
    """Yield a line for each operation that was called, and one with the names of the others."""
    yield from (use.format_line(name) for name, use in uses.items() if use.credentials)
    if unused := [name for name, use in uses.items() if not use.credentials]:
        yield f"never called: {', '.join(unused)}"


def join(counts: Counter[str] | Counter[int]) -> str:
    """Return names with their counts, the most frequent first."""
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common())
