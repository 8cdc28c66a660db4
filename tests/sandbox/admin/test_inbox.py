"""The inbox page without a browser: what it says, to whom, and that nothing on it is markup but its own."""

from __future__ import annotations

import datetime as dt
import re
import shlex
import time
from typing import Any
from urllib.parse import urlsplit

import attrs
import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infobip_sms.sandbox.admin import api, inbox, views
from infobip_sms.sandbox.admin.formatting import format_body
from infobip_sms.sandbox.admin.request_log import (
    MAX_BODY_SIZE,
    MAX_REQUESTS,
    MAX_TOTAL_SIZE,
    RequestLog,
)
from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpRequest, HttpResponse
from infobip_sms.sandbox.clock import VirtualClock
from infobip_sms.sandbox.config import SandboxSettings
from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.mutants.fault_injection import FaultInjection, InjectedFault
from infobip_sms.sandbox.state import statuses
from infobip_sms.sandbox.state.magic_numbers import (
    INVALID_MAGIC_NUMBER,
    MagicNumber,
    parse_magic_number,
)
from infobip_sms.sandbox.state.rows import Content, Link, StoredMessage, WebhookDelivery
from infobip_sms.sandbox.state.state import State

NOW = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
SETTINGS = SandboxSettings("Aladdin", "open sesame", seed="inbox")
DAY = dt.timedelta(days=1)
BASIC = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
# letters that mean something to HTML, to JSON, or to nobody
odd = st.text(st.sampled_from("<>&\"'`=/ ab\u202e\u00e9\u0000\u0008\u2028{}%\\-") | st.characters())


def make_sms(number: int = 1, **other: Any) -> StoredMessage:
    """Return a message that has just been accepted."""
    content = {k: other.pop(k) for k in list(other) if k in attrs.fields_dict(Content)}
    values: dict[str, Any] = {
        "message_id": f"id-{number}",
        "to": f"4179{number:07}",
        "outcome": MagicNumber(5, 2, 0, 5),
        "accepted_at": NOW,
        "start_at": NOW,
        "status": 26,
    }
    return StoredMessage(
        serial=number, content=Content(validity=DAY, **content), **{**values, **other}
    )


def make_desk(state: State | None = None, **other: Any) -> inbox.PageContext:
    """Return what pages are made of."""
    values: dict[str, Any] = {"request_log": RequestLog(), **other}
    return inbox.PageContext(State() if state is None else state, NOW, **values)


def ask(
    target: str, desk: inbox.PageContext, method: str = "GET", body: bytes = b"", **headers: str
) -> HttpResponse:
    """Ask for a page by a name of this machine."""
    path, _, query = target.partition("?")
    named = {"host": "127.0.0.1:8080", **{k.replace("_", "-"): v for k, v in headers.items()}}
    response = inbox.find_page(HttpRequest(method, path, named, body, query), desk)
    assert isinstance(response, HttpResponse)
    return response


def press(body: bytes, **headers: str) -> HttpResponse | inbox.ButtonAction | None:
    """Press a button on a page of this machine."""
    named = {"host": "127.0.0.1:8080", **headers}
    return inbox.find_page(HttpRequest("POST", "/sandbox/do", named, body), make_desk())


def parse(reply: HttpResponse) -> Any:
    """Return the tree of a page."""
    return lxml.html.document_fromstring(reply.body.decode())


def put(*rows: StoredMessage | WebhookDelivery) -> State:
    """Return a state with these rows."""
    state = State()
    state.put(rows)
    return state


def shape(tree: Any) -> list[tuple[str, tuple[str, ...]]]:
    """Return every element of a page in order, with the names of its attributes."""
    return [(str(e.tag), tuple(sorted(e.attrib))) for e in tree.iter()]


def make_odd_desk(value: str) -> inbox.PageContext:
    """Return a desk in which every text is the same."""
    sms = make_sms(
        to=value,
        message_id=value,
        bulk_id=value,
        from_=value,
        text=value,
        callback_data=value,
        notify_url=value or "x",
        process_key=value,
    )
    delivery = WebhookDelivery(
        serial=1,
        message_serial=1,
        status=3,
        error=0,
        done_at=NOW,
        is_final=False,
        due=NOW,
        reason=value,
    )
    other = make_sms(2, bulk_id=value, to=value)
    recorder = RequestLog()
    body = value.encode("utf-8", "replace")
    headers = {"host": value, "x": value}
    request = HttpRequest(f"P{value}", f"/{value}", headers, body, value)
    recorder.record(request, HttpResponse(400, headers, body), NOW, range(1, 3))
    return make_desk(put(sms, delivery, other), request_log=recorder)


@given(odd.filter(str.strip))
def test_no_value_becomes_markup(value: str) -> None:
    """Whatever the texts are, a page has the elements and attributes that it has for harmless ones."""
    pages = ["/sandbox/", "/sandbox/message/1", "/sandbox/requests", "/sandbox/request/1"]
    for page in [*pages, "/sandbox/?fragment=1", "/sandbox/message/1?fragment=1"]:
        hostile, plain = (parse(ask(page, make_odd_desk(v))) for v in (value, "plain"))
        if page.endswith("request/1"):  # neither body is JSON or XML
            assert len(shape(hostile)) == len(shape(plain))
        assert shape(hostile) == shape(plain)
        assert {e.tag for e in hostile.iter("script", "style", "img")} <= {"script"}
        assert [e.get("src") for e in hostile.iter("script")] in ([], ["/sandbox/inbox.js"])


@given(odd)
def test_what_is_searched_for_is_escaped(value: str) -> None:
    """The words of the query are in the page as a value, also when nothing is found."""
    query = (
        inbox._parse_query.__module__
        and f"q={''.join(f'%{b:02x}' for b in value.encode('utf-8', 'replace'))}"
    )
    tree = parse(ask(f"/sandbox/?{query}", make_desk(put(make_sms(text="plain")))))

    assert len(tree.xpath("//input[@name='q']")) == 1
    assert len(tree.xpath("//script")) == 1
    assert tree.xpath("//*[@onload or @onerror or @style or @onclick]") == []


def test_a_script_in_a_text_is_shown() -> None:
    """The bubble holds the text as it is, and control characters as pictures."""
    desk = make_desk(put(make_sms(text="<script>alert(1)</script>\u0000\u001b[2J")))
    (bubble,) = parse(ask("/sandbox/message/1", desk)).find_class("bubble")

    assert bubble.text_content() == "<script>alert(1)</script>␀␛[2J"
    assert len(bubble) == 0


@pytest.mark.parametrize(
    "target",
    [
        *("", "message/1", "message/9", "requests", "request/1", "statement"),
        *("inbox.css", "inbox.js", "?fragment=1"),
    ],
)
def test_every_reply_forbids_what_is_not_its_own(target: str) -> None:
    """No inline script or style, nothing from elsewhere, no guess at types, no frame around it."""
    response = ask(f"/sandbox/{target}", make_desk(put(make_sms())))
    policy = response.headers["content-security-policy"]

    assert policy.startswith(
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'"
    )
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"
    addresses = re.findall(rb'(?:href|src|action)="([^"]*)"', response.body)
    assert all(a.startswith((b"/sandbox/", b"#")) for a in addresses)
    assert b"style=" not in response.body
    assert b"url(" not in response.body


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "["]
)
def test_other_names_of_the_host_see_nothing(host: str) -> None:
    """A name of the world that points to this machine gets 403, for pages, files and buttons."""
    desk = make_desk(put(make_sms(text="secret")))
    responses = [
        ask("/sandbox/", desk, host=host),
        ask("/sandbox/message/1", desk, host=host),
        ask("/sandbox/do", desk, "POST", b"do=reset", host=host, origin=f"http://{host}"),
    ]

    assert [r.status for r in responses] == [403] * 3
    assert all(b"secret" not in r.body for r in responses)


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8080"])
def test_names_of_the_loopback_interface_see_the_page(host: str) -> None:
    """Localhost and both address families are this machine."""
    assert ask("/sandbox/", make_desk(), host=host).status == 200


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "https://127.0.0.1:8080", "http://127.0.0.1:1"]
)
def test_a_button_counts_only_on_our_pages(origin: str | None) -> None:
    """A form of another origin, or a request that says none, does nothing."""
    response = press(b"do=reset", **({} if origin is None else {"origin": origin}))

    assert isinstance(response, HttpResponse)
    assert response.status == 403


@pytest.mark.parametrize(
    ("back", "leads"),
    [
        ("/sandbox/%3Fq=a", "/sandbox/?q=a"),
        ("//evil.example", "/sandbox/"),
        ("http://evil.example/sandbox/", "/sandbox/"),
        ("/sandbox/%0D%0Aset-cookie:a", "/sandbox/"),
    ],
)
def test_a_button_leads_back_to_its_page_and_nowhere_else(back: str, leads: str) -> None:
    """303 to a page of the sandbox, whatever the form says."""
    pressed = press(f"do=hour&back={back}".encode(), origin="http://127.0.0.1:8080")

    assert isinstance(pressed, inbox.ButtonAction)
    assert (pressed.response.status, pressed.response.headers["location"]) == (303, leads)


@pytest.mark.parametrize("order", inbox.BUTTONS)
def test_every_button_is_a_request_that_control_takes(order: str) -> None:
    """What a button stands for is no error to control.py, and every button of the page is known."""
    pressed = press(f"do={order}".encode(), origin="http://127.0.0.1:8080")
    assert isinstance(pressed, inbox.ButtonAction)
    found = api.handle_admin_request(
        pressed.request, api.AdminContext(State(), VirtualClock(), FaultInjection(App(SETTINGS)))
    )
    buttons = parse(ask("/sandbox/", make_desk())).xpath("//button[@name='do']/@value")

    assert not isinstance(found, HttpResponse) or found.status == 200
    assert order in buttons
    assert len(buttons) == len(inbox.BUTTONS)


def test_an_unknown_button_is_refused() -> None:
    """400, and nothing is done."""
    response = press(b"do=explode", origin="http://127.0.0.1:8080")

    assert isinstance(response, HttpResponse)
    assert response.status == 400


def test_what_has_not_changed_is_not_sent_again() -> None:
    """The tag in the page is that of the part; 304 until a message comes, and the clock in each response."""
    state = put(make_sms(1))
    desk = make_desk(state, frozen=True)
    tag = parse(ask("/sandbox/", desk)).get_element_by_id("live").get("data-tag")
    same = ask("/sandbox/?fragment=1", desk, if_none_match=tag)
    state.put([make_sms(2)])
    other = ask("/sandbox/?fragment=1", desk, if_none_match=tag)

    assert (same.status, same.body, other.status) == (304, b"", 200)
    assert same.headers["sandbox-now"] == "2026-05-04T12:00:00.000+00:00"
    assert same.headers["sandbox-pace"] == "frozen"


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("HELLO", [1]),
        ("41790000002", [2]),
        ("InfoSMS", [3]),
        ("id-2", [2]),
        ("bulk", [1, 3]),
        ("delivered", [3]),
        ("bulk infosms", [3]),
        ("bulk absent", []),
        ("", [1, 2, 3]),
    ],
)
def test_the_search_looks_at_every_field(words: str, numbers: list[int]) -> None:
    """Numbers, senders, texts, ids and statuses, in any case; every word must be there."""
    state = put(
        make_sms(1, text="Hello", bulk_id="Bulk-9"),
        make_sms(2),
        make_sms(3, from_="InfoSMS", bulk_id="Bulk-9", status=5),
    )
    tree = parse(ask(f"/sandbox/?q={words.replace(' ', '+')}", make_desk(state)))

    assert [e.get("id") for e in tree.xpath("//tbody//a[@id]")] == [f"m{n}" for n in numbers[::-1]]


class Counted(dict[int, StoredMessage]):
    """Messages that count how often one is looked at."""

    looks = 0

    def get(self, key: int, default: Any = None) -> Any:
        """Count a look."""
        Counted.looks += 1
        return super().get(key, default)


def test_of_100_000_messages_a_page_looks_at_few() -> None:
    """A page without a search looks at those that it shows; a search at a fixed number of them."""
    state = State()
    state.messages = Counted({n: make_sms(n, text="x") for n in range(1, 100_001)})
    Counted.looks = 0
    first = views.get_message_page(state)
    looks = Counted.looks
    second = views.get_message_page(state, before=first.next_before)
    nothing = views.get_message_page(state, "absent")
    start = time.perf_counter()
    page = ask("/sandbox/", make_desk(state))
    took = time.perf_counter() - start

    assert [s.serial for s in first.messages] == list(range(100_000, 99_900, -1))
    assert [s.serial for s in second.messages][:1] == [99_900]
    assert looks <= views.PAGE_SIZE + 1
    assert (nothing.messages, nothing.next_before) == ([], 100_001 - views.MAX_SCANNED)
    assert took < 1
    assert b"100,000 messages" in page.body


def test_pages_lead_on_until_all_were_shown() -> None:
    """Following Older shows every message once, over gaps in the numbers, and ends."""
    numbers = [n for n in range(5, 700) if n % 3]
    state, seen, target = put(*(make_sms(n) for n in numbers)), [], "/sandbox/"
    while target:
        tree = parse(ask(target, make_desk(state)))
        seen += [int(e.get("id")[1:]) for e in tree.xpath("//tbody//a[@id]")]
        target = next(iter(tree.xpath("//a[@id='older']/@href")), "")

    assert seen == numbers[::-1]


def test_a_message_tells_its_life() -> None:
    """Accepted, sent, reports and end in order, in UTC; the count of the text; the attempts."""
    state, app = State(), App(SETTINGS)
    body = (
        b'{"messages":[{"from":"InfoSMS","destinations":[{"to":"9990530001009"}],'
        b'"text":"Hi","intermediateReport":true,"notifyUrl":"http://127.0.0.1:9/"}]}'
    )
    headers = {"authorization": BASIC, "content-type": "application/json"}
    app.handle(HttpRequest("POST", "/sms/2/text/advanced", headers, body), state, NOW)
    advance(state, NOW + DAY, SETTINGS)
    tree = parse(ask("/sandbox/message/1", make_desk(state)))
    (phone,) = tree.find_class("phone")
    words = [" ".join(li.text_content().split()) for li in tree.xpath("//ol/li")]

    assert [w[11:34].split()[0] + " " + w.split()[2] for w in words] == [
        "12:00:00.000 Accepted",
        "12:00:00.000 Sent",
        "12:00:00.000 Report",
        "12:00:02.500 Report",
        "12:00:05.000 Undeliverable",
        "12:00:05.000 Report",
    ]
    assert "EC_UNKNOWN_SUBSCRIBER" in words[4]
    assert [p.text_content() for p in phone] == [
        "InfoSMS",
        "Hi",
        "1 segment, 158 characters left as GSM-7",
    ]
    assert [row.text_content().split()[0] for row in tree.xpath("//tbody/tr")] == [
        "intermediate",
        "intermediate",
        "final",
    ]


def test_a_tracked_message_tells_its_clicks_and_conversions() -> None:
    """The link as it was, and how often it was followed; other messages have no such part."""
    sms = make_sms(text="See http://me/s/0123456789.", process_key="KEY")
    state = put(attrs.evolve(sms, conversions=1234), make_sms(2, text="http://me/s/0123456789"))
    state.put([Link(code="0123456789", url="https://example.com/<b>", message_serial=1, clicks=1)])
    tree = parse(ask("/sandbox/message/1", make_desk(state)))
    words = [" ".join(e.text_content().split()) for e in tree.xpath("//*[@id='live']//dl/*")]

    assert words == ["Conversions", "1,234", "Link", "https://example.com/<b>, 1 click"]
    assert parse(ask("/sandbox/message/2", make_desk(state))).xpath("//*[@id='live']//dl") == []


def test_a_count_by_a_language_of_the_request_is_not_disputed() -> None:
    """Where the sandbox counted with a language's tables, the page repeats its count alone."""
    desk = make_desk(put(make_sms(text="ş" * 100, sms_count=1)))
    (count,) = parse(ask("/sandbox/message/1", desk)).find_class("count")

    assert count.text_content() == "1 segment, with a national character set"


def test_the_page_lists_the_scheme_as_it_is() -> None:
    """Every example is read by outcomes.py as its words say; every status and error has its digits."""
    tree = parse(ask("/sandbox/", make_desk()))
    codes = [e.text_content() for e in tree.xpath("//th/code")]

    for number, words in views.EXAMPLES:
        outcome = parse_magic_number(number)
        assert outcome not in (None, INVALID_MAGIC_NUMBER)
        assert outcome is not None
        group = (statuses.get_status(outcome.status).group_name or "").lower()
        assert group in words
        assert number in codes
    assert {f"{s.id:03}" for s in statuses.get_statuses()} <= set(codes)
    assert {f"{e.id:04}" for e in statuses.get_errors()} <= set(codes)


def test_what_is_not_ours_is_left_to_the_rules() -> None:
    """The API's own paths and unknown ones give no page; neither does another method."""
    desk = make_desk()
    for method, path in (
        ("POST", "/sms/2/text/advanced"),
        ("GET", "/sandbox/clock"),
        ("GET", "/sandboxes"),
        ("GET", "/"),
        ("POST", "/sandbox/"),
        ("GET", "/sandbox/do"),
    ):
        headers = {"host": "localhost"}
        assert inbox.find_page(HttpRequest(method, path, headers, b""), desk) is None
    assert ask("/sandbox", desk).headers["location"] == "/sandbox/"


@pytest.mark.parametrize("number", ["9", "0", "x", "-1", "1" * 5000, "²", "1/2"])
def test_a_message_that_is_not_there_is_said_so(number: str) -> None:
    """404 with a page."""
    response = ask(f"/sandbox/message/{number}", make_desk(put(make_sms(3))))

    assert response.status == 404
    assert b"Message not found" in response.body


def test_the_recorder_is_bounded_and_keeps_no_secret() -> None:
    """No more exchanges and bytes than it says; of credentials the scheme; its own sums are right."""
    recorder = RequestLog()
    headers = {"authorization": BASIC, "Cookie": "a=secret", "accept": "*/*"}
    for index in range(MAX_REQUESTS + 5):
        request = HttpRequest("POST", "/x", headers, b"x" * (MAX_BODY_SIZE + 1), "a=b")
        recorder.record(request, HttpResponse(200, {}, b""), NOW, range(index, index + 1))
        assert recorder.size <= MAX_TOTAL_SIZE
    newest = next(iter(recorder))
    count = len(recorder)

    assert recorder.size == sum(e.size for e in recorder)
    assert 30 < count < MAX_REQUESTS
    assert (len(newest.body), newest.body_size) == (MAX_BODY_SIZE, MAX_BODY_SIZE + 1)
    assert dict(newest.headers) == {
        "authorization": "Basic (masked)",
        "Cookie": "(masked)",
        "accept": "*/*",
    }
    assert recorder.find_origin(MAX_REQUESTS + 4) is newest
    assert recorder.find_origin(0) is None
    recorder.clear()
    assert (len(recorder), recorder.size) == (0, 0)
    for _ in range(MAX_REQUESTS + 5):
        recorder.record(HttpRequest("GET", "/", {}, b""), HttpResponse(200, {}, b""), NOW)
    assert len(recorder) == MAX_REQUESTS


def test_bodies_are_indented_and_otherwise_as_they_were() -> None:
    """Digits, repeated fields, broken documents and text in tags stay as they are."""
    assert format_body(b'{"a":[],"a":[1.500,"x,{\\""],"b":{"c":null}}') == (
        '{\n  "a": [],\n  "a": [\n    1.500,\n    "x,{\\""\n  ],\n  "b": {\n    "c": null\n  }\n}'
    )
    assert format_body(b"<?xml version='1.0'?><a><b>x &lt; y</b><c/></a>") == (
        "<?xml version='1.0'?>\n<a>\n  <b>x &lt; y</b>\n  <c/>\n</a>"
    )
    assert format_body(b'{"a":') == '{\n  "a": '
    assert format_body(b"\xff") == "\ufffd"


@given(st.binary() | odd.map(lambda t: ("{" + t).encode("utf-8", "replace")))
def test_indenting_loses_nothing(body: bytes) -> None:
    """Whatever the body is, but for white space it is all there."""
    before = "".join(body.decode("utf-8", "replace").removeprefix("\ufeff").split())

    assert "".join(format_body(body).split()) == before


@pytest.mark.parametrize(
    ("fault", "troubles", "words"),
    [
        (None, (), ""),
        ("RESP-002", (), "RESP-002 violated"),
        (
            None,
            (InjectedFault(kind="status", status=503, rate=0.3),),
            "HTTP 503 for 30% of requests",
        ),
        (
            "SEND-007",
            (
                InjectedFault(kind="delay", seconds=2.5),
                InjectedFault(kind="drop", rate=0.5, after=True),
            ),
            "SEND-007 violated; 2.5 s delay for all requests; response lost for 50% of requests",
        ),
    ],
)
def test_what_is_wrong_on_purpose_is_said_on_every_page(
    fault: str | None, troubles: tuple[InjectedFault, ...], words: str
) -> None:
    """A bar with the fault and a button that switches it off; hidden where nothing is wrong."""
    broken = (fault,) if fault else ()
    desk = make_desk(put(make_sms()), broken_requirement_ids=broken, faults=troubles)
    for page in ("", "message/1", "message/9", "requests", "statement"):
        bar = parse(ask(f"/sandbox/{page}", desk)).get_element_by_id("faults")
        (told,) = bar.xpath(".//span")
        assert told.text_content() == words
        assert ("hidden" in bar.attrib) == (not words)
        assert bar.xpath(".//button/@value") == ["clear-faults"]
    assert ask("/sandbox/?fragment=1", desk).headers["sandbox-fault"] == words


def test_a_report_behind_another_one_says_that_it_waits() -> None:
    """The first that nobody took is tried again; the next has no time of its own until then."""
    deliveries = [
        WebhookDelivery(
            serial=n,
            message_serial=1,
            status=3,
            error=0,
            done_at=NOW,
            is_final=n == 2,
            due=NOW,
            attempts=2 - n,
        )
        for n in (1, 2)
    ]
    state = put(make_sms(notify_url="http://127.0.0.1:9/"), *deliveries)
    tree = parse(ask("/sandbox/message/1", make_desk(state)))
    rows = [[td.text_content() for td in tr.xpath("td")] for tr in tree.xpath("//tbody/tr")]

    assert [row[2].partition("\n")[0] for row in rows] == [
        "waiting",
        "waiting for the previous report",
    ]
    assert "Send now" in rows[0][2]
    assert [row[3] for row in rows] == ["2026-05-04 12:00:00.000", "–"]  # noqa: RUF001 - a dash
    assert views.get_waiting([]) == set()


def test_the_first_message_can_be_sent_by_what_the_page_says() -> None:
    """The command of the empty page is one that a shell reads, and a request that is accepted."""
    user = "o'Neil; rm -rf $HOME"
    desk = make_desk(settings=attrs.evolve(SETTINGS, user=user))
    (shown,) = parse(ask("/sandbox/", desk)).xpath("//div[@id='live']//pre")
    program, *words = shlex.split(shown.text_content())
    given = dict(zip(words[0::2], words[1::2], strict=False))
    target = words[-1]
    headers = {"authorization": BASIC, "content-type": "application/json"}
    request = HttpRequest("POST", urlsplit(target).path, headers, given["-d"].encode())

    assert (program, given["--user"]) == ("curl", f"{user}:open sesame")
    assert given["-H"] == "Content-Type: application/json"
    assert urlsplit(target).netloc == "127.0.0.1:8080"
    assert App(SETTINGS).handle(request, State(), NOW).status == 200
    assert "pre" not in {e.tag for e in parse(ask("/sandbox/", make_desk(put(make_sms())))).iter()}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(172800, "48 h"), (5400, "1 h 30 min"), (60, "1 min"), (0.5, "0.5 s"), (0, "none")],
)
def test_a_validity_period_is_told_in_hours_and_minutes(seconds: float, words: str) -> None:
    """48 h, and not 2 days, 0:00:00."""
    sms = attrs.evolve(
        make_sms(), content=Content(validity=dt.timedelta(seconds=seconds), text="x")
    )
    asked = parse(ask("/sandbox/message/1", make_desk(put(sms)))).xpath("//dd")[1]

    assert asked.text_content() == f"{words} from 2026-05-04 12:00:00.000"


def test_the_list_of_requests_is_live() -> None:
    """Its part has the tag of the page until another request comes."""
    recorder = RequestLog()
    desk = make_desk(request_log=recorder)
    tag = parse(ask("/sandbox/requests", desk)).get_element_by_id("live").get("data-tag")
    same = ask("/sandbox/requests?fragment=1", desk, if_none_match=tag)
    recorder.record(HttpRequest("GET", "/x", {}, b""), HttpResponse(404, {}, b""), NOW)
    other = ask("/sandbox/requests?fragment=1", desk, if_none_match=tag)

    assert (same.status, other.status) == (304, 200)
    assert b"/sandbox/request/1" in other.body


def test_a_text_cannot_turn_what_is_beside_it() -> None:
    """Characters that turn the direction of writing, or are not seen, are shown as escapes."""
    state = State()
    state.messages[1] = make_sms(text="a\u202eb\u200bc\u2066d", from_="x\ufeffy")
    for page in ("/sandbox/", "/sandbox/message/1"):
        body = ask(page, make_desk(state)).body.decode()
        assert "a\\u202eb\\u200bc\\u2066d" in body
        assert "x\\ufeffy" in body
        assert not set(body) & set("\u202e\u200b\u2066\ufeff")
