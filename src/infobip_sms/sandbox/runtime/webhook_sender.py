"""Posts delivery reports to callback servers, with one thread per server up to a limit.

Reports for one server are posted one after the other, in the order of submission; a server that does not
respond does not delay reports for others. If there are more servers than threads, they take turns.
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
MAX_ORIGINS = 32  # servers posted to at the same time
BATCH_SIZE = 50  # reports for one server before its turn ends
_MAX_RESPONSE_BYTES = 2**16  # read from a response; the body is ignored
_HEADERS = {"User-Agent": "infobip-sms-sandbox"}


class WebhookSender:
    """Posts reports in the background, to at most ``max_threads`` servers at once."""

    def __init__(self, max_threads: int = MAX_ORIGINS) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Server, deque[Job]] = {}
        self._ready: deque[Server] = deque()
        """Servers waiting for a thread; excludes servers that have one."""
        self._max_threads, self._threads = max_threads, 0

    def submit(
        self, webhook_request: WebhookRequest, on_result: Callable[[WebhookResult], None]
    ) -> None:
        """Queue a report; ``on_result`` is called from another thread."""
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
        """Discard queued reports; those being posted are not interrupted."""
        with self._lock:
            for waiting in self._waiting.values():
                waiting.clear()

    def _run_worker(self) -> None:
        """Process one server after the other until no reports are queued."""
        server: Server | None = None
        while server := self._find_next_origin(server):
            self._send_batch(server)

    def _find_next_origin(self, before: Server | None) -> Server | None:
        """Return the next server; the previous one is queued again if it has more reports."""
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
        """Post up to BATCH_SIZE reports to one server; stop at the first one without a response."""
        try:
            pool: urllib3.HTTPConnectionPool | None = _connect(*origin)
        except (urllib3.exceptions.HTTPError, ValueError):
            pool = None
        for webhook_request, on_result in islice(self._pop_jobs(origin), BATCH_SIZE):
            result = (
                _post(pool, webhook_request) if pool else WebhookResult(None, "invalid host name")
            )
            on_result(result)
            if result.status is None:
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
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return WebhookResult(None, _describe_failure(error))
    return WebhookResult(response.status, f"HTTP {response.status}")


def _describe_failure(error: Exception) -> str:
    """Say why there is no response, without quoting anything that the server sent."""
    match error:
        case urllib3.exceptions.NameResolutionError():
            return "host name not found"
        case urllib3.exceptions.NewConnectionError(__cause__=ConnectionRefusedError()):
            return "connection refused"
        case urllib3.exceptions.NewConnectionError():
            return "could not connect"
        case urllib3.exceptions.ConnectTimeoutError():
            return "connection timed out"
        case urllib3.exceptions.ReadTimeoutError():
            return "response timed out"
        case urllib3.exceptions.SSLError():
            return "TLS failed"
    return f"no valid response ({type(error).__name__})"
