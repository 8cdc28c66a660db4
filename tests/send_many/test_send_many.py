"""Any number of messages: one outcome for each destination, in order, and each sent once at most."""

from __future__ import annotations

import itertools
import json
import pickle
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import (
    ApiError,
    Client,
    Day,
    DeliveryTimeWindow,
    Destination,
    InvalidRequestError,
    InvalidResponseError,
    Message,
    Tracking,
    TransportError,
)
from infobip_sms.send_many.batch import BatchSender
from infobip_sms.send_many.journal_file import JournalRecord
from infobip_sms.send_many.options import SendManyOptions
from infobip_sms.send_many.outcomes import QueuedDestination
from tests.client.calls import reply
from tests.fakes.ledger_process import AUTH, Ledger, build_messages, build_number, find_states

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.client.calls import Serve
    from tests.fakes.scripted_server import ReceivedRequest


def test_every_destination_has_an_outcome_in_the_order_of_the_input(tmp_path: Path) -> None:
    """Whatever the threads do, outcomes stand as the destinations do, and each was accepted once."""
    with Ledger(tmp_path, "--pause", 0.01) as ledger:
        outcomes = ledger.send(build_messages(200), chunk=7, concurrency=5)

        assert [o.index for o in outcomes] == list(range(200))
        assert [o.to for o in outcomes] == [build_number(i) for i in range(200)]
        assert {(o.state, o.reason, o.error, o.earlier) for o in outcomes} == {
            ("accepted", "PENDING_ACCEPTED", None, False)
        }
        assert {(o.to, o.message_id, o.bulk_id) for o in outcomes} == {r[:3] for r in ledger.rows}
        assert len(ledger.rows) == 200


def test_resp_005_a_destination_without_a_message_id_gets_one_of_ours(tmp_path: Path) -> None:
    """Ids of the input are kept; the others are new ones, different in each run, of 36 characters."""
    first = Destination(to=build_number(0), message_id="mine")
    second = Destination(to=build_number(1))
    message = Message(destinations=[first, second])
    with Ledger(tmp_path) as ledger:
        runs = [ledger.send([message, message]) for _ in range(2)]

    ids = [o.message_id for run in runs for o in run]
    ours = {name for name in ids if name != "mine"}
    assert ids[::2] == ["mine"] * 4
    assert len(ours) == 4
    assert {len(name) for name in ours} == {36}
    assert [o.state for o in runs[0]] == ["accepted"] * 4, "one id twice is told apart by its place"


def test_requests_have_as_many_destinations_as_a_chunk(tmp_path: Path) -> None:
    """Small messages share a request; a large one goes into several."""
    numbers = [Destination(to=build_number(i)) for i in range(25)]
    messages = [Message(destinations=numbers[:3]), Message(destinations=numbers[3:])]
    with Ledger(tmp_path) as ledger:
        outcomes = ledger.send(messages, chunk=10, concurrency=1)
        requests = [row[3] for row in ledger.rows]

    assert find_states(outcomes) == ["a"] * 25
    assert [requests.count(n) for n in (1, 2, 3)] == [10, 10, 5]


def test_a_status_of_the_rejected_group_is_a_refusal(tmp_path: Path) -> None:
    """One destination of a request is rejected, with its status; the others are accepted."""
    message = Message(destinations=[Destination(to=t) for t in ("411", "410000", "413")])
    with Ledger(tmp_path) as ledger:
        outcomes = ledger.send([message])

    assert find_states(outcomes) == ["a", "r", "a"]
    assert outcomes[1].status is not None
    assert outcomes[1].status.name == outcomes[1].reason == "REJECTED_NETWORK"


def spoil_destinations(message: Message) -> Message:
    """Put something into the list of destinations that is none."""
    object.__setattr__(message, "destinations", (*message.destinations, 41))
    return message


def spoil_days(message: Message) -> Message:
    """Put something into the list of days that is none."""
    window = DeliveryTimeWindow(days=[Day.MONDAY])
    object.__setattr__(window, "days", (Day.MONDAY, "Moonday"))
    return Message(destinations=message.destinations, delivery_time_window=window)


@pytest.mark.parametrize("journal", [None, "journal"])
@pytest.mark.parametrize("spoil", [spoil_destinations, spoil_days])
def test_a_message_that_breaks_a_rule_takes_no_other_with_it(
    spoil: Any, journal: str | None, tmp_path: Path
) -> None:
    """Its own destinations are rejected, with what it breaks; its neighbours are sent."""
    one, bad, other = build_messages(3)
    bad = spoil(bad)
    with Ledger(tmp_path) as ledger:
        outcomes = ledger.send([one, bad, other], journal=journal and tmp_path / journal)

    assert find_states(outcomes) == ["a", *"r" * len(bad.destinations), "a"]
    assert isinstance(outcomes[1].error, InvalidRequestError)
    assert outcomes[1].error.violations[0].path in {
        "deliveryTimeWindow.days[1]",
        "Message.destinations[1]",
    }


def test_text_002_a_text_that_xml_cannot_carry_takes_no_other_with_it(serve: Serve) -> None:
    """What only the writer of a format sees is laid at its message's door, too."""

    def answer(request: ReceivedRequest) -> bytes:
        ids = re.findall("<messageId>(.*?)</messageId>", request.body.decode())
        status = "<groupId>1</groupId><groupName>PENDING</groupName><id>26</id><name>OK</name>"
        entry = "<message><to>41</to><status>{}</status><messageId>{}</messageId></message>"
        entries = "".join(entry.format(status, name) for name in ids)
        body = f"<smsResponse><messages>{entries}</messages></smsResponse>"
        return reply(body.encode(), 200, "application/xml")

    texts = ["one", "two\x01", "three", "four\x02"]
    messages = [Message(destinations=[Destination(to="41")], text=text) for text in texts]
    server = serve("hear", answer)
    with Client(server.url, auth=AUTH, wire="xml", retry=None) as client:
        outcomes = list(client.send_many(messages, dedupe=None))

    assert find_states(outcomes) == ["a", "r", "a", "r"]
    assert outcomes[3].reason.startswith("text: expected ")
    assert "got U+0002" in outcomes[3].reason
    assert len(server.finish()) == 1


UNKNOWN = ["a"] * 2 + ["u"] * 2 + ["a"] * 4


@pytest.mark.parametrize(
    ("accident", "on_unknown", "states", "kind"),
    [
        ("drop-after@2", "report", UNKNOWN, TransportError),
        ("drop-before@2", "report", UNKNOWN, TransportError),
        ("500-after@2", "report", UNKNOWN, InvalidResponseError),
        ("garbage@2", "report", UNKNOWN, InvalidResponseError),
        ("foreign@2", "report", UNKNOWN, InvalidResponseError),
        ("short@2", "report", UNKNOWN, InvalidResponseError),
        ("503-bare@2", "report", UNKNOWN, ApiError),
        ("drop-after@2", "reconcile", ["a"] * 8, None),
        ("500-after@2", "reconcile", ["a"] * 8, None),
        ("garbage@2", "reconcile", ["a"] * 8, None),
        ("short@2", "reconcile", ["a"] * 8, None),
        ("foreign@2", "reconcile", ["a"] * 8, None),
        ("drop-before@2", "reconcile", UNKNOWN, TransportError),
        ("drop-after@2", "resend", ["a"] * 8, None),
        ("drop-before@2", "resend", ["a"] * 8, None),
        ("503-bare@2-3", "resend", ["a"] * 8, None),
        ("drop-before@2-4", "resend", UNKNOWN, TransportError),
        ("400@2", "report", ["a"] * 2 + ["r"] * 2 + ["a"] * 4, ApiError),
        ("401@2", "report", ["a"] * 2 + ["n"] * 6, ApiError),
        ("403@2", "reconcile", ["a"] * 2 + ["n"] * 6, ApiError),
        ("404@2", "resend", ["a"] * 2 + ["n"] * 6, ApiError),
        ("429@2", "report", ["a"] * 2 + ["n"] * 6, ApiError),
        ("503@2", "report", ["a"] * 2 + ["n"] * 6, ApiError),
        ("drop-after@2", "stop", ["a"] * 2 + ["u"] * 2 + ["n"] * 4, TransportError),
    ],
)
def test_an_accident_is_told_for_exactly_the_destinations_that_it_happened_to(
    accident: str, on_unknown: str, states: list[str], kind: type | None, tmp_path: Path
) -> None:
    """Second of four requests: state and error of each destination, and nothing accepted twice."""
    with Ledger(tmp_path, "--accident", accident) as ledger:
        outcomes = ledger.send(build_messages(8), chunk=2, concurrency=1, on_unknown=on_unknown)
        accepted = {o.to for o in outcomes if o.state == "accepted"}

        assert find_states(outcomes) == states
        assert {type(o.error) for o in outcomes if o.state != "accepted"} == {kind} - {None}
        assert len(set(ledger.numbers)) == len(ledger.numbers)
        assert accepted <= set(ledger.numbers)
        assert {o.to for o in outcomes if o.state in {"rejected", "unsent"}}.isdisjoint(
            ledger.numbers
        )


def test_an_answer_that_lacks_entries_leaves_only_these_unknown(tmp_path: Path) -> None:
    """RESP-001: entries are found by their messageId; the two that are missing are told."""
    with Ledger(tmp_path, "--accident", "short@1") as ledger:
        outcomes = ledger.send(build_messages(5))

    assert find_states(outcomes) == ["a"] * 3 + ["u"] * 2
    assert "RESP-001" in outcomes[4].reason


@pytest.mark.parametrize("accident", ["429@2-4", "503@2-4"])
def test_what_was_not_processed_is_tried_again_as_long_as_patience_lasts(
    accident: str, tmp_path: Path
) -> None:
    """A busy server gets the same request again, after a pause, and accepts it once."""
    with Ledger(tmp_path, "--accident", accident) as ledger:
        outcomes = ledger.send(build_messages(8), chunk=2, concurrency=1, patience=20)

        assert find_states(outcomes) == ["a"] * 8
        assert [row[3] for row in ledger.rows] == [1, 1, 5, 5, 6, 6, 7, 7]


class Patient(threading.Event):
    """Notes how long somebody would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Return at once."""
        self.waits.append(timeout or 0.0)
        return False


def test_pauses_before_a_server_that_is_busy_become_longer_and_are_left_to_chance(
    serve: Serve,
) -> None:
    """Each is about twice the one before, up to 15 seconds, and threads do not come back together."""
    busy = ("hear", reply(b"{}", 429))
    server = serve(*busy * 8, "hear", reply(b"{}", 400))
    with Client(server.url, auth=AUTH, retry=None) as client:
        delivery = BatchSender(
            client, SendManyOptions(1, 1, "report", None, None, 0.0, 600.0), None
        )
        delivery.stopped = Patient()
        (message,) = build_messages(1)
        delivery.process(
            [QueuedDestination(0, message, message.destinations[0], has_generated_id=False)],
            [JournalRecord()],
        )

    assert len(server.finish()) == 9
    for wait, most in zip(delivery.stopped.waits, [1, 2, 4, 8, 15, 15, 15, 15], strict=True):
        assert most / 2 <= wait <= most
    assert len(set(delivery.stopped.waits)) == 8


def test_a_pause_that_the_server_asks_for_is_not_cut_short(serve: Serve) -> None:
    """Retry-After beyond all patience ends the run at once, with one request."""
    server = serve("hear", reply(b"{}", 429, "application/json", "Retry-After: 3600"))
    with Client(server.url, auth=AUTH, retry=None) as client:
        outcomes = list(client.send_many(build_messages(4), chunk=2, patience=60, concurrency=1))

    assert find_states(outcomes) == ["n"] * 4
    assert len(server.finish()) == 1


def test_nothing_is_sent_after_a_server_that_is_not_there(tmp_path: Path) -> None:
    """All is unsent, with the error of the first, and the input is read to its end."""
    with Ledger(tmp_path) as ledger:
        ledger.kill()
        outcomes = ledger.send(build_messages(50), chunk=5)

    assert find_states(outcomes) == ["n"] * 50
    assert {o.error.sent for o in outcomes if isinstance(o.error, TransportError)} == {"no"}
    assert outcomes[49].reason.startswith("the run had ended: POST /sms/2/text/advanced (")


def test_credentials_that_cannot_be_sent_are_no_fault_of_the_messages(tmp_path: Path) -> None:
    """AUTH-005: a key that breaks a rule leaves all unsent."""

    class Odd:
        def header(self) -> str:
            return "App two words"

    with Ledger(tmp_path) as ledger, Client(ledger.url, auth=Odd()) as client:
        assert find_states(client.send_many(build_messages(3), chunk=2)) == ["n"] * 3


@pytest.mark.parametrize(("settle", "twice"), [(3.0, False), (0.0, True)])
def test_logs_are_given_time_before_anything_is_sent_again(
    settle: float, twice: bool, tmp_path: Path
) -> None:
    """Logs that know a message after a second prevent a second one, if settle is longer than that."""
    with Ledger(tmp_path, "--accident", "drop-after@1", "--lag", 1) as ledger:
        outcomes = ledger.send(build_messages(2), on_unknown="resend", log_delay=settle)

        assert find_states(outcomes) == ["a"] * 2
        assert len(ledger.rows) == (4 if twice else 2)


def test_a_rejection_of_a_used_message_id_tells_that_the_first_request_arrived(
    tmp_path: Path,
) -> None:
    """Logs know nothing and the second request is rejected as a duplicate: accepted, once."""
    options = ("--accident", "drop-after@1", "--lag", 60, "--unique")
    named = Message(destinations=[Destination(to="411", message_id="mine")])
    with Ledger(tmp_path, *options) as ledger:
        outcomes = ledger.send([*build_messages(2), named], on_unknown="resend")
        later = ledger.send([named])

        assert find_states(outcomes) == ["a"] * 3
        assert len(ledger.rows) == 3
        assert find_states(later) == ["r"], "an id of the caller's may be another message's"


@pytest.mark.parametrize("member", ["send_at", "delivery_time_window"])
def test_what_is_to_be_sent_later_is_never_sent_again(member: str, tmp_path: Path) -> None:
    """Logs need not know of a scheduled message before it is sent: absence proves nothing."""
    times = {
        "send_at": "2027-01-01T12:00:00+00:00",
        "delivery_time_window": DeliveryTimeWindow(days=[Day.MONDAY]),
    }
    value: Any = times[member]
    if member == "send_at":
        import datetime as dt  # noqa: PLC0415

        value = dt.datetime.fromisoformat(value)
    message = Message(destinations=[Destination(to="411")], **{member: value})
    with Ledger(tmp_path, "--accident", "drop-before@1") as ledger:
        assert find_states(ledger.send([message], on_unknown="resend")) == ["u"]
        assert ledger.rows == []


def test_nothing_is_sent_again_while_the_logs_cannot_be_asked(tmp_path: Path) -> None:
    """A server that answers no question gives no proof of absence."""
    with Ledger(tmp_path, "--accident", "drop-before@1", "--deaf") as ledger:
        assert find_states(ledger.send(build_messages(2), on_unknown="resend")) == ["u"] * 2
        assert ledger.rows == []


def test_a_lookup_is_repeated_while_the_server_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lookup changes nothing: 503 without Retry-After does not leave its messages unknown."""
    monkeypatch.setattr("infobip_sms.send_many.batch._next_pause", lambda *_: 0.0)
    with Ledger(tmp_path, "--accident", "drop-after@1", "--busy", 2) as ledger:
        outcomes = ledger.send(build_messages(2), on_unknown="reconcile", patience=5)

    assert find_states(outcomes) == ["a"] * 2


def test_logs_of_another_number_settle_nothing(tmp_path: Path) -> None:
    """One messageId given twice: what the logs have of the one says nothing of the other."""
    places = [Destination(to=f"41{n}", message_id="mine") for n in (1, 2)]
    messages = [Message(destinations=[place]) for place in places]
    with Ledger(tmp_path, "--accident", "drop-after@1", "--accident", "drop-before@2") as ledger:
        outcomes = ledger.send(messages, chunk=1, concurrency=1, on_unknown="reconcile")

    assert find_states(outcomes) == ["a", "u"]


def test_an_input_that_fails_ends_the_run_after_what_came_before(tmp_path: Path) -> None:
    """All that was read has its outcome first; then the input's own error comes through."""

    def fail() -> Iterator[Message]:
        yield from build_messages(7)
        raise LookupError("no more")

    seen: list[str] = []
    with Ledger(tmp_path) as ledger, Client(ledger.url, auth=AUTH) as client:
        outcomes = client.send_many(fail(), chunk=3)
        with pytest.raises(LookupError, match="no more"):
            seen.extend(o.state for o in outcomes)

        assert seen == ["accepted"] * 7
        assert len(ledger.rows) == 7


def test_what_is_no_message_is_told_by_its_place(tmp_path: Path) -> None:
    """The error names the place, after the outcomes of those before it."""
    messages: list[Any] = [*build_messages(2), "41793026727"]
    with Ledger(tmp_path) as ledger, Client(ledger.url, auth=AUTH) as client:
        outcomes = client.send_many(messages)

        assert [next(outcomes).state, next(outcomes).state] == ["accepted"] * 2
        with pytest.raises(
            InvalidRequestError, match=r"messages\[2\]: expected .*, got a string of 11 characters"
        ):
            next(outcomes)


def test_nothing_is_sent_before_the_first_outcome_is_asked_for(tmp_path: Path) -> None:
    """A call alone sends nothing and opens no journal."""
    with Ledger(tmp_path) as ledger, Client(ledger.url, auth=AUTH) as client:
        client.send_many(build_messages(5), journal=tmp_path / "journal").close()

        assert ledger.rows == []
        assert not (tmp_path / "journal").exists()


def test_leaving_the_loop_ends_the_run_and_finishes_what_is_under_way(tmp_path: Path) -> None:
    """An endless input: what had begun is accepted and in the journal, and nothing comes after."""
    read = 0

    def count() -> Iterator[Message]:
        nonlocal read
        for message in build_messages(10**9):
            read += 1
            yield message

    path = tmp_path / "journal"
    with Ledger(tmp_path, "--pause", 0.05) as ledger, Client(ledger.url, auth=AUTH) as client:
        outcomes = client.send_many(count(), chunk=10, concurrency=2, journal=path)
        first = list(itertools.islice(outcomes, 5))
        outcomes.close()
        sent = ledger.numbers
        again = ledger.send(build_messages(read), chunk=10, journal=path)

        assert [o.index for o in first] == list(range(5))
        assert read <= 50
        assert 10 <= len(sent) <= read
        assert sorted(o.to for o in again if o.earlier) == sent
        assert ledger.numbers == [build_number(i) for i in range(read)]


def test_what_waits_its_turn_when_the_loop_is_left_is_never_sent(serve: Serve) -> None:
    """Of four batches one is done, two may be under way, and the fourth has not begun: it never does."""
    full, release = threading.Event(), threading.Event()
    read = []

    def give() -> Iterator[Message]:
        for message in build_messages(50):
            read.append(message)
            if len(read) == 4:
                full.set()
            yield message

    def answer(request: ReceivedRequest) -> bytes:
        first = build_number(0) in request.body.decode()
        (full if first else release).wait(20)
        return reply(b"{}", 400)

    server = serve("hear", answer)
    with Client(server.url, auth=AUTH) as client:
        outcomes = client.send_many(give(), chunk=1, concurrency=2)
        assert next(outcomes).index == 0
        threading.Timer(0.5, release.set).start()
        outcomes.close()

    assert len(read) == 4
    assert len(server.finish()) in {2, 3}


def test_as_many_requests_run_at_a_time_as_were_asked_for(serve: Serve) -> None:
    """Three requests wait for each other, and none would end alone."""
    barrier = threading.Barrier(3, timeout=20)

    def answer(_: ReceivedRequest) -> bytes:
        barrier.wait()
        return reply(b"{}", 400)

    server = serve("hear", answer)
    with Client(server.url, auth=AUTH) as client:
        outcomes = list(client.send_many(build_messages(6), chunk=2, concurrency=3))

    assert find_states(outcomes) == ["r"] * 6
    assert not barrier.broken


def test_send_many_tracking_goes_with_every_request(serve: Serve) -> None:
    """TRACK-001: each request of a run has the tracking that was asked for."""
    server = serve("hear", reply(b"{}", 400))
    with Client(server.url, auth=AUTH) as client:
        list(client.send_many(build_messages(4), chunk=2, tracking=Tracking(type="MY_CAMPAIGN")))

    bodies = [json.loads(request.body) for request in server.finish()]
    assert [body["tracking"] for body in bodies] == [{"type": "MY_CAMPAIGN"}] * 2


@pytest.mark.parametrize(
    "options",
    [
        {"chunk": 0},
        {"chunk": True},
        {"chunk": 1.5},
        {"concurrency": 0},
        {"on_unknown": "hope"},
        {"log_delay": -1},
        {"log_delay": float("nan")},
        {"patience": "long"},
        {"patience": True},
        {"tracking": {}},
        {"per_second": 0},
        {"dedupe": ["number"]},
        {"messages": next(build_messages(1))},
    ],
    ids=str,
)
def test_a_bad_option_is_refused_at_once(options: dict[str, Any]) -> None:
    """The call itself raises ValueError; nothing needs to be iterated over."""
    with (
        Client("http://127.0.0.1:9", auth=AUTH) as client,
        pytest.raises(ValueError, match="expected"),
    ):
        client.send_many(**{"messages": [], **options})


def test_no_messages_are_no_outcomes(tmp_path: Path) -> None:
    """An empty input makes no request."""
    with Ledger(tmp_path) as ledger:
        assert ledger.send([]) == []


def test_outcomes_can_be_carried_to_another_process(tmp_path: Path) -> None:
    """An outcome with its error is the same after pickling."""
    with Ledger(tmp_path, "--accident", "401@2") as ledger:
        outcomes = ledger.send(build_messages(4), chunk=2, concurrency=1)

    copies = pickle.loads(pickle.dumps(outcomes))  # noqa: S301 - our own bytes
    assert find_states(copies) == ["a", "a", "n", "n"]
    assert copies[3].error.status == 401
    assert copies[:2] == outcomes[:2]


def test_no_reason_shows_a_number_or_a_text(tmp_path: Path) -> None:
    """Words of outcomes are those of statuses and errors."""
    shown = []
    for accident in ("short", "garbage", "drop-after", "500-after", "400", "401"):
        folder = tmp_path / accident
        folder.mkdir()
        with Ledger(folder, "--accident", f"{accident}@1") as ledger:
            shown += [o.reason for o in ledger.send(build_messages(4))]

    assert len(shown) == 24
    assert not re.search(r"41\d{6}|table", "\n".join(shown))


ABANDONED = """
from infobip_sms import ApiKey, Client, Destination, Message
messages = (Message(from_="InfoSMS", destinations=[Destination(to="41793026727")], text="x") for _ in range(9))
client = Client("http://127.0.0.1:1", auth=ApiKey("k"))
outcomes = client.send_many(messages, chunk=1, patience=3600.0)
import threading
threading.Thread(target=lambda: next(outcomes), daemon=True).start()
while not any(thread.name.startswith("infobip-sms") for thread in threading.enumerate()):
    pass
"""


def test_a_run_that_is_left_alone_does_not_keep_the_interpreter_alive() -> None:
    """What waits for a server ends with the program, an hour of patience or not."""
    subprocess.run([sys.executable, "-c", ABANDONED], check=True, timeout=60)
