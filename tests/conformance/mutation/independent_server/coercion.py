"""What is made of a request before its limits are checked."""

import re
from typing import Any

from tests.conformance.mutation.independent_server.traits import Traits

TRUTHS = ("flash", "intermediateReport")


def prepare(data: dict[str, Any], traits: Traits) -> dict[str, Any]:
    """Make a request ready for its checks."""
    ready = data if traits.takes("null-refused") else _drop_nulls(data)
    if traits.takes("coerces") and isinstance(ready.get("messages"), list):
        ready = {**ready, "messages": [_coerce(message) for message in ready["messages"]]}
    return dict(ready)


def _drop_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _drop_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_drop_nulls(item) for item in value]
    return value


def _coerce(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    read = dict(message)
    for name in TRUTHS:
        if read.get(name) in ("true", "false"):
            read[name] = read[name] == "true"
    validity = read.get("validityPeriod")
    if isinstance(validity, str) and re.fullmatch(r"[0-9]{1,9}", validity):
        read["validityPeriod"] = int(validity)
    if isinstance(validity, float) and validity.is_integer():
        read["validityPeriod"] = int(validity)
    destinations = read.get("destinations")
    if isinstance(destinations, list):
        read["destinations"] = [_coerce_destination(destination) for destination in destinations]
    return read


def _coerce_destination(destination: Any) -> Any:
    if not isinstance(destination, dict):
        return destination
    return {name: str(v) if type(v) is int else v for name, v in destination.items()}
