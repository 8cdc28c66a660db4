"""What all commands have in common: help, first mistakes, exit codes, secrets, dry runs."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click import Option

from infobip_sms import cli
from tests.cli.runs import (
    KEY,
    NOBODY,
    NUMBER,
    PROGRAM,
    SEND,
    TEXT,
    make_environment,
    run,
    run_on_terminal,
    start,
)
from tests.client.calls import GOOD, TYPES, both, example, reply

if TYPE_CHECKING:
    from click import Command

    from tests.client.calls import Serve

COMMANDS = [
    "send",
    "preview",
    "reports",
    "logs",
    "scheduled",
    "conversion",
    "listen",
    "status",
    "sandbox",
    "conformance",
    "demo",
    "explain",
]
OK = reply(GOOD["json"])
ASKING: dict[str, tuple[str, ...]] = {
    "send": (*SEND, TEXT),
    "preview": ("preview", TEXT),
    "reports": ("reports", "--limit", "2"),
    "logs": ("logs", "--bulk-id", "a b", "--bulk-id", "c/d"),
    "show": ("scheduled", "show", "B"),
    "move": ("scheduled", "move", "B", "2026-07-07T17:00:00+02:00"),
    "status": ("scheduled", "status", "B"),
    "pause": ("scheduled", "pause", "B"),
    "resume": ("scheduled", "resume", "B"),
    "cancel": ("scheduled", "cancel", "B"),
    "conversion": ("conversion", "M/1"),
}
asking = pytest.mark.parametrize("words", ASKING.values(), ids=ASKING)


def list_commands() -> list[tuple[str, ...]]:
    """Return every command, those inside scheduled included."""
    inner = cli.cli.commands["scheduled"].commands  # type: ignore[attr-defined]  # a group
    return [(name,) for name in COMMANDS] + [("scheduled", name) for name in inner]


def test_the_commands_stand_in_the_order_of_a_first_reading() -> None:
    """The help lists what a newcomer expects first, and says what each command does in full."""
    shown = run("--help").stdout
    lines = shown.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()

    assert [line.split()[0] for line in lines] == COMMANDS == list(cli.cli.commands)
    assert not [line for line in lines if line.endswith("...")]


@pytest.mark.parametrize("command", list_commands(), ids=" ".join)
def test_every_help_fits_into_80_columns(command: tuple[str, ...]) -> None:
    """Each command explains itself, in lines that a terminal of 80 columns holds."""
    result = run(*command, "--help")

    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert KEY not in result.stdout


def test_exit_codes_are_documented() -> None:
    """The help names every exit code that there is."""
    shown = run("--help").stdout

    assert [
        line.split()[0]
        for line in shown.splitlines()
        if line.startswith("  ") and line[2].isdigit()
    ] == [
        "0",
        "1",
        "2",
        "3",
        "130",
        "141",
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sned"], "Did you mean send?"),
        (["scheduled", "statsu", "B"], "Did you mean status?"),
        (["frobnicate"], "There are: send, preview"),
        ([*SEND, "--form", "x"], "--from"),
        (["send", TEXT], "give --to NUMBER"),
        ([*SEND], "There is no text"),
        ([*SEND, TEXT, "--text", TEXT], "two texts"),
        ([*SEND, TEXT, "--send-at", "2026-07-07T17:00:00"], "in UTC 2026-07-07T17:00:00Z"),
        ([*SEND, TEXT, "--send-at", "0001-01-01T00:00:00"], "In UTC it would be 0001-01-01T"),
        ([*SEND, TEXT, "--send-at", "soon"], "2026-07-07T17:00:00+02:00"),
        (
            [*SEND, TEXT, "--window", "MON 25:00-26:00"],
            "hour: expected a whole number from 0 to 23, got 25",
        ),
        ([*SEND, TEXT, "--window", "XYZ"], "three letters are enough"),
        ([*SEND, TEXT, "--window", "at noon, please"], "'MON,TUE 06:00-15:30'"),
        ([*SEND, TEXT, "--timeout", "0"], "more than 0"),
        ([*SEND, TEXT, "--language", "XX"], "'TR', 'ES', 'PT'"),
        ([*SEND, TEXT, "--message-id", "a", "--message-id", "b"], "once for each --to"),
        ([*SEND, TEXT, "--template", "x"], "--template"),
        ([*SEND, TEXT, "--resume", "x"], "--resume"),
        ([*SEND, TEXT, "--api-key", "a", "--user", "b"], "not both"),
        (["logs", "--mnc", "01"], "--mcc: expected mcc together with mnc, got nothing"),
        (["reports", "--limit", "0"], "--limit: expected a whole number from 1 to 1000, got 0"),
        (["scheduled", "show", ""], "an empty string"),
        (["listen", "--path", "reports"], "start with /"),
    ],
    ids=lambda value: " ".join(value[:3])[:40] if isinstance(value, list) else "",
)
def test_wrong_usage_ends_with_3_and_says_what_helps(words: list[str], expected: str) -> None:
    """A first mistake gets a sentence that mends it, and nothing on standard output."""
    result = run(*words)

    assert result.exit_code == 3
    assert expected.lower() in " ".join(result.stderr.lower().split())
    assert result.stdout == ""


def test_a_name_alone_shows_the_help() -> None:
    """Without a command the list of commands is shown."""
    result = run()

    assert result.exit_code == 3
    assert "sandbox" in result.stderr


def test_no_key_says_how_to_set_one_and_offers_the_sandbox() -> None:
    """Without a key the environment variable and the sandbox are named."""
    result = run(*SEND, TEXT, key=None)

    assert result.exit_code == 3
    assert "INFOBIP_API_KEY" in result.stderr
    assert "infobip-sms sandbox --api-key" in result.stderr


def test_all_broken_rules_are_listed_with_their_options() -> None:
    """Violations come together, by the names of the options; no value is shown."""
    bad = "4179302672x"
    result = run(
        "send", "--from", "In", "--to", NUMBER, "--to", bad, "--callback-data", "y" * 300, TEXT
    )

    assert result.exit_code == 3
    for part in (
        "--from: expected",
        "--to (2 of 2): expected",
        "--callback-data: expected",
        "SEND-008",
    ):
        assert part in result.stderr
    assert bad not in result.stderr
    assert NUMBER not in result.stderr


def test_a_refused_connection_to_this_machine_asks_for_the_sandbox() -> None:
    """Where nothing listens on loopback, the sandbox may just not be running."""
    result = run(*SEND, TEXT, "--attempts", "1")

    assert result.exit_code == 2
    assert "Is the sandbox running? infobip-sms sandbox" in result.stderr


@asking
def test_the_server_refuses_with_exit_code_1(words: tuple[str, ...], serve: Serve) -> None:
    """A rejection ends with 1, the server's words without what was sent, and a hint."""
    told = example("unauthorized-error").replace(b"Invalid login details", TEXT.encode())
    assert TEXT.encode() in told
    result = run(*words, url=serve("hear", reply(told, 401)).url)

    assert result.exit_code == 1
    assert "HTTP 401 Unauthorized: UNAUTHORIZED: " in result.stderr
    assert "INFOBIP_API_KEY" in result.stderr
    assert TEXT not in words or TEXT not in result.output


def test_a_terminal_shows_the_server_s_words_without_numbers(serve: Serve) -> None:
    """On a terminal the server's reason is shown, telephone numbers and control characters not."""
    said = example("unauthorized-error").replace(
        b"Invalid login details", b"no \\u001b[31m 41793026727 !"
    )
    code, seen = run_on_terminal(*SEND, TEXT, url=serve("hear", reply(said, 401)).url)

    assert code == 1
    assert "no \\u001b[31m *** !" in seen


def test_only_a_terminal_shows_the_value_that_was_given() -> None:
    """Who typed a number sees it in the error; a log and a pipe have its length."""
    words = ("send", "--to", "4179x", "Hello")
    code, seen = run_on_terminal(*words, url="http://127.0.0.1:9")
    result = run(*words, url="http://127.0.0.1:9")

    assert (code, result.exit_code) == (3, 3)
    assert "got a string of 5 characters (SEND-008): '4179x'" in seen
    assert "4179x" not in result.output


@asking
@pytest.mark.parametrize(
    "answer",
    [reply(b"<html>", 200), reply(b"", 500), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"],
)
def test_no_good_answer_ends_with_2(words: tuple[str, ...], answer: bytes, serve: Serve) -> None:
    """What cannot be read, is an error of the server, or breaks off leaves the outcome unknown."""
    result = run(*words, url=serve("hear", answer, "close").url)

    assert result.exit_code == 2
    assert "infobip-sms logs" in result.stderr


def test_a_gateway_s_503_is_no_refusal(serve: Serve) -> None:
    """503 without Retry-After leaves open whether the messages were taken: 2, not 1."""
    assert run(*SEND, TEXT, url=serve("hear", reply(b"", 503)).url).exit_code == 2


def test_errors_for_machines_are_one_line_of_json(serve: Serve) -> None:
    """With --json an error is JSON on standard error, and standard output is empty."""
    url = serve("hear", reply(example("unauthorized-error"), 401)).url
    refused = run(*SEND, TEXT, "--json", url=url)
    broken = run("send", "--from", "In", "--to", NUMBER, TEXT, "--json")

    assert json.loads(refused.stderr)["error"]["status"] == 401
    assert json.loads(refused.stderr)["error"]["sent"] == "no"
    assert json.loads(broken.stderr)["error"]["violations"][0].startswith("--from: expected")
    assert refused.stdout == broken.stdout == ""


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ((*SEND, TEXT, "--json", "--form", "x"), "NoSuchOption", "--form"),
        (("send", "--json", TEXT), "UsageError", "give --to NUMBER"),
        (("logs", "--json", "--since", "soon"), "BadParameter", "--since"),
        (("scheduled", "show", "--json"), "MissingParameter", "BULK_ID"),
        (("send", "--json", "--csv", "nowhere.csv"), "InvalidInputError", "nowhere.csv"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_usage_for_machines_is_json_too(words: tuple[str, ...], kind: str, said: str) -> None:
    """Whatever is wrong with a command, with --json it is said in one line of JSON."""
    result = run(*words)
    (line,) = result.stderr.splitlines()

    assert json.loads(line)["error"]["kind"] == kind
    assert said in json.loads(line)["error"]["message"]
    assert result.stdout == ""
    assert result.exit_code == 3


def test_a_machine_is_told_of_a_missing_key_in_json() -> None:
    """The first mistake of all, too."""
    result = run(*SEND, TEXT, "--json", key=None)

    assert "INFOBIP_API_KEY" in json.loads(result.stderr)["error"]["message"]
    assert result.exit_code == 3


def test_a_bug_of_ours_is_no_refusal_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody thought of ends with 2, not with Python's 1."""
    monkeypatch.setattr("infobip_sms.cli.send.command.confirm", None)

    assert run(*SEND, TEXT).exit_code == 2


@asking
@both
def test_a_dry_run_shows_what_a_server_would_hear(
    words: tuple[str, ...], wire: str, serve: Serve
) -> None:
    """Request line, headers in their order and body are those of the real call, the key masked."""
    server = serve("hear", reply(b"", 500))
    shown = run(*words, "--wire", wire, "--dry-run", url=server.url)
    run(*words, "--wire", wire, url=server.url)
    (captured,) = server.finish()
    headers = [f"{n}: {'App ***' if n == 'authorization' else v}" for n, v in captured.headers]
    head, _, body = shown.stdout_bytes.partition(b"\n\n")
    line, *rest = head.decode().splitlines()

    assert shown.exit_code == 0
    assert line == captured.line
    assert [h.partition(":")[0].lower() + ":" + h.partition(":")[2] for h in rest] == headers
    assert body.removesuffix(b"\n") == captured.body
    assert shown.stderr == "Dry run: nothing was sent.\n"


@both
def test_a_dry_run_for_machines_has_the_same(wire: str, serve: Serve) -> None:
    """With --json the dry run is one document with the same parts."""
    server = serve("hear", reply(b"", 500))
    plain = json.loads(
        run(*SEND, TEXT, "--wire", wire, "--dry-run", "--json", url=server.url).stdout
    )
    run(*SEND, TEXT, "--wire", wire, url=server.url)
    (captured,) = server.finish()

    assert plain["url"] == server.url + "/sms/2/text/advanced"
    assert plain["body"].encode() == captured.body
    assert plain["headers"]["Content-Type"] == TYPES[wire]
    assert plain["headers"]["Authorization"] == "App ***"


def test_a_dry_run_needs_no_key() -> None:
    """Who has no account yet can see the request."""
    result = run(*SEND, TEXT, "--dry-run", key=None)

    assert result.exit_code == 0
    assert TEXT in result.stdout


@asking
@pytest.mark.parametrize(
    "more", [(), ("--json",), ("--dry-run",), ("--dry-run", "--json"), ("-v",)]
)
def test_the_key_is_never_shown(
    words: tuple[str, ...], more: tuple[str, ...], serve: Serve
) -> None:
    """Whatever is asked, answered or rejected, no output has the key, the password, or their forms."""
    told = reply(example("unauthorized-error").replace(b"Invalid", KEY.encode()), 401)
    url = serve("hear", told).url
    basic = base64.b64encode(f"me:{KEY}".encode()).decode()
    for result in (
        run(*words, *more, url=url),
        run(*words, *more, url=url, key=f"{KEY} \n"),
        run(*words, *more, "--api-key", KEY, url=url, key=None),
        run(*words, *more, "--user", "me", "--password", KEY, url=url),
    ):
        assert KEY not in result.output
        assert basic not in result.output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), f"App {KEY}"),
        (("--api-key", "other"), "App other"),
        (("--user", "me", "--password", "p"), f"Basic {base64.b64encode(b'me:p').decode()}"),
    ],
    ids=["environment", "flag", "user"],
)
def test_the_command_line_comes_before_the_environment(
    words: tuple[str, ...], expected: str, serve: Serve
) -> None:
    """What is typed is used instead of what the environment has."""
    server = serve("hear", OK)
    run(*SEND, TEXT, *words, url=server.url)
    (captured,) = server.finish()

    assert captured.find("authorization") == expected


def test_a_user_needs_a_password() -> None:
    """A user alone is told where the password goes."""
    result = run(*SEND, TEXT, "--user", "me")

    assert result.exit_code == 3
    assert "INFOBIP_PASSWORD" in result.stderr


def test_verbose_reports_attempts_without_values(serve: Serve) -> None:
    """-v writes a line for each attempt, with the route and no number, text or key."""
    with start(*SEND, TEXT, "-v", url=serve("hear", OK).url) as process:
        _, said = process.communicate(timeout=20)

    assert b"POST /sms/2/text/advanced -> HTTP 200, attempt 1" in said
    for secret in (KEY, NUMBER, TEXT):
        assert secret.encode() not in said


def test_a_reader_that_goes_away_ends_it_quietly(serve: Serve) -> None:
    """``| head`` leads to 141, without a traceback; so a mailing that was cut is no success."""
    many = json.loads(example("logs"))
    many["results"] *= 2000
    url = serve("hear", reply(json.dumps(many).encode())).url
    with start("logs", url=url) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read() if process.stderr else b"?"

    assert process.returncode == 141
    assert said == b""


def test_an_interruption_ends_with_130(serve: Serve) -> None:
    """Ctrl-C while the server keeps silent ends with 130 and a word."""
    server = serve("await", "hold")
    with start(*SEND, TEXT, url=server.url) as process:
        while server.connections == 0:
            pass
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)

    assert process.returncode == 130
    assert said.strip().endswith(b"Interrupted.")


def test_help_loads_nothing_heavy() -> None:
    """The list of commands needs no terminal library, no web framework, no XML library and no suite."""
    heavy = [
        "infobip_sms_conformance",
        "rich",
        "starlette",
        "uvicorn",
        "xmlschema",
        "lxml",
        "pytest",
        "anyascii",
    ]
    code = (
        "import sys; from infobip_sms.cli import cli; cli(['--help'], standalone_mode=False);"
        f" print([m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stderr.strip() == "[]"


def test_without_the_extra_it_says_what_to_install() -> None:
    """A core installation has no command line; one sentence says so, and the exit code is 2."""
    code = (
        "import sys; sys.modules['click'] = None; sys.argv = ['infobip-sms'];"
        " from infobip_sms.__main__ import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert result.returncode == 2
    assert result.stderr == (
        "infobip-sms: click is not installed; run: pip install 'infobip-sms[all]'\n"
    )


def test_ctrl_c_while_the_program_is_loaded_shows_no_traceback() -> None:
    """Loading takes a moment, in which Ctrl-C ends it as it does later: 130."""
    code = """
import sys
class Interrupted:
    def find_spec(self, name, *_):
        if name == "click":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from infobip_sms.__main__ import main
main()
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


def test_a_missing_extra_ends_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command whose extra is not installed names it."""
    monkeypatch.setattr("infobip_sms.cli.conformance.find_spec", lambda _: None)
    for command, extra in (
        ("sandbox", "sandbox"),
        ("conformance", "conformance"),
        ("demo", "sandbox"),
    ):
        result = run(command)

        assert result.exit_code == 2
        assert f"'infobip-sms[{extra}]'" in result.stderr


def test_conformance_passes_on_the_judge_s_exit_code() -> None:
    """Wrong usage of the suite is wrong usage here."""
    process = subprocess.run(
        [*PROGRAM, "conformance", "nonsense"],
        env=make_environment(),
        capture_output=True,
        check=False,
    )

    assert process.returncode == 3
    assert NOBODY.encode() not in process.stderr


def test_every_option_has_a_help_text() -> None:
    """No option of any command is left unexplained."""

    def find_bare(command: Command) -> list[Any]:
        inner = getattr(command, "commands", {}).values()
        bare = [o.opts for o in command.params if isinstance(o, Option) and not o.help]
        return bare + [entry for part in inner for entry in find_bare(part)]

    assert find_bare(cli.cli) == []


def test_a_command_loads_no_other_command() -> None:
    """What one command needs, such as the modules of send, does not slow down the start of another."""
    program = (
        "import sys; from infobip_sms_conformance.cli import cli as suite; from infobip_sms.cli import cli;"
        "cli.main(['explain', 'SEND-008'], standalone_mode=False);"
        "suite.main(['explain', 'SEND-008'], standalone_mode=False);"
        "print(*(name for name in sys.modules if name.startswith('infobip_sms')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())

    assert {"infobip_sms.cli.explain", "infobip_sms_conformance.cli.catalog"} <= loaded
    assert loaded.isdisjoint(
        {"infobip_sms.cli.send", "infobip_sms.send_many", "infobip_sms_conformance.cli.client"}
    )
