"""Fault injection in a running sandbox: mutants, and failures of a share of the requests.

Whether a request fails follows from the seed and the number of requests since the fault was injected:
the same requests in the same order fail in the same way.
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
    """A failure of a share of the requests."""

    kind: FaultKind
    rate: float = 1.0
    """Share of the requests, from 0 to 1."""
    seconds: float = 0.0
    """Length of a delay; in real time, because the client waits in real time."""
    status: int = 503
    retry_after: int | None = None
    after: bool = False
    """Drop the connection after the request was processed, not before."""

    def build_error(self) -> HttpError:
        """Return the error for a request that is not processed."""
        code, text = "GENERAL_ERROR", "Something went wrong"
        if (
            self.status != HTTPStatus.INTERNAL_SERVER_ERROR
        ):  # which Infobip documents with this text
            with suppress(ValueError):  # not every status has a name
                code, text = HTTPStatus(self.status).name, HTTPStatus(self.status).phrase
        headers = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return HttpError(self.status, code, text, headers=headers)


class FaultInjection:
    """The injected faults; ``app`` handles requests, with or without a mutant."""

    def __init__(self, app: App) -> None:
        self._original_app = self.app = app
        self._faults: list[tuple[InjectedFault, int]] = []
        """Each with the number of requests since it was injected."""

    @property
    def settings(self) -> SandboxSettings:
        """The settings of the sandbox."""
        return self.app.settings

    @property
    def mutant_ids(self) -> tuple[str, ...]:
        """The ids of the active mutants."""
        return self.app.mutant_ids if isinstance(self.app, MutantApp) else ()

    @property
    def broken_requirement_ids(self) -> tuple[str, ...]:
        """The requirements that the active mutants violate."""
        return tuple(dict.fromkeys(MUTANTS[mutant_id] for mutant_id in self.mutant_ids))

    @property
    def faults(self) -> tuple[InjectedFault, ...]:
        """The injected faults."""
        return tuple(fault for fault, _ in self._faults)

    def activate_mutants(self, *mutant_ids: str) -> None:
        """Activate mutants in place of any others; raise ValueError if there is none with one of these ids."""
        self.app = MutantApp(self.settings, *mutant_ids)

    def inject(self, fault: InjectedFault) -> None:
        """Inject a fault, in place of one of the same kind."""
        self._faults = [
            *(pair for pair in self._faults if pair[0].kind != fault.kind),
            (fault, 0),
        ]

    def clear(self) -> None:
        """Remove all faults and the mutant."""
        self.app, self._faults = App(self.settings), []

    def reset(self) -> None:
        """Restore the faults and the mutant with which the sandbox was started."""
        self.app, self._faults = self._original_app, []

    def draw_faults(self) -> dict[FaultKind, InjectedFault]:
        """Return the faults that apply to the next request."""
        self._faults = [(fault, count + 1) for fault, count in self._faults]
        return {f.kind: f for f, count in self._faults if self._applies(f, count)}

    def _applies(self, fault: InjectedFault, count: int) -> bool:
        key = f"{self.settings.seed}:{fault.kind} {count}"
        drawn = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
        return drawn < fault.rate * _SCALE
