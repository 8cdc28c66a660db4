"""What the independent server remembers."""

import itertools
import random
import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.mutation.independent_server.traits import Traits


@dataclass
class Bulk:
    """A scheduled bulk: one message, which may go to several destinations."""

    bulk_id: str
    send_at: float
    state: str = "PENDING"
    messages: list["Message"] = field(default_factory=list)


@dataclass
class Message:
    """A message to one destination."""

    bulk_id: str
    message_id: str
    to: str
    status: dict[str, Any]
    sender: str = ""
    text: str = ""
    segments: int = 1
    callback_data: str | None = None
    notify_url: str = ""
    notify_type: str = ""
    intermediate: bool = False
    due: float = 0.0
    validity: float = 0.0
    window: dict[str, Any] | None = None
    process_key: str = ""
    first: bool = True
    bulk: Bulk | None = None
    accepted: float = field(default_factory=time.time)
    sent: float | None = None
    done: float | None = None


class Store:
    """Everything that was sent, under one lock."""

    def __init__(self, traits: Traits) -> None:
        self.lock = threading.RLock()
        self.messages: list[Message] = []
        self.by_id: dict[str, Message] = {}
        self.bulks: dict[str, Bulk] = {}
        self.bulk_ids: set[str] = set()
        self.waiting: list[tuple[Message, dict[str, Any]]] = []
        self._traits = traits
        self._start = 2033900000000000000 + random.SystemRandom().randrange(10**13)
        self._numbers = itertools.count(1)

    def add(self, message: Message) -> None:
        """Remember a message."""
        with self.lock:
            self.messages.append(message)
            self.by_id[message.message_id] = message

    def make_message_id(self, position: int) -> str:
        """Make up the id of the message at a position of its request."""
        if self._traits.breaks("ids-repeat"):
            return str(2033912860760522207 + position)
        if self._traits.breaks("ids-equal"):
            return str(self._start + next(self._numbers) - position)
        if self._traits.takes("uuid-ids"):
            return str(uuid.uuid4())
        number = next(self._numbers)
        return str(number) if self._traits.takes("short-numbers") else str(self._start + number)

    def make_bulk_id(self) -> str:
        """Make up the id of a request."""
        if self._traits.breaks("bulkid-repeat"):
            return "b86c5f0f-40ed-47b7-9b7f-57eb9707b104"
        if self._traits.takes("short-numbers"):
            return str(next(self._numbers))
        return str(uuid.uuid4())


def make_process_key() -> str:
    """Make up the key of a tracking process."""
    return secrets.token_hex(16).upper()
