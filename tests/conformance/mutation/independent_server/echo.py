"""Faults of the response to a request to send."""

from typing import Any

from tests.conformance.mutation.independent_server.statuses import DELIVERED
from tests.conformance.mutation.independent_server.traits import Traits

Data = dict[str, Any]


def spoil_status(status: Data, traits: Traits) -> Data:
    """Spoil the status of an entry."""
    if traits.breaks("status-delivered"):
        status = DELIVERED
    if traits.breaks("status-id-text"):
        status = {**status, "id": str(status["id"])}
    if traits.breaks("status-description-null"):
        status = {**status, "description": None}
    if traits.breaks("status-name-missing"):
        status = {k: v for k, v in status.items() if k != "name"}
    if traits.breaks("status-group-other"):
        status = {**status, "groupName": "DELIVERED"}
    return status


def spoil_entries(entries: list[Data], data: Data, traits: Traits) -> list[Data]:
    """Spoil the list of entries."""
    if traits.breaks("messageid-case"):
        entries = [_change_id(entry, str.lower) for entry in entries]
    if traits.breaks("messageid-cut"):
        entries = [_change_id(entry, lambda text: text[:36]) for entry in entries]
    if traits.breaks("messageid-missing"):
        entries = [{k: v for k, v in entry.items() if k != "messageId"} for entry in entries]
    if traits.breaks("reply-to-number"):
        entries = [{**entry, "to": str(entry["to"]).lstrip("+0")[-10:]} for entry in entries]
    return _spoil_list(entries, data, traits)


def _spoil_list(entries: list[Data], data: Data, traits: Traits) -> list[Data]:
    if traits.breaks("reply-per-message"):
        entries = _pick_firsts(entries, data)
    if traits.breaks("reply-merged"):
        entries = list({entry["to"]: entry for entry in reversed(entries)}.values())[::-1]
    if traits.breaks("reply-sorted"):
        entries = sorted(entries, key=lambda entry: str(entry["to"]))
    if traits.breaks("reply-reversed"):
        entries = entries[::-1]
    if traits.breaks("reply-to-of-first"):
        entries = [{**entry, "to": entries[0]["to"]} for entry in entries]
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
