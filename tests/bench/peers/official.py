"""The official client 4.0.0, in a process and an environment of its own, and the clock beside it.

Its process does a piece of work when it is told, so often as it is told, and says how long it took:
so it takes part in the rounds of all others.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.peers.packages import Package

OFFICIAL = Package(
    name="python-client-4", registry="pypi", package="infobip-api-python-client", version="4.0.0"
)
DRIVER = Path(__file__).with_name("official_driver.py")


class Official:
    """The process of the official client."""

    def __init__(self, url: str, bodies: dict[str, str]) -> None:
        OFFICIAL.install()
        command = [*OFFICIAL.find_interpreter(), str(DRIVER), url]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._tell(bodies)

    def perform(self, work: str, count: int) -> tuple[float, float]:
        """Do a piece of work so often; return the seconds of its processor and of the wall for one."""
        cpu, wall = self._tell([work, count])
        return cpu, wall

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _tell(self, what: Any) -> Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None, "a pipe"
        assert stdout is not None, "a pipe"
        stdin.write(json.dumps(what) + "\n")
        stdin.flush()
        return json.loads(stdout.readline())
