"""The conformance statement: complete, derived, and true of the sandbox that makes it."""

from __future__ import annotations

import base64
import datetime as dt
import json
import tomllib
from pathlib import Path
from typing import Any

import attrs
import lxml.html
import pytest
from infobip_sms_conformance.run.engine import get_checked_requirements

from infobip_sms.sandbox.admin import inbox
from infobip_sms.sandbox.admin.request_log import RequestLog
from infobip_sms.sandbox.admin.statement import (
    ConformanceStatement,
    build_requirement_entry,
    build_statement,
    format_markdown,
    to_plain,
)
from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpRequest, HttpResponse
from infobip_sms.sandbox.config import READINGS, SandboxSettings
from infobip_sms.sandbox.mutants.app import MUTANTS
from infobip_sms.sandbox.state.state import State

TESTS = Path(__file__).resolve().parent
TOML = tomllib.loads(
    (TESTS.parents[2] / "schema" / "requirements.toml").read_text(encoding="utf-8")
)
ROWS: dict[str, dict[str, Any]] = {row["id"]: row for row in TOML["requirement"]}
OPEN: dict[str, dict[str, Any]] = {row["id"]: row for row in TOML["reading"]}
SETTINGS = SandboxSettings("Aladdin", "open sesame", "key")
NOW = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
SWITCHES = [(r, outcome) for r, outcomes in READINGS.items() for outcome in list(outcomes)[1:]]


def find_kept(statement: ConformanceStatement) -> dict[str, str]:
    """Return what is said of each requirement."""
    return {clause.id: clause.conforms for clause in statement.requirements}


def find_shown(statement: ConformanceStatement) -> dict[str, str]:
    """Return the outcome that is said of each reading."""
    return {reading.id: reading.shown for reading in statement.readings}


def show_page(settings: SandboxSettings, fault: str | None = None) -> Any:
    """Return the tree of the statement's page."""
    desk = inbox.PageContext(
        State(),
        NOW,
        RequestLog(),
        settings=settings,
        broken_requirement_ids=(fault,) if fault else (),
    )
    request = HttpRequest("GET", "/sandbox/statement", {"host": "127.0.0.1:8080"}, b"")
    response = inbox.find_page(request, desk)
    assert isinstance(response, HttpResponse)
    assert response.status == 200
    return lxml.html.document_fromstring(response.body.decode())


def test_it_names_every_requirement_and_every_reading_once() -> None:
    """In Markdown, in JSON and on the page, each in the order of requirements.toml."""
    statement = build_statement(SETTINGS)
    text, plain = format_markdown(statement), to_plain(statement)
    rows = [line[2:].partition(" | ")[0] for line in text.splitlines() if line.startswith("| ")]
    ids = [row for row in rows if row not in {"id", "---"}]
    page = show_page(SETTINGS).xpath("//tr/@id")

    assert ids == page == [*ROWS, *OPEN]
    assert [row["id"] for row in plain["requirements"]] == list(ROWS)
    assert [row["id"] for row in plain["readings"]] == list(OPEN)
    assert json.loads(json.dumps(plain))["counts"] == statement.counts
    assert sum(statement.counts.values()) == len(ROWS)


def test_it_says_what_stands_in_the_requirements() -> None:
    """Level, rule and the reading that it depends on are those of requirements.toml."""
    for clause in build_statement(SETTINGS).requirements:
        row = ROWS[clause.id]
        assert (clause.level, clause.text) == (row["level"], row["text"])
        assert clause.reading == row.get("reading")
        assert row.get("why", "") in clause.note


@pytest.mark.parametrize(("reading", "outcome"), SWITCHES)
def test_it_changes_when_a_reading_is_switched(reading: str, outcome: str) -> None:
    """That reading, and only what follows from it, shows the outcome in the words of requirements.toml."""
    before = build_statement(SETTINGS)
    after = build_statement(attrs.evolve(SETTINGS, readings={reading: outcome}))
    changed = {n for n, shown in find_shown(after).items() if shown != find_shown(before)[n]}
    depending = [c for c in after.requirements if c.reading == reading]

    follows = {"READ-046"} if reading == "READ-004" else set()
    assert {reading} <= changed <= {reading} | follows
    assert find_shown(after)[reading] in OPEN[reading]["outcomes"]
    assert all(find_shown(after)[reading] in after.format_reading(clause) for clause in depending)
    assert all(f"{c.id} | " in format_markdown(after) for c in depending)
    assert format_markdown(after) != format_markdown(before)
    assert find_kept(after) == find_kept(before)


def test_every_switch_has_the_outcomes_of_its_reading() -> None:
    """Each outcome of requirements.toml can be chosen, and no other."""
    for reading, outcomes in READINGS.items():
        assert sorted(outcomes.values()) == sorted(OPEN[reading]["outcomes"])


def test_every_switch_is_named_where_our_outcome_is() -> None:
    """Whoever reads requirements.toml learns that the sandbox can do it in another way, and where it cannot."""
    named = {name for name, row in OPEN.items() if "(sandbox: `--" in row["ours"]}

    assert named == set(READINGS)


def test_a_reading_that_is_the_first_is_spelled_out() -> None:
    """Nobody has to look up what the first outcome is."""
    shown = find_shown(build_statement(SETTINGS))

    assert "the first" not in shown.values()
    assert shown["READ-041"] == OPEN["READ-041"]["outcomes"][0]


@pytest.mark.parametrize("fault", sorted(set(MUTANTS.values())))
def test_what_is_broken_on_purpose_is_not_kept(fault: str) -> None:
    """Only that requirement changes."""
    before, after = (find_kept(build_statement(SETTINGS, broken)) for broken in ((), (fault,)))

    assert {number for number in before if before[number] != after[number]} == {fault}
    assert (before[fault], after[fault]) == ("yes", "no")


@pytest.mark.parametrize("user", ["Aladdin", None])
@pytest.mark.parametrize("key", ["key", None])
def test_credentials_that_are_not_set_are_not_taken(user: str | None, key: str | None) -> None:
    """What it says of the schemes is what the sandbox does with the credentials."""
    settings = SandboxSettings(user, "open sesame", key)
    kept, app = find_kept(build_statement(settings)), App(settings)
    basic = base64.b64encode(b"Aladdin:open sesame").decode()

    assert (kept["AUTH-003"] == "yes") == app.is_authorized("basic", basic)
    assert (kept["AUTH-004"] == "yes") == app.is_authorized("app", "key")


def test_rules_for_clients_are_not_claimed() -> None:
    """They are not applicable; of what nobody can see nothing is claimed, and it is not there."""
    kept = find_kept(build_statement(SETTINGS))
    headers = {"authorization": "IBSSO token", "content-type": "application/json"}
    request = HttpRequest("POST", "/sms/2/text/advanced", headers, b"{}")

    assert {n for n, word in kept.items() if word == "not applicable"} == {
        n for n, row in ROWS.items() if row["observable"] in {"client", "receiver"}
    }
    assert [n for n, row in ROWS.items() if row["observable"] == "never"] == ["AUTH-006"]
    assert kept["AUTH-006"] == "no"
    assert App(SETTINGS).handle(request, State(), NOW).status == 401


def test_what_is_claimed_has_a_proof() -> None:
    """The suite has a check of it."""
    claimed = {n for n, word in find_kept(build_statement(SETTINGS)).items() if word == "yes"}

    assert claimed == get_checked_requirements()


def test_a_withdrawn_requirement_is_no_claim() -> None:
    """It stays in the list with its reason."""
    row = {**ROWS["SEND-002"], "withdrawn": "It was never one."}
    clause = build_requirement_entry(row, SETTINGS, ())

    assert (clause.conforms, clause.note) == ("not applicable", "Withdrawn: It was never one.")


def test_a_bar_in_a_text_does_not_end_a_cell() -> None:
    """Markdown keeps its columns."""
    statement = build_statement(SETTINGS)
    odd = attrs.evolve(statement.requirements[0], text="a | b")
    text = format_markdown(attrs.evolve(statement, requirements=(odd,)))

    assert "| a \\| b |" in text


def test_the_page_shows_what_is_switched() -> None:
    """The reading, the fault and the counts are those of this sandbox, on the statement's page."""
    settings = attrs.evolve(SETTINGS, readings={"READ-001": "200"})
    tree = show_page(settings, "RESP-002")
    row = " ".join(tree.get_element_by_id("RESP-002").text_content().split())
    shown = tree.get_element_by_id("SEND-007").find_class("reading")[0].text_content()

    assert row.startswith("RESP-002 MUST")
    assert "`" not in tree.text_content()
    assert "Violated on purpose (injected fault). no" in row
    assert shown == f"READ-001: {READINGS['READ-001']['200']}"
    counts = build_statement(settings, ["RESP-002"]).counts
    assert [b.text_content() for b in tree.xpath("//ul[@class='counts']//b")] == [
        str(number) for number in counts.values()
    ]
    assert tree.xpath("//nav/a[@aria-current]")[0].text_content() == "Statement"
