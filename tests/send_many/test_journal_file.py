"""The rows of a journal: what they say of each place is what was written of it last, however it came there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infobip_sms import Destination, JournalError, Message, Status
from infobip_sms.send_many import journal_file
from infobip_sms.send_many.journal import Journal
from infobip_sms.send_many.journal_file import MAX_PLACES, JournalRecord
from infobip_sms.send_many.outcomes import QueuedDestination, Resolution
from tests.fakes.ledger_process import Ledger, build_messages, build_number, find_states
from tests.send_many.version_3 import convert_to_version_3

if TYPE_CHECKING:
    from collections.abc import Iterable

Model = list[JournalRecord]
NEW = JournalRecord()
PENDING = Status(group_id=1, group_name="PENDING", id=26, name="PENDING_ACCEPTED")
VERDICTS = (
    Resolution(state="accepted", reason="fine", status=PENDING, bulk_id="bulk-1"),
    Resolution(state="rejected", reason="no"),
    Resolution(state="suppressed", reason="the same number as destination 5"),
)
MESSAGE = Message(destinations=[Destination(to="41793026727")], text="x")


def build_items(places: Iterable[int]) -> list[QueuedDestination]:
    """Return destinations with digests of their own; every fifth has a messageId of the input."""
    return [
        QueuedDestination(
            place,
            MESSAGE,
            MESSAGE.destinations[0],
            place % 5 != 0,
            place.to_bytes(2, "big") + (b"" if place % 5 else (place + 1).to_bytes(8, "big")),
        )
        for place in places
    ]


def read(journal: Journal) -> Model:
    """Return what a journal has of each place; places and digests are as they were given."""
    rows = list(journal.read_rows())
    items = build_items(range(len(rows)))
    assert [(place, own) for place, own, _ in rows] == [(i.index, i.digest[2:]) for i in items]
    return [record for _, _, record in rows]


class Run:
    """A journal, and beside it what it has to know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.known: Model = []
        """All places that were read."""
        self.written: list[Model] = [[]]
        """What was known when it was last brought into the main file, and after each write since."""
        self.journal = Journal(self.get_path())

    def get_path(self) -> Path:
        """Return the path of the journal; each kill leaves one of its own."""
        return self.folder / f"{self.count}.journal"

    def load(self, first: int, size: int) -> None:
        """Read places: some that are known, some that are new."""
        places = range(min(first, len(self.known)), min(first, len(self.known)) + size)
        expected = [*self.known[places.start : places.stop], *[NEW] * size][:size]
        if places.start < len(self.known):
            self.written.append(list(self.known))
        assert self.journal.load_records(build_items(places)) == expected
        self.known += [NEW] * (places.stop - len(self.known))
        self.written.append(list(self.known))

    def mark(self, now: float, chosen: set[int]) -> None:
        """Mark some of the places that are known."""
        places = [place for place in chosen if place < len(self.known)]
        self.journal.mark_started(places, now)
        for place in places:
            self.known[place] = JournalRecord(now)
        self.written = [list(self.known)]

    def record(self, chosen: dict[int, int]) -> None:
        """Record verdicts for some of the places that are known."""
        found = {n: VERDICTS[v] for n, v in chosen.items() if n < len(self.known)}
        self.journal.record(found)
        for place, verdict in found.items():
            self.known[place] = JournalRecord(self.known[place].started_at, verdict)
        self.written.append(list(self.known))

    def reopen(self) -> None:
        """Close the journal and open it again."""
        self.journal.close()
        self.journal = Journal(self.get_path())
        self.written = [list(self.known)]

    def kill(self, share: float) -> None:
        """Go on with what a kill leaves, and with a share of the log."""
        files = [self.get_path(), self.get_path().with_name(f"{self.get_path().name}-wal")]
        main, log = (file.read_bytes() for file in files)
        self.journal.close()
        self.count += 1
        self.get_path().write_bytes(main)
        log = log[: int(len(log) * share)]
        self.get_path().with_name(f"{self.get_path().name}-wal").write_bytes(log)
        self.journal = Journal(self.get_path())
        found = read(self.journal)
        expected = self.written[-1:] if share == 1 else self.written
        assert any(
            found == [*model[: len(found)]] and is_new(model[len(found) :]) for model in expected
        )
        self.known = found
        self.written = [list(found)]


def is_new(records: Model) -> bool:
    """Tell whether nothing is known of places: they need not be in the file yet."""
    return all(record == NEW for record in records)


PLACES = st.integers(0, 30)
STEPS = st.one_of(
    st.tuples(st.just("load"), PLACES, st.integers(1, 12)),
    st.tuples(st.just("load"), st.just(1_000), st.integers(1, 12)),
    st.tuples(st.just("mark"), st.floats(1, 9), st.sets(PLACES, max_size=12)),
    st.tuples(st.just("record"), st.dictionaries(PLACES, st.integers(0, 2), max_size=12)),
    st.tuples(st.just("reopen")),
    st.tuples(st.just("kill"), st.sampled_from([0, 0.3, 0.6, 0.9, 1])),
)


@settings(max_examples=40)
@given(st.lists(STEPS, max_size=15))
def test_a_journal_knows_of_each_place_what_was_written_last(steps: list[tuple[Any, ...]]) -> None:
    """Through any marks and verdicts, ends, kills, and a log that was cut: then only verdicts are missing."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(journal_file, "MAX_PLACES", 5)
        patch.setattr("infobip_sms.send_many.journal._MAX_NEW", 2)
        patch.setattr("infobip_sms.send_many.journal._PAGE", 7)
        run = Run(Path(folder))
        try:
            for name, *values in steps:
                getattr(run, name)(*values)
            run.reopen()
            assert read(run.journal) == run.known
        finally:
            run.journal.close()


def test_a_request_is_one_row_and_a_few_statements(tmp_path: Path) -> None:
    """However many destinations it has; a digest for each is all that grows."""
    statements: list[str] = []
    path = tmp_path / "run.journal"
    with closing(Journal(path)) as journal:
        journal._file.set_trace_callback(statements.append)
        for first in range(0, 1_000, 100):
            journal.load_records(build_items(range(first, first + 100)))
            journal.mark_started(range(first, first + 100), 1.0)
            journal.record(dict.fromkeys(range(first, first + 100), VERDICTS[0]))
        journal._file.set_trace_callback(None)
        rows = journal._file.execute("SELECT first, last FROM span").fetchall()

    assert rows == [(first, first + 99) for first in range(0, 1_000, 100)]
    assert len(statements) == 10 * 3  # new places with their mark, the checkpoint, the verdict


def test_a_row_is_bounded(tmp_path: Path) -> None:
    """So that an input which is read again in other parts is not read as often as it has parts."""
    count = 2 * MAX_PLACES + 5
    with closing(Journal(tmp_path / "run.journal")) as journal:
        journal.load_records(build_items(range(count)))
        journal.mark_started(range(count), 1.0)
        rows = journal._file.execute("SELECT last - first + 1 FROM span").fetchall()
        records = journal.load_records(build_items([MAX_PLACES + 3]))

    assert rows == [(MAX_PLACES,), (MAX_PLACES,), (5,)]
    assert records == [JournalRecord(1.0)]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM span WHERE first = 0",
        "DELETE FROM span WHERE first = 4",
        "UPDATE span SET first = first - 1, last = last - 1 WHERE first = 8",
        "UPDATE span SET first = first + 1, last = last + 1 WHERE first = 8",
    ],
)
def test_rows_that_do_not_follow_each_other_are_damage(change: str, tmp_path: Path) -> None:
    """A place that is missing or in two rows may have been sent: nothing is taken from such a file."""
    path = tmp_path / "run.journal"
    with closing(Journal(path)) as journal:
        for first in range(0, 12, 4):
            journal.load_records(build_items(range(first, first + 4)))
            journal.mark_started(range(first, first + 4), 1.0)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(change)
    with closing(Journal(path)) as journal:
        with pytest.raises(JournalError, match=r"run\.journal: it is damaged"):
            list(journal.read_rows())
        with pytest.raises(JournalError, match=r"run\.journal: it is damaged"):
            journal.load_records(build_items(range(12)))


def test_a_journal_of_version_3_goes_on(tmp_path: Path) -> None:
    """What the earlier version sent is not sent again, what it left unsent is, and a changed input is noticed."""
    path = tmp_path / "run.journal"
    messages = list(build_messages(8))
    messages[1] = Message(
        from_="InfoSMS",
        destinations=[Destination(to=build_number(1), message_id="own")],
        text=messages[1].text,
    )
    with Ledger(tmp_path, "--accident", "401@3") as ledger:
        first = ledger.send(messages, journal=path, chunk=2, concurrency=1)
        convert_to_version_3(path)
        second = ledger.send(messages, journal=path, chunk=3)
        with pytest.raises(JournalError, match="destination 1"):
            ledger.send([messages[0], *messages[2:]], journal=path)

        assert find_states(first) == ["a"] * 4 + ["n"] * 4
        assert find_states(second) == ["a"] * 8
        assert [outcome.earlier for outcome in second] == [True] * 4 + [False] * 4
        assert ledger.numbers == [build_number(index) for index in range(8)]


def test_a_journal_of_version_3_is_left_as_it_was_if_it_cannot_be_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All or nothing: it is converted once there is room."""
    path = tmp_path / "run.journal"
    with closing(Journal(path)) as journal:
        journal.load_records(build_items(range(6)))
        journal.mark_started(range(4), 1.0)
        journal.record({0: VERDICTS[0], 3: VERDICTS[1]})
        known = read(journal)
    convert_to_version_3(path)
    statements = journal_file._FROM_VERSION_3
    monkeypatch.setattr(journal_file, "_FROM_VERSION_3", [*statements, "INSERT INTO no VALUES (1)"])
    with pytest.raises(JournalError, match=r"run\.journal: it is another kind of file"):
        Journal(path)
    with closing(sqlite3.connect(path)) as file:
        version = file.execute("PRAGMA user_version").fetchone()
        rows = file.execute("SELECT COUNT(*) FROM destination").fetchone()
    monkeypatch.undo()
    with closing(Journal(path)) as journal:
        after = read(journal)

    assert (version, rows) == ((3,), (6,))
    assert after == known
