"""What is read before something is sent: texts and documents, from files and standard input.

Lives here: where input comes from, and what is said when it cannot be read.
Never here: what is in it.
"""

from __future__ import annotations

import sys

import click

from .program import WrongInput


def read_text(text: str | None) -> str:
    """Return a text that was given, or standard input for ``-`` without its last line end."""
    if text is None:
        raise click.UsageError("There is no text: give it in quotes, or - for standard input.")
    if text != "-":
        return text
    return decode(sys.stdin.buffer.read(), "standard input").removesuffix("\n").removesuffix("\r")


def read_bytes(name: str) -> bytes:
    """Return what a file holds, or standard input for ``-``."""
    try:
        with click.open_file(name, "rb") as file:
            return bytes(file.read())
    except OSError as problem:
        raise WrongInput(f"{name} cannot be read: {problem.strerror}.") from None


def decode(body: bytes, name: str) -> str:
    """Return the text of bytes, a byte order mark left out."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise WrongInput(f"{name} is not UTF-8 (byte {problem.start}).") from None
