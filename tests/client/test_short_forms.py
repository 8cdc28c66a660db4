"""The short forms: every natural first attempt sends the same bytes, or says what to write."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import (
    ApiKey,
    Basic,
    Client,
    Day,
    DeliveryTimeWindow,
    Destination,
    InvalidRequestError,
    InvalidResponseError,
    Language,
    LanguageCode,
    Message,
    NotifyContentType,
    Retry,
    SmsRequest,
    SmsResponse,
    TimeOfDay,
    Track,
    Tracking,
    Transliteration,
)
from infobip_sms.codecs import wire_json, wire_xml
from tests.client.calls import AUTH, NEVER, OK, PHONE, TYPES, both, example, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.calls import Serve

LONG = SmsRequest(messages=[Message(destinations=[Destination(to=PHONE)], text="Hello")])
SHORT: dict[str, Callable[[Client], object]] = {
    "a message": lambda c: c.send(Message(destinations=[Destination(PHONE)], text="Hello")),
    "a list of messages": lambda c: c.send([Message(destinations=[PHONE], text="Hello")]),
    "a generator": lambda c: c.send(Message(destinations=[to], text="Hello") for to in [PHONE]),
    "destinations as strings": lambda c: c.send(Message(destinations=[PHONE], text="Hello")),
    "a tuple": lambda c: c.send(Message(destinations=(PHONE,), text="Hello")),
    "one string": lambda c: c.send(Message(destinations=PHONE, text="Hello")),
    "send_text": lambda c: c.send_text(PHONE, "Hello"),
    "send_text to a Destination": lambda c: c.send_text(Destination(PHONE), "Hello"),
}


@both
@pytest.mark.parametrize("form", SHORT)
def test_each_short_form_sends_what_the_long_one_does(serve: Serve, wire: Any, form: str) -> None:
    """The body is the one that the long form has, in both formats."""
    codec: Any = {"json": wire_json, "xml": wire_xml}[wire]
    server = serve("hear", reply(example("documented-response", wire), 200, TYPES[wire]))
    with Client(server.url, auth=AUTH, wire=wire, timeout=NEVER) as client:
        SHORT[form](client)
    (request,) = server.finish()

    assert request.body == codec.dump_model(LONG)


def test_send_text_returns_the_entry_of_its_message(serve: Serve) -> None:
    """The message's own id and status come back, and the sender goes out."""
    response = example("documented-response")
    server = serve("hear", reply(response))
    with Client(server.url, auth=AUTH, timeout=NEVER) as client:
        sent = client.send_text(PHONE, "Hello", from_="InfoSMS")
    (request,) = server.finish()

    assert sent == wire_json.parse_response(response, SmsResponse).messages[0]
    assert b'"from":"InfoSMS"' in request.body
    assert sent.http is not None
    assert (sent.http.status, sent.http.attempts) == (200, 1)


def test_send_text_takes_what_one_text_may_have(serve: Serve) -> None:
    """Its options are those of a Message, by the same names."""
    options: dict[str, Any] = {
        "from_": "InfoSMS",
        "send_at": dt.datetime(2030, 1, 31, 8, tzinfo=dt.UTC),
        "validity_period": dt.timedelta(hours=2),
        "flash": True,
        "language": "TR",
        "notify_url": "https://example.com/reports",
        "callback_data": "customer 42",
    }
    server = serve("hear", OK)
    with Client(server.url, auth=AUTH, timeout=NEVER) as client:
        client.send_text(PHONE, "Hello", **options)
    (request,) = server.finish()

    wanted = SmsRequest(messages=Message(destinations=PHONE, text="Hello", **options))
    assert request.body == wire_json.dump_model(wanted)


def test_send_text_has_one_destination() -> None:
    """Several numbers are rejected: the status of one would stand for all."""
    several: Any = [PHONE, PHONE]
    with (
        Client("http://127.0.0.1:1", auth=AUTH) as client,
        pytest.raises(
            InvalidRequestError, match=r"^to: expected one phone number, got a list of 2"
        ),
    ):
        client.send_text(several, "Hello")


def test_resp_001_send_text_without_an_entry_is_an_invalid_response(serve: Serve) -> None:
    """A response that says nothing about the message is not taken for an accepted one."""
    server = serve("hear", reply(b'{"messages":[]}'))
    with (
        Client(server.url, auth=AUTH, timeout=NEVER) as client,
        pytest.raises(InvalidResponseError, match="RESP-001"),
    ):
        client.send_text(PHONE, "Hello")
    server.finish()


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (Destination(PHONE), Destination(to=PHONE)),
        (Language("TR"), Language(language_code=LanguageCode.TR)),
        (TimeOfDay(hour=6), TimeOfDay(hour=6, minute=0)),
        (TimeOfDay(6, 30), TimeOfDay(hour=6, minute=30)),
        (Tracking(track="URL"), Tracking(track=Track.URL)),
        (
            DeliveryTimeWindow(from_=dt.time(6), to=dt.time(18, 30), days=["MONDAY", Day.TUESDAY]),
            DeliveryTimeWindow(
                from_=TimeOfDay(hour=6, minute=0),
                to=TimeOfDay(hour=18, minute=30),
                days=[Day.MONDAY, Day.TUESDAY],
            ),
        ),
        (
            Message(
                destinations=(to for to in [PHONE, PHONE]),
                language="TR",
                transliteration="GREEK",
                notify_content_type="application/xml",
                validity_period=dt.timedelta(hours=2),
            ),
            Message(
                destinations=[Destination(to=PHONE), Destination(to=PHONE)],
                language=Language(language_code=LanguageCode.TR),
                transliteration=Transliteration.GREEK,
                notify_content_type=NotifyContentType.APPLICATION_XML,
                validity_period=120,
            ),
        ),
    ],
)
def test_a_plain_value_becomes_what_the_model_holds(short: object, long: object) -> None:
    """Both are equal and have one hash, and enums are held as enums."""
    assert short == long
    assert repr(short) == repr(long)
    assert hash(short) == hash(long)


@pytest.mark.parametrize(
    ("build", "path", "expected"),
    [
        (lambda: Message(destinations=[PHONE, "abc"]), "destinations[1]", "a number in internat"),
        (lambda: Message(destinations=""), "destinations[0]", "a phone number"),
        (lambda: Message(destinations=PHONE, language="XX"), "language", "one of TR, ES, PT"),
        (
            lambda: Message(destinations=PHONE, validity_period=dt.timedelta(seconds=90)),
            *("validity_period", "a whole number"),
        ),
    ],
)
def test_a_plain_value_that_stands_for_nothing_is_rejected_at_its_place(
    build: Callable[[], object], path: str, expected: str
) -> None:
    """The path is the one that was written, and what is expected is a value for it."""
    with pytest.raises(InvalidRequestError) as caught:
        build()
    (violation,) = caught.value.violations

    assert violation.path == f"Message.{path}"
    assert violation.expected.startswith(expected)


@pytest.mark.parametrize(
    "time", [dt.time(6, 0, 1), dt.time(6, tzinfo=dt.timezone(dt.timedelta(hours=1)))]
)
def test_win_001_a_time_that_is_not_a_minute_in_utc_is_rejected(time: dt.time) -> None:
    """Seconds and other zones have no form in a window."""
    with pytest.raises(
        InvalidRequestError, match=r"DeliveryTimeWindow\.from_: expected a TimeOfDay"
    ):
        DeliveryTimeWindow(from_=time, to=dt.time(18), days=["MONDAY"])


def test_win_006_a_document_without_minute_is_rejected_as_before() -> None:
    """The default is that of the Python argument; a request must have the field."""
    body = b'{"messages":[{"destinations":[{"to":"41"}],"deliveryTimeWindow":{"days":["MONDAY"],"from":{"hour":6},"to":{"hour":7,"minute":0}}}]}'
    with pytest.raises(InvalidRequestError) as caught:
        wire_json.parse_request(body, SmsRequest)
    assert [(v.path, v.actual, v.requirement_id) for v in caught.value.violations] == [
        ("messages[0].deliveryTimeWindow.from.minute", "nothing", "WIN-006")
    ]


def test_a_model_is_not_changed_through_a_list_that_it_was_made_with() -> None:
    """The list is copied, and what the model holds has no way to be changed."""
    numbers = [PHONE]
    message = Message(destinations=numbers)
    numbers.append("abc")

    assert message.destinations == (Destination(PHONE),)


def test_a_response_is_iterated_and_counted() -> None:
    """Its entries are those of ``messages``."""
    response = wire_json.parse_response(example("documented-response"), SmsResponse)

    assert list(response) == list(response.messages)
    assert len(response) == len(response.messages) > 1
    assert response[0] is response.messages[0]


def test_a_client_of_the_environment_has_its_server_and_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Base URL and key, or user and password, are those that the command line reads."""
    for name in ("API_KEY", "USER", "PASSWORD", "BASE_URL"):
        monkeypatch.delenv(f"INFOBIP_{name}", raising=False)
    with pytest.raises(ValueError, match="INFOBIP_API_KEY, or INFOBIP_USER and INFOBIP_PASSWORD"):
        Client.from_env()
    monkeypatch.setenv("INFOBIP_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("INFOBIP_USER", "Aladdin")
    with pytest.raises(ValueError, match="INFOBIP_PASSWORD"):
        Client.from_env()
    monkeypatch.setenv("INFOBIP_PASSWORD", "open sesame")
    with Client.from_env(wire="xml") as client:
        assert repr(client) == "Client(http://127.0.0.1:9)"
        assert client._auth.header() == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    monkeypatch.setenv("INFOBIP_API_KEY", "hunter2")
    with pytest.raises(ValueError, match="got both"):
        Client.from_env()
    monkeypatch.delenv("INFOBIP_USER")
    with Client.from_env() as client:
        assert client._auth == ApiKey("hunter2")


@pytest.mark.parametrize(
    ("cls", "names", "right"),
    [
        (Retry, {"backoff": 1}, "wait_initial"),
        (Retry, {"max_retries": 3}, "attempts"),
        (Retry, {"wait_initail": 3}, "wait_initial"),
        (ApiKey, {"api_key": "secret"}, "key"),
        (Basic, {"user": "secret", "password": "secret"}, "username"),
    ],
)
def test_a_wrong_argument_of_a_setting_is_answered_with_the_right_one(
    cls: Any, names: dict[str, Any], right: str
) -> None:
    """Retry and the credentials say which argument is meant, as models do, and quote no value."""
    with pytest.raises(TypeError, match=f"is {right}. Write {cls.__name__}") as caught:
        cls(**names)

    assert "secret" not in str(caught.value)
