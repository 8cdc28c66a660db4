"""The journal: nothing is sent twice and nothing is forgotten, whatever ended the run before."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from infobip_sms import Client, Destination, JournalError, Message, Outcome, SmsLogs, Tracking
from infobip_sms.send_many.batch import BatchSender
from infobip_sms.send_many.journal import Journal
from infobip_sms.send_many.options import SendManyOptions
from infobip_sms.send_many.outcomes import QueuedDestination, Resolution
from tests.fakes.ledger_process import AUTH, TEXT, Ledger, build_messages, build_number, find_states

if TYPE_CHECKING:
    from infobip_sms import SmsResponse


@pytest.fixture(name="path")
def fixture_path(tmp_path: Path) -> Path:
    """Give a name for a journal."""
    return tmp_path / "run.journal"


def send(ledger: Ledger, path: Path, count: int = 8, **options: Any) -> list[Outcome]:
    """Send the first so many messages, two at a time, with a journal."""
    return ledger.send(
        build_messages(count), **{"chunk": 2, "concurrency": 1, "journal": path, **options}
    )


def mark(journal: Journal, count: int = 4) -> list[QueuedDestination]:
    """Mark places in a journal by itself."""
    (message,) = build_messages(1)
    items = [
        QueuedDestination(
            i,
            message,
            message.destinations[0],
            True,
            journal.message_ids.build_digest("text", str(i), ""),
        )
        for i in range(count)
    ]
    journal.load_records(items)
    return items


def test_a_second_run_sends_nothing_and_tells_the_same(tmp_path: Path, path: Path) -> None:
    """Accepted and rejected ones have the outcome that they had, and the same messageIds."""
    messages = [*build_messages(3), Message(destinations=[Destination(to="410000")])]
    with Ledger(tmp_path, "--accident", "400@1") as ledger:
        first = ledger.send(messages, journal=path, chunk=2, concurrency=1)
        second = ledger.send(messages, journal=path, chunk=3)

        assert find_states(first) == find_states(second) == ["r", "r", "a", "r"]
        assert [o.earlier for o in first + second] == [False] * 4 + [True] * 4
        for one, other in zip(first, second, strict=True):
            assert (one.index, one.to, one.message_id) == (other.index, other.to, other.message_id)
            assert (one.reason, one.bulk_id, one.status) == (
                other.reason,
                other.bulk_id,
                other.status,
            )
        assert len(ledger.rows) == 1


def test_what_was_unsent_is_sent_by_the_next_run(tmp_path: Path, path: Path) -> None:
    """After rejected credentials the rest goes out, and what was accepted does not."""
    with Ledger(tmp_path, "--accident", "401@2") as ledger:
        first, second = send(ledger, path), send(ledger, path)

        assert find_states(first) == ["a"] * 2 + ["n"] * 6
        assert find_states(second) == ["a"] * 8
        assert [o.earlier for o in second] == [True] * 2 + [False] * 6
        assert ledger.numbers == [build_number(i) for i in range(8)]


@pytest.mark.parametrize("on_unknown", ["report", "reconcile", "resend", "stop"])
@pytest.mark.parametrize("accident", ["drop-after", "drop-before"])
def test_what_is_unknown_is_looked_up_first_and_never_sent_again_blindly(
    accident: str, on_unknown: str, tmp_path: Path, path: Path
) -> None:
    """What the logs know is settled in each mode; what they do not is sent with resend only."""
    with Ledger(tmp_path, "--accident", f"{accident}@2") as ledger:
        first = send(ledger, path)
        second = send(ledger, path, on_unknown=on_unknown)
        third = send(ledger, path)
        states = {"drop-after": "a", "drop-before": "a" if on_unknown == "resend" else "u"}

        assert find_states(first) == ["a"] * 2 + ["u"] * 2 + ["a"] * 4
        assert find_states(second) == ["a"] * 2 + [states[accident]] * 2 + ["a"] * 4
        assert find_states(third) == find_states(second)
        assert [o.message_id for o in first] == [o.message_id for o in second]
        accepted = {o.to for o in second if o.state == "accepted"}
        assert ledger.numbers == sorted(accepted)


class Broken(Client):
    """A client that ends its program as soon as an answer has come."""

    def send(self, *arguments: Any, **options: Any) -> SmsResponse:
        """Send, and never tell."""
        super().send(*arguments, **options)
        raise ZeroDivisionError("the program ends here")


def test_a_request_is_in_the_journal_before_it_leaves(tmp_path: Path, path: Path) -> None:
    """What ended between request and verdict is looked up by the next run, and not sent again."""
    with Ledger(tmp_path) as ledger, Broken(ledger.url, auth=AUTH) as client:
        with pytest.raises(ZeroDivisionError):
            list(client.send_many(build_messages(8), journal=path, chunk=2, concurrency=1))
        sent = len(ledger.rows)
        outcomes = send(ledger, path, on_unknown="stop")

        assert sent in {2, 4}
        assert find_states(outcomes) == ["a"] * 8
        assert len(ledger.rows) == 8


def test_a_run_that_stops_knows_more_the_next_time(tmp_path: Path, path: Path) -> None:
    """With ``stop`` an unknown one ends a run; once the logs know it, the next one goes on."""
    with Ledger(tmp_path, "--accident", "drop-after@2") as ledger:
        first = send(ledger, path, on_unknown="stop")
        second = send(ledger, path, on_unknown="stop")

    assert find_states(first) == ["a"] * 2 + ["u"] * 2 + ["n"] * 4
    assert find_states(second) == ["a"] * 8


def test_what_is_unknown_stays_so_while_the_server_is_away(tmp_path: Path, path: Path) -> None:
    """A run without a server turns no unknown one into an unsent one, which would be sent again."""
    with Ledger(tmp_path, "--accident", "drop-before@1", "--accident", "401@2") as ledger:
        send(ledger, path)
        ledger.kill()
        away = [send(ledger, path, on_unknown="resend") for _ in range(2)]

    assert {tuple(find_states(outcomes)) for outcomes in away} == {("u",) * 2 + ("n",) * 6}


def test_a_second_request_that_could_not_be_made_leaves_unknown_what_was(
    tmp_path: Path, path: Path
) -> None:
    """Absent, sent again, and rejected for its credentials: the first request is still in doubt."""
    with Ledger(tmp_path, "--accident", "drop-before@1", "--accident", "401@2") as ledger:
        assert find_states(send(ledger, path, 2, on_unknown="resend")) == ["u"] * 2
        assert find_states(send(ledger, path, 2)) == ["u"] * 2


class Late(Client):
    """A client during whose question the run ends, by what another thread met."""

    delivery: BatchSender

    def get_logs(self, **_: Any) -> SmsLogs:
        """Know nothing, and let the run end."""
        self.delivery.stopped.set()
        return SmsLogs(results=[])


def test_what_is_unknown_stays_so_when_the_run_ends_before_it_is_sent_again(path: Path) -> None:
    """Absent from the logs, and not sent again any more: it is in doubt as before."""
    journal = Journal(path)
    (item, *_) = mark(journal)
    journal.mark_started([0], time.time())
    with Late("http://127.0.0.1:9", auth=AUTH) as client:
        client.delivery = BatchSender(
            client, SendManyOptions(1, 1, "resend", path, None, 0, 0), journal
        )
        outcomes = client.delivery.process([item], journal.load_records([item]))
    journal.close()

    assert find_states(outcomes) == ["u"]


@pytest.mark.parametrize(("hours", "state"), [(1, "a"), (46, "a"), (48, "u"), (-1, "u")])
def test_log_001_what_is_older_than_the_logs_is_never_sent_again(
    hours: int, state: str, tmp_path: Path, path: Path
) -> None:
    """Logs reach back 48 hours; of what is older, or sent by a clock that was set back, absence proves nothing."""
    with Ledger(tmp_path, "--accident", "drop-before@1") as ledger:
        send(ledger, path, 2)
        with sqlite3.connect(path) as file:
            file.execute("UPDATE span SET begun = begun - ?", (hours * 3600,))
        file.close()

        assert find_states(send(ledger, path, 2, on_unknown="resend")) == [state] * 2


def change(messages: list[Message], how: str) -> list[Message]:
    """Return another input: 8 messages of which something is different from the fourth on."""
    changed = {
        "number": Message(from_="InfoSMS", destinations=[Destination(to="4111")], text=TEXT),
        "text": Message(from_="InfoSMS", destinations=messages[3].destinations, text="Other"),
        "setting": Message(
            from_="InfoSMS", destinations=messages[3].destinations, text=TEXT, flash=True
        ),
        "id": Message(
            from_="InfoSMS",
            destinations=[Destination(to=build_number(3), message_id="mine")],
            text=TEXT,
        ),
    }
    if how == "one less":
        return messages[:3] + messages[4:]
    if how == "one more":
        return [*messages[:3], *build_messages(1, 50), *messages[3:]]
    if how == "order":
        return [*messages[:3], messages[4], messages[3], *messages[5:]]
    return [*messages[:3], changed[how], *messages[4:]]


@pytest.mark.parametrize(
    "how", ["number", "text", "setting", "id", "one less", "one more", "order"]
)
@pytest.mark.parametrize("accident", ["drop-after@9", "401@1"])
def test_a_changed_input_is_refused_at_the_first_place_that_differs(
    how: str, accident: str, tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing had been sent yet; nothing from that place on is sent."""
    run_id = UUID(int=5)  # a digest of 12 bits may be the same by chance, with this one it is not
    monkeypatch.setattr("infobip_sms.send_many.journal.uuid4", lambda: run_id)
    messages = list(build_messages(8))
    with Ledger(tmp_path, "--accident", accident) as ledger:
        ledger.send(messages, journal=path, chunk=2)
        with Client(ledger.url, auth=AUTH) as client:
            outcomes = client.send_many(change(messages, how), journal=path, chunk=3)
            seen = [next(outcomes).state for _ in range(3)]
            with pytest.raises(
                JournalError,
                match=r"run.journal: it was written for different input \(first difference: destination 3\)",
            ):
                next(outcomes)

        assert seen == ["accepted"] * 3
        assert len(set(ledger.numbers)) == len(ledger.numbers)


def test_an_input_that_ends_early_is_refused(tmp_path: Path, path: Path) -> None:
    """The outcomes of what is there come first; nothing that was once given is forgotten silently."""
    with Ledger(tmp_path) as ledger, Client(ledger.url, auth=AUTH) as client:
        send(ledger, path)
        outcomes = client.send_many(build_messages(6), journal=path)

        assert [next(outcomes).earlier for _ in range(6)] == [True] * 6
        with pytest.raises(JournalError, match="knows 8 destinations, and the input ended after 6"):
            next(outcomes)


def test_an_input_may_grow_at_its_end(tmp_path: Path, path: Path) -> None:
    """What is new is sent, and what was there is not."""
    with Ledger(tmp_path) as ledger:
        send(ledger, path, 3)

        assert [o.earlier for o in send(ledger, path, 5)] == [True] * 3 + [False] * 2
        assert ledger.numbers == [build_number(i) for i in range(5)]


def test_another_tracking_is_another_input(tmp_path: Path, path: Path) -> None:
    """What goes with every request belongs to the content."""
    with Ledger(tmp_path) as ledger:
        send(ledger, path, 3)
        with pytest.raises(JournalError, match="destination 0"):
            send(ledger, path, 3, tracking=Tracking(type="MY_CAMPAIGN"))


def test_no_number_and_no_text_is_in_the_file(tmp_path: Path, path: Path) -> None:
    """Nor in the one beside it; message ids of ours are not in it either."""
    with (
        Ledger(tmp_path, "--accident", "short@1") as ledger,
        Client(ledger.url, auth=AUTH) as client,
    ):
        outcomes = client.send_many(build_messages(8), journal=path, chunk=4)
        seen = [next(outcomes) for _ in range(6)]
        files = [path, path.with_name("run.journal-wal")]
        content = b"".join(file.read_bytes() for file in files)
        outcomes.close()

    for outcome in seen:
        assert outcome.to.encode() not in content
        assert outcome.message_id.encode() not in content
    assert TEXT.encode() not in content
    assert b"PENDING_ACCEPTED" in content
    assert [file.exists() for file in files] == [True, False]


def test_digests_are_short_and_of_this_run_alone(tmp_path: Path) -> None:
    """12 bits, keyed: trying all numbers leaves many, and comparing two files shows nothing."""
    one, other = Journal(tmp_path / "one"), Journal(tmp_path / "other")
    digests = {
        journal.message_ids.build_digest("text", "41793026727", "") for journal in (one, other)
    }
    all_digests = {
        one.message_ids.build_digest("text", str(number), "") for number in range(50_000)
    }
    one.close()
    other.close()

    assert len(all_digests) == 4096
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("begun", "'a 41793026727'"),
        ("begun", "x'ff'"),
        ("digests", "5"),
        ("digests", "x'4179'"),
        ("digests", "'4179302672'"),
        ("ids", "5"),
        ("ids", "x'41793026727041'"),
        ("last", "5"),
        ("last", "-1"),
        ("last", "0.5"),
        ("digests = x'ff4179', last", "first + 0.5"),
        ("last", "'41793026727'"),
        ("last", "9223372036854775807"),
        ("first", "first + 5"),
        ("first", "-first - 1"),
        ("first = first + 5, last", "last + 5"),
        ("first = 2 * first, last", "2 * last"),
        ("verdict", "x'ff'"),
        ("verdict", "CAST(x'ff417930267270' AS TEXT)"),
        ("verdict", "'41793026727'"),
        ("verdict", "'[1, 2]'"),
        ("verdict", """'["taken", "r", null, null]'"""),
        ("verdict", """'["accepted", 5, null, null]'"""),
        ("verdict", """'["accepted", "r", [1], null]'"""),
        ("verdict", f"'{'[' * 100_000}'"),
        ("id", "'41793026727'"),
        ("id", "x'ff'"),
    ],
)
def test_a_damaged_record_is_said_without_its_content(column: str, value: str, path: Path) -> None:
    """Whatever is in a row, it is a JournalError in words of ours."""
    journal = Journal(path)
    mark(journal, 2)
    journal.mark_started([0], 1.0)
    journal.record({0: Resolution(state="accepted", reason="fine")})
    journal.close()
    table = "run" if column == "id" else "span"
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(f"UPDATE {table} SET {column} = {value}")  # noqa: S608 - of this test

    expected = r"run\.journal: it (is damaged|was written)"
    with pytest.raises(JournalError, match=expected) as caught, closing(Journal(path)) as again:
        mark(again, 2)
    assert "41793026727" not in str(caught.value)


def test_a_flipped_byte_anywhere_is_a_journal_error_or_nothing(path: Path) -> None:
    """No other exception comes out of a damaged file."""
    journal = Journal(path)
    mark(journal, 4)
    journal.mark_started([0, 1], 1.0)
    journal.record({0: Resolution(state="accepted", reason="fine")})
    journal.close()
    whole = path.read_bytes()
    for place in [*range(0, 120, 7), *range(120, len(whole), 211)]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        path.with_name("run.journal-wal").unlink(missing_ok=True)
        with suppress(JournalError):
            opened = Journal(path)
            try:
                mark(opened, 4)
            finally:
                opened.close()


def test_one_process_at_a_time_has_a_journal(path: Path) -> None:
    """A second one is told so, in this process or in another."""
    journal = Journal(path)
    with pytest.raises(JournalError, match="another process uses it"):
        Journal(path)
    code = f"from infobip_sms.send_many.journal import Journal; Journal({str(path)!r})"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    journal.close()

    assert "JournalError: journal run.journal: another process uses it" in other.stderr
    Journal(path).close()


HOLD = """
import sys, time
sys.path.insert(0, {tests!r})
from tests.send_many.test_journal import Journal, Resolution, mark
journal = Journal({path!r})
items = mark(journal)
journal.mark_started([0, 1, 2], time.time())
journal.record({{0: Resolution(state="accepted", reason="fine")}})
print("ready", flush=True)
time.sleep(60)
"""


def list_states(path: Path) -> list[str]:
    """Return for each place whether it is new, was begun, or has a verdict."""
    with closing(Journal(path)) as journal:
        records = [record for _, _, record in journal.read_rows()]
    return [
        record.resolution.state if record.resolution else "begun" if record.started_at else "new"
        for record in records
    ]


def leave_open(path: Path) -> None:
    """Let a process write into a journal and be killed."""
    code = HOLD.format(tests=str(Path(__file__).resolve().parents[2]), path=str(path))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGKILL)


def test_what_was_written_before_a_kill_is_there_after_it(path: Path) -> None:
    """Marks and verdicts survive, and the file can be used at once."""
    leave_open(path)

    assert list_states(path) == ["accepted", "begun", "begun", "new"]


@pytest.mark.parametrize("size", [0, 10, 32, 2000, 5000])
def test_a_log_that_was_cut_short_takes_no_mark_with_it(size: int, path: Path) -> None:
    """What was about to leave stays known, so that it is looked up and not sent a second time."""
    leave_open(path)
    log = path.with_name("run.journal-wal")
    log.write_bytes(log.read_bytes()[:size])

    assert list_states(path) == ["accepted" if size == 5000 else "begun", "begun", "begun", "new"]


def test_a_journal_behind_a_link_goes_on_after_a_kill(path: Path) -> None:
    """Its log is beside the file that the link leads to, where it is looked for."""
    target = path.with_name("elsewhere") / "real.journal"
    target.parent.mkdir()
    path.symlink_to(target)
    leave_open(path)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in target.parent.iterdir()}
    Journal(path).close()

    assert "real.journal-wal" in modes
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("change", ["deleted", "moved", "replaced"])
def test_nothing_leaves_without_its_journal(change: str, path: Path) -> None:
    """A mark in a file that nobody will find says nothing to the next run: the request is not sent."""
    journal = Journal(path)
    with closing(journal):
        items = mark(journal)
        path.rename(path.with_name("moved")) if change == "moved" else path.unlink()
        if change == "replaced":
            path.touch()
        with pytest.raises(JournalError, match="moved, deleted or replaced while it was in use"):
            journal.mark_started([items[0].index], 0.0)


def test_a_pipe_is_no_journal(path: Path) -> None:
    """A message names what it is; nothing waits for whoever reads the pipe."""
    os.mkfifo(path)
    with pytest.raises(JournalError, match="it is a device or a pipe; name a file"):
        Journal(path)


@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_a_torn_end_is_left_out(damage: str, path: Path) -> None:
    """The last record is lost if it was half written; those before it hold, and the file works."""
    leave_open(path)
    log = path.with_name("run.journal-wal")
    whole = log.read_bytes()
    log.write_bytes(whole[:-100] if damage == "cut" else whole + b"\x07" * 1000)

    assert list_states(path) == [
        "begun" if damage == "cut" else "accepted",
        "begun",
        "begun",
        "new",
    ]


def test_a_lost_log_is_noticed(path: Path) -> None:
    """Without the second file what was sent last is not known; it is asked for, not ignored."""
    leave_open(path)
    path.with_name("run.journal-wal").unlink()
    with pytest.raises(JournalError, match=r"its file run\.journal-wal is missing"):
        Journal(path)
    path.with_name("run.journal-wal").touch()
    Journal(path).close()


@pytest.mark.parametrize("content", [b"to;text\n" * 500, b"", None])
def test_another_kind_of_file_is_no_journal(content: bytes | None, path: Path) -> None:
    """It is rejected and left as it was; an empty file is a new journal."""
    if content is None:
        file = sqlite3.connect(path)
        file.execute("CREATE TABLE theirs (a)")
        file.close()
        content = path.read_bytes()
    path.write_bytes(content)
    if content:
        with pytest.raises(JournalError, match=r"run\.journal: (it is another|file is not)"):
            Journal(path)
        assert path.read_bytes() == content
    else:
        Journal(path).close()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The error comes before anything is sent."""
    with Ledger(tmp_path) as ledger:
        with pytest.raises(JournalError, match="unable to open"):
            send(ledger, tmp_path / "nowhere" / "run.journal")

        assert ledger.rows == []


def test_a_journal_of_another_version_is_refused(path: Path) -> None:
    """A form that is not known is not guessed at."""
    Journal(path).close()
    file = sqlite3.connect(path)
    file.execute("PRAGMA user_version = 99")
    file.close()

    with pytest.raises(JournalError, match=r"another version .* Finish the run with that version"):
        Journal(path)


class Interrupted:
    """A file in which the user presses Ctrl-C as soon as a statement of that word has been done."""

    def __init__(self, file: Any, word: str = "BEGIN") -> None:
        self._file = file
        self._word = word
        self._begun = False

    def execute(self, statement: str, *values: Any) -> Any:
        """Do it, then be interrupted, once."""
        result = self._file.execute(statement, *values)
        if statement.startswith(self._word) and not self._begun:
            self._begun = True
            raise KeyboardInterrupt
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_marks_are_on_the_disk_before_a_request_leaves(path: Path) -> None:
    """The checkpoint waits for the log and the file; verdicts need not, for they can be looked up."""
    journal = Journal(path)
    statements: list[str] = []
    items = mark(journal)
    journal._file.set_trace_callback(statements.append)
    journal.mark_started([item.index for item in items], time.time())
    marks = list(statements)
    statements.clear()
    journal.record({0: Resolution(state="accepted", reason="fine")})
    recorded = list(statements)
    (level,) = journal._file.execute("PRAGMA synchronous").fetchone()
    journal.close()

    assert level == 1  # NORMAL: the log is synchronized before a checkpoint, and the file after it
    assert [statement.split()[0] for statement in marks] == ["INSERT", "PRAGMA"]
    assert marks[-1] == "PRAGMA wal_checkpoint(PASSIVE)"
    assert recorded[-1] == "COMMIT"


@pytest.mark.parametrize("result", [(1, 5, 0), (0, 5, 4), sqlite3.OperationalError("full")])
def test_marks_are_on_the_disk_also_if_the_file_cannot_take_them(
    result: object, path: Path
) -> None:
    """The log then waits for the disk itself, and what follows does not."""

    class Full(Interrupted):
        def execute(self, statement: str, *values: Any) -> Any:
            if not statement.startswith("PRAGMA wal"):
                return self._file.execute(statement, *values)
            if isinstance(result, Exception):
                raise result
            return self._file.execute("SELECT ?, ?, ?", result)

    journal = Journal(path)
    items = mark(journal)
    statements: list[str] = []
    journal._file.set_trace_callback(statements.append)
    file = journal._file
    journal._file = Full(file)  # type: ignore[assignment]  # is in for it
    journal.mark_started([item.index for item in items], time.time())
    journal._file = file
    journal.close()

    last = statements.index("PRAGMA synchronous = FULL")
    assert statements[last : last + 5] == [
        "PRAGMA synchronous = FULL",
        "BEGIN IMMEDIATE",
        "UPDATE run SET open = 1",
        "COMMIT",
        "PRAGMA synchronous = NORMAL",
    ]


def test_threads_that_wait_share_one_write(path: Path) -> None:
    """Whoever comes first writes for all that wait; nothing is left for the next one."""
    journal = Journal(path)
    mark(journal)
    statements: list[str] = []
    journal._file.set_trace_callback(statements.append)
    with journal._lock:
        threads = [threading.Thread(target=journal.mark_started, args=([n], 1.0)) for n in range(3)]
        for thread in threads:
            thread.start()
        while len(journal._changes) < 3:
            time.sleep(0.001)
    for thread in threads:
        thread.join()
    records = journal.load_records(mark(journal))
    journal.close()

    assert statements.count("PRAGMA wal_checkpoint(PASSIVE)") == 1
    assert journal._changes == []
    assert [record.started_at for record in records] == [1.0, 1.0, 1.0, None]


def test_an_interrupt_between_two_steps_leaves_a_journal_that_can_be_used(path: Path) -> None:
    """Ctrl-C right after a transaction began, then a regular end: the next run opens the journal."""
    journal = Journal(path)
    mark(journal)
    journal._file = Interrupted(journal._file)  # type: ignore[assignment]  # is in for it
    with pytest.raises(KeyboardInterrupt):
        journal.mark_started([0, 1], 1.0)
    journal.close()
    again = Journal(path)
    records = again.load_records(mark(again))
    again.close()

    assert [record.started_at for record in records] == [None] * 4


def test_an_interrupt_right_after_a_write_leaves_a_journal_that_goes_on(path: Path) -> None:
    """Whether it was written is not known: new places are written again, and change nothing."""
    journal = Journal(path)
    mark(journal)
    file = journal._file
    journal._file = Interrupted(file, "COMMIT")  # type: ignore[assignment]  # is in for it
    with pytest.raises(KeyboardInterrupt):
        journal.mark_started([1, 2], 1.0)
    journal._file = file
    journal.record({2: Resolution(state="accepted", reason="fine")})
    journal.close()

    assert list_states(path) == ["new", "begun", "accepted", "new"]


@pytest.mark.parametrize("word", ["INSERT", "COMMIT"])
def test_a_mark_of_places_that_were_perhaps_written_before_is_not_lost(
    word: str, path: Path
) -> None:
    """An interrupt came right after they were: the mark is then written to the rows that are there."""
    journal = Journal(path)
    mark(journal)
    file = journal._file
    journal._file = Interrupted(file, word)  # type: ignore[assignment]  # is in for it
    with pytest.raises(KeyboardInterrupt):
        journal.record({1: Resolution(state="unsent", reason="late")})
    journal._file = file
    journal.mark_started([0, 1, 2, 3], 1.0)
    journal.close()

    assert list_states(path) == ["begun"] * 4


@pytest.mark.parametrize("word", ["PRAGMA synchronous", "BEGIN", "UPDATE", "COMMIT", "PRAGMA wal"])
def test_an_interrupt_while_a_journal_is_closed_leaves_one_that_can_be_used(
    word: str, path: Path
) -> None:
    """A second Ctrl-C, while the first one's end is under way, does not make the file look damaged."""
    journal = Journal(path)
    mark(journal)
    journal.mark_started([0], 1.0)
    journal._file = Interrupted(journal._file, word)  # type: ignore[assignment]  # is in for it
    with pytest.raises(KeyboardInterrupt):
        journal.close()
    again = Journal(path)
    records = again.load_records(mark(again))
    again.close()

    assert [record.started_at for record in records] == [1.0, None, None, None]
