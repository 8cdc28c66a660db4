"""What is captured of any bytes at all: never an error of the suite, never a secret, always the place."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from infobip_sms_conformance.client_checks.expected_request import ExpectedRequest
from infobip_sms_conformance.client_checks.json_locations import DocumentSyntaxError, parse_json
from infobip_sms_conformance.client_checks.request import parse_request
from infobip_sms_conformance.client_checks.responses import decompress
from infobip_sms_conformance.client_run.collector import TrafficCollector
from infobip_sms_conformance.client_run.scenarios import SCENARIOS, build_response
from infobip_sms_conformance.contract.codec import MAX_NODES, parse_tree
from infobip_sms_conformance.contract.codec import parse_json as parse_json_body
from infobip_sms_conformance.contract.strategies import requests
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.transport.http1 import (
    MAX_BODY_SIZE,
    CapturedExchange,
    HttpMessage,
)

SEND = "/sms/2/text/advanced"
KEY = "f00ba4-f00ba4-f00ba4"
NUMBER = "41793026727"
WORDS = st.text(max_size=12)
BODIES = st.one_of(
    st.binary(max_size=200),
    WORDS.map(str.encode),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["messages", "destinations", "to", "text", "from", "days", "x"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
    st.sampled_from([b"<request>", b"<a b='c'/>", b"<request><messages/></request>", b"<!DOCTYPE"]),
)


def build_captured(body: bytes, **members: Any) -> CapturedExchange:
    """Return a request to send messages."""
    headers = (
        ("Authorization", f"App {KEY}"),
        ("Content-Type", members.pop("kind", "application/json")),
    )
    plain = {"method": "POST", "target": SEND, "headers": headers, **members}
    return CapturedExchange(1, 0.0, "http://127.0.0.1:1", body=body, **plain)


def collect(captured: CapturedExchange, **options: Any) -> Any:
    """Return the record of one exchange."""
    collector = TrafficCollector(check_responses=True, **options)
    collector.add(captured)
    return collector.build_result("x", "client")


def find_failures(record: Any) -> dict[str, Any]:
    """Return the findings that are no pass, by their requirements."""
    return {
        finding.requirement_id: finding
        for finding in record.findings
        if finding.verdict is not Verdict.PASS
    }


@given(
    BODIES,
    st.sampled_from(
        ["application/json", "application/xml", "text/x", "application/json;charset=?"]
    ),
    st.sampled_from(
        [SEND, "/sms/1/logs?limit=x&&=&a", "/sms/1/preview", "/", "*", "/ct/1/log/end/x"]
    ),
    BODIES,
)
def test_nothing_that_arrives_is_an_error_of_the_suite(
    body: bytes, kind: str, target: str, answer: bytes
) -> None:
    """Whatever bytes are sent and received, they are checked and can be shown."""
    response = HttpMessage("HTTP/1.1 200 OK", (("Content-Type", "application/json"),), answer)
    record = collect(build_captured(body, kind=kind, target=target, response=response))

    assert record.requests == 1
    assert all(finding.evidence is not None for finding in find_failures(record).values())


@given(requests())
def test_good_requests_break_nothing(request: Any) -> None:
    """No request that the contract allows is blamed, nor does it differ from itself."""
    body = json.dumps(request).encode()
    record = collect(build_captured(body), checks=(ExpectedRequest(request).check,))

    assert find_failures(record).keys() <= {"SEND-027"}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("wire", ["json", "xml"])
def test_every_response_is_one_that_a_server_may_send(scenario: Any, wire: str) -> None:
    """The scenarios are held to the rules of responses themselves."""
    document = {
        "bulkId": "b",
        "messages": [{"destinations": [{"to": NUMBER}, {"to": "41793026731"}]}],
    }
    body = json.dumps(document).encode()
    captured = build_captured(body)
    accept = ("Accept", f"application/{wire}")
    paper = parse_request(build_captured(body, headers=(*captured.headers, accept)))
    made = build_response(scenario, paper)
    response = HttpMessage(f"HTTP/1.1 {made.status} X", tuple(made.headers.items()), made.body)
    record = collect(build_captured(body, headers=(*captured.headers, accept), response=response))
    allowed = {"server error": {"HTTP-002"}, "unavailable": {"HTTP-002"}, "left out": {"RESP-004"}}
    allowed["rejected"] = {"RESP-005"}

    assert find_failures(record).keys() <= allowed.get(scenario.name, set())


@pytest.mark.parametrize("wire", ["json", "xml"])
@pytest.mark.parametrize("where", [0, 1500, 2999])
def test_place_in_a_large_request_is_shown_and_nothing_else_of_it(wire: str, where: int) -> None:
    """The text around the mark is shown, masked; the rest is left out."""
    numbers = [f"4179302{n:05}" for n in range(3000)]
    numbers[where] = "nobody at all"
    if wire == "json":
        many = [{"to": number} for number in numbers]
        body = json.dumps({"messages": [{"text": "geheime Nachricht", "destinations": many}]})
    else:
        many_elements = "".join(f"<destination><to>{n}</to></destination>" for n in numbers)
        body = (
            "<request><messages><message><text>geheime Nachricht</text>"
            f"<destinations>{many_elements}</destinations></message></messages></request>"
        )
    record = collect(build_captured(body.encode(), kind=f"application/{wire}"))
    (finding,) = find_failures(record).values()
    shown = finding.evidence.body

    assert finding.got == f"messages[0].destinations[{where}].to: 13 characters"
    assert " >>> " in shown
    assert "nobody at all" in shown.partition(" >>> ")[2].partition(" <<< ")[0]
    assert "4179302" not in shown
    assert "geheim" not in shown
    assert len(shown) < 3000


@pytest.mark.parametrize(
    ("query", "marked"),
    [
        ("limit=0&bulkId=a", "GET /sms/1/logs? >>> limit=0 <<< &bulkId=a"),
        ("bulkId[]=a&limit=5", "GET /sms/1/logs? >>> bulkId[]=... <<< &limit=5"),
        ("mnc=01", "GET /sms/1/logs? >>> mnc=01 <<< "),
        ("page=1", ">>> GET /sms/1/logs?page=1 <<<"),
    ],
)
def test_parameter_of_a_query_is_marked(query: str, marked: str) -> None:
    """What is wrong in a query is marked there; an undocumented parameter marks the whole line."""
    record = collect(build_captured(b"", method="GET", target=f"/sms/1/logs?{query}"))
    (finding,) = find_failures(record).values()

    assert finding.evidence.body.split("\n")[0] == marked


def test_credentials_are_shown_nowhere() -> None:
    """A key is hidden in body, query and header fields, and so is the value of an undocumented field."""
    body = json.dumps({"pin": "open sesame", "bulkId": KEY, "messages": [{"from": KEY}]})
    headers = (
        ("Authorization", f"App {KEY}"),
        ("X-Other", KEY),
        ("User-Agent", f"x {KEY}"),
        ("Content-Type", "application/json"),
    )
    record = collect(build_captured(body.encode(), target=f"{SEND}?key={KEY}", headers=headers))

    assert find_failures(record)
    assert KEY not in repr(record)
    assert "sesame" not in repr(record)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": }', "no JSON value"),
        ('{"a": 1', "it breaks off"),
        ('{"a": 1,}', "a comma before the end"),
        ('{"a" 1}', "no : where one belongs"),
        ('["a" "b"]', "no , where one belongs"),
        ('{"a": "\n"}', "a string that is not ended"),
        ('{"a": "\\x"}', "an escape that there is not"),
        ("{} {}", "trailing data after the document"),
        ("{'a': 1}", "no name of a field"),
        ('{"a": 01}', "no , where one belongs"),
        ('{"a": NaN}', "no JSON value"),
        ("[" * 100, "nested too deeply"),
    ],
)
def test_invalid_json_is_reported_with_the_reason(text: str, why: str) -> None:
    """Invalid JSON is reported at the character where it becomes invalid."""
    with pytest.raises(DocumentSyntaxError, match=why):
        parse_json(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | WORDS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
        max_leaves=10,
    ),
    st.sampled_from([None, 1]),
)
def test_json_with_places_says_what_the_standard_library_says(
    value: Any, indent: int | None
) -> None:
    """Every value is read as it was written, and its place holds its own text."""
    text = json.dumps(value, indent=indent)
    node = parse_json(text)

    assert node.to_plain() == value
    assert json.loads(text[slice(*node.span)]) == value


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_decompression_is_bounded(coding: str) -> None:
    """A body that becomes larger than a body may be is not decompressed to its end."""
    pack = gzip.compress if coding == "gzip" else zlib.compress
    headers = (("Content-Encoding", coding),)
    bomb = HttpMessage("HTTP/1.1 200 OK", headers, pack(bytes(5 * MAX_BODY_SIZE)))

    tracemalloc.start()
    assert decompress(bomb) is None
    assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BODY_SIZE
    tracemalloc.stop()
    assert decompress(HttpMessage("HTTP/1.1 200 OK", headers, pack(b"{}"))) == b"{}"
    assert decompress(HttpMessage("HTTP/1.1 200 OK", headers, pack(b"{}" * 50)[:-6])) is None


@pytest.mark.parametrize("body", [b"[" + b"{}," * MAX_NODES + b"{}]", b"<a/>" * (MAX_NODES + 1)])
def test_body_of_too_many_values_is_not_parsed(body: bytes) -> None:
    """A body that would take up many times its size in memory is rejected before it is parsed."""
    with pytest.raises(ValueError, match="more than 1,000,000 values"):
        parse_tree(body) if body.startswith(b"<") else parse_json_body(body)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "application/json",
            '{"messages":[{"destinations":[{"to":"NUMBER"}],"text":"a","text":"b"}]}',
        ),
        ("application/json", '{"messages":[{"destinations":[{"to":"NUMBER","to":"NUMBER"}]}]}'),
        (
            "application/xml",
            (
                "<request><messages><message><destinations><destination><to>NUMBER</to></destination>"
                "</destinations><text>a</text><text>b</text></message></messages></request>"
            ),
        ),
        ("application/xml", "<request><x/><x/><messages/></request>"),
    ],
)
def test_a_field_for_the_second_time_is_a_finding(kind: str, body: str) -> None:
    """JSON leaves open which one counts (RFC 8259), XML schemas allow one; it ends no run."""
    record = collect(build_captured(body.replace("NUMBER", NUMBER).encode(), kind=kind))
    found = [f for f in record.findings if "the field for the second time" in f.got]

    assert [f.verdict for f in found] == [Verdict.WARN]
    assert "it once" in found[0].expected


@pytest.mark.parametrize("more", [{"text": "b"}, {"flash": True}, {"validityPeriod": 5}])
def test_what_is_more_than_the_expected_request_is_a_finding(more: dict[str, Any]) -> None:
    """A client that adds a field of its own, or changes one, is told which."""
    message = {"destinations": [{"to": NUMBER}], "text": "a"}
    expected = ExpectedRequest({"messages": [message]})
    body = json.dumps({"messages": [message | more]}).encode()
    record = collect(build_captured(body), checks=(expected.check,))
    (name,) = more

    assert any(f"messages[0].{name}" in f.got for f in find_failures(record).values())
