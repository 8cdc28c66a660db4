"""SIGKILL at random moments under load: what was answered is there, and what was told is told once."""

from __future__ import annotations

import datetime as dt
import os
import random
import shutil
import socket
import subprocess
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Self

from infobip_sms import ApiKey, Client, Destination, Error, Message, SmsRequest
from infobip_sms.sandbox.state.data_file import DataFile
from infobip_sms.webhooks import parse_delivery_reports
from tests.cli.runs import PATIENCE, PROGRAM
from tests.fakes.webhook_server import CallbackServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infobip_sms.sandbox.state.state import State

KILLS = int(os.environ.get("STORE_KILLS", "6"))
"""For a long run: STORE_KILLS=50 takes about two minutes."""
EACH = 30  # messages that are accepted, and reports that come, between two of them at least
SENDERS = 3
AUTH = ApiKey("k")
LATER = 2.0  # seconds from sending, for what is scheduled


class Killed:
    """A sandbox with a data file, as a process on a port that stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        words = ("sandbox", "--port", str(self.port), "--data", str(self.path), "--api-key", "k")
        self.process = subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline()

    def kill(self) -> None:
        """End it at once, with whatever it is at."""
        assert self.process.poll() is None
        self.process.kill()
        self.process.communicate()

    def look(self, folder: Path) -> State:
        """Return what is in a copy of its files; the next start finds them as the kill left them."""
        folder.mkdir()
        for end in ("", "-wal"):
            shutil.copy(f"{self.path}{end}", folder / f"{self.path.name}{end}")
        with closing(DataFile(folder / self.path.name)) as store:
            return store.load()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


class Load:
    """Threads that send until they are told to stop; they remember every message that was accepted."""

    def __init__(self, url: str, callback: str) -> None:
        self.accepted: list[str] = []
        self.lost = 0
        self._url, self._callback = url, callback
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop, and wait until all have."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _send(self, place: int) -> None:
        numbers = ["41793026727", "9990010000005", "9990010000009"]
        with Client(self._url, auth=AUTH, timeout=5, retry=None) as client:
            while not self._stop.is_set():
                message = Message(
                    destinations=[Destination(to=to) for to in numbers],
                    text="Hi",
                    notify_url=self._callback,
                    send_at=_find_later() if place == 0 else None,
                )
                try:
                    response = client.send(SmsRequest(messages=[message]))
                except Error:
                    self.lost += 1
                    time.sleep(0.02)
                    continue
                self.accepted += [entry.message_id or "" for entry in response.messages]
                time.sleep(0.01)


def _find_later() -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=LATER)


def wait_for(count: Callable[[], tuple[int, int]], goal: tuple[int, int]) -> None:
    """Wait until both counts have reached a goal."""
    until = time.monotonic() + PATIENCE
    while not all(map(int.__ge__, count(), goal)):
        assert time.monotonic() < until, f"{count()} of {goal}"
        time.sleep(0.005)


def read_ids(callback: CallbackServer, since: int = 0) -> list[str]:
    """Return the messages whose reports have come, in order."""
    captured = list(callback.heard)[since:]
    parsed = [parse_delivery_reports(h.body, h.content_type).results for h in captured]
    return [report.message_id or "" for (report,) in parsed]


def collect_all(callback: CallbackServer, wanted: set[str]) -> set[str]:
    """Return the messages whose reports come; wait as long as more of them do."""
    told: set[str] = set()
    until = time.monotonic() + PATIENCE
    while wanted - told and time.monotonic() < until:
        time.sleep(0.1)
        before, told = told, set(read_ids(callback))
        if told > before:
            until = time.monotonic() + PATIENCE
    return told


def find_taken(state: State) -> set[str]:
    """Return the messages whose final report is recorded as acknowledged."""
    ended = [p for p in state.deliveries.values() if p.final_state == "acknowledged" and p.is_final]
    return {state.messages[delivery.message_serial].message_id for delivery in ended}


def test_kills_under_load_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    """After all kills every accepted message is in the logs, every report came, none after its record."""
    moments = random.Random(4)  # noqa: S311 - moments
    before: list[tuple[set[str], int]] = []
    with CallbackServer() as callback, Killed(tmp_path / "data") as sandbox:
        load = Load(sandbox.url, f"{callback.url}/r")
        for kill in range(KILLS):
            goal = len(load.accepted) + EACH, len(callback.heard) + EACH
            wait_for(lambda: (len(load.accepted), len(callback.heard)), goal)
            time.sleep(moments.random() * 0.5)
            sandbox.kill()
            time.sleep(0.1)  # what the sandbox had posted has come
            before.append((find_taken(sandbox.look(tmp_path / str(kill))), len(callback.heard)))
            sandbox.start()
        load.stop()
        wanted = set(load.accepted)
        told = collect_all(callback, wanted)
        with Client(sandbox.url, auth=AUTH) as client:
            parts = [load.accepted[at : at + 50] for at in range(0, len(load.accepted), 50)]
            logs = [log for part in parts for log in client.get_logs(message_id=part).results]
        again = [recorded & set(read_ids(callback, since)) for recorded, since in before]

    assert wanted - {log.message_id for log in logs} == set()
    assert wanted - told == set()
    assert again == [set()] * KILLS
    assert load.lost
    assert len(wanted) == len(load.accepted) >= KILLS * EACH
    assert before[0][0] < before[-1][0]
