"""First mistakes: each error says what to write, and what it says to write works."""

from __future__ import annotations

import datetime as dt
import pickle
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import (
    ApiKey,
    AsyncClient,
    Basic,
    Client,
    Destination,
    InvalidRequestError,
    Message,
    MessageV1,
    SmsRequest,
    SmsRequestV1,
    Tracking,
)
from tests.client.calls import AUTH, NEVER, PHONE, example, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.calls import Serve

client: Any = Client("http://127.0.0.1:1", auth=AUTH, retry=None)
message: Any = Message
destination: Any = Destination
make_client: Any = Client
make_async_client: Any = AsyncClient
make_request: Any = SmsRequest
make_tracking: Any = Tracking
key: Any = ApiKey

ONE_MESSAGE = 'Write Message(destinations=["41793026727"], text="Hello", from_="InfoSMS")'
SEND_TEXT = 'send_text("41793026727", "Hello", from_="InfoSMS")'
A_CLIENT = 'Write Client("https://xxxxx.api.infobip.com", auth=ApiKey("…"))'
MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "send a string": (lambda: client.send("Hello"), SEND_TEXT),
    "send a list of strings": (lambda: client.send(["Hello"]), SEND_TEXT),
    "send number and text": (lambda: client.send(PHONE, "Hello"), SEND_TEXT),
    "send with names": (lambda: client.send(to=PHONE, text="Hello"), SEND_TEXT),
    "send nothing": (client.send, SEND_TEXT),
    "send a Destination": (lambda: client.send(Destination(PHONE)), "Write Message(destinations="),
    "send a dict": (lambda: client.send({"to": PHONE}), ONE_MESSAGE),
    "send of version 1": (lambda: client.send(MessageV1(destinations=PHONE)), "Use send_v1."),
    "send_v1 of version 2": (lambda: client.send_v1(message(destinations=PHONE)), "Use send."),
    "Message to": (lambda: message(to=PHONE, text="Hello"), "for to is destinations. Write"),
    "Message by position": (lambda: message("Hello"), ONE_MESSAGE),
    "Message without destinations": (lambda: message(text="Hello"), ONE_MESSAGE),
    "Message sender": (lambda: message(sender="A"), "The argument for sender is from_."),
    "Message sendAt": (lambda: message(sendAt=1), "The argument for sendAt is send_at."),
    "a dict as destinations": (lambda: message(destinations={"to": PHONE}), "Write Destination("),
    "a dict as destination": (lambda: message(destinations=[{"to": PHONE}]), "Write Destination("),
    "a number as destinations": (lambda: message(destinations=int(PHONE)), 'such as "41793026727"'),
    "a number as destination": (lambda: destination(int(PHONE)), 'such as "41793026727"'),
    "bytes as text": (lambda: message(destinations=PHONE, text=b"a"), "Decode it first"),
    "no zone": (lambda: message(destinations=PHONE, send_at=dt.datetime(2030, 1, 1)), "tzinfo=UTC"),  # noqa: DTZ001 - the mistake
    "a time as text": (lambda: message(destinations=PHONE, send_at="2030-01-01"), "tzinfo=UTC"),
    "half a minute": (lambda: message(destinations=PHONE, validity_period=2.5), "or a timedelta"),
    "SmsRequest by position": (lambda: make_request([]), "Write SmsRequest(messages=[message])."),
    "Tracking by another name": (lambda: make_tracking(tracks="SMS"), "for tracks is track."),
    "send_text without to": (lambda: client.send_text(text="Hello"), f"Write {SEND_TEXT}."),
    "send_text sender": (lambda: client.send_text(PHONE, "a", sender="A"), "The sender is from_."),
    "preview language": (
        lambda: client.preview("a", language="TR"),
        "The language is language_code.",
    ),
    "with_options wire": (lambda: client.with_options(wire="xml"), "of each call. Write with_opt"),
    "send_text in Greek": (
        lambda: client.send_text(PHONE, "a", transliteration="GREEK"),
        "use send(Message(...))",
    ),
    "send_text body": (lambda: client.send_text(PHONE, body="a"), "The text is text."),
    "send_text number": (lambda: client.send_text(number=PHONE, text="a"), "The number is to."),
    "send_text later": (
        lambda: client.send_text(PHONE, "a", send_at=dt.timedelta(1)),
        "now(UTC) +",
    ),
    "send_text without text": (lambda: client.send_text(PHONE, None), "text: expected a string"),
    "send_text to several": (lambda: client.send_text([PHONE], "a"), "send(Message(destinations="),
    "a number with blanks": (lambda: client.send_text("+41 79 302-67", "a"), "the digits alone"),
    "minutes in words": (lambda: message(destinations=PHONE, validity_period="2h"), "a timedelta"),
    "a URL of version 3": (
        lambda: make_client("https://a.example/sms/3/messages", auth=AUTH),
        'Write "https://a.example".',
    ),
    "trust_http with a URL": (
        lambda: make_client("http://a.example", auth=AUTH, trust_http=["http://a.example"]),
        "host names, without scheme",
    ),
    "journal as a number": (lambda: client.send_many([], journal=5), "the path of a file"),
    "skip as a number": (
        lambda: list(client.send_many([message(destinations=PHONE)], skip=5)),
        "skip: expected numbers",
    ),
    "Client api_key": (lambda: make_client(api_key="abc"), A_CLIENT),
    "Client key by position": (lambda: make_client("https://a.example", "abc"), A_CLIENT),
    "Client key as auth": (lambda: make_client(auth="abc"), 'Write auth=ApiKey("…").'),
    "Client pair as auth": (lambda: make_client(auth=("a", "b")), "Write auth=Basic("),
    "Client class as auth": (lambda: make_client(auth=ApiKey), 'Write auth=ApiKey("…").'),
    "Client verify": (lambda: make_client(verify=False, auth=AUTH), "TLS is always verified"),
    "AsyncClient api_key": (lambda: make_async_client(api_key="abc"), A_CLIENT[6:]),
    "no scheme": (lambda: make_client("a.example", auth=AUTH), 'Write "https://a.example".'),
    "no scheme here": (lambda: make_client("localhost:8080", auth=AUTH), '"http://localhost:8080"'),
    "plain http": (lambda: make_client("http://a.example", auth=AUTH), '"https://a.example"'),
    "upper case": (lambda: make_client(auth=AUTH, wire="XML"), 'Write "xml".'),
    "a number of retries": (lambda: make_client(auth=AUTH, retry=3), "Retry(attempts=3)"),
    "a key with its scheme": (lambda: key("App abc"), "Leave out the scheme: ApiKey adds its own."),
    "an empty key": (lambda: key(""), "got an empty string"),
}


@pytest.mark.filterwarnings("ignore:send_v1 uses")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_first_mistake_says_what_to_write(name: str) -> None:
    """The sentence has it, and shows nothing of what was given that may be personal."""
    mistake, expected = MISTAKES[name]
    with pytest.raises((TypeError, ValueError)) as caught:
        mistake()

    assert expected in str(caught.value)
    assert "abc" not in str(caught.value)


def test_a_wrong_call_inside_a_method_keeps_its_own_words(serve: Serve) -> None:
    """Only a call that itself does not fit gets the hint, not every TypeError within."""

    class Broken:
        def header(self, needed: str) -> str:
            return needed

    with pytest.raises(TypeError) as caught:
        make_client("http://127.0.0.1:1", auth=Broken()).send_text(PHONE, "Hello")

    assert "Write" not in str(caught.value)
    serve().finish()


def test_a_hint_survives_a_pickle() -> None:
    """An error that comes from another process says the same."""
    with pytest.raises(InvalidRequestError) as caught:
        client.send("Hello")

    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - its own


def test_a_document_gets_no_hint_for_python() -> None:
    """What is wrong in JSON is said in terms of JSON."""
    with pytest.raises(InvalidRequestError) as caught:
        SmsRequest.from_json('{"messages": ["Hello"]}')

    assert "send_text" not in str(caught.value)


def test_an_empty_user_name_is_left_to_the_server() -> None:
    """Only a key or token must not be empty: Basic has always two parts."""
    assert Basic("a", "").header() == "Basic YTo="


async def _send_v1(url: str) -> None:
    async with AsyncClient(url, auth=AUTH, timeout=NEVER) as other:
        await other.send_v1(SmsRequestV1(messages=MessageV1(destinations=PHONE)))


def test_v1_001_the_asyncio_client_warns_where_it_is_called(serve: Serve) -> None:
    """The warning names the caller's own line, not a thread, and comes once."""
    import asyncio  # noqa: PLC0415 - for this test alone

    server = serve("hear", reply(example("v1-response")))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(_send_v1(server.url))
    server.finish()

    assert [(w.filename, w.category) for w in caught] == [(__file__, DeprecationWarning)]


def test_a_missing_extra_is_named() -> None:
    """What needs an extra says which one, and how to install it."""
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['starlette', 'opentelemetry']))\n"
        "for name in ('sandbox', 'otel'):\n"
        "    try:\n"
        "        __import__(f'infobip_sms.{name}', fromlist=['running']).running\n"
        "    except ModuleNotFoundError as error:\n"
        "        print(error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines() == [
        "starlette is not installed; run: pip install 'infobip-sms[sandbox]'",
        "opentelemetry is not installed; run: pip install 'infobip-sms[otel]'",
    ]
