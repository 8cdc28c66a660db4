"""What an error of the library means to whoever typed the command: words, a hint, an exit code."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from infobip_sms import ApiError, InvalidRequestError, InvalidResponseError, TransportError
from infobip_sms.transport.urls import is_loopback

from .framework import EXIT_FAILURE, EXIT_REJECTED, EXIT_USAGE
from .output import clean, print_note

if TYPE_CHECKING:
    from infobip_sms import Error, Violation

_HINTS = {
    401: "Set INFOBIP_API_KEY (or INFOBIP_USER and INFOBIP_PASSWORD) and INFOBIP_BASE_URL.",
    404: "The base URL is in INFOBIP_BASE_URL, or --base-url.",
}


_MAX_VALUE = 40  # characters


def report_error(error: Error, base_url: str, *, as_json: bool) -> int:
    """Say on standard error what went wrong; return the exit code."""
    code, words, hint = _explain_error(error, base_url)
    if as_json:
        print_note(json.dumps({"error": _to_plain(error, words)}))
    else:
        print_note(f"Error: {words}")
        if hint:
            print_note(hint)
    return code


def explain_error(error: Error, base_url: str) -> tuple[str, str]:
    """Return what went wrong and a hint, which may be empty."""
    return _explain_error(error, base_url)[1:]


def format_violations(
    error: InvalidRequestError | InvalidResponseError, *, by_flag: bool = True
) -> list[str]:
    """Return one line for each violation, with the option that it is about if there is one."""
    flags = _get_flags() if by_flag else {}
    return [
        clean(_format_violation(violation, flags) + _show_value(violation))
        for violation in error.violations
    ]


def _explain_error(error: Error, base_url: str) -> tuple[int, str, str]:
    if isinstance(error, InvalidRequestError):
        lines = "".join(f"\n  {line}" for line in format_violations(error))
        return EXIT_USAGE, f"Nothing was sent: the request is invalid.{lines}", ""
    if isinstance(error, TransportError):
        return EXIT_FAILURE, str(error), _get_hint(error, base_url)
    if isinstance(error, ApiError):
        code = EXIT_FAILURE if error.sent == "maybe" else EXIT_REJECTED
        return code, str(error), _HINTS.get(error.status, "")
    if isinstance(error, InvalidResponseError):
        return EXIT_FAILURE, str(error), _UNKNOWN
    return EXIT_FAILURE, f"{error}.", ""  # a journal that cannot be used


_TIMEOUT = "To allow more time: --timeout SECONDS"
_UNKNOWN = "To look messages up: infobip-sms logs"


def _get_hint(error: TransportError, base_url: str) -> str:
    if error.sent == "maybe":
        return f"{_TIMEOUT}\n{_UNKNOWN}" if "response timed out" in error.reason else _UNKNOWN
    if " as ca." in error.advice:
        return "On the command line: export SSL_CERT_FILE=FILE"
    if "proxy" in error.reason:
        return "The proxy is in HTTPS_PROXY or HTTP_PROXY."
    if "TLS handshake" in error.reason:
        plain = re.sub("(?i)^https:", "http:", base_url)
        return (
            "The server may not speak TLS. If it is a sandbox or another plain HTTP"
            f" server: --base-url {plain}"
        )
    if "connection" in error.reason and is_loopback(urlsplit(base_url).hostname or ""):
        return f"Nothing listens on {base_url}. Is the sandbox running? infobip-sms sandbox"
    return ""


def _to_plain(error: Error, words: str) -> dict[str, Any]:
    if isinstance(error, TransportError | ApiError | InvalidResponseError):
        return error.to_dict()
    plain: dict[str, Any] = {"kind": type(error).__name__, "message": words}
    if isinstance(error, InvalidRequestError):
        plain["violations"] = format_violations(error)
    return plain


def _show_value(violation: Violation) -> str:
    """Return the user's own value, for the user's own terminal: neither a log nor a pipe gets it."""
    value = violation.value
    if not isinstance(value, str | int) or not sys.stderr.isatty():
        return ""
    return f": {str(value)[:_MAX_VALUE]!r}"


def _get_flags() -> dict[str, int]:
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


def _format_violation(violation: Violation, flags: dict[str, int]) -> str:
    for name in reversed(re.findall("[A-Za-z_]+", violation.path)):
        words = re.sub("(?<=[a-z])(?=[A-Z])", "-", name).lower().replace("_", "-").strip("-")
        for flag, count in flags.items():
            bare = flag[2:]
            if words == bare or words.startswith(f"{bare}-") or words.endswith(f"-{bare}"):
                place = re.findall(r"\[(\d+)\]", violation.path)[-1:]
                which = f" ({int(place[0]) + 1} of {count})" if count > 1 and place else ""
                return str(violation).replace(violation.path, flag + which, 1)
    return str(violation)
