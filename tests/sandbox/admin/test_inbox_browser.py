"""The inbox page in a real Chromium without a window: live, by keyboard, and alone with its own server."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

from infobip_sms import ApiError, Basic, Client, Destination, Message, SmsRequest
from tests.fakes.webhook_server import CallbackServer
from tests.sandbox.runtime.test_end_to_end import Running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Request

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
SHOTS = os.environ.get("INBOX_SHOTS", "")
"""A folder for pictures of the page; none are made if this is empty."""
CONTRAST = 4.5
HOSTILE = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"
LOOK = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const read = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => c.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = read(getComputedStyle(e).backgroundColor);
      if (colour[3]) return colour;
    }
    return [255, 255, 255, 255];
  };
  return [...document.querySelectorAll('body *')]
    .filter(e => e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
    .map(e => {
      const [a, b] = [light(read(getComputedStyle(e).color)), light(behind(e))];
      return [e.textContent.slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    });
}"""
"""Every element with a text of its own, and its contrast as WCAG 2 defines it."""

pytestmark = pytest.mark.skipif(
    BROWSER is None and "CI" not in os.environ,
    reason=f"no browser is installed; tried: {', '.join(NAMES)}",
)


@pytest.fixture(name="browser", scope="module")
def fixture_browser() -> Iterator[Browser]:
    """Give a browser without a window."""
    assert BROWSER, f"CI installs a browser; tried: {', '.join(NAMES)}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(name="sandbox")
def fixture_sandbox() -> Iterator[Running]:
    """Give a running sandbox."""
    running = Running()
    yield running
    running.stop()


@pytest.fixture(name="client")
def fixture_client(sandbox: Running) -> Iterator[Client]:
    """Give a client of it."""
    with Client(sandbox.url, auth=Basic("Aladdin", "open sesame")) as client:
        yield client


class Seen:
    """What a page asked for and what it complained about."""

    def __init__(self, page: Page) -> None:
        self.urls: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self.note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))

    def note(self, request: Request) -> None:
        """Take down where a request goes."""
        self.urls.append(request.url)

    def check(self, sandbox: Running) -> None:
        """Nothing came from elsewhere, and no script, style or policy failed."""
        assert self.urls
        assert [u for u in self.urls if not u.startswith(sandbox.url + "/sandbox/")] == []
        assert self.complaints == []


def send(client: Client, *to: str, **message: Any) -> None:
    """Send one message."""
    destinations = [Destination(to=number) for number in to]
    client.send(SmsRequest(messages=[Message(destinations=destinations, **message)]))


def shoot(page: Page, name: str) -> None:
    """Make a picture of the whole page, if that is wanted."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/inbox-{name}.png", full_page=True)


def test_a_message_appears_and_is_delivered(
    browser: Browser, sandbox: Running, client: Client
) -> None:
    """Sent by the client it is in the list without a reload; the clock's button delivers it, also on its page."""
    page = browser.new_page()
    seen = Seen(page)
    page.goto(sandbox.url + "/sandbox/")
    page.evaluate("window.kept = true")
    expect(page.get_by_role("status")).to_have_text("0 messages")
    page.get_by_role("button", name="Freeze").click()
    expect(page.locator("#pace")).to_have_text("frozen")
    with CallbackServer() as callback:
        send(client, "9993020000005", text="Hello", from_="InfoSMS", notify_url=callback.url)
        row = page.get_by_role("row").filter(has_text="9993020000005")
        expect(row).to_contain_text("PENDING")
        expect(page.get_by_role("status")).to_have_text("1 message")
        page.get_by_role("button", name="+1 min").click()
        expect(row).to_contain_text("DELIVERED")
        assert page.evaluate("window.kept"), "the page was loaded anew"
        row.get_by_role("link").click()
        expect(page.get_by_role("listitem").last).to_contain_text("final, acknowledged")
        callback.wait(1)

    expect(page.locator(".bubble")).to_have_text("Hello")
    expect(page.locator(".count")).to_have_text("1 segment, 155 characters left as GSM-7")
    expect(page.get_by_role("row").last).to_contain_text("DELIVERED_TO_HANDSET")
    wire = page.locator("pre").all_inner_texts()
    assert any('"to": "9993020000005"' in text for text in wire)
    assert "open sesame" not in page.content()
    assert "QWxhZGRpb" not in page.content()
    seen.check(sandbox)
    page.close()


def test_a_script_in_a_text_is_shown_and_not_run(
    browser: Browser, sandbox: Running, client: Client
) -> None:
    """In the list, in the bubble and on the wire a text is a text; the policy has nothing to stop."""
    page = browser.new_page()
    seen = Seen(page)
    send(client, "41", text=HOSTILE, from_="<b>x</b>", callback_data=HOSTILE)
    page.goto(sandbox.url + "/sandbox/?q=script")
    expect(page.locator("td.text")).to_have_text(HOSTILE)
    page.get_by_role("link", name="41", exact=True).click()
    expect(page.locator(".bubble")).to_have_text(HOSTILE)

    assert page.title() == "Message 1 · SMS sandbox"
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    seen.check(sandbox)
    page.close()


def test_all_of_it_works_by_keyboard(browser: Browser, sandbox: Running, client: Client) -> None:
    """Tab leads to the content, the search and a message; Enter searches and opens; the focus is seen and kept."""
    send(client, "41790000001", text="first apple")
    send(client, "41790000002", text="second pear")
    page = browser.new_page()
    page.goto(sandbox.url + "/sandbox/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Search", exact=True)).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.type("apple")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=apple&status=$"))
    expect(page.locator("tbody [id^=m]")).to_have_count(1)
    page.get_by_label("Search", exact=True).focus()
    for _ in range(4):  # the status, the button, Show all, the message
        page.keyboard.press("Tab")
    expect(page.locator("#m1")).to_be_focused()
    send(client, "41790000003", text="third apple")
    expect(page.get_by_role("link", name="41790000003")).to_be_visible()
    expect(page.locator("#m1")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Message 1 to 41790000001")
    page.close()


def test_a_report_is_sent_again_and_a_message_deleted_by_keyboard(
    browser: Browser, sandbox: Running, client: Client
) -> None:
    """The button keeps the focus while the page refreshes; deleting takes two steps and leads to the list."""
    page = browser.new_page()
    with CallbackServer() as server:
        send(client, "41790000001", text="first", notify_url=server.url)
        send(client, "41790000002", text="second")
        page.goto(sandbox.url + "/sandbox/message/1")
        again = page.get_by_role("button", name="Send again")
        expect(again).to_be_visible()
        again.focus()
        page.keyboard.press("Enter")
        server.wait(2)
        expect(page.locator("td[data-label=Attempts]")).to_have_text("2")
        expect(again).to_be_focused()
    page.locator("main .menu summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Delete this message")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(sandbox.url + "/sandbox/")
    expect(page.locator("tbody [id^=m]")).to_have_text(["41790000002"])
    page.close()


def test_it_works_without_script(browser: Browser, sandbox: Running, client: Client) -> None:
    """Search, clock and reset are forms: each leads back to a page that shows what has changed."""
    send(client, "9993020000005", text="apple")
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(sandbox.url + "/sandbox/?q=apple")
    page.get_by_role("button", name="Freeze").click()
    expect(page.locator("#pace")).to_have_text("frozen")
    page.get_by_role("button", name="+1 h").click()
    expect(page).to_have_url(sandbox.url + "/sandbox/?q=apple")
    expect(page.locator("tbody .pill").first).to_have_text("DELIVERED")
    page.locator("summary", has_text="Reset").click()
    page.get_by_role("button", name="Delete all messages").click()
    expect(page.locator("#pace")).to_have_text("running")
    expect(page.locator(".empty")).to_contain_text("No messages yet")
    page.context.close()


def test_a_reset_empties_the_page(browser: Browser, sandbox: Running, client: Client) -> None:
    """With script the list is empty at once, and what comes then is shown."""
    send(client, "41", text="one")
    page = browser.new_page()
    page.goto(sandbox.url + "/sandbox/")
    page.locator("summary", has_text="Reset").click()
    page.get_by_role("button", name="Delete all messages").click()
    expect(page.get_by_role("status")).to_have_text("0 messages")
    send(client, "42", text="two")
    expect(page.get_by_role("link", name="42", exact=True)).to_be_visible()
    page.close()


def test_a_fault_is_seen_and_switched_off(
    browser: Browser, sandbox: Running, client: Client
) -> None:
    """Switched on by a test while the page is open it is said without a reload; the button ends it."""
    page = browser.new_page()
    page.goto(sandbox.url + "/sandbox/")
    expect(page.get_by_role("button", name="Clear faults")).to_be_hidden()
    page.request.post(sandbox.url + "/sandbox/faults", data='{"id": "AUTH-003"}')
    expect(page.locator("#fault-summary")).to_have_text("AUTH-003 violated")
    shoot(page, "fault")
    with pytest.raises(ApiError):
        send(client, "41", text="rejected")
    page.get_by_role("button", name="Clear faults").click()
    expect(page.get_by_role("button", name="Clear faults")).to_be_hidden()
    send(client, "41", text="accepted")
    expect(page.get_by_role("link", name="41", exact=True)).to_be_visible()
    page.close()


def test_the_statement_is_one_link_away(browser: Browser, sandbox: Running) -> None:
    """From the list to the statement, with a row for each requirement that can be linked to."""
    page = browser.new_page()
    seen = Seen(page)
    page.goto(sandbox.url + "/sandbox/")
    page.get_by_role("link", name="conformance statement").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Conformance statement")
    expect(page.locator("#SEND-007 .pill")).to_have_text("yes")
    expect(page.locator("#AUTH-004 .pill")).to_have_text("no")
    seen.check(sandbox)
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read(
    browser: Browser, sandbox: Running, client: Client, scheme: Any
) -> None:
    """Every text has the contrast that WCAG 2 asks for, and no page is wider than a telephone."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 800})
    numbers = ("9990010000006", "9990020001009", "9990020000005", "9990010000015", "41")
    asked = {"notify_url": "http://127.0.0.1:9/", "from_": "InfoSMS", "callback_data": "shop 17"}
    send(client, *numbers, text="Your code is 4711. Do not pass it on to anybody.", **asked)
    send(client, "9993020000005", text="Καλημέρα 👋 " * 12, from_="Bank")
    targets = {
        "list": "",
        "message": "message/2",
        "long": "message/8",
        "requests": "requests",
        "statement": "statement",
    }
    for name, target in targets.items():
        page.goto(f"{sandbox.url}/sandbox/{target}")
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        low = [(text, ratio) for text, ratio in page.evaluate(LOOK) if ratio < CONTRAST]
        assert low == []
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = false })")
        page.set_viewport_size({"width": 1280, "height": 800})
        shoot(page, f"{name}-{scheme}")
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        shoot(page, f"{name}-{scheme}-narrow")
        page.set_viewport_size({"width": 1280, "height": 800})
    page.close()
