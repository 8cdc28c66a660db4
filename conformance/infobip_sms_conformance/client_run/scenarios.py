"""Answers of every kind that a server may give, one scenario for each, in a known order.

Lives here: what each answer is made of, and what a client owes to it.
Never here: sockets (script.py); how a program took it (scenario_verdicts.py).
"""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lxml import etree

from infobip_sms_conformance.client_checks.request import Paper, find_entries
from infobip_sms_conformance.contract.codec import MEDIA_TYPES, dump, parse_tree
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.contract.openapi import find_component as find_schema
from infobip_sms_conformance.contract.openapi import resolve

ACCEPTED = {
    "groupId": 1,
    "groupName": "PENDING",
    "id": 26,
    "name": "PENDING_ACCEPTED",
    "description": "Pending Accepted",
}
REJECTED = {
    "groupId": 5,
    "groupName": "REJECTED",
    "id": 6,
    "name": "REJECTED_NETWORK",
    "description": "Network is forbidden",
    "action": "Contact account manager",
}
EXAMPLES = {
    "fetchDeliveryReports": "delivery-reports",
    "getLogs": "logs",
    "preview": "preview-response",
    "getScheduled": "bulk-response",
    "reschedule": "bulk-response",
    "getScheduledStatus": "bulk-status-response",
    "setScheduledStatus": "bulk-status-response",
    "recordConversion": "conversion-response",
}
PROCESS_KEY = "A37D448C1ACCA02FABA745522558326C"
WAIT = 2
"""Seconds that a client is asked to wait."""
LATE = 4.0
"""Seconds that the latest answer takes."""
PAUSE = 0.25
"""Seconds between the pieces of a slow answer."""
PIECES = 8
PAGE = b"<!DOCTYPE html><html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>"


@dataclass(frozen=True)
class Reply:
    """An answer before it is written."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    pause: float = 0.0
    chunked: bool = False
    sent: int | None = None
    """Bytes of the body that are sent before the connection is closed; none for all, -1 for no answer."""


@dataclass(frozen=True)
class Scenario:
    """One kind of answer.

    kind: ``good`` where the messages are taken and said to be; ``told`` where they are answered, and a
    program may well end with another code than 0; ``wait`` where the client may come again, later;
    ``lost`` where nobody can know.
    """

    name: str
    what: str
    kind: str
    requirement: str = ""
    """What a client breaks that cannot read the answer."""
    change: Callable[[Any], Any] = lambda document: document
    write: Callable[[Reply, Paper], Reply] = lambda reply, _: reply


# ---------------------------------------------------------------- documents


def build_document(paper: Paper) -> Any:
    """Return the documented answer to a request."""
    operation = paper.operation
    if operation is None:
        return {}
    if operation.id not in {"send", "sendV1"}:
        return read_example(EXAMPLES[operation.id])
    found: list[dict[str, Any]] = []
    for _, message in find_entries(paper.node, "messages"):
        for _, destination in find_entries(message, "destinations"):
            found.append(
                build_entry(destination.build_plain(), len(found), v1=operation.id == "sendV1")
            )
    document: dict[str, Any] = {"messages": found}
    if len(found) > 1:
        given = paper.node.find("bulkId") if paper.node else None
        document = {"bulkId": given.value if given else "2034072219640523072", **document}
    if paper.node is not None and paper.node.find("tracking"):
        document["trackingProcessKey"] = PROCESS_KEY
    return document


def build_entry(destination: Any, index: int, *, v1: bool) -> dict[str, Any]:
    """Return what is answered to a destination."""
    given = destination if isinstance(destination, dict) else {}
    entry = {
        "to": str(given.get("to", "")),
        "status": dict(ACCEPTED),
        "messageId": str(given.get("messageId") or f"22509935740100355{index:02}"),
    }
    return {**entry, "smsCount": 1} if v1 else entry


def add_members(document: Any) -> Any:
    """Add members that nobody knows, at every place."""
    if isinstance(document, list):
        return [add_members(item) for item in document]
    if isinstance(document, dict):
        new = {"addedLater": {"on": "2030-01-01", "by": [1, None, True]}, "x-1": 0.5}
        return {**{name: add_members(value) for name, value in document.items()}, **new}
    return document


def add_counts(document: Any) -> Any:
    """Count the segments of every message, as version 1 does."""
    if isinstance(document, dict) and isinstance(document.get("messages"), list):
        counted = [{**entry, "smsCount": 1} for entry in document["messages"]]
        return {**document, "messages": counted}
    return document


def turn_round(document: Any) -> Any:
    """Turn the order of all members round."""
    if isinstance(document, list):
        return [turn_round(item) for item in document]
    if isinstance(document, dict):
        return {name: turn_round(document[name]) for name in reversed(document)}
    return document


def set_status(status: Mapping[str, Any], *, drop_id: bool = False) -> Callable[[Any], Any]:
    """Return the change of every status into another one."""

    def change(document: Any) -> Any:
        if isinstance(document, list):
            return [change(item) for item in document]
        if not isinstance(document, dict):
            return document
        found = {name: change(value) for name, value in document.items()}
        if isinstance(found.get("status"), dict):
            found["status"] = {**found["status"], **status}
            if drop_id:
                found.pop("messageId", None)
        return found

    return change


def leave_out(document: Any) -> Any:
    """Leave out all that the documentation does not promise."""
    kept = {"messages", "results", "previews", "to", "status", "messageId", "bulkId", "sendAt"}
    if isinstance(document, list):
        return [leave_out(item) for item in document]
    if not isinstance(document, dict):
        return document
    if "groupId" in document:
        return {name: document[name] for name in ("groupId", "groupName", "id", "name")}
    return {
        name: leave_out(value)
        for name, value in document.items()
        if name in kept and not (name == "bulkId" and "messages" in document)
    }


def turn_dates(document: Any) -> Any:
    """Write the offsets of instants in the other form: with a colon, or without."""
    if isinstance(document, list):
        return [turn_dates(item) for item in document]
    if isinstance(document, dict):
        return {name: turn_dates(value) for name, value in document.items()}
    if (
        not isinstance(document, str)
        or "T" not in document
        or document[-6:-5] + document[-5:-4] == ""
    ):
        return document
    if document[-6] in "+-" and document[-3] == ":":
        return document[:-3] + document[-2:]
    if len(document) > 20 and document[-5] in "+-" and document[-4:].isdecimal():  # noqa: PLR2004 - a date and time
        return f"{document[:-2]}:{document[-2:]}"
    return document


# ---------------------------------------------------------------- bytes


def find_reply_wire(paper: Paper) -> str:
    """Return the format that an answer is to have."""
    accept = paper.heard.find("accept").lower()
    asked = [wire for wire, media in MEDIA_TYPES.items() if media in accept]
    return asked[0] if len(asked) == 1 else paper.wire


def write_document(document: Any, paper: Paper) -> Reply:
    """Return the answer with a document."""
    wire = find_reply_wire(paper)
    component = paper.operation.response if paper.operation else "ErrorResponse"
    body = dump_json(document) if wire == "json" else dump_ordered(document, component)
    return Reply(headers={"Content-Type": MEDIA_TYPES[wire]}, body=body)


def dump_json(document: Any) -> bytes:
    """Return JSON with the members in the order of the document."""
    return json.dumps(document, ensure_ascii=False).encode()


def dump_ordered(document: Any, component: str) -> bytes:
    """Return XML; the wrappers of lists are those of the schema."""
    schema = find_schema(component)
    assert resolve(schema).get("xml"), "a root has a name"
    return dump(document, "xml", component)


def turn_children(reply: Reply, paper: Paper) -> Reply:
    """Turn the order of the elements of XML round; the entries of lists keep theirs."""
    if find_reply_wire(paper) == "json":
        return reply
    root = parse_tree(reply.body)
    for element in root.iter():
        children = list(element)
        if len({child.tag for child in children}) == len(children):
            element[:] = reversed(children)
    return replace(reply, body=etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def write_error(status: int, word: str, text: str, **headers: str) -> Callable[..., Reply]:
    """Return what writes a refusal."""

    def write(_reply: Reply, paper: Paper) -> Reply:
        error = {"requestError": {"serviceException": {"messageId": word, "text": text}}}
        wire = find_reply_wire(paper)
        body = dump(error, wire, "ErrorResponse")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Reply(status, {"Content-Type": MEDIA_TYPES[wire], **named}, body)

    return write


def write_page(_reply: Reply, _paper: Paper) -> Reply:
    """Return the page of a server that went wrong."""
    return Reply(500, {"Content-Type": "text/html"}, PAGE)


def add_charset(reply: Reply, _paper: Paper) -> Reply:
    """Name the charset as recorded replies do."""
    media = f"{reply.headers['Content-Type']};charset=UTF-8"
    return replace(reply, headers={**reply.headers, "Content-Type": media})


def compress(reply: Reply, paper: Paper) -> Reply:
    """Compress the body, where the client takes that."""
    if "gzip" not in paper.heard.find("accept-encoding").lower():
        return reply
    headers = {**reply.headers, "Content-Encoding": "gzip"}
    return replace(reply, headers=headers, body=gzip.compress(reply.body, mtime=0))


def cut_half(reply: Reply, _paper: Paper) -> Reply:
    """Break the body off in its middle."""
    return replace(reply, sent=len(reply.body) // 2)


NEW_STATUS = {"id": 7777, "name": "PENDING_BY_A_NEW_WAY", "description": "Not in any list"}
NEW_GROUP = {"groupId": 77, "groupName": "A_NEW_GROUP", **NEW_STATUS}
SCENARIOS = (
    Scenario("documented", "the documented answer", "good"),
    Scenario("unknown members", "members that nobody knows", "good", "HTTP-009", add_members),
    Scenario(
        "another order", "members in another order", "good", "HTTP-009", turn_round, turn_children
    ),
    Scenario("unknown status", "a status of no list", "good", "RESP-011", set_status(NEW_STATUS)),
    Scenario("unknown group", "a status of no group", "told", "RESP-011", set_status(NEW_GROUP)),
    Scenario("left out", "nothing that is optional", "good", "RESP-011", leave_out),
    Scenario(
        "rejected",
        "200, every destination REJECTED and without messageId",
        "told",
        "RESP-011",
        set_status(REJECTED, drop_id=True),
    ),
    Scenario("segments counted", "smsCount, as of version 1", "good", "V1-002", add_counts),
    Scenario("other dates", "offsets in the other form", "good", "RESP-011", turn_dates),
    Scenario("charset", "a charset in the content type", "good", "HTTP-016", write=add_charset),
    Scenario("compressed", "gzip, where it is accepted", "good", "HTTP-016", write=compress),
    Scenario("chunks", "chunks", "good", "HTTP-016", write=lambda r, _: replace(r, chunked=True)),
    Scenario(
        "slow", "byte by byte", "good", "HTTP-016", write=lambda r, _: replace(r, pause=PAUSE)
    ),
    Scenario(
        "too many",
        f"429 with Retry-After {WAIT}",
        "wait",
        write=write_error(429, "TOO_MANY_REQUESTS", "Too many requests", Retry_After=str(WAIT)),
    ),
    Scenario(
        "unavailable",
        f"503 with Retry-After {WAIT}",
        "wait",
        write=write_error(503, "SERVICE_UNAVAILABLE", "Come again", Retry_After=str(WAIT)),
    ),
    Scenario(
        "unauthorized",
        "401",
        "told",
        write=write_error(401, "UNAUTHORIZED", "Invalid login details"),
    ),
    Scenario("server error", "500 with a page of HTML", "lost", write=write_page),
    Scenario("late", f"after {LATE:g} s", "lost", write=lambda r, _: replace(r, delay=LATE)),
    Scenario("cut off", "broken off in the middle of the body", "lost", write=cut_half),
    Scenario("no answer", "the connection closed", "lost", write=lambda r, _: replace(r, sent=-1)),
)


def build_reply(scenario: Scenario, paper: Paper) -> Reply:
    """Return the answer that a scenario has to a request."""
    return scenario.write(write_document(scenario.change(build_document(paper)), paper), paper)
