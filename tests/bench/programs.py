"""What whole programs cost: the start of the command line, and a run of the conformance suite."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.costs import EACH, STARTED, SUITE, WHOLE, compile_beforehand, time_process
from tests.bench.latency import run_server
from tests.bench.timing import Figure
from tests.bench.trials import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

START = "Start of a program"
_STARTS = {
    "bare interpreter": ("-c", "pass"),
    "import click": ("-c", "import click"),
    "infobip-sms --help": ("-m", "infobip_sms", "--help"),
    "infobip-sms send --help": ("-m", "infobip_sms", "send", "--help"),
    "infobip-sms conformance --help": ("-m", "infobip_sms", "conformance", "--help"),
}


def measure_starts(rounds: int) -> Iterator[Row]:
    """Measure the start of the command line; that of a bare interpreter is 1."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in _STARTS}
    with compile_beforehand() as environment:
        for number in range(rounds + 1):
            for name, words in _STARTS.items():
                times = time_process([sys.executable, *words], environment)
                if number:  # the first compiles
                    taken[name].append(times)
    first = next(iter(taken.values()))
    for name, rows in taken.items():
        yield Row(START, "once", name, Figure.of(rows, first))


def measure_suite(*, quick: bool) -> Iterator[Row]:
    """Measure runs of the suite: a whole run, and what one of its requests costs."""
    with run_server(sys.executable, "-m", "infobip_sms", "sandbox", "--port", "0") as port:
        for profile in ("quick",) if quick else ("quick", "full"):
            yield from _measure_run(profile, f"http://127.0.0.1:{port}")


def _measure_run(profile: str, url: str) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, compile_beforehand() as environment:
        report = Path(folder) / "report.json"
        words = (
            "conformance",
            "server",
            url,
            "--quiet",
            "--profile",
            profile,
            "--json",
            str(report),
        )
        command = [sys.executable, "-m", "infobip_sms", *words]
        plan = [*command, "--dry-run"]
        subprocess.run(plan, check=True, env=environment, capture_output=True)  # it compiles
        start = time_process(plan, environment)
        cpu, wall = time_process(command, environment)
        requests = json.loads(report.read_text(encoding="utf-8"))["requests"]
    size = f"{profile}, {requests} requests"
    yield Row(SUITE, size, WHOLE, Figure.of([(cpu, wall)], [(cpu, wall)]))
    yield Row(SUITE, size, STARTED, Figure.of([start], [(cpu, wall)]))
    each = (cpu - start[0]) / requests, (wall - start[1]) / requests
    yield Row(SUITE, size, EACH, Figure.of([each], [(cpu, wall)]))
