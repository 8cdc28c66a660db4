"""The command line of the suite.

Exit codes: 0 nothing failed and something was checked; 1 something failed; 2 the suite could not
test; 3 wrong usage; 130 interrupted.
"""

import io
import os
import sys
from collections import UserDict
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from typing import Any

import click

from infobip_sms_conformance.cli.options import EXIT_CODES
from infobip_sms_conformance.errors import COULD_NOT_TEST, INTERRUPTED, USAGE_ERROR, UsageError
from infobip_sms_conformance.sanitization.redaction import clean
from infobip_sms_conformance.transport.processes import ServerStartError

PROGRAM_NAME = "infobip-sms conformance"
FOLDER = Path(__file__).parents[1]


class LazyCommands(UserDict[str, Any]):
    """Commands by name; each is given as ``module:attribute``, and imported when it is used."""

    def __getitem__(self, name: str) -> Any:
        """Return a command."""
        module, _, attribute = self.data[name].partition(":")
        return getattr(import_module(f"{__name__}.{module}"), attribute)


class RootGroup(click.Group):
    """The group of all commands: every way to end leads to an exit code, and errors are one line.

    It works the same on its own and below another group.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the base
        """Return the names in the order in which they were added."""
        return list(self.commands)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse the options before the command."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # not every terminal has every character
                stream.reconfigure(errors="replace")
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            raise click.exceptions.Exit(print_usage_error(error)) from None

    def invoke(self, ctx: click.Context) -> int:
        """Run the command and return the exit code."""
        try:
            code: int = super().invoke(ctx)
            sys.stdout.flush()
        except click.exceptions.Exit:
            raise
        except click.UsageError as error:
            return print_usage_error(error)
        except UsageError as error:
            return print_error(str(error), USAGE_ERROR)
        except ServerStartError as error:
            return print_error(f"the sandbox did not start: {error}", COULD_NOT_TEST)
        except KeyboardInterrupt:
            return print_error("interrupted", INTERRUPTED)
        except BrokenPipeError:  # the reader of the output has closed it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return COULD_NOT_TEST
        except Exception as error:  # noqa: BLE001 - its text may quote a request
            return print_error(f"the suite itself failed: {format_location(error)}", COULD_NOT_TEST)
        return code


def print_usage_error(error: click.UsageError) -> int:
    """Print what is wrong with the options; return the exit code."""
    name = error.ctx.command_path if error.ctx else PROGRAM_NAME
    return print_error(" ".join(error.format_message().split()), USAGE_ERROR, name)


def print_error(text: str, code: int, name: str = PROGRAM_NAME) -> int:
    """Print an error in one line; return the exit code."""
    print(clean(f"{name}: {text}"), file=sys.stderr)
    return code


def format_location(error: Exception) -> str:
    """Return the kind of an error, and where in the suite it was raised."""
    frames = extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(FOLDER)]
    frame = (ours or frames)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"


COMMANDS = LazyCommands(
    {
        "server": "server:server",
        "client": "client:client",
        "proxy": "client:proxy",
        "har": "client:har",
        "receiver": "receiver:receiver",
        "list": "catalog:list_requirements",
        "explain": "catalog:explain",
        "coverage": "coverage_table:coverage",
        "diff": "catalog:diff",
    }
)


@click.group(
    cls=RootGroup,
    commands=COMMANDS,
    epilog=EXIT_CODES,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Check any server, client or callback receiver against the documented API, one requirement at a time."""
    if ctx.invoked_subcommand is None:
        raise click.UsageError(f"name a command: {', '.join(cli.commands)}; see --help", ctx)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    code: int = cli.main(arguments, PROGRAM_NAME, standalone_mode=False)
    return code
