"""``send``: one message, a document, a CSV file, and what is asked before it costs money."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from infobip_sms_schema import SmsRequest

from infobip_sms.codecs import get_codec
from tests.cli.runs import NUMBER, SEND, TEXT, run, run_on_terminal, start
from tests.client.calls import GOOD, NEVER, both, example, reply

if TYPE_CHECKING:
    from pathlib import Path

    from infobip_sms.codecs import Wire
    from tests.client.calls import Serve
    from tests.fakes.scripted_server import ReceivedRequest

ROWS = "to,name,time\n41793026727,Zoë,18:00\n41793026731,Ali,19:30\n"
TEMPLATE = "Dear {name}, see you at {time}."
MAIL = ("send", "--from", "InfoSMS", "--csv", "-", "--template", TEMPLATE)
REMOTE = "https://sms.invalid"
EVERY_MEMBER = {
    "--flash": None,
    "--language": "tr",
    "--transliteration": "TURKISH",
    "--send-at": "2015-07-07T17:00:00+01:00",
    "--validity": "720",
    "--window": "mon,TUESDAY 06:00-15:30",
    "--notify-url": "https://www.example.com/sms/advanced",
    "--notify-content-type": "json",
    "--callback-data": "DLR callback data",
    "--intermediate-report": None,
    "--bulk-id": "BULK-ID-123-xyz",
    "--message-id": "MESSAGE-ID-123-xyz",
    "--track": "SMS",
    "--process-key": "key",
    "--tracking-type": "MY_CAMPAIGN",
    "--tracking-base-url": "https://example.com",
}


def read_message(request: ReceivedRequest) -> dict[str, Any]:
    """Return the one message of a JSON request."""
    (message,) = json.loads(request.body)["messages"]
    return dict(message)


class Platform:
    """Accepts what it has not accepted before, knows it in its logs, and counts what it heard."""

    def __init__(self, delay: float = 0.0, refused: str = "") -> None:
        self.heard: list[tuple[str, str]] = []
        self._delay = delay
        self._refused = refused

    def answer(self, request: ReceivedRequest) -> bytes:
        """Answer a send, or a question to the logs."""
        method, target, _ = request.line.split()
        if method == "GET":
            wanted = parse_qs(urlsplit(target).query)["messageId"]
            known = [self._tell(to, name) for to, name in self.heard if name in wanted]
            return reply(json.dumps({"results": known}).encode())
        asked = [
            (destination["to"], destination["messageId"])
            for message in json.loads(request.body)["messages"]
            for destination in message["destinations"]
        ]
        self.heard += asked
        time.sleep(self._delay)
        return reply(json.dumps({"messages": [self._tell(*one) for one in asked]}).encode())

    def _tell(self, to: str, name: str) -> dict[str, Any]:
        number, group, word = (26, 1, "PENDING") if to != self._refused else (6, 5, "REJECTED")
        status = {"groupId": group, "groupName": word, "id": number, "name": f"{word}_SO"}
        return {"to": to, "messageId": name, "status": status}


@both
def test_a_message_goes_out_as_the_client_writes_it(wire: Wire, serve: Serve) -> None:
    """From, to and text arrive, in the format that was asked for."""
    server = serve("hear", reply(GOOD[wire], 200, f"application/{wire}"))
    result = run(*SEND, "--to", "41793026731", TEXT, "--wire", wire, "--yes", url=server.url)
    (captured,) = server.finish()
    (message,) = get_codec(wire).parse_request(captured.body, SmsRequest).messages

    assert result.exit_code == 0
    assert (message.from_, message.text) == ("InfoSMS", TEXT)
    assert [d.to for d in message.destinations] == [NUMBER, "41793026731"]


def test_every_member_of_a_message_has_an_option(serve: Serve) -> None:
    """All options together make a request with every field that the contract has."""
    server = serve("hear", reply(GOOD["json"]))
    words = [word for pair in EVERY_MEMBER.items() for word in pair if word is not None]
    result = run(*SEND, TEXT, *words, url=server.url)
    (captured,) = server.finish()
    sent = json.loads(captured.body)
    (message,) = sent["messages"]

    assert result.exit_code == 0
    assert sent["bulkId"] == "BULK-ID-123-xyz"
    assert sent["tracking"] == {
        "track": "SMS",
        "processKey": "key",
        "type": "MY_CAMPAIGN",
        "baseUrl": "https://example.com",
    }
    assert message == {
        "from": "InfoSMS",
        "destinations": [{"to": NUMBER, "messageId": "MESSAGE-ID-123-xyz"}],
        "text": TEXT,
        "flash": True,
        "language": {"languageCode": "TR"},
        "transliteration": "TURKISH",
        "intermediateReport": True,
        "notifyUrl": "https://www.example.com/sms/advanced",
        "notifyContentType": "application/json",
        "callbackData": "DLR callback data",
        "validityPeriod": 720,
        "sendAt": "2015-07-07T17:00:00.000+01:00",
        "deliveryTimeWindow": {
            "days": ["MONDAY", "TUESDAY"],
            "from": {"hour": 6, "minute": 0},
            "to": {"hour": 15, "minute": 30},
        },
    }


def test_what_is_not_said_is_not_sent(serve: Serve) -> None:
    """An option that was not given leaves its field out, flags included."""
    server = serve("hear", reply(GOOD["json"]))
    run(*SEND, TEXT, url=server.url)

    assert set(read_message(server.finish()[0])) == {"from", "destinations", "text"}


@pytest.mark.parametrize(
    ("words", "typed", "expected"),
    [
        (["-"], "one\ntwo\n", "one\ntwo"),
        (["-"], "\ufeffGüneş\r\n", "Güneş"),
        (["--text", "by name"], "", "by name"),
        (["--", "-5 degrees"], "", "-5 degrees"),
    ],
)
def test_the_text_comes_from_where_it_is(
    words: list[str], typed: str, expected: str, serve: Serve
) -> None:
    """An argument, an option, or standard input without its last line end."""
    server = serve("hear", reply(GOOD["json"]))
    run(*SEND, *words, typed=typed, url=server.url)

    assert read_message(server.finish()[0])["text"] == expected


def test_a_long_validity_period_is_sent_and_explained(serve: Serve) -> None:
    """VAL: what the platform shortens is allowed; a note says what happens to it."""
    server = serve("hear", reply(GOOD["json"]))
    result = run(*SEND, TEXT, "--validity", "5000", url=server.url)

    assert result.exit_code == 0
    assert "shortens --validity to 2880" in result.stderr
    assert read_message(server.finish()[0])["validityPeriod"] == 5000


def test_a_table_names_each_destination(sandbox_url: str) -> None:
    """People see number, status and message id of each destination, aligned."""
    result = run(*SEND, "--to", "4179302", TEXT, "--yes", "--api-key", "key", url=sandbox_url)
    title, first, second = result.stdout.splitlines()

    assert result.exit_code == 0
    assert title.split() == ["To", "Status", "Message"]
    assert first.split()[:2] == [NUMBER, "PENDING_ACCEPTED"]
    assert first.index("PENDING") == second.index("PENDING") == title.index("Status")
    assert "Bulk: " in result.stderr


def test_json_is_the_answer_with_the_wire_s_names(sandbox_url: str) -> None:
    """Machines get one document, as the wire names it."""
    result = run(*SEND, TEXT, "--json", "--wire", "xml", "--api-key", "key", url=sandbox_url)
    (entry,) = json.loads(result.stdout)["messages"]

    assert entry["to"] == NUMBER
    assert entry["status"]["groupName"] == "PENDING"


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_refused_destination_ends_with_1(more: tuple[str, ...], serve: Serve) -> None:
    """HTTP 200 with a REJECTED destination is no success."""
    result = run(*SEND, TEXT, *more, url=serve("hear", reply(example("rejected-response"))).url)

    assert result.exit_code == 1
    assert "REJECTED" in result.stdout


@pytest.mark.parametrize("stem", ["documented-request", "every-member-request"])
@both
def test_a_whole_document_is_sent_in_its_own_format(stem: str, wire: Wire, serve: Serve) -> None:
    """--request takes JSON or XML, from a file or standard input, and loses nothing of it."""
    server = serve("hear", reply(GOOD[wire], 200, f"application/{wire}"))
    codec = get_codec(wire)
    result = run("send", "--request", "-", "--yes", typed=example(stem, wire), url=server.url)
    (captured,) = server.finish()

    assert result.exit_code == 0
    assert codec.parse_request(captured.body, SmsRequest) == codec.parse_request(
        example(stem, wire), SmsRequest
    )


@pytest.mark.parametrize(
    ("words", "typed", "expected"),
    [
        (
            [],
            '{"messages":[{"destinations":[{"to":"x"}]}]}',
            "messages[0].destinations[0].to: expected",
        ),
        ([], "to whom it may concern", "text that is not JSON"),
        ([], "<request/>", "messages"),
        (["--flash"], "{}", "leave the message's options out"),
        (["--to", "4179"], "{}", "--to"),
    ],
)
def test_a_wrong_document_is_refused(words: list[str], typed: str, expected: str) -> None:
    """What is wrong with a document is named by its place, before anything is sent."""
    result = run("send", "--request", "-", *words, typed=typed)

    assert result.exit_code == 3
    assert expected in result.stderr


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (b'"notifyUrl"', b'"notifyURL"', "messages[0].notifyURL"),
        (b'"languageCode"', b'"lockingShift": true, "languageCode"', "messages[0].language.lockingShift"),
        (b"<notifyUrl>https://www.example.com/sms/advanced</notifyUrl>", b"<notifyURL/>", "/messages[1]/message[1]/notifyURL[1]"),
    ],
)  # fmt: skip
def test_a_member_that_nobody_knows_is_refused(old: bytes, new: bytes, place: str) -> None:
    """A misspelt field of a whole request is named, and nothing is sent without it."""
    wire = "xml" if old.startswith(b"<") else "json"
    body = example("documented-request", wire)
    assert old in body
    result = run("send", "--request", "-", "--dry-run", typed=body.replace(old, new))

    assert result.exit_code == 3
    assert f"{place}: expected" in result.stderr


def test_a_file_that_is_not_there_is_named() -> None:
    """A wrong path ends with 3 and the path."""
    for option in ("--request", "--csv"):
        result = run("send", option, "/nowhere/at/all")

        assert result.exit_code == 3
        assert "/nowhere/at/all cannot be read" in result.stderr


def test_each_row_is_a_message(serve: Serve) -> None:
    """A template is filled from the columns; options hold for every row."""
    platform = Platform()
    server = serve("hear", platform.answer)
    result = run(*MAIL, "--flash", "--track", "SMS", typed=ROWS, url=server.url)
    sent = json.loads(server.finish()[0].body)

    assert result.exit_code == 0
    assert [m["text"] for m in sent["messages"]] == [
        "Dear Zoë, see you at 18:00.",
        "Dear Ali, see you at 19:30.",
    ]
    assert all(m["flash"] for m in sent["messages"])
    assert sent["tracking"] == {"track": "SMS"}
    assert "2 accepted; 2 of 2" in result.stdout


def test_columns_may_say_everything(serve: Serve) -> None:
    """to, from, text and message_id are columns too, in capitals or not, after any of three marks."""
    platform = Platform()
    server = serve("hear", platform.answer)
    sheet = "\ufeffTo;FROM;Text;message_id\n\n+41793026727;Shop;{as it is};m1\n"
    result = run("send", "--csv", "-", "--from", "InfoSMS", typed=sheet, url=server.url)
    message = read_message(server.finish()[0])

    assert result.exit_code == 0
    assert (message["from"], message["text"]) == ("Shop", "{as it is}")
    assert message["destinations"] == [{"to": "+41793026727", "messageId": "m1"}]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{{name}}}", "{Zoë}"),
        ("{name}{name}", "ZoëZoë"),
        ("no column", "no column"),
    ],
)
def test_a_template_is_filled_once(template: str, expected: str, serve: Serve) -> None:
    """Two braces are one; what a cell holds is not looked into."""
    server = serve("hear", Platform().answer)
    words = ("send", "--csv", "-", "--template", template)
    run(*words, typed="to,name\n41793026727,Zoë\n", url=server.url)

    assert read_message(server.finish()[0])["text"] == expected


@pytest.mark.parametrize(
    ("sheet", "template", "expected"),
    [
        (ROWS, "Dear {nmae}", "no column named nmae. Did you mean {name}?"),
        (ROWS, "Dear {name", "{name}"),
        (ROWS, "Dear {name.upper}", "no column named name.upper"),
        (ROWS, "Dear {name!r}", "name of a column in braces"),
        (ROWS, "Dear {}", "name of a column in braces"),
        (ROWS, None, "give --template, or a column named text"),
        ("name\nZoë\n", "x", "no column named to"),
        ("41793026727,Zoë\n", "x", "first row must name the columns"),
        ("to,to\n", "x", "more than one column named to"),
        ("to,name\n", "x", "no rows"),
        ("", "x", "The CSV is empty"),
        ("to,name\n41793026727\n", "x", "row 2: 1 cells instead of 2; column name is missing"),
        ("to,name\n41793026727,a,b\n", "x", "row 2: 3 cells instead of 2"),
        (
            "to,name\n1,a\n4179302x,b\n",
            "x",
            "row 3, column to: expected a number in international format",
        ),
        ("to,from\n41793026727,ab\n", "x", "row 2, column from: expected"),
        ("to,text\n41793026727, \n", None, "row 2, column text: empty"),
        ('to,name\n41793026727,"a\n', "x", "cannot be read"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_sent(
    sheet: str, template: str | None, expected: str
) -> None:
    """Every row is checked before the first is sent; a problem names row and column, no number."""
    words = ["--template", template] if template else []
    result = run("send", "--csv", "-", *words, typed=sheet)

    assert result.exit_code == 3
    assert expected in result.stderr
    assert "4179302" not in result.output


def test_a_wrong_option_of_a_mailing_is_said_once() -> None:
    """What is wrong with an option is no row's fault."""
    result = run("send", "--csv", "-", "--template", "x", "--from", "ab", typed=ROWS)

    assert result.exit_code == 3
    assert result.stderr.count("--from: expected") == 1
    assert "row" not in result.stderr


def test_of_many_wrong_rows_the_first_ones_are_shown() -> None:
    """A file that is wrong throughout does not fill the screen."""
    result = run("send", "--csv", "-", "--template", "x", typed="to\n" + "4x\n" * 500)

    assert result.exit_code == 3
    assert "row 2, column to" in result.stderr
    assert "row 11, column to" in result.stderr
    assert len(result.stderr.splitlines()) < 15


def test_empty_cells_of_a_template_are_noted(serve: Serve) -> None:
    """Dear nobody is allowed, and said beforehand."""
    result = run(
        *MAIL, typed="to,name,time\n1,,1\n2,a,2\n", url=serve("hear", Platform().answer).url
    )

    assert "in 1 of 2 rows {name} is empty" in result.stderr


def test_outcomes_for_machines_come_as_lines(serve: Serve) -> None:
    """--json gives a line for each row with the wire's names, and keeps the summary apart."""
    url = serve("hear", Platform(refused="41793026731").answer).url
    result = run(*MAIL, "--json", typed=ROWS, url=url)
    first, second = map(json.loads, result.stdout.splitlines())

    assert result.exit_code == 1
    assert (first["row"], first["to"], first["outcome"]) == (2, NUMBER, "accepted")
    assert (second["row"], second["outcome"], second["reason"]) == (3, "rejected", "REJECTED_SO")
    assert second["status"]["groupName"] == "REJECTED"
    assert "1 accepted, 1 rejected; 2 of 2" in result.stderr


def test_people_see_the_rows_that_went_wrong(serve: Serve) -> None:
    """Rows that were not accepted are listed with the reason, below the first accepted ones."""
    url = serve("hear", Platform(refused="41793026731").answer).url
    result = run(*MAIL, typed=ROWS, url=url)
    title, good, bad, summary = result.stdout.splitlines()

    assert result.exit_code == 1
    assert title.split() == ["Row", "To", "Outcome", "Why", "Message"]
    assert good.split()[:3] == ["2", NUMBER, "accepted"]
    assert bad.split()[:4] == ["3", "41793026731", "rejected", "REJECTED_SO"]
    assert summary.startswith("1 accepted, 1 rejected; 2 of 2 in")


def test_what_was_not_sent_ends_with_2_and_a_hint() -> None:
    """Nobody there: every row is unsent, which is no rejection."""
    result = run(*MAIL, "--attempts", "1", "--patience", "0.1", typed=ROWS)

    assert result.exit_code == 2
    assert "2 unsent; 2 of 2" in result.stdout
    assert "Is the sandbox running?" in result.stderr


def test_a_mailing_s_dry_run_shows_its_first_request_only(serve: Serve) -> None:
    """The first --chunk rows are shown as they would be sent; nothing is."""
    server = serve("hear", Platform().answer)
    rows = "to,message_id\n1,a\n2,b\n3,c\n"
    words = ("send", "--csv", "-", "--template", "x", "--chunk", "2")
    shown = run(*words, "--dry-run", typed=rows, url=server.url)
    run(*words, typed=rows, url=server.url)
    first = min(server.finish(), key=lambda request: b'"c"' in request.body)

    assert shown.exit_code == 0
    assert shown.stdout_bytes.partition(b"\n\n")[2].strip() == first.body
    assert shown.stdout.count("POST ") == 1


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        ((*SEND, "--to", "41793026731", TEXT), ""),
        (("send", "--request", "-"), example("documented-request")),
        (MAIL, ROWS),
    ],
    ids=["message", "document", "rows"],
)
def test_many_destinations_of_a_real_server_want_yes(words: tuple[str, ...], typed: str) -> None:
    """Where nobody can be asked, more than one destination needs --yes; how many is said."""
    result = run(*words, typed=typed, url=REMOTE)

    assert result.exit_code == 3
    assert "destinations" in result.stderr
    assert "segments through sms.invalid. Add --yes" in result.stderr


def test_parts_are_counted_before_asking(tmp_path: Path) -> None:
    """The question counts what is paid for: parts, not texts."""
    sheet = tmp_path / "guests.csv"
    sheet.write_text(f"to,text\n1,{'a' * 161}\n2,ş\n3,{'ş' * 71}\n", encoding="utf-8")
    result = run("send", "--csv", str(sheet), url=REMOTE)

    assert "3 destinations, 5 segments" in result.stderr


def test_one_destination_is_not_asked_about() -> None:
    """A single message goes out at once; here it fails for want of a server."""
    result = run(*SEND, TEXT, "--attempts", "1", "--timeout", "5", url=REMOTE)

    assert result.exit_code == 2
    assert "--yes" not in result.stderr


@pytest.mark.parametrize(("typed", "expected"), [("n\n", 130), ("y\n", 2)])
def test_a_terminal_is_asked(typed: str, expected: int) -> None:
    """No sends nothing and ends with 130; yes goes on, here to a host that does not exist."""
    words = (*SEND, "--to", "41793026731", TEXT, "--attempts", "1", "--timeout", "5")
    code, seen = run_on_terminal(*words, url=REMOTE, typed=typed)

    assert code == expected
    assert "Send to 2 destinations, 2 segments through sms.invalid?" in seen


def test_a_terminal_shows_progress_and_a_drawn_table(tmp_path: Path, serve: Serve) -> None:
    """The bar counts destinations on the terminal; the bad row is a table; nothing is in colour codes only."""
    sheet = tmp_path / "guests.csv"
    sheet.write_text("to\n" + "".join(f"{n}\n" for n in range(1, 41)), encoding="utf-8")
    url = serve("hear", Platform(delay=0.1, refused="40").answer).url
    words = ("send", "--csv", str(sheet), "--template", "x", "--chunk", "4", "--concurrency", "1")
    code, seen = run_on_terminal(*words, url=url)

    assert code == 1
    assert "/40" in seen
    assert "rejected" in seen
    assert "39 accepted, 1 rejected; 40 of 40" in seen


def test_json_and_a_terminal_s_progress_do_not_mix(tmp_path: Path, serve: Serve) -> None:
    """Lines of JSON go to standard output untouched while the bar is on standard error's terminal."""
    sheet = tmp_path / "guests.csv"
    sheet.write_text(ROWS, encoding="utf-8")
    url = serve("hear", Platform().answer).url
    code, seen = run_on_terminal(
        "send", "--csv", str(sheet), "--template", TEMPLATE, "--json", url=url
    )

    assert code == 0
    assert [json.loads(line)["row"] for line in seen.splitlines() if line.startswith("{")] == [2, 3]


def test_killed_and_run_again_sends_to_everybody_once(tmp_path: Path, serve: Serve) -> None:
    """--resume: a mailing that was killed goes on where it was, and the third run has nothing to do."""
    platform = Platform(delay=0.03)
    url = serve("hear", platform.answer).url
    sheet, journal = tmp_path / "guests.csv", tmp_path / "journal"
    wanted = [str(41793000000 + number) for number in range(200)]
    sheet.write_text("to\n" + "\n".join(wanted) + "\n", encoding="utf-8")
    words = ("send", "--csv", str(sheet), "--template", "x", "--resume", str(journal))
    pace = ("--chunk", "5", "--concurrency", "2", "--on-unknown", "resend")
    with start(*words, *pace, url=url) as process:
        while len(platform.heard) < 60:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert len(platform.heard) < 200
    time.sleep(0.1)
    second = run(*words, *pace, url=url)
    third = run(*words, *pace, url=url)

    assert second.exit_code == third.exit_code == 0, second.output
    assert sorted(to for to, _ in platform.heard) == wanted
    assert "200 accepted (" in second.stdout
    assert "200 accepted (200 of them in an earlier run)" in third.stdout


def test_a_number_may_have_blanks_and_signs(serve: Serve) -> None:
    """--to takes a number as people write it, as the cells of --csv do."""
    platform = Platform()
    result = run(
        "send", "--to", "+41 79 302-67 27", "Hello", url=serve("hear", platform.answer).url
    )

    assert result.exit_code == 0, result.stderr
    assert [to for to, _ in platform.heard] == ["+41793026727"]


def test_another_input_is_refused_by_the_journal(tmp_path: Path, serve: Serve) -> None:
    """A journal belongs to its rows: other rows end with 2 and send nothing."""
    platform = Platform()
    url = serve("hear", platform.answer).url
    journal = str(tmp_path / "journal")
    run(*MAIL, "--resume", journal, typed=ROWS, url=url)
    (changed,) = [row for row in ROWS.splitlines() if "Ali" in row]
    result = run(*MAIL, "--resume", journal, typed=ROWS.replace("Ali", "Eve"), url=url)

    assert result.exit_code == 2
    assert "journal" in result.stderr
    assert f"(first difference: row {2 + ROWS.splitlines()[1:].index(changed)})" in result.stderr
    assert len(platform.heard) == 2


def test_ctrl_c_ends_a_wait_for_a_server_that_is_busy(serve: Serve, tmp_path: Path) -> None:
    """A mailing that waits because the server asked for half a minute ends with the first Ctrl-C."""
    server = serve("hear", reply(b"", 503, "text/plain", "Retry-After: 30"))
    sheet = tmp_path / "guests.csv"
    sheet.write_text(ROWS, encoding="utf-8")
    words = ("send", "--csv", str(sheet), "--template", TEMPLATE, "--patience", "300")
    began = time.monotonic()
    with start(*words, url=server.url) as process:
        while not server._requests:
            time.sleep(0.05)
            assert time.monotonic() - began < NEVER
        process.send_signal(signal.SIGINT)
        process.wait()

    assert process.returncode == 130
    assert time.monotonic() - began < 2 * NEVER
