"""The peak of memory while many are sent, in a process of its own: other threads of a test run allocate as well.

python -m tests.send_many.memory FOLDER
"""

from __future__ import annotations

import json
import sys
import tracemalloc
from pathlib import Path
from typing import Any

from infobip_sms_schema import SmsResponse, SmsResponseDetails, Status

from infobip_sms import Client
from tests.fakes.ledger_process import AUTH, build_messages

FEW, MANY = 500, 5_000


class Echo(Client):
    """A client whose server says yes at once, without a network."""

    def send(self, request: Any = (), **_: object) -> SmsResponse:
        """Accept all."""
        status = Status(group_id=1, group_name="PENDING", id=26, name="PENDING_ACCEPTED")
        entries = [
            SmsResponseDetails(to=place.to, status=status, message_id=place.message_id)
            for message in request.messages
            for place in message.destinations
        ]
        return SmsResponse(messages=entries)


def measure(path: Path, count: int) -> int:
    """Return the peak of memory while so many are sent, in bytes."""
    with Echo("http://127.0.0.1:9", auth=AUTH) as client:
        tracemalloc.start()
        outcomes = client.send_many(
            build_messages(count), chunk=50, concurrency=1, journal=path, dedupe=None
        )
        accepted = sum(outcome.state == "accepted" for outcome in outcomes)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert accepted == count
    return peak


def main(folder: Path) -> None:
    """Print the peaks of a first run over few and over many, and of one that resumes each."""
    measure(folder / "warm", 1_000)
    print(json.dumps([measure(folder / str(count), count) for count in (FEW, MANY) * 2]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
