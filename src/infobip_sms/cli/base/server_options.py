"""Which server a command talks to, as whom, and how; the same options for every command."""

from __future__ import annotations

import functools
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click
from click.core import ParameterSource

from infobip_sms import ApiKey, Basic, Error, Retry
from infobip_sms.errors import hide_locals
from infobip_sms.transport.urls import DEFAULT_URL

from .error_messages import report_error
from .framework import InvalidInputError, Option
from .param_types import SecondsParam, SecretParam
from .terminal import show_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infobip_sms import Auth, Client
    from infobip_sms.codecs import Wire

    Function = TypeVar("Function", bound=Callable[..., Any])

_SCHEMES = {"app", "basic", "bearer", "ibsso"}
SERVER = "Server"
OUTPUT = "Output"
NO_KEY = """\
There is no API key. Set it in the environment:
  export INFOBIP_BASE_URL=https://xxxxx.api.infobip.com INFOBIP_API_KEY=...
To try without an account, run in another terminal: infobip-sms sandbox --api-key test
  export INFOBIP_BASE_URL=http://127.0.0.1:8080 INFOBIP_API_KEY=test"""


@attrs.frozen(kw_only=True)
class ClientOptions:
    """What the options for every command say."""

    base_url: str
    api_key: str | None = attrs.field(repr=False)
    user: str | None = attrs.field(repr=False)
    password: str | None = attrs.field(repr=False)
    wire: Wire | None
    timeout: float
    attempts: int
    verbose: bool
    dry_run: bool
    as_json: bool
    trust_http: tuple[str, ...]

    @contextmanager
    def open_client(self, wire: Wire = "json") -> Iterator[Client]:
        """Give the client; a dry run's client prints the first request and ends the program.

        wire: the format if no option says.
        """
        from infobip_sms import Client  # noqa: PLC0415 - help and completion need none

        from .dry_run import DryRunClient  # noqa: PLC0415 - as above

        kind = functools.partial(DryRunClient, as_json=self.as_json) if self.dry_run else Client
        with kind(
            self.base_url,
            auth=self._get_auth(),
            wire=self.wire or wire,
            timeout=self.timeout,
            retry=Retry(attempts=self.attempts),
            trust_http=self.trust_http,
        ) as client:
            yield client

    def _get_auth(self) -> Auth:
        """Return what was given; the command line comes before the environment."""
        ways = [name for name in ("api_key", "user") if getattr(self, name)]
        if len(ways) > 1:
            source = click.get_current_context().get_parameter_source
            ways = [w for w in ways if source(w) is ParameterSource.COMMANDLINE]
            if len(ways) != 1:
                raise click.UsageError("Give an API key or a user, not both.")
        if not ways and not self.dry_run:
            raise InvalidInputError(NO_KEY)
        if ways == ["user"]:
            if self.password is None:
                raise click.UsageError("A user needs a password: set INFOBIP_PASSWORD.")
            return Basic(self.user or "", self.password)
        _require_bare_key(self.api_key)
        return ApiKey(self.api_key or "none")


@hide_locals
def _require_bare_key(key: str | None) -> None:
    """Raise InvalidInputError for a key with something around it, and say what."""
    if key is None:
        return
    name = "--api-key or INFOBIP_API_KEY"
    if key != key.strip():
        blank = "a line break" if key.rstrip(" \t") != key.rstrip() else "a blank"
        raise InvalidInputError(f"{name} begins or ends with {blank}. Give the key alone.")
    scheme, _, rest = key.partition(" ")
    if rest:
        raise InvalidInputError(
            f"{name} begins with {scheme}. Leave it out: the header is built from the key alone."
            if scheme.lower() in _SCHEMES
            else f"{name} contains a blank. Give the key alone."
        )


def with_client_options(function: Callable[..., int | None]) -> Callable[..., int]:
    """Give a command the options for every command; it gets Settings as its first argument."""

    @functools.wraps(function)
    def command(**given: Any) -> int:
        settings = ClientOptions(**{f.name: given.pop(f.name) for f in attrs.fields(ClientOptions)})
        with show_log(logging.INFO if settings.verbose else logging.WARNING):
            try:
                return function(settings, **given) or 0
            except Error as error:
                return report_error(error, settings.base_url, as_json=settings.as_json)

    for add in reversed(_OPTIONS):
        command = add(command)
    return command


def option(*names: str, section: str, **settings: Any) -> Callable[[Function], Function]:
    """Return an option of a section of the help."""
    return click.option(*names, cls=Option, section=section, **settings)


_OPTIONS = (
    option(
        "--base-url",
        section=SERVER,
        envvar="INFOBIP_BASE_URL",
        show_envvar=True,
        default=DEFAULT_URL,
        show_default=True,
        metavar="URL",
        help="Scheme and host of the server.",
    ),
    option(
        "--api-key",
        section=SERVER,
        envvar="INFOBIP_API_KEY",
        show_envvar=True,
        type=SecretParam(),
        metavar="KEY",
        help="API key. Better in the environment: others on this machine see command lines.",
    ),
    option(
        "--user",
        section=SERVER,
        envvar="INFOBIP_USER",
        show_envvar=True,
        metavar="NAME",
        help="User for Basic authorization, instead of a key.",
    ),
    option(
        "--password",
        section=SERVER,
        envvar="INFOBIP_PASSWORD",
        show_envvar=True,
        type=SecretParam(),
        metavar="SECRET",
        help="Password of the user. Better in the environment, too.",
    ),
    option(
        "--wire",
        section=SERVER,
        type=click.Choice(["json", "xml"]),
        help="Format of request and response (default: json).",
    ),
    option(
        "--timeout",
        section=SERVER,
        type=SecondsParam(),
        default=30,
        show_default=True,
        metavar="SECONDS",
        help="Seconds for one attempt.",
    ),
    option(
        "--attempts",
        section=SERVER,
        type=click.IntRange(1),
        default=Retry().attempts,
        show_default=True,
        metavar="N",
        help="Maximum number of attempts (with --csv, --patience decides). A request that may have arrived is never repeated.",
    ),
    option(
        "--trust-http",
        section=SERVER,
        multiple=True,
        metavar="HOST",
        help="Host that may get credentials over plain http, such as a sandbox; may be repeated.",
    ),
    option("--json", "as_json", section=OUTPUT, is_flag=True, help="Print JSON for machines."),
    option(
        "--dry-run",
        section=OUTPUT,
        is_flag=True,
        help="Print the request with credentials masked, and send nothing.",
    ),
    option("-v", "--verbose", section=OUTPUT, is_flag=True, help="Report each attempt on stderr."),
)
