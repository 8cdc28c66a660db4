"""The command coverage: which values of which field are sent where, and why others are not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from infobip_sms_conformance.cli.operation_cells import iter_operation_cells
from infobip_sms_conformance.cli.options import Command
from infobip_sms_conformance.client_run.coverage import get_request_fields
from infobip_sms_conformance.contract.cases import (
    FAR_ONES,
    assign_formats,
    get_case,
    read_every_case,
)
from infobip_sms_conformance.contract.files import WIRES, Case, read_toml
from infobip_sms_conformance.contract.openapi import get_component, get_property, resolve
from infobip_sms_conformance.contract.request_fields import normalize
from infobip_sms_conformance.errors import NOTHING_FAILED
from infobip_sms_conformance.session.budget import get_accepted_cases, get_rejected_cases, is_sent
from infobip_sms_conformance.session.plan import PROFILES

REASONS = {
    "missing": "the field is optional, or its absence is not documented to be rejected",
    "null": "not documented; servers may ignore it",
    "wrong type": "not documented to be rejected",
    "empty": "not documented to be rejected",
    "whitespace around": "not documented to be rejected",
    "outside limits or values": "no limit and no list of values is documented",
    "allowed, at a limit": "no limit is documented",
    "not ASCII": "sent in the texts and IDs of other requests, or no text",
}
"""The kinds of values, and why one of them is not sent where nothing else is known."""
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "array": (list,),
    "object": (dict,),
}
PLACES = {
    "alone": "alone",
    "before": "first of 3",
    "between": "middle of 3",
    "behind": "last of 3",
}
ACCEPTED_PLACE = "packed with the others, alone if they are rejected"


@dataclass(frozen=True)
class Cell:
    """One kind of value of a field in a format: what is checked, or the reason why not."""

    field: str
    kind: str
    wire: str
    position: str
    said: str


@click.command("coverage", cls=Command)
def coverage() -> int:
    """Print which values are sent in each field, and what each operation is asked.

    Each line has a field, a kind of value, the format, the position among messages or destinations, and
    the requirement with its cases; or a - and the reason why nothing is sent. The lines at the end have an
    operation, what varies around a call of it, and the requirement with what is sent.
    """
    cells = list(iter_cells())
    widths = [max(len(getattr(cell, name)) for cell in cells) for name in ("field", "kind")]
    for cell in cells:
        lead = f"{cell.field:{widths[0]}}  {cell.kind:{widths[1]}}  {cell.wire:4}"
        print(f"{lead}  {cell.position or '-'}: {cell.said}")
    checked = sum(bool(cell.position) for cell in cells)
    print(f"\n{checked} of {len(cells)} cells are checked; the others have a reason\n")
    for name, what, said in iter_operation_cells():
        print(f"{name:{widths[0]}}  {what:{widths[1]}}  {said}")
    return NOTHING_FAILED


def iter_cells() -> Iterator[Cell]:
    """Yield every cell of the message request."""
    tables = read_toml("cases.toml")
    rows = [(row, kind == "rejected") for kind in ("rejected", "accepted") for row in tables[kind]]
    derived = [case for case in read_every_case().values() if case.turn is not None]
    rows += [(build_row(case), case.rejected) for case in derived]
    sent = {c.id for c in (*get_rejected_cases(), *get_accepted_cases())}
    for field in get_request_fields("send"):
        schema = find_schema(field)
        own = [(row, r) for row, r in rows if normalize(row["path"]) == field]
        for kind in REASONS:
            found = [(row, r) for row, r in own if classify(row, schema, rejected=r) == kind]
            for wire in WIRES:
                yield build_cell(field, kind, wire, [p for p in found if p[0]["id"] in sent], found)


def build_row(case: Case) -> dict[str, Any]:
    """Return a case that follows from the schema in the form of cases.toml."""
    kind, value = case.edit
    return {
        "id": case.id,
        "requirement": case.requirement_id,
        "path": case.path,
        "formats": case.wires,
        "turn": case.turn,
        kind: value,
    }


def build_cell(
    field: str,
    kind: str,
    wire: str,
    sent: list[tuple[dict[str, Any], bool]],
    known: list[tuple[dict[str, Any], bool]],
) -> Cell:
    """Return a cell: by its cases in the format, or by the reason why there is none."""
    here = [(row, rejected) for row, rejected in sent if is_in_format(row["id"], wire)]
    if not here:
        return Cell(field, kind, wire, "", find_reason(kind, sent or known))
    names: dict[str, list[str]] = {}
    for row, _ in here:
        names.setdefault(row["requirement"], []).append(row["id"])
    positions = {
        find_position(field, row, wire) if is_rejected else ACCEPTED_PLACE
        for row, is_rejected in here
    }
    said = "; ".join(f"{name} {' '.join(cases)}" for name, cases in names.items())
    return Cell(field, kind, wire, " or ".join(sorted(positions)), said)


def is_in_format(case_id: str, wire: str) -> bool:
    """Tell whether a case is sent in a format."""
    return is_sent(get_case(case_id), wire, PROFILES["full"], WIRES)


def find_position(field: str, row: dict[str, Any], wire: str) -> str:
    """Return where a rejected case is among the messages of its request."""
    if not field.startswith("messages."):
        return "beside the messages"
    return PLACES[PROFILES["full"].get_placement(wire, row.get("turn"))]


def find_reason(kind: str, known: list[tuple[dict[str, Any], bool]]) -> str:
    """Say why nothing is sent: only a client must reject it, either outcome is allowed, or nothing is known."""
    for row, _ in known:
        if row.get("client"):
            return f"a client must not send it ({row['requirement']}); servers may accept it"
        if row.get("reading", "READ-001") != "READ-001":
            return f"every outcome is allowed ({row['reading']})"
        if row.get("turn") is not None and isinstance(row.get("set", ""), str):
            return f"sent as {' and '.join(row['formats']).upper()}"
        if row["id"] in FAR_ONES:
            return "rejected by whoever rejects the near misses that are sent"
        if row["id"] in assign_formats():
            return f"sent as {assign_formats()[row['id']].upper()}: once read, it is the same"
        if "formats" in row:
            return f"only {' and '.join(row['formats'])} can carry it"
    return REASONS[kind]


def classify(row: dict[str, Any], schema: dict[str, Any], *, rejected: bool) -> str:
    """Return the kind of value that a case sets."""
    if "remove" in row:
        return "missing"
    value = row["set"] if "set" in row else row["repeat"][0] * row["repeat"][1]
    if value is None:
        return "null"
    if row["path"].endswith("]"):
        schema = resolve(schema["items"])
    right = TYPES.get(schema.get("type", ""), (str,))
    if not isinstance(value, right) or (isinstance(value, bool) and bool not in right):
        return "wrong type"
    if value in ("", [], {}):
        return "empty"
    if isinstance(value, str) and value != value.strip() and not value.isspace():
        return "whitespace around"
    if isinstance(value, str) and not value.isascii():
        return "not ASCII"
    return "outside limits or values" if rejected else "allowed, at a limit"


def find_schema(field: str) -> dict[str, Any]:
    """Return the schema of a field of the message request."""
    schema = get_component("SmsRequest")
    for name in field.split("."):
        found = resolve(schema["items"]) if schema.get("type") == "array" else schema
        schema = resolve(get_property(found, name))
    return schema
