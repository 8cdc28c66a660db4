"""Any number of messages: each destination is sent once at most, and has an outcome.

The input is read as it is needed and cut into batches of as many destinations as a request has. Each
batch is brought to its end by one thread; twice as many are under way as there are threads. Outcomes
come in the order of the input.

Lives here: the input, batches, threads, what an end in the middle does.
Never here: how one batch is sent (delivery.py), the file (journal.py).
"""

from __future__ import annotations

import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

import attrs
from infobip_sms_schema import Destination, InvalidRequestError, Message, Violation
from infobip_sms_schema.constraints import describe

from infobip_sms.codecs.plain_data import build_plain

from .batch import Delivery, Options, Sender
from .journal import Journal, Names, Record
from .outcomes import Item, Outcome

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from concurrent.futures import Future

_CONTENT = [f.name for f in attrs.fields(Message) if f.name != "destinations"]


def send_many(
    client: Sender, messages: Iterable[Message], options: Options
) -> Generator[Outcome, None, None]:
    """Send messages; Operations.send_many tells all."""
    if isinstance(messages, Message):
        raise ValueError("messages wants several: a list of one, for one")  # noqa: TRY004 - as any bad value
    return _run(client, iter(messages), options)


def _run(
    client: Sender, messages: Iterator[Message], options: Options
) -> Generator[Outcome, None, None]:
    """Yield the outcomes; whatever ends this, what is under way is brought to its end."""
    journal = None if options.journal is None else Journal(options.journal)
    try:
        source = _Source(messages, options, journal)
        delivery = Delivery(client, options, journal)
        with ThreadPoolExecutor(options.concurrency, "infobip-sms") as pool:
            yield from _work(source, delivery, pool, 2 * options.concurrency)
    finally:
        if journal is not None:
            journal.close()


def _work(
    source: _Source, delivery: Delivery, pool: ThreadPoolExecutor, most: int
) -> Generator[Outcome, None, None]:
    window: deque[Future[list[Outcome]]] = deque()
    try:
        for batch, records in source.read():
            window.append(pool.submit(delivery.finish, batch, records))
            while len(window) >= most or (window and window[0].done()):
                yield from window.popleft().result()
        while window:
            yield from window.popleft().result()
    finally:
        delivery.ended.set()
        for future in window:
            future.cancel()
    if source.trouble is not None:
        raise source.trouble


class _Source:
    """The input, cut into batches and compared with the journal.

    An error in it ends it and is kept in ``trouble``: what was read before is sent first.
    """

    def __init__(
        self, messages: Iterator[Message], options: Options, journal: Journal | None
    ) -> None:
        self._messages = messages
        self._options = options
        self._journal = journal
        self._names = journal.names if journal else Names()
        self._count = 0
        self.trouble: Exception | None = None

    def read(self) -> Iterator[tuple[list[Item], list[Record]]]:
        """Give batches, each with what the journal knows of it."""
        items = self._list_items()
        try:
            while batch := list(islice(items, self._options.chunk)):
                records = [Record()] * len(batch)
                yield batch, self._journal.find_records(batch) if self._journal else records
            if self._journal and self.trouble is None:
                self._journal.check_end(self._count)
        except Exception as problem:  # noqa: BLE001 - raised when all before it has been yielded
            self.trouble = problem

    def _list_items(self) -> Iterator[Item]:
        try:
            for number, message in enumerate(self._messages):
                if not isinstance(message, Message):
                    wrong = Violation(
                        f"messages[{number}]", describe(message), "a Message", "SEND-002"
                    )
                    raise InvalidRequestError([wrong])  # noqa: TRY301 - the input's error, as one of its own
                content = self._build_content(message)
                for destination in message.destinations:
                    yield self._build_item(message, destination, content)
                    self._count += 1
        except Exception as problem:  # noqa: BLE001 - likewise
            self.trouble = problem

    def _build_item(self, message: Message, destination: Destination, content: str) -> Item:
        """Return a destination with its messageId; one that is none is refused with its message."""
        index, real = self._count, isinstance(destination, Destination)
        name = destination.message_id if real else None
        number = destination.to if real else ""
        digest = self._names.build_digest(content, number, name or "") if self._journal else b""
        if real and not name:
            destination = attrs.evolve(destination, message_id=self._names.build_id(index))
        return Item(index, message, destination, not name, digest)

    def _build_content(self, message: Message) -> str:
        """Return all that a message says but to whom, as far as the journal needs it."""
        if self._journal is None:
            return ""
        given = {n: v for n in _CONTENT if (v := getattr(message, n)) is not None}
        return json.dumps([given, self._options.tracking], default=_write_plain)


def _write_plain(value: object) -> object:
    return build_plain(value) if attrs.has(type(value)) else str(value)  # type: ignore[arg-type] # it has
