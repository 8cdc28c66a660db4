"""What becomes of texts: previews, segments, prices, short links; conversions and clicks."""

# ruff: noqa: RUF001 - texts in other alphabets are the point

from __future__ import annotations

import json
import re
import sys
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from infobip_sms_schema import PreviewRequest, PreviewResponse

from infobip_sms.sandbox.api.http import HttpRequest
from tests.sandbox.lifecycle.virtual_sandbox import CODECS, Bench, find_word

PREVIEW = "/sms/1/preview"
PLAIN = "Let's see how many characters remain unused in this message."
TURKISH = (
    "Mesaj gönderimi yapmadan önce önizleme seçeneğini kullanmanız doğru karar vermenize"
    " yardımcı olur."
)
GREEK = (
    "Ως Μεγαρικό ψήφισμα είναι γνωστή η απόφαση της Εκκλησίας του δήμου των Αθηναίων"
    " (πιθανόν γύρω στο 433/2 π.Χ.) να επιβάλει αυστηρό και καθολικό εμπάργκο στα"
)
LATIN = (
    "ΩΣ MEΓAPIKO ΨHΦIΣMA EINAI ΓNΩΣTH H AΠOΦAΣH THΣ EKKΛHΣIAΣ TOY ΔHMOY TΩN AΘHNAIΩN"
    " (ΠIΘANON ΓYPΩ ΣTO 433/2 Π.X.) NA EΠIBAΛEI AYΣTHPO KAI KAΘOΛIKO EMΠAPΓKO ΣTA"
)
both = pytest.mark.parametrize("wire", ["json", "xml"])


def preview(wire: str, text: str, **wishes: Any) -> tuple[str | None, list[tuple[Any, ...]]]:
    """Return the original text, and text, count, rest, language and script of each preview."""
    body = CODECS[wire].dump_model(PreviewRequest(text=text, **wishes))
    reply = Bench().ask("POST", PREVIEW, body, wire)
    assert reply.status == 200
    response = CODECS[wire].parse_response(reply.body, PreviewResponse)
    rows = []
    for p in response.previews:
        language = p.configuration.language
        code = language.language_code if language else None
        script = p.configuration.transliteration
        rows.append((p.text_preview, p.message_count, p.characters_remaining, code, script))
    return response.original_text, rows


@both
@pytest.mark.parametrize(
    ("text", "wishes", "rows"),
    [
        (PLAIN, {}, [(PLAIN, 1, 100, None, None)]),
        (
            TURKISH,
            {"language_code": "TR"},
            [(TURKISH, 2, 36, None, None), (TURKISH, 1, 57, "TR", None)],
        ),
        (
            GREEK,
            {"transliteration": "GREEK"},
            [(GREEK, 3, 46, None, None), (LATIN, 1, 5, None, "GREEK")],
        ),
    ],
)
def test_prev_003_prev_004_the_previews_of_the_documentation(
    wire: str, text: str, wishes: Any, rows: list[Any]
) -> None:
    """The three previews that the vendor shows come out as shown."""
    assert preview(wire, text, **wishes) == (text, rows)


@both
def test_prev_002_both_wishes_make_three_previews(wire: str) -> None:
    """As it is, with the language, with the language and transliterated."""
    _, rows = preview(wire, "ş", language_code="TR", transliteration="TURKISH")

    assert [row[2:] for row in rows] == [
        (69, None, None),
        (154, "TR", None),
        (154, "TR", "TURKISH"),
    ]
    assert [row[0] for row in rows] == ["ş", "ş", "s"]


def test_prev_003_the_first_configuration_is_empty() -> None:
    """It has no field, in JSON an empty object."""
    response = Bench().ask("POST", PREVIEW, b'{"text":""}')

    assert b'"configuration":{}' in response.body
    assert b'"messageCount":1,"charactersRemaining":160' in response.body


@both
def test_prev_001_a_preview_needs_a_text(wire: str) -> None:
    """Without one it is rejected."""
    body = b"{}" if wire == "json" else b"<PreviewRequest/>"
    response = Bench().ask("POST", PREVIEW, body, wire)

    assert (response.status, find_word(response, wire)) == (400, "BAD_REQUEST")


def test_a_script_without_its_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the optional library is missing the sandbox answers all the same."""
    monkeypatch.setitem(sys.modules, "anyascii", None)
    virtual = Bench()
    virtual.send("41", text="привет", transliteration="CYRILLIC")

    assert virtual.logs()[0].text == "привет"


@pytest.mark.parametrize(
    ("text", "wishes", "count", "delivered"),
    [
        ("x" * 160, {}, 1, None),
        ("x" * 161, {}, 2, None),
        ("ş" * 70, {}, 1, None),
        ("ş" * 71, {}, 2, None),
        ("ş" * 71, {"language": {"languageCode": "TR"}}, 1, None),
        ("ş" * 156, {"language": {"languageCode": "TR"}}, 2, None),
        (GREEK, {"transliteration": "GREEK"}, 1, LATIN),
        ("", {}, 1, None),
    ],
)
def test_segments_are_counted_as_they_are_sent(
    text: str, wishes: Any, count: int, delivered: str | None
) -> None:
    """The smsCount of log and report counts the text as it is delivered, with its language."""
    virtual = Bench(delay=0)
    virtual.send("41", text=text, **wishes)
    virtual.wait(seconds=1)
    (log,), (report,) = virtual.logs(), virtual.reports()

    assert log.sms_count == report.sms_count == count
    assert log.text == (delivered or text)


def test_a_message_without_a_text_counts_as_an_empty_one() -> None:
    """READ-012 and READ-030: accepted, one segment."""
    virtual = Bench()
    virtual.send("41")

    assert (virtual.logs()[0].sms_count, virtual.logs()[0].text) == (1, "")


def test_prices_are_those_of_the_settings() -> None:
    """Price per segment and currency, exact to the last digit."""
    virtual = Bench(delay=0, price=Decimal("0.0001000000"), currency="HRK")
    virtual.send("41")
    virtual.wait(seconds=1)
    (report,) = virtual.reports()

    assert report.price.price_per_message == Decimal("0.0001000000")
    assert report.price.currency == "HRK"


# ---------------------------------------------------------------- tracking


def find_links(bench: Bench) -> list[str]:
    """Return the links of the last text."""
    return re.findall(r"https?://\S+?(?=[,.]?(?:\s|$))", bench.logs()[0].text)


def click(bench: Bench, url: str, method: str = "GET") -> Any:
    """Follow a link without authorization; return the response."""
    path = "/" + url.split("//", 1)[1].split("/", 1)[1]
    return bench.app.handle(HttpRequest(method, path, {}, b""), bench.state, bench.now)


@pytest.mark.parametrize(
    ("base", "shape"),
    [
        (None, r"http://me:1/s/[0-9a-f]{10}"),
        ("", r"http://me:1/s/[0-9a-f]{10}"),
        ("http://127.0.0.1:8080", r"http://127\.0\.0\.1:8080/[0-9a-f]{10}"),
        ("https://ib.example/go/", r"https://ib\.example/go/[0-9a-f]{10}"),
    ],
)
def test_track_001_links_are_shortened_and_clicks_counted(base: str | None, shape: str) -> None:
    """Each link of the text leads over the sandbox to where it led, and the click is counted."""
    virtual = Bench()
    long = "https://www.example.com/" + "a" * 150
    text = f"See {long}, or HTTP://EXAMPLE.org/ü?q=1&r=2."
    given = {} if base is None else {"baseUrl": base}
    virtual.send("41", text=text, tracking={"track": "URL", **given})
    first, second = find_links(virtual)
    responses = [click(virtual, first), click(virtual, second), click(virtual, first)]

    assert re.fullmatch(shape, first)
    assert re.fullmatch(shape, second)
    assert virtual.logs()[0].text == f"See {first}, or {second}."
    assert virtual.logs()[0].sms_count == 1
    assert [r.status for r in responses] == [302] * 3
    assert responses[0].headers["location"] == long
    assert responses[1].headers["location"] == "HTTP://EXAMPLE.org/" + quote("ü") + "?q=1&r=2"
    assert [link.clicks for link in virtual.state.links.values()] == [2, 1]


def test_track_001_only_track_url_shortens() -> None:
    """Without tracking, and with track SMS, links stay; nothing else is a link."""
    virtual = Bench()
    text = "https://www.example.com/a"
    for tracking in ({"track": "SMS"}, {"type": "MY_CAMPAIGN"}):
        virtual.send("41", text=text, tracking=tracking)
        assert virtual.logs()[0].text == text
    virtual.send("41", text="example.com ftp://example.com/ https:// x", tracking={"track": "URL"})

    assert virtual.state.links == {}


def test_an_unknown_short_link_is_not_found() -> None:
    """404 with an error body; a link that exists is followed by GET alone."""
    virtual = Bench()
    virtual.send("41", text="https://www.example.com/a", tracking={"track": "URL"})
    (link,) = find_links(virtual)

    assert click(virtual, "http://me:1/s/0000000000").status == 404
    assert click(virtual, link, "POST").status == 404
    assert [found.clicks for found in virtual.state.links.values()] == [0]


@both
def test_track_002_a_conversion_is_counted(wire: str) -> None:
    """The end of a conversion answers the key that the send request was answered with."""
    virtual = Bench()
    answer = virtual.send("41", "42", tracking={"track": "SMS", "type": "MY_CAMPAIGN"})
    name = answer["messages"][1]["messageId"]
    responses = [virtual.ask("POST", f"/ct/1/log/end/{name}", b"", wire) for _ in range(3)]

    assert {r.status for r in responses} == {200}
    assert answer["trackingProcessKey"].encode() in responses[0].body
    assert [s.conversions for s in virtual.state.messages.values()] == [0, 3]


def test_track_002_the_key_of_the_request_is_kept() -> None:
    """The processKey comes back from send and from the conversion; the name may hold any character."""
    virtual = Bench()
    body = (
        '{"messages":[{"destinations":[{"to":"41","messageId":"a/b ü%"}]}],'
        '"tracking":{"track":"URL","processKey":"MINE"}}'
    )
    virtual.ask("POST", "/sms/2/text/advanced", body.encode())
    response = virtual.ask("POST", "/ct/1/log/end/" + quote("a/b ü%", safe=""))

    assert response.body == b'{"processKey":"MINE"}'


def test_track_002_a_name_that_is_used_again_is_that_of_the_last_message() -> None:
    """Of two tracked messages with one name the conversion belongs to the later one."""
    virtual = Bench()
    body = b'{"messages":[{"destinations":[{"to":"41","messageId":"m"}]}],"tracking":{}}'
    keys = [
        json.loads(virtual.ask("POST", "/sms/2/text/advanced", body).body)["trackingProcessKey"]
        for _ in range(2)
    ]
    response = virtual.ask("POST", "/ct/1/log/end/m")

    assert keys[0] != keys[1]
    assert json.loads(response.body)["processKey"] == keys[1]
    assert [s.conversions for s in virtual.state.messages.values()] == [0, 1]


@both
def test_track_003_only_tracked_messages_convert(wire: str) -> None:
    """404 for a message that is unknown, and for one that is not tracked."""
    virtual = Bench()
    name = virtual.send("41")["messages"][0]["messageId"]
    responses = [
        virtual.ask("POST", f"/ct/1/log/end/{n}", b"", wire) for n in (name, "none", "%ff")
    ]

    assert [(r.status, find_word(r, wire)) for r in responses] == [(404, "NOT_FOUND")] * 3
