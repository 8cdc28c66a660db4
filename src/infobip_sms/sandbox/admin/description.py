"""The description of the admin API, served as ``/sandbox/openapi.yaml`` and shown by the page ``/sandbox/api``.

It is written in JSON, which is YAML as well: nothing but the standard library is needed to show it.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "openapi.json"


@attrs.frozen
class AdminOperation:
    """One operation of the admin API, as its page shows it."""

    tag: str
    method: str
    path: str
    summary: str
    parameters: tuple[tuple[str, str], ...]
    """Names and descriptions."""
    examples: tuple[str, ...]
    """Bodies in JSON."""
    responses: tuple[tuple[str, str], ...]
    """Statuses and their descriptions."""


@cache
def read_description() -> bytes:
    """Return the document."""
    return (files("infobip_sms.sandbox.admin") / "page" / NAME).read_bytes()


@cache
def get_operations() -> tuple[AdminOperation, ...]:
    """Return every operation, in the order of the document."""
    return tuple(_iter_operations(json.loads(read_description())))


def _iter_operations(document: dict[str, Any]) -> Iterator[AdminOperation]:
    prefix = document["servers"][0]["url"]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = (
                operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            )
            yield AdminOperation(
                operation["tags"][0],
                method.upper(),
                prefix + path,
                operation["summary"],
                tuple((p["name"], p["description"]) for p in operation.get("parameters", ())),
                tuple(json.dumps(e["value"]) for e in content.get("examples", {}).values()),
                tuple((s, r["description"]) for s, r in operation["responses"].items()),
            )
