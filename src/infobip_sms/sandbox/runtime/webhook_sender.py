"""The way to callback servers: one thread for each server that reports wait for, up to so many.

Reports for one server go one after the other, in the order in which they were handed over; a server
that does not answer keeps nobody else's waiting. Where there are more servers than threads they take
turns.
"""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

import urllib3

from infobip_sms.sandbox.lifecycle.webhooks import WebhookResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infobip_sms.sandbox.lifecycle.webhooks import WebhookRequest

    Server = tuple[str, str, int]
    Job = tuple[WebhookRequest, Callable[[WebhookResult], None]]

CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 10.0  # seconds
MAX_ORIGINS = 32  # servers that are posted to at once
BATCH_SIZE = 50  # reports for one server before another one has its turn
_MAX_RESPONSE_BYTES = 2**16  # bytes of a response: nothing in it matters
_HEADERS = {"User-Agent": "infobip-sms-sandbox"}


class WebhookSender:
    """Posts reports in the background, to no more than ``most`` servers at once."""

    def __init__(self, max_threads: int = MAX_ORIGINS) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Server, deque[Job]] = {}
        self._ready: deque[Server] = deque()
        """Servers that wait for a thread; one that has a thread is not among them."""
        self._max_threads, self._threads = max_threads, 0

    def submit(
        self, webhook_request: WebhookRequest, on_result: Callable[[WebhookResult], None]
    ) -> None:
        """Post a report when those before it are done; ``tell`` gets the answer in another thread."""
        server = (
            webhook_request.target.scheme,
            webhook_request.target.host,
            webhook_request.target.port,
        )
        with self._lock:
            waiting = self._waiting.get(server)
            if waiting is not None:
                waiting.append((webhook_request, on_result))
                return
            self._waiting[server] = deque([(webhook_request, on_result)])
            self._ready.append(server)
            if self._threads >= self._max_threads:
                return
            self._threads += 1
        threading.Thread(target=self._run_worker, daemon=True).start()

    def drop(self) -> None:
        """Forget all that waits; what is being posted cannot be called back."""
        with self._lock:
            for waiting in self._waiting.values():
                waiting.clear()

    def _run_worker(self) -> None:
        """Serve one server after the other until nothing waits."""
        server: Server | None = None
        while server := self._find_next_origin(server):
            self._send_batch(server)

    def _find_next_origin(self, before: Server | None) -> Server | None:
        """Return whose turn it is; the one that had it goes to the end if more waits for it."""
        with self._lock:
            if before is not None:
                if self._waiting[before]:
                    self._ready.append(before)
                else:
                    del self._waiting[before]
            if self._ready:
                return self._ready.popleft()
            self._threads -= 1
            return None

    def _send_batch(self, origin: Server) -> None:
        """Post some of what waits for one server; with a report that it does not answer its turn ends."""
        try:
            pool: urllib3.HTTPConnectionPool | None = _connect(*origin)
        except (urllib3.exceptions.HTTPError, ValueError):
            pool = None
        for webhook_request, tell in islice(self._pop_jobs(origin), BATCH_SIZE):
            answer = (
                _post(pool, webhook_request)
                if pool
                else WebhookResult(None, "the host has no possible name")
            )
            tell(answer)
            if answer.status is None:
                break
        if pool:
            pool.close()

    def _pop_jobs(self, origin: Server) -> Iterator[Job]:
        while True:
            with self._lock:
                if not self._waiting[origin]:
                    return
                job = self._waiting[origin].popleft()
            yield job


def _connect(scheme: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
    kind = urllib3.HTTPSConnectionPool if scheme == "https" else urllib3.HTTPConnectionPool
    return kind(
        host,
        port,
        timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
        retries=False,
    )


def _post(pool: urllib3.HTTPConnectionPool, webhook_request: WebhookRequest) -> WebhookResult:
    """Post one report; redirections are not followed."""
    headers = {**_HEADERS, "Content-Type": webhook_request.content_type}
    try:
        response = pool.urlopen(
            "POST",
            webhook_request.target.path,
            body=webhook_request.body,
            headers=headers,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        if len(response.read(_MAX_RESPONSE_BYTES)) == _MAX_RESPONSE_BYTES:
            response.close()
        response.release_conn()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
        return WebhookResult(None, f"no answer: {type(problem).__name__}")
    return WebhookResult(response.status, f"HTTP {response.status}")
