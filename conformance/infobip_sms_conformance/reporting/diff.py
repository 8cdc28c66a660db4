"""Compares the JSON reports of two runs."""

from pathlib import Path
from typing import Any

from infobip_sms_conformance.contract.files import WIRES
from infobip_sms_conformance.errors import NOTHING_FAILED, SOMETHING_FAILED
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.reporting.files import read_result
from infobip_sms_conformance.sanitization.redaction import clean

CIRCUMSTANCES = ("url", "profile", "seed")


def print_difference(before: Path, after: Path) -> int:
    """Print every verdict that has changed; 1 when something fails that did not."""
    first, second = read_result(before), read_result(after)
    for name in CIRCUMSTANCES:
        if first.get(name) != second.get(name):
            print(clean(f"{name}: {first.get(name)} -> {second.get(name)}"))
    old, new = get_verdicts(first), get_verdicts(second)
    changed = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    for number, wire in changed:
        was, now = old.get((number, wire)), new.get((number, wire))
        print(clean(f"{number:12}{wire:6}{was or '-':14}-> {now or '-'}"))
    worse = sum(new.get(key) == Verdict.FAIL for key in changed)
    better = sum(old.get(key) == Verdict.FAIL for key in changed)
    print(f"{len(changed)} verdicts differ: {worse} fail now, {better} do not any more")
    return SOMETHING_FAILED if worse else NOTHING_FAILED


def get_verdicts(result: dict[str, Any]) -> dict[tuple[str, str], str | None]:
    """Return the verdicts of a record by requirement and format, in its order."""
    return {
        (row["requirement"], wire): row.get(wire) for row in result["verdicts"] for wire in WIRES
    }
