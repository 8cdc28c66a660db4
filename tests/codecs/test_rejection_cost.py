"""What rejecting costs: it grows with the document as reading does, counted in calls and looks."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from infobip_sms_schema import deadline

from infobip_sms import (
    DeliveryReports,
    InvalidRequestError,
    InvalidResponseError,
    SmsRequest,
    SmsResponse,
)
from infobip_sms.cli.base.framework import InvalidInputError
from infobip_sms.cli.send import csv_table
from infobip_sms.cli.send.csv_rows import parse_template
from infobip_sms.cli.send.csv_table import parse_csv
from infobip_sms.codecs import get_codec, xml_reference
from tests.codecs.test_call_counts import count_calls

XML = {
    "unknown elements": ("<{root}>", "<x/>", "</{root}>"),
    "unknown entries": ("<{root}><messages>", "<x/>", "</messages></{root}>"),
    "empty entries": ("<{root}><messages>", "<message/>", "</messages></{root}>"),
    "attributes": ("<{root}><messages>", '<message a="b"/>', "</messages></{root}>"),
    "namespaces": ("<{root}><messages>", '<message xmlns:a="b"/>', "</messages></{root}>"),
    "text between": ("<{root}>", "<x/>z", "</{root}>"),
    "long number": (
        "<{root}><messages><message><validityPeriod>",
        "1",
        "</validityPeriod></message></messages></{root}>",
    ),
    "empty wrappers": ("<{root}>", "<messages/>", "<messages><x/></messages></{root}>"),
    "depth": ("<{root}>", f"{'<x>' * 50}{'</x>' * 50}", "</{root}>"),
    "too deep": ("<{root}>", "<x>", "</{root}>"),
    "wrong root": ("<x>", "<x/>", "</x>"),
    "repeated": (
        "<{root}><messages><message>",
        "<flash> x</flash>",
        "</message></messages></{root}>",
    ),
    "one bad entry": (
        "<{root}><messages>",
        (
            "<message><to>9</to><destinations><destination><to>9</to></destination></destinations>"
            "<status><groupId>1</groupId><groupName>a</groupName><id>2</id><name>b</name></status>"
            "</message>"
        ),
        "<message/></messages></{root}>",
    ),
    "numbers": (
        "<{root}><messages>",
        "<message><validityPeriod> x</validityPeriod><smsCount> x</smsCount></message>",
        "</messages></{root}>",
    ),
}
JSON = {
    "one bad entry": (
        '{"messages":[',
        (
            '{"to":"9","destinations":[{"to":"9"}],'
            '"status":{"groupId":1,"groupName":"a","id":2,"name":"b"}},'
        ),
        "{}]}",
    ),
    "objects": ('{"messages":[', "{},", "{}]}"),
    "lists": ('{"messages":[', "[],", "[]]}"),
    "strings": ('{"messages":[', '"",', '""]}'),
    "nothing": ('{"messages":[', "null,", "null]}"),
    "depth": ('{"messages":[', f"{'[' * 100}{']' * 100},", "1]}"),
    "long string": ('{"messages":"', "z", '"}'),
    "keys": ("{", '"x":1,', '"x":1}'),
    "days": (
        '{"messages":[{"destinations":[{"to":"999"}],"deliveryTimeWindow":{"days":[',
        '"X",',
        '"X"]}}]}',
    ),
}


class Name(str):
    """A name that counts how often it is compared."""

    __slots__ = ()
    looks = 0

    def strip(self, chars: str | None = None, /) -> Name:
        """Stay one that counts."""
        return Name(super().strip(chars))

    def __eq__(self, other: object) -> bool:
        Name.looks += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("repeated", [False, True])
def test_columns_are_compared_once_each(repeated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of columns, all alike or none, take a few comparisons for each of them."""
    names = [Name("x" if repeated else f"x{i}") for i in range(3_000)]
    monkeypatch.setattr(csv_table, "_read_cells", lambda *_: iter([[Name("to"), *names]]))
    Name.looks = 0

    if repeated:
        with pytest.raises(InvalidInputError, match="more than one column named x"):
            parse_csv("")
    else:
        parse_template("{x1}{x2999}" * 1_000, parse_csv(""))

    assert Name.looks <= 5 * len(names)


def reject(codec: Any, kind: Any, body: bytes) -> int:
    """Have a document rejected; return the number of violations."""
    read = codec.parse_request if kind is SmsRequest else codec.parse_response
    try:
        read(body, kind)
    except (InvalidRequestError, InvalidResponseError) as problem:
        return len(problem.violations)
    pytest.fail("the document was read")


def build(pieces: tuple[str, str, str], size: int, root: str = "") -> bytes:
    """Return a document of about a size."""
    start, middle, end = pieces
    return (start + middle * (size // len(middle)) + end).replace("{root}", root).encode()


@pytest.mark.parametrize("kind", [SmsRequest, SmsResponse])
@pytest.mark.parametrize("name", XML)
def test_large_xml_is_rejected_at_the_price_of_reading(name: str, kind: Any) -> None:
    """Four times as much takes four times as many calls at most, and few for a byte."""
    codec = get_codec("xml")
    root = "request" if kind is SmsRequest else "smsResponse"
    bodies = [build(XML[name], size, root) for size in (40_000, 160_000)]
    small, large = (count_calls(partial(reject, codec, kind, body)) for body in bodies)

    assert large <= 4.2 * small
    assert large <= 3 * len(bodies[1])
    assert reject(codec, kind, bodies[1]) <= 200


@pytest.mark.parametrize("kind", [SmsRequest, SmsResponse])
@pytest.mark.parametrize("name", ["empty entries", "attributes", "namespaces", "numbers"])
def test_xml_with_wrong_entries_is_explained_by_the_first(name: str, kind: Any) -> None:
    """Of entries that are all wrong only the first are read: of the others, elements are counted."""
    codec = get_codec("xml")
    root = "request" if kind is SmsRequest else "smsResponse"
    bodies = [build(XML[name], size, root) for size in (20_000, 80_000)]
    small, large = (count_calls(partial(reject, codec, kind, body)) for body in bodies)

    assert large - small <= 0.7 * (len(bodies[1]) - len(bodies[0]))
    assert 100 <= reject(codec, kind, bodies[1]) <= 200


@pytest.mark.parametrize(
    "later",
    ["<message><text>a</text></message>", "<message/>" * 50, "<message><destinations/></message>"],
)
def test_a_wrong_entry_behind_many_right_ones_is_found(later: str) -> None:
    """What is wrong beyond the entries that are read first is found, with its path."""
    right = "<message><destinations><destination><to>9</to></destination></destinations></message>"
    body = f"<request><messages>{right * 1_000}{later}</messages></request>"
    with pytest.raises(InvalidRequestError) as caught:
        get_codec("xml").parse_request(body.encode(), SmsRequest)

    assert caught.value.violations[0].path.startswith("messages[1000].")
    assert len(caught.value.violations) == later.count("<message>") + later.count("<message/>")


def test_fields_behind_many_unknown_ones_are_not_missing() -> None:
    """Entries of lists are left out, never fields: valid documents of any form are read."""
    many = "<x/>" * 500
    entry = f"<message>{many}<destinations>{many}<destination><to>9</to>{many}</destination></destinations></message>"
    body = f"<request><messages>{many}{entry * 150}</messages></request>"

    assert len(get_codec("xml").parse_request(body.encode(), SmsRequest).messages) == 150


def test_xmlschema_reads_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rejected document is read without xmlschema, which takes seconds for each MiB."""
    schema = xml_reference._compile_schema("sms-reader.xsd")
    monkeypatch.setattr(type(schema), "decode", lambda *_, **__: pytest.fail("by xmlschema"))

    assert reject(get_codec("xml"), SmsRequest, b"<request><x/></request>") == 1


@pytest.mark.parametrize("kind", [SmsRequest, SmsResponse])
@pytest.mark.parametrize("name", JSON)
def test_large_json_is_rejected_at_the_price_of_reading(name: str, kind: Any) -> None:
    """Four times as much takes four times as many calls at most, and few for a byte."""
    codec = get_codec("json")
    bodies = [build(JSON[name], size) for size in (30_000, 120_000)]
    small, large = (count_calls(partial(reject, codec, kind, body)) for body in bodies)

    assert large <= 4.2 * small
    assert large <= len(bodies[1])
    assert reject(codec, kind, bodies[1]) <= 100
    if name in {"objects", "lists", "strings", "nothing", "long string", "keys", "days"}:
        assert large <= small + 10  # a pause of the collector


@pytest.mark.parametrize("entry", ["1", "null", '""', "[]", "0.5"])
def test_what_is_not_a_report_is_only_counted(entry: str) -> None:
    """A list of anything but reports is read, too, at no call for each of its entries."""
    bodies = [b'{"results":[%b]}' % b",".join([entry.encode()] * n) for n in (1_000, 4_000)]
    read = partial(get_codec("json").parse_response, cls=DeliveryReports)
    small, large = (count_calls(partial(read, body)) for body in bodies)

    assert large <= small + 20 + 3_000 * (entry == "0.5")  # parse_float
    assert not read(bodies[1]).results
    assert "3900 more that cannot be read" in str(read(bodies[1]).unreadable[-1])


@pytest.mark.parametrize("kind", [SmsRequest, SmsResponse])
@pytest.mark.parametrize(
    ("wire", "name"), [*(("xml", n) for n in XML), *(("json", n) for n in JSON)]
)
def test_nothing_is_explained_after_the_deadline(wire: Any, name: str, kind: Any) -> None:
    """A document that is rejected too late costs what reading a valid one costs, and says why."""
    root = "request" if kind is SmsRequest else "smsResponse"
    body = build((XML if wire == "xml" else JSON)[name], 40_000, root)
    explained = count_calls(partial(reject, get_codec(wire), kind, body))

    with deadline.until(0.0):
        hasty = count_calls(partial(reject, get_codec(wire), kind, body))
        found = reject(get_codec(wire), kind, body)

    assert found == 1
    assert hasty <= explained


@pytest.mark.parametrize("wire", ["json", "xml"])
def test_explaining_ends_at_the_deadline(wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline that passes while a document is explained ends the explanation."""
    good = {
        "json": '{"to":"9","status":{"groupId":1,"groupName":"a","id":2,"name":"b"}}',
        "xml": (
            "<message><to>9</to><status><groupId>1</groupId><groupName>a</groupName>"
            "<id>2</id><name>b</name></status></message>"
        ),
    }[wire]
    body = {
        "json": f'{{"messages":[{",".join([good] * 1_000)},{{}}]}}',
        "xml": f"<smsResponse><messages>{good * 1_000}<message/></messages></smsResponse>",
    }[wire]
    looks = iter(range(10**9))
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: next(looks)))

    with deadline.until(5), pytest.raises(InvalidResponseError, match="before the timeout"):
        get_codec(wire).parse_response(body.encode(), SmsResponse)

    assert next(looks) < 60


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        ("json", b'{"messages":[],"x":[%b]}' % b",".join([b"[]"] * 1_000)),
        ("xml", b"<smsResponse><messages/>%b</smsResponse>" % (b"<x/>" * 1_000)),
        ("xml", b"<smsResponse><messages/><x>%b</x></smsResponse>" % (b"<x/>" * 1_000)),
    ],
)
def test_undocumented_fields_are_not_read_after_the_deadline(wire: Any, body: bytes) -> None:
    """They may take longer than the client leaves time for: the rest of the document is not looked at."""
    read = partial(get_codec(wire).parse_response, body, SmsResponse)
    assert not read().messages
    usual = count_calls(read)

    with deadline.until(0.0):
        assert reject(get_codec(wire), SmsResponse, body) == 1
        assert count_calls(partial(reject, get_codec(wire), SmsResponse, body)) < usual / 4


def test_a_large_document_is_not_parsed_to_its_end_after_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """XML is parsed in pieces, with a look at the clock before each."""
    looks = iter(range(10**9))
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: next(looks)))

    with deadline.until(3):
        assert reject(get_codec("xml"), SmsResponse, b"<x>%b</x>" % (b"<y/>" * 2**21)) == 1

    assert next(looks) < 10


def test_valid_documents_are_read_after_the_deadline() -> None:
    """What arrived in time and is valid is read, however late it is: the client left time for it."""
    with deadline.until(0.0):
        for wire, body in (
            ("json", b'{"messages":[]}'),
            ("xml", b"<smsResponse><messages/></smsResponse>"),
        ):
            assert not get_codec(wire).parse_response(body, SmsResponse).messages
