"""A sandbox in the process of a test, used as the tests of an application use it."""

from __future__ import annotations

import datetime as dt
import http.client
import logging
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs
import pytest

from infobip_sms import (
    ApiError,
    ApiKey,
    Destination,
    GeneralStatus,
    Message,
    Retry,
    SmsRequest,
    Track,
    Tracking,
    TransportError,
)
from infobip_sms.sandbox import AdminApiError, Sandbox, running
from infobip_sms.sandbox.runtime.asgi import SandboxASGI
from tests.client.calls import NEVER, PHONE, TEXT, ask
from tests.fakes.webhook_server import CallbackServer
from tests.sandbox.admin.calls import PATIENCE, call

if TYPE_CHECKING:
    from collections.abc import Iterator

both = pytest.mark.parametrize("wire", ["json", "xml"])
OTHER = "41793026834"


@pytest.fixture(name="shared", scope="module")
def fixture_shared() -> Iterator[Sandbox]:
    """Give one sandbox for all."""
    with running(delay=0) as sandbox:
        yield sandbox


@pytest.fixture(name="sandbox")
def fixture_sandbox(shared: Sandbox) -> Sandbox:
    """Give a sandbox that has just begun anew."""
    shared.close_clients()
    shared.reset()
    return shared


def build(*to: str, **message: Any) -> SmsRequest:
    """Return a request with one message."""
    destinations = [Destination(to=number) for number in to]
    return SmsRequest(messages=[Message(**{"text": TEXT, "destinations": destinations, **message})])


@both
def test_what_an_application_sends_is_there(sandbox: Sandbox, wire: Any) -> None:
    """With everything that a test may want to look at."""
    before = sandbox.clock.now()
    response = sandbox.client(wire).send(
        build(PHONE, from_="InfoSMS", text="Grüße <&>", callback_data="customer 42")
    )
    (message,) = sandbox.wait_for(to=PHONE, status="DELIVERED")

    assert message.message_id == response.messages[0].message_id
    assert (message.to, message.from_, message.text) == (PHONE, "InfoSMS", "Grüße <&>")
    assert (message.status_id, message.status_name) == (5, "DELIVERED_TO_HANDSET")
    assert (message.bulk_id, message.sms_count, message.is_final) == (None, 1, True)
    assert message.callback_data == "customer 42"
    assert message.sent_at is not None
    assert message.done_at is not None
    assert before <= message.sent_at <= message.done_at <= sandbox.clock.now()


def test_clicks_and_conversions_of_a_message_are_counted(sandbox: Sandbox) -> None:
    """Followed as a browser would, counted as the binding does; nothing is counted of other messages."""
    client, request = sandbox.client(), build(PHONE, text="See https://example.com/a, please")
    tracking = Tracking(track=Track.URL, type="SOCIAL_INVITES", base_url=sandbox.url)
    client.send(request)
    sent = client.send(attrs.evolve(request, tracking=tracking))
    _, tracked = sandbox.messages()
    client.record_conversion(sent.messages[0].message_id or "")
    link = urlsplit(tracked.text.split()[1].rstrip(","))
    response = call(sandbox.url, "GET", link.path)

    assert response.headers["location"] == "https://example.com/a"
    assert (tracked.clicks, tracked.conversions) == (0, 0)
    assert [(m.clicks, m.conversions) for m in sandbox.messages()] == [(0, 0), (1, 1)]


def test_messages_are_searched_by_the_names_of_the_binding(sandbox: Sandbox) -> None:
    """Every one of them, together and alone; in the order of acceptance."""
    client = sandbox.client()
    bulk = client.send(build(PHONE, OTHER, from_="InfoSMS", text="One")).bulk_id or ""
    made = client.send(build(OTHER, text="Two")).messages[0].message_id or ""
    searches: list[dict[str, Any]] = [
        {},
        {"to": f"+{OTHER}"},
        {"from_": "InfoSMS"},
        {"text": "w"},
        {"bulk_id": bulk, "to": OTHER},
        {"message_id": made},
        {"status": 5, "text": "One"},
        {"status": "REJECTED"},
    ]
    sandbox.wait_for(3, status="DELIVERED")
    found = [[message.text for message in sandbox.messages(**search)] for search in searches]

    assert found == [
        ["One", "One", "Two"],
        ["One", "Two"],
        ["One", "One"],
        ["Two"],
        ["One"],
        ["Two"],
        ["One", "One"],
        [],
    ]


def test_a_message_is_waited_for_in_any_thread(sandbox: Sandbox) -> None:
    """Whoever waits is told as soon as it is there, and of no other one."""
    found: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: found.extend(sandbox.wait_for(2, timeout=PATIENCE, to=PHONE))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for to in (PHONE, OTHER, PHONE):
        sandbox.client().send(ask(to))
    for thread in threads:
        thread.join(PATIENCE)

    assert [message.to for message in found] == [PHONE] * 8


def test_waiting_in_vain_says_what_there_is_and_nothing_private(sandbox: Sandbox) -> None:
    """The last ten messages by state, no text, no more of a number than its end."""
    with pytest.raises(TimeoutError) as none:
        sandbox.wait_for(timeout=0)
    client = sandbox.client()
    client.send(build("41", "9990010001006", PHONE))
    sandbox.wait_for(status="DELIVERED", count=2)
    with pytest.raises(TimeoutError) as some:
        sandbox.wait_for(2, timeout=0.05, to=PHONE, text=TEXT)
    client.send(build(*[OTHER] * 12))
    with pytest.raises(TimeoutError) as many:
        sandbox.wait_for(99, timeout=0)

    assert str(none.value) == "0 of 1 messages after 0 s; latest messages: none"
    assert str(some.value) == (
        "1 of 2 messages after 0.05 s; latest messages: * DELIVERED_TO_HANDSET, "
        "*06 REJECTED_NETWORK, *27 DELIVERED_TO_HANDSET"
    )
    assert str(many.value).count("*34 ") == str(many.value).count("*") == 10
    for error in (none, some, many):
        assert PHONE not in str(error.value)
        assert TEXT not in str(error.value)


def test_what_control_does_not_understand_is_said(sandbox: Sandbox) -> None:
    """By an error with its text; a search by what there is not is a mistake in the test itself."""
    with pytest.raises(AdminApiError, match=r"^status: expected the ID, name or group name"):
        sandbox.messages(status="SENT")
    with pytest.raises(AdminApiError, match=r"^wait: expected seconds from 0 to 600$"):
        sandbox.wait_for(timeout=601)
    with pytest.raises(
        AdminApiError, match=r"^ids: there is no fault of that ID; did you mean RESP-"
    ):
        sandbox.switch_on("RESP-999")
    with pytest.raises(AdminApiError, match="not in the past"):
        sandbox.clock.jump_to(dt.datetime(2015, 1, 1, tzinfo=dt.UTC))
    with pytest.raises(TypeError, match=r"^expected search criteria to, .*, got limit, sender$"):
        sandbox.messages(sender="x", limit="1")  # type: ignore[call-arg]  # that is the point
    with pytest.raises(TypeError):
        sandbox.forget(body="x")  # type: ignore[call-arg]  # likewise


def test_the_clock_of_a_sandbox_goes_where_a_test_wants_it(sandbox: Sandbox) -> None:
    """Frozen, forward, to an instant of any zone, to the next event, and on."""
    clock, client = sandbox.clock, sandbox.client()
    start = clock.freeze()
    day, hour = dt.timedelta(days=1), dt.timedelta(hours=1)
    client.send(build(PHONE, send_at=start + day))
    assert clock.now() == clock.freeze() == start
    assert clock.advance(0.5) == start + dt.timedelta(milliseconds=500)
    zone = dt.timezone(-2 * hour)
    assert clock.jump_to((start + hour).astimezone(zone)) == start + hour
    assert not sandbox.messages()[0].is_final
    assert clock.jump_to_next() == start + day
    assert sandbox.messages()[0].done_at == start + day
    assert clock.resume() >= start + day
    sandbox.reset()

    assert clock.now() < start + hour


def test_faults_are_switched_on_and_off(sandbox: Sandbox) -> None:
    """A broken rule, a rejection, a lost connection and a delay, as an application meets them."""
    client = sandbox.client(retry=None, timeout=NEVER)
    sandbox.switch_on("RESP-002")
    assert [entry.to for entry in client.send(build(PHONE, OTHER)).messages] == [OTHER, PHONE]
    sandbox.fail_with(429, retry_after=3)
    with pytest.raises(ApiError) as refused:
        client.send(ask())
    assert refused.value.status == 429
    sandbox.switch_off()
    sandbox.drop(after=True)
    with pytest.raises(TransportError) as lost:
        client.send(ask())
    assert lost.value.sent == "maybe"
    sandbox.switch_off()
    sandbox.delay(0.2)
    start = time.monotonic()
    assert [entry.to for entry in client.send(build(PHONE, OTHER)).messages] == [PHONE, OTHER]
    assert time.monotonic() - start >= 0.2
    assert len(sandbox.messages()) == 5


def test_a_client_that_tries_again_gets_through_a_share_of_troubles(sandbox: Sandbox) -> None:
    """Half of the requests are rejected with 503; with retries every message is there, once."""
    sandbox.fail_with(503, rate=0.5, retry_after=0)
    client = sandbox.client(retry=Retry(attempts=30))
    for number in range(20):
        client.send(ask(f"41793020{number:03}"))

    assert len({message.to for message in sandbox.messages()}) == len(sandbox.messages()) == 20


def test_messages_are_forgotten_and_everything_is(sandbox: Sandbox) -> None:
    """Some by a search, then all by a reset, after which ids are those of the first time."""
    client = sandbox.client()
    first = client.send(build(PHONE, OTHER))
    assert (sandbox.forget(to=OTHER), sandbox.forget(to=OTHER)) == (1, 0)
    assert [message.to for message in sandbox.messages()] == [PHONE]
    sandbox.reset()
    assert sandbox.messages() == []
    assert client.get_logs().results == ()
    again = client.send(build(PHONE, OTHER))

    assert [e.message_id for e in again.messages] == [e.message_id for e in first.messages]


def test_reports_to_notify_urls_are_seen(sandbox: Sandbox) -> None:
    """Acknowledged and waiting reports can be listed, for all messages or for some."""
    sandbox.clock.freeze()
    with CallbackServer() as good, CallbackServer(500) as bad:
        sandbox.client().send(build(PHONE, notify_url=good.url))
        sandbox.client().send(build(OTHER, notify_url=bad.url))
        sandbox.clock.advance(0)
    states = {report["to"]: report["state"] for report in sandbox.reports()}

    assert states == {PHONE: "acknowledged", OTHER: "waiting"}
    assert [report["to"] for report in sandbox.reports("acknowledged")] == [PHONE]
    assert sandbox.reports("dead") == sandbox.reports("acknowledged", to=OTHER) == []


def test_two_sandboxes_know_nothing_of_each_other() -> None:
    """Each has its port, messages, clock and faults; with one seed both give out the same ids."""
    with running(delay=0) as one, running(delay=0, frozen=True) as two:
        two.clock.advance(3600)
        two.fail_with(503)
        first = one.client().send(ask())
        with pytest.raises(ApiError):
            two.client(retry=None).send(ask())
        two.switch_off()
        second = two.client("xml").send(ask())
        with running(delay=0, seed="third") as three:
            third = three.client().send(ask())
        counts = [len(sandbox.messages()) for sandbox in (one, two)]
        ahead = two.clock.now() - one.clock.now()

    assert one.url != two.url
    assert counts == [1, 1]
    assert ahead > dt.timedelta(minutes=30)
    assert first.messages[0].message_id == second.messages[0].message_id
    assert third.messages[0].message_id != first.messages[0].message_id


def test_many_threads_may_use_a_sandbox(sandbox: Sandbox) -> None:
    """Eight senders, one client for all or one each, and whoever looks meanwhile; nothing is lost."""
    shared = sandbox.client()
    accepted: list[str] = []

    def work(place: int) -> None:
        client = shared if place % 2 else sandbox.client("xml")
        for number in range(25):
            response = client.send(ask(f"4179302{place}{number:03}"))
            accepted.append(response.messages[0].message_id or "")
            sandbox.messages(to=PHONE)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    found = sandbox.wait_for(200, timeout=PATIENCE, status="DELIVERED")
    for thread in threads:
        thread.join(PATIENCE)

    assert len(accepted) == len(set(accepted)) == 200
    assert sorted(message.message_id for message in found) == sorted(accepted)


def test_the_settings_of_a_sandbox_may_be_chosen() -> None:
    """The account, what it may do, and open readings; one that there is not is said at once."""
    with running(user=None, api_key="key", rate=1, frozen=True) as sandbox:
        assert sandbox.auth == ApiKey("key")
        client = sandbox.client(retry=None)
        client.send(ask())
        with pytest.raises(ApiError):
            client.send(ask())
    with running(user="me", password="mine") as sandbox:
        sandbox.client().send(ask())
    with pytest.raises(TypeError), running(dealy=0):
        pass  # pragma: no cover - it is not reached
    with pytest.raises(ValueError, match="READ-018"), running(readings={"READ-018": "406"}):
        pass  # pragma: no cover - likewise


# ---------------------------------------------------------------- beginning and end


def is_listening(url: str) -> bool:
    """Tell whether anybody takes connections there."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname, parts.port or 0)) == 0


def test_a_sandbox_ends_with_its_block() -> None:
    """Also by an error: the port is free, the thread is over, its clients are closed."""
    before = threading.active_count()
    for error in (None, KeyError):
        try:
            with running() as sandbox:
                client = sandbox.client(retry=None)
                client.send(ask())
                assert repr(sandbox) == f"Sandbox({sandbox.url})"
                assert is_listening(sandbox.url)
                if error:
                    raise error
        except KeyError:
            pass
        assert not is_listening(sandbox.url)
        assert threading.active_count() == before
        with pytest.raises(RuntimeError, match="closed"):
            client.send(ask())


def test_an_end_is_quick_and_quiet_whoever_waits(caplog: pytest.LogCaptureFixture) -> None:
    """Somebody waits for a message, somebody else for a delayed response: neither holds it up."""
    ended: list[BaseException] = []

    def note(what: Any) -> None:
        try:
            what()
        except (OSError, TransportError) as problem:
            ended.append(problem)

    with running() as sandbox:
        sandbox.delay(600)
        client = sandbox.client(retry=None, timeout=PATIENCE)
        waits = [lambda: sandbox.wait_for(timeout=600), lambda: client.send(ask())]
        threads = [threading.Thread(target=note, args=(wait,)) for wait in waits]
        for thread in threads:
            thread.start()
        for _ in range(5):
            sandbox.clock.now()
        connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=PATIENCE)
        connection.request("GET", "/sandbox/messages?wait=600")
        sandbox.clock.now()
    for thread in threads:
        thread.join(PATIENCE)
    connection.close()

    assert len(ended) == 2
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_a_sandbox_that_cannot_run_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks it is rejected, and the block ends."""

    async def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SandboxASGI, "_run_lifespan", fail)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with running() as sandbox, pytest.raises(ConnectionError):
        sandbox.reset()


def test_the_logging_of_the_process_is_left_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application that runs uvicorn itself keeps its loggers, and no request is logged."""
    names = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
    loggers = [logging.getLogger(name) for name in names]
    monkeypatch.setattr(loggers[1], "handlers", [caplog.handler])  # whatever else was set before
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, names[1])
    before = [(x.level, list(x.handlers), x.propagate, x.disabled) for x in loggers]
    with running(delay=0) as sandbox:
        sandbox.client().send(ask())
        sandbox.wait_for(to=PHONE, text=TEXT)
        during = [(x.level, list(x.handlers), x.propagate, x.disabled) for x in loggers]

    assert during == before
    assert any("Started server" in record.getMessage() for record in caplog.records)
    assert not any(record.name == "uvicorn.access" for record in caplog.records)
    assert PHONE not in caplog.text


def test_the_package_of_the_sandbox_loads_it_when_it_is_asked_for() -> None:
    """Importing it needs no extra; a name that it has not is an AttributeError."""
    code = (
        "import sys, infobip_sms.sandbox as s; print('uvicorn' in sys.modules, hasattr(s, 'nothing'),"
        " s.__all__ == [n for n in s.__all__ if getattr(s, n)], 'uvicorn' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)

    assert result.stdout.split() == ["False", "False", "True", "True"]


def test_the_status_of_the_logs_is_that_of_the_sandbox(sandbox: Sandbox) -> None:
    """What a test sees and what the application sees are one."""
    client = sandbox.client()
    client.send(build(PHONE, "9990010000009"))
    sandbox.wait_for(status="UNDELIVERABLE")
    (log,) = client.get_logs(general_status=GeneralStatus.UNDELIVERABLE).results
    (message,) = sandbox.messages(status="UNDELIVERABLE")

    assert (log.message_id, log.to) == (message.message_id, message.to)
