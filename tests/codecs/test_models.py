"""The models: what they are, and both sides of every limit."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import pickle
import re
from decimal import Decimal
from enum import Enum
from typing import Any, get_type_hints

import attrs
import infobip_sms_schema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from infobip_sms_schema import ENUMS, MODELS, Constraint

from infobip_sms import (
    Day,
    DeliveryTimeWindow,
    Destination,
    Error,
    InvalidRequestError,
    InvalidResponseError,
    Language,
    LanguageCode,
    Message,
    SmsRequest,
    Status,
    TimeOfDay,
    rules,
)
from tests.codecs.strategies import TEXT

TO = [Destination(to="41793026727")]
NOON = TimeOfDay(hour=12, minute=0)
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="0123456789")


def find_violations(build: Any, **values: Any) -> list[tuple[str, str]]:
    """Return path and requirement of what a model rejects."""
    with pytest.raises(InvalidRequestError) as caught:
        build(**values)
    return [(problem.path, problem.requirement_id) for problem in caught.value.violations]


def message(**values: Any) -> Message:
    """Return a message with one destination."""
    return Message(destinations=TO, **values)


@pytest.mark.parametrize("model", MODELS)
def test_models_are_frozen_slotted_and_hashable(model: Any) -> None:
    """Every model is an attrs class that is frozen, has slots and a hash of its values."""
    blank = object.__new__(model)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        blank.raw = b""
    assert not hasattr(blank, "__dict__")
    assert attrs.has(model)
    assert model.__hash__ is not None


@pytest.mark.parametrize("model", MODELS)
def test_every_field_has_a_wire_name_a_limit_and_a_requirement(model: Any) -> None:
    """Every field of the contract carries its wire name and its requirement."""
    for field in attrs.fields(model):
        if field.name not in {"raw", "http", "extra", "_extra", "unreadable"}:
            assert field.metadata["wire"]
            assert isinstance(field.validator, Constraint)
            assert field.validator.requirement_id


ANYTHING: list[Any] = [
    *("", "a", "abc", "41793026727", "+41", "0" * 300, "é", "\ud800", "a\nb", "MONDAY", "1"),
    *(True, False, 0, 1, -1, 59, 60, 2881, 10**7, 2**62, -(2**62), 2**1100, 1.0, float("nan")),
    *(None, b"abc", [], (), ("a",), ["a"], {}, {"a": "b"}, Decimal(1), Decimal("1e9999")),
    *(dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.time(1), object()),  # noqa: DTZ001 - one without a zone
    *(member for enum in ENUMS for member in enum),
    *(
        NOON,
        (NOON,),
        TO[0],
        (TO[0],),
        (TO[0], NOON),
        [TO[0]],
        (Day.MONDAY,),
        (Day.MONDAY, "MONDAY"),
    ),
]


def test_what_is_valid_at_a_glance_is_valid() -> None:
    """The quick look at a value accepts nothing that the thorough one rejects."""
    fields = [f for model in MODELS for f in attrs.fields(model)]
    limits = [(f.validator, f.type) for f in fields if isinstance(f.validator, Constraint)]
    rows = [(limit, kind, value) for limit, kind in limits for value in ANYTHING]
    good = [row for row in rows if row[0].accepts(row[2], row[1])]

    assert [(kind, value) for limit, kind, value in good if limit.check(value, kind)] == []
    assert len(good) > 500


@given(st.text(LETTERS, min_size=3, max_size=11))
def test_send_003_alphanumeric_sender_of_3_to_11_characters_is_taken(sender: str) -> None:
    """A sender that is not all digits is taken from 3 to 11 characters, whatever they are."""
    assert message(from_=sender).from_ == sender


@given(st.text(LETTERS, min_size=1, max_size=2) | st.text(LETTERS, min_size=12, max_size=20))
def test_send_003_alphanumeric_sender_of_other_length_is_rejected(sender: str) -> None:
    """A sender that is not all digits is rejected below 3 and above 11 characters."""
    assert find_violations(message, from_=sender) == [("Message.from_", "SEND-003")]


@given(st.from_regex(r"[0-9]{3,14}", fullmatch=True))
def test_send_004_numeric_sender_of_3_to_14_digits_is_taken(sender: str) -> None:
    """A sender of digits is taken from 3 to 14."""
    assert message(from_=sender).from_ == sender


@given(st.from_regex(r"[0-9]{1,2}|[0-9]{15,20}", fullmatch=True))
def test_send_004_numeric_sender_of_other_length_is_rejected(sender: str) -> None:
    """A sender of digits is rejected below 3 and above 14, by the numeric requirement."""
    assert find_violations(message, from_=sender) == [("Message.from_", "SEND-004")]


@given(st.text(TEXT, max_size=200))
def test_send_016_callback_data_up_to_200_characters_is_taken(data: str) -> None:
    """Callback data is taken up to 200 characters."""
    assert message(callback_data=data).callback_data == data


@pytest.mark.parametrize("character", ["d", "д", "\U0001f600"])
def test_send_016_send_023_callback_data_counts_characters(character: str) -> None:
    """200 characters of any width are taken and 201 are rejected."""
    assert message(callback_data=character * 200).callback_data
    assert find_violations(message, callback_data=character * 201) == [
        ("Message.callback_data", "SEND-016")
    ]


@pytest.mark.parametrize(
    ("given_period", "effective"), [(2879, 2879), (2880, 2880), (2881, 2880), (10**9, 2880)]
)
def test_val_001_validity_above_48_hours_is_legal_and_its_effect_shown(
    given_period: int, effective: int
) -> None:
    """A period above 2880 minutes is kept as it is, and shown as the 2880 that the platform uses."""
    sent = message(validity_period=given_period)

    assert (given_period, effective) == (sent.validity_period, sent.effective_validity_period)


def test_val_001_no_validity_has_no_effect() -> None:
    """Without a period there is no effective period."""
    assert message().effective_validity_period is None


@pytest.mark.parametrize(("hour", "taken"), [(-1, False), (0, True), (23, True), (24, False)])
def test_win_004_hour_has_24_values(hour: int, taken: bool) -> None:
    """Hours are taken from 0 to 23 and rejected beside."""
    if taken:
        assert TimeOfDay(hour=hour, minute=0).hour == hour
    else:
        assert find_violations(TimeOfDay, hour=hour, minute=0) == [("TimeOfDay.hour", "WIN-004")]


@pytest.mark.parametrize(("minute", "taken"), [(-1, False), (0, True), (59, True), (60, False)])
def test_win_005_minute_has_60_values(minute: int, taken: bool) -> None:
    """Minutes are taken from 0 to 59 and rejected beside."""
    if taken:
        assert TimeOfDay(hour=0, minute=minute).minute == minute
    else:
        assert find_violations(TimeOfDay, hour=0, minute=minute) == [
            ("TimeOfDay.minute", "WIN-005")
        ]


def test_win_001_one_end_of_a_window_is_rejected() -> None:
    """A window with from and no to, or to and no from, is rejected when it is checked."""
    for end, other in (("from_", "to"), ("to", "from")):
        window = DeliveryTimeWindow(days=[Day.MONDAY], **{end: NOON})
        problems = rules.check_model(message(delivery_time_window=window))
        expected = [(f"deliveryTimeWindow.{other}", "WIN-001")]

        assert expected == [(p.path, p.requirement_id) for p in problems]


def test_win_001_both_or_neither_end_is_taken() -> None:
    """A window with both ends or with none is without fault."""
    both = DeliveryTimeWindow(days=[Day.MONDAY], from_=NOON, to=NOON)

    assert rules.check_model(both) == []
    assert rules.check_model(DeliveryTimeWindow(days=[Day.MONDAY])) == []


@pytest.mark.parametrize(
    ("build", "values", "expected"),
    [
        (DeliveryTimeWindow, {"days": []}, ("DeliveryTimeWindow.days", "WIN-002")),
        (
            DeliveryTimeWindow,
            {"days": ["MONDAY", "FUNDAY"]},
            ("DeliveryTimeWindow.days[1]", "WIN-003"),
        ),
        (SmsRequest, {"messages": []}, ("SmsRequest.messages", "SEND-002")),
        (SmsRequest, {"messages": ["text"]}, ("SmsRequest.messages[0]", "SEND-002")),
        (Message, {"destinations": []}, ("Message.destinations", "SEND-005")),
        (Destination, {"to": ""}, ("Destination.to", "SEND-007")),
        (Destination, {"to": None}, ("Destination.to", "SEND-007")),
        (Destination, {"to": "+"}, ("Destination.to", "SEND-008")),
        (Destination, {"to": "41 79"}, ("Destination.to", "SEND-008")),
        (Destination, {"to": "41\n"}, ("Destination.to", "SEND-008")),
        (Destination, {"to": "٤١"}, ("Destination.to", "SEND-008")),
        (Destination, {"to": 41793026727}, ("Destination.to", "SEND-008")),
        (Language, {"language_code": "XX"}, ("Language.language_code", "SEND-011")),
        (message, {"text": 41}, ("Message.text", "SEND-009")),
        (message, {"text": "\ud800"}, ("Message.text", "TEXT-001")),
        (message, {"flash": 1}, ("Message.flash", "SEND-010")),
        (message, {"validity_period": True}, ("Message.validity_period", "SEND-017")),
        (message, {"validity_period": 7.0}, ("Message.validity_period", "SEND-017")),
        (message, {"send_at": "2015-07-07T17:00:00.000+01:00"}, ("Message.send_at", "SEND-018")),
        (message, {"send_at": dt.datetime(2015, 7, 7)}, ("Message.send_at", "SEND-018")),  # noqa: DTZ001 - the fault
        (message, {"language": "XX"}, ("Message.language", "SEND-011")),
        (
            message,
            {"notify_content_type": "text/plain"},
            ("Message.notify_content_type", "SEND-015"),
        ),
    ],
)
def test_a_bad_value_is_rejected_when_the_model_is_made(
    build: Any, values: dict[str, Any], expected: tuple[str, str]
) -> None:
    """A model with one bad value is never made, and the error names its place and requirement."""
    assert find_violations(build, **values) == [expected]


def test_a_rejection_is_a_value_error_and_an_error_of_the_package() -> None:
    """Who catches ValueError, and who catches Error, catches a rejected value."""
    with pytest.raises(
        ValueError, match=r"Destination.to: expected .*, got an empty string \(SEND-007\)"
    ):
        Destination(to="")
    assert issubclass(InvalidRequestError, Error)


@given(st.text(TEXT, min_size=12), st.text(TEXT, min_size=1))
def test_no_rejection_shows_what_was_written(sender: str, number: str) -> None:
    """A rejection shows neither the number nor the text that it is about."""
    cases: tuple[tuple[Any, dict[str, Any]], ...] = (
        (message, {"from_": f"~{sender}~"}),
        (Destination, {"to": f"~{number}~"}),
    )
    for build, values in cases:
        with pytest.raises(InvalidRequestError) as caught:
            build(**values)
        assert "~" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    ("text", "taken"), [("ab", False), ("abc", True), ("abcd", True), ("abcde", False)]
)
def test_a_length_has_two_ends(text: str, taken: bool) -> None:
    """A limit with a least and a greatest length rejects on both sides."""
    problems = Constraint(requirement_id="SEND-009", min_length=3, max_length=4).check(text, str)

    assert [p.expected for p in problems] == (
        [] if taken else ["a string of at least 3 and at most 4 characters"]
    )


def test_send_018_an_instant_is_held_to_the_millisecond() -> None:
    """What lies below a millisecond is cut when the model is made, so that reading back is equal."""
    sent = message(send_at=dt.datetime(2030, 1, 1, 12, 0, 0, 123999, tzinfo=dt.UTC))

    assert sent.send_at == dt.datetime(2030, 1, 1, 12, 0, 0, 123000, tzinfo=dt.UTC)


def test_send_018_an_odd_offset_becomes_utc() -> None:
    """An offset with seconds, which the wire cannot write, is turned into UTC; the instant stays."""
    odd = dt.timezone(dt.timedelta(hours=1, seconds=7))
    instant = dt.datetime(2030, 1, 1, 12, tzinfo=odd)
    sent = message(send_at=instant)

    assert sent.send_at == instant
    assert sent.send_at is not None
    assert sent.send_at.utcoffset() == dt.timedelta(0)


def test_plain_strings_stand_for_enum_members() -> None:
    """The wire's own words are taken where an enum is wanted."""
    plain: Any = "TR"

    assert Language(language_code=plain) == Language(language_code=LanguageCode.TR)


def test_no_field_is_named_like_a_python_keyword() -> None:
    """Names that Python keeps for itself end in an underscore, and no enum hides a str method."""
    names = {field.name for model in MODELS for field in attrs.fields(model)}
    enums = [
        v for v in vars(infobip_sms_schema).values() if isinstance(v, type) and issubclass(v, Enum)
    ]

    assert "from_" in names
    assert "from" not in names
    assert enums
    assert not [m.name for e in enums for m in e if hasattr(str, m.name)]


@pytest.mark.parametrize("model", MODELS)
def test_the_docstring_of_a_model_lists_its_fields_with_their_limits(model: Any) -> None:
    """Each field has its line in help(), with its requirement and every number that limits it."""
    doc = inspect.getdoc(model) or ""
    lines = dict(re.findall(r"^(\w+): ((?:.*\n)(?:    .*\n)*)", f"{doc}\n", re.MULTILINE))
    fields = [f for f in attrs.fields(model) if isinstance(f.validator, Constraint)]

    extra = ["extra"] if {"extra", "_extra"} & attrs.fields_dict(model).keys() else []
    assert list(lines) == [*(f.name for f in fields), *extra]
    for field in fields:
        limits = field.validator
        numbers = (limits.maximum, limits.max_length, limits.minimum)
        assert f"[{limits.requirement_id}]" in lines[field.name]
        assert all(str(number) in lines[field.name] for number in numbers if number)


def test_a_repr_shows_the_fields_that_have_a_value() -> None:
    """What is None is left out, and enums, models and lists are shown."""
    sent = message(text="Hello", language="TR")

    assert repr(sent) == (
        "Message(destinations=(Destination(to='41793026727'),), text='Hello', "
        "language=Language(language_code=<LanguageCode.TR: 'TR'>))"
    )


@pytest.mark.parametrize("public", [*MODELS, *infobip_sms_schema.ENUMS, Error, InvalidRequestError])
def test_a_public_class_says_where_to_import_it_from(public: type) -> None:
    """Its module is infobip_sms, where pickle and typing.get_type_hints find it, too."""
    assert public.__module__ == "infobip_sms"
    assert pickle.loads(pickle.dumps(public)) is public  # noqa: S301 - our own bytes
    if attrs.has(public):
        assert all(not isinstance(hint, str) for hint in get_type_hints(public).values())


def test_a_model_goes_to_json_and_back() -> None:
    """The names are those of the API, and the way back checks the same rules."""
    sent = message(text="Hello", validity_period=120)
    plain = {"destinations": [{"to": "41793026727"}], "text": "Hello", "validityPeriod": 120}

    assert sent.to_dict() == json.loads(sent.to_json()) == plain
    assert Message.from_dict(plain) == Message.from_json(sent.to_json()) == sent
    with pytest.raises(InvalidRequestError, match=r"^destinations: .*SEND-005"):
        Message.from_dict({"text": "Hello"})
    with pytest.raises(InvalidRequestError, match="not JSON"):
        Message.from_json("{")


def test_a_part_of_a_response_is_read_from_json_as_leniently_as_the_whole() -> None:
    """A number for a string is no fault; a missing status is the server's."""
    status = {"groupId": 1, "groupName": "PENDING", "id": "26", "name": "PENDING", "other": 1}

    assert Status.from_dict(status).id == 26
    with pytest.raises(InvalidResponseError, match="RESP-007"):
        Status.from_json("{}")
