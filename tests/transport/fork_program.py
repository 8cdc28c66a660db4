"""A program that makes calls, forks, and makes calls in every process; it ends with 0 if all went right.

python -m tests.transport.fork_program URL idle|in-flight
"""

from __future__ import annotations

import os
import sys
import threading

from infobip_sms import Client, Destination, Message, SmsRequest
from tests.client.calls import AUTH

FORKS, THREADS, CALLS = 8, 8, 6


def count_foreign(client: Client, name: str) -> int:
    """Make calls from many threads; return how many got another call's response, or none."""
    wrong: list[str] = []

    def call(index: int) -> None:
        for turn in range(CALLS):
            bulk_id = f"{name}-{index}-{turn}"
            message = Message(destinations=[Destination(to="41793026727")], text="x")
            response = client.send(SmsRequest(bulk_id=bulk_id, messages=[message]))
            if response.bulk_id != bulk_id:
                wrong.append(bulk_id)

    threads = [threading.Thread(target=call, args=(index,)) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(wrong)


def fork(client: Client, name: str) -> int:
    """Fork; the child makes calls from threads, and ends with 0 if all responses were its own."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = min(count_foreign(client, name), 100)
        finally:
            os._exit(code)
    return child


def main(url: str, moment: str) -> int:
    """Return how many processes got a response that was not their own."""
    with Client(url, auth=AUTH, connections=THREADS, retry=None) as client:
        wrong = count_foreign(client, "before")
        parent = threading.Thread(target=count_foreign, args=(client, "parent"))
        if moment == "in-flight":
            parent.start()
        children = [fork(client, f"child-{n}") for n in range(FORKS)]
        wrong += count_foreign(client, "beside")
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        if moment == "in-flight":
            parent.join()
    return min(100, wrong + sum(map(bool, codes)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
