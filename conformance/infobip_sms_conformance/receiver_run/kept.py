"""Compares what a receiver kept with what was posted, field by field.

The command of --kept prints the kept reports as JSON: a list, an object with ``results``, or a line for each. Names
are compared without regard to case and underscores; ``status_id`` is ``status.id``. A field that no kept report has is
one that the receiver does not keep.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.receiver_run.conversation import AcknowledgedReport
from infobip_sms_conformance.receiver_run.reports import EXACT, build_report

COMMAND_SECONDS = 30.0
MESSAGE_ID = "messageid"
DATES = {"sentat", "doneat"}
PRICE = "pricepricepermessage"
OWNERS = {
    **dict.fromkeys(DATES, "RCV-008"),
    PRICE: "RCV-009",
    "callbackdata": "RCV-010",
    MESSAGE_ID: "RCV-011",
    "bulkid": "RCV-011",
}
"""The requirement of each field that has one of its own."""
KEPT_FIELD = "RCV-031"
KeptReport = Mapping[str, Any]


class KeptOutputError(Exception):
    """The command of --kept failed, or did not print JSON."""


def parse_command(text: str) -> list[str]:
    """Return the words of a command; UsageError if there are none."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not words:
        raise UsageError("--kept: expected a command such as 'curl -s http://127.0.0.1:8081/kept'")
    return words


def read_kept(command: Sequence[str]) -> list[KeptReport]:
    """Run the command; return the kept reports, flat, by their simplified names."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=COMMAND_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KeptOutputError(f"--kept cannot be run: {type(error).__name__}") from None
    if done.returncode:
        raise KeptOutputError(f"--kept ended with {done.returncode}")
    try:
        rows = parse_output(done.stdout.decode("utf-8"))
    except ValueError:
        raise KeptOutputError("--kept did not print JSON") from None
    return [flatten(row) for row in rows if isinstance(row, dict)]


def parse_output(text: str) -> list[Any]:
    """Return the entries of a list, of ``results``, or of lines."""
    try:
        found = json.loads(text, parse_float=str)
    except ValueError:
        return [json.loads(line, parse_float=str) for line in text.splitlines() if line.strip()]
    if isinstance(found, dict) and isinstance(found.get("results"), list):
        found = found["results"]
    return found if isinstance(found, list) else [found]


def flatten(report: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the simple fields of a report and of the objects in it, by their simplified names."""
    found: dict[str, Any] = {}
    for name, value in report.items():
        key = prefix + simplify(name)
        if isinstance(value, dict):
            found |= flatten(value, key)
        elif value is not None:
            found[key] = value
    return found


def has_kept(kept: Sequence[KeptReport], report: Mapping[str, Any]) -> bool:
    """Tell whether anything was kept of the message of a report."""
    return any(str(row.get(MESSAGE_ID)) == report["messageId"] for row in kept)


class KeptComparison:
    """What a receiver kept of everything that it acknowledged."""

    def __init__(
        self, kept: Sequence[KeptReport], acknowledged: Sequence[AcknowledgedReport]
    ) -> None:
        self._by_id: dict[str, list[KeptReport]] = {}
        for row in kept:
            self._by_id.setdefault(str(row.get(MESSAGE_ID)), []).append(row)
        self._names = {name for row in kept for name in row}
        self._acknowledged = acknowledged
        self._always_wrong = self._find_wrong_from_the_start()

    def _find_wrong_from_the_start(self) -> set[str]:
        """Return the fields that are wrong in the first report already."""
        return {name for entry in self._acknowledged[:1] for name, _ in self._compare(entry.report)}

    def iter_problems(self) -> Iterator[tuple[str, AcknowledgedReport, str, str]]:
        """Yield the requirement, the report, what was expected and what was kept."""
        times: dict[str, int] = {}
        for entry in self._acknowledged:
            message_id = entry.report["messageId"]
            times[message_id] = times.get(message_id, 0) + 1
            rows = self._by_id.get(message_id, [])
            if not rows:
                yield entry.requirement_id, entry, "the report is kept", "acknowledged and not kept"
                continue
            for name, got in self._compare(entry.report):
                usual = OWNERS.get(name, KEPT_FIELD)
                owner = usual if name in self._always_wrong else entry.requirement_id
                yield owner, entry, f"{get_field_name(name)} as posted", got
            if times[message_id] > 1 and count_most(rows) > 1:
                got = f"kept {count_most(rows)} times"
                yield entry.requirement_id, entry, "kept once", got

    def _compare(self, report: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the fields that differ in every row of the message."""
        rows = self._by_id.get(report["messageId"], [])
        differences = [self._compare_row(report, row) for row in rows]
        return min(differences, key=len, default=[])

    def _compare_row(self, report: Mapping[str, Any], row: KeptReport) -> list[tuple[str, str]]:
        found = []
        for name, sent in flatten(report).items():
            if name in self._names and not is_same(name, sent, row.get(name)):
                found.append((name, "nothing" if row.get(name) in {None, ""} else "another value"))
        return found


@cache
def get_field_names() -> Mapping[str, str]:
    """Return the fields of the documented report by their simplified names."""
    report = build_report()
    nested = {f"{k}.{n}" for k, v in report.items() if isinstance(v, dict) for n in v}
    return {simplify(name): name for name in (*report, *nested)}


def get_field_name(simplified: str) -> str:
    """Return a field as the contract spells it."""
    return get_field_names().get(simplified, simplified)


def simplify(name: str) -> str:
    """Return a name without case and signs."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def count_most(rows: Sequence[KeptReport]) -> int:
    """Return how often the most frequent status was kept."""
    statuses = [str((row.get("statusid"), row.get("statusname"))) for row in rows]
    return max(map(statuses.count, statuses), default=0)


def is_same(name: str, sent: object, kept: object) -> bool:
    """Tell whether a kept value means what was posted."""
    text = str(sent).removeprefix(EXACT)
    if kept is None:
        return False
    if name in DATES:
        return is_same_instant(text, str(kept))
    if name == PRICE:
        try:
            return Decimal(text) == Decimal(str(kept))
        except InvalidOperation:
            return False
    return text.lower() == str(kept).lower() if isinstance(sent, bool) else text == str(kept)


def is_same_instant(sent: str, kept: str) -> bool:
    """Tell whether two dates are the same instant; one without an offset is not an instant."""
    try:
        instants = [datetime.fromisoformat(text) for text in (sent, kept)]
    except ValueError:
        return False
    return all(instant.tzinfo for instant in instants) and instants[0] == instants[1]
