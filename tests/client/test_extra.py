"""Fields that the documentation does not list: written as given, named in the log, kept when read."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import Client, Destination, InvalidRequestError, Message, SmsRequest, SmsResponse
from infobip_sms.codecs import get_codec, wire_json, wire_xml
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


@both
def test_unknown_fields_of_a_response_are_found_by_path(wire: Any) -> None:
    """The model has none of them, and ``extra`` has each with its value."""
    body = {
        "json": b'{"messages":[{"to":"41","status":{"groupId":1,"groupName":"P","id":7,"name":"N","new":{"a":"1"}}}],"cost":"3"}',
        "xml": b"<smsResponse><messages><message><to>41</to><status><groupId>1</groupId><groupName>P</groupName><id>7</id><name>N</name><new><a>1</a></new></status></message></messages><cost>3</cost></smsResponse>",
    }[wire]
    response = get_codec(wire).parse_response(body, SmsResponse)

    assert response.extra == {"messages[0].status.new": {"a": "1"}, "cost": "3"}
    assert response.messages[0].status.name == "N"


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
