"""A journal whose disk was full goes on once there is room; it is private, and never in memory."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infobip_sms import JournalError
from infobip_sms.send_many.journal import Journal
from tests.fakes.ledger_process import Ledger, build_messages

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 1200


@pytest.fixture(name="disk")
def fixture_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607 - as above


def test_a_run_goes_on_after_its_disk_was_full(disk: Path, tmp_path: Path) -> None:
    """The same command, repeated with more room each time, sends every destination exactly once."""
    filler = disk / "filler"
    failures: list[str] = []
    outcomes = []
    with Ledger(tmp_path) as ledger:
        for size in range(
            380, -1, -20
        ):  # there is too little room at first, however writes are shared
            filler.write_bytes(bytes(size * 1024))
            try:
                outcomes = ledger.send(build_messages(COUNT), journal=disk / "run.journal", chunk=5)
            except JournalError as error:
                failures.append(str(error))
            else:
                break

        assert len(failures) > 1
        assert not [reason for reason in failures if "missing" in reason]
        assert [o.state for o in outcomes] == ["accepted"] * COUNT
        assert len(ledger.numbers) == len(set(ledger.numbers)) == COUNT


def test_a_journal_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The file and its log have mode 600."""
    journal = Journal(tmp_path / "run.journal")
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    journal.close()

    assert len(modes) > 1
    assert set(modes.values()) == {0o600}


def test_a_journal_in_memory_is_rejected() -> None:
    """A name that SQLite keeps in memory would remember nothing."""
    with pytest.raises(JournalError, match="must be the name of a file"):
        Journal(":memory:")
    assert not Path(":memory:").exists()


def test_a_journal_that_could_not_be_opened_is_opened_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error after the mark that it is in use leaves nothing that looks like a lost log."""
    path, mark = tmp_path / "run.journal", Journal._mark_open

    def mark_and_fail(journal: Journal, value: int) -> None:
        mark(journal, value)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(Journal, "_mark_open", mark_and_fail)
    with pytest.raises(JournalError, match="disk I/O error"):
        Journal(path)
    monkeypatch.setattr(Journal, "_mark_open", mark)

    Journal(path).close()
    assert [p.name for p in tmp_path.iterdir()] == ["run.journal"]
