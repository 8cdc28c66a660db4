"""The start of the independent server by its path; `python -m infobip_sms_conformance.servers.independent server` does the same."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[4])
    runpy.run_module(
        "tests.conformance.mutation.independent_server", run_name="__main__", alter_sys=True
    )
