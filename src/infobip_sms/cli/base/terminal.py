r"""The only way out of the command line: text for a terminal, a pipe or a file.

Whatever could steer a terminal, or hide in a text without being seen, is written as ``\uXXXX``, as
JSON would write it. Every command prints through this module; a test looks for any other way.
"""

from __future__ import annotations

import logging
import re
import sys
import unicodedata
from functools import lru_cache

import click

_NOT_PLAIN = re.compile("[^ -~]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Printable to Unicode, and yet nothing is seen: joiners, fillers, selectors of variants.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0000-\U000e0fff]"
)


def escape(text: str) -> str:
    """Return a text as one line in which every character can be seen."""
    return _NOT_PLAIN.sub(lambda found: _show(found[0]), text)


def echo(text: str = "", *, err: bool = False) -> None:
    """Print lines on standard output, or on standard error."""
    click.echo("\n".join(map(escape, text.split("\n"))), err=err)


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


@lru_cache(4096)
def _show(sign: str) -> str:
    """Return a character, or its escape if it is not seen: controls, formats, surrogates, private ones."""
    seen = sign.isprintable() or unicodedata.category(sign) == "Zs"
    if seen and not _INVISIBLE.match(sign):
        return sign
    units = sign.encode("utf-16-be", "surrogatepass")
    pairs = (units[at : at + 2].hex() for at in range(0, len(units), 2))
    return _SHORT.get(sign) or "".join(f"\\u{pair}" for pair in pairs)
