"""Requests as commands for a shell."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from infobip_sms.sandbox.config import DEFAULT_PASSWORD

if TYPE_CHECKING:
    from infobip_sms.sandbox.config import SandboxSettings

    from .request_log import LoggedRequest

_BODY = '{"messages": [{"destinations": [{"to": "9990510000005"}], "text": "Hello"}]}'
_KEPT = ("accept", "content-type")


def build_command(url: str, settings: SandboxSettings) -> str:
    """Return a command that sends a message."""
    words = ("curl", *_build_account(settings, shown=True), "-H", "Content-Type: application/json")
    return _join(*words, "-d", _BODY, f"{url}/sms/2/text/advanced")


def build_repetition(request: LoggedRequest, settings: SandboxSettings) -> str:
    """Return a command that makes a request again, for which curl asks for the password.

    Empty if the body was not stored as a whole, or is not text.
    """
    headers = {name.lower(): value for name, value in request.headers}
    try:
        body = request.body.decode()
    except UnicodeDecodeError:
        return ""
    if len(request.body) < request.body_size or "\0" in body:
        return ""
    kept = [
        word for name in _KEPT if name in headers for word in ("-H", f"{name}: {headers[name]}")
    ]
    method = () if request.method == ("POST" if body else "GET") else ("-X", request.method)
    account = _build_account(settings, shown=False) if "authorization" in headers else ()
    data = ("--data-raw", body) if body else ()
    url = f"http://{headers.get('host', 'localhost')}{request.path}"
    return _join("curl", *method, *account, *kept, *data, url)


def _build_account(settings: SandboxSettings, *, shown: bool) -> tuple[str, ...]:
    """Return the options for the account; curl asks for a password that is not the default one.

    shown: whether the default one may be in the command.
    """
    if settings.user is None:
        return ("-H", "Authorization: App KEY")
    is_default = shown and settings.password == DEFAULT_PASSWORD
    return ("--user", f"{settings.user}:{settings.password}" if is_default else settings.user)


def _join(*words: str) -> str:
    return " ".join(map(shlex.quote, words))
