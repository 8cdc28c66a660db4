"""JSON and XML: bytes to models and back, strictly for requests and openly for responses."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from infobip_sms_conformance.contract import codec, edits
from infobip_sms_conformance.contract.files import Case, read_toml
from infobip_sms_schema import (
    XML_SCHEMAS,
    BulkRequest,
    BulkStatusRequest,
    PreviewRequest,
)
from infobip_sms_schema.violations import MAX_VIOLATIONS
from lxml import etree

from infobip_sms import (
    BulkResponse,
    BulkStatusResponse,
    ConversionResponse,
    Day,
    DeliveryReports,
    Destination,
    Error,
    ErrorDetails,
    ErrorResponse,
    ErrorResponseBody,
    InvalidRequestError,
    InvalidResponseError,
    LanguageCode,
    Message,
    NotifyContentType,
    PreviewResponse,
    Price,
    SmsLogs,
    SmsRequest,
    SmsRequestV1,
    SmsResponse,
    SmsResponseV1,
    Track,
    Transliteration,
)
from infobip_sms.codecs import wire_json, wire_xml
from infobip_sms.codecs.converters import make_converter
from infobip_sms.codecs.plain_data import build_model
from tests.codecs.strategies import TEXT, XML_TEXT, build

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = files("infobip_sms_schema") / "data"
CODECS: dict[str, Any] = {"json": wire_json, "xml": wire_xml}
DOCUMENTS: dict[str, type[attrs.AttrsInstance]] = {
    "v1-request": SmsRequestV1,
    "v1-response": SmsResponseV1,
    "preview-request": PreviewRequest,
    "preview-response": PreviewResponse,
    "bulk-request": BulkRequest,
    "bulk-response": BulkResponse,
    "bulk-status-request": BulkStatusRequest,
    "bulk-status-response": BulkStatusResponse,
    "conversion-response": ConversionResponse,
    "request": SmsRequest,
    "response": SmsResponse,
    "reports": DeliveryReports,
    "logs": SmsLogs,
    "error": ErrorResponse,
}
STEMS = sorted(
    path.name[:-5] for path in (DATA / "examples").iterdir() if path.name.endswith(".json")
)
both = pytest.mark.parametrize("wire", ["json", "xml"])
TO = [Destination(to="41793026727")]


def find_kind(stem: str) -> type[attrs.AttrsInstance]:
    """Return the model of an example: the first whose name ends the stem."""
    bare = stem.removesuffix("-in-xml")
    return next(cls for name, cls in DOCUMENTS.items() if bare.endswith(name))


def load(stem: str, wire: str) -> bytes:
    """Return the bytes of an example."""
    return (DATA / "examples" / f"{stem}.{wire}").read_bytes()


def read(codec: Any, cls: type[attrs.AttrsInstance], body: bytes) -> Any:
    """Read a body as a request or as a response."""
    response = "raw" in attrs.fields_dict(cls)
    return (codec.parse_response if response else codec.parse_request)(body, cls)


def cases(table: str) -> list[Any]:
    """Return the rows of cases.toml as parameters, once for each format that can write them."""
    return [
        pytest.param(row, wire, id=f"{row['requirement']}-{row['id']}-{wire}")
        for row in read_toml("cases.toml")[table]
        for wire in row.get("formats", ["json", "xml"])
    ]


def edited(row: dict[str, Any], wire: str) -> bytes:
    """Return the bytes of a case, written by the suite's writer, which shares no code with ours."""
    kind = next(name for name in ("set", "remove", "repeat") if name in row)
    case = Case(
        row["id"], row["requirement"], row["example"], row["path"], (kind, row[kind]), True, ()
    )
    return codec.dump(edits.build_edited(case), wire)


# ---------------------------------------------------------------- the documented examples


@pytest.mark.parametrize("stem", STEMS)
def test_examples_are_equal_in_both_formats(stem: str) -> None:
    """An example reads to equal models from its JSON and its XML file."""
    kind = find_kind(stem)

    assert read(wire_json, kind, load(stem, "json")) == read(wire_xml, kind, load(stem, "xml"))


@both
@pytest.mark.parametrize("stem", STEMS)
def test_examples_lose_nothing(stem: str, wire: str) -> None:
    """An example that is read and written again says the same, by a reader that is not ours."""
    kind = find_kind(stem)
    model = read(CODECS[wire], kind, load(stem, wire))
    written = CODECS[wire].dump_model(model)

    assert read(CODECS[wire], kind, written) == model
    if wire == "json":
        assert json.loads(written) == json.loads(load(stem, wire))
    else:
        assert canonical(written) == canonical(load(stem, wire))


@pytest.mark.parametrize("stem", STEMS)
def test_what_is_written_is_valid_for_two_validators(stem: str) -> None:
    """Both xmlschema and libxml2 accept the XML that is written."""
    kind = find_kind(stem)
    written = wire_xml.dump_model(read(wire_json, kind, load(stem, "json")))
    schema = (DATA / XML_SCHEMAS.get(kind, "sms.xsd")).read_bytes()

    xmlschema.XMLSchema10(schema.decode()).validate(written.decode().partition("\n")[2])
    etree.XMLSchema(etree.fromstring(schema)).assertValid(etree.fromstring(written))


def canonical(body: bytes) -> Any:
    """Return an XML document as nested lists of names and texts, white space between tags left out."""

    def walk(element: etree._Element) -> Any:
        children = [walk(child) for child in element]
        return (element.tag, children or (element.text or ""))

    return walk(etree.fromstring(body))


@both
def test_values_that_are_read_are_what_the_models_say(wire: str) -> None:
    """A day that is read is a Day, a language code a LanguageCode: fields of their enumerations."""
    request = CODECS[wire].parse_request(load("every-member-request", wire), SmsRequest)
    (message, *_) = request.messages
    kinds = {
        name: type(getattr(owner, name))
        for owner, name in (
            (message.language, "language_code"),
            (message, "transliteration"),
            (message, "notify_content_type"),
            (request.tracking, "track"),
        )
    }

    assert kinds == {
        "language_code": LanguageCode,
        "transliteration": Transliteration,
        "notify_content_type": NotifyContentType,
        "track": Track,
    }
    assert {type(day) for day in message.delivery_time_window.days} == {Day}


# ---------------------------------------------------------------- the cases


@pytest.mark.parametrize(("row", "wire"), cases("rejected"))
def test_rejected_cases_break_exactly_their_requirement(row: dict[str, Any], wire: str) -> None:
    """One edit of a good example breaks the requirement that the case names, at the edited place."""
    with pytest.raises(InvalidRequestError) as caught:
        CODECS[wire].parse_request(edited(row, wire), SmsRequest)
    found = {(problem.requirement_id) for problem in caught.value.violations}
    places = [problem.path for problem in caught.value.violations]

    assert found == {row["requirement"]}
    assert all(place.startswith(row["path"]) or row["path"].startswith(place) for place in places)


@pytest.mark.parametrize(("row", "wire"), cases("accepted"))
def test_accepted_cases_are_read(row: dict[str, Any], wire: str) -> None:
    """One edit within the limits leaves a request that is read, and written back the same."""
    request = CODECS[wire].parse_request(edited(row, wire), SmsRequest)

    assert CODECS[wire].parse_request(CODECS[wire].dump_model(request), SmsRequest) == request


@both
def test_all_violations_are_reported_together(wire: str) -> None:
    """A document with several faults is rejected with all of them, each with its path."""
    document = {
        "messages": [
            {"from": "In", "destinations": [{"to": "x"}, {}], "flash": "no"},
            {
                "destinations": [{"to": "41"}],
                "deliveryTimeWindow": {"from": {"hour": 24}, "days": ["FUNDAY"]},
                "callbackData": "d" * 201,
            },
            {
                "destinations": [{"to": "41"}],
                "deliveryTimeWindow": {"to": {"hour": 1, "minute": 2}, "days": ["MONDAY"]},
            },
        ]
    }
    with pytest.raises(InvalidRequestError) as caught:
        CODECS[wire].parse_request(codec.dump(document, wire), SmsRequest)

    assert [(problem.path, problem.requirement_id) for problem in caught.value.violations] == [
        ("messages[0].from", "SEND-003"),
        ("messages[0].destinations[0].to", "SEND-008"),
        ("messages[0].destinations[1].to", "SEND-007"),
        ("messages[0].flash", "SEND-010"),
        ("messages[1].callbackData", "SEND-016"),
        ("messages[1].deliveryTimeWindow.from.hour", "WIN-004"),
        ("messages[1].deliveryTimeWindow.from.minute", "WIN-006"),
        ("messages[1].deliveryTimeWindow.days[0]", "WIN-003"),
        ("messages[2].deliveryTimeWindow.from", "WIN-001"),
    ]


# ---------------------------------------------------------------- round trips


REPLIES = [cls for cls in DOCUMENTS.values() if "raw" in attrs.fields_dict(cls)]
REQUESTS = [cls for cls in DOCUMENTS.values() if cls not in REPLIES]


@both
@pytest.mark.parametrize("model", REQUESTS)
@settings(max_examples=40)  # each has up to nine messages and destinations, with all their fields
@given(st.data())
def test_requests_survive_the_wire(model: Any, wire: str, data: st.DataObject) -> None:
    """A request that is written and read again is equal, whatever its texts hold."""
    request = data.draw(build(model, XML_TEXT if wire == "xml" else TEXT))

    assert CODECS[wire].parse_request(CODECS[wire].dump_model(request), model) == request


@both
@pytest.mark.parametrize("model", REPLIES)
@given(st.data())
def test_responses_survive_the_wire(model: Any, wire: str, data: st.DataObject) -> None:
    """A response that is written and read again is equal, and keeps the bytes that it was read from."""
    response = data.draw(build(model, XML_TEXT if wire == "xml" else TEXT))
    written = CODECS[wire].dump_model(response)
    again = CODECS[wire].parse_response(written, model)

    assert again == response
    assert again.raw == written


@both
def test_ten_thousand_destinations_survive_the_wire(wire: str) -> None:
    """A request of 10,000 destinations comes back equal."""
    destinations = [
        Destination(to=str(41793000000 + n), message_id=f"id {n}") for n in range(10_000)
    ]
    request = SmsRequest(messages=[Message(from_="InfoSMS", text="ş", destinations=destinations)])

    assert CODECS[wire].parse_request(CODECS[wire].dump_model(request), SmsRequest) == request


@both
def test_http_010_fields_without_a_value_are_left_out(wire: str) -> None:
    """What has no value is not written, neither as null nor as an empty element."""
    written = CODECS[wire].dump_model(SmsRequest(messages=[Message(destinations=TO)]))

    assert b"null" not in written
    assert b"text" not in written
    assert b"bulkId" not in written


def test_send_018_sendAt_is_written_with_milliseconds_and_offset() -> None:  # noqa: N802 - the wire's word
    """An instant is written as the documentation shows it."""
    zone = dt.timezone(dt.timedelta(hours=1))
    message = Message(destinations=TO, send_at=dt.datetime(2015, 7, 7, 17, tzinfo=zone))

    assert b'"sendAt":"2015-07-07T17:00:00.000+01:00"' in wire_json.dump_model(
        SmsRequest(messages=[message])
    )


@pytest.mark.parametrize("writer", [wire_json._write_standard, wire_json._get_writer()])
def test_decimals_keep_their_digits(writer: Any) -> None:
    """A price is written digit for digit, by the standard library as by orjson."""
    plain = {"a": Decimal("0.0001000000"), "b": [Decimal("123456789012345678901.5"), 2**70]}

    assert json.loads(writer(plain), parse_float=str) == {
        "a": "0.0001000000",
        "b": ["123456789012345678901.5", 2**70],
    }


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_text_002_what_xml_cannot_carry_is_rejected_when_written(character: str) -> None:
    """A character outside XML 1.0 is rejected with its place, not dropped; JSON carries it."""
    request = SmsRequest(messages=[Message(destinations=TO, text=f"a{character}b")])
    with pytest.raises(
        InvalidRequestError,
        match=rf"messages\[0\].text: expected .*, got U\+{ord(character):04X} at character 2",
    ) as caught:
        wire_xml.dump_model(request)

    assert [problem.requirement_id for problem in caught.value.violations] == ["TEXT-002"]
    assert wire_json.parse_request(wire_json.dump_model(request), SmsRequest) == request


@pytest.mark.parametrize("reference", [b"&#0;", b"&#11;", b"&#x1F;", b"\x0b", b"\x00"])
def test_text_002_what_xml_cannot_carry_is_rejected_when_read(reference: bytes) -> None:
    """A document with such a character is rejected as not well-formed."""
    body = load("minimal-request", "xml").replace(b"Your", reference)
    with pytest.raises(InvalidRequestError, match="not XML"):
        wire_xml.parse_request(body, SmsRequest)


@both
def test_a_model_changed_after_it_was_made_is_checked_before_it_is_written(wire: str) -> None:
    """A list that was taken away by force is found when the request is written, with its wire path."""
    request = SmsRequest(messages=[Message(destinations=list(TO))])
    object.__setattr__(request.messages[0], "destinations", ())
    with pytest.raises(InvalidRequestError, match=r"messages\[0\].destinations: .* \(SEND-005\)"):
        CODECS[wire].dump_model(request)


@both
def test_validation_errors_reach_the_reader_where_they_have_a_form(wire: str) -> None:
    """The map of faults is written in JSON and left out of XML, where none is documented (READ-009)."""
    exception = ErrorDetails(message_id="BAD_REQUEST", validation_errors={"messages[0]": ["bad"]})
    body = CODECS[wire].dump_model(
        ErrorResponse(request_error=ErrorResponseBody(service_exception=exception))
    )
    read_back = CODECS[wire].parse_response(body, ErrorResponse).request_error.service_exception

    assert read_back.validation_errors == ({"messages[0]": ["bad"]} if wire == "json" else None)


# ---------------------------------------------------------------- strict and open


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 41),
        ("text", None),
        ("flash", "false"),
        ("flash", 1),
        ("validityPeriod", "1"),
        ("validityPeriod", 6.9),
        ("validityPeriod", True),
        ("sendAt", "2015-07-07T17:00:00.000"),
        ("sendAt", "2015-07-07"),
        ("sendAt", "20150707T170000.000+0100"),
        ("sendAt", 0),
        ("language", "TR"),
    ],
)
def test_requests_are_not_coerced(field: str, value: Any) -> None:
    """A value of another type is rejected, however near it is."""
    document = json.loads(load("minimal-request", "json"))
    document["messages"][0][field] = value
    with pytest.raises(InvalidRequestError, match=rf"^messages\[0\].{field}: "):
        wire_json.parse_request(json.dumps(document).encode(), SmsRequest)


def respond(**entry: Any) -> dict[str, Any]:
    """Return a response of one entry with some fields changed; None takes one out."""
    document: dict[str, Any] = json.loads(load("documented-response", "json"))
    changed = document["messages"][1] | entry
    return document | {"messages": [{k: v for k, v in changed.items() if v is not None}]}


STATUS = {
    "groupId": 9,
    "groupName": "Ok",
    "id": 4711,
    "name": "NEWS",
    "description": "?",
    "action": "!",
}


@both
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (respond(news=[1, {"a": None}]), {"to": "41793026731"}),
        (respond(status=STATUS), {"status.id": 4711, "status.group_name": "Ok"}),
        (respond(messageId=2033912860760522207), {"message_id": "2033912860760522207"}),
        (respond(messageId=10**30 + 7), {"message_id": "1" + "0" * 29 + "7"}),
        (respond(messageId=None), {"message_id": None}),
        (respond(smsCount=2), {"sms_count": 2}),
        (
            respond(status=STATUS | {"id": "26", "groupId": "1"}),
            {"status.id": 26, "status.group_id": 1},
        ),
        (
            respond(status={k: STATUS[k] for k in ("name", "id", "groupName", "groupId")}),
            {"status.action": None},
        ),
    ],
    ids=lambda value: "" if isinstance(value, dict) and "messages" in value else ",".join(value),
)
def test_http_009_responses_in_the_wild_are_read(
    document: Any, expected: dict[str, Any], wire: str
) -> None:
    """A response with unknown fields, unknown codes, absent fields or numbers for strings is read."""
    body = (
        codec.dump_xml(document, "SmsResponse") if wire == "xml" else json.dumps(document).encode()
    )
    (entry,) = CODECS[wire].parse_response(body, SmsResponse).messages

    for path, value in expected.items():
        found: Any = entry
        for name in path.split("."):
            found = getattr(found, name)
        assert found == value


def test_http_009_xml_of_any_order_with_additions_is_read() -> None:
    """Element order, additional elements, attributes and comments do not keep a response from being read."""
    body = load("documented-response", "xml")
    tree = etree.fromstring(body)
    for parent in list(tree.iter("*")):
        parent[:] = reversed(parent)
        if len(parent):
            parent.insert(0, etree.fromstring("<news at='1'><id>7</id></news>"))
            parent.insert(0, etree.Comment("news"))
            parent.set("news", "yes")
    turned = wire_xml.parse_response(etree.tostring(tree), SmsResponse)
    straight = wire_xml.parse_response(body, SmsResponse)

    assert turned == attrs.evolve(straight, messages=straight.messages[::-1])


@pytest.mark.parametrize("offset", ["+0100", "+01:00", "+0000", "Z", "-0330"])
def test_dlr_003_report_times_are_read_with_either_offset(offset: str) -> None:
    """Times of reports are zone-aware, whichever way their offset is written."""
    for wire in ("json", "xml"):
        body = load("delivery-reports", wire).replace(b"323+0100", b"323" + offset.encode())
        sent_at = CODECS[wire].parse_response(body, DeliveryReports).results[0].sent_at

        assert sent_at == dt.datetime.fromisoformat(f"2015-02-12T09:58:20.323{offset}")


def test_dlr_001_the_list_without_a_wrapper_is_read() -> None:
    """Reports of 2015, with results repeated under another root, read to the same model."""
    body = load("delivery-reports", "xml")
    flat = body.replace(b"<results>", b"").replace(b"</results>", b"")
    flat = flat.replace(b"result>", b"results>").replace(b"reportResponse", b"SMSReportResponse")

    assert wire_xml.parse_response(flat, DeliveryReports) == wire_xml.parse_response(
        body, DeliveryReports
    )


@pytest.mark.parametrize(
    "document",
    [
        "<reportResponse><results><result><to>41</to></result></results></reportResponse>",
        "<reportResponse><results><results><to>41</to></results></results></reportResponse>",
        "<SMSReportResponse><results><to>41</to></results></SMSReportResponse>",
    ],
)
def test_dlr_001_every_form_of_the_list_is_read(document: str) -> None:
    """The three forms of the list that the documentation has shown give the same report."""
    reports = wire_xml.parse_response(document.encode(), DeliveryReports)

    assert [report.to for report in reports.results] == ["41"]


@pytest.mark.parametrize(
    "document",
    [
        "<reportResponse><results><to>41</to></results></reportResponse>",
        "<reportResponse><results><report><to>41</to></report></results></reportResponse>",
        "<SMSReportResponse><results><result><to>41</to></result></results></SMSReportResponse>",
    ],
)
def test_dlr_001_a_list_of_unknown_form_is_not_taken_for_an_empty_one(document: str) -> None:
    """Reports that are in a form that nobody has seen are unreadable, not silently no reports."""
    reports = wire_xml.parse_response(document.encode(), DeliveryReports)

    assert reports.results == ()
    (problem,) = reports.unreadable
    assert problem.path == "results[0]"
    assert problem.actual.startswith("content of another form")


def test_resp_001_entries_in_two_wrappers_are_all_read() -> None:
    """A wrapper that comes twice loses no entry of a response."""
    entry = (
        "<messages><{0}><to>{1}</to><status><groupId>1</groupId><groupName>PENDING</groupName>"
        "<id>26</id><name>PENDING_ACCEPTED</name></status></{0}></messages>"
    )
    body = f"<smsResponse>{entry.format('message', 1)}{entry.format('messages', 2)}</smsResponse>"

    assert [m.to for m in wire_xml.parse_response(body.encode(), SmsResponse).messages] == [
        "1",
        "2",
    ]


def test_http_009_empty_elements_of_a_response_are_absent_values() -> None:
    """An empty number, time or object of a response stands for no value, as null does in JSON."""
    body = "<reportResponse><results><result><to/><smsCount/><doneAt/></result></results></reportResponse>"
    (report,) = wire_xml.parse_response(body.encode(), DeliveryReports).results

    assert (report.to, report.sms_count, report.done_at) == ("", None, None)


def test_attributes_of_a_request_are_skipped() -> None:
    """What the documentation does not know is ignored in XML too (READ-010), text kept as it is."""
    body = load("minimal-request", "xml").replace(b"<text>", b"<text xml:space='preserve' a='1'> ")
    read_back = wire_xml.parse_request(body.replace(b"<to>", b"<to a='1'>"), SmsRequest)

    assert read_back.messages[0].text == " Your table is ready."


@both
@pytest.mark.parametrize(
    "instant",
    [
        dt.datetime(2020, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Amsterdam")),
        dt.datetime(2020, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Amsterdam"), fold=1),
        dt.datetime(2020, 3, 29, 2, 30, tzinfo=ZoneInfo("Europe/Amsterdam")),
        dt.datetime(1900, 1, 1, tzinfo=ZoneInfo("Europe/Amsterdam")),
        dt.datetime(2020, 1, 1, 0, 0, 0, 5, tzinfo=dt.timezone(dt.timedelta(microseconds=1))),
        dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-23, minutes=-59))),
    ],
)
def test_send_018_instants_of_odd_zones_survive_the_wire(instant: dt.datetime, wire: str) -> None:
    """Daylight saving, odd offsets and microseconds give an instant that reads back equal."""
    request = SmsRequest(messages=[Message(destinations=TO, send_at=instant)])
    again = CODECS[wire].parse_request(CODECS[wire].dump_model(request), SmsRequest)

    assert again == request
    assert again.messages[0].send_at is not None
    assert abs(again.messages[0].send_at - instant.astimezone(dt.UTC)) < dt.timedelta(
        milliseconds=1
    )


@pytest.mark.parametrize("price", ["1e999999999", "1e-999999999", '"1_0.5"', '"NaN"', '"x"'])
def test_dlr_001_prices_that_cannot_be_written_are_unreadable(price: str) -> None:
    """A number of a billion digits, or none, makes its report unreadable; the others are read."""
    bad = f'{{"price":{{"pricePerMessage":{price}}}}}'
    reports = wire_json.parse_response(
        f'{{"results":[{bad},{{"to":"41"}}]}}'.encode(), DeliveryReports
    )

    assert [report.to for report in reports.results] == ["41"]
    (problem,) = reports.unreadable
    assert problem.path == "results[0].price.pricePerMessage"


# ---------------------------------------------------------------- bad input

BAD = {
    "empty": b"",
    "blank": b" \n",
    "html": b"<!DOCTYPE html><html><body><p>502 Bad Gateway<br></body></html>",
    "xhtml": b"<html><body/></html>",
    "text": b"upstream connect error",
    "list": b"[]",
    "string": b'"text"',
    "null": b"null",
    "truncated json": load("documented-response", "json")[:300],
    "truncated xml": load("documented-response", "xml")[:300],
    "entities": b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><smsResponse><messages>&c;</messages></smsResponse>',
    "external entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><request><bulkId>&b;</bulkId></request>',
    "doctype": b"<!DOCTYPE smsResponse><smsResponse><messages/></smsResponse>",
    "deep json": b"[" * 1_000_000,
    "deep json in a field": b'{"messages":' + b'{"a":' * 500_000,
    "deep xml": b"<smsResponse>" + b"<a>" * 30_000,
    "deep and closed": b"<smsResponse>" + b"<a>" * 30_000 + b"</a>" * 30_000 + b"</smsResponse>",
    "latin-1": "<request><bulkId>é</bulkId></request>".encode("latin-1"),
    "unknown encoding": b'<?xml version="1.0" encoding="zip"?><request/>',
    "utf-16 json": '{"messages":[]}'.encode("utf-16"),
    "long number": b'{"messages":[],"bulkId":' + b"9" * 5000 + b"}",
    "not a number": b'{"messages":[],"news":NaN}',
    "namespace": b'<a:smsResponse xmlns:a="urn:a"/>',
    "half a surrogate": b'{"messages":[],"bulkId":"\\ud800"}',
}


@both
@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_http_003_bad_input_is_an_error_of_the_package(body: bytes, wire: str) -> None:
    """Whatever is no document of the contract is rejected by each reader with its own error."""
    with pytest.raises(InvalidRequestError):
        CODECS[wire].parse_request(body, SmsRequest)
    for kind in (SmsResponse, SmsLogs, DeliveryReports, ErrorResponse):
        with pytest.raises(InvalidResponseError) as caught:
            read(CODECS[wire], kind, body)
        assert caught.value.body == body
        assert caught.value.violations
        assert len(str(caught.value)) < 2000


@both
@pytest.mark.parametrize("entry", ["empty", "wrong"])
def test_a_rejection_is_bounded_however_long_the_document(wire: str, entry: str) -> None:
    """A document with ten thousand faults is rejected with the first of them, in a bounded text."""
    pieces = {
        "empty": ("{}", "<message/>"),
        "wrong": ('{"from":"a"}', "<message><from>a</from></message>"),
    }
    piece = pieces[entry][wire == "xml"]
    body = f'{{"messages":[{",".join([piece] * 10_000)}]}}'
    if wire == "xml":
        body = f"<request><messages>{piece * 10_000}</messages></request>"
    with pytest.raises(InvalidRequestError) as caught:
        CODECS[wire].parse_request(body.encode(), SmsRequest)

    assert caught.value.violations[0].path.startswith("messages[0]")
    extra = wire_xml.MAX_ERRORS if wire == "xml" else 0
    assert len(caught.value.violations) <= MAX_VIOLATIONS + extra
    assert len(str(caught.value)) < 100_000


@pytest.mark.parametrize(
    "encoding", ["punycode", "idna", "utf-7", "unicode_escape", "hex", "rot13"]
)
def test_http_003_only_character_sets_are_encodings(encoding: str) -> None:
    """A codec that is no character set, some of them slow beyond use, is rejected unread."""
    body = (
        f'<?xml version="1.0" encoding="{encoding}"?><smsResponse>{"a" * 900_000}-b</smsResponse>'
    )
    with pytest.raises(InvalidResponseError, match="declared encoding"):
        wire_xml.parse_response(body.encode(), SmsResponse)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252", "US-ASCII"])
def test_xml_in_a_declared_encoding_is_read(encoding: str) -> None:
    """A document in a usual character set is read as it declares."""
    text = load("minimal-request", "xml").decode().replace("UTF-8", encoding)

    assert wire_xml.parse_request(text.encode(encoding), SmsRequest).messages[0].from_ == "InfoSMS"


class Visited(list[Any]):
    """A list that knows how many of its entries were looked at."""

    visited = 0

    def __iter__(self) -> Iterator[Any]:
        for entry in super().__iter__():
            self.visited += 1
            yield entry


def test_reading_gives_up_when_enough_is_wrong() -> None:
    """Of a list of ten thousand faulty entries no more are read than are reported."""
    entries = Visited([{}] * 10_000)
    with pytest.raises(InvalidRequestError):
        build_model({"messages": entries}, SmsRequest, strict=True)

    assert entries.visited == MAX_VIOLATIONS


def test_violations_of_nested_lists_are_bounded_together() -> None:
    """Lists within lists do not multiply what is reported."""
    many: dict[str, Any] = {"destinations": [{}] * 150}
    with pytest.raises(InvalidRequestError) as caught:
        build_model({"messages": [many, many]}, SmsRequest, strict=True)

    assert len(caught.value.violations) == MAX_VIOLATIONS
    assert str(caught.value).endswith("\nperhaps more: nothing further was examined")


@pytest.mark.parametrize(
    ("end", "problem"), [("", "not XML"), ("</a>" * 200_000, "nested too deeply")]
)
def test_http_003_deep_nesting_is_rejected_as_such(end: str, problem: str) -> None:
    """A document of 200,000 levels is rejected for its depth, if it is well-formed otherwise."""
    body = f"<smsResponse>{'<a>' * 200_000}{end}{'</smsResponse>' if end else ''}".encode()
    with pytest.raises(InvalidResponseError, match=problem):
        wire_xml.parse_response(body, SmsResponse)


def test_xml_005_a_document_type_is_rejected_by_its_requirement() -> None:
    """A DOCTYPE is rejected as such, before anything in it is looked at."""
    for name in ("entities", "external entity", "doctype"):
        with pytest.raises(InvalidRequestError) as caught:
            wire_xml.parse_request(BAD[name], SmsRequest)
        assert [problem.requirement_id for problem in caught.value.violations] == ["XML-005"]


def test_xml_001_a_doctype_in_a_text_is_a_text() -> None:
    """The word DOCTYPE inside CDATA is what the message says, not a declaration."""
    body = load("minimal-request", "xml").replace(
        b"Your table is ready.", b"<![CDATA[<!DOCTYPE a>]]>"
    )

    assert wire_xml.parse_request(body, SmsRequest).messages[0].text == "<!DOCTYPE a>"


@pytest.mark.parametrize(
    ("old", "new", "path", "requirement"),
    [
        ("</text>", "</text><text>again</text>", "messages[0]", "XML-001"),
        ("<message>", "<message>words", "messages[0]", "XML-001"),
        (
            "</text>",
            "</text><validityPeriod>1_0</validityPeriod>",
            "messages[0].validityPeriod",
            "SEND-017",
        ),
        (
            "</text>",
            "</text><validityPeriod>\u0661</validityPeriod>",
            "messages[0].validityPeriod",
            "SEND-017",
        ),
        ("</text>", "</text><flash>TRUE</flash>", "messages[0].flash", "SEND-010"),
        ("</text>", "</text><flash/>", "messages[0].flash", "SEND-010"),
        ("<to>", "<to><b/>", "messages[0].destinations[0].to", "SEND-007"),
    ],
)
def test_xml_requests_are_not_read_wider_than_the_schema(
    old: str, new: str, path: str, requirement: str
) -> None:
    """Repeated elements, stray text and numbers that only Python would read are rejected."""
    body = load("minimal-request", "xml").decode().replace(old, new)
    with pytest.raises(InvalidRequestError) as caught:
        wire_xml.parse_request(body.encode(), SmsRequest)

    assert [(p.path, p.requirement_id) for p in caught.value.violations] == [(path, requirement)]


@both
@given(st.binary(max_size=60) | st.text().map(str.encode))
def test_any_bytes_give_a_model_or_an_error_of_the_package(wire: str, body: bytes) -> None:
    """No input makes a reader raise anything but our own errors."""
    for kind in DOCUMENTS.values():
        try:
            read(CODECS[wire], kind, body)
        except Error as problem:
            assert str(problem)  # noqa: PT017 - that it can be shown is the point


@both
@given(st.data())
def test_any_mutation_gives_a_model_or_an_error_of_the_package(
    wire: str, data: st.DataObject
) -> None:
    """A good document with a piece cut out, doubled or replaced is read or rejected, nothing else."""
    stem = data.draw(st.sampled_from(STEMS))
    body = load(stem, wire)
    start = data.draw(st.integers(0, len(body)))
    stop = data.draw(st.integers(start, min(len(body), start + 40)))
    piece = data.draw(
        st.sampled_from([b"", body[start:stop] * 2, b"<a/>", b'"', b"null", b"\xff", b"9"])
    )
    mutated = body[:start] + piece + body[stop:]
    for kind in DOCUMENTS.values():
        try:
            read(CODECS[wire], kind, mutated)
        except Error as problem:
            assert str(problem)  # noqa: PT017 - that it can be shown is the point


@pytest.mark.parametrize("number", ["7.0", "7.00", "0.7e1", "70E-1"])
def test_a_number_without_a_fraction_is_an_integer(number: str) -> None:
    """As in JSON Schema, in requests and in responses (READ-056)."""
    request = b'{"messages":[{"destinations":[{"to":"1"}],"validityPeriod":%b}]}' % number.encode()
    response = b'{"messages":[{"to":"1","smsCount":%b,"status":%b}]}' % (
        number.encode(),
        b'{"groupId":1.0,"groupName":"x","id":7,"name":"y"}',
    )

    assert wire_json.parse_request(request, SmsRequest).messages[0].validity_period == 7
    assert wire_json.parse_response(response, SmsResponse).messages[0].sms_count == 7


@pytest.mark.parametrize("number", ["7.5", "1e400", "1e-400", "1e999999"])
def test_a_fraction_or_a_huge_number_is_not_an_integer(number: str) -> None:
    """And what it costs to say so does not depend on its exponent."""
    request = b'{"messages":[{"destinations":[{"to":"1"}],"validityPeriod":%b}]}' % number.encode()

    with pytest.raises(InvalidRequestError, match=r"SEND-017|HTTP-003"):
        wire_json.parse_request(request, SmsRequest)


def test_dlr_001_a_zero_in_quotes_is_a_number_for_every_reader() -> None:
    """Zero is false for Python, and a value all the same."""
    converter = make_converter(strict=False)
    for reader in (converter, converter.detailed):
        assert reader.structure({"pricePerMessage": "00"}, Price).price_per_message == 0
