"""What the sandbox remembers: frozen rows, and what is due when.

A state is nothing but its rows and its counters; everything else in it is derived from them. A store
saves ``rows()`` and the counters, and puts them into an empty state to go on where it was.
"""

from __future__ import annotations

import heapq
import re
from typing import TYPE_CHECKING

from .rows import Key, Link, Row, StoredBulk, StoredMessage, WebhookDelivery, get_key

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Container, Iterable, Iterator


class State:
    """Everything that one sandbox knows; only the engine changes it."""

    def __init__(self) -> None:
        self.serial = 0
        self.changes: dict[Key, Row | None] | None = None
        """What a store has not yet saved, with None for a row that is gone; None without a store."""
        self.messages: dict[int, StoredMessage] = {}
        self.bulks: dict[int, StoredBulk] = {}
        self.links: dict[str, Link] = {}
        self.deliveries: dict[int, WebhookDelivery] = {}
        self.second: tuple[int, int] = (0, 0)
        """A second of the clock, and the requests in it."""
        self.clock: tuple[int, str, bool] | None = None
        """How the clock of the sandbox stands, as clock.py says it."""
        self.delivery_serial = 0
        """The highest number that a report on its way ever had; none is given twice."""
        self.fetchable: dict[int, None] = {}
        """Messages whose final report can be fetched, in the order in which they ended."""
        self.finished: set[int] = set()
        """Messages that have their final status, and no report on its way."""
        self._by_id: dict[str, list[int]] = {}
        self._by_bulk: dict[str, list[int]] = {}
        self._bulks: dict[str, int] = {}
        self._due: list[tuple[dt.datetime, int]] = []
        self._pending_deliveries: dict[int, dict[int, None]] = {}
        self._outgoing: list[tuple[dt.datetime, int]] = []

    def rows(self) -> Iterator[Row]:
        """Yield every row, in an order in which they can be put into an empty state."""
        yield from self.messages.values()
        yield from self.bulks.values()
        yield from self.links.values()
        yield from self.deliveries.values()

    def put(self, rows: Iterable[Row]) -> None:
        """Take rows, each in place of the one with its number if there is one."""
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
        """Return the messages of this name, in the order in which they were accepted."""
        return [self.messages[number] for number in self._by_id.get(message_id, ())]

    def get_messages_by_bulk(self, bulk_id: str) -> list[StoredMessage]:
        """Return the messages of requests of this name, in the order in which they were accepted."""
        return [self.messages[number] for number in self._by_bulk.get(bulk_id, ())]

    def find_bulk(self, bulk_id: str) -> StoredBulk | None:
        """Return the scheduled bulk of this name; of several the one that was made last."""
        number = self._bulks.get(bulk_id)
        return None if number is None else self.bulks[number]

    def get_links(self, sms: StoredMessage) -> list[Link]:
        """Return the short links in the text of a message, in their order."""
        words = re.findall(r"\w+", sms.content.text) if self.links else []
        return [self.links[word] for word in words if word in self.links]

    def pop_due_message(self, now: dt.datetime) -> StoredMessage | None:
        """Return the message to which something happens first, if that is due, and forget that it is."""
        while self._due and self._due[0][0] <= now:
            due, number = heapq.heappop(self._due)
            if self._is_message_due_at(due, number):
                return self.messages[number]
        return None

    def pop_due_delivery(self, now: dt.datetime) -> WebhookDelivery | None:
        """Return the report that is to go out first, if it is due, and forget that it is."""
        while self._outgoing and self._outgoing[0][0] <= now:
            due, number = heapq.heappop(self._outgoing)
            if self._is_delivery_due_at(due, number):
                return self.deliveries[number]
        return None

    def find_next(self) -> dt.datetime | None:
        """Return when something is due next; a report that waits for its answer is not."""
        for queue, holds in (
            (self._due, self._is_message_due_at),
            (self._outgoing, self._is_delivery_due_at),
        ):
            while queue and not holds(*queue[0]):
                heapq.heappop(queue)
        heads = [queue[0][0] for queue in (self._due, self._outgoing) if queue]
        return min(heads, default=None)

    def forget(self, serials: Iterable[int]) -> None:
        """Drop messages of these numbers, the reports of them, and bulks that are empty by that.

        Links stay: whoever has the text may follow them.
        """
        gone = {n: self.messages.pop(n) for n in set(serials) if n in self.messages}
        for number in gone:
            self.fetchable.pop(number, None)
            self._pending_deliveries.pop(number, None)
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
        for number in deliveries:
            del self.deliveries[number]
        bulks = [
            b.serial
            for b in self.bulks.values()
            if self.messages.keys().isdisjoint(range(*b.message_serials))
        ]
        for number in bulks:
            del self.bulks[number]
        self._bulks = {bulk.bulk_id: bulk.serial for bulk in self.bulks.values()}
        for kind, keys in (
            (StoredMessage, gone),
            (WebhookDelivery, deliveries),
            (StoredBulk, bulks),
        ):
            self._record_deletions(kind, keys)

    def forget_links(self, codes: Iterable[str]) -> None:
        """Drop links; whoever follows one finds nothing."""
        gone = list(codes)
        for code in gone:
            del self.links[code]
        self._record_deletions(Link, gone)

    def clear(self) -> None:
        """Drop everything; ids begin anew, the numbers of reports do not."""
        self.forget(self.messages)
        self.forget_links(self.links)
        for kept in (self._due, self._outgoing):
            kept.clear()
        self.serial, self.second = 0, (0, 0)

    def _record_deletions(self, kind: type[Row], keys: Iterable[int | str]) -> None:
        """Take down for a store that rows are gone."""
        if self.changes is not None:
            self.changes |= {(kind, key): None for key in keys}

    def _is_message_due_at(self, due: dt.datetime, serial: int) -> bool:
        """Tell whether an entry of the queue of messages still holds."""
        sms = self.messages.get(serial)
        return sms is not None and sms.due == due

    def _is_delivery_due_at(self, due: dt.datetime, serial: int) -> bool:
        """Tell whether an entry of the queue of reports still holds."""
        delivery = self.deliveries.get(serial)
        return delivery is not None and delivery.final_state is None and delivery.due == due

    def _put_message(self, row: StoredMessage) -> None:
        old = self.messages.get(row.serial)
        self.messages[row.serial] = row
        if old is None:
            self._by_id.setdefault(row.message_id, []).append(row.serial)
            if row.bulk_id is not None:
                self._by_bulk.setdefault(row.bulk_id, []).append(row.serial)
        if row.due is not None:  # an entry of the queue that is no longer true is passed over
            heapq.heappush(self._due, (row.due, row.serial))
        if row.fetchable:
            self.fetchable[row.serial] = None
        else:
            self.fetchable.pop(row.serial, None)
        self._update_finished(row.serial)

    def _put_delivery(self, row: WebhookDelivery) -> None:
        """Keep the reports of one message in order: the next goes when the one before has ended."""
        self.deliveries[row.serial] = row
        self.delivery_serial = max(self.delivery_serial, row.serial)
        lane = self._pending_deliveries.setdefault(row.message_serial, {})
        if row.final_state is None:
            lane[row.serial] = None
            goes = next(iter(lane)) == row.serial
        else:
            goes = next(iter(lane), None) == row.serial
            lane.pop(row.serial, None)
        if goes and lane:
            head = self.deliveries[next(iter(lane))]
            heapq.heappush(self._outgoing, (head.due, head.serial))
        if not lane:
            del self._pending_deliveries[row.message_serial]
        self._update_finished(row.message_serial)

    def _update_finished(self, serial: int) -> None:
        sms = self.messages.get(serial)
        if sms is not None and sms.done_at is not None and serial not in self._pending_deliveries:
            self.finished.add(serial)
        else:
            self.finished.discard(serial)


def _drop(index: dict[str, list[int]], names: set[str], gone: Container[int]) -> None:
    """Take numbers out of an index of names."""
    for name in names:
        index[name] = [number for number in index[name] if number not in gone]
        if not index[name]:
            del index[name]
