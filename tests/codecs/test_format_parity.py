"""What is valid in one wire format is valid in the other: every form of every type, read in both.

In a response the text of an element is read like a JSON string, and like the JSON literal of the same
spelling. In a request each format has its own literals. EXCEPTIONS holds the differences that the
formats themselves make, each with its reason.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import infobip_sms_schema
import pytest
from lxml import etree

from infobip_sms import DeliveryReports, Error, InvalidRequestError, SmsRequest
from infobip_sms.codecs import get_codec, wire_xml

NUMBERS = [
    *(
        "1",
        "+1",
        "-1",
        "-0",
        "0",
        "01",
        "-01",
        "1.0",
        "1.5",
        "1.50",
        "1e2",
        "1E+2",
        "1.0e0",
        "1e-1",
    ),
    *(
        "1.",
        ".5",
        ".",
        "1_0",
        "\u0663",
        "\u066b5",
        "0x1",
        "--1",
        "+",
        "1,5",
        "1 0",
        "NaN",
        "INF",
        "Infinity",
    ),
    *(
        " 1",
        "1 ",
        "\t1\n",
        "\u00a01",
        "2147483648",
        "9" * 20,
        "9" * 400,
        "1e400",
        "-1e-400",
        "1e9999",
    ),
    *("0.00010000000000000000000001", "", " ", "true", "null"),
]
TRUTH = [
    "true",
    "false",
    "True",
    "TRUE",
    "1",
    "0",
    "01",
    "1.0",
    "2",
    " true ",
    "yes",
    "t",
    "",
    "null",
]
INSTANTS = [
    *(
        f"2015-07-07T17:00:00{end}"
        for end in ("Z", "z", "", "+01:00", "+0100", "+01", ".1Z", ",1Z")
    ),
    *(f"2015-07-07T17:00:00{end}" for end in (".123456Z", ".123456789Z", ".Z", "-00:00", "+14:01")),
    *(f"2015-07-07T17:00:00{end}" for end in ("+24:00", "+01:00:00", " +0100", ".000 Z", "+0100Z")),
    *("2015-07-07", "2015-07-07 17:00:00Z", "2015-07-07t17:00:00Z", "2015-07-07T17:00Z"),
    *("20150707T170000Z", "2015-W28-2T17:00:00Z", "2015-07-07T24:00:00Z", "2015-07-07T23:59:60Z"),
    *("2015-02-30T17:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"),
    *("9999-12-31T23:59:59-12:00", "-2015-07-07T17:00:00Z", "10000-01-01T00:00:00Z", "1436284800"),
    *(" 2015-07-07T17:00:00Z ", "", " ", "null"),
]
WORDS = ["TURKISH", "turkish", "Turkish", " TURKISH ", "TURKISH\n", "XX", "NON_UNICODE", "", "null"]
TEXTS = [
    *("a", "", " ", " a ", "\t", "null", "true", "123", "1.0", "01", "a\nb", "a\rb", "a\r\nb"),
    *("é", "e\u0301", "😀", "\ufeffa", "\u0085", "\u2028", "]]>", "&amp;", "<a/>", "9" * 30),
]
Fields = dict[str, tuple[str, str, list[str]]]
REPORT: Fields = {
    "smsCount": ("{}", "{}", NUMBERS),
    "price": ('{{"pricePerMessage":{}}}', "<pricePerMessage>{}</pricePerMessage>", NUMBERS),
    "error": ('{{"permanent":{}}}', "<permanent>{}</permanent>", TRUTH),
    "doneAt": ("{}", "{}", INSTANTS),
    "text": ("{}", "{}", TEXTS),
    "to": ("{}", "{}", TEXTS),
}
MESSAGE: Fields = {
    "validityPeriod": ("{}", "{}", NUMBERS),
    "flash": ("{}", "{}", TRUTH),
    "sendAt": ("{}", "{}", INSTANTS),
    "transliteration": ("{}", "{}", WORDS),
    "text": ("{}", "{}", TEXTS),
    "from": ("{}", "{}", TEXTS),
}
ABSENT = "null stands for no value in a JSON response; XML leaves the element out"
EXCEPTIONS: dict[tuple[str, str], str] = {
    **{(name, "null"): ABSENT for name in REPORT},
    ("price", "-0"): "Python's JSON parser reads -0 as the integer 0; the values are equal",
    ("text", "true"): "a JSON string is no boolean; XML has text alone",
    ("to", "true"): "a JSON string is no boolean; XML has text alone",
    **{
        (name, sign): "XML reads every line end as a line feed (XML 1.0, 2.11)"
        for name in ("text", "to", "from")
        for sign in ("a\rb", "a\r\nb")
    },
    **{
        ("validityPeriod", whole): "JSON Schema counts it as an integer (READ-056); xs:int does not"
        for whole in ("1.0", "1e2", "1E+2", "1.0e0")
    },
    ("validityPeriod", "+1"): "JSON numbers have no plus sign (RFC 8259); xs:int has",
    ("validityPeriod", "01"): "JSON numbers have no leading zeros (RFC 8259); xs:int has",
    ("validityPeriod", "-01"): "JSON numbers have no leading zeros (RFC 8259); xs:int has",
    (
        "flash",
        "1",
    ): "xs:boolean is also 1 and 0; in JSON they are numbers, and a request is read strictly",
    (
        "flash",
        "0",
    ): "xs:boolean is also 1 and 0; in JSON they are numbers, and a request is read strictly",
}


def read_value(wire: Any, engine: Any, kind: Any, document: str, name: str) -> object:
    """Return what is read of one field; None as text if it has no value, ``rejected`` if nothing is."""
    codec = get_codec(wire, engine)
    read = codec.parse_request if kind is SmsRequest else codec.parse_response
    try:
        model = read(document.encode(), kind)
    except Error:
        return "rejected"
    if getattr(model, "unreadable", ()):
        return "rejected"
    (part,) = model.messages if kind is SmsRequest else model.results
    names = {"smsCount": "sms_count", "doneAt": "done_at", "sendAt": "send_at", "from": "from_"}
    names["validityPeriod"] = "validity_period"
    return repr(getattr(part, names.get(name, name)))


def build_json(kind: Any, name: str, form: str, literal: str) -> str:
    """Return a document with one value."""
    value = f'"{name}":{form.format(literal)}'
    if kind is SmsRequest:
        return f'{{"messages":[{{"destinations":[{{"to":"41793026727"}}],{value}}}]}}'
    return f'{{"results":[{{"messageId":"a",{value}}}]}}'


def build_xml(kind: Any, name: str, form: str, text: str) -> str:
    """Return the same document in XML."""
    value = f"<{name}>{form.format(text)}</{name}>"
    if kind is SmsRequest:
        to = "<destinations><destination><to>41793026727</to></destination></destinations>"
        return f"<request><messages><message>{to}{value}</message></messages></request>"
    return f"<reportResponse><results><result><messageId>a</messageId>{value}</result></results></reportResponse>"


def is_literal(text: str) -> bool:
    """Tell whether a text is a JSON literal."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return text not in {"NaN", "Infinity"}


@pytest.mark.parametrize("engine", ["generated", "xmlschema"])
@pytest.mark.parametrize("name", REPORT)
def test_responses_have_the_same_values_in_both_formats(name: str, engine: Any) -> None:
    """Text of an element, a JSON string and a JSON literal of one spelling are one value."""
    in_json, in_xml, forms = REPORT[name]
    different = []
    for text in forms:
        document = build_xml(DeliveryReports, name, in_xml, escape(text))
        found = read_value("xml", engine, DeliveryReports, document, name)
        literals = [json.dumps(text), *([text] if is_literal(text) else [])]
        others = [
            read_value(
                "json",
                "generated",
                DeliveryReports,
                build_json(DeliveryReports, name, in_json, one),
                name,
            )
            for one in literals
        ]
        if any(other != found for other in others):
            different.append((name, text))

    assert different == [(name, text) for text in forms if (name, text) in EXCEPTIONS]


@pytest.mark.parametrize("engine", ["generated", "xmlschema"])
@pytest.mark.parametrize("name", MESSAGE)
def test_requests_have_the_same_values_in_both_formats(name: str, engine: Any) -> None:
    """Text of an element and the literal of its type in JSON are one value, or rejected both."""
    in_json, in_xml, forms = MESSAGE[name]
    is_quoted = forms not in (NUMBERS, TRUTH)
    different = []
    for text in forms:
        document = build_xml(SmsRequest, name, in_xml, escape(text))
        literal = json.dumps(text) if is_quoted or not is_literal(text) else text
        found = read_value("xml", engine, SmsRequest, document, name)
        other = read_value(
            "json", "generated", SmsRequest, build_json(SmsRequest, name, in_json, literal), name
        )
        if found != other:
            different.append((name, text))

    expected = [(name, t) for t in forms if (name, t) in EXCEPTIONS and t not in {"true", "null"}]
    assert different == expected


SPELLINGS = {
    "a comment": "417<!-- 1 -->93026727",
    "an instruction": "417<?x 1?>93026727",
    "CDATA": "<![CDATA[41793026727]]>",
    "CDATA and text": "417<![CDATA[930]]>26727",
    "a reference": "&#52;1793026727",
    "a hexadecimal reference": "&#x34;1793026727",
}


@pytest.mark.parametrize("engine", ["generated", "xmlschema"])
@pytest.mark.parametrize("kind", [SmsRequest, DeliveryReports])
@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_of_a_text_is_that_text(name: str, kind: Any, engine: Any) -> None:
    """Comments, CDATA and references, as escapes in JSON, change nothing."""
    field = "from" if kind is SmsRequest else "to"
    document = build_xml(kind, field, "{}", SPELLINGS[name])
    escaped = build_json(kind, field, "{}", '"\\u0034\\u0031793026727"')

    assert read_value("xml", engine, kind, document, field) == "'41793026727'"
    assert read_value("json", "generated", kind, escaped, field) == "'41793026727'"


@pytest.mark.parametrize("engine", ["generated", "xmlschema"])
def test_null_is_no_value_in_a_response_and_rejected_in_a_request(engine: Any) -> None:
    """xsi:nil is the null of XML."""
    nil = '<{0} xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:nil="true"/>'
    for kind, expected in ((DeliveryReports, "None"), (SmsRequest, "rejected")):
        for name in ("text", "smsCount" if kind is DeliveryReports else "validityPeriod"):
            document = build_xml(kind, name, "{}", "1").replace(
                f"<{name}>1</{name}>", nil.format(name)
            )
            found = read_value("xml", engine, kind, document, name)
            other = read_value(
                "json", "generated", kind, build_json(kind, name, "{}", "null"), name
            )

            assert other == expected, (kind, name)
            assert found == (expected if name != "text" or kind is SmsRequest else "''"), (
                kind,
                name,
            )


@pytest.mark.parametrize("mark", ["\ufeff", "", " ", "\n\t"])
def test_documents_may_begin_with_a_mark_or_white_space(mark: str) -> None:
    """Both readers accept a byte order mark, and white space before the first sign."""
    for wire, build in (("json", build_json), ("xml", build_xml)):
        document = mark + build(DeliveryReports, "smsCount", "{}", "2")
        assert read_value(wire, "generated", DeliveryReports, document, "smsCount") == "2"


@pytest.mark.parametrize("blank", ["\u00a0", "\u2003", "\u0085", "\u3000"])
def test_white_space_around_numbers_is_that_of_xml(blank: str) -> None:
    """XML Schema's white space is four characters (Part 2, 4.3.6): libxml2 agrees, xmlschema takes more."""
    name = "validityPeriod"
    schema_file = Path(infobip_sms_schema.__file__).parent / "data" / "sms.xsd"
    schema = etree.XMLSchema(etree.parse(schema_file))
    for text, valid in ((f"{blank}5", False), (" \t\r\n5 \t\r\n", True)):
        document = build_xml(SmsRequest, name, "{}", text)
        assert schema.validate(etree.fromstring(document)) is valid
        for engine in ("generated", "xmlschema"):
            found = read_value("xml", engine, SmsRequest, document, name)
            assert found == ("5" if valid else "rejected")


@pytest.mark.parametrize(
    ("kind", "fits"), [("xs:string", True), ("xs:int", False), ("string", False), ("Sender", False)]
)
def test_xml_001_an_element_may_name_its_own_type(kind: str, fits: bool) -> None:
    """xsi:type with the type that the schema has says nothing new; any other one is rejected."""
    text = (
        '<request xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xmlns:xs="http://www.w3.org/2001/XMLSchema"><messages><message><destinations><destination>'
        "<to>41793026727</to></destination></destinations>"
        f'<text xsi:type="{kind}">Hello</text></message></messages></request>'
    )
    if fits:
        assert wire_xml.parse_request(text.encode(), SmsRequest).messages[0].text == "Hello"
    else:
        with pytest.raises(InvalidRequestError, match=r"messages\[0\].text"):
            wire_xml.parse_request(text.encode(), SmsRequest)
