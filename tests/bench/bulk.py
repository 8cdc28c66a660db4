"""What a destination costs in ``send_many``: beside a bare thread pool over urllib3 with bodies made before."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

from infobip_sms import ApiKey, Client, Destination, Message, SmsRequest, Status
from infobip_sms.codecs import wire_json
from infobip_sms.send_many.journal import Journal
from infobip_sms.send_many.outcomes import QueuedDestination, Resolution
from tests.bench.timing import measure
from tests.bench.trials import Row, serve_replies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COUNT, CHUNK, THREADS = 20_000, 100, 4
WORK = "Bulk: 100 destinations a request"
BARE, PLAIN, JOURNAL = "thread pool, urllib3, bodies", "send_many", "send_many with a journal"
ALONE = "the journal alone, in one thread"


def measure_bulk(rounds: int, *, quick: bool) -> Iterator[Row]:
    """Measure runs of many destinations, one message each; the bare thread pool is 1."""
    total = 2_000 if quick else COUNT
    with serve_replies(many=CHUNK) as url, tempfile.TemporaryDirectory() as folder:
        work = _build_work(url, Path(folder), total)
        for name, figure in measure(work, min(rounds, 5)).items():
            yield Row(WORK, f"{total:,} messages", name, figure)


def _build_work(url: str, folder: Path, total: int) -> dict[str, Callable[[], Any]]:
    client = Client(url, auth=ApiKey("key"))
    messages = [_build_message(number) for number in range(total)]
    body = wire_json.dump_model(SmsRequest(messages=messages[:CHUNK]))
    pool = urllib3.connection_from_url(url, maxsize=THREADS)
    media = "application/json"
    headers = {"Authorization": "App key", "Accept": media, "Content-Type": media}
    numbers = count()

    def post(_: int) -> bytes:
        return pool.urlopen("POST", "/sms/2/text/advanced", body=body, headers=headers).data

    def send_bare() -> None:
        with ThreadPoolExecutor(THREADS) as threads:
            assert all(threads.map(post, range(total // CHUNK)))

    def send(journal: Path | None) -> None:
        outcomes = client.send_many(messages, chunk=CHUNK, concurrency=THREADS, journal=journal)
        assert sum(outcome.state == "accepted" for outcome in outcomes) == total

    def get_journal() -> Path:
        return folder / f"{next(numbers)}.journal"

    return {
        BARE: send_bare,
        PLAIN: lambda: send(None),
        JOURNAL: lambda: send(get_journal()),
        ALONE: lambda: keep_journal(get_journal(), messages),
    }


def keep_journal(path: Path, messages: list[Message]) -> None:
    """Write what a run writes of its messages: places with digests, marks and outcomes."""
    journal = Journal(path)
    status = Status(group_id=1, group_name="PENDING", id=26, name="PENDING_ACCEPTED")
    for first in range(0, len(messages), CHUNK):
        items = []
        for index, message in enumerate(messages[first : first + CHUNK], first):
            to = message.destinations[0]
            digest = journal.message_ids.build_digest(
                message.text or "", to.to, to.message_id or ""
            )
            items.append(QueuedDestination(index, message, to, False, digest))
        journal.load_records(items)
        journal.mark_started([item.index for item in items], 1.0)
        outcome = Resolution(state="accepted", reason=status.name, status=status, bulk_id="bulk")
        journal.record({item.index: outcome for item in items})
    journal.close()


def _build_message(number: int) -> Message:
    """Return a message to a number of its own, whose messageId the static response has."""
    order = number % CHUNK
    text = f"Your order {order} is ready; please come to the counter before six o'clock. " * 2
    to = Destination(to=f"999{number:09}", message_id=f"order-{order}")
    return Message(from_="InfoSMS", destinations=[to], text=text)
