"""The official client 4.0.0, in a process and an environment of its own, and the clock beside it.

Its process does a piece of work when it is told, so often as it is told, and says how long it took:
so it takes part in the rounds of all others.

Lives here: the process, and what it is told.
Never here: figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from peers.installing import Package

OFFICIAL = Package(
    name="python-client-4", registry="pypi", package="infobip-api-python-client", version="4.0.0"
)


class Official:
    """The process of the official client."""

    def __init__(self, url: str, bodies: dict[str, str]) -> None:
        OFFICIAL.install()
        command = [*OFFICIAL.find_interpreter(), str(Path(__file__)), url]
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


def build_work(url: str, bodies: dict[str, str]) -> dict[str, Any]:
    """Return what can be done with documents of these names: read, written, and sent."""
    from infobip_api_client import models  # type: ignore[import-not-found] # noqa: PLC0415 - only there
    from infobip_api_client.api.sms_api import SmsApi  # type: ignore[import-not-found] # noqa: PLC0415 - likewise
    from infobip_api_client.api_client import (  # type: ignore[import-not-found] # noqa: PLC0415 - likewise
        ApiClient,
        Configuration,
    )

    key = {"APIKeyHeader": "key"}
    settings = Configuration(host=url, api_key=key, api_key_prefix={"APIKeyHeader": "App"})
    api = SmsApi(ApiClient(settings))
    work: dict[str, Any] = {}
    for name, body in bodies.items():
        reply = name.startswith("reply")
        kind = models.SmsResponse if reply else models.SmsAdvancedTextualRequest
        model = kind.from_json(body)
        work[f"read {name}"] = lambda kind=kind, body=body: kind.from_json(body)
        work[f"write {name}"] = model.to_json
        if not reply:
            work[f"send {name}"] = lambda model=model: api.send_sms_message(
                sms_advanced_textual_request=model
            )
    return work


def main() -> None:
    """Do what is asked on standard input."""
    work = build_work(sys.argv[1], json.loads(sys.stdin.readline()))
    print("[]", flush=True)
    for line in sys.stdin:
        name, count = json.loads(line)
        do = work[name]
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(count):
            do()
        taken = (time.process_time() - cpu) / count, (time.perf_counter() - wall) / count
        print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    main()
