"""Requests as they come from outside: namespaces, charsets, characters that XML does not have."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpRequest
from infobip_sms.sandbox.config import SandboxSettings
from infobip_sms.sandbox.state.state import State
from tests.sandbox.lifecycle.virtual_sandbox import SEND, START, Bench, find_text

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


@pytest.mark.parametrize(
    ("to", "members", "said"),
    [
        ("0041793026727", {}, "a destination begins with 0"),
        ("0793026727", {}, "a destination begins with 0"),
        ("41793026727", {"from": "   "}, "a sender is blank"),
        ("41793026727", {"from": "InfoSMS\n"}, "a sender is blank, or has a line break"),
        ("41793026727", {"from": "InfoSMS"}, ""),
    ],
)
def test_what_nobody_means_is_accepted_and_said_once(
    caplog: pytest.LogCaptureFixture, to: str, members: dict[str, str], said: str
) -> None:
    """The documentation does not say what a server does with it; the developer should know."""
    bench = Bench()
    with caplog.at_level(logging.WARNING):
        bench.send(to, text="secret", **members)
        bench.send(to, text="secret", **members)

    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == bool(said)
    assert all(said in message and to not in message for message in messages)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "expected Basic with the user me, got no Authorization header"),
        ("App SECRET", "this sandbox has no API key; start it with --api-key KEY"),
        ("Basic SECRET", "got Basic with another user or password"),
        ("Bearer SECRET", "got Bearer"),
        ("SECRET", "got another scheme"),
    ],
)
def test_a_401_says_what_was_expected_without_the_secret(
    caplog: pytest.LogCaptureFixture, header: str, said: str
) -> None:
    """In a header beside the documented body, and once in the log."""
    settings = SandboxSettings("me", "secret")
    request = HttpRequest("GET", LOGS, {"authorization": header} if header else {}, b"")
    with caplog.at_level(logging.WARNING):
        response = App(settings).handle(request, State(), START)

    assert response.status == 401
    assert said in response.headers["sandbox-note"]
    assert [record.getMessage() for record in caplog.records] == [
        f"sandbox: {response.headers['sandbox-note']}"
    ]
    assert "SECRET" not in response.headers["sandbox-note"]


def test_an_app_key_with_app_in_it_is_explained() -> None:
    """As when INFOBIP_API_KEY begins with App."""
    settings = SandboxSettings("me", "secret", api_key="KEY")
    request = HttpRequest("GET", LOGS, {"authorization": "App App KEY"}, b"")

    assert "has App twice" in App(settings).handle(request, State(), START).headers["sandbox-note"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/sms/3/messages", ": this sandbox offers version 2, POST /sms/2/text/advanced"),
        (f"{SEND}/", f": the path has a slash at its end, expected {SEND}"),
        (f"/{SEND}", f": the path has two slashes in a row, expected {SEND}"),
        ("/sms/1/bulks/", ": the path has a slash at its end, expected /sms/1/bulks"),
        ("/sms/2/text/advance", ""),
        ("/", ""),
    ],
)
def test_a_path_that_is_nearly_right_is_explained(path: str, said: str) -> None:
    """404 all the same (READ-018)."""
    response = Bench().ask("POST", path, b"{}")

    assert response.status == 404
    assert find_text(response) == f"There is no such resource{said}"
