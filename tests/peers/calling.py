"""One client of peers.toml as a program that a judge can run: every operation, one after the other.

    INFOBIP_BASE_URL=… INFOBIP_API_KEY=… PYTHONPATH=tests python -m peers.calling node-sdk [OPERATION …]

What it is told to send is featured-request.json. Ends with 1 when an operation raised.

Lives here: the calls.
Never here: what is right (the judge says that); installing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from peers.__main__ import read_clients
from peers.trials import SEND, Asked, Trial, build_trials

FEATURED = Path(__file__).with_name("featured-request.json")


def build_calls(name: str) -> list[Trial]:
    """Return the trials, with the featured request in place of the first one's."""
    first, *others = build_trials(name)
    asked = Asked("POST", SEND, body=json.loads(FEATURED.read_text(encoding="utf-8")))
    return [Trial(first.operation, asked, first.check), *others]


def tell(operation: str, told: dict[str, Any]) -> bool:
    """Say what came of an operation; tell whether it raised."""
    raised = str(told.get("raised", ""))
    print(f"{operation}: {f'raised {raised}' if raised else 'returned'}", file=sys.stderr)
    return bool(raised)


def main() -> int:
    """Make the calls."""
    parser = argparse.ArgumentParser(description="Call every operation of a client.")
    parser.add_argument("name", choices=[client.package.name for client in read_clients()])
    parser.add_argument("operations", nargs="*", metavar="OPERATION", help="all if there is none")
    chosen = parser.parse_args()
    (client,) = [c for c in read_clients() if c.package.name == chosen.name]
    client.package.install()
    url, key = os.environ["INFOBIP_BASE_URL"], os.environ["INFOBIP_API_KEY"]
    trials = build_calls(chosen.name)
    if chosen.operations:
        trials = [trial for trial in trials if trial.operation in chosen.operations]
    raised = [tell(trial.operation, client.call(url, trial, key)) for trial in trials]
    return int(any(raised))


if __name__ == "__main__":
    sys.exit(main())
