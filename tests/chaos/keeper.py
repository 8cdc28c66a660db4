"""A program that keeps messages in a file, one after the other; it ends with 3 if the file could not be used.

python -m tests.chaos.keeper report-store|data-file FILE COUNT

It prints ``had ID`` for what was in the file, and ``kept ID`` for what is in it from now on.
"""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

from infobip_sms import DeliveryReport, ReportStore, ReportStoreError, Status
from infobip_sms.sandbox.state.data_file import DataFile, DataFileError
from tests.sandbox.lifecycle.virtual_sandbox import Bench

if TYPE_CHECKING:
    from collections.abc import Iterable

DELIVERED = Status(group_id=3, group_name="DELIVERED", id=5, name="DELIVERED_TO_HANDSET")


def show(word: str, names: Iterable[object]) -> None:
    """Print a line for each name, at once."""
    for name in names:
        print(word, name, flush=True)


def keep_reports(path: str, names: list[str]) -> None:
    """Keep a report of each name that has none."""
    with ReportStore(path) as store:
        had = set(store.read_message_ids())
        show("had", had)
        for name in names:
            if name not in had:
                store.add([DeliveryReport(message_id=name, to="41793026727", status=DELIVERED)])
                show("kept", [name])


def keep_messages(path: str, names: list[str]) -> None:
    """Accept a message of each name that has none, as the sandbox does."""
    with closing(DataFile(path, "seed")) as store:
        virtual = Bench()
        virtual.state = state = store.load()
        had = {message.message_id for message in state.messages.values()}
        show("had", had)
        for name in names:
            if name not in had:
                virtual.send(destinations=[{"to": "41793026727", "messageId": name}], text="Hi")
                store.save(state)
                show("kept", [name])


def main(kind: str, path: str, count: str) -> int:
    """Keep all, and return 0 if they are in the file."""
    keep = {"report-store": keep_reports, "data-file": keep_messages}[kind]
    try:
        keep(path, [f"m{number}" for number in range(int(count))])
    except (DataFileError, ReportStoreError) as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
