"""The authorization schemes of the API."""

from __future__ import annotations

import base64
import os
import re
from typing import Any, Protocol, TypeVar, runtime_checkable

import attrs
from infobip_sms_schema.base import explain_calls

from infobip_sms.errors import InvalidRequestError, Violation, hide_locals

T = TypeVar("T")


@runtime_checkable
class Auth(Protocol):
    """An authorization scheme: anything with a ``header`` method."""

    def header(self) -> str:
        """Return the value of the Authorization header; it is secret."""


_SCHEME = re.compile(r"(app|basic|bearer|ibsso) ", re.IGNORECASE)
_VISIBLE = re.compile(r"[!-~]*")
_LINE_BREAKS = "\r\n"


def _require_secret(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str):
        actual = "nothing" if value is None else "a value of another type"
        raise InvalidRequestError([Violation(attribute.name, actual, "a string", "AUTH-005")])


def _require_bare_secret(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Reject what a header cannot carry, and what is often copied together with a key."""
    _require_secret(owner, attribute, value)
    actual, hint = "", ""
    if not value:
        actual = "an empty string"
    elif _SCHEME.match(str(value)):
        actual = "a value with the scheme (such as App) in front"
        hint = f"Leave out the scheme: {type(owner).__name__} adds its own."
    elif str(value) != str(value).strip():
        ends = str(value)[:1] + str(value)[-1:]
        actual = f"a {'line break' if set(ends) & {*_LINE_BREAKS} else 'blank'} at its start or end"
    elif not _VISIBLE.fullmatch(str(value)):
        actual = "characters that are not allowed in a header"
    if actual:
        expected = f"the {attribute.name} alone"
        raise InvalidRequestError(
            [Violation(attribute.name, actual, expected, "AUTH-005", hint=hint)]
        )


def _hide_arguments(cls: type[T]) -> type[T]:
    """Keep what a class is made with out of the tracebacks of its errors, where error trackers show it."""
    cls.__init__ = hide_locals(cls.__init__)  # type: ignore[method-assign]
    return cls


@_hide_arguments
@explain_calls
@attrs.frozen
class Basic:
    """User name and password (AUTH-003). Not shown by ``repr``.

    Raises InvalidRequestError if the user name contains a colon, which Basic cannot carry (RFC 7617).
    """

    username: str = attrs.field(repr=False, validator=_require_secret)
    password: str = attrs.field(repr=False, validator=_require_secret)

    def __attrs_post_init__(self) -> None:
        if ":" in self.username:
            expected = "a name without a colon (RFC 7617)"
            raise InvalidRequestError([Violation("username", "a colon", expected, "AUTH-003")])
        try:
            f"{self.username}{self.password}".encode()
        except UnicodeEncodeError:
            actual = "a lone surrogate"
            raise InvalidRequestError(
                [Violation("auth", actual, "Unicode text", "TEXT-001")]
            ) from None

    def header(self) -> str:
        """Return ``Basic`` and the credentials in base64."""
        credentials = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(credentials).decode('ascii')}"


@_hide_arguments
@explain_calls
@attrs.frozen
class ApiKey:
    """API key, sent as ``App KEY`` (AUTH-004). Not shown by ``repr``."""

    key: str = attrs.field(repr=False, validator=_require_bare_secret)

    def header(self) -> str:
        """Return ``App`` and the key."""
        return f"App {self.key}"


@_hide_arguments
@explain_calls
@attrs.frozen
class IbssoToken:
    """Session token, sent as ``IBSSO TOKEN`` (AUTH-006). Not shown by ``repr``."""

    token: str = attrs.field(repr=False, validator=_require_bare_secret)

    def header(self) -> str:
        """Return ``IBSSO`` and the token."""
        return f"IBSSO {self.token}"


@_hide_arguments
@explain_calls
@attrs.frozen
class Bearer:
    """OAuth access token, sent as ``Bearer TOKEN``. Not shown by ``repr``."""

    token: str = attrs.field(repr=False, validator=_require_bare_secret)

    def header(self) -> str:
        """Return ``Bearer`` and the token."""
        return f"Bearer {self.token}"


@hide_locals
def read_environment_auth() -> ApiKey | Basic:
    """Return the credentials of the environment; raise ValueError if there are none, or two."""
    names = ("INFOBIP_API_KEY", "INFOBIP_USER", "INFOBIP_PASSWORD")
    key, user, password = (os.environ.get(name) for name in names)
    if key and user:
        raise ValueError("expected INFOBIP_API_KEY or INFOBIP_USER in the environment, got both")
    if key:
        return ApiKey(key)
    if not user:
        raise ValueError("set INFOBIP_API_KEY, or INFOBIP_USER and INFOBIP_PASSWORD")
    if password is None:
        raise ValueError("INFOBIP_USER needs a password: set INFOBIP_PASSWORD")
    return Basic(user, password)
