"""The life of a message from its acceptance to its final report."""

import time
from functools import partial
from typing import Any

from tests.conformance.mutation.independent_server.delivery.push import Pusher
from tests.conformance.mutation.independent_server.delivery.reports import (
    build_report,
    spoil_names,
    twist_report,
)
from tests.conformance.mutation.independent_server.delivery.timetable import Timetable
from tests.conformance.mutation.independent_server.delivery.windows import find_opening
from tests.conformance.mutation.independent_server.statuses import (
    CANCELED,
    DELIVERED,
    ENROUTE,
    EXPIRED,
    UNDELIVERED,
)
from tests.conformance.mutation.independent_server.store import Bulk, Message, Store
from tests.conformance.mutation.independent_server.traits import Traits

STEP = 0.06


class Lives:
    """Leads messages through their lives."""

    def __init__(self, traits: Traits, store: Store, timetable: Timetable, pusher: Pusher) -> None:
        self._traits = traits
        self._store = store
        self._timetable = timetable
        self._pusher = pusher

    def begin(self, message: Message) -> None:
        """Let a message wait for its instant."""
        due = 0.0 if self._traits.breaks("sendat-ignored") else message.due
        self._timetable.add(due, partial(self._wake, message))

    def cancel(self, bulk: Bulk) -> None:
        """End the lives of a bulk's messages."""
        if self._traits.takes("cancel-reported"):
            for message in bulk.messages:
                self._timetable.add(0.0, partial(self._finish, message, CANCELED))

    def _wake(self, message: Message) -> None:
        with self._store.lock:
            if self._is_stopped(message):
                return
            now = time.time()
            ends = self._find_end(message)
            opening = find_opening(message.window, now, self._traits)
            if opening > now and now < ends:
                self._timetable.add(min(opening, ends), partial(self._wake, message))
                return
            if now < ends:
                message.sent = now
            else:
                message.done = now
        if message.sent is None:
            self._finish(message, EXPIRED)
        else:
            self._timetable.add(now + STEP, partial(self._carry, message))

    def _is_stopped(self, message: Message) -> bool:
        if message.sent is not None or message.done is not None:
            return True
        bulk = message.bulk
        if bulk is None or self._traits.breaks("sendat-ignored"):
            return False
        stopping = {"CANCELED", "PAUSED"}
        if self._traits.breaks("bulk-cancel-ignored"):
            stopping.discard("CANCELED")
        if self._traits.breaks("bulk-pause-ignored"):
            stopping.discard("PAUSED")
        return bulk.state in stopping or message.due > time.time()

    def _find_end(self, message: Message) -> float:
        if self._traits.breaks("validity-ignored"):
            return float("inf")
        if self._traits.takes("validity-from-acceptance"):
            return message.accepted + message.validity
        return max(message.accepted, message.due) + message.validity

    def _carry(self, message: Message) -> None:
        traits = self._traits
        wanted = message.intermediate or traits.breaks("intermediate-unasked")
        if traits.breaks("intermediate-first-destination"):
            wanted &= message.first
        wanted &= not traits.breaks("intermediate-missing")
        if wanted and not traits.breaks("intermediate-after-final"):
            self._report_between(message)
        last = UNDELIVERED if traits.takes("never-delivers") else DELIVERED
        late = 2.0 if traits.takes("late-reports") else STEP
        self._timetable.add(time.time() + late, partial(self._finish, message, last))
        if wanted and traits.breaks("intermediate-after-final"):
            again = time.time() + late + 2 * STEP
            self._timetable.add(again, partial(self._report_between, message))

    def _report_between(self, message: Message) -> None:
        final = self._traits.breaks("intermediate-is-final")
        status = DELIVERED if final else ENROUTE
        self._push(message, build_report(message, status, self._traits))

    def _finish(self, message: Message, status: dict[str, Any]) -> None:
        with self._store.lock:
            message.done = time.time()
            message.status = status
            report = build_report(message, status, self._traits)
            if not message.notify_url or self._traits.takes("pushed-and-pulled"):
                self._store.waiting.append((message, report))
        if not (message.intermediate and self._traits.breaks("final-missing-after-intermediate")):
            self._push(message, report)

    def _push(self, message: Message, report: dict[str, Any]) -> None:
        if not message.notify_url or self._traits.breaks("push-never"):
            return
        if self._traits.breaks("push-first-destination") and not message.first:
            return
        told = twist_report(spoil_names(report, self._traits), self._traits, "push")
        self._pusher.push(message.notify_url, message.notify_type, told)
