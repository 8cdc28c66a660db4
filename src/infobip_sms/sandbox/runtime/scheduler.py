"""What happens in a sandbox by itself: what is due at its time, and reports on their way.

A time travel puts the clock forward, and stops wherever something is due. A reset ends an era: what still
waits by then, a delayed request or a time travel, does not reach into the next.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.lifecycle.webhooks import parse_notify_url
from infobip_sms.sandbox.state.data_file import DataFileError

from .webhook_sender import WebhookSender

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from infobip_sms.sandbox.clock import VirtualClock
    from infobip_sms.sandbox.lifecycle.webhooks import WebhookResult
    from infobip_sms.sandbox.mutants.fault_injection import FaultInjection
    from infobip_sms.sandbox.state.data_file import DataFile
    from infobip_sms.sandbox.state.state import State

BATCH_SIZE = 100  # reports that are written before requests are looked at again
MAX_SLEEP = 60.0  # seconds; a machine that was asleep itself is noticed by then
_LOG = logging.getLogger(__name__)


class Scheduler:
    """The time of one sandbox; it works in the event loop's thread alone.

    stop: what ends the server when nothing can be kept any more.
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
        self._in_flight: set[int] = set()
        """Reports that wait for the answer of a callback server."""
        self._woken = asyncio.Event()
        self.changed = asyncio.Event()
        """Set when something has changed; there is a new one for the next change."""
        self.generation = asyncio.Event()
        """Set when what began in it is to come to nothing: by a reset, and at the end."""
        self._task: asyncio.Task[None] | None = None
        self._last_warned_serial = state.delivery_serial
        self._warned_hosts: set[str] = set()

    def start(self) -> None:
        """Begin to keep time with the first call; let its failure be seen by the next."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        elif self._task.done():
            self._task.result()

    def stop(self) -> None:
        """Keep time no longer."""
        assert self._task is not None, "it was started before"
        self._task.cancel()

    def start_generation(self) -> None:
        """End what began before; answers to reports of before are not listened to any more."""
        self._end_generation()
        self.generation = asyncio.Event()

    def end(self) -> None:
        """Let nobody wait any longer: the server is about to end."""
        self._end_generation()
        self.wake()

    def wake(self) -> None:
        """Look again at what is due, and let all who wait for a change do so."""
        self._woken.set()
        self._notify_waiters()

    def save(self) -> bool:
        """Bring what has changed onto the disk; if that fails, nothing is answered any more."""
        if self._data_file is None:
            return True
        self._state.clock = self._clock.state
        try:
            self._data_file.save(self._state)
        except DataFileError:
            self._stop()
            return False
        return True

    async def travel(self, to: dt.datetime | Literal["next"]) -> None:
        """Put the clock to an instant, and stop on the way wherever something is due.

        At each stop all reports that go out are answered before the clock goes on, so that a callback
        server sees every attempt at its time. A reset ends the time travel.
        """
        era, steps = self.generation, 0
        self._clock.hold()
        try:
            await self._wait_for_in_flight()
            end = self._state.find_next() if to == "next" else to
            while not era.is_set() and end and (due := self._state.find_next()) and due <= end:
                self._clock.jump_to(max(due, self._clock.now()))
                if not self._process_due():
                    return
                await self._wait_for_in_flight()
                steps += 1
                if not steps % BATCH_SIZE:
                    await asyncio.sleep(0)
            if not era.is_set() and end:
                self._clock.jump_to(max(end, self._clock.now()))
        finally:
            if not era.is_set():
                self._clock.release()

    async def _wait_for_in_flight(self) -> None:
        """Wait until no report waits for its answer."""
        while self._in_flight and not self.generation.is_set():
            await self.changed.wait()

    def _end_generation(self) -> None:
        self.generation.set()
        self._webhook_sender.drop()
        self._in_flight.clear()

    def _notify_waiters(self) -> None:
        """Let all who wait for a change look again."""
        before, self.changed = self.changed, asyncio.Event()
        before.set()

    async def _run(self) -> None:
        """Let happen what is due, then sleep until something is due or has changed."""
        while self._process_due():
            due, now, pause = self._state.find_next(), self._clock.now(), MAX_SLEEP
            if due is not None and (due <= now or not self._clock.is_stopped):
                pause = (due - now).total_seconds()
            await wait_for_event(self._woken, min(pause, MAX_SLEEP))
            self._woken.clear()

    def _process_due(self) -> bool:
        """Let happen what is due; return False if that cannot be kept."""
        now = self._clock.now()
        advance(self._state, now, self._fault_injection.settings)
        if not self.save():
            return False  # no report goes out that the file does not know
        self._send_webhooks(now)
        self._notify_waiters()
        return True

    def _send_webhooks(self, now: dt.datetime) -> None:
        loop = asyncio.get_running_loop()
        for webhook_request in self._fault_injection.app.pop_webhook_requests(
            self._state, now, BATCH_SIZE
        ):

            def tell(answer: WebhookResult, number: int = webhook_request.delivery_serial) -> None:
                with suppress(RuntimeError):  # the loop has ended, and with it the sandbox
                    loop.call_soon_threadsafe(self._record_webhook_result, number, answer)

            self._in_flight.add(webhook_request.delivery_serial)
            self._webhook_sender.submit(webhook_request, tell)
        self._warn()

    def _record_webhook_result(self, serial: int, result: WebhookResult) -> None:
        if serial in self._state.deliveries:  # it may have been forgotten meanwhile
            self._fault_injection.app.record_webhook_result(
                self._state, serial, result, self._clock.now()
            )
            self.save()
        self._in_flight.discard(serial)
        self.wake()

    def _warn(self) -> None:
        """Say once of each host that reports are not pushed there."""
        for number in range(self._last_warned_serial + 1, self._state.delivery_serial + 1):
            delivery = self._state.deliveries.get(number)
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
                _LOG.warning("sandbox: reports to %s are not pushed: %s", host, delivery.reason)
        self._last_warned_serial = self._state.delivery_serial


async def wait_for_event(event: asyncio.Event, seconds: float) -> bool:
    """Tell whether an event comes within so many seconds, as soon as it does.

    asyncio.wait_for of Python 3.11 loses a cancellation that comes together with the event.
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()
