"""Any number of messages: each destination is sent once at most, and has an outcome.

The input is read as it is needed and cut into batches of as many destinations as a request has. Each
batch is brought to its end by one thread; twice as many are under way as there are threads. Outcomes
come in the order of the input.
"""

from __future__ import annotations

import atexit
import os
import threading
import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING
from weakref import WeakSet

from infobip_sms_schema import Destination, InvalidRequestError, Message, Violation
from infobip_sms_schema.constraints import describe_value

from infobip_sms.transport.cancellation import CANCELLATION

from .batch import BatchSender, SmsClient
from .content import ContentEncoder
from .copies import with_message_id
from .journal import Journal
from .journal_file import JournalRecord
from .message_ids import MessageIds
from .outcomes import Outcome, QueuedDestination
from .suppression import Suppression

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from concurrent.futures import Future

    from .options import SendManyOptions

_senders: WeakSet[BatchSender] = WeakSet()


def _stop_senders() -> None:
    """End the waits of runs that nobody finished, before the interpreter waits for their threads."""
    for sender in list(_senders):
        sender.stopped.set()


# Python joins the threads of a pool before atexit; the other hook, where there is one, comes first.
getattr(threading, "_register_atexit", atexit.register)(_stop_senders)


def send_many(
    client: SmsClient, messages: Iterable[Message], options: SendManyOptions
) -> Generator[Outcome, None, None]:
    """Send messages; Operations.send_many tells all."""
    if isinstance(messages, Message):
        raise ValueError("messages: expected several: a list of one, for one")  # noqa: TRY004 - as any bad value
    return _run(client, iter(messages), options)


def _run(
    client: SmsClient, messages: Iterator[Message], options: SendManyOptions
) -> Generator[Outcome, None, None]:
    """Yield the outcomes; whatever ends this, what is under way is brought to its end."""
    journal = None if options.journal is None else Journal(options.journal)
    try:
        source = _BatchSource(messages, options, journal)
        delivery = BatchSender(client, options, journal)
        _senders.add(delivery)
        current = CANCELLATION.get()
        if current is not None and not current.begin(delivery.stopped.set):
            delivery.stopped.set()
        process = os.getpid()
        with (
            ThreadPoolExecutor(options.concurrency, "infobip-sms") as pool,
            closing(_process(source, delivery, pool, 2 * options.concurrency)) as outcomes,
        ):
            for outcome in outcomes:
                yield outcome
                if os.getpid() != process:
                    raise RuntimeError("send_many was begun by another process; this is a fork")
        if warning := source.suppression.describe_repeated():
            warnings.warn(warning, UserWarning, stacklevel=2)
    finally:
        if journal is not None:
            journal.close()


def _process(
    source: _BatchSource, batch_sender: BatchSender, pool: ThreadPoolExecutor, max_pending: int
) -> Generator[Outcome, None, None]:
    window: deque[Future[list[Outcome]]] = deque()
    try:
        for batch, records in source.read_batches():
            window.append(pool.submit(batch_sender.process, batch, records))
            while len(window) >= max_pending or (window and window[0].done()):
                yield from window.popleft().result()
        while window:
            yield from window.popleft().result()
    finally:
        batch_sender.stopped.set()
        for future in window:
            future.cancel()
    if source.error is not None:
        raise source.error


class _BatchSource:
    """The input, cut into batches and compared with the journal.

    An error in it ends it and is kept in ``failure``: what was read before is sent first.
    """

    def __init__(
        self, messages: Iterator[Message], options: SendManyOptions, journal: Journal | None
    ) -> None:
        self._messages = messages
        self._options = options
        self._journal = journal
        self._message_ids = journal.message_ids if journal else MessageIds()
        self.suppression = Suppression(options.skip, options.dedupe)
        self._content = ContentEncoder(options.tracking)
        self._count = 0
        self.error: Exception | None = None

    def read_batches(self) -> Iterator[tuple[list[QueuedDestination], list[JournalRecord]]]:
        """Give batches, each with what the journal knows of it."""
        items = self._list_items()
        try:
            while batch := list(islice(items, self._options.batch_size)):
                records = [JournalRecord()] * len(batch)
                yield batch, self._journal.load_records(batch) if self._journal else records
            if self._journal and self.error is None:
                self._journal.require_complete_input(self._count)
        except Exception as problem:  # noqa: BLE001 - raised when all before it has been yielded
            self.error = problem

    def _list_items(self) -> Iterator[QueuedDestination]:
        try:
            for number, message in enumerate(self._messages):
                if not isinstance(message, Message):
                    wrong = Violation(
                        f"messages[{number}]", describe_value(message), "a Message", "SEND-002"
                    )
                    raise InvalidRequestError([wrong])  # noqa: TRY301 - the input's error, as one of its own
                content = self._content.encode(message) if self._journal else ""
                for destination in message.destinations:
                    yield self._build_item(message, destination, content)
                    self._count += 1
        except Exception as problem:  # noqa: BLE001 - likewise
            self.error = problem

    def _build_item(
        self, message: Message, destination: Destination, content: str
    ) -> QueuedDestination:
        """Return a destination with its messageId; one that is none is rejected with its message."""
        index, real = self._count, isinstance(destination, Destination)
        name = destination.message_id if real else None
        number = destination.to if real else ""
        digest = self._build_digest(content, number, name) if self._journal else b""
        if real and not name:
            destination = with_message_id(destination, self._message_ids.build_id(index))
        reason = self.suppression.find_reason(index, number) if real else ""
        return QueuedDestination(index, message, destination, not name, digest, reason)

    def _build_digest(self, content: str, number: str, name: str | None) -> bytes:
        digest = self._message_ids.build_digest(content, number, name or "")
        return digest + self._message_ids.build_id_digest(name) if name else digest
