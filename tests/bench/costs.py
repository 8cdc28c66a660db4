"""What is no ratio of two pieces of work: cold imports, and memory."""

from __future__ import annotations

import gc
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import tracemalloc
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT, LIBRARIES = "… and a client", "attrs + cattrs + urllib3"
IMPORTS = {
    "bare interpreter": "pass",
    LIBRARIES: "import attrs, cattrs.preconf.json, urllib3",
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
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for code in IMPORTS.values():
            subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        for _ in range(rounds):
            for name, code in IMPORTS.items():
                taken[name].append(_time_process([sys.executable, "-c", code], environment))
    found = {name: statistics.median(row) for name, row in taken.items()}
    bare = found.pop("bare interpreter")
    return {name: round(spent - bare, 1) for name, spent in found.items()}


def _time_process(command: list[str], environment: dict[str, str]) -> float:
    """Run a program; return milliseconds of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


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
