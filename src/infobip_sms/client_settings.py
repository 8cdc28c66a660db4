"""What a client is made with: checked settings, its connections, its headers and the log."""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Any, Literal

import attrs
from infobip_sms_schema.constraints import describe_value

from .auth import Auth
from .errors import Attempt, InvalidRequestError, Violation
from .transport.connections import ConnectionPool, build_context
from .transport.messages import Headers, build_character_error, is_printable_ascii
from .transport.retry import Retry
from .transport.settings import TIMEOUT, is_count, is_list_of_texts, is_timeout, validate
from .transport.urls import find_proxy, is_loopback, parse_base_url

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from .codecs import Engine, Wire

_LOG = logging.getLogger("infobip_sms")
_LEVELS = {"debug", "info", "warning", "error"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN = {"authorization", "host", "accept", "content-type", "content-length", "transfer-encoding"}


def _require_auth(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if isinstance(value, type) or not isinstance(value, Auth):
        expected = "Basic, ApiKey, IbssoToken or Bearer"
        actual = "a class" if isinstance(value, type) else describe_value(value)
        pair = isinstance(value, tuple)
        right = 'Basic("user", "password")' if pair else 'ApiKey("…")'
        raise InvalidRequestError(
            [Violation(attribute.name, actual, expected, "AUTH-005", hint=f"Write auth={right}.")]
        )


def _require_wire(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value not in {"json", "xml"}:
        known = str(value).lower() in {"json", "xml"}
        actual = "upper case" if known else "another format"
        right = f'Write "{str(value).lower()}".' if known else ""
        raise InvalidRequestError(
            [Violation(attribute.name, actual, '"json" or "xml"', "HTTP-004", hint=right)]
        )


def _require_headers(_: object, attribute: attrs.Attribute[Any], value: Mapping[Any, Any]) -> None:
    for name, text in value.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN:
            expected = f"header names, and none of {', '.join(sorted(_OWN))}"
            actual = "a name that is not allowed"
            raise InvalidRequestError([Violation(attribute.name, actual, expected, "AUTH-005")])
        if not isinstance(text, str) or not is_printable_ascii(text):
            raise build_character_error(f"{attribute.name}[{name!r}]", "visible ASCII and spaces")


def _to_headers(headers: Mapping[str, str] | None) -> Headers:
    return Headers(headers or {})


def _to_retry(retry: Retry | None) -> Retry:
    return Retry.none() if retry is None else retry


def _is_list_of_hosts(value: object) -> bool:
    return is_list_of_texts(value) and not any("/" in host for host in value)  # type: ignore[attr-defined]


@attrs.frozen(kw_only=True)
class Settings:
    """What a client was made with; pickled in its place."""

    base_url: str
    auth: Auth = attrs.field(validator=_require_auth)
    wire: Wire = attrs.field(validator=_require_wire)
    xml_engine: Engine
    validate_xml: bool
    timeout: float = attrs.field(validator=validate(TIMEOUT, is_timeout))
    connect_timeout: float = attrs.field(validator=validate(TIMEOUT, is_timeout))
    connections: int = attrs.field(validator=validate("a whole number from 1", is_count))
    retry: Retry = attrs.field(
        converter=_to_retry,
        validator=validate(
            "a Retry, such as Retry(attempts=3), or None for no retries",
            lambda v: isinstance(v, Retry),
        ),
    )
    proxy: str | Literal[False] | None = attrs.field(repr=False)
    ca: str | Path | ssl.SSLContext | None
    user_agent: str | None
    on_attempt: Callable[[str, Attempt], object] | None = attrs.field(
        validator=validate("a function, or None", lambda v: v is None or callable(v))
    )
    headers: Headers = attrs.field(converter=_to_headers, validator=_require_headers)
    trust_http: Collection[str] = attrs.field(
        validator=validate("a list of host names, without scheme and port", _is_list_of_hosts)
    )


def build_pool(settings: Settings) -> ConnectionPool:
    """Return the connections to the server of these settings; raise InvalidRequestError for its URL."""
    server = parse_base_url(settings.base_url, settings.trust_http)
    if server.scheme == "http" and not is_loopback(server.host):
        _LOG.warning("credentials go to %s over plain http", server.netloc)
    proxy = find_proxy(settings.proxy, server)
    context = None if settings.ca is None else build_context(settings.ca)
    return ConnectionPool(server, proxy, context, settings.connections, settings.connect_timeout)


def configure_log() -> None:
    """Write the log to standard error if INFOBIP_LOG has a level and the program has no handler."""
    level = os.environ.get("INFOBIP_LOG", "").lower()
    if not level:
        return
    if level in _LEVELS:
        _LOG.setLevel(level.upper())
    else:
        _LOG.warning("INFOBIP_LOG: expected one of %s", ", ".join(sorted(_LEVELS)))
    if not _LOG.hasHandlers():
        _LOG.addHandler(logging.StreamHandler())


def build_user_agent(user_agent: object) -> str:
    """Return the value of the header User-Agent."""
    from importlib.metadata import version  # noqa: PLC0415 - not for the import alone

    own = f"infobip-sms/{version('infobip-sms')}"
    if user_agent is None:
        return own
    if (
        not isinstance(user_agent, str)
        or not user_agent.strip()
        or not is_printable_ascii(user_agent)
    ):
        raise build_character_error("user_agent", "visible ASCII and spaces")
    return f"{user_agent} {own}"
