"""The client: what it repeats, how often, when, and what it says of it."""

from __future__ import annotations

import logging
import math
import pickle
import re
import socket
import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, get_args

import pytest

from infobip_sms import ApiError, Client, InvalidResponseError, Retry, TransportError
from infobip_sms.transport.retry import (
    AttemptFailure,
    Repeatable,
    RetryState,
    find_failure,
    find_retry_after,
)
from tests.client.calls import (
    AUTH,
    GOOD,
    NEVER,
    OK,
    PHONE,
    SEND,
    SOON,
    TEXT,
    ask,
    fail,
    reply,
    send,
    split,
)
from tests.fakes.scripted_server import Server

if TYPE_CHECKING:
    from infobip_sms import Attempt
    from tests.client.calls import Serve
    from tests.fakes.scripted_server import ReceivedRequest, Step

QUICK = Retry(attempts=3, wait_initial=0.01)
ALL: tuple[Repeatable, ...] = get_args(Repeatable)
DATES = {
    "IMF-fixdate": "Sun, 06 Nov 1994 08:49:38 GMT",
    "RFC-850": "Sunday, 06-Nov-94 08:49:38 GMT",
    "asctime": "Sun Nov  6 08:49:38 1994",
}
A_SECOND_BEFORE = "Date: Sun, 06 Nov 1994 08:49:37 GMT"


def busy(status: int, *more: str) -> bytes:
    """Return a rejection that asks to come back."""
    return reply(b"", status, "application/json", *more)


def outcomes(error: TransportError | ApiError | InvalidResponseError) -> list[str]:
    """Return what came of each attempt; numbers and times have to make sense."""
    attempts: tuple[Attempt, ...] = error.attempts
    assert [attempt.serial for attempt in attempts] == list(range(1, len(attempts) + 1))
    assert all(0 < attempt.duration < NEVER for attempt in attempts)
    assert attempts[-1].waited == 0
    return [attempt.outcome for attempt in attempts]


# ---------------------------------------------------------------- connection not made


def nowhere() -> str:
    """Return a URL at which nobody listens."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{nobody.getsockname()[1]}"


def test_a_refused_connection_is_tried_again() -> None:
    """Where nobody listens each attempt is certainly unsent, and the error tells of all of them."""
    with (
        Client(nowhere(), auth=AUTH, retry=QUICK) as client,
        pytest.raises(TransportError) as caught,
    ):
        client.send(ask())
    assert outcomes(caught.value) == ["the connection failed: connection refused"] * 3
    assert caught.value.sent == "no"
    assert [attempt.sent for attempt in caught.value.attempts] == ["no"] * 3
    words = "connection refused. The request was not sent after 3 attempts. "
    assert words in str(caught.value)


def test_a_server_that_comes_up_in_time_gets_the_message_once() -> None:
    """A connection that is rejected at first and made later carries the message one time."""
    url = nowhere()
    servers: list[Server] = []
    port = int(url.rpartition(":")[2])
    timer = threading.Timer(SOON, lambda: servers.append(Server("hear", OK, port=port)))
    timer.start()
    with Client(url, auth=AUTH, retry=Retry(attempts=50, wait_initial=0.1, wait_max=0.1)) as client:
        assert client.send(ask()).bulk_id == "BULK-ID-123-xyz"
    timer.join()
    assert len(servers[0].finish()) == 1


def test_a_host_that_does_not_exist_gets_nothing() -> None:
    """A name that cannot be looked up is a connection that was not made."""
    url = "https://nobody.invalid"
    with (
        Client(url, auth=AUTH, retry=QUICK, proxy=False) as client,
        pytest.raises(TransportError) as caught,
    ):
        client.send(ask())
    assert outcomes(caught.value) == ["the connection failed: host name not known"] * 3
    assert caught.value.sent == "no"


@pytest.mark.parametrize(
    "retry", [None, Retry.none(), Retry(attempts=1)], ids=["None", "none", "1"]
)
def test_repetition_can_be_switched_off(serve: Serve, retry: Retry | None) -> None:
    """Without repetition there is one attempt, whatever comes of it."""
    with (
        Client(nowhere(), auth=AUTH, retry=retry) as client,
        pytest.raises(TransportError) as caught,
    ):
        client.send(ask())
    assert len(caught.value.attempts) == 1
    server = serve("hear", busy(429, "Retry-After: 0"))
    assert outcomes(fail(ApiError, server, retry=retry)) == ["HTTP 429"]
    assert len(server.finish()) == 1


# ---------------------------------------------------------------- 429 and 503


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, ("Retry-After: 1",)),
        (503, ("retry-after:  1 ",)),
        (429, ("Retry-After: 0.9",)),
        (503, (f"Retry-After: {DATES['IMF-fixdate']}", A_SECOND_BEFORE)),
        *((429, (f"Retry-After: {date}", A_SECOND_BEFORE)) for date in DATES.values()),
    ],
    ids=["429-seconds", "503-spaces", "429-decimal", "503-IMF-fixdate", *DATES],
)
def test_retry_after_is_obeyed(serve: Serve, status: int, headers: tuple[str, ...]) -> None:
    """The next attempt comes when the server said, not earlier, and brings the response."""
    server = serve("hear", busy(status, *headers), "hear", OK)
    started = time.monotonic()
    assert send(server).bulk_id == "BULK-ID-123-xyz"
    assert 0.9 <= time.monotonic() - started < NEVER / 2
    first, second = server.finish()
    assert first == second


def test_a_date_counts_from_our_clock_if_the_server_shows_none(serve: Serve) -> None:
    """A date two seconds ahead, rounded down to whole seconds, is waited for."""

    def refuse(_: ReceivedRequest) -> bytes:
        return busy(429, f"Retry-After: {formatdate(time.time() + 2, usegmt=True)}")

    server = serve("hear", refuse, "hear", OK)
    started = time.monotonic()
    send(server)
    assert 0.9 <= time.monotonic() - started < NEVER / 2
    assert len(server.finish()) == 2


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "retry_after", ["0", DATES["IMF-fixdate"]], ids=["zero", "date-in-the-past"]
)
def test_a_retry_after_of_no_time_means_now(serve: Serve, status: int, retry_after: str) -> None:
    """Nought seconds, and a date that is over, are no reason to wait."""
    server = serve("hear", busy(status, f"Retry-After: {retry_after}"), "hear", OK)
    send(server, retry=Retry(wait_initial=NEVER, wait_max=NEVER))
    assert len(server.finish()) == 2


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retry_after", ["61", "86400", "9" * 400, "Sun, 06 Nov 2094 08:49:37 GMT"])
def test_a_retry_after_beyond_the_budget_ends_the_call_at_once(
    serve: Serve, status: int, retry_after: str
) -> None:
    """A server that asks for more time than there is does not get the message earlier."""
    server = serve("hear", busy(status, f"Retry-After: {retry_after}"))
    started = time.monotonic()
    error = fail(ApiError, server)
    assert time.monotonic() - started < NEVER / 2
    assert outcomes(error) == [f"HTTP {status}"]
    assert error.sent == "no"
    assert error.headers["retry-after"] == retry_after
    assert len(server.finish()) == 1


NONSENSE = ["", "soon", "-1", "1e3", "0x5", "٣", "1 2", "Sun, 99 Nov 1994 08:49:37 GMT", "NaN"]


@pytest.mark.parametrize("retry_after", NONSENSE, ids=ascii)
def test_a_retry_after_that_says_nothing_counts_as_none(serve: Serve, retry_after: str) -> None:
    """With nonsense a 429 is repeated after a wait of ours, and a 503 is not."""
    header = f"Retry-After: {retry_after}"
    server = serve("hear", busy(429, header))
    assert outcomes(fail(ApiError, server, retry=QUICK)) == ["HTTP 429"] * 3
    assert len(server.finish()) == 3
    server = serve("hear", busy(503, header))
    assert outcomes(fail(ApiError, server, retry=QUICK)) == ["HTTP 503"]
    assert len(server.finish()) == 1


def test_a_503_without_retry_after_may_have_been_taken(serve: Serve) -> None:
    """A gateway's 503 proves nothing about the server behind it, so it is not repeated."""
    server = serve("hear", busy(503))
    error = fail(ApiError, server, retry=QUICK)
    assert (error.sent, outcomes(error)) == ("maybe", ["HTTP 503"])
    assert len(server.finish()) == 1


def test_a_server_that_stays_busy_is_asked_as_often_as_allowed(serve: Serve) -> None:
    """The last rejection is the error, and it tells of all of them."""
    server = serve("hear", busy(429, "Retry-After: 0"))
    error = fail(ApiError, server, retry=Retry(attempts=5))
    assert outcomes(error) == ["HTTP 429"] * 5
    assert "HTTP 429 Too Many Requests. The request was not processed after 5 attempts. " in str(
        error
    )
    assert len(server.finish()) == 5


def test_the_budget_ends_repetition(serve: Serve) -> None:
    """With a budget of one second a call ends about then, however many attempts are left."""
    server = serve("hear", busy(429, "Retry-After: 0.2"))
    started = time.monotonic()
    error = fail(ApiError, server, retry=Retry(attempts=1000, timeout=1.0))
    assert time.monotonic() - started < NEVER / 2
    assert len(server.finish()) == len(error.attempts)
    assert 2 <= len(error.attempts) <= 5


def test_the_budget_cuts_the_last_attempt_short(serve: Serve) -> None:
    """Attempts that time out end within the budget too, but for the first."""
    server = serve("hear", "hold")
    started = time.monotonic()
    retry = Retry(attempts=10, timeout=2.6, wait_initial=0.01, on=["timeout"])
    error = fail(TransportError, server, timeout=2.0, retry=retry)
    assert time.monotonic() - started < 3.8  # four, if the second had its usual time
    assert len(error.attempts) == 2
    assert error.attempts[1].duration < 1.8
    assert len(server.finish()) == 2


# ---------------------------------------------------------------- everything else


ELSE: dict[str, tuple[tuple[Step, ...], Repeatable | None, type[Any]]] = {
    "400": (("hear", busy(400, "Retry-After: 0")), None, ApiError),
    "401": (("hear", busy(401, "Retry-After: 0")), None, ApiError),
    "404": (("hear", busy(404)), None, ApiError),
    "302": (("hear", busy(302, "Retry-After: 0")), None, InvalidResponseError),
    "unreadable": (("hear", reply(b"[]")), None, InvalidResponseError),
    "too-large": (
        ("hear", busy(200).replace(b"Length: 0", b"Length: 999999999")),
        None,
        InvalidResponseError,
    ),
    "500": (("hear", busy(500)), "server-error", InvalidResponseError),
    "502": (("hear", busy(502, "Retry-After: 0")), "server-error", InvalidResponseError),
    "503": (("hear", busy(503)), "server-error", ApiError),
    "504": (("hear", busy(504)), "server-error", InvalidResponseError),
    "reset": (("hear", "reset"), "broken", TransportError),
    "hung-up": (("hear", "close"), "broken", TransportError),
    "half-the-body": (("hear", split(OK), "close"), "broken", TransportError),
    "silence": (("hear", "hold"), "timeout", TransportError),
}


@pytest.mark.parametrize(("script", "name", "kind"), ELSE.values(), ids=ELSE.keys())
def test_anything_else_is_repeated_by_name_only(
    serve: Serve, script: tuple[Step, ...], name: Repeatable | None, kind: type[Any]
) -> None:
    """By default, and with every other name, the server sees the message once; by its name, again."""
    others = Retry(attempts=2, wait_initial=0.01, on={known for known in ALL if known != name})
    for retry in (QUICK, others):
        server = serve(*script)
        assert len(fail(kind, server, retry=retry, timeout=SOON).attempts) == 1
        assert len(server.finish()) == 1
    if name:
        server = serve(*script)
        error = fail(
            kind, server, timeout=SOON, retry=Retry(attempts=2, wait_initial=0.01, on=[name])
        )
        assert len(error.attempts) == 2
        assert error.sent == "maybe"
        assert len(server.finish()) == 2


def test_a_break_may_be_followed_by_a_response(serve: Serve) -> None:
    """Asked to repeat a break, the client returns the response of the second connection."""
    server = serve("hear", "reset", later=("hear", OK))
    assert send(server, retry=Retry(wait_initial=0.01, on=["broken"])).bulk_id == "BULK-ID-123-xyz"
    assert len(server.finish()) == 2


def test_one_attempt_that_may_have_arrived_is_enough(serve: Serve) -> None:
    """After a break a rejection cannot say that nothing was sent."""
    server = serve("hear", "reset", later=("hear", busy(400)))
    error = fail(ApiError, server, retry=Retry(wait_initial=0.01, on=["broken"]))
    assert outcomes(error) == [
        "the connection was lost: connection reset",
        "HTTP 400",
    ]
    assert [attempt.sent for attempt in error.attempts] == ["maybe", "no"]
    assert error.sent == "maybe"
    again = TransportError("the connection failed", "no", error.attempts)
    assert again.sent == "maybe"


def test_a_late_response_is_not_taken_for_the_next_attempt(serve: Serve) -> None:
    """What arrives after a timeout is on a connection of its own, which is not used again."""

    def dawdle(_: ReceivedRequest) -> bytes:
        time.sleep(2 * SOON)
        return reply(GOOD["json"].replace(b"BULK-ID-123-xyz", b"late"))

    server = serve("hear", dawdle, later=("hear", OK))
    response = send(server, timeout=SOON, retry=Retry(wait_initial=0.5, on=["timeout"]))
    assert response.bulk_id == "BULK-ID-123-xyz"
    assert [request.connection for request in server.finish()] == [0, 1]


# ---------------------------------------------------------------- what is said of it


def test_every_attempt_is_a_line_of_the_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Method, route, outcome, number, time, and the wait before the next; nothing else."""
    caplog.set_level(logging.INFO, "infobip_sms")
    server = serve(
        "hear", busy(429, "Retry-After: 0.05"), "hear", busy(503, "Retry-After: 0"), "hear", OK
    )
    send(server)
    route = "POST /sms/2/text/advanced"
    wanted = [
        rf"{route} -> HTTP 429, attempt 1 of 4, in 0\.\d\d\d s, next in 0\.050 s",
        rf"{route} -> HTTP 503, attempt 2 of 4, in 0\.\d\d\d s, next in 0\.000 s",
        rf"{route} -> HTTP 200, attempt 3 of 4, in 0\.\d\d\d s",
    ]
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 3
    for pattern, message in zip(wanted, messages, strict=True):
        assert re.fullmatch(pattern, message)
    assert {(record.name, record.levelname) for record in caplog.records} == {
        ("infobip_sms", "INFO")
    }
    assert [request.line for request in server.finish()] == [SEND] * 3


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        (TransportError, ("hear", "close")),
        (ApiError, ("hear", busy(400))),
        (InvalidResponseError, ("hear", busy(500))),
        (InvalidResponseError, ("hear", reply(b"[]"))),
    ],
    ids=["TransportError", "ApiError", "InvalidResponseError", "unreadable"],
)
def test_attempts_survive_pickle(serve: Serve, kind: type[Any], last: tuple[Step, ...]) -> None:
    """An error in another process tells of the same attempts, and ends with their number."""
    server = serve("hear", busy(429, "Retry-After: 0"), *last)
    error = fail(kind, server)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is kind
    assert copy.attempts == error.attempts
    assert [attempt.serial for attempt in copy.attempts] == [1, 2]
    assert (str(copy), repr(copy), copy.sent) == (str(error), repr(error), error.sent)
    assert " after 2 attempts. " in str(error)


def test_nothing_that_is_shown_of_a_repeated_call_is_secret(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """Log and error of three rejected attempts show neither key nor number nor text."""
    caplog.set_level(logging.DEBUG)

    def echo(request: ReceivedRequest) -> bytes:
        said = f"{request.find('authorization')} {request.body.decode()}"
        return busy(429, "Retry-After: 0", f"X-Echo: {said}")

    error = fail(ApiError, serve("hear", echo), retry=QUICK)
    shown = f"{error} {error!r} {error.attempts!r} {caplog.text}"
    assert caplog.text.count("HTTP 429") == 3
    assert not [word for word in (AUTH.key, PHONE, TEXT) if word in shown]


# ---------------------------------------------------------------- policy and arithmetic


@pytest.mark.parametrize(
    "options",
    [
        {"attempts": 0},
        {"attempts": 1.5},
        {"attempts": True},
        {"timeout": -1},
        {"timeout": math.nan},
        {"wait_initial": -0.1},
        {"wait_initial": "1"},
        {"wait_max": None},
        {"on": "timeout"},
        {"on": ["timeouts"]},
        {"on": None},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_rejected(options: dict[str, Any]) -> None:
    """The error is a sentence that names the setting."""
    with pytest.raises(ValueError, match=rf"^Retry\.{next(iter(options))}: expected "):
        Retry(**options)


def test_a_policy_is_a_value() -> None:
    """Two equal policies are equal, can be pickled, and cannot be changed."""
    policy = Retry(on=["broken", "timeout"])
    assert policy == Retry(on={"timeout", "broken"}) == pickle.loads(pickle.dumps(policy))  # noqa: S301
    with pytest.raises(AttributeError):
        policy.attempts = 9  # type: ignore[misc]


def test_something_else_than_a_policy_is_rejected() -> None:
    """A number is no policy."""
    with pytest.raises(ValueError, match=r"^retry: expected a Retry"):
        Client(auth=AUTH, retry=3)  # type: ignore[arg-type]


UNPROCESSED = AttemptFailure("HTTP 429", "no", "unprocessed")


@pytest.mark.parametrize(
    ("number", "least", "most"),
    [(1, 0.25, 0.5), (2, 0.5, 1), (3, 1, 2), (7, 10, 20), (5000, 10, 20)],
)
def test_waits_double_up_to_the_longest(number: int, least: float, most: float) -> None:
    """Half of a wait is certain and half is left to chance."""
    policy = Retry(attempts=9999)
    spent = RetryState(number, 0, 30)
    assert policy.next_wait(UNPROCESSED, spent, 0) == least
    assert policy.next_wait(UNPROCESSED, spent, 1) == most
    half = policy.next_wait(UNPROCESSED, spent, 0.5)
    assert half is not None
    assert least < half < most


def test_no_attempt_begins_with_too_little_time() -> None:
    """A quarter of the usual time has to be left; a clean rejection is not risked for less."""
    policy = Retry(timeout=60)
    failure = AttemptFailure("HTTP 429", "no", "unprocessed", 10.0)
    assert policy.next_wait(failure, RetryState(1, 42.5, 30), 0) == 10
    assert policy.next_wait(failure, RetryState(1, 42.6, 30), 0) is None
    assert policy.next_timeout(RetryState(0, 0, 90)) == 90
    assert policy.next_timeout(RetryState(1, 10, 30)) == 30
    assert policy.next_timeout(RetryState(1, 50, 30)) == 10
    assert policy.next_timeout(RetryState(1, 61, 30)) == 7.5


def test_a_date_is_counted_from_the_servers_own_clock() -> None:
    """A clock of ours that is an hour wrong neither hurries nor delays the next attempt."""
    headers = {"retry-after": DATES["IMF-fixdate"], "date": A_SECOND_BEFORE.partition(" ")[2]}
    assert find_retry_after(headers, now=0.0) == find_retry_after(headers, now=4e9) == 1
    assert find_retry_after({"retry-after": DATES["asctime"]}, now=784111777.5) == 0.5
    assert find_retry_after({}, now=0.0) is None


def test_a_date_without_a_zone_is_in_gmt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third form of a date names no zone; the zone of this machine does not matter."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert find_retry_after({"retry-after": DATES["asctime"]}, now=784111777.0) == 1
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("retry_after", ["9" * 400, "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_no_server_can_ask_for_a_wait_that_the_system_cannot_keep(retry_after: str) -> None:
    """A caller with all the time in the world gets a number that may be slept."""
    wait = find_retry_after({"retry-after": retry_after}, now=0.0)
    assert wait is not None
    assert 86_400 < wait < 2**32 / 1000


def test_what_the_server_says_may_be_longer_than_any_wait_of_ours() -> None:
    """The longest wait is for the client's own waits."""
    failure = AttemptFailure("HTTP 429", "no", "unprocessed", 25.0)
    assert Retry(wait_max=1).next_wait(failure, RetryState(1, 0, 30), 0) == 25


@pytest.mark.parametrize(
    ("status", "sent", "kind"),
    [
        (429, "no", "unprocessed"),
        (503, "maybe", "server-error"),
        (500, "maybe", "server-error"),
        (400, "no", "final"),
        (302, "maybe", "final"),
    ],
)
def test_a_status_says_what_it_proves(status: int, sent: str, kind: str) -> None:
    """Only a rejection proves that nothing was processed, and only 429 that it is worth another try."""
    failure = find_failure(status, {}, now=0.0)
    assert failure is not None
    assert (failure.sent, failure.kind) == (sent, kind)
    assert find_failure(200, {"retry-after": "1"}, now=0.0) is None
