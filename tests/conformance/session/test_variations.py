"""Other header fields that mean the same: what a call with them shows, and when it is made again."""

from __future__ import annotations

from email.message import Message
from typing import Any

import pytest
from infobip_sms_conformance.cli.operation_cells import iter_operation_cells
from infobip_sms_conformance.contract.codec import MEDIA_TYPES, get_text, parse_tree
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.session.variations import VARIATIONS, Variations, break_texts
from infobip_sms_conformance.transport.http import RawResponse

BODIES = {"json": b'{"results":[]}', "xml": b"<reportResponse/>"}
APP = "App key"
Headers = dict[str, str | None]


class Server:
    """Responds to calls by their header fields, and keeps these."""

    def __init__(self, wire: str, respond: Any) -> None:
        self._wire, self._respond = wire, respond
        self.seen: list[Headers] = []

    def call(self, label: str, headers: Headers | None = None, **_: object) -> Exchange:
        """Respond to a call; headers: none for the usual ones."""
        self.seen.append(headers or {})
        status, found = self._respond(headers or {})
        response = RawResponse(status, Message(), BODIES[found])
        return Exchange(label, None, self._wire, response)


def vary(
    wire: str, respond: Any, operation: str = "getLogs"
) -> tuple[Variations, Server, Exchange]:
    """Make the first call of an operation in a format."""
    variations, server = Variations(), Server(wire, respond)
    found = variations.call(read_operations()[operation], wire, "a call", server.call, APP)
    return variations, server, found


@pytest.mark.parametrize("wire", VARIATIONS)
def test_good_server_gets_one_call(wire: str) -> None:
    """The first call has other credentials and other header fields, and is not made again."""
    variations, server, _ = vary(wire, lambda _h: (200, wire), "preview")
    (call,) = variations.calls

    assert [headers["authorization"] for headers in server.seen] == [APP]
    assert server.seen[0]["content-type"] not in {None, MEDIA_TYPES[wire]}
    assert not call.is_only_spelling
    assert not call.has_other_format


def test_http_007_rejected_spelling_is_found_by_the_same_call_without_it() -> None:
    """A call that fails for its content type is made again, and what that brings is what is looked at."""
    variations, server, found = vary(
        "json", lambda h: (415 if "content-type" in h else 200, "json"), "preview"
    )

    assert len(server.seen) == 2
    assert found.status == 200
    assert variations.calls[0].is_only_spelling


def test_limited_call_shows_nothing_of_its_spelling() -> None:
    """A call that is answered with 429 is made again, and no spelling is the reason."""
    variations, server, found = vary("json", lambda h: (429 if "accept" in h else 200, "json"))

    assert len(server.seen) == 2
    assert found.status == 200
    assert not variations.calls[0].is_only_spelling


def test_http_008_passed_over_weight_is_found() -> None:
    """A response in the format that is wanted less is found, where the usual Accept brings the right one."""
    variations, _, found = vary("xml", lambda h: (200, "json" if "accept" in h else "xml"))

    assert variations.calls[0].has_other_format
    assert found.response is not None
    assert found.response.body == BODIES["xml"]


def test_http_005_server_of_one_format_violates_no_other_requirement() -> None:
    """Where the usual Accept brings the other format, too, no spelling is the reason."""
    variations, _, _ = vary("xml", lambda _h: (200, "json"))

    assert not variations.calls[0].has_other_format


def test_reports_are_not_fetched_again_for_their_format() -> None:
    """Reports that came in the other format came, and do not come again."""
    variations, server, _ = vary("xml", lambda _h: (200, "json"), "fetchDeliveryReports")

    assert len(server.seen) == 1
    assert variations.calls[0].has_other_format


def test_http_005_next_call_settles_what_the_first_left_open() -> None:
    """After a call in the wrong format that cannot be made again, the next one has the usual header fields."""
    variations, server, _ = vary("xml", lambda _h: (200, "json"), "reschedule")
    operation = read_operations()["reschedule"]
    for _ in range(2):
        variations.call(operation, "xml", "a call", server.call, APP)

    assert server.seen[1] == {}
    assert server.seen[2] != {}
    assert not variations.calls[0].has_other_format


def test_texts_are_broken_and_mean_the_same() -> None:
    """A comment and CDATA inside a text change nothing for a reader of XML."""
    body = b"<r><text>Tide &amp; time</text><status>PAUSED</status><n>720</n></r>"
    broken = break_texts(body)

    assert broken.count(b"<!--") == 2
    assert [get_text(e) for e in parse_tree(broken)] == [get_text(e) for e in parse_tree(body)]


def test_auth_004_rejected_scheme_does_not_hide_the_spellings() -> None:
    """Where the other scheme is rejected, the same header fields go out with the usual one."""
    variations, server, _ = vary("json", lambda h: (401 if "authorization" in h else 200, "json"))

    assert len(server.seen) == 2
    assert server.seen[1]["accept"] == server.seen[0]["accept"]
    assert variations.calls[0].varied.status == 200


def test_http_014_call_without_response_is_not_made_again() -> None:
    """A call that was not answered may have been carried out, and is not repeated."""
    variations, seen = Variations(), list[str]()

    def lose(label: str, headers: Headers | None = None, **_: object) -> Exchange:
        seen.append(label)
        return Exchange(label, headers, "json", None, problem="the connection was lost")

    variations.call(read_operations()["sendV1"], "json", "a call", lose, None)
    assert seen == ["a call"]


def test_every_spelling_has_its_turn_once() -> None:
    """The calls of an operation have one after the other, and then the usual header fields."""
    variations, server = Variations(), Server("json", lambda _h: (200, "json"))
    for _ in range(len(VARIATIONS["json"]) + 1):
        variations.call(read_operations()["getLogs"], "json", "a call", server.call, None)

    accepts = [headers.get("accept", "usual") for headers in server.seen]
    assert accepts == [*(one.accept for one in VARIATIONS["json"]), "usual"]


def test_table_has_every_operation() -> None:
    """The table says of every operation what is asked, or why not."""
    rows = list(iter_operation_cells())

    assert {name for name, _, _ in rows} == set(read_operations())
    assert all(said for _, _, said in rows)
    near = [said for _, what, said in rows if what == "wrong credentials"]
    assert sum("an empty API key" in said for said in near) == 1
