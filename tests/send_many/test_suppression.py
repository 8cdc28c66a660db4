"""Numbers that were suppressed, and numbers that had their message already, are never sent to."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import ApiError, ApiKey, Client, Destination, Message, Outcome, TransportError
from infobip_sms.send_many.batch import BatchSender
from infobip_sms.send_many.options import SendManyOptions
from infobip_sms.send_many.suppression import build_skip, normalize_number
from tests.fakes.ledger_process import AUTH, TEXT, Ledger, build_messages, build_number, find_states

if TYPE_CHECKING:
    from pathlib import Path

    from infobip_sms import SmsResponse

SPELLINGS = ("41793026727", "+41793026727", "0041793026727", "+41 79 302-67-27")


def build(*numbers: str) -> list[Message]:
    """Return a message for each number."""
    return [
        Message(from_="InfoSMS", destinations=[Destination(to=number)], text=TEXT)
        for number in numbers
    ]


@pytest.mark.parametrize("number", SPELLINGS)
def test_spellings_of_a_number_are_one_number(number: str) -> None:
    """With a plus, two zeros or separators."""
    assert normalize_number(number) == "41793026727"


@pytest.mark.parametrize("kind", ["set", "callable", "file"])
def test_suppressed_numbers_never_leave(kind: str, tmp_path: Path) -> None:
    """They have an outcome of their own, and their neighbours are sent."""
    path = tmp_path / "stop.csv"
    path.write_text(
        f"number;since\n+{build_number(1)};2026\n00{build_number(3)}\n", encoding="utf-8"
    )
    numbers = {f"+{build_number(1)}", build_number(3)}
    skip: Any = {"set": numbers, "callable": build_skip(numbers), "file": path}[kind]
    with Ledger(tmp_path) as ledger:
        outcomes = ledger.send(build_messages(5), skip=skip, chunk=2)

        assert find_states(outcomes) == ["a", "s", "a", "s", "a"]
        assert outcomes[1].reason == "the number is suppressed"
        assert ledger.numbers == [build_number(i) for i in (0, 2, 4)]


def test_each_number_is_sent_to_once(tmp_path: Path) -> None:
    """The first destination of a number has the message, in whatever spelling and chunk."""
    with Ledger(tmp_path) as ledger:
        outcomes = ledger.send(
            build("41793026727", "+41793026727", "41793026731", "41793026727"),
            dedupe="number",
            chunk=1,
        )

        assert find_states(outcomes) == ["a", "s", "a", "s"]
        assert outcomes[3].reason == "the same number as destination 0"
        assert sorted(ledger.numbers) == ["41793026727", "41793026731"]


def test_a_resumed_run_decides_alike(tmp_path: Path) -> None:
    """What was left out stays so without the list; what was accepted stays so with it."""
    path = tmp_path / "run.journal"
    with Ledger(tmp_path) as ledger:
        ledger.send(build_messages(4), journal=path, skip={build_number(1)})
        again = ledger.send(build_messages(4), journal=path, skip={build_number(2)})

        assert find_states(again) == ["a", "s", "a", "a"]
        assert all(outcome.earlier for outcome in again)
        assert len(ledger.numbers) == 3


@pytest.mark.parametrize(
    ("numbers", "options", "warned"),
    [
        (SPELLINGS[:3], {}, "2 of 3 destinations"),
        (SPELLINGS[:3], {"dedupe": "warn"}, "2 of 3 destinations"),
        (("41793026727", "41793026731"), {}, None),
        (("41793026727", "4179302672"), {}, None),
        (SPELLINGS[:3], {"dedupe": None}, None),
        (SPELLINGS[:3], {"dedupe": "number"}, None),
        (SPELLINGS[:3], {"skip": [SPELLINGS[0]]}, None),
    ],
)
def test_numbers_that_come_twice_are_warned_for_once(
    numbers: tuple[str, ...], options: dict[str, Any], warned: str | None
) -> None:
    """One warning at the end, with counts and without a number; unless something else was asked for."""
    messages = build(*numbers)
    with (
        Silent("http://127.0.0.1:9", auth=AUTH) as client,
        warnings.catch_warnings(record=True) as found,
    ):
        warnings.simplefilter("always")
        outcomes = list(client.send_many(messages, patience=0, concurrency=1, chunk=2, **options))

    assert len(outcomes) == len(numbers)
    assert [one.category for one in found] == [UserWarning] * (warned is not None)
    for one in found:
        assert warned is not None
        assert warned in str(one.message)
        assert 'dedupe="number"' in str(one.message)
        assert "4179" not in str(one.message)
        assert one.filename == __file__


class Silent(Client):
    """A client whose network is away."""

    def send(self, *_: object, **__: object) -> SmsResponse:
        """Fail, without having sent anything."""
        raise TransportError("away", "no")


@pytest.mark.parametrize(
    "options",
    [{"skip": "4179"}, {"dedupe": "to"}, {"per_second": 0}, {"per_second": "5"}],
)
def test_an_option_that_is_none_is_said_at_once(options: dict[str, Any]) -> None:
    """ValueError with its name."""
    (name,) = options
    with pytest.raises(ValueError, match=name), Client(auth=ApiKey("k")) as client:
        list[Outcome](client.send_many([], **options))


def test_a_429_makes_a_run_slower() -> None:
    """Another error does not."""
    server = Unwilling()
    options = SendManyOptions(1, 1, "report", None, None, 0, 0, per_second=8.0)
    sender = BatchSender(server, options, None)  # type: ignore[arg-type]  # sends only
    rates = []
    for server.status in (429, 500, 429):
        with pytest.raises(ApiError):
            sender._send_request(None)  # type: ignore[arg-type]  # not looked at
        assert sender._pace is not None
        rates.append(sender._pace.rate)

    assert rates == [4.0, 4.0, 2.0]


class Unwilling:
    """A client whose server rejects everything."""

    status = 0

    def send(self, _: object) -> None:
        """Raise an error."""
        raise ApiError(self.status)
