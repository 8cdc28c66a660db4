"""What all commands have in common: sections of help, endings, exit codes.

    0    done
    1    the server rejected: the request as a whole, or at least one destination
    2    no answer, an answer outside the contract, an outcome that is not known; or this machine
         lacks something
    3    wrong usage, or an invalid request; nothing was sent
    130  interrupted, or not confirmed
    141  whoever read the output went away

A command returns its exit code; None is 0.
"""

from __future__ import annotations

import difflib
import errno
import io
import json
import os
import sys
import traceback
from collections import UserDict
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from .terminal import echo

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_OK, EXIT_REJECTED, EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED, EXIT_BROKEN_PIPE = (
    0,
    1,
    2,
    3,
    130,
    141,
)
_OTHER_SECTION = "Other options"


class UnavailableError(click.ClickException):
    """Something outside the command line is missing or in the way."""

    exit_code = EXIT_FAILURE


def build_address_error(host: str, port: int, problem: OSError | UnicodeError) -> UnavailableError:
    """Say why nothing can listen on an address, and what to do about it."""
    code = problem.errno if isinstance(problem, OSError) else None
    if code == errno.EADDRINUSE:
        words = f"port {port} is already in use. Choose another with --port; 0 finds a free one"
    elif code == errno.EACCES:
        words = f"port {port} is reserved for administrators. Choose one above 1023 with --port"
    elif code is None or code < 0 or code == errno.EADDRNOTAVAIL:
        words = (
            f"{host} is not an address of this machine. Use 127.0.0.1, or 0.0.0.0 for all of them"
        )
    else:
        words = f"{host}, port {port}: {getattr(problem, 'strerror', problem)}"
    return UnavailableError(f"Cannot listen: {words}.")


class InvalidInputError(click.ClickException):
    """What was given, in files or in the environment, cannot be used."""

    exit_code = EXIT_USAGE


class Option(click.Option):
    """An option that is in a section of the help."""

    def __init__(self, *names: Any, section: str = _OTHER_SECTION, **settings: Any) -> None:
        super().__init__(*names, **settings)
        self.section = section


class Command(click.Command):
    """A command whose help shows its options by sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections in the order of their first options, the last section last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                title = parameter.section if isinstance(parameter, Option) else _OTHER_SECTION
                sections.setdefault(title, []).append(record)
        for title in sorted(sections, key=_OTHER_SECTION.__eq__):
            with formatter.section(title if len(sections) > 1 else "Options"):
                formatter.write_dl(sections[title])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the base
        """Write the epilog as it stands: its lines are made by hand."""
        if self.epilog:
            formatter.write(f"\n{self.epilog}")


class LazyCommands(UserDict[str, Any]):
    """Commands by name; each is given as ``module:attribute``, and imported when it is used."""

    def __getitem__(self, name: str) -> Any:
        """Return a command."""
        module, _, attribute = self.data[name].partition(":")
        return getattr(import_module(f"infobip_sms.cli.{module}"), attribute)


class Group(Command, click.Group):
    """A group that names the nearest command for a wrong one, and lists them as they were added."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the base
        """Return the names in the order of a first reading."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one is nearest."""
        name = args[0]
        if name.startswith("-") or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, self.commands, n=1, cutoff=0.5)
        known = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(self.commands)}."
        raise click.UsageError(f"There is no command {name}. {known}", ctx)


class RootGroup(Group):
    """The outermost group: every way to end leads to an exit code."""

    group_class = Group

    def main(  # type: ignore[override]  # one way to end for all its forms
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and end with the exit code; return it if not standalone."""
        code = self._run(args, prog_name, extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def _run(self, args: Sequence[str] | None, prog_name: str | None, extra: dict[str, Any]) -> int:
        try:
            result = super().main(args, prog_name, standalone_mode=False, **extra)
            sys.stdout.flush()
        except click.UsageError as problem:
            _print_error(problem, sys.argv if args is None else args)
            return EXIT_USAGE
        except click.ClickException as problem:
            _print_error(problem, sys.argv if args is None else args)
            return problem.exit_code
        except click.Abort:
            echo("Interrupted.", err=True)
            return EXIT_INTERRUPTED
        except BrokenPipeError:
            _discard_output()
            return EXIT_BROKEN_PIPE
        except Exception:  # noqa: BLE001 - Python's own exit code would say that the server rejected
            echo(traceback.format_exc().rstrip(), err=True)
            return EXIT_FAILURE
        return result if isinstance(result, int) else EXIT_OK

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a reader of the output that went away is no error to be shown."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _discard_output()
            return EXIT_BROKEN_PIPE


def _print_error(error: click.ClickException, arguments: Sequence[str]) -> None:
    """Say what is wrong, to a machine if --json was among the words, however wrong the others are."""
    if "--json" not in arguments:
        shown = io.StringIO()
        error.show(shown)
        echo(shown.getvalue().rstrip("\n"), err=True)
        return
    plain = {"kind": type(error).__name__, "message": error.format_message()}
    echo(json.dumps({"error": plain}), err=True)


def _discard_output() -> None:
    """Let whatever is still to be written vanish, also at the interpreter's end."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - no path of ours
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
