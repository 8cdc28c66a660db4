"""The sandbox on a socket, with the real client on one side and a callback server on the other."""

from __future__ import annotations

import datetime as dt
import http.client
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from infobip_sms_schema import (
    DeliveryTimeWindow,
    GeneralStatus,
    MessageV1,
    NotifyContentType,
    SmsRequestV1,
    Tracking,
)

from infobip_sms import ApiError, Basic, Client, Destination, Message, SmsRequest, SmsResponse
from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.config import SandboxSettings
from infobip_sms.sandbox.lifecycle.webhooks import get_dead_letters
from infobip_sms.sandbox.runtime.asgi import make_asgi
from infobip_sms.sandbox.state.state import State
from infobip_sms.webhooks import parse_delivery_reports
from tests.fakes.webhook_server import CallbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infobip_sms.sandbox.state.rows import WebhookDelivery

both = pytest.mark.parametrize("wire", ["json", "xml"])
SETTINGS = SandboxSettings("Aladdin", "open sesame", seed="session", delay=0.05)


class Clock:
    """The time of the machine, and as much later as a test expects."""

    def __init__(self) -> None:
        self.ahead = dt.timedelta()

    def __call__(self) -> dt.datetime:
        """Return the instant that it is for the sandbox."""
        return dt.datetime.now(dt.UTC) + self.ahead


class Running:
    """A sandbox on a socket, in a thread, whose state and clock a test can see."""

    def __init__(self) -> None:
        self.clock, self.state = Clock(), State()
        application = make_asgi(App(SETTINGS), self.state, self.clock)
        config = uvicorn.Config(application, port=0, log_level="critical", ws="none")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        wait_for(lambda: self.server.started)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it and wait until it has ended."""
        self.server.should_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()


def wait_for(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.005)


@pytest.fixture(name="sandbox", scope="module")
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


def find_push(sandbox: Running, response: SmsResponse) -> WebhookDelivery | None:
    """Return the last push for the first message of an answer."""
    (sms, *_) = sandbox.state.get_messages_by_id(response.messages[0].message_id or "")
    found = [p for p in list(sandbox.state.deliveries.values()) if p.message_serial == sms.serial]
    return found[-1] if found else None


def is_tried(sandbox: Running, response: SmsResponse, count: int) -> bool:
    """Tell whether that push has been tried so often."""
    delivery = find_push(sandbox, response)
    return delivery is not None and delivery.attempts == count


def build(*to: str, **message: Any) -> SmsRequest:
    """Return a request with one message."""
    return SmsRequest(messages=[Message(destinations=[Destination(to=t) for t in to], **message)])


@both
def test_reports_come_to_the_callback_in_order(sandbox: Running, client: Client, wire: Any) -> None:
    """Intermediate, then final when the seconds of the number are over, in the format that was asked for."""
    with CallbackServer() as callback:
        media = NotifyContentType(f"application/{wire}")
        asked = build(
            "9999920000005",
            "9999920000009",
            text="Hi",
            notify_url=f"{callback.url}/here?a=b",
            notify_content_type=media,
            intermediate_report=True,
            callback_data="mine <&>",
        )
        response = client.send(asked, wire=wire)
        early = len(callback.wait(2))
        sandbox.clock.ahead += dt.timedelta(seconds=99)
        client.get_logs(limit=1)  # any request wakes it
        captured = callback.wait(4)
    results = [parse_delivery_reports(h.body, h.content_type).results[0] for h in captured]
    names = [entry.message_id for entry in response.messages]
    times = [(r.sent_at, r.done_at) for r in results]

    assert early == 2
    assert {(h.path, h.content_type) for h in captured} == {("/here?a=b", media.value)}
    assert [r.message_id for r in results] == names * 2
    assert [r.status.id for r in results if r.status] == [3, 3, 5, 9]
    assert {r.callback_data for r in results} == {"mine <&>"}
    assert [(done - sent).total_seconds() for sent, done in times if sent and done] == [
        0,
        0,
        99,
        99,
    ]


def test_a_report_that_was_not_taken_comes_again_a_minute_later(
    sandbox: Running, client: Client
) -> None:
    """A 500 and a redirection are no acceptance; the clock of the sandbox decides, and nothing is followed."""
    with CallbackServer(500, 302, 200, body=b"x" * 200_000) as callback:
        response = client.send(build("41", text="Hi", notify_url=callback.url))
        for count, wait in ((1, 1), (2, 2)):
            callback.wait(count)
            wait_for(partial(is_tried, sandbox, response, count))
            sandbox.clock.ahead += dt.timedelta(minutes=wait)
            client.get_logs(
                limit=1
            )  # any request wakes it; by itself it looks at its clock each minute
        captured = callback.wait(3)
        wait_for(partial(is_tried, sandbox, response, 3))
        delivery = find_push(sandbox, response)

    assert delivery is not None
    assert delivery.final_state == "acknowledged"
    assert [h.path for h in captured] == ["/"] * 3
    assert len({h.body for h in captured}) == 1


def test_a_callback_that_hangs_keeps_nobody_waiting(client: Client) -> None:
    """Reports for one server wait for each other, those for another do not."""
    with CallbackServer(pause=1.5) as slow, CallbackServer() as quick:
        client.send(build("41", "42", text="Hi", notify_url=slow.url))
        client.send(build("43", text="Hi", notify_url=quick.url))
        (first,) = quick.wait(1)
        captured = slow.wait(2)

    assert first.at < captured[1].at
    assert captured[1].at - captured[0].at >= 1.4


def test_a_callback_that_is_not_there_is_noted(sandbox: Running, client: Client) -> None:
    """No connection counts as an attempt, with the reason."""
    with CallbackServer() as gone:
        url = gone.url
    response = client.send(build("41", text="Hi", notify_url=url))
    wait_for(partial(is_tried, sandbox, response, 1))
    delivery = find_push(sandbox, response)

    assert delivery is not None
    assert delivery.reason == "connection refused"
    assert delivery.final_state is None


def test_nothing_is_pushed_beyond_this_machine(
    sandbox: Running, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The documented URL gets nothing; that is said once, without its path, and kept as a dead letter."""
    known = len(get_dead_letters(sandbox.state))
    for _ in range(2):
        client.send(build("41", text="Hi", notify_url="https://www.example.com/sms/secret"))
    wait_for(lambda: len(get_dead_letters(sandbox.state)) == known + 2)
    said = [r.getMessage() for r in caplog.records if "sandbox" in r.name]

    assert len(said) == 1
    assert "www.example.com" in said[0]
    assert "secret" not in said[0]


@both
def test_every_operation_of_the_client_is_answered(client: Client, wire: Any) -> None:
    """A session through all of it: send, look up, fetch once, preview, schedule, track, version 1."""
    response = client.send(build("9990000000005", "41", text="Hi", from_="InfoSMS"), wire=wire)
    names = [entry.message_id or "" for entry in response.messages]
    delivered = GeneralStatus.DELIVERED
    wait_for(lambda: len(client.get_logs(message_id=names, general_status=delivered).results) > 1)
    logs = client.get_logs(message_id=names, from_="InfoSMS", wire=wire).results
    reports = client.fetch_delivery_reports(message_id=names[1], wire=wire).results
    preview = client.preview("Hello", wire=wire).previews

    assert [log.message_id for log in logs] == names[::-1]
    assert [report.message_id for report in reports] == [names[1]]
    assert client.fetch_delivery_reports(message_id=names[1], wire=wire).results == ()
    assert client.fetch_delivery_reports(message_id=names[0], wire=wire).results == ()
    assert (preview[0].message_count, preview[0].characters_remaining) == (1, 155)


@both
def test_a_bulk_is_scheduled_moved_and_cancelled_by_the_client(client: Client, wire: Any) -> None:
    """What the client's methods for bulks do is done."""
    later = dt.datetime(2040, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    bulk = client.send(build("41", text="Hi", send_at=later), wire=wire).bulk_id or ""
    moved = later + dt.timedelta(days=1)

    assert client.get_scheduled(bulk, wire=wire).send_at == later
    assert client.reschedule(bulk, moved, wire=wire).send_at == moved
    assert client.get_scheduled_status(bulk, wire=wire).status == "PENDING"
    assert client.set_scheduled_status(bulk, "PAUSED", wire=wire).status == "PAUSED"
    assert client.set_scheduled_status(bulk, "CANCELED", wire=wire).status == "CANCELED"
    with pytest.raises(ApiError) as refusal:
        client.reschedule(bulk, later, wire=wire)
    assert refusal.value.status == 400
    with pytest.raises(ApiError) as unknown:
        client.get_scheduled("none/such?", wire=wire)
    assert unknown.value.status == 404


@both
def test_conversions_and_links_work_through_the_client(
    sandbox: Running, client: Client, wire: Any
) -> None:
    """A tracked message converts under any name; its link leads on by the sandbox's own address."""
    name = f"a/b ü%?#{wire}"
    asked = SmsRequest(
        messages=[
            Message(
                destinations=[Destination(to="41", message_id=name)],
                text="See http://example.com/x",
            )
        ],
        tracking=Tracking(track="URL"),
    )
    response = client.send(asked, wire=wire)
    converted = client.record_conversion(name, wire=wire)
    (log,) = client.get_logs(message_id=name).results
    link = (log.text or "").split()[-1]
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    connection.request("GET", urlsplit(link).path)
    reply = connection.getresponse()
    connection.close()

    assert converted.process_key == response.tracking_process_key
    assert link.startswith(sandbox.url + "/s/")
    assert (reply.status, reply.getheader("location")) == (302, "http://example.com/x")
    with pytest.raises(ApiError):
        client.record_conversion("unknown", wire=wire)


@pytest.mark.filterwarnings("ignore:send_v1 uses:DeprecationWarning")
@both
def test_version_1_answers_the_client(client: Client, wire: Any) -> None:
    """send_v1 in both formats, with counts."""
    message = MessageV1(destinations=[Destination(to="41")], text="x" * 161)
    response = client.send_v1(SmsRequestV1(messages=[message]), wire=wire)

    assert response.messages[0].sms_count == 2


def test_the_clock_of_the_shell_moves_everything(sandbox: Running, client: Client) -> None:
    """A message that waits for its window is sent when the clock gets there."""
    day = (sandbox.clock() + dt.timedelta(days=1)).strftime("%A").upper()
    window = DeliveryTimeWindow(days=[day])
    response = client.send(build("41", text="Hi", delivery_time_window=window))
    name = response.messages[0].message_id or ""
    (before,) = client.get_logs(message_id=name).results
    sandbox.clock.ahead += dt.timedelta(days=1)
    (after,) = client.get_logs(message_id=name).results

    assert before.sent_at is None
    assert after.sent_at is not None
    assert after.sent_at.strftime("%A %H:%M").upper() == f"{day} 00:00"


def test_the_sandbox_keeps_time_by_itself(sandbox: Running, client: Client) -> None:
    """What is due happens without any further request."""
    response = client.send(build("9990010000005", text="Hi"))
    name = response.messages[0].message_id or ""
    wait_for(lambda: sandbox.state.get_messages_by_id(name)[0].done_at is not None)

    assert sandbox.state.get_messages_by_id(name)[0].status == 5
