"""A client that prints what it would send, to the byte, and sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import click

from infobip_sms import Client

from .framework import EXIT_OK
from .output import print_body, print_json, print_note
from .terminal import echo

if TYPE_CHECKING:
    from infobip_sms.transport.messages import Request

_SECRET = {"Authorization", "Proxy-Authorization"}


class DryRunClient(Client):
    """Ends the program at the first request, after printing it."""

    def __init__(self, base_url: str, *, as_json: bool, **settings: Any) -> None:
        super().__init__(base_url, **settings)
        self._url = base_url.rstrip("/")
        self._as_json = as_json

    def _send_request(self, request: Request, timeout: float | None) -> NoReturn:  # noqa: ARG002 - the base
        print_request(request, self._url, self._headers, as_json=self._as_json)
        print_note("Dry run: nothing was sent.")
        raise click.exceptions.Exit(EXIT_OK)


def print_request(request: Request, url: str, headers: dict[str, str], *, as_json: bool) -> None:
    """Print a call as it would go to a server, with the client's own headers."""
    lines = build_headers(request, url, headers)
    if as_json:
        body = request.body.decode()
        plain = {
            "method": request.method,
            "url": url + request.path,
            "headers": lines,
            "body": body,
        }
        print_json(plain)
        return
    echo(f"{request.method} {urlsplit(url).path}{request.path} HTTP/1.1")
    for name, value in lines.items():
        echo(f"{name}: {value}")
    echo()
    if request.body:
        print_body(request.body)


def build_headers(request: Request, url: str, headers: dict[str, str]) -> dict[str, str]:
    """Return the headers in the order of the wire, secrets masked.

    The first three are what the HTTP library writes by itself; a test compares all of them with
    what a server hears.
    """
    own = {"Host": urlsplit(url).netloc, "Accept-Encoding": "identity"}
    if request.body or request.method in {"POST", "PUT"}:
        own["Content-Length"] = str(len(request.body))
    return {
        name: _mask(name, value) for name, value in {**own, **headers, **request.headers}.items()
    }


def _mask(name: str, value: str) -> str:
    return f"{value.partition(' ')[0]} ***" if name in _SECRET else value
