"""The documented statuses and network errors, by id."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from infobip_sms_schema import GsmErrorCode, Status

WAITING_DELIVERY = 3
DELIVERED = 5
EXPIRED = 15
MISSING_TO = 51
INVALID_DESTINATION = 52
NO_ERROR = 0
VALIDITY_EXPIRED = 4101


@cache
def get_status(status_id: int) -> Status:
    """Return a status by its id; raise KeyError if there is none."""
    row = _get_row("status", status_id)
    group = _get_row("group", row["group"])
    return Status(
        group_id=group["id"],
        group_name=group["name"],
        id=row["id"],
        name=row["name"],
        description=row.get("description"),
        action=row.get("action"),
    )


@cache
def get_error(error_id: int) -> GsmErrorCode:
    """Return a network error by its id; raise KeyError if there is none."""
    row = _get_row("error", error_id)
    group = _get_row("error_group", row["group"])
    return GsmErrorCode(
        group_id=group["id"],
        group_name=group["name"],
        id=row["id"],
        name=row["name"],
        description=row.get("description"),
        permanent=row["permanent"],
    )


@cache
def get_statuses() -> tuple[Status, ...]:
    """Return every status."""
    return tuple(get_status(row["id"]) for row in _load_statuses()["status"])


@cache
def get_errors() -> tuple[GsmErrorCode, ...]:
    """Return every network error."""
    return tuple(get_error(row["id"]) for row in _load_statuses()["error"])


def is_rejection(status_id: int) -> bool:
    """Return whether a status belongs to the group REJECTED."""
    return get_status(status_id).group_name == "REJECTED"


STATUS_EXPECTED = "status: expected the ID, name or group name of a status, such as DELIVERED, UNDELIVERABLE or EXPIRED"


def get_status_ids(text: str) -> frozenset[int]:
    """Return the ids of the statuses with this id, name or group name."""
    rows = map(get_status, (row["id"] for row in _load_statuses()["status"]))
    return frozenset(s.id for s in rows if text.upper() in {str(s.id), s.name, s.group_name})


def _get_row(table: str, row_id: int) -> dict[str, Any]:
    for row in _load_statuses()[table]:
        if row["id"] == row_id:
            found: dict[str, Any] = row
            return found
    raise KeyError(row_id)


@cache
def _load_statuses() -> dict[str, Any]:
    text = (files("infobip_sms_schema") / "data" / "statuses.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
