"""``status``: a run's journal and its delivery reports, joined."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from infobip_sms_schema import SmsResponse, SmsResponseDetails

from infobip_sms import (
    Client,
    DeliveryReport,
    Destination,
    GsmErrorCode,
    JournalError,
    Message,
    ReportStore,
    Status,
    read_run_status,
)
from infobip_sms.send_many.journal import Journal
from infobip_sms.send_many.outcomes import Resolution
from tests.cli.runs import run
from tests.client.calls import NEVER
from tests.fakes.ledger_process import AUTH
from tests.send_many.version_3 import convert_to_version_3

if TYPE_CHECKING:
    from pathlib import Path

PENDING = Status(group_id=1, group_name="PENDING", id=26, name="PENDING_ACCEPTED")
REJECTED = Status(group_id=5, group_name="REJECTED", id=6, name="REJECTED_NETWORK")
DELIVERED = Status(group_id=3, group_name="DELIVERED", id=5, name="DELIVERED_TO_HANDSET")
UNDELIVERABLE = Status(group_id=2, group_name="UNDELIVERABLE", id=9, name="NOT_DELIVERED")
EXPIRED = Status(group_id=4, group_name="EXPIRED", id=15, name="EXPIRED_EXPIRED")
ABSENT = GsmErrorCode(id=27, name="EC_ABSENT_SUBSCRIBER", permanent=False)
UNKNOWN = GsmErrorCode(id=1, name="EC_UNKNOWN_SUBSCRIBER", permanent=True)
REPORTED = [(DELIVERED, None), (UNDELIVERABLE, ABSENT), (UNDELIVERABLE, UNKNOWN), (EXPIRED, None)]
CSV = "to;name;message_id\n" + "".join(
    f"+4179302670{n};Guest {n};{'own-1' if n == 1 else ''}\n" for n in range(8)
)


class Network(Client):
    """A client whose server accepts all but number 5."""

    def send(self, request: Any = (), **_: object) -> SmsResponse:
        """Accept."""
        entries = [
            SmsResponseDetails(
                to=place.to,
                status=REJECTED if place.to.endswith("5") else PENDING,
                message_id=place.message_id,
            )
            for message in request.messages
            for place in message.destinations
        ]
        return SmsResponse(messages=entries)


@pytest.fixture(name="folder")
def fixture_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with the journal, the reports and the CSV of a run to eight numbers."""
    monkeypatch.chdir(tmp_path)
    numbers = [f"4179302670{n}" for n in range(8)]
    messages = [
        Message(
            destinations=Destination(to, message_id="own-1" if to[-1] == "1" else None), text="x"
        )
        for to in numbers
    ]
    with Network("http://127.0.0.1:9", auth=AUTH) as client:
        outcomes = list(client.send_many(messages, journal="j", skip=[numbers[6]]))
    reports = [
        DeliveryReport(message_id=one.message_id, to=one.to, status=status, error=error)
        for one, (status, error) in zip(outcomes, REPORTED, strict=False)
    ]
    with ReportStore("r") as store:
        store.add(reports)
        store.add([DeliveryReport(message_id=outcomes[4].message_id, status=PENDING)])
        store.add([DeliveryReport(message_id="of another run", status=DELIVERED)])
    (tmp_path / "guests.csv").write_text(CSV)
    return tmp_path


def status(*words: str) -> Any:
    """Run the command."""
    return run("status", "--journal", "j", "--reports", "r", *words)


@pytest.mark.usefixtures("folder")
def test_the_library_accounts_for_every_destination() -> None:
    """Each destination is counted once, and rows are in the order of the input."""
    found = read_run_status("j", "r")
    rows = list(found)

    assert found.accepted == 6
    assert {state: n for state, n in found.counts.items() if n} == {
        "delivered": 1,
        "undeliverable": 2,
        "expired": 1,
        "rejected": 1,
        "pending": 1,
        "unreported": 1,
        "suppressed": 1,
    }
    assert found.reasons["undeliverable", "EC_UNKNOWN_SUBSCRIBER"] == 1
    assert [row.index for row in rows] == list(range(8))
    assert rows[1].message_id == "own-1"
    assert [row.index for row in rows if row.may_be_repeated] == [1, 3]
    assert [row.state for row in rows[4:]] == ["pending", "rejected", "suppressed", "unreported"]


def test_what_was_never_sent_is_unsent_and_what_was_interrupted_is_unknown(folder: Path) -> None:
    """As the journal has it after a kill."""
    journal = Journal(folder / "j")
    journal._file.execute("UPDATE span SET verdict = NULL WHERE first IN (6, 7)")
    journal.close()

    assert [row.state for row in read_run_status("j", "r")][5:] == ["rejected", "unsent", "unknown"]


@pytest.mark.usefixtures("folder")
def test_the_table_has_states_and_reasons() -> None:
    """Accepted first, then each state with how many, and why."""
    result = status()

    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[1] == ["accepted", "6", "75.0", "%"]
    assert ["EC_ABSENT_SUBSCRIBER", "1", "12.5", "%"] in lines
    assert ["unreported", "1", "12.5", "%"] in lines


@pytest.mark.usefixtures("folder")
def test_json_and_csv_have_a_line_for_each_destination() -> None:
    """With the row of the CSV, and the number of the report."""
    lines = [json.loads(line) for line in status("--json").stdout.splitlines()]
    rows = status("--csv").stdout.splitlines()

    assert [line["row"] for line in lines] == list(range(2, 10))
    assert lines[1] == {
        "row": 3,
        "messageId": "own-1",
        "to": "41793026701",
        "state": "undeliverable",
        "reason": "EC_ABSENT_SUBSCRIBER",
    }
    assert rows[0] == "row,messageId,to,state,reason,doneAt"
    assert rows[2] == "3,own-1,41793026701,undeliverable,EC_ABSENT_SUBSCRIBER,"
    assert len(rows) == 9


def test_a_second_run_has_the_rows_that_may_still_be_delivered(folder: Path) -> None:
    """The cells of the first CSV without its messageIds; no row whose error is permanent."""
    result = status("--retry-undelivered", "again.csv", "--input", "guests.csv")

    again = folder / "again.csv"
    assert again.read_text().splitlines() == [
        "to,name",
        "+41793026701,Guest 1",
        "+41793026703,Guest 3",
    ]
    assert stat.S_IMODE(again.stat().st_mode) == 0o600
    assert "Left out, because the error is permanent: 1." in result.stderr


def test_without_the_csv_a_second_run_has_the_numbers_of_the_reports(folder: Path) -> None:
    """And nothing is ever written over."""
    status("--retry-undelivered", "again.csv")
    second = status("--retry-undelivered", "again.csv")

    assert (folder / "again.csv").read_text().split() == ["to", "41793026701", "41793026703"]
    assert second.exit_code == 3
    assert "again.csv exists already" in second.stderr


@pytest.mark.parametrize("text", ["to\n41793026700\n", CSV.replace("+41793026703", "+41793029999")])
def test_the_csv_of_another_run_is_rejected(text: str, folder: Path) -> None:
    """A second run to the wrong people is never prepared."""
    (folder / "guests.csv").write_text(text)
    result = status("--retry-undelivered", "again.csv", "--input", "guests.csv")

    assert result.exit_code == 3
    assert "--input is not the CSV of this run" in result.stderr
    assert not (folder / "again.csv").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--journal", "none", "--reports", "r"], "journal none: the file does not exist"),
        (["--journal", "j", "--reports", "none"], "report file none: the file does not exist"),
        (["--journal", "r", "--reports", "j"], "report file j: it is another kind of file"),
        (["--journal", "j", "--reports", "guests.csv"], "guests.csv: it is another kind of file"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_wrong_files_are_named(words: list[str], said: str) -> None:
    """Exit code 2, and no file is created or changed."""
    result = run("status", *words)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_run_that_goes_on_is_said(folder: Path) -> None:
    """Two processes: the journal belongs to the run."""
    journal = Journal(folder / "j")
    result = status()
    journal.close()

    assert result.exit_code == 2
    assert "journal j: another process uses it" in result.stderr


def test_a_journal_without_digests_of_message_ids_goes_on(folder: Path) -> None:
    """Journals of older versions are resumed; a messageId of the input is then not found."""
    journal = Journal(folder / "j")
    journal._file.execute("UPDATE span SET ids = NULL")
    journal.close()
    messages = [Message(destinations=Destination("41793026700"), text="x")]
    messages += [Message(destinations=Destination("41793026701", message_id="own-1"), text="x")]
    with Network("http://127.0.0.1:9", auth=AUTH) as client:
        outcomes = client.send_many(messages, journal="j")
        first = [next(outcomes).state, next(outcomes).state]
        outcomes.close()

    assert first == ["accepted", "accepted"]
    assert [row.state for row in read_run_status("j", "r")][:2] == ["delivered", "unreported"]


@pytest.mark.parametrize("state", ["closed", "killed", "version 3"])
def test_a_journal_that_cannot_be_written_is_read(
    state: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only folder, an archive or another user's files: status says the same, and writes nothing."""
    usual = list(read_run_status("j", "r"))
    if state == "killed":
        journal = Journal("j")
        journal.record({7: Resolution(state="accepted", reason="late")})
        copies = {name: (folder / name).read_bytes() for name in ("j", "j-wal")}
        journal.close()
        for name, body in copies.items():
            (folder / name).write_bytes(body)
        usual[7] = attrs.evolve(usual[7], reason="late")
    if state == "version 3":
        convert_to_version_3(folder / "j")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(os, "access", lambda path, _: str(path) not in {"j", "r", str(folder)})

    assert list(read_run_status("j", "r")) == usual
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_journal_that_another_user_writes_is_not_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of a file that is being written would be of no one moment."""
    code = (
        "import sys; from infobip_sms.send_many.journal import Journal;"
        " j = Journal('j'); print(flush=True); sys.stdin.read(); j.close()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    monkeypatch.setattr(os, "access", lambda path, _: str(path) not in {"j", "r", str(folder)})
    try:
        with pytest.raises(JournalError, match=r"journal j: .*another process uses it"):
            read_run_status("j", "r")
    finally:
        process.communicate(timeout=NEVER)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_a_second_run_that_cannot_be_written_leaves_no_part_of_it(
    code: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a CSV looks like a whole one, and rows would be forgotten: it is removed, and one line says why."""

    class FullDisk(io.TextIOWrapper):
        def write(self, _: str) -> int:
            raise OSError(code, os.strerror(code))

    real = os.fdopen
    monkeypatch.setattr(
        os, "fdopen", lambda handle, *_, **__: FullDisk(real(handle, "wb"), encoding="utf-8")
    )
    result = status("--retry-undelivered", "again.csv")

    assert result.exit_code == 2
    assert f"again.csv cannot be written: {os.strerror(code)}" in result.stderr
    assert not (folder / "again.csv").exists()
