"""What there is to check: the list of requirements, and all about one of them."""

import json
import sys
import textwrap
from shutil import get_terminal_size

from infobip_sms_conformance.client_run.coverage import get_client_requirement_ids
from infobip_sms_conformance.contract.files import (
    WIRES,
    read_cases,
    read_reading,
    read_requirement,
    read_requirements,
)
from infobip_sms_conformance.errors import NOTHING_FAILED
from infobip_sms_conformance.run.engine import load_checks

WIDTH, NARROWEST = 90, 40
CHECK_METHODS = {
    "exchange": "by one request and its response",
    "session": "by several calls that build on each other",
    "push": "at a callback server that receives delivery reports",
    "time": "by waiting, or by moving the server's clock (--patience, --clock)",
    "client": "by what a client sends; it is no matter of the server",
    "never": "not visible from outside",
}


def print_list(*, as_json: bool = False) -> int:
    """Print every requirement: id, level, whether it is checked, and the rule."""
    checked, seen = {tie.requirement_id for tie in load_checks()}, get_client_requirement_ids()
    rows = read_requirements().values()
    if as_json:
        plain = [
            {
                "id": r.id,
                "level": r.level,
                "judged": r.judged,
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
        mark = row.judged if row.id in checked or row.judged == "client" else "-"
        sides = "+".join(get_sides(row.id, checked, seen)) or "-"
        line = f"{row.id:12}{row.level:8}{mark:10}{sides:15}{row.text}"
        print(line if width is None or len(line) <= width else f"{line[: width - 2]} …")
    return NOTHING_FAILED


def get_sides(requirement_id: str, checked: set[str], seen: frozenset[str]) -> list[str]:
    """Return whose conduct is held to a requirement: that of servers, of clients, or of both."""
    sides = {"server": requirement_id in checked, "client": requirement_id in seen}
    return [side for side, judged in sides.items() if judged]


def print_requirement(requirement_id: str) -> int:
    """Print all about a requirement or a reading; WrongUsage when there is none of that id."""
    found = requirement_id.upper()
    if found.startswith("READ-"):
        print_reading(found)
        return NOTHING_FAILED
    row = read_requirement(found)
    ties = [tie for tie in load_checks() if tie.requirement_id == found]
    judged = (
        CHECK_METHODS[row["judged"]]
        if ties or row["judged"] in {"client", "never"}
        else "not checked"
    )
    print(f"{found}  {row['level']}")
    print_paragraph("", row["text"])
    print_paragraph("source", f"{row['source']} ({row['seen']})")
    print_paragraph("judged", judged)
    sides = get_sides(found, {tie.requirement_id for tie in ties}, get_client_requirement_ids())
    print_paragraph("of", " and ".join(f"the {side}" for side in sides))
    print_paragraph("why", row.get("why", ""))
    wires = [wire for wire in WIRES if any(wire in tie.wires for tie in ties)]
    print_paragraph("formats", " and ".join(wires))
    features = {tie.feature for tie in ties} - {""}
    print_paragraph(
        "left out", " or ".join(f"by --without {feature}" for feature in sorted(features))
    )
    for case in read_cases():
        if case.requirement_id == found:
            print_paragraph("rejected" if case.rejected else "accepted", str(case))
    if "reading" in row:
        print_paragraph("reading", f"{row['reading']}: {read_reading(row['reading'])['question']}")
    if ties:
        print_paragraph("run", f"infobip-sms conformance server URL --only {found}")
    if "client" in sides:
        print_paragraph("run", "infobip-sms conformance client -- COMMAND")
    return NOTHING_FAILED


def print_reading(reading_id: str) -> None:
    """Print a question that the documentation leaves open."""
    row = read_reading(reading_id)
    print(f"{reading_id}  open reading; every outcome is allowed")
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
