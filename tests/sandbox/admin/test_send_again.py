"""One message is deleted, and delivery reports are sent again by hand: by the admin API and by buttons."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms.sandbox import Sandbox, running
from tests.fakes.webhook_server import CallbackServer
from tests.sandbox.admin.calls import OTHER, TO, ask, call, send

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(name="running_one", scope="module")
def fixture_running_one() -> Iterator[Sandbox]:
    """Give one sandbox for all."""
    with running(delay=0) as sandbox:
        yield sandbox


@pytest.fixture(name="sandbox")
def fixture_sandbox(running_one: Sandbox) -> Sandbox:
    """Give a sandbox that has just begun anew."""
    running_one.reset()
    return running_one


def wait_for_report(sandbox: Sandbox, state: str, attempts: int = 0) -> dict[str, Any]:
    """Return the only report, as soon as it is in a state."""
    while True:
        found = sandbox.reports()
        if found and found[0]["state"] == state and found[0]["attempts"] >= attempts:
            return found[0]
        time.sleep(0.005)


def press(sandbox: Sandbox, order: str, number: object) -> int:
    """Press a button of a page."""
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": sandbox.url}
    body = f"do={order}&number={number}".encode()
    return call(sandbox.url, "POST", "/sandbox/do", body, form).status


def test_an_acknowledged_report_is_sent_again(sandbox: Sandbox) -> None:
    """The same report, once more; an application must cope with that."""
    with CallbackServer() as server:
        send(sandbox.url, TO, notifyUrl=server.url)
        server.wait(1)
        wait_for_report(sandbox, "acknowledged")
        again = sandbox.send_again(to=TO)
        server.wait(2)
        first, second = server.heard

    assert again == 1
    assert first.body == second.body


def test_a_waiting_report_does_not_have_to_wait(sandbox: Sandbox) -> None:
    """It is due in a minute; sent again it is acknowledged now, with both attempts counted."""
    with CallbackServer(503, 200) as server:
        send(sandbox.url, TO, notifyUrl=server.url)
        server.wait(1)
        report = wait_for_report(sandbox, "waiting", attempts=1)
        status = press(sandbox, "send-again", report["report"])
        after = wait_for_report(sandbox, "acknowledged")

    assert status == 303
    assert (after["attempts"], after["reason"]) == (2, "")


def test_what_is_not_posted_is_not_sent_again_either(sandbox: Sandbox) -> None:
    """A host that is not allowed stays out of reach."""
    send(sandbox.url, TO, notifyUrl="http://192.0.2.1/x")
    wait_for_report(sandbox, "dead")

    assert ask(sandbox.url, "POST", "reports").plain == {"sent": 0}
    assert len(sandbox.reports("dead")) == 1


def test_one_message_is_deleted(sandbox: Sandbox) -> None:
    """By its number on the page, whatever else has the same ID."""
    send(sandbox.url, TO, OTHER)
    serials = [m["serial"] for m in ask(sandbox.url, "GET", "messages").plain["messages"]]

    assert press(sandbox, "delete", serials[0]) == 303
    assert [m.to for m in sandbox.messages()] == [OTHER]
    assert ask(sandbox.url, "DELETE", f"messages?serial={serials[1]}").plain == {"deleted": 1}
    assert ask(sandbox.url, "DELETE", f"messages?serial={serials[1]}").plain == {"deleted": 0}


@pytest.mark.parametrize("order", ["delete", "send-again"])
@pytest.mark.parametrize("number", ["", "x", "-1", "1&number="])
def test_a_button_without_its_number_does_nothing(
    sandbox: Sandbox, order: str, number: str
) -> None:
    """Least of all to every message."""
    send(sandbox.url, TO)

    assert press(sandbox, order, number) == 400
    assert len(sandbox.messages()) == 1


@pytest.mark.parametrize(
    "query", ["report=0", "report=x", "serial=", "state=lost", "limit=1", "report=1&report=2"]
)
def test_a_slip_sends_nothing(sandbox: Sandbox, query: str) -> None:
    """400, and no report is sent."""
    assert ask(sandbox.url, "POST", f"reports?{query}").status == 400
