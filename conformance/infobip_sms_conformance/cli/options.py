"""The options of the commands, in the sections of their help."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from infobip_sms_conformance.contract.files import read_requirements
from infobip_sms_conformance.contract.generated import DEFAULT_SEED
from infobip_sms_conformance.reporting.files import NAMES
from infobip_sms_conformance.session.plan import FEATURES, PROFILES
from infobip_sms_conformance.transport.credentials import Secret
from infobip_sms_conformance.transport.webhook_receiver import HOST

# The credentials of the documentation's own example.
USER, PASSWORD = "Aladdin", "open sesame"
EXIT_CODES = (
    "Exit codes: 0 nothing failed, 1 something failed, 2 could not test, 3 wrong usage, "
    "130 interrupted."
)
OWN_HEADERS = {"authorization", "content-type", "content-length", "accept", "host"}
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
MAX_SECONDS = 3600.0
MIN_DIGITS, MAX_DIGITS, MAX_PORT = 4, 20, 65535
SEPARATORS = re.compile(r"[ ().-]")
OTHER_SECTION = "Other options"
FILE = click.Path(path_type=Path, readable=False)

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Decorator = Callable[[Decorated], Decorated]


class Option(click.Option):
    """An option that is listed in a section of the help."""

    def __init__(self, *names: Any, section: str = OTHER_SECTION, **settings: Any) -> None:
        super().__init__(*names, **settings)
        self.section = section


class Command(click.Command):
    """A command whose help lists its options by section, and the exit codes."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{"epilog": EXIT_CODES, **settings})

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections in the order of their first options, the other options last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                title = parameter.section if isinstance(parameter, Option) else OTHER_SECTION
                sections.setdefault(title, []).append(record)
        for title in sorted(sections, key=OTHER_SECTION.__eq__):
            with formatter.section(title if len(sections) > 1 else "Options"):
                formatter.write_dl(sections[title])


class Parsed(click.ParamType):  # type: ignore[type-arg]  # generic to the type checker only
    """A value that a function parses; its ValueError says what was expected."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name, self._parse = name, parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the parsed value; a default is one already."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


SECRET = Parsed("text", Secret)


def parse_seed(text: str) -> int:
    """Return a seed; ``random`` draws one."""
    if text == "random":
        return secrets.randbelow(10**6)
    if not text.isdecimal():
        raise ValueError("expected a whole number, or random")
    return int(text)


def parse_seconds(text: str) -> float:
    """Return a number of seconds."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_SECONDS:
        raise ValueError(f"expected a number of seconds from 0 to {MAX_SECONDS:g}")
    return seconds


def parse_phone_number(text: str) -> str:
    """Return the digits of a phone number in international format."""
    digits = SEPARATORS.sub("", text).removeprefix("+")
    fits = MIN_DIGITS <= len(digits) <= MAX_DIGITS
    if not (digits.isascii() and digits.isdecimal() and fits):
        raise ValueError("expected a number in international format, such as 41793026727")
    return digits


def parse_count(text: str) -> int:
    """Return a whole number of at least one."""
    if not text.isdecimal() or not int(text):
        raise ValueError("expected a whole number from 1")
    return int(text)


def parse_header(text: str) -> tuple[str, str]:
    """Return name and value of a header field that the suite does not set itself."""
    name, colon, value = text.partition(":")
    if not colon or not TOKEN.fullmatch(name) or not value.isprintable() or not value.isascii():
        raise ValueError("expected a name, a colon and a value")
    if name.lower() in OWN_HEADERS:
        raise ValueError(f"{name} is set by the suite; see --token-command for Authorization")
    return name, Secret(value.strip())


def parse_port(text: str) -> int:
    """Return a TCP port."""
    if not text.isdecimal() or not 0 < int(text) <= MAX_PORT:
        raise ValueError(f"expected a port from 1 to {MAX_PORT}")
    return int(text)


def complete_requirement(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the requirements whose id has this prefix."""
    rows = read_requirements().values()
    return [
        CompletionItem(row.id, help=row.text)
        for row in rows
        if row.id.startswith(incomplete.upper())
    ]


def option(*names: str, section: str, **settings: Any) -> Decorator[Any]:
    """Return a decorator that adds an option to a section."""
    return click.option(*names, cls=Option, section=section, **settings)


def add_options(*decorators: Decorator[Any]) -> Decorator[Any]:
    """Return a decorator that adds several options, in this order."""

    def decorate(command: Decorated) -> Decorated:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


add_account = add_options(
    option(
        "--user",
        section="Account",
        metavar="USER",
        help=f"User for Basic.  [default: {USER}, the documented one; none with --live]",
    ),
    option(
        "--password",
        section="Account",
        metavar="PASSWORD",
        type=SECRET,
        help=f"Password for Basic.  [default: {PASSWORD}]",
    ),
    option(
        "--api-key",
        section="Account",
        metavar="KEY",
        type=SECRET,
        help="API key; also checks the App scheme.",
    ),
    option(
        "--no-basic",
        section="Account",
        is_flag=True,
        help="Use only the API key; the server has no user.",
    ),
    option(
        "--token-command",
        section="Account",
        default="",
        metavar="COMMAND",
        type=SECRET,
        help="Command that prints a token, in place of user and password; run again after a 401.",
    ),
    option(
        "--header",
        section="Account",
        multiple=True,
        metavar="'NAME: VALUE'",
        type=Parsed("header", parse_header),
        help="Header field of every request; repeatable.",
    ),
)

add_selection = add_options(
    option(
        "--only",
        section="Selection",
        multiple=True,
        metavar="PREFIX",
        shell_complete=complete_requirement,
        help="Check only requirements with this prefix; repeatable.",
    ),
    option(
        "--rerun-failed",
        section="Selection",
        type=FILE,
        metavar="FILE",
        help="Check only what failed in this --json file.",
    ),
    option(
        "--replay",
        section="Selection",
        metavar="TOKEN|FILE",
        help="Repeat only this check, or what failed in this --json file, byte for byte.",
    ),
    option(
        "--without",
        section="Selection",
        multiple=True,
        metavar="FEATURE",
        type=click.Choice(list(FEATURES)),
        help=f"Feature that the server does not have; repeatable: {', '.join(FEATURES)}.",
    ),
    option(
        "--seed",
        section="Selection",
        type=Parsed("seed", parse_seed),
        metavar="N",
        help="Seed of the generated requests; random draws one.  "
        f"[default: {DEFAULT_SEED}, or that of --replay or --rerun-failed]",
    ),
    option(
        "--patience",
        section="Selection",
        type=Parsed("seconds", parse_seconds),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for events such as delivery reports.",
    ),
    option(
        "--wait",
        section="Selection",
        type=Parsed("seconds", parse_seconds),
        default=0.0,
        metavar="SECONDS",
        help="Wait at most this long until the server accepts connections.",
    ),
    option(
        "--clock",
        section="Selection",
        is_flag=True,
        help="The server has the sandbox's clock API: check what takes minutes and days.",
    ),
)

add_safety = add_options(
    option("--dry-run", section="Safety", is_flag=True, help="Print the plan and send nothing."),
    option(
        "--live",
        section="Safety",
        is_flag=True,
        help="Allow a server that is not on this machine.",
    ),
    option(
        "--trust-http",
        section="Safety",
        multiple=True,
        metavar="HOST",
        help="Send credentials to this host over http; repeatable.",
    ),
    option(
        "--profile",
        section="Safety",
        metavar="PROFILE",
        type=click.Choice(list(PROFILES)),
        help="full, quick, live or rejections.  [default: full; live with --live]",
    ),
    option(
        "--to",
        section="Safety",
        multiple=True,
        metavar="NUMBER",
        type=Parsed("number", parse_phone_number),
        help="Send messages to this number and no others; repeatable.",
    ),
    option(
        "--max-messages",
        section="Safety",
        type=Parsed("count", parse_count),
        metavar="N",
        help="Stop before the server may have accepted more messages.",
    ),
    option(
        "--callback",
        section="Safety",
        metavar="URL",
        help="URL under which the server reaches --callback-port of this machine.",
    ),
    option(
        "--callback-port",
        section="Safety",
        type=Parsed("port", parse_port),
        default=0,
        metavar="PORT",
        help="Port that receives delivery reports.  [default: a free one]",
    ),
    option(
        "--callback-host",
        section="Safety",
        default=HOST,
        metavar="ADDRESS",
        help="Address to listen on for delivery reports; 0.0.0.0 lets other machines, such as a "
        "server in another container, send them.  [default: 127.0.0.1]",
    ),
)

add_port = option(
    "--port",
    section="Server",
    type=Parsed("port", parse_port),
    default=0,
    metavar="PORT",
    help="Port to listen on.  [default: a free one]",
)

REPORTS = {
    "json": "Write a report for programs, diff, --rerun-failed and --replay.",
    "junit": "Write a report for CI.",
    "html": "Write a page with all verdicts and their evidence.",
    "markdown": "Write a summary.",
    "har": "Write every request and response, masked.",
}

add_reports = add_options(
    *(
        option(f"--{name}", section="Reports", type=FILE, metavar="FILE", help=text)
        for name, text in REPORTS.items()
    ),
    option(
        "--baseline",
        section="Reports",
        type=FILE,
        metavar="FILE",
        help="Known failures, each with a reason and an expiry date.",
    ),
    option("--quiet", section="Reports", is_flag=True, help="Print only failures and the summary."),
    option(
        "--verbose",
        section="Reports",
        is_flag=True,
        help="Print a line for each requirement, undocumented behavior, and what is not tested.",
    ),
)


@dataclass(kw_only=True, repr=False)
class ReportOptions:
    """The values of ``add_reports``."""

    json: Path | None = None
    junit: Path | None = None
    html: Path | None = None
    markdown: Path | None = None
    har: Path | None = None
    baseline: Path | None = None
    quiet: bool = False
    verbose: bool = False

    @property
    def files(self) -> dict[str, Path]:
        """The files to be written, by the names of their formats."""
        return {name: path for name in NAMES if (path := getattr(self, name))}
