"""One client of peers.toml as a program that a suite can run: every operation, one after the other.

    INFOBIP_BASE_URL=… INFOBIP_API_KEY=… python -m tests.peers.client_program node-sdk [OPERATION …]

What it is told to send is featured-request.json, then the smallest message. Ends with 1 when an operation raised.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.peers.__main__ import read_clients
from tests.peers.tasks import SEND, Asked, Trial, build_trials

FEATURED = Path(__file__).with_name("featured-request.json")


def build_calls(name: str) -> list[Trial]:
    """Return the trials, with the featured request and the smallest one in place of the first."""
    first, *others = build_trials(name)
    featured = json.loads(FEATURED.read_text(encoding="utf-8"))
    smallest = {"messages": [{"destinations": [{"to": "41793026785"}], "text": "Hello"}]}
    asked = [Asked("POST", SEND, body=body) for body in (featured, smallest)]
    return [*(Trial(first.operation, one, first.check) for one in asked), *others]


def tell(operation: str, told: dict[str, Any]) -> bool:
    """Say what came of an operation; tell whether it raised, or gave no response that it could read."""
    raised = f"raised {told['raised']}" if "raised" in told else ""
    if "unread" in (told.get("result") or {}):
        raised = "gave back what it could not read"
    print(f"{operation}: {raised or 'returned'}", file=sys.stderr)
    return bool(raised)


def main() -> int:
    """Make the calls."""
    parser = argparse.ArgumentParser(description="Call every operation of a client.")
    parser.add_argument("name", choices=[client.package.name for client in read_clients()])
    parser.add_argument("operations", nargs="*", metavar="OPERATION", help="all if there is none")
    chosen = parser.parse_args()
    (client,) = [c for c in read_clients() if c.package.name == chosen.name]
    client.install()
    url, key = os.environ["INFOBIP_BASE_URL"], os.environ["INFOBIP_API_KEY"]
    trials = build_calls(chosen.name)
    if chosen.operations:  # of each one call, so that a suite can tell runs from repetitions
        found = {trial.operation: trial for trial in reversed(trials)}
        trials = [found[operation] for operation in chosen.operations]
    raised = [tell(trial.operation, client.call(url, trial, key)) for trial in trials]
    return int(any(raised))


if __name__ == "__main__":
    sys.exit(main())
