"""The sandbox as a command: its options, what it says when it starts, its conformance statement."""

from __future__ import annotations

import functools
import ipaddress
import re
import secrets
import signal
import threading
from contextlib import closing, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

import attrs
import click

from infobip_sms.cli.base.framework import Command, UnavailableError
from infobip_sms.cli.base.output import clean, print_json, print_note
from infobip_sms.cli.base.server_options import option
from infobip_sms.sandbox.config import READINGS, SandboxSettings
from infobip_sms.transport.urls import is_loopback

from .conformance import require_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infobip_sms.sandbox.clock import VirtualClock
    from infobip_sms.sandbox.state.data_file import DataFile

ACCOUNT, BEHAVIOUR, CLOCK, STATEMENT = (
    "Account",
    "Behaviour",
    "Clock and data",
    "Instead of a server",
)
USER, PASSWORD = "Aladdin", "open sesame"
_REJECTION_READING = "READ-001"
_VARIABLE = "INFOBIP_SANDBOX_"
_DAY = 86_400  # seconds
_HOST = re.compile(r"[^\s/:@?#\[\]]+")
_EXPOSED = "other machines can reach it; its pages and admin interface have no password"
EPILOG = """\
Numbers that choose what happens to them:
  999 SS R EEEE III  seconds, reports, network error, status at the end
  9990510000005      delivered after 5 seconds, one report
  9990010000006      rejected in the response
  9990520001009      undeliverable after 5 seconds with network error 1
  447700900 III      reserved numbers that validators accept, as 1500555 x III:
  447700900009       undeliverable; --outcome chooses for any number

Every option can be set in the environment: INFOBIP_SANDBOX_ALLOW_HOST for --allow-host,
with ; between several values.

In a test, without a process of its own:
  with infobip_sms.sandbox.running() as sandbox: ...
"""


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
        help="Also accept requests that name it so, or that come from its pages; may be repeated."
        " Default: localhost and the address.",
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
        default=PASSWORD,
        show_default=True,
        help="Password for Basic authorization.",
    ),
    option(
        "--api-key",
        section=ACCOUNT,
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
        help="Seconds from sending to delivery, for numbers that do not choose it.",
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


def _with_sandbox_options(function: Callable[..., Any]) -> Callable[..., Any]:
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


@click.command(cls=Command, epilog=EPILOG)
@_with_sandbox_options
def sandbox(options: SandboxOptions) -> None:
    """Run a local sandbox that sends nothing.

    It answers as documented, and shows what it received on a web page. Nothing is sent to any
    telephone network: numbers that start with 999 choose what happens to them, and all others
    are delivered.
    """
    for module in ("starlette", "uvicorn", "jinja2"):
        require_module(module, "sandbox")
    options.require_known_mutants()
    if options.statement:
        _print_statement(options)
        return
    _serve(options)


def _serve(options: SandboxOptions) -> None:
    from infobip_sms.sandbox.api.app import App  # noqa: PLC0415 - needs an extra
    from infobip_sms.sandbox.clock import VirtualClock  # noqa: PLC0415 - needs an extra
    from infobip_sms.sandbox.mutants.app import MutantApp  # noqa: PLC0415 - needs an extra
    from infobip_sms.sandbox.runtime.server import run  # noqa: PLC0415 - needs an extra

    settings = options.build_settings(options.seed or secrets.token_hex(8))
    with _interrupted_by_sigterm(), _open_data_file(options.data, settings.seed) as store:
        if store:
            settings = attrs.evolve(settings, seed=store.seed)
        if options.seed and settings.seed != options.seed:
            print_note(f"sandbox: {options.data} has a seed of its own; --seed is not used")
        app = MutantApp(settings, *options.fault) if options.fault else App(settings)
        clock = VirtualClock(frozen=options.frozen)
        try:
            # not raised where the shell had interruptions ignored
            with suppress(KeyboardInterrupt):
                run(app, options.port, lambda url: _print_banner(url, options, clock), store, clock)
        except OSError as problem:
            raise UnavailableError(
                f"port {options.port} cannot be used: {problem.strerror}"
            ) from None
        print_note("sandbox: stopped")


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM, with which service managers and containers end a process, do what Ctrl-C does."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def _open_data_file(path: str | None, seed: str) -> Iterator[DataFile | None]:
    """Give the data file of a sandbox, if there is to be one."""
    from infobip_sms.sandbox.state.data_file import DataFile, DataFileError  # noqa: PLC0415 - needs an extra

    try:
        with closing(DataFile(path, seed)) if path is not None else nullcontext() as store:
            yield store
    except DataFileError as problem:
        raise UnavailableError(str(problem)) from None


def _print_banner(url: str, options: SandboxOptions, clock: VirtualClock) -> None:
    """Say where the sandbox is and what it is; a password or key that was given is not shown."""
    inbox = f"{url}/sandbox/"
    if options.as_json:
        print_json({"url": url, "inbox": inbox, "user": options.user, "readings": options.readings})
        return
    password = f", password {PASSWORD}" if options.password == PASSWORD else ""
    key = "App with the given key" if options.api_key else "no API key"
    switched = [f"{number}={outcome}" for number, outcome in options.readings.items()]
    lines = [
        f"sandbox: {url}",
        f"inbox:   {inbox}",
        f"account: Basic, user {clean(options.user)}{password}; {key}",
        *([f"reading: {', '.join(switched)}"] if switched else []),
        *([f"exposed: {_EXPOSED}"] if not is_loopback(options.host) else []),
        *([f"broken:  {', '.join(options.fault)}, on purpose"] if options.fault else []),
        *([f"clock:   {told}"] if (told := _format_clock(clock)) else []),
        "Nothing is sent to any telephone network. Ctrl-C ends it.",
    ]
    click.echo("\n".join(lines))


def _format_clock(clock: VirtualClock) -> str:
    """Say how a clock differs from that of this machine; empty if it does not."""
    if clock.frozen:
        return "stands still"
    return "is not that of this machine" if clock.is_shifted else ""


def _print_statement(options: SandboxOptions) -> None:
    from infobip_sms.sandbox.admin.statement import (  # noqa: PLC0415 - only this option needs it
        build_statement,
        format_markdown,
        to_plain,
    )
    from infobip_sms.sandbox.mutants.app import MUTANTS  # noqa: PLC0415 - needs an extra

    broken = [MUTANTS[mutant_id] for mutant_id in options.fault]
    statement = build_statement(options.build_settings(options.seed), broken)
    if options.as_json:
        print_json(to_plain(statement))
    else:
        click.echo(format_markdown(statement))
