"""The commands list, explain and diff."""

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import get_terminal_size

import click

from infobip_sms_conformance.cli.options import FILE, Command, complete_requirement
from infobip_sms_conformance.client_run.coverage import get_client_requirement_ids
from infobip_sms_conformance.contract.files import (
    WIRES,
    Case,
    read_cases,
    read_reading,
    read_readings,
    read_requirement,
    read_requirements,
)
from infobip_sms_conformance.errors import NOTHING_FAILED
from infobip_sms_conformance.fixtures.placement import (
    build_case_document,
    build_unedited,
    describe_edit,
)
from infobip_sms_conformance.observations.verdicts import VALUE_END, VALUE_START
from infobip_sms_conformance.reporting.diff import print_difference
from infobip_sms_conformance.run.engine import load_checks
from infobip_sms_conformance.session.registry import Check

WIDTH, NARROWEST = 90, 40
OTHER_SIDES = {"client", "receiver"}
RUN_COMMANDS = {
    "server": "infobip-sms conformance server URL --only {}",
    "client": "infobip-sms conformance client -- COMMAND",
    "receiver": "infobip-sms conformance receiver URL --only {}",
}
MAX_EXAMPLE = 600
GROUP_TEXTS = {
    "start": "",
    "cases": "the cases below: first, between and last among three messages, and alone where one fails",
    "rejected": "every case that must be rejected",
    "days": "the minimal request with a window of two days",
    "limits": "one request at every limit together",
    "documented": "the documented request",
    "pool": "the minimal request, one with IDs for two numbers, the documented request, "
    "one without IDs, and generated ones",
    "unreadable": "a body that lacks its end, one with another behind it, one of the other format, none, "
    "and syntax that lenient parsers take",
    "unreadable elsewhere": "syntax that lenient parsers take, at the other operations with a body",
    "undecided": "the documented request with values of which every outcome is allowed but a failure",
    "headers": "the minimal request with a charset, without Accept, and with the other format in Accept",
    "spellings": "the minimal request with other values of Accept",
    "named": "the minimal request with IDs for two numbers",
    "every operation": "each operation without credentials",
    "near misses": "credentials that are wrong in one respect, at operations in turn",
    "other header fields": "every operation with other spellings of Content-Type and Accept, and the other scheme",
    "unauthorized": "the minimal request without credentials and with wrong ones",
    "app": "the minimal request with the API key",
    "push": "messages with notify URLs, whose delivery reports are received",
    "lists": "a batch of messages with IDs",
    "logs": "lookups of the batch in the logs",
    "logs again": "a second lookup, without limit",
    "one log": "a lookup of one message",
    "named logs": "a lookup of some messages of two requests by ID, sender and number",
    "one name": "a look at one message by its messageId",
    "effects": "a look at the messages of requests that were rejected",
    "full preview": "the preview of a text that fills a segment",
    "preview of null": "a preview of null",
    "v1 log": "a lookup of a message that version 1 accepted",
    "empty logs": "lookups by filters that nothing fits",
    "spans": "lookups by instants around now, and by a small limit",
    "networks": "lookups by the network of a message, and by another",
    "fetched reports": "reports of the batch, fetched four times",
    "preview": "previews of texts with and without language and transliteration",
    "previews of all kinds": "previews by the other languages and transliterations, and by near misses",
    "scheduled": "a scheduled message",
    "changed bulks": "four bulks: two moved, one paused and one canceled before they are due",
    "unknown bulks": "operations on a bulk that does not exist",
    "bad changes": "changes of a bulk to an instant or a state that is not one",
    "bulks": "a scheduled message, looked up, moved, paused and canceled",
    "tracking": "a conversion of a tracked message",
    "untracked": "conversions of messages that are not tracked",
    "v1": "the documented request of version 1, and its smallest one",
    "v1 languages": "each language in version 1",
    "v1 limits": "values in version 1 that are outside of their limits",
    "v1 transliteration": "a transliteration of version 2 in version 1",
}
"""What the checks that need a group of requests send."""
CHECK_METHODS = {
    "exchange": "by one request and its response",
    "session": "by several calls that build on each other",
    "push": "at a callback server that receives delivery reports",
    "time": "by waiting, or by moving the server's clock (--patience, --clock)",
    "client": "by what a client sends; it does not apply to servers",
    "receiver": "by posting reports to a callback receiver",
    "never": "not visible from outside",
}


@click.command("list", cls=Command)
@click.argument(
    "what", type=click.Choice(["requirements", "readings"]), default="requirements", required=False
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_requirements(*, what: str, as_json: bool) -> int:
    """Print every requirement or interpretation.

    WHAT is requirements (the default) or readings.
    """
    if what == "readings":
        return print_readings(as_json=as_json)
    return print_list(as_json=as_json)


@click.command(cls=Command)
@click.argument("requirement_id", metavar="ID", shell_complete=complete_requirement)
def explain(requirement_id: str) -> int:
    """Print everything about one requirement.

    ID is that of a requirement, such as SEND-007, or of an interpretation, such as READ-001.
    """
    return print_requirement(requirement_id)


@click.command(cls=Command)
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
def diff(before: Path, after: Path) -> int:
    """Compare the verdicts of two runs.

    BEFORE and AFTER are files that --json wrote.
    """
    return print_difference(before, after)


def print_list(*, as_json: bool = False) -> int:
    """Print every requirement: id, level, how it is checked, and its text."""
    checked, seen = {check.requirement_id for check in load_checks()}, get_client_requirement_ids()
    rows = read_requirements().values()
    if as_json:
        plain = [
            {
                "id": r.id,
                "level": r.level,
                "observable": r.observable,
                "checked": r.id in checked,
                "sides": get_sides(r.id, checked, seen),
                "text": r.text,
            }
            for r in rows
        ]
        print(json.dumps(plain, indent=1, ensure_ascii=False))
        return NOTHING_FAILED
    width = get_terminal_size().columns if sys.stdout.isatty() else None
    for row in rows:
        mark = row.observable if row.id in checked or row.observable in OTHER_SIDES else "-"
        sides = "+".join(get_sides(row.id, checked, seen)) or "-"
        line = f"{row.id:12}{row.level:8}{mark:10}{sides:15}{row.text}"
        print(line if width is None or len(line) <= width else f"{line[: width - 2]} …")
    return NOTHING_FAILED


def print_readings(*, as_json: bool = False) -> int:
    """Print every interpretation: its question, and the outcomes that are allowed."""
    rows = [read_reading(name) for name in read_readings()]
    if as_json:
        names = ("id", "question", "outcomes", "ours")
        plain = [{name: row[name] for name in names} for row in rows]
        print(json.dumps(plain, indent=1, ensure_ascii=False))
        return NOTHING_FAILED
    for row in rows:
        print(f"{row['id']}  {row['question']}")
        print_paragraph("allowed", "; ".join(row["outcomes"]))
    return NOTHING_FAILED


def get_sides(requirement_id: str, checked: set[str], seen: frozenset[str]) -> list[str]:
    """Return which sides a requirement is checked on: servers, clients, receivers."""
    binds = read_requirements()[requirement_id].binds
    sides = {
        "server": requirement_id in checked,
        "client": requirement_id in seen,
        "receiver": binds == "receiver",
    }
    return [side for side, applies in sides.items() if applies]


def print_requirement(requirement_id: str) -> int:
    """Print everything about a requirement or a reading; raise UsageError for an unknown id."""
    found = requirement_id.upper()
    if found.startswith("READ-"):
        print_reading(found)
        return NOTHING_FAILED
    row = read_requirement(found)
    checks = [check for check in load_checks() if check.requirement_id == found]
    method = (
        CHECK_METHODS[row["observable"]]
        if checks or row["observable"] in {*OTHER_SIDES, "never"}
        else "not checked"
    )
    print(f"{found}  {row['level']}")
    print_paragraph("", row["text"])
    print_paragraph("source", f"{row['source']} ({row['seen']})")
    print_paragraph("checked", method)
    sides = get_sides(
        found, {check.requirement_id for check in checks}, get_client_requirement_ids()
    )
    print_paragraph("of", " and ".join(f"the {side}" for side in sides))
    print_paragraph("why", row.get("why", ""))
    print_paragraph("level", row.get("reason", ""))
    wires = [wire for wire in WIRES if any(wire in check.wires for check in checks)]
    print_paragraph("formats", " and ".join(wires))
    features = {check.feature for check in checks} - {""}
    print_paragraph(
        "left out", " or ".join(f"by --without {feature}" for feature in sorted(features))
    )
    print_paragraph("sends", "; ".join(filter(None, describe_requests(checks))))
    print_cases([case for case in read_cases() if case.requirement_id == found])
    if "reading" in row:
        print_paragraph("reading", f"{row['reading']}: {read_reading(row['reading'])['question']}")
    for side in sides:
        print_paragraph("run", RUN_COMMANDS[side].format(found))
    return NOTHING_FAILED


def describe_requests(checks: Sequence[Check]) -> Iterator[str]:
    """Yield what some checks send, each group of requests once."""
    for group in dict.fromkeys(group for check in checks for group in sorted(check.needs)):
        yield GROUP_TEXTS[group]


def print_cases(cases: Sequence[Case]) -> None:
    """Print the edits of a requirement, and what they are made of."""
    for case in cases:
        name = "rejected" if case.rejected else "accepted"
        print_paragraph(name, show_plainly(describe_edit(case, case.path)))
    print_examples(cases)


def print_examples(cases: Sequence[Case]) -> None:
    """Print the smallest request that is accepted and the smallest one that is rejected."""
    accepted = [build_case_document(case, "alone").document for case in cases if not case.rejected]
    good = accepted or [build_unedited(case) for case in cases]
    bad = [build_case_document(case, "alone").document for case in cases if case.rejected]
    for name, documents in (("good", good), ("bad", bad)):
        texts = [json.dumps(document, ensure_ascii=False) for document in documents]
        if texts:
            text = min(texts, key=len)
            print_paragraph(name, text if len(text) <= MAX_EXAMPLE else f"{text[:MAX_EXAMPLE]} …")


def show_plainly(text: str) -> str:
    """Return words with values without the marks around these."""
    return text.replace(VALUE_START, "").replace(VALUE_END, "")


def print_reading(reading_id: str) -> None:
    """Print a question that the documentation does not answer."""
    row = read_reading(reading_id)
    print(f"{reading_id}  interpretation; every outcome is allowed")
    print_paragraph("", row["question"])
    for outcome in row["outcomes"]:
        print_paragraph("outcome", outcome)
    print_paragraph("ours", row["ours"])
    print_paragraph("why", row.get("why", ""))
    print_paragraph("source", row.get("source", ""))


def print_paragraph(name: str, text: str) -> None:
    """Print a named paragraph."""
    if text:
        lead = f"  {name:10}"
        width = max(NARROWEST, min(WIDTH, get_terminal_size().columns))
        print(
            textwrap.fill(
                text,
                width,
                initial_indent=lead,
                subsequent_indent=" " * len(lead),
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
