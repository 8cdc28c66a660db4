"""The generated codecs agree with the detailed paths behind them: in every value and in every verdict."""

from __future__ import annotations

import datetime as dt
import json
import xml.etree.ElementTree as ET
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from infobip_sms_schema import MODELS, XML_SCHEMAS, json_codec, xml_codec
from infobip_sms_schema.scalars import FallbackRequired, mutable_twin
from lxml import etree

from infobip_sms import (
    Day,
    DeliveryTimeWindow,
    Destination,
    ErrorResponse,
    InvalidRequestError,
    InvalidResponseError,
    SmsRequest,
    SmsResponse,
    TimeOfDay,
    rules,
)
from infobip_sms.codecs import plain_data, wire_json, wire_xml, xml_reference
from infobip_sms.codecs.converters import ModelConverter, make_converter
from infobip_sms.codecs.plain_data import build_plain
from tests.codecs.mutations import TEXTS, VALUES, mutate_json, mutate_xml, replace_json, replace_xml
from tests.codecs.strategies import TEXT, XML_TEXT, build
from tests.codecs.test_wire import DATA, DOCUMENTS, STEMS, canonical, find_kind, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

KINDS = sorted(set(DOCUMENTS.values()), key=lambda cls: cls.__name__)
FULLEST = [  # examples in which each element of each document stands once
    *("every-member-request", "documented-response", "delivery-reports", "logs"),
    *(
        "bad-request-error",
        "preview-response",
        "v1-request",
        "bulk-status-request",
        "bulk-response",
    ),
]
MANY = settings(max_examples=25)  # each by xmlschema, too, or by two JSON libraries
FEW = settings(  # each for fourteen documents; senders are filtered by their pattern
    max_examples=10, suppress_health_check=[*HealthCheck]
)
LIBRARIES = {"orjson": orjson, "standard": None}
libraries = pytest.mark.parametrize("library", LIBRARIES)


def use(library: str, patch: pytest.MonkeyPatch) -> None:
    """Have JSON read and written by orjson, or by the standard library alone."""
    patch.setattr(wire_json, "_find_orjson", lambda: LIBRARIES[library])
    patch.setattr(wire_json, "_get_writer", wire_json._get_writer.__wrapped__)


def is_reply(cls: type[attrs.AttrsInstance]) -> bool:
    """Tell whether a document is parsed leniently."""
    return "raw" in attrs.fields_dict(cls)


def verdict(read: Callable[[], Any]) -> tuple[Any, ...]:
    """Return what a reader says: the model and all that it shows, or every violation."""
    try:
        model = read()
    except (InvalidRequestError, InvalidResponseError) as problem:
        return (type(problem).__name__, *map(str, problem.violations))
    return describe(model)


def describe(model: Any) -> tuple[Any, ...]:
    """Return what a reader says that gives this model."""
    return ("read", model, repr(model), repr(list_extras(model)))


def list_extras(model: Any) -> list[Any]:
    """Return the undocumented fields of a model and of its parts, in order."""
    values = [getattr(model, field.name) for field in attrs.fields(type(model))]
    parts = [part for v in values for part in (v if isinstance(v, tuple) else [v])]
    own = [getattr(model, "extra", None)]
    return own + [e for part in parts if attrs.has(type(part)) for e in list_extras(part)]


def read_json(body: bytes, cls: type[attrs.AttrsInstance]) -> tuple[Any, ...]:
    """Read a document by the door that users have."""
    return verdict(
        lambda: (wire_json.parse_response if is_reply(cls) else wire_json.parse_request)(body, cls)
    )


def read_json_slowly(body: bytes, cls: type[attrs.AttrsInstance]) -> tuple[Any, ...]:
    """Read a document by the standard library and cattrs' own hooks."""
    converter = make_converter(strict=not is_reply(cls))

    def read() -> Any:
        try:
            plain = wire_json.parse_plain(body, cls)
            if not is_reply(cls):
                return converter.structure_detailed(plain, cls)
            with pytest.MonkeyPatch.context() as patch:
                structure: Any = converter.structure_detailed
                patch.setattr(plain_data, "build_model", lambda p, c, **_: structure(p, c))
                return plain_data.build_response(plain, cls)
        except InvalidRequestError as problem:
            raise (InvalidResponseError if is_reply(cls) else InvalidRequestError)(
                problem.violations
            ) from None

    return verdict(read)


def read_xml(codec: Any, body: bytes, cls: type[attrs.AttrsInstance]) -> tuple[Any, ...]:
    """Read a document by one of the two engines."""
    return verdict(
        lambda: (codec.parse_response if is_reply(cls) else codec.parse_request)(body, cls)
    )


def forbid(patch: pytest.MonkeyPatch) -> None:
    """Have every detailed path fail."""

    def fail(*_: Any, **__: Any) -> Any:
        raise AssertionError("the detailed path was asked")

    patch.setattr(wire_xml, "_reference_codec", fail)
    patch.setattr(wire_json, "build_plain", fail)
    patch.setattr(ModelConverter, "structure_detailed", fail)
    for strict in (True, False):
        patch.setattr(make_converter(strict=strict), "detailed", None)


# ---------------------------------------------------------------- reading


@libraries
@pytest.mark.parametrize("stem", STEMS)
@MANY
@given(random=st.randoms(use_true_random=False))
def test_mutated_json_is_read_or_rejected_alike(stem: str, library: str, random: Random) -> None:
    """Of a changed document the generated reader says what cattrs' own hooks say, letter by letter."""
    kind = find_kind(stem)
    with pytest.MonkeyPatch.context() as patch:
        use(library, patch)
        body = mutate_json(load(stem, "json"), random)

        assert read_json(body, kind) == read_json_slowly(body, kind), body


@pytest.mark.parametrize("stem", STEMS)
@MANY
@given(random=st.randoms(use_true_random=False))
def test_mutated_xml_is_read_or_rejected_alike(stem: str, random: Random) -> None:
    """Of a changed document the generated reader says what xmlschema says, letter by letter."""
    kind = find_kind(stem)
    body = mutate_xml(load(stem, "xml"), random)
    ours, reference = read_xml(wire_xml, body, kind), read_xml(xml_reference, body, kind)

    if b"XMLSchema" in body.replace(b"\0", b""):
        # xmlschema also reports what contains an element with xsi:type, and rejects it in responses
        assert ours[0] in {reference[0], "read" if is_reply(kind) else ""}, body
    else:
        assert ours == reference, body


@libraries
@pytest.mark.parametrize("stem", FULLEST)
def test_every_value_at_every_place_of_json_is_treated_alike(
    stem: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each odd value, put in the place of each field in turn, is read or rejected as cattrs does it."""
    use(library, monkeypatch)
    kind = find_kind(stem)
    checked = 0
    for body in replace_json(load(stem, "json")):
        assert read_json(body, kind) == read_json_slowly(body, kind), body
        checked += 1

    assert checked >= len(VALUES)


@pytest.mark.parametrize("stem", FULLEST)
def test_every_text_at_every_place_of_xml_is_treated_alike(stem: str) -> None:
    """Each odd text, put into each element in turn, is read or rejected as xmlschema does it."""
    kind = find_kind(stem)
    checked = 0
    for body in replace_xml(load(stem, "xml")):
        assert read_xml(wire_xml, body, kind) == read_xml(xml_reference, body, kind), body
        checked += 1

    assert checked >= len(TEXTS)


@libraries
@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(data=st.data())
def test_good_json_needs_no_detailed_path(kind: Any, library: str, data: st.DataObject) -> None:
    """What a model writes is written and read by generated code alone, and comes back equal."""
    model = data.draw(build(kind, TEXT))
    with pytest.MonkeyPatch.context() as patch:
        use(library, patch)
        forbid(patch)
        verdict = read_json(wire_json.dump_model(model), kind)

    assert verdict == describe(model)


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(data=st.data())
def test_good_xml_needs_no_detailed_path(kind: Any, data: st.DataObject) -> None:
    """What a model writes is written and read by generated code alone, and comes back equal."""
    model = without_map(data.draw(build(kind, XML_TEXT)))
    with pytest.MonkeyPatch.context() as patch:
        forbid(patch)
        verdict = read_xml(wire_xml, wire_xml.dump_model(model), kind)

    assert verdict == describe(model)


def without_map(model: Any) -> Any:
    """Return a model without what has no form in XML (READ-009)."""
    return xml_reference._without_validation_errors(model)


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("spaces", [True, False])
def test_the_examples_need_no_detailed_path(stem: str, spaces: bool) -> None:
    """The examples, with white space between the tags or without it, are read by generated code alone."""
    kind, body = find_kind(stem), load(stem, "xml")
    if not spaces:
        parser = etree.XMLParser(remove_blank_text=True)
        body = etree.tostring(etree.fromstring(body, parser))
    with pytest.MonkeyPatch.context() as patch:
        forbid(patch)
        found = read_xml(wire_xml, body, kind), read_json(load(stem, "json"), kind)

    assert {verdict[0] for verdict in found} == {"read"}


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(data=st.data())
def test_xml_is_written_alike_and_valid(kind: Any, data: st.DataObject) -> None:
    """The generated writer writes, element by element, what xmlschema writes, and two validators accept it."""
    model = data.draw(build(kind, XML_TEXT))
    written = wire_xml.dump_model(model)

    assert canonical(written) == canonical(xml_reference.dump_model(model, validate=True))
    find_validator(XML_SCHEMAS.get(kind, "sms.xsd")).assertValid(etree.fromstring(written))


@cache
def find_validator(name: str) -> etree.XMLSchema:
    """Return libxml2's reading of a schema."""
    return etree.XMLSchema(etree.fromstring((DATA / name).read_bytes()))


@libraries
@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(data=st.data())
def test_json_is_written_alike(kind: Any, library: str, data: st.DataObject) -> None:
    """Generated writers give the same plain data as cattrs' own, and so the same bytes."""
    model = data.draw(build(kind, TEXT))
    plain = make_converter(strict=True).detailed.unstructure(model)
    with pytest.MonkeyPatch.context() as patch:
        use(library, patch)

        assert build_plain(model) == plain
        assert wire_json.dump_model(model) == wire_json._get_writer()(plain)


@pytest.mark.parametrize("wire", ["json", "xml"])
def test_a_model_that_was_broken_afterwards_is_never_written(wire: str) -> None:
    """Whatever is put into a frozen model by force is found as the models' own validators find it."""
    codec = {"json": wire_json, "xml": wire_xml}[wire]
    request = wire_json.parse_request(load("every-member-request", "json"), SmsRequest)
    kinds = set()
    for model, field in list(find_fields(request)):
        kept = getattr(model, field.name)
        for value in (*VALUES, [model], dt.datetime(2015, 7, 7), model):  # noqa: DTZ001 - a fault
            object.__setattr__(model, field.name, deepcopy(value))
            problems = rules.check_model(request)
            if wire == "xml" and not problems:
                problems = list(xml_reference._check_characters(build_plain(request)))
            found = find_refusal(codec.dump_model, request)
            assert found == list(map(str, problems)), (field.name, value)
            kinds.add(bool(problems))
        object.__setattr__(model, field.name, kept)

    assert kinds == {True, False}


def find_refusal(dump: Callable[[Any], bytes], model: Any) -> list[str]:
    """Return what a writer says against a model."""
    try:
        dump(model)
    except InvalidRequestError as problem:
        return [str(violation) for violation in problem.violations]
    return []


def find_fields(model: Any) -> Any:
    """Yield every field of a model and of the models in it."""
    for field in attrs.fields(type(model)):
        if "wire" in field.metadata:
            yield model, field
        value = getattr(model, field.name)
        for part in value if isinstance(value, list) else [value]:
            if attrs.has(type(part)):
                yield from find_fields(part)


# ---------------------------------------------------------------- hooks of users


@pytest.fixture
def fresh() -> Iterator[None]:
    """Have converters that nobody else uses."""
    caches = (
        make_converter,
        plain_data.make_converter,
        wire_json._get_writer,
        wire_json._standard_writers,
    )
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_a_users_hook_for_a_model_is_obeyed() -> None:
    """A hook that is registered for one class reads and writes it, inside of what is generated."""
    converter = make_converter(strict=True)
    converter.register_structure_hook(Destination, lambda value, _: Destination(to=value))
    converter.register_unstructure_hook(Destination, lambda model: model.to)
    body = b'{"messages":[{"destinations":["41793026727"],"text":"Hello"}]}'
    request = wire_json.parse_request(body, SmsRequest)

    assert request.messages[0].destinations == (Destination(to="41793026727"),)
    assert wire_json.dump_model(request) == body
    assert build_plain(request) == orjson.loads(body)
    with pytest.raises(InvalidRequestError, match=r"messages\[0\].text: expected a string, got 1"):
        wire_json.parse_request(body.replace(b'"Hello"', b"1"), SmsRequest)


@pytest.mark.usefixtures("fresh")
def test_a_users_hook_for_a_leaf_is_obeyed() -> None:
    """A hook that is registered for instants is asked for every instant, in reading and in writing."""
    converter = make_converter(strict=True)
    converter.register_structure_hook(
        dt.datetime, lambda v, _: dt.datetime.fromtimestamp(v, dt.UTC)
    )
    converter.register_unstructure_hook(dt.datetime, lambda value: int(value.timestamp()))
    body = b'{"messages":[{"destinations":[{"to":"41793026727"}],"sendAt":1436284800}]}'
    request = wire_json.parse_request(body, SmsRequest)

    assert request.messages[0].send_at == dt.datetime(2015, 7, 7, 16, tzinfo=dt.UTC)
    assert wire_json.dump_model(request) == body


# ---------------------------------------------------------------- engines, and validation of whole documents


@pytest.mark.parametrize("stem", STEMS)
def test_validation_accepts_the_examples(stem: str) -> None:
    """An example is valid when it is read, and what it is written as is valid, too."""
    kind = find_kind(stem)
    parse = wire_xml.parse_response if is_reply(kind) else wire_xml.parse_request
    model = parse(load(stem, "xml"), kind, validate=True)

    assert model == parse(load(stem, "xml"), kind)
    assert parse(wire_xml.dump_model(model, validate=True), kind, validate=True) == model


def test_validation_rejects_what_can_be_read_all_the_same() -> None:
    """A response with words between its elements is parsed leniently, and rejected where validation is asked for."""
    body = load("documented-response", "xml").replace(b"<messages>", b"<messages>words", 1)

    assert wire_xml.parse_response(body, SmsResponse).messages
    with pytest.raises(
        InvalidResponseError, match=r"messages: expected .*, got content of another form"
    ):
        wire_xml.parse_response(body, SmsResponse, validate=True)


def test_validation_of_what_is_written_is_by_xmlschema() -> None:
    """A document that is not to the letter of sms.xsd is rejected before it leaves."""
    xml_reference.require_valid_document(load("minimal-request", "xml"), SmsRequest)
    turned = load("minimal-request", "xml").replace(b"from>", b"form>")
    with pytest.raises(InvalidRequestError, match="XML-001"):
        xml_reference.require_valid_document(turned, SmsRequest)


# ---------------------------------------------------------------- what the codecs rest on


@pytest.mark.parametrize("model", MODELS)
def test_objects_become_models_without_being_made_twice(model: Any) -> None:
    """An object of the same slots may be turned into a model, on this Python."""
    assert mutable_twin(model).__slots__ == model.__slots__


def test_where_objects_cannot_become_models_the_detailed_path_makes_them() -> None:
    """A class of another layout has no twin: its reader decides nothing."""

    class Other:
        __slots__: tuple[str, ...] = ("to",)

    Other.__slots__ = ("to", "text")
    with pytest.raises(FallbackRequired):
        mutable_twin(Other)()


def test_every_rule_about_several_fields_is_in_the_codecs() -> None:
    """What a rule rejects no generated reader or writer lets through."""
    half = DeliveryTimeWindow(days=[Day.MONDAY], to=TimeOfDay(hour=12, minute=0))
    element = "<a><days>MONDAY</days><to><hour>12</hour><minute>0</minute></to></a>"
    plain = {"days": ["MONDAY"], "to": {"hour": 12, "minute": 0}}
    read = make_converter(strict=True).get_structure_hook(DeliveryTimeWindow)

    for codec in (
        lambda: read(plain, DeliveryTimeWindow),
        lambda: json_codec.WRITERS[DeliveryTimeWindow](half),
        lambda: xml_codec.write_DeliveryTimeWindow(half),
        lambda: xml_codec.read_strict_DeliveryTimeWindow(ET.fromstring(element)),  # noqa: S314 - our own
    ):
        with pytest.raises(FallbackRequired):
            codec()
    assert set(rules.RULES) & set(json_codec.WRITERS) == {DeliveryTimeWindow}


def test_dlr_001_no_digit_is_lost_where_plain_data_is_kept() -> None:
    """A number in the map of an error keeps its digits, as a price does: orjson reads neither."""
    error = {"messageId": "BAD_REQUEST", "validationErrors": {"a": [0.1], "b": 1.10}}
    body = json.dumps({"requestError": {"serviceException": error}}).encode()
    response = body.replace(b"1.1}", b"1.10}")

    assert read_json(response, ErrorResponse) == read_json_slowly(response, ErrorResponse)
    assert "Decimal('1.10')" in read_json(response, ErrorResponse)[2]


# ---------------------------------------------------------------- one status for many entries

STATUS: dict[str, Any] = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "N"}
VALID: list[dict[str, Any]] = [
    *({}, {"id": 1}, {"id": "26"}, {"groupName": 1}, {"groupName": "1"}),
    *({"description": None}, {"description": "d"}, {"unknown": [1]}),
]
ODD: list[dict[str, Any]] = [*VALID, {"id": True}, {"id": 1.0}, {"groupName": True}, {"name": None}]


@libraries
@pytest.mark.parametrize("first", VALID, ids=str)
def test_a_status_is_read_alike_whatever_came_before(
    library: str, first: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry that equals the one before in Python's eyes alone (True is 1) is read for itself."""
    monkeypatch.setattr(wire_json, "_find_orjson", lambda: LIBRARIES[library])

    def read(*changes: dict[str, Any]) -> list[Any]:
        entries = [{"to": "1", "status": STATUS | change} for change in changes]
        try:
            body = json.dumps({"messages": entries}).encode()
            return [entry.status for entry in wire_json.parse_response(body, SmsResponse).messages]
        except InvalidResponseError as error:
            return [str(violation).replace("[1]", "[0]") for violation in error.violations]

    for second in ODD:
        assert repr(read(first, second)[-1]) == repr(read(second)[-1])


def test_entries_with_one_status_share_it() -> None:
    """The status of a response's entries is one object, which the caller's data cannot change."""
    plain: dict[str, Any] = {"messages": [{"to": "1", "status": dict(STATUS)} for _ in range(3)]}
    one = SmsResponse.from_dict(plain)
    for entry in plain["messages"]:
        entry["status"]["name"] = "M"
    other = SmsResponse.from_dict(plain)

    assert len({id(entry.status) for entry in one.messages}) == 1
    assert {entry.status.name for entry in one.messages} == {"N"}
    assert {entry.status.name for entry in other.messages} == {"M"}
