"""Responses of every kind that a server may send, one scenario for each, in a fixed order."""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lxml import etree

from infobip_sms_conformance.client_checks.request import ParsedRequest, iter_entries
from infobip_sms_conformance.contract.codec import MEDIA_TYPES, dump, parse_tree
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.contract.openapi import get_component as find_schema
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
RETRY_AFTER = 2
"""Seconds that a client is asked to wait."""
RESPONSE_DELAY = 4.0
"""Seconds before the late response."""
PIECE_DELAY = 0.25
"""Seconds between the pieces of a slow response."""
PIECES = 8
ERROR_PAGE = b"<!DOCTYPE html><html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>"


@dataclass(frozen=True)
class ScriptedResponse:
    """A response before it is written."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    piece_delay: float = 0.0
    is_chunked: bool = False
    sent_bytes: int | None = None
    """Bytes of the body that are sent before the connection is closed; none for all, -1 for no response."""


@dataclass(frozen=True)
class Scenario:
    """One kind of response.

    kind: ``accepted``; ``failed`` if the program may end with another code than 0; ``wait`` if the
    client may send again, later; ``unknown`` if it cannot know whether the messages were accepted.
    """

    name: str
    description: str
    kind: str
    requirement_id: str = ""
    """What a client violates that cannot parse the response."""
    change_document: Callable[[Any], Any] = lambda document: document
    change_response: Callable[[ScriptedResponse, ParsedRequest], ScriptedResponse] = (
        lambda response, _: response
    )


# ---------------------------------------------------------------- documents


def build_document(request: ParsedRequest) -> Any:
    """Return the documented response to a request."""
    operation = request.operation
    if operation is None:
        return {}
    if operation.id not in {"send", "sendV1"}:
        return read_example(EXAMPLES[operation.id])
    found: list[dict[str, Any]] = []
    for _, message in iter_entries(request.node, "messages"):
        for _, destination in iter_entries(message, "destinations"):
            found.append(
                build_entry(destination.to_plain(), len(found), v1=operation.id == "sendV1")
            )
    document: dict[str, Any] = {"messages": found}
    if len(found) > 1:
        given = request.node.find("bulkId") if request.node else None
        document = {"bulkId": given.value if given else "2034072219640523072", **document}
    if request.node is not None and request.node.find("tracking"):
        document["trackingProcessKey"] = PROCESS_KEY
    return document


def build_entry(destination: Any, index: int, *, v1: bool) -> dict[str, Any]:
    """Return the entry of a destination."""
    given = destination if isinstance(destination, dict) else {}
    entry = {
        "to": str(given.get("to", "")),
        "status": dict(ACCEPTED),
        "messageId": str(given.get("messageId") or f"22509935740100355{index:02}"),
    }
    return {**entry, "smsCount": 1} if v1 else entry


def add_unknown_fields(document: Any) -> Any:
    """Add unknown fields to every object."""
    if isinstance(document, list):
        return [add_unknown_fields(item) for item in document]
    if isinstance(document, dict):
        new = {"addedLater": {"on": "2030-01-01", "by": [1, None, True]}, "x-1": 0.5}
        return {**{name: add_unknown_fields(value) for name, value in document.items()}, **new}
    return document


def add_segment_counts(document: Any) -> Any:
    """Count the segments of every message, as version 1 does."""
    if isinstance(document, dict) and isinstance(document.get("messages"), list):
        counted = [{**entry, "smsCount": 1} for entry in document["messages"]]
        return {**document, "messages": counted}
    return document


def reverse_fields(document: Any) -> Any:
    """Turn the order of all fields round."""
    if isinstance(document, list):
        return [reverse_fields(item) for item in document]
    if isinstance(document, dict):
        return {name: reverse_fields(document[name]) for name in reversed(document)}
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


def drop_optional_fields(document: Any) -> Any:
    """Leave out all that the documentation does not promise."""
    required = {"messages", "results", "previews", "to", "status", "messageId", "bulkId", "sendAt"}
    if isinstance(document, list):
        return [drop_optional_fields(item) for item in document]
    if not isinstance(document, dict):
        return document
    if "groupId" in document:
        return {name: document[name] for name in ("groupId", "groupName", "id", "name")}
    return {
        name: drop_optional_fields(value)
        for name, value in document.items()
        if name in required and not (name == "bulkId" and "messages" in document)
    }


def rewrite_offsets(document: Any) -> Any:
    """Write the offsets of instants in the other form: with a colon, or without."""
    if isinstance(document, list):
        return [rewrite_offsets(item) for item in document]
    if isinstance(document, dict):
        return {name: rewrite_offsets(value) for name, value in document.items()}
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


def get_response_wire(request: ParsedRequest) -> str:
    """Return the format of the response."""
    accept = request.captured.get_header("accept").lower()
    accepted = [wire for wire, media in MEDIA_TYPES.items() if media in accept]
    return accepted[0] if len(accepted) == 1 else request.wire


def build_document_response(document: Any, request: ParsedRequest) -> ScriptedResponse:
    """Return the response with a document."""
    wire = get_response_wire(request)
    component = request.operation.response if request.operation else "ErrorResponse"
    body = dump_json(document) if wire == "json" else dump_ordered(document, component)
    return ScriptedResponse(headers={"Content-Type": MEDIA_TYPES[wire]}, body=body)


def dump_json(document: Any) -> bytes:
    """Return JSON with the fields in the order of the document."""
    return json.dumps(document, ensure_ascii=False).encode()


def dump_ordered(document: Any, component: str) -> bytes:
    """Return XML; the wrappers of lists are those of the schema."""
    schema = find_schema(component)
    assert resolve(schema).get("xml"), "a root has a name"
    return dump(document, "xml", component)


def reverse_elements(response: ScriptedResponse, request: ParsedRequest) -> ScriptedResponse:
    """Reverse the order of XML elements, except the entries of lists."""
    if get_response_wire(request) == "json":
        return response
    root = parse_tree(response.body)
    for element in root.iter():
        children = list(element)
        if len({child.tag for child in children}) == len(children):
            element[:] = reversed(children)
    return replace(response, body=etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def build_error_response(
    status: int, message_id: str, text: str, **headers: str
) -> Callable[..., ScriptedResponse]:
    """Return a function that builds an error response."""

    def write(_response: ScriptedResponse, request: ParsedRequest) -> ScriptedResponse:
        error = {"requestError": {"serviceException": {"messageId": message_id, "text": text}}}
        wire = get_response_wire(request)
        body = dump(error, wire, "ErrorResponse")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ScriptedResponse(status, {"Content-Type": MEDIA_TYPES[wire], **named}, body)

    return write


def build_page_response(_response: ScriptedResponse, _request: ParsedRequest) -> ScriptedResponse:
    """Return the HTML error page of a server."""
    return ScriptedResponse(500, {"Content-Type": "text/html"}, ERROR_PAGE)


def add_charset(response: ScriptedResponse, _request: ParsedRequest) -> ScriptedResponse:
    """Name the charset as recorded responses do."""
    media = f"{response.headers['Content-Type']};charset=UTF-8"
    return replace(response, headers={**response.headers, "Content-Type": media})


def compress(response: ScriptedResponse, request: ParsedRequest) -> ScriptedResponse:
    """Compress the body if the client accepts that."""
    if "gzip" not in request.captured.get_header("accept-encoding").lower():
        return response
    headers = {**response.headers, "Content-Encoding": "gzip"}
    return replace(response, headers=headers, body=gzip.compress(response.body, mtime=0))


def cut_body_in_half(response: ScriptedResponse, _request: ParsedRequest) -> ScriptedResponse:
    """Cut the body off in the middle."""
    return replace(response, sent_bytes=len(response.body) // 2)


NEW_STATUS = {"id": 7777, "name": "PENDING_BY_A_NEW_WAY", "description": "Not in any list"}
NEW_GROUP = {"groupId": 77, "groupName": "A_NEW_GROUP", **NEW_STATUS}
SCENARIOS = (
    Scenario("documented", "the documented response", "accepted"),
    Scenario("unknown fields", "unknown fields", "accepted", "HTTP-009", add_unknown_fields),
    Scenario(
        "another order",
        "fields in another order",
        "accepted",
        "HTTP-009",
        reverse_fields,
        reverse_elements,
    ),
    Scenario(
        "unknown status", "an undocumented status", "accepted", "RESP-011", set_status(NEW_STATUS)
    ),
    Scenario(
        "unknown group",
        "a status of an undocumented group",
        "failed",
        "RESP-011",
        set_status(NEW_GROUP),
    ),
    Scenario("left out", "no optional fields", "accepted", "RESP-011", drop_optional_fields),
    Scenario(
        "rejected",
        "200, every destination REJECTED and without messageId",
        "failed",
        "RESP-011",
        set_status(REJECTED, drop_id=True),
    ),
    Scenario(
        "segments counted", "smsCount, as of version 1", "accepted", "V1-002", add_segment_counts
    ),
    Scenario("other dates", "offsets in the other form", "accepted", "RESP-011", rewrite_offsets),
    Scenario(
        "charset",
        "a charset in the content type",
        "accepted",
        "HTTP-016",
        change_response=add_charset,
    ),
    Scenario(
        "compressed", "gzip, where it is accepted", "accepted", "HTTP-016", change_response=compress
    ),
    Scenario(
        "chunks",
        "chunks",
        "accepted",
        "HTTP-016",
        change_response=lambda r, _: replace(r, is_chunked=True),
    ),
    Scenario(
        "slow",
        "byte by byte",
        "accepted",
        "HTTP-016",
        change_response=lambda r, _: replace(r, piece_delay=PIECE_DELAY),
    ),
    Scenario(
        "too many",
        f"429 with Retry-After {RETRY_AFTER}",
        "wait",
        change_response=build_error_response(
            429, "TOO_MANY_REQUESTS", "Too many requests", Retry_After=str(RETRY_AFTER)
        ),
    ),
    Scenario(
        "unavailable",
        f"503 with Retry-After {RETRY_AFTER}",
        "wait",
        change_response=build_error_response(
            503, "SERVICE_UNAVAILABLE", "Come again", Retry_After=str(RETRY_AFTER)
        ),
    ),
    Scenario(
        "unauthorized",
        "401",
        "failed",
        change_response=build_error_response(401, "UNAUTHORIZED", "Invalid login details"),
    ),
    Scenario(
        "server error", "500 with a page of HTML", "unknown", change_response=build_page_response
    ),
    Scenario(
        "late",
        f"after {RESPONSE_DELAY:g} s",
        "unknown",
        change_response=lambda r, _: replace(r, delay=RESPONSE_DELAY),
    ),
    Scenario(
        "cut off", "cut off in the middle of the body", "unknown", change_response=cut_body_in_half
    ),
    Scenario(
        "no response",
        "the connection closed",
        "unknown",
        change_response=lambda r, _: replace(r, sent_bytes=-1),
    ),
)


def build_response(scenario: Scenario, request: ParsedRequest) -> ScriptedResponse:
    """Return the response of a scenario to a request."""
    return scenario.change_response(
        build_document_response(scenario.change_document(build_document(request)), request), request
    )
