"""What a run sends, as the server sees it: the plan is printed first, and never exceeded."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from infobip_sms_conformance.contract.files import WIRES
from infobip_sms_conformance.run.engine import get_checked_requirements
from infobip_sms_conformance.run.runner import build_plan
from infobip_sms_conformance.session.budget import get_rejected_cases, is_sent
from infobip_sms_conformance.session.plan import PROFILES
from infobip_sms_conformance.transport.http import parse_target

from infobip_sms.sandbox import Sandbox, running
from tests.conformance.runs_in_process import ACCOUNT, PROGRAM, Judge, find_rows

SECONDS = 60.0
OWN_NUMBERS = ("9990510000005", "9990510000006", "9990510000007")


@pytest.fixture(name="sandbox")
def fixture_sandbox() -> Iterator[Sandbox]:
    """Give a new sandbox."""
    with running(api_key=ACCOUNT[-1]) as sandbox:
        yield sandbox


def test_plan_is_printed_before_the_first_byte() -> None:
    """Before anything is sent, requests, messages and their numbers are on the output, also in a pipe."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [*PROGRAM, "server", url, "--quiet"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            connection, _ = listener.accept()
            connection.close()  # the plan was written before that, so it can be read now
            lines = [process.stdout.readline() for _ in range(2)]
            process.kill()

    assert lines[0].startswith(f"Checking {url}")
    assert re.match(r"Plan: \d+ requests .* at most \d+ messages to 3 documented", lines[1])


def test_dry_run_sends_nothing(judge_line: Judge) -> None:
    """With --dry-run no connection is made."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert judge_line.run("server", url, "--dry-run").code == 0
    with listener, pytest.raises(BlockingIOError):
        listener.accept()


def test_whole_run_keeps_to_its_plan(judge_line: Judge, sandbox: Sandbox) -> None:
    """A correct server sees at most 300 requests, and accepts no more messages than were planned."""
    run, report = judge_line.judge(sandbox.url, "--clock")
    accepted = sandbox.messages()

    assert run.code == 0, run.out
    assert not find_rows(report, "FAIL", "WARN", "ERROR", "INCONCLUSIVE")
    assert report["requests"] <= min(300, report["plan"]["requests"])
    assert len(accepted) <= report["messages"] <= report["plan"]["messages"]
    assert f"at most {report['most']['messages']} messages" in run.out


def test_rejections_send_no_message(judge_line: Judge, sandbox: Sandbox) -> None:
    """With the profile rejections a correct server accepts no message, and passes."""
    run, report = judge_line.judge(sandbox.url, "--profile", "rejections")

    assert run.code == 0, run.out
    assert sandbox.messages() == []
    assert report["messages"] == 0
    assert {"SEND-016", "WIN-004", "HTTP-003", "AUTH-001"} <= find_rows(report, "PASS")


def test_rejections_end_at_the_first_message_that_is_accepted(
    judge_line: Judge, sandbox: Sandbox
) -> None:
    """A server that accepts what it must reject gets one message, fails that requirement, and gets no more requests."""
    sandbox.switch_on("SEND-016")
    run, report = judge_line.judge(sandbox.url, "--profile", "rejections")

    assert run.code == 1, run.out
    assert len(sandbox.messages()) == 1
    assert find_rows(report, "FAIL") == {"SEND-016"}
    assert "a message was taken" in report["stopped"]


def test_live_run_sends_few_messages_to_few_numbers(judge_line: Judge, sandbox: Sandbox) -> None:
    """With the profile live 60 messages to three numbers of --to are enough to look at all of it."""
    to = [word for number in OWN_NUMBERS for word in ("--to", f"+{number[:3]} {number[3:]}")]
    run, report = judge_line.judge(
        sandbox.url, "--profile", "live", "--without", "intermediate", *to
    )
    accepted = sandbox.messages()

    assert len(accepted) <= 60
    assert {message.to.lstrip("+") for message in accepted} <= set(OWN_NUMBERS)
    assert run.code == 0, run.out
    assert report["stopped"] == ""
    assert not find_rows(report, "FAIL", "ERROR")
    assert len(find_rows(report, "PASS")) > 60
    for number in OWN_NUMBERS:
        assert number not in run.out


def test_limit_of_messages_is_one_that_the_server_sees(judge_line: Judge, sandbox: Sandbox) -> None:
    """With --max-messages the server accepts no more, and what could not be checked is not a failure."""
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
    outputs = [run.communicate(timeout=SECONDS * 3)[0] for run in runs]

    assert [run.returncode for run in runs] == [0, 0], outputs


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
        (("--only", "SEND-016"), (9, 27)),
        (("--replay", "SEND-016:callback-data-long-json@7"), (4, 6)),
        (("--replay", "SEND-017:validity_period_counts_minutes-json"), (7, 33)),
        (("--only", "SEND-016", "--profile", "rejections"), (5, 5)),
        (("--only", "VAL-001", "--without", "xml"), (4, 19)),
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


# ------------------------------------------------------------------ the profile quick


def test_sample_has_one_case_of_each_requirement() -> None:
    """Every requirement with cases is in the sample once, and both formats are used."""
    cases = [
        (case.requirement_id, wire)
        for case in get_rejected_cases()
        for wire in WIRES
        if is_sent(case, wire, PROFILES["quick"], WIRES)
    ]

    assert sorted(name for name, _ in cases) == sorted(
        {c.requirement_id for c in get_rejected_cases()}
    )
    assert {wire for _, wire in cases} == set(WIRES)


def test_quick_run_needs_few_requests_and_finds_faults(judge_line: Judge) -> None:
    """A good server passes with at most 60 requests; a fault of the message request is found."""
    plan = build_plan(parse_target("http://127.0.0.1:1"), profile="quick")
    with running(api_key=ACCOUNT[-1]) as sandbox:
        good, report = judge_line.judge(sandbox.url, "--profile", "quick")
        sandbox.switch_on("SEND-010", "RESP-008")
        _, broken = judge_line.judge(sandbox.url, "--profile", "quick")

    assert plan.budget.planned_cost.requests <= 60
    assert report["requests"] <= 60
    assert good.code == 0, good.out
    assert find_rows(broken, "FAIL") == {"SEND-010", "RESP-008"}


def test_what_only_a_full_run_needs_is_not_loaded() -> None:
    """The command line loads Hypothesis for generated requests, and jinja2 for a page."""
    code = (
        "import sys, infobip_sms_conformance.cli; "
        "from infobip_sms_conformance.contract.generated import build_requests; "
        "assert build_requests(0) == (); "
        "print([m for m in ('hypothesis', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


# ------------------------------------------------------------------ the profile full


def test_every_operation_is_asked_with_right_credentials_and_without_any(
    judge_line: Judge, sandbox: Sandbox
) -> None:
    """The report counts what each operation was asked: with which credentials and formats, and how it responded."""
    printed, report = judge_line.judge(sandbox.url, "--only", "AUTH", "--verbose")
    asked = report["operations"]

    assert len(asked) == 10
    assert {use["credentials"].get("none", 0) > 0 for use in asked.values()} == {True}
    assert {use["statuses"]["401"] > 0 for use in asked.values()} == {True}
    assert asked["getLogs"]["content_types"] == {}
    assert asked["send"]["content_types"].keys() == {"application/json", "application/xml"}
    assert "  recordConversion: " in printed.out
    assert "open sesame" not in str(asked)
