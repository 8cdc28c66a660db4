"""Runs of the command line: in this process, as a process, or on a terminal of 80 columns."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from click.testing import CliRunner

from infobip_sms.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

KEY = "003026bbc133714df1834b8638bb496e-8f4b3d9a"
NUMBER, TEXT = "41793026727", "Your table is ready."
SEND = ("send", "--from", "InfoSMS", "--to", NUMBER)
PROGRAM = (sys.executable, "-m", "infobip_sms")
UNSET = ("INFOBIP_USER", "INFOBIP_PASSWORD", "NO_COLOR", "FORCE_COLOR", "PYTHONUNBUFFERED")
NOBODY = "http://127.0.0.1:1"
PATIENCE = 20.0  # seconds; no test needs them


def run(*words: str, url: str = NOBODY, typed: str | bytes = "", key: str | None = KEY) -> Result:
    """Run a command in this process, with its settings in the environment."""
    env = {"INFOBIP_BASE_URL": url, "INFOBIP_API_KEY": key, **dict.fromkeys(UNSET)}
    return CliRunner(env=env).invoke(cli, words, input=typed, prog_name="infobip-sms")


def make_environment(url: str = NOBODY, key: str = KEY) -> dict[str, str]:
    """Return the environment of a process that runs a command."""
    settings = {"INFOBIP_BASE_URL": url, "INFOBIP_API_KEY": key, "COLUMNS": "80"}
    return {k: v for k, v in os.environ.items() if k not in UNSET} | settings


@contextmanager
def start(
    *words: str, url: str = NOBODY, stdout: int | Path = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command as a process of its own, which is waited for; one that hangs is killed."""
    output = stdout if isinstance(stdout, int) else os.open(stdout, os.O_CREAT | os.O_WRONLY)
    with subprocess.Popen(
        [*PROGRAM, *words],
        env=make_environment(url),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
    ) as process:
        end = threading.Timer(PATIENCE, process.kill)
        end.start()
        try:
            yield process
            process.wait()
        finally:
            process.kill()
            end.cancel()


def run_on_terminal(*words: str, url: str = NOBODY, typed: str = "") -> tuple[int, str]:
    """Run a command on a terminal; return its exit code and all that was seen there."""
    return run_program_on_terminal([*PROGRAM, *words], make_environment(url), typed)


def run_program_on_terminal(
    program: list[str], environment: dict[str, str] | None = None, typed: str = "", **more: str
) -> tuple[int, str]:
    """Run any program on a terminal of 80 columns; likewise."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        program,
        env=(environment or make_environment()) | {"TERM": "xterm"} | more,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    ) as process:
        os.close(slave)
        os.write(master, typed.encode())
        seen = _read_all(master, process)
    os.close(master)
    return process.returncode, seen.decode(errors="replace")


def _read_all(master: int, process: subprocess.Popen[bytes]) -> bytes:
    seen, until = bytearray(), time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if select.select([master], [], [], 0.05)[0]:
            try:
                chunk = os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            seen += chunk
        elif process.poll() is not None:
            break
    return bytes(seen)
