"""Reports, logs, preview, scheduled bulks, conversions: what is asked and what is shown."""

from __future__ import annotations

import json
import re
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli.runs import NUMBER, run, run_on_terminal, start
from tests.client.calls import both, example, reply

if TYPE_CHECKING:
    from infobip_sms.codecs import Wire
    from tests.client.calls import Serve

TURKISH = "Siparişiniz hazır; mağazamızdan ücretsiz alabilirsiniz."  # noqa: RUF001 - Turkish
ANSWERS: dict[str, tuple[tuple[str, ...], str, str]] = {
    # name: the command, the example that is answered, a word of the table
    "preview": (("preview", TURKISH), "preview-response", "TR"),
    "reports": (("reports",), "delivery-reports", "EC_ABSENT_SUBSCRIBER"),
    "logs": (("logs",), "logs", "REJECTED_NETWORK"),
    "show": (("scheduled", "show", "B"), "bulk-response", "+"),
    "move": (("scheduled", "move", "B", "2026-07-07T17:00:00Z"), "bulk-response", "+"),
    "status": (("scheduled", "status", "B"), "bulk-status-response", "PAUSED"),
    "pause": (("scheduled", "pause", "B"), "bulk-status-response", "PAUSED"),
    "conversion": (("conversion", "M"), "conversion-response", "Process"),
}
answered = pytest.mark.parametrize(("words", "stem", "word"), ANSWERS.values(), ids=ANSWERS)


def find_numbers(plain: Any) -> Any:
    """Return plain data whose numbers are text, as JSON has them."""
    return json.loads(json.dumps(plain), parse_float=str, parse_int=str)


@answered
@both
def test_json_is_the_answer_itself(
    words: tuple[str, ...], stem: str, word: str, wire: Wire, serve: Serve
) -> None:
    """Whatever the wire, --json gives one line that says what the JSON example says."""
    url = serve("hear", reply(example(stem, wire), 200, f"application/{wire}")).url
    result = run(*words, "--json", "--wire", wire, url=url)

    assert word
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1
    assert json.loads(result.stdout) == json.loads(example(stem))


@answered
def test_people_get_a_table(words: tuple[str, ...], stem: str, word: str, serve: Serve) -> None:
    """The same as aligned columns, and as a drawn table on a terminal of 80 columns."""
    url = serve("hear", reply(example(stem))).url
    plain = run(*words, url=url)
    code, drawn = run_on_terminal(*words, url=url)

    assert plain.exit_code == code == 0
    assert word in plain.stdout
    assert word in drawn
    assert "─" in drawn
    assert "─" not in plain.stdout
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in drawn.splitlines()) <= 80


def test_logs_ask_with_every_filter(serve: Serve) -> None:
    """Every filter of the contract has an option, and reaches the query under its wire name."""
    server = serve("hear", reply(example("logs")))
    result = run(
        *[
            "logs",
            "--from",
            "InfoSMS",
            "--to",
            "41793026727",
            "--bulk-id",
            "a",
            "--bulk-id",
            "b",
            "--message-id",
            "c",
        ],
        *[
            "--status",
            "delivered",
            "--since",
            "2015-02-22T17:42:05+01:00",
            "--limit",
            "7",
            "--mcc",
            "228",
            "--mnc",
            "01",
        ],
        *("--until", "2015-02-23 17:42:05Z"),
        url=server.url,
    )
    (captured,) = server.finish()

    assert result.exit_code == 0
    assert parse_qs(urlsplit(captured.line.split()[1]).query) == {
        "from": ["InfoSMS"],
        "to": [NUMBER],
        "bulkId": ["a", "b"],
        "messageId": ["c"],
        "generalStatus": ["DELIVERED"],
        "sentSince": ["2015-02-22T17:42:05.000+01:00"],
        "sentUntil": ["2015-02-23T17:42:05.000+00:00"],
        "limit": ["7"],
        "mcc": ["228"],
        "mnc": ["01"],
    }


def test_reports_ask_with_every_filter(serve: Serve) -> None:
    """bulkId, messageId and limit reach the query."""
    server = serve("hear", reply(example("no-delivery-reports")))
    result = run(
        *["reports", "--bulk-id", "a", "--message-id", "b", "--limit", "3"], url=server.url
    )
    (captured,) = server.finish()

    assert result.exit_code == 0
    assert (result.stdout, result.stderr) == ("", "No new reports.\n")
    assert parse_qs(urlsplit(captured.line.split()[1]).query) == {
        "bulkId": ["a"],
        "messageId": ["b"],
        "limit": ["3"],
    }


@pytest.mark.parametrize(
    ("words", "line", "body"),
    [
        ("show B/1", "GET /sms/1/bulks?bulkId=B%2F1", None),
        ("status B", "GET /sms/1/bulks/status?bulkId=B", None),
        ("pause B", "PUT /sms/1/bulks/status?bulkId=B", {"status": "PAUSED"}),
        ("resume B", "PUT /sms/1/bulks/status?bulkId=B", {"status": "PENDING"}),
        ("cancel B", "PUT /sms/1/bulks/status?bulkId=B", {"status": "CANCELED"}),
        (
            "move B 2026-07-07T17:00:00+02:00",
            "PUT /sms/1/bulks?bulkId=B",
            {"sendAt": "2026-07-07T17:00:00.000+02:00"},
        ),
    ],
)
def test_a_scheduled_bulk_is_asked_for_what_it_says(
    words: str, line: str, body: dict[str, str] | None, serve: Serve
) -> None:
    """Each command of scheduled makes its own request."""
    server = serve("hear", reply(b"{}"))
    result = run("scheduled", *words.split(), url=server.url)
    (captured,) = server.finish()

    assert result.exit_code == 0
    assert captured.line == f"{line} HTTP/1.1"
    assert (json.loads(captured.body) if captured.body else None) == body


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_reports_follow_until_interrupted(more: tuple[str, ...], serve: Serve) -> None:
    """--follow prints reports as they come, outlives a failure in between, and ends with 130."""
    empty = reply(example("no-delivery-reports"))
    answers = chain([empty, reply(b"<html>"), reply(example("delivery-reports"))], repeat(empty))
    url = serve("hear", lambda _: next(answers)).url
    with start("reports", "--follow", "--interval", "0.05", *more, url=url) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(2)
        _, said = process.communicate(timeout=20)

    assert process.returncode == 130
    assert [NUMBER.encode() in line for line in lines] == [True, False]
    assert b"asking again" in said
    if more:
        assert json.loads(lines[1])["status"]["id"] == 9


def test_a_follow_that_never_worked_fails_at_once(serve: Serve) -> None:
    """A wrong address is no reason to ask for ever."""
    with start("reports", "--follow", url=serve("hear", reply(b"<html>")).url) as process:
        try:
            assert process.wait(10) == 2
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ((TURKISH,), [(1, 15)]),
        ((TURKISH, "--language", "TR"), [(1, 15), (1, 100)]),
        (("a" * 161,), [(2, 145)]),
        (("αβγ", "--transliteration", "greek"), [(1, 67), (1, 157)]),
    ],
)
def test_preview_offline_counts_without_a_server(
    words: tuple[str, ...], counts: list[tuple[int, int]]
) -> None:
    """PREV: --offline needs neither key nor network, and answers in the server's form."""
    plain = json.loads(run("preview", "--offline", "--json", *words, key=None).stdout)

    assert [(p["messageCount"], p["charactersRemaining"]) for p in plain["previews"]] == counts
    assert plain["previews"][0]["configuration"] == {}


def test_preview_offline_says_what_unicode_costs() -> None:
    """The letters that make a text Unicode are named, and that a table of letters is an estimate."""
    result = run("preview", "--offline", "-", typed="naïve ş ş ğ\n")
    rewritten = run("preview", "--offline", "ş", "--transliteration", "TURKISH")

    assert "Sent as Unicode because of: ï ş ğ" in result.stderr
    assert "estimate" in rewritten.stderr


def test_a_server_cannot_steer_the_terminal(serve: Serve) -> None:
    """Control characters of an answer are neither in tables nor raw in JSON."""
    plain = json.loads(example("logs"))
    plain["results"][0]["from"] = "\x1b]0;title\x07[red]\x9b31m\u202e"
    url = serve("hear", reply(json.dumps(plain).encode())).url
    table, line = run("logs", url=url).stdout, run("logs", "--json", url=url).stdout

    for sign in "\x1b\x07\x9b\u202e":
        assert sign not in table + line
    assert "[red]" in table
    assert json.loads(line)["results"][0]["from"] == plain["results"][0]["from"]


def test_prices_keep_their_digits(serve: Serve) -> None:
    """--json writes numbers as they came."""
    plain = example("delivery-reports").replace(b"0.01,", b"0.0100000000000000001,")
    result = run("reports", "--json", url=serve("hear", reply(plain)).url)

    assert "0.0100000000000000001" in result.stdout
