"""A program that sends with a journal; it ends with 3 if the journal could not be used.

python -m tests.chaos.sender URL JOURNAL COUNT
"""

from __future__ import annotations

import sys

from infobip_sms import Client, JournalError
from tests.fakes.ledger_process import AUTH, build_messages


def main(url: str, journal: str, count: str) -> int:
    """Send; return 0 if every destination was accepted."""
    with Client(url, auth=AUTH, retry=None) as client:
        try:
            outcomes = list(
                client.send_many(build_messages(int(count)), journal=journal, chunk=5, log_delay=0)
            )
        except JournalError:
            return 3
    return int(any(outcome.state != "accepted" for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
