"""Delivery reports at the callback: every form of every year is read, and codes that nobody knows yet."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import time
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infobip_sms import (
    DeliveryReports,
    Error,
    InvalidRequestError,
    InvalidResponseError,
    SmsLogs,
    SmsRequest,
    SmsResponse,
    SmsResponseV1,
    Status,
    parse_delivery_reports,
)
from infobip_sms.codecs import wire_json, wire_xml

SCHEMA = Path(__file__).resolve().parents[2] / "schema"
STATUS = (
    "<status><groupId>3</groupId><groupName>DELIVERED</groupName><id>5</id>"
    "<name>DELIVERED_TO_HANDSET</name></status>"
)
REPORT = f"<messageId>m</messageId><sentAt>2015-02-12T09:58:20.323+0100</sentAt>{STATUS}"
ENTRY = "<to>1</to><status><groupId>1</groupId><groupName>P</groupName><id>7</id><name>N</name></status>"


def example(wire: str) -> bytes:
    """Return the documented reports."""
    return (SCHEMA / "examples" / f"delivery-reports.{wire}").read_bytes()


@pytest.mark.parametrize(
    ("content_type", "wire"),
    [
        ("application/json", "json"),
        ("application/json;charset=UTF-8", "json"),
        ("Application/JSON ; charset=utf-8", "json"),
        ("text/json", "json"),
        ("application/xml", "xml"),
        ("text/xml; charset=utf-8", "xml"),
        (None, "json"),
        (None, "xml"),
        ("", "xml"),
        ("text/plain", "json"),
        ("application/octet-stream", "xml"),
    ],
)
def test_dlr_002_the_content_type_says_which_format(content_type: str | None, wire: str) -> None:
    """Both formats are read by their content type, and by their looks without one."""
    reports = parse_delivery_reports(example(wire), content_type)
    first = reports.results[0]

    assert first.status is not None
    assert first.status.is_final
    assert first.error is not None
    assert first.error.permanent is False
    assert first.price is not None
    assert first.price.price_per_message == Decimal("0.01")
    assert first.sent_at is not None
    assert first.sent_at.utcoffset() == dt.timedelta(hours=1)
    assert reports.raw == example(wire)


@pytest.mark.parametrize("wire", ["json", "xml"])
def test_a_content_type_that_names_the_other_format_is_believed(wire: str) -> None:
    """A body that is not what its content type says is rejected, not guessed at."""
    other = {"json": "application/xml", "xml": "application/json"}[wire]
    with pytest.raises(InvalidResponseError):
        parse_delivery_reports(example(wire), other)


@pytest.mark.parametrize(
    "document",
    [
        "<reportResponse><results><result>{0}</result><result>{0}</result></results></reportResponse>",
        "<SMSReportResponse><results>{0}</results><results>{0}</results></SMSReportResponse>",
        "<reportResponse><results><results>{0}</results><results>{0}</results></results></reportResponse>",
        "\ufeff<?xml version='1.0'?>\n<reportResponse><x/><results><result>{0}</result><y/><result>{0}</result></results></reportResponse>",
    ],
)
def test_dlr_001_every_root_and_wrapper_is_read(document: str) -> None:
    """Every root element and every form of the list that was ever shown gives the same reports."""
    reports = parse_delivery_reports(document.format(REPORT).encode(), "application/xml")

    assert [report.message_id for report in reports.results] == ["m", "m"]
    assert reports.results[0] == reports.results[1]


@pytest.mark.parametrize(
    "document",
    [
        "<smsLogsResponse><results><result>{0}</result></results></smsLogsResponse>",
        "<SMSLogsResponse><results><results>{0}</results></results></SMSLogsResponse>",
    ],
)
@pytest.mark.parametrize("name", ["mccmnc", "mccMnc"])
def test_log_001_logs_of_every_year_are_read(document: str, name: str) -> None:
    """Both roots, both wrappers and both names of the network code are read."""
    body = document.format(f"{REPORT}<{name}>22801</{name}>").encode()
    (log,) = wire_xml.parse_response(body, SmsLogs).results

    assert log.mcc_mnc == "22801"
    assert log.message_id == "m"


@pytest.mark.parametrize("name", ["mccmnc", "mccMnc"])
@pytest.mark.parametrize("model", [SmsLogs, DeliveryReports])
def test_log_001_both_names_of_the_network_code_are_read_in_json(name: str, model: Any) -> None:
    """The network code is read by either name; where both stand, by its own."""
    (one,) = wire_json.parse_response(
        f'{{"results":[{{"{name}":"22801"}}]}}'.encode(), model
    ).results
    (two,) = wire_json.parse_response(
        b'{"results":[{"mccmnc":22801,"mccMnc":"22801"}]}', model
    ).results

    assert one.mcc_mnc == two.mcc_mnc == "22801"


@pytest.mark.parametrize("root", ["smsResponse", "SendSMSResponse", "SMSResponse"])
@pytest.mark.parametrize("entry", ["message", "messages"])
@pytest.mark.parametrize("model", [SmsResponse, SmsResponseV1])
def test_v1_008_responses_with_the_root_of_another_year_are_read(
    root: str, entry: str, model: Any
) -> None:
    """The response to a send is read under each of its roots, with either name of its entries."""
    body = f"<{root}><messages><{entry}>{ENTRY}</{entry}></messages></{root}>".encode()
    (message,) = wire_xml.parse_response(body, model).messages

    assert (message.to, message.status.id) == ("1", 7)


CATALOGUE = tomllib.loads((SCHEMA / "statuses.toml").read_text(encoding="utf-8"))
GROUPS = {row["id"]: row for row in CATALOGUE["group"]}


@pytest.mark.parametrize("row", CATALOGUE["status"], ids=lambda row: row["name"])
def test_is_final_follows_the_catalogue(row: dict[str, Any]) -> None:
    """A status is final if its group is an end."""
    group = GROUPS[row["group"]]
    status = Status(group_id=group["id"], group_name=group["name"], id=row["id"], name=row["name"])

    assert status.is_final is group["final"]


def test_a_status_of_a_group_that_nobody_knows_is_not_final() -> None:
    """Unknown groups and ids are read as they are; nothing is concluded from them."""
    body = b"""{"results":[{"status":{"groupId":77,"groupName":"NEW","id":4711,"name":"X_Y"},
        "error":{"id":99999,"name":"EC_NEW","permanent":true}}]}"""
    (report,) = parse_delivery_reports(body, "application/json").results

    assert report.status is not None
    assert (report.status.id, report.status.is_final) == (4711, False)
    assert report.error is not None
    assert report.error.permanent is True


def test_dlr_004_callback_data_is_kept_in_full() -> None:
    """Callback data of any length and of any characters that the format carries comes back."""
    data = '<a> & "ü" 😀 ' * 40
    body = wire_xml.dump_model(
        attrs.evolve(
            parse_delivery_reports(example("xml")),
            results=[
                attrs.evolve(r, callback_data=data)
                for r in parse_delivery_reports(example("xml")).results
            ],
        )
    )

    assert {r.callback_data for r in parse_delivery_reports(body, "text/xml").results} == {data}


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode), st.text(max_size=20))
def test_any_bytes_give_reports_or_an_error_of_the_package(body: bytes, content_type: str) -> None:
    """No body and no content type makes the parser raise anything but its own error."""
    try:
        parse_delivery_reports(body, content_type)
    except Error as problem:
        assert type(problem) is InvalidResponseError  # noqa: PT017 - that it is no other is the point
        assert problem.body == body  # noqa: PT017 - nothing is lost


NOISE = "x" * 100_000
HOSTILE = {
    "entities": '<!DOCTYPE a [<!ENTITY b "ccc">]><reportResponse><results>&b;</results></reportResponse>',
    "external": '<!DOCTYPE a SYSTEM "file:///etc/passwd"><reportResponse/>',
    "deep": "<reportResponse>" + "<a>" * 100_000,
    "deep json": '{"results":' + "[" * 200_000,
    "huge attribute": f'<reportResponse a="{NOISE * 30}"><results/></reportResponse>',
    "huge attribute inside": f'<reportResponse><results><result a="{NOISE}"/></results></reportResponse>',
    "many attributes": "<reportResponse "
    + " ".join(f'a{n}=""' for n in range(20_000))
    + "><results/></reportResponse>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_xml_005_hostile_bodies_are_rejected(name: str) -> None:
    """Entities, depth and size are rejected with the error of ours, and it quotes nothing of them."""
    with pytest.raises(InvalidResponseError) as caught:
        parse_delivery_reports(HOSTILE[name].encode())

    assert len(str(caught.value)) < 500


def test_xml_005_namespaces_without_end_are_read_in_bounded_time() -> None:
    """A prefix that means something else in each of 5,000 elements costs no more than they do."""
    entries = "".join(f'<result xmlns:a="u{n}"><to>4179</to></result>' for n in range(5_000))
    started = time.monotonic()
    found = parse_delivery_reports(
        f"<reportResponse><results>{entries}</results></reportResponse>".encode()
    )

    assert len(found.results) == 5_000
    assert time.monotonic() - started < 60


# ---------------------------------------------------------------- one unreadable report among others

ODD = {
    "json": b'{"results":[{"messageId":"a"},{"messageId":"b","doneAt":"2026-11-09T16:00:00"},'
    b'{"messageId":"c","status":{"groupName":"DELIVERED"}},7,{"messageId":"d"}]}',
    "xml": b"<reportResponse><results><result><messageId>a</messageId></result><result><messageId>b"
    b"</messageId><doneAt>2026-11-09T16:00:00</doneAt></result><result><messageId>c</messageId>"
    b"<status><groupName>DELIVERED</groupName></status></result><result><x/></result>"
    b"<result><messageId>d</messageId></result></results></reportResponse>",
}


@pytest.mark.parametrize("wire", ["json", "xml"])
def test_dlr_001_an_unreadable_report_does_not_hide_the_others(wire: str) -> None:
    """The readable reports are returned, and the path of each problem in the others."""
    reports = parse_delivery_reports(ODD[wire])
    paths = {problem.path for problem in reports.unreadable}

    assert [report.message_id for report in reports.results] == ["a", "d"]
    assert "results[1].doneAt" in paths
    assert "results[2].status.groupId" in paths
    assert any(path.startswith("results[3]") for path in paths)
    assert reports.raw == ODD[wire]


@pytest.mark.parametrize("wire", ["json", "xml"])
def test_log_001_an_unreadable_log_does_not_hide_the_others(wire: str) -> None:
    """Logs are read like reports."""
    body = ODD[wire].replace(b"reportResponse", b"smsLogsResponse")
    codec = {"json": wire_json, "xml": wire_xml}[wire]

    logs = codec.parse_response(body, SmsLogs)

    assert [log.message_id for log in logs.results] == ["a", "d"]
    assert len(logs.unreadable) >= 3


@pytest.mark.parametrize("wire", ["json", "xml"])
def test_unreadable_reports_are_explained_up_to_a_limit(wire: str) -> None:
    """Of a thousand unreadable reports a hundred or so are explained, the rest are counted."""
    entry, start, end = {
        "json": (b'{"doneAt":"x"},', b'{"results":[', b"{}]}"),
        "xml": (
            b"<result><doneAt>x</doneAt></result>",
            b"<reportResponse><results>",
            b"<result/></results></reportResponse>",
        ),
    }[wire]

    reports = parse_delivery_reports(start + entry * 1_000 + end)

    assert len(reports.results) == 1
    assert len(reports.unreadable) == 101
    assert reports.unreadable[-1].actual == "900 more that cannot be read"


SMALL = "<{p}reportResponse{ns}><results><result><to>1</to><text>\u00fc</text></result></results></{p}reportResponse>"


@pytest.mark.parametrize(("p", "ns"), [("", ' xmlns="urn:a"'), ("r:", ' xmlns:r="urn:a"')])
def test_dlr_002_reports_in_a_namespace_are_read_by_local_name(p: str, ns: str) -> None:
    """A default namespace and a prefixed root change nothing."""
    body = SMALL.format(p=p, ns=ns).encode()

    assert parse_delivery_reports(body).results[0].to == "1"
    assert parse_delivery_reports(body, validate=True).results[0].to == "1"


def test_xml_001_a_request_in_a_namespace_is_rejected_as_such() -> None:
    """The message says that the namespace is wrong, not that the document cannot be processed."""
    with pytest.raises(InvalidRequestError, match="got a root element in the namespace '"):
        wire_xml.parse_request(b'<request xmlns="urn:a"/>', SmsRequest)


@pytest.mark.parametrize(
    "body",
    [
        SMALL.format(p="", ns=""),
        "<?xml version='1.0' encoding='ISO-8859-1'?>" + SMALL.format(p="", ns=""),
        memoryview(SMALL.format(p="", ns="").encode()),
        bytearray(SMALL.format(p="", ns="").encode()),
    ],
    ids=["text", "text-with-declaration", "memoryview", "bytearray"],
)
def test_dlr_002_text_and_buffers_are_read(body: Any) -> None:
    """A body may be text, as some frameworks pass it, or any buffer."""
    assert parse_delivery_reports(body).results[0].text == "\u00fc"
    kind = "text/xml; charset=ISO-8859-1" * isinstance(body, str)  # of the bytes that it was
    assert parse_delivery_reports(body, kind).results[0].text == "\u00fc"


def test_dlr_002_the_charset_of_the_header_is_obeyed() -> None:
    """For XML the header precedes the declaration (RFC 7303)."""
    body = b"<?xml version='1.0' encoding='UTF-8'?>" + SMALL.format(p="", ns="").encode("latin-1")

    assert parse_delivery_reports(body, "text/xml; charset=ISO-8859-1").results[0].text == "\u00fc"
    assert parse_delivery_reports(body, "text/xml; charset=ISO-8859-1").raw == body
    with pytest.raises(InvalidResponseError):
        parse_delivery_reports(body, "text/xml; charset=utf-8")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (gzip.compress(example("json")), "compressed with gzip"),
        (base64.b64encode(example("json")), "base64"),
        (base64.b64encode(example("xml")).decode(), "base64"),
    ],
    ids=["gzip", "base64", "base64-text"],
)
def test_encoded_bodies_are_named(body: Any, problem: str) -> None:
    """A body that needs decoding first is rejected, and the message says how it is encoded."""
    with pytest.raises(InvalidResponseError, match=problem):
        parse_delivery_reports(body)


def test_an_unreadable_body_is_not_called_a_request() -> None:
    """What was posted to a callback server was not sent by this client: the error says what is wrong, only."""
    with pytest.raises(InvalidResponseError) as caught:
        parse_delivery_reports(b"<html></html>")

    assert "request" not in str(caught.value)
    assert caught.value.advice == ""


def test_dlr_002_a_charset_of_json_is_not_obeyed_and_the_error_says_so() -> None:
    """JSON is UTF-8, whatever its Content-Type says."""
    with pytest.raises(InvalidResponseError, match="JSON is UTF-8"):
        parse_delivery_reports(
            '{"results":[{"messageId":"é"}]}'.encode("latin-1"), "application/json; charset=latin1"
        )


def test_a_body_of_another_type_is_a_type_error() -> None:
    """A parsed body, as some frameworks pass it, is named."""
    with pytest.raises(TypeError, match="expected bytes or str, got an object"):
        parse_delivery_reports({"results": []})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        b'{"results":[{"destination":"1","sender":"A","messageCount":2}]}',
        (
            b"<DeliveryReports><results><result><destination>1</destination><sender>A</sender>"
            b"<messageCount>2</messageCount></result></results></DeliveryReports>"
        ),
    ],
)
def test_reports_of_version_3_are_read_into_the_same_model(body: bytes) -> None:
    """Fields that version 3 of the API names differently are read by their other names."""
    (report,) = parse_delivery_reports(body).results

    assert (report.to, report.from_, report.sms_count) == ("1", "A", 2)


def test_a_charset_of_json_is_said_to_have_no_effect() -> None:
    """JSON is UTF-8 (RFC 8259); who sends Latin-1 and says so learns why it is rejected."""
    body = '{"results": [{"messageId": "é"}]}'.encode("latin-1")
    with pytest.raises(
        InvalidResponseError, match=r"not UTF-8 .*\. JSON is UTF-8, whatever charset"
    ):
        parse_delivery_reports(body, "application/json; charset=ISO-8859-1")
    with pytest.raises(InvalidResponseError) as caught:
        parse_delivery_reports(body, "application/json; charset=utf-8")

    assert "whatever charset" not in str(caught.value)
