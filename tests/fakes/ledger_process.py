"""Ledgers that run as processes, and messages to fill them with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from infobip_sms import ApiKey, Client, Destination, Message, Outcome
from tests.fakes.ledger_server import read_ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

PROGRAM = Path(__file__).parent / "ledger_server.py"
AUTH = ApiKey("003026bbc133714df1834b8638bb496e-8f4b3d9a")
TEXT = "Your table is ready."


class Ledger:
    """A ledger of its own, on a free port; after ``kill`` it may be started again on the same."""

    def __init__(self, folder: Path, *options: object) -> None:
        self.path = folder / "ledger"
        self._port = "0"
        self.start(*options)

    def start(self, *options: object) -> None:
        """Start it, with these options."""
        command = [sys.executable, PROGRAM, self.path, "--port", self._port, *options]
        self._process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        self._port = self.url.rpartition(":")[2]

    def kill(self) -> None:
        """End it by SIGKILL, or see that it has ended so by itself."""
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def size(self) -> int:
        """How long the ledger is, in bytes."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def rows(self) -> list[tuple[str, str, str, int]]:
        """What was accepted: number, messageId, bulkId, request."""
        return read_ledger(self.path)

    @property
    def numbers(self) -> list[str]:
        """The numbers that were accepted, in their order."""
        return sorted(row[0] for row in self.rows)

    def send(self, messages: Iterable[Message], **options: Any) -> list[Outcome]:
        """Send messages by a client of its own, with little patience, and return the outcomes."""
        settings = {"retry": None, "timeout": 10.0, **options.pop("settings", {})}
        usual = {"patience": 0, "log_delay": 0, "dedupe": None}  # many tests use a number twice
        with Client(self.url, auth=AUTH, **settings) as client:
            return list(client.send_many(messages, **{**usual, **options}))


def build_number(index: int) -> str:
    """Return the number of a destination; none ends in 0000."""
    return str(41_000_000_001 + index * 10)


def build_messages(count: int, start: int = 0) -> Iterator[Message]:
    """Give messages to one destination each."""
    for index in range(start, start + count):
        yield Message(
            from_="InfoSMS", destinations=[Destination(to=build_number(index))], text=TEXT
        )


def find_states(outcomes: Iterable[Outcome]) -> list[str]:
    """Return the first letters of the states, but N for uNsent."""
    return [o.state[0] if o.state != "unsent" else "n" for o in outcomes]
