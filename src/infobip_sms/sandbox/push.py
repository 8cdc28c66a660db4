"""The way to callback servers: one thread for each server that reports wait for.

Reports for one server go one after the other, in the order in which they were handed over; a server
that does not answer keeps nobody else's waiting.

Lives here: connections that the sandbox opens.
Never here: what is posted, when, how often, and to whom (pushes.py).
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

import urllib3

from .pushes import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .pushes import Posting

    Server = tuple[str, str, int]
    Job = tuple[Posting, Callable[[Answer], None]]

CONNECT, READ = 5.0, 10.0  # seconds
_MOST_READ = 2**16  # bytes of a reply: nothing in it matters
_HEADERS = {"User-Agent": "infobip-sms-sandbox"}


class Pusher:
    """Posts reports in the background."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Server, deque[Job]] = {}

    def submit(self, posting: Posting, tell: Callable[[Answer], None]) -> None:
        """Post a report when those before it are done; ``tell`` gets the answer in another thread."""
        server = (posting.target.scheme, posting.target.host, posting.target.port)
        with self._lock:
            waiting = self._waiting.get(server)
            if waiting is not None:
                waiting.append((posting, tell))
                return
            self._waiting[server] = deque([(posting, tell)])
        threading.Thread(target=self._work, args=(server,), daemon=True).start()

    def _work(self, server: Server) -> None:
        """Post everything that waits for one server, then end."""
        try:
            pool: urllib3.HTTPConnectionPool | None = _connect(*server)
        except (urllib3.exceptions.HTTPError, ValueError):
            pool = None
        while job := self._find_job(server):
            posting, tell = job
            tell(_post(pool, posting) if pool else Answer(None, "the host has no possible name"))
        if pool:
            pool.close()

    def _find_job(self, server: Server) -> Job | None:
        with self._lock:
            if waiting := self._waiting[server]:
                return waiting.popleft()
            del self._waiting[server]
            return None


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
