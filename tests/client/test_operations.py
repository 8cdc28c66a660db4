"""The operations around the message: what each one sends, in both formats, and what it makes of the response."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from infobip_sms_schema import MODELS, Constraint
from infobip_sms_schema.operations import OPERATIONS
from lxml import etree

from infobip_sms import (
    ApiError,
    BulkStatus,
    Client,
    Destination,
    GeneralStatus,
    InvalidRequestError,
    LanguageCode,
    LanguageV1,
    Message,
    MessageV1,
    SmsRequest,
    SmsRequestV1,
    Transliteration,
)
from tests.client.calls import AUTH, NEVER, TYPES, both, example, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.calls import Serve

Call = "Callable[[Client], Any]"
CET = dt.timezone(dt.timedelta(hours=1))
NOON = dt.datetime(2026, 3, 1, 12, 0, 0, 250_000, CET)
V1 = SmsRequestV1(messages=[MessageV1(destinations=[Destination(to="41793026727")], text="Hi")])
ID = "ff4804ef-6ab6-4abd-984d-ab3b1387e852"


def send_v1(client: Client, request: Any, wire: Any = None) -> Any:
    """Send by the previous version, which warns of itself."""
    with pytest.warns(DeprecationWarning, match="previous version"):
        return client.send_v1(request, wire=wire)


QUERY = (
    "from=InfoSMS",
    "to=41793026727",
    "bulkId=A",
    "bulkId=B%26c",
    *("messageId=x", "messageId=y", "messageId=z"),
    "generalStatus=DELIVERED",
    "sentSince=2026-03-01T12%3A00%3A00.250%2B01%3A00",
    "limit=1000",
    "mcc=228",
    "mnc=01",
)

# name -> call, request line, body as JSON (None: none), example of the response, what is read off it
CALLS: dict[str, tuple[Callable[[Client], Any], str, Any, str, Callable[[Any], Any], Any]] = {
    "send_v1": (
        lambda c: send_v1(c, V1),
        "POST /sms/1/text/advanced",
        {"messages": [{"destinations": [{"to": "41793026727"}], "text": "Hi"}]},
        "v1-response",
        lambda r: [m.sms_count for m in r.messages],
        [1, 1, 2],
    ),
    "fetch_delivery_reports": (
        lambda c: c.fetch_delivery_reports(bulk_id="a b", message_id="c/d", limit=3),
        "GET /sms/1/reports?bulkId=a+b&messageId=c%2Fd&limit=3",
        None,
        "delivery-reports",
        lambda r: r.results[0].message_id,
        ID,
    ),
    "fetch_delivery_reports of all": (
        lambda c: c.fetch_delivery_reports(),
        "GET /sms/1/reports",
        None,
        "no-delivery-reports",
        lambda r: r.results,
        (),
    ),
    "get_logs": (
        lambda c: c.get_logs(
            from_="InfoSMS",
            to="41793026727",
            bulk_id=["A", "B&c"],
            message_id=iter("xyz"),
            general_status=GeneralStatus.DELIVERED,
            sent_since=NOON,
            limit=1000,
            mcc="228",
            mnc="01",
        ),
        f"GET /sms/1/logs?{'&'.join(QUERY)}",
        None,
        "logs",
        lambda r: [(log.mcc_mnc, log.status.is_final) for log in r.results],
        [("22801", True), ("22801", True)],
    ),
    "get_logs of one": (
        lambda c: c.get_logs(message_id="xyz", sent_until=NOON),
        "GET /sms/1/logs?messageId=xyz&sentUntil=2026-03-01T12%3A00%3A00.250%2B01%3A00",
        None,
        "logs",
        lambda r: r.results[1].status.action,
        "Contact account manager",
    ),
    "preview": (
        lambda c: c.preview(
            "Merhaba",
            language_code=LanguageCode.TR,
            transliteration=Transliteration.TURKISH,
        ),
        "POST /sms/1/preview",
        {"text": "Merhaba", "languageCode": "TR", "transliteration": "TURKISH"},
        "preview-response",
        lambda r: [p.characters_remaining for p in r.previews],
        [15, 100],
    ),
    "get_scheduled": (
        lambda c: c.get_scheduled("BULK ID"),
        "GET /sms/1/bulks?bulkId=BULK+ID",
        None,
        "bulk-response",
        lambda r: r.send_at,
        dt.datetime(2021, 8, 25, 16, tzinfo=dt.UTC),
    ),
    "reschedule": (
        lambda c: c.reschedule("B", NOON),
        "PUT /sms/1/bulks?bulkId=B",
        {"sendAt": "2026-03-01T12:00:00.250+01:00"},
        "bulk-response",
        lambda r: r.bulk_id,
        "BULK-ID-123-xyz",
    ),
    "get_scheduled_status": (
        lambda c: c.get_scheduled_status("B"),
        "GET /sms/1/bulks/status?bulkId=B",
        None,
        "bulk-status-response",
        lambda r: r.status == BulkStatus.PAUSED,
        True,
    ),
    "set_scheduled_status": (
        lambda c: c.set_scheduled_status("B", BulkStatus.CANCELED),
        "PUT /sms/1/bulks/status?bulkId=B",
        {"status": "CANCELED"},
        "bulk-status-response",
        lambda r: r.status,
        "PAUSED",
    ),
    "record_conversion": (
        lambda c: c.record_conversion("a/b ?#%ä"),
        "POST /ct/1/log/end/a%2Fb%20%3F%23%25%C3%A4",
        None,
        "conversion-response",
        lambda r: r.process_key,
        "A37D448C1ACCA02FABA745522558326C",
    ),
}


def test_every_operation_is_called() -> None:
    """Each operation of the contract is a method of the client and is in the table above, but send."""
    names = {operation.name for operation in OPERATIONS}

    assert {name.split(" ")[0] for name in CALLS} == names - {"send"}
    assert all(callable(getattr(Client, name)) for name in names)


@both
@pytest.mark.parametrize("name", CALLS)
def test_operations_send_what_the_contract_says(serve: Serve, name: str, wire: Any) -> None:
    """Method, path, query, headers and body are those of the contract, and the response is read."""
    call, line, body, stem, look, seen = CALLS[name]
    server = serve("hear", reply(example(stem, wire), 200, TYPES[wire]))
    with Client(server.url, auth=AUTH, wire=wire, timeout=NEVER) as client:
        response = call(client)
    (request,) = server.finish()

    assert request.line == f"{line} HTTP/1.1"
    assert request.find("accept") == TYPES[wire]
    assert request.find("authorization") == AUTH.header()
    assert look(response) == seen
    assert response.raw == example(stem, wire)
    assert response.http.status == 200
    if body is None:
        assert request.body == b""
        assert "content-type" not in dict(request.headers)
    elif wire == "json":
        assert json.loads(request.body) == body
    else:
        assert shorten(etree.fromstring(request.body)) == flatten(body)


def shorten(element: Any) -> list[str]:
    """Return the texts of a document in order."""
    return [leaf.text for leaf in element.iter() if len(leaf) == 0]


def flatten(plain: Any) -> list[str]:
    """Return the values of plain data in order."""
    if isinstance(plain, dict):
        return [leaf for value in plain.values() for leaf in flatten(value)]
    if isinstance(plain, list):
        return [leaf for value in plain for leaf in flatten(value)]
    return [plain]


LONE = "\ud800"
REFUSED: dict[str, tuple[Callable[[Client], Any], str, str]] = {
    "limit of 0": (lambda c: c.get_logs(limit=0), "GetLogsParameters.limit", "LOG-003"),
    "limit of 1001": (lambda c: c.get_logs(limit=1001), "GetLogsParameters.limit", "LOG-003"),
    "limit of reports": (
        lambda c: c.fetch_delivery_reports(limit=1001),
        "FetchDeliveryReportsParameters.limit",
        "DLR-008",
    ),
    "mcc of letters": (lambda c: c.get_logs(mcc="CHE"), "GetLogsParameters.mcc", "LOG-004"),
    "mnc of 4": (lambda c: c.get_logs(mcc="228", mnc="0001"), "GetLogsParameters.mnc", "LOG-004"),
    "mnc alone": (lambda c: c.get_logs(mnc="01"), "mcc", "LOG-005"),
    "unknown group": (
        lambda c: c.get_logs(general_status="LOST"),
        "GetLogsParameters.general_status",
        "LOG-006",
    ),
    "naive instant": (
        lambda c: c.get_logs(sent_since=dt.datetime(2026, 3, 1)),  # noqa: DTZ001 - the point
        "GetLogsParameters.sent_since",
        "LOG-007",
    ),
    "lone surrogate in a query": (
        lambda c: c.get_logs(to=LONE),
        "GetLogsParameters.to",
        "TEXT-001",
    ),
    "lone surrogate in a list": (
        lambda c: c.get_logs(message_id=["a", LONE]),
        "GetLogsParameters.message_id[1]",
        "TEXT-001",
    ),
    "no bulk": (lambda c: c.get_scheduled(""), "GetScheduledParameters.bulk_id", "BULK-001"),
    "naive send_at": (
        lambda c: c.reschedule("B", dt.datetime(2026, 3, 1)),  # noqa: DTZ001 - the point
        "BulkRequest.send_at",
        "BULK-002",
    ),
    "unknown state": (
        lambda c: c.set_scheduled_status("B", "GONE"),
        "BulkStatusRequest.status",
        "BULK-003",
    ),
    "path of dots": (
        lambda c: c.record_conversion(".."),
        "RecordConversionParameters.message_id",
        "TRACK-002",
    ),
    "no message": (
        lambda c: c.record_conversion(""),
        "RecordConversionParameters.message_id",
        "TRACK-002",
    ),
    "no text": (
        lambda c: c.preview(None),  # type: ignore[arg-type]  # the point
        "PreviewRequest.text",
        "PREV-001",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_parameters_are_rejected_before_anything_is_sent(serve: Serve, name: str) -> None:
    """A parameter outside its limits is rejected with its place and its requirement, unsent."""
    call, path, requirement = REFUSED[name]
    server = serve("hear", reply(b"{}"))
    with (
        Client(server.url, auth=AUTH, timeout=NEVER) as client,
        pytest.raises(InvalidRequestError) as caught,
    ):
        call(client)

    assert [(v.path, v.requirement_id) for v in caught.value.violations] == [(path, requirement)]
    assert server.finish() == []


@pytest.mark.parametrize("value", ["a\r\nX: b", "a\nb", "a\0b", "a b", "ä"])
def test_no_value_breaks_out_of_its_place(serve: Serve, value: str) -> None:
    """Line breaks, NUL and anything else in a value arrive percent-encoded, in one request line."""
    server = serve(
        "hear",
        reply(example("logs")),
        "hear",
        reply(example("conversion-response")),
    )
    with Client(server.url, auth=AUTH, timeout=NEVER) as client:
        client.get_logs(bulk_id=value)
        client.record_conversion(value)
    lines = [request.line for request in server.finish()]

    assert len(lines) == 2
    assert all(line.isascii() and line.count(" ") == 2 for line in lines)


def test_bulk_004_an_unknown_bulk_is_rejected(serve: Serve) -> None:
    """The 404 for a bulk that nobody knows is ApiError, with the server's words."""
    body = (
        b'{"requestError":{"serviceException":{"messageId":"NOT_FOUND","text":"Bulk not found"}}}'
    )
    server = serve("hear", reply(body, 404))
    with (
        Client(server.url, auth=AUTH, timeout=NEVER) as client,
        pytest.raises(ApiError) as caught,
    ):
        client.get_scheduled("B")

    assert (caught.value.status, caught.value.code) == (404, "NOT_FOUND")


def test_bulk_003_a_state_that_nobody_knows_yet_is_read(serve: Serve) -> None:
    """An unknown state of a bulk is handed on as it is."""
    server = serve("hear", reply(b'{"bulkId":"B","status":"FROZEN"}'))
    with Client(server.url, auth=AUTH, timeout=NEVER) as client:
        assert client.get_scheduled_status("B").status == "FROZEN"


def test_v1_003_the_units_of_the_validity_period_cannot_be_mixed() -> None:
    """Minutes and milliseconds have names of their own, and no model takes the other's messages."""
    there = [Destination(to="41793026727")]
    with pytest.raises(TypeError, match="validity_period_ms"):
        Message(destinations=there, validity_period_ms=720)  # type: ignore[call-arg]  # the point
    with pytest.raises(TypeError, match="validity_period"):
        MessageV1(destinations=there, validity_period=720)  # type: ignore[call-arg]  # the point
    with pytest.raises(InvalidRequestError, match=r"messages\[0\].*SEND-002"):
        SmsRequest(messages=[MessageV1(destinations=there)])  # type: ignore[list-item]  # the point
    with pytest.raises(InvalidRequestError, match=r"messages\[0\].*SEND-002"):
        SmsRequestV1(messages=[Message(destinations=there)])  # type: ignore[list-item]  # the point


@both
def test_requests_of_the_wrong_version_are_rejected(serve: Serve, wire: Any) -> None:
    """A request of version 1 given to send, or the other way round, is rejected unsent."""
    v2 = SmsRequest(messages=[Message(destinations=[Destination(to="41793026727")])])
    server = serve("hear", reply(b"{}"))
    with Client(server.url, auth=AUTH, wire=wire, timeout=NEVER) as client:
        with pytest.raises(InvalidRequestError, match=r"expected .*SmsRequest, got "):
            client.send(V1)  # type: ignore[arg-type]  # the point
        with pytest.raises(InvalidRequestError, match="SmsRequestV1"):
            send_v1(client, v2)

    assert server.finish() == []


def test_v1_001_the_previous_version_warns_where_it_is_called(serve: Serve) -> None:
    """The warning names the caller's own line."""
    server = serve("hear", reply(example("v1-response")))
    with (
        Client(server.url, auth=AUTH, timeout=NEVER) as client,
        pytest.warns(DeprecationWarning, match="use send instead") as caught,
    ):
        client.send_v1(V1)
    assert [warning.filename for warning in caught] == [__file__]


def test_v1_005_xml_of_version_1_has_no_wrappers(serve: Serve) -> None:
    """Messages and destinations are repeated in the XML of version 1."""
    shifts = LanguageV1(language_code=LanguageCode.TR, single_shift=True)
    two = [Destination(to="41793026727"), Destination(to="41793026731")]
    request = SmsRequestV1(messages=[MessageV1(destinations=two, language=shifts)] * 2)
    server = serve("hear", reply(example("v1-response", "xml"), 200, TYPES["xml"]))
    with Client(server.url, auth=AUTH, wire="xml", timeout=NEVER) as client:
        send_v1(client, request)
    (captured,) = server.finish()
    root = etree.fromstring(captured.body)

    assert root.tag == "request"
    assert len(root.findall("messages")) == 2
    assert [e.text for e in root.findall("messages/destinations/to")] == [d.to for d in two] * 2
    assert [e.text for e in root.findall("messages/language/singleShift")] == ["true"] * 2


def test_every_parameter_has_a_requirement() -> None:
    """No field or parameter of the contract stands there without the rule that it comes from."""
    limits = [
        field.validator
        for model in MODELS
        for field in model.__attrs_attrs__
        if isinstance(field.validator, Constraint)
    ]

    assert len(limits) > 100
    assert all(limit.requirement_id for limit in limits)
