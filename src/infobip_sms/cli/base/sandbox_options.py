"""The options of the sandbox command, each of which can be set in the environment as well."""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import TYPE_CHECKING, Any

import attrs
import click

from infobip_sms.sandbox.config import (
    DEFAULT_PASSWORD,
    DEFAULT_USER,
    READINGS,
    SandboxSettings,
)

from .param_types import SecretParam
from .server_options import option

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT, BEHAVIOUR, CLOCK, STATEMENT = (
    "Account",
    "Behaviour",
    "Clock and data",
    "Instead of a server",
)
USER, PASSWORD = DEFAULT_USER, DEFAULT_PASSWORD
_REJECTION_READING = "READ-001"
_VARIABLE = "INFOBIP_SANDBOX_"
_DAY = 86_400  # seconds
_ORIGIN = re.compile(r"https?://[^\s/@?#]+")
_HOST = re.compile(r"[^\s/:@?#\[\]]+")


class ReadingParam(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """An open reading with the outcome to show: ``READ-008=rejected``."""

    name, envvar_list_splitter = "reading", ";"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return the id and the outcome; the error for a wrong one lists what exists."""
        if isinstance(value, tuple):
            return value
        number, _, outcome = (part.strip() for part in str(value).partition("="))
        if number not in READINGS:
            known = "; ".join(f"{name}={'|'.join(found)}" for name, found in READINGS.items())
            self.fail(f"there is no switch for it; there are: {known}", param, ctx)
        if outcome not in READINGS[number]:
            self.fail(f"{number} is one of: {', '.join(READINGS[number])}", param, ctx)
        return number, outcome


class HostParam(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """A host by its name or address alone."""

    name, envvar_list_splitter = "host", ";"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the host as URLs have it: in small letters, without brackets."""
        host = str(value).strip("[]").lower()
        try:
            ipaddress.ip_address(host)
        except ValueError:
            if not _HOST.fullmatch(host):
                self.fail("give a host alone, such as hooks.example.org", param, ctx)
        return host


class OriginParam(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """An origin: ``http://localhost:3000``, or ``*``."""

    name, envvar_list_splitter = "origin", ";"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the origin as browsers send it: in small letters, without a slash at its end."""
        origin = str(value).lower().rstrip("/")
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            self.fail("give scheme, host and port, such as http://localhost:3000", param, ctx)
        return origin


class AddressParam(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """An IP address, or localhost."""

    name = "address"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the address as the system writes it."""
        text = "127.0.0.1" if value == "localhost" else str(value).strip("[]")
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            self.fail("give an address, such as 127.0.0.1 or 0.0.0.0", param, ctx)


class OutcomeParam(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """An outcome for some numbers: ``4477009*=UNDELIVERABLE,error=1``."""

    name, envvar_list_splitter = "outcome", ";"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the text of a valid outcome."""
        from infobip_sms.sandbox.state.outcomes import parse_rule_text  # noqa: PLC0415 - needs the schema

        try:
            parse_rule_text(str(value))
        except ValueError as problem:
            self.fail(str(problem), param, ctx)
        return str(value)


class FaultParam(click.types.StringParamType):
    """The id of a fault."""

    envvar_list_splitter = ";"


@attrs.frozen(kw_only=True)
class SandboxOptions:
    """What the options say."""

    host: str
    port: int
    allow_host: tuple[str, ...]
    cors: tuple[str, ...]
    outcome: tuple[str, ...]
    user: str
    password: str = attrs.field(repr=False)
    api_key: str | None = attrs.field(repr=False)
    delay: float
    rate: int | None
    allow_callback: tuple[str, ...]
    refuse: str | None
    reading: tuple[tuple[str, str], ...]
    fault: tuple[str, ...]
    frozen: bool
    seed: str
    data: str | None
    keep: int
    statement: bool
    as_json: bool

    @property
    def readings(self) -> dict[str, str]:
        """The readings that are chosen; --refuse is a shorter name of one."""
        pairs = [*self.reading, *([(_REJECTION_READING, self.refuse)] if self.refuse else [])]
        chosen = dict(pairs)
        for number, outcome in pairs:
            if chosen[number] != outcome:
                raise click.UsageError(f"{number} is given with two outcomes")
        return chosen

    def build_settings(self, seed: str) -> SandboxSettings:
        """Return the settings of the sandbox."""
        try:
            return SandboxSettings(
                self.user,
                self.password,
                self.api_key,
                seed,
                delay=self.delay,
                rate=self.rate,
                keep=self.keep,
                push_to=self.allow_callback,
                readings=self.readings,
                address=self.host,
                allow_hosts=self.allow_host,
                cors=self.cors,
                outcomes=self.outcome,
            )
        except ValueError as problem:
            raise click.UsageError(str(problem)) from None

    def require_known_mutants(self) -> None:
        """Reject a fault that there is not."""
        from infobip_sms.sandbox.mutants.app import MUTANTS, suggest_mutants  # noqa: PLC0415 - needs an extra

        for mutant_id in self.fault:
            if mutant_id not in MUTANTS:
                raise click.BadParameter(suggest_mutants(mutant_id), param_hint="--fault")


_OPTIONS = (
    option(
        "--host",
        section="Server",
        type=AddressParam(),
        metavar="ADDRESS",
        default="127.0.0.1",
        show_default=True,
        help="Address to listen on; 0.0.0.0 makes it reachable from other machines.",
    ),
    option(
        "--allow-host",
        section="Server",
        type=HostParam(),
        multiple=True,
        metavar="NAME",
        help="Also accept requests for this host name, and from pages of that host; may be repeated."
        " Default: localhost and the address.",
    ),
    option(
        "--cors",
        section="Server",
        type=OriginParam(),
        multiple=True,
        metavar="ORIGIN",
        help="Let pages of this origin use it from a browser, such as http://localhost:3000; may be repeated;"
        " * allows any. Default: its own pages only.",
    ),
    option(
        "--port",
        section="Server",
        type=click.IntRange(0, 65535),
        metavar="PORT",
        default=8080,
        show_default=True,
        help="Port to listen on; 0 finds a free one.",
    ),
    option(
        "--allow-callback",
        section="Server",
        type=HostParam(),
        multiple=True,
        metavar="HOST",
        help="Also deliver reports to this host; may be repeated; * allows any. Default: this machine only.",
    ),
    option(
        "--user",
        section=ACCOUNT,
        default=USER,
        show_default=True,
        help="User for Basic authorization.",
    ),
    option(
        "--password",
        section=ACCOUNT,
        type=SecretParam(),
        default=PASSWORD,
        show_default=True,
        help="Password for Basic authorization.",
    ),
    option(
        "--api-key",
        section=ACCOUNT,
        type=SecretParam(),
        metavar="KEY",
        help="API key for the App scheme (default: none).",
    ),
    option(
        "--rate",
        section=ACCOUNT,
        type=click.IntRange(1),
        metavar="N",
        show_default="no limit",
        help="Requests per second; more get 429.",
    ),
    option(
        "--refuse",
        section=BEHAVIOUR,
        type=click.Choice(list(READINGS[_REJECTION_READING])),
        help="How an invalid request is rejected: HTTP 400 (default), or 200 with a REJECTED status.",
    ),
    option(
        "--reading",
        section=BEHAVIOUR,
        type=ReadingParam(),
        multiple=True,
        metavar="ID=OUTCOME",
        help="Choose another allowed interpretation, such as READ-008=rejected; may be repeated."
        " --statement lists them all.",
    ),
    option(
        "--outcome",
        section=BEHAVIOUR,
        type=OutcomeParam(),
        multiple=True,
        metavar="NUMBER=STATUS",
        help="Outcome of messages to a number, such as '4477009*=UNDELIVERABLE,error=1,after=5,reports=2,times=1';"
        " may be repeated.",
    ),
    option(
        "--fault",
        section=BEHAVIOUR,
        type=FaultParam(),
        metavar="ID",
        multiple=True,
        help="Violate a requirement on purpose, such as RESP-002 or DLR-004-cut; may be repeated.",
    ),
    option(
        "--delay",
        section=CLOCK,
        type=click.FloatRange(0, _DAY),
        metavar="SECONDS",
        default=0.1,
        show_default=True,
        help="Seconds from sending to delivery, for numbers that do not set it.",
    ),
    option(
        "--frozen",
        section=CLOCK,
        is_flag=True,
        help="Freeze the clock until it is moved, on the page or by POST /sandbox/clock.",
    ),
    option(
        "--seed",
        section=CLOCK,
        default="",
        metavar="WORD",
        show_default="random",
        help="Seed of generated IDs.",
    ),
    option(
        "--data",
        section=CLOCK,
        type=click.Path(dir_okay=False),
        metavar="FILE",
        show_default="in memory",
        help="Store everything in FILE and continue from it; created if it does not exist.",
    ),
    option(
        "--keep",
        section=CLOCK,
        type=click.IntRange(1),
        metavar="N",
        default=attrs.fields(SandboxSettings).keep.default,
        show_default=True,
        help="Messages to keep; beyond that, the oldest finished ones are deleted.",
    ),
    option(
        "--statement",
        section=STATEMENT,
        is_flag=True,
        help="Print the conformance statement of a sandbox with these options.",
    ),
    click.option(
        "--json", "as_json", is_flag=True, help="Print the statement, or the URLs, as JSON."
    ),
)


def with_sandbox_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it gets all of them as one argument."""

    @functools.wraps(function)
    def command(**given: Any) -> Any:
        return function(SandboxOptions(**given))

    for add in reversed(_OPTIONS):
        command = add(command)
    for parameter in command.__click_params__:  # type: ignore[attr-defined]  # set by click
        words = parameter.opts[0].removeprefix("--").upper().replace("-", "_")
        parameter.envvar = None if words in {"STATEMENT", "JSON"} else _VARIABLE + words
    return command
