"""Requests as they come from outside: namespaces, charsets, characters that XML does not have."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tests.sandbox.lifecycle.virtual_sandbox import SEND, Bench, find_text

XML = """<request><messages><message><destinations><destination><to>41</to></destination></destinations>
<text>{}</text></message></messages></request>"""
PREVIEW, LOGS, REPORTS = "/sms/1/preview", "/sms/1/logs", "/sms/1/reports"


def test_xml_001_a_namespace_in_a_request_is_named() -> None:
    """Whoever wrote the document sees which declaration to drop."""
    body = XML.replace("<request", '<request xmlns="http://schemas.example.com/sms"').encode()
    response = Bench().ask("POST", SEND, body, "xml")

    assert response.status == 400
    assert "got a root element in the namespace 'http://schemas.example.com/sms'" in find_text(
        response, "xml"
    )


@pytest.mark.parametrize("charset", ["ISO-8859-1", "utf-16", "windows-1252"])
def test_xml_in_the_charset_of_its_header_is_read(charset: str) -> None:
    """RFC 7303: the Content-Type comes before everything else."""
    bench = Bench()
    body = XML.format("Zürich").encode(charset)
    headers = {"content-type": f"application/xml; charset={charset}"}

    assert bench.ask("POST", SEND, body, "xml", headers=headers).status == 200
    assert bench.state.messages[1].content.text == "Zürich"


@pytest.mark.parametrize(
    ("charset", "said"),
    [
        ("utf-16", "got text in UTF-16; send UTF-8 (JSON is UTF-8, whatever charset"),
        ("ISO-8859-1", "(JSON is UTF-8, whatever charset its Content-Type names)"),
    ],
)
def test_json_is_utf_8_and_the_response_says_so(charset: str, said: str) -> None:
    """RFC 8259; a charset has no effect."""
    message = {"destinations": [{"to": "41"}], "text": "Zürich"}
    body = json.dumps({"messages": [message]}, ensure_ascii=False).encode(charset)
    headers = {"content-type": f"application/json; charset={charset}"}
    response = Bench().ask("POST", SEND, body, headers=headers)

    assert response.status == 400
    assert said in find_text(response)


def ask_for_text(bench: Bench, path: str, wire: str) -> Any:
    """Ask for something that has the text."""
    if path != PREVIEW:
        return bench.ask("GET", path, b"", wire)
    body = json.dumps({"text": "a\x0bb"}).encode()
    accept = {"content-type": "application/json", "accept": f"application/{wire}"}
    return bench.ask("POST", path, body, headers=accept)


@pytest.mark.parametrize("path", [LOGS, REPORTS, PREVIEW])
def test_text_002_a_character_that_xml_does_not_have_is_replaced_and_this_is_said(
    path: str,
) -> None:
    """In logs, reports and previews alike, with a header; nothing disappears, and JSON has it as it was."""
    bench = Bench(delay=0)
    bench.send("41", text="a\x0bb", callbackData="a\x0bb")
    bench.wait(seconds=1)
    in_json = ask_for_text(bench, LOGS if path == REPORTS else path, "json")
    in_xml = ask_for_text(bench, path, "xml")

    assert in_xml.status == 200
    assert "a\ufffdb" in in_xml.body.decode()
    assert "U+FFFD" in in_xml.headers["sandbox-note"]
    assert b"a\\u000bb" in in_json.body
    assert "sandbox-note" not in in_json.headers


def test_text_002_the_user_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """When such a message is accepted, without its text."""
    bench = Bench()
    with caplog.at_level(logging.WARNING):
        bench.send("41", text="secret\x0b")
        bench.send("41", text="secret\x0b")

    (record,) = caplog.records
    assert "U+FFFD" in record.getMessage()
    assert "secret" not in record.getMessage()
