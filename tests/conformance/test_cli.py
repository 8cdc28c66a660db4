"""The suite as a program: its commands, how it ends, and servers that are not of this API."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from infobip_sms_conformance.cli import catalog, cli
from infobip_sms_conformance.contract import files
from infobip_sms_conformance.session import budget, plan
from infobip_sms_conformance.transport.processes import run_program

from infobip_sms.sandbox import Sandbox, running
from tests.cli.runs import run_program_on_terminal
from tests.conformance.runs_in_process import PROGRAM, Judge, Run, find_rows

SERVERS = Path(__file__).parents[1] / "fakes"
LONGEST = 120  # seconds; no test needs them
NOBODY = "http://127.0.0.1:1"


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[Sandbox]:
    """Give a sandbox."""
    with running() as sandbox:
        yield sandbox


def start_misbehaving(manner: str) -> AbstractContextManager[str]:
    """Run a misbehaving server for the time of a ``with`` block; give its URL."""
    return run_program([sys.executable, str(SERVERS / "not_http.py"), manner])


def run_alone(folder: Path, *words: str, **environment: str) -> Run:
    """Run a command of the suite as a process of its own, in a folder."""
    done = subprocess.run(
        [*PROGRAM, *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)


# ------------------------------------------------------------------ wrong usage


WRONG = [
    ["server", "http://192.0.2.1:8080"],
    ["server", "http://example.com"],
    ["server", "http://localhost.example.com"],
    ["server", "http://example.com", "--live", "--api-key", "k"],
    ["server", "https://example.com", "--live", "--api-key", "k"],
    ["server", "https://example.com", "--live", "--to", "41793026727"],
    ["server", "https://example.com", "--live", "--to", "41793026727", "--user", "me"],
    ["server", "http://127.0.0.1:port"],
    ["server", "http://user:secret@127.0.0.1"],
    ["server", "ftp://127.0.0.1"],
    ["server", NOBODY, "--only", "NONE-001"],
    ["server", NOBODY, "--only", ""],
    ["server", NOBODY, "--without", "wings"],
    ["server", NOBODY, "--profile", "secret"],
    ["server", NOBODY, "--to", "secret"],
    ["server", NOBODY, "--to", "123"],
    ["server", NOBODY, "--max-messages", "0"],
    ["server", NOBODY, "--seed", "secret"],
    ["server", NOBODY, "--patience", "nan"],
    ["server", NOBODY, "--no-basic"],
    ["server", NOBODY, "--no-basic", "--user", "me", "--api-key", "k"],
    ["server", NOBODY, "--callback", "https://example.com/x"],
    ["server", NOBODY, "--callback", "example", "--callback-port", "9000"],
    ["server", NOBODY, "--callback-port", "70000"],
    ["server", NOBODY, "--max", "5"],
    ["server", NOBODY, "--json", "/nowhere/at/all.json"],
    ["server", NOBODY, "--json", "same", "--html", "same"],
    ["server", NOBODY, "--baseline", "/nowhere/at/all.toml"],
    ["server", NOBODY, "--replay", "NONE-001:x@1"],
    ["server", NOBODY, "--replay", "SEND-016:no-such-check-json@1"],
    ["server", NOBODY, "--only", "SEND-001"],
    ["explain", "SEND-999"],
    ["explain", "READ-999"],
    ["diff", "/nowhere/a.json", "/nowhere/b.json"],
    ["selftest", "--jobs", "0"],
    ["nonsense"],
    [],
    ["--no-such-option"],
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_usage_is_one_line_and_3(judge_line: Judge, words: list[str]) -> None:
    """What cannot be done ends with 3 and a line on standard error, before anything is sent or printed."""
    run = judge_line.run(*words)

    assert run.code == 3, run.out + run.err
    assert len(run.err.splitlines()) == 1
    assert run.err.startswith("infobip-sms conformance")
    assert run.out == ""
    assert not Path("same").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["SEND-001"], "not checked in servers"),
        (["SEND-016:no-such-check-json"], "no such check"),
        (["DLR", "--profile", "quick"], "not in the profile quick"),
        (["DLR-007", "--without", "pull", "--without", "v1"], "left out by --without pull"),
        (["XML-003", "--without", "xml"], "left out by --without xml"),
    ],
)
def test_selection_of_nothing_names_what_excludes_it(
    judge_line: Judge, words: list[str], why: str
) -> None:
    """Where no check is selected nothing is sent, and the option that left them out is named."""
    run = judge_line.run("server", NOBODY, "--only", *words)

    assert (run.code, run.err.strip().partition(": ")[2].partition(": ")[2].partition(";")[0]) == (
        3,
        why,
    )


def test_password_of_the_url_is_not_repeated(judge_line: Judge) -> None:
    """Credentials in the URL are rejected without being shown."""
    assert "hunter2" not in judge_line.run("server", "http://me:hunter2@127.0.0.1").err


def test_port_that_is_taken_is_wrong_usage(judge_line: Judge, sandbox: Sandbox) -> None:
    """Where the callback server cannot listen, the run does not begin."""
    port = sandbox.url.rpartition(":")[2]
    run = judge_line.run("server", sandbox.url, "--callback-port", port)

    assert (run.code, len(run.err.splitlines())) == (3, 1)


def test_an_address_of_another_machine_is_wrong_usage(judge_line: Judge, sandbox: Sandbox) -> None:
    """The callback server listens on addresses of this machine only."""
    run = judge_line.run("server", sandbox.url, "--callback-host", "192.0.2.1")

    assert (run.code, len(run.err.splitlines())) == (3, 1)
    assert "--callback-host 192.0.2.1, port 0" in run.err


@pytest.mark.parametrize("number", ["+41793026727", "41 79 302 67 27", "+41 (79) 302-67-27"])
def test_number_may_be_written_as_people_do(judge_line: Judge, number: str) -> None:
    """--to accepts a number with a plus, spaces and punctuation between its digits."""
    run = judge_line.run("server", NOBODY, "--dry-run", "--to", number)

    assert (run.code, "to 1 number that you named (…27)" in run.out) == (0, True)


# ------------------------------------------------------------------ the plan


def test_dry_run_prints_the_plan_and_sends_nothing(judge_line: Judge, tmp_path: Path) -> None:
    """--dry-run says what a run may cost, asks no server and leaves no file."""
    path = tmp_path / "verdicts.json"
    run = judge_line.run("server", NOBODY, "--dry-run", "--json", str(path))

    assert run.code == 0
    assert len(run.out.splitlines()) == 2
    assert run.out.splitlines()[1].startswith("Plan: ")
    assert not path.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "to 3 documented example numbers"),
        (["--profile", "rejections"], "the run ends at the first that is accepted"),
        (["--profile", "live"], "at most 60 messages"),
        (["--max-messages", "7"], "at most 7 messages"),
        (["--only", "SEND-007"], "against 1 requirement,"),
        (["--without", "xml"], "Without xml"),
        (["--seed", "77"], "seed 77"),
    ],
)
def test_plan_says_what_was_chosen(judge_line: Judge, words: list[str], said: str) -> None:
    """Profile, limits, numbers, seed and features are said before the first byte."""
    assert said in judge_line.run("server", "--dry-run", *words).out


def test_few_messages_are_enough_to_say_so(judge_line: Judge, sandbox: Sandbox) -> None:
    """With --max-messages no more is sent, and a run that could not look at all is no good one."""
    run, report = judge_line.judge(sandbox.url, "--max-messages", "3", "--only", "RESP")

    assert run.code == 2
    assert report["messages"] <= 3
    assert "the announced 3 messages were reached" in report["stopped"]


# ------------------------------------------------------------------ servers that are none


def test_server_that_is_down(judge_line: Judge, tmp_path: Path) -> None:
    """Where no server listens, nothing could be checked, and every report says so."""
    names = ("junit", "html", "markdown", "har")
    words = [word for name in names for word in (f"--{name}", str(tmp_path / name))]
    run, report = judge_line.judge(NOBODY, *words)

    assert run.code == report["exit"] == 2
    assert (
        "Could not check: the first request got no response of this API: the connection was refused"
        in run.out
    )
    assert (report["verdicts"], report["messages"]) == ([], 0)
    assert 'errors="1"' in (tmp_path / "junit").read_text()
    assert report["badge"]["message"] == "not checked"


MANNERS = {
    **dict.fromkeys(["hangs-up", "not-http", "silent", "dribbles-header", "dribbles-body"], 2),
    **dict.fromkeys(["endless", "half", "binary"], 2),
    **dict.fromkeys(["deep", "not-a-reply"], 1),
}


@pytest.mark.parametrize("manner", MANNERS)
def test_misbehaving_server(judge_line: Judge, manner: str) -> None:
    """No misbehaving server leads to a traceback, an endless run or one that passes."""
    began = time.monotonic()
    with start_misbehaving(manner) as url:
        run, report = judge_line.judge(url, "--patience", "0")

    assert run.code == report["exit"] == MANNERS[manner], run.out
    assert "Traceback" not in run.out + run.err
    assert time.monotonic() - began < LONGEST
    assert not find_rows(report, "ERROR")


def test_server_that_dies_in_between(judge_line: Judge, sandbox: Sandbox) -> None:
    """A server that stops responding during the run does not pass, and the run ends soon."""
    with dying(sandbox, after=30) as url:
        run, report = judge_line.judge(url)

    assert run.code == 2, run.out
    assert "the server does not answer" in report["stopped"]
    assert report["requests"] < 60


@contextmanager
def dying(sandbox: Sandbox, after: int) -> Iterator[str]:
    """Drop all connections of a sandbox once it has accepted this many messages."""
    sandbox.reset()

    def drop() -> None:
        sandbox.wait_for(count=after, timeout=LONGEST)
        sandbox.drop()

    thread = threading.Thread(target=drop)
    thread.start()
    try:
        yield sandbox.url
    finally:
        thread.join()
        sandbox.reset()


def test_server_that_accepts_everything_is_checked_to_the_end(judge_line: Judge) -> None:
    """A mock that accepts all fails by clauses, and the plan is enough for it."""
    with start_misbehaving("yes") as url:
        run, report = judge_line.judge(url, "--patience", "0")

    assert run.code == 1
    assert report["stopped"] == ""
    assert {"SEND-002", "SEND-007", "WIN-004", "AUTH-001"} <= find_rows(report, "FAIL")
    assert report["requests"] <= report["most"]["requests"]
    assert "more; use --verbose or --html to see all of them in full" in run.out


# ------------------------------------------------------------------ surroundings


def test_settings_of_the_user_do_not_reach_the_suite(tmp_path: Path, sandbox: Sandbox) -> None:
    """A hostile conftest, ini file and environment change nothing, and no file is left behind."""
    (tmp_path / "conftest.py").write_text("raise SystemExit('conftest')")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    hostile = {"PYTEST_ADDOPTS": "--no-such", "PYTEST_PLUGINS": "none", "PYTHONIOENCODING": "ascii"}
    words = ("server", sandbox.url, "--only", "SEND-026", "--json", "verdicts.json")
    run = run_alone(tmp_path, *words, **hostile)

    assert run.code == 0, run.err
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"conftest.py", "pytest.ini", "verdicts.json"}


MOUNTED = (sys.executable, "-m", "infobip_sms", "conformance")
PROGRAMS = [PROGRAM, MOUNTED]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: " ".join(program[1:]))
def test_interrupted_run_tells_what_it_has(
    tmp_path: Path, sandbox: Sandbox, program: tuple[str, ...]
) -> None:
    """Ctrl-C ends a run with 130, without a traceback, and what was checked is written."""
    sandbox.reset()
    sandbox.delay(0.2)
    path = tmp_path / "verdicts.json"
    command = [*program, "server", sandbox.url, "--json", str(path), "--only", "SEND"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        sandbox.wait_for(count=3, timeout=LONGEST)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=LONGEST)
    sandbox.reset()

    assert process.returncode == 130, err
    assert b"Traceback" not in out + err
    assert json.loads(path.read_text())["stopped"] == "it was interrupted"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: " ".join(program[1:]))
def test_closed_pipe_is_no_traceback(program: tuple[str, ...]) -> None:
    """A closed pipe ends the list with 2 and without a traceback."""
    with subprocess.Popen(
        [*program, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 2


ALIKE = [
    ["--help"],
    ["explain", "SEND-007"],
    ["server", NOBODY, "--patience", "0", "--json", "/nowhere/at/all.json"],
    ["nonsense"],
    [],
]


@pytest.mark.parametrize("words", ALIKE, ids=" ".join)
def test_both_entry_points_are_alike(words: list[str]) -> None:
    """The suite says the same and ends with the same code on its own and in infobip-sms conformance."""
    own, mounted = (
        subprocess.run([*program, *words], capture_output=True, text=True, check=False)
        for program in PROGRAMS
    )

    assert (mounted.returncode, mounted.stderr) == (own.returncode, own.stderr)
    assert re.sub(r"[\d.]+ s", "", mounted.stdout) == re.sub(r"[\d.]+ s", "", own.stdout)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: " ".join(program[1:]))
def test_whole_run_prints_no_warning(sandbox: Sandbox, program: tuple[str, ...]) -> None:
    """A whole run passes, with every warning of Python shown and none to show."""
    sandbox.reset()
    done = subprocess.run(
        [*program, "server", sandbox.url, "--clock"],
        env={**os.environ, "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    sandbox.reset()

    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("infobip-sms conf", "conformance"),
        ("infobip-sms conformance ser", "server"),
        ("infobip-sms conformance server --profile rej", "rejections"),
        ("infobip-sms conformance server --without tr", "tracking"),
        ("infobip-sms conformance explain send-00", "SEND-007"),
    ],
)
def test_shell_completes_commands_and_values(typed: str, offered: str) -> None:
    """Completion works below infobip-sms conformance, down to features and requirement ids."""
    done = subprocess.run(
        [Path(sys.executable).with_name("infobip-sms")],
        env={
            **os.environ,
            "_INFOBIP_SMS_COMPLETE": "bash_complete",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(len(typed.split()) - 1),
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert f"plain,{offered}" in done.stdout.splitlines()
    assert done.stderr == ""


@pytest.mark.parametrize("name", cli.commands)
def test_help_fits_into_80_columns(judge_line: Judge, name: str) -> None:
    """Every command explains each of its options, in lines that a terminal of 80 columns holds."""
    run = judge_line.run(name, "--help")

    assert run.code == 0
    assert max(map(len, run.out.splitlines())) <= 80
    assert all(p.help for p in cli.commands[name].params if isinstance(p, click.Option))


def test_terminal_sees_progress_and_colours(sandbox: Sandbox) -> None:
    """On a terminal the run shows how far it is; on a narrow one no line of the table is too long."""
    words = ("server", sandbox.url, "--only", "SEND-00", "--only", "HTTP-001")
    code, seen = run_program_on_terminal([*PROGRAM, *words])
    code_plain, plain = run_program_on_terminal([*PROGRAM, *words], NO_COLOR="1")

    assert (code, code_plain) == (0, 0)
    assert "\x1b[32mPASS" in seen
    assert "SEND-00" in seen
    assert "\x1b[32m" not in plain
    table = [line for line in plain.splitlines() if line.startswith("\x1b[1mSEND-")]
    assert len(table) > 3
    assert all(len(line) < 95 for line in table)


# ------------------------------------------------------------------ other commands


def test_list_names_every_requirement(judge_line: Judge) -> None:
    """The command list prints id, level, how it is checked and the rule, one line each; --json has the same."""
    lines = judge_line.run("list").out.splitlines()
    plain: list[dict[str, Any]] = json.loads(judge_line.run("list", "--json").out)

    assert [line.split()[0] for line in lines] == list(files.read_requirements())
    assert [row["id"] for row in plain] == list(files.read_requirements())


@pytest.mark.parametrize("number", [*files.read_requirements(), "READ-001", "send-007"])
def test_explain_says_all_about_each(judge_line: Judge, number: str) -> None:
    """The command explain prints the rule, its source, how it is checked, or why it is not."""
    run = judge_line.run("explain", number)

    assert run.code == 0
    assert run.out.startswith(number.upper())
    row = files.read_requirements().get(number)
    if row:
        assert " ".join(row.text.split()) in " ".join(run.out.split())
        assert "  source    " in run.out
        assert "  checked   " in run.out
        assert not row.why or " ".join(row.why.split()) in " ".join(run.out.split())


def test_explain_shows_what_is_sent_with_a_good_and_a_bad_example(judge_line: Judge) -> None:
    """A limit is explained by its cases, and by the smallest request on each side of it."""
    out = " ".join(judge_line.run("explain", "SEND-010").out.split())
    good, bad = out.partition(" good ")[2].split(" bad ")

    assert 'rejected case flash-a-word: messages[0].flash = "yes"' in out
    assert '"flash"' not in good or "true" in good
    assert '"flash": "yes"' in bad
    assert set(catalog.GROUP_TEXTS) == set(budget.GROUPS)


def test_list_readings_prints_every_interpretation(judge_line: Judge) -> None:
    """Each interpretation is listed with the outcomes that are allowed."""
    out = judge_line.run("list", "readings").out
    plain = json.loads(judge_line.run("list", "readings", "--json").out)

    assert [row["id"] for row in plain] == re.findall(r"^READ-\d+", out, re.MULTILINE)
    assert all(row["outcomes"] for row in plain)


def test_coverage_has_a_check_or_a_reason_in_every_cell(judge_line: Judge) -> None:
    """Every case that is sent is in the table, and every other cell says why nothing is."""
    lines = judge_line.run("coverage").out.partition("\n\n")[0].splitlines()
    full = plan.PROFILES["full"]
    sent = {
        case.id
        for case in budget.get_rejected_cases()
        if any(budget.is_sent(case, wire, full, files.WIRES) for wire in files.WIRES)
    }
    words = {word for line in lines for word in re.split(r"[ ;]", line)}

    assert len(lines) == len(set(lines)) >= 400
    assert all(line.rpartition(": ")[2].strip() for line in lines)
    assert sent <= words


def test_diff_shows_what_has_changed(judge_line: Judge, tmp_path: Path) -> None:
    """Two files are compared verdict by verdict; something that fails now and did not is 1."""
    paths = []
    for name, verdict in (("before", "PASS"), ("after", "FAIL")):
        paths.append(str(tmp_path / name))
        row = {"requirement": "SEND-002", "verdict": verdict, "json": verdict, "xml": "PASS"}
        Path(paths[-1]).write_text(json.dumps({"seed": 1, "verdicts": [row]}))
    worse, better = judge_line.run("diff", *paths), judge_line.run("diff", *reversed(paths))
    same = judge_line.run("diff", paths[0], paths[0])

    assert (worse.code, better.code, same.code) == (1, 0, 0)
    assert worse.out.splitlines() == [
        "SEND-002    json  PASS          -> FAIL",
        "1 verdicts differ: 1 fail now, 0 do not any more",
    ]
    assert "0 fail now, 1 do not any more" in better.out
    assert same.out.startswith("0 verdicts differ")
