"""Posts stored delivery reports to another URL, on the schedule that Infobip documents for its own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from .codecs import wire_json
from .errors import Error
from .transport.connections import ConnectionPool
from .transport.messages import AttemptFailedError, Request
from .transport.urls import is_loopback, parse_base_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .send_many.report_store import QueuedReport, ReportStore

TIMEOUT = 10.0  # seconds for an attempt
_ERROR_PAUSE = 5.0  # seconds before the file is tried again
_MAX_PAUSE = 3600.0  # seconds before the file is looked at again
_HEADERS = {"Content-Type": wire_json.CONTENT_TYPE, "User-Agent": "infobip-sms"}


class WebhookForwarder:
    """Posts what is due in a thread of its own, while it is entered as a context.

    url: where to; https for every host but loopback and those in trust_http. InvalidRequestError for
        another URL.
    on_error: called with a message about each attempt that was not acknowledged with 2xx.
    """

    def __init__(
        self,
        url: str,
        store: ReportStore,
        on_error: Callable[[str], None],
        trust_http: Collection[str] = (),
    ) -> None:
        base, mark, query = url.partition("?")
        server = parse_base_url(base, trust_http)
        if server.scheme == "http" and not is_loopback(server.host):
            on_error(f"reports go to {server.netloc} over plain http")
        ending = "/" if base.endswith("/") or not server.path else ""
        self._path = ending + mark + query
        self._pool = ConnectionPool(
            server=server,
            proxy=None,
            context=None,
            max_idle=1,
            connect_timeout=TIMEOUT,
        )
        self._store = store
        self._on_error = on_error
        self._changed = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="infobip-sms-forward")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop after the attempt that is under way; what is left stays in the store."""
        self._stopping = True
        self.wake()
        self._thread.join()
        self._pool.close()

    def wake(self) -> None:
        """Say that there is something new in the store."""
        self._changed.set()

    def _run(self) -> None:
        while not self._stopping:
            self._changed.clear()
            try:
                pause = self._post_due()
            except Error as error:
                self._on_error(str(error))
                pause = _ERROR_PAUSE
            if not self._stopping:
                self._changed.wait(pause)

    def _post_due(self) -> float:
        """Post all that is due; return the seconds until something else is."""
        while not self._stopping and (queued := self._store.claim_due(time.time())):
            problem = self._post(queued)
            if problem:
                self._on_error(_describe(queued, problem, self._pool.server.host))
            else:
                self._store.mark_forwarded(queued.serial)
        due = self._store.find_next_due()
        return _MAX_PAUSE if due is None else min(max(0.0, due - time.time()), _MAX_PAUSE)

    def _post(self, queued: QueuedReport) -> str:
        """Post a report; return why it was not acknowledged, or an empty string."""
        request = Request("POST", "", self._path, _HEADERS, queued.body)
        try:
            response = self._pool.perform(request, TIMEOUT)
        except AttemptFailedError as error:
            return error.failure.outcome
        except Error as error:
            return str(error)
        return "" if 200 <= response.status < 300 else f"HTTP {response.status}"  # noqa: PLR2004 - HTTP's own numbers


def _describe(queued: QueuedReport, problem: str, host: str) -> str:
    when = "it is not posted again"
    if queued.next_due is not None:
        minutes = max(1, round((queued.next_due - time.time()) / 60))
        when = f"next in {minutes} min"
    return f"forward to {host}: {problem} (attempt {queued.attempt}; {when})"
