"""Details of the page: one-time codes, commands for a shell, what a message waits for, the filter by status."""

from __future__ import annotations

import datetime as dt
import shlex

import pytest

from infobip_sms.sandbox import running
from infobip_sms.sandbox.admin import views
from infobip_sms.sandbox.admin.curl import build_command, build_repetition
from infobip_sms.sandbox.admin.one_time_codes import find_codes
from infobip_sms.sandbox.admin.request_log import LoggedRequest
from infobip_sms.sandbox.config import SandboxSettings
from tests.sandbox.admin.calls import TO, call, send
from tests.sandbox.lifecycle.virtual_sandbox import START, Bench

DEFAULT = SandboxSettings("Aladdin", "open sesame")
OWN = SandboxSettings("me", "secret")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Your code is 123456.", ("123456",)),
        ("Use 123-456 or 1234 5678, not 12", ("123456", "12345678")),
        ("G-834512 is your code", ()),
        ("Call +41793026727 until 10:30, it costs 1,5000.00", ()),
        ("See http://example.com/123456", ()),
        ("<#> 9912: your PIN", ("9912",)),
        ("PIN 9912\n", ("9912",)),
    ],
)
def test_codes_are_found_in_texts(text: str, codes: tuple[str, ...]) -> None:
    """Digits alone, in groups too; no numbers, times, amounts and links."""
    assert find_codes(text) == codes


def test_a_received_message_has_its_codes() -> None:
    """In a test, and on its page."""
    with running(delay=0) as sandbox:
        send(sandbox.url, TO, text="Your code is 123-456")
        (received,) = sandbox.messages()
        page = call(sandbox.url, "GET", "/sandbox/message/1").body.decode()

    assert received.codes() == ("123456",)
    assert "<dt>One-time code</dt><dd><code>123456</code>" in page


def test_the_line_of_the_empty_page_works_when_pasted() -> None:
    """With the default account as it is; a password of one's own is never shown."""
    words = shlex.split(build_command("http://127.0.0.1:1", DEFAULT))

    assert words[words.index("--user") + 1] == "Aladdin:open sesame"
    assert "--json" not in words  # only newer versions of curl have it
    assert "secret" not in build_command("http://127.0.0.1:1", OWN)


def build_logged(
    method: str = "POST", body: bytes = b"{}", size: int | None = None
) -> LoggedRequest:
    """Return a logged request."""
    headers = {
        "host": "localhost:1",
        "content-type": "application/json",
        "authorization": "(masked)",
    }
    return LoggedRequest(
        serial=1,
        at=START,
        method=method,
        path="/sms/1/logs?to=41",
        headers=tuple(headers.items()),
        body=body,
        body_size=len(body) if size is None else size,
        status=200,
        response_headers=(),
        response_body=b"",
        response_size=0,
    )


def test_a_request_is_shown_as_curl() -> None:
    """Method, user, type, body and URL, quoted for a shell; curl asks for the password."""
    words = shlex.split(build_repetition(build_logged(body=b"it's"), DEFAULT))

    assert words == [
        *("curl", "--user", "Aladdin", "-H", "content-type: application/json"),
        *("--data-raw", "it's", "http://localhost:1/sms/1/logs?to=41"),
    ]
    assert "-X PUT" in build_repetition(build_logged("PUT"), DEFAULT)
    assert "secret" not in build_repetition(build_logged(), OWN)


@pytest.mark.parametrize("logged", [build_logged(size=9), build_logged(body=b"\xff")])
def test_a_body_that_is_not_there_as_text_is_not_shown_as_curl(logged: LoggedRequest) -> None:
    """The command would send something else."""
    assert build_repetition(logged, DEFAULT) == ""


def test_a_pending_row_says_what_it_waits_for_and_until_when() -> None:
    """Sending, a final status, the end of the validity period; nothing for a message that is final."""
    bench = Bench()
    later = START + dt.timedelta(hours=1)
    bench.send("41", text="Hi", sendAt=later.isoformat())
    bench.send("9990990000005", text="Hi")
    bench.send("9990010000003", text="Hi", validityPeriod=60)
    bench.send("9990010000005", text="Hi")
    bench.wait(seconds=1)
    waits = [views.find_wait(sms) for sms in bench.state.messages.values()]
    rows = views.render_list(bench.state)

    assert waits == [
        ("its send time", later),
        ("its next status", START + dt.timedelta(seconds=9)),
        ("the end of its validity period", later),
        None,
    ]
    assert rows.count("waits for") == 3


def test_the_list_is_filtered_by_status() -> None:
    """By the group, with its links and counts."""
    with running(delay=0) as sandbox:
        send(sandbox.url, TO, "9990010000003", "9990010000009")
        sandbox.wait_for(status="DELIVERED")
        shown = call(sandbox.url, "GET", "/sandbox/?status=UNDELIVERABLE").body.decode()
        none = call(sandbox.url, "GET", "/sandbox/?status=EXPIRED").body.decode()

    assert shown.count('<th scope="row"><a id="m') == 1
    assert "<option selected>UNDELIVERABLE</option>" in shown
    assert "No message matches." in none
