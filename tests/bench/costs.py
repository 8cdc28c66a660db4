"""What is no ratio of two pieces of work: cold imports, and memory."""

from __future__ import annotations

import gc
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUITE = "Run of the conformance suite, against the sandbox"
EACH = "each request, beyond the start"
WHOLE, STARTED = "whole run", "start and plan, no request"
LATENCY, ONE_REQUEST = "Latency over a kept connection", "1 request"
CALLERS = ("our client", "urllib3", "http.client")
TO_BARE = tuple(f"{caller}, to the bare server" for caller in CALLERS)
TO_SANDBOX = tuple(f"{caller}, to the sandbox" for caller in CALLERS)
CLIENT, LIBRARIES = "… and a client", "attrs + cattrs + urllib3"
IMPORTS = {
    "bare interpreter": "pass",
    LIBRARIES: "import attrs, cattrs.preconf.json, urllib3",
    "… and the classes of the models": (
        "import attrs, cattrs.preconf.json, urllib3, infobip_sms_schema.models"
    ),
    "import infobip_sms": "import infobip_sms",
    CLIENT: "from infobip_sms import ApiKey, Client; Client(auth=ApiKey('key'))",
    "msgspec + urllib3": "import msgspec, urllib3",
    "pydantic + urllib3": "import pydantic, urllib3",
    "xmlschema": "import xmlschema",
}


def measure_imports(rounds: int) -> dict[str, float]:
    """Return milliseconds of the processor, beyond those of a bare interpreter.

    Modules are compiled beforehand, as pip does it, also where the environment forbids that.
    """
    taken: dict[str, list[float]] = {name: [] for name in IMPORTS}
    with compile_beforehand() as environment:
        for number in range(rounds + 1):
            for name, code in IMPORTS.items():
                cpu, _ = time_process([sys.executable, "-c", code], environment)
                if number:  # the first compiles
                    taken[name].append(cpu * 1000)
    found = {name: statistics.median(row) for name, row in taken.items()}
    bare = found.pop("bare interpreter")
    return {name: round(spent - bare, 1) for name, spent in found.items()}


@contextmanager
def compile_beforehand() -> Iterator[dict[str, str]]:
    """Give an environment in which compiled modules are kept, also where ours forbids that."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        yield environment


def time_process(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a program; return seconds of the processor and of the wall."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def measure_peak(do: Callable[[], Any], *, without_result: bool = False) -> int:
    """Return the most bytes that a piece of work holds at a time, without what was there before.

    without_result: nor what is there after it.
    """
    do()
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    kept = do()
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return peak - (after if without_result else before)
