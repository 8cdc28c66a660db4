"""A client that prints what it would send, to the byte, and sends nothing.

Lives here: how a request is shown, and which of its headers are secret.
Never here: what is in it (client.py and exchange.py decide).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import click

from infobip_sms import Client

from .framework import DONE
from .output import write_note, write_plain

if TYPE_CHECKING:
    from infobip_sms.transport.messages import Call

_SECRET = {"Authorization", "Proxy-Authorization"}


class DryRun(Client):
    """Ends the program at the first request, after printing it."""

    def __init__(self, base_url: str, *, as_json: bool, **settings: Any) -> None:
        super().__init__(base_url, **settings)
        self._url = base_url.rstrip("/")
        self._as_json = as_json

    def _exchange(self, call: Call, timeout: float | None) -> NoReturn:  # noqa: ARG002 - the base
        show_call(call, self._url, self._headers, as_json=self._as_json)
        write_note("Dry run: nothing was sent.")
        raise click.exceptions.Exit(DONE)


def show_call(call: Call, url: str, headers: dict[str, str], *, as_json: bool) -> None:
    """Print a call as it would go to a server, with the client's own headers."""
    lines = build_headers(call, url, headers)
    if as_json:
        body = call.body.decode()
        plain = {"method": call.method, "url": url + call.path, "headers": lines, "body": body}
        write_plain(plain)
        return
    click.echo(f"{call.method} {urlsplit(url).path}{call.path} HTTP/1.1")
    for name, value in lines.items():
        click.echo(f"{name}: {value}")
    click.echo()
    if call.body:
        click.echo(call.body)


def build_headers(call: Call, url: str, headers: dict[str, str]) -> dict[str, str]:
    """Return the headers in the order of the wire, secrets masked.

    The first three are what the HTTP library writes by itself; a test compares all of them with
    what a server hears.
    """
    own = {"Host": urlsplit(url).netloc, "Accept-Encoding": "identity"}
    if call.body or call.method in {"POST", "PUT"}:
        own["Content-Length"] = str(len(call.body))
    return {name: _mask(name, value) for name, value in {**own, **headers, **call.headers}.items()}


def _mask(name: str, value: str) -> str:
    return f"{value.partition(' ')[0]} ***" if name in _SECRET else value
