"""The documents of the suite: read, written, edited, carried, renewed."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import jsonschema
import pytest
from infobip_sms_conformance.contract import cases, codec, derived_cases, edits, files, strategies
from infobip_sms_conformance.fixtures import freshness, placement
from infobip_sms_conformance.observations import responses, tolerant_reader
from infobip_sms_conformance.observations.exchange import (
    Exchange,
    RequestOutcome,
    find_send_response,
    get_destinations,
)
from infobip_sms_conformance.session import budget, plan
from infobip_sms_conformance.transport import http
from lxml import etree

REQUESTS = [
    "documented-request",
    "documented-request-in-xml",
    "every-member-request",
    "minimal-request",
]
RESPONSES = ["documented-response", "documented-response-in-xml", "rejected-response"]


def read_bytes(name: str) -> bytes:
    """Return an example as it is in its file."""
    return (files.get_data_folder() / "examples" / name).read_bytes()


@pytest.mark.parametrize("stem", REQUESTS)
def test_request_examples_agree(stem: str) -> None:
    """The JSON and the XML file of a request hold the same data."""
    document = codec.parse_xml(read_bytes(f"{stem}.xml"), "SmsRequest")

    assert codec.parse_json(read_bytes(f"{stem}.json")) == document


@pytest.mark.parametrize("stem", RESPONSES)
def test_response_examples_agree(stem: str) -> None:
    """The JSON and the XML file of a response are read as the same response."""
    from_json = responses.parse_send_response(read_bytes(f"{stem}.json"))
    from_xml = responses.parse_send_response(read_bytes(f"{stem}.xml"))

    assert from_json.entries == from_xml.entries
    assert (from_json.bulk_id, from_json.tracking_key) == (from_xml.bulk_id, from_xml.tracking_key)


def find_good_requests() -> list[Any]:
    """Return the examples and the generated requests."""
    return [*map(files.read_example, REQUESTS), *strategies.build_requests(40)]


def test_written_xml_is_read_back() -> None:
    """Every good request survives the way to XML and back."""
    for document in find_good_requests():
        written = codec.dump(document, "xml")

        assert codec.parse_xml(written, "SmsRequest") == document


def test_good_requests_keep_to_both_schemas() -> None:
    """Every good request is valid by openapi.yaml in JSON and by sms.xsd in XML."""
    components = files.read_openapi()["components"]
    schema = {"$ref": "#/components/schemas/SmsRequest", "components": components}
    validator = jsonschema.Draft202012Validator(schema)
    xsd = etree.XMLSchema(etree.parse(files.get_data_folder() / "sms.xsd"))
    for document in find_good_requests():
        assert not list(validator.iter_errors(document))
        xsd.assertValid(etree.fromstring(codec.dump(document, "xml")))


def test_generated_requests_go_to_documented_numbers() -> None:
    """No generated request has a destination that is not in the documentation."""
    found = {
        d["to"].lstrip("+") for r in strategies.build_requests(40) for d in get_destinations(r)
    }

    assert found == set(files.read_numbers()) == {"41793026727", "41793026731", "41793026785"}


def test_generated_requests_use_every_member() -> None:
    """Together, the generated requests of one run have every field that the contract knows."""
    requests = strategies.build_requests(plan.PROFILES["full"].generated)
    members = strategies.get_field_paths(list(requests))

    assert members == strategies.get_field_paths(files.read_example("every-member-request"))


def test_edits_change_one_place() -> None:
    """An edit sets, removes or repeats where its path leads, in a copy."""
    before = {"a": [{"b": 1}, {"b": 2}]}

    assert edits.apply_edit(before, "a[1].b", "set", 3) == {"a": [{"b": 1}, {"b": 3}]}
    assert edits.apply_edit(before, "a[0].b", "remove", True) == {"a": [{}, {"b": 2}]}
    assert edits.apply_edit(before, "a[0].c", "repeat", ["д", 3]) == {
        "a": [{"b": 1, "c": "ддд"}, {"b": 2}]
    }
    assert before == {"a": [{"b": 1}, {"b": 2}]}


@pytest.mark.parametrize(("path", "kind"), [("a[2]", "set"), ("a[0].c", "remove"), ("c.d", "set")])
def test_edit_that_leads_nowhere(path: str, kind: str) -> None:
    """An edit whose path does not lead to a place is an error, not a case that tests nothing."""
    with pytest.raises(LookupError):
        edits.apply_edit({"a": [{}, {}]}, path, kind, 1)


@pytest.mark.parametrize(
    "case", [*files.read_cases(), *derived_cases.derive_cases()], ids=lambda c: str(c.id)
)
def test_case_differs_from_its_example_on_the_wire(case: files.Case) -> None:
    """Every case changes the bytes of its example in both formats."""
    for wire in case.wires:
        example = codec.dump(files.read_example(case.example), wire)

        assert codec.dump(edits.build_edited(case), wire) != example


# ------------------------------------------------------------------ open reading


LONG_ID = "20339128607605222071234"
ODD_REPLIES = {
    "json": f"""{{"messages": [{{"to": "1", "messageId": {LONG_ID}, "status": {{"groupId": 1}}}}], "x": 1}}""",
    "xml": f"""\ufeff<r xmlns="urn:x"><!-- c --><messages><other><status><groupId> 1 </groupId></status>
        <to>1</to><x/><messageId>{LONG_ID}</messageId></other></messages></r>""",
}


@pytest.mark.parametrize("body", ODD_REPLIES.values(), ids=ODD_REPLIES)
def test_reply_of_another_shape_is_read(body: str) -> None:
    """Unknown fields, another order, other names around the entries and long ids do no harm."""
    answer = http.RawResponse(200, EmailMessage(), body.encode())
    exchange = Exchange("", {}, "json", answer, send_response=find_send_response(answer))

    assert exchange.outcome is RequestOutcome.ACCEPTED
    assert exchange.send_response is not None
    assert exchange.send_response.entries[0].message_id == LONG_ID


def test_null_words_of_a_status_are_absent_ones() -> None:
    """A description or action of null is a field left out, as the catalogue documents it."""
    body = b'{"messages":[{"to":"1","status":{"groupId":1,"description":null,"action":null}}]}'
    found = find_send_response(http.RawResponse(200, EmailMessage(), body))

    assert found is not None
    assert found.entries[0].status == {"groupId": 1}


def test_xml_of_another_encoding_is_read() -> None:
    """A response in UTF-16 with its byte order mark is XML like any other."""
    body = (
        files.get_data_folder().joinpath("examples", "documented-response.xml").read_text("utf-8")
    )
    encoded = body.replace("UTF-8", "UTF-16").encode("utf-16")
    found = find_send_response(http.RawResponse(200, EmailMessage(), encoded))

    assert found is not None
    assert len(found.entries) == 3


def test_instants_lie_ahead_but_near() -> None:
    """An instant that is past is moved ahead where it has to be, a far one comes near, no other text changes."""
    now = datetime.now(UTC)

    moved = freshness.move_near("2015-07-07T17:00:00.000+01:00", past=False)
    near = freshness.move_near("2099-07-07T17:00:00.000+01:00", past=True)
    assert now < datetime.fromisoformat(moved) < now + timedelta(days=3)
    assert now < datetime.fromisoformat(near) < now + timedelta(days=3)
    for text in ("2015-07-07T17:00:00.000+01:00", "tomorrow", "2099-07-07T17:00:00.000"):
        assert freshness.move_near(text, past=True) == text


@pytest.mark.parametrize("where", ["alone", "before", "between", "behind"])
@pytest.mark.parametrize("case", cases.read_every_case().values(), ids=lambda c: str(c.id))
def test_case_travels_unaltered(case: files.Case, where: placement.Placement) -> None:
    """Wherever a case stands, its document differs from the one with the edit undone in that place alone."""
    placed = placement.build_case_document(case, where)
    kind, value = case.edit
    holder, last = placed.document, edits.parse_path(placed.path)
    for step in last[:-1]:
        holder = holder[step]

    if kind == "remove":
        assert last[-1] not in holder
    else:
        assert holder[last[-1]] == (value if kind == "set" else value[0] * value[1])
    if where != "alone" and placed.path.startswith("messages["):
        first = placement.build_minimal_message()
        assert placed.document["messages"][-1 if where == "before" else 0] == first
        assert len(placed.document["messages"]) == 3


@pytest.mark.parametrize("derived", [False, True])
def test_every_accepted_edit_is_packed_once(derived: bool) -> None:
    """The request at every limit holds each edit, those of one field in messages of their own."""
    packed = budget.build_limits_document(derived=derived)
    inside = [case for cases in packed.cases_by_message for case in cases]
    mine = [case for case in budget.get_accepted_cases() if (case.turn is not None) == derived]
    outside = [case for case in mine if case not in inside]

    assert len(set(map(str, inside))) == len(inside)
    assert all(not case.path.startswith("messages[") for case in outside)
    schema = {
        "$ref": "#/components/schemas/SmsRequest",
        "components": files.read_openapi()["components"],
    }
    assert not list(jsonschema.Draft202012Validator(schema).iter_errors(packed.document))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("41793026727", "9990000000"),
        ("+41793026731", "+9990000000"),
        ("41793x026785", "99900x00000"),
        ("nobody", "nobody"),
        ("", ""),
        (41, 41),
    ],
)
def test_numbers_become_those_that_are_allowed(value: object, found: object) -> None:
    """A number of the documentation becomes an allowed one, with all that stands around or in it."""
    assert freshness.replace_number(value, ["+9990000000"]) == found


def test_few_numbers_are_written_to_once_in_a_message() -> None:
    """Where one number is allowed, no message goes to it twice, and ids are new."""
    document = freshness.freshen(files.read_example("documented-request"), "mark-1", ["9990000000"])
    first = document["messages"][0]["destinations"]

    assert [d["to"] for d in first] == ["9990000000"]
    assert first[0]["messageId"].startswith("MESSAGE-ID-123-xyz-mark-1")


REPORTS = """<a><results>{}<result><messageId>1</messageId><status><id>5</id></status></result></results></a>"""


@pytest.mark.parametrize(
    "body",
    [
        REPORTS.format(""),
        REPORTS.replace("result>", "results>").format(""),
        "<a><results><messageId>1</messageId><status><id>5</id></status></results></a>",
        '{"results": [{"messageId": "1", "status": {"id": 5}}]}',
    ],
)
def test_lists_are_read_in_every_documented_form(body: str) -> None:
    """Reports are found whatever wraps them."""
    data_ = tolerant_reader.parse_tolerant(body.encode(), "DeliveryReports")

    assert tolerant_reader.find_list(data_, "results") == [{"messageId": "1", "status": {"id": 5}}]


def test_entities_are_not_resolved() -> None:
    """A document type declaration in a response opens no file."""
    body = b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r><messages>&e;</messages></r>'

    assert "root:" not in (codec.parse_tree(body).findtext("messages") or "")


@pytest.mark.parametrize(("text", "value"), [("26.0", 26), ("2.6e1", 26), ("26.5", "26.5")])
def test_read_056_whole_number_is_an_integer(text: str, value: int | str) -> None:
    """1.0 is an integer in JSON, and a fraction keeps its digits."""
    assert codec.parse_json(b'{"id":%b}' % text.encode()) == {"id": value}


def test_comment_in_a_text_is_no_part_of_it() -> None:
    """An element is read whole where a comment is in it."""
    body = b"<smsResponse><bulkId><!-- a -->one<!-- b --> two</bulkId></smsResponse>"

    assert codec.parse_xml(body, "SmsResponse") == {"bulkId": "one two"}
