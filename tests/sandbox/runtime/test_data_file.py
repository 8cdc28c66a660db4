"""The data file of a sandbox: what it keeps, what it rejects, and what happens when it is full."""

from __future__ import annotations

import asyncio
import datetime as dt
import http.client
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from infobip_sms_schema import BulkStatus, DeliveryTimeWindow

from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpResponse
from infobip_sms.sandbox.config import SandboxSettings
from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.lifecycle.webhooks import WebhookResult, pop_webhook_requests
from infobip_sms.sandbox.runtime.asgi import SandboxASGI
from infobip_sms.sandbox.state.data_file import DataFile, DataFileError
from infobip_sms.sandbox.state.magic_numbers import MagicNumber
from infobip_sms.sandbox.state.rows import Content, Link, StoredBulk, StoredMessage, WebhookDelivery
from infobip_sms.sandbox.state.statuses import get_errors, get_statuses
from tests.cli.runs import PROGRAM, run
from tests.codecs.strategies import INSTANTS, build
from tests.sandbox.lifecycle.virtual_sandbox import BASIC, CALLBACK, SEND, START, Bench, find_word

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms.sandbox.lifecycle.webhooks import WebhookRequest
    from infobip_sms.sandbox.state.state import State

NUMBERS = st.integers(0, 10**6)
UTC = INSTANTS.map(lambda instant: instant.astimezone(dt.UTC))
TEXT = st.text()  # lone surrogates too
MAYBE = st.none() | TEXT
STATUS_IDS = st.sampled_from([status.id for status in get_statuses()])
ERROR_IDS = st.sampled_from([error.id for error in get_errors()])


def build_rows(kind: type, **more: Any) -> st.SearchStrategy[Any]:
    """Return rows of a kind with any value in every field."""
    plain: dict[Any, Any] = {
        int: NUMBERS,
        bool: st.booleans(),
        str: TEXT,
        str | None: MAYBE,
        dt.datetime: INSTANTS,
        dt.datetime | None: st.none() | UTC,
        dt.timedelta: st.timedeltas(dt.timedelta(), dt.timedelta(days=2)),
        DeliveryTimeWindow | None: st.none() | build(DeliveryTimeWindow),
        BulkStatus: st.sampled_from([BulkStatus.PENDING, BulkStatus.PAUSED, BulkStatus.CANCELED]),
        tuple[int, int]: st.tuples(NUMBERS, NUMBERS),
        MagicNumber: st.builds(MagicNumber, st.floats(0, 99), NUMBERS, ERROR_IDS, STATUS_IDS),
    }
    chosen = {f.name: plain[f.type] for f in attrs.fields(kind) if f.name not in more}
    return st.builds(kind, **chosen, **more)


CONTENT = build_rows(Content, notify_wire=st.sampled_from(["json", "xml"]))
CODES = {"status": STATUS_IDS, "error": ERROR_IDS}
MESSAGES = build_rows(StoredMessage, content=CONTENT, **CODES)
OTHERS = build_rows(StoredBulk) | build_rows(Link)


@st.composite
def build_consistent(draw: st.DrawFn) -> list[Any]:
    """Return rows as a sandbox has them: each report is of a message that is there, each code is documented."""
    rows: list[Any] = draw(st.lists(MESSAGES | OTHERS, max_size=6))
    if serials := [row.serial for row in rows if isinstance(row, StoredMessage)]:
        states = st.sampled_from([None, "acknowledged", "dead"])
        reports = build_rows(
            WebhookDelivery, final_state=states, message_serial=st.sampled_from(serials), **CODES
        )
        rows += draw(st.lists(reports, max_size=3))
    return rows


ROWS = build_consistent()


def copy(store: Path, to: Path) -> State:
    """Return what a sandbox would find that is started now, as after a kill."""
    to.mkdir(exist_ok=True)
    for name in (store.name, f"{store.name}-wal"):
        shutil.copy(store.with_name(name), to / name)
    return reopen(to / store.name)


def reopen(path: Path) -> State:
    """Return the state in a file that nobody uses."""
    with closing(DataFile(path)) as store:
        return store.load()


def describe(state: State) -> Any:
    """Return everything that two states can differ in."""
    order = list(state.fetchable)
    return sorted(state.rows(), key=repr), state.serial, state.second, state.delivery_serial, order


@settings(deadline=None)
@given(first=ROWS, second=ROWS, serial=NUMBERS)
def test_every_row_comes_back_as_it_was(first: Any, second: Any, serial: int) -> None:
    """Any value in any field, saved twice, read after the end and as after a kill."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data"
        store = DataFile(path, "seed")
        state = store.load()
        for rows in (first, second):
            state.put(rows)
            state.serial, state.second = serial, (serial, 1)
            store.save(state)
        killed = copy(path, Path(folder) / "copy")
        store.close()
        ended = reopen(path)

    assert describe(killed) == describe(ended)
    assert sorted(ended.rows(), key=repr) == sorted(state.rows(), key=repr)
    assert (ended.serial, ended.second, ended.delivery_serial) == (
        serial,
        (serial, 1),
        state.delivery_serial,
    )


class Kept(Bench):
    """A bench whose state is read from its file anew after everything that happens."""

    def __init__(self, path: Path, *, killed: bool, **settings: Any) -> None:
        super().__init__(**settings)
        self.path, self._killed = path, killed
        self.store = DataFile(path, "bench")
        self.state = self.store.load()

    def ask(self, *positional: Any, **named: Any) -> HttpResponse:
        """Make a request, and save before the answer is seen."""
        response = super().ask(*positional, **named)
        self.restart()
        return response

    def _turn(self) -> None:
        super()._turn()
        self.restart()

    def restart(self) -> None:
        """Save, kill or end, and start again."""
        self.store.save(self.state)
        if self._killed:
            new = self.path.with_name(self.path.name + "+")
            for end in ("", "-wal"):
                shutil.copy(f"{self.path}{end}", f"{new}{end}")
            self.path = new
        self.store.close()
        self.store = DataFile(self.path, "another seed")
        self.state = self.store.load()


def tell_a_story(bench: Bench) -> Any:
    """Let a bit of everything happen, with a callback server that fails at first."""
    failures = iter([500, 500])
    bench.callback = lambda _: WebhookResult(next(failures, 200))
    later = (START + dt.timedelta(minutes=10)).isoformat()
    bench.send("9990530000005", "9990110000009", text="Hi", notifyUrl=CALLBACK, bulkId="one")
    bench.send("9990990000005", text="Hi", notifyUrl=CALLBACK, intermediateReport=True)
    bench.send("9990220000005", "9990110000005", text="Ä ☃ \U0001f600", callbackData="me")
    bench.send("41", "9990000000006", text="Later", sendAt=later, bulkId="two")
    bench.send("41", text="See http://example.com/x", tracking={"track": "URL"}, bulkId="three")
    bench.send("41", text="Hi", deliveryTimeWindow={"days": ["FRIDAY"]}, validityPeriod=9)
    bench.wait(seconds=12)
    said = [bench.ask("GET", f"/s/{code}").status for code in list(bench.state.links)]
    status = json.dumps({"status": "PAUSED"}).encode()
    said.append(bench.ask("PUT", "/sms/1/bulks/status", status, bulkId="two").status)
    unread = [report.to for report in bench.reports(limit=1)]
    bench.wait(minutes=15)
    status = json.dumps({"status": "PENDING"}).encode()
    said.append(bench.ask("PUT", "/sms/1/bulks/status", status, bulkId="two").status)
    bench.wait(minutes=10)
    ids = [sms.message_id for sms in bench.state.messages.values()]
    pushed = [(p.at, p.report) for p in bench.pushed]
    return describe(bench.state), said, unread, ids, pushed, bench.reports()


@pytest.mark.parametrize("killed", [True, False])
def test_a_story_goes_on_as_if_nothing_had_happened(killed: bool, tmp_path: Path) -> None:
    """Killed or ended after every step, with another seed from then on: same ids, reports, instants."""
    kept = Kept(tmp_path / "d", killed=killed)
    told = tell_a_story(kept)
    kept.store.close()
    plain = tell_a_story(Bench())

    assert told == plain
    assert len(told[4]) > 6
    assert len(told[5]) > 2


def test_rows_keep_their_order(tmp_path: Path) -> None:
    """Logs and reports come in the order that they had: by number, by end; links as they were made."""
    virtual = Kept(tmp_path / "d", killed=False)
    virtual.send("9990310000005", "9990110000005", "9990210000005", text="http://a.de http://b.de")
    virtual.send("41", text="http://a.de http://b.de http://c.de", tracking={"track": "URL"})
    virtual.wait(seconds=9)
    urls = [link.url for link in virtual.state.links.values()]
    virtual.store.close()

    assert list(virtual.state.fetchable) == [6, 2, 3, 1]
    assert list(virtual.state.messages) == sorted(virtual.state.messages)
    assert urls == ["http://a.de", "http://b.de", "http://c.de"]


def test_a_report_without_an_answer_is_due_again(tmp_path: Path) -> None:
    """What had gone out and was not acknowledged goes out again at once; what was, does not."""
    path = tmp_path / "d"
    store = DataFile(path, "x")
    virtual = Bench()
    virtual.state = store.load()
    virtual.send("9990000000005", "9990010000005", text="Hi", notifyUrl=CALLBACK)
    virtual.wait(seconds=1)
    virtual.callback = lambda _: WebhookResult(200)
    virtual.send("9990010000005", text="Hi", notifyUrl=CALLBACK)
    virtual.now += dt.timedelta(seconds=1)
    advance(virtual.state, virtual.now, virtual.settings)
    (going,) = pop_webhook_requests(virtual.state, virtual.now, virtual.settings)
    store.save(virtual.state)
    again = copy(path, tmp_path / "copy")
    store.close()

    assert [
        p.delivery_serial for p in pop_webhook_requests(again, virtual.now, virtual.settings)
    ] == [going.delivery_serial]
    assert [delivery.final_state for delivery in again.deliveries.values()] == [
        "acknowledged",
        None,
    ]


def test_what_is_deleted_is_gone(tmp_path: Path) -> None:
    """Rows that were dropped do not come back, nor does the text that only they had; the others stay."""
    path = tmp_path / "d"
    store = DataFile(path, "x")
    virtual = Bench()
    virtual.state = state = store.load()
    virtual.send("9990010000005", "9990010000009", text="secret", notifyUrl=CALLBACK)
    virtual.send("41", text="stays")
    virtual.wait(seconds=2)
    store.save(state)
    state.forget([1, 2])
    store.save(state)
    store.close()
    left = reopen(path)

    assert [sms.content.text for sms in left.messages.values()] == ["stays"]
    assert not left.deliveries
    assert left.delivery_serial == 2
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT COUNT(*) FROM content").fetchone() == (1,)


def test_everything_can_be_dropped(tmp_path: Path) -> None:
    """After a reset the file is that of an empty sandbox."""
    path = tmp_path / "d"
    store = DataFile(path, "x")
    virtual = Bench()
    virtual.state = state = store.load()
    virtual.send("41", "42", text="http://a.de", tracking={"track": "URL"}, notifyUrl=CALLBACK)
    store.save(state)
    state.clear()
    store.save(state)
    store.close()

    assert describe(reopen(path)) == ([], 0, (0, 0), state.delivery_serial, [])


def test_a_seed_stays(tmp_path: Path) -> None:
    """The seed of the first start decides the ids; a later one collides with nothing."""
    first = DataFile(tmp_path / "d", "one")
    first.close()
    second = DataFile(tmp_path / "d", "two")
    second.close()

    assert (first.seed, second.seed) == ("one", "one")


def test_only_one_sandbox_uses_a_file(tmp_path: Path) -> None:
    """The second is rejected, also before the first has read or written anything."""
    store = DataFile(tmp_path / "d", "x")
    with pytest.raises(DataFileError, match=r"^data file d: another sandbox uses it$"):
        DataFile(tmp_path / "d")
    store.close()
    DataFile(tmp_path / "d").close()


def make_foreign(path: Path) -> None:
    """Make an SQLite database of somebody else."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE mine (a)")


def make_file(path: Path, *statements: str) -> None:
    """Make a data file with three messages, and do something to it."""
    store = DataFile(path, "x")
    virtual = Bench()
    virtual.state = store.load()
    virtual.send("41", "42", "43", text="Hi " * 999)
    store.save(virtual.state)
    store.close()
    with closing(sqlite3.connect(path)) as file, file:
        for statement in statements:
            file.execute(statement)


def cut(path: Path) -> None:
    """Make a data file that ends early."""
    make_file(path)
    path.write_bytes(path.read_bytes()[:9000])


SET_COUNTERS, SET_ROWS = "UPDATE sandbox SET counters = '{}'", "UPDATE sms SET data = '{}'"
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda p: p.write_text("my diary\n" * 99), "another kind of file"),
    "short": (lambda p: p.write_bytes(b"x"), "another kind of file"),
    "foreign": (make_foreign, "another kind of file"),
    "journal": (lambda p: make_file(p, "PRAGMA application_id = 1397577546"), "another kind"),
    "first": (lambda p: make_file(p, "PRAGMA user_version = 1"), "another version of the sandbox"),
    "older": (lambda p: make_file(p, "PRAGMA user_version = 2"), "another version of the sandbox"),
    "newer": (lambda p: make_file(p, "PRAGMA user_version = 99"), "another version of the sandbox"),
    "row": (lambda p: make_file(p, "UPDATE sms SET data = '{}'"), "it is damaged"),
    "json": (lambda p: make_file(p, "UPDATE sms SET data = 'x'"), "it is damaged"),
    "content": (lambda p: make_file(p, "DELETE FROM content"), "it is damaged"),
    "counters": (lambda p: make_file(p, "UPDATE sandbox SET counters = '{}'"), "it is damaged"),
    "instant": (
        lambda p: make_file(p, "UPDATE sms SET data = replace(data, '2030-', 'soon-')"),
        "it is damaged",
    ),
    "zone": (
        lambda p: make_file(p, "UPDATE sms SET data = replace(data, '+00:00', '')"),
        "it is damaged",
    ),
    "status": (
        lambda p: make_file(p, """UPDATE sms SET data = json_set(data, '$.status', 41793026)"""),
        "it is damaged",
    ),
    "clock": (
        lambda p: make_file(
            p, """UPDATE sandbox SET counters = json_set(counters, '$.clock', 'Your code')"""
        ),
        "it is damaged",
    ),
    "serial": (
        lambda p: make_file(
            p, """UPDATE sandbox SET counters = json_set(counters, '$.serial', '41793026727')"""
        ),
        "it is damaged",
    ),
    "bytes": (
        lambda p: make_file(p, "UPDATE sms SET data = CAST(x'ff34313739333032' AS TEXT)"),
        "it is damaged",
    ),
    "literal": (
        lambda p: make_file(p, """UPDATE content SET data = replace(data, '"json"', '"jso."')"""),
        "it is damaged",
    ),
    "depth": (
        lambda p: make_file(p, SET_COUNTERS.format("[" * 100_000)),
        "it is damaged",
    ),
    "deep row": (
        lambda p: make_file(p, SET_ROWS.format("[" * 100_000)),
        "it is damaged",
    ),
    "table": (lambda p: make_file(p, "DROP TABLE push"), "another kind of file"),
    "cut": (cut, "it is damaged"),
    "wal": (lambda p: make_file(p, "UPDATE sandbox SET open = 1"), "bad-wal is missing"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_used_is_refused_and_left_alone(kind: str, tmp_path: Path) -> None:
    """One sentence, exit code 2, and not a byte changed."""
    path = tmp_path / "bad"
    make, why = BAD[kind]
    make(path)
    before = path.read_bytes()
    result = run("sandbox", "--port", "0", "--data", str(path))

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: data file bad: ")
    assert why in result.stderr
    assert result.stderr.count("\n") == 1
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["bad"]


def test_a_folder_that_is_not_there_is_no_file(tmp_path: Path) -> None:
    """The reason is said."""
    result = run("sandbox", "--port", "0", "--data", str(tmp_path / "no" / "d"))

    assert result.exit_code == 2
    assert "data file d: unable to open" in result.stderr


class Seat:
    """A shell without a server, whose store can be looked at whenever something leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "d"
        self.store = DataFile(self.path, "x")
        self.state = self.store.load()
        self.stopped = 0
        self.left: list[State] = []
        app = App(SandboxSettings("Aladdin", "open sesame", seed=self.store.seed, delay=0))
        self.shell = SandboxASGI(app, self.state, lambda: START, self.store, self.stop)
        self.shell._scheduler._webhook_sender = self  # type: ignore[assignment]  # it takes what a pusher takes
        self.postings: list[WebhookRequest] = []

    def stop(self) -> None:
        """Count."""
        self.stopped += 1

    def submit(self, posting: WebhookRequest, _: Any) -> None:
        """Take a report that leaves."""
        self.postings.append(posting)
        self.left.append(copy(self.path, self.folder / "copy"))

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Make a request."""
        sent: list[Any] = []

        async def receive() -> Any:
            await asyncio.sleep(0)
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(event: Any) -> None:
            await asyncio.sleep(0)
            if event["type"] == "http.response.start":
                self.left.append(copy(self.path, self.folder / "copy"))
            sent.append(event)

        headers = [(b"authorization", BASIC.encode()), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": method, "path": path, "query_string": b""}
        await self.shell({**scope, "headers": headers}, receive, send)
        await asyncio.sleep(0.02)
        return sent[0]["status"], sent[1]["body"]


def build_body(text: str = "Hi") -> bytes:
    """Return a request with a report to come."""
    message = {"destinations": [{"to": "41"}], "text": text, "notifyUrl": CALLBACK}
    return json.dumps({"messages": [message]}).encode()


def test_what_leaves_is_in_the_file_before(tmp_path: Path) -> None:
    """An answer, a report, and the acknowledgement of a report are saved before anybody can know."""
    seat = Seat(tmp_path)

    async def play() -> None:
        assert (await seat.ask("POST", SEND, build_body()))[0] == 200
        seat.shell._scheduler._record_webhook_result(
            seat.postings[0].delivery_serial, WebhookResult(200)
        )
        seat.left.append(copy(seat.path, seat.folder / "copy"))

    asyncio.run(play())
    seat.store.close()
    answered, pushed, settled = seat.left

    assert (len(answered.messages), answered.serial) == (1, seat.state.serial)
    assert [(p.final_state, p.is_final) for p in pushed.deliveries.values()] == [(None, True)]
    assert [p.final_state for p in settled.deliveries.values()] == ["acknowledged"]
    assert not settled.fetchable


def test_a_full_disk_is_an_error_and_the_end(tmp_path: Path) -> None:
    """500 GENERAL_ERROR, then nothing but that; the file has what was answered, and no report leaves."""
    seat = Seat(tmp_path)

    async def play() -> list[tuple[int, bytes]]:
        responses = [await seat.ask("POST", SEND, build_body())]
        (pages,) = seat.store._file.execute("PRAGMA page_count").fetchone()
        seat.store._file.execute(f"PRAGMA max_page_count = {pages}")
        responses.append(await seat.ask("POST", SEND, build_body("long " * 9999)))
        seat.store._file.execute(f"PRAGMA max_page_count = {pages + 999}")
        responses.append(await seat.ask("POST", SEND, build_body()))
        return [*responses, await seat.ask("GET", "/sms/1/logs")]

    responses = asyncio.run(play())
    seat.store.close()

    assert [status for status, _ in responses] == [200, 500, 500, 500]
    assert find_word(HttpResponse(500, {}, responses[1][1])) == "GENERAL_ERROR"
    assert "full" in str(seat.store.error)
    assert seat.stopped
    assert len(seat.postings) == 1
    assert [sms.content.text for sms in reopen(seat.path).messages.values()] == ["Hi"]


def test_a_sandbox_whose_disk_is_full_says_so_and_ends(tmp_path: Path) -> None:
    """The whole program with a limit on what a file may hold: 500, exit code 2, one sentence."""
    path = tmp_path / "d"
    limited = ("sh", "-c", 'ulimit -f 300; exec "$@"', "sh", *PROGRAM)
    words = (*limited, "sandbox", "--port", "0", "--data", str(path), "--api-key", "k")
    statuses: list[int] = []
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().split()[1]
        while 500 not in statuses and len(statuses) < 99:
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
            headers = {"Authorization": "App k", "Content-Type": "application/json"}
            connection.request("POST", SEND, build_body(os.urandom(9000).hex()), headers)
            statuses.append(connection.getresponse().status)
            connection.close()
        assert process.stderr is not None
        said = process.stderr.read().decode()

    assert process.returncode == 2
    assert said.count("data file d: ") == 1
    assert len(reopen(path).messages) == len(statuses) - 1 > 0


@pytest.mark.parametrize("size", [0, 10, 32, 5000, -1])
def test_a_log_that_was_cut_short_takes_nothing_with_it(size: int, tmp_path: Path) -> None:
    """Whatever a client saw is in the main file, also of a sandbox that was killed."""
    path, copied = tmp_path / "d", tmp_path / "copy"
    store = DataFile(path, "x")
    virtual = Bench()
    virtual.state = state = store.load()
    for number in range(9):
        virtual.send(f"99900100000{number:02}", text=f"Hi {number}" * 99, notifyUrl=CALLBACK)
        store.save(state)
    copied.write_bytes(path.read_bytes())
    copied.with_name("copy-wal").write_bytes(path.with_name("d-wal").read_bytes()[:size])
    store.close()

    assert describe(reopen(copied)) == describe(state)


def test_a_kill_in_the_middle_and_a_cut_log_are_noticed(tmp_path: Path) -> None:
    """Where half of a step is in the main file and its other half is lost, the file is rejected."""
    path = tmp_path / "d"
    with closing(DataFile(path, "x")) as store:
        virtual = Bench()
        virtual.state = store.load()
        for number in range(400):
            virtual.send(f"99900100000{number % 100:02}", text=f"Hi {number}")
        store.save(virtual.state)
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE sandbox SET open = 1")
        file.commit()
        (page,) = file.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    middle = len(content) // page // 2 * page
    content[middle : middle + page] = bytes(page)  # a new page that was not brought over
    path.write_bytes(content)
    path.with_name("d-wal").touch()

    with pytest.raises(DataFileError, match=r"^data file d: it is damaged$"):
        DataFile(path)
