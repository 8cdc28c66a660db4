"""The head of a request: what is in it, and what can never be."""

from __future__ import annotations

import pytest

from infobip_sms.transport.messages import Headers, Request, build_head
from infobip_sms.transport.urls import parse_base_url


def build(
    url: str = "https://api.example.com", target: str = "/a", method: str = "POST", **headers: str
) -> list[str]:
    """Return the lines of the head of a request with a body of two bytes, if it is a POST."""
    body = b"{}" if method == "POST" else b""
    request = Request(method, "/a", target, Headers(headers), body)
    text = build_head(parse_base_url(url), target, request, {}).decode()
    assert text.endswith("\r\n\r\n")
    return text.split("\r\n")[:-2]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.example.com", "api.example.com"),
        ("https://api.example.com:443", "api.example.com"),
        ("https://api.example.com:8443", "api.example.com:8443"),
        ("http://127.0.0.1:80", "127.0.0.1"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("https://[2001:db8::1]", "[2001:db8::1]"),
    ],
)
def test_the_host_is_that_of_the_url(url: str, host: str) -> None:
    """The port is left out if it is that of the scheme, and IPv6 addresses have brackets."""
    assert build(url)[1] == f"Host: {host}"


def test_a_head_has_a_length_if_there_can_be_a_body() -> None:
    """A POST has its length, a GET none, and no compression is asked for unless a header does."""
    assert build(Accept="x") == [
        "POST /a HTTP/1.1",
        "Host: api.example.com",
        "Accept-Encoding: identity",
        "Content-Length: 2",
        "Accept: x",
    ]
    assert build(method="GET")[2:] == ["Accept-Encoding: identity"]
    assert "Content-Length: 0" in build(method="PUT")
    assert build(method="GET", **{"accept-ENCODING": "gzip"})[2:] == ["accept-ENCODING: gzip"]


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\x0b", "\x7f"])
def test_nothing_can_end_a_line(character: str) -> None:
    """A control character in a value or in the target is an error, and nothing is sent."""
    for request in ({"Accept": f"x{character}y"}, {"target": f"/a{character}b"}):
        with pytest.raises(ValueError, match=r"^$"):
            build(**request)
    with pytest.raises(ValueError, match=r"^$"):
        build(target="/a b")
