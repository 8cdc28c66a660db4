"""What a destination costs in ``send_many``: beside a bare thread pool over urllib3 with bodies made before."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

from infobip_sms import ApiKey, Client, Destination, Message, SmsRequest
from infobip_sms.codecs import wire_json
from tests.bench.timing import measure
from tests.bench.trials import Row, serve_replies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COUNT, CHUNK, THREADS = 20_000, 100, 4
WORK = "Bulk: 100 destinations a request"
BARE, PLAIN, JOURNAL = "thread pool, urllib3, bodies", "send_many", "send_many with a journal"


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

    return {
        BARE: send_bare,
        PLAIN: lambda: send(None),
        JOURNAL: lambda: send(folder / f"{next(numbers)}.journal"),
    }


def _build_message(number: int) -> Message:
    """Return a message to a number of its own, whose messageId the static response has."""
    order = number % CHUNK
    text = f"Your order {order} is ready; please come to the counter before six o'clock. " * 2
    to = Destination(to=f"999{number:09}", message_id=f"order-{order}")
    return Message(from_="InfoSMS", destinations=[to], text=text)
