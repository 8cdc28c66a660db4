"""The documents in which an edit travels.

    alone      the minimal request with the edited member and nothing else: what a failure is shown as
    between    three messages, the edited one in the middle; an edited destination among three
    behind     likewise, the edited one last
    packed     all edits that are to be accepted, in as few messages as they fit into

A server that looks at the first or at the last one only is found by the second and third form, whatever
the rule is.

Lives here: where an edit stands in a document.
Never here: sending; which edits there are (cases.toml).
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from infobip_sms_conformance.data import Case, read_example, read_numbers
from infobip_sms_conformance.edits import apply_edit, parse_path

MINIMAL = "minimal-request"
MEMBER = 3
"""Steps to a member of a message: messages, which of them, the member."""
Place = Literal["alone", "between", "behind"]
POSITIONS: dict[Place, tuple[int, int]] = {"alone": (0, 1), "between": (1, 3), "behind": (2, 3)}


@dataclass(frozen=True)
class Placed:
    """A document with one edit, and the path at which the edit stands in it."""

    document: Any
    path: str


@dataclass(frozen=True)
class Packed:
    """A document with many edits; ``places`` has the cases of each of its messages."""

    document: Any
    places: tuple[tuple[Case, ...], ...]


def build_minimal() -> Any:
    """Return the smallest message of the examples."""
    return read_example(MINIMAL)["messages"][0]


def place(case: Case, where: Place) -> Placed:
    """Return the document of a case."""
    steps = parse_path(case.path)
    if is_outside(steps):
        return place_outside(case, steps)
    index, count = POSITIONS[where]
    message = edit_message(case, steps, index if steps[2] == "destinations" else 0)
    messages = [build_minimal() for _ in range(count)]
    messages[index] = message
    inner = place_destination(steps, index)
    return Placed({"messages": messages}, f"messages[{index}]{inner}")


def is_outside(steps: list[str | int]) -> bool:
    """Tell whether a path leads into no message: to their list, or beside it."""
    return steps[:1] != ["messages"] or len(steps) < MEMBER


def build_unedited(case: Case) -> Any:
    """Return the minimal request with the member of a case as its example has it."""
    steps, whole = parse_path(case.path), read_example(case.example)
    document = read_example(MINIMAL)
    if is_outside(steps):
        return {**document, str(steps[0]): whole.get(str(steps[0]), document.get(str(steps[0])))}
    member, message = str(steps[2]), whole["messages"][steps[1]]
    if member in message and member != "destinations":
        document["messages"][0][member] = copy.deepcopy(message[member])
        shorten_days(document["messages"][0][member], steps)
    return document


def place_outside(case: Case, steps: list[str | int]) -> Placed:
    """Return the document of an edit that is in no message."""
    document = read_example(MINIMAL)
    if steps[0] != "messages":
        whole = read_example(case.example)
        document = {**document, str(steps[0]): copy.deepcopy(whole.get(str(steps[0])))}
    return Placed(apply_edit(document, case.path, *case.edit), case.path)


def edit_message(case: Case, steps: list[str | int], at: int) -> Any:
    """Return the minimal message with one member of the case's example, edited.

    at: for an edited destination its position among three; 0 for the only one.
    """
    whole = read_example(case.example)["messages"][steps[1]]
    message = build_minimal()
    member = str(steps[2])
    if member == "destinations" and len(steps) > MEMBER:
        message[member] = [{"to": number} for number in read_numbers()[: 3 if at else 1]]
        steps = [*steps[:3], at, *steps[4:]]
    elif member in whole:
        message[member] = copy.deepcopy(whole[member])
        shorten_days(message[member], steps)
    return apply_edit(message, join_path(steps[2:]), *case.edit)


def shorten_days(member: Any, steps: list[str | int]) -> None:
    """Leave of a window no more than its edit needs: one day, or days without times."""
    if not isinstance(member, dict) or "days" not in member or len(steps) <= MEMBER:
        return
    if "days" in steps:
        for name in ("from", "to"):
            member.pop(name, None)
    else:
        del member["days"][1:]


def place_destination(steps: list[str | int], index: int) -> str:
    """Return the path of the edit within its message."""
    inner = steps[2:]
    if inner[0] == "destinations" and len(inner) > 1:
        inner = [inner[0], index, *inner[2:]]
    return f".{join_path(inner)}" if inner else ""


def join_path(steps: Sequence[str | int]) -> str:
    """Return ``a[0].b`` for ``["a", 0, "b"]``."""
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).removeprefix(".")


def pack(cases: Sequence[Case]) -> Packed:
    """Return one document with every edit; those of one member stand in messages of their own."""
    document: dict[str, Any] = {"messages": []}
    taken: list[set[str]] = []
    places: list[list[Case]] = []
    for case in cases:
        steps = parse_path(case.path)
        if steps[0] != "messages":
            document[str(steps[0])] = place_outside(case, steps).document[str(steps[0])]
            continue
        member = str(steps[2])
        index = next((n for n, names in enumerate(taken) if member not in names), len(taken))
        if index == len(taken):
            taken.append(set())
            places.append([])
            document["messages"].append(build_minimal())
        edited = edit_message(case, steps, 0)
        document["messages"][index].pop(member, None)
        if member in edited:
            document["messages"][index][member] = edited[member]
        taken[index].add(member)
        places[index].append(case)
    return Packed(document, tuple(map(tuple, places)))
