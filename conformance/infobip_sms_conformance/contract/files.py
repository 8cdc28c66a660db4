"""The facts, as files: requirements, cases, statuses, examples and the OpenAPI document."""

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from infobip_sms_conformance.errors import UsageError

WIRES = ("json", "xml")


@dataclass(frozen=True)
class Requirement:
    """One rule of the contract; ``checked`` says what could show that it is broken."""

    id: str
    level: str
    text: str
    source: str
    observable: str
    why: str = ""
    binds: str = ""
    """``receiver`` if it is the obligation of a callback receiver."""


@dataclass(frozen=True)
class Case:
    """A good example and one edit; ``rejected`` says what a server must do with the result."""

    id: str
    requirement_id: str
    example: str
    path: str
    edit: tuple[str, Any]
    rejected: bool
    wires: tuple[str, ...]
    turn: int | None = None
    """The number of a case that follows from the schema, by which its position is chosen."""

    def __str__(self) -> str:
        """Name the case and its edit, without the value that is set."""
        return f"case {self.id}: {self.example}, {self.edit[0]} at {self.path}"


@cache
def get_data_folder() -> Path:
    """Return the folder of the facts; the package around it is found, not imported."""
    spec = find_spec("infobip_sms_schema")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            "the package infobip_sms_schema, which carries the facts, is missing"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def read_toml(name: str) -> dict[str, Any]:
    """Return a TOML file of the data folder."""
    return tomllib.loads((get_data_folder() / name).read_text("utf-8"))


@cache
def read_requirements() -> dict[str, Requirement]:
    """Return every requirement that is not withdrawn, by its id, in the order of the file."""
    names = Requirement.__dataclass_fields__
    rows = [row for row in read_toml("requirements.toml")["requirement"] if "withdrawn" not in row]
    return {row["id"]: Requirement(**{k: v for k, v in row.items() if k in names}) for row in rows}


@cache
def read_readings() -> dict[str, str]:
    """Return the question of every open reading, by its id."""
    return {row["id"]: row["question"] for row in read_toml("requirements.toml")["reading"]}


def read_requirement(requirement_id: str) -> dict[str, Any]:
    """Return the whole row of a requirement; UsageError when there is none of that id."""
    return get_row("requirement", requirement_id)


def read_reading(reading_id: str) -> dict[str, Any]:
    """Return the whole row of a reading; UsageError when there is none of that id."""
    return get_row("reading", reading_id)


def get_row(table: str, row_id: str) -> dict[str, Any]:
    """Return a row of requirements.toml."""
    rows: list[dict[str, Any]] = read_toml("requirements.toml")[table]
    for row in rows:
        if row["id"] == row_id:
            return row
    raise UsageError(f"there is no {row_id}; see the command list")


@cache
def read_cases() -> tuple[Case, ...]:
    """Return the cases that a server is checked by.

    Left out: what only a client must reject, and edits on which a server may decide either way
    because the reading that they name is not the one about the form of a rejection (READ-001).
    """
    tables = read_toml("cases.toml")
    return tuple(
        build_case(row, rejected=kind == "rejected")
        for kind in ("rejected", "accepted")
        for row in tables[kind]
        if not row.get("client") and row.get("reading", "READ-001") == "READ-001"
    )


def build_case(row: dict[str, Any], *, rejected: bool) -> Case:
    """Return the case that a row of cases.toml describes."""
    kind = next(name for name in ("set", "remove", "repeat") if name in row)
    wires = tuple(row.get("formats", WIRES))
    edit = (kind, row[kind])
    return Case(row["id"], row["requirement"], row["example"], row["path"], edit, rejected, wires)


@cache
def read_openapi() -> dict[str, Any]:
    """Return openapi.yaml."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # that of libyaml takes an eighth
    text = (get_data_folder() / "openapi.yaml").read_bytes()
    document: dict[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506 - both are safe
    return document


@cache
def read_status_rows(table: str) -> tuple[dict[str, Any], ...]:
    """Return the statuses or the errors of the catalogue as they are on the wire.

    table: "status" or "error".
    """
    tables = read_toml("statuses.toml")
    names = {
        row["id"]: row["name"] for row in tables["group" if table == "status" else "error_group"]
    }
    rows = [row for row in tables[table] if "group" in row]
    return tuple({**row, "groupId": row["group"], "groupName": names[row["group"]]} for row in rows)


@cache
def read_groups() -> dict[int, str]:
    """Return the names of the status groups by their numbers."""
    return {row["id"]: row["name"] for row in read_toml("statuses.toml")["group"]}


def get_group_id(name: str) -> int:
    """Return the number of a status group."""
    return next(number for number, known in read_groups().items() if known == name)


def read_example(stem: str) -> Any:
    """Return a fresh copy of an example as plain data."""
    return json.loads(read_example_bytes(stem))


@cache
def read_example_bytes(stem: str) -> bytes:
    """Return an example as it is in its file."""
    return (get_data_folder() / "examples" / f"{stem}.json").read_bytes()


@cache
def read_numbers() -> tuple[str, ...]:
    """Return the only destinations that the suite ever writes to: those of the documented request."""
    messages = read_example("documented-request")["messages"]
    return tuple(d["to"] for message in messages for d in message["destinations"])
