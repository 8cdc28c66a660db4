"""Checks of what a report may contain: RCV-003 to RCV-014, and RCV-025."""

from collections.abc import Sequence
from typing import Any

from lxml import etree

from infobip_sms_conformance.contract.codec import parse_tree
from infobip_sms_conformance.contract.openapi import get_component
from infobip_sms_conformance.observations.exchange import OK_STATUSES
from infobip_sms_conformance.receiver_run.conversation import Conversation
from infobip_sms_conformance.receiver_run.registry import check
from infobip_sms_conformance.receiver_run.reports import (
    COLON_DATES,
    EXACT,
    WHOLE_PRICE,
    Edit,
    Report,
    drop_fields,
    dump_reports,
    rename_fields,
    set_dates,
    set_decimal_ids,
    set_fields,
    set_pending,
    set_price,
)

MAX_REPORTS, MAX_CALLBACK_DATA = 100, 200
READ_OR_REJECTED = (*OK_STATUSES, *range(400, 500))
UNKNOWN_STATUS = {
    "groupId": 97,
    "groupName": "RECONSIDERED",
    "id": 9797,
    "name": "RECONSIDERED_BY_OPERATOR",
    "description": "A status of later years",
}
OPTIONAL = ("bulkId", "mccMnc", "callbackData", "price", "error", "smsCount", "sentAt", "doneAt")


def post_each(talk: Conversation, edits: dict[str, Sequence[Edit]]) -> None:
    """Post a report for each named edit; all of them have to be acknowledged."""
    for label, steps in edits.items():
        talk.require_acknowledged(talk.build(label, *steps))


@check("RCV-003", posts=2)
def several_reports(talk: Conversation) -> None:
    """Two reports and a hundred."""
    for count in (2, MAX_REPORTS):
        talk.require_acknowledged(talk.build(f"{count} reports", count=count))


@check("RCV-004", posts=len(OPTIONAL) + 1)
def missing_fields(talk: Conversation) -> None:
    """Each optional field is left out, and all of them."""
    post_each(talk, {f"a report without {name}": [drop_fields(name)] for name in OPTIONAL})
    post_each(talk, {"a report with messageId, to and status": [drop_fields(*OPTIONAL)]})


@check("RCV-005", posts=3)
def unknown_statuses(talk: Conversation) -> None:
    """A status, its group and an error that no list has."""
    known = talk.build_report()["status"]
    error = {**UNKNOWN_STATUS, "permanent": False}
    post_each(
        talk,
        {
            "a status of an unknown ID and name": [
                set_fields(status={**known, "id": 9797, "name": "DELIVERED_LATER"})
            ],
            "a status of an unknown group": [set_fields(status=UNKNOWN_STATUS)],
            "an error of an unknown group": [set_fields(error=error)],
        },
    )


@check("RCV-006", posts=2)
def unknown_fields(talk: Conversation) -> None:
    """Fields of later years beside the known ones, simple and nested."""
    nested: dict[str, Any] = {"platform": {"entityId": "e", "applicationId": "a"}}
    post_each(
        talk,
        {
            "a report with entityId and applicationId": [
                set_fields(entityId="my-entity", applicationId="default")
            ],
            "a report with an unknown object": [set_fields(**nested)],
        },
    )


@check("RCV-007", posts=2)
def names_of_other_years(talk: Conversation) -> None:
    """Field names of other years; in XML also the root element of 2015."""
    fields = get_component("DeliveryReport")["properties"]
    names = {name: row["x-also"][0] for name, row in fields.items() if "x-also" in row}
    report = talk.build_report()
    body = dump_reports([rename_fields(names)(report)], talk.wire)
    talk.require_acknowledged(talk.build_post("field names of other years", body, [report]))
    if talk.wire == "xml":
        body = dump_reports([report := talk.build_report()], talk.wire)
        body = body.replace(b"reportResponse", b"SMSReportResponse")
        body = body.replace(b"<results>", b"").replace(b"</results>", b"")
        body = body.replace(b"<result>", b"<results>").replace(b"</result>", b"</results>")
        talk.require_acknowledged(talk.build_post("XML as in 2015", body, [report]))


@check("RCV-008", posts=4)
def dates(talk: Conversation) -> None:
    """Every form of a date and time."""
    post_each(
        talk,
        {
            "dates with +0000": [
                set_dates("2019-11-09T16:00:00.000+0000", "2019-11-09T16:00:01.000+0000")
            ],
            "dates with +01:00": [COLON_DATES],
            "dates with -0330": [
                set_dates("2019-11-09T16:00:00.000-0330", "2019-11-09T16:00:01.500-0330")
            ],
            "dates without milliseconds": [
                set_dates("2019-11-09T16:00:00+0100", "2019-11-09T16:00:01+0100")
            ],
        },
    )


@check("RCV-009", posts=4)
def prices(talk: Conversation) -> None:
    """Prices of nothing, of whole units, and of many decimals."""
    texts = ("0", "0.0", "12", "0.0001000000")
    post_each(talk, {f"the price {text}": [set_price(text)] for text in texts})


@check("RCV-010", posts=4)
def callback_data(talk: Conversation) -> None:
    """Callback data of all lengths and scripts, and of signs that the format escapes."""
    samples = {
        "callback data of 200 letters": "x" * MAX_CALLBACK_DATA,
        "callback data of 200 characters outside ASCII": "Žluťoučký Ωμέγα Привет 你好 "[:25] * 8,
        "callback data of emoji": "order 😀 🇭🇷",
        "callback data with <, &, quotes and a backslash": '<a b="c">&amp;\\n\'"</a>',
    }
    post_each(talk, {label: [set_fields(callbackData=text)] for label, text in samples.items()})


@check("RCV-011", posts=3)
def ids(talk: Conversation) -> None:
    """IDs of digits, of signs, and a long one."""
    unique = talk.build_report()["messageId"]
    post_each(
        talk,
        {
            "IDs of digits": [set_decimal_ids],
            "IDs with signs and blanks": [
                set_fields(messageId=f"Order/7 #ä-{unique}", bulkId="bulk: 1, 2; é")
            ],
            "an ID of 200 characters": [set_fields(messageId=f"{unique}-".ljust(200, "x"))],
        },
    )


@check("RCV-012", posts=2)
def intermediate_then_final(talk: Conversation) -> None:
    """An intermediate report, and the final one of the same message."""
    final = talk.build_report()
    for label, report in (
        ("an intermediate report (PENDING)", set_pending(final)),
        ("the final report after an intermediate one", final),
    ):
        body = dump_reports([report], talk.wire)
        kept = [report] if report is final else []
        talk.require_acknowledged(talk.build_post(label, body, kept))


@check("RCV-013", posts=2)
def same_report_again(talk: Conversation) -> None:
    """The same bytes twice."""
    report = talk.build_report()
    body = dump_reports([report], talk.wire)
    talk.require_acknowledged(talk.build_post("a report", body, [report]))
    talk.require_acknowledged(talk.build_post("the same report again", body, [report]))


@check("RCV-014", posts=3)
def other_spellings(talk: Conversation) -> None:
    """The same report in reverse order, with white space, and with escapes."""
    report = talk.build_report()
    body = dump_reports([report], talk.wire)
    spellings = {
        "fields in reverse order": reverse_fields(body, report, talk.wire),
        "white space between the fields": add_white_space(body, talk.wire),
        "characters as escapes": escape_characters(body, talk.wire),
    }
    for label, spelling in spellings.items():
        fresh = {**report, "messageId": talk.build_report()["messageId"]}
        found = spelling.replace(report["messageId"].encode(), fresh["messageId"].encode())
        talk.require_acknowledged(talk.build_post(label, found, [fresh]))


def reverse_fields(body: bytes, report: Report, wire: str) -> bytes:
    """Return the body with the fields of its report in reverse order."""
    if wire == "json":
        return dump_reports([dict(reversed(report.items()))], wire)
    root = parse_tree(body)
    for result in root.iter("result"):
        result[:] = list(reversed(result))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def add_white_space(body: bytes, wire: str) -> bytes:
    """Return the body with line ends and tabs where the format allows them."""
    if wire == "xml":
        return body.replace(b"><", b">\r\n\t<")
    return b"\r\n" + body.replace(b'":', b'"\t:\n ').replace(b',"', b'\r\n\t, "') + b"\n"


def escape_characters(body: bytes, wire: str) -> bytes:
    """Return the body with some letters written as escapes."""
    if wire == "xml":
        return body.replace(b"DELIVERED_TO", b"&#68;ELIVERED_TO").replace(
            b"Message delivered", b"<![CDATA[Message delivered]]>"
        )
    return body.replace(b"DELIVERED_TO", b"\\u0044ELIVERED_TO").replace(b"status", b"st\\u0061tus")


@check("RCV-025", posts=1, explained_by="RCV-004")
def inbound_message(talk: Conversation) -> None:
    """A message from a phone, as it is forwarded to a URL of its own."""
    report = talk.build_report()
    message = {
        "messageId": report["messageId"],
        "from": report["to"],
        "to": "41793026834",
        "text": "QUIZ Correct answer is Paris",
        "cleanText": "Correct answer is Paris",
        "keyword": "QUIZ",
        "receivedAt": "2019-11-09T16:00:00.000+0000",
        "smsCount": 1,
        "price": {"pricePerMessage": f"{EXACT}0", "currency": "EUR"},
    }
    body = dump_reports([message], talk.wire, messageCount=1, pendingMessageCount=0)
    exchange = talk.send(talk.build_post("an inbound message", body))
    talk.require_status(exchange, READ_OR_REJECTED, "a 2xx or a 4xx status")


def get_base_forms() -> dict[str, Edit]:
    """Return other forms of the documented report, each by the requirement that allows both."""
    return {"RCV-008": COLON_DATES, "RCV-009": WHOLE_PRICE, "RCV-011": set_decimal_ids}
