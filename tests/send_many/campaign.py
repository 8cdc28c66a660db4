"""A campaign from a dirty file: checked, sent at a pace, killed, resumed, and accounted for.

    python -m tests.send_many.campaign 200000

The commands ``send``, ``listen`` and ``status`` run as processes against the sandbox, which answers
some requests with 429 or 503 and loses some responses. The sender is killed ten times and the listener
five times. Exits with 0 only if every row of the file is accounted for.
"""

from __future__ import annotations

import csv
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import attrs
import urllib3

from tests.send_many.dirty_rows import (
    OUTCOMES,
    REGION,
    TEMPLATE,
    DirtyRow,
    build_rows,
    dump_rows,
    dump_stop_list,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

KILLS, LISTENER_KILLS = 10, 5
PROGRAM = [sys.executable, "-m", "infobip_sms"]
ZEROS = (
    "bad rows that the check missed",
    "good rows that the check complained about",
    "sent twice",
    "sent, but not to be sent",
    "to be sent, but not sent",
    "rows that status has twice or not at all",
    "rows with another state than the sandbox's",
    "suppressed rows with another state",
    "reports that were lost",
    "reports that were kept twice",
)
_FAULTS = (
    {"status": 429, "rate": 0.1, "retryAfter": 1},
    {"status": 503, "rate": 0.1, "retryAfter": 1},
    {"status": 503, "rate": 0.02},
    {"drop": 0.02, "after": True},
)


class Sandbox:
    """A sandbox as a process, with the outcomes of the rows and faults that change."""

    def __init__(self, count: int) -> None:
        rules = [f"41{digits}*={rule}" for digits, (_, rule) in OUTCOMES.items() if rule]
        words = [word for rule in rules for word in ("--outcome", rule)]
        command = [*PROGRAM, "sandbox", "--port", "0", "--json", "--keep", str(2 * count), *words]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None
        self.url: str = json.loads(self._process.stdout.readline())["url"]
        self._pool = urllib3.PoolManager(
            timeout=1800
        )  # an hour passes when all reports in it are posted
        self._calm = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._calm.set()
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def ask(self, path: str, body: object = None, method: str = "") -> Any:
        """Return the response of the admin API."""
        data = None if body is None else json.dumps(body)
        method = method or ("GET" if body is None else "POST")
        return json.loads(self._pool.request(method, f"{self.url}/sandbox/{path}", body=data).data)

    @contextmanager
    def faults(self, chance: random.Random) -> Iterator[None]:
        """Fail a share of the requests, another one in each half second."""

        def change() -> None:
            while not self._calm.wait(0.5):
                self.ask("faults", method="DELETE")
                self.ask("faults", chance.choice(_FAULTS))

        thread = threading.Thread(target=change)
        thread.start()
        try:
            yield
        finally:
            self._calm.set()
            thread.join()
            self.ask("faults", method="DELETE")

    def finish_reports(self) -> None:
        """Move the clock until no report waits for its next attempt."""
        while self.ask("reports?state=waiting&limit=1")["total"]:
            self.ask("clock", {"advance": 3600})


class Listener:
    """``listen --store`` as a process on one port; killed now and then until it is left alone."""

    def __init__(self, store: Path, chance: random.Random) -> None:
        self._store, self._chance, self._port = store, chance, "0"
        self.kills = 0
        self._start()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._kill_now_and_then)

    def _start(self) -> None:
        command = [*PROGRAM, "listen", "--port", self._port, "--store", str(self._store)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        self.url = self._process.stderr.readline().split()[1]
        self._port = str(urlsplit(self.url).port)
        threading.Thread(target=self._process.stderr.read, daemon=True).start()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave_alone()
        self._process.kill()
        self._process.wait()

    def leave_alone(self) -> None:
        """Kill it no more."""
        self._over.set()
        self._thread.join()

    def _kill_now_and_then(self) -> None:
        while self.kills < LISTENER_KILLS and not self._over.wait(self._chance.uniform(1, 4)):
            self._process.kill()
            self._process.wait()
            self.kills += 1
            self._over.wait(0.3)
            self._start()


@attrs.define
class Campaign:
    """The files of a campaign, and what it found."""

    folder: Path
    rows: list[DirtyRow]
    seed: int = 1
    found: dict[str, Any] = attrs.field(factory=dict, init=False)
    seconds: dict[str, float] = attrs.field(factory=dict, init=False)

    def get_path(self, name: str) -> Path:
        """Return the path of a file of the campaign."""
        return self.folder / name

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Remember and say how long something took."""
        started = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started, 1)
        print(f"{name}: {self.seconds[name]} seconds", flush=True)

    def build_words(self, source: str, *more: str) -> list[str]:
        """Return the command that sends a file."""
        words = ["send", "--csv", str(self.get_path(source)), "--template", TEMPLATE, "--json"]
        stop = str(self.get_path("stop.txt"))
        return [*PROGRAM, *words, "--region", REGION, "--skip", stop, *more]

    def check(self) -> list[DirtyRow]:
        """Check the dirty file; return its rows without those that its details complain about."""
        text, details = dump_rows(self.rows), self.get_path("details.csv")
        self.get_path("dirty.csv").write_text(f"sep=;\r\n{text}", encoding="utf-8-sig", newline="")
        self.get_path("stop.txt").write_text(dump_stop_list(self.rows), encoding="utf-8")
        command = self.build_words("dirty.csv", "--check", "--details", str(details))
        done = subprocess.run(
            command, env=build_environment(), stdout=subprocess.DEVNULL, check=False
        )
        assert done.returncode == 3, done.returncode
        with details.open(encoding="utf-8", newline="") as file:
            bad = {
                int(row["row"])
                for row in csv.DictReader(file)
                if {"unreadable", "impossible", "invalid"} & set(row["problems"].split())
            }
        expected = {n for n, row in enumerate(self.rows, 2) if row.plan == "unsendable"}
        self.found["bad rows that the check missed"] = len(expected - bad)
        self.found["good rows that the check complained about"] = len(bad - expected)
        return [row for n, row in enumerate(self.rows, 2) if n not in bad]

    def send(self, sandbox: Sandbox, notify_url: str, per_second: float) -> list[int]:
        """Send the clean file, kill the sender ten times, and let the eleventh finish."""
        chance, places = random.Random(self.seed), []  # noqa: S311 - moments
        options = ["--dedupe", "--yes", "--per-second", str(per_second), "--on-unknown", "resend"]
        more = ["--resume", str(self.get_path("run.journal")), "--notify-url", notify_url]
        command = self.build_words(
            "clean.csv",
            *options,
            *more,
            "--concurrency",
            "8",
            "--chunk",
            str(min(100, len(self.rows) // 200)),
        )
        for kill in range(KILLS + 1):
            out = self.get_path(f"outcomes-{kill}.jsonl")
            with (
                out.open("wb") as file,
                subprocess.Popen(
                    command, env=build_environment(sandbox.url), stdout=file, stderr=subprocess.PIPE
                ) as sender,
            ):
                if kill < KILLS:
                    self._wait_for(out, len(self.rows) * kill // (KILLS + 2), sender)
                    time.sleep(chance.random() * 0.5)
                    assert sender.poll() is None, sender.communicate()
                    sender.kill()
                _, said = sender.communicate()
            places.append(out.read_bytes().count(b"\n"))
        assert sender.returncode in {0, 1}, said.decode()
        return places

    def _wait_for(self, out: Path, lines: int, sender: subprocess.Popen[bytes]) -> None:
        seen = 0
        with out.open("rb") as file:
            while seen <= lines and sender.poll() is None:
                seen += file.read().count(b"\n")
                time.sleep(0.01)

    def account(self, sandbox: Sandbox, clean: list[DirtyRow]) -> None:
        """Compare what the sandbox has and what ``status`` says with what ought to be."""
        limit = 2 * len(self.rows)
        accepted = sandbox.ask(f"messages?limit={limit}")["messages"]
        times = Counter(message["to"].lstrip("+") for message in accepted)
        wanted = {row.number for row in clean if row.plan == "sent"}
        self.found |= {
            "sent twice": sum(1 for count in times.values() if count > 1),
            "sent, but not to be sent": len(times.keys() - wanted),
            "to be sent, but not sent": len(wanted - times.keys()),
        }
        self._account_status(clean)
        self._account_reports(sandbox, limit)

    def _account_status(self, clean: list[DirtyRow]) -> None:
        files = {"--journal": "run.journal", "--reports": "reports.sqlite", "--input": "clean.csv"}
        words = [word for flag, name in files.items() for word in (flag, str(self.get_path(name)))]
        out = subprocess.run(
            [*PROGRAM, "status", *words, "--json"], check=True, stdout=subprocess.PIPE
        ).stdout
        found = [json.loads(line) for line in out.splitlines()]
        states = {row["row"]: row["state"] for row in found}
        rows = {n: row for n, row in enumerate(clean, 2) if row.plan != "empty"}
        kept = {n: row for n, row in rows.items() if row.plan == "sent"}
        left = rows.keys() - kept.keys()
        other = [n for n, row in kept.items() if states.get(n) != OUTCOMES[row.number[2:4]][0]]
        self.found |= {
            "rows that status has twice or not at all": len(states.keys() ^ rows.keys())
            + len(found)
            - len(states),
            "rows with another state than the sandbox's": len(other),
            "suppressed rows with another state": sum(states.get(n) != "suppressed" for n in left),
            "states": dict(Counter(states.values())),
            "other states": Counter((kept[n].number[2:4], states.get(n)) for n in other),
        }

    def _account_reports(self, sandbox: Sandbox, limit: int) -> None:
        posted = sandbox.ask(f"reports?limit={limit}")["reports"]
        wanted = Counter(report["messageId"] for report in posted if report["final"])
        with sqlite3.connect(self.get_path("reports.sqlite")) as file:
            kept = Counter(name for (name,) in file.execute("SELECT message_id FROM report"))
        file.close()
        self.found["reports that were lost"] = len(wanted.keys() - kept.keys())
        self.found["reports that were kept twice"] = kept.total() - len(kept)


def build_environment(url: str = "http://127.0.0.1:1") -> dict[str, str]:
    """Return the environment of a command."""
    given = {"INFOBIP_BASE_URL": url, "INFOBIP_USER": "Aladdin", "INFOBIP_PASSWORD": "open sesame"}
    return {k: v for k, v in os.environ.items() if not k.startswith("INFOBIP_")} | given


def run(folder: Path, count: int, per_second: float, seed: int = 1) -> Campaign:
    """Run a campaign of so many rows, and return what it found."""
    campaign = Campaign(folder, list(build_rows(count, seed)), seed)
    chance = random.Random(seed)  # noqa: S311 - moments
    with campaign.timed("check"):
        clean = campaign.check()
    campaign.get_path("clean.csv").write_text(dump_rows(clean, "\t"), encoding="utf-16", newline="")
    store = campaign.get_path("reports.sqlite")
    with Sandbox(count) as sandbox, Listener(store, chance) as listener:
        with campaign.timed("send"), sandbox.faults(chance):
            places = campaign.send(sandbox, listener.url, per_second)
        listener.leave_alone()
        with campaign.timed("reports"):
            sandbox.finish_reports()
        with campaign.timed("account"):
            campaign.account(sandbox, clean)
        campaign.found |= {"outcomes at the kills": places, "listener killed": listener.kills}
    return campaign


def main(count: int, per_second: float = 4000) -> int:
    """Run a campaign and print what it found."""
    with tempfile.TemporaryDirectory() as folder:
        campaign = run(Path(folder), count, per_second)
    for name, value in (campaign.found | {"seconds": campaign.seconds}).items():
        print(f"  {name}: {value}")
    right = not any(campaign.found[name] for name in ZEROS)
    print("every row is accounted for" if right else "SOMETHING IS WRONG")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
