"""The state of a sandbox in memory: frozen rows, and what is due when.

A state consists of its rows and counters; everything else is derived from them. The data file saves
both, and puts them into an empty state after a restart.
"""

from __future__ import annotations

import heapq
import re
from typing import TYPE_CHECKING

from .outcomes import OutcomeTable
from .rows import Key, Link, Row, StoredBulk, StoredMessage, WebhookDelivery, get_key

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Container, Iterable, Iterator


class State:
    """The rows, counters and queues of one sandbox."""

    def __init__(self) -> None:
        self.serial = 0
        self.changes: dict[Key, Row | None] | None = None
        """Rows not saved yet, with None for a deleted row; None without a data file."""
        self.messages: dict[int, StoredMessage] = {}
        self.bulks: dict[int, StoredBulk] = {}
        self.links: dict[str, Link] = {}
        self.deliveries: dict[int, WebhookDelivery] = {}
        self.second: tuple[int, int] = (0, 0)
        """A second of the clock, and the serial of requests in it."""
        self.outcomes = OutcomeTable()
        """Outcomes chosen while it runs; not saved."""
        self.clock: tuple[int, str, bool] | None = None
        """A ClockState, if the clock was changed."""
        self.delivery_serial = 0
        """The highest serial that a webhook delivery ever had; none is reused."""
        self.fetchable: dict[int, None] = {}
        """Messages whose final report can be fetched, in the order in which they became final."""
        self.finished: set[int] = set()
        """Messages that have their final status, and no report waiting."""
        self._by_id: dict[str, list[int]] = {}
        self._by_bulk: dict[str, list[int]] = {}
        self._bulks: dict[str, int] = {}
        self._due: list[tuple[dt.datetime, int]] = []
        self._pending_deliveries: dict[int, dict[int, None]] = {}
        self._outgoing: list[tuple[dt.datetime, int]] = []

    def rows(self) -> Iterator[Row]:
        """Yield every row, in an order that ``put`` accepts for an empty state."""
        yield from self.messages.values()
        yield from self.bulks.values()
        yield from self.links.values()
        yield from self.deliveries.values()

    def put(self, rows: Iterable[Row]) -> None:
        """Add rows; each replaces the one with its key."""
        for row in rows:
            if self.changes is not None:
                self.changes[get_key(row)] = row
            match row:
                case StoredMessage():
                    self._put_message(row)
                case WebhookDelivery():
                    self._put_delivery(row)
                case StoredBulk():
                    self.bulks[row.serial] = row
                    self._bulks[row.bulk_id] = row.serial
                case Link():
                    self.links[row.code] = row

    def get_messages_by_id(self, message_id: str) -> list[StoredMessage]:
        """Return the messages with this id, in the order in which they were accepted."""
        return [self.messages[serial] for serial in self._by_id.get(message_id, ())]

    def get_messages_by_bulk(self, bulk_id: str) -> list[StoredMessage]:
        """Return the messages with this bulk id, in the order in which they were accepted."""
        return [self.messages[serial] for serial in self._by_bulk.get(bulk_id, ())]

    def find_bulk(self, bulk_id: str) -> StoredBulk | None:
        """Return the latest scheduled bulk with this id; None if there is none."""
        serial = self._bulks.get(bulk_id)
        return None if serial is None else self.bulks[serial]

    def get_links(self, sms: StoredMessage) -> list[Link]:
        """Return the short links in the text of a message, in order."""
        words = re.findall(r"\w+", sms.content.text) if self.links else []
        return [self.links[word] for word in words if word in self.links]

    def pop_due_message(self, now: dt.datetime) -> StoredMessage | None:
        """Remove and return the message whose transition is due first; None if none is due."""
        while self._due and self._due[0][0] <= now:
            due, serial = heapq.heappop(self._due)
            if self._is_message_due_at(due, serial):
                return self.messages[serial]
        return None

    def pop_due_delivery(self, now: dt.datetime) -> WebhookDelivery | None:
        """Remove and return the report that is due first; None if none is due."""
        while self._outgoing and self._outgoing[0][0] <= now:
            due, serial = heapq.heappop(self._outgoing)
            if self._is_delivery_due_at(due, serial):
                return self.deliveries[serial]
        return None

    def find_next(self) -> dt.datetime | None:
        """Return when something is due next; a report that awaits its response is not."""
        for queue, is_valid in (
            (self._due, self._is_message_due_at),
            (self._outgoing, self._is_delivery_due_at),
        ):
            while queue and not is_valid(*queue[0]):
                heapq.heappop(queue)
        heads = [queue[0][0] for queue in (self._due, self._outgoing) if queue]
        return min(heads, default=None)

    def forget(self, serials: Iterable[int]) -> None:
        """Delete messages by serial, with their reports, and bulks that are empty then.

        Links stay, because whoever has the text may follow them.
        """
        gone = {n: self.messages.pop(n) for n in set(serials) if n in self.messages}
        for serial in gone:
            self.fetchable.pop(serial, None)
            self._pending_deliveries.pop(serial, None)
        self.finished -= gone.keys()
        _drop(self._by_id, {sms.message_id for sms in gone.values()}, gone)
        _drop(
            self._by_bulk, {sms.bulk_id for sms in gone.values() if sms.bulk_id is not None}, gone
        )
        deliveries = [
            delivery.serial
            for delivery in self.deliveries.values()
            if delivery.message_serial in gone
        ]
        for serial in deliveries:
            del self.deliveries[serial]
        bulks = [
            b.serial
            for b in self.bulks.values()
            if self.messages.keys().isdisjoint(range(*b.message_serials))
        ]
        for serial in bulks:
            del self.bulks[serial]
        self._bulks = {bulk.bulk_id: bulk.serial for bulk in self.bulks.values()}
        for kind, keys in (
            (StoredMessage, gone),
            (WebhookDelivery, deliveries),
            (StoredBulk, bulks),
        ):
            self._record_deletions(kind, keys)

    def forget_links(self, codes: Iterable[str]) -> None:
        """Delete links by code."""
        gone = list(codes)
        for code in gone:
            del self.links[code]
        self._record_deletions(Link, gone)

    def clear(self) -> None:
        """Delete everything; ids start again, serials of deliveries do not."""
        self.forget(self.messages)
        self.forget_links(self.links)
        for kept in (self._due, self._outgoing):
            kept.clear()
        self.serial, self.second = 0, (0, 0)

    def _record_deletions(self, kind: type[Row], keys: Iterable[int | str]) -> None:
        """Record for the data file that rows were deleted."""
        if self.changes is not None:
            self.changes |= {(kind, key): None for key in keys}

    def _is_message_due_at(self, due: dt.datetime, serial: int) -> bool:
        """Return whether an entry of the message queue is still valid."""
        sms = self.messages.get(serial)
        return sms is not None and sms.due == due

    def _is_delivery_due_at(self, due: dt.datetime, serial: int) -> bool:
        """Return whether an entry of the delivery queue is still valid."""
        delivery = self.deliveries.get(serial)
        return delivery is not None and delivery.final_state is None and delivery.due == due

    def _put_message(self, row: StoredMessage) -> None:
        old = self.messages.get(row.serial)
        self.messages[row.serial] = row
        if old is None:
            self._by_id.setdefault(row.message_id, []).append(row.serial)
            if row.bulk_id is not None:
                self._by_bulk.setdefault(row.bulk_id, []).append(row.serial)
        if row.due is not None:  # outdated entries of the queue are skipped
            heapq.heappush(self._due, (row.due, row.serial))
        if row.fetchable:
            self.fetchable[row.serial] = None
        else:
            self.fetchable.pop(row.serial, None)
        self._update_finished(row.serial)

    def _put_delivery(self, row: WebhookDelivery) -> None:
        """Keep the reports of one message in order: each waits until the one before is acknowledged or dead."""
        self.deliveries[row.serial] = row
        self.delivery_serial = max(self.delivery_serial, row.serial)
        pending = self._pending_deliveries.setdefault(row.message_serial, {})
        if row.final_state is None:
            pending[row.serial] = None
            is_next = next(iter(pending)) == row.serial
        else:
            is_next = next(iter(pending), None) == row.serial
            pending.pop(row.serial, None)
        if is_next and pending:
            head = self.deliveries[next(iter(pending))]
            heapq.heappush(self._outgoing, (head.due, head.serial))
        if not pending:
            del self._pending_deliveries[row.message_serial]
        self._update_finished(row.message_serial)

    def _update_finished(self, serial: int) -> None:
        sms = self.messages.get(serial)
        if sms is not None and sms.done_at is not None and serial not in self._pending_deliveries:
            self.finished.add(serial)
        else:
            self.finished.discard(serial)


def _drop(index: dict[str, list[int]], names: set[str], gone: Container[int]) -> None:
    """Remove serials from an index of ids."""
    for name in names:
        index[name] = [serial for serial in index[name] if serial not in gone]
        if not index[name]:
            del index[name]
