"""The way to callback servers: one thread for each server that reports wait for, up to so many.

Reports for one server go one after the other, in the order in which they were handed over; a server
that does not answer keeps nobody else's waiting. Where there are more servers than threads they take
turns.

Lives here: connections that the sandbox opens.
Never here: what is posted, when, how often, and to whom (pushes.py).
"""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

import urllib3

from infobip_sms.sandbox.lifecycle.webhooks import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infobip_sms.sandbox.lifecycle.webhooks import Posting

    Server = tuple[str, str, int]
    Job = tuple[Posting, Callable[[Answer], None]]

CONNECT, READ = 5.0, 10.0  # seconds
MOST = 32  # servers that are posted to at once
TURN = 50  # reports for one server before another one has its turn
_MOST_READ = 2**16  # bytes of a reply: nothing in it matters
_HEADERS = {"User-Agent": "infobip-sms-sandbox"}


class Pusher:
    """Posts reports in the background, to no more than ``most`` servers at once."""

    def __init__(self, most: int = MOST) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Server, deque[Job]] = {}
        self._turns: deque[Server] = deque()
        """Servers that wait for a thread; one that has a thread is not among them."""
        self._most, self._threads = most, 0

    def submit(self, posting: Posting, tell: Callable[[Answer], None]) -> None:
        """Post a report when those before it are done; ``tell`` gets the answer in another thread."""
        server = (posting.target.scheme, posting.target.host, posting.target.port)
        with self._lock:
            waiting = self._waiting.get(server)
            if waiting is not None:
                waiting.append((posting, tell))
                return
            self._waiting[server] = deque([(posting, tell)])
            self._turns.append(server)
            if self._threads >= self._most:
                return
            self._threads += 1
        threading.Thread(target=self._work, daemon=True).start()

    def drop(self) -> None:
        """Forget all that waits; what is being posted cannot be called back."""
        with self._lock:
            for waiting in self._waiting.values():
                waiting.clear()

    def _work(self) -> None:
        """Serve one server after the other until nothing waits."""
        server: Server | None = None
        while server := self._find_turn(server):
            self._serve(server)

    def _find_turn(self, before: Server | None) -> Server | None:
        """Return whose turn it is; the one that had it goes to the end if more waits for it."""
        with self._lock:
            if before is not None:
                if self._waiting[before]:
                    self._turns.append(before)
                else:
                    del self._waiting[before]
            if self._turns:
                return self._turns.popleft()
            self._threads -= 1
            return None

    def _serve(self, server: Server) -> None:
        """Post some of what waits for one server; with a report that it does not answer its turn ends."""
        try:
            pool: urllib3.HTTPConnectionPool | None = _connect(*server)
        except (urllib3.exceptions.HTTPError, ValueError):
            pool = None
        for posting, tell in islice(self._take_jobs(server), TURN):
            answer = _post(pool, posting) if pool else Answer(None, "the host has no possible name")
            tell(answer)
            if answer.status is None:
                break
        if pool:
            pool.close()

    def _take_jobs(self, server: Server) -> Iterator[Job]:
        while True:
            with self._lock:
                if not self._waiting[server]:
                    return
                job = self._waiting[server].popleft()
            yield job


def _connect(scheme: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
    kind = urllib3.HTTPSConnectionPool if scheme == "https" else urllib3.HTTPConnectionPool
    return kind(host, port, timeout=urllib3.Timeout(connect=CONNECT, read=READ), retries=False)


def _post(pool: urllib3.HTTPConnectionPool, posting: Posting) -> Answer:
    """Post one report; redirections are not followed."""
    headers = {**_HEADERS, "Content-Type": posting.content_type}
    try:
        reply = pool.urlopen(
            "POST",
            posting.target.path,
            body=posting.body,
            headers=headers,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        if len(reply.read(_MOST_READ)) == _MOST_READ:
            reply.close()
        reply.release_conn()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
        return Answer(None, f"no answer: {type(problem).__name__}")
    return Answer(reply.status, f"HTTP {reply.status}")
