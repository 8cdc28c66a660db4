"""Every error of the tree, provoked for real: the sentence alone says what to do.

``pytest -s`` prints the list.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from infobip_sms import (
    ApiError,
    Client,
    Error,
    InvalidRequestError,
    InvalidResponseError,
    Message,
    TransportError,
)
from tests.client.calls import AUTH, GOOD, OK, PHONE, SOON, TYPES, ask, example, reply, split

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.calls import Serve

ROUTE = "POST /sms/2/text/advanced"


def provoke(kind: type[Error], url: str, *parts: str, **options: object) -> str:
    """Send to a URL; check and print the sentence of the error, and return it."""
    with Client(url, auth=AUTH, retry=None, proxy=False, **options) as client:  # type: ignore[arg-type]
        with pytest.raises(kind) as caught:
            client.send(ask())
        sentence = str(caught.value)
    host = url.partition("://")[2]
    for part in (f"{ROUTE} ({host}", *parts):
        assert part in sentence
    assert isinstance(caught.value, TransportError | ApiError | InvalidResponseError)
    plain = caught.value.to_dict()
    assert plain["message"] == sentence
    assert (plain["method"], plain["path"]) == tuple(ROUTE.split())
    assert plain["advice"] in sentence
    print(f"{type(caught.value).__name__}: {sentence}\n")
    return sentence


def test_a_refused_connection() -> None:
    """It names the port and says that nothing was sent."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        provoke(
            TransportError,
            url,
            "connection refused",
            "was not sent",
            "Check that the server is running",
        )


def test_an_unknown_host() -> None:
    """It names the host, and says that its spelling may be wrong."""
    url = "https://name-not-known.invalid"
    provoke(TransportError, url, "host name not known", "was not sent", "Check the host name")


def test_certificates(
    serve: Serve, tls: ssl.SSLContext, expired: ssl.SSLContext, certificate: Path
) -> None:
    """Self-signed, of an unknown authority, for another host, and expired are four sentences."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate, certificate.with_name("ca.key"))
    lonely = serve("hear", OK, tls=own).url
    provoke(
        TransportError, lonely, "self-signed", "was not sent", "pass its certificate's file as ca"
    )
    url = serve("hear", OK, tls=tls).url
    provoke(TransportError, url, "unknown authority", "was not sent", "pass the authority's")
    other = serve("hear", OK, tls=tls).url.replace("127.0.0.1", "localhost")
    provoke(TransportError, other, "for another host name", "Check the host name", ca=certificate)
    late = serve("hear", OK, tls=expired).url
    provoke(TransportError, late, "expired", "clock", ca=certificate)


def test_https_to_a_server_without_tls(serve: Serve) -> None:
    """It says that the scheme may be wrong."""
    server = serve("await", b"HTTP/1.1 400 Bad Request\r\n\r\n", "close")
    url = server.url.replace("http:", "https:")
    provoke(TransportError, url, "does not speak TLS", "was not sent", "Check the scheme")


REJECTIONS = {
    400: (
        "bad-request-error",
        "BAD_REQUEST: Bad request",
        "was not processed",
        "Correct the request",
    ),
    401: ("unauthorized-error", "UNAUTHORIZED: Invalid login", "Check the API key", "the base URL"),
    403: ("", "Forbidden", "was not processed", "scopes"),
    404: ("", "Not Found", "the base URL may be wrong"),
    405: ("", "Method Not Allowed", "the base URL may be wrong"),
    429: ("", "Too Many Requests", "Send more slowly", "Retry-After: 7"),
    503: ("", "Service Unavailable", "Try again later", "Retry-After: 7"),
}


@pytest.mark.parametrize("status", REJECTIONS)
def test_rejections(serve: Serve, status: int) -> None:
    """The server's code and message, and what to do for each status."""
    stem, *parts = REJECTIONS[status]
    body = example(stem) if stem else b"{}"
    server = serve("hear", reply(body, status, TYPES["json"], "Retry-After: 7"))
    provoke(ApiError, server.url, f"HTTP {status} ", *parts)


FOREIGN = {
    "text": (b"The plain HTTP request was sent to HTTPS port\n", "text/plain"),
    "page": (
        b"<html><title>The plain HTTP request was sent to HTTPS port</title></html>",
        "text/html",
    ),
    "json": (b'{"message": "The plain HTTP request was sent to HTTPS port"}', TYPES["json"]),
}


@pytest.mark.parametrize("form", FOREIGN)
def test_a_rejection_in_other_words(serve: Serve, form: str) -> None:
    """What a gateway says in a form of its own is shown, without what was sent."""
    body, kind = FOREIGN[form]
    server = serve("hear", reply(body, 400, kind))
    provoke(ApiError, server.url, "HTTP 400 Bad Request: The plain HTTP request was sent to HTTPS")
    quoting = serve("hear", reply(body.replace(b"HTTPS port", PHONE.encode()), 400, kind))
    assert PHONE not in provoke(ApiError, quoting.url, "The plain HTTP request was sent to ***")


def test_a_503_without_retry_after(serve: Serve) -> None:
    """The request may have been processed: it says to look it up, not to try again."""
    sentence = provoke(ApiError, serve("hear", reply(b"", 503)).url, "Look the messages up")
    assert "ry again" not in sentence


def test_a_connection_that_was_lost(serve: Serve) -> None:
    """It says how: without a response, within it, or because what came is not HTTP."""
    silent = serve("hear", "close").url
    provoke(TransportError, silent, "connection was lost: the server closed it without a response")
    cut = serve("hear", OK[:-5], "close").url
    provoke(TransportError, cut, "connection was lost: the response was cut off")
    other = serve("hear", b"SSH-2.0-OpenSSH_9.2\r\n", "close").url
    provoke(
        TransportError, other, "does not speak HTTP on this port; is its URL https://?", "scheme"
    )


INVALID = {
    "500": (reply(b"{}", 500), ("HTTP 500 ", "Look the messages up")),
    "html": (reply(b"<html>Hi</html>", 200, "text/html"), ("HTML", "the base URL may be wrong")),
    "redirect": (
        reply(b"", 302, "text/html", "Location: https://user:pw@elsewhere.test/4179302"),
        ("redirects to https://elsewhere.test:", "the base URL may be wrong"),
    ),
    "cut off": (reply(split(GOOD["json"])), ("HTTP 200 ", "may have been processed")),
}


@pytest.mark.parametrize("case", INVALID)
def test_responses_of_another_form(serve: Serve, case: str) -> None:
    """What came instead, that the messages may have been accepted, and where to look."""
    response, parts = INVALID[case]
    provoke(InvalidResponseError, serve("hear", response).url, *parts)


def test_a_response_that_breaks_off_or_is_late(serve: Serve) -> None:
    """The request may have been sent: look it up first."""
    cut = serve("hear", split(OK), "close")
    provoke(
        TransportError, cut.url, "connection was lost", "may have been sent", "Look the messages"
    )
    late = serve("hear", "hold")
    provoke(TransportError, late.url, "timed out", "timeout=", "Look the messages up", timeout=SOON)


def test_an_invalid_request() -> None:
    """Path, expected, got, and the id of the requirement; nothing is sent."""
    with pytest.raises(InvalidRequestError) as caught:
        Message(destinations=["0041793026727"], text="Hello", from_="A\n")
    print(f"InvalidRequestError: {caught.value}\n")
    assert "expected" in str(caught.value)
