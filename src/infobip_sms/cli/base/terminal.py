r"""The only way out of the command line: text for a terminal, a pipe or a file.

Whatever could steer a terminal, or hide in a text without being seen, is written as ``\uXXXX``, as
JSON would write it. Every command prints through this module; a test looks for any other way.
"""

from __future__ import annotations

import logging
import re
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from infobip_sms.text.escapes import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the log of a build obeys: at the start of a line on GitHub, anywhere in one on Azure.
_COMMAND = re.compile(r"(?<!\S)::(?=[A-Za-z][^\n]*?::)|##(?=(?:vso)?\[)")
ENDING_SIGNALS = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
"""What service managers, containers and a terminal that is closed end a program with."""


def echo(text: str = "", *, err: bool = False) -> None:
    """Print lines on standard output, or on standard error."""
    shown = "\n".join(map(escape, text.split("\n")))
    click.echo(
        _COMMAND.sub(lambda found: f"\\u{ord(found[0][0]):04x}{found[0][1:]}", shown), err=err
    )


def echo_bytes(line: bytes) -> None:
    """Print a line of bytes that are escaped already, or go to a program."""
    click.echo(line)


def is_terminal() -> bool:
    """Return whether a person reads standard output."""
    return sys.stdout.isatty()


def ask(question: str) -> None:
    """Ask on standard error; raise click.Abort for no."""
    click.confirm(escape(question), abort=True, err=True)


class LogHandler(logging.Handler):
    """Writes the log to standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one entry."""
        echo(self.format(record), err=True)


@contextmanager
def show_log(level: int) -> Iterator[None]:
    """Write what the package logs to standard error, cleaned, in place of logging's own way."""
    log, handler = logging.getLogger("infobip_sms"), LogHandler()
    before = log.level
    log.addHandler(handler)
    log.setLevel(level)
    try:
        yield
    finally:
        log.setLevel(before)
        log.removeHandler(handler)
