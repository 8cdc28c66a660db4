"""Chosen outcomes: what a destination that begins with 999 makes of its message."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from infobip_sms_conformance.contract.files import read_toml

from infobip_sms.sandbox.state.magic_numbers import (
    INVALID_MAGIC_NUMBER,
    MagicNumber,
    parse_magic_number,
)
from tests.sandbox.lifecycle.virtual_sandbox import CALLBACK, START, Bench

CATALOGUE = read_toml("statuses.toml")
GROUPS = {group["id"]: group["name"] for group in CATALOGUE["group"]}


@pytest.mark.parametrize(
    ("to", "fate"),
    [
        ("9990510000005", MagicNumber(5, 1, 0, 5)),
        ("+9990510000005", MagicNumber(5, 1, 0, 5)),
        ("9999900000029", MagicNumber(99, 0, 0, 29)),
        ("9990090027009", MagicNumber(0, 9, 27, 9)),
        ("9991214104025", MagicNumber(12, 1, 4104, 25)),
        ("9990010000006", MagicNumber(0, 1, 0, 6)),
        ("41793026727", None),
        ("1999", None),
        ("99", None),
        ("++9990510000005", None),
    ],
)
def test_the_number_is_read_digit_by_digit(to: str, fate: MagicNumber | None) -> None:
    """999, 2 digits of seconds, 1 of reports, 4 of the error, 3 of the status; all others choose nothing."""
    assert parse_magic_number(to) == fate


@pytest.mark.parametrize(
    "to",
    ["999", "999051000000", "99905100000050", "9990510000777", "9990517777005", "999999999999999"],
)
def test_a_number_that_is_not_of_the_scheme_is_rejected_in_the_reply(to: str) -> None:
    """A wrong length and codes that the catalogue has not are shown at once, by 52 and without messageId."""
    virtual = Bench()
    (entry,) = virtual.send(to)["messages"]

    assert parse_magic_number(to) == INVALID_MAGIC_NUMBER
    assert entry["status"]["id"] == 52
    assert entry["status"]["action"] == "Check to parameter."
    assert "messageId" not in entry
    assert virtual.logs() == []


@pytest.mark.parametrize("row", CATALOGUE["status"], ids=lambda row: row["name"])
def test_every_status_can_be_produced(row: dict[str, Any]) -> None:
    """After 2 seconds the message has the status, in a report at the callback and in the logs."""
    virtual = Bench()
    virtual.send(f"9990220000{row['id']:03}", notifyUrl=CALLBACK, intermediateReport=True)
    virtual.wait(seconds=2)
    (log,) = virtual.logs()

    assert (log.status.id, log.status.name) == (row["id"], row["name"])
    assert (log.status.group_id, log.status.group_name) == (row["group"], GROUPS[row["group"]])
    assert [p.status for p in virtual.pushed] == [3, row["id"]]
    assert virtual.pushed[-1].at == START + dt.timedelta(seconds=2)


@pytest.mark.parametrize("row", CATALOGUE["status"], ids=lambda row: row["name"])
def test_zero_seconds_put_what_may_stand_there_into_the_reply(row: dict[str, Any]) -> None:
    """With 00 seconds the response has ACCEPTED, PENDING and REJECTED statuses; the others come by report."""
    virtual = Bench()
    (entry,) = virtual.send(f"9990010000{row['id']:03}", notifyUrl=CALLBACK)["messages"]
    virtual.wait(seconds=0)
    group = GROUPS[row["group"]]
    immediate = group in {"ACCEPTED", "PENDING", "REJECTED"}

    assert entry["status"]["id"] == (row["id"] if immediate else 26)
    assert ("messageId" in entry) == (row["id"] not in (51, 52))
    ends = group not in {"ACCEPTED", "PENDING"} and row["id"] not in (51, 52)
    assert [p.status for p in virtual.pushed] == ([row["id"]] if ends else [])


def test_resp_003_a_given_id_comes_back_from_any_rejection() -> None:
    """51 and 52 have no messageId of the server's, but the one that the request gave."""
    document = b'{"messages":[{"destinations":[{"to":"9990000000051","messageId":"mine"}]}]}'
    virtual = Bench()
    response = virtual.ask("POST", "/sms/2/text/advanced", document)

    assert b'"messageId":"mine"' in response.body
    assert virtual.logs() == []


@pytest.mark.parametrize(
    ("digit", "seconds"), [(0, []), (1, [8]), (2, [0, 8]), (3, [0, 4, 8]), (5, [0, 2, 4, 6, 8])]
)
def test_the_number_chooses_how_many_reports_there_are(digit: int, seconds: list[int]) -> None:
    """The last report comes at the end, the others before it, evenly spread."""
    virtual = Bench()
    virtual.send(f"99908{digit}0000005", notifyUrl=CALLBACK, intermediateReport=True)
    virtual.wait(minutes=1)

    assert [(p.at - START).total_seconds() for p in virtual.pushed] == seconds
    assert [p.status for p in virtual.pushed] == [*[3] * max(0, digit - 1), 5][: len(seconds)]
    assert len(virtual.reports()) == 0
    assert virtual.logs()[0].status.id == 5


@pytest.mark.parametrize(
    ("to", "statuses"),
    [
        ("9990400000007", []),
        ("9990410000007", [7, 15]),
        ("9990430000007", [3, 3, 7, 15]),
        ("9990030000007", [7, 15]),
    ],
)
def test_a_status_that_is_not_final_is_one_report_more(to: str, statuses: list[int]) -> None:
    """It comes after those on the way, and the report at the end is that the message has expired."""
    virtual = Bench()
    virtual.send(to, notifyUrl=CALLBACK, intermediateReport=True, validityPeriod=5)
    virtual.wait(minutes=5)

    assert [p.status for p in virtual.pushed] == statuses
    assert virtual.logs()[0].status.id == 15


def test_dlr_005_intermediate_reports_are_for_those_who_ask() -> None:
    """Without intermediateReport there is the final report only, whatever the number says."""
    virtual = Bench()
    virtual.send("9990890000005", "41793026727", notifyUrl=CALLBACK)
    virtual.wait(minutes=1)

    assert [(p.to, p.status) for p in virtual.pushed] == [("41793026727", 5), ("9990890000005", 5)]


def test_a_network_error_comes_with_the_report() -> None:
    """The four digits before the status name the error of report and log."""
    virtual = Bench()
    virtual.send("9990110027009", notifyUrl=CALLBACK)
    virtual.wait(seconds=1)
    (pushed,) = virtual.pushed
    error = pushed.report.error

    assert error is not None
    assert (error.id, error.name) == (27, "EC_ABSENT_SUBSCRIBER")
    assert (error.group_name, error.permanent) == ("HANDSET_ERRORS", False)
    assert virtual.logs()[0].error == error


def test_a_rejection_costs_nothing_whenever_it_comes() -> None:
    """Price 0 in report and log, also if the message was under way before; anything else has its price."""
    virtual = Bench()
    virtual.send("9990110000006", "9990110000009")
    virtual.wait(seconds=2)
    prices = {log.to: log.price.price_per_message for log in virtual.logs()}

    assert prices == {"9990110000006": 0, "9990110000009": Decimal("0.01")}
    assert {r.to: r.price.price_per_message for r in virtual.reports()} == prices


def test_all_other_numbers_are_delivered() -> None:
    """An ordinary message is sent at once and delivered after the delay of the settings."""
    virtual = Bench(delay=0.25)
    (entry,) = virtual.send("41793026727")["messages"]
    waiting = virtual.logs()[0]
    virtual.wait(seconds=0.249)
    under_way = virtual.logs()[0]
    virtual.wait(seconds=0.001)
    (log,) = virtual.logs()

    assert entry["status"]["id"] == 26
    assert waiting.sent_at == under_way.sent_at == log.sent_at == START
    assert (under_way.status.id, under_way.done_at) == (3, None)
    assert (log.status.id, log.error.id) == (5, 0)
    assert log.done_at == START + dt.timedelta(milliseconds=250)
