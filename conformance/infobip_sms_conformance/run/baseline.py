"""Known failures; a run that finds no others succeeds.

[[known]]
requirement = "RESP-009"
format = "xml"                       # both when left out
reason = "the gateway drops it; ticket 4711"
expires = 2027-01-31
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from infobip_sms_conformance.contract.files import WIRES, read_requirements
from infobip_sms_conformance.errors import (
    COULD_NOT_TEST,
    NOTHING_FAILED,
    SOMETHING_FAILED,
    UsageError,
)
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.result import RunResult

FAILING = {Verdict.FAIL, Verdict.WARN}
ENTRY_KEYS = {"requirement", "format", "reason", "expires"}


@dataclass(frozen=True)
class KnownFailure:
    """One failure that is known."""

    requirement_id: str
    wires: tuple[str, ...]
    reason: str
    expires: date

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The requirement with each of its formats."""
        return [(self.requirement_id, wire) for wire in self.wires]


Baseline = tuple[KnownFailure, ...]


@dataclass(frozen=True)
class BaselineComparison:
    """A run compared with its baseline."""

    excused: tuple[str, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    """Entries that no longer fail."""
    expired: tuple[str, ...]
    exit_code: int

    def format_lines(self) -> Iterator[str]:
        """Yield a line for each kind."""
        kinds = {
            "Known failures": self.excused,
            "New failures (not in the baseline)": self.new,
            "Fixed (remove from the baseline)": self.gone,
            "Expired baseline entries": self.expired,
        }
        for name, entries in kinds.items():
            if entries:
                yield f"\n{name}: {', '.join(entries)}"


def read_baseline(path: Path) -> Baseline:
    """Return the entries of a file; UsageError when it is not in the format above."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path}: expected TOML: {error}") from None
    rows = found.get("known", [])
    if set(found) - {"known"} or not isinstance(rows, list):
        raise UsageError(f"{path}: expected only [[known]] tables")
    return tuple(read_entry(path, row) for row in rows)


def read_entry(path: Path, row: dict[str, object]) -> KnownFailure:
    """Return one entry; UsageError names the problem."""
    requirement_id, wire = str(row.get("requirement", "")), row.get("format")
    if requirement_id not in read_requirements():
        raise UsageError(f"{path}: unknown requirement {requirement_id!r}")
    if unknown := set(row) - ENTRY_KEYS:
        raise UsageError(f"{path}: {requirement_id}: unknown key {min(unknown)}")
    if wire not in {None, *WIRES}:
        raise UsageError(f"{path}: {requirement_id}: format: expected json or xml")
    reason, expires = row.get("reason"), row.get("expires")
    if not (isinstance(reason, str) and reason.strip()):
        raise UsageError(f"{path}: {requirement_id}: reason is required")
    if type(expires) is not date:
        raise UsageError(f"{path}: {requirement_id}: expires: expected a date such as 2027-01-31")
    return KnownFailure(requirement_id, WIRES if wire is None else (str(wire),), reason, expires)


def compare(known: Baseline, result: RunResult) -> BaselineComparison:
    """Return what is new, known, gone and expired; an expired entry excuses nothing."""
    today = datetime.now(UTC).date()
    verdicts = {(row.id, w): result.find_verdict(row.id, w) for row in result.rows for w in WIRES}
    failing = {pair for pair, verdict in verdicts.items() if verdict in FAILING}
    broken = {pair for pair in failing if verdicts[pair] is Verdict.FAIL}
    valid = [entry for entry in known if entry.expires >= today]
    excused = {pair for entry in valid for pair in entry.pairs} & failing
    new = broken - excused
    return BaselineComparison(
        excused=format_pairs(excused),
        new=format_pairs(new),
        gone=tuple(e.requirement_id for e in known if is_gone([verdicts.get(p) for p in e.pairs])),
        expired=tuple(f"{e.requirement_id} ({e.expires})" for e in known if e.expires < today),
        exit_code=get_exit_code(result, new=bool(new)),
    )


def is_gone(verdicts: list[Verdict | None]) -> bool:
    """Tell whether an entry is obsolete: it was checked and only passes."""
    return set(verdicts) - {None, Verdict.NOT_APPLICABLE} == {Verdict.PASS}


def get_exit_code(result: RunResult, *, new: bool) -> int:
    """Return the exit code of a run whose known failures are excused."""
    if new:
        return SOMETHING_FAILED
    if result.exit_code == SOMETHING_FAILED:
        errors = any(finding.verdict is Verdict.ERROR for finding in result.findings)
        return COULD_NOT_TEST if errors or result.stopped else NOTHING_FAILED
    return result.exit_code


def format_pairs(pairs: set[tuple[str, str]]) -> tuple[str, ...]:
    """Return pairs of requirement and format as words."""
    return tuple(f"{requirement_id} {wire}" for requirement_id, wire in sorted(pairs))
