"""What there is to judge: the list of requirements, and all about one of them.

Lives here: the commands list and explain.
Never here: a run.
"""

import json
import sys
import textwrap
from shutil import get_terminal_size

from infobip_sms_conformance.client_run.coverage import find_judged
from infobip_sms_conformance.contract.files import (
    WIRES,
    read_cases,
    read_reading,
    read_requirement,
    read_requirements,
)
from infobip_sms_conformance.errors import NOTHING_FAILED
from infobip_sms_conformance.run.engine import read_ties

WIDTH, NARROWEST = 90, 40
HOW = {
    "exchange": "by one request and its reply",
    "session": "by several calls that build on each other",
    "push": "at a callback server that receives delivery reports",
    "time": "by waiting, or by moving the server's clock (--patience, --clock)",
    "client": "by what a client sends; it is no matter of the server",
    "never": "not visible from outside",
}


def print_list(*, as_json: bool = False) -> int:
    """Print every requirement: id, level, whether it is judged, and the rule."""
    checked, seen = {tie.number for tie in read_ties()}, find_judged()
    rows = read_requirements().values()
    if as_json:
        plain = [
            {
                "id": r.id,
                "level": r.level,
                "judged": r.judged,
                "checked": r.id in checked,
                "sides": find_sides(r.id, checked, seen),
                "text": r.text,
            }
            for r in rows
        ]
        print(json.dumps(plain, indent=1, ensure_ascii=False))
        return NOTHING_FAILED
    width = get_terminal_size().columns if sys.stdout.isatty() else None
    for row in rows:
        mark = row.judged if row.id in checked or row.judged == "client" else "-"
        sides = "+".join(find_sides(row.id, checked, seen)) or "-"
        line = f"{row.id:12}{row.level:8}{mark:10}{sides:15}{row.text}"
        print(line if width is None or len(line) <= width else f"{line[: width - 2]} …")
    return NOTHING_FAILED


def find_sides(number: str, checked: set[str], seen: frozenset[str]) -> list[str]:
    """Return whose conduct is held to a requirement: that of servers, of clients, or of both."""
    sides = {"server": number in checked, "client": number in seen}
    return [side for side, judged in sides.items() if judged]


def print_requirement(number: str) -> int:
    """Print all about a requirement or a reading; WrongUsage when there is none of that id."""
    found = number.upper()
    if found.startswith("READ-"):
        print_reading(found)
        return NOTHING_FAILED
    row = read_requirement(found)
    ties = [tie for tie in read_ties() if tie.number == found]
    judged = HOW[row["judged"]] if ties or row["judged"] in {"client", "never"} else "not judged"
    print(f"{found}  {row['level']}")
    show("", row["text"])
    show("source", f"{row['source']} ({row['seen']})")
    show("judged", judged)
    sides = find_sides(found, {tie.number for tie in ties}, find_judged())
    show("of", " and ".join(f"the {side}" for side in sides))
    show("why", row.get("why", ""))
    wires = [wire for wire in WIRES if any(wire in tie.wires for tie in ties)]
    show("formats", " and ".join(wires))
    features = {tie.feature for tie in ties} - {""}
    show("left out", " or ".join(f"by --without {feature}" for feature in sorted(features)))
    for case in read_cases():
        if case.requirement == found:
            show("refused" if case.refused else "accepted", str(case))
    if "reading" in row:
        show("reading", f"{row['reading']}: {read_reading(row['reading'])['question']}")
    if ties:
        show("run", f"infobip-sms conformance server URL --only {found}")
    if "client" in sides:
        show("run", "infobip-sms conformance client -- COMMAND")
    return NOTHING_FAILED


def print_reading(number: str) -> None:
    """Print a question that the documentation leaves open."""
    row = read_reading(number)
    print(f"{number}  open reading; every outcome is legal")
    show("", row["question"])
    for outcome in row["outcomes"]:
        show("outcome", outcome)
    show("ours", row["ours"])
    show("why", row.get("why", ""))
    show("source", row.get("source", ""))


def show(name: str, text: str) -> None:
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
