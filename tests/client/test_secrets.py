"""The client: what is never shown, and what an error takes along."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import sys
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from infobip_sms_conformance.cli import cli as suite
from infobip_sms_conformance.transport.credentials import read_token

from infobip_sms import (
    ApiError,
    ApiKey,
    AsyncClient,
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
from infobip_sms.cli import cli
from infobip_sms.cli.base.server_options import _require_bare_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import click

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


def raise_from_env(monkeypatch: pytest.MonkeyPatch, **environment: str) -> None:
    """Make a client of an environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    Client.from_env(proxy=f"http://a:{SECRET}@127.0.0.1:9/x")


def interrupt_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupt a call while its headers are written."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("http.client.HTTPConnection.endheaders", interrupt)
    monkeypatch.setattr("infobip_sms.transport.connections._DeadlineConnection.connect", interrupt)
    with Client("http://127.0.0.1:9", auth=ApiKey(SECRET)) as client:
        client.send(ask())


def share_options() -> None:
    """Make a client with other headers, one of which is not allowed."""
    with Client("http://127.0.0.1:9", auth=ApiKey("k")) as client:
        client.with_options(headers={"X-Key": SECRET, "Host": SECRET})


PRINT_SECRET = f"""{sys.executable} -c "print('a b', '-'.join(['hunter2'] * 3))" """
MISTAKES: dict[str, Callable[[pytest.MonkeyPatch], object]] = {
    **{
        f"{kind.__name__} {name}": partial(lambda kind, value, _: kind(value), kind, value)
        for kind in (ApiKey, IbssoToken, Bearer)
        for name, value in {
            "scheme": f"App {SECRET}",
            "line break": f"{SECRET}\n",
            "inside": f"a\n{SECRET}",
            "bytes": SECRET.encode(),
            "list": [SECRET],
        }.items()
    },
    "ApiKey twice": lambda _: ApiKey(SECRET, SECRET),  # type: ignore[call-arg]
    "ApiKey other name": lambda _: ApiKey(kye=SECRET),  # type: ignore[call-arg]
    "Basic colon": lambda _: Basic("a:b", SECRET),
    "Basic surrogate": lambda _: Basic("a", f"{SECRET}\ud800"),
    "Basic none": lambda _: Basic(None, SECRET),  # type: ignore[arg-type]
    "auth": lambda _: Client(auth=SECRET),  # type: ignore[arg-type]
    "proxy": lambda _: Client(auth=ApiKey("k"), proxy=f"http://a:{SECRET}@h/x"),
    "proxy of another type": lambda _: Client(auth=ApiKey("k"), proxy=[SECRET]),  # type: ignore[arg-type]
    "base_url": lambda _: Client(f"https://a:{SECRET}@h", auth=ApiKey("k")),
    "headers": lambda _: Client(auth=ApiKey("k"), headers={"X-Key": SECRET, "X-Y": "\n"}),
    "async": lambda _: AsyncClient(auth=ApiKey("k"), headers={"X-Key": SECRET}, timeout=-1),
    "options": lambda _: share_options(),
    "environment": lambda m: raise_from_env(m, INFOBIP_API_KEY=f"App {SECRET}"),
    "proxy of from_env": lambda m: raise_from_env(m, INFOBIP_API_KEY="k"),
    "password": lambda m: raise_from_env(m, INFOBIP_USER="a:b", INFOBIP_PASSWORD=SECRET),
    "command": lambda _: _require_bare_key(f"App {SECRET}"),
    "token command": lambda _: read_token(PRINT_SECRET),
    "interrupt": interrupt_send,
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_with_a_key_shows_it_in_no_local_variable(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Constructors, settings, the environment and the command line let go of what they were given."""
    for variable in ("INFOBIP_API_KEY", "INFOBIP_USER", "INFOBIP_PASSWORD", "INFOBIP_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - of several kinds
        MISTAKES[name](monkeypatch)

    shown = [repr(caught.value), *traceback.format_exception(caught.value)]
    assert not [line for line in [*list_locals(caught.value), *shown] if SECRET in line]


def list_options(command: click.Command) -> Iterator[click.Parameter]:
    """Yield the options of a command and of those below it."""
    yield from command.params
    for below in getattr(command, "commands", {}).values():
        yield from list_options(below)


def test_options_with_a_secret_do_not_show_it() -> None:
    """What click passes on of a key, a password, a token or a header shows nothing in a local variable."""
    names = {"api_key", "password", "token_command", "header"}
    found = [o for group in (cli, suite) for o in list_options(group) if o.name in names]
    values = [option.type.convert(f"X: {SECRET}", option, None) for option in found]

    assert {option.name for option in found} == names
    assert SECRET not in repr(values)
    assert all(SECRET in "".join(value) for value in values)


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
        (InvalidRequestError, (OK,), {"headers": {"Host": "x"}}),
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
            "messages: expected a list, got nothing (RESP-001)",
        ),
    ]
    for error, text in errors:
        assert str(error) == text
        assert "body" not in repr(error)
