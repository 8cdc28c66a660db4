"""Faults of the response to a request to send."""

from typing import Any

from tests.conformance.mutation.independent_server.statuses import DELIVERED
from tests.conformance.mutation.independent_server.traits import Traits

Data = dict[str, Any]


def spoil_status(status: Data, traits: Traits) -> Data:
    """Spoil the status of an entry."""
    spoilt: dict[str, Data] = {
        "status-delivered": DELIVERED,
        "status-id-text": {**status, "id": str(status["id"])},
        "status-description-null": {**status, "description": None},
        "status-name-missing": {k: v for k, v in status.items() if k != "name"},
        "status-group-other": {**status, "groupName": "DELIVERED"},
    }
    return spoilt.get(traits.fault, status)


def spoil_entries(entries: list[Data], data: Data, traits: Traits) -> list[Data]:
    """Spoil the list of entries."""
    fault = traits.fault
    if fault == "reply-per-message":
        return _pick_firsts(entries, data)
    if fault == "reply-merged":
        return list({entry["to"]: entry for entry in reversed(entries)}.values())[::-1]
    if fault == "reply-sorted":
        return sorted(entries, key=lambda entry: str(entry["to"]))
    if fault == "reply-reversed":
        return entries[::-1]
    if fault == "reply-to-of-first":
        return [{**entry, "to": entries[0]["to"]} for entry in entries]
    if fault == "reply-to-number":
        return [{**entry, "to": str(entry["to"]).lstrip("+0")[-10:]} for entry in entries]
    if fault == "messageid-case":
        return [_change_id(entry, str.lower) for entry in entries]
    if fault == "messageid-cut":
        return [_change_id(entry, lambda text: text[:36]) for entry in entries]
    if fault == "messageid-missing":
        return [{k: v for k, v in entry.items() if k != "messageId"} for entry in entries]
    return entries


def _change_id(entry: Data, change: Any) -> Data:
    return {**entry, "messageId": change(entry["messageId"])} if "messageId" in entry else entry


def _pick_firsts(entries: list[Data], data: Data) -> list[Data]:
    firsts, start = [], 0
    for message in data["messages"]:
        firsts.append(entries[start])
        start += len(message["destinations"])
    return firsts


def spoil_reply(reply: Data, data: Data, traits: Traits) -> Data:
    """Spoil the whole of the response."""
    if traits.breaks("bulkid-missing"):
        reply.pop("bulkId", None)
    if traits.breaks("bulkid-not-generated") and not data.get("bulkId"):
        reply.pop("bulkId", None)
    if traits.breaks("bulkid-case") and "bulkId" in reply:
        reply["bulkId"] = reply["bulkId"].upper()
    if traits.breaks("key-missing"):
        reply.pop("trackingProcessKey", None)
    return reply
