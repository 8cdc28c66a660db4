"""What a run costs, seen from the server: the plan is said first, and never passed."""

import re
import socket
import subprocess
from collections.abc import Iterator

import pytest
from infobip_sms_conformance.run.engine import get_checked_requirements

from infobip_sms.sandbox import Sandbox, running
from tests.conformance.runs_in_process import ACCOUNT, PROGRAM, Judge, find_rows

SECONDS = 60.0
MINE = ("9990510000005", "9990510000006", "9990510000007")


@pytest.fixture(name="sandbox")
def fixture_sandbox() -> Iterator[Sandbox]:
    """Give a sandbox that has taken nothing."""
    with running(api_key=ACCOUNT[-1]) as sandbox:
        yield sandbox


def test_bill_is_said_before_the_first_byte() -> None:
    """Before anything is sent, requests, messages and their numbers are on the output, also in a pipe."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [*PROGRAM, "server", url, "--quiet"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as judge:
            assert judge.stdout is not None
            connection, _ = listener.accept()
            connection.close()  # the plan was written before that, so it can be read now
            lines = [judge.stdout.readline() for _ in range(2)]
            judge.kill()

    assert lines[0].startswith(f"Checking {url}")
    assert re.match(r"Plan: \d+ requests .* at most \d+ messages to 3 documented", lines[1])


def test_dry_run_sends_nothing(judge_line: Judge) -> None:
    """After --dry-run nobody has knocked at the server's door."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert judge_line.run("server", url, "--dry-run").code == 0
    with listener, pytest.raises(BlockingIOError):
        listener.accept()


def test_whole_run_keeps_to_its_bill(judge_line: Judge, sandbox: Sandbox) -> None:
    """A good server sees at most 150 requests, and takes no more messages than were announced."""
    run, report = judge_line.judge(sandbox.url, "--clock")
    taken = sandbox.messages()

    assert run.code == 0, run.out
    assert not find_rows(report, "FAIL", "WARN", "ERROR", "INCONCLUSIVE")
    assert report["requests"] <= min(150, report["plan"]["requests"])
    assert len(taken) <= report["messages"] <= report["plan"]["messages"]
    assert f"at most {report['most']['messages']} messages" in run.out


def test_rejections_send_no_message(judge_line: Judge, sandbox: Sandbox) -> None:
    """With the profile rejections a good server takes nothing, and passes in what was asked."""
    run, report = judge_line.judge(sandbox.url, "--profile", "rejections")

    assert run.code == 0, run.out
    assert sandbox.messages() == []
    assert report["messages"] == 0
    assert {"SEND-016", "WIN-004", "HTTP-003", "AUTH-001"} <= find_rows(report, "PASS")


def test_rejections_end_at_the_first_message_that_is_taken(
    judge_line: Judge, sandbox: Sandbox
) -> None:
    """A server that takes what it must reject takes one message, fails by that rule, and is asked no more."""
    sandbox.switch_on("SEND-016")
    run, report = judge_line.judge(sandbox.url, "--profile", "rejections")

    assert run.code == 1, run.out
    assert len(sandbox.messages()) == 1
    assert find_rows(report, "FAIL") == {"SEND-016"}
    assert "a message was taken" in report["stopped"]


def test_live_run_sends_few_messages_to_few_numbers(judge_line: Judge, sandbox: Sandbox) -> None:
    """With the profile live 60 messages to three numbers of --to are enough to look at all of it."""
    to = [word for number in MINE for word in ("--to", f"+{number[:3]} {number[3:]}")]
    run, report = judge_line.judge(
        sandbox.url, "--profile", "live", "--without", "intermediate", *to
    )
    taken = sandbox.messages()

    assert len(taken) <= 60
    assert {message.to.lstrip("+") for message in taken} <= set(MINE)
    assert run.code == 0, run.out
    assert report["stopped"] == ""
    assert not find_rows(report, "FAIL", "ERROR")
    assert len(find_rows(report, "PASS")) > 60
    for number in MINE:
        assert number not in run.out


def test_limit_of_messages_is_one_that_the_server_sees(judge_line: Judge, sandbox: Sandbox) -> None:
    """With --max-messages the server takes no more, and what could not be looked at is no failure."""
    run, report = judge_line.judge(sandbox.url, "--max-messages", "10", "--patience", "0")

    assert len(sandbox.messages()) <= 10
    assert run.code == 2
    assert not find_rows(report, "FAIL", "ERROR")
    assert report["stopped"] == "the announced 10 messages were reached"


def test_runs_side_by_side_do_not_meet(sandbox: Sandbox) -> None:
    """Two runs at once against one server have ids of their own, and both pass."""
    words = ("server", sandbox.url, *ACCOUNT, "--only", "RESP", "--only", "SEND", "--only", "LOG")
    runs = [
        subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    told = [run.communicate(timeout=SECONDS * 3)[0] for run in runs]

    assert [run.returncode for run in runs] == [0, 0], told


def test_clock_that_somebody_has_moved_is_no_failure(judge_line: Judge, sandbox: Sandbox) -> None:
    """After a run with --clock the server is days ahead; a second one says so, and checks nothing wrongly."""
    sandbox.clock.advance(2 * 86_400)
    run, report = judge_line.judge(sandbox.url, "--clock")
    sandbox.reset()
    again = judge_line.run("server", sandbox.url, *ACCOUNT, "--clock", "--only", "SCHED")

    assert run.code == 2
    assert "the clock of the server is" in report["stopped"]
    assert again.code == 0, again.out


@pytest.mark.parametrize("requirement_id", sorted(get_checked_requirements()))
def test_plan_of_one_requirement_is_close(judge_line: Judge, requirement_id: str) -> None:
    """With --only a correct server sees no more than was planned for that requirement, and not much less.

    What is planned and not sent: requests of its group that other requirements look at, and repeated
    lookups of a list that was complete at once. Messages of a request that must be rejected are
    planned as if it were accepted.
    """
    with running(api_key=ACCOUNT[-1]) as sandbox:
        run, report = judge_line.judge(sandbox.url, "--clock", "--only", requirement_id)
    plan, requests, messages = report["plan"], report["requests"], report["messages"]

    assert run.code == 0, run.out
    assert requests <= plan["requests"] <= 2 * requests + 2
    assert messages <= plan["messages"] <= messages + 4 * requests


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--only", "SEND-016"), (7, 21)),
        (("--replay", "SEND-016:callback-data-long-json@7"), (4, 6)),
        (("--replay", "SEND-017:validity_period_counts_minutes-json"), (7, 33)),
        (("--only", "SEND-016", "--profile", "rejections"), (5, 5)),
        (("--only", "VAL-001", "--without", "xml"), (3, 8)),
    ],
)
def test_plan_follows_from_the_chosen_checks(
    judge_line: Judge, sandbox: Sandbox, words: tuple[str, ...], expected: tuple[int, int]
) -> None:
    """Requests and messages are counted for the chosen checks, cases, formats and profile alone."""
    _, report = judge_line.judge(sandbox.url, "--clock", *words)
    plan = report["plan"]

    assert (plan["requests"], plan["messages"]) == expected
    assert report["requests"] <= plan["requests"]
    assert report["most"]["requests"] < 2 * plan["requests"] + 50
