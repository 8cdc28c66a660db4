"""Looking up what happened to messages, by logs and, if asked for, by reports."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infobip_sms import ApiError, Client, InvalidRequestError
from tests.client.calls import entry, reply
from tests.fakes.ledger_process import AUTH, Ledger, build_messages

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.calls import Serve
    from tests.fakes.scripted_server import ReceivedRequest

REJECTED = {
    "groupId": 5,
    "groupName": "REJECTED",
    "id": 23,
    "name": "REJECTED_DUPLICATE_MESSAGE_ID",
}


def test_log_002_many_ids_are_looked_up_a_queryful_at_a_time(tmp_path: Path) -> None:
    """Results come in the order of the ids, each once, known or not; no query is too long."""
    with Ledger(tmp_path) as ledger, Client(ledger.url, auth=AUTH) as client:
        sent = [o.message_id for o in client.send_many(build_messages(150))]
        asked = list(itertools.chain.from_iterable(zip(sent, map(str, range(150)), strict=True)))
        asked += [sent[0], "long" * 400, "with space & more"]
        found = list(client.reconcile(iter(asked)))

    assert [r.message_id for r in found] == asked
    assert [r.state for r in found] == ["accepted", "unknown"] * 150 + ["accepted", "unknown"] + [
        "unknown"
    ]
    assert [log.message_id for r in found[:3] for log in r.logs] == sent[:2]
    assert {r.reports for r in found} == {()}


def test_dlr_007_reports_are_used_up_only_if_asked_for(tmp_path: Path) -> None:
    """What the logs do not know is asked of the reports, and handed out, for it comes once."""
    with Ledger(tmp_path, "--lag", 60) as ledger, Client(ledger.url, auth=AUTH) as client:
        (sent,) = [o.message_id for o in client.send_many(build_messages(1))]
        runs = [list(client.reconcile([sent], reports=r)) for r in (False, True, True)]

    assert [run[0].state for run in runs] == ["unknown", "accepted", "unknown"]
    assert [[report.message_id for report in run[0].reports] for run in runs] == [[], [sent], []]


def answer_logs(*statuses: dict[str, Any] | None) -> Any:
    """Return what answers a question for logs with rows of these statuses for each id."""

    def answer(request: ReceivedRequest) -> bytes:
        ids = parse_qs(urlsplit(request.line.split()[1]).query)["messageId"]
        rows = [entry(messageId=name, status=status) for name in ids for status in statuses]
        rows.append(entry(messageId="of somebody else"))
        return reply(json.dumps({"results": rows}).encode())

    return answer


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ([REJECTED], "rejected"),
        ([REJECTED, entry()["status"]], "accepted"),
        ([None], "accepted"),
        ([], "unknown"),
    ],
)
def test_a_state_is_what_all_rows_of_a_message_say(
    statuses: list[Any], state: str, serve: Serve
) -> None:
    """A rejection counts if nothing else is there; rows of other messages do not count."""
    with Client(serve("hear", answer_logs(*statuses)).url, auth=AUTH) as client:
        (found,) = client.reconcile(["mine"])

    assert found.state == state
    assert len(found.logs) == len(statuses)


def test_log_003_a_question_asks_for_as_many_rows_as_there_may_be(serve: Serve) -> None:
    """Without a limit only 50 rows would come."""
    server = serve("hear", answer_logs(None))
    with Client(server.url, auth=AUTH) as client:
        assert len(list(client.reconcile(map(str, range(60))))) == 60

    queries = [parse_qs(urlsplit(r.line.split()[1]).query) for r in server.finish()]
    assert [(q["limit"], len(q["messageId"])) for q in queries] == [(["1000"], 60)]


def test_ids_are_read_as_they_are_needed(tmp_path: Path) -> None:
    """An endless row of ids gives its first results after one question."""
    with Ledger(tmp_path) as ledger, Client(ledger.url, auth=AUTH) as client:
        found = client.reconcile(map(str, itertools.count()))

        assert [next(found).message_id for _ in range(3)] == ["0", "1", "2"]


def test_an_error_comes_through(serve: Serve) -> None:
    """A server that rejects the question settles nothing."""
    with (
        Client(serve("hear", reply(b"{}", 401)).url, auth=AUTH) as client,
        pytest.raises(ApiError),
    ):
        list(client.reconcile(["mine"]))


@pytest.mark.parametrize(("bad", "requirement"), [("\ud800", "TEXT-001"), (7, "LOG-002")])
def test_what_is_no_id_is_refused_before_it_is_asked_for(
    bad: Any, requirement: str, serve: Serve
) -> None:
    """Half of a surrogate pair, or a number, is named by its place; nothing is sent."""
    server = serve("hear", reply(b"{}", 500))
    with (
        Client(server.url, auth=AUTH) as client,
        pytest.raises(InvalidRequestError, match=r"message_id\[1\]") as caught,
    ):
        list(client.reconcile(["good", bad]))
    server.finish()

    assert [v.requirement_id for v in caught.value.violations] == [requirement]
    assert server.connections == 0


def test_one_id_is_a_list_of_one(serve: Serve) -> None:
    """A bare string is one ID, not its letters."""
    server = serve("hear", reply(b'{"results":[]}'))
    with Client(server.url, auth=AUTH) as client:
        (found,) = client.reconcile("mine")

    assert (found.message_id, found.state) == ("mine", "unknown")
