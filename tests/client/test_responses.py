"""The client against scripted servers that response as servers in the wild do."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.client.calls import Serve
    from tests.fakes.scripted_server import Step


from tests.client.calls import (
    CHUNKS,
    GOOD,
    OK,
    PHONE,
    TYPES,
    both,
    chunked,
    entry,
    example,
    reply,
    send,
    write,
)

STRANGE = {"groupId": 99, "groupName": "HELD_BACK", "id": 4711, "name": "NEW_NAME", "flag": "1"}


@both
@pytest.mark.parametrize(
    ("plain", "field", "value"),
    [
        pytest.param({"messages": [entry(unheard=1)]}, "to", PHONE, id="HTTP-009-in-entry"),
        pytest.param({"unheard": 1, "messages": [entry()]}, "to", PHONE, id="HTTP-009-in-response"),
        pytest.param({"messages": [entry(status=STRANGE)]}, "to", PHONE, id="HTTP-009-in-status"),
        pytest.param(
            {"messages": [dict(reversed(entry().items()))]}, "to", PHONE, id="HTTP-009-order"
        ),
        pytest.param({"messages": [entry(messageId=None)]}, "message_id", None, id="no-id"),
        pytest.param(
            {"messages": [entry(messageId=2033912860760522207)]},
            "message_id",
            "2033912860760522207",
            id="id-of-19-digits",
        ),
        pytest.param(
            {"messages": [entry(messageId=10**25 + 1)]},
            "message_id",
            "10000000000000000000000001",
            id="id-of-26-digits",
        ),
        pytest.param({"messages": [entry(smsCount=3)]}, "sms_count", 3, id="V1-002"),
        pytest.param({"messages": [entry(to="")]}, "to", "", id="empty-to"),
    ],
)
def test_an_entry_in_the_wild_is_read(
    serve: Serve, wire: str, plain: dict[str, Any], field: str, value: Any
) -> None:
    """What a server adds, leaves out or spells differently does not lose the response or its bytes."""
    body = write(plain, wire)
    response = send(serve("hear", reply(body, 200, TYPES[wire])), wire=wire)
    assert getattr(response.messages[0], field) == value
    assert response.raw == body


@both
def test_resp_007_a_status_that_nobody_knows_is_read(serve: Serve, wire: str) -> None:
    """Unknown numbers and names of a status come through as they are."""
    body = write({"messages": [entry(status=STRANGE)]}, wire)
    status = send(serve("hear", reply(body, 200, TYPES[wire])), wire=wire).messages[0].status
    assert (status.group_id, status.group_name) == (99, "HELD_BACK")
    assert (status.id, status.name) == (4711, "NEW_NAME")
    assert (status.description, status.action) == (None, None)


@both
def test_resp_004_one_destination_may_have_a_bulk_id(serve: Serve, wire: str) -> None:
    """A bulkId is read also where the documentation does not promise one."""
    body = write({"bulkId": "b-1", "messages": [entry()]}, wire)
    assert send(serve("hear", reply(body, 200, TYPES[wire]))).bulk_id == "b-1"


@both
def test_http_002_a_rejected_destination_is_a_response(serve: Serve, wire: str) -> None:
    """A 200 whose entries say REJECTED is a response, not an error."""
    response = send(serve("hear", reply(example("rejected-response", wire), 200, TYPES[wire])))
    assert [details.status.group_name for details in response.messages] == ["REJECTED", "REJECTED"]


def test_http_010_null_is_read_as_left_out(serve: Serve) -> None:
    """Optional fields that are null in a response are None in the response."""
    body = json.dumps(
        {"bulkId": None, "messages": [entry() | {"messageId": None, "smsCount": None}]}
    ).encode()
    response = send(serve("hear", reply(body)))
    details = response.messages[0]
    assert (response.bulk_id, details.message_id, details.sms_count) == (None, None, None)


@pytest.mark.parametrize("asked", ["json", "xml"])
@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        ("json", "application/json;charset=UTF-8"),
        ("json", "Application/JSON ; Charset=utf-8"),
        ("json", "application/vnd.example+json"),
        ("xml", "application/xml;charset=UTF-8"),
        ("xml", "text/xml"),
        ("xml", "application/vnd.example+xml"),
    ],
)
def test_http_008_the_content_type_of_the_response_decides(
    serve: Serve, wire: str, kind: str, asked: str
) -> None:
    """A response is read as what it says it is, whatever was asked for."""
    response = send(serve("hear", reply(GOOD[wire], 200, kind)), wire=asked)
    assert [details.to for details in response.messages] == [PHONE, "41793026731", "41793026785"]
    assert response.raw == GOOD[wire]


@both
@pytest.mark.parametrize("kind", ["", "text/plain", "application/octet-stream"])
def test_a_response_of_no_known_type_is_in_the_format_that_was_asked_for(
    serve: Serve, wire: str, kind: str
) -> None:
    """Without a telling Content-Type the response is read as the format of the request."""
    response = send(serve("hear", reply(GOOD[wire], 200, kind)), wire=wire)
    assert response.bulk_id == "BULK-ID-123-xyz"


TRAVELS: dict[str, tuple[Step, ...]] = {
    "gzip": (reply(gzip.compress(GOOD["json"]), 200, TYPES["json"], "Content-Encoding: gzip"),),
    "deflate": (
        reply(zlib.compress(GOOD["json"]), 200, TYPES["json"], "Content-Encoding: deflate"),
    ),
    "chunked": (reply(chunked(GOOD["json"]), 200, TYPES["json"], CHUNKS),),
    "chunked-gzip": (
        reply(
            chunked(gzip.compress(GOOD["json"]), 7),
            *(200, TYPES["json"], CHUNKS, "Content-Encoding: gzip"),
        ),
    ),
    "until-the-end": (b"HTTP/1.1 200 OK\r\n\r\n" + GOOD["json"], "close"),
    "http-1.0": (b"HTTP/1.0 200 OK\r\n\r\n" + GOOD["json"], "close"),
    "in-pieces": tuple(OK[start : start + 100] for start in range(0, len(OK), 100)),
    "after-a-100": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK,),
    "status-201": (reply(GOOD["json"], 201),),
}


@pytest.mark.parametrize("script", TRAVELS.values(), ids=TRAVELS.keys())
def test_a_response_may_travel_in_any_form(serve: Serve, script: tuple[Step, ...]) -> None:
    """Compressed, in chunks, in pieces or without a length: the response and its bytes are the same."""
    response = send(serve("hear", *script))
    assert response.messages[2].message_id == "2033912860760522208"
    assert response.raw == GOOD["json"]
