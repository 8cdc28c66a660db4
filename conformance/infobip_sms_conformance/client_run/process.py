"""The client under test, as a process."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.transport.processes import stop

BASE_URL_VARIABLE, API_KEY_VARIABLE = "INFOBIP_BASE_URL", "INFOBIP_API_KEY"
SECONDS_TO_END = 5.0
ERROR = re.compile(
    r"^\s*(?:Uncaught |Exception in thread \S+ )?((?:\w+\.)*\w*(?:Error|Exception))\b"
)
UNCAUGHT = re.compile(
    r"Traceback \(most recent call last\)|^Exception in thread|^panic: |Fatal error: +Uncaught"
    r"|Unhandled|^Node\.js v|terminate called"
)


@dataclass(frozen=True)
class ProgramExit:
    """How a program ended."""

    code: int
    uncaught: str = ""
    """The kind of the uncaught error, if one was printed."""

    @property
    def is_killed(self) -> bool:
        """Whether a signal ended it."""
        return self.code < 0

    def __str__(self) -> str:
        """Return it in words."""
        if self.is_killed:
            try:
                return f"ended by {signal.Signals(-self.code).name}"
            except ValueError:
                return f"ended by signal {-self.code}"
        error = f", with an uncaught {self.uncaught}" if self.uncaught else ""
        return f"ended with {self.code}{error}"


def run_client_command(
    command: Sequence[str], url: str, key: str, timeout: float | None = None, *, quiet: bool = False
) -> ProgramExit:
    """Run a command to its end, with its own output; raise UsageError if it cannot be run."""
    try:
        process = subprocess.Popen(
            list(command),
            env=build_environment(url, key),
            stdout=subprocess.DEVNULL if quiet else None,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise UsageError(f"COMMAND cannot be run: {error.strerror}") from None
    watcher = Watcher(quiet=quiet)
    assert process.stderr is not None, "it is a pipe"
    thread = threading.Thread(target=watcher.watch, args=(process.stderr,), daemon=True)
    thread.start()
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        stop(process)
        return ProgramExit(-signal.SIGKILL, "timed out")
    except KeyboardInterrupt:  # the command gets it as well
        stop(process)
        raise
    thread.join(SECONDS_TO_END)
    process.stderr.close()
    return ProgramExit(code, watcher.uncaught)


def build_environment(url: str, key: str) -> Mapping[str, str]:
    """Return the environment of the command."""
    direct = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return {**os.environ, **direct, BASE_URL_VARIABLE: url, API_KEY_VARIABLE: key}


class Watcher:
    """Passes on the stderr of a program, and notes the kind of an uncaught error."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._seen = False
        self._last = ""

    @property
    def uncaught(self) -> str:
        """The kind of the error; empty when there was none."""
        return (self._last or "error") if self._seen else ""

    def watch(self, stream: IO[bytes]) -> None:
        """Read until the program ends."""
        for line in stream:
            text = line.decode("utf-8", "replace")
            if not self._quiet:
                print(text, end="", file=sys.stderr, flush=True)
            self._seen = self._seen or bool(UNCAUGHT.search(text))
            if match := ERROR.match(text):
                self._last = match[1][:60]
