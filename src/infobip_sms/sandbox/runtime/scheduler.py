"""What happens in a sandbox by itself: what is due at its time, and reports on their way.

A journey puts the clock forward, and stops wherever something is due. A reset ends an era: what still
waits by then, a delayed request or a journey, does not reach into the next.

Lives here: sleeping until something is due, handing reports over, keeping what has changed, journeys.
Never here: requests (shell.py), what happens when (engine.py), connections (push.py).
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.lifecycle.webhooks import find_target
from infobip_sms.sandbox.state.data_file import StoreError

from .webhook_sender import Pusher

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from infobip_sms.sandbox.clock import Clock
    from infobip_sms.sandbox.lifecycle.webhooks import Answer
    from infobip_sms.sandbox.mutants.fault_injection import Switches
    from infobip_sms.sandbox.state.data_file import Store
    from infobip_sms.sandbox.state.state import State

AT_ONCE = 100  # reports that are written before requests are looked at again
LONGEST_SLEEP = 60.0  # seconds; a machine that was asleep itself is noticed by then
_LOG = logging.getLogger(__name__)


class Timekeeper:
    """The time of one sandbox; it works in the event loop's thread alone.

    stop: what ends the server when nothing can be kept any more.
    """

    def __init__(
        self,
        state: State,
        clock: Clock,
        switches: Switches,
        store: Store | None,
        stop: Callable[[], None],
    ) -> None:
        self._state, self._clock, self._switches = state, clock, switches
        self._store, self._stop = store, stop
        self._pusher = Pusher()
        self._flying: set[int] = set()
        """Reports that wait for the answer of a callback server."""
        self._woken = asyncio.Event()
        self.changed = asyncio.Event()
        """Set when something has changed; there is a new one for the next change."""
        self.era = asyncio.Event()
        """Set when what began in it is to come to nothing: by a reset, and at the end."""
        self._task: asyncio.Task[None] | None = None
        self._seen = state.pushed
        self._named: set[str] = set()

    def start(self) -> None:
        """Begin to keep time with the first call; let its failure be seen by the next."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep_time())
        elif self._task.done():
            self._task.result()

    def stop(self) -> None:
        """Keep time no longer."""
        assert self._task is not None, "it was started before"
        self._task.cancel()

    def begin_era(self) -> None:
        """End what began before; answers to reports of before are not listened to any more."""
        self._end_era()
        self.era = asyncio.Event()

    def end(self) -> None:
        """Let nobody wait any longer: the server is about to end."""
        self._end_era()
        self.wake()

    def wake(self) -> None:
        """Look again at what is due, and let all who wait for a change do so."""
        self._woken.set()
        self._tell()

    def save(self) -> bool:
        """Bring what has changed onto the disk; if that fails, nothing is answered any more."""
        if self._store is None:
            return True
        self._state.clock = self._clock.position
        try:
            self._store.save(self._state)
        except StoreError:
            self._stop()
            return False
        return True

    async def travel(self, to: dt.datetime | Literal["next"]) -> None:
        """Put the clock to an instant, and stop on the way wherever something is due.

        At each stop all reports that go out are answered before the clock goes on, so that a callback
        server sees every attempt at its time. A reset ends the journey.
        """
        era, steps = self.era, 0
        self._clock.hold()
        try:
            await self._land()
            end = self._state.find_next() if to == "next" else to
            while not era.is_set() and end and (due := self._state.find_next()) and due <= end:
                self._clock.jump(max(due, self._clock.now()))
                if not self._happen():
                    return
                await self._land()
                steps += 1
                if not steps % AT_ONCE:
                    await asyncio.sleep(0)
            if not era.is_set() and end:
                self._clock.jump(max(end, self._clock.now()))
        finally:
            if not era.is_set():
                self._clock.release()

    async def _land(self) -> None:
        """Wait until no report waits for its answer."""
        while self._flying and not self.era.is_set():
            await self.changed.wait()

    def _end_era(self) -> None:
        self.era.set()
        self._pusher.drop()
        self._flying.clear()

    def _tell(self) -> None:
        """Let all who wait for a change look again."""
        before, self.changed = self.changed, asyncio.Event()
        before.set()

    async def _keep_time(self) -> None:
        """Let happen what is due, then sleep until something is due or has changed."""
        while self._happen():
            due, now, pause = self._state.find_next(), self._clock.now(), LONGEST_SLEEP
            if due is not None and (due <= now or not self._clock.stands):
                pause = (due - now).total_seconds()
            await comes(self._woken, min(pause, LONGEST_SLEEP))
            self._woken.clear()

    def _happen(self) -> bool:
        """Let happen what is due; return False if that cannot be kept."""
        now = self._clock.now()
        advance(self._state, now, self._switches.settings)
        if not self.save():
            return False  # no report goes out that the file does not know
        self._push(now)
        self._tell()
        return True

    def _push(self, now: dt.datetime) -> None:
        loop = asyncio.get_running_loop()
        for posting in self._switches.app.take_postings(self._state, now, AT_ONCE):

            def tell(answer: Answer, number: int = posting.push) -> None:
                with suppress(RuntimeError):  # the loop has ended, and with it the sandbox
                    loop.call_soon_threadsafe(self._settle, number, answer)

            self._flying.add(posting.push)
            self._pusher.submit(posting, tell)
        self._warn()

    def _settle(self, number: int, answer: Answer) -> None:
        if number in self._state.pushes:  # it may have been forgotten meanwhile
            self._switches.app.settle(self._state, number, answer, self._clock.now())
            self.save()
        self._flying.discard(number)
        self.wake()

    def _warn(self) -> None:
        """Say once of each host that reports are not pushed there."""
        for number in range(self._seen + 1, self._state.pushed + 1):
            push = self._state.pushes.get(number)
            if push is None:
                continue
            target = find_target(self._state.messages[push.sms].content.notify_url or "")
            host = target.host if target else "a notify URL"
            if push.end == "dead" and not push.attempts and host not in self._named:
                self._named.add(host)
                _LOG.warning("sandbox: reports to %s are not pushed: %s", host, push.reason)
        self._seen = self._state.pushed


async def comes(event: asyncio.Event, seconds: float) -> bool:
    """Tell whether an event comes within so many seconds, as soon as it does.

    asyncio.wait_for of Python 3.11 loses a cancellation that comes together with the event.
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()
