"""The summary of a mailing: how many of each outcome, which rows, and what to do now."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import attrs

from infobip_sms.cli.base.error_messages import explain_error
from infobip_sms.cli.base.framework import EXIT_FAILURE, EXIT_OK, EXIT_REJECTED
from infobip_sms.cli.base.output import print_note, print_table
from infobip_sms.cli.base.terminal import echo, is_terminal

if TYPE_CHECKING:
    from infobip_sms.send_many.outcomes import Outcome

_STATES = ("accepted", "rejected", "unknown", "unsent", "suppressed")
_COLUMNS = ("Row", "To", "Outcome", "Why", "Message")
_MAX_ACCEPTED_ROWS = 20
_NEXT_FOR_UNKNOWN = {
    "report": "Unknown ones may have been sent. Run the same command again to look them up.",
    "reconcile": "The server's logs do not have the unknown ones, or could not be asked. To send again what"
    " they do not have, add --on-unknown resend.",
    "resend": "Unknown ones are looked up again, and sent again if the logs can prove that they were not sent,"
    " when you run the same command again.",
}
_MAX_TERMINAL_ROWS = 20  # rows that a terminal shows


@attrs.define
class MailingSummary:
    """Counts the outcomes of one run."""

    total: int
    base_url: str
    _counts: Counter[str] = attrs.field(factory=Counter, init=False)
    _earlier: int = attrs.field(default=0, init=False)
    _rows: list[tuple[object, ...]] = attrs.field(factory=list, init=False)
    _accepted: list[tuple[object, ...]] = attrs.field(factory=list, init=False)
    _hint: str = attrs.field(default="", init=False)
    _started: float = attrs.field(factory=time.monotonic, init=False)

    def add(self, outcome: Outcome, row: int) -> int:
        """Count an outcome; return its row."""
        self._counts[outcome.state] += 1
        self._earlier += outcome.earlier
        why = outcome.reason
        if outcome.error is not None:
            why, hint = explain_error(outcome.error, self.base_url)
            self._hint = self._hint or hint
        line = (row, outcome.to, outcome.state, why, outcome.message_id)
        if outcome.state != "accepted":
            self._rows.append(line)
        elif len(self._accepted) < _MAX_ACCEPTED_ROWS:
            self._accepted.append(line)
        return row

    def print_rows(self) -> None:
        """Print the first accepted ones, then all others; on a terminal the first of these."""
        shown = self._rows[:_MAX_TERMINAL_ROWS] if is_terminal() else self._rows
        print_table(_COLUMNS, [*self._accepted, *shown])
        left = self._counts["accepted"] - len(self._accepted) + len(self._rows) - len(shown)
        if left:
            print_note(f"And {left} more; --json lists them all.")

    def print_summary(self, *, has_journal: bool, on_unknown: str, err: bool) -> None:
        """Print how many of what, and say how to go on if something is left."""
        counts, done = self._counts, self._counts.total()
        seconds = time.monotonic() - self._started
        words = ", ".join(f"{counts[state]} {state}" for state in _STATES if counts[state])
        earlier = f" ({self._earlier} of them in an earlier run)" if self._earlier else ""
        rate = f"{(done - self._earlier) / max(seconds, 0.001):.0f}/s"
        if done:
            echo(f"{words}{earlier}; {done} of {self.total} in {seconds:.1f} s, {rate}", err=err)
        if self._hint:
            print_note(self._hint)
        if done == 0 or (counts["unknown"] + counts["unsent"] == 0 and done == self.total):
            return
        if not has_journal:
            if counts["accepted"] or counts["unknown"]:
                print_note(
                    "Without --resume FILE nothing is remembered: run again, this sends to all."
                )
            return
        if counts["unsent"] or done < self.total:
            print_note("To go on, run the same command again.")
        if counts["unknown"]:
            print_note(_NEXT_FOR_UNKNOWN.get(on_unknown, _NEXT_FOR_UNKNOWN["report"]))

    def get_exit_code(self) -> int:
        """Return the exit code."""
        if self._counts["unknown"] or self._counts["unsent"]:
            return EXIT_FAILURE
        return EXIT_REJECTED if self._counts["rejected"] else EXIT_OK
