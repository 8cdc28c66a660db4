"""The file of delivery reports: each message and state once, on the disk before it is acknowledged."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from infobip_sms import DeliveryReport, GsmErrorCode, ReportStore, ReportStoreError, Status
from infobip_sms.rules import MAX_REPORT_RETRIES, get_retry_delay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NUMBER = "41793026727"
DELIVERED = Status(group_id=3, group_name="DELIVERED", id=5, name="DELIVERED_TO_HANDSET")
PENDING = Status(group_id=1, group_name="PENDING", id=7, name="PENDING_ENROUTE")


def build_report(name: str | None, status: Status | None = DELIVERED) -> DeliveryReport:
    """Return a report of a message."""
    return DeliveryReport(message_id=name, to=NUMBER, status=status)


@pytest.fixture(name="path")
def fixture_path(tmp_path: Path) -> Path:
    """Return where the file is."""
    return tmp_path / "reports.sqlite"


def list_ids(path: Path) -> list[str]:
    """Return the messageIds in a file."""
    with ReportStore(path, create=False) as store:
        return list(store.read_message_ids())


def test_each_message_and_state_is_kept_once(path: Path) -> None:
    """A repeated report is no new one, also in a later process; another state is."""
    with ReportStore(path) as store:
        first = store.add([build_report("a"), build_report("a"), build_report("b", PENDING)])
    with ReportStore(path) as store:
        again = store.add([build_report("a"), build_report("b", DELIVERED)])

    assert [(r.message_id, r.status) for r in first] == [("a", DELIVERED), ("b", PENDING)]
    assert [(r.message_id, r.status) for r in again] == [("b", DELIVERED)]


def test_a_report_without_a_message_id_or_a_status_is_kept_once(path: Path) -> None:
    """No field of a report is always present; the whole report says which one it is."""
    odd = [build_report(None), build_report("a", None), build_report(None, PENDING)]
    with ReportStore(path) as store:
        assert store.add(odd) == odd
        assert store.add(odd) == []


def test_the_final_report_is_found_whatever_came_last(path: Path) -> None:
    """Intermediate reports may be late."""
    absent = GsmErrorCode(id=27, name="EC_ABSENT_SUBSCRIBER", permanent=False)
    final = DeliveryReport(message_id="a", to=NUMBER, status=DELIVERED, error=absent)
    with ReportStore(path) as store:
        store.add([final, build_report("a", PENDING)])

        assert store.find_report("a") == final
        assert store.find_report("b") is None


def test_a_kept_report_is_in_the_main_file_alone(path: Path) -> None:
    """Whoever copies the one file, without its -wal, has all that was acknowledged."""
    copy = path.with_name("copy")
    with ReportStore(path) as store:
        store.add([build_report("a"), build_report("b")])
        copy.write_bytes(path.read_bytes())

    assert list_ids(copy) == ["a", "b"]


def test_it_is_for_its_owner_alone(path: Path) -> None:
    """The file, and what SQLite puts beside it, have mode 600."""
    with ReportStore(path) as store:
        store.add([build_report("a")])
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}

    assert len(modes) > 1
    assert set(modes.values()) == {0o600}


def test_two_processes_keep_reports_in_one_file(path: Path) -> None:
    """Each sees what the other wrote; neither keeps it a second time."""
    with ReportStore(path) as one, ReportStore(path) as other:
        one.add([build_report("a")])
        other.add([build_report("a"), build_report("b")])

        assert list(one.read_message_ids()) == list(other.read_message_ids()) == ["a", "b"]


def test_a_file_that_another_process_holds_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that does not end makes no report vanish: the sentence says why nothing is written."""
    monkeypatch.setattr("infobip_sms.send_many.report_store._BUSY_TIMEOUT", 0.01)
    with ReportStore(path) as store, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ReportStoreError, match=r"reports\.sqlite: another process uses it"):
            store.add([build_report("a")])
        other.rollback()

        assert store.add([build_report("a")])


@pytest.fixture(name="disk")
def fixture_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607 - as above


def test_a_full_disk_loses_nothing_that_was_kept(disk: Path) -> None:
    """What fits is kept; the sentence says that the disk is full; with room it goes on."""
    filler = disk / "filler"
    filler.write_bytes(bytes(130 * 1024))
    kept = 0
    with ReportStore(disk / "r") as store:
        reason = ""
        while not reason and kept < 10_000:
            try:
                store.add([build_report(f"m{kept}")])
                kept += 1
            except ReportStoreError as error:
                reason = str(error)
        filler.unlink()
        store.add([build_report(f"m{kept}")])

    assert reason == "report file r: the disk is full; make room for it"
    assert kept > 0
    assert list_ids(disk / "r") == [f"m{number}" for number in range(kept + 1)]


def test_a_folder_that_is_read_only_is_said(disk: Path) -> None:
    """Reports that cannot be kept are not acknowledged, and the sentence says why."""
    path = disk / "r"
    with ReportStore(path) as store:
        store.add([build_report("a")])
    remount = ["mount", "-o", "remount,ro", str(disk)]
    subprocess.run(remount, check=True)

    with pytest.raises(
        ReportStoreError, match=r"report file r: it cannot be written: .* read-only"
    ):
        ReportStore(path)
    with pytest.raises(ReportStoreError, match=r"report file new: unable to open .* writable"):
        ReportStore(disk / "new")


@pytest.mark.parametrize("content", [b"to,name\n", b"SQLite format 3\0" + bytes(4080)])
def test_another_kind_of_file_is_left_alone(content: bytes, path: Path) -> None:
    """A CSV given by mistake is not written over."""
    path.write_bytes(content)

    with pytest.raises(ReportStoreError, match="report file"):
        ReportStore(path)
    assert path.read_bytes() == content


def test_a_journal_is_not_a_report_file(path: Path) -> None:
    """Two files in the wrong order are told apart."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE run (id TEXT)")
        file.execute("PRAGMA application_id = 1397576522")

    with pytest.raises(ReportStoreError, match="it is another kind of file"):
        ReportStore(path)


@pytest.mark.parametrize("value", ["x'ff'", "'{}'", "5", "NULL"])
def test_a_damaged_report_is_said_without_its_content(value: str, path: Path) -> None:
    """Whatever is in a row, it is a ReportStoreError in words of ours."""
    with ReportStore(path) as store:
        store.add([build_report("a")])
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("PRAGMA writable_schema = ON")
        file.execute(f"UPDATE OR IGNORE report SET document = COALESCE({value}, '')")  # noqa: S608 - of this test

    with ReportStore(path) as store, pytest.raises(ReportStoreError, match="it is damaged"):
        store.find_report("a")


def test_a_missing_file_is_not_created_by_a_reader(path: Path) -> None:
    """A typing error in a name is no run without reports."""
    with pytest.raises(ReportStoreError, match="does not exist"):
        ReportStore(path, create=False)
    assert not path.exists()


def test_dlr_006_a_report_is_due_until_it_is_acknowledged(path: Path) -> None:
    """21 attempts, 1 + n² minutes after attempt n; then it is not posted again, and still kept."""
    with ReportStore(path) as store:
        store.add([build_report("a")], due=0.0)
        now, waits = 0.0, []
        while queued := store.claim_due(now):
            assert store.claim_due(now) is None
            if queued.next_due is not None:
                waits.append(queued.next_due - now)
                now = queued.next_due

        assert queued is None
        assert waits == [get_retry_delay(n).total_seconds() for n in range(MAX_REPORT_RETRIES)]
        assert store.find_next_due() is None
        assert store.find_report("a") is not None


def test_reports_of_one_message_are_forwarded_in_order(path: Path) -> None:
    """The final report waits for the intermediate one; those of other messages do not."""
    with ReportStore(path) as store:
        store.add([build_report("a", PENDING), build_report("a"), build_report("b")], due=0.0)
        first, second = store.claim_due(0.0), store.claim_due(0.0)
        assert store.claim_due(0.0) is None
        assert store.find_next_due() == 60.0
        assert first is not None
        store.mark_forwarded(first.serial)
        third = store.claim_due(0.0)

    assert [q and q.serial for q in (first, second, third)] == [1, 3, 2]


def test_a_repeated_report_is_not_forwarded_again(path: Path) -> None:
    """The platform posts again what it thinks was lost."""
    with ReportStore(path) as store:
        store.add([build_report("a")], due=0.0)
        queued = store.claim_due(0.0)
        assert queued is not None
        store.mark_forwarded(queued.serial)
        store.add([build_report("a")], due=0.0)

        assert store.claim_due(1e12) is None


@pytest.mark.parametrize("size", [0, 10, 32, 5000, -1])
def test_a_log_that_was_cut_short_takes_no_acknowledgement_with_it(size: int, path: Path) -> None:
    """A report that was forwarded is not forwarded again by whoever has the main file alone."""
    copy = path.with_name("copy")
    with ReportStore(path) as store:
        store.add([build_report("a"), build_report("b")], due=1.0)
        first = store.claim_due(1.0)
        assert first
        store.mark_forwarded(first.serial)
        copy.write_bytes(path.read_bytes())
        log = path.with_name(f"{path.name}-wal").read_bytes()
        copy.with_name("copy-wal").write_bytes(log[:size])
    with ReportStore(copy) as store:
        left = store.claim_due(1.0)
        assert left
        assert (left.serial, left.attempt) == (first.serial + 1, 1)
        assert store.claim_due(1.0) is None


def test_a_clock_that_was_set_back_delays_no_report_beyond_its_schedule(path: Path) -> None:
    """A report that was due in another year is due now, one that is due in an hour is not."""
    year, hour = 365 * 86_400.0, 3_600.0
    with ReportStore(path) as store:
        store.add([build_report("a")], due=year)
        store.add([build_report("b")], due=hour)
        first = store.claim_due(0.0)

        assert first
        assert (first.serial, first.next_due) == (1, get_retry_delay(0).total_seconds())
        assert store.claim_due(0.0) is None


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_a_report_is_not_kept_in_a_file_that_is_gone(change: str, tmp_path: Path) -> None:
    """Whoever posted it is not told that it was kept, and posts it again."""
    path = tmp_path / "r.sqlite"
    with ReportStore(path) as store:
        store.add([DeliveryReport(message_id="a")])
        path.unlink()
        if change == "replaced":
            path.touch()
        with pytest.raises(ReportStoreError, match="moved, deleted or replaced"):
            store.add([DeliveryReport(message_id="b")])
