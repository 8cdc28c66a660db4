"""What an error of the library means to whoever typed the command: words, a hint, an exit code.

Lives here: these words. On a terminal the server's own are added, numbers masked; elsewhere they
are left out, for they may quote the request, and what is no terminal may be a log.
Never here: keys, texts, telephone numbers.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from infobip_sms import InvalidRequestError, InvalidResponseError, NoAnswer, Rejected
from infobip_sms.transport.urls import find_server, is_loopback

from .framework import COULD_NOT, REFUSED, WRONG_USAGE
from .output import clean

if TYPE_CHECKING:
    from infobip_sms import Error, Violation

_HINTS = {
    401: "Check INFOBIP_API_KEY (or the user and password) and INFOBIP_BASE_URL: a key belongs to one host.",
    403: "The account may not do this; an API key has scopes.",
    404: "Check INFOBIP_BASE_URL, and the name that you asked for.",
    429: "Too many requests: wait, then go on.",
}
_MANY_DIGITS = re.compile(r"\d{5,}")


def fail(error: Error, base_url: str, *, as_json: bool) -> int:
    """Say on standard error what went wrong; return the exit code."""
    code, words, hint = _explain(error, base_url)
    if as_json:
        click.echo(json.dumps({"error": _describe(error, words)}), err=True)
    else:
        click.echo(f"Error: {words}", err=True)
        if hint:
            click.echo(hint, err=True)
    return code


def explain(error: Error, base_url: str) -> tuple[str, str]:
    """Return what went wrong and a hint, which may be empty."""
    return _explain(error, base_url)[1:]


def list_violations(
    problem: InvalidRequestError | InvalidResponseError, *, by_flag: bool = True
) -> list[str]:
    """Return one line for each violation, with the option that it is about if there is one."""
    flags = _find_flags() if by_flag else {}
    return [_name(violation, flags) for violation in problem.violations]


def _explain(error: Error, base_url: str) -> tuple[int, str, str]:
    if isinstance(error, InvalidRequestError):
        lines = "".join(f"\n  {line}" for line in list_violations(error))
        return WRONG_USAGE, f"nothing was sent, because a rule is broken:{lines}", ""
    if isinstance(error, NoAnswer):
        return COULD_NOT, _count(error, f"no answer: {error.reason}"), _find_hint(error, base_url)
    if isinstance(error, Rejected):
        code = COULD_NOT if error.sent == "maybe" else REFUSED
        return code, _count(error, f"the server refused: {_show_refusal(error)}"), _help(error)
    if not isinstance(error, InvalidResponseError):  # a journal that cannot be used
        return WRONG_USAGE, str(error), ""
    status = f" (HTTP {error.status})" if error.status else ""
    lines = "".join(f"\n  {line}" for line in list_violations(error, by_flag=False))
    return COULD_NOT, _count(error, f"the answer breaks the contract{status}{lines}"), _UNKNOWN


_UNKNOWN = (
    "It is not known whether the request was processed. Before you send again, look it up:"
    " infobip-sms logs"
)


def _find_hint(error: NoAnswer, base_url: str) -> str:
    if error.sent == "maybe":
        return _UNKNOWN
    if "connection" in error.reason and is_loopback(find_server(base_url).host):
        return f"Nothing listens on {base_url}. Is the sandbox running? infobip-sms sandbox"
    return "Nothing was sent."


def _help(error: Rejected) -> str:
    hint = _HINTS.get(error.status, "")
    words = clean(error.text)
    if words and sys.stderr.isatty():
        return f"The server says: {_MANY_DIGITS.sub('*****', words)}\n{hint}".strip()
    return hint


def _show_refusal(error: Rejected) -> str:
    word = error.message_id or ""
    known = f", {word}" if re.fullmatch(r"[A-Z_]{1,40}", word) else ""
    return f"HTTP {error.status}{known}"


def _count(error: NoAnswer | Rejected | InvalidResponseError, words: str) -> str:
    count = len(error.attempts)
    return f"{words} ({count} attempts)" if count > 1 else words


def _describe(error: Error, words: str) -> dict[str, Any]:
    plain: dict[str, Any] = {"kind": type(error).__name__, "message": words}
    if isinstance(error, Rejected | InvalidResponseError):
        plain["status"] = error.status
    if isinstance(error, NoAnswer | Rejected | InvalidResponseError):
        plain["sent"] = error.sent
    if isinstance(error, InvalidRequestError):
        plain["violations"] = list_violations(error)
    return plain


def _find_flags() -> dict[str, int]:
    """Return the options of the command that runs, each with how often it was given."""
    context = click.get_current_context(silent=True)
    if context is None:
        return {}
    values = {o: context.params.get(o.name or "") for o in context.command.params}
    return {
        flag: len(value) if isinstance(value, tuple) else 1
        for option, value in values.items()
        for flag in option.opts
        if flag.startswith("--")
    }


def _name(violation: Violation, flags: dict[str, int]) -> str:
    for name in reversed(re.findall("[A-Za-z_]+", violation.path)):
        words = re.sub("(?<=[a-z])(?=[A-Z])", "-", name).lower().replace("_", "-").strip("-")
        for flag, count in flags.items():
            bare = flag[2:]
            if words == bare or words.startswith(f"{bare}-") or words.endswith(f"-{bare}"):
                place = re.findall(r"\[(\d+)\]", violation.path)[-1:]
                which = f" ({int(place[0]) + 1} of {count})" if count > 1 and place else ""
                return str(violation).replace(violation.path, flag + which, 1)
    return str(violation)
