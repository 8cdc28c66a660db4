"""The other direction of an exchange that was listened to: what the server answered.

Lives here: a reply held to the rules of the reply, with the functions that judge servers.
Never here: a rule of its own; what the client sent.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message as Fields

from infobip_sms_conformance.checks.support import response_rules as rules
from infobip_sms_conformance.client_checks.request import Paper
from infobip_sms_conformance.contract.codec import MEDIA_TYPES, parse_json
from infobip_sms_conformance.observations.exchange import BAD_REQUEST, Exchange, find_reply
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.transport.http import Answer
from infobip_sms_conformance.transport.http1 import Heard, Message

FIRST_OF_SERVER = 500
FORMATS = {"json": "HTTP-004", "xml": "HTTP-005"}
# Requirement, which exchanges it concerns, what is wrong, what is wanted.
RULES = (
    ("RESP-001", rules.is_readable, rules.find_wrong_count, "one entry for every destination"),
    (
        "RESP-002",
        rules.is_complete,
        rules.find_wrong_order,
        "every to, in the order of the request",
    ),
    ("RESP-003", rules.has_given_ids, rules.find_lost_id, "every messageId at its destination"),
    ("RESP-005", rules.has_missing_ids, rules.find_missing_id, "a messageId for every message"),
    ("RESP-007", rules.has_entries, rules.find_wrong_status, "a status with its members"),
    ("RESP-008", rules.has_groups, rules.find_wrong_group, "the groupName of the groupId"),
)


@dataclass(frozen=True)
class Remark:
    """What is said of a reply: a fault, or nothing in ``got``."""

    requirement: str
    got: str = ""
    expected: str = ""


def judge_reply(paper: Paper) -> Iterator[Remark]:
    """Yield what a reply keeps and breaks; nothing for one that did not come whole."""
    heard = paper.heard
    if heard.reply is None or heard.problem or paper.operation is None:
        return
    body = unpack(heard.reply)
    if body is None:
        yield Remark("HTTP-004", "a compression that cannot be undone", "a readable reply")
        return
    yield from judge_format(heard, body)
    if heard.status == BAD_REQUEST:
        yield from judge_error(body)
    if heard.status is not None and heard.status >= FIRST_OF_SERVER:
        yield Remark("HTTP-002", f"HTTP {heard.status}", "status 400, or 200 with REJECTED")
    if paper.operation.id == "send" and paper.node is not None and not is_faulty(paper):
        yield from judge_entries(build_exchange(paper, body))


def unpack(reply: Message) -> bytes | None:
    """Return the body of a reply without its compression; none where that fails."""
    coding = reply.find("content-encoding").strip().lower()
    try:
        if coding in {"gzip", "x-gzip"}:
            return gzip.decompress(reply.body)
        if coding == "deflate":
            return zlib.decompress(reply.body)
    except (OSError, EOFError, zlib.error):
        return None
    return reply.body


def judge_format(heard: Heard, body: bytes) -> Iterator[Remark]:
    """Yield whether a success has the one format that was asked for."""
    asked = heard.find("accept").strip().lower()
    for wire, media in MEDIA_TYPES.items():
        if asked == media and body and heard.reply and heard.status == 200:  # noqa: PLR2004 - OK
            said = heard.reply.find("content-type").partition(";")[0].strip().lower()
            good = find_wire(body) == wire and said == media
            yield Remark(FORMATS[wire], "" if good else f"{said or 'no content type'}", media)


def judge_error(body: bytes) -> Iterator[Remark]:
    """Yield whether a 400 has the body that errors have."""
    if find_wire(body) == "xml":
        good = b"serviceException" in body
    else:
        try:
            found = parse_json(body)["requestError"]["serviceException"]
            good = {"messageId", "text"} <= found.keys()
        except (ValueError, TypeError, KeyError, AttributeError):
            good = False
    yield Remark("ERR-001", "" if good else "another body", "requestError.serviceException")


def is_faulty(paper: Paper) -> bool:
    """Tell whether a request is one that a server may refuse, or read in another way."""
    return any(not problem.mild for problem in paper.sheet.problems)


def build_exchange(paper: Paper, body: bytes) -> Exchange:
    """Return an exchange as those are that the suite has itself."""
    assert paper.node is not None, "there is a document"
    assert paper.heard.reply is not None, "there is a reply"
    fields = Fields()
    for name, value in paper.heard.reply.headers:
        fields[name] = value
    answer = Answer(paper.heard.reply.status, fields, body)
    document = paper.node.build_plain()
    return Exchange("", document, paper.wire, answer, reply=find_reply(answer))


def judge_entries(exchange: Exchange) -> Iterator[Remark]:
    """Yield what is owed to each destination."""
    for number, concerns, find, expected in RULES:
        if concerns(exchange):
            yield Remark(number, find(exchange), expected)
    if rules.is_bulk(exchange) and "bulkId" in exchange.document:
        same = rules.find_bulk_id(exchange) == exchange.document["bulkId"]
        yield Remark("RESP-004", "" if same else "another bulkId, or none", "its bulkId")
    if exchange.taken and exchange.reply and "tracking" in exchange.document:
        key = exchange.reply.tracking_key
        yield Remark("RESP-009", "" if key else "no trackingProcessKey", "a trackingProcessKey")
