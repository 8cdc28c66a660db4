"""The operations on scheduled bulks."""

import time
from typing import Any

from tests.conformance.mutation.independent_server.bodies import Query
from tests.conformance.mutation.independent_server.dates import read_instant, write_schedule
from tests.conformance.mutation.independent_server.delivery.life import Lives
from tests.conformance.mutation.independent_server.replies import (
    BULK,
    BULK_STATUS,
    Reply,
    build_error,
)
from tests.conformance.mutation.independent_server.store import Bulk, Store
from tests.conformance.mutation.independent_server.traits import Traits

STATES = ("PENDING", "PAUSED", "PROCESSING", "CANCELED", "FINISHED", "FAILED")
MOVES = {"PENDING": {"PAUSED", "CANCELED"}, "PAUSED": {"PENDING", "CANCELED"}}


class Bulks:
    """The operations on bulks that wait for their instant."""

    def __init__(self, traits: Traits, store: Store, lives: Lives) -> None:
        self._traits = traits
        self._store = store
        self._lives = lives

    def get(self, query: Query) -> Reply:
        """Answer GET /sms/1/bulks."""
        bulk = self._store.bulks.get(query.get("bulkId"))
        return self._show(bulk, bulk.send_at) if bulk else self._miss(query)

    def move(self, query: Query, data: dict[str, Any]) -> Reply:
        """Answer PUT /sms/1/bulks."""
        bulk = self._store.bulks.get(query.get("bulkId"))
        if bulk is None:
            return self._miss(query)
        try:
            instant = read_instant(str(data.get("sendAt")), self._traits)
        except ValueError as error:
            return build_error(400, "BAD_REQUEST", f"[sendAt : {error}]")
        with self._store.lock:
            if self._find_state(bulk) not in MOVES:
                return build_error(400, "BAD_REQUEST", "Bulk cannot be moved")
            earlier, bulk.send_at = bulk.send_at, instant
            if self._traits.breaks("bulk-move-forgotten"):
                bulk.send_at = earlier
        if not self._traits.breaks("bulk-move-ignored"):
            self._restart(bulk)
        return self._show(
            bulk, earlier if self._traits.breaks("bulk-move-answers-old") else instant
        )

    def get_status(self, query: Query) -> Reply:
        """Answer GET /sms/1/bulks/status."""
        bulk = self._store.bulks.get(query.get("bulkId"))
        if bulk is None:
            return self._miss(query)
        state = self._find_state(bulk)
        return self._show_state(
            bulk, "PENDING" if self._traits.breaks("bulk-state-stuck") else state
        )

    def set_status(self, query: Query, data: dict[str, Any]) -> Reply:
        """Answer PUT /sms/1/bulks/status."""
        bulk = self._store.bulks.get(query.get("bulkId"))
        if bulk is None:
            return self._miss(query)
        wanted = data.get("status")
        if wanted not in STATES:
            return build_error(400, "BAD_REQUEST", "[status : unknown]")
        with self._store.lock:
            state = self._find_state(bulk)
            if wanted != state and wanted not in MOVES.get(state, set()):
                return build_error(400, "BAD_REQUEST", f"{state} cannot become {wanted}")
            bulk.state = state if self._traits.breaks("bulk-state-forgotten") else str(wanted)
        if bulk.state == "CANCELED":
            self._lives.cancel(bulk)
        if bulk.state == "PENDING":
            self._restart(bulk)
        return self._show_state(bulk, str(wanted))

    def _restart(self, bulk: Bulk) -> None:
        for message in bulk.messages:
            message.due = bulk.send_at
            self._lives.begin(message)

    def _find_state(self, bulk: Bulk) -> str:
        if bulk.state != "PENDING" or bulk.send_at > time.time():
            return bulk.state
        if any(message.done is None for message in bulk.messages):
            return "PROCESSING"
        sent = any(message.sent is not None for message in bulk.messages)
        return "FINISHED" if sent else "FAILED"

    def _show(self, bulk: Bulk, instant: float) -> Reply:
        data = {"bulkId": bulk.bulk_id, "sendAt": write_schedule(instant, self._traits)}
        if self._traits.breaks("bulk-sendat-missing"):
            del data["sendAt"]
        return Reply(200, data, BULK)

    def _show_state(self, bulk: Bulk, state: str) -> Reply:
        if self._traits.breaks("bulk-state-spelling") and state == "CANCELED":
            state = "CANCELLED"
        if self._traits.breaks("bulk-state-number"):
            return Reply(200, {"bulkId": bulk.bulk_id, "status": STATES.index(state)}, BULK_STATUS)
        return Reply(200, {"bulkId": bulk.bulk_id, "status": state}, BULK_STATUS)

    def _miss(self, query: Query) -> Reply:
        bulk_id = query.get("bulkId")
        if self._traits.breaks("bulk-unknown-200"):
            return Reply(200, {"bulkId": bulk_id, "status": "FINISHED"}, BULK_STATUS)
        if bulk_id in self._store.bulk_ids and self._traits.takes("bulk-400"):
            return build_error(400, "BAD_REQUEST", "Bulk is not scheduled")
        return build_error(404, "NOT_FOUND", "Bulk not found")
