"""CSV files as spreadsheets write them: read, or refused with row, column, value and remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infobip_sms.cli.send import csv_table
from tests.cli.runs import NOBODY, NUMBER, run, run_on_terminal
from tests.cli.test_send import Platform
from tests.client.calls import example, reply

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.client.calls import Serve

DEAR = ("--template", "Dear {name}.")


def send(sheet: bytes, *words: str, url: str = NOBODY) -> Result:
    """Send a message for each row of a file."""
    return run("send", "--csv", "-", *(words or DEAR), typed=sheet, url=url)


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        (b"sep=;\r\nto;name\r\n41793026727;Ana\r\n", DEAR),
        (b"sep=|\nto|name\n41793026727|Ana\n", DEAR),
        (b"\xef\xbb\xbfsep=;\nto;name\n41793026727;Ana\n", DEAR),
        ("to\tname\r\n41793026727\tAna\r\n".encode("utf-16"), DEAR),
        (b"\xfe\xff" + "to\tname\n41793026727\tAna\n".encode("utf-16-be"), DEAR),
        ("to\tname\n41793026727\tAna\n".encode("utf-16-le"), (*DEAR, "--encoding", "utf-16-le")),
        (b"to, name\n41793026727, Ana\n", DEAR),
        (b'to, name\n41793026727, "Ana"\n', DEAR),
        (b"to,name\n41793026727.0,Ana\n", DEAR),
        (b"to,name\n41 79 302-67/27,Ana\n", DEAR),
        ("to,name\n\u202a41793026727\u202c,Ana\n".encode(), DEAR),
        ("to,name\n41\u00a079\u2011302 (67) 27,Ana\n".encode(), DEAR),
        (b"to,name,,\n41793026727,Ana,,\n", DEAR),
        (b"to,Name\n41793026727,Ana\n", DEAR),
        (b"TO,name,NAME\n41793026727,Ana,x\n", DEAR),
        (b"to,name\n41793026727,Ana\n", ("--template", "Dear { NAME }.")),
        (b"to:name\n41793026727:Ana\n", (*DEAR, "--delimiter", ":")),
        (b"to,name\n'41793026727,Ana\n", DEAR),
        (b'to,name\n"=""41793026727""",Ana\n', DEAR),
        (b'to;name\n="41793026727";Ana\n', DEAR),
        (b"to;name\n41'793'026'727;Ana\n", DEAR),
        ("to;name\n41\u2019793\u2019026\u2019727;Ana\n".encode(), DEAR),
        (b'to,name\n"41,793,026,727",Ana\n', DEAR),
        (b"to,name\n41.793.026.727,Ana\n", DEAR),
        (b"to;name\n41793026727,0;Ana\n", DEAR),
        (b"to,name\nTEL:41793026727,Ana\n", DEAR),
        (b"to,name\r41793026727,Ana\r", DEAR),
        (b"\r\n;;\r\nto;name;\r\n41793026727;Ana;\r\n;;\r\n", DEAR),
        (b'to;name\n41793026727;"Ana"\n;\n;\n', DEAR),
        (b'"sep=;"\r\nto;name\r\n41793026727;Ana\r\n', DEAR),
        (b"sep=;\rto;name\r41793026727;Ana\r", DEAR),
        ("\ufeffto;name\n41793026727;Ana\n".encode("utf-32-le"), DEAR),
        (b"to;name\r\n41793026727;Ana\r\n\x1a", DEAR),
        (
            "to;name\n\u0664\u0661\u0667\u0669\u0663\u0660\u0662\u0666\u0667\u0662\u0667;Ana\n".encode(),
            DEAR,
        ),
        ("to;name\n\uff0b\uff14\uff11793026727;Ana\n".replace("\uff0b", "").encode(), DEAR),
        (b"to;name\n=41793026727;Ana\n", DEAR),
        ("t\u200bo;name\ufeff\n41793026727;Ana\n".encode(), DEAR),
        (b"to,x\tname\n41793026727\tAna\n".replace(b",x", b""), (*DEAR, "--delimiter", "tab")),
    ],
)
def test_a_spreadsheet_s_file_is_read_as_it_was_meant(
    sheet: bytes, words: tuple[str, ...], serve: Serve
) -> None:
    """Encodings, marks of delimiters, blanks and a spreadsheet's ways to write numbers."""
    server = serve("hear", Platform().answer)
    result = send(sheet, *words, url=server.url)
    (message,) = json.loads(server.finish()[0].body)["messages"]

    assert result.exit_code == 0, result.stderr
    assert message["destinations"][0]["to"] == NUMBER
    assert message["text"] == "Dear Ana."


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        (b"to,name\n4.1793E+10,Ana\n", ["row 2, column to", '"4.1793E+10"', "as text"]),
        (
            b"to,name\n4,Jo\n41793026727,Jos\xe9\n",
            ["row 3, column 2", '"José"', "CSV UTF-8", "cp1252"],
        ),
        (
            b"to,name\n0041793026727,Ana\n",
            ["row 2, column to", '"004**********"', "+ instead of 00"],
        ),
        (
            b"to,name\n0793026727,Ana\n",
            ["row 2, column to", '"079*******"', "country code instead"],
        ),
        (b"to,name\n+41 (0)79 302 67 27,Ana\n", ["row 2, column to", "Leave out (0)"]),
        (b"to,name\n,Ana\n", ["row 2, column to", '""', "The cell is empty"]),
        (b"to,name\n4179302x,Ana\n", ["row 2, column to", '"417****x"']),
        (b"to,name,from\n41,Ana,ab\n", ["row 2, column from", '"ab"']),
        (b"to,name\n41,Ana,Bea\n", ["row 2: 3 cells instead of 2", '"Bea"', "quotes"]),
        (b"to,name\n41\n", ["row 2: 1 cells", "column name is missing", "empty"]),
        (b'to,name\n41,"a"b"\n', ["after row 1", '"say ""hello"""']),
        (b"PK\x03\x04", ["workbook", "CSV UTF-8"]),
        (b"<!DOCTYPE html><table>", ["HTML or XML", "CSV UTF-8"]),
        (b"", ["The CSV is empty", "to,name"]),
        (b"Guests 2026\nto,name\n4,a\n", ["must name the columns", "delete what is above"]),
        (b"To,to,name\n4,5,a\n", ["more than one column named to"]),
        (b'to,name\n4,"a\n5,b\n', ["after row 1", "a quote is not closed"]),
        (b"to,name\r4,Jo\r41793026727,Jos\x8e\r", ["row 3, column 2", '"José"', "mac-roman"]),
        (b"to,name\n#REF!,Ana\n", ["row 2, column to", '"#REF!"', "could not compute"]),
        (b"to,name\n-41793026727,Ana\n", ["row 2, column to", "minus sign", "Enter the number"]),
        (b"to,name\n=-41793026727,Ana\n", ["row 2, column to", "minus sign", "formula"]),
        (b"to,name\nunknown,Ana\n", ["row 2, column to", '"unknown"', "country code, such as"]),
        (b"to,name\n0793026727,Ana\n", ["row 2, column to", "--region CH"]),
        (
            b"to;name\n41793026727 / 41793026728;Ana\n",
            ["row 2, column to", "more than 15 digits", "one number in each row"],
        ),
        (b"to;name\n41 793 026 727 x;Ana\n", ["row 2, column to", '"417*********** x"']),
        (b"to,name\n41,Ana,,Bea\n", ["row 2: 4 cells instead of 2", '"Bea"']),
        ("to,name\n4,a\n".encode("utf-16-be"), ["NUL", "--encoding utf-16-be"]),
        ("to,name\n4,a\n".encode("utf-16-le"), ["NUL", "--encoding utf-16-le"]),
        (b"to,name\n4,a\n5,b\0b\n", ["row 3: a NUL character", "Save the sheet again"]),
        (b"to,name\n4,a\n" + b"\0" * 4096, ["row 3: a NUL character", "Save the sheet again"]),
        (b"to,name\n4,%b\n" % (b"x" * 200_000), ["after row 1", "a cell is endless"]),
        (b"\x1f\x8b\x08\0", ["is compressed", "gunzip"]),
        (b"to,name\n41,#N/A\n", ["row 2, column name", "could not compute"]),
        (
            b"to,name,message_id\n41793026727,a,x\n41793026728,b,x\n",
            ["row 3, column message_id", '"x"', "also in row 2"],
        ),
        (b"phone,name\n4,a\n", ["it has: phone, name", "Rename"]),
        (b"to,nme\n4,a\n", ["no column named name. Did you mean {nme}?"]),
        (b"to,NAME,Name\n4,a,b\n", ["no column named name. Did you mean {"]),
    ],
)
def test_a_complaint_names_row_column_value_and_remedy(sheet: bytes, said: list[str]) -> None:
    """The message alone is enough to mend the file; a whole number is never shown."""
    result = send(sheet)

    assert result.exit_code == 3
    assert [words for words in said if words not in result.stderr] == []
    assert "793026727" not in result.stderr


def test_a_file_that_would_fill_the_memory_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said how large a file may be, and what to do."""
    monkeypatch.setattr(csv_table, "MAX_BYTES", 2**20)
    result = send(b"to,name\n" + b"4,a\n" * 2**18)

    assert result.exit_code == 3
    assert "larger than 1 MiB. Split it" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--delimiter", "ab"), "one character"),
        (("--delimiter", '"'), "one character"),
        (("--encoding", "utf-99"), "utf-99 is not an encoding"),
        (("--encoding", "base64"), "base64 is not an encoding"),
        (("--encoding", "ascii"), "is not ascii"),
    ],
)
def test_a_delimiter_or_an_encoding_that_is_none_is_said(words: tuple[str, ...], said: str) -> None:
    """What is allowed is named."""
    result = send("to,name\n4,Zoë\n".encode(), *DEAR, *words)

    assert result.exit_code == 3
    assert said in result.stderr


def test_accepted_rows_show_their_message_id(serve: Serve) -> None:
    """So that one of them can be looked up; of many the first ones."""
    rows = "to,message_id\n" + "".join(f"4179,m{number:03}\n" for number in range(30))
    url = serve("hear", Platform().answer).url
    result = send(rows.encode(), "--template", "x", url=url)

    assert "m000" in result.stdout
    assert "m019" in result.stdout
    assert "m020" not in result.stdout
    assert "And 10 more; --json lists them all." in result.stderr


@pytest.mark.parametrize(
    ("command", "words", "count", "noted"),
    [
        ("reports", (), 50, True),
        ("reports", (), 49, False),
        ("reports", ("--limit", "7"), 7, True),
        ("reports", ("--limit", "60"), 50, False),
        ("logs", (), 50, True),
        ("logs", (), 2, False),
    ],
)
def test_dlr_008_as_many_as_were_asked_for_may_not_be_all(
    command: str, words: tuple[str, ...], count: int, noted: bool, serve: Serve
) -> None:
    """50 come by default, and more may be waiting."""
    name = {"reports": "delivery-reports", "logs": "logs"}[command]
    plain = {"results": (json.loads(example(name))["results"] * 50)[:count]}
    result = run(command, *words, url=serve("hear", reply(json.dumps(plain).encode())).url)

    assert ("there may be more" in result.stderr) is noted


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("App 0030-26bb", "begins with App. Leave it out"),
        ("0030-26bb\n", "ends with a line break"),
        (" 0030-26bb", "ends with a blank"),
        ("0030 26bb", "contains a blank"),
    ],
)
def test_auth_005_a_key_with_something_around_it_is_said(key: str, said: str) -> None:
    """Before a request is made, and without the key."""
    result = run("logs", key=key)

    assert result.exit_code == 3
    assert said in result.stderr
    assert "26bb" not in result.stderr


def test_a_server_without_tls_is_said(serve: Serve) -> None:
    """Something listens, so the sandbox is running: the scheme is wrong."""
    url = serve("taste", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "close").url
    result = run("logs", "--attempts", "1", url=url.replace("http", "https"))

    assert result.exit_code == 2
    assert f"--base-url {url}" in result.stderr
    assert "Nothing listens" not in result.stderr


def test_a_path_of_a_csv_is_named_where_it_is_unreadable(tmp_path: Path) -> None:
    """A file has its name, standard input has none."""
    path = tmp_path / "guests.csv"
    path.write_bytes(b"to,name\n41,Jos\xe9\n")

    assert "guests.csv, row 2" in run("send", "--csv", str(path), *DEAR).stderr


def test_rows_may_be_left_out(tmp_path: Path, serve: Serve) -> None:
    """Suppressed numbers and repeated ones have an outcome of their own, which is not a failure."""
    path = tmp_path / "stop"
    path.write_text("+41793026731\n", encoding="utf-8")
    platform = Platform()
    rows = b"to\n41793026727\n+41793026727\n41793026731\n"
    words = ("--template", "x", "--skip", str(path), "--dedupe", "--per-second", "1000")
    result = send(rows, *words, url=serve("hear", platform.answer).url)

    assert result.exit_code == 0
    assert [number for number, _ in platform.heard] == ["41793026727"]
    assert "1 accepted, 2 suppressed; 3 of 3" in result.stdout
    assert "the same number as row 2" in result.stdout
    assert "To go on" not in result.stderr


@pytest.mark.parametrize(("chunk", "noted"), [("1", True), ("2", False)])
def test_more_than_one_request_without_a_journal_is_noted(
    chunk: str, noted: bool, serve: Serve
) -> None:
    """Before it is sent, when it can still be changed."""
    words = ("--template", "x", "--chunk", chunk)
    url = serve("hear", Platform().answer).url
    result = send(b"to\n41793026727\n41793026731\n", *words, url=url)

    assert ("without --resume FILE" in result.stderr) is noted


STOPPED = "41793026731"


@pytest.mark.parametrize(
    "stop",
    [
        f"number\n{STOPPED}\n".encode(),
        f"\ufeffName;To\r\nBea;'+{STOPPED}\r\n;\r\n".encode(),
        f"+{STOPPED}\t2026\r\n".encode("utf-16"),
        b"Number\r\n079 302 67 31\r\n",
        b"41'793'026'731\n",
        "\u0664\u0661\u0667\u0669\u0663\u0660\u0662\u0666\u0667\u0663\u0661\n".encode(),
    ],
)
def test_a_stop_list_is_read_like_any_other_spreadsheet(
    stop: bytes, tmp_path: Path, serve: Serve
) -> None:
    """Whatever the spelling and the encoding, the number is not sent to."""
    (tmp_path / "stop").write_bytes(stop)
    platform = Platform()
    words = ("--template", "x", "--skip", str(tmp_path / "stop"), "--region", "CH")
    rows = f"to\n{NUMBER}\n{STOPPED}\n".encode()
    result = send(rows, *words, url=serve("hear", platform.answer).url)

    assert result.exit_code == 0, result.stderr
    assert [number for number, _ in platform.heard] == [NUMBER]


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        (b"to\n4.1793E+10\n", 'row 2: got "4.1793E+10". A spreadsheet rounded the number'),
        (b"Ana\n41793026731\nBea\n", 'row 3: got "Bea". Write one number'),
        (b"0793026731\n", 'row 1: got "079*******". No country code begins with 0'),
        (b"Jos\xe9\n", "is not UTF-8"),
    ],
)
def test_a_stop_list_that_may_be_misunderstood_is_rejected(
    stop: bytes, said: str, tmp_path: Path
) -> None:
    """Nothing is sent: whoever is in that row would be sent to."""
    (tmp_path / "stop").write_bytes(stop)
    result = send(b"to\n41793026727\n", "--template", "x", "--skip", str(tmp_path / "stop"))

    assert result.exit_code == 3
    assert said in " ".join(result.stderr.split())


def test_repeated_numbers_are_noted(serve: Serve) -> None:
    """They are sent to unless --dedupe says otherwise, and said beforehand."""
    rows = b"to\n41793026727\n+41793026727\n"
    result = send(rows, "--template", "x", url=serve("hear", Platform().answer).url)

    assert "numbers that came before: 1. --dedupe" in result.stderr
    assert "2 accepted" in result.stdout


def test_a_person_is_asked_about_repeated_numbers(tmp_path: Path) -> None:
    """On a terminal, before a second message to one number leaves this machine; no is the answer to Enter."""
    path = tmp_path / "guests.csv"
    path.write_text("to\n41793026727\n+41793026727\n", encoding="utf-8")
    words = ("send", "--csv", str(path), "--template", "x")
    code, seen = run_on_terminal(*words, url="https://127.example", typed="\n")

    assert code == 130
    assert "Send 1 messages to numbers that have one already? [y/N]" in seen
