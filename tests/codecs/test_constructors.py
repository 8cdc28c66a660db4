"""The generated constructors: they make what ``__init__`` makes, and leave all else to it."""

from __future__ import annotations

import datetime as dt
import inspect
from collections import UserString
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from infobip_sms_schema import MODELS, Constraint
from infobip_sms_schema.constraints import find_shorthand, unfold
from infobip_sms_schema.constructors import CONSTRUCTORS

from infobip_sms import Day, Destination, Language, Message, SmsRequest, TimeOfDay
from tests.codecs.strategies import build

if TYPE_CHECKING:
    from infobip_sms_schema.base import ApiModel

ALL_MODELS = sorted(CONSTRUCTORS, key=str)
FIRST = settings(max_examples=1, phases=[Phase.generate], database=None)
ZONE = dt.timezone(dt.timedelta(hours=2))


class OtherDays(StrEnum):
    """An enum with a value of one of ours."""

    MONDAY = "MONDAY"


class OwnDestination(Destination):
    """A model that a user derived."""

    __slots__ = ()


ODD: tuple[Any, ...] = (
    *(Decimal("1.50"), Decimal("NaN"), Decimal("1e2000"), Decimal(2)),
    *(None, True, 0, 1, -1, 2**1024, 1.5, "", "a", "41793026727", "+41793026727", "x" * 201),
    *("\ud800", "ok\ud800", "ü", "\n\n\n", b"41793026727", UserString("41793026727")),
    *("MONDAY", "monday", OtherDays.MONDAY, "TR", "URL", "GREEK", "application/json", "PAUSED"),
    *(
        [],
        (),
        {},
        {"a": 1},
        ["41793026727"],
        "ab",
        ("41793026727", "no"),
        [1],
        ["MONDAY", Day.MONDAY],
    ),
    *(
        Destination(to="1"),
        [Destination(to="1")],
        [OwnDestination(to="1")],
        [Message(destinations="1")],
    ),
    *(OwnDestination(to="1"), Language("TR"), [Language("TR")], TimeOfDay(1, 2), dt.time(3, 4)),
    *(dt.timedelta(minutes=3), dt.timedelta(seconds=1), dt.datetime.now(), dt.datetime.now(dt.UTC)),  # noqa: DTZ005 - rejected
    *(dt.datetime(1, 1, 1, tzinfo=ZONE), dt.datetime(2015, 7, 7, 17, 0, 0, 999, ZONE)),
)


def make(way: Any, cls: Any, values: dict[str, Any]) -> tuple[object, object]:
    """Return the model with the types of its fields, or the error."""
    try:
        model = way(cls, **values)
    except (TypeError, ValueError) as error:
        return type(error), str(error)
    fields = [getattr(model, field.name) for field in attrs.fields(cls)]
    return (model, [(type(f), list(map(type, f)) if isinstance(f, tuple) else f) for f in fields])


def make_by_init(cls: Any, **values: Any) -> Any:
    """Return the model that ``__init__`` makes."""
    return type.__call__(cls, **values)


def make_by_class(cls: Any, **values: Any) -> Any:
    """Return the model that a user gets."""
    return cls(**values)


def draw_values(data: st.DataObject, cls: Any) -> dict[str, Any]:
    """Return arguments: of a valid model, with some odd ones among them."""
    model = data.draw(build(cls))
    values = {f.alias: getattr(model, f.name) for f in attrs.fields(cls)}
    values = {name: value for name, value in values.items() if value is not None}
    names = [field.alias for field in attrs.fields(cls)]
    odd = data.draw(st.dictionaries(st.sampled_from(names), st.sampled_from(ODD), max_size=2))
    return values | odd


def test_every_model_has_one() -> None:
    """No model is left to the slow way."""
    assert CONSTRUCTORS.keys() == set(MODELS)


@pytest.mark.parametrize("cls", ALL_MODELS)
def test_parameters_are_those_of_the_class(cls: Any) -> None:
    """What may be given, how, and what it is otherwise."""
    ours = inspect.signature(CONSTRUCTORS[cls]).parameters.values()
    theirs = list(inspect.signature(cls.__init__).parameters.values())[1:]

    assert [(p.name, p.kind, p.default) for p in ours] == [
        (p.name, p.kind, p.default) for p in theirs
    ]


@settings(max_examples=400)
@given(st.sampled_from(ALL_MODELS), st.data())
def test_they_make_what_init_makes(cls: Any, data: st.DataObject) -> None:
    """Any arguments give the same model, with values of the same types, or the same error."""
    values = draw_values(data, cls)

    assert make(make_by_class, cls, values) == make(make_by_init, cls, values)


@pytest.mark.parametrize("cls", ALL_MODELS)
def test_each_odd_value_of_each_field_is_as_for_init(cls: Any) -> None:
    """Likewise one value after the other, in every field."""
    simplest = find(build(cls), lambda _: True, settings=FIRST)
    least = {f.alias: getattr(simplest, f.name) for f in attrs.fields(cls)}
    for field in attrs.fields(cls):
        for odd in ODD:
            values = least | {field.alias: odd}

            assert make(make_by_class, cls, values) == make(make_by_init, cls, values), field.name


@pytest.mark.parametrize("cls", ALL_MODELS)
@settings(max_examples=8)
@given(data=st.data())
def test_valid_arguments_need_no_init(cls: Any, data: st.DataObject) -> None:
    """They take any valid model apart and make it again, short forms and lists included."""
    model = data.draw(build(cls))
    values = {f.alias: getattr(model, f.name) for f in attrs.fields(cls)}

    assert CONSTRUCTORS[cls](**values) == model
    lists = {name: list(v) if isinstance(v, tuple) and v else v for name, v in values.items()}
    assert CONSTRUCTORS[cls](**lists) == model
    short = {name: _shorten(cls, name, value) for name, value in lists.items()}
    assert CONSTRUCTORS[cls](**short) == model


def _shorten(cls: Any, name: str, value: Any) -> Any:
    """Return the texts that stand for entries of a list: numbers for destinations, names for days."""
    field = next(f for f in attrs.fields(cls) if f.alias == name)
    item: Any = unfold(field.type)[1] if isinstance(field.validator, Constraint) else None
    shorthand = find_shorthand(item)
    if shorthand is not None and isinstance(value, list):
        one = {shorthand.name}
        kept = [
            {f.name for f in attrs.fields(item) if getattr(e, f.name) is not None} for e in value
        ]
        return [
            getattr(e, shorthand.name) if k == one else e for e, k in zip(value, kept, strict=True)
        ]
    return [str(entry) for entry in value] if isinstance(value, list) and item is Day else value


def test_a_derived_model_is_made_by_its_own_init() -> None:
    """What a user derives has its own type and its own rules."""

    class Strict(Message):
        __slots__ = ()

        def __init__(self, **values: Any) -> None:
            super().__init__(**values, flash=True)

    assert type(OwnDestination(to="1")) is OwnDestination
    assert Strict(destinations="1").flash is True


def test_the_usual_call_makes_no_use_of_init(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message to several numbers, and the request around it, are made by the constructors alone."""

    def fail(self: ApiModel, **_: Any) -> None:
        raise AssertionError(type(self))

    for cls in (Destination, Message, SmsRequest):
        monkeypatch.setattr(cls, "__init__", fail)
    message = Message(from_="InfoSMS", destinations=["41793026727", "41793026728"], text="Hi")

    assert SmsRequest(messages=[message]).messages[0].destinations[1].to == "41793026728"
