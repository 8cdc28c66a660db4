"""A day in the life: single sends, one bulk, and delivery reports; seconds and memory of each program.

Each program does each task in a process of its own: ours, the official client, and a loop that somebody
wrote by hand with urllib3 and json.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from infobip_sms import DeliveryReport, DeliveryReports, Status
from infobip_sms.codecs import wire_json
from tests.bench.peers.official import OFFICIAL
from tests.bench.timing import Figure
from tests.bench.trials import Row, serve_replies

if TYPE_CHECKING:
    from collections.abc import Iterator

WORK = "A day"
HAND, OURS, THEIRS = "by hand: urllib3 + json", "infobip-sms", "official 4.0.0"
PROGRAM = Path(__file__).with_name("day_program.py")
TASKS = {
    "singles": "{:,} single sends in a row",
    "bulk": "one bulk of {:,}, 1,000 in a request",
    "reports": "{:,} reports received one by one",
    "batches": "{:,} reports received in batches of 100",
}
COUNTS = {"singles": 1_000, "bulk": 100_000, "reports": 10_000, "batches": 10_000}


def measure_day(*, quick: bool) -> Iterator[Row]:
    """Measure each task by each program; the loop by hand is 1. ``memory`` is the peak of the process."""
    programs = {HAND: [sys.executable], OURS: [sys.executable]}
    if not quick:
        OFFICIAL.install()
        programs[THEIRS] = OFFICIAL.find_interpreter()
    with serve_replies(many=1_000) as url:
        for task, title in TASKS.items():
            count = COUNTS[task] // (10 if quick else 1)
            found = {
                name: _run([*command, str(PROGRAM), name, task, str(count), url])
                for name, command in programs.items()
            }
            for name, (cpu, wall, memory) in found.items():
                figure = Figure.of([(cpu, wall)], [found[HAND][:2]])
                yield Row(WORK, title.format(count), name, figure, memory=memory)


def _run(command: list[str]) -> tuple[float, float, float]:
    """Return seconds of the processor, of the wall, and MiB."""
    reports = {str(count): build_reports(count) for count in (1, 100)}
    run = partial(subprocess.run, check=True, capture_output=True, text=True)
    cpu, wall, memory = json.loads(run(command, input=json.dumps(reports)).stdout)
    return cpu, wall, memory


def build_reports(count: int) -> str:
    """Return the body of a post with so many delivery reports."""
    status = Status(group_id=3, group_name="DELIVERED", id=5, name="DELIVERED_TO_HANDSET")
    reports = [
        DeliveryReport(message_id=f"order-{n}", to=f"999{n:09}", sms_count=1, status=status)
        for n in range(count)
    ]
    return wire_json.dump_model(DeliveryReports(results=reports)).decode()
