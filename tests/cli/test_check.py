"""``send --check`` and the limits: what would be sent and cost, before anything is."""

from __future__ import annotations

import csv
import json
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import phonenumbers
import pytest

from infobip_sms import Destination, Message, preflight
from infobip_sms.send_many.preflight import build_number_parser
from tests.cli.runs import run
from tests.cli.test_send import Platform

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.calls import Serve

ROWS = """to,name
41793026727,Ana
+41793026727,Bea
0041 79 302 67 27,Zoë
079 302 67 27,Jo
442079460018,Al
12,Li
41200000000,Cy
15005550006,😀
"""
CHECK = ("send", "--csv", "-", "--template", "Dear {name}.", "--check", "--region", "CH")


@pytest.fixture(name="prices")
def fixture_prices(tmp_path: Path) -> str:
    """Give a file of prices."""
    path = tmp_path / "prices.csv"
    path.write_text("country;price\nCH;0.05\nGB;0.04\n", encoding="utf-8")
    return str(path)


def test_a_check_sums_up_what_would_be_sent(prices: str, serve: Serve) -> None:
    """Rows with a problem, then countries; nothing is sent."""
    server = serve("hear", Platform().answer)
    result = run(*CHECK, "--prices", prices, typed=ROWS, url=server.url)
    lines = [line.split() for line in result.stdout.splitlines()]

    assert result.exit_code == 3
    assert server.finish() == []
    for row in ("3", "4", "5"):
        assert [*lines[int(row) - 2][:1], *lines[int(row) - 2][-4:]] == [
            row,
            "duplicate",
            "of",
            "row",
            "2",
        ]
    assert ["CH", "5", "5", "0.25"] in lines
    assert ["GB", "1", "1", "0.04"] in lines
    assert ["Total", "8", "8", "0.29"] in lines
    assert "3 duplicate" in result.stderr
    assert "1 landline" in result.stderr
    assert "1 impossible" in result.stderr
    assert "because of: ë 😀" in result.stderr
    assert "Without a price: 2 messages." in result.stderr


def test_a_check_writes_its_details_as_csv(tmp_path: Path) -> None:
    """A row for each destination, beside the table; never over a file that exists."""
    path = tmp_path / "details.csv"
    result = run(*CHECK, "--details", str(path), typed=ROWS)
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    again = run(*CHECK, "--details", str(path), typed=ROWS)

    assert "Total" in result.stdout
    assert [row["row"] for row in rows] == [str(number) for number in range(2, 10)]
    assert (rows[1]["problems"], rows[1]["duplicateOfRow"]) == ("duplicate", "2")
    assert rows[7]["unicodeCharacters"] == "😀"
    assert again.exit_code == 3
    assert "details.csv exists already" in again.stderr


def test_a_check_counts_what_the_same_command_would_send(
    prices: str, tmp_path: Path, serve: Serve
) -> None:
    """Not what --skip and --dedupe leave out; the limits and the question neither."""
    path = tmp_path / "stop"
    path.write_text("number\n41793026731\n", encoding="utf-8")
    rows = "to\n41793026727\n+41793026727\n41793026731\n41793026732\n"
    words = ("send", "--csv", "-", "--template", "x", "--skip", str(path), "--dedupe")
    limits = ("--prices", prices, "--max-cost", "0.10", "--max-messages", "2")
    server = serve("hear", Platform().answer)
    checked = run(*words, *limits, "--check", typed=rows, url=server.url)
    asked = run(*words, *limits, typed=rows, url="https://example.com")
    sent = run(*words, *limits, typed=rows, url=server.url)

    assert "Total    2         2         0.10" in checked.stdout
    assert "Left out by --skip and --dedupe, and not counted: 2." in checked.stderr
    assert "This sends to 2 destinations, 2 segments (2 left out)" in " ".join(asked.stderr.split())
    assert "2 accepted, 2 suppressed; 4 of 4" in sent.stdout


def test_a_check_lists_every_row_that_cannot_be_sent(tmp_path: Path) -> None:
    """All of them in the details, the first ones on stderr; a run stops at them and says how to list them."""
    path = tmp_path / "details.csv"
    rows = "to,name\n41793026727,Ana\n" + "4.1793E+10,Bea\n,Zoë\n" * 15 + "41793026728,Cy\n"
    result = run(*CHECK, "--details", str(path), typed=rows)
    details = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    stopped = run(*CHECK[:5], typed=rows)

    assert result.exit_code == 3
    assert [row["row"] for row in details] == [str(number) for number in range(2, 34)]
    assert {row["problems"] for row in details[1:-1]} == {"unreadable"}
    assert "row 32, column to" in details[30]["reason"]
    assert result.stderr.count(", column to: ") == 20
    assert "And 10 more rows like these" in result.stderr
    assert "Problems: 30 unreadable." in result.stderr
    assert stopped.exit_code == 3
    assert stopped.stderr.count(", column to: ") == 10
    assert "and 20 more; --check --details FILE" in stopped.stderr


def test_a_check_for_machines_is_a_line_for_each_row(tmp_path: Path) -> None:
    """With everything that is known of it."""
    path = tmp_path / "stop"
    path.write_text("442079460018\n", encoding="utf-8")
    result = run(*CHECK, "--json", "--skip", str(path), typed=ROWS)
    lines = [json.loads(line) for line in result.stdout.splitlines()]

    assert [line["row"] for line in lines] == list(range(2, 10))
    assert lines[1]["problems"] == ["duplicate"]
    assert lines[1]["duplicateOfRow"] == 2
    assert lines[3]["number"] == "41793026727"
    assert lines[4]["problems"] == ["landline", "suppressed"]
    assert lines[7]["unicodeCharacters"] == ["😀"]


@pytest.mark.parametrize(
    ("rows", "code"), [("to\n41793026727\n", 0), ("to\n442079460018\n", 1), ("to\n12\n", 3)]
)
def test_the_exit_code_says_how_bad_it_is(rows: str, code: int) -> None:
    """0 for nothing, 1 for warnings, 3 for numbers that reach nobody."""
    assert run("send", "--csv", "-", "--template", "x", "--check", typed=rows).exit_code == code


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (("--max-messages", "1"), "--max-messages is 1, and this is 2."),
        (("--max-segments", "1"), "--max-segments is 1, and this is 2."),
        (("--max-cost", "0.09"), "--max-cost is 0.09, and this is 0.10."),
    ],
)
@pytest.mark.parametrize("more", [(), ("--check",)])
def test_a_limit_stops_a_run_before_it_starts(
    limit: tuple[str, ...], said: str, more: tuple[str, ...], prices: str, serve: Serve
) -> None:
    """Nothing is sent; with more room all is."""
    rows = "to\n41793026727\n41793026731\n"
    words = ("send", "--csv", "-", "--template", "x", "--prices", prices, *more)
    server = serve("hear", Platform().answer)
    stopped = run(*words, *limit, typed=rows, url=server.url)
    free = run(*words, limit[0], "2", typed=rows, url=server.url)

    assert stopped.exit_code == 3
    assert said in stopped.stderr
    assert free.exit_code == 0
    assert len(server.finish()) == (0 if more else 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--region", "XX"), "--region: expected the ISO code of a country"),
        (
            ("--max-cost", "1"),
            "--max-cost needs a price for every country, and 1 messages have none",
        ),
        (("--max-cost", "x"), "give an amount"),
    ],
)
def test_what_a_check_lacks_is_said(words: tuple[str, ...], said: str) -> None:
    """With what to do."""
    result = run("send", "--csv", "-", "--template", "x", *words, typed="to\n41793026727\n")

    assert result.exit_code == 3
    assert said in result.stderr


def test_a_price_that_is_none_is_named(tmp_path: Path) -> None:
    """By its row, with an example."""
    path = tmp_path / "p.csv"
    path.write_text("country,price\nCH,cheap\n", encoding="utf-8")
    result = run(*CHECK, "--prices", str(path), typed=ROWS)

    assert "p.csv, row 2: expected a country and a price, such as CH,0.05" in result.stderr


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, and the command."""
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    result = run(*CHECK, typed=ROWS)

    assert result.exit_code == 2
    assert "pip install 'infobip-sms[numbers]'" in result.stderr


def test_numbers_of_every_region_are_judged_as_phonenumbers_does() -> None:
    """Its example numbers are valid and of their country; one digit more or less may not be."""
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        if example is None:
            continue
        digits = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)[1:]
        for number in (digits, digits[:-1], f"{digits}0"):
            message = Message(destinations=[Destination(to=number)], text="x")
            (found,) = preflight([message], prices={"*": Decimal(1)})
            parsed = phonenumbers.parse(f"+{number}")

            assert found.is_reachable is phonenumbers.is_valid_number(parsed), number
            assert found.country == phonenumbers.region_code_for_number(parsed)


def test_national_numbers_of_every_region_are_read_as_phonenumbers_reads_them() -> None:
    """Mobile numbers and landlines, written with a 0 instead of the country code."""
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        parse = build_number_parser(region)
        for kind in kinds:
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None or example.italian_leading_zero:  # it begins with 0 as it is
                continue
            written = f"0{phonenumbers.national_significant_number(example)}"
            number, country, problem = parse(written)
            try:
                expected = phonenumbers.parse(written, region)
            except phonenumbers.NumberParseException:  # 0 begins an international call there
                assert problem == "impossible", written
                continue

            assert f"+{number}" == phonenumbers.format_number(
                expected, phonenumbers.PhoneNumberFormat.E164
            )
            assert country == phonenumbers.region_code_for_number(expected)
            assert (problem in {None, "landline"}) is phonenumbers.is_valid_number(expected), (
                written
            )
