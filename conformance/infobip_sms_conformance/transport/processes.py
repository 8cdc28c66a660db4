"""The reference server, started as a program of its own."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any

from infobip_sms_conformance.transport.credentials import Credentials

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
SECONDS = 60.0
SECONDS_TO_END = 5.0


class ServerStartError(Exception):
    """The reference server did not come up."""


@contextmanager
def start_sandbox(credentials: Credentials) -> Iterator[str]:
    """Run the reference server for the time of a ``with`` block; give its URL."""
    program = [sys.executable, "-m", "infobip_sms", "sandbox", "--port", "0"]
    who = ["--user", credentials.user or "", "--password", credentials.password]
    key = ["--api-key", credentials.api_key] if credentials.api_key else []
    with run_program([*program, *who, *key]) as url:
        yield url


@contextmanager
def run_program(command: Sequence[str]) -> Iterator[str]:
    """Run a server that prints its address for the time of a ``with`` block; give its URL."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        yield read_address(process)
    finally:
        stop(process)


def read_address(process: subprocess.Popen[str]) -> str:
    """Return the URL that the server prints; what it prints later is read and dropped."""
    assert process.stdout is not None
    found: Queue[str] = Queue()
    Thread(target=drain, args=(process.stdout, found), daemon=True).start()
    try:
        address = found.get(timeout=SECONDS)
    except Empty:
        raise ServerStartError(f"it gave no address within {SECONDS:g} s") from None
    if not address:
        code = process.wait(SECONDS_TO_END)
        raise ServerStartError(
            f"it ended with code {code} before it gave an address; is the extra sandbox installed?"
        )
    return address


def drain(output: IO[str], found: Queue[str]) -> None:
    """Put the first address into the queue, an empty string at the end; read to the end, and close."""
    with output:
        for line in output:
            if match := ADDRESS.search(line):
                found.put(match.group())
    found.put("")


def stop(process: subprocess.Popen[Any]) -> None:
    """End a program by its own handle."""
    process.terminate()
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
