"""Starts the server by its path, as subjects.py does."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[4])
    runpy.run_module(
        "tests.conformance.mutation.independent_server", run_name="__main__", alter_sys=True
    )
