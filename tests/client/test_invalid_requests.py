"""The client: what it rejects before a byte leaves."""

from __future__ import annotations

import pickle
import re
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import (
    ApiKey,
    Basic,
    Bearer,
    Client,
    Destination,
    IbssoToken,
    InvalidRequestError,
    Message,
    SmsRequest,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms import Auth
    from tests.client.calls import Serve


from tests.client.calls import AUTH, NEVER, OK, PHONE, ask, both, example, fail, reply


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080",
        "http://127.9.9.9",
        "http://[::1]:8080/x",
        "http://localhost",
        "HTTP://LOCALHOST:80/",
        "https://api.infobip.com",
        "https://127.0.0.1.example.com/",
        "HTTPS://example.com:8443/gateway",
    ],
)
def test_auth_005_https_and_loopback_are_fine(url: str) -> None:
    """Any host is fine over https, and loopback hosts over http."""
    with Client(url, auth=AUTH) as client:
        assert url.partition(":")[0].lower() in repr(client)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.infobip.com",
        "HTTP://API.INFOBIP.COM",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://localhost.localdomain.example",
        "http://notlocalhost",
        "http://127-0-0-1.example.com",
        "http://example.com/127.0.0.1",
        "http://example.com#@127.0.0.1",
        "http://example.com?@127.0.0.1",
        "http://example.com\\@127.0.0.1",
        "http://127.0.0.1@example.com",
        "http://128.0.0.1",
        "http://10.0.0.1",
        "http://192.168.1.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://[fe80::1]",
        "http://[2001:db8::1]",
    ],
)
def test_auth_005_plain_http_to_other_hosts_is_rejected(url: str) -> None:
    """Plain http to anything but loopback is rejected when the client is made."""
    with pytest.raises(InvalidRequestError) as caught:
        Client(url, auth=AUTH)
    assert [(v.path, v.requirement_id) for v in caught.value.violations] == [
        ("base_url", "AUTH-005")
    ]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.infobip.com",
        "//api.infobip.com",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "https://",
        "https://:443",
        "https:api.infobip.com",
        "https://api.infobip.com:99999",
        "https://api.infobip.com:port",
        "https://api.infobip.com?key=hunter2",
        "https://user:hunter2@api.infobip.com",
        "http://user:hunter2@127.0.0.1",
        "https://api.infobip.com\r\nX: y",
        "https://api infobip.com",
        "https://api%20infobip.com",
        "https://api,infobip.com",
        " https://api.infobip.com",
    ],
)
def test_auth_005_a_base_url_of_another_form_is_rejected(url: str) -> None:
    """What is no http or https URL of a host is rejected, and not quoted."""
    with pytest.raises(InvalidRequestError) as caught:
        Client(url, auth=AUTH)
    assert [(v.path, v.requirement_id) for v in caught.value.violations] == [
        ("base_url", "AUTH-005")
    ]
    assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize("scheme", [ApiKey, IbssoToken, Bearer])
@pytest.mark.parametrize(
    "middle",
    ["\r", "\n", "\r\n", "\r\n X-Other: 1", " ", "\t", "\0", "\x7f", "\x85", "é", "€", "\u2028"],
    ids=ascii,
)
def test_auth_005_a_key_that_a_header_cannot_carry_is_rejected(
    scheme: Callable[[str], Auth], middle: str
) -> None:
    """Line breaks, spaces, controls and non-ASCII in a key are rejected when it is made."""
    for key in (f"hunter2{middle}hunter2", f"hunter2{middle}", f"{middle}hunter2"):
        with pytest.raises(InvalidRequestError) as caught:
            scheme(key)
        (violation,) = caught.value.violations
        assert violation.path in {"key", "token"}
        assert violation.requirement_id == "AUTH-005"
        assert "hunter2" not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize("scheme", [ApiKey, IbssoToken, Bearer])
def test_auth_005_an_empty_key_is_rejected(scheme: Callable[[str], Auth]) -> None:
    """An empty key is rejected when the credentials are made."""
    with pytest.raises(InvalidRequestError, match=r"got an empty string \(AUTH-005\)"):
        scheme("")


@pytest.mark.parametrize("value", [None, b"hunter2", 4711], ids=["None", "bytes", "number"])
@pytest.mark.parametrize(
    ("scheme", "path"),
    [
        (ApiKey, "key"),
        (IbssoToken, "token"),
        (Bearer, "token"),
        (lambda value: Basic(value, "secret"), "username"),
        (lambda value: Basic("user", value), "password"),
    ],
    ids=["ApiKey", "IbssoToken", "Bearer", "user", "password"],
)
def test_auth_005_a_key_that_is_no_string_is_rejected_at_once(
    scheme: Callable[[Any], Auth], path: str, value: Any
) -> None:
    """A variable of the environment that is not set does not go out as the key None."""
    with pytest.raises(InvalidRequestError, match=rf"^{path}: expected a string, got ") as caught:
        scheme(value)
    assert not re.search("hunter2|4711", f"{caught.value} {caught.value!r}")


def test_auth_003_a_user_with_a_colon_is_rejected() -> None:
    """A colon in the user's name, which the server would take for the end of it, is rejected."""
    with pytest.raises(InvalidRequestError) as caught:
        Basic("hunter2:x", "secret")
    assert [(v.path, v.requirement_id) for v in caught.value.violations] == [
        ("username", "AUTH-003")
    ]
    assert "hunter2" not in repr(caught.value)


@both
@pytest.mark.parametrize(
    ("spoil", "path", "requirement"),
    [
        pytest.param(
            lambda r: object.__setattr__(r, "messages", ()),
            *("messages", "SEND-002"),
            id="SEND-002",
        ),
        pytest.param(
            lambda r: object.__setattr__(r.messages[0], "destinations", ()),
            *("messages[0].destinations", "SEND-005"),
            id="SEND-005",
        ),
        pytest.param(
            lambda r: object.__setattr__(r, "messages", (*r.messages, PHONE)),
            *("messages[1]", "SEND-002"),
            id="SEND-002-string",
        ),
    ],
)
def test_a_request_that_was_spoilt_later_is_not_sent(
    serve: Serve, wire: Any, spoil: Callable[[SmsRequest], None], path: str, requirement: str
) -> None:
    """What was forced into a request after it was made is looked at again before sending."""
    server, request = serve("hear", OK), ask()
    spoil(request)
    with Client(server.url, auth=AUTH) as client, pytest.raises(InvalidRequestError) as caught:
        client.send(request, wire=wire)
    assert [(v.path, v.requirement_id) for v in caught.value.violations] == [(path, requirement)]
    assert server.finish() == []
    assert server.connections == 0


class OwnAuth:
    """Authorization that a user wrote."""

    def __init__(self, value: str) -> None:
        self.value = value

    def header(self) -> str:
        """Return whatever it was made with."""
        return self.value


@pytest.mark.parametrize("value", ["App hunter2\r\nX-Other: 1", "App hunter2\u20ac", "hunter2", ""])
def test_auth_005_a_users_own_authorization_is_checked(serve: Serve, value: str) -> None:
    """A header that cannot be sent is rejected before anything is, and not shown."""
    server = serve("hear", OK)
    error = fail(InvalidRequestError, server, auth=OwnAuth(value))

    assert [v.requirement_id for v in error.violations] == ["AUTH-005"]
    assert "hunter2" not in str(error) + repr(error)
    server.finish()
    assert server.connections == 0


def test_text_001_a_lone_surrogate_is_no_password() -> None:
    """A password that no encoding carries is rejected when it is given, and not shown."""
    with pytest.raises(InvalidRequestError) as caught:
        Basic("user", "hunter2\ud800")
    assert "hunter2" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    "url", ["https://h/#x", "https://" + "a" * 64 + ".example", "https://a..b"]
)
def test_auth_005_a_base_url_that_has_no_host_is_rejected(url: str) -> None:
    """A fragment, or a host name that no name server can be asked for, is rejected at once."""
    with pytest.raises(InvalidRequestError, match="base_url"):
        Client(url, auth=AUTH)


def test_the_repr_of_a_client_is_a_url() -> None:
    """An address of IP version 6 is in brackets."""
    with Client("http://[::1]:8080/path", auth=AUTH) as client:
        assert repr(client) == "Client(http://[::1]:8080)"


def test_text_002_what_xml_cannot_carry_is_not_sent(serve: Serve) -> None:
    """A text with a control character is rejected with its path for XML, and nothing is sent."""
    server = serve("hear", OK)
    message = Message(destinations=[Destination(to=PHONE)], text="a\x00b")
    with Client(server.url, auth=AUTH) as client, pytest.raises(InvalidRequestError) as caught:
        client.send(SmsRequest(messages=[message]), wire="xml")
    assert [v.path for v in caught.value.violations] == ["messages[0].text"]
    server.finish()
    assert server.connections == 0


@pytest.mark.parametrize("auth", [None, "App key", ("user", "password")])
def test_auth_005_what_is_no_authorization_is_rejected_at_once(auth: Any) -> None:
    """A client is not made with anything that cannot give an Authorization header."""
    with pytest.raises(InvalidRequestError, match=r"^auth: .* \(AUTH-005\)\. Write auth="):
        Client("https://api.infobip.com", auth=auth)


@pytest.mark.parametrize("request_", ["text", None, {"messages": []}])
def test_send_002_what_is_no_request_is_rejected(serve: Serve, request_: Any) -> None:
    """Something else than a request is rejected before anything is sent."""
    server = serve("hear", OK)
    with (
        Client(server.url, auth=AUTH) as client,
        pytest.raises(InvalidRequestError, match="SmsRequest"),
    ):
        client.send(request_)
    server.finish()
    assert server.connections == 0


def test_a_timeout_that_is_none_is_the_callers_error(serve: Serve) -> None:
    """A negative timeout is not taken for a network that failed, and nothing is sent."""
    server = serve("hear", OK)
    with Client(server.url, auth=AUTH) as client, pytest.raises(ValueError, match="timeout"):
        client.send(ask(), timeout=-1)
    server.finish()
    assert server.connections == 0


@both
@pytest.mark.parametrize("sender", ["+4179302670", "InfoSMS\n", "   ", "a\u202eb", "a\tbc"])
def test_send_003_a_sender_that_nobody_means_is_not_sent(sender: str, wire: Any) -> None:
    """A plus, a line break, blanks and what cannot be seen are rejected before sending."""
    message = Message(from_=sender, destinations=PHONE, text="Hello")
    with (
        Client("http://127.0.0.1:1", auth=AUTH, wire=wire) as client,
        pytest.raises(InvalidRequestError, match="without \\+") as caught,
    ):
        client.send(message)
    (violation,) = caught.value.violations
    assert (violation.path, violation.value) == ("messages[0].from", sender)
    assert sender not in f"{caught.value}{violation!r}"


def test_send_003_a_long_number_with_plus_is_told_apart() -> None:
    """The message says that the plus is the problem, not the length."""
    with pytest.raises(InvalidRequestError, match="a numeric sender without \\+"):
        Message(from_="+41793026700", destinations=PHONE)


def test_send_008_numbers_without_country_code_are_logged(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """No country code begins with 0; the log says how to write the number, and shows none."""
    server = serve("hear", reply(example("documented-response")))
    with Client(server.url, auth=AUTH, timeout=NEVER) as client:
        client.send(Message(destinations=["0041793026727", "0793026727", PHONE], text="Hello"))
    server.finish()
    (warning,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert warning.startswith("2 destinations begin with 0")


def test_the_offending_value_is_an_attribute_and_shown_nowhere() -> None:
    """It is neither part of the text nor of the repr, of equality or of a pickle."""
    with pytest.raises(InvalidRequestError) as caught:
        Message(destinations="41 79", text="Hello")
    (violation,) = caught.value.violations
    copy = pickle.loads(pickle.dumps(violation))  # noqa: S301 - our own bytes
    assert violation.value == "41 79"
    assert copy == violation
    assert copy.value is None
    assert "41 79" not in f"{violation} {violation!r}"
