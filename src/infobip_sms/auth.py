"""Authorization: the value of the header ``Authorization`` for each scheme of the API."""

from __future__ import annotations

import base64
from typing import Any, Protocol, runtime_checkable

import attrs

from infobip_sms.errors import InvalidRequestError, Violation


@runtime_checkable
class Auth(Protocol):
    """Anything that gives the value of the Authorization header."""

    def header(self) -> str:
        """Return the header's value; it is secret."""


def _require_secret(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str):
        got = "nothing" if value is None else "something else"
        raise InvalidRequestError([Violation(attribute.name, got, "a string", "AUTH-005")])


@attrs.frozen
class Basic:
    """User and password (AUTH-003). Neither is shown by ``repr``."""

    username: str = attrs.field(repr=False, validator=_require_secret)
    password: str = attrs.field(repr=False, validator=_require_secret)

    def __attrs_post_init__(self) -> None:
        if ":" in self.username:
            expected = "a name without one (RFC 7617)"
            raise InvalidRequestError([Violation("username", "a colon", expected, "AUTH-003")])
        try:
            f"{self.username}{self.password}".encode()
        except UnicodeEncodeError:
            got = "half of a surrogate pair"
            raise InvalidRequestError(
                [Violation("auth", got, "Unicode text", "TEXT-001")]
            ) from None

    def header(self) -> str:
        """Return ``Basic`` and the pair in base64."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


@attrs.frozen
class ApiKey:
    """API key, sent as ``App KEY`` (AUTH-004). Not shown by ``repr``."""

    key: str = attrs.field(repr=False, validator=_require_secret)

    def header(self) -> str:
        """Return ``App`` and the key."""
        return f"App {self.key}"


@attrs.frozen
class IbssoToken:
    """Session token, sent as ``IBSSO TOKEN`` (AUTH-006). Not shown by ``repr``."""

    token: str = attrs.field(repr=False, validator=_require_secret)

    def header(self) -> str:
        """Return ``IBSSO`` and the token."""
        return f"IBSSO {self.token}"


@attrs.frozen
class Bearer:
    """OAuth access token, sent as ``Bearer TOKEN``. Not shown by ``repr``."""

    token: str = attrs.field(repr=False, validator=_require_secret)

    def header(self) -> str:
        """Return ``Bearer`` and the token."""
        return f"Bearer {self.token}"
