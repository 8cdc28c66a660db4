"""The one edit that makes a case out of a good example."""

import copy
import re
from typing import Any

from infobip_sms_conformance.contract.files import Case, read_example

STEP = re.compile(r"([A-Za-z]+)|\[(\d+)\]")


def parse_path(path: str) -> list[str | int]:
    """Split ``a[0].b`` into ``["a", 0, "b"]``."""
    return [name or int(index) for name, index in STEP.findall(path)]


def build_edited(case: Case) -> Any:
    """Return the example of a case with its edit applied."""
    return apply_edit(read_example(case.example), case.path, *case.edit)


def apply_edit(document: Any, path: str, kind: str, value: Any) -> Any:
    """Return a copy of the document with one field set, removed or set to a repeated text.

    Raises LookupError when the path does not lead to a place that is there: such a case would
    test nothing.
    """
    edited = copy.deepcopy(document)
    *way, last = parse_path(path)
    holder = edited
    for step in way:
        holder = holder[step]
    if kind == "remove":
        del holder[last]
    else:
        set_field(holder, last, value if kind == "set" else value[0] * value[1])
    return edited


def set_field(holder: Any, last: str | int, value: Any) -> None:
    """Put a value at a field that may be new, or at a list index that must be there."""
    if isinstance(last, int) and last >= len(holder):
        raise LookupError(f"no item {last} to edit")
    holder[last] = copy.deepcopy(value)
