"""What the suite hides: numbers, texts of messages, credentials, in whatever way they are written."""

import base64
import html
import json
import re
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote

import pytest
from infobip_sms_conformance.sanitization.bodies import format_body, hide_body
from infobip_sms_conformance.sanitization.redaction import (
    Mask,
    build_request_mask,
    build_text_pattern,
    clean,
    collect_secrets,
    iter_pieces,
    unescape,
)
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.processes import run_program

from tests.conformance.runs_in_process import Judge

SERVERS = Path(__file__).parents[1] / "fakes"
NUMBER, SHORT_CODE = "4915123456789", "70700"
USER, PASSWORD, KEY = "my user", "pa&ss <w0rd>", "k/3+y=zz%20"
TEXT, SHORT_TEXT = "Your table is ready.", "Hello you"
OTHERS = "447700900123"
ACCOUNT = Credentials(USER, PASSWORD, KEY)
SECRETS = collect_secrets(ACCOUNT, [f"Basic {base64.b64encode(b'not my user:x').decode()}"])
MASK = Mask(
    (NUMBER, SHORT_CODE),
    SECRETS,
    build_text_pattern([TEXT, SHORT_TEXT]),
    frozenset(iter_pieces([TEXT, SHORT_TEXT])),
    ("about plain", "d" * 200),
)


def show(body: str | bytes, *, most: int = 2000, error: bool = False) -> str:
    """Return what is shown of a body."""
    plain = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    return format_body(plain, MASK, max_length=most, error=error)


ESCAPED = "".join(f"\\u{ord(digit):04x}" for digit in NUMBER)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        # numbers
        ('{"to":"+4915123456789","x":4915123456789}', '{"to":"+$TO","x":$TO}'),
        ('{"x":"+49 151 2345-6789, 0049(151)23456789"}', '{"x":"+$TO, 00$TO"}'),
        ('{"x":"015123456789"}', '{"x":"0$TO"}'),
        ('{"x":"%2B4915123456789"}', '{"x":"%2B$TO"}'),
        (f'{{"x":"{ESCAPED}"}}', '{"x":"$TO"}'),
        ('{"x":"4915x123456789"}', '{"x":"$TO"}'),
        (f'{{"to":"{OTHERS}","from":{OTHERS}}}', '{"to":"$OTHER","from":$OTHER}'),
        (f'{{"to":["{OTHERS}"]}}', '{"to":["$OTHER"]}'),
        ('{"x":"707001 70700"}', '{"x":"707001 $TO2"}'),
        ("<a><to>49&#49;5123456789</to></a>", "<a><to>$TO</to></a>"),
        (f"<a to='{OTHERS}'/>", '<a to="$OTHER"/>'),
        ("<a><!-- 4915123456789 --></a>", "<a><!-- $TO --></a>"),
        ("<to>49151<![CDATA[23456]]><!-- c -->789</to>", "<to>$TO<![CDATA[]]><!-- c --></to>"),
        # texts
        (f'{{"text":"{TEXT}","x":"{TEXT}"}}', '{"text":"...","x":"..."}'),
        ('{"text":"of somebody else"}', '{"text":"..."}'),
        ('{"x":"at: Your table is rea"}', '{"x":"at: ..."}'),
        ('{"x":"Your+table+is+ready."}', '{"x":"..."}'),
        (f'{{"x":"{SHORT_TEXT}!"}}', '{"x":"...!"}'),
        (f"<a><text><![CDATA[{TEXT}]]></text></a>", "<a><text><![CDATA[...]]></text></a>"),
        ("<n:text>a<b>c</b></n:text>", "<n:text>...<b>...</b></n:text>"),
        (f'<a x="{TEXT}"/>', '<a x="..."/>'),
        ('{"originalText":"x","textPreview":"y"}', '{"originalText":"...","textPreview":"..."}'),
        # callback data
        ('{"callbackData":"customer 4711"}', '{"callbackData":"..."}'),
        ('{"callbackData":"about plain"}', '{"callbackData":"about plain"}'),
        (f'{{"callbackData":"{"d" * 30}?"}}', f'{{"callbackData":"{"d" * 30}?"}}'),
        # credentials
        (f'{{"x":"{PASSWORD}, {KEY}"}}', '{"x":"$AUTH, $AUTH"}'),
        (f'{{"x":"{quote(PASSWORD)}"}}', '{"x":"$AUTH"}'),
        (f"<a>{html.escape(PASSWORD)}</a>", "<a>$AUTH</a>"),
        (f'{{"x":"got {ACCOUNT.basic}"}}', '{"x":"got Basic $AUTH"}'),
        (f"you are {USER.upper()}", "you are $AUTH"),
        # what stays
        ('{"messageId":"20339128607605222071234"}', '{"messageId":"20339128607605222071234"}'),
        ('{ "a" : [ 1 , 2.50 ],\n"b":"x  y" }', '{ "a" : [ 1 , 2.50 ],\n"b":"x  y" }'),
        ("<a x='1'>\n <b>&#65;<![CDATA[&]]><!-- c --> </b></a>",) * 2,
        ('{"bulkId":"B-a1b2c3-4-0"}', '{"bulkId":"B-a1b2c3-4-0"}'),
        ('<?xml version="1.0"?>\n<a>\n  <b>x</b>\n</a>',) * 2,
        ("", ""),
    ],
)
def test_body_is_shown_without_what_has_to_be_hidden(body: str, shown: str) -> None:
    """What a server wrote is shown as it stands, but for numbers, texts, foreign callback data and credentials."""
    assert show(body) == shown


def test_explanation_of_a_refusal_is_shown() -> None:
    """The text of an error is no text of a message; what it quotes is hidden."""
    body = f'{{"requestError":{{"text":"{TEXT} is too long"}}}}'

    assert show(body, error=True) == '{"requestError":{"text":"... is too long"}}'


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_other_encodings_are_read(encoding: str) -> None:
    """A body in another encoding is read before anything is looked for in it."""
    body = f"<a><to>{NUMBER}</to><text>{TEXT}</text></a>".encode(encoding)

    assert show(body) == "<a><to>$TO</to><text>...</text></a>"


@pytest.mark.parametrize("length", range(1, 60))
def test_body_that_breaks_off_shows_no_more(length: int) -> None:
    """Wherever a body ends, no great part of a number or of a text is left."""
    said = "".join(f"\\u{ord(sign):04x}" for sign in TEXT)
    body = f'{{"x":"{TEXT}","to":"{NUMBER}","y":"{said}"}}'[: 12 + length * 3]

    shown = unescape(show(body).replace("\\\\", "\\"))
    assert TEXT[:12] not in shown
    assert "ready" not in shown
    assert not re.search(r"\d{5}", shown)


def test_binary_and_endless_bodies_are_named_by_their_size() -> None:
    """Bytes that are no text are counted; of a long text the beginning is shown."""
    assert show(bytes(range(256))) == "(256 bytes that are no text)"
    assert show("x" * 10_000_000, most=5) == "xxxxx … (10000000 bytes)"
    assert len(show('{"x":"' + "y" * 10_000_000, most=100)) < 150


@pytest.mark.parametrize("body", ['{{"x":"{}"}}', "<a>{}</a>", "{}"])
def test_nothing_is_left_that_a_terminal_obeys(body: str) -> None:
    """Controls, marks of direction and half characters are shown by their numbers."""
    shown = show(body.format("a\x1b[31mb\x9bc\u202ed\u2028e\ufefff\x7fg" + "h" * 100))

    assert shown.isprintable()
    assert "\\u001b[31m" in shown
    assert "\\u202e" in shown
    assert "\ud800" not in show(body.format("\ud800" + "h" * 100))


def test_short_secret_is_hidden_as_a_word() -> None:
    """A password of three letters is not looked for within words, and not at all in words of the suite."""
    mask = Mask((), ("key",))

    assert mask.hide("the key, trackingProcessKey") == "the $AUTH, trackingProcessKey"
    assert mask.hide_words("with a wrong key") == "with a wrong key"


@pytest.mark.parametrize(
    ("to", "shown"),
    [
        (f"+{NUMBER}", "+$TO"),
        (SHORT_CODE, "$TO2"),
        ("49151x23456789", "${TO%????????}x${TO#?????}"),
        ("nobody", "nobody"),
        ("", ""),
    ],
)
def test_document_of_the_suite_is_shown_with_variables(to: str, shown: str) -> None:
    """In what the suite sends, numbers are variables, texts are dots, and callback data stay."""
    message = {"destinations": [{"to": to}], "text": TEXT, "callbackData": "about me", "flash": 1}
    mask = build_request_mask(MASK)
    found = json.loads(hide_body(json.dumps({"bulkId": "B-12", "messages": [message]}), mask))

    assert found["bulkId"] == "B-12"
    assert found["messages"][0] == {
        "destinations": [{"to": shown}],
        "text": "...",
        "callbackData": "about me",
        "flash": 1,
    }


# ------------------------------------------------------------------ whole runs


def start_quoting(manner: str) -> AbstractContextManager[str]:
    """Run the server that quotes for the time of a ``with`` block; give its URL."""
    return run_program([sys.executable, str(SERVERS / "quoting_server.py"), manner])


FORMS = ("json", "junit", "html", "markdown", "har")
ONLY = ("SEND-008", "RESP-00", "HTTP-003", "AUTH", "LOG-001", "PREV-003", "DLR-007")
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\ud800-\udfff]")


OWN_TEXTS = re.compile(r'curl -sS|^ {7,}"(?:body|document)": ')


def squeeze(text: str) -> str:
    """Return a text without whitespace and escapes."""
    return re.sub(r"[\s\\]", "", text)


@pytest.mark.parametrize("manner", ["json", "xml", "utf-16", "half", "plain"])
def test_no_report_repeats_a_secret(judge_line: Judge, tmp_path: Path, manner: str) -> None:
    """A server that quotes all it is sent puts none of it into any report, and nothing that is obeyed there."""
    files = {form: tmp_path / f"report.{form}" for form in FORMS}
    words = [word for form, path in files.items() for word in (f"--{form}", str(path))]
    words += [word for one in ONLY for word in ("--only", one)]
    words += [
        "--patience",
        "0",
        "--to",
        "+49 151 2345 6789",
        "--to",
        OTHERS,
        "--user",
        USER,
        "--password",
        PASSWORD,
    ]
    with start_quoting(manner) as url:
        done = judge_line.run("server", f"{url}/{quote(KEY, safe='')}", "--api-key", KEY, *words)
    told = {"out": done.out, "err": done.err} | {f: p.read_text("utf-8") for f, p in files.items()}

    assert done.code == (
        2 if manner == "plain" else 1
    )  # texts in place of responses are another API
    digits = ("15123456789", "7700900123")
    spelled = {spelling for spelling in collect_secrets(ACCOUNT) if len(spelling) > 4}
    for form, text in told.items():
        for secret in (*digits, *spelled):
            assert secret not in text, (form, secret)
            assert squeeze(secret) not in squeeze(text), (form, secret)
        # On this machine the curl lines and recorded requests have the suite's own texts.
        without_curl = "\n".join(line for line in text.split("\n") if not OWN_TEXTS.search(line))
        for said in (TEXT, "is ready"):
            assert said not in without_curl, form
            assert squeeze(said) not in squeeze(without_curl), form
        assert not UNPRINTABLE.search(text), form
    assert "<script>alert" not in told["html"]
    json.loads(told["har"])


# ------------------------------------------------------------------ what hiding costs

SIZE = 120_000
BODIES = {
    "a long name": "<a " + "b" * SIZE,
    "a long name that ends": "</a" + "b." * (SIZE // 2) + ">",
    "white space": "<a b" + " " * SIZE + ">",
    "names and white space": "<a " + "b " * (SIZE // 2) + ">",
    "attributes without an end": "<a " + "b='" * (SIZE // 3) + ">",
    "comments without an end": "<a>" + "<!-- >" * (SIZE // 6),
    "CDATA without an end": "<a>" + "<![CDATA[>" * (SIZE // 10),
    "both, and an end of one": "<a>" + "<!-- ><![CDATA[>" * (SIZE // 16) + "-->",
    "quotes": '{"a":' + '"\\' * (SIZE // 2),
    "backslashes": '{"a":"' + "\\" * SIZE,
    "brackets": "[" * SIZE,
    "digits": "1" * SIZE,
    "entities": "<a>" + "&" * SIZE,
}


@pytest.mark.parametrize("name", BODIES)
def test_hiding_takes_time_that_grows_with_the_body(name: str) -> None:
    """Two seconds are a hundred times what it takes; what is quadratic takes minutes."""
    started = time.process_time()
    hide_body(BODIES[name], Mask(()))

    assert time.process_time() - started < 2


def test_a_destination_of_thousands_of_digits_is_hidden() -> None:
    """What a client takes for a number may be of any length: neither time nor depth grows with it."""
    number = "4179302672" * 500

    assert Mask((number,), ()).hide_within(f"got {number}, {number[-12:]}") == "got $TO, $TO"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("X-A: b\n::error::x", "X-A: b\n\\u003a:error::x"),
        ("   ::add-mask file=a::x", "   \\u003a:add-mask file=a::x"),
        ("a ##[error]b", "a \\u0023#[error]b"),
        ("a##vso[task.setvariable variable=a]b", "a\\u0023#vso[task.setvariable variable=a]b"),
        ("::1 is an address, std::string a name, ## a heading", None),
    ],
)
def test_what_was_received_gives_no_command_to_the_log_of_a_build(text: str, shown: str) -> None:
    """GitHub obeys what begins a line, blanks or not, and Azure and old runners what is anywhere."""
    assert clean(text) == (shown or text)
