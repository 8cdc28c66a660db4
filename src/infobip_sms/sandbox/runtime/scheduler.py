"""Runs what is due in a sandbox, and posts its delivery reports.

Time travel moves the clock forward, stopping whenever something is due. A reset ends a generation: delayed
requests and time travel that started before it have no effect after it.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Literal

from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.lifecycle.webhooks import parse_notify_url
from infobip_sms.sandbox.state.data_file import DataFileError
from infobip_sms.text.escapes import escape

from .webhook_sender import WebhookSender

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from infobip_sms.sandbox.clock import VirtualClock
    from infobip_sms.sandbox.lifecycle.webhooks import Server, WebhookResult
    from infobip_sms.sandbox.mutants.fault_injection import FaultInjection
    from infobip_sms.sandbox.state.data_file import DataFile
    from infobip_sms.sandbox.state.state import State

BATCH_SIZE = 100  # reports posted before requests are handled again
_TURNS_PER_REPORT = 8  # of the event loop, from connecting to the status line
MAX_SLEEP = 60.0  # seconds; notices that the machine was suspended
_LOG = logging.getLogger(__name__)


class Scheduler:
    """The scheduler of one sandbox; runs in the thread of the event loop.

    stop: ends the server if the data file cannot be written.
    """

    def __init__(
        self,
        state: State,
        clock: VirtualClock,
        fault_injection: FaultInjection,
        data_file: DataFile | None,
        stop: Callable[[], None],
    ) -> None:
        self._state, self._clock, self._fault_injection = state, clock, fault_injection
        self._data_file, self._stop = data_file, stop
        self._webhook_sender = WebhookSender()
        self._in_flight: dict[int, Server] = {}
        """Reports being posted, by serial."""
        self._silent: set[Server] = set()
        """Servers that timed out since the time travel began; it does not wait for them."""
        self._woken = asyncio.Event()
        self.changed = asyncio.Event()
        """Set at the next change, and then replaced."""
        self.generation = asyncio.Event()
        """Set by a reset and at shutdown: work that started before has no effect afterwards."""
        self._task: asyncio.Task[None] | None = None
        self._last_warned_serial = state.delivery_serial
        self._warned_hosts: set[str] = set()

    def start(self) -> None:
        """Start on the first call; later calls raise if the task has failed."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        elif self._task.done():
            self._task.result()

    def stop(self) -> None:
        """Stop."""
        assert self._task is not None, "it was started before"
        self._task.cancel()

    def start_generation(self) -> None:
        """Abandon work in progress; results of reports posted before are ignored."""
        self._end_generation()
        self.generation = asyncio.Event()

    def end(self) -> None:
        """Release everything that waits: the server is shutting down."""
        self._end_generation()
        self.wake()

    def wake(self) -> None:
        """Check again what is due, and wake everything that waits for a change."""
        self._woken.set()
        self._notify_waiters()

    def save(self) -> bool:
        """Save changes to the data file; on failure, stop the server and return False."""
        if self._data_file is None:
            return True
        self._state.clock = self._clock.state
        try:
            self._data_file.save(self._state)
        except DataFileError:
            self._stop()
            return False
        return True

    async def give_way(self) -> None:
        """Let reports that are being posted go on first, so that many requests do not hold them up."""
        for _ in range(_TURNS_PER_REPORT if self._in_flight else 0):
            await asyncio.sleep(0)

    async def travel(self, to: dt.datetime | Literal["next"]) -> None:
        """Move the clock to an instant, stopping whenever something is due.

        At each stop the clock waits for the results of all posted reports, so that a callback server gets
        every attempt at its time; for a server that times out it waits once. A reset ends the time travel.
        """
        generation, steps = self.generation, 0
        self._clock.hold()
        self._silent.clear()
        try:
            await self._wait_for_in_flight()
            end = self._state.find_next() if to == "next" else to
            while (
                not generation.is_set() and end and (due := self._state.find_next()) and due <= end
            ):
                self._clock.jump_to(max(due, self._clock.now()))
                if not self._process_due():
                    return
                await self._wait_for_in_flight()
                steps += 1
                if not steps % BATCH_SIZE:
                    await asyncio.sleep(0)
            if not generation.is_set() and end:
                self._clock.jump_to(max(end, self._clock.now()))
        finally:
            if not generation.is_set():
                self._clock.release()

    async def _wait_for_in_flight(self) -> None:
        """Wait until no report is being posted, except to servers that timed out."""
        while not (self.generation.is_set() or self._silent.issuperset(self._in_flight.values())):
            await self.changed.wait()

    def _end_generation(self) -> None:
        self.generation.set()
        self._webhook_sender.drop()
        self._in_flight.clear()

    def _notify_waiters(self) -> None:
        """Wake everything that waits for a change."""
        before, self.changed = self.changed, asyncio.Event()
        before.set()

    async def _run(self) -> None:
        """Process what is due, then sleep until something is due or changes."""
        while self._process_due():
            due, now, pause = self._state.find_next(), self._clock.now(), MAX_SLEEP
            if due is not None and (due <= now or not self._clock.is_stopped):
                pause = (due - now).total_seconds()
            await wait_for_event(self._woken, min(pause, MAX_SLEEP))
            self._woken.clear()

    def _process_due(self) -> bool:
        """Process what is due; return False if it could not be saved."""
        now = self._clock.now()
        advance(self._state, now, self._fault_injection.settings)
        if not self.save():
            return False  # a report is posted only once it is saved
        self._send_webhooks(now)
        self._notify_waiters()
        return True

    def _send_webhooks(self, now: dt.datetime) -> None:
        for webhook_request in self._fault_injection.app.pop_webhook_requests(
            self._state, now, BATCH_SIZE
        ):
            serial = webhook_request.delivery_serial
            self._in_flight[serial] = webhook_request.target.server
            self._webhook_sender.submit(
                webhook_request, partial(self._record_webhook_result, serial)
            )
        self._warn()

    def _record_webhook_result(self, serial: int, result: WebhookResult) -> None:
        if serial in self._state.deliveries:  # it may have been deleted meanwhile
            self._fault_injection.app.record_webhook_result(
                self._state, serial, result, self._clock.now()
            )
            self.save()
        server = self._in_flight.pop(serial, None)
        if server and result.timed_out:
            self._silent.add(server)
        self.wake()

    def _warn(self) -> None:
        """Warn once per host that reports are not delivered there."""
        for serial in range(self._last_warned_serial + 1, self._state.delivery_serial + 1):
            delivery = self._state.deliveries.get(serial)
            if delivery is None:
                continue
            target = parse_notify_url(
                self._state.messages[delivery.message_serial].content.notify_url or ""
            )
            host = target.host if target else "a notify URL"
            if (
                delivery.final_state == "dead"
                and not delivery.attempts
                and host not in self._warned_hosts
            ):
                self._warned_hosts.add(host)
                _LOG.warning(
                    "sandbox: reports to %s are not delivered: %s", escape(host), delivery.reason
                )
        self._last_warned_serial = self._state.delivery_serial


async def wait_for_event(event: asyncio.Event, seconds: float) -> bool:
    """Return whether an event is set within ``seconds``, as soon as it is.

    asyncio.wait_for in Python 3.11 can swallow a cancellation that arrives together with the event.
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()
