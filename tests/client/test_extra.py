"""Fields that the documentation does not list: written as given, named in the log, kept when read."""

from __future__ import annotations

import json
import logging
import pickle
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from infobip_sms_schema import json_codec, xml_codec

from infobip_sms import (
    Client,
    DeliveryReports,
    Destination,
    InvalidRequestError,
    Message,
    SmsRequest,
    SmsResponse,
)
from infobip_sms.codecs import get_codec, plain_data, wire_json, wire_xml, xml_reference
from infobip_sms.codecs.converters import make_converter
from tests.cli.runs import run
from tests.client.calls import AUTH, NEVER, PHONE, TYPES, both, example, reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.calls import Serve

REGIONAL = {"regional": {"indiaDlt": {"principalEntityId": "1101", "tags": ["a", "b"], "on": True}}}
REQUEST = SmsRequest(
    extra={"applicationId": "app"},
    messages=[
        Message(destinations=PHONE, text="Hello"),
        Message(
            destinations=[PHONE, Destination(PHONE, extra={"weight": 1.5})],
            text="Hello",
            extra=REGIONAL,
        ),
    ],
)


def test_undocumented_fields_are_written_in_json() -> None:
    """Each stands beside the documented fields of its object."""
    plain = json.loads(wire_json.dump_model(REQUEST))

    assert plain["applicationId"] == "app"
    assert plain["messages"][1]["regional"] == REGIONAL["regional"]
    assert plain["messages"][1]["destinations"] == [{"to": PHONE}, {"to": PHONE, "weight": 1.5}]
    assert plain["messages"][0] == {"destinations": [{"to": PHONE}], "text": "Hello"}


@pytest.mark.parametrize("validate", [False, True])
def test_undocumented_fields_are_written_in_xml(validate: bool) -> None:
    """Each is an element after the documented ones; objects nest, and lists repeat."""
    body = wire_xml.dump_model(REQUEST, validate=validate).decode().replace("\n", "")

    assert body.endswith("</messages><applicationId>app</applicationId></request>")
    assert (
        "<text>Hello</text><regional><indiaDlt><principalEntityId>1101</principalEntityId>"
        "<tags>a</tags><tags>b</tags><on>true</on></indiaDlt></regional></message></messages>"
    ) in body
    assert f"<destination><to>{PHONE}</to><weight>1.5</weight></destination>" in body
    assert wire_xml.parse_request(body.encode(), SmsRequest).messages[0] == REQUEST.messages[0]
    assert xml_reference.dump_model(REQUEST).decode().replace("\n", "") == body


@both
def test_undocumented_fields_are_named_in_the_log_once(
    serve: Serve, wire: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning has the names, and neither it nor a later one has a value."""
    server = serve(*["hear", reply(example("documented-response", wire), 200, TYPES[wire])] * 2)
    with (
        caplog.at_level(logging.WARNING, "infobip_sms"),
        Client(server.url, auth=AUTH, wire=wire, timeout=NEVER) as client,
    ):
        client.send(REQUEST)
        client.send(REQUEST)
    requests = server.finish()

    assert len(requests) == 2
    names = "applicationId, messages.regional, messages.destinations.weight"
    assert [record.getMessage() for record in caplog.records] == [
        f"sending fields that the documentation does not list: {names}"
    ]


@pytest.mark.parametrize(
    ("extra", "path", "expected"),
    [
        ({"text": "Hello"}, "Message.extra.text", "the argument text"),
        ({"validityPeriod": 1}, "Message.extra.validityPeriod", "the argument validity_period"),
        ({"a b": 1}, "Message.extra", "names of letters"),
        ({"a": {"b": [object()]}}, "Message.extra.a.b[0]", "an object of field names"),
        ({"a": float("nan")}, "Message.extra.a", "an object of field names"),
        ({"a": None}, "Message.extra.a", "an object of field names"),
        ("a", "Message.extra", "an object of field names"),
    ],
)
def test_what_is_no_undocumented_field_is_rejected(extra: Any, path: str, expected: str) -> None:
    """A documented field has its argument, and values are those of JSON."""
    with pytest.raises(InvalidRequestError) as caught:
        Message(destinations=PHONE, extra=extra)
    (violation,) = caught.value.violations

    assert violation.path == path
    assert violation.expected.startswith(expected)


def test_a_model_keeps_its_own_copy() -> None:
    """A change of what it was made with does not reach it."""
    given: dict[str, Any] = {"regional": {"tags": ["a"]}}
    message = Message(destinations=PHONE, extra=given)
    given["regional"]["tags"].append("b")

    assert message.extra == {"regional": {"tags": ["a"]}}
    assert hash(message) == hash(Message(destinations=PHONE))
    assert Message(destinations=PHONE, extra={}).extra is None


UNKNOWN: dict[str, tuple[type[Any], dict[str, bytes]]] = {
    "response": (
        SmsResponse,
        {
            "json": b'{"messages":[{"to":"41","status":{"groupId":1,"groupName":"P","id":7,"name":"N",'
            b'"new":{"a":"1","b":["2","3"]}},"price":"4"},{"to":"42","status":{"groupId":1,'
            b'"groupName":"P","id":7,"name":"N"}}],"cost":"3"}',
            "xml": b"<smsResponse><messages><message><to>41</to><status><groupId>1</groupId>"
            b"<groupName>P</groupName><id>7</id><name>N</name><new><a>1</a><b>2</b><b>3</b></new>"
            b"</status><price>4</price></message><message><to>42</to><status><groupId>1</groupId>"
            b"<groupName>P</groupName><id>7</id><name>N</name></status></message></messages>"
            b"<cost>3</cost></smsResponse>",
        },
    ),
    "reports": (
        DeliveryReports,
        {
            "json": b'{"results":[{"messageId":"a","price":{"currency":"EUR","tax":"1"},'
            b'"error":{"id":0,"more":"m"},"entityId":"e"}]}',
            "xml": b"<reportResponse><results><result><messageId>a</messageId><price>"
            b"<currency>EUR</currency><tax>1</tax></price><error><id>0</id><more>m</more></error>"
            b"<entityId>e</entityId></result></results></reportResponse>",
        },
    ),
}


def list_extras(model: Any) -> list[dict[str, Any]]:
    """Return the undocumented fields of a model and its parts, in order."""
    own = [] if not hasattr(model, "extra") else [model.extra or {}]
    values = [getattr(model, field.name) for field in attrs.fields(type(model))]
    parts = [part for v in values for part in (v if isinstance(v, tuple) else [v])]
    return own + [e for part in parts if attrs.has(type(part)) for e in list_extras(part)]


@both
@pytest.mark.parametrize("engine", ["generated", "xmlschema", "detailed"])
@pytest.mark.parametrize("name", UNKNOWN)
def test_every_part_of_a_response_has_its_own_unknown_fields(
    wire: Any, name: str, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever reader decides, each entry has what its model does not have, by its name."""
    cls, bodies = UNKNOWN[name]
    if engine == "detailed":
        monkeypatch.setattr(json_codec, "LENIENT_READERS", {})
        monkeypatch.setattr(xml_codec, "READERS", {})
        make_converter.cache_clear()
        plain_data.make_converter.cache_clear()
    try:
        model = get_codec(
            wire, "xmlschema" if engine == "xmlschema" else "generated"
        ).parse_response(bodies[wire], cls)
    finally:
        make_converter.cache_clear()
        plain_data.make_converter.cache_clear()

    found = [extra for extra in list_extras(model) if extra]
    if name == "response":
        new = {"a": "1", "b": ["2", "3"]}
        assert model.extra == {"cost": "3"}
        assert model.messages[0].extra == {"price": "4"}
        assert model.messages[0].status.extra == {"new": new}
        assert found == [{"cost": "3"}, {"price": "4"}, {"new": new}]
        assert model.messages[1].extra == {}
    else:
        (report,) = model.results
        assert (report.extra, report.price.extra) == ({"entityId": "e"}, {"tax": "1"})
        assert report.error.extra == {"more": "m"}
        assert len(found) == 3
    assert list_extras(type(model).from_dict(model.to_dict())) == list_extras(model)
    assert list_extras(pickle.loads(pickle.dumps(model))) == list_extras(model)  # noqa: S301 - its own


@both
@pytest.mark.parametrize("engine", ["generated", "xmlschema"])
def test_a_request_that_is_parsed_keeps_its_undocumented_fields(wire: Any, engine: Any) -> None:
    """What is written is read again, and the same bytes come out once more."""
    codec = get_codec(wire, engine)
    texts = {"regional": {"indiaDlt": {"tags": ["a", "b"], "on": "true", "none": ""}}, "n": "1.50"}
    request = SmsRequest(
        extra={"applicationId": "app"},
        messages=[
            Message(destinations=[PHONE, Destination(PHONE, extra={"weight": "1"})], text="a"),
            Message(destinations=PHONE, extra=texts),
        ],
    )
    body = codec.dump_model(request)
    again = codec.parse_request(body, SmsRequest)

    assert again == request
    assert codec.dump_model(again) == body
    assert SmsRequest.from_dict(request.to_dict()) == request
    assert SmsRequest.from_json(request.to_json()) == request


def test_a_parsed_request_has_a_copy_of_the_data_it_came_from() -> None:
    """A change of the dict does not reach the model, and null and other names are kept in JSON."""
    plain = {"messages": [{"destinations": [{"to": PHONE}], "regional": {"a": [None]}, "a b": 1}]}
    request = SmsRequest.from_dict(plain)
    plain["messages"][0]["regional"]["a"].append(2)  # type: ignore[index]

    assert request.messages[0].extra == {"regional": {"a": [None]}, "a b": 1}
    assert json.loads(request.to_json())["messages"][0]["regional"] == {"a": [None]}
    with pytest.raises(InvalidRequestError, match="not an XML name"):
        wire_xml.dump_model(request)


def test_what_is_nested_too_deeply_is_left_out_and_not_an_error() -> None:
    """READ-010: what the documentation does not know never makes a request invalid."""
    deep = "[" * 400 + "]" * 400
    request = SmsRequest.from_json(
        f'{{"a": 1, "deep": {deep}, "messages": [{{"destinations": [{{"to": "{PHONE}"}}]}}]}}'
    )

    assert request.extra == {"a": 1}


@both
@pytest.mark.parametrize("stem", ["documented-response", "rejected-response"])
def test_a_documented_response_has_no_unknown_fields(wire: Any, stem: str) -> None:
    """Nothing that the model has is listed."""
    assert get_codec(wire).parse_response(example(stem, wire), SmsResponse).extra == {}


def test_the_command_line_sends_the_fields_of_a_file(tmp_path: Path) -> None:
    """--extra adds the object to the message; a file that has none is invalid input."""
    file = tmp_path / "extra.json"
    file.write_text(json.dumps(REGIONAL), encoding="utf-8")
    shown = run("send", "--to", PHONE, "--extra", str(file), "--dry-run", "--json", "Hello")
    file.write_text("[]", encoding="utf-8")
    wrong = run("send", "--to", PHONE, "--extra", str(file), "--dry-run", "Hello")

    assert shown.exit_code == 0
    assert '"indiaDlt"' in shown.stdout.replace("\\", "")
    assert wrong.exit_code == 3
    assert "expected a JSON object" in wrong.stderr
