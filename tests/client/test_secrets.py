"""The client: what is never shown, and what an error takes along."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import (
    ApiError,
    ApiKey,
    Basic,
    Bearer,
    Client,
    Error,
    IbssoToken,
    InvalidRequestError,
    InvalidResponseError,
    TransportError,
    Violation,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infobip_sms import Auth
    from tests.client.calls import Serve
    from tests.fakes.scripted_server import ReceivedRequest, Step


from tests.client.calls import (
    NEVER,
    OK,
    PHONE,
    TEXT,
    TYPES,
    ask,
    example,
    fail,
    reply,
    split,
)

SECRET = "hunter2-hunter2-hunter2"
BASIC = base64.b64encode(f"Aladdin:{SECRET}".encode()).decode()


def quote(request: ReceivedRequest) -> str:
    """Return all that a request said, in one line."""
    return f"{request.find('authorization')} {request.body.decode()}".replace("\n", " ")


def echo(body: Callable[[str], bytes], status: int, kind: str = "application/json") -> Step:
    """Return a step that sends the whole request back inside a body."""
    return lambda request: reply(body(quote(request)), status, kind, f"X-Echo: {quote(request)}")


def as_error(words: str) -> bytes:
    """Return a rejection that quotes the words, and a telephone number in place of its own word."""
    exception = {"messageId": PHONE, "text": words, "validationErrors": {words: [words]}}
    return json.dumps({"requestError": {"serviceException": exception}}).encode()


def as_members(words: str) -> bytes:
    """Return a response with the words where other types belong."""
    wrong = {"to": [words], "status": {words: words, "id": words, "groupId": {words: 1}}}
    return json.dumps({words: words, "messages": [wrong, words, {PHONE: words}]}).encode()


ECHOES: dict[str, tuple[Step, ...]] = {
    "accepted": (OK,),
    "rejected": (echo(as_error, 401),),
    "refused-in-html": (echo(lambda words: f"<p>{words}".encode(), 400, "text/html"),),
    "server-error": (echo(str.encode, 500, "text/plain"),),
    "wrong-types": (echo(as_members, 200),),
    "not-json": (echo(str.encode, 200),),
    "not-xml": (echo(lambda words: f"<p>{words}".encode(), 200, "application/xml"),),
    "wrong-root": (echo(lambda _: f"<x{PHONE}/>".encode(), 200, "application/xml"),),
    "redirect": (lambda r: reply(b"", 302, "text/html", f"Location: http://127.0.0.1/{quote(r)}"),),
    "broken": ("reset",),
    "not-http": (lambda request: quote(request).encode() + b"\r\n\r\n", "close"),
    "half": (lambda request: split(reply(quote(request).encode())), "close"),
    "too-large": (
        lambda r: reply(b"", 200, "text/html", f"X-Echo: {quote(r)}").replace(
            b"Length: 0", b"Length: 104857600"
        ),
    ),
}


@pytest.mark.parametrize(
    "auth",
    [Basic("Aladdin", SECRET), ApiKey(SECRET), IbssoToken(SECRET), Bearer(SECRET)],
    ids=lambda auth: type(auth).__name__,
)
@pytest.mark.parametrize("script", ECHOES.values(), ids=ECHOES.keys())
def test_nothing_shows_secrets_numbers_or_texts(
    serve: Serve,
    script: tuple[Step, ...],
    auth: Auth,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """No log, repr, error or traceback shows the key, the number or the text, even if echoed."""
    caplog.set_level(logging.DEBUG)
    server = serve("hear", *script)
    shown = [repr(auth), str(auth)]
    with Client(server.url, auth=auth, timeout=NEVER) as client:
        shown += [repr(client), str(client)]
        try:
            client.send(ask())
        except Error as error:
            shown += [str(error), repr(error), *traceback.format_exception(error)]
    assert {record.name for record in caplog.records} == {"infobip_sms"}
    shown += [f"{record.getMessage()} {vars(record)!r}" for record in caplog.records]
    shown += [caplog.text, *capfd.readouterr()]
    assert TEXT in quote(server.finish()[0])
    for word in (SECRET, BASIC, "Aladdin", PHONE, TEXT):
        assert not [line for line in shown if word in line], word


def list_locals(error: BaseException | None) -> Iterator[str]:
    """Yield the repr of each local variable in the tracebacks of an error and of those behind it."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                yield from (f"{frame.f_code.co_name}: {v!r}" for v in frame.f_locals.values())
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("script", [*ECHOES.values(), ("refuse",)], ids=[*ECHOES, "refused"])
def test_no_local_variable_shows_the_key(serve: Serve, script: tuple[Step, ...]) -> None:
    """Error trackers and pytest -l print local variables: none of any traceback shows the key."""
    server = serve("hear", *(OK if step == "refuse" else step for step in script))
    url = "http://127.0.0.1:9" if script == ("refuse",) else server.url
    found = []
    with Client(url, auth=ApiKey(SECRET), timeout=NEVER, retry=None) as client:
        try:
            client.send(ask())
        except Error as error:
            found = list(list_locals(error))
            assert len(found) > 5
        else:
            assert script == (OK,)

    assert not [line for line in found if SECRET in line]


@pytest.mark.parametrize("kind", [ApiKey, IbssoToken, Bearer])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("App KEY", "with the scheme"),
        ("bearer KEY", "with the scheme"),
        ("KEY\n", "a line break at its start or end"),
        (" KEY", "a blank at its start or end"),
    ],
)
def test_auth_005_what_is_copied_with_a_key_is_named(kind: Any, value: str, problem: str) -> None:
    """The scheme and a line break are rejected when the credentials are made, not on the first call."""
    with pytest.raises(InvalidRequestError, match=problem) as caught:
        kind(value)
    assert "KEY" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:0", "https://localhost:0"])
def test_port_0_is_rejected(url: str) -> None:
    """Port 0 is nobody's: it does not stand for the port of the scheme."""
    with pytest.raises(InvalidRequestError, match="base_url: expected http"):
        Client(url, auth=ApiKey(SECRET))


REFUSED: tuple[Step, ...] = (reply(example("unauthorized-error"), 401, TYPES["json"], "X-A: b"),)


@pytest.mark.parametrize(
    ("kind", "script", "options"),
    [
        (TransportError, ("close",), {}),
        (ApiError, REFUSED, {}),
        (InvalidResponseError, (reply(b"[]"),), {}),
        (InvalidRequestError, (OK,), {"auth": ApiKey("")}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_errors_survive_pickle(
    serve: Serve, kind: type[Error], script: tuple[Step, ...], options: dict[str, Any]
) -> None:
    """An error that was sent to another process has all that it had."""
    error = fail(kind, serve("hear", *script), **options)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is kind
    assert vars(error)
    assert vars(copy) == vars(error)
    assert (copy.args, str(copy), repr(copy)) == (error.args, str(error), repr(error))


def test_every_error_of_the_tree_is_an_error_and_says_what_it_is() -> None:
    """One except clause catches every branch, and the shown text names no body."""
    problem = Violation("messages", "nothing", "a list", "RESP-001")
    errors: list[tuple[Error, str]] = [
        (InvalidRequestError([problem]), "messages: expected a list, got nothing (RESP-001)"),
        (
            TransportError("the line was cut", "no"),
            "no response: the line was cut. The request was not sent.",
        ),
        (
            ApiError(403, b"body"),
            (
                "HTTP 403 Forbidden. The request was not processed. "
                "Check the scopes of the API key, and that the account may use this operation."
            ),
        ),
        (
            InvalidResponseError((problem,), None, b"body"),
            (
                "messages: expected a list, got nothing (RESP-001). The request may have been "
                "processed. Look the messages up (get_logs) before you send again."
            ),
        ),
    ]
    for error, text in errors:
        assert str(error) == text
        assert "body" not in repr(error)
