"""Conformance statement of a sandbox: which requirements it meets with its settings.

It is derived from requirements.toml, the settings and the injected fault. A requirement is met unless it
concerns clients, cannot be observed, needs a credential that is not set, or is violated on purpose; tests
check this against the sandbox, requirement by requirement.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import attrs

from infobip_sms.sandbox.config import READINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from infobip_sms.sandbox.config import SandboxSettings

    Conformance = Literal["yes", "no", "not applicable"]

OBSERVABILITY = {
    "exchange": "Observable in one request and its response; checked by the conformance suite.",
    "time": "Observable as time passes.",
    "push": "Observable at a callback server.",
    "session": "Observable over several calls.",
    "client": "Concerns what a client sends or reads.",
    "receiver": "Concerns what a callback receiver does.",
    "never": "Not observable from outside.",
}
"""Where a requirement can be observed, by the kind that requirements.toml gives it."""
_CREDENTIALS: dict[str, tuple[Callable[[SandboxSettings], bool], str]] = {
    "AUTH-003": (lambda settings: settings.user is not None, "This sandbox has no user."),
    "AUTH-004": (lambda settings: settings.api_key is not None, "This sandbox has no API key."),
}
"""Requirements that need a credential, and the note when it is not set."""
_FIRST = "the first"  # value of ``ours`` for the first outcome


@attrs.frozen
class RequirementEntry:
    """A requirement, and whether this sandbox meets it."""

    id: str
    level: str
    text: str
    conforms: Conformance
    note: str
    """Where it can be observed, or why it is not met."""
    reading: str | None
    """Ambiguity that it depends on."""


@attrs.frozen
class ReadingEntry:
    """An ambiguity, and how this sandbox behaves."""

    id: str
    question: str
    shown: str
    choices: tuple[str, ...]
    """Outcomes for ``--reading``; empty if there is only one."""


@attrs.frozen
class ConformanceStatement:
    """The statement: all requirements and ambiguities, in the order of requirements.toml."""

    program: str
    requirements: tuple[RequirementEntry, ...]
    readings: tuple[ReadingEntry, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of requirements that are met, not met and not applicable."""
        values: tuple[Conformance, ...] = ("yes", "no", "not applicable")
        return {value: sum(c.conforms == value for c in self.requirements) for value in values}

    def format_reading(self, entry: RequirementEntry) -> str:
        """Return the ambiguity that a requirement depends on and its outcome here; empty if none."""
        shown = (f"{r.id}: {r.shown}" for r in self.readings if r.id == entry.reading)
        return next(shown, "")


def build_statement(
    settings: SandboxSettings, broken_requirement_ids: Collection[str] = ()
) -> ConformanceStatement:
    """Return the statement for these settings; ``broken_requirement_ids`` are violated on purpose."""
    rows = _load_requirements()
    return ConformanceStatement(
        f"infobip-sms {version('infobip-sms')}",
        tuple(
            build_requirement_entry(row, settings, broken_requirement_ids)
            for row in rows["requirement"]
        ),
        tuple(_build_reading(row, settings) for row in rows["reading"]),
    )


def build_requirement_entry(
    row: dict[str, Any], settings: SandboxSettings, broken_requirement_ids: Collection[str]
) -> RequirementEntry:
    """Return the entry for one row of requirements.toml."""
    conforms, note = _get_conformance(row, settings, broken_requirement_ids)
    return RequirementEntry(
        row["id"], row["level"], row["text"], conforms, note, row.get("reading")
    )


def to_plain(statement: ConformanceStatement) -> dict[str, Any]:
    """Return a statement as JSON data."""
    return {
        "program": statement.program,
        "counts": statement.counts,
        "requirements": [attrs.asdict(entry) for entry in statement.requirements],
        "readings": [attrs.asdict(reading) for reading in statement.readings],
    }


def format_markdown(statement: ConformanceStatement) -> str:
    """Return a statement as Markdown."""
    counts, format_reading = statement.counts, statement.format_reading
    requirements = [
        (c.id, c.level, c.text, c.conforms, c.note, format_reading(c))
        for c in statement.requirements
    ]
    ambiguities = [(r.id, r.question, r.shown, ", ".join(r.choices)) for r in statement.readings]
    return f"""\
# Conformance statement: sandbox of {statement.program}

Requirements: {len(statement.requirements)}. Met: {counts["yes"]}. Not met: {counts["no"]}. \
Not applicable (clients and callback receivers): {counts["not applicable"]}.

## Requirements

{_format_table(("id", "level", "requirement", "met", "note", "ambiguity"), requirements)}

## Ambiguities

Where the documentation is silent or contradictory, and how this sandbox behaves. Change one that has \
options with `--reading ID=OUTCOME`.

{_format_table(("id", "question", "this sandbox", "options"), ambiguities)}"""


def _get_conformance(
    row: dict[str, Any], settings: SandboxSettings, broken_requirement_ids: Collection[str]
) -> tuple[Conformance, str]:
    if "withdrawn" in row:
        return "not applicable", f"Withdrawn: {row['withdrawn']}"
    if row["id"] in broken_requirement_ids:
        return "no", "Violated on purpose (injected fault)."
    note = " ".join(filter(None, (OBSERVABILITY[row["observable"]], row.get("why"))))
    if row["observable"] in {"client", "receiver", "never"}:
        return ("no" if row["observable"] == "never" else "not applicable"), note
    is_set, missing = _CREDENTIALS.get(row["id"], (None, ""))
    return ("no", missing) if is_set and not is_set(settings) else ("yes", note)


def _build_reading(row: dict[str, Any], settings: SandboxSettings) -> ReadingEntry:
    choices = READINGS.get(row["id"], {})
    shown = row["outcomes"][0] if row["ours"] == _FIRST else row["ours"]
    if choices and (chosen := settings.get_reading(row["id"])) != next(iter(choices)):
        shown = choices[chosen]
    return ReadingEntry(row["id"], row["question"], shown, tuple(choices))


def _format_table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table; pipes in cells are escaped."""
    lines = [titles, ("---",) * len(titles), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


@cache
def _load_requirements() -> dict[str, Any]:
    path = files("infobip_sms_schema") / "data" / "requirements.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))
