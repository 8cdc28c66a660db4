"""What has been switched on in a running sandbox: one broken rule, and troubles on the way.

Whether a trouble hits a request follows from the seed and from how many requests there were since it
was switched on: the same requests in the same order meet the same troubles.

Lives here: which rules answer, which requests are delayed, dropped or refused.
Never here: how that is done (faults.py, shell.py), how it is asked for (control.py).
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

import attrs

from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import Refusal

from .app import FAULTS, Faulty

if TYPE_CHECKING:
    from infobip_sms.sandbox.config import Settings

Kind = Literal["delay", "drop", "status"]
_SCALE = 2**64


@attrs.frozen(kw_only=True)
class Trouble:
    """Something that goes wrong with a share of the requests."""

    kind: Kind
    rate: float = 1.0
    """Share of the requests, from 0 to 1."""
    seconds: float = 0.0
    """Of a delay; by the clock of the machine, since the client waits by that."""
    status: int = 503
    retry_after: int | None = None
    after: bool = False
    """The connection is dropped after the request was carried out, not before."""

    def build_refusal(self) -> Refusal:
        """Return the refusal of a request that is not looked at."""
        word, text = "GENERAL_ERROR", "Something went wrong"
        if self.status != HTTPStatus.INTERNAL_SERVER_ERROR:  # the vendor has these words for it
            with suppress(ValueError):  # not every number has a name
                word, text = HTTPStatus(self.status).name, HTTPStatus(self.status).phrase
        headers = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return Refusal(self.status, word, text, headers=headers)


class Switches:
    """What is on; ``app`` holds the rules that answer now."""

    def __init__(self, app: App) -> None:
        self._first = self.app = app
        self._troubles: list[tuple[Trouble, int]] = []
        """With the number of requests since."""

    @property
    def settings(self) -> Settings:
        """The settings of the sandbox."""
        return self.app.settings

    @property
    def fault(self) -> str | None:
        """The id of the fault that is on."""
        return self.app.fault if isinstance(self.app, Faulty) else None

    @property
    def broken(self) -> str | None:
        """The requirement that is broken by it."""
        return FAULTS[self.fault] if self.fault else None

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """The troubles that are on."""
        return tuple(trouble for trouble, _ in self._troubles)

    def break_rule(self, fault: str) -> None:
        """Break one rule in place of any other; raise ValueError if there is no such fault."""
        self.app = Faulty(self.settings, fault)

    def trouble(self, trouble: Trouble) -> None:
        """Switch a trouble on, in place of one of its kind."""
        self._troubles = [
            *(pair for pair in self._troubles if pair[0].kind != trouble.kind),
            (trouble, 0),
        ]

    def clear(self) -> None:
        """Switch everything off; no rule is broken."""
        self.app, self._troubles = App(self.settings), []

    def reset(self) -> None:
        """Return to how the sandbox was started."""
        self.app, self._troubles = self._first, []

    def take_troubles(self) -> dict[Kind, Trouble]:
        """Return what hits the next request."""
        self._troubles = [(trouble, count + 1) for trouble, count in self._troubles]
        return {t.kind: t for t, count in self._troubles if self._hits(t, count)}

    def _hits(self, trouble: Trouble, count: int) -> bool:
        what = f"{self.settings.seed}:{trouble.kind} {count}"
        drawn = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8])
        return drawn < trouble.rate * _SCALE
