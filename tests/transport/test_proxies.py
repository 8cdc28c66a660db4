"""The client and proxies, by argument and by environment."""

from __future__ import annotations

import base64
import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import Client, InvalidRequestError, Retry, TransportError
from infobip_sms.transport.urls import find_proxy, parse_base_url
from tests.client.calls import AUTH, NEVER, OK, PHONE, SEND, TEXT, ask, fail, send
from tests.fakes.scripted_proxy import Proxy

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from tests.client.calls import Serve

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
USER = "hunter2-user:hunter2%2Fp@ss".replace("@", "%40")
PAIR = base64.b64encode(b"hunter2-user:hunter2/p@ss").decode()
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(name="environment", autouse=True)
def fixture_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Begin without any proxy in the environment."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.fixture(name="proxy")
def fixture_proxy() -> Iterator[Proxy]:
    """Run a proxy that passes everything on."""
    with Proxy() as proxy:
        yield proxy


def test_auth_005_https_goes_through_a_tunnel(
    serve: Serve, proxy: Proxy, tls: ssl.SSLContext, certificate: Path
) -> None:
    """The proxy sees where calls go, and neither credentials nor messages; sends share a tunnel."""
    server = serve("hear", OK, tls=tls)
    with Client(server.url, auth=AUTH, proxy=proxy.url, ca=certificate) as client:
        client.send(ask())
        client.send(ask())
    assert [request.line for request in server.finish()] == [SEND] * 2
    place = server.url.removeprefix("https://")
    assert [head.split("\r\n")[0].rpartition(" ")[0] for head in proxy.heads] == [
        f"CONNECT {place}"
    ]
    assert not [word for word in (AUTH.key, PHONE, TEXT) if word.encode() in proxy.seen]


def test_auth_005_a_tunnel_does_not_make_a_host_trusted(
    serve: Serve, proxy: Proxy, tls: ssl.SSLContext, certificate: Path
) -> None:
    """Through a proxy, too, a certificate has to prove the server's host, not the proxy's."""
    server = serve("hear", OK, tls=tls)
    assert (
        fail(TransportError, server, proxy=proxy.url).reason
        == "TLS certificate verification failed: "
        "the certificate is signed by an unknown authority"
    )
    url = server.url.replace("127.0.0.1", "localhost")
    with (
        Client(url, auth=AUTH, proxy=proxy.url, ca=certificate) as client,
        pytest.raises(TransportError, match="certificate"),
    ):
        client.send(ask())
    assert server.finish() == []


def test_plain_http_is_forwarded_with_its_whole_url(serve: Serve, proxy: Proxy) -> None:
    """To a server on loopback a proxy on loopback gets the request itself, and its own password."""
    server = serve("hear", OK)
    send(server, proxy=proxy.url.replace("//", f"//{USER}@"))
    (head,) = proxy.heads
    assert head.startswith(f"POST {server.url}/sms/2/text/advanced HTTP/1.1\r\n")
    assert f"Proxy-Authorization: Basic {PAIR}\r\n" in f"{head}\r\n"
    assert server.finish()[0].find("host") == server.url.removeprefix("http://")


def test_the_password_of_a_proxy_is_for_the_proxy_alone(
    serve: Serve,
    proxy: Proxy,
    tls: ssl.SSLContext,
    certificate: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is in CONNECT, and neither in the request nor in anything that is shown."""
    caplog.set_level(logging.DEBUG)
    server = serve("hear", OK, tls=tls)
    url = proxy.url.replace("//", f"//{USER}@")
    with Client(server.url, auth=AUTH, proxy=url, ca=certificate) as client:
        client.send(ask())
        shown = f"{client!r} {client._connections!r} {caplog.text}"
    assert f"Proxy-Authorization: Basic {PAIR}" in proxy.heads[0]
    assert "proxy-authorization" not in dict(server.finish()[0].headers)
    assert "hunter2" not in shown
    assert PAIR not in shown


@pytest.mark.parametrize(
    ("response", "reason", "attempts"),
    [
        (b"HTTP/1.1 407 hunter2 wanted\r\n\r\n", "the proxy rejected the request: HTTP 407", 1),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy rejected the request: HTTP 403", 1),
        (BAD_GATEWAY, "the connection failed: HTTP 502", 2),
        (b"nonsense\r\n\r\n", "the connection failed", 2),
    ],
    ids=["407", "403", "502", "nonsense"],
)
def test_a_proxy_that_says_no_sent_nothing(
    serve: Serve, certificate: Path, response: bytes, reason: str, attempts: int
) -> None:
    """What fails before the tunnel stands is unsent; the proxy's own words are not shown."""
    server = serve("hear", OK)
    url = server.url.replace("http:", "https:")
    retry = Retry(attempts=2, wait_initial=0.01)
    with (
        Proxy(response) as proxy,
        Client(
            url, auth=AUTH, proxy=proxy.url.replace("//", f"//{USER}@"), ca=certificate, retry=retry
        ) as client,
        pytest.raises(TransportError) as caught,
    ):
        client.send(ask())
    via = f"{reason} (proxy {proxy.url.partition('//')[2]})"
    assert (caught.value.reason, caught.value.sent) == (via, "no")
    assert "Check the proxy's URL, user and password" in caught.value.advice
    assert len(caught.value.attempts) == len(proxy.heads) == attempts
    shown = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in shown
    assert PAIR not in shown
    server.finish()
    assert server.connections == 0


def test_a_proxy_that_is_not_there_sent_nothing(serve: Serve, certificate: Path) -> None:
    """Where no proxy listens the call does not go around it."""
    with Proxy() as proxy:
        gone = proxy.url
    server = serve("hear", OK)
    url = server.url.replace("http:", "https:")
    with (
        Client(url, auth=AUTH, proxy=gone, ca=certificate, retry=None) as client,
        pytest.raises(TransportError, match="the connection failed") as caught,
    ):
        client.send(ask())
    assert caught.value.sent == "no"
    assert f"connection refused (proxy {gone.partition('//')[2]})" in str(caught.value)
    assert "Check the proxy's URL" in caught.value.advice
    server.finish()
    assert server.connections == 0


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_proxy_over_tls_has_to_prove_its_host(
    serve: Serve, tls: ssl.SSLContext, certificate: Path, *, secure: bool
) -> None:
    """A connection to an https proxy is verified like the one to the server, which may be inside it."""
    server = serve("hear", OK, tls=tls if secure else None)
    with Proxy(tls=tls) as proxy:
        send(server, proxy=proxy.url, ca=certificate)
        assert len(proxy.heads) == 1
        wrong = proxy.url.replace("127.0.0.1", "localhost")
        error = fail(TransportError, server, proxy=wrong, ca=certificate)
        assert len(proxy.heads) == 1
    reason = "TLS certificate verification failed: the certificate is for another host name"
    assert (error.sent, error.reason) == ("no", reason)
    assert len(server.finish()) == 1


# ---------------------------------------------------------------- which proxy


SERVER = parse_base_url("https://api.infobip.com")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "http://proxy.example:3128"),
        ("https_proxy", "http://proxy.example:3128"),
        ("ALL_PROXY", "http://proxy.example:3128"),
        ("HTTPS_PROXY", "proxy.example:3128"),
        ("HTTPS_PROXY", "http://user:password@proxy.example:3128/"),
    ],
)
def test_the_environment_names_a_proxy(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """The usual names and forms are understood."""
    environment.setenv(name, value)
    found = find_proxy(None, SERVER)
    assert found is not None
    assert found.url == "http://proxy.example:3128"


def test_the_environment_is_used_by_a_client(
    environment: pytest.MonkeyPatch, certificate: Path
) -> None:
    """A client without an argument goes where the environment says."""
    with Proxy(BAD_GATEWAY) as proxy:
        environment.setenv("HTTPS_PROXY", proxy.url)
        with (
            Client("https://api.invalid", auth=AUTH, ca=certificate, retry=None) as client,
            pytest.raises(TransportError),
        ):
            client.send(ask())
        assert [head.partition(" HTTP")[0] for head in proxy.heads] == ["CONNECT api.invalid:443"]


def test_the_argument_goes_before_the_environment(environment: pytest.MonkeyPatch) -> None:
    """A URL replaces the environment's proxy; an empty one and False switch it off."""
    environment.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    other = find_proxy("http://other.example:1", SERVER)
    assert other is not None
    assert other.url == "http://other.example:1"
    assert find_proxy("", SERVER) is None
    assert find_proxy(False, SERVER) is None


@pytest.mark.parametrize(
    "value", ["*", "api.infobip.com", ".infobip.com", "x, api.infobip.com:443"]
)
def test_no_proxy_is_obeyed(environment: pytest.MonkeyPatch, value: str) -> None:
    """A host on the list of exceptions is reached without a proxy."""
    environment.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    environment.setenv("NO_PROXY", value)
    assert find_proxy(None, SERVER) is None
    environment.setenv("NO_PROXY", "infobip.example")
    assert find_proxy(None, SERVER) is not None


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://localhost", "https://[::1]:8080"])
def test_loopback_never_goes_through_the_environments_proxy(
    environment: pytest.MonkeyPatch, url: str
) -> None:
    """A server on this machine is reached directly, unless the argument says otherwise."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        environment.setenv(name, "http://proxy.example:3128")
    with Client(url, auth=AUTH) as client:
        assert client._connections.proxy is None


@pytest.mark.parametrize(
    ("base_url", "proxy"),
    [
        ("http://127.0.0.1:1", "http://proxy.example:3128"),
        ("http://localhost", "https://proxy.example"),
        ("https://api.infobip.com", "socks5://hunter2@127.0.0.1:1080"),
        ("https://api.infobip.com", "hunter2.example:3128"),
        ("https://api.infobip.com", "http://"),
        ("https://api.infobip.com", "http://hunter2.example/path"),
        ("https://api.infobip.com", "http://hunter2.example?x=y"),
        ("https://api.infobip.com", "http://hunter2.example\r\nX: y"),
        ("https://api.infobip.com", "http://hunter2%FF@proxy.example"),
        ("https://api.infobip.com", 8080),
        ("https://api.infobip.com", True),
    ],
)
def test_auth_005_a_proxy_that_cannot_be_used_is_rejected(base_url: str, proxy: Any) -> None:
    """Plain http through a remote proxy would show the key; other forms are no proxy of ours."""
    with pytest.raises(InvalidRequestError, match=r"^proxy: expected .*, got ") as caught:
        Client(base_url, auth=AUTH, proxy=proxy)
    assert "hunter2" not in f"{caught.value} {caught.value!r}"


def test_a_proxy_of_the_environment_that_cannot_be_used_is_not_ignored(
    environment: pytest.MonkeyPatch,
) -> None:
    """Calls do not silently go around a proxy that this client cannot speak to."""
    environment.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(InvalidRequestError, match=r"^proxy of the environment: expected .*, got "):
        Client(auth=AUTH, timeout=NEVER)
