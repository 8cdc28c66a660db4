"""The receiver as a process of the run: started, killed and started again."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.receiver_run.connection import ReceiverAddress

START_SECONDS, STOP_SECONDS, PAUSE = 20.0, 5.0, 0.02


@dataclass
class ReceiverProcess:
    """COMMAND, which listens at the address."""

    command: Sequence[str]
    address: ReceiverAddress
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Run the command until it listens; raise UsageError if it does not."""
        if is_listening(self.address):
            raise UsageError(f"{self.address}: another program listens there already")
        try:
            self._process = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(f"COMMAND cannot be run: {error.strerror}") from None
        end = time.monotonic() + START_SECONDS
        while not is_listening(self.address):
            if self._process.poll() is not None:
                raise UsageError(
                    f"COMMAND ended with {self._process.returncode} before it listened at "
                    f"{self.address}; run it alone to see why"
                )
            if time.monotonic() > end:
                self.end(signal.SIGKILL)
                raise UsageError(f"COMMAND did not listen at {self.address} in {START_SECONDS:g} s")
            time.sleep(PAUSE)

    def restart_after_kill(self) -> None:
        """Kill the process without a warning, and start it again."""
        self.end(signal.SIGKILL)
        self.start()

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the process and those that it started."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None


def is_listening(address: ReceiverAddress) -> bool:
    """Tell whether a connection can be opened."""
    try:
        socket.create_connection((address.target.host, address.target.port), 1.0).close()
    except OSError:
        return False
    return True


@contextmanager
def run_process(process: ReceiverProcess | None) -> Iterator[None]:
    """Run the receiver for the time of a ``with`` block, if the run has one."""
    if process is None:
        yield
        return
    try:
        process.start()
        yield
    finally:
        process.end()
