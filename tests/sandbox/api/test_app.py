"""The sandbox as a pure function, and as a server on a socket."""

from __future__ import annotations

import base64
import datetime as dt
import http.client
import json
import signal
import socket
import subprocess
import sys
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from infobip_sms_conformance.contract import codec, edits
from infobip_sms_conformance.contract.files import Case, read_toml

from infobip_sms import (
    ApiKey,
    Basic,
    Client,
    Destination,
    ErrorResponse,
    Message,
    SmsRequest,
    SmsResponse,
)
from infobip_sms.codecs import wire_json, wire_xml
from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpRequest, HttpResponse, choose_wire
from infobip_sms.sandbox.config import SandboxSettings
from infobip_sms.sandbox.mutants import app as mutants
from infobip_sms.sandbox.mutants.requests import UNCHECKED
from infobip_sms.sandbox.state.state import State
from tests.codecs.strategies import TEXT, XML_TEXT, build

PATH = "/sms/2/text/advanced"
CODECS: dict[str, Any] = {"json": wire_json, "xml": wire_xml}
SETTINGS = SandboxSettings("Aladdin", "open sesame", "key", seed="tests")
APP = App(SETTINGS)
NOW = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
BASIC = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
both = pytest.mark.parametrize("wire", ["json", "xml"])


def load(stem: str, wire: str) -> bytes:
    """Return the bytes of an example."""
    return (files("infobip_sms_schema") / "data" / "examples" / f"{stem}.{wire}").read_bytes()


def post(
    body: bytes, wire: str = "json", app: App = APP, headers: dict[str, str | None] | None = None
) -> HttpResponse:
    """Send a body to the rules, with headers changed or (None) left out; return the response."""
    media = f"application/{wire}"
    plain: dict[str, str | None] = {"authorization": BASIC, "content-type": media, "accept": media}
    kept = {n: v for n, v in {**plain, **(headers or {})}.items() if v is not None}
    return app.handle(HttpRequest("POST", PATH, kept, body), State(), NOW)


def error_word(reply: HttpResponse, wire: str) -> str | None:
    """Return the fixed word of an error body."""
    word: str | None = (
        CODECS[wire]
        .parse_response(reply.body, ErrorResponse)
        .request_error.service_exception.message_id
    )
    return word


def edited(row: dict[str, Any], wire: str) -> bytes:
    """Return the bytes of a case, by the suite's writer."""
    kind = next(name for name in ("set", "remove", "repeat") if name in row)
    case = Case(
        row["id"], row["requirement"], row["example"], row["path"], (kind, row[kind]), True, ()
    )
    return codec.dump(edits.build_edited(case), wire)


@both
def test_send_020_the_documented_request_gets_the_documented_response(wire: str) -> None:
    """The documented request gets the documented response, except for generated ids and one description."""
    stem = "documented-request"
    reply = post(load(stem, wire), wire)
    response = CODECS[wire].parse_response(reply.body, SmsResponse)
    documented = CODECS[wire].parse_response(load("documented-response", wire), SmsResponse)

    assert reply.status == 200
    assert [e.to for e in response.messages] == [e.to for e in documented.messages]
    assert response.bulk_id == documented.bulk_id
    assert response.messages[0].message_id == documented.messages[0].message_id
    assert [e.status.id for e in response.messages] == [26, 26, 26]
    assert len(response.tracking_process_key) == len(documented.tracking_process_key)
    assert all(len(e.message_id) == 19 and e.message_id.isdecimal() for e in response.messages[1:])


@pytest.mark.parametrize("table", ["rejected", "accepted"])
@both
def test_http_002_cases_are_answered_as_they_say(table: str, wire: str) -> None:
    """Rejected cases get 400 with the path and requirement in the body; accepted ones get 200."""
    for row in read_toml("cases.toml")[table]:
        if wire not in row.get("formats", ["json", "xml"]):
            continue
        response = post(edited(row, wire), wire)
        if table == "accepted":
            assert response.status == 200, row["id"]
            continue
        text = (
            CODECS[wire]
            .parse_response(response.body, ErrorResponse)
            .request_error.service_exception.text
        )
        assert response.status == 400, row["id"]
        assert row["requirement"] in text
        assert "got" in text


@both
def test_err_001_a_rejection_lists_every_violation(wire: str) -> None:
    """The body names both violations by path."""
    document = json.loads(load("documented-request", "json"))
    document["messages"][0]["from"] = "x"
    document["messages"][1]["destinations"][0]["to"] = "y"
    exception = (
        CODECS[wire]
        .parse_response(post(codec.dump(document, wire), wire).body, ErrorResponse)
        .request_error.service_exception
    )

    assert exception.message_id == "BAD_REQUEST"
    assert "messages[0].from" in exception.text
    assert "messages[1].destinations[0].to" in exception.text
    if wire == "json":
        assert set(exception.validation_errors) == {
            "messages[0].from",
            "messages[1].destinations[0].to",
        }


@settings(max_examples=40)  # each has several messages and destinations, in both formats
@given(st.data())
def test_resp_every_generated_request_is_answered_per_destination(data: st.DataObject) -> None:
    """Entries come in order with the ids given, new ids are unique, and both formats agree."""
    request = data.draw(build(SmsRequest, XML_TEXT))
    sent = [d for m in request.messages for d in m.destinations]
    answers = {}
    for wire, own_codec in CODECS.items():
        reply = post(own_codec.dump_model(request), wire)
        answers[wire] = own_codec.parse_response(reply.body, SmsResponse)

        assert reply.status == 200
    response = answers["json"]
    made = [
        e.message_id
        for e, d in zip(response.messages, sent, strict=True)
        if not d.message_id and e.status.group_name == "PENDING"
    ]

    assert [e.to for e in response.messages] == [d.to for d in sent]
    assert all(
        e.message_id == d.message_id
        for e, d in zip(response.messages, sent, strict=True)
        if d.message_id
    )
    assert len(set(made)) == len(made)
    (first, *others) = request.messages
    movable = not others and first.send_at is not None and first.send_at > NOW
    assert (response.bulk_id is None) == (len(sent) == 1 and not movable)
    assert (response.tracking_process_key is None) == (request.tracking is None)
    assert answers["json"] == answers["xml"]


def test_resp_005_ids_differ_between_requests_and_repeat_with_the_seed() -> None:
    """The state carries the count on; the same seed and requests give the same ids."""

    def run() -> list[str]:
        state, bodies = State(), []
        for _ in range(3):
            headers = {"authorization": BASIC, "content-type": "application/json"}
            request = HttpRequest("POST", PATH, headers, load("minimal-request", "json"))
            response = App(SETTINGS).handle(request, state, NOW)
            bodies.append(json.loads(response.body)["messages"][0]["messageId"])
        return bodies

    first = run()

    assert len(set(first)) == 3
    assert run() == first


@both
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !",
        "Basic " + base64.b64encode(b"Aladdin:x").decode(),
        "App x",
        "App",
        "Bearer key",
        "IBSSO key",
        "key",
        "Basic \xff",
    ],
)
def test_auth_001_auth_002_wrong_credentials_get_401(authorization: str | None, wire: str) -> None:
    """Whatever is not the account's Basic pair or API key gets 401 with the documented body."""
    response = post(load("minimal-request", wire), wire, headers={"authorization": authorization})

    assert response.status == 401
    assert error_word(response, wire) == "UNAUTHORIZED"


@pytest.mark.parametrize(
    "authorization", [BASIC, "basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "App key", "app key"]
)
def test_auth_003_auth_004_valid_credentials_are_accepted(authorization: str) -> None:
    """Basic and App are accepted; the scheme is case-insensitive."""
    assert (
        post(load("minimal-request", "json"), headers={"authorization": authorization}).status
        == 200
    )


@pytest.mark.parametrize(
    ("settings", "authorization"),
    [
        (SandboxSettings("a", "b"), "App "),
        (SandboxSettings("a", "b"), "App None"),
        (SandboxSettings(api_key="k"), "Basic Og=="),
    ],
)
def test_auth_004_no_secret_opens_an_account_without_one(
    settings: SandboxSettings, authorization: str
) -> None:
    """An account without an API key rejects App, and one without a user rejects Basic."""
    response = post(
        load("minimal-request", "json"),
        app=App(settings),
        headers={"authorization": authorization},
    )

    assert response.status == 401


@pytest.mark.parametrize(
    ("accept", "default", "expected"),
    [
        ("application/json", "xml", "json"),
        ("application/xml", "json", "xml"),
        ("text/xml", "json", "xml"),
        ("*/*", "xml", "xml"),
        ("", "xml", "xml"),
        ("text/html", "json", "json"),
        ("text/html, application/xml;q=0.9, */*;q=0.8", "json", "xml"),
        ("application/json;q=0.2, application/xml;q=0.7", "json", "xml"),
        ("application/xml;q=0, application/json", "xml", "json"),
        ("application/json, application/xml;q=0", "xml", "json"),
        ("application/xml;q=0.7, application/json;q=0.2", "json", "xml"),
        ("application/json; charset=utf-8", "xml", "json"),
        ("application/json;q=junk", "xml", "json"),
        (";;,,", "json", "json"),
    ],
)
def test_http_004_to_006_accept_decides_the_format(
    accept: str, default: Any, expected: str
) -> None:
    """The format that Accept prefers is chosen; the request's own if it names neither."""
    assert choose_wire(accept, default) == expected


@pytest.mark.parametrize(("wire", "other"), [("json", "xml"), ("xml", "json")])
def test_http_008_request_and_response_formats_are_independent(wire: str, other: str) -> None:
    """Accept determines the format of the response whatever that of the request, errors included."""
    good = post(load("minimal-request", wire), wire, headers={"accept": f"application/{other}"})
    bad = post(b"", wire, headers={"accept": f"application/{other}"})

    assert CODECS[other].parse_response(good.body, SmsResponse).messages
    assert error_word(bad, other) == "BAD_REQUEST"


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded"]
)
def test_http_003_another_content_type_gets_400(content_type: str | None) -> None:
    """A body that is called neither JSON nor XML is rejected (READ-017)."""
    response = post(load("minimal-request", "json"), headers={"content-type": content_type})

    assert (response.status, error_word(response, "json")) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(("method", "path"), [("POST", PATH + "/"), ("POST", "/")])
def test_another_path_gets_404(method: str, path: str) -> None:
    """Another path is not found (READ-018)."""
    response = APP.handle(HttpRequest(method, path, {"authorization": BASIC}, b""), State(), NOW)

    assert (response.status, error_word(response, "json")) == (404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
def test_another_method_gets_405(method: str) -> None:
    """With the methods that the path has (READ-018)."""
    response = APP.handle(HttpRequest(method, PATH, {"authorization": BASIC}, b""), State(), NOW)

    assert (response.status, error_word(response, "json")) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "POST"


def test_text_002_an_id_that_xml_cannot_represent_is_rejected() -> None:
    """A JSON request whose response is asked for in XML is rejected if its ids cannot be written there."""
    request = SmsRequest(messages=[Message(destinations=[Destination(to="41", message_id="\x01")])])
    response = post(wire_json.dump_model(request), headers={"accept": "application/xml"})

    assert response.status == 400
    assert "TEXT-002" in response.body.decode()


@both
@given(st.binary(max_size=80) | st.text().map(str.encode), st.text(TEXT, max_size=30))
def test_any_body_gets_a_documented_response(wire: str, body: bytes, header: str) -> None:
    """No body and no header makes the sandbox fail."""
    for name in ("x-other", "accept", "content-type", "authorization"):
        response = post(body, wire, headers={name: header})
        assert response.status in (200, 400, 401)


def test_there_is_a_mutant_for_every_observable_requirement() -> None:
    """There is a mutant for each requirement that the suite checks, and for no other."""
    rows = read_toml("requirements.toml")["requirement"]
    checked = {r["id"] for r in rows if r["observable"] not in {"client", "receiver", "never"}}

    assert checked == set(mutants.MUTANTS.values())


def test_an_unknown_mutant_is_rejected() -> None:
    """The id of a mutant must exist."""
    with pytest.raises(ValueError, match="SEND-999"):
        mutants.MutantApp(SETTINGS, "SEND-999")


@pytest.mark.parametrize(
    "fault",
    sorted({c["requirement"] for c in read_toml("cases.toml")["rejected"]} & {*UNCHECKED}),
)
def test_an_unchecked_requirement_is_the_only_one(fault: str) -> None:
    """A mutant that does not check a requirement accepts its cases and rejects all others."""
    app = mutants.MutantApp(SETTINGS, fault)
    for row in read_toml("cases.toml")["rejected"]:
        for wire in row.get("formats", ["json", "xml"]):
            expected = 200 if row["requirement"] == fault else 400
            assert post(edited(row, wire), wire, app=app).status == expected, (row["id"], wire)


# ---------------------------------------------------------------- on a socket


def test_the_sandbox_answers_the_client(sandbox_url: str) -> None:
    """The client gets a response with both ways of authorization and in both formats."""
    request = SmsRequest(
        messages=[Message(from_="InfoSMS", destinations=[Destination(to="41793026727")], text="Hi")]
    )
    for auth in (Basic("Aladdin", "open sesame"), ApiKey("key")):
        with Client(sandbox_url, auth=auth, wire="xml") as client:
            for response in (client.send(request), client.send(request, wire="json")):
                assert response.messages[0].status.name == "PENDING_ACCEPTED"


def test_the_sandbox_listens_on_loopback(sandbox_url: str) -> None:
    """The address that it announces is 127.0.0.1."""
    assert urlsplit(sandbox_url).hostname == "127.0.0.1"


def test_a_body_of_100_mb_is_rejected_unread(sandbox_url: str) -> None:
    """A declared length above the limit gets an error response before the body is sent."""
    parts = urlsplit(sandbox_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.putrequest("POST", PATH)
    connection.putheader("Authorization", BASIC)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(100 * 2**20))
    connection.endheaders()
    response = connection.getresponse()

    assert response.status == 413
    assert wire_json.parse_response(
        response.read(), ErrorResponse
    ).request_error.service_exception.message_id
    connection.close()


@pytest.mark.parametrize(
    "line",
    ["TRACE /x", "FOO /sms/2/text/advanced", "OPTIONS *", "GET /y", "HEAD /sms/2/text/advanced"],
)
def test_any_other_request_line_gets_404_or_405(sandbox_url: str, line: str) -> None:
    """Every method and path but the documented one is answered by the same rule (READ-018)."""
    parts = urlsplit(sandbox_url)
    with socket.create_connection(
        (parts.hostname or "", parts.port or 0), timeout=10
    ) as connection:
        connection.sendall(
            f"{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")

    status, word = (405, b"METHOD_NOT_ALLOWED") if PATH in line else (404, b"NOT_FOUND")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert (word in body) != line.startswith("HEAD")
    assert (b"allow: POST" in head) == (PATH in line)


def test_a_client_that_hangs_up_leaves_no_trace() -> None:
    """A connection that is closed in the middle of a body puts nothing on standard error."""
    with start("--port", "0") as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(
                    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{".encode()
                )
        later = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for _ in range(3):  # by then the server has seen that the others have gone
            later.request("GET", "/")
            later.getresponse().read()
        later.close()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)

    assert (process.returncode, said) == (0, "sandbox: stopped\n")


def test_an_error_body_has_a_bounded_size() -> None:
    """A body with ten thousand violations gets a response of bounded size."""
    response = post(b'{"messages":[' + b",".join([b"{}"] * 10_000) + b"]}")

    assert response.status == 400
    assert len(response.body) < 200_000
    text = (
        wire_json.parse_response(response.body, ErrorResponse).request_error.service_exception.text
        or ""
    )
    assert text.count("messages[") == 50
    assert text.endswith("; and 50 more")


def test_settings_do_not_show_their_secrets() -> None:
    """The account's password and key are not part of its repr."""
    assert "sesame" not in repr(SETTINGS)
    assert "key" not in repr(attrs.evolve(SETTINGS, api_key="key of the account"))


def start(*options: str) -> subprocess.Popen[str]:
    """Start the command as a user does."""
    command = [sys.executable, "-m", "infobip_sms", "sandbox", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_an_interrupt_ends_the_sandbox_quietly() -> None:
    """Ctrl-C stops it with exit code 0, and says so without a traceback."""
    with start("--port", "0") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)

    assert (process.returncode, said) == (0, "sandbox: stopped\n")


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (("--port", "80000"), "80000 is not in the range", 3),
        (("--fault", "SEND-999"), "there is no fault of that ID", 3),
    ],
)
def test_wrong_usage_of_the_sandbox_is_explained(
    options: tuple[str, ...], words: str, code: int
) -> None:
    """A bad option is named, without a traceback."""
    with start(*options) as process:
        _, said = process.communicate(timeout=20)

    assert process.returncode == code
    assert words in said
    assert "Traceback" not in said


def test_a_port_in_use_is_explained(sandbox_url: str) -> None:
    """A second sandbox on the same port says why it cannot start."""
    port = str(urlsplit(sandbox_url).port)
    with start("--port", port) as process:
        _, said = process.communicate(timeout=20)

    assert process.returncode == 2
    assert said.startswith(f"Error: Cannot listen: port {port} is already in use. Choose another")
