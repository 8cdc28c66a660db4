"""What this sandbox keeps of the contract, clause by clause, with the settings that it has.

    build_statement(settings, fault)    every requirement and every open reading, in order
    dump_markdown(statement)            for people; dump_plain(statement) for machines

All of it follows from requirements.toml, the settings, and the fault that is on. A requirement is
kept unless it is about clients, can be seen by nobody, lacks a credential, or is broken on purpose;
tests hold that against the sandbox, requirement by requirement.
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
    from collections.abc import Callable, Iterable

    from infobip_sms.sandbox.config import SandboxSettings

    Kept = Literal["yes", "no", "not applicable"]

OBSERVABILITY = {
    "exchange": "In one request and its response; the conformance suite checks it.",
    "time": "When the clock goes on.",
    "push": "At a callback server.",
    "session": "In several calls.",
    "client": "In what a client sends or reads.",
    "never": "Not from outside.",
}
"""Where a requirement can be seen, by how requirements.toml says that it is checked."""
_CREDENTIALS: dict[str, tuple[Callable[[SandboxSettings], bool], str]] = {
    "AUTH-003": (lambda settings: settings.user is not None, "This sandbox has no user."),
    "AUTH-004": (lambda settings: settings.api_key is not None, "This sandbox has no API key."),
}
"""Requirements that need a credential to be set, and what is said without it."""
_FIRST = "the first"  # of the outcomes


@attrs.frozen
class RequirementEntry:
    """One requirement, and whether this sandbox keeps it."""

    id: str
    level: str
    text: str
    conforms: Kept
    note: str
    """Where that can be seen, or why it is not kept."""
    reading: str | None
    """Open reading that it depends on."""


@attrs.frozen
class ReadingEntry:
    """One open reading, and the outcome that this sandbox shows."""

    id: str
    question: str
    shown: str
    choices: tuple[str, ...]
    """Outcomes that can be chosen; none if there is no switch."""


@attrs.frozen
class ConformanceStatement:
    """All of it."""

    program: str
    requirements: tuple[RequirementEntry, ...]
    readings: tuple[ReadingEntry, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many requirements are kept, are not, and do not apply."""
        words: tuple[Kept, ...] = ("yes", "no", "not applicable")
        return {word: sum(c.conforms == word for c in self.requirements) for word in words}

    def format_reading(self, entry: RequirementEntry) -> str:
        """Return the reading that a requirement depends on, and what is shown of it; empty for none."""
        shown = (f"{r.id}: {r.shown}" for r in self.readings if r.id == entry.reading)
        return next(shown, "")


def build_statement(
    settings: SandboxSettings, broken_requirement_id: str | None = None
) -> ConformanceStatement:
    """Return the statement of a sandbox with these settings, which breaks this rule on purpose."""
    rows = _load_requirements()
    return ConformanceStatement(
        f"infobip-sms {version('infobip-sms')}",
        tuple(
            build_requirement_entry(row, settings, broken_requirement_id)
            for row in rows["requirement"]
        ),
        tuple(_build_reading(row, settings) for row in rows["reading"]),
    )


def build_requirement_entry(
    row: dict[str, Any], settings: SandboxSettings, broken_requirement_id: str | None
) -> RequirementEntry:
    """Return what is to be said of one row of requirements.toml."""
    kept, seen = _get_conformance(row, settings, broken_requirement_id)
    return RequirementEntry(row["id"], row["level"], row["text"], kept, seen, row.get("reading"))


def to_plain(statement: ConformanceStatement) -> dict[str, Any]:
    """Return a statement as plain data."""
    return {
        "program": statement.program,
        "counts": statement.counts,
        "requirements": [attrs.asdict(clause) for clause in statement.requirements],
        "readings": [attrs.asdict(reading) for reading in statement.readings],
    }


def format_markdown(statement: ConformanceStatement) -> str:
    """Return a statement as a page of Markdown."""
    counts, told = statement.counts, statement.format_reading
    rules = [(c.id, c.level, c.text, c.conforms, c.note, told(c)) for c in statement.requirements]
    open_ = [(r.id, r.question, r.shown, ", ".join(r.choices)) for r in statement.readings]
    return f"""\
# Conformance statement: sandbox of {statement.program}

Requirements: {len(statement.requirements)}. Kept: {counts["yes"]}. Not kept: {counts["no"]}. \
About clients, and so not applicable: {counts["not applicable"]}.

## Requirements

{_format_table(("id", "level", "requirement", "kept", "seen", "reading"), rules)}

## Open readings

What the documentation leaves open, and what this sandbox does. Those with choices can be switched: \
`--reading ID=OUTCOME`.

{_format_table(("id", "question", "here", "choices"), open_)}"""


def _get_conformance(
    row: dict[str, Any], settings: SandboxSettings, broken_requirement_id: str | None
) -> tuple[Kept, str]:
    if "withdrawn" in row:
        return "not applicable", f"Withdrawn: {row['withdrawn']}"
    if row["id"] == broken_requirement_id:
        return "no", "Broken on purpose."
    seen = " ".join(filter(None, (OBSERVABILITY[row["judged"]], row.get("why"))))
    if row["judged"] in {"client", "never"}:
        return ("not applicable" if row["judged"] == "client" else "no"), seen
    is_set, without = _CREDENTIALS.get(row["id"], (None, ""))
    return ("no", without) if is_set and not is_set(settings) else ("yes", seen)


def _build_reading(row: dict[str, Any], settings: SandboxSettings) -> ReadingEntry:
    choices = READINGS.get(row["id"], {})
    shown = row["outcomes"][0] if row["ours"] == _FIRST else row["ours"]
    if choices and (chosen := settings.get_reading(row["id"])) != next(iter(choices)):
        shown = choices[chosen]
    return ReadingEntry(row["id"], row["question"], shown, tuple(choices))


def _format_table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table; what would end a cell is escaped."""
    lines = [titles, ("---",) * len(titles), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


@cache
def _load_requirements() -> dict[str, Any]:
    path = files("infobip_sms_schema") / "data" / "requirements.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))
