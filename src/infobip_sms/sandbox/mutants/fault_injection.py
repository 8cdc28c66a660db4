"""What has been switched on in a running sandbox: one broken rule, and failures on the way.

Whether a failure hits a request follows from the seed and from how many requests there were since it
was switched on: the same requests in the same order meet the same failures.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

import attrs

from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpError

from .app import MUTANTS, MutantApp

if TYPE_CHECKING:
    from infobip_sms.sandbox.config import SandboxSettings

FaultKind = Literal["delay", "drop", "status"]
_SCALE = 2**64


@attrs.frozen(kw_only=True)
class InjectedFault:
    """Something that goes wrong with a share of the requests."""

    kind: FaultKind
    rate: float = 1.0
    """Share of the requests, from 0 to 1."""
    seconds: float = 0.0
    """Of a delay; by the clock of the machine, since the client waits by that."""
    status: int = 503
    retry_after: int | None = None
    after: bool = False
    """The connection is dropped after the request was carried out, not before."""

    def build_error(self) -> HttpError:
        """Return the rejection of a request that is not looked at."""
        word, text = "GENERAL_ERROR", "Something went wrong"
        if self.status != HTTPStatus.INTERNAL_SERVER_ERROR:  # the vendor has these words for it
            with suppress(ValueError):  # not every number has a name
                word, text = HTTPStatus(self.status).name, HTTPStatus(self.status).phrase
        headers = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return HttpError(self.status, word, text, headers=headers)


class FaultInjection:
    """What is on; ``app`` holds the rules that answer now."""

    def __init__(self, app: App) -> None:
        self._original_app = self.app = app
        self._faults: list[tuple[InjectedFault, int]] = []
        """With the number of requests since."""

    @property
    def settings(self) -> SandboxSettings:
        """The settings of the sandbox."""
        return self.app.settings

    @property
    def mutant_id(self) -> str | None:
        """The id of the fault that is on."""
        return self.app.mutant_id if isinstance(self.app, MutantApp) else None

    @property
    def broken_requirement_id(self) -> str | None:
        """The requirement that is broken by it."""
        return MUTANTS[self.mutant_id] if self.mutant_id else None

    @property
    def faults(self) -> tuple[InjectedFault, ...]:
        """The failures that are on."""
        return tuple(failure for failure, _ in self._faults)

    def activate_mutant(self, mutant_id: str) -> None:
        """Break one rule in place of any other; raise ValueError if there is no such fault."""
        self.app = MutantApp(self.settings, mutant_id)

    def inject(self, fault: InjectedFault) -> None:
        """Switch a failure on, in place of one of its kind."""
        self._faults = [
            *(pair for pair in self._faults if pair[0].kind != fault.kind),
            (fault, 0),
        ]

    def clear(self) -> None:
        """Switch everything off; no rule is broken."""
        self.app, self._faults = App(self.settings), []

    def reset(self) -> None:
        """Return to how the sandbox was started."""
        self.app, self._faults = self._original_app, []

    def draw_faults(self) -> dict[FaultKind, InjectedFault]:
        """Return what hits the next request."""
        self._faults = [(failure, count + 1) for failure, count in self._faults]
        return {t.kind: t for t, count in self._faults if self._applies(t, count)}

    def _applies(self, fault: InjectedFault, count: int) -> bool:
        what = f"{self.settings.seed}:{fault.kind} {count}"
        drawn = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8])
        return drawn < fault.rate * _SCALE
