"""The clock of a server that offers the sandbox's control of it.

    GET {base}/sandbox/clock    {"now": instant}
    POST {base}/sandbox/clock   {"advance": seconds}; answered when all that is due by then has happened

It is no operation of the contract and brings no message, so the plan does not count it.
"""

import json
import math
import time
from datetime import datetime

from infobip_sms_conformance.observations.verdicts import Inconclusive
from infobip_sms_conformance.transport.http import NoResponseError, RawRequest, TargetServer, send

PATH = "/sandbox/clock"
HEADERS = {"content-type": "application/json", "accept": "application/json"}
ADVANCED = 200


class ServerClock:
    """How far the clock of the server was moved, and when; times are those of ``time.time``."""

    def __init__(self, target: TargetServer) -> None:
        self._target = target
        self._moves: list[tuple[float, float, float]] = []

    @property
    def first_move(self) -> float:
        """When it was first moved; infinitely late if it was not."""
        return self._moves[0][0] if self._moves else math.inf

    def move_to(self, instant: float) -> None:
        """Move the clock to a time on it, if that is still ahead; Inconclusive when it does not move."""
        began = time.time()
        seconds = instant - self.get_bounds(began)[0]
        if seconds <= 0:
            return
        body = json.dumps({"advance": round(seconds, 3)}).encode()
        try:
            answer = send(self._target, RawRequest("POST", PATH, HEADERS, body))
        except NoResponseError as error:
            raise Inconclusive(f"the clock of the server was not moved: {error}") from None
        if answer.status != ADVANCED:
            raise Inconclusive(f"the clock of the server was not moved: HTTP {answer.status}")
        self._moves.append((began, time.time(), seconds))

    def get_bounds(self, at: float) -> tuple[float, float]:
        """Return what the clock said at a time, at least and at most: it was perhaps just moving."""
        least = sum(seconds for _, ended, seconds in self._moves if ended <= at)
        most = sum(seconds for began, _, seconds in self._moves if began <= at)
        return at + least, at + most


def get_clock_offset(target: TargetServer) -> float:
    """Return by how many seconds the clock of a server is ahead of this machine's; 0 where it cannot be read."""
    try:
        answer = send(target, RawRequest("GET", PATH, HEADERS, b""))
        return datetime.fromisoformat(json.loads(answer.body)["now"]).timestamp() - time.time()
    except (NoResponseError, KeyError, TypeError, ValueError):
        return 0.0
