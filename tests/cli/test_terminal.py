"""Nothing that comes from outside can steer the terminal, or hide in what is printed."""

from __future__ import annotations

import ast
import copy
import json
import logging
import re
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import InvalidResponseError, Message
from infobip_sms.cli.base import output
from infobip_sms.cli.base.output import print_report
from infobip_sms.cli.base.terminal import echo, show_log
from infobip_sms.sandbox import running
from infobip_sms.text.escapes import escape
from infobip_sms.webhooks import parse_delivery_reports
from tests.cli.runs import NUMBER, SEND, TEXT, run
from tests.cli.test_common import ASKING
from tests.cli.test_send import Platform
from tests.client.calls import example, reply
from tests.test_architecture import SRC

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.client.calls import Serve

# Escape sequences, C0 and C1, DEL, bidi, joiners, byte order mark, separators, fillers, tags.
HIDDEN = (
    "\x1b\x07\x08\r\x00\x7f\x85\x9b\u061c\u200b\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060"
    "\u2066\u2069\ufeff\ufff9\u00ad\u034f\u115f\u180e\u2800\u3164\uffa0\ue000\U000e0001\U000e0041"
)
EVIL = f"x\x1b]0;title\x07\n[red]{HIDDEN}"
DOCUMENTS = {
    "send": "documented-response",
    "preview": "preview-response",
    "reports": "delivery-reports",
    "logs": "logs",
    "show": "bulk-response",
    "move": "bulk-response",
    "status": "bulk-status-response",
    "pause": "bulk-status-response",
    "resume": "bulk-status-response",
    "cancel": "bulk-status-response",
    "conversion": "conversion-response",
}


def is_clean(shown: str) -> bool:
    """Return whether no character of an output is one of those."""
    return not set(shown) & set(HIDDEN)


def spoil_each(plain: Any) -> Iterator[Any]:
    """Give copies of a document: each with one text spoiled, and one with all field names spoiled."""
    places = list(iter_texts(plain))
    for place in places:
        copied = copy.deepcopy(plain)
        node = copied
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = EVIL
        yield copied
    yield {f"{name}{EVIL}": value for name, value in plain.items()}


def iter_texts(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path of every text of a document."""
    parts = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in parts:
        if isinstance(value, dict | list):
            yield from iter_texts(value, (*path, key))
        elif isinstance(value, str):
            yield (*path, key)


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["table", "json"])
@pytest.mark.parametrize("name", ASKING)
def test_no_field_of_a_response_reaches_the_terminal_raw(
    name: str, more: tuple[str, ...], serve: Serve
) -> None:
    """Every text of every response, one after the other, and the names of the fields."""
    for plain in spoil_each(json.loads(example(DOCUMENTS[name]))):
        server = serve("hear", reply(json.dumps(plain).encode()), "close")
        result = run(*ASKING[name], *more, url=server.url)

        assert is_clean(result.output), plain


@pytest.mark.parametrize("more", [(), ("--json",), ("--verbose",)], ids=" ".join)
def test_no_error_of_a_server_reaches_the_terminal_raw(more: tuple[str, ...], serve: Serve) -> None:
    """Text and id of an error, a status line, a header, a body that is no document at all."""
    bodies = [
        json.dumps(plain).encode() for plain in spoil_each(json.loads(example("bad-request-error")))
    ]
    head = f"HTTP/1.1 401 {EVIL}\r\nX-{EVIL}: {EVIL}\r\nContent-Length: 0\r\n\r\n".encode()
    for answer in [*(reply(body, 400) for body in bodies), reply(EVIL.encode()), head]:
        result = run(*SEND, TEXT, *more, url=serve("hear", answer, "close").url)

        assert is_clean(result.output)
        assert result.exit_code in {1, 2}


@pytest.mark.parametrize(
    ("sheet", "template"),
    [
        (f'"{EVIL}"\n1\n', "x"),
        (f'to,"{EVIL}"\n{NUMBER}\n', "x"),
        (f'to,"{EVIL}","{EVIL}"\n', "x"),
        (f'to,"{EVIL}"\n{NUMBER},\n', "{nam}"),
        (f'to,"{EVIL}"\n{NUMBER},\n', f"{{{EVIL.strip()}}}"),
        (f'to,name\n"{EVIL}",a\n', "x"),
        (f'to,from\n{NUMBER},"{EVIL}"\n', "x"),
        (f'to,message_id\n{NUMBER},"{EVIL}"\n', "x"),
        (f'to,name\n{NUMBER},"{EVIL}\n', "x"),
        (f'to,name\n{NUMBER},"{EVIL}"\n', "Dear {name}"),
        (f'to,name\n{NUMBER},"{EVIL}"\n', f"Dear {{{EVIL}}}"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--json",)], ids=["table", "json"])
def test_no_cell_of_a_csv_reaches_the_terminal_raw(
    sheet: str, template: str, more: tuple[str, ...], serve: Serve
) -> None:
    """Names of columns and cells, in complaints, notes and outcomes."""
    server = serve("hear", Platform().answer)
    words = ("send", "--csv", "-", "--template", template, *more)

    assert is_clean(run(*words, typed=sheet, url=server.url).output)


def test_no_word_of_a_journal_reaches_the_terminal_raw(tmp_path: Path, serve: Serve) -> None:
    """Reasons, status names and bulkIds of an earlier run."""
    journal = tmp_path / "run"
    words = ("send", "--csv", "-", "--template", "x", "--resume", str(journal))
    sheet = f"to\n{NUMBER}\n"
    server = serve("hear", Platform().answer)
    run(*words, typed=sheet, url=server.url)
    found = json.dumps(["rejected", EVIL, [5, EVIL, 1, EVIL], EVIL])
    with closing(sqlite3.connect(journal)) as file, file:
        file.execute("UPDATE span SET verdict = ?", (found,))
    table, line = (run(*words, *more, typed=sheet, url=server.url) for more in ((), ("--json",)))

    assert is_clean(table.output + line.output)
    assert "x\\u001b]0;title\\u0007\\n[red]" in table.stdout
    assert json.loads(line.stdout)["reason"] == EVIL


@pytest.mark.parametrize("as_json", [False, True])
def test_no_word_of_a_report_reaches_the_terminal_raw(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """What listen prints of a report."""
    printed = 0
    for plain in spoil_each(json.loads(example("delivery-reports"))):
        with suppress(InvalidResponseError):  # a date that is none
            for report in parse_delivery_reports(json.dumps(plain).encode()).results:
                print_report(report, as_json=as_json)
                printed += 1

    assert printed > 10
    assert is_clean(capsys.readouterr().out)


def test_no_entry_of_the_log_reaches_the_terminal_raw(capsys: pytest.CaptureFixture[str]) -> None:
    """What the package logs while a command runs may quote what came from outside."""
    log = logging.getLogger("infobip_sms.sandbox")
    with show_log(logging.WARNING):
        log.warning("reports to %s", EVIL)
        log.info("hidden")
    shown = capsys.readouterr().err

    assert shown.startswith("reports to x\\u001b]0;title")
    assert "hidden" not in shown
    assert is_clean(shown)


def test_the_host_of_a_notify_url_is_logged_escaped(caplog: pytest.LogCaptureFixture) -> None:
    """Also where the sandbox runs inside a test, whose log has its own handlers."""
    with running(delay=0) as sandbox:
        message = Message(destinations=NUMBER, text=TEXT, notify_url="http://a\x9b\u202e.example/")
        sandbox.client().send(message)
        sandbox.wait_for(to=NUMBER)
    (entry,) = [record.getMessage() for record in caplog.records if "not delivered" in record.msg]

    assert "reports to a\\u009b\\u202e.example are" in entry
    assert is_clean(entry)


@pytest.mark.parametrize("words", [("listen", "--host", f"a{EVIL}"), ("sandbox", "--host", EVIL)])
def test_a_host_that_cannot_be_one_is_named_escaped(words: tuple[str, ...]) -> None:
    """One sentence, whatever the name is."""
    result = run(*words)

    assert result.exit_code in {2, 3}
    assert "Traceback" not in result.output
    assert is_clean(result.output)


def test_no_option_reaches_the_terminal_raw() -> None:
    """What is said of a wrong command line."""
    for words in (
        (EVIL,),
        ("send", f"--{EVIL}"),
        ("send", "--csv", f"/{EVIL.replace(chr(0), '')}"),
    ):
        assert is_clean(run(*words).output)


def test_a_drawn_table_and_a_dry_run_are_escaped_on_a_terminal(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal gets what its table needs and nothing of a server's or a text's."""
    plain = json.loads(example("logs"))
    plain["results"][0]["from"] = EVIL
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    table = run("logs", url=serve("hear", reply(json.dumps(plain).encode())).url).stdout
    shown = run(*SEND, "--wire", "xml", "--dry-run", f"a{HIDDEN[8:-3]}").stdout

    assert "─" in table
    assert "\\u001b]0;" in table
    assert "\\u202e" in shown
    assert is_clean(table + shown)


def test_what_people_write_is_not_escaped() -> None:
    """Letters of any script, emoji and blanks stay."""
    for text in ("Zoë €5", "Привет", "你好", "שלום", "نص", "नमस्ते", "👍❤️", "a\u00a0b"):
        assert escape(text) == text


def test_there_is_one_way_out() -> None:
    """No command prints but through terminal.py."""
    ways = {"echo", "secho", "confirm", "prompt", "print_exc", "print_stack", "write"}
    found = set()
    for path in (SRC / "cli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            call = node.func if isinstance(node, ast.Call) else None
            owner = ast.unparse(call.value) if isinstance(call, ast.Attribute) else ""
            name = call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "")
            forbidden = owner in {
                "click",
                "sys.stdout",
                "sys.stderr",
                "traceback",
                "sys.stdout.buffer",
            }
            if (name == "print" and owner == "") or (name in ways and forbidden):
                found.add((path.stem, name))

    assert found == {("terminal", "echo"), ("terminal", "confirm")}


@pytest.mark.parametrize("text", ["::error::x", "a\n  ::add-mask::x", "a ##[error]x", "##vso[a]x"])
def test_foreign_text_gives_no_command_to_the_log_of_a_build(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """GitHub obeys what begins a line, blanks or not, and Azure and old runners what is anywhere."""
    echo(text)
    out = capsys.readouterr().out

    assert not re.search(r"^\s*::[a-z-]+::|##(\[|vso)", out, re.MULTILINE)
    assert out.replace("\\u003a", ":").replace("\\u0023", "#") == f"{text}\n"
